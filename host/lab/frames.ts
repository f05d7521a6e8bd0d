/** Frames that a lab makes itself: what a router answers, and what an attacker sends. */
import { arp, ETHERTYPE, opt, PROTOCOL, sum, tcp } from "../encode.js";

const ROUTER_MAC = Uint8Array.of(2, 0, 0, 0, 0, 254);

/** If the frame asks for an address (ARP, RFC 826), the router's answer: it stands for everybody. */
export function arpAnswer(frame: Uint8Array): Uint8Array | null {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  if (frame.length < 42 || view.getUint16(12) !== ETHERTYPE.arp || view.getUint16(20) !== 1) return null;
  // An announcement asks for nobody.
  if (view.getUint32(28) === view.getUint32(38)) return null;
  const asks = { mac: frame.subarray(22, 28), ip: view.getUint32(28) };
  return arp(2, { mac: ROUTER_MAC, ip: view.getUint32(38) }, asks, frame.subarray(6, 12));
}

/** Who has this address? It also tells whose the question is. */
export function arpRequest(mac: number[], ip: number, target: number): Uint8Array {
  return arp(1, { mac, ip }, { mac: [0, 0, 0, 0, 0, 0], ip: target });
}

/** The frame with another destination, as a router hands it on. */
export function forwarded(frame: Uint8Array, mac: Uint8Array): Uint8Array {
  const out = frame.slice();
  out.set(mac, 0);
  out.set(ROUTER_MAC, 6);
  return out;
}

/** A SYN with an MSS of 1460, 60 bytes of frame, to be sent again and again with other sources. */
export class SynFrame {
  readonly bytes = new Uint8Array(60);
  #view = new DataView(this.bytes.buffer);

  constructor(mac: Uint8Array, dst: number, port: number) {
    const ip = { src: 0, dst, srcMac: ROUTER_MAC, dstMac: mac, id: 0 };
    this.bytes.set(tcp(ip, { flags: "S", seq: 0, dport: port, opts: opt.mss(1460) }));
  }

  /** The same frame from `src`:`port`, checksums and all. */
  from(src: number, port: number, seq: number): Uint8Array {
    const v = this.#view;
    v.setUint32(26, src);
    v.setUint16(34, port);
    v.setUint32(38, seq);
    v.setUint16(24, 0);
    v.setUint16(24, sum(this.bytes, 14, 34) ^ 0xffff);
    v.setUint16(50, 0);
    v.setUint16(50, sum(this.bytes, 26, 58, PROTOCOL.tcp + 24) ^ 0xffff);
    return this.bytes;
  }
}

export { ROUTER_MAC };
