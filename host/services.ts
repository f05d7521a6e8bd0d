/** The services that are compiled together with the stack (assembly/services/), with files from a folder. */
import { StintError } from "./errors.js";
import type { StackOptions } from "./config.js";
import { Dhcp6Stack } from "./dhcp6.js";
import { Folder, NOT_FOUND } from "./folder.js";
import { loadModule } from "./module.js";
import { REQUEST, REQUEST_SIZE, SERVICES, WANT } from "./module/layout.js";
import type { Exports, TcpInfo } from "./stack.js";

export { SERVICES };
/** A service that the module has inside (docs/services.md). */
export type ServiceName = keyof typeof SERVICES;

/** What build/stint-app.wasm exports beyond the stack. */
interface AppExports extends Exports {
  servicesBytes(connections: number): number;
  serviceStart(service: number, port: number, backlog: number): number;
  servicesStop(): void;
  servicesLeft(): number;
  servicesCut(): number;
  servicesIdle(seconds: number): void;
  servicesRun(): number;
  servicesWait(waitUs: number): number;
  serviceRequest(): number;
  serviceAnswer(result: bigint): void;
  serviceConnection(i: number): number;
}

/** Requests that are answered before frames have their turn. */
const REQUESTS_MAX = 64;

/** Places of connections that are looked at, to tell of some. The lowest are taken first. */
const LOOKED_AT_MAX = 4096;

/** A stack with services inside it. */
export class ServiceStack extends Dhcp6Stack {
  #app: AppExports;
  #folder: Folder | undefined;

  constructor(
    options: StackOptions, ports: Partial<Record<ServiceName, number>>, root: string | undefined, idleS?: number,
    module = loadModule("stint-app"),
  ) {
    // A block for each connection, behind the stack's own tables.
    const sizing = new WebAssembly.Instance(module).exports as unknown as AppExports;
    super(module, { ...options, appBytes: sizing.servicesBytes(options.connsMax ?? 64) });
    this.#app = this.exports as AppExports;
    if (root !== undefined) this.#folder = new Folder(root);
    if (idleS !== undefined) this.#app.servicesIdle(idleS);
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

  /** Idle connections have deadlines of their own. */
  override poll(nowUs: number): number {
    const waitUs = super.poll(nowUs);
    return this.#app ? this.#app.servicesWait(waitUs) : waitUs;
  }

  #answer(at: number): number {
    const { memory } = this;
    const view = new DataView(memory.buffer, at, REQUEST_SIZE);
    const u32 = (offset: number): number => view.getUint32(offset, true);
    const path = Buffer.from(memory.buffer, u32(REQUEST.path), u32(REQUEST.pathSize)).toString("utf8");
    const size = u32(REQUEST.size);
    if (this.#folder === undefined) return NOT_FOUND;
    if (u32(REQUEST.want) === WANT.LENGTH) {
      const found = this.#folder.find(path, { pieces: size !== 0 });
      if (typeof found === "number") return found;
      view.setBigUint64(REQUEST.tag, found.tag, true);
      return found.size;
    }
    const to = new Uint8Array(memory.buffer, u32(REQUEST.data), size);
    const offset = Number(view.getBigUint64(REQUEST.offset, true));
    return this.#folder.read(path, view.getBigUint64(REQUEST.tag, true), to, offset);
  }

  /** Connections of its services, `most` at most. */
  connections(most: number): TcpInfo[] {
    const found: TcpInfo[] = [];
    for (let i = 0, n = Math.min(this.numbers.connsMax, LOOKED_AT_MAX); i < n && found.length < most; i++) {
      const handle = this.#app.serviceConnection(i);
      try {
        if (handle !== 0) found.push(this.info(handle));
      } catch {
        // It is over, and its service has not yet heard of it.
      }
    }
    return found;
  }

  /** Stops listening and closes every connection in order: those that are being answered when they are. */
  stop(): void {
    this.#app.servicesStop();
    this.onWork();
  }

  /** Connections with something left that the peer has not acknowledged. */
  left(): number {
    return this.#app.servicesLeft();
  }

  /** Resets what is left. Returns how many connections lost something since `stop`. */
  cut(): number {
    const cut = this.#app.servicesCut();
    this.onWork();
    return cut;
  }
}
