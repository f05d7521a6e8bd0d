/**
 * A host of WASI 0.2 for build/component's `sockets`, in Node and in virtual time: frames go to a peer that answers at
 * once, and when nothing is ready, time passes until something is.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { transpileBytes } from "@bytecodealliance/jco-transpile";
import { sockets } from "../../tools/component.js";

export type Place =
  | { tag: "ipv4"; val: { port: number; address: number[] } }
  | { tag: "ipv6"; val: { port: number; flowInfo: number; address: number[]; scopeId: number } };
export type Ip = { tag: "ipv4" | "ipv6"; val: number[] };
interface Dropped { [Symbol.dispose](): void }
export interface Pollable extends Dropped { ready(): boolean; block(): void }
interface Options {
  addressFamily(): string;
  localAddress(): Place;
  remoteAddress(): Place;
  subscribe(): Pollable;
}
export interface UdpSocket extends Dropped, Options {
  startBind(network: object, local: Place): void;
  finishBind(): void;
  stream(remote?: Place): [Incoming, Outgoing];
  unicastHopLimit(): number;
  setUnicastHopLimit(value: number): void;
  receiveBufferSize(): bigint;
  setReceiveBufferSize(value: bigint): void;
  setSendBufferSize(value: bigint): void;
}
export interface Incoming extends Dropped {
  receive(max: bigint): { data: Uint8Array; remoteAddress: Place }[];
  subscribe(): Pollable;
}
export interface Outgoing extends Dropped {
  checkSend(): bigint;
  send(datagrams: { data: Uint8Array; remoteAddress?: Place }[]): bigint;
  subscribe(): Pollable;
}
export interface Lookup extends Dropped {
  resolveNextAddress(): Ip | undefined;
  subscribe(): Pollable;
}
export interface TcpSocket extends Dropped, Options {
  startBind(network: object, local: Place): void;
  finishBind(): void;
  startConnect(network: object, remote: Place): void;
  finishConnect(): [Input, Output];
  startListen(): void;
  finishListen(): void;
  accept(): [TcpSocket, Input, Output];
}
export interface Input extends Dropped {
  read(most: bigint): Uint8Array;
  subscribe(): Pollable;
}
export interface Output extends Dropped {
  checkWrite(): bigint;
  write(data: Uint8Array): void;
  blockingWriteAndFlush(data: Uint8Array): void;
}
export interface Wasi {
  tcpCreateSocket: { createTcpSocket(family: string): TcpSocket };
  instanceNetwork: { instanceNetwork(): object };
  udpCreateSocket: { createUdpSocket(family: string): UdpSocket };
  ipNameLookup: { resolveAddresses(network: object, name: string): Lookup };
  ending: { finish(): void };
}
/** What answers a frame. */
export type Peer = (frame: Uint8Array) => Uint8Array[];

type Make = (module: WebAssembly.Module, imports: WebAssembly.Imports) => Promise<WebAssembly.Instance>;

/** Makes the component for Node, in `dir`; returns what makes instances of it, and adds their memories to a list. */
export async function wasiSockets(
  dir: string,
): Promise<(imports: object, memories?: WebAssembly.Memory[]) => Promise<Wasi>> {
  const { files } = await transpileBytes(await sockets(join(dir, "sockets.wasm")), {
    name: "sockets", instantiation: { tag: "async" }, nodejsCompat: true,
  } as never);
  for (const [name, data] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, name)), { recursive: true });
    writeFileSync(join(dir, name), data);
  }
  const { instantiate } = (await import(pathToFileURL(join(dir, "sockets.js")).href)) as {
    instantiate(core: (path: string) => Promise<WebAssembly.Module>, imports: object, make: Make): Promise<Wasi>;
  };
  return (imports, memories = []) => {
    const make: Make = async (module, core) => {
      const instance = await WebAssembly.instantiate(module, core);
      memories.push(...Object.values(instance.exports).filter((e) => e instanceof WebAssembly.Memory));
      return instance;
    };
    return instantiate((path) => WebAssembly.compile(readFileSync(join(dir, path))), imports, make);
  };
}

class Readiness {
  constructor(readonly ready: () => boolean, readonly at?: bigint) {}
  block(): void {
    throw new Error("the component waits by poll alone");
  }
}
class Unused {}

/** Standard input and output are the link, standard error is kept. */
export class WasiHost {
  /** Nanoseconds. */
  now = 1_000_000_000n;
  /** All frames of the component's. */
  readonly frames: Uint8Array[] = [];
  said = "";
  /** The link is gone. */
  isCut = false;
  /** What comes whenever nothing else is there to be read. */
  endless?: Uint8Array;
  readonly memories: WebAssembly.Memory[] = [];
  #input: number[] = [];
  #pollsLeft = 100_000;
  #endlessLeft = 10_000;
  #seed = 1n;

  constructor(readonly environment: Record<string, string>, public peer: Peer) {}

  /** Hands the component a frame. */
  frame(bytes: Uint8Array): void {
    this.#input.push(...new Uint8Array(Uint32Array.of(bytes.length).buffer).reverse(), ...bytes);
  }

  #output(bytes: Uint8Array): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let at = 0; at < bytes.length; at += 4 + view.getUint32(at)) {
      const frame = bytes.slice(at + 4, at + 4 + view.getUint32(at));
      this.frames.push(frame);
      for (const answer of this.peer(frame)) this.frame(answer);
    }
  }

  /** Time passes until the first timer is due, if nothing is ready. */
  #poll(all: Readiness[]): Uint32Array {
    if (this.#pollsLeft-- === 0) throw new Error("it polls without end");
    const ready = (): number[] => all.flatMap((p, i) => p.ready() ? [i] : []);
    if (ready().length === 0) {
      const timers = all.flatMap((p) => p.at ?? []);
      if (timers.length === 0) throw new Error("it waits for ever");
      this.now = timers.reduce((a, b) => a < b ? a : b);
    }
    return Uint32Array.from(ready());
  }

  imports(): object {
    const { environment } = this, timer = (at: bigint): Readiness => new Readiness(() => this.now >= at, at);
    const read = (most: bigint): Uint8Array => {
      if (this.isCut) throw Object.assign(new Error("closed"), { payload: { tag: "closed" } });
      if (this.endless && this.#input.length === 0) {
        if (this.#endlessLeft-- === 0) throw new Error("it reads without end");
        this.frame(this.endless);
      }
      return Uint8Array.from(this.#input.splice(0, Number(most)));
    };
    const input = new Readiness(() => this.#input.length > 0 || this.isCut);
    class InputStream {
      read = read;
      subscribe = (): Readiness => input;
    }
    class OutputStream {
      constructor(readonly blockingWriteAndFlush: (bytes: Uint8Array) => void) {}
    }
    const output = new OutputStream((bytes) => this.#output(bytes));
    const error = new OutputStream((bytes) => void (this.said += new TextDecoder().decode(bytes)));
    return {
      "wasi:cli/environment": { getEnvironment: () => Object.entries(environment) },
      "wasi:cli/exit": { exit: () => undefined },
      "wasi:cli/stdin": { getStdin: () => new InputStream() },
      "wasi:cli/stdout": { getStdout: () => output },
      "wasi:cli/stderr": { getStderr: () => error },
      "wasi:clocks/monotonic-clock": {
        now: () => this.now, resolution: () => 1n, subscribeInstant: timer,
        subscribeDuration: (ns: bigint) => timer(this.now + ns),
      },
      "wasi:filesystem/preopens": { getDirectories: () => [] },
      "wasi:filesystem/types": {
        Descriptor: Unused, DirectoryEntryStream: Unused, filesystemErrorCode: () => undefined,
      },
      "wasi:io/error": { Error: Unused },
      "wasi:io/poll": { Pollable: Readiness, poll: (all: Readiness[]) => this.#poll(all) },
      "wasi:io/streams": { InputStream, OutputStream },
      // Any generator does: what is random about the component is tested elsewhere.
      "wasi:random/random": {
        getRandomU64: () => this.#seed = this.#seed * 6364136223846793005n + 1442695040888963407n & 0xffffffffffffffffn,
      },
    };
  }
}
