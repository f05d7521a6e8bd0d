/**
 * One stack and a scripted peer, in virtual time: the test writes the peer's segments byte by byte and looks at every
 * frame that comes back. Sequence numbers are relative: ours to the peer's ISN, the stack's to its own, which is
 * learned from its SYN.
 */
import assert from "node:assert/strict";
import { it } from "node:test";
import { EVENT, type StackModule } from "../../host/stack.js";
import type { StackOptions } from "../../host/config.js";
import { arp, icmp, ip4, MAC_PEER, MAC_STACK, tcp, type Ip, type Seen, type Tcp } from "./codec.js";
import { entropyOf } from "./entropy.js";
import { MODULE } from "./module.js";
import { FAMILY6, Polled } from "./polled.js";

export const STACK = ip4("10.0.0.1"), PEER = ip4("10.0.0.2");
export const STACK_PORT = 8080, PEER_PORT = 40000;
/** The peer's ISN, near the end of the space, so that everything wraps. */
const PEER_ISN = 0xfffffff0;

/**
 * Small builds (STINT_MODULE=stint, stint.mvp or stint.owned.small) leave parts out (assembly/features.ts); what
 * tests them is not registered there.
 */
export const SMALL = ["stint", "stint.mvp", "stint.owned.small"].includes(MODULE);
/** Those with both families. */
const SMALL6 = ["stint6", "stint.owned.dual"].includes(MODULE);

/** A test of what small builds with both families leave out, too. */
export const itFast = (name: string, test: () => void): void => {
  if (!SMALL6) void it(name, test);
};

/** A test of what only IPv4 has, which is not registered where the tests are done over IPv6 (STINT_FAMILY=6). */
export const it4 = (name: string, test: () => void): void => {
  if (!FAMILY6) void it(name, test);
};

export type BenchOptions = Partial<StackOptions>;

export class Bench extends Polled {
  /** All frames of TCP that ever came. */
  all: Seen[] = [];
  stackIsn = 0;
  peerIsn = PEER_ISN;
  handle = 0;
  listener = 0;
  sport = PEER_PORT;
  dport = STACK_PORT;
  /** The peer answers for its address, and these. */
  answersArp = true;
  others: number[] = [];

  constructor(options: BenchOptions = {}) {
    super(Polled.stack({
      // The RFC's bounds, and its algorithms; what goes beyond them is switched on by the tests that are for it.
      ip: "10.0.0.1/24", rtoMinMs: 1000, entropy: entropyOf(1), connsMax: 8, halfOpenMax: 8, timeWaitMax: 8,
      ...options,
      policy: {
        announce: false, timestamps: false, sack: false, windowScaling: false, rack: false, quickAcks: false,
        ...options.policy,
      },
    }));
    this.poll();
    // The peer makes itself known, so that no test has to wait for ARP.
    this.frame(arp(1, { mac: MAC_PEER, ip: PEER }, { mac: [0, 0, 0, 0, 0, 0], ip: STACK }));
    this.out = [];
  }

  protected override take(seen: Seen): Uint8Array | undefined {
    const isOurs = seen.kind === "arp" && (seen.ip.dst === PEER || this.others.includes(seen.ip.dst));
    if (this.answersArp && isOurs && seen.op === 1) {
      return arp(2, { mac: MAC_PEER, ip: seen.ip.dst }, { mac: MAC_STACK, ip: STACK }, MAC_STACK);
    }
    if (seen.kind === "tcp") {
      this.all.push(seen);
      if (seen.flags.includes("S")) this.stackIsn = seen.seq;
    }
    return super.take(seen);
  }

  /** A segment from the peer, with relative numbers; a SYN's SEQ is 0. */
  make(t: Tcp, ip: Partial<Ip> = {}): Uint8Array {
    return tcp({ src: PEER, dst: STACK, ...ip }, {
      sport: this.sport, dport: this.dport, ...t, seq: (this.peerIsn + t.seq) >>> 0,
      ack: t.ack === undefined ? 0 : (this.stackIsn + t.ack) >>> 0,
    });
  }

  send(t: Tcp, ip: Partial<Ip> = {}): void {
    this.frame(this.make(t, ip));
  }

  /** The next TCP segment; fails when there is none. */
  next(what = "a segment"): Seen {
    const i = this.out.findIndex((s) => s.kind === "tcp");
    assert.ok(i >= 0, `${what} was expected, nothing came`);
    const [seen] = this.out.splice(0, i + 1).slice(-1);
    assert.ok(seen!.sumOk && seen!.ip.sumOk, "the checksums are right");
    return seen!;
  }

  /** The next segment must have these flags, and these relative numbers. */
  expect(flags: string, want: { seq?: number; ack?: number; len?: number; win?: number } = {}): Seen {
    const s = this.next(flags);
    const got = {
      flags: s.flags, seq: (s.seq - this.stackIsn) >>> 0, ack: (s.ack - this.peerIsn) >>> 0, len: s.data.length,
      win: s.win,
    };
    const full = { flags, ...want };
    assert.deepEqual(Object.fromEntries(Object.keys(full).map((k) => [k, got[k as keyof typeof got]])), full);
    return s;
  }

  /** A RST's numbers are absolute. */
  expectReset(want: { seq?: number; ack?: number } = {}): Seen {
    const s = this.next("RST");
    assert.ok(s.flags.includes("R"), `a RST was expected, ${s.flags} came`);
    for (const [k, v] of Object.entries(want)) assert.equal(s[k as "seq" | "ack"], v >>> 0, k);
    return s;
  }

  silent(what = "nothing"): void {
    assert.deepEqual(
      this.out.filter((s) => s.kind === "tcp").map((s) => `${s.flags} len ${s.data.length}`), [],
      `${what} was expected`,
    );
  }

  /** Forgets what has come. */
  clear(): this {
    this.out = [];
    return this;
  }

  /** Passive open: LISTEN, handshake, whose round trip takes `rttMs`, accept. */
  accepted(syn: Partial<Tcp> = {}, ack: Partial<Tcp> = {}, rttMs = 0): this {
    this.listener ||= this.stack.listen(STACK_PORT, 8);
    this.send({ flags: "S", seq: 0, opts: [2, 4, 5, 180], ...syn });
    this.expect("SA", { ack: 1 });
    if (rttMs > 0) this.advance(rttMs);
    this.send({ flags: "A", seq: 1, ack: 1, ...ack });
    this.handle = this.stack.accept(this.listener);
    assert.ok(this.handle > 0, "a connection to accept");
    return this.clear();
  }

  /** Active open from the stack. */
  connecting(): this {
    this.dport = 50000;
    this.handle = this.stack.connect(PEER, PEER_PORT, this.dport);
    this.poll();
    this.expect("S", { seq: 0 });
    return this;
  }

  connected(synAck: Partial<Tcp> = {}): this {
    this.connecting();
    this.send({ flags: "SA", seq: 0, ack: 1, opts: [2, 4, 5, 180], ...synAck });
    this.expect("A", { seq: 1, ack: 1 });
    return this.clear();
  }

  write(data: Uint8Array | number): number {
    const n = this.stack.send(this.handle, typeof data === "number" ? pattern(data) : data);
    this.poll();
    return n;
  }

  read(limit = Infinity): Uint8Array | null {
    const data = this.stack.receive(this.handle, limit);
    this.poll();
    return data;
  }

  get state(): string {
    return this.stack.flowState(STACK, this.dport, PEER, this.sport);
  }

  get info(): ReturnType<StackModule["info"]> {
    return this.stack.info(this.handle);
  }

  count(name: keyof ReturnType<StackModule["counters"]>): number {
    return this.stack.counters()[name];
  }

  had(event: keyof typeof EVENT, handle = this.handle): boolean {
    return ((this.events.get(handle) ?? 0) & EVENT[event]) !== 0;
  }

  /** What `call` throws, by its code. */
  code(call: () => unknown): string {
    try {
      call();
    } catch (e) {
      return (e as { code: string }).code;
    }
    return "OK";
  }
}

/** Bytes that say where they belong. */
export function pattern(size: number, from = 0): Uint8Array {
  return Uint8Array.from({ length: size }, (_, i) => ((from + i) * 7 + ((from + i) >> 8)) & 255);
}

export const MSS = 1460;

/** An ICMP error about the stack's own segment. */
export function about(
  b: Bench, s: Seen, type: number, code: number, rest = 0, edit: (quoted: Uint8Array) => void = () => {},
): void {
  const quoted = s.raw.slice(14, 14 + 28);
  edit(quoted);
  b.frame(icmp({ src: ip4("10.0.0.254"), dst: STACK }, type, code, rest, quoted));
}
