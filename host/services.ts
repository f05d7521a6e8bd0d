/** The services that are compiled together with the stack (assembly/services/), with files from a folder. */
import { closeSync, fstatSync, openSync, readSync, realpathSync } from "node:fs";
import { join, sep } from "node:path";
import { StintError } from "./errors.js";
import type { StackOptions } from "./config.js";
import { loadModule } from "./module.js";
import { StackModule, type Exports } from "./stack.js";

export const SERVICES = { echo: 1, discard: 2, chargen: 3, http: 4 } as const;
export type ServiceName = keyof typeof SERVICES;

/** What build/stint-app.wasm exports beyond the stack. */
interface AppExports extends Exports {
  servicesBytes(connections: number): number;
  serviceStart(service: number, port: number, backlog: number): number;
  servicesStop(): void;
  servicesRun(): number;
  serviceRequest(): number;
  serviceAnswer(result: bigint): void;
}

/** Where the fields of a request lie (assembly/services/app.ts). */
const REQUEST = { want: 0, path: 8, pathSize: 12, data: 16, size: 20, offset: 24 } as const;
const WANT_LENGTH = 1;
/** Requests that are answered before frames have their turn. */
const REQUESTS_MAX = 64;

/** The files below a folder, by path; the last few stay open. */
class Folder {
  #root: string;
  #open = new Map<string, { fd: number; size: number }>();
  static readonly OPEN_MAX = 64;

  constructor(root: string) {
    this.#root = realpathSync(root);
  }

  /** An open regular file; undefined: there is none at the path, or it lies outside the folder. */
  find(path: string): { fd: number; size: number } | undefined {
    const known = this.#open.get(path);
    if (known) return known;
    try {
      const real = realpathSync(join(this.#root, path.endsWith("/") ? `${path}index.html` : path));
      if (!real.startsWith(this.#root.endsWith(sep) ? this.#root : this.#root + sep)) return undefined;
      const fd = openSync(real, "r");
      const stat = fstatSync(fd);
      if (!stat.isFile()) {
        closeSync(fd);
        return undefined;
      }
      if (this.#open.size >= Folder.OPEN_MAX) {
        const [oldest, { fd: old }] = this.#open.entries().next().value!;
        closeSync(old);
        this.#open.delete(oldest);
      }
      const file = { fd, size: stat.size };
      this.#open.set(path, file);
      return file;
    } catch {
      return undefined;
    }
  }
}

/** A stack with services inside it. */
export class ServiceStack extends StackModule {
  #app: AppExports;
  #folder: Folder | undefined;

  constructor(options: StackOptions, ports: Partial<Record<ServiceName, number>>, root: string | undefined) {
    const module = loadModule("stint-app");
    // A block for each connection, behind the stack's own tables.
    const sizing = new WebAssembly.Instance(module).exports as unknown as AppExports;
    super(module, { ...options, appBytes: sizing.servicesBytes(options.connsMax ?? 64) });
    this.#app = this.exports as AppExports;
    if (root !== undefined) this.#folder = new Folder(root);
    for (const [name, port] of Object.entries(ports)) {
      const result = this.#app.serviceStart(SERVICES[name as ServiceName], port, 256);
      if (result < 0) throw new StintError(result, `cannot start ${name} on port ${port}`);
    }
  }

  /** To be called after each poll. Returns whether another poll may have something to send. */
  run(): boolean {
    let did = this.#app.servicesRun() !== 0;
    for (let n = 0; n < REQUESTS_MAX; n++) {
      const at = this.#app.serviceRequest();
      if (at === 0) break;
      this.#app.serviceAnswer(BigInt(this.#answer(at)));
      did = true;
    }
    return did;
  }

  #answer(at: number): number {
    const { memory } = this;
    const view = new DataView(memory.buffer, at, 32);
    const u32 = (offset: number): number => view.getUint32(offset, true);
    const path = Buffer.from(memory.buffer, u32(REQUEST.path), u32(REQUEST.pathSize)).toString("utf8");
    const file = this.#folder?.find(path);
    if (!file) return -1;
    if (u32(REQUEST.want) === WANT_LENGTH) return file.size;
    return readSync(file.fd, memory, u32(REQUEST.data), u32(REQUEST.size), Number(view.getBigUint64(REQUEST.offset, true)));
  }

  /** Stops listening and closes every connection in order. */
  stop(): void {
    this.#app.servicesStop();
    this.onWork();
  }
}
