/**
 * The programs that tests start. None runs for ever: who waits for one says how long, or waits four minutes. And none
 * hears what the caller's environment says to it: a test means the same wherever it runs.
 */
import {
  execFile, spawn, spawnSync,
  type ChildProcess, type ChildProcessWithoutNullStreams, type SpawnOptions, type SpawnSyncOptions,
} from "node:child_process";
import { promisify } from "node:util";

const LIMIT_MS = 240_000;

/** What the caller's shell says to programs: to ours, to runtimes and tools, about languages and about proxies. */
const SAID = new RegExp(
  "^(STINT_|NODE_|WASMTIME_|WASI_|PYTHON|RUST_|CURL_|SOCAT_|LC_|LANG(UAGE)?$|POSIXLY_CORRECT$|[A-Z]+SAN_OPTIONS$)"
  + "|_proxy$", "i",
);

/** The caller's environment without what it says to programs, and with `more`. */
export function environment(more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  return { ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !SAID.test(name))), ...more };
}

export interface Ran {
  status: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** Runs a program to its end, or kills it when its time is over; then `signal` tells, and `stderr` says it. */
export function ran(program: string, args: readonly string[] = [], options: SpawnSyncOptions = {}): Ran {
  const { status, signal, stdout, stderr, error } = spawnSync(program, args, {
    timeout: LIMIT_MS, killSignal: "SIGKILL", maxBuffer: 1 << 28, env: environment(), ...options, encoding: "utf8",
  });
  const why = error === undefined ? "" : `\n${program}: ${error.message}`;
  return { status, signal, stdout: stdout ?? "", stderr: (stderr ?? "") + why };
}

/** Runs a program that has to end well. Returns what it printed. */
export function succeeded(program: string, args: readonly string[] = [], options: SpawnSyncOptions = {}): string {
  const { status, signal, stdout, stderr } = ran(program, args, options), how = signal ?? `status ${status}`;
  if (status !== 0) throw new Error(`${program} ${args.join(" ")}: ${how}\n${stdout}\n${stderr}`);
  return stdout;
}

/** The same, without blocking this process. */
export async function completed(program: string, args: readonly string[]): Promise<string> {
  const options = { timeout: LIMIT_MS, killSignal: "SIGKILL" as const, maxBuffer: 1 << 28, env: environment() };
  return (await promisify(execFile)(program, args, options)).stdout;
}

/** Starts a program, with pipes if nothing else is said. Who starts it stops it. */
export function started(
  program: string, args?: readonly string[], options?: SpawnOptions & { stdio?: undefined },
): ChildProcessWithoutNullStreams;
export function started(program: string, args: readonly string[], options: SpawnOptions): ChildProcess;
export function started(program: string, args: readonly string[] = [], options: SpawnOptions = {}): ChildProcess {
  return spawn(program, args, { env: environment(), ...options });
}

/** Waits until a program has said `text` on either of its outputs. It fails if that ends before, or takes too long. */
export function said(child: ChildProcess, text: string | RegExp, ms = 60_000): Promise<string> {
  return new Promise((resolve, reject) => {
    let words = "";
    const streams = [child.stdout, child.stderr].filter((s) => s !== null);
    const over = (why?: string): void => {
      clearTimeout(timer);
      for (const s of streams) s.off("data", heard);
      child.off("close", ended);
      if (why === undefined) resolve(words);
      else reject(new Error(`${why} before it said ${text}: ${words}`));
    };
    const heard = (d: Buffer): void => {
      words += d.toString();
      if (typeof text === "string" ? words.includes(text) : text.test(words)) over();
    };
    const ended = (status: number | null): void => over(`it ended with ${status}`);
    const timer = setTimeout(() => over(`${ms} ms went by`), ms);
    for (const s of streams) s.on("data", heard);
    child.once("close", ended);
  });
}

/** Waits until something is so. It fails with `what` if it takes too long. */
export async function until(what: string, is: () => boolean | Promise<boolean>, ms = 30_000): Promise<void> {
  for (const end = performance.now() + ms; !await is();) {
    if (performance.now() > end) throw new Error(`${ms} ms went by, and not: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/**
 * What this machine's npm prints: the one that publishes. A package for tests brings another one, years older, which
 * packs other files; the scripts of npm have that first on the PATH.
 */
export function npm(args: readonly string[], options: SpawnSyncOptions = {}): string {
  const path = (process.env["PATH"] ?? "").split(":").filter((folder) => !folder.endsWith("node_modules/.bin"));
  return succeeded("npm", args, { ...options, env: environment({ PATH: path.join(":") }) });
}
