/**
 * Text of a script's connections: what `read` and `write` and their kin do, and Fast Open's calls (RFC 7413
 * Appendix A).
 */
import { decodeTcp } from "../decode.js";
import { ERR } from "../errors.js";
import type { Call } from "./parse.js";
import {
  type Attempt, attempted, flagsOf, type Host, OK, refusal, type Result, sizeOf, type Socket, takeError,
} from "./socket.js";
import { FAST_OPEN, SYMBOLS, Unsupported } from "./system.js";

const has = (flags: number, name: string): boolean => (flags & SYMBOLS[name]!) !== 0;

/** Each call takes the socket of its descriptor. `null` means that it would block. */
export class Streams {
  constructor(readonly host: Host, readonly applyOptions: (from: Socket, to: Socket) => void) {}

  /** Whether the handshake is under way, from either side. */
  isOpening(s: Socket): boolean {
    return ["SYN-SENT", "SYN-RECEIVED"].includes(this.host.stack.info(s.handle).stateName);
  }

  /** Whether the sysctl has this bit of `FAST_OPEN`. */
  allowsFast(bit: number): boolean {
    return ((this.host.options.fastOpen ?? 0) & bit) !== 0;
  }

  /** Opens a connection of this socket, whose SYN may have text. */
  #openFast(s: Socket): Result {
    const opened = this.#open(s);
    if (opened.value >= 0 && this.allowsFast(FAST_OPEN.client)) this.host.stack.setOption(s.handle, "fastOpen", true);
    return opened;
  }

  /** Opens a connection of this socket. */
  #open(s: Socket): Result {
    const { stack, ends } = this.host, opened = attempted(() => stack.connect(ends.remoteIp, ends.remotePort));
    if (opened.value < 0) return opened;
    const handle = opened.value;
    Object.assign(s, { kind: "connection", handle });
    this.applyOptions(s, s);
    ends.localPort = stack.info(handle).lport;
    return OK;
  }

  /** connect(): at once, and again until the connection is open or failed. */
  connect(socket: () => Socket): Attempt {
    let begun = false;
    return () => {
      const s = socket();
      if (!begun && s.kind !== "new") {
        if (s.error !== 0) return takeError(s);
        if (s.kind !== "connection") return refusal("ENOTCONN");
        return refusal(this.isOpening(s) ? "EALREADY" : "EISCONN");
      }
      if (begun) return s.error !== 0 ? takeError(s) : this.isOpening(s) ? null : OK;
      begun = true;
      // TCP_FASTOPEN_CONNECT: with a cookie, the SYN waits for text.
      const fast = s.options.get("TCP_FASTOPEN_CONNECT") === 1;
      if (fast && this.#synText(1) > 0) return OK;
      const opened = fast ? this.#openFast(s) : this.#open(s);
      if (opened.value < 0) return opened;
      return s.nonblocking ? refusal("EINPROGRESS") : null;
    };
  }

  /** Whether a call sends text on a socket that is not connected, and may. */
  sendsFast(e: Call, s: Socket): boolean {
    if (s.options.get("TCP_FASTOPEN_CONNECT") === 1) return true;
    return e.name.startsWith("send") && (has(flagsOf(e), "MSG_FASTOPEN") || (s.options.get("TCP_FASTOPEN") ?? 0) > 0);
  }

  /**
   * As Linux has it: without a cookie a non-blocking socket sends nothing; with a cookie, what fits into the SYN; a
   * blocking socket waits to send the rest.
   */
  sendFast(e: Call, s: Socket): Attempt {
    const size = sizeOf(e);
    let sent = -1;
    return () => {
      if (sent < 0) {
        const text = this.#synText(size), opened = this.#openFast(s);
        if (opened.value < 0) return opened;
        sent = text > 0 && s.nonblocking ? text : s.nonblocking ? 0 : size;
        if (sent > 0) this.host.stack.send(s.handle, new Uint8Array(sent));
        if (s.nonblocking) return text > 0 ? { value: sent } : refusal("EINPROGRESS");
        // What all went into the SYN is sent.
        if (text === size && size > 0) return { value: size };
      }
      if (s.error !== 0) return takeError(s);
      return this.isOpening(s) ? null : { value: sent };
    };
  }

  /** How much of `size` bytes would go out in a SYN: tried, and taken back. */
  #synText(size: number): number {
    if (!this.allowsFast(FAST_OPEN.client) || size === 0) return 0;
    const { stack, ends, nowUs } = this.host, before = stack.memory.slice();
    const handle = attempted(() => stack.connect(ends.remoteIp, ends.remotePort)).value;
    let text = 0;
    if (handle > 0) {
      stack.setOption(handle, "fastOpen", true);
      stack.send(handle, new Uint8Array(size));
      stack.poll(nowUs());
      stack.drainFrames((frame) => {
        const s = decodeTcp(frame);
        if (s?.flags.includes("SYN")) text = s.len;
      });
    }
    stack.memory.set(before);
    return text;
  }

  /** Bytes first, then the end (0), and an error once, before the end that it brought. */
  receive(e: Call, s: Socket): Result | null {
    if (s.kind !== "connection") return refusal("ENOTCONN");
    const { stack } = this.host, flags = flagsOf(e), have = stack.receivable(s.handle);
    if (have > 0) {
      const n = Math.min(have, sizeOf(e));
      if (!has(flags, "MSG_PEEK")) stack.receive(s.handle, n);
      return { value: n };
    }
    if (have === 0 || s.shutRead) return { value: 0 };
    if (have === ERR.AGAIN) return s.nonblocking || has(flags, "MSG_DONTWAIT") ? refusal("EAGAIN") : null;
    if (s.error !== 0) return takeError(s);
    // An error is told once; then the connection is at its end.
    return have === ERR.STATE ? refusal("ENOTCONN") : { value: 0 };
  }

  /** Takes as many bytes as there is room for, also from a blocking socket; they are zeros. EPIPE after the end. */
  send(e: Call, s: Socket): Result | null {
    if (s.kind !== "connection") return refusal("EPIPE");
    if (s.error !== 0) return takeError(s);
    const { stack } = this.host, room = stack.sendRoom(s.handle);
    if (room < 0) return refusal("EPIPE");
    const size = sizeOf(e), n = Math.min(room, size), flags = flagsOf(e);
    if (has(flags, "MSG_FASTOPEN")) throw new Unsupported(`line ${e.line}: MSG_FASTOPEN on a connection`);
    if (n === 0 && size > 0) return s.nonblocking || has(flags, "MSG_DONTWAIT") ? refusal("EAGAIN") : null;
    stack.send(s.handle, new Uint8Array(n));
    if (has(flags, "MSG_OOB")) stack.urgent(s.handle);
    return { value: n };
  }
}
