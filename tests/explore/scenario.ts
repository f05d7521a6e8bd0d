/** What is explored: who does what, what the network and attackers may do, and how often. */
import { type StackOptions } from "../../host/config.js";
import { type Tcp } from "../harness/codec.js";

/** What an application does, once each and in this order. */
export type Deed = "listen" | "connect" | "send" | "close" | "abort";

export interface Scenario {
  name: string;
  what: string;
  client: Deed[];
  server: Deed[];
  /** Deeds that are done before exploration begins, on a perfect network. */
  before?: { client: Deed[]; server: Deed[] };
  /** Segments of an earlier incarnation that are still about: from whom, and what they say. */
  old?: { from: number; segment: (server: Tcp) => Tcp }[];
  /** Segments that an outsider may inject, once each, with exactly right numbers: RSTs. */
  resets?: number;
  cookies?: 0 | 2;
  /**
   * Segments that an attacker, who sees nothing and guesses numbers in the window, may inject: any of FORMS, or SYNs
   * between listeners.
   */
  attacks?: { count: number; forms: Form[] };
  timestamps?: boolean;
  /** 6: over IPv6, between translators (harness/family6.ts); what the scenario says stays IPv4's. */
  family?: 4 | 6;
  /** What both stacks do otherwise than by default. */
  policy?: StackOptions["policy"];
  bounds: { drops: number; duplicates: number; timers: number; reorder: boolean };
  /** The third step of the handshake is left out: the server takes its own SYN-ACK for acknowledged. */
  twoSteps?: boolean;
}

/** What an attacker builds a segment of: what its target expects next, and what it sent last. */
interface Guess {
  rcvNxt: number;
  sndNxt: number;
}

/** One segment of each form that is not exactly right: nothing of it may count (RFC 5961, RFC 9293 §3.10.7.4). */
export const FORMS = {
  "a RST in the window": ({ rcvNxt, sndNxt }: Guess): Tcp => ({ flags: "RA", seq: rcvNxt + 1, ack: sndNxt }),
  "a RST in the window without an ACK": ({ rcvNxt }: Guess): Tcp => ({ flags: "R", seq: rcvNxt + 1 }),
  "a SYN in the window": ({ rcvNxt }: Guess): Tcp => ({ flags: "S", seq: rcvNxt }),
  "a SYN-ACK in the window": ({ rcvNxt, sndNxt }: Guess): Tcp => ({ flags: "SA", seq: rcvNxt + 1, ack: sndNxt }),
  "an ACK of the future": ({ rcvNxt, sndNxt }: Guess): Tcp => ({ flags: "A", seq: rcvNxt, ack: sndNxt + 1000 }),
  "an ACK of long ago": ({ rcvNxt, sndNxt }: Guess): Tcp => ({ flags: "A", seq: rcvNxt, ack: sndNxt - 0x10000000 }),
  "an octet that was acknowledged": ({ rcvNxt, sndNxt }: Guess): Tcp => ({
    flags: "A", seq: rcvNxt - 1, ack: sndNxt, data: Uint8Array.of(0),
  }),
  "nothing, before the window": ({ rcvNxt, sndNxt }: Guess): Tcp => ({ flags: "A", seq: rcvNxt - 1, ack: sndNxt }),
  "text with an ACK of the future": ({ rcvNxt, sndNxt }: Guess): Tcp => ({
    flags: "PA", seq: rcvNxt, ack: sndNxt + 1000, data: Uint8Array.of(1, 2, 3),
  }),
  "text beyond a gap, with an ACK of the future": ({ rcvNxt, sndNxt }: Guess): Tcp => ({
    flags: "PA", seq: rcvNxt + 9, ack: sndNxt + 1000, data: Uint8Array.of(1, 2, 3),
  }),
  "text with an ACK of long ago": ({ rcvNxt, sndNxt }: Guess): Tcp => ({
    flags: "PA", seq: rcvNxt, ack: sndNxt - 0x10000000, data: Uint8Array.of(1, 2, 3),
  }),
  "text without an ACK": ({ rcvNxt }: Guess): Tcp => ({ flags: "P", seq: rcvNxt, data: Uint8Array.of(1, 2, 3) }),
  "a FIN without an ACK": ({ rcvNxt }: Guess): Tcp => ({ flags: "F", seq: rcvNxt }),
  "a SYN between the two": (): Tcp => ({ flags: "S", seq: 7000 }),
} as const;
export type Form = keyof typeof FORMS;
