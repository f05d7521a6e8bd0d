/** A DHCP server (RFC 2131) for the stacks behind the gateway: each station has an address of its own. */
import { be } from "../../encode.js";

/** The addresses of the network that the gateway is in; `far`: what its own stack takes for a router. */
export interface Net { gateway: number; dns: number; far: number; prefix: number }

const DISCOVER = 1, OFFER = 2, REQUEST = 3, DECLINE = 4, ACK = 5, NAK = 6, RELEASE = 7, INFORM = 8;
const COOKIE = 0x63825363, HEADER = 240;
/** A day. */
const LEASE_S = 86_400;
/** The first address that is handed out, by its place in the network, as slirp has it. */
const FIRST = 15;

/** The options of a message, by their codes. */
function optionsOf(data: Uint8Array): Map<number, Uint8Array> {
  const options = new Map<number, Uint8Array>();
  for (let at = HEADER; at + 1 < data.length && data[at] !== 255; at += data[at] === 0 ? 1 : 2 + data[at + 1]!)
    if (data[at] !== 0) options.set(data[at]!, data.subarray(at + 2, at + 2 + data[at + 1]!));
  return options;
}

function number(bytes: Uint8Array | undefined): number {
  return bytes?.length === 4 ? new DataView(bytes.buffer, bytes.byteOffset).getUint32(0) : 0;
}

/** Leases are never taken back for age: a station keeps its address until it declines or releases it. */
export class DhcpServer {
  /** Addresses by station; who asked last is last. */
  readonly #leases = new Map<string, number>();

  constructor(readonly net: Net) {}

  /** The answer to a client's message; undefined: there is none. */
  answer(data: Uint8Array): Uint8Array | undefined {
    const view = new DataView(data.buffer, data.byteOffset, data.length);
    if (data.length < HEADER || data[0] !== 1 || data[1] !== 1 || data[2] !== 6) return undefined;
    if (view.getUint32(236) !== COOKIE) return undefined;
    const options = optionsOf(data), type = options.get(53)?.[0], station = data.slice(28, 34).join(":");
    const asked = number(options.get(50)) || view.getUint32(12), server = number(options.get(54));
    switch (type) {
      case DISCOVER:
        return this.#message(data, OFFER, this.#address(station, asked));
      case REQUEST: {
        if (server !== 0 && server !== this.net.gateway) return undefined;
        const ip = this.#address(station, asked);
        return ip !== 0 && ip === asked ? this.#message(data, ACK, ip) : this.#message(data, NAK, 0);
      }
      case DECLINE: case RELEASE:
        this.#leases.delete(station);
        return undefined;
      case INFORM:
        return this.#message(data, ACK, 0);
      default:
        return undefined;
    }
  }

  /** The station's address: the one that it has, the one that it asks for, or a free one; 0: all are taken. */
  #address(station: string, asked: number): number {
    const had = this.#leases.get(station), taken = new Set(this.#leases.values()), size = 2 ** (32 - this.net.prefix);
    const base = this.net.gateway - (this.net.gateway % size);
    const ours = [this.net.gateway, this.net.dns, this.net.far];
    const isFree = (ip: number): boolean =>
      ip > base && ip < base + size - 1 && !taken.has(ip) && !ours.includes(ip);
    let ip = had ?? (isFree(asked) ? asked : 0);
    for (let i = 0; ip === 0 && i < Math.min(size, 4096); i++) {
      const next = base + ((FIRST + i) % size);
      if (isFree(next)) ip = next;
    }
    if (ip !== 0) this.#leases.set(station, ip);
    return ip;
  }

  #message(asked: Uint8Array, type: number, ip: number): Uint8Array | undefined {
    if (type === OFFER && ip === 0) return undefined;
    const { gateway, dns, prefix } = this.net, out = new Uint8Array(300);
    out.set([2, 1, 6, 0]);
    // The transaction, the flags and the station are the client's.
    out.set(asked.subarray(4, 8), 4);
    out.set(asked.subarray(10, 12), 10);
    if (type === ACK) out.set(asked.subarray(12, 16), 12);
    out.set(be(4, ip), 16);
    out.set(asked.subarray(28, 44), 28);
    const mask = prefix === 0 ? 0 : (-1 << (32 - prefix)) >>> 0;
    const told = type === NAK ? [] : [1, 4, ...be(4, mask), 3, 4, ...be(4, gateway), 6, 4, ...be(4, dns)];
    if (ip !== 0) told.push(51, 4, ...be(4, LEASE_S));
    out.set([...be(4, COOKIE), 53, 1, type, 54, 4, ...be(4, gateway), ...told, 255], 236);
    return out;
  }
}
