/**
 * examples/mqtt-tls on emulated boards: its firmware, QEMU's network (no root is needed), mosquitto, and a time server.
 * The board has this machine's loopback at 10.0.2.2.
 */
import type { ChildProcess } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { amalgamate } from "../../tools/amalgamate.mjs";
import { hashOf, kept } from "../harness/kept.js";
import { completed, started, until } from "../harness/programs.js";
import { mbedtls } from "./c-build.js";
import type { Certificate } from "./certificates.js";
import { freePort } from "./servers.js";

/** What of a board's description is asked for here. */
interface Described { qemu: string[]; nic: string; nsPerTick: number }
export const described = (board: string): Described =>
  JSON.parse(readFileSync(join("boards", board, "board.json"), "utf8")) as Described;

const HOST = "10.0.2.2", TO_1970_S = 2_208_988_800, SIZE = 48, ORIGINATE = 24, TRANSMIT = 40;

/** A server of SNTP. */
export class TimeServer {
  /** What its clock is ahead of ours, seconds. */
  aheadS = 0;
  /** Questions that are answered with what no question had. */
  lies = 0;
  readonly #socket = createSocket("udp4");

  get port(): number {
    return this.#socket.address().port;
  }

  async start(): Promise<this> {
    this.#socket.on("message", (question, from) => {
      const answer = Buffer.alloc(SIZE), now = Math.floor(Date.now() / 1000) + TO_1970_S + this.aheadS;
      answer[0] = 4 << 3 | 4;
      answer[1] = 2;
      question.copy(answer, ORIGINATE, TRANSMIT, TRANSMIT + 8);
      answer.writeUInt32BE(now, TRANSMIT);
      if (this.lies-- > 0) {
        answer[ORIGINATE]! ^= 1;
        answer.writeUInt32BE(TO_1970_S + 1, TRANSMIT);
      }
      this.#socket.send(answer, from.port, from.address);
    });
    await once(this.#socket.bind(0, "127.0.0.1"), "listening");
    return this;
  }

  stop(): void {
    this.#socket.close();
  }
}

/** What a lamp is made for. */
export interface Made {
  board: string;
  id: string;
  authority: string;
  own: Certificate;
  port: number;
  time: number;
  measure?: boolean;
}

/** What firmware is made of, beside the example. */
const FROM = [
  "build/stint.mcu.wasm", "tools/amalgamate.mjs", "tools/translate", "tools/border", "host/native", "include",
  "boards/packages", "boards/runtimes/aot",
];
/** stint.c, as long as nothing of that changes, and what was compiled of it and of the library. */
let stack: Promise<string> | undefined;

/** Builds firmware below `folder`. Returns what the build printed, and where the firmware is. */
export async function make(folder: string, made: Made): Promise<{ elf: string; printed: string }> {
  const { board, id, authority, own, port, time, measure = false } = made, out = join(folder, id);
  stack ??= kept(`lamp-${hashOf(FROM)}`, async (at) => void amalgamate(join(at, "stint-c")));
  const parts = await stack;
  const printed = await completed(process.execPath, [
    "examples/mqtt-tls/build.mjs", board, "--stint", join(parts, "stint-c"), "--objects", parts, "--mbedtls", mbedtls,
    "--ip", "10.0.2.15/24", "--id", id,
    "--name", "broker.test", "--broker", HOST, "--port", `${port}`, "--time", HOST, "--time-port", `${time}`,
    "--authority", authority, "--certificate", own.cert, "--key", own.key, "--out", out,
    ...(measure ? ["--measure"] : []),
  ]);
  return { elf: join(out, "firmware.elf"), printed };
}

/** A board that runs. */
export class Lamp {
  out = "";
  readonly #child: ChildProcess;

  /** `counted`: an instruction takes 64 ns of its clock. */
  constructor(board: string, elf: string, { counted = false } = {}) {
    const { qemu: [program = "", ...args], nic } = described(board);
    this.#child = started(program, [
      ...args, ...(counted ? ["-icount", "shift=6"] : []), "-nographic", "-monitor", "none", "-serial", "stdio",
      "-semihosting-config", "enable=on,target=native", "-nic", `user,model=${nic}`, "-kernel", elf,
    ], { stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [this.#child.stdout!, this.#child.stderr!]) {
      stream.on("data", (data: Buffer) => (this.out += data));
    }
  }

  /** Waits until it has said what matches, so many times. Returns the last. */
  async says(what: RegExp, times = 1): Promise<RegExpExecArray> {
    const all = (): RegExpExecArray[] => [...this.out.matchAll(new RegExp(what, "gm"))];
    await until(`${what}, ${times} times`, () => all().length >= times || this.#child.exitCode !== null, 90_000)
      .catch((e: unknown) => { throw new Error(`${(e as Error).message}: ${this.out}`); });
    const found = all()[times - 1];
    if (found === undefined) throw new Error(`it ended before it said ${what}: ${this.out}`);
    return found;
  }

  /** Takes its power away. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, "close");
    this.#child.kill("SIGKILL");
    await gone;
  }
}

/** Ports for a broker that speaks TLS on each. */
export const ports = (count: number): Promise<number[]> => Promise.all(Array.from({ length: count }, freePort));
