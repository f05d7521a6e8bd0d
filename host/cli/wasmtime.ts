/**
 * Runs build/stint-wasi.wasm under the wasmtime CLI: its standard streams carry the frames, its words come from stderr.
 */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { parseMac } from "../address.js";
import { formatIp6, parseCidr6, parseIp6 } from "../address6.js";
import { CONFIG_FIELDS, macWords, type ConfigField } from "../config.js";
import { COUNTERS } from "../counters.js";
import { LinkError, type Link } from "../links/link.js";
import { streamLink } from "../links/stream.js";
import { buildDir } from "../module.js";
import type { Ip6Options } from "../net/ip6.js";
import { findProgram } from "../programs.js";
import type { Ended, Running, UpOptions } from "./running.js";

/** In the place of a frame's length: close every connection in order, then end (host/wasi/main.ts). */
const CLOSE = Buffer.from([255, 255, 255, 255]);
/** The same place: the link was away, and is there again. */
const LINK_UP = Buffer.from([255, 255, 255, 254]);
/** The same place: we are still here. Without it for some seconds the module stands still, as we do (Ctrl-Z). */
const BEAT = Buffer.from([255, 255, 255, 253]);
const BEAT_MS = 2000;

/**
 * Resolves once the process runs; `ready` of the result tells when the module does. Throws a LinkError without the
 * wasmtime CLI.
 */
export async function startWasmtime(
  link: Link, options: UpOptions, ports: Record<string, number>, ipv6: Ip6Options | undefined,
): Promise<Running> {
  const program = findProgram("wasmtime");
  if (program === undefined)
    throw new LinkError("this runtime needs the wasmtime CLI; see https://wasmtime.dev for its installer");
  const args = ["run"];
  if (options.root !== undefined) args.push("--dir", `${options.root}::/`);
  args.push(
    join(buildDir(), "stint-wasi.wasm"), "up", "--ip", options.ip!, "--connections", String(options.connections),
    "--ring", String(options.ring), "--mtu", String(options.mtu), "--idle", String(options.idle), "--linger",
    String(options.linger), "--stats",
  );
  if (options.gateway !== undefined) args.push("--gateway", options.gateway);
  args.push(...ip6Arguments(ipv6));
  if (options.groupKey !== undefined) args.push("--group-key", Buffer.from(options.groupKey).toString("hex"));
  const mac = options.mac === undefined ? {} : macWords(parseMac(options.mac));
  for (const [name, value] of Object.entries({ ...options.set, ...mac }))
    args.push("--set", `${CONFIG_FIELDS.indexOf(name as ConfigField)}=${value}`);
  for (const [name, port] of Object.entries(ports)) args.push(`--${name}`, String(port));
  // A group of its own: Ctrl-C on the terminal is ours to hear, and to turn into a word to the module.
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"], detached: true });
  const inner = streamLink(child.stdout, child.stdin, () => child.kill());
  inner.onFrame = (frame) => link.send(frame);
  link.onFrame = (frame) => inner.send(frame);
  link.onChange = (up) => {
    if (up && child.stdin.writable) child.stdin.write(LINK_UP);
  };
  const beat = (): void => void (child.stdin.writable && child.stdin.write(BEAT));
  const beats = setInterval(beat, BEAT_MS);
  beat();
  const counters: Record<string, number> = {};
  let ready: () => void, words = "", rest = "";
  const isReady = new Promise<void>((resolve) => (ready = resolve));
  let end: (ended: Ended) => void, fail: (error: Error) => void, cut = 0;
  const done = new Promise<Ended>((resolve, reject) => ([end, fail] = [resolve, reject]));
  done.catch(() => {});
  child.stderr.on("data", (data: Buffer) => {
    const lines = (rest + data.toString()).split("\n");
    rest = lines.pop()!;
    for (const line of lines) {
      const counter = /^counter (\d+) (\d+)$/.exec(line), cutOff = /^cut off (\d+)$/.exec(line);
      if (line.startsWith("ready")) ready();
      else if (counter) counters[COUNTERS[Number(counter[1])]!] = Number(counter[2]);
      else if (cutOff) cut = Number(cutOff[1]);
      else if (line.startsWith("address ")) console.error(line);
      else words += `${line}\n`;
    }
  });
  child.once("exit", (code) => {
    clearInterval(beats);
    if (code === 0 || cut > 0) end({ counters, cut });
    else fail(new LinkError(`wasmtime ended with status ${code}: ${words.trim().split("\n").at(-1) ?? ""}`));
  });
  return {
    ready: Promise.race([isReady, done.then(() => {})]),
    stop: () => void child.stdin.write(CLOSE),
    fail(error) {
      child.kill();
      fail(error);
    },
    done,
  };
}

/** The module's own options of IPv6; it reads addresses in the form that everybody writes (RFC 5952). */
function ip6Arguments(ipv6: Ip6Options | undefined): string[] {
  if (ipv6 === undefined) return ["--no-ipv6"];
  const args: string[] = [], { secret, addresses = [], gateway, temporary } = ipv6;
  if (secret !== undefined) args.push("--ip6-secret", Buffer.from(secret).toString("hex"));
  for (const address of addresses) {
    const { bytes, prefix } = parseCidr6(address);
    args.push("--ip6", `${formatIp6(bytes)}/${prefix}`);
  }
  if (gateway !== undefined) args.push("--gateway6", formatIp6(parseIp6(gateway)));
  if (temporary) args.push("--temporary");
  return args;
}
