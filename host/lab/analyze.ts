/**
 * What a list of frames says about its TCP connections: who opened, relative numbers, the states that both ends must be
 * in, what was sent again and why, and a sentence for each segment. The lab's own frames and captures of anybody's are
 * read alike.
 */
import { endpoint } from "../address6.js";
import { decodeTcp, formatOption, otherKind, type FlagName, type TcpSegment } from "../decode.js";

export type Side = 0 | 1;
export type Mark =
  | "retransmission"
  | "duplicate ACK"
  | "out of order"
  | "keep-alive"
  | "window probe"
  | "window full"
  | "zero window"
  | "window update"
  | "cookie"
  | "challenge"
  | "lost";

export interface Frame {
  timeUs: number;
  bytes: Uint8Array;
  /** When it arrived; null: it was lost; undefined: nobody knows (a capture). */
  arrivesUs?: number | null;
  /** What the wire, or the one who sent it, did: "lost", "duplicate", "injected" … */
  fate?: string;
  marks?: Mark[];
}

/** One segment of a connection. */
export interface Segment {
  /** Its frame's place in the list, and its own in the connection. */
  frame: number;
  index: number;
  timeUs: number;
  arrivesUs: number | null | undefined;
  /** 0: from the one who opened. */
  from: Side;
  tcp: TcpSegment;
  /** Relative to the initial sequence numbers. */
  seq: number;
  ack: number;
  marks: Mark[];
  fate: string;
  /** Of both ends, once it has arrived. */
  states: [string, string];
  /** The segment that it sends again, by index. */
  again?: number;
  /** One sentence, or two. */
  says: string;
}

export interface Connection {
  /** Of the one who opened, and the other: "10.0.0.1:49160". */
  names: [string, string];
  iss: [number, number];
  segments: Segment[];
  /** Sentences on the connection as a whole: what went wrong. */
  findings: string[];
  /** Whether the SYN was seen. */
  complete: boolean;
}

/**
 * What became of frames that the hosts did not send: somebody made them, or they are left over from an earlier
 * connection.
 */
export const INJECTED = "injected", OLD = "old duplicate";

/** Whether a frame's fate says that no host sent it then. The ladder paints such frames apart. */
export function isForeign(fate: string | undefined): boolean {
  return fate === INJECTED || fate === OLD;
}

interface End {
  iss: number | undefined;
  /** What it has sent so far: the highest sequence number, relative, and the last acknowledgment and window. */
  next: number;
  ack: number;
  window: number;
  /** Its window scale; −1: not offered. */
  scale: number;
  state: string;
  /** Times and numbers of what it sent and was not acknowledged. */
  sent: Map<number, number>;
  duplicates: number;
  fin: number | undefined;
  /** Whether it has sent anything beyond its SYN, and the flags of what it sent last. */
  spoke: boolean;
  last: FlagName[];
}

const newEnd = (): End => ({
  iss: undefined, next: 0, ack: -1, window: -1, scale: -1, state: "CLOSED", sent: new Map(), duplicates: 0,
  fin: undefined, spoke: false, last: [],
});

/** Reads the connections out of the frames, in the order in which they begin. */
export function analyze(frames: readonly Frame[]): Connection[] {
  const analysis = new Analysis();
  for (const frame of frames) analysis.take(frame);
  return analysis.connections();
}

/** What frames are in which there is no TCP, and how many of each kind, the most first. */
export function skipped(frames: readonly Frame[]): [string, number][] {
  const kinds = new Map<string, number>();
  for (const { bytes } of frames) {
    if (decodeTcp(bytes)) continue;
    const kind = otherKind(bytes);
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  }
  return [...kinds].sort(([, a], [, b]) => b - a);
}

/** Reads the connections out of frames, one by one. */
export class Analysis {
  #open = new Map<string, Reader>();
  #all: Reader[] = [];
  /** By frame: its segment, if it has one. */
  readonly segments: (Segment | null)[] = [];

  /**
   * In the order of the wire. Returns the segment, or null for a frame without TCP, which counts in `segments`, too.
   */
  take(frame: Frame): Segment | null {
    const tcp = decodeTcp(frame.bytes), number = this.segments.length;
    if (!tcp) {
      this.segments.push(null);
      return null;
    }
    const a = endpoint(tcp.source, tcp.srcPort);
    const b = endpoint(tcp.destination, tcp.dstPort);
    const key = a < b ? `${a} ${b}` : `${b} ${a}`;
    let reader = this.#open.get(key);
    const fresh = tcp.flags.includes("SYN") && !tcp.flags.includes("ACK");
    if (!reader || (fresh && reader.isOver(a, tcp))) {
      reader = new Reader(tcp.flags.includes("SYN") && tcp.flags.includes("ACK") ? [b, a] : [a, b]);
      this.#open.set(key, reader);
      this.#all.push(reader);
    }
    const segment = reader.take(frame, number, tcp, a === reader.names[0] ? 0 : 1);
    this.segments.push(segment);
    return segment;
  }

  /** In the order in which they began, with findings as of the last frame. */
  connections(): Connection[] {
    return this.#all.map((r) => r.finish());
  }
}

const whyAgain = (peer: End): string => peer.duplicates >= 3
  ? `${peer.duplicates} duplicate ACKs said that they are missing`
  : "no acknowledgment came in time, or what came said that they are missing";

/** What a segment says, in numbers that are relative to the initial ones. */
interface Said {
  syn: boolean;
  fin: boolean;
  ack: boolean;
  rst: boolean;
  seq: number;
  acked: number;
  /** Octets of text; with SYN and FIN. */
  text: number;
  length: number;
  /** In octets: scaled. */
  window: number;
}

/** Marks a segment by its acknowledgment and its window, beside those of the one before. */
function acknowledges(s: Said, me: End, peer: End, marks: Mark[]): void {
  const isRepeated = s.length === 0 && s.acked === me.ack;
  if (isRepeated && peer.next > s.acked && s.window === me.window && !marks.includes("challenge")) {
    me.duplicates++;
    marks.push("duplicate ACK");
  } else if (isRepeated && s.window > me.window && me.window >= 0) {
    marks.push("window update");
    me.duplicates = 0;
  } else if (s.acked > me.ack) {
    me.duplicates = 0;
  }
  if (s.window === 0) marks.push("zero window");
  me.ack = Math.max(me.ack, s.acked);
  me.window = s.window;
}

/** A SYN tells the first window, and with an ACK the first acknowledgment. */
function greets(s: Said, me: End): void {
  me.window = s.window;
  if (s.ack) me.ack = s.acked;
}

class Reader {
  readonly segments: Segment[] = [];
  #ends: [End, End] = [newEnd(), newEnd()];
  #complete = false;
  /** Whether somebody has sent a FIN or a RST: a SYN with another number begins a connection of its own then. */
  #ended = false;

  constructor(readonly names: [string, string]) {}

  /** Whether a SYN from `name` begins a connection of its own. */
  isOver(name: string, tcp: TcpSegment): boolean {
    const e = this.#ends[name === this.names[0] ? 0 : 1];
    return this.#ended && e.iss !== undefined && e.iss !== tcp.seq;
  }

  take(frame: Frame, number: number, tcp: TcpSegment, from: Side): Segment {
    const me = this.#ends[from], peer = this.#ends[(1 - from) as Side];
    const said = this.#read(tcp, me, peer), { syn, fin, rst } = said;
    const marks: Mark[] = [...(frame.marks ?? [])], lost = frame.arrivesUs === null, injected = isForeign(frame.fate);
    if (lost) marks.push("lost");
    let again: number | undefined;
    if (said.length > 0 && !rst && !injected) again = this.#sends(said, me, peer, marks, frame.arrivesUs === undefined);
    if (said.ack && !syn && !rst && !injected) acknowledges(said, me, peer, marks);
    else if (syn) greets(said, me);
    if (tcp.len > 0 && peer.window > 0 && peer.ack >= 0 && me.next - peer.ack >= peer.window) marks.push("window full");
    const segment: Segment = {
      frame: number, index: this.segments.length, timeUs: frame.timeUs, arrivesUs: frame.arrivesUs, from, tcp,
      seq: said.seq, ack: said.acked, marks, fate: frame.fate ?? "", states: ["", ""], says: "",
      ...(again === undefined ? {} : { again }),
    };
    const waiting = peer.state === "SYN-RECEIVED";
    if (!injected) this.#states(segment, me, peer, lost);
    segment.states = [this.#ends[0].state, this.#ends[1].state];
    segment.says = this.#explain(segment, me, peer, waiting);
    this.segments.push(segment);
    // What later segments ask about the earlier ones is noted here: nobody looks through all of them for each.
    if (rst || fin) this.#ended = true;
    if (!syn) me.spoke = true;
    me.last = tcp.flags;
    return segment;
  }

  /** What a segment says; the first one of an end tells its initial sequence number, and perhaps the other end's. */
  #read(tcp: TcpSegment, me: End, peer: End): Said {
    const flags = new Set<FlagName>(tcp.flags);
    const syn = flags.has("SYN"), fin = flags.has("FIN"), ack = flags.has("ACK"), rst = flags.has("RST");
    if (syn && me.iss === undefined) {
      me.iss = tcp.seq;
      if (me === this.#ends[0]) this.#complete = true;
      for (const o of tcp.options) if (o.kind === "window-scale") me.scale = o.shift;
    }
    // In the middle of a connection the octet before the first one that is seen is as good as its SYN.
    me.iss ??= rst && !ack ? tcp.seq : (tcp.seq - 1) >>> 0;
    if (peer.iss === undefined && ack && !rst) peer.iss = (tcp.ack - 1) >>> 0;
    const isScaled = !syn && peer.scale >= 0 && me.scale >= 0;
    return {
      syn, fin, ack, rst, text: tcp.len, length: tcp.len + (syn ? 1 : 0) + (fin ? 1 : 0),
      seq: (tcp.seq - me.iss) | 0, acked: ack && peer.iss !== undefined ? (tcp.ack - peer.iss) | 0 : 0,
      window: isScaled ? tcp.window * 2 ** me.scale : tcp.window,
    };
  }

  /**
   * Marks a segment by what it takes of the sequence space: new, sent before, out of order (in a capture, where nobody
   * says what the network did). Returns the index of the segment that it sends again.
   */
  #sends(s: Said, me: End, peer: End, marks: Mark[], isCaptured: boolean): number | undefined {
    const before = me.sent.get(s.seq);
    let again: number | undefined;
    if (s.seq < me.next) {
      if (s.length === s.text && s.text <= 1 && s.seq === me.next - 1 && before === undefined) {
        marks.push("keep-alive");
      } else if (!this.#isCrossed(s, before)) {
        marks.push("retransmission");
        again = before;
      }
    } else if (s.seq > me.next && me.next > 0 && isCaptured) {
      marks.push("out of order");
    }
    if (before === undefined) me.sent.set(s.seq, this.segments.length);
    if (peer.window === 0 && s.seq >= peer.ack && !s.syn && s.text <= 1) marks.push("window probe");
    me.next = Math.max(me.next, s.seq + s.length);
    if (s.fin) me.fin = s.seq + s.text;
    return again;
  }

  /** Whether it is a SYN-ACK whose number went out before: in a SYN that crossed with the other side's. */
  #isCrossed(s: Said, before: number | undefined): boolean {
    return s.syn && s.ack && before !== undefined && !this.segments[before]!.tcp.flags.includes("ACK");
  }

  /** The states that both ends must be in once the segment has arrived (RFC 9293 §3.3.2). */
  #states(s: Segment, me: End, peer: End, lost: boolean): void {
    const f = new Set(s.tcp.flags);
    if (f.has("RST")) {
      me.state = "CLOSED";
      if (!lost) peer.state = peer.state === "SYN-RECEIVED" ? "LISTEN" : "CLOSED";
      return;
    }
    if (f.has("SYN")) {
      if (!f.has("ACK")) {
        if (me.state === "CLOSED") me.state = "SYN-SENT";
        if (!lost && peer.state === "CLOSED") peer.state = "LISTEN";
      } else {
        if (me.state === "LISTEN" || me.state === "CLOSED" || me.state === "SYN-SENT") me.state = "SYN-RECEIVED";
        if (!lost && peer.state === "SYN-SENT") peer.state = "ESTABLISHED";
      }
      return;
    }
    if (!this.#complete && me.state === "CLOSED") me.state = peer.state = "ESTABLISHED";
    if (f.has("FIN")) {
      if (me.state === "ESTABLISHED" || me.state === "SYN-RECEIVED") me.state = "FIN-WAIT-1";
      else if (me.state === "CLOSE-WAIT") me.state = "LAST-ACK";
    }
    if (lost) return;
    if (f.has("ACK") && peer.state === "SYN-RECEIVED" && s.ack >= 1) peer.state = "ESTABLISHED";
    if (f.has("ACK") && peer.fin !== undefined && s.ack > peer.fin) {
      if (peer.state === "FIN-WAIT-1") peer.state = "FIN-WAIT-2";
      else if (peer.state === "CLOSING") peer.state = "TIME-WAIT";
      else if (peer.state === "LAST-ACK") peer.state = "CLOSED";
    }
    if (f.has("FIN")) {
      if (peer.state === "ESTABLISHED") peer.state = "CLOSE-WAIT";
      else if (peer.state === "FIN-WAIT-1") peer.state = "CLOSING";
      else if (peer.state === "FIN-WAIT-2") peer.state = "TIME-WAIT";
    }
  }

  #explain(s: Segment, me: End, peer: End, waiting: boolean): string {
    const f = new Set(s.tcp.flags), out: string[] = [];
    const who = s.from === 0 ? "The client" : "The server", other = s.from === 0 ? "server" : "client";
    const has = (m: Mark): boolean => s.marks.includes(m);
    const options = s.tcp.options
      .filter((o) => o.kind !== "nop" && o.kind !== "timestamps")
      .map((o) => formatOption(o, (q) => (q - (peer.iss ?? 0)) >>> 0));
    if (s.fate === OLD) {
      out.push(`A segment of an earlier connection, which the network has kept until now: SEQ ${s.tcp.seq}.`);
    } else if (s.fate === INJECTED) {
      out.push(`Somebody else sends this in the ${s.from === 0 ? "client" : "server"}'s name, SEQ ${s.seq}.`);
    } else if (f.has("RST")) {
      if (f.has("ACK") && peer.state === "CLOSED" && s.index <= 2 && this.segments.at(-1)?.tcp.flags.includes("SYN"))
        out.push(
          `Nobody listens there: ${who.toLowerCase()} refuses with a RST, `
            + "which acknowledges the SYN so that it is believed.",
        );
      else
        out.push(
          `${who} resets the connection: what the last segment said belongs to no connection that it knows, `
            + "or its application gave up.",
        );
    } else if (f.has("SYN") && !f.has("ACK")) {
      out.push(
        `${who} opens. Its initial sequence number is ${s.tcp.seq}, picked at random so that nobody can guess it; `
          + "the SYN takes one number, so its data begins at relative 1.",
      );
      if (has("retransmission")) out.push("No answer came in time: the same SYN goes out again.");
      else if (options.length > 0) out.push(`It offers ${options.join(", ")}.`);
    } else if (f.has("SYN")) {
      out.push(
        `${who} answers with its own number ${s.tcp.seq}, and ACK = the ${other}'s number + 1: the SYN has arrived.`,
      );
      if (has("cookie"))
        out.push("It keeps nothing of this: the number is a cookie, and only who really got it can send it back.");
      if (has("retransmission")) out.push("The third step did not come in time: the same SYN-ACK goes out again.");
    } else if (waiting && s.ack >= 1 && !f.has("FIN")) {
      out.push(
        `${me.spoke ? "Once more the third step" : "The third step"}: ACK = the ${other}'s number + 1. `
          + "Now both know that the other has got their number, and the connection is ESTABLISHED.",
      );
      if (s.tcp.len > 0) out.push(`Its first ${s.tcp.len} bytes ride along.`);
    } else out.push(...this.#explainOpen(s, me, peer));
    if (has("lost")) out.push("It never arrives.");
    else if (s.fate === "duplicate") out.push("The network delivers it twice.");
    else if (s.fate && !isForeign(s.fate)) out.push(`On its way it was ${s.fate}.`);
    return out.join(" ");
  }

  /** What a segment of an open connection says: text, a FIN, an ACK, a window. */
  #explainOpen(s: Segment, me: End, peer: End): string[] {
    const f = new Set(s.tcp.flags), out: string[] = [];
    const who = s.from === 0 ? "The client" : "The server", other = s.from === 0 ? "server" : "client";
    const has = (m: Mark): boolean => s.marks.includes(m);
    if (s.tcp.len > 0) {
      if (has("keep-alive"))
        out.push("A keep-alive: a byte that was acknowledged long ago, to see whether the other end is still there.");
      else if (has("window probe")) out.push("The window is closed: one byte asks whether it still is.");
      else if (has("retransmission"))
        out.push(`Bytes ${s.seq} to ${s.seq + s.tcp.len - 1} once more: ${whyAgain(peer)}.`);
      else out.push(`Bytes ${s.seq} to ${s.seq + s.tcp.len - 1}${f.has("PSH") ? ", the last for now (PSH)" : ""}.`);
    }
    if (f.has("FIN"))
      out.push(`${who} has nothing more to send: the FIN takes number ${s.seq + s.tcp.len}. It can still receive.`);
    if (f.has("ACK") && s.tcp.len === 0 && !f.has("FIN")) {
      if (has("challenge") && !peer.last.includes("SYN"))
        out.push(
          "A challenge ACK: what came may be forged. Who really means it answers with a RST that carries exactly "
            + "this number (RFC 5961).",
        );
      else if (peer.fin !== undefined && s.ack > peer.fin) out.push(`ACK ${s.ack} covers the ${other}'s FIN.`);
      else if (has("duplicate ACK"))
        out.push(
          `Duplicate ACK number ${me.duplicates}: something arrived, but not byte ${s.ack}, which comes next.`,
        );
      else if (has("window update")) out.push(`The application has read: the window is ${me.window} bytes again.`);
      else out.push(`Everything before ${s.ack} has arrived; ${s.ack} comes next.`);
      const sack = s.tcp.options.find((o) => o.kind === "sack");
      if (sack) out.push(`${formatOption(sack, (q) => (q - (peer.iss ?? 0)) >>> 0)}: these are there already.`);
    }
    if (has("zero window")) out.push("Its buffer is full: the window is 0, and the other end has to wait.");
    else if (has("window full"))
      out.push("This fills the other end's window: no more may be sent before it acknowledges.");
    return out;
  }

  finish(): Connection {
    const list = this.segments;
    const count = (m: Mark): number => list.filter((s) => s.marks.includes(m)).length;
    const findings: string[] = [];
    const reset = list.some((s) => s.tcp.flags.includes("RST") && !isForeign(s.fate));
    if (!this.#complete)
      findings.push("The beginning was not captured: numbers are relative to the first that was seen.");
    const [a, b] = this.#ends;
    if (this.#complete && b.iss === undefined)
      findings.push("Nobody answered the SYN: nothing is there, or a filter drops it.");
    else if (reset && !list.some((s) => s.states.includes("ESTABLISHED"))) findings.push("The connection was refused.");
    else if (reset) findings.push("The connection was reset.");
    const again = count("retransmission"), data = list.filter((s) => s.tcp.len > 0).length;
    if (again > 0)
      findings.push(
        `${again} of ${data + list.filter((s) => s.tcp.flags.includes("SYN") || s.tcp.flags.includes("FIN")).length} `
          + "segments that can be sent again were: the network loses, or delays.",
      );
    if (count("zero window") > 0)
      findings.push(
        `A window was closed ${count("zero window")} times: an application does not read as fast as the other sends.`,
      );
    if (count("duplicate ACK") > 0)
      findings.push(`${count("duplicate ACK")} duplicate ACKs: segments were lost, or came in another order.`);
    for (const [i, e] of [a, b].entries())
      if (e.fin === undefined && list.length > 3 && !reset && list[0]!.arrivesUs === undefined)
        findings.push(`The ${i === 0 ? "client" : "server"} did not close within what was captured.`);
    return { names: this.names, iss: [a.iss ?? 0, b.iss ?? 0], segments: list, findings, complete: this.#complete };
  }
}
