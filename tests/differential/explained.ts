/**
 * Where Linux and the module differ, and why that is no fault of the module's: the clause that it follows. The first
 * that fits counts.
 */
import type { Difference, Reply, Sequence, Step } from "./compared.js";

type Case = Omit<Difference, "why">;

const same = (a: Reply[], b: Reply[], ...fields: (keyof Reply)[]): boolean =>
  a.length === b.length
  && a.every((r, i) => (Object.keys(r) as (keyof Reply)[]).every((k) => fields.includes(k) || r[k] === b[i]![k]));

/**
 * What is left when what timers and the application send is not looked at: its FIN, and probes of a window, which are
 * one octet behind.
 */
const withoutFin = (replies: Reply[]): Reply[] =>
  replies.filter(
    (r) => r.flags !== "FA" && !(r.flags === "A" && replies.some((o) => o.flags === "A" && o.seq === r.seq + 1)),
  );

/** Whether a segment's number lies out of the window, which is between 3,000 and 70,000 on both sides. */
const isOutside = (s: Step): boolean => s.seq < 0 || s.seq >= 70_000;

const RULES: [string, (d: Case, s: Sequence) => boolean][] = [
  ["a segment without timestamps, where they were settled, is dropped (RFC 7323 §3.2); Linux takes it", (d, s) =>
    s.options.stamps && d.sent.stamps === "none" && !d.sent.flags.includes("S") && d.ours.length === 0],
  [
    "what has no ACK bit is answered if its number is out of the window (RFC 9293 §3.10.7.4, "
      + "first); Linux drops it before",
    (d) => !/[ARS]/.test(d.sent.flags) && d.kernels.length === 0,
  ],
  [
    "in SYN-RECEIVED the number is checked before the ACK (RFC 9293 §3.10.7.4, first and fifth); "
      + "Linux answers a bad ACK with a RST first",
    (d) =>
      d.state === "SYN-RECEIVED"
      && d.kernels.some((r) => r.flags.includes("R"))
      && d.ours.every((r) => r.flags === "A"),
  ],
  [
    "an ACK down to SND.UNA - MAX.SND.WND is only old (RFC 5961 §5.2); Linux challenges one of what was never sent",
    (d) =>
      d.sent.ack < 0
      && d.sent.flags.includes("A")
      && d.kernels.length === 1
      && d.kernels[0]!.flags === "A"
      && d.ours.every((r) => !r.flags.includes("R")),
  ],
  [
    "a D-SACK names text that came twice (RFC 2883 §4); Linux counts the FIN behind it",
    (d) => d.sent.flags.includes("F") && same(d.ours, d.kernels, "sack"),
  ],
  [
    "what came twice is noted before the ACK is checked, and told with the challenge; Linux has forgotten it by then",
    (d) => d.sent.ack > 0 && d.sent.seq < 0 && same(d.ours, d.kernels, "sack"),
  ],
  [
    "whether the application's FIN goes with the ACK before it depends on how fast it is",
    (d, s) =>
      s.application === "closes"
      && ((d.kernels[0]?.flags === "A" && same(d.ours, d.kernels.slice(1)))
        || (d.ours[0]?.flags === "A" && same(d.ours.slice(1), d.kernels))),
  ],
  ["when the application's FIN goes out, beside what else is answered, depends on how fast it is", (d, s) =>
    s.application === "closes" && same(withoutFin(d.ours), withoutFin(d.kernels))],
  [
    "an ACK below SND.UNA - MAX.SND.WND is challenged in every state (RFC 5961 §5.2); "
      + "Linux resets a connection that its user has closed",
    (d) =>
      d.sent.ack < 0
      && d.sent.flags.includes("A")
      && d.kernels.length === 1
      && d.kernels[0]!.flags.includes("R")
      && d.ours.every((r) => r.flags === "A"),
  ],
  [
    "what PAWS refuses is not looked at further; Linux tells that a part of it had come before",
    (d) => d.sent.stamps === "old" && same(d.ours, d.kernels, "sack"),
  ],
  [
    "in SYN-RECEIVED any echo of a timestamp will do (RFC 7323); Linux wants that of the SYN-ACK, "
      + "not of an ACK that it sent later",
    (d, s) =>
      d.state === "SYN-RECEIVED"
      && s.options.stamps
      && d.kernels.length === 1
      && d.kernels[0]!.flags === "A"
      && d.step > 1,
  ],
  [
    "a RST is challenged if its number is in the window, else dropped (RFC 5961 §3.2); "
      + "Linux looks at where it ends, too",
    (d) =>
      d.sent.flags.includes("R") && isOutside(d.sent) && d.ours.length === 0 && d.kernels.every((r) => r.flags === "A"),
  ],
  [
    "in SYN-RECEIVED, after a passive OPEN, a SYN in the window leads back to LISTEN (RFC 9293 §3.10.7.4, "
      + "fourth); Linux challenges it",
    (d) =>
      d.state === "SYN-RECEIVED"
      && d.sent.flags.includes("S")
      && d.ours.length === 0
      && d.kernels.every((r) => r.flags === "A"),
  ],
  [
    "a SYN that carries FIN is dropped, or challenged (RFC 5961 §4.2)",
    (d) => d.sent.flags.includes("S") && d.sent.flags.includes("F") && d.ours.every((r) => r.flags === "A"),
  ],
  [
    "nothing comes after a FIN (RFC 9293 §3.10.7.4, seventh): what contradicts it, text behind it or another FIN, "
      + "is acknowledged and not kept; Linux takes it before the FIN's turn, and ignores it behind",
    (d) =>
      (d.finished || d.sent.flags.includes("F"))
      && [...d.ours, ...d.kernels].every((r) => r.flags === "A")
      && (d.sent.size > 0 || d.sent.flags.includes("F")),
  ],
  ["an empty segment with an old timestamp is answered (RFC 7323 §5.3 R1); Linux keeps silent", (d) =>
    d.sent.stamps === "old" && d.sent.size === 0 && d.kernels.length === 0 && d.ours.every((r) => r.flags === "A")],
  [
    "in SYN-RECEIVED a RST in the window is challenged, as in any other state (RFC 5961 §3.2); Linux drops it",
    (d) =>
      d.state === "SYN-RECEIVED"
      && d.sent.flags.includes("R")
      && d.kernels.length === 0
      && d.ours.every((r) => r.flags === "A"),
  ],
  [
    "text that comes after a FIN is acknowledged and ignored (RFC 9293 §3.10.7.4, seventh); "
      + "Linux resets the connection",
    (d) => d.state === "CLOSE-WAIT" && d.sent.size > 0 && d.kernels.length === 1 && d.kernels[0]!.flags === "R",
  ],
  [
    "nothing comes after a FIN: text beyond one that came early is not kept, "
      + "so there is nothing to tell of; Linux keeps it",
    (d) => d.finished && same(d.ours, d.kernels, "sack"),
  ],
  [
    "a RST in the window is challenged (RFC 5961 §3.2), also with an old timestamp, which is not looked at (RFC "
      + "7323 §5.2); Linux drops it",
    (d) =>
      d.sent.flags.includes("R")
      && d.sent.stamps === "old"
      && d.kernels.length === 0
      && d.ours.every((r) => r.flags === "A"),
  ],
  [
    "an ACK has SND.NXT (RFC 9293 §3.10.7.4), also when the window shrank below it; Linux takes the window's edge",
    (d) => same(d.ours, d.kernels, "seq") && d.kernels.every((r, i) => r.flags === "A" && r.seq < d.ours[i]!.seq),
  ],
  [
    "in TIME-WAIT what has no ACK bit is dropped, and an ACK of what was never sent answered with a RST, "
      + "as in CLOSED; Linux acknowledges both",
    (d) =>
      d.state === "TIME-WAIT"
      && d.kernels.length === 1
      && d.kernels[0]!.flags === "A"
      && (d.sent.flags.includes("A") ? d.sent.ack > 0 && d.ours[0]?.flags === "R" : d.ours.length === 0),
  ],
  [
    "in TIME-WAIT a SYN is challenged, also one with an ACK (RFC 5961 §4.2); "
      + "Linux resets what acknowledges nothing of its own",
    (d) =>
      d.state === "TIME-WAIT"
      && d.sent.flags === "SA"
      && d.kernels.length === 1
      && d.kernels[0]!.flags === "R"
      && d.ours.length === 1
      && d.ours[0]!.flags === "A",
  ],
  [
    "a RST that answers the challenge of a SYN ends TIME-WAIT (RFC 5961 §4.2), and a new connection may begin; "
      + "Linux keeps to RFC 1337 for it, too",
    (d, s) => {
      const challenged = s.steps.slice(1, d.step).findIndex((x) => x.flags.includes("S"));
      return (
        challenged >= 0
        && s.steps.slice(challenged + 2, d.step).some((x) => x.flags === "R" && x.seq === 0)
        && d.state === "LISTEN"
        && d.kernels.length === 1
        && d.kernels[0]!.flags === "A"
      );
    },
  ],
];

export function explain(d: Case, s: Sequence): string | undefined {
  return RULES.find(([, fits]) => fits(d, s))?.[0];
}
