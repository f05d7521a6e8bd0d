/** A UDP socket, with the manners of `node:dgram`. */
import { formatIp, parseIp } from "../address.js";
import { StintError } from "../errors.js";
import { Bound } from "./bound.js";
import type { SocketAddress } from "./owner.js";

/**
 * Events: "message" (data, {address, port}), "close", and, on a socket that is connected, "error". Anybody can send an ICMP error in the
 * name of anybody, so that a socket without a peer ignores them, and one with a peer tells only who listens.
 */
export class UdpSocket extends Bound {
  #peer: { ip: number; port: number } | undefined;

  address(): SocketAddress {
    return { address: this.home.address, family: "IPv4", port: this.port };
  }

  /** From now on only this peer's datagrams are taken, and `send` needs no address. */
  connect(port: number, host: string): this {
    this.#peer = { ip: parseIp(host), port };
    return this;
  }

  disconnect(): void {
    this.#peer = undefined;
  }

  remoteAddress(): SocketAddress | undefined {
    return this.#peer && { address: formatIp(this.#peer.ip), family: "IPv4", port: this.#peer.port };
  }

  /** Returns false when the ring is full. */
  send(data: Uint8Array, port?: number, host?: string): boolean {
    const to = port === undefined || host === undefined ? this.#peer : { ip: parseIp(host), port };
    if (to === undefined) throw new StintError("ARGUMENT", "the socket has no peer");
    return this.home.module.udpSend(this.handle, to.ip, to.port, data);
  }

  /** @internal */
  handleEvent(): void {
    // An error stands before the datagrams that are there, and is told once.
    while (!this.closed) {
      let datagram;
      try {
        datagram = this.home.module.udpReceive(this.handle);
      } catch (e) {
        if (!(e instanceof StintError) || e.code !== "REFUSED") throw e;
        if (this.#peer && this.listenerCount("error") > 0) this.emit("error", e);
        continue;
      }
      if (!datagram) return;
      const { data, ip, port } = datagram;
      if (this.#peer && (this.#peer.ip !== ip || this.#peer.port !== port)) continue;
      this.emit("message", data, { address: formatIp(ip), family: "IPv4", port, size: data.length });
    }
  }

  /** @internal */
  stackEnds(): void {
    this.close();
  }

  protected override release(): void {
    this.home.module.udpClose(this.handle);
  }
}
