/**
 * The subjects of the bench, made of one driver (driver/driver.c): stint in V8 and under wasmtime (one module, `stint
 * link`'s build on both ends), as C, and its peers lwIP and smoltcp; and gVisor's netstack, which has a
 * driver of its own. Each is a program that is given a work and prints figures.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { linkedStack } from "../../host/link/stack.js";
import { findProgram } from "../../host/programs.js";
import { library } from "../harness/kept.js";
import { ran, succeeded } from "../harness/programs.js";
import { lwipConfigurations, lwipDebian, lwipNative, lwipWasm } from "./lwip.js";

export interface Subject {
  name: string;
  command: string[];
}

/** Where the subjects are made; and smoltcp, which takes a minute, outside of the clone. */
const DIR = "build/bench";
const CACHE = process.env["STINT_CACHE"] ?? join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "stint");
const DRIVER = "tests/bench/driver", WORK = join(DRIVER, "driver.c"), STINT = join(DRIVER, "stint.c");
const WARN = ["-O3", "-Wall", "-Wextra", `-I${DRIVER}`];
const FEATURES = [
  "--enable-bulk-memory", "--enable-bulk-memory-opt", "--enable-sign-ext", "--enable-mutable-globals",
  "--enable-nontrapping-float-to-int", "--enable-simd", "--enable-reference-types", "--enable-multivalue",
];

function run(program: string, ...args: string[]): string {
  // Some of it is compiled, which takes a minute on a good machine.
  return succeeded(program, args, { timeout: 1_800_000 });
}

function binaryen(tool: string, ...args: string[]): void {
  run(
    process.execPath, join(dirname(createRequire(import.meta.url).resolve("binaryen/package.json")), "bin", tool),
    ...args,
  );
}

/** The driver and two stacks over its memory, in one module. */
function merged(name: string, which: Parameters<typeof linkedStack>[0], ...flags: string[]): string {
  const app = join(DIR, `${name}-driver.wasm`);
  const both = join(DIR, `${name}-merged.wasm`);
  const out = join(DIR, `${name}.wasm`), stack = join(DIR, `${name}-stack.wasm`);
  writeFileSync(stack, linkedStack(which));
  run(
    "clang", "--target=wasm32-wasi", ...WARN, "-msimd128", "-mbulk-memory", "-ftls-model=local-exec", "-Iinclude",
    "-Wl,--global-base=1024", ...flags, WORK, STINT, "-o", app,
  );
  binaryen("wasm-merge", ...FEATURES, "--rename-export-conflicts", app, "env", stack, "a", stack, "b", "-o", both);
  binaryen("wasm-opt", ...FEATURES, "-O3", both, "-o", out);
  return out;
}

/** The native library twice in one program: its names with a_ and with b_. */
function twice(library: string): string[] {
  const one = join(DIR, "one.o");
  run("ld", "-r", "--whole-archive", library, "-o", one);
  const names = run("nm", "-g", "--defined-only", one)
    .split("\n")
    .map((l) => l.split(" ")[2])
    .filter((n) => n !== undefined);
  return ["a", "b"].map((side) => {
    const map = join(DIR, `${side}.names`), out = join(DIR, `${side}.o`);
    writeFileSync(map, names.map((n) => `${n} ${side}_${n}\n`).join(""));
    run("objcopy", `--redefine-syms=${map}`, one, out);
    return out;
  });
}

const V8 = `import { readFileSync } from "node:fs"; import { WASI } from "node:wasi";
const wasi = new WASI({ version: "preview1", args: ["driver", ...process.argv.slice(3)], returnOnExit: true });
const { instance } = await WebAssembly.instantiate(readFileSync(process.argv[2]), wasi.getImportObject());
process.exitCode = wasi.start(instance);
`;

/** Runs a module for WASI in V8. */
export function v8Command(module: string): string[] {
  return [process.execPath, "--no-warnings", join(DIR, "v8.mjs"), module];
}

/** Makes a crate of `tests/bench`, outside of the clone, as that takes a minute. Returns where its products are. */
export function cargoBuilt(name: string): string {
  const target = join(CACHE, `bench-${name}`), manifest = `tests/bench/${name}/Cargo.toml`;
  mkdirSync(target, { recursive: true });
  run("cargo", "build", "--quiet", "--release", "--locked", "--manifest-path", manifest, "--target-dir", target);
  return join(target, "release");
}

let smoltcpMade: string[] | undefined;

/** smoltcp, made once. */
function smoltcp(): string[] {
  if (smoltcpMade !== undefined) return smoltcpMade;
  const out = join(DIR, "smoltcp");
  run("gcc", ...WARN, WORK, join(cargoBuilt("smoltcp"), "libbench_smoltcp.a"), "-lpthread", "-ldl", "-lm", "-o", out);
  return (smoltcpMade = [out]);
}

/** How each is made: the programs that it takes, and then its command. */
const MAKERS: Record<string, { needs: string[]; make: () => string[] }> = {
  "stint-v8": { needs: ["clang"], make: () => v8Command(merged("scalar", "small", "-DSTINT_SMALL")) },
  "stint-v8-simd": { needs: ["clang"], make: () => v8Command(merged("simd", "whole")) },
  "stint-wasmtime": { needs: ["clang", "wasmtime"], make: () => {
    run("wasmtime", "--version");
    return ["wasmtime", "run", merged("simd", "whole")];
  } },
  "stint-native": { needs: ["gcc", "ld", "objcopy"], make: () => {
    const out = join(DIR, "native");
    run("gcc", ...WARN, "-Iinclude", WORK, STINT, ...twice(library("-O3")), "-o", out);
    return [out];
  } },
  "lwip-native": { needs: ["gcc", "cargo"], make: lwipNative },
  "lwip-debian": { needs: ["gcc", "pkg-config"], make: lwipDebian },
  "lwip-v8": { needs: ["gcc", "clang", "cargo"], make: () => {
    const module = lwipWasm();
    binaryen("wasm-opt", ...FEATURES, "-O3", module, "-o", module);
    return v8Command(module);
  } },
  "smoltcp-native": { needs: ["gcc", "cargo"], make: smoltcp },
  "smoltcp-32-native": { needs: ["gcc", "cargo"], make: () => ["env", "SMOLTCP_LISTENING=32", ...smoltcp()] },
  "gvisor-go": { needs: ["go"], make: () => {
    const out = resolve(DIR, "gvisor");
    run("go", "build", "-C", "tests/bench/gvisor", "-trimpath", "-o", out, ".");
    return [out];
  } },
};

/** Peers that a short run leaves out. */
const LONG = new Set(["lwip-v8", "smoltcp-32-native", "gvisor-go"]);

/** All that can be had here, or of `only`; what cannot is told to `missing`, a line each. */
export function subjects(quick: boolean, missing: (line: string) => void, only?: readonly string[]): Subject[] {
  mkdirSync(DIR, { recursive: true });
  writeFileSync(join(DIR, "v8.mjs"), V8);
  const out: Subject[] = [];
  const wanted = Object.entries(MAKERS).filter(([n]) => only?.includes(n) ?? (!quick || !LONG.has(n)));
  for (const [name, { needs, make }] of wanted) {
    const lacking = needs.filter((p) => findProgram(p) === undefined);
    try {
      if (lacking.length > 0) throw new Error(`${lacking.join(" and ")} missing`);
      out.push({ name, command: make() });
    } catch (e) {
      const { stderr, message } = e as { stderr?: string; message: string };
      missing(`${name} is LEFT OUT: ${(stderr || message).trim().split("\n").slice(0, 3).join(" ")}`);
    }
  }
  return out;
}

/**
 * Runs a subject for `seconds`; returns its figures, for each tenth of a second a row: one, or for messages two. Throws
 * what it said when it failed.
 */
export function figures(subject: Subject, work: string, seconds: number, params: Record<string, number>): number[][] {
  const [program, ...args] = subject.command;
  const r = ran(
    program!, [...args, work, String(seconds), ...Object.entries(params).flatMap(([k, v]) => [k, String(v)])],
    { timeout: (seconds + 240) * 1000 },
  );
  const lines = r.stdout.trim().split("\n").map((line) => line.split(" ").map(Number));
  if (r.status !== 0 || lines.length === 0 || lines.some((line) => line.some((x) => !(x > 0))))
    throw new Error(`${subject.name}, ${work}: ${r.stderr.trim() || `exit ${r.status ?? r.signal}`}`);
  return lines;
}

/** What the peers are configured with, for the report. */
export function configurations(): Record<string, string> {
  const gvisor = /gvisor\.dev\/gvisor v\S*-(\d{4})(\d\d)(\d\d)\d+-/.exec(
    readFileSync(resolve("tests/bench/gvisor/go.mod"), "utf8"),
  )!;
  const smoltcp = /smoltcp = \{ version = "=([^"]+)"/.exec(
    readFileSync(resolve("tests/bench/smoltcp/Cargo.toml"), "utf8"),
  )![1];
  return {
    stint:
      "MSS 1460, no timestamps, SACK, window scaling; RACK-TLP, CUBIC and the rest of loss recovery on (the small "
        + "build stint-v8: RFC 6675, NewReno); 64 + 64 slots",
    ...lwipConfigurations(),
    smoltcp: `${smoltcp}, release, LTO, Ethernet, ACK delay 10 ms, no congestion control; 64 + 64 slots; `
      + "as many sockets listen as connections are expected, or 32",
    gvisor: `netstack of ${gvisor.slice(1).join("-")}, gonet, Ethernet over a pipe, SACK, CUBIC; `
      + "in goroutines and real time, one processor for both ends; it decides when to acknowledge",
  };
}
