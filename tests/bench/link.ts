/**
 * `npm run bench -- link`: what a link carries (root). `stint up` serves a file over HTTP on a TAP device in a
 * namespace of its own, without a helper, through socat and under wasmtime; on a network device, and through passt.
 * Beside it are smoltcp on a TAP device, and the kernel, in a second namespace behind a veth pair. curl fetches the
 * file, nc pours as much into discard, ping asks. CPU time is that of the server's processes, with what the kernel does
 * in their name; frames are those of the device, where a large one counts once.
 */
import { readdirSync, readFileSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";
import { Lab, listening, missing, PEER_IP, STACK_IP, STINT } from "../interop/lab.js";
import { ran, said, succeeded } from "../harness/programs.js";
import { summary, type Row } from "./measure.js";
import { cargoBuilt } from "./subjects.js";

const MB = 1_000_000, PINGS = 200;
/** /proc/PID/stat counts in these, s. */
const TICK = 1 / 100;

/** What one round gave: MB/s, CPU s a GB and frames a second each way, and ms of a ping. */
interface Figures {
  down: number;
  up: number;
  cpuDown: number;
  cpuUp: number;
  framesDown: number;
  framesUp: number;
  ping: number;
}

/** CPU time of a process and of all that it started, s. */
function cpuOf(pid: number): number {
  const all = readdirSync("/proc").filter((name) => /^\d+$/.test(name)).flatMap((name) => {
    try {
      const words = readFileSync(`/proc/${name}/stat`, "utf8").replace(/^.*\) /, "").split(" ");
      // Its own, and that of those that it started and that have ended.
      const ticks = words.slice(11, 15).reduce((sum, word) => sum + Number(word), 0);
      return [{ pid: Number(name), parent: Number(words[1]), ticks }];
    } catch {
      return [];
    }
  });
  const sum = (of: number): number =>
    all.reduce((ticks, p) => ticks + (p.pid === of ? p.ticks : p.parent === of ? sum(p.pid) : 0), 0);
  return sum(pid) * TICK;
}

/** Something that is measured: it starts a server, and says which process that is. */
interface Subject {
  name: string;
  needs: string[];
  device: string;
  /** Where clients find it; passt has no pings for it there. */
  at?: string;
  start(lab: Lab, size: number): Promise<number>;
}

const ip = (...args: string[]): void => void succeeded("ip", args);

/** A pair of network devices in the place of the TAP device: the peer's `veth0`, and `veth1` in a second namespace. */
function pair(lab: Lab): string {
  const other = `${lab.name}-k`;
  ip("-n", lab.name, "link", "del", "tap0");
  ip("netns", "add", other);
  ip("-n", lab.name, "link", "add", "veth0", "type", "veth", "peer", "name", "veth1", "netns", other);
  ip("-n", lab.name, "addr", "add", `${PEER_IP}/24`, "dev", "veth0");
  for (const [where, device] of [[lab.name, "veth0"], [other, "veth1"], [other, "lo"]] as const)
    ip("-n", where, "link", "set", device, "up");
  return other;
}

function upArgs(lab: Lab, link: string, more: string[], address = STACK_IP): string[] {
  return ["--link", link, "--ip", `${address}/24`, "--http", "80", "--root", lab.dir, "--discard", "9", ...more];
}

const stint = (name: string, link: string, ...more: string[]): Subject => ({
  name, needs: more.includes("wasmtime") ? ["wasmtime"] : link.endsWith("socat") ? ["socat"] : [], device: "tap0",
  start: async (lab) => (await lab.up(upArgs(lab, link, more))).child.pid!,
});

/** The same on a network device, whose other end is the client's. */
const beside: Subject = {
  name: "stint up, if: (veth)", needs: [], device: "veth0",
  async start(lab) {
    const child = lab.start("ip", ["netns", "exec", pair(lab), ...STINT, "up", ...upArgs(lab, "if:veth1", [])]);
    await said(child, "ready");
    return child.pid!;
  },
};

/** Through passt, which the client finds on its own machine. */
const passt: Subject = {
  name: "stint up, passt", needs: ["passt"], device: "lo", at: "127.0.0.1",
  async start(lab) {
    // passt wants a way out.
    ip("-n", lab.name, "route", "add", "default", "via", STACK_IP, "dev", "tap0");
    const gateway = ["--gateway", "10.0.2.2"];
    return (await lab.up(upArgs(lab, "passt", gateway, "10.0.2.15"))).child.pid!;
  },
};

/** The kernel, in a namespace behind a veth pair: what nc says for HTTP, and takes. */
const kernel: Subject = {
  name: "the kernel (veth, nc)", needs: [], device: "veth0",
  async start(lab, size) {
    const other = pair(lab);
    ip("-n", other, "addr", "add", `${STACK_IP}/24`, "dev", "veth1");
    const head = `printf 'HTTP/1.1 200 OK\\r\\nContent-Length: ${size}\\r\\n\\r\\n'`;
    const gives = `{ ${head}; cat ${lab.file("big")}; } | nc -lN 80 > /dev/null`;
    const line = `while :; do nc -lN 9 > /dev/null; done & while :; do ${gives}; done`;
    const child = lab.start("ip", ["netns", "exec", other, "bash", "-c", line]);
    const isThere = `${listening(9)}; ${listening(80)}`;
    succeeded("timeout", ["60", "ip", "netns", "exec", other, "bash", "-c", isThere]);
    return child.pid!;
  },
};

const smoltcp: Subject = {
  name: "smoltcp (TAP)", needs: ["cargo"], device: "tap0",
  async start(lab, size) {
    const program = join(cargoBuilt("smoltcp-tap"), "bench-smoltcp-tap");
    const child = lab.start(program, ["tap0", STACK_IP, "24", String(size)]);
    await said(child, "ready");
    return child.pid!;
  },
};

const SUBJECTS: Subject[] = [
  kernel, smoltcp, stint("stint up", "tap:tap0"), beside, stint("stint up, socat", "tap:tap0,socat"), passt,
  stint("stint up, wasmtime", "tap:tap0", "--runtime", "wasmtime"),
];

/** Who has a helper, or wasmtime, takes up to ten times as long. */
const isSlow = (s: Subject): boolean => s.needs.some((need) => ["socat", "passt", "wasmtime"].includes(need));

const frames = (lab: Lab, device: string, way: "rx" | "tx"): number =>
  Number(lab.run("cat", [`/sys/class/net/${device}/statistics/${way}_packets`]).out);

/** One subject, in a namespace of its own. */
async function once(subject: Subject, size: number): Promise<Figures> {
  const lab = new Lab();
  try {
    lab.random("big", size);
    const pid = await subject.start(lab, size), out = {} as Figures;
    const at = subject.at ?? STACK_IP;
    const pinged = subject.at ? "" : (await lab.sh(`ping -q -c ${PINGS} -i 0.005 ${at}`)).out;
    out.ping = Number(/= [\d.]+\/([\d.]+)/.exec(pinged)?.[1] ?? NaN);
    const ways = [
      ["down", "Down", "rx", `curl -sS -o /dev/null http://${at}/big`],
      ["up", "Up", "tx", `head -c ${size} /dev/zero | nc -N ${at} 9`],
    ] as const;
    for (const [rate, end, way, line] of ways) {
      const cpu = cpuOf(pid), count = frames(lab, subject.device, way), began = performance.now();
      const { status, err } = await lab.sh(line, 600);
      if (status !== 0) throw new Error(`${subject.name}: ${err}`);
      const seconds = (performance.now() - began) / 1000;
      out[rate] = size / MB / seconds;
      out[`cpu${end}`] = (cpuOf(pid) - cpu) / (size / 1e9);
      out[`frames${end}`] = (frames(lab, subject.device, way) - count) / seconds;
    }
    return out;
  } finally {
    const other = `${lab.name}-k`;
    for (const pid of ran("ip", ["netns", "pids", other]).stdout.split("\n").filter(Boolean)) process.kill(Number(pid));
    lab.close();
    ran("ip", ["netns", "del", other]);
  }
}

/** Rows of the report: each way of each subject, and its ping. */
function rowsOf(name: string, all: Figures[], beside: Figures[]): Row[] {
  const of = (key: keyof Figures, from = all): number[] => from.map((f) => f[key]);
  const median = (key: keyof Figures): number => summary(of(key)).median;
  const row = (key: "down" | "up" | "ping", params: Row["params"], unit: string): Row => ({
    work: "link", subject: name, params, ...summary(of(key)), unit,
    ratios: beside === all ? {} : { "the kernel": summary(of(key).map((v, i) => v / of(key, beside)[i]!)).median },
  });
  const way = (text: string, end: "Down" | "Up"): Row["params"] => ({
    way: text, "CPU_s_a_GB": Number(median(`cpu${end}`).toPrecision(3)), frames_a_s: Math.round(median(`frames${end}`)),
  });
  return [
    row("down", way("from it", "Down"), "MB/s"), row("up", way("to it", "Up"), "MB/s"),
    ...(Number.isNaN(median("ping")) ? [] : [row("ping", { way: "ping" }, "ms")]),
  ];
}

export async function benchLink(quick: boolean): Promise<Row[]> {
  const why = missing("root", "tap", "ip", "nc", "ping", "curl");
  if (why !== undefined) {
    console.error(`bench: link is left out: ${why}`);
    return [];
  }
  const subjects = SUBJECTS.filter((s) => {
    const lacks = missing(...s.needs);
    if (lacks !== undefined) console.error(`bench: link: ${s.name} is left out: ${lacks}`);
    return lacks === undefined;
  });
  succeeded(STINT[0]!, ["tools/build.mjs", "--only", "stint-app,stint-wasi"]);
  console.error(`bench: link: the machine's load is ${loadavg()[0]!.toFixed(1)} at the beginning`);
  const figures = new Map<Subject, Figures[]>(subjects.map((s) => [s, []]));
  for (let round = 0; round < (quick ? 1 : 5); round++) {
    for (const s of subjects) figures.get(s)!.push(await once(s, (quick ? 50 : isSlow(s) ? 200 : 1000) * MB));
  }
  return subjects.flatMap((s) => rowsOf(s.name, figures.get(s)!, figures.get(kernel)!));
}
