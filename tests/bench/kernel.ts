/**
 * `npm run bench -- fairness`: beside the Linux kernel, in a namespace with a TAP device (root).
 *
 * One flow of the kernel's (CUBIC) and one of a stack's go to another stack through one bottleneck: 20
 * Mbit/s, 40 ms, a queue of one bandwidth-delay product. The figure is Jain's index of what both got: 1 when it is the
 * same, 0.5 when one has nothing. The route names CUBIC, since a machine's default may be another (beside BBR, no CUBIC
 * has a share worth naming).
 */
import { Stack, type Connection } from "../../host/net.js";
import type { Link } from "../../host/links/link.js";
import { openTap } from "../../host/links/tap.js";
import { Lab, missing } from "../interop/lab.js";
import { Bottleneck } from "./bottleneck.js";
import { summary, type Row } from "./measure.js";
import { ran, started } from "../harness/programs.js";

const sleep = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));
const mac = (last: number): number[] => [2, 0, 10, 9, 0, last];
const text = (bytes: number[]): string => bytes.map((b) => b.toString(16).padStart(2, "0")).join(":");

function link(send: (frame: Uint8Array) => void): Link {
  return { send, onFrame: () => {}, onClose: () => {}, close: () => {} };
}

/** Counts what comes on a port, by who sends it. */
function sink(stack: Stack, port: number, got: Map<string, number>): void {
  void (async () => {
    for await (const connection of stack.listen({ port })) {
      const from = (connection).remoteAddress!;
      connection.on("data", (d: Buffer) => got.set(from, (got.get(from) ?? 0) + d.length)).on("error", () => {});
    }
  })();
}

function pour(connection: Connection): void {
  const block = Buffer.alloc(65536);
  const more = (): void => { while (!connection.destroyed && connection.write(block)); };
  connection.on("drain", more).on("error", () => {});
  more();
}

/** One round: bytes that the kernel's flow and the stack's got through in `seconds`, after five of warming up. */
async function share(seconds: number): Promise<{ kernel: number; stint: number; drops: number }> {
  const RATE = 20e6;
  const DELAY_MS = 20;
  const BDP = (RATE * 2 * DELAY_MS) / 8000;
  const KERNEL = "10.9.0.1";
  const SENDER = "10.9.0.3";
  const RECEIVER = "10.9.0.2";
  const tap = await openTap("tap0");
  const inner = link((frame) => back.push(frame)), near = link((frame) => route(frame));
  const isFor = (frame: Uint8Array, to: number[]): boolean =>
    (frame[0]! & 1) === 1 || to.every((b, i) => frame[i] === b);
  const forward = new Bottleneck(RATE, BDP, DELAY_MS, (frame) => inner.onFrame(frame));
  const back = new Bottleneck(Infinity, Infinity, DELAY_MS, (frame) => {
    if (isFor(frame, mac(3))) near.onFrame(frame);
    if (!isFor(frame, mac(3)) || (frame[0]! & 1) === 1) tap.send(frame);
  });
  const route = (frame: Uint8Array): void => { if (isFor(frame, mac(2))) forward.push(frame); };
  tap.onFrame = route;
  const options = { sendRing: 1 << 20, recvRing: 1 << 20, connsMax: 8 };
  const receiver = await Stack.open({ ip: `${RECEIVER}/24`, mac: text(mac(2)), link: inner, ...options });
  const sender = await Stack.open({ ip: `${SENDER}/24`, mac: text(mac(3)), link: near, ...options });
  const got = new Map<string, number>();
  sink(receiver, 9, got);
  const ticking = setInterval(() => (forward.tick(), back.tick()), 1);
  const kernel = started("sh", ["-c", `nc ${RECEIVER} 9 < /dev/zero`], { stdio: "ignore", detached: true });
  pour(await sender.connect({ host: RECEIVER, port: 9 }));
  await sleep(5000);
  const before = new Map(got);
  await sleep(seconds * 1000);
  const gained = (from: string): number => (got.get(from) ?? 0) - (before.get(from) ?? 0);
  const result = { kernel: gained(KERNEL), stint: gained(SENDER), drops: forward.drops };
  clearInterval(ticking);
  process.kill(-kernel.pid!);
  for (const stack of [receiver, sender]) void stack.close();
  tap.close();
  await sleep(200);
  return result;
}

async function fairness(quick: boolean): Promise<Row[]> {
  const jain: number[] = [], ours: number[] = [];
  for (let round = 0; round < (quick ? 2 : 5); round++) {
    const { kernel, stint } = await share(quick ? 10 : 30);
    jain.push((kernel + stint) ** 2 / (2 * (kernel ** 2 + stint ** 2)));
    ours.push(stint / (kernel + stint));
  }
  return [
    {
      work: "fairness", subject: "stint-v8-simd", params: { against: "Linux CUBIC", mbit_s: 20, rtt_ms: 40 },
      ...summary(jain), unit: "Jain",
      ratios: { "an equal share": summary(jain).median, "what both got": summary(ours).median },
    },
  ];
}

/** Runs a work in a namespace of its own. */
function inNamespace(work: string, quick: boolean): Row[] {
  const why = missing("root", "tap", "ip", "socat", "nc", "ping");
  if (why !== undefined) {
    console.error(`bench: ${work} is left out: ${why}`);
    return [];
  }
  const lab = new Lab();
  try {
    // For this route, whatever the machine's default is (BBR, say).
    const route = lab.run("ip", ["route", "add", "10.9.0.2/32", "dev", "tap0", "congctl", "cubic"]);
    if (route.status !== 0) throw new Error(`this kernel has no CUBIC: ${route.err.trim()}`);
    const r = ran(
      "ip",
      [
        "netns", "exec", lab.name, process.execPath, "--import", "tsx", "tests/bench/kernel.ts", work,
        ...(quick ? ["--quick"] : []),
      ],
      { timeout: 1_800_000, stdio: ["ignore", "pipe", "inherit"] },
    );
    if (r.status !== 0) throw new Error(`${work} ended with ${r.status}`);
    return JSON.parse(r.stdout) as Row[];
  } finally {
    lab.close();
  }
}

export const benchFairness = (quick: boolean): Row[] => inNamespace("fairness", quick);

if (process.argv[1]?.endsWith("bench/kernel.ts")) {
  const quick = process.argv.includes("--quick");
  console.log(JSON.stringify(await fairness(quick)));
  process.exit(0);
}
