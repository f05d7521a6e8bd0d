/** Real peers: network namespaces with a TAP device each, and the programs that run in them. */
import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { createSocket } from "node:dgram";
import {
  closeSync, createReadStream, existsSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { findProgram } from "../../host/programs.js";
import { Random } from "../../host/random.js";
import { wasm3Sources } from "../../tools/board/wasm3.js";
import { mbedtls, sources } from "./c-build.js";
import { ran, started, succeeded, until } from "../harness/programs.js";

const HOW: Record<string, string> = {
  wasmtime: "see https://wasmtime.dev",
  tshark: "apt-get install tshark",
  socat: "apt-get install socat",
  passt: "apt-get install passt",
  wast2json: "apt-get install wabt",
  "arm-none-eabi-gcc": "apt-get install gcc-arm-none-eabi libnewlib-arm-none-eabi",
  "riscv64-unknown-elf-gcc": "apt-get install gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf",
  "qemu-system-arm": "apt-get install qemu-system-arm",
  "qemu-system-riscv32": "apt-get install qemu-system-misc",
  gcc: "apt-get install gcc",
  dnsmasq: "apt-get install dnsmasq-base",
  wac: "cargo install --locked wac-cli@0.10.1",
  "componentize-py": "pip install componentize-py==0.25.1",
  chromium: "apt-get install chromium",
  clang: "apt-get install clang lld wasi-libc libclang-rt-14-dev-wasm32",
  "wasm-ld": "apt-get install lld",
  curl: "apt-get install curl",
  nc: "apt-get install netcat-openbsd",
  ip: "apt-get install iproute2",
  hping3: "apt-get install hping3",
  "g++": "apt-get install g++",
  "pkg-config": "apt-get install pkg-config",
  nft: "apt-get install nftables",
  ping: "apt-get install iputils-ping",
  "avahi-daemon": "npm run setup",
  chronyd: "npm run setup",
  radvd: "npm run setup",
  udhcpd: "npm run setup",
};

/**
 * What tests use beside a program: a lab runs shell lines in its namespace, and asks `ss` (which comes with `ip`) for
 * its sockets.
 */
const WITH: Record<string, string[]> = { ip: ["bash", "timeout"], passt: ["bash"], clang: ["wasm-ld"] };

/** The first of `needs` that this machine lacks, and how to get it. */
export function missing(...needs: string[]): string | undefined {
  for (const need of needs.flatMap((n) => [n, ...WITH[n] ?? []])) {
    if (need === "root" && process.getuid?.() !== 0) return "needs root; run it with sudo";
    if (need === "tap" && !existsSync("/dev/net/tun")) return "needs TAP devices; modprobe tun";
    if (need === "wasm3" && !existsSync(wasm3Sources())) return "needs the sources of wasm3; npm run setup";
    if (need === "c-programs" && !existsSync(sources)) return "needs the sources of C programs; npm run setup";
    if (need === "mbedtls" && !existsSync(mbedtls)) return "needs the sources of Mbed TLS; npm run setup";
    if (!["root", "tap", "wasm3", "c-programs", "mbedtls"].includes(need) && !findProgram(need))
      return `needs ${need}; ${HOW[need] ?? `install ${need}`}`;
  }
  return undefined;
}

/** Skips the test, with one line that says how to get what is missing. Returns whether it did. */
export function lacks(t: TestContext, ...needs: string[]): boolean {
  const why = missing(...needs);
  if (why !== undefined) t.skip(why);
  return why !== undefined;
}

export const STINT = [process.execPath, "build/stint.js"];
export const PEER_IP = "10.9.0.1", STACK_IP = "10.9.0.2";

/** A shell's command that waits until somebody listens on a TCP port. */
export const listening = (port: number): string => `until ss -Hltn sport = :${port} | grep -q .; do sleep 0.02; done`;

/** What a program does in a moment it does within this time, on a machine that does much else. */
const PATIENT_S = 90;

let nextLab = 0;

/** Sends a signal to processes; one may have ended because another one did. */
export function signalled(pids: number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch (e) {
      if ((e as NodeJS.ErrnoException).code !== "ESRCH") throw e;
    }
  }
}

/** An answer that has to wait. */
interface Held {
  begun(): Promise<void>;
  finish(): Promise<{ status: number | null; sum: string; err: string }>;
}

/** A namespace with a TAP device `tap0`, the kernel at 10.9.0.1. */
export class Lab {
  readonly name = `stint-${process.pid}-${nextLab++}`;
  readonly dir = mkdtempSync(join(tmpdir(), "stint-lab-"));
  #running: ChildProcess[] = [];
  #held = 0;

  constructor() {
    const ip = (...args: string[]): void => void succeeded("ip", args);
    ip("netns", "add", this.name);
    ip("-n", this.name, "link", "set", "lo", "up");
    ip("-n", this.name, "tuntap", "add", "dev", "tap0", "mode", "tap");
    ip("-n", this.name, "addr", "add", `${PEER_IP}/24`, "dev", "tap0");
    ip("-n", this.name, "link", "set", "tap0", "up");
  }

  /** Runs a command in the namespace to its end. */
  run(command: string, args: string[], seconds = 60): { status: number | null; out: string; err: string } {
    const r = ran("ip", ["netns", "exec", this.name, command, ...args], { timeout: seconds * 1000 });
    return { status: r.status, out: r.stdout, err: r.stderr };
  }

  /** A shell line in the namespace, without blocking this process. */
  sh(line: string, seconds = 60): Promise<{ status: number | null; out: string; err: string }> {
    return new Promise((resolve) => {
      const child = this.start("timeout", ["-k", "5", String(seconds), "bash", "-c", line]);
      let out = "", err = "";
      child.stdout!.on("data", (d: Buffer) => (out += d));
      child.stderr!.on("data", (d: Buffer) => (err += d));
      child.once("close", (status) => resolve({ status, out, err }));
    });
  }

  start(command: string, args: string[]): ChildProcess {
    const child = started("ip", ["netns", "exec", this.name, command, ...args]);
    this.#running.push(child);
    return child;
  }

  /** Waits until somebody in the namespace listens on a TCP port. */
  async listens(port: number): Promise<void> {
    if ((await this.sh(listening(port), PATIENT_S)).status !== 0) throw new Error(`nobody listens on port ${port}`);
  }

  /** Waits until a connection to or from a TCP port of the namespace is established. */
  async connected(port: number): Promise<void> {
    const line = `until ss -Htn state established '( sport = :${port} or dport = :${port} )' | grep -q `
      + ".; do sleep 0.02; done";
    if ((await this.sh(line, PATIENT_S)).status !== 0) throw new Error(`nobody is connected with port ${port}`);
  }

  /** Waits until the stack takes no connections on a TCP port: it was asked to end, and has heard that. */
  async refused(port: number): Promise<void> {
    const why = this.file("why"), knocks = `(exec 3<>/dev/tcp/${STACK_IP}/${port}) 2> ${why}`;
    const { out } = await this.sh(`while ${knocks}; do sleep 0.02; done; cat ${why}`, PATIENT_S);
    assert.match(out, /refused/);
  }

  /**
   * Fetches with curl, and hashes what comes; but takes no more than the first bytes until `finish`. What is larger
   * than all buffers in between, 1 MB, has begun before that and cannot be complete.
   */
  held(url: string): Held {
    const at = this.file(`held${this.#held++}`), begun = `${at}.begun`, go = `${at}.go`;
    const ended = this.sh(
      `set -o pipefail; curl -sS ${url} | { head -c 1000; touch ${begun}; until [ -e ${go} ]; do sleep 0.02; done; `
        + "cat; } | sha256sum",
      2 * PATIENT_S,
    );
    return {
      begun: () => until(`an answer from ${url} has begun`, () => existsSync(begun), PATIENT_S * 1000),
      async finish() {
        writeFileSync(go, "");
        const { status, out, err } = await ended;
        return { status, sum: out.split(" ")[0]!, err };
      },
    };
  }

  /** Starts `stint …` and waits for its line that begins with "ready". */
  async up(args: string[]): Promise<Up> {
    const child = this.start(STINT[0]!, [STINT[1]!, "up", ...args]);
    const up = new Up(child);
    await up.ready;
    return up;
  }

  file(name: string): string {
    return join(this.dir, name);
  }

  /** A file of random bytes. */
  random(name: string, size: number): string {
    const fd = openSync(this.file(name), "w"), random = new Random(size);
    const block = random.bytes(1 << 20);
    for (let left = size; left > 0; left -= block.length) {
      block[0]! += 1;
      writeSync(fd, block, 0, Math.min(left, block.length));
    }
    closeSync(fd);
    return this.file(name);
  }

  close(): void {
    for (const child of this.#running) child.kill("SIGKILL");
    const inside = ran("ip", ["netns", "pids", this.name]).stdout ?? "";
    signalled(inside.split("\n").filter(Boolean).map(Number), "SIGKILL");
    ran("ip", ["netns", "del", this.name]);
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** `stint up` is ready within this time, and ends within it, on a machine that does much else. */
const READY_MS = PATIENT_S * 1000;

/** A running `stint up`. */
export class Up {
  out = "";
  err = "";
  readonly ready: Promise<void>;
  readonly ended: Promise<number | null>;

  constructor(readonly child: ChildProcess) {
    this.ended = new Promise((resolve) => child.once("close", resolve));
    this.ready = new Promise((resolve, reject) => {
      child.stdout!.on("data", (d: Buffer) => {
        this.out += d;
        if (/^ready/m.test(this.out)) resolve();
      });
      child.stderr!.on("data", (d: Buffer) => (this.err += d));
      void this.ended.then((status) => reject(new Error(`stint up ended with ${status}: ${this.err}`)));
      setTimeout(
        () => reject(new Error(`stint up is not ready after ${READY_MS} ms: ${this.out}${this.err}`)), READY_MS,
      ).unref();
    });
    this.ready.catch(() => {});
  }

  /** Asks it to end, as Ctrl-C would. Returns its exit status; null if it had to be killed. */
  async stop(): Promise<number | null> {
    this.child.kill("SIGINT");
    const timer = setTimeout(() => this.child.kill("SIGKILL"), READY_MS);
    const status = await this.ended;
    clearTimeout(timer);
    return status;
  }

  counter(name: string): number {
    return Number(new RegExp(`^${name} (\\d+)$`, "m").exec(this.out)?.[1] ?? 0);
  }
}

export function sha256(path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const hash = createHash("sha256");
    createReadStream(path)
      .on("data", (d) => hash.update(d))
      .on("end", () => resolve(hash.digest("hex")))
      .on("error", reject);
  });
}

/**
 * What tshark finds wrong with a capture: malformed packets, bad checksums, gaps that no loss explains. A checksum of
 * 0xffff is the kernel's way to write 0; ours must not.
 */
export function complaints(pcap: string): string[] {
  const r = ran(
    "tshark",
    [
      "-r", pcap, "-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE", "-Y",
      "_ws.malformed || (tcp.checksum.status == 0 && !(tcp.checksum == 0xffff && ip.src == 10.9.0.1)) "
        + "|| ip.checksum.status == 0 || tcp.analysis.lost_segment",
      "-T", "fields", "-e", "frame.number", "-e", "_ws.col.Info",
    ],
    { encoding: "utf8", maxBuffer: 1 << 28 },
  );
  return r.stdout.split("\n").filter(Boolean);
}

/** A port that nobody has, of those that the kernel gives. */
export async function freeUdpPort(): Promise<number> {
  const free = createSocket("udp4");
  await new Promise<void>((resolve) => free.bind(0, "127.0.0.1", resolve));
  const { port } = free.address();
  await new Promise<void>((resolve) => free.close(() => resolve()));
  return port;
}

export async function freeTcpPort(): Promise<number> {
  const free = createServer().listen(0);
  await new Promise((resolve) => free.once("listening", resolve));
  const { port } = free.address() as { port: number };
  await new Promise((resolve) => free.close(resolve));
  return port;
}
