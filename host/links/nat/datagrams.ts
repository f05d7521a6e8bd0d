/** UDP through the gateway: a socket of the host for each port of a guest, and questions for the host's DNS servers. */
import { createSocket, type Socket } from "node:dgram";
import { getServers } from "node:dns";
import { isIP } from "node:net";
import { icmp, ipv4, udp } from "../../encode.js";
import { ICMP_TYPE, IP_AT, PROTOCOL, SIZE, UNREACHABLE_CODE } from "../../headers.js";
import type { Target } from "./flows.js";
import { quoted, readDatagram, sender, type Datagram, type Packet } from "./packet.js";

export interface DatagramGateway {
  ip: number;
  dns: number;
  mac: Uint8Array;
  /** The DNS servers that are asked, as `dns.getServers()` has them; by default those of the host. */
  servers: readonly string[] | undefined;
  toGuest(frame: Uint8Array): void;
  reach(ip: number, port: number): Target;
  isRefed(): boolean;
}

/** A port of a guest: whom it has sent to, and may therefore hear. */
interface Mapping {
  socket: Socket;
  peers: Map<string, Pick<Datagram, "dst" | "dport">>;
  timer: NodeJS.Timeout;
}

/** How long a port that is silent is kept, ms (RFC 4787 §4.3), how many are, and peers of each. */
const IDLE_MS = 120_000, MAPPINGS_MAX = 256, PEERS_MAX = 1024;
/** How long a DNS server has to answer before the next one is asked, ms; and questions at a time. */
const DNS_MS = 1500, QUESTIONS_MAX = 64;
/** What one frame takes of a packet's payload. */
const PIECE = 1480;

/** "192.0.2.1", "192.0.2.1:5353", "::1" or "[::1]:5353". */
function serverOf(text: string): { host: string; port: number } {
  if (isIP(text) !== 0) return { host: text, port: 53 };
  const [, host, port] = /^\[?(.*?)\]?:(\d+)$/.exec(text) ?? [];
  return { host: host ?? text, port: Number(port ?? 53) };
}

/** Mappings depend on the guest's end alone (RFC 4787 §4.1); datagrams come in only from whom it has sent to. */
export class Datagrams {
  readonly #mappings = new Map<string, Mapping>();
  readonly #questions = new Set<Socket>();
  #id = 0;
  #closed = false;

  constructor(readonly gateway: DatagramGateway) {}

  /** A DNS server of the host's; undefined: it knows none. */
  server(): { host: string; port: number } | undefined {
    return this.#servers()[0];
  }

  #servers(): { host: string; port: number }[] {
    return (this.gateway.servers ?? getServers()).map(serverOf).slice(0, 3);
  }

  /** A guest's datagram. */
  fromGuest(packet: Packet): void {
    const datagram = readDatagram(packet);
    if (datagram === undefined || this.#closed) return;
    const { dst, dport } = datagram, mac = sender(packet.frame);
    if (dst === this.gateway.dns && dport === 53) return this.#ask(datagram, mac, this.#servers());
    // Broadcasts and groups stay where they are.
    if (dst >= 0xe0000000) return;
    const target = this.gateway.reach(dst, dport);
    if (target === "refused") return this.#refuse(packet, mac);
    const { socket, peers, timer } = this.#mapping(datagram, mac);
    timer.refresh();
    if (peers.size >= PEERS_MAX) peers.delete(peers.keys().next().value!);
    peers.set(`${target.host}:${target.port}`, { dst, dport });
    socket.send(datagram.data, target.port, target.host);
  }

  /** For the sockets that are open now; later ones ask `isRefed` of the gateway. */
  unref(): void {
    for (const { socket } of this.#mappings.values()) socket.unref();
    for (const socket of this.#questions) socket.unref();
  }

  /** Guests are told nothing: what they send from now on is dropped. */
  close(): void {
    this.#closed = true;
    for (const key of [...this.#mappings.keys()]) this.#drop(key);
    for (const socket of this.#questions) socket.close();
    this.#questions.clear();
  }

  #mapping({ src, sport }: Datagram, mac: Uint8Array): Mapping {
    const key = `${src}:${sport}`, had = this.#mappings.get(key);
    if (had !== undefined) {
      // The one that was silent longest is first.
      this.#mappings.delete(key);
      this.#mappings.set(key, had);
      return had;
    }
    if (this.#mappings.size >= MAPPINGS_MAX) this.#drop(this.#mappings.keys().next().value!);
    const socket = createSocket("udp4"), peers: Mapping["peers"] = new Map();
    if (!this.gateway.isRefed()) socket.unref();
    const timer = setTimeout(() => this.#drop(key), IDLE_MS).unref();
    // Only those that the guest has spoken to are heard (RFC 4787 §5).
    socket.on("message", (data, { address, port }) => {
      const peer = peers.get(`${address}:${port}`);
      if (peer === undefined) return;
      timer.refresh();
      this.#toGuest(data, { src: peer.dst, sport: peer.dport, dst: src, dport: sport }, mac);
    }).on("error", () => this.#drop(key));
    const mapping = { socket, peers, timer };
    this.#mappings.set(key, mapping);
    return mapping;
  }

  #drop(key: string): void {
    const mapping = this.#mappings.get(key);
    if (mapping === undefined) return;
    this.#mappings.delete(key);
    clearTimeout(mapping.timer);
    mapping.socket.close();
  }

  /** Asks the first of these servers, and the next where it does not answer. */
  #ask(question: Datagram, mac: Uint8Array, [server, ...others]: { host: string; port: number }[]): void {
    if (server === undefined || this.#questions.size >= QUESTIONS_MAX || this.#closed) return;
    const { src, sport, dst, dport, data } = question, socket = createSocket(isIP(server.host) === 6 ? "udp6" : "udp4");
    if (!this.gateway.isRefed()) socket.unref();
    this.#questions.add(socket);
    const end = (): boolean => {
      clearTimeout(timer);
      if (!this.#questions.delete(socket)) return false;
      socket.close();
      return true;
    };
    const next = (): void => {
      if (end()) this.#ask(question, mac, others);
    };
    const timer = setTimeout(next, DNS_MS).unref();
    socket.on("error", next).on("message", (answer) => {
      if (end()) this.#toGuest(answer, { src: dst, sport: dport, dst: src, dport: sport }, mac);
    });
    // Of a connected socket nobody but the server is heard.
    socket.connect(server.port, server.host, () => {
      if (this.#questions.has(socket)) socket.send(data);
    });
  }

  /** In pieces, where one frame does not hold it (RFC 791 §3.2). */
  #toGuest(data: Uint8Array, { src, sport, dst, dport }: Omit<Datagram, "data">, dstMac: Uint8Array): void {
    this.#id = (this.#id + 1) & 0xffff;
    const ip = { src, dst, srcMac: this.gateway.mac, dstMac, proto: PROTOCOL.udp, id: this.#id };
    const whole = udp({ ...ip, frag: 0 }, sport, dport, data);
    const payload = whole.subarray(IP_AT + SIZE.ipv4);
    if (payload.length <= PIECE) return this.gateway.toGuest(whole);
    for (let at = 0; at < payload.length; at += PIECE) {
      const more = at + PIECE < payload.length ? 0x2000 : 0;
      this.gateway.toGuest(ipv4({ ...ip, frag: more | (at / 8) }, payload.subarray(at, at + PIECE)));
    }
  }

  /** RFC 792: port unreachable. */
  #refuse(packet: Packet, dstMac: Uint8Array): void {
    const ip = { src: packet.dst, dst: packet.src, srcMac: this.gateway.mac, dstMac };
    this.gateway.toGuest(icmp(ip, ICMP_TYPE.unreachable, UNREACHABLE_CODE.port, 0, quoted(packet)));
  }
}
