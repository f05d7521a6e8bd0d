/** What `stint up` was asked, and what runs the stack for it. */
import type { ConfigField } from "../config.js";
import type { Options6 } from "./ip6.js";

/** What `--set` can set: all that is a plain number, from `mtu` to `firstByteMs`. */
export type Settable = Exclude<ConfigField, "size" | "ip" | "gateway" | "policy">;

export interface UpOptions extends Options6 {
  link: string;
  ip?: string;
  lastIp?: string;
  name?: string;
  /** False with --no-link-local. */
  linkLocal: boolean;
  mac?: string;
  gateway?: string;
  runtime: "node" | "wasmtime";
  echo?: number;
  discard?: number;
  chargen?: number;
  http?: number;
  root?: string;
  connections: number;
  ring: number;
  mtu: number;
  pcap?: string;
  stats?: boolean;
  workers: number;
  groupKey?: Uint8Array;
  fastOpen: number;
  idle: number;
  linger: number;
  user?: string;
  /** Numbers of the configuration, by name. */
  set: Partial<Record<Settable, number>>;
}

/** How a stack ended: its counters, and how many connections lost something. */
export interface Ended {
  counters: Record<string, number>;
  cut: number;
}

/** Something that runs a stack until it is told to stop. */
export interface Running {
  /** Resolves to the address that the network gave, if it was asked. */
  ready: Promise<string | void>;
  /**
   * Ends every connection in order, within the time that `--linger` gives, then resolves `done`. A second call does not
   * wait.
   */
  stop(): void;
  fail(error: Error): void;
  done: Promise<Ended>;
}
