/** What a scenario of the handshake lab consists of: hosts, what they do and when, and what becomes of their frames. */
import type { StackOptions } from "../config.js";
import type { StateName } from "../stack.js";
import type { SegmentFields } from "./segment-frame.js";

/** What an application, the network or an outsider does. Hosts are named as in the scenario. */
export type Action =
  | { do: "listen"; host: string; port?: number; backlog?: number }
  | { do: "connect"; host: string; to: string; port?: number; from?: number }
  | { do: "send"; host: string; text?: string; bytes?: number }
  | { do: "close" | "abort" | "stop reading" | "read again" | "restart"; host: string }
  | { do: "link"; up: boolean }
  | { do: "segment"; from: string; to: string; fields: SegmentFields; old?: boolean }
  | { do: "replay"; frame: number }
  | { do: "flood"; to: string; perSecond: number; ms: number }
  | { do: "clients"; host: string; to: string; everyMs: number; ms: number };

/**
 * What happens to the n-th frame (from 1) that a host sends and that has these flags ("SYN", "SYN ACK", "data", "any").
 */
export interface Fault {
  from: string;
  what: "SYN" | "SYN ACK" | "ACK" | "data" | "FIN" | "any";
  nth: number;
  fate: "drop" | "duplicate" | "delay";
  delayMs?: number;
}

export interface HostPlan {
  name: string;
  ip: string;
  options?: Partial<StackOptions>;
  /**
   * Thought experiments, at the host's edge. "trusts": its SYN-ACK counts as acknowledged once it has left, as if two
   * messages were enough. "splits": its SYN-ACK goes as two segments, an ACK and a SYN.
   */
  habit?: "trusts" | "splits";
}

export interface Scenario {
  name: string;
  title: string;
  /** A sentence: what it shows. */
  sentence: string;
  /** Paragraphs: why it is so. */
  explanation: string[];
  hosts?: HostPlan[];
  script: (Action & { atMs: number })[];
  faults?: Fault[];
  /** One way, ms. */
  delayMs?: number;
  /** What both ends end in, in their order; what the tests hold it to. */
  ends: Record<string, StateName>;
  /** Choices of the user; each replaces what it names. */
  variants?: Record<string, Partial<Pick<Scenario, "hosts" | "script" | "faults" | "explanation" | "ends">>>;
  /** For how long there is something to see, ms. */
  lastsMs: number;
}

/** What the user did, and before which step. */
export type UserAct = { step: number } & (
  | { act: "action"; action: Action }
  | { act: "fate"; flight: number; fate: "drop" | "duplicate" | "delay" | "corrupt" }
  | { act: "edit"; flight: number; fields: SegmentFields });
