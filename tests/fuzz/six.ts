/** IPv6 and multicast DNS for the fuzzer: scenes, frames and calls, for the scenes that speak them. */
import { be, ip4, ipv4, MAC_PEER, opt, udp } from "../harness/codec.js";
import {
  advertisement, icmp6, ip6, ipv6, nd, redirect, routerAdvertisement, solicitation, sum6, udp6,
} from "../harness/codec6.js";
import { a, aaaa, ANY, GROUP, GROUP6, GROUP_MAC, message, PORT, PTR, QU, IN } from "../harness/mdns.js";
import { type Choices } from "./choices.js";
import { dhcp6Frame } from "./leases6.js";
import { LISTENING, OTHER, PEER, STACK, UDP_PORT, type Own6, type Scene, type Subject } from "./subject.js";

const ROUTER = ip6("fe80::1"), PREFIX = ip6("2001:db8:1::"), NEAR = ip6("2001:db8:1::2"), FAR = ip6("2001:db8:ffff::9");
const ALL = ip6("ff02::1"), SECRET = Uint8Array.from({ length: 16 }, (_, i) => i + 1), NAME = "lamp";
const TCP_FLAGS: Record<string, number> = { A: 16, PA: 24, FA: 17, S: 2, SA: 18, R: 4, RA: 20 };
const some = (c: Choices, n: number): number[] => Array.from({ length: n }, () => c.u8());

/** Of a configuration that has no place for its own addresses. */
const NOBODY: Own6 = { local: ROUTER, global: NEAR };

/** IPv6 from its first message to a connection over it. */
export function makeSix(s: Subject, fresh: Scene): void {
  s.restore(fresh);
  s.speaks = "six";
  s.stack.ip6Start(SECRET);
  s.poll();
  s.save("IPv6 asks whether its address is free");
  s.push(routerAdvertisement(ROUTER, [
    ...nd.source(MAC_PEER), ...nd.prefix(PREFIX), ...nd.mtu(1400), ...nd.rdnss(600, NEAR),
  ]));
  for (let i = 0; i < 5; i++) s.time(500_000);
  const own = s.stack.ip6Addresses();
  s.own6 = {
    local: own.find((x) => x.origin === "link-local")!.bytes, global: own.find((x) => x.origin === "prefix")!.bytes,
  };
  s.save("IPv6 is ready");
  s.push(solicitation(NEAR, s.own6.global));
  const options = [...opt.mss(1440), ...opt.sackOk(), ...opt.nop(), ...opt.ws(4)];
  s.push(segment6(s, NEAR, "S", 1000, 0, options, 0));
  s.poll();
  const answer = s.sent.findLast((f) => f[12] === 0x86 && f[20] === 6)!;
  s.synAck = new DataView(answer.buffer, answer.byteOffset).getUint32(58);
  s.push(segment6(s, NEAR, "A", 1001, s.synAck + 1, [], 0));
  s.poll();
  s.handle = s.stack.accept(s.listener);
  if (s.handle === 0) throw new Error("the scene's handshake over IPv6 failed");
  s.stack.send(s.handle, new Uint8Array(3000));
  s.poll();
  s.save("a connection over IPv6");
}

/** The own name from its first probe to the last goodbye, and names of others. */
export function makeLocal(s: Subject, fresh: Scene): void {
  s.restore(fresh);
  s.speaks = "local";
  s.stack.mdnsStart(NAME);
  s.poll();
  s.save("mDNS waits to probe");
  s.time(300_000);
  s.save("mDNS probes");
  for (let i = 0; i < 8; i++) s.time(300_000);
  if (s.stack.localName().state !== "SETTLED") throw new Error("the scene's name is not settled");
  s.save("mDNS has its name");
  if (s.stack.lookup("other.local") !== undefined) throw new Error("the scene's name is known");
  s.poll();
  s.save("mDNS asks for a name");
}

/** A frame for a scene that speaks one of them. */
export function frameOf(s: Subject, c: Choices): Uint8Array {
  const isLease = s.clients.asked.type6 !== 0 && c.below(3) !== 0;
  s.made.kind = isLease ? "dhcp6" : s.speaks;
  const made = isLease ? dhcp6Frame(s, c) : s.speaks === "six" ? six(s, c) : local(c);
  if (c.below(8)) return made;
  const spoiled = made.slice();
  spoiled[14 + (c.u16() % Math.max(1, spoiled.length - 14))] = c.u8();
  return c.below(2) ? spoiled : spoiled.subarray(0, c.u16() % (spoiled.length + 1));
}

const pick = <T>(c: Choices, ...of: T[]): T => of[c.below(of.length)]!;

function six(s: Subject, c: Choices): Uint8Array {
  const { local, global } = s.own6 ?? NOBODY, own = c.below(2) ? local : global;
  const src = pick(c, NEAR, NEAR, ROUTER, FAR, own);
  const dst = pick(c, global, global, global, local, ALL, GROUP6, NEAR), hops = c.below(8) ? 255 : c.u8();
  switch (c.below(17)) {
    case 0: {
      const asks = c.below(4) ? src : new Uint8Array(16), options = c.below(2) ? nd.source(MAC_PEER) : junk(c);
      return solicitation(asks, c.below(8) ? own : FAR, asks === src ? options : nd.nonce(some(c, 6)), { hops });
    }
    case 1: return advertisement(src, dst, pick(c, NEAR, ROUTER, own, FAR), c.below(8), junkOr(c, nd.target(MAC_PEER)));
    case 2: return advertised(c, hops);
    case 3: return icmp6({ src, dst }, 128, 0, c.u16(), some(c, c.below(60)));
    case 4: return error6(s, c, src, own);
    case 5: case 6: return pieces(s, c, src, global);
    case 7: return headers(c, src, dst);
    case 8:
      return icmp6({ src: ROUTER, dst: pick(c, ALL, GROUP6, own), hops: c.below(4) ? 1 : hops }, 130, 0,
        c.below(2) ? 10_000 << 16 : c.u32(), [...(c.below(2) ? new Uint8Array(16) : GROUP6), ...some(c, c.below(12))]);
    case 9: return icmp6({ src, dst, hops }, c.u8(), c.below(4), c.u32(), some(c, c.below(80)));
    case 10: {
      const port = c.below(2) ? UDP_PORT : c.u16();
      return udp6({ src, dst, hops }, c.u16(), port, Uint8Array.from(some(c, c.u8())));
    }
    case 11: return ipv6({ src: ROUTER, dst: ALL, next: c.u8() }, Uint8Array.from(some(c, c.below(60))));
    case 12: {
      const far = ip6(`2001:db8:ffff::${(9 + c.below(20)).toString(16)}`), better = ip6(`fe80::${1 + c.below(4)}`);
      const to = pick(c, far, far, NEAR, own), target = pick(c, better, better, to, own);
      return redirect(c.below(8) ? ROUTER : src, own, to, target, junkOr(c, nd.target(MAC_PEER)), { hops });
    }
    default: return segmentOf(s, c, c.below(16) ? NEAR : src);
  }
}

const junk = (c: Choices): number[] => [c.u8(), c.below(4), ...some(c, c.below(30))];
const junkOr = (c: Choices, right: number[]): number[] => (c.below(4) ? right : junk(c));

/** A router's advertisement. */
function advertised(c: Choices, hops: number): Uint8Array {
  const options: number[] = [], life = (): number => pick(c, 0, 1, 60, 3600, 0xffffffff, c.u32());
  for (let n = c.below(5); n > 0; n--) {
    switch (c.below(6)) {
      case 0: options.push(...nd.source(c.below(4) ? MAC_PEER : [2, 9, 9, 9, 9, c.u8()])); break;
      case 1: options.push(...nd.mtu(pick(c, 1280, 1400, 1500, 0, c.u32()))); break;
      case 2: options.push(...nd.rdnss(life(), ...[NEAR, FAR, ROUTER].slice(0, c.below(4)))); break;
      case 3: options.push(...junk(c)); break;
      default: {
        const prefix = c.below(2) ? PREFIX : ip6(`2001:db8:${c.u8().toString(16)}::`);
        const valid = life(), preferred = c.below(2) ? valid : life(), bits = c.below(4) ? 64 : c.u8();
        options.push(...nd.prefix(prefix, { bits, flags: c.below(4) ? 0xc0 : c.u8(), valid, preferred }));
      }
    }
  }
  const from = c.below(3) ? ROUTER : ip6(`fe80::${1 + c.below(8)}`), lifetime = pick(c, 1800, 0, 1, 65535, c.u16());
  return routerAdvertisement(from, options, { lifetime, hops: pick(c, 64, 0, 1, 255), flags: c.u8() }, { hops });
}

/** An ICMPv6 error that quotes a segment or a datagram of ours, or nearly. */
function error6(s: Subject, c: Choices, src: Uint8Array, own: Uint8Array): Uint8Array {
  const known = s.handle !== 0 && s.exports.tcp_info(s.handle, s.scratch) === 0;
  const seq = known && c.below(4) ? s.field("sndUna") : c.u32(), next = c.below(4) ? 6 : 17;
  const text = [...be(2, c.below(4) ? s.dport : UDP_PORT), ...be(2, s.sport), ...be(4, seq), ...some(c, c.below(20))];
  const quoted = ipv6({ src: c.below(8) ? own : FAR, dst: NEAR, next }, Uint8Array.from(text)).slice(14);
  // As long as it was, not as what is quoted of it.
  if (c.below(4)) quoted.set(be(2, 1360), 4);
  const cut = c.below(4) ? quoted : quoted.subarray(0, c.u8() % quoted.length);
  const type = pick(c, 1, 2, 2, 3, 4), mtu = pick(c, 1280, 1400, 100, c.u32());
  return icmp6({ src, dst: own }, type, c.below(2) ? 0 : c.below(8), mtu, [...cut]);
}

/** Fragments of an echo request or a datagram, one of them perhaps lost, moved or twice. */
function pieces(s: Subject, c: Choices, src: Uint8Array, dst: Uint8Array): Uint8Array {
  const text = Uint8Array.from(some(c, 8 + c.u8()));
  const whole = c.below(2) ? icmp6({ src, dst }, 128, 0, 7, text) : udp6({ src, dst }, 9, UDP_PORT, text);
  const payload = whole.slice(54), cut = 8 * (1 + c.below(Math.max(1, payload.length >> 3))), next = whole[20]!;
  const part = (from: number, to: number, more: 0 | 1): Uint8Array => {
    const offset = from + (c.below(8) ? 0 : 8 * c.below(8)), id = 1 + c.below(2);
    const header = [next, 0, ...be(2, offset | more), ...be(4, id)];
    return ipv6({ src, dst, next: 44 }, Uint8Array.from([...header, ...payload.subarray(from, to)]));
  };
  if (c.below(4)) s.push(part(0, cut, 1));
  if (!c.below(8)) return part(0, payload.length, 0);
  return part(cut, payload.length, c.below(8) ? 0 : 1);
}

/** A datagram or an echo request behind extension headers. */
function headers(c: Choices, src: Uint8Array, dst: Uint8Array): Uint8Array {
  const kinds = Array.from({ length: 1 + c.below(5) }, () => pick(c, 0, 60, 60, 43, 44, 51, 59, c.u8()));
  const inner = c.below(2) ? udp6({ src, dst }, 9, UDP_PORT, Uint8Array.of(1, 2)) : icmp6({ src, dst }, 128, 0, 1, [1]);
  let next = inner[20]!, all = [...inner.subarray(54)];
  for (const kind of kinds) {
    const options = pick(c, [1, 4, 0, 0, 0, 0], [5, 2, 0, 0, 1, 0], [c.u8(), c.below(8), ...some(c, 4)], some(c, 6));
    all = [next, c.below(16) ? 0 : c.u8(), ...options, ...all];
    next = kind;
  }
  return ipv6({ src, dst, next }, Uint8Array.from(all));
}

function segment6(
  s: Subject, src: Uint8Array, flags: string, seq: number, ack: number, options: number[], size: number,
): Uint8Array {
  const header = 20 + options.length, dst = (s.own6 ?? NOBODY).global;
  const bytes = Uint8Array.from([
    ...be(2, s.sport), ...be(2, LISTENING), ...be(4, seq >>> 0), ...be(4, ack >>> 0), (header / 4) << 4,
    TCP_FLAGS[flags]!, ...be(2, 60_000), 0, 0, 0, 0, ...options, ...new Uint8Array(size),
  ]);
  bytes.set(be(2, sum6({ src, dst }, 6, bytes)), 16);
  return ipv6({ src, dst, next: 6 }, bytes);
}

function segmentOf(s: Subject, c: Choices, src: Uint8Array): Uint8Array {
  const known = s.handle !== 0 && s.exports.tcp_info(s.handle, s.scratch) === 0;
  const delta = pick(c, 0, 0, 0, 1, 100, -100, 1400), size = pick(c, 0, 0, 1, 500, 1300);
  const seq = (known ? s.field("rcvNxt") : 1001) + delta;
  const ack = known ? s.field(pick(c, "sndNxt", "sndUna")) : s.synAck + 1;
  return segment6(s, src, pick(c, "A", "A", "PA", "FA", "S", "SA", "R", "RA"), seq, ack, [], size);
}

/** A message of multicast DNS, or of IGMP. */
function local(c: Choices): Uint8Array {
  if (!c.below(12)) {
    const igmp = Uint8Array.from([pick(c, 0x11, 0x11, 0x16, c.u8()), c.u8(), 0, 0, ...be(4, c.below(2) ? 0 : GROUP),
      ...some(c, c.below(12))]);
    const words = igmp.reduce((n, b, i) => n + (i & 1 ? b : b << 8), 0);
    igmp.set(be(2, ~((words & 0xffff) + (words >>> 16)) & 0xffff), 2);
    const dstMac = [1, 0, 0x5e, 0, 0, 1], dst = ip4("224.0.0.1");
    return ipv4({ src: PEER, dst, dstMac, proto: 2, ttl: c.below(8) ? 1 : c.u8() }, igmp);
  }
  const names = ["lamp.local", "LAMP.local", "lamp-2.local", "other.local", "1.0.0.10.in-addr.arpa", "x.test"];
  const name = (): string => pick(c, ...names);
  const rr = (): number[] => {
    const ttl = pick(c, 120, 0, 1, c.u32()), ip = pick(c, STACK, PEER, OTHER, c.u32());
    if (c.below(16)) return c.below(4) ? a(name(), ip, ttl) : aaaa(name(), NEAR, ttl);
    return some(c, c.below(30));
  };
  const records = (n: number): number[][] => Array.from({ length: c.below(n) }, rr);
  const questions = Array.from({ length: c.below(4) }, () => ({
    name: name(), type: pick(c, 1, 28, ANY, PTR, c.u16()), cls: pick(c, IN, IN, IN | QU, c.u16()),
  }));
  const data = message({
    id: c.below(4) ? 0 : c.u16(), flags: pick(c, 0, 0x8400, 0x8400, c.u16()), questions, answers: records(4),
    authorities: records(3), additionals: records(2),
    ...(c.below(16) ? {} : { counts: [c.u16(), c.u16(), c.u16(), c.u16()] }),
  });
  const src = pick(c, PEER, PEER, PEER, STACK + 5, OTHER), sport = c.below(8) ? PORT : c.u16();
  const cut = c.below(12) ? data : data.subarray(0, c.u16() % (data.length + 1));
  const all = c.below(8) !== 0;
  return udp({
    src, dst: all ? GROUP : STACK, ttl: c.below(8) ? 255 : c.u8(), ...(all ? { dstMac: GROUP_MAC } : {}),
  }, sport, PORT, cut);
}

/** A call of an application's; `bad` is a pointer that no caller may give. Returns an error, or what is none. */
export function call6(s: Subject, c: Choices, bad: () => number): number {
  const x = s.exports, to = c.below(8) ? s.scratch : bad();
  s.u8.set(pick(c, NEAR, FAR, PREFIX, s.own6?.global ?? FAR), s.scratch);
  switch (c.below(14)) {
    case 10: return x.dhcp6_info(to);
    case 11: return c.below(2) ? x.dhcp6_stop() : x.ip6_temporary(c.below(3));
    case 0: return x.ip6_start(to);
    case 1: return x.ip6_stop();
    case 2: return x.ip6_add(to, c.below(4) ? 64 : c.u8(), c.below(2) ? 0 : s.scratch);
    case 3: return x.ip6_remove(to);
    case 4: return x.ip6_info(c.below(8), to);
    case 5: return x.ip6_router(c.below(4), to);
    // A name is a number of 32 bits, and no error.
    case 6: x.ip_source(c.below(2) ? x.ip6_name(to) : c.u32()); x.tcp_connect(0, 0, x.ip6_name(to), s.sport); return 0;
    case 7: return x.mdns_stop();
    case 8: return x.mdns_info(to);
    case 9: return x.mdns_name(to, c.u8());
    default: {
      const text = pick(c, "lamp", "other.local", "a.test", "x.local", "-bad-", "y".repeat(70));
      for (let i = 0; i < text.length; i++) s.u8[s.scratch + i] = text.charCodeAt(i);
      const size = c.below(16) ? text.length : c.u8();
      if (c.below(2)) return x.mdns_start(to, size);
      return (c.below(2) ? x.dns_lookup6 : x.dns_lookup)(to, size, s.scratch, c.below(6));
    }
  }
}
