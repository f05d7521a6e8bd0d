/**
 * `npm run differ [-- --sequences N] [--seed S] [--sequence I] [--family 6] [--json]`: the same segments to the module
 * and to the Linux kernel behind a TAP device (root), over IPv4 or IPv6, and their replies compared, field by field. A
 * difference is either explained (explained.ts) or a failure, which is printed with the command that replays it.
 */
import { readFileSync } from "node:fs";
import { Random } from "../../host/random.js";
import { opt, tcp, type Seen } from "../harness/codec.js";
import type { Difference, Reply, Sequence, Step } from "./compared.js";
import { explain } from "./explained.js";
import { HOST, HOST6_CIDR, Kernel, Module, PEER, PORT, type Application, type Side } from "./sides.js";
import { ran } from "../harness/programs.js";

const one = <T>(r: Random, ...choices: T[]): T => choices[r.below(choices.length)]!;

/** The i-th sequence of a seed. */
function sequence(seed: number, i: number): Sequence {
  const r = new Random((seed * 1_000_003 + i) >>> 0);
  const application = one<Application>(r, "reads", "reads", "reads", "closes", "closes", "closed");
  const steps: Step[] = [];
  const step = (s: Partial<Step>): void =>
    void steps.push({ flags: "A", seq: 0, ack: 0, size: 0, win: 65535, stamps: "good", ...s });
  // Most begin with a handshake, so that what follows gets somewhere.
  const start = r.below(10);
  if (start < 9) step({ flags: "S" });
  if (start < 8) step({});
  for (let n = 1 + r.below(6); n > 0; n--) {
    const flags = one(
      r, "A", "A", "A", "A", "PA", "PA", "FA", "FPA", "R", "RA", "S", "SA", "F", "", "P", "UA", "SF", "SFA", "RF",
    );
    step({
      flags,
      seq: one(r, 0, 0, 0, 0, 0, 0, 1, -1, 10, 100, -100, 1460, 3000, 70000, -70000, 0x70000000, -0x70000000),
      ack: one(r, 0, 0, 0, 0, 0, 0, 0, 1, -1, 2, 1000, -1000, 100000, -100000, 0x70000000),
      size: one(r, 0, 0, 0, 1, 10, 100, 1000),
      win: one(r, 65535, 65535, 65535, 1000, 1, 0),
      stamps: one(r, "good", "good", "good", "good", "good", "old", "none"),
    });
  }
  const options = { stamps: r.chance(0.5), sack: r.chance(0.7), scale: r.chance(0.5) };
  // Linux takes a segment whose timestamps are missing, and may tell much later: nothing can be compared behind one.
  const bare = options.stamps ? steps.findIndex((s) => s.stamps === "none" && !s.flags.includes("S")) : -1;
  return { application, options, steps: bare < 0 ? steps : steps.slice(0, bare + 1) };
}

const OUR_ISN = 0xffffff00;

/** The conversation as one side has it. */
class Talk {
  isn: number | undefined;
  stamp = 0;
  /** Up to where it has sent, relative. */
  #sent = 0;

  constructor(readonly side: Side, readonly port: number, readonly s: Sequence) {}

  frame(step: Step, next: number, sent: number, clock: number): { bytes: Uint8Array; seq: number; ack: number } {
    const syn = step.flags.includes("S"), options: number[] = [];
    if (syn)
      options.push(
        ...opt.mss(1460), ...(this.s.options.sack ? opt.sackOk() : []),
        ...(this.s.options.scale ? [...opt.nop(), ...opt.ws(7)] : []),
      );
    if (this.s.options.stamps && (syn || step.stamps !== "none"))
      options.push(
        ...opt.nop(),
        ...opt.nop(),
        ...opt.ts(
          (step.stamps === "old" && !syn ? 1000 : 100_000 + clock) >>> 0, step.flags.includes("A") ? this.stamp : 0,
        ),
      );
    const seq = (OUR_ISN + next + step.seq) >>> 0;
    const ack = step.flags.includes("A") ? ((this.isn ?? 0x1000) + sent + step.ack) >>> 0 : 0;
    return {
      seq, ack,
      bytes: tcp(
        { src: PEER, dst: HOST, dstMac: this.side.mac },
        {
          flags: step.flags, seq, ack, win: step.win, sport: this.port, dport: PORT[this.s.application], opts: options,
          data: new Uint8Array(step.size), up: step.flags.includes("U") ? 1 : 0,
        },
      ),
    };
  }

  /** Relative; before its number is known, a RST's is relative to the ACK that it answers. */
  reply(seen: Seen, asked: { ack: number }): Reply | undefined {
    if (seen.flags.includes("S")) this.isn = seen.seq;
    const stamp = seen.opts.get(8), sack = seen.opts.get(5);
    if (stamp) this.stamp = new DataView(stamp.buffer, stamp.byteOffset).getUint32(0);
    const seq = (seen.seq - (this.isn ?? asked.ack)) | 0;
    const end = seq + seen.data.length + (/[SF]/.test(seen.flags) ? 1 : 0);
    // What it sends again is a matter of time, and not of what was asked.
    if (this.isn !== undefined && end > seq && end <= this.#sent && !seen.flags.includes("S")) return undefined;
    this.#sent = Math.max(this.#sent, end);
    const blocks = sack
      ? Array.from(
          { length: sack.length / 4 },
          (_, i) => (new DataView(sack.buffer, sack.byteOffset + i * 4).getUint32(0) - OUR_ISN) | 0,
        )
      : [];
    return {
      flags: seen.flags.replace("P", ""), seq, ack: seen.flags.includes("A") ? (seen.ack - OUR_ISN) | 0 : 0,
      size: seen.data.length, closedWindow: seen.win === 0, sack: blocks.join(","), stamps: stamp !== undefined,
    };
  }
}

function replies(talk: Talk, seen: Seen[], asked: { ack: number }): Reply[] {
  return seen.map((r) => talk.reply(r, asked)).filter((r) => r !== undefined);
}

/** Plays a sequence to both, up to the first difference. */
async function play(
  s: Sequence, kernel: Kernel, port: number, told: (line: string) => void,
): Promise<Difference | undefined> {
  const module = new Module(kernel.family), a = new Talk(module, port, s), b = new Talk(kernel, port, s);
  // What the module expects next from us, and has sent last.
  let next = 0, sent = 0;
  for (const [i, step] of s.steps.entries()) {
    const state = module.state(port, PORT[s.application]);
    const fa = a.frame(step, next, sent, i), fb = b.frame(step, next, sent, i);
    const ours = replies(a, await module.exchange(fa.bytes, port), fa);
    const kernels = replies(b, await kernel.exchange(fb.bytes, port, ours.length), fb);
    told(`in ${state}: ${asked(step)}\n  module: ${text(ours)}\n  kernel: ${text(kernels)}`);
    if (JSON.stringify(ours) !== JSON.stringify(kernels)) {
      const difference = {
        step: i,
        sent: step,
        state,
        finished: s.steps.slice(0, i).some((x) => x.flags.includes("F")),
        ours,
        kernels,
        why: undefined,
      };
      return { ...difference, why: explain(difference, s) };
    }
    // Linux may have kept what the RST ended here (with an old timestamp, or a bad ACK), or not taken the text that
    // came with an old ACK, and says so only when it is asked again.
    if (
      step.flags.includes("R")
        ? step.stamps === "old" || state === "SYN-RECEIVED"
        : step.flags.includes("A") && step.ack < 0
    )
      return undefined;
    for (const r of ours) {
      if (r.flags.includes("R")) continue;
      next = r.ack;
      sent = Math.max(sent, r.seq + r.size + (r.flags.includes("S") ? 1 : 0) + (r.flags.includes("F") ? 1 : 0));
    }
  }
  return undefined;
}

function asked(s: Step): string {
  return `${s.flags || "no flags"} seq ${s.seq} ack ${s.ack} len ${s.size} win ${s.win} ts ${s.stamps}`;
}

function text(replies: Reply[]): string {
  const one = (r: Reply): string => [
    `${r.flags} seq ${r.seq} ack ${r.ack}`, r.size ? `len ${r.size}` : "", r.closedWindow ? "window 0" : "",
    r.sack ? `sack ${r.sack}` : "", r.stamps ? "ts" : "",
  ].filter(Boolean).join(" ");
  return replies.length === 0 ? "nothing" : replies.map(one).join(" | ");
}

export interface DifferResult {
  sequences: number;
  same: number;
  explained: Record<string, number>;
  failures: (Difference & { sequence: number })[];
  seconds: number;
}

/** In a namespace with a TAP device tap0, 10.9.0.1 and its counterpart of IPv6. */
async function differ(
  seed: number, first: number, count: number, family: 4 | 6, tell: (line: string) => void,
): Promise<DifferResult> {
  const started = Date.now();
  const mac = readFileSync("/sys/class/net/tap0/address", "utf8").trim().split(":").map((x) => parseInt(x, 16));
  const kernel = await Kernel.open("tap0", mac, family);
  const result: DifferResult = { sequences: count, same: 0, explained: {}, failures: [], seconds: 0 };
  let next = first;
  // Several conversations at a time: they spend their time waiting for a delayed ACK that may come.
  await Promise.all(Array.from({ length: Math.min(16, count) }, async () => {
    for (let i = next++; i < first + count; i = next++) {
      let d = await play(sequence(seed, i), kernel, 10_000 + (i % 25_000), tell);
      // Time is real on one side: what was a matter of it does not come again.
      if (d !== undefined && d.why === undefined) {
        d = await play(sequence(seed, i), kernel, 35_000 + (i % 25_000), tell);
        if (d === undefined)
          d = { why: "a difference that did not come again: time is real on one side" } as Difference;
      }
      if (d === undefined) result.same++;
      else if (d.why !== undefined) result.explained[d.why] = (result.explained[d.why] ?? 0) + 1;
      else result.failures.push({ ...d, sequence: i });
    }
  }));
  kernel.close();
  result.seconds = (Date.now() - started) / 1000;
  return result;
}

/**
 * Settings of the kernel without which it would be another stack: what limits its answers, and what it does beyond what
 * is compared.
 */
const SYSCTLS = [
  "tcp_invalid_ratelimit=0", "tcp_challenge_ack_limit=2147483647", "tcp_rfc1337=1", "tcp_ecn=0", "tcp_fastopen=0",
  "tcp_syncookies=0",
];

async function main(): Promise<void> {
  const value = (name: string, fallback: number): number => {
    const i = process.argv.indexOf(name), n = i < 0 ? fallback : Number(process.argv[i + 1]);
    if (Number.isInteger(n) && n >= 0) return n;
    console.error(`differ: ${name} takes a whole number`);
    process.exit(2);
  };
  const seed = value("--seed", 1), family = value("--family", 4) === 6 ? 6 : 4;
  const only = process.argv.includes("--sequence");
  const first = value("--sequence", 0);
  const count = only ? 1 : value("--sequences", 1000);
  if (process.env["STINT_INSIDE"] === undefined) {
    const { Lab, missing } = await import("../interop/lab.js");
    const why = missing("root", "tap", "ip", "socat");
    if (why !== undefined) {
      console.error(`differ: ${why}`);
      process.exit(2);
    }
    const lab = new Lab();
    try {
      for (const s of SYSCTLS) {
        const set = lab.run("sysctl", ["-qw", `net.ipv4.${s}`]);
        if (set.status !== 0) throw new Error(`the kernel cannot be made comparable: ${set.err.trim()}`);
      }
      if (family === 6) {
        const add = lab.run("ip", ["address", "add", HOST6_CIDR, "dev", "tap0", "nodad"]);
        if (add.status !== 0) throw new Error(`the kernel has no IPv6: ${add.err.trim()}`);
      }
      const r = ran("ip", ["netns", "exec", lab.name, process.execPath, "--import", "tsx", ...process.argv.slice(1)], {
        stdio: "inherit", timeout: 86_400_000, env: { ...process.env, STINT_INSIDE: "1" },
      });
      process.exitCode = r.status ?? 1;
    } finally {
      lab.close();
    }
    return;
  }
  const r = await differ(seed, first, count, family, only ? console.log : () => {});
  if (process.argv.includes("--json")) {
    console.log(JSON.stringify(r));
  } else {
    for (const f of r.failures) {
      console.log(
        `sequence ${f.sequence}, step ${f.step}, in ${f.state}: ${asked(f.sent)}\n  module: `
          + `${text(f.ours)}\n  kernel: ${text(f.kernels)}\n  replay it with: npm run differ -- --seed ${seed} `
          + `--sequence ${f.sequence} --family ${family}`,
      );
    }
    for (const [why, n] of Object.entries(r.explained).sort((x, y) => y[1] - x[1]))
      console.log(`explained ${String(n).padStart(5)}  ${why}`);
    console.log(
      `${r.sequences} sequences in ${r.seconds.toFixed(1)} s: ${r.same} the same to the end, `
        + `${Object.values(r.explained).reduce((a, b) => a + b, 0)} up to a difference that is explained, `
        + `${r.failures.length} not explained`,
    );
  }
  process.exit(r.failures.length === 0 ? 0 : 1);
}

if (process.argv[1]?.endsWith("differential/run.ts")) await main();
