/** Who speaks multicast DNS for services: a socket on its port, while somebody publishes or looks for some. */
import { StintError } from "../errors.js";
import { Timer } from "../timer.js";
import { UdpSocket } from "./datagram.js";
import { read, type Message } from "./mdns-message.js";
import { isNear } from "./order.js";
import type { OwnAddress } from "./options.js";
import type { Home } from "./owner.js";

/** RFC 6762 §3: the port, and the groups of both families. */
export const MDNS_PORT = 5353;
const GROUPS = ["224.0.0.251", "ff02::fb"] as const;
/** Bytes of IPv6's header and UDP's. */
const HEADERS = 48;
/** How long the last messages have to leave, ms. */
const LEAVE_MS = 50;
/** §11: an old receiver drops what has less. */
const TTL = 255;
/** Answers to one asker alone: so many within so long, ms. */
const UNICAST_MAX = 50, UNICAST_MS = 1000;

/** Who sent a message. */
export interface From {
  address: string;
  port: number;
}

/** Whoever hears what is said. */
export interface Listener {
  hear(message: Message, from: From): void;
  /** The stack is closed: what was told is taken back. */
  end(): void;
}

/** What it asks of the stack. */
export interface Speaker extends Home {
  readonly localName: string | undefined;
  readonly hasIp6: boolean;
  addresses(): OwnAddress[];
}

/** The group of multicast DNS, as a stack is in it. */
export class Multicast {
  #socket: UdpSocket | undefined;
  readonly #listeners = new Set<Listener>();
  #alone = { since: 0, count: 0 };

  constructor(readonly home: Speaker) {}

  /** The own name in .local, to which services lead. */
  get hostName(): string | undefined {
    return this.home.localName;
  }

  /** Bytes that a message may have, over either family. */
  get room(): number {
    return this.home.module.mtu - HEADERS;
  }

  /** From now on it hears what is said. Throws IN_USE, if somebody has a socket on the port, or FULL. */
  join(listener: Listener): void {
    if (this.#socket === undefined) {
      const { module } = this.home, handle = module.udpOpen(MDNS_PORT);
      this.#socket = new UdpSocket(this.home, handle, MDNS_PORT);
      this.#socket.setTtl(TTL);
      this.#socket.on("message", (data: Uint8Array, from: From) => this.#hear(data, from));
    }
    this.#listeners.add(listener);
  }

  /** It hears nothing any more. The group is left when nobody hears. */
  leave(listener: Listener): void {
    if (!this.#listeners.delete(listener) || this.#listeners.size > 0) return;
    // What it said last leaves with the next poll.
    new Timer(LEAVE_MS, () => {
      if (this.#listeners.size > 0) return;
      this.#socket?.close();
      this.#socket = undefined;
    }).unref();
  }

  /** Everybody takes back what he told. */
  end(): void {
    for (const listener of [...this.#listeners]) listener.end();
  }

  /** Sends to all on the link, over the families that there are. */
  all(data: Uint8Array): void {
    for (const group of GROUPS) if (group === GROUPS[0] || this.home.hasIp6) this.#send(data, MDNS_PORT, group);
  }

  /** Answers one asker, if he is on the link (§11), and not very many asked just now. */
  one(data: Uint8Array, { address, port }: From): void {
    if (!this.home.addresses().some((own) => own.family === (address.includes(":") ? "IPv6" : "IPv4")
      && isNear(address, own))) return;
    const now = performance.now();
    if (now - this.#alone.since > UNICAST_MS) this.#alone = { since: now, count: 0 };
    if (this.#alone.count++ < UNICAST_MAX) this.#send(data, port, address);
  }

  #send(data: Uint8Array, port: number, address: string): void {
    try {
      this.#socket?.send(data, port, address);
    } catch (e) {
      // There is no address of that family now, or the link takes no message of this size.
      if (!(e instanceof StintError)) throw e;
    }
  }

  #hear(data: Uint8Array, from: From): void {
    const message = read(data);
    if (message) for (const listener of [...this.#listeners]) listener.hear(message, from);
  }
}
