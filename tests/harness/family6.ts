/**
 * The tests of TCP and UDP over IPv6 (STINT_FAMILY=6): a stack that has IPv6 addresses, between two translators. What
 * a test writes as IPv4 goes
 * in as IPv6, what comes out as IPv6 is seen as IPv4, octet for octet the same above; and a number that a test knows
 * as an IPv4 address
 * is the name of an IPv6 one for the stack. The link is 20 bytes wider, as the header is longer. Sums that are wrong
 * stay wrong.
 */
import { parseCidr, parseIp } from "../../host/address.js";
import type { StackOptions } from "../../host/config.js";
import { StackModule } from "../../host/stack.js";
import { be, checksum } from "./codec.js";
import { hex6, ip6, nd, solicited, macOf } from "./codec6.js";

/** 10.0.0.1 is fd0a::1, 127.0.0.1 is ::1: a /24 is a /56, and a network a network. */
export function mapped(ip: number): Uint8Array {
  if (ip >>> 24 === 127) return ip6("::1");
  return Uint8Array.from([0xfd, ...be(4, ip).slice(0, 3), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ip & 255]);
}

/** How long the prefix is that has the same addresses. */
export const prefix6 = (prefix: number): number => (prefix <= 24 ? 8 : 96) + prefix;

/** The IPv4 address of one that `mapped` made; −1: none. */
function unmapped(bytes: Uint8Array): number {
  if (hex6(bytes) === hex6(ip6("::1"))) return 0x7f000001;
  return bytes[0] === 0xfd ? ((bytes[1]! << 24) | (bytes[2]! << 16) | (bytes[3]! << 8) | bytes[15]!) >>> 0 : -1;
}

/** How much longer the header is. */
export const WIDER = 20;
const SUM_AT: Record<number, number> = { 6: 16, 17: 6 };

/** A payload whose sum was right for one pseudo-header has it right for another; one whose sum was wrong, wrong. */
function resum(payload: Uint8Array, protocol: number, was: number[], now: number[]): Uint8Array {
  const at = SUM_AT[protocol]!,
    out = payload.slice();
  if (out.length < at + 2) return out;
  const fold = (n: number): number => (n > 0xffff ? fold((n & 0xffff) + Math.floor(n / 65536)) : n);
  const old = (out[at]! << 8) | out[at + 1]!;
  if (protocol === 17 && old === 0) return out;
  const sum =
    ~fold((~old & 0xffff) + checksum(Uint8Array.from(was)) + (~checksum(Uint8Array.from(now)) & 0xffff)) & 0xffff;
  out.set(be(2, protocol === 17 && sum === 0 ? 0xffff : sum), at);
  return out;
}

/** ICMP types and codes for errors, with what stands in their second word. */
function error6(type: number, code: number, rest: number): [number, number, number] {
  if (type === 3 && code === 4) return [2, 0, (rest & 0xffff) === 0 ? 1280 : (rest & 0xffff) + WIDER];
  if (type === 3)
    return code === 3
      ? [1, 4, 0]
      : code === 2
        ? [4, 1, 6]
        : code === 9 || code === 10 || code === 13
          ? [1, 1, 0]
          : [1, code === 0 ? 0 : 3, 0];
  return type === 11 ? [3, code, 0] : [4, 0, 0];
}

function header6(tos: number, size: number, next: number, hops: number, src: Uint8Array, dst: Uint8Array): number[] {
  return [0x60 | (tos >> 4), (tos & 15) << 4, 0, 0, ...be(2, size), next, hops, ...src, ...dst];
}

/** An IPv4 or ARP frame as IPv6; one that has no counterpart as it is. */
export function to6(frame: Uint8Array): Uint8Array {
  const v = new DataView(frame.buffer, frame.byteOffset, frame.length),
    type = frame.length < 34 ? 0 : v.getUint16(12);
  if (type === 0x0806) return arp6(frame, v);
  if (
    type !== 0x0800 ||
    frame[14] !== 0x45 ||
    (v.getUint16(20) & 0x3fff) !== 0 ||
    checksum(frame.slice(14, 34)) !== 0
  )
    return frame;
  const total = v.getUint16(16),
    protocol = frame[23]!,
    src = mapped(v.getUint32(26)),
    dst = mapped(v.getUint32(30));
  if (total < 20 || 14 + total > frame.length) return frame;
  const payload = frame.slice(34, 14 + total),
    pair = [...frame.slice(26, 34)],
    body = payloadTo6(payload, protocol, pair, src, dst);
  if (body === null) return frame;
  return Uint8Array.from([
    ...frame.slice(0, 12),
    0x86,
    0xdd,
    ...header6(frame[15]!, body.bytes.length, body.next, frame[22]!, src, dst),
    ...body.bytes,
  ]);
}

function payloadTo6(
  payload: Uint8Array,
  protocol: number,
  pair: number[],
  src: Uint8Array,
  dst: Uint8Array,
): { next: number; bytes: Uint8Array } | null {
  if (protocol === 6 || protocol === 17)
    return { next: protocol, bytes: resum(payload, protocol, pair, [...src, ...dst]) };
  if (protocol !== 1 || payload.length < 8) return null;
  const p = new DataView(payload.buffer),
    good = checksum(payload) === 0;
  let out: number[];
  if (payload[0] === 8 || payload[0] === 0) {
    out = [payload[0] === 8 ? 128 : 129, payload[1]!, 0, 0, ...payload.slice(4)];
  } else if (payload[0] === 3 || payload[0] === 11 || payload[0] === 12) {
    const inner = payload.slice(8),
      i = new DataView(inner.buffer);
    if (inner.length < 28 || inner[0] !== 0x45) return null;
    const [type, code, rest] = error6(payload[0], payload[1]!, p.getUint32(4));
    out = [
      type,
      code,
      0,
      0,
      ...be(4, rest),
      ...header6(
        inner[1]!,
        i.getUint16(2) - 20,
        inner[9]!,
        inner[8]!,
        mapped(i.getUint32(12)),
        mapped(i.getUint32(16)),
      ),
      ...inner.slice(20),
    ];
  } else {
    return null;
  }
  const bytes = Uint8Array.from(out);
  bytes.set(
    be(2, checksum(Uint8Array.from([...src, ...dst, ...be(4, bytes.length), 0, 0, 0, 58]), bytes) ^ (good ? 0 : 1)),
    2,
  );
  return { next: 58, bytes };
}

/** An ARP request or reply as a neighbour's solicitation or advertisement. */
function arp6(frame: Uint8Array, v: DataView): Uint8Array {
  if (frame.length < 42 || v.getUint16(14) !== 1 || v.getUint16(20) > 2) return frame;
  const request = v.getUint16(20) === 1,
    mac = [...frame.slice(22, 28)],
    probing = v.getUint32(28) === 0;
  const src = probing ? ip6("::") : mapped(v.getUint32(28)),
    target = mapped(v.getUint32(request ? 38 : 28)),
    dst = request ? solicited(target) : mapped(v.getUint32(38));
  const body = Uint8Array.from(
    request
      ? [135, 0, 0, 0, 0, 0, 0, 0, ...target, ...(probing ? [] : nd.source(mac))]
      : [136, 0, 0, 0, 0xe0, 0, 0, 0, ...target, ...nd.target(mac)],
  );
  body.set(be(2, checksum(Uint8Array.from([...src, ...dst, ...be(4, body.length), 0, 0, 0, 58]), body)), 2);
  const to = request ? macOf(dst) : [...frame.slice(0, 6)];
  return Uint8Array.from([
    ...to,
    ...frame.slice(6, 12),
    0x86,
    0xdd,
    ...header6(0, body.length, 58, 255, src, dst),
    ...body,
  ]);
}

/** What the stack sent, as IPv4 or ARP; null: it has no counterpart there (routers, groups). */
export function to4(frame: Uint8Array): Uint8Array | null {
  const v = new DataView(frame.buffer, frame.byteOffset, frame.length);
  if (v.getUint16(12) !== 0x86dd) return frame;
  const src = unmapped(frame.slice(22, 38)),
    dst = unmapped(frame.slice(38, 54)),
    next = frame[20]!,
    payload = frame.slice(54),
    tos = ((frame[14]! & 15) << 4) | (frame[15]! >> 4);
  if (next === 58 && (payload[0] === 135 || payload[0] === 136)) return arp4(frame, payload, src, dst);
  if (src < 0 || dst < 0) return null;
  let body: Uint8Array;
  if (next === 6 || next === 17) {
    body = resum(payload, next, [...frame.slice(22, 54)], [...be(4, src), ...be(4, dst)]);
  } else if (next === 58 && payload[0]! >= 128 && payload[0]! <= 129) {
    body = Uint8Array.from([payload[0] === 128 ? 8 : 0, payload[1]!, 0, 0, ...payload.slice(4)]);
    body.set(be(2, checksum(body)), 2);
  } else {
    return null;
  }
  const header = Uint8Array.from([
    0x45,
    tos,
    ...be(2, 20 + body.length),
    0,
    0,
    0x40,
    0,
    frame[21]!,
    next === 58 ? 1 : next,
    0,
    0,
    ...be(4, src),
    ...be(4, dst),
  ]);
  header.set(be(2, checksum(header)), 10);
  return Uint8Array.from([...frame.slice(0, 12), 8, 0, ...header, ...body]);
}

function arp4(frame: Uint8Array, payload: Uint8Array, src: number, dst: number): Uint8Array | null {
  const request = payload[0] === 135,
    target = unmapped(payload.slice(8, 24));
  if (src < 0 || target < 0) return null;
  const mac = [...frame.slice(6, 12)],
    other = request ? [0, 0, 0, 0, 0, 0] : [...frame.slice(0, 6)];
  return Uint8Array.from([
    ...(request ? [255, 255, 255, 255, 255, 255] : other),
    ...mac,
    8,
    6,
    0,
    1,
    8,
    0,
    6,
    4,
    0,
    request ? 1 : 2,
    ...mac,
    ...be(4, src),
    ...other,
    ...be(4, request ? target : Math.max(0, dst)),
  ]);
}

/** Virtual time that duplicate address detection had before a test begins, µs. */
const BEFORE_US = 3_000_000;

/** A stack that has its options' addresses as IPv6 ones, and looks to a test as if they were IPv4's. */
export class StackModule6 extends StackModule {
  constructor(module: WebAssembly.Module, options: StackOptions) {
    super(module, { ...options, mtu: (options.mtu ?? 1500) + WIDER });
    const { ip, prefix } = parseCidr(options.ip!);
    super.poll(0);
    this.ip6Start(new Uint8Array(16).fill(7));
    this.ip6Add(
      mapped(ip),
      prefix6(prefix),
      options.gateway === undefined ? undefined : mapped(parseIp(options.gateway)),
    );
    for (let us = 0; us <= 2_500_000; us += 50_000) {
      super.poll(us);
      super.drainFrames(() => {});
    }
    this.drainEvents(() => {});
  }

  #name(ip: number): number {
    return ip === 0 || ip >>> 28 === 14 || ip === 0xffffffff ? ip : this.ip6Name(mapped(ip));
  }

  #number(name: number): number {
    const bytes = this.ip6Bytes(name);
    return bytes === null ? name : unmapped(bytes);
  }

  override poll(nowUs: number): number {
    return super.poll(nowUs + BEFORE_US);
  }

  override pushFrame(frame: Uint8Array): boolean {
    return super.pushFrame(to6(frame));
  }

  override drainFrames(take: (frame: Uint8Array) => void): number {
    let seen = 0;
    super.drainFrames((frame) => {
      const as4 = to4(frame.slice());
      if (as4 === null) return;
      seen++;
      take(as4);
    });
    return seen;
  }

  override listen(port: number, backlog = 128, ip = 0): number {
    return super.listen(port, backlog, this.#name(ip));
  }

  override connect(rip: number, rport: number, lport = 0, lip = 0): number {
    return super.connect(this.#name(rip), rport, lport, this.#name(lip));
  }

  override flowState(lip: number, lport: number, rip: number, rport: number): ReturnType<StackModule["flowState"]> {
    return super.flowState(this.#name(lip), lport, this.#name(rip), rport);
  }

  override udpSend(handle: number, ip: number, port: number, data: Uint8Array): boolean {
    return super.udpSend(handle, this.#name(ip), port, data);
  }

  override udpReceive(handle: number): { data: Uint8Array; ip: number; port: number } | null {
    const got = super.udpReceive(handle);
    return got === null ? null : { ...got, ip: this.#number(got.ip) };
  }

  override info(handle: number): ReturnType<StackModule["info"]> {
    const info = super.info(handle);
    return { ...info, rip: this.#number(info.rip), lip: this.#number(info.lip) };
  }
}
