/**
 * DHCP, DNS and SNTP for the fuzzer: what the stack's clients asked last, and frames that answer it: as they should be,
 * nearly so, or as no server would.
 */
import { DHCP6, LEASE, NAMES, TIME } from "../../host/module/layout.js";
import type { Exports } from "../../host/stack.js";
import { be, ip4, MAC_STACK, udp } from "../harness/codec.js";
import { A, CNAME, labels, QNAME, record, SOA } from "../harness/dns.js";
import { ntpAnswer } from "../harness/ntp.js";
import { quickTcp } from "./quick.js";
import { address, dhcpFrame, END, option, TYPE } from "../harness/dhcp.js";

const STACK = ip4("10.0.0.1"), PEER = ip4("10.0.0.2"), OTHER = ip4("198.51.100.7"), EVERYBODY = 0xffffffff;

/** 2026-11-27, µs since 1970. */
const NOW = 1_795_737_600_000_000;

/** Where choices come from. */
interface Choices {
  u8(): number;
  u16(): number;
  u32(): number;
  below(n: number): number;
}

/** A connection of the DNS client: its port, which is 0 if there is none, what it expects, and what it asked. */
interface Stream {
  port: number;
  server: number;
  /** The number after its last byte, and the next one of the server's; 0: the server has said nothing yet. */
  next: number;
  ack: number;
  id: number;
  question: number[];
}

const NO_STREAM: Stream = { port: 0, server: 0, next: 0, ack: 0, id: 0, question: [] };
/** The number of a server's SYN. */
const SYN_SEQ = 7000;

/** The kinds of frames that a client can wait for (frames.ts). */
export type Awaited = "dhcp" | "dns" | "ntp" | "stream" | "arp";

/** The last message of the DHCP client, the last question for a name, and the last one for the time. */
export interface Asked {
  type: number;
  xid: number;
  id: number;
  port: number;
  server: number;
  question: number[];
  timePort: number;
  timeServer: number;
  /** What the question had for its time of sending. */
  originate: number[];
  stream: Stream;
  /** The address of 169.254/16 that the stack looked for, or told of, last; 0: none. */
  selfGiven: number;
  /** The last message of the DHCPv6 client; 0: there was none. */
  type6: number;
  xid6: number;
}

/** What can be seen of the clients from outside. */
export interface Told {
  lease: DataView;
  names: DataView;
  time: DataView;
  lease6: DataView;
}

export const leaseField = (told: Told, name: keyof typeof LEASE): number => told.lease.getUint32(LEASE[name].at, true);
export const namesField = (told: Told, name: keyof typeof NAMES): number => told.names.getUint32(NAMES[name].at, true);

export const lease6Field = (told: Told, name: keyof typeof DHCP6): number =>
  told.lease6.getUint32(DHCP6[name].at, true);

export const timeField = (told: Told, name: "stratum" | "taken" | "dropped" | "kisses"): number =>
  told.time.getUint32(TIME[name].at, true);

/** A name with everything that takes long: 255 bytes of it. */
const LONG = [..."abcd"].map((c, i) => c.repeat(i < 3 ? 63 : 61)).join(".");
const TEXTS = ["a.test", "A.TEST", "b.test", "c.d.e.test", LONG, "", ".", "a..b", "10.0.0.2", "x".repeat(64)];

export class Clients {
  asked: Asked = {
    type: 0, xid: 0, id: 0, port: 0, server: 0, question: [], timePort: 0, timeServer: 0, originate: [],
    stream: NO_STREAM, selfGiven: 0, type6: 0, xid6: 0,
  };

  /** The kinds of frames that would be taken: answers to what was asked. */
  get awaited(): Awaited[] {
    const { type, port, timePort, stream, selfGiven } = this.asked;
    const waits = { dhcp: type, dns: port, ntp: timePort, stream: stream.port, arp: selfGiven };
    return (Object.keys(waits) as Awaited[]).filter((kind) => waits[kind] !== 0);
  }

  /** Looks at a datagram of UDP that the stack sent. */
  see(f: Uint8Array): void {
    const view = new DataView(f.buffer, f.byteOffset, f.length), dport = view.getUint16(36);
    if (dport === 67) this.asked = { ...this.asked, type: typeOf(f), xid: view.getUint32(46) };
    if (dport === 123) {
      const timePort = view.getUint16(34), timeServer = view.getUint32(30), originate = [...f.slice(82, 90)];
      this.asked = { ...this.asked, timePort, timeServer, originate };
    }
    if (dport !== 53) return;
    const question = [...f.slice(54, 34 + view.getUint16(38))];
    const id = view.getUint16(42), port = view.getUint16(34), server = view.getUint32(30);
    this.asked = { ...this.asked, id, port, server, question };
  }

  /** Looks at a segment that the stack sent. */
  seeSegment(f: Uint8Array): void {
    const view = new DataView(f.buffer, f.byteOffset, f.length), before = this.asked.stream;
    const port = view.getUint16(34), flags = f[47]!;
    if (view.getUint16(36) !== 53) return;
    if ((flags & 4) !== 0) {
      if (port === before.port) this.asked = { ...this.asked, stream: NO_STREAM };
      return;
    }
    const text = f.slice(34 + 4 * (f[46]! >> 4), 14 + view.getUint16(16)), asks = text.length > 14;
    const next = view.getUint32(38) + text.length + (flags & 1) + (flags >> 1 & 1);
    const id = asks ? text[2]! << 8 | text[3]! : before.id, question = asks ? [...text.slice(14)] : before.question;
    const stream = { port, server: view.getUint32(30), next: next >>> 0, ack: view.getUint32(42), id, question };
    this.asked = { ...this.asked, stream };
  }

  /** Looks at a datagram over IPv6 that the stack sent. */
  see6(f: Uint8Array): void {
    const view = new DataView(f.buffer, f.byteOffset, f.length);
    if (view.getUint16(56) !== 547) return;
    this.asked = { ...this.asked, type6: f[62]!, xid6: view.getUint32(62) & 0xffffff };
  }

  /** Looks at ARP that the stack sent. */
  seeArp(f: Uint8Array): void {
    const ip = new DataView(f.buffer, f.byteOffset, f.length).getUint32(38);
    if (ip >>> 16 === 0xa9fe) this.asked = { ...this.asked, selfGiven: ip };
  }

  /** A message of a server. */
  dhcp(c: Choices): Uint8Array {
    const { asked } = this, fits = asked.type === TYPE.DISCOVER ? TYPE.OFFER : TYPE.ACK;
    const server = c.below(8) ? PEER : [OTHER, STACK, EVERYBODY, c.u32()][c.below(4)]!;
    const type = c.below(4) ? fits : [TYPE.OFFER, TYPE.ACK, TYPE.NAK, TYPE.NAK, c.u8()][c.below(5)]!;
    const options = [...option(53, type), ...address(54, server)];
    if (c.below(16)) options.push(...address(51, [3600, 60, 2, 1, 0, EVERYBODY][c.below(6)]!));
    for (let n = c.below(5); n > 0; n--) options.push(...this.#option(c));
    if (c.below(16)) options.push(END);
    const area = (): number[] => (c.below(8) ? [] : [...this.#option(c), END]);
    const given = c.below(8) ? STACK : [STACK + 76, PEER, 0, c.u32()][c.below(4)]!;
    return dhcpFrame(c.below(8) ? server : OTHER, c.below(4) ? EVERYBODY : STACK, {
      xid: c.below(8) ? asked.xid : c.u32(), yiaddr: type === TYPE.NAK ? 0 : given, options,
      op: c.below(16) ? 2 : c.u8(), chaddr: c.below(16) ? MAC_STACK : [c.u8(), ...MAC_STACK.slice(1)],
      file: area().slice(0, 128), sname: area().slice(0, 64),
    }, c.below(16) ? 67 : c.u16());
  }

  #option(c: Choices): number[] {
    const many = (): number[] => Array.from({ length: c.below(6) }, () => (c.below(3) ? PEER : c.u32()));
    const some = (n: number): number[] => Array.from({ length: n }, () => c.u8());
    switch (c.below(14)) {
      case 0: return address(1, [0xffffff00, 0xffffff00, EVERYBODY, 0, 0xff00ff00, c.u32()][c.below(6)]!);
      case 1: return address(3, ...many());
      case 2: return address(6, ...many());
      case 3: return address(42, ...many());
      case 4: return option(15, ...[..."net.example"].map((ch) => ch.charCodeAt(0)), ...some(c.below(3)));
      case 5: return option(15, ...Array.from({ length: c.u8() }, () => 97));
      case 6: return option(26, ...be(2, c.u16()));
      case 7: return [...address(58, c.below(2) ? 1 : c.u32()), ...address(59, c.below(2) ? 2 : c.u32())];
      case 8: return option(52, c.below(5));
      case 9: return option(121, ...(c.below(2) ? [0, ...be(4, PEER)] : [c.u8(), ...some(c.below(12))]));
      case 10: {
        const last = c.below(2) ? MAC_STACK[5]! : c.u8();
        return option(61, 255, ...be(4, 1), ...be(4, 0x00030001), ...MAC_STACK.slice(0, 5), last);
      }
      case 11: return [0, 0, 0];
      // A length that is not what follows.
      case 12: return [c.u8(), c.u8(), ...some(c.below(8))];
      default: return option(c.u8(), ...some(c.below(8)));
    }
  }

  /** An answer of a server of names. */
  dns(c: Choices): Uint8Array {
    const { asked } = this, cut = this.#answer(c, asked);
    const src = c.below(16) ? asked.server : OTHER, dport = c.below(16) ? asked.port : c.u16();
    const sport = c.below(16) ? 53 : c.u16(), withSum = c.below(8) !== 0;
    return udp({ src, dst: STACK }, sport, dport, cut.subarray(0, 1400), { withSum });
  }

  /**
   * A segment of a server of names that is asked over TCP: an answer, with the length before it, or some bytes of it,
   * or the end of the connection. Half of all lie.
   */
  stream(c: Choices): Uint8Array {
    const { stream } = this.asked, begins = stream.ack === 0, answer = this.#answer(c, stream);
    const size = c.below(4) ? answer.length : c.u16(), whole = Uint8Array.from([...be(2, size), ...answer]);
    const [from, to] = c.below(2) ? [0, whole.length] : [c.below(8), 1 + c.u8()];
    const flags = (begins ? ["SA", "SA", "SA", "S", "RA", "A"] : ["A", "PA", "FA", "A", "FA", "R"])[c.below(6)]!;
    return quickTcp(stream.server, {
      flags, sport: 53, dport: stream.port, seq: begins ? SYN_SEQ : (stream.ack + (c.below(8) ? 0 : c.u8())) >>> 0,
      ack: (stream.next - (c.below(8) ? 0 : c.u8())) >>> 0, win: [65535, 65535, 1, 0][c.below(4)]!, up: 0, opts: [],
      data: begins || flags === "R" || !c.below(4) ? new Uint8Array(0) : whole.subarray(from, Math.min(to, 1400)),
    });
  }

  #answer(c: Choices, asked: { id: number; question: number[] }): Uint8Array {
    const question = [...asked.question];
    const sections = [0, 1, 2].map((i) => {
      const length = i === 0 || !c.below(4) ? c.below(5) : 0;
      return Array.from({ length }, () => this.#record(c));
    });
    if (!c.below(16) && question.length > 0) question[c.u8() % question.length] = c.u8();
    const counts = [1, ...sections.map((s) => s.length)].map((n) => (c.below(16) ? n : c.u16()));
    const flags = [0x8180, 0x8180, 0x8180, 0x8180, 0x8183, 0x8182, 0x8380, c.u16()][c.below(8)]!;
    const message = Uint8Array.from([
      ...be(2, c.below(16) ? asked.id : c.u16()), ...be(2, flags), ...counts.flatMap((n) => be(2, n)),
      ...question, ...sections.flat(2),
    ]);
    return c.below(8) ? message : message.subarray(0, c.u16() % (message.length + 1));
  }

  /** An answer of a time server: that knows the time, or lies, or wants to be left alone. */
  ntp(c: Choices): Uint8Array {
    const { timePort, timeServer, originate } = this.asked;
    const when = (): number | null =>
      [NOW, NOW, NOW, NOW + c.u16(), NOW + 2 ** 31 * 1e6, c.u32() * 1e6, -c.u32() * 1000, null][c.below(8)]!;
    const received = when(), odd = c.below(4) === 0, isKiss = c.below(4) === 0;
    const message = ntpAnswer({
      originate: c.below(16) ? originate : [c.u8(), ...originate.slice(1)],
      received, sent: c.below(4) ? received : when(), reference: ["RATE", "DENY", "RSTR", "INIT"][c.below(4)]!,
      stratum: isKiss ? 0 : 1 + c.below(17),
      ...(odd ? { leap: c.below(4), version: c.below(8), mode: c.below(8), rootDelay: c.u32() } : {}),
    });
    const cut = c.below(16) ? message : message.subarray(0, c.u8() % 49);
    const src = c.below(16) ? timeServer : OTHER, dport = c.below(16) ? timePort : c.u16();
    return udp({ src, dst: STACK }, c.below(16) ? 123 : c.u16(), dport, cut, { withSum: c.below(8) !== 0 });
  }

  #name(c: Choices): number[] {
    switch (c.below(8)) {
      case 0: return labels(TEXTS[c.below(5)]!);
      // Back, forward, to itself, in a circle.
      case 1: return [0xc0 | c.below(4), c.u8()];
      case 2: return [1, 97 + c.below(3), 0xc0, 12 + c.below(64)];
      case 3: return [c.u8(), ...labels("z")];
      default: return QNAME;
    }
  }

  #record(c: Choices): number[] {
    const ttl = [60, 0, 1, 86_401, 0x80000000, c.u32()][c.below(6)]!, owner = this.#name(c);
    const cls = c.below(16) ? 1 : c.u16(), numbers = [1, 2, 3, 4].flatMap((n) => be(4, n));
    switch (c.below(6)) {
      case 0: return record(owner, CNAME, ttl, this.#name(c), cls);
      case 1: return record(owner, SOA, ttl, [0, 0, ...numbers, ...be(4, c.u32())], cls);
      // A length that is not what follows.
      case 2: return record(owner, c.below(2) ? A : c.u16(), ttl, be(4, c.u32()), cls, c.u16() >> c.below(16));
      default: return record(owner, A, ttl, be(4, c.below(4) ? OTHER + c.u8() : c.u32()), cls);
    }
  }

  /** A call of an application's; `bad` is a pointer that no caller may give. Returns what it returned. */
  call(c: Choices, x: Exports, memory: Uint8Array, scratch: number, bad: () => number): number {
    const to = c.below(8) ? scratch : bad();
    switch (c.below(17)) {
      case 15: return x.link_local_start([0, 0xa9fe0707, 0xa9fe0000, c.u32()][c.below(4)]! | 0);
      case 16: return c.below(2) ? x.link_local_stop() : x.set_address(0, 0, 0);
      case 0: return x.dhcp_start([0, STACK, PEER, c.u32()][c.below(4)]! | 0, to, c.below(80));
      case 1: return x.dhcp_stop();
      case 2: return x.dhcp_info(to);
      case 3: return x.dhcp_domain(to, c.u8());
      case 4: return x.dns_servers((c.below(3) ? PEER : c.u32()) | 0, c.below(2) ? OTHER | 0 : 0, 0);
      case 5: return x.dns_info(to);
      case 6: return x.link_changed();
      // Mostly the address that everything else is sent to.
      case 7: {
        const ip = c.below(4) ? STACK : c.u32();
        return x.set_address(ip | 0, c.below(4) ? 24 : c.u8(), (c.below(2) ? PEER : 0) | 0);
      }
      case 8: {
        const [a, b, third] = [PEER, OTHER, c.u32()].map((ip) => (c.below(3) ? ip : 0) | 0);
        return x.sntp_start(a!, b!, third!);
      }
      case 9: return c.below(4) ? x.sntp_info(to) : x.sntp_server_add(c.below(2) ? c.u32() | 0 : x.ip6_name?.(to) ?? 0);
      case 10: return x.sntp_stop();
      default: {
        const text = TEXTS[c.below(TEXTS.length)]!;
        for (let i = 0; i < text.length; i++) memory[scratch + i] = text.charCodeAt(i);
        return x.dns_lookup(to, c.below(16) ? text.length : c.u8(), scratch, c.below(6));
      }
    }
  }
}

/** The type of a client's message. */
function typeOf(f: Uint8Array): number {
  for (let at = 42 + 240; at + 2 < f.length && f[at] !== END; at += f[at] === 0 ? 1 : 2 + f[at + 1]!) {
    if (f[at] === 53) return f[at + 2]!;
  }
  return 0;
}
