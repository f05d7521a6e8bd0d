/**
 * TCP through the gateway. A guest's SYN waits until the host has connected; then the gateway's own stack completes the
 * handshake, as somebody whom nobody else is, and bytes go to and fro. The guest sees whom it called.
 */
import { connect, type Socket } from "node:net";
import { icmp, tcp } from "../../encode.js";
import { ICMP_TYPE, TCP_FLAG, UNREACHABLE_CODE } from "../../headers.js";
import type { Connection } from "../../net/connection.js";
import { quoted, readdressed, readSegment, sender, type Ends, type Packet } from "./packet.js";

/** Where a guest's connection leads on the host; "refused": nowhere. */
export type Target = { host: string; port: number } | "refused";

/** What the flows need of the gateway. */
export interface Gateway {
  ip: number;
  mac: Uint8Array;
  farMac: Uint8Array;
  /** The port that the gateway's stack listens on. */
  port: number;
  connectionsMax: number;
  toGuest(frame: Uint8Array): void;
  toStack(frame: Uint8Array): void;
  reach(ip: number, port: number): Target;
  /** Sockets of the host keep the process alive. */
  isRefed(): boolean;
}

interface Flow {
  key: string;
  /** Its address on the gateway's side. */
  number: number;
  guest: Ends;
  mac: Uint8Array;
  socket: Socket;
  /** The SYN that waits for the host's connection. */
  syn: Packet | undefined;
  connection: Connection | undefined;
  timer: NodeJS.Timeout | undefined;
  isOver: boolean;
}

/** 100.64/10: addresses that are nobody's (RFC 6598). */
const BASE = 0x64400000, BITS = 22;
/** How long a handshake may take once the host has connected, and the host for that, ms. */
const HANDSHAKE_MS = 60_000, CONNECT_MS = 120_000;
/** How long the last segments of a flow still find their way, ms; and flows that are over at most. */
const QUIET_MS = 120_000, QUIET_MAX = 1024;
const { syn, ack, rst } = TCP_FLAG;
const UNREACHABLE = new Set(["EHOSTUNREACH", "ENETUNREACH", "ETIMEDOUT", "EHOSTDOWN"]);

/** TCP itself is the gateway's stack's; here addresses change. What the host refuses, the guest hears as a RST. */
export class Flows {
  readonly #byKey = new Map<string, Flow>();
  readonly #byNumber = new Map<number, Flow>();
  readonly #quiet = new Set<Flow>();
  #next = 0;

  constructor(readonly gateway: Gateway) {}

  /** A guest's segment. Returns whether it is for the gateway's stack as it is: of a connection that this opened. */
  fromGuest(packet: Packet): boolean {
    const segment = readSegment(packet);
    if (segment === undefined) return false;
    const { src, dst } = packet, { sport, dport, flags } = segment, key = `${src}:${sport}:${dst}:${dport}`;
    const isFirst = (flags & (syn | ack | rst)) === syn;
    let flow = this.#byKey.get(key);
    if (isFirst && flow?.isOver) {
      this.#forget(flow);
      flow = undefined;
    }
    if (flow?.syn !== undefined) {
      if (flags & rst) this.#end(flow);
      else if (isFirst) flow.syn = { ...packet, frame: packet.frame.slice() };
    } else if (flow !== undefined) {
      this.#toStack(flow, packet);
    } else if (isFirst) {
      this.#open(key, packet, { src, sport, dst, dport });
    } else if (dst === this.gateway.ip) {
      return true;
    } else if (!(flags & rst)) {
      this.#refuse(packet);
    }
    return false;
  }

  /** A segment of the gateway's stack for one of the flows. */
  fromStack(packet: Packet): void {
    const segment = readSegment(packet), flow = segment && this.#byNumber.get(packet.dst - BASE);
    if (flow === undefined || segment!.sport !== this.gateway.port) return;
    const { src, sport, dst, dport } = flow.guest;
    const back = { src: dst, sport: dport, dst: src, dport: sport };
    this.gateway.toGuest(readdressed(packet, back, flow.mac, this.gateway.mac));
  }

  /** A connection that the gateway's stack has accepted, from an address of a flow. */
  accepted(connection: Connection, from: number): void {
    const flow = this.#byNumber.get(from - BASE);
    if (flow === undefined || flow.isOver || flow.connection !== undefined) {
      connection.resetAndDestroy();
      return;
    }
    clearTimeout(flow.timer);
    flow.connection = connection;
    splice(flow.socket, connection, () => this.#end(flow));
  }

  /** The host's sockets do not keep the process alive any longer. */
  unref(): void {
    for (const { socket } of this.#byKey.values()) socket.unref();
  }

  /** Both sides of every flow are reset at once, without waiting for what is under way. */
  close(): void {
    for (const flow of [...this.#byKey.values()]) {
      this.#end(flow);
      this.#forget(flow);
    }
  }

  #open(key: string, packet: Packet, guest: Ends): void {
    const target = this.gateway.reach(guest.dst, guest.dport);
    if (target === "refused") return this.#refuse(packet);
    // As a host whose tables are full: the guest tries again.
    if (this.#byKey.size - this.#quiet.size >= this.gateway.connectionsMax) return;
    const socket = connect({ ...target, allowHalfOpen: true, noDelay: true });
    if (!this.gateway.isRefed()) socket.unref();
    do this.#next = (this.#next + 1) % 2 ** BITS; while (this.#byNumber.has(this.#next));
    const number = this.#next, syn = { ...packet, frame: packet.frame.slice() };
    const flow: Flow = {
      key, number, guest, mac: sender(packet.frame), socket, syn, connection: undefined, timer: undefined,
      isOver: false,
    };
    this.#limit(flow, CONNECT_MS);
    this.#byKey.set(key, flow);
    this.#byNumber.set(number, flow);
    socket.once("connect", () => {
      if (flow.isOver) return;
      const first = flow.syn!;
      flow.syn = undefined;
      this.#limit(flow, HANDSHAKE_MS);
      this.#toStack(flow, first);
    });
    socket.on("error", (e: NodeJS.ErrnoException) => {
      if (flow.syn !== undefined) this.#fail(flow, e.code ?? "");
      else if (flow.connection === undefined) this.#end(flow);
    });
  }

  /** Ends a flow that has not come further after `ms`. */
  #limit(flow: Flow, ms: number): void {
    clearTimeout(flow.timer);
    flow.timer = setTimeout(() => this.#end(flow), ms).unref();
  }

  #fail(flow: Flow, code: string): void {
    const packet = flow.syn!;
    if (UNREACHABLE.has(code)) {
      // RFC 792: host unreachable, with what it is about.
      const ip = { src: this.gateway.ip, dst: packet.src, srcMac: this.gateway.mac, dstMac: flow.mac };
      this.gateway.toGuest(icmp(ip, ICMP_TYPE.unreachable, UNREACHABLE_CODE.host, 0, quoted(packet)));
    } else {
      this.#refuse(packet);
    }
    this.#end(flow);
    this.#forget(flow);
  }

  /** A RST, as RFC 9293 §3.10.7.1 makes it. */
  #refuse(packet: Packet): void {
    const { frame, src, dst } = packet, segment = readSegment(packet)!;
    const ip = { src: dst, dst: src, srcMac: this.gateway.mac, dstMac: sender(frame) };
    const ports = { sport: segment.dport, dport: segment.sport, win: 0 };
    this.gateway.toGuest(segment.flags & ack
      ? tcp(ip, { ...ports, flags: "R", seq: segment.ack })
      : tcp(ip, { ...ports, flags: "RA", seq: 0, ack: segment.next }));
  }

  #toStack({ number, guest }: Flow, packet: Packet): void {
    const { ip, port, mac, farMac } = this.gateway;
    const as = { src: BASE + number, sport: guest.sport, dst: ip, dport: port };
    this.gateway.toStack(readdressed(packet, as, mac, farMac));
  }

  /** Nothing more comes of it but last segments. */
  #end(flow: Flow): void {
    if (flow.isOver) return;
    flow.isOver = true;
    flow.syn = undefined;
    clearTimeout(flow.timer);
    // Of what is cut off nobody thinks that it is whole.
    if (flow.socket.connecting) flow.socket.destroy();
    else if (!flow.socket.destroyed) flow.socket.resetAndDestroy();
    flow.connection?.resetAndDestroy();
    flow.timer = setTimeout(() => this.#forget(flow), QUIET_MS).unref();
    this.#quiet.add(flow);
    if (this.#quiet.size > QUIET_MAX) this.#forget(this.#quiet.values().next().value!);
  }

  #forget(flow: Flow): void {
    clearTimeout(flow.timer);
    this.#quiet.delete(flow);
    this.#byNumber.delete(flow.number);
    if (this.#byKey.get(flow.key) === flow) this.#byKey.delete(flow.key);
  }
}

/** Bytes go both ways between a socket of the host and a connection of the stack, and so do ends and resets. */
export function splice(socket: Socket, connection: Connection, over: () => void): void {
  let open = 2;
  const closed = (): void => {
    if (--open === 0) over();
  };
  socket.on("error", () => connection.resetAndDestroy()).once("close", (hadError: boolean) => {
    if (!hadError && !connection.writableEnded) connection.resetAndDestroy();
    closed();
  });
  connection.on("error", () => socket.resetAndDestroy()).once("close", () => {
    if (!socket.writableEnded) socket.resetAndDestroy();
    closed();
  });
  // A socket that failed before now has told nobody.
  if (socket.destroyed) {
    connection.resetAndDestroy();
    closed();
    return;
  }
  socket.pipe(connection);
  connection.pipe(socket);
}
