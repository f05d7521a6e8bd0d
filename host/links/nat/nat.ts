/**
 * NAT in user space: a gateway in this process, and behind it the host's own sockets. It needs no privilege, no device
 * and no program, so that it works wherever Node does.
 */
import { createServer, type Server, type Socket } from "node:net";
import { formatIp, formatMac, parseCidr, parseIp } from "../../address.js";
import { arp, BROADCAST, udp } from "../../encode.js";
import { ARP_OP, bytesOf, ETHERNET, ETHERTYPE, isArp, PROTOCOL, readArp, SIZE, typeOf } from "../../headers.js";
import type { Connection } from "../../net/connection.js";
import { Stack } from "../../net/stack.js";
import { soon } from "../../soon.js";
import { LinkError, type Link } from "../link.js";
import { Datagrams } from "./datagrams.js";
import { DhcpServer, type Net } from "./dhcp.js";
import { Flows, splice, type Target } from "./flows.js";
import { readDatagram, readPacket, sender, type Packet } from "./packet.js";

/** A port of the host that leads to a stack behind the gateway. */
export interface Forward {
  /** The host's port; 0: any that is free. */
  port: number;
  /** The host's address; by default "127.0.0.1". "0.0.0.0" is every one. */
  host?: string | undefined;
  /** The stack's port; by default the same. */
  to?: number | undefined;
  /** The stack's address; by default that of the stack that was heard first. */
  guest?: string | undefined;
}

/** What the gateway is, and what it lets through. */
export interface NatOptions {
  /** The gateway's address and its network; by default "10.0.2.2/24". */
  gateway?: string | undefined;
  /** The address that answers DNS; by default the one after the gateway's. */
  dns?: string | undefined;
  /** The DNS servers that are asked, as `dns.getServers()` writes them; by default those of the host. */
  servers?: readonly string[] | undefined;
  /** Ports of the gateway's address lead to those of the host's loopback. By default they are refused. */
  hostLoopback?: boolean | undefined;
  /** Ports of the host that lead to a stack behind the gateway. */
  forward?: readonly (number | Forward)[] | undefined;
  /** Connections at a time; by default 256. */
  connections?: number | undefined;
  /**
   * Asked for each connection and datagram to elsewhere; false refuses it. Addresses of 0/8, 127/8, 169.254/16 and from
   * 224.0.0.0 on are refused in any case.
   */
  allow?: ((address: string, port: number) => boolean) | undefined;
}

/** A link to a gateway, with what is known of it. */
export interface NatLink extends Link {
  /** Resolves when forwarded ports listen; rejects with a LinkError when one cannot. */
  readonly ready: Promise<void>;
  /** The host's ports that are forwarded, in the order of `forward`, once `ready`. */
  readonly ports: readonly number[];
}

const DEFAULT = "10.0.2.2/24";
const PORT = 1, RING = 65_536, FORWARD_MS = 30_000, KEEP_ALIVE_MS = 300_000;
const FAR_MAC = 0x52550a000000;

const stationOf = (mac: number): Uint8Array => Uint8Array.from(Buffer.from(formatMac(mac).replaceAll(":", ""), "hex"));
const isBroadcast = (ip: number, { gateway, prefix }: Net): boolean =>
  ip === 0xffffffff || (prefix < 31 && ip === gateway - (gateway % 2 ** (32 - prefix)) + 2 ** (32 - prefix) - 1);

/** Addresses of the network; throws a RangeError where they do not fit in. */
function netOf({ gateway = DEFAULT, dns }: NatOptions): Net {
  const { ip, prefix } = parseCidr(gateway), size = 2 ** (32 - prefix), base = ip - (ip % size);
  if (prefix < 8 || prefix > 29) throw new RangeError(`the network of ${gateway} has a prefix of 8 to 29 bits`);
  if (ip === base || ip === base + size - 1) throw new RangeError(`${gateway} is no host of its network`);
  const hosts = [base + size - 2, base + size - 3].filter((host) => host !== ip);
  const server = dns === undefined ? (ip + 1 < base + size - 2 ? ip + 1 : hosts[1] ?? hosts[0]!) : parseIp(dns);
  return { gateway: ip, dns: server, far: hosts.find((host) => host !== server)!, prefix };
}

class Nat implements NatLink {
  onFrame: (frame: Uint8Array) => void = () => {};
  onClose: (error?: Error) => void = () => {};
  readonly ports: number[] = [];
  readonly ready: Promise<void>;
  readonly #net: Net;
  readonly #mac: Uint8Array;
  readonly #farMac = stationOf(FAR_MAC);
  readonly #dhcp: DhcpServer;
  readonly #flows: Flows;
  readonly #datagrams: Datagrams;
  readonly #servers: Server[] = [];
  readonly #gate: Link;
  #stack: Stack | undefined;
  /** Frames for the guests that wait for their turn. */
  #waiting: Uint8Array[] = [];
  /** The host's connections to guests. */
  readonly #led = new Set<Socket>();
  /** Connections of the host's that came before any guest was heard. */
  readonly #early = new Set<() => void>();
  #guest = 0;
  #refed = true;
  #closed = false;

  constructor(readonly options: NatOptions) {
    this.#net = netOf(options);
    const { gateway: ip, dns } = this.#net, mac = FAR_MAC + (ip % 2 ** 24);
    this.#mac = stationOf(mac);
    this.#dhcp = new DhcpServer(this.#net);
    const common = {
      ip, mac: this.#mac, toGuest: (frame: Uint8Array) => this.#toGuest(frame), isRefed: () => this.#refed,
      reach: (to: number, port: number) => this.#reach(to, port),
    };
    const connectionsMax = options.connections ?? 256;
    this.#gate = { send: (frame) => this.#fromStack(frame), onFrame() {}, onClose() {}, close() {} };
    this.#flows = new Flows({
      ...common, farMac: this.#farMac, port: PORT, connectionsMax, toStack: (frame) => this.#gate.onFrame(frame),
    });
    this.#datagrams = new Datagrams({ ...common, dns, servers: options.servers });
    this.ready = this.#start(mac, connectionsMax);
    this.ready.catch(() => {});
  }

  async #start(mac: number, connectionsMax: number): Promise<void> {
    const { gateway, prefix, far } = this.#net;
    try {
      const stack = this.#stack = await Stack.open({
        link: this.#gate, ip: `${formatIp(gateway)}/${prefix}`, gateway: formatIp(far), mac: formatMac(mac),
        connsMax: connectionsMax, sendRing: RING, recvRing: RING, rxSlots: 256, txSlots: 256,
      });
      if (this.#closed) return void await stack.close(0);
      if (!this.#refed) stack.unref();
      const server = stack.listen({
        port: PORT, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS,
      });
      server.on("connection", (c: Connection) => this.#flows.accepted(c, parseIp(c.remoteAddress!)));
      for (const forward of this.options.forward ?? [])
        await this.#forward(typeof forward === "number" ? { port: forward } : forward);
    } catch (e) {
      if (this.#closed) return;
      this.close();
      this.onClose(e as Error);
      throw e;
    }
  }

  #forward({ port, host = "127.0.0.1", to, guest }: Forward): Promise<void> {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      if (!this.#refed) socket.unref();
      this.#led.add(socket.on("error", () => {}).once("close", () => this.#led.delete(socket)));
      const lead = (): void => void this.#lead(socket, guest ?? formatIp(this.#guest), to ?? socket.localPort!);
      if (guest !== undefined || this.#guest !== 0) return lead();
      this.#early.add(lead);
      socket.setTimeout(FORWARD_MS, () => socket.resetAndDestroy()).once("close", () => this.#early.delete(lead));
    });
    this.#servers.push(server);
    if (!this.#refed) server.unref();
    return new Promise((resolve, reject) => {
      server.once("error", (e) => reject(new LinkError(`cannot forward port ${port} of ${host}: ${e.message}`)));
      server.listen(port, host, () => {
        this.ports.push((server.address() as { port: number }).port);
        resolve();
      });
    });
  }

  /** A connection to the host goes on to a guest. */
  async #lead(socket: Socket, host: string, port: number): Promise<void> {
    socket.setTimeout(0);
    try {
      const how = { timeoutMs: FORWARD_MS, failFast: true, noDelay: true };
      const connection = await this.#stack!.connect({ host, port, ...how });
      splice(socket, connection, () => {});
    } catch {
      socket.resetAndDestroy();
    }
  }

  /** Where a guest's connection or datagram goes. */
  #reach(ip: number, port: number): Target {
    const { gateway, dns, prefix } = this.#net, size = 2 ** (32 - prefix);
    if (port === 0) return "refused";
    if (ip === dns) return port === 53 ? this.#datagrams.server() ?? "refused" : "refused";
    if (ip === gateway) return this.options.hostLoopback === true ? { host: "127.0.0.1", port } : "refused";
    const net = ip >>> 24, isOurs = Math.floor(ip / size) === Math.floor(gateway / size);
    if (isOurs || net === 0 || net === 127 || net >= 224 || ip >>> 16 === 0xa9fe) return "refused";
    return this.options.allow?.(formatIp(ip), port) === false ? "refused" : { host: formatIp(ip), port };
  }

  send(bytes: Uint8Array): void {
    if (this.#closed || bytes.length < SIZE.ethernet) return;
    // Of a Buffer, `slice` is no copy.
    const frame = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
    if (typeOf(frame) === ETHERTYPE.arp) return this.#arp(frame);
    const packet = readPacket(frame);
    if (packet === undefined) return;
    const { src, dst, protocol } = packet, { gateway } = this.#net;
    this.#hear(src);
    if (protocol === PROTOCOL.udp) return this.#udp(packet);
    const isOwn = protocol === PROTOCOL.tcp
      ? this.#flows.fromGuest(packet)
      : protocol === PROTOCOL.icmp && dst === gateway;
    if (isOwn) this.#gate.onFrame(frame);
  }

  #hear(guest: number): void {
    if (guest === 0 || this.#guest !== 0) return;
    this.#guest = guest;
    for (const lead of this.#early) lead();
    this.#early.clear();
  }

  #arp(frame: Uint8Array): void {
    if (!isArp(frame)) return;
    const { op, target, ...asks } = readArp(frame), { dns } = this.#net;
    this.#hear(asks.ip);
    if (op === ARP_OP.request && target === dns && asks.ip !== 0 && asks.ip !== dns)
      this.#toGuest(arp(ARP_OP.reply, { mac: this.#mac, ip: dns }, asks, asks.mac));
    else this.#gate.onFrame(frame);
  }

  #udp(packet: Packet): void {
    const { frame, dst } = packet, { gateway } = this.#net, datagram = readDatagram(packet);
    if (datagram?.dport !== 67) return this.#datagrams.fromGuest(packet);
    if (dst !== gateway && !isBroadcast(dst, this.#net)) return;
    const answer = this.#dhcp.answer(datagram.data);
    if (answer === undefined) return;
    // A client without an address hears what is for everybody (RFC 2131 §4.1).
    const { src } = datagram, dst68 = src === 0 ? 0xffffffff : src, dstMac = src === 0 ? BROADCAST : sender(frame);
    this.#toGuest(udp({ src: gateway, srcMac: this.#mac, dst: dst68, dstMac, frag: 0 }, 67, 68, answer));
  }

  /** What the gateway's own stack sends: for a flow, for its own neighbours, or for a guest. */
  #fromStack(frame: Uint8Array): void {
    const packet = readPacket(frame), { far, gateway } = this.#net;
    if (packet && bytesOf(frame, 0, ETHERNET.dst).every((b, i) => b === this.#farMac[i])) {
      if (packet.protocol === PROTOCOL.tcp) this.#flows.fromStack(packet);
      return;
    }
    if (isArp(frame, ARP_OP.request) && readArp(frame).target === far) {
      const own = { mac: this.#mac, ip: gateway };
      const reply = arp(ARP_OP.reply, { mac: this.#farMac, ip: far }, own, this.#mac);
      soon(() => this.#gate.onFrame(reply));
      return;
    }
    this.#toGuest(frame.slice());
  }

  /** A guest hears of nothing while it is sending. */
  #toGuest(frame: Uint8Array): void {
    if (this.#waiting.push(frame) > 1) return;
    soon(() => {
      const frames = this.#waiting;
      this.#waiting = [];
      for (const f of frames) if (!this.#closed) this.onFrame(f);
    });
  }

  unref(): void {
    this.#refed = false;
    this.#stack?.unref();
    this.#flows.unref();
    this.#datagrams.unref();
    for (const server of [...this.#servers, ...this.#led]) server.unref();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const server of this.#servers) server.close();
    for (const socket of this.#led) socket.resetAndDestroy();
    this.#flows.close();
    this.#datagrams.close();
    void this.#stack?.close(0);
  }
}

/**
 * A gateway to the host's network, for one stack or, on a `Switch`, for many. It hands out addresses by DHCP (its own
 * is 10.0.2.2), asks the host's DNS servers, and opens the host's sockets for TCP and UDP. IPv4 alone.
 *
 * @example
 * ```ts
 * const stack = await Stack.open({ link: nat() });
 * const connection = await stack.connect({ host: "example.test", port: 80 });
 * ```
 */
export function nat(options: NatOptions = {}): NatLink {
  return new Nat(options);
}
