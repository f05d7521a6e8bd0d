/** Frames that a lab makes itself: what a router answers, and what an attacker sends. */

const ETHERTYPE_ARP = 0x0806;
const ROUTER_MAC = Uint8Array.of(2, 0, 0, 0, 0, 254);

/** If the frame asks for an address (ARP, RFC 826), the router's answer: it stands for everybody. */
export function arpAnswer(frame: Uint8Array): Uint8Array | null {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  if (frame.length < 42 || view.getUint16(12) !== ETHERTYPE_ARP || view.getUint16(20) !== 1) return null;
  // An announcement asks for nobody.
  if (view.getUint32(28) === view.getUint32(38)) return null;
  const out = frame.slice(0, 42);
  out.set(frame.subarray(6, 12), 0);
  out.set(ROUTER_MAC, 6);
  out[21] = 2;
  out.set(ROUTER_MAC, 22);
  out.set(frame.subarray(38, 42), 28);
  out.set(frame.subarray(22, 32), 32);
  return out;
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
    this.bytes.set(mac, 0);
    this.bytes.set(ROUTER_MAC, 6);
    this.bytes.set([8, 0, 0x45, 0, 0, 44, 0, 0, 0x40, 0, 64, 6], 12);
    this.#view.setUint32(30, dst);
    this.#view.setUint16(36, port);
    this.bytes.set([0x60, 2, 0xff, 0xff, 0, 0, 0, 0, 2, 4, 0x05, 0xb4], 46);
  }

  /** The same frame from `src`:`port`, checksums and all. */
  from(src: number, port: number, seq: number): Uint8Array {
    const v = this.#view;
    v.setUint32(26, src);
    v.setUint16(34, port);
    v.setUint32(38, seq);
    v.setUint16(24, 0);
    v.setUint16(24, this.#fold(14, 34, 0));
    v.setUint16(50, 0);
    v.setUint16(50, this.#fold(26, 58, 6 + 24));
    return this.bytes;
  }

  #fold(from: number, to: number, sum: number): number {
    for (let i = from; i < to; i += 2) sum += this.#view.getUint16(i);
    sum = (sum & 0xffff) + (sum >>> 16);
    sum = (sum & 0xffff) + (sum >>> 16);
    return ~sum & 0xffff;
  }
}

export { ROUTER_MAC };
