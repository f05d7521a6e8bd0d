/** Frames that a lab makes itself: what a router answers, and what an attacker sends. */
import { arp, opt, sum, tcp } from "../encode.js";
import {
  ARP_OP, bytesOf, ETHERNET, IP_AT, IPV4, isArp, PROTOCOL, put, readArp, SIZE, TCP,
} from "../headers.js";

const ROUTER_MAC = Uint8Array.of(2, 0, 0, 0, 0, 254);

/** If the frame asks for an address (ARP, RFC 826), the router's answer: it stands for everybody. */
export function arpAnswer(frame: Uint8Array): Uint8Array | null {
  if (!isArp(frame, ARP_OP.request)) return null;
  const asks = readArp(frame);
  // An announcement asks for nobody.
  if (asks.ip === asks.target) return null;
  return arp(ARP_OP.reply, { mac: ROUTER_MAC, ip: asks.target }, asks, bytesOf(frame, 0, ETHERNET.src));
}

/** Who has this address? It also tells whose the question is. */
export function arpRequest(mac: number[], ip: number, target: number): Uint8Array {
  return arp(ARP_OP.request, { mac, ip }, { mac: [0, 0, 0, 0, 0, 0], ip: target });
}

/** The frame with another destination, as a router hands it on. */
export function forwarded(frame: Uint8Array, mac: Uint8Array): Uint8Array {
  const out = frame.slice();
  bytesOf(out, 0, ETHERNET.dst).set(mac);
  bytesOf(out, 0, ETHERNET.src).set(ROUTER_MAC);
  return out;
}

/** Where the SYN is, and its bytes: those of its MSS option come behind the header. */
const TCP_AT = IP_AT + SIZE.ipv4, SYN_SIZE = SIZE.tcp + opt.mss(0).length;

/** A SYN with an MSS of 1460, 60 bytes of frame, to be sent again and again with other sources. */
export class SynFrame {
  readonly bytes = new Uint8Array(60);
  #ip = this.bytes.subarray(IP_AT, TCP_AT);
  #tcp = this.bytes.subarray(TCP_AT, TCP_AT + SYN_SIZE);


  constructor(mac: Uint8Array, dst: number, port: number) {
    const ip = { src: 0, dst, srcMac: ROUTER_MAC, dstMac: mac, id: 0 };
    this.bytes.set(tcp(ip, { flags: "S", seq: 0, dport: port, opts: opt.mss(1460) }));
  }

  /** The same frame from `src`:`port`, checksums and all. */
  from(src: number, port: number, seq: number): Uint8Array {
    put(this.#ip, 0, IPV4.src, src);
    put(this.#tcp, 0, TCP.sport, port);
    put(this.#tcp, 0, TCP.seq, seq);
    put(this.#ip, 0, IPV4.sum, 0);
    put(this.#ip, 0, IPV4.sum, sum(this.#ip) ^ 0xffff);
    put(this.#tcp, 0, TCP.sum, 0);
    const addresses = sum(this.#ip, IPV4.src.byte, SIZE.ipv4, PROTOCOL.tcp + SYN_SIZE);
    put(this.#tcp, 0, TCP.sum, sum(this.#tcp, 0, SYN_SIZE, addresses) ^ 0xffff);
    return this.bytes;
  }
}
