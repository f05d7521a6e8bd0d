/** One of the two ends of an exploration: the real module, whose memory is hashed, kept and put back. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseIp } from "../../host/address.js";
import { TCP_INFO } from "../../host/module/layout.js";
import { StackModule, type Exports, type StateName } from "../../host/stack.js";
import { owned } from "../../tools/ownership.mjs";
import { MAC_PEER } from "../harness/codec.js";
import { entropyOf } from "../harness/entropy.js";
import { ip6, routerAdvertisement } from "../harness/codec6.js";
import { StackModule6, WIDER } from "../harness/family6.js";
import { MODULE, OWNED } from "../harness/module.js";
import { succeeded } from "../harness/programs.js";
import { type Scenario } from "./scenario.js";

export const CLIENT = 0, SERVER = 1;
export const IPS = [parseIp("10.0.0.1"), parseIp("10.0.0.2")] as const;
export const MACS = [[2, 0, 10, 0, 0, 1], MAC_PEER] as const;
export const PORTS = [40000, 80] as const;
/** Pages of each side's memory: the stack; a copy of it as it was at the beginning; room for what is handed over. */
const PAGES = 12, BASE = 6 * 65536, SCRATCH = 10 * 65536;

/** Links: one that carries what the scenarios send; the least of IPv6 (RFC 8200 §5). */
const MTU = 128, LEAST_MTU6 = 1280;
const ROUTER = ip6("fe80::1");

interface ExploreExports extends Exports {
  canonical(dst: number): number;
  hashBytes(at: number, size: number): bigint;
  diff(base: number, words: number, dst: number): number;
  patch(base: number, words: number, from: number, pairs: number): void;
}

/** Compiles the stack with its canonical form, as STINT_MODULE has it. */
export function exploreModule(): WebAssembly.Module {
  const dir = mkdtempSync(join(tmpdir(), "stint-explore-")), out = join(dir, "explore.wasm");
  if (OWNED) owned(out, "tests/ownership/assembly/explore.ts");
  else succeeded("node_modules/.bin/asc", ["tests/explore/assembly/module.ts", "--target", MODULE, "--outFile", out]);
  const module = new WebAssembly.Module(readFileSync(out));
  rmSync(dir, { recursive: true });
  return module;
}

/** The n-th byte that a side sends. */
export function byteOf(side: number, n: number): number {
  return (side === CLIENT ? 0x43 : 0x53) ^ (n * 29);
}

export class Side {
  readonly stack: StackModule;
  readonly x: ExploreExports;
  readonly u8: Uint8Array;
  readonly u32: Uint32Array;
  readonly words: number;
  readonly scratch = SCRATCH;
  /** Whether something has happened since a state was loaded; that state's memory, and its hash. */
  dirty = true;
  #loaded: Uint32Array | undefined;
  #hash: bigint | undefined;
  #view: DataView;

  constructor(module: WebAssembly.Module, readonly index: number, scenario: Scenario) {
    const { cookies = 0, timestamps = false, policy = {}, family = 4 } = scenario;
    const Stack = family === 6 ? StackModule6 : StackModule, mtu = family === 6 ? LEAST_MTU6 - WIDER : MTU;
    this.stack = new Stack(module, {
      ip: `10.0.0.${index + 1}/24`, entropy: entropyOf(index + 1), connsMax: 2, halfOpenMax: 2, timeWaitMax: 2,
      listenersMax: 1, sendRing: 64, recvRing: 64, rangesMax: 4, rxSlots: 4, txSlots: 4, loopSlots: 0, reassemblyMax: 0,
      reassemblyBytes: 0, neighboursMax: 4, udpMax: 0, udpRing: 0, prefixBuckets: 0, mtu, cookies,
      neighbourMs: 0x7000000, delayedAckMs: 0, synAckRetries: 2, userTimeoutMs: 10_000, synTimeoutMs: 8000,
      timeWaitMs: 2000, halfOpenMs: 10_000, finWait2Ms: 5000,
      policy: { announce: false, timestamps, sack: false, windowScaling: false, ...policy },
    });
    // A host that knows a router asks for none (RFC 7559 §2), which would be a timer that never ends.
    if (family === 6) this.stack.pushFrame(routerAdvertisement(ROUTER, [], { lifetime: 65_535 }));
    this.x = this.stack.exports as ExploreExports;
    const have = this.x.memory.buffer.byteLength / 65536;
    if (have < PAGES) this.x.memory.grow(PAGES - have);
    this.stack.refreshViews();
    this.u8 = new Uint8Array(this.x.memory.buffer);
    this.u32 = new Uint32Array(this.x.memory.buffer);
    this.#view = new DataView(this.x.memory.buffer);
    // Whole vectors.
    this.words = Math.ceil((this.x.controlBlock() + this.stack.arenaBytes) / 16) * 4;
    if (this.words * 4 > SCRATCH - BASE || this.words * 4 > BASE) throw new Error("the stack is larger than its place");
  }

  /** The state now is what others are told by how they differ from it. */
  begin(): void {
    this.u8.copyWithin(BASE, 0, this.words * 4);
  }

  hash(): bigint {
    if (!this.dirty && this.#hash !== undefined) return this.#hash;
    const hash = this.x.hashBytes(this.scratch, this.x.canonical(this.scratch));
    if (!this.dirty) this.#hash = hash;
    return hash;
  }

  /** Copies the connection's variables, for `field`. */
  look(handle: number): boolean {
    return this.x.tcp_info(handle, this.scratch) === 0;
  }

  field(name: "iss" | "irs"): number {
    return this.#view.getUint32(this.scratch + TCP_INFO[name].at, true);
  }

  state(): StateName {
    const other = 1 - this.index;
    return this.stack.flowState(IPS[this.index]!, PORTS[this.index]!, IPS[other]!, PORTS[other]!);
  }

  /** What differs from the state at the beginning: pairs of a word's place and its value. */
  save(): Uint32Array {
    if (!this.dirty && this.#loaded !== undefined) return this.#loaded;
    const pairs = this.x.diff(BASE, this.words, this.scratch), at = this.scratch / 4;
    return this.u32.slice(at, at + 2 * pairs);
  }

  load(delta: Uint32Array): void {
    if (!this.dirty && this.#loaded === delta) return;
    this.u32.set(delta, this.scratch / 4);
    this.x.patch(BASE, this.words, this.scratch, delta.length / 2);
    this.dirty = false;
    this.#loaded = delta;
    this.#hash = undefined;
  }
}
