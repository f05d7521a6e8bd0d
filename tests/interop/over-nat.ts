/** C programs over NAT to this machine, whose loopback is 10.0.2.2. No root is needed. */
import type { ChildProcess } from "node:child_process";
import type { Duplex } from "node:stream";
import { nat, streamLink, Switch } from "../../host/index.js";
import { environment, started } from "../harness/programs.js";

export const LIMIT_MS = 120_000, HOST = "10.0.2.2", READY = "ready 10.0.2.15\n";
/** What runs, to be stopped when the tests have ended. */
export const open = new Set<{ stop(): unknown }>();

/** A program that runs over NAT. */
export class Running {
  readonly child: ChildProcess;
  readonly #lan = new Switch();
  readonly #ended: Promise<number | NodeJS.Signals | null>;
  out = "";
  err = "";

  /** Frames have descriptor 3; under wasmtime standard input and output. `port`: leads from this machine to it. */
  constructor(command: string[], { port, pipes, cwd }: { port?: number; pipes?: boolean; cwd: string }) {
    const [program = "", ...args] = command;
    this.child = started(program, args, {
      stdio: ["pipe", "pipe", "pipe", ...(pipes ? [] : ["pipe" as const])], cwd,
      env: environment({ STINT_IP: "10.0.2.15/24", STINT_GATEWAY: HOST, STINT_LINK_FD: "3" }),
      timeout: LIMIT_MS, killSignal: "SIGKILL",
    });
    const { stdin, stdout, stderr, stdio } = this.child;
    if (!pipes) stdout!.on("data", (data: Buffer) => (this.out += data));
    stderr!.on("data", (data: Buffer) => (this.err += data));
    stdin!.on("error", () => {});
    const wire = stdio[3] as Duplex;
    if (!pipes) wire.on("error", () => {});
    this.#lan.connect(nat({ hostLoopback: true, forward: port === undefined ? [] : [port] }));
    this.#lan.connect(
      pipes ? streamLink(stdout!, stdin!, () => stdin!.destroy()) : streamLink(wire, wire, () => wire.destroy()),
    );
    this.#ended = new Promise((resolve) => this.child.once("close", (code, signal) => resolve(code ?? signal)));
    open.add(this);
  }

  /** Waits until it has ended. Returns its status. */
  async ended(): Promise<number | NodeJS.Signals | null> {
    const status = await this.#ended;
    this.#lan.close();
    open.delete(this);
    return status;
  }

  stop(): Promise<unknown> {
    this.child.kill("SIGKILL");
    return this.ended();
  }
}

/** The command that runs a program under wasmtime, which `stint link --dynamic` has put into the folder `at`. */
export function underWasmtime(at: string, args: readonly string[], options: readonly string[] = []): string[] {
  const env = ["STINT_IP=10.0.2.15/24", `STINT_GATEWAY=${HOST}`].flatMap((e) => ["--env", e]);
  return ["wasmtime", "run", ...env, ...options, "--preload", `stint=${at}/stint.wasm`, `${at}/app.wasm`, ...args];
}
