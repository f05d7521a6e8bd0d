/** A packet that the stack sent against the script's. */
import { hex } from "../decode.js";
import type { Numbers } from "./numbers.js";
import type { IpFields, Option, Packet } from "./parse.js";
import { letters, type TcpSegment } from "./wire.js";

/** What a script's word for the ECN field (RFC 3168 §5) may be. */
const ECN_FIELD: Record<string, number[]> = { noecn: [0], ect0: [2], ect1: [1], ect01: [2, 1], ce: [3] };

/** One scripted packet may stand for several segments, sent at one moment. */
export interface Run {
  first: TcpSegment;
  last: TcpSegment;
  length: number;
}

export interface Rules {
  ignorePush: boolean;
  /** By how much a timestamp may differ, where the script says how fast their clock runs. */
  stampTolerance: number | undefined;
}

/** The TOS octet of a packet from the remote side. */
export function tosOf(p: IpFields): number {
  return (p.tos ?? 0) | ECN_FIELD[p.ecn ?? "noecn"]![0]!;
}

/** What differs in the IP header; undefined: nothing. */
export function compareIp(want: IpFields, got: { tos: number; ttl: number }): string | undefined {
  if (want.ecn !== undefined && !ECN_FIELD[want.ecn]!.includes(got.tos & 3)) return `the ECN field, ${got.tos & 3}`;
  if (want.tos !== undefined && want.tos !== got.tos) return `the TOS octet, 0x${got.tos.toString(16)}`;
  if (want.ttl !== undefined && want.ttl !== got.ttl) return `the time to live, ${got.ttl}`;
  return undefined;
}

/** What the script wants, as a failure's report shows it: in the script's numbers. */
export function describe(p: Packet): string {
  const ack = p.ack === undefined ? "" : ` ack ${p.ack}`, win = p.win === undefined ? "" : ` win ${p.win}`;
  return `${p.flags || "-"} ${p.start}:${p.end}(${p.length})${ack}${win}`;
}

/** What the stack sent, in the form of `describe`, so that the two lines can be laid side by side. */
export function describeRun({ first, last, length }: Run, numbers: Numbers): string {
  const { seq, ack } = numbers.outbound(first);
  const acks = first.flags.includes("ACK") ? ` ack ${ack}` : "";
  return `${letters(last)} ${seq}:${seq + length}(${length})${acks} win ${first.window}`;
}

/** What differs; undefined: nothing. Learns timestamps on the way. */
export function compare(p: Packet, run: Run, numbers: Numbers, rules: Rules): string | undefined {
  const { first: s, last, length } = run, { seq, ack } = numbers.outbound(s);
  const normal = (flags: string): string => [...(rules.ignorePush ? flags.replace("P", "") : flags)].sort().join("");
  if (normal(p.flags) !== normal(letters(last))) return "flags";
  const ip = compareIp(p, last);
  if (ip !== undefined) return ip;
  if (seq !== p.start) return `sequence number ${seq}`;
  if (length !== p.length) return `${length} bytes`;
  if (ack !== (p.ack ?? 0)) return `acknowledgment number ${ack}`;
  if (p.win !== undefined && s.window !== p.win) return `window ${s.window}`;
  if (p.urgent !== undefined && s.urgent !== p.urgent) return `urgent pointer ${s.urgent}`;
  if (s.payload.some((b) => b !== 0) || last.payload.some((b) => b !== 0)) return "payload";
  return p.options === null ? undefined : compareOptions(p.options ?? [], s, numbers, rules);
}

function wantedText(o: Option, numbers: Numbers): string {
  switch (o.kind) {
    case "TS": return `TS ecr ${o.ecr}`;
    case "sack": return `sack ${o.blocks.map((b) => b.join(":")).join(" ")}`;
    case "mss": case "wscale": return `${o.kind} ${o.value}`;
    case "fastopen": return `FO ${o.cookie === null ? "" : numbers.cookie(o.cookie)}`.trim();
    default: return o.kind;
  }
}

function sentText(o: TcpSegment["options"][number], numbers: Numbers): string {
  switch (o.kind) {
    case "mss": return `mss ${o.value}`;
    case "window-scale": return `wscale ${o.shift}`;
    case "sack-permitted": return "sackOK";
    case "timestamps": return `TS ecr ${o.ecr}`;
    case "sack":
      return `sack ${o.blocks.map(([a, b]) => `${numbers.scriptRemote(a)}:${numbers.scriptRemote(b)}`).join(" ")}`;
    case "fast-open": return `FO ${hex(o.cookie)}`.trim();
    case "nop": return "nop";
    default: return `option ${o.code}`;
  }
}

/** Options are a set: what pads them, and their order, are the stack's. */
function compareOptions(want: Option[], s: TcpSegment, numbers: Numbers, rules: Rules): string | undefined {
  const script = want.find((o) => o.kind === "TS"), live = s.options.find((o) => o.kind === "timestamps");
  const stamp = live?.kind === "timestamps" ? numbers.scriptStamp(live.val) : undefined;
  numbers.learnStamps(want, s);
  const got = s.options.filter((o) => o.kind !== "nop").map((o) => sentText(o, numbers)).sort().join(", ");
  const asked = want.filter((o) => o.kind !== "nop" && o.kind !== "eol");
  const wanted = asked.map((o) => wantedText(o, numbers)).sort().join(", ");
  if (wanted !== got) return `options <${got}>`;
  const isChecked = stamp !== undefined && script?.kind === "TS" && rules.stampTolerance !== undefined;
  return isChecked && Math.abs((stamp - script.val) | 0) > rules.stampTolerance! ? `TS val ${stamp}` : undefined;
}
