/** What is sent to the module and to Linux, and how their replies differ. */
import type { Application } from "./sides.js";

/** A segment, its numbers relative to what the host expects next (`seq`) and has sent last (`ack`). */
export interface Step {
  flags: string;
  seq: number;
  ack: number;
  size: number;
  win: number;
  stamps: "good" | "old" | "none";
}

export interface Sequence {
  application: Application;
  options: { stamps: boolean; sack: boolean; scale: boolean };
  steps: Step[];
}

/** What a reply says, relative to the numbers of both. */
export interface Reply {
  flags: string;
  seq: number;
  ack: number;
  size: number;
  closedWindow: boolean;
  sack: string;
  stamps: boolean;
}

export interface Difference {
  step: number;
  sent: Step;
  /** What the module was in before the step. */
  state: string;
  /** Whether a FIN was among the steps before. */
  finished: boolean;
  ours: Reply[];
  kernels: Reply[];
  /** Why that is no fault; undefined: nobody knows. */
  why: string | undefined;
}
