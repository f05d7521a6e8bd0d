/**
 * A neighbour who sends what is right, nearly right or nonsense, over IPv4 and IPv6, out of a generator: handshakes and
 * text that fit what the stack said last, and everything that does not.
 */
import { TCP_FLAG } from "../../host/headers.js";
import type { Random } from "../../host/random.js";
import { repair } from "../fuzz/quick.js";
import { arp, be, ethernet, icmp, ip4, ipv4, MAC_PEER, MAC_STACK, opt, see, tcp, udp, type Seen } from "./codec.js";
import {
  advertisement, ALL_NODES, icmp6, ip6, ipv6, nd, routerAdvertisement, see6, solicitation, sum6, type Seen6,
} from "./codec6.js";
import { dhcpAnswer } from "./dhcp.js";

const STACK = ip4("10.0.0.2"), PEER = ip4("10.0.0.1"), FAR = ip4("198.51.100.7"), ROUTER = ip6("fe80::1");
const PORTS = [7, 7, 7, 9, 19, 80, 80], FLAGS = ["A", "A", "PA", "PA", "PA", "FA", "R", "RA", "S", "SA", "", "PFUA"];
const REQUEST = new TextEncoder().encode("GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
const NEAR = [0, 0, 0, 0, 0, 0, 1, -1, 100, -100, 1460, -1460, 0x7fffffff, -0x80000000];

/** A connection, as the neighbour has it. */
interface Conn { port: number; local: number; seq: number; ack: number; from: Uint8Array | undefined }

export class Hostile {
  readonly #r: Random;
  readonly #conns = new Map<number, Conn>();
  /** Frames that are right, and are sent before others are drawn. */
  readonly #due: Uint8Array[] = [];
  /** Addresses of the stack. */
  #own6: Uint8Array[] = [];
  #own = STACK;
  #mac: Uint8Array = Uint8Array.from(MAC_STACK);
  #last: Uint8Array = new Uint8Array(60);
  #port = 40000;

  constructor(r: Random) {
    this.#r = r;
  }

  #pick<T>(of: readonly T[]): T {
    return of[this.#r.below(of.length)]!;
  }

  /** What the stack has sent. */
  see(frame: Uint8Array): void {
    this.#last = frame;
    this.#mac = frame.slice(6, 12);
    const six = see6(frame), seen = six === null ? see(frame) : undefined;
    if (six !== null) this.#see6(six);
    if (seen?.kind === "arp") {
      if (seen.op === 1 && seen.ip.dst !== this.#own) this.#due.push(this.#neighbour(2, seen.ip.dst, seen.ip.src));
      if (seen.ip.src !== 0) this.#own = seen.ip.src;
    }
    if (seen?.kind === "tcp") this.#took(seen.dport, seen, seen.data.length, undefined);
    const lease = dhcpAnswer(frame, PEER, () => (this.#r.below(20) === 0 ? 0 : STACK));
    if (lease !== undefined) this.#due.push(lease);
  }

  #see6({ src, next, payload }: Seen6): void {
    if (next === 6 && payload.length >= 20) {
      const v = new DataView(payload.buffer, payload.byteOffset), bits = payload[13]!;
      const flags = `${bits & TCP_FLAG.syn ? "S" : ""}${bits & TCP_FLAG.fin ? "F" : ""}`;
      const t = { sport: v.getUint16(0), seq: v.getUint32(4), ack: v.getUint32(8), flags };
      this.#took(v.getUint16(2), t, payload.length - (payload[12]! >> 4) * 4, src);
    }
    if (src.some((b) => b !== 0) && !this.#own6.some((a) => Buffer.compare(a, src) === 0))
      this.#own6 = [...this.#own6.slice(-3), src];
  }

  /** A segment to one of our ports. */
  #took(
    port: number, t: Pick<Seen, "sport" | "seq" | "ack" | "flags">, size: number, from: Uint8Array | undefined,
  ): void {
    const c = this.#conns.get(port);
    if (c === undefined) return;
    const length = size + (t.flags.includes("S") ? 1 : 0) + (t.flags.includes("F") ? 1 : 0);
    c.from = from;
    if (length === 0) return;
    [c.seq, c.ack] = [t.ack, (t.seq + length) >>> 0];
    if (this.#r.below(8) !== 0) this.#due.push(this.#segment(c, "A", new Uint8Array()));
  }

  /** The next frame. */
  frame(): Uint8Array {
    const frame = this.#next();
    if (frame.length >= 14 && MAC_STACK.every((b, i) => frame[i] === b)) frame.set(this.#mac);
    return frame;
  }

  #next(): Uint8Array {
    const due = this.#r.below(4) === 0 ? undefined : this.#due.shift();
    if (due !== undefined) return due;
    this.#due.splice(0, this.#due.length - 8);
    return this.#damaged(this.#drawn());
  }

  #drawn(): Uint8Array {
    const r = this.#r;
    switch (r.below(16)) {
      case 0: case 1: case 2: return this.#open();
      case 3: case 4: case 5: case 6: case 7: case 8: case 9: return this.#speaks();
      case 10: return this.#control();
      case 11: return this.#neighbour(r.below(4), this.#pick([PEER, PEER, FAR, STACK]), this.#own);
      case 12: return udp({ src: this.#pick([PEER, FAR]), dst: this.#own }, r.below(100), this.#pick([68, 7, 53]),
        r.bytes(r.below(400)));
      case 13: {
        const piece = ipv4({ src: PEER, dst: this.#own, proto: this.#pick([6, 17, 1]) }, r.bytes(r.below(900)));
        piece.set(be(2, this.#pick([0x2000, 0x2010, 0x10])), 20);
        repair(piece);
        return piece;
      }
      case 14: return this.#six();
      default: return ethernet(this.#pick([0x800, 0x806, 0x86dd, r.below(65536)]), r.bytes(r.below(1501)));
    }
  }

  #neighbour(op: number, ip: number, to: number): Uint8Array {
    return arp(op, { mac: MAC_PEER, ip }, { mac: this.#r.below(8) === 0 ? [0, 0, 0, 0, 0, 0] : MAC_STACK, ip: to });
  }

  #open(): Uint8Array {
    const r = this.#r, port = (this.#port = 40000 + ((this.#port - 39999) & 63));
    const c = { port, local: this.#pick(PORTS), seq: r.u32(), ack: 0, from: undefined as Uint8Array | undefined };
    if (this.#own6.length > 0 && r.below(2) === 0) c.from = this.#pick(this.#own6);
    this.#conns.set(port, c);
    return this.#segment(c, "S", new Uint8Array());
  }

  /** A segment that fits, or nearly. */
  #speaks(): Uint8Array {
    const r = this.#r, c = [...this.#conns.values()].at(-1 - r.below(12));
    if (c === undefined) return this.#open();
    const isRight = r.below(3) !== 0;
    const data = c.local === 80 && r.below(2) === 0 ? REQUEST : r.bytes(this.#pick([0, 1, 10, 500, 1400, 1460]));
    if (isRight) return this.#segment(c, r.below(12) === 0 ? "FA" : "PA", data);
    const bent = { ...c, seq: (c.seq + this.#pick(NEAR)) >>> 0, ack: (c.ack + this.#pick(NEAR)) >>> 0 };
    return this.#segment(bent, this.#pick(FLAGS), data);
  }

  #segment({ port, local, seq, ack, from }: Conn, flags: string, data: Uint8Array): Uint8Array {
    const r = this.#r, win = this.#pick([65535, 65535, 65535, 1000, 1, 0, r.below(65536)]);
    const opts = flags.includes("S")
      ? this.#pick([
        [], opt.mss(1460), [...opt.mss(536), ...opt.sackOk(), ...opt.ts(r.u32(), 0), ...opt.ws(r.below(16))],
      ])
      : r.below(8) === 0 ? [...r.bytes(r.below(11) * 4)] : [];
    const four = tcp(
      { src: r.below(30) === 0 ? FAR : PEER, dst: this.#own },
      { flags, sport: port, dport: local, seq, ack, win, up: r.below(65536), opts, data },
    );
    if (from === undefined) return four;
    const bytes = four.slice(34), ip = { src: ip6("fe80::1"), dst: from };
    bytes.set([0, 0], 16);
    bytes.set(be(2, sum6(ip, 6, bytes)), 16);
    return ipv6({ ...ip, next: 6 }, bytes);
  }

  /** A ping, or an error about what the stack sent last. */
  #control(): Uint8Array {
    const r = this.#r, ip = { src: this.#pick([PEER, FAR]), dst: this.#own };
    if (r.below(2) === 0) return icmp(ip, 8, 0, r.u32(), r.bytes(r.below(1400)));
    const type = this.#pick([3, 3, 11, 12, 4, 5]);
    return icmp(ip, type, r.below(8), this.#pick([0, 576, 1400, 68]), this.#last.slice(14, 42 + r.below(20)));
  }

  #six(): Uint8Array {
    const r = this.#r, dst = this.#own6.length === 0 ? ALL_NODES : this.#pick(this.#own6), src = ROUTER;
    switch (r.below(7)) {
      case 0: case 1: return routerAdvertisement(ROUTER, [
        ...nd.source(MAC_PEER), ...(r.below(4) === 0 ? nd.mtu(this.#pick([1280, 1400, 9000])) : []),
        ...nd.prefix(ip6(`2001:db8:${r.below(3)}::`), {
          valid: this.#pick([0, 5, 3600]), preferred: this.#pick([0, 5, 1800]), flags: this.#pick([0xc0, 0x80, 0x40]),
        }),
      ], { lifetime: this.#pick([0, 5, 1800]), flags: r.below(256) });
      case 2: return solicitation(src, dst);
      case 3: return advertisement(src, dst, this.#pick([dst, src]), r.below(8));
      case 4: return icmp6({ src, dst }, 128, 0, r.u32(), r.bytes(r.below(1200)));
      case 5: return icmp6({ src, dst }, r.below(160), r.below(4), r.u32(), [...this.#last.slice(14, 120)]);
      default: return ipv6({ src, dst, next: this.#pick([0, 43, 44, 58, 59, 60, 6]) }, r.bytes(r.below(600)));
    }
  }

  /** One frame in eight has wrong bytes, often under sums that are right again; one in forty is cut. */
  #damaged(frame: Uint8Array): Uint8Array {
    const r = this.#r;
    if (r.below(8) === 0) {
      for (let n = 1 + r.below(4); n > 0; n--) frame[r.below(Math.min(frame.length, 100))] = r.below(256);
      if (frame[12] === 8 && frame[13] === 0 && frame.length > 34 && r.below(3) !== 0) repair(frame);
    }
    return r.below(40) === 0 ? frame.slice(0, r.below(frame.length + 1)) : frame;
  }
}
