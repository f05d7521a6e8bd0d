/** Which of a script's numbers is which on the wire: sequence numbers, timestamps, cookies of Fast Open. */
import type { Option, Packet } from "./parse.js";
import type { TcpSegment } from "./wire.js";

/** Scripts count from their own SYNs. "live" numbers are the wire's, "script" numbers the file's. */
export class Numbers {
  /** The initial sequence number of the stack: on the wire, and in the script. */
  #local: { live: number; script: number } | undefined;
  /** The remote side's, which is the same in both. */
  #remote: number | undefined;
  /** The remote side's last SYN. */
  #remoteSyn = { start: 0, length: -1 };
  #stamps = new Map<number, number>();
  #stampOffset = 0;

  /** `cookie` makes digits of a cookie's name. */
  constructor(readonly cookie: (text: string) => string) {}

  /** A number of the stack's as the wire has it. */
  liveLocal(n: number): number {
    return (n + (this.#local?.live ?? 0)) >>> 0;
  }

  /** A number of the remote side's as the script has it. */
  scriptRemote(n: number): number {
    return (n - (this.#remote ?? 0)) >>> 0;
  }

  /**
   * The sequence number of a packet from the remote side. The first packet on a fresh socket, or a SYN that begins
   * anew, tells where that side's numbers start. `state` is the connection's.
   */
  inbound(p: Packet, state: string): number {
    const isSyn = p.flags.includes("S"), isAlive = state !== "CLOSED" && state !== "LISTEN";
    if (isSyn) this.#remoteSyn = { start: p.start, length: p.length };
    const isFirst = this.#remote === undefined || (isSyn && !p.flags.includes(".") && !isAlive);
    if (isFirst) this.#remote = isSyn ? p.start : 0;
    if (isSyn && state === "SYN-SENT") this.#remote = p.start;
    return isSyn && this.#remote === p.start ? p.start : (p.start + (this.#remote ?? 0)) >>> 0;
  }

  /** Options of the remote side's packet, as the wire has them. */
  inboundOption(o: Option): Option {
    switch (o.kind) {
      case "TS": return { ...o, ecr: o.ecr === 0 ? 0 : this.#stamps.get(o.ecr) ?? (o.ecr + this.#stampOffset) >>> 0 };
      case "sack": return { ...o, blocks: o.blocks.map(([a, b]) => [this.liveLocal(a), this.liveLocal(b)]) };
      case "fastopen": return o.cookie === null ? o : { ...o, cookie: this.cookie(o.cookie) };
      default: return o;
    }
  }

  /** Learns from a SYN that the stack sent where its numbers start, and which SYN it answers. */
  learn(p: Packet, s: TcpSegment): void {
    if (!s.flags.includes("SYN")) return;
    if (!this.#local || this.#local.live !== s.seq) this.#local = { live: s.seq, script: p.start };
    // What a SYN-ACK acknowledges is the SYN that the remote side's numbers start from, and perhaps its text.
    const { start, length } = this.#remoteSyn;
    if (s.flags.includes("ACK")) this.#remote = (s.ack - 1 - start) >>> 0 <= length ? start : (s.ack - 1) >>> 0;
  }

  /** A sent segment's sequence and acknowledgment numbers as the script has them: a SYN's stand for themselves. */
  outbound(s: TcpSegment): { seq: number; ack: number } {
    const isSyn = s.flags.includes("SYN"), local = this.#local ?? { live: 0, script: 0 };
    const seq = (s.seq - local.live + (isSyn ? local.script : 0)) >>> 0;
    return { seq, ack: isSyn || !s.flags.includes("ACK") ? s.ack : this.scriptRemote(s.ack) };
  }

  /** Learns which timestamp of the wire is which of the script. */
  learnStamps(options: Option[], s: TcpSegment): void {
    const live = s.options.find((o) => o.kind === "timestamps"), script = options.find((o) => o.kind === "TS");
    if (live?.kind !== "timestamps" || script?.kind !== "TS" || this.#stamps.has(script.val)) return;
    this.#stamps.set(script.val, live.val);
    this.#stampOffset = (live.val - script.val) >>> 0;
  }

  /** A timestamp of the stack's as the script has it; undefined: none is known yet. */
  scriptStamp(live: number): number | undefined {
    return this.#stamps.size > 0 ? (live - this.#stampOffset) >>> 0 : undefined;
  }
}
