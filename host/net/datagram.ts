/** A UDP socket, with the manners of `node:dgram`. */
import { addressNumber, addressText, familyOf, formatIp6, isIp6, parseIp6 } from "../address6.js";
import { formatIp, parseIp } from "../address.js";
import { StintError } from "../errors.js";
import { Bound } from "./bound.js";
import type { SocketAddress } from "./owner.js";

/**
 * A UDP socket; `Stack.udp` makes it.
 *
 * Events: "message" (data, {address, family, port, size}), "close", and, on a socket that is connected, "error".
 * Anybody can send an ICMP error in the name of anybody, so that a socket without a peer ignores them, and one with a
 * peer tells only who listens.
 */
export class UdpSocket extends Bound {
  #peer: { host: string; port: number } | undefined;

  /** Its own address and port. */
  address(): SocketAddress {
    return { address: this.home.address, family: "IPv4", port: this.port };
  }

  /**
   * From now on only this peer's datagrams are taken, and `send` needs no address. Others are told that the port is
   * nobody's.
   */
  connect(port: number, host: string): this {
    // As it is written for datagrams that come.
    this.#peer = { host: isIp6(host) ? formatIp6(parseIp6(host)) : formatIp(parseIp(host)), port };
    const { module } = this.home;
    if (!this.closed) module.udpConnect(this.handle, addressNumber(module, this.#peer.host), port);
    return this;
  }

  /** It has no peer any more, and takes everybody's datagrams. */
  disconnect(): void {
    this.#peer = undefined;
    if (!this.closed) this.home.module.udpConnect(this.handle, 0, 0);
  }

  /** The peer of `connect`, if there is one. */
  remoteAddress(): SocketAddress | undefined {
    const peer = this.#peer;
    return peer && { address: peer.host, family: familyOf(peer.host), port: peer.port };
  }

  /**
   * Sends a datagram to a peer, by default that of `connect`. Returns false when the socket's ring is full: nothing was
   * sent, and it may be tried again. Throws ARGUMENT without a peer, SIZE above 65,507 bytes, UNREACHABLE.
   */
  send(data: Uint8Array, port?: number, host?: string): boolean {
    const to = port === undefined || host === undefined ? this.#peer : { host, port };
    if (to === undefined) throw new StintError("ARGUMENT", "the socket has no peer");
    const { module } = this.home;
    return module.udpSend(this.handle, addressNumber(module, to.host), to.port, data);
  }

  /** Time to live of what is sent from now on; 0: the configuration's. */
  setTtl(ttl: number): void {
    this.home.module.udpTtl(this.handle, ttl);
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
      const address = addressText(this.home.module, ip);
      if (this.#peer && (this.#peer.host !== address || this.#peer.port !== port)) continue;
      this.emit("message", data, { address, family: familyOf(address), port, size: data.length });
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
