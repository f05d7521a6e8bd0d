/**
 * Multicast DNS for tests: messages, written from RFC 1035 and RFC 6762 alone and apart from the stack's own code; and
 * a stack on a link whose multicast frames the test sees and sends.
 */
import assert from "node:assert/strict";
import type { StackOptions } from "../../host/config.js";
import { arp, be, ip4, ipv4, MAC_PEER, udp, type Seen } from "./codec.js";
import { advertisement, ip6, macOf, nd, routerAdvertisement, see6, udp6 } from "./codec6.js";
import { labels, record } from "./dns.js";
import { entropyOf } from "./entropy.js";
import { Polled } from "./polled.js";

export const PTR = 12, TXT = 16, NSEC = 47, ANY = 255, IN = 1, FLUSH = 0x8000, QU = 0x8000, TTL = 120;
export const GROUP = ip4("224.0.0.251"), GROUP6 = ip6("ff02::fb"), PORT = 5353;
export const GROUP_MAC = [1, 0, 0x5e, 0, 0, 0xfb], STACK = ip4("10.0.0.1"), PEER = ip4("10.0.0.2");

interface Question {
  name: string;
  type: number;
  cls?: number;
}

export interface Rr {
  name: string;
  type: number;
  cls: number;
  ttl: number;
  data: number[];
}

interface Message {
  id: number;
  flags: number;
  questions: Required<Question>[];
  answers: Rr[];
  authorities: Rr[];
  additionals: Rr[];
}

interface Parts {
  id?: number;
  flags?: number;
  questions?: Question[];
  /** Records as bytes. */
  answers?: number[][];
  authorities?: number[][];
  additionals?: number[][];
  counts?: number[];
}

/** A message with these parts. */
export function message(parts: Parts): Uint8Array {
  const { id = 0, flags = 0, questions = [], answers = [], authorities = [], additionals = [], counts } = parts;
  const all = counts ?? [questions.length, answers.length, authorities.length, additionals.length];
  return Uint8Array.from([
    ...be(2, id), ...be(2, flags), ...all.flatMap((n) => be(2, n)),
    ...questions.flatMap((q) => [...labels(q.name), ...be(2, q.type), ...be(2, q.cls ?? IN)]),
    ...answers.flat(), ...authorities.flat(), ...additionals.flat(),
  ]);
}

/** The name at `at`, whose pointers lead backwards; and where it ends. */
function readName(data: Uint8Array, at: number): [string, number] {
  const parts: string[] = [];
  let end = 0;
  for (let jumps = 0; data[at] !== 0;) {
    assert.ok(at < data.length && jumps < 10, "a name that ends");
    if (data[at]! >= 0xc0) {
      end ||= at + 2;
      const to = ((data[at]! & 63) << 8) | data[at + 1]!;
      assert.ok(to < at, "a pointer leads back");
      at = to;
      jumps++;
      continue;
    }
    parts.push(String.fromCharCode(...data.slice(at + 1, at + 1 + data[at]!)));
    at += 1 + data[at]!;
  }
  return [parts.join("."), end || at + 1];
}

/** A message taken apart, to its last byte. Names in the data of PTR and NSEC records are written out. */
function read(data: Uint8Array): Message {
  const v = new DataView(data.buffer, data.byteOffset, data.length), counts = [4, 6, 8, 10].map((i) => v.getUint16(i));
  let at = 12;
  const questions = Array.from({ length: counts[0]! }, () => {
    const [name, end] = readName(data, at);
    at = end + 4;
    return { name, type: v.getUint16(end), cls: v.getUint16(end + 2) };
  });
  const records = (n: number): Rr[] =>
    Array.from({ length: n }, () => {
      const [name, end] = readName(data, at), type = v.getUint16(end), size = v.getUint16(end + 8), from = end + 10;
      at = from + size;
      assert.ok(at <= data.length);
      const [inner, after] = type === PTR || type === NSEC ? readName(data, from) : ["", from];
      const written = inner === "" ? [] : labels(inner);
      return {
        name, type, cls: v.getUint16(end + 2), ttl: v.getUint32(end + 4), data: [...written, ...data.slice(after, at)],
      };
    });
  const [answers, authorities, additionals] = counts.slice(1).map(records) as [Rr[], Rr[], Rr[]];
  assert.equal(at, data.length, "nothing follows the last record");
  return { id: v.getUint16(0), flags: v.getUint16(2), questions, answers, authorities, additionals };
}

export const a = (name: string, ip: number, ttl = TTL, cls = IN | FLUSH): number[] =>
  record(labels(name), 1, ttl, be(4, ip), cls);
export const aaaa = (name: string, address: Uint8Array, ttl = TTL, cls = IN | FLUSH): number[] =>
  record(labels(name), 28, ttl, [...address], cls);

/** A message that the stack sent. */
export interface Sent extends Message {
  ms: number;
  dst: number | Uint8Array;
  dstMac: number[];
  src: number | Uint8Array;
  sport: number;
  dport: number;
  ttl: number;
}

const OPTIONS: StackOptions = {
  ip: "10.0.0.1/24", connsMax: 4, halfOpenMax: 4, timeWaitMax: 4, policy: { announce: false },
};

export class MdnsLink extends Polled {
  /** Messages of mDNS that the stack sent and nobody looked at; and messages of IGMP, as payloads with their groups. */
  sent: Sent[] = [];
  igmp: { dst: number; ms: number; frame: Seen; data: Uint8Array }[] = [];
  readonly startUs: number;

  constructor(options: Partial<StackOptions> = {}, seed = 1) {
    super(Polled.stack({ ...OPTIONS, entropy: entropyOf(seed), ...options }));
    this.startUs = this.nowUs;
    this.poll();
  }

  /** Since the start. */
  get ms(): number {
    return (this.nowUs - this.startUs) / 1000;
  }

  protected override take(seen: Seen): Uint8Array | undefined {
    const { ms } = this, { dstMac } = seen;
    if (seen.ip?.proto === 2) this.igmp.push({ dst: seen.ip.dst, ms, frame: seen, data: seen.raw.slice(38) });
    if (seen.kind === "udp" && seen.sport === PORT) {
      assert.ok(seen.sumOk && seen.ip.sumOk);
      const { ip, sport, dport } = seen;
      this.sent.push({ ...read(seen.data), ms, dst: ip.dst, src: ip.src, dstMac, sport, dport, ttl: ip.ttl });
      return undefined;
    }
    const six = see6(seen.raw);
    if (six?.next === 17) {
      assert.ok(six.sumOk);
      const v = new DataView(six.payload.buffer), { dst, src, hops: ttl } = six;
      const sport = v.getUint16(0), dport = v.getUint16(2);
      this.sent.push({ ...read(six.payload.slice(8)), ms, dst, src, dstMac, sport, dport, ttl });
      return undefined;
    }
    // Whoever is asked for on the link is there, but for the stack's own addresses.
    if (six?.next === 58 && six.type === 135 && six.src.some((b) => b !== 0))
      return advertisement(six.data.slice(0, 16), six.src, six.data.slice(0, 16), 3);
    return super.take(seen);
  }

  /** Takes what was sent over a family since the last look. */
  took(family: 4 | 6 = 4): Sent[] {
    return this.sent.splice(0).filter((s) => (typeof s.dst === "number") === (family === 4));
  }

  /** Those of them that went to all. */
  tookAll(): Sent[] {
    return this.took().filter((s) => s.dst === GROUP);
  }

  /** The stack begins to look for the name. */
  start(name = "lamp"): void {
    this.stack.mdnsStart(name);
    this.poll();
  }

  /** The same, until it has it; how is forgotten. */
  settle(name = "lamp"): this {
    this.start(name);
    this.advance(3000);
    assert.equal(this.stack.localName().state, "SETTLED");
    this.sent = [];
    this.igmp = [];
    return this;
  }

  /** IPv6 begins, with an address of a router's prefix besides. */
  six(): this {
    this.stack.ip6Start(new Uint8Array(16).fill(7));
    this.poll();
    this.frame(routerAdvertisement(ip6("fe80::1"), [...nd.source(MAC_PEER), ...nd.prefix(ip6("2001:db8:1::"))]));
    this.advance(2500);
    this.sent = [];
    return this;
  }

  /** The stack's own IPv6 addresses, link-local first. */
  get own6(): Uint8Array[] {
    return this.stack.ip6Addresses().filter((x) => x.ready && x.origin !== "loopback").map((x) => x.bytes);
  }

  /** Somebody sends a message to all. */
  heard(data: Uint8Array, from = PEER, sport = PORT): void {
    this.frame(udp({ src: from, dst: GROUP, dstMac: GROUP_MAC, ttl: 255 }, sport, PORT, data));
  }

  heard6(data: Uint8Array, from = ip6("fe80::2")): void {
    this.frame(udp6({ src: from, dst: GROUP6, dstMac: macOf(GROUP6), hops: 255 }, PORT, PORT, data));
  }

  /** The stack hears where the peer is. */
  meet(): void {
    this.frame(arp(1, { mac: MAC_PEER, ip: PEER }, { mac: [0, 0, 0, 0, 0, 0], ip: STACK }));
  }

  /** Somebody asks all. */
  ask(name: string, type: number, { cls = IN, from = PEER, sport = PORT, known = [] as number[][], flags = 0, id = 0 } =
    {}): void {
    this.heard(message({ id, flags, questions: [{ name, type, cls }], answers: known }), from, sport);
  }

  /** Somebody answers, or makes something known. */
  tell(...answers: number[][]): void {
    this.heard(message({ flags: 0x8400, answers }));
  }

  /** A message of IGMP to a group. */
  igmpFrame(data: number[], dst = ip4("224.0.0.1"), dstMac = [1, 0, 0x5e, 0, 0, 1]): void {
    const bytes = Uint8Array.from(data), words = [...bytes].reduce((n, b, i) => n + (i & 1 ? b : b << 8), 0);
    const folded = (words & 0xffff) + (words >>> 16);
    bytes.set(be(2, ~folded & 0xffff), 2);
    this.frame(ipv4({ src: PEER, dst, dstMac, proto: 2, ttl: 1, ipOpts: [0x94, 4, 0, 0] }, bytes));
  }
}
