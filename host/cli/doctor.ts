/** `stint doctor`: what this machine has and lacks for each way in. What can be tried is tried. */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants, existsSync } from "node:fs";
import { connect } from "node:net";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Command } from "commander";
import { Pair } from "../lab/pair.js";
import type { Link } from "../links/link.js";
import { nat } from "../links/nat/nat.js";
import { openPasst } from "../links/passt.js";
import { theSystem } from "../links/system.js";
import { openTap } from "../links/tap.js";
import { buildDir, loadModule } from "../module.js";
import { Stack, type Connection } from "../net.js";
import { findProgram, hasProgram } from "../programs.js";

interface Finding {
  way: string;
  /** Whether it works; undefined: everything is there, and nothing was tried. */
  works: boolean | undefined;
  /** What was found, or what is missing. */
  says: string;
  /** The command that gets what is missing. */
  get?: string;
}

/** Networks that are nobody's (RFC 5737), for two hosts: the kernel is .1, the stack .2. */
const NETWORKS = ["192.0.2", "198.51.100", "203.0.113"], PREFIX = 30, WAIT_MS = 5000;
const NODE_LEAST = 20;
const run = promisify(execFile);

/** Programs that are needed and not tried, and the Debian packages that they are in. */
const TOOLS: [way: string, what: string, programs: Record<string, string>][] = [
  ["captures", "stint explain needs nothing; tshark and Wireshark read its captures", { tshark: "tshark" }],
  ["C, as Wasm", "a C program with the stack inside", { clang: "clang", "wasm-ld": "lld" }],
  ["C, natively", "npm run native", { gcc: "gcc" }],
  ["boards, ARM", "npm run board -- lm3s6965evb --run",
    { "arm-none-eabi-gcc": "gcc-arm-none-eabi", "qemu-system-arm": "qemu-system-arm" }],
];

/** `stint doctor`: exit code 1 only without a fit Node or a stack that works; all else is optional. */
export function addDoctor(program: Command): void {
  program
    .command("doctor")
    .description("say what this machine has and lacks for each way in, and how to get it; " +
      "as root it makes a TAP device for a moment, to try it")
    .option("--json", "print one JSON object")
    .action(async (options: { json?: boolean }) => {
      const findings: Finding[] = [];
      const show = (finding: Finding): void => {
        findings.push(finding);
        if (options.json) return;
        const { way, works, says, get } = finding, word = works === undefined ? "there" : works ? "works" : "lacks";
        console.log(`${word.padEnd(6)} ${way.padEnd(12)} ${says}`);
        if (get !== undefined) console.log(`${" ".repeat(20)}${get}`);
      };
      const trials = { node, stack, nat: gateway, tap, passt, wasmtime };
      for (const [way, look] of Object.entries(trials)) show({ way, ...await tried(look) });
      for (const [way, what, programs] of TOOLS) show(tools(way, what, programs));
      if (options.json) console.log(JSON.stringify({ findings }));
      // Without these two there is nothing to do here; the rest is for those who want it.
      if (!findings[0]!.works || !findings[1]!.works) process.exitCode = 1;
    });
}

type Trial = Omit<Finding, "way">;

/** A trial; one that throws has failed, and says why. */
async function tried(look: () => Trial | Promise<Trial>): Promise<Trial> {
  try {
    return await look();
  } catch (e) {
    return { works: false, says: (e as Error).message.split("\n")[0]! };
  }
}

function tools(way: string, what: string, programs: Record<string, string>): Finding {
  const missing = Object.keys(programs).filter((name) => !hasProgram(name));
  if (missing.length === 0) return { way, works: undefined, says: what };
  const says = `${what}: ${missing.join(", ")} ${missing.length === 1 ? "is" : "are"} missing`;
  return { way, works: false, says, get: install(...missing.map((name) => programs[name]!)) };
}

const install = (...packages: string[]): string => `apt-get install ${[...new Set(packages)].join(" ")}`;

function node(): Trial {
  const works = Number(process.versions.node.split(".")[0]) >= NODE_LEAST;
  return { works, says: `Node ${process.versions.node}${works ? "" : `; ${NODE_LEAST} or newer is needed`}` };
}

function stack(): Trial {
  const pair = new Pair(loadModule(), { seed: 1 }), works = pair.open();
  return { works, says: `two stacks ${works ? "shook" : "did not shake"} hands on a virtual wire` };
}

async function tap(): Promise<Trial> {
  if (process.platform !== "linux") return { works: false, says: "TAP devices are Linux's" };
  if (!existsSync("/dev/net/tun")) return { works: false, says: "/dev/net/tun is missing", get: "modprobe tun" };
  if (!hasProgram("ip")) return { works: false, says: "ip is missing", get: install("iproute2") };
  const hasKoffi = theSystem() !== undefined;
  if (!hasKoffi && !hasProgram("socat"))
    return { works: false, says: "koffi is missing, and so is socat, its stand-in", get: "npm install koffi@3" };
  if (process.getuid?.() !== 0) return ownDevice(isOpen("/dev/net/tun"));
  const used = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const net = NETWORKS.find((n) => !used.some((a) => a.address.startsWith(`${n}.`)));
  const untried = "everything is there; it was not tried, since this machine uses every network that is for examples";
  if (net === undefined) return { works: undefined, says: untried };
  const name = `stint${process.pid % 100_000}`, ip = (...args: string[]): Promise<unknown> => run("ip", args);
  await ip("tuntap", "add", "dev", name, "mode", "tap");
  try {
    await ip("addr", "add", `${net}.1/${PREFIX}`, "dev", name);
    await ip("link", "set", name, "up");
    await echo(await openTap(name), `${net}.2`);
  } finally {
    await ip("link", "del", name);
  }
  const note = hasKoffi ? "" : "; it went through socat, which is slower than koffi: npm install koffi@3";
  return { works: true, says: `the kernel and a stack talked over a TAP device, which is gone again${note}` };
}

/** What who is not root can do about a device. */
function ownDevice(open: boolean): Trial {
  const make = "ip tuntap add dev tap0 mode tap user $USER && ip addr add 10.0.0.1/24 dev tap0 && ip link set tap0 up";
  if (open) return { works: undefined, says: "a device of your own needs no root; root makes it:", get: make };
  const says = "/dev/net/tun is for root alone here; root can change that, and make a device of yours:";
  return { works: false, says, get: `chmod 666 /dev/net/tun && ${make}` };
}

function isOpen(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** The kernel says a word to a stack, and hears it again. */
async function echo(link: Link, address: string): Promise<void> {
  const stack = await Stack.open({ link, ip: `${address}/${PREFIX}` });
  try {
    stack.listen({ port: 7 }).on("connection", (c: Connection) => c.pipe(c));
    const socket = connect({ host: address, port: 7, timeout: WAIT_MS });
    const silent = new Error("the kernel and the stack did not reach each other over the device");
    socket.on("timeout", () => socket.destroy(silent));
    socket.end("a word");
    let got = "";
    for await (const chunk of socket) got += String(chunk);
    if (got !== "a word") throw new Error("what came back over the device is not what was sent");
  } finally {
    await stack.close(0);
    link.close();
  }
}

async function gateway(): Promise<Trial> {
  const stack = await Stack.open({ link: nat(), dhcp: { timeoutMs: WAIT_MS } }), { address } = stack;
  await stack.close(0);
  return { works: true, says: `NAT to this machine's sockets gave a stack the address ${address}` };
}

async function passt(): Promise<Trial> {
  if (!hasProgram("passt")) return { works: false, says: "passt is missing; it needs no root", get: install("passt") };
  const link = await openPasst({ ip: undefined, prefix: 0, gateway: undefined, ports: [] });
  try {
    const stack = await Stack.open({ link, dhcp: { timeoutMs: WAIT_MS } }), { address } = stack;
    await stack.close(0);
    return { works: true, says: `passt gave a stack the address ${address}` };
  } finally {
    link.close();
  }
}

async function wasmtime(): Promise<Trial> {
  const program = findProgram("wasmtime"), module = join(buildDir(), "stint-wasi.wasm");
  const get = "curl https://wasmtime.dev/install.sh -sSf | bash";
  if (program === undefined) return { works: false, says: "the wasmtime CLI is missing", get };
  const args = ["run", module, "up", "--ip", `${NETWORKS[0]}.2/${PREFIX}`];
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "ignore"], timeout: 4 * WAIT_MS });
  let bytes = 0;
  child.stdout.on("data", (data: Buffer) => (bytes += data.length));
  child.stdin.on("error", () => {}).end();
  const [status] = await once(child, "close") as [number | null], works = status === 0 && bytes > 0;
  const ended = `the stack ended under wasmtime with status ${status}`;
  return { works, says: works ? "a stack announced itself under wasmtime" : ended };
}
