/** A UDP socket as a stream of datagrams, and a call that sends one. */
import { StintError } from "../errors.js";
import { EVENT } from "../stack.js";
import { Pending, type Home, type Owner } from "./owner.js";

/** A datagram that came. */
export interface Datagram {
  /** Its bytes; they are the reader's. */
  data: Uint8Array;
  /** Who sent it, as text. */
  address: string;
  /** From which port. */
  port: number;
}

/** A datagram that waits for room. */
interface Outgoing { data: Uint8Array; host: string; port: number; sent: Pending<void> }

/** A UDP socket that takes datagrams of everybody. ICMP errors do not end it: anybody can send them. */
export class UdpSocket implements Owner {
  /** What comes. What nobody reads waits in the module's ring; the newest are lost when that is full. */
  readonly readable: ReadableStream<Datagram>;
  /** The port of this end. */
  readonly port: number;
  readonly #home: Home;
  readonly #handle: number;
  #reader!: ReadableStreamDefaultController<Datagram>;
  #waiting: Outgoing[] = [];
  #wanted = false;
  #open = true;

  /** @internal */
  constructor(home: Home, handle: number, port: number) {
    this.#home = home;
    this.#handle = handle;
    this.port = port;
    this.readable = new ReadableStream<Datagram>({
      start: (controller) => void (this.#reader = controller),
      pull: () => {
        this.#wanted = true;
        this.#fill();
      },
      cancel: () => void this.#end(),
    }, { highWaterMark: 0 });
    home.own(handle, this);
  }

  /** Sends a datagram of up to 65,507 bytes to an address. Settles when the stack has it; rejects with a StintError. */
  async send(data: Uint8Array, to: { host: string; port: number }): Promise<void> {
    const sent = new Pending<void>();
    // What is no address is told at once.
    this.#home.number(to.host);
    this.#waiting.push({ data, host: to.host, port: to.port, sent });
    this.#flush();
    return sent.promise;
  }

  /** Gives the port back. What waits to be sent rejects; `readable` ends. */
  close(): void {
    if (this.#end()) this.#reader.close();
  }

  /** @internal */
  handleEvent(bits: number): void {
    if (bits & EVENT.READABLE) this.#fill();
    if (bits & EVENT.WRITABLE) this.#flush();
  }

  /** @internal */
  stackEnds(reason: Error): void {
    if (this.#end(reason)) this.#reader.error(reason);
  }

  #fill(): void {
    while (this.#open && this.#wanted) {
      let found;
      try {
        found = this.#home.module.udpReceive(this.#handle);
      } catch (e) {
        // An ICMP error: anybody can send one, and the socket has no peer.
        if (e instanceof StintError && e.code === "REFUSED") continue;
        throw e;
      }
      if (found === null) return;
      this.#wanted = false;
      this.#reader.enqueue({ data: found.data, address: this.#home.text(found.ip), port: found.port });
    }
  }

  #flush(): void {
    while (this.#open && this.#waiting.length > 0) {
      const { data, host, port, sent } = this.#waiting[0]!;
      try {
        if (!this.#home.module.udpSend(this.#handle, this.#home.number(host), port, data)) return;
        sent.resolve();
      } catch (e) {
        sent.reject(e as Error);
      }
      this.#waiting.shift();
    }
    if (this.#open) return;
    for (const { sent } of this.#waiting.splice(0)) sent.reject(new StintError("HANDLE"));
  }

  #end(reason: Error = new StintError("HANDLE")): boolean {
    if (!this.#open) return false;
    this.#open = false;
    for (const { sent } of this.#waiting.splice(0)) sent.reject(reason);
    this.#home.disown(this.#handle);
    this.#home.module.udpClose(this.#handle);
    return true;
  }
}
