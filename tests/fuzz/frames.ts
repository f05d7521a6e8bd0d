/** Frames for a stack that is fuzzed, out of choices: as they should be, nearly so, or as nobody would send them. */
import { FLAG, STATES, TCP_INFO } from "../../host/module/layout.js";
import { arp, be, MAC_PEER, MAC_STACK, opt, type Tcp } from "../harness/codec.js";
import { type Field } from "./bites.js";
import { type Choices } from "./choices.js";
import { piece, quickEcho, quickFragment, quickIcmp, quickTcp, quickUdp, repair } from "./quick.js";
import { frameOf } from "./six.js";
import { LISTENING, OTHER, PEER, STACK, UDP_PORT, type Subject } from "./subject.js";

const TIMESTAMPS = FLAG.timestamps, SACK = FLAG.sack;
const SYN_SENT = STATES.indexOf("SYN-SENT"), SYN_RECEIVED = STATES.indexOf("SYN-RECEIVED");
const FLAGS = ["A", "A", "A", "PA", "FA", "S", "SA", "R", "RA", "F", "UA", "SF", "", "PFUA", "AE", "AEW", "SEW"];
/** Payloads, by size. */
const payloads = new Map<number, Uint8Array>();
function payload(size: number): Uint8Array {
  let p = payloads.get(size);
  if (!p) payloads.set(size, (p = Uint8Array.from({ length: size }, (_, i) => i * 7)));
  return p;
}

/** A number near one that matters. */
function near(c: Choices, ...numbers: number[]): number {
  const pick = c.below(numbers.length + 1);
  const delta = [
    0, 0, 0, 0, 0, 0, 0, 1, -1, 2, 100, -100, 500, 1400, -500, 1460, -1460, 0x7fffffff, -0x80000000, c.u8(),
  ][c.below(20)]!;
  return ((pick === numbers.length ? c.u32() : numbers[pick]!) + delta) >>> 0;
}

type Maker = (s: Subject, c: Choices, known: boolean) => Uint8Array;

/** What a frame can be: how it is told (`Made.kind`), and who makes it. */
const KINDS = {
  arp: ["arp", neighbour],
  udp: ["udp", datagram],
  icmp: ["icmp", (s, c, known) => (c.below(4) ? icmpError(s, c, known) : echo(c))],
  fragment: ["fragment", fragment],
  error: ["icmp", icmpError],
  dhcp: ["dhcp", (s, c) => s.clients.dhcp(c)],
  dns: ["dns", (s, c) => s.clients.dns(c)],
  ntp: ["ntp", (s, c) => s.clients.ntp(c)],
  stream: ["stream", (s, c) => s.clients.stream(c)],
  tcp: ["tcp", segment],
} satisfies Record<string, [string, Maker]>;
/** One frame in 48 is of each of these; the others are segments. */
const RARE = ["arp", "udp", "icmp", "fragment", "error", "dhcp", "dns", "ntp", "stream"] as const;

/** Which kind comes next. Where a client has asked for something, half of all frames are for it. */
function drawKind(s: Subject, c: Choices): keyof typeof KINDS {
  const { clients } = s, number = c.below(48), awaited = number > 24 ? clients.awaited : [];
  if (awaited.length > 0) return awaited[awaited.length === 1 ? 0 : c.below(awaited.length)]!;
  const kind = RARE[number] ?? "tcp";
  return kind === "stream" && clients.asked.stream.port === 0 ? "tcp" : kind;
}

/** A frame out of choices. It is good until the next one is made. */
export function frame(s: Subject, c: Choices): Uint8Array {
  const known = s.handle !== 0 && s.exports.tcp_info(s.handle, s.scratch) === 0;
  Object.assign(s.made, { flags: "", size: 0 });
  if (s.speaks !== "" && c.below(4)) return frameOf(s, c);
  const [kind, make] = KINDS[drawKind(s, c)];
  s.made.kind = kind;
  return make(s, c, known);
}

/** ARP, mostly of somebody else: a neighbour, the one that is waited for, or ourselves (a conflict). */
function neighbour(s: Subject, c: Choices): Uint8Array {
  const { selfGiven } = s.clients.asked, tried = selfGiven === 0 ? STACK : selfGiven;
  const ip = [PEER, PEER, STACK, OTHER, STACK + 2 + c.below(8), c.u32(), 0, tried][c.below(8)]!;
  return arp(
    c.below(4), { mac: c.below(2) ? MAC_PEER : [2, 1, 2, 3, 4, c.u8()], ip },
    { mac: MAC_STACK, ip: c.below(3) ? tried : c.u32() },
  );
}

function datagram(_: Subject, c: Choices): Uint8Array {
  const src = c.below(2) ? PEER : OTHER, sport = c.u16(), dport = c.below(3) ? UDP_PORT : c.u16();
  return quickUdp(src, sport, dport, c.u8() * 4, c.below(8) !== 0);
}

function echo(c: Choices): Uint8Array {
  return quickEcho(c.below(2) ? PEER : OTHER, c.below(4) ? 8 : 0, c.u8());
}

/** An ICMP error that quotes a segment or a datagram of ours, or nearly. */
function icmpError(s: Subject, c: Choices, known: boolean): Uint8Array {
  const quoted = {
    src: c.below(8) ? STACK : c.u32(), dst: PEER, sport: c.below(8) ? s.dport : UDP_PORT, dport: s.sport,
    protocol: c.below(8) ? 6 : 17,
    seq: near(c, s.known(known, "sndUna"), s.known(known, "sndNxt"), s.known(known, "iss")),
  };
  const size = 8 + c.below(20), total = [1500, 1500, 800, 20 + size][c.below(4)]!;
  return quickIcmp(
    c.below(2) ? PEER : OTHER, [3, 3, 3, 11, 12, 4, 5, c.u8()][c.below(8)]!, c.below(2) ? 4 : c.below(16),
    c.below(2) ? c.u16() : 600 + c.u8(), { ...quoted, total }, size,
  );
}

/** What is sent in pieces. */
const wholes: readonly Maker[] = [
  segment, (_, c) => quickUdp(PEER, c.u16(), UDP_PORT, c.u8() * 4), (_, c) => quickEcho(PEER, 8, c.u8()),
];

/**
 * Fragments: of anything, or all of a datagram that is good, in any order, one of them perhaps twice, or cut, or not
 * at all.
 */
function fragment(s: Subject, c: Choices, known: boolean): Uint8Array {
  if (c.below(3) === 0)
    return quickFragment(
      PEER, [6, 17, 1, 99][c.below(4)]!, 1 + c.below(3), c.below(60) | (c.below(2) ? 0x2000 : 0),
      8 * (1 + c.below(40)),
    );
  const whole = wholes[c.below(wholes.length)]!(s, c, known).slice();
  const units = Math.ceil((whole.length - 34) / 8), cut = 1 + c.below(Math.max(1, units - 1)), id = 1 + c.below(3);
  const parts = [piece(whole, id, 0, Math.min(cut, units)), ...(cut < units ? [piece(whole, id, cut, units)] : [])];
  if (c.below(2)) parts.reverse();
  const spoiled = c.below(8);
  if (spoiled === 0) parts.push(parts[0]!);
  else if (spoiled === 1 && units > 2)
    parts.splice(c.below(parts.length), 0, piece(whole, id, c.below(units), units));
  else if (spoiled === 2 && parts.length > 1) parts.shift();
  for (const p of parts.slice(0, -1)) s.push(p);
  return parts.at(-1)!;
}

/** The options of a segment. */
function options(s: Subject, c: Choices, known: boolean, waits: boolean): number[] {
  const opts: number[] = [], kinds = c.below(4) === 0 ? c.below(5) : 0;
  const stamps = waits ? c.below(4) === 0 : known ? (s.field("flags") & TIMESTAMPS) !== 0 : s.synAckTs !== 0;
  if (stamps && c.below(16) !== 0) {
    const recent = s.known(known, "tsRecent");
    const ours = known ? (s.field("tsRecentAt") + s.field("tsOffset")) >>> 0 : s.synAckTs;
    opts.push(...opt.ts(near(c, recent, recent, recent + 1), near(c, 0, ours, ours)));
  }
  if (known && (s.field("flags") & SACK) !== 0 && c.below(8) === 0) opts.push(...block(s, c, known));
  for (let i = 0; i < kinds && opts.length < 30; i++) {
    switch (c.below(8)) {
      case 6: opts.push(...opt.fastOpen(s.cookie)); break;
      case 7: opts.push(...opt.fastOpen(c.below(2) ? [] : [1, 2, 3, 4, 5, 6, 7, 8].slice(0, c.below(9)))); break;
      case 0: opts.push(...opt.mss([0, 1, 48, 536, 1460, 65535][c.below(6)]!)); break;
      case 1: opts.push(...opt.sackOk()); break;
      case 2: opts.push(...opt.ws(c.below(16))); break;
      case 3: opts.push(...block(s, c, known)); break;
      case 4: opts.push(c.u8(), c.below(12), c.u8()); break;
      case 5: opts.push(...opt.ts(near(c, 1000), 0)); break;
      default: opts.push(...opt.nop());
    }
  }
  return opts.slice(0, 40);
}

/**
 * A SACK block: mostly of text that is in flight, behind a gap, else between any two numbers near those that matter.
 */
function block(s: Subject, c: Choices, known: boolean): number[] {
  const una = s.known(known, "sndUna"), nxt = s.known(known, "sndNxt"), flight = (nxt - una) >>> 0;
  if (flight < 2 || c.below(4) === 0)
    return [5, 10, ...be(4, near(c, una, nxt)), ...be(4, near(c, una, nxt))];
  const gap = 1 + (c.u16() % (flight - 1)), size = 1 + (c.u16() % (flight - gap));
  return [5, 10, ...be(4, (una + gap) >>> 0), ...be(4, (una + gap + size) >>> 0)];
}

function segment(s: Subject, c: Choices, known: boolean): Uint8Array {
  // Who waits for a SYN-ACK takes little else.
  const state = known ? s.u8[s.scratch + TCP_INFO.state.at] : 0;
  const waits = (state === SYN_SENT || state === SYN_RECEIVED) && c.below(3) !== 0;
  const flags = waits ? (c.below(4) ? "SA" : "S") : FLAGS[c.below(FLAGS.length)]!;
  const opts = options(s, c, known, waits);
  const size = [0, 0, 1, 10, 500, 1400, c.u8()][c.below(7)]!;
  const name = (n: Field): number => s.known(known, n);
  const t: Tcp = {
    flags,
    sport: c.below(12) ? s.sport : c.u16(),
    dport: c.below(12) ? s.dport : LISTENING,
    seq: near(
      c, ...(waits ? [name("irs"), name("irs")] : [name("rcvNxt"), name("rcvNxt"), name("rcvAdv"), name("irs")]),
    ),
    ack: near(c, name("sndNxt"), name("sndUna"), name("iss") + 1),
    win: [0, 1, 1000, 65535, c.u16()][c.below(5)]!,
    up: c.below(4) ? 0 : c.u16(),
    opts,
    data: payload(size),
  };
  // A duplicate ACK is one to the last number.
  if (known && c.below(16) === 0)
    Object.assign(t, {
      flags: "A", seq: name("rcvNxt"), ack: name("sndUna"), win: Math.min(name("sndWnd"), 65535), data: payload(0),
    });
  const src = c.below(12) ? PEER : c.below(2) ? OTHER : c.u32();
  const ipOptions = c.below(20) ? undefined : [c.u8(), c.below(8), c.u8(), 0];
  if (flags.startsWith("S") && !flags.includes("A") && src === PEER && t.sport === s.sport && !known)
    s.synSeq = t.seq;
  Object.assign(s.made, { flags: t.flags, size: t.data!.length });
  const frame = quickTcp(src, t, ipOptions, c.below(8) ? 0 : c.u8() | 3);
  return damaged(c, frame);
}

/**
 * One frame in eight has a few wrong bytes, often under checksums that are right again. A few have another Ethernet
 * header, or are cut.
 */
function damaged(c: Choices, frame: Uint8Array): Uint8Array {
  for (let i = c.below(8) === 0 ? 1 + c.below(4) : 0; i > 0; i--) {
    frame[14 + (c.u8() % Math.max(1, Math.min(frame.length - 14, 100)))] = c.u8();
    if (c.below(3)) repair(frame);
  }
  // The Ethernet header is the same for all frames here: only a copy may have another.
  if (c.below(60) === 0) {
    const other = frame.slice();
    other[c.below(14)] = c.u8();
    return other;
  }
  return c.below(30) ? frame : frame.subarray(0, c.u8() % (frame.length + 1));
}
