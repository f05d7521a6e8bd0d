/** DHCP messages for tests: written from RFC 2131 and RFC 2132 alone, and apart from the stack's own code. */
import { be, BROADCAST, ip4, MAC_STACK, see, udp, type Seen } from "./codec.js";

export const TYPE = { DISCOVER: 1, OFFER: 2, REQUEST: 3, DECLINE: 4, ACK: 5, NAK: 6, RELEASE: 7 };

export interface Message {
  op: number;
  xid: number;
  secs: number;
  flags: number;
  ciaddr: number;
  yiaddr: number;
  chaddr: number[];
  options: Map<number, number[]>;
}

/** The fields of a client's message; its options have to be well-formed. */
export function readDhcp(data: Uint8Array): Message {
  const v = new DataView(data.buffer, data.byteOffset, data.length), options = new Map<number, number[]>();
  if (v.getUint32(236) !== 0x63825363) throw new Error("no cookie");
  let at = 240;
  for (; data[at] !== 255; at += data[at] === 0 ? 1 : 2 + data[at + 1]!) {
    if (at >= data.length) throw new Error("the options do not end");
    if (data[at] !== 0) options.set(data[at]!, [...data.slice(at + 2, at + 2 + data[at + 1]!)]);
  }
  return {
    op: data[0]!, xid: v.getUint32(4), secs: v.getUint16(8), flags: v.getUint16(10), ciaddr: v.getUint32(12),
    yiaddr: v.getUint32(16), chaddr: [...data.slice(28, 34)], options,
  };
}

export interface Reply {
  op?: number;
  xid: number;
  yiaddr?: number;
  chaddr?: number[];
  cookie?: number[];
  htype?: number;
  sname?: number[];
  file?: number[];
  /** Options as they stand, END included if there is to be one. */
  options: number[];
}

function dhcpBytes(r: Reply): Uint8Array {
  const fixed = (bytes: number[], size: number): number[] => [
    ...bytes, ...Array.from({ length: size - bytes.length }, () => 0),
  ];
  return Uint8Array.from([
    r.op ?? 2, r.htype ?? 1, 6, 0, ...be(4, r.xid), 0, 0, 0, 0, ...be(4, 0), ...be(4, r.yiaddr ?? 0), ...be(4, 0),
    ...be(4, 0), ...fixed(r.chaddr ?? MAC_STACK, 16), ...fixed(r.sname ?? [], 64), ...fixed(r.file ?? [], 128),
    ...(r.cookie ?? [99, 130, 83, 99]), ...r.options,
  ]);
}

/** A frame from a server at `src` to the client. */
export function dhcpFrame(src: number, dst: number, r: Reply, sport = 67, srcMac?: number[]): Uint8Array {
  return udp(
    { src, dst, dstMac: dst === 0xffffffff ? BROADCAST : MAC_STACK, ...(srcMac === undefined ? {} : { srcMac }) },
    sport, 68, dhcpBytes(r),
  );
}

export const option = (kind: number, ...bytes: number[]): number[] => [kind, bytes.length, ...bytes];
export const address = (kind: number, ...ips: number[]): number[] => option(kind, ...ips.flatMap((ip) => be(4, ip)));
export const END = 255;

/** Whether a frame is a client's. */
export const isDhcp = (s: Seen): boolean => s.kind === "udp" && s.dport === 67;

/**
 * What a server of 10.0.0.0/24, which is the DNS server, too, answers to a client's frame: with the address that `give`
 * says, 0 is a refusal; undefined: nothing, or the frame is something else.
 */
export function dhcpAnswer(
  frame: Uint8Array, server: number, give: (type: number, wanted: number | undefined) => number | undefined,
): Uint8Array | undefined {
  // A Buffer's own slice is no copy.
  const seen = see(Uint8Array.from(frame));
  if (!isDhcp(seen)) return undefined;
  const m = readDhcp(seen.data), type = m.options.get(53)![0]!, asked = m.options.get(50);
  const ip = give(type, asked && Buffer.from(asked).readUInt32BE());
  if (ip === undefined) return undefined;
  const kind = type === TYPE.DISCOVER ? TYPE.OFFER : ip === 0 ? TYPE.NAK : TYPE.ACK;
  const reply = dhcpFrame(server, 0xffffffff, {
    xid: m.xid,
    yiaddr: ip || ip4("10.0.0.70"),
    chaddr: m.chaddr,
    options: [
      ...option(53, kind), ...address(54, server), ...address(51, 60), ...address(1, ip4("255.255.255.0")),
      ...address(6, server), END,
    ],
  });
  reply.set(frame.subarray(6, 12), 0);
  return reply;
}
