/**
 * Firmware for a board: the module for its services, laid out by the module itself, as C, with the runtime and the
 * board's own files.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { configNumbers, type StackOptions } from "../../host/config.js";
import { CONFIG_FIELDS, CONFIG_SIZE, ENTROPY_AT, ENTROPY_SIZE } from "../../host/module/layout.js";
import { COUNTERS } from "../../host/counters.js";
import { findProgram } from "../../host/programs.js";
import { SERVICES, type ServiceName } from "../../host/services.js";
import { keepExports } from "../../host/link/memory.js";
import { ToolError } from "../translate/error.mjs";
import type { Laid } from "./image.js";
import { boardModule, calledModule } from "./module.js";
import { DEFAULT_RUNTIME, prepareRuntime } from "./runtimes.js";
import type { Added } from "./target.js";
import { uf2Of } from "./uf2.js";

/** A board's board.json. */
export interface Board {
  title: string;
  compiler: string;
  flags: string[];
  sources: string[];
  include: string[];
  linkerScript?: string;
  flash: number;
  ram: number;
  /** Where the linear memory lies, if the linker script puts it at a fixed address: the start of RAM. */
  memoryAt?: string | undefined;
  stack: number;
  connections: number;
  ring: number;
  rxSlots: number;
  txSlots: number;
  qemu?: string[];
  nic?: string;
  /** What a tick of hal_ticks takes, ns. */
  nsPerTick?: number;
  /** Whether its driver takes frames to groups when HAL_GROUPS is defined: IPv6 needs them. */
  groups?: boolean;
  /** Make a .uf2 for the boot ROM of an RP2040: where it goes, and the family's number. */
  uf2?: { address: number; family: number };
  /** What executes the module, if nothing else is asked for: a folder of boards/runtimes. */
  runtime?: string;
}

/** What a firmware is built for. */
export interface FirmwareOptions {
  /** Faults on demand, over HTTP. */
  debug?: boolean;
  /** A fixed seed in place of entropy. */
  seed?: number;
  /** bench.c in place of a network. */
  bench?: boolean;
  /** No bounds checks, to measure what they cost. */
  unchecked?: boolean;
  /** The address and undefined behaviour sanitizers. */
  sanitize?: boolean;
  /** "10.0.0.2/24"; without it the device asks the network (DHCP). */
  ip?: string;
  gateway?: string;
  /** IPv6 beside IPv4: a link-local address, and others when a router tells a prefix (RFC 4862). */
  ipv6?: boolean;
  /** By default made from `ip`; without that it has to be given. */
  mac?: string;
  /** The device's name for the DHCP server; the board's by default. */
  hostName?: string | undefined;
  services: ServiceName[];
  /** What executes the module: a folder of boards/runtimes. */
  runtime?: string;
  /** An application with the stack inside (`stint link`) in place of the services. */
  app?: string;
  connections?: number;
  ring?: number;
  /** Whether the memory is laid out when the firmware is built, the default, or when it starts. */
  layout?: "built" | "boot";
  /** Keep the names of the module's functions: for C they are free, and an interpreter would have them in flash. */
  names?: boolean;
  /** Where the build goes; build/boards/NAME. */
  out?: string;
}

/** A firmware that was built. */
export interface Firmware {
  report: Report;
  elf: string;
  board: Board;
  dir: string;
}

const BOARDS = resolve("boards");
export const PORTS: Record<ServiceName, number> = { echo: 7, discard: 9, chargen: 19, http: 80 };
/** boards/runtimes/aot/wasm.h: MEMORY_GUARD. */
const GUARD = 256;
export const DEBIAN: Record<string, string> = {
  "arm-none-eabi-gcc": "gcc-arm-none-eabi libnewlib-arm-none-eabi",
  "riscv64-unknown-elf-gcc": "gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf",
  "qemu-system-arm": "qemu-system-arm", "qemu-system-riscv32": "qemu-system-misc", gcc: "gcc",
};

/** Runs a tool to its end. Returns what it printed. Throws a ToolError: it is missing, or what it said. */
export function run(program: string, args: string[], cwd = "."): string {
  if (findProgram(program) === undefined && !existsSync(program)) {
    throw new ToolError(`${program} is missing; apt-get install ${DEBIAN[program] ?? program}`);
  }
  try {
    return execFileSync(program, args, { encoding: "utf8", cwd, stdio: ["ignore", "pipe", "pipe"] });
  } catch (e) {
    const { stdout, stderr } = e as { stdout?: string; stderr?: string };
    throw new ToolError(`${program} failed:\n${stdout ?? ""}${stderr ?? (e as Error).message}`.trim());
  }
}

export function boardNames(): string[] {
  return readdirSync(BOARDS).filter((n) => existsSync(join(BOARDS, n, "board.json"))).sort();
}

interface Layout {
  numbers: number[];
  /** Bytes of the linear memory, and where the arena begins in it. */
  memory: number;
  base: number;
  /** Bytes that one more connection takes. */
  perConnection: number;
  /** Where the services keep what they share, and its bytes: for a debug build, which spoils it. */
  shared: { at: number; size: number };
}

interface AppExports {
  memory: WebAssembly.Memory;
  configBlock(): number;
  layoutSize(block: number): bigint;
  init(block: number): number;
  controlBlock(): number;
  servicesBytes(connections: number): number;
}

/** What the firmware calls of an application that has the stack inside. */
const APP_CALLS = ["configBlock", "controlBlock", "poll", "app_start", "app_run"];

/**
 * Puts an application's module where the firmware's goes, with what is called alone; the application knows what its
 * arena takes.
 */
function application(dir: string, file: string, options: StackOptions): { called: string; l: Layout } {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file);
    const called = join(dir, "module.wasm");
    writeFileSync(called, keepExports(bytes, [...APP_CALLS, "memory"]));
    const x = new WebAssembly.Instance(new WebAssembly.Module(Uint8Array.from(bytes)))
      .exports as unknown as AppExports & { __heap_base?: WebAssembly.Global; app_start(block: number): number };
    // Where the application's data and C stack end; without it, the whole of its memory.
    const used = (x.__heap_base?.value as number | undefined) ?? x.memory.buffer.byteLength;
    const memory = Math.ceil(used / 256) * 256 + GUARD;
    const numbers: Record<string, number> = configNumbers({ ...options, memoryBytes: memory - GUARD });
    numbers["size"] = CONFIG_SIZE;
    const list = CONFIG_FIELDS.map((f) => numbers[f]!), view = new DataView(x.memory.buffer, x.configBlock());
    list.forEach((n, i) => view.setUint32(i * 4, n, true));
    crypto.getRandomValues(new Uint8Array(x.memory.buffer, x.configBlock() + ENTROPY_AT, ENTROPY_SIZE));
    const result = x.app_start(x.configBlock());
    if (result < 0) throw new ToolError(`${file}: its app_start refuses to start: error ${result}`);
    return {
      called, l: { numbers: list, memory, base: 0, perConnection: 0, shared: { at: 0, size: 0 } },
    };
  } catch (e) {
    if (e instanceof ToolError) throw e;
    throw new ToolError(
      `${file}: ${(e as Error).message}; make it with stint link, and compile it with -Wl,--export=__heap_base`,
    );
  }
}

/** Asks the module itself what the configuration takes. */
function layout(wasm: string, options: StackOptions): Layout {
  const instance = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(wasm)));
  const x = instance.exports as unknown as AppExports;
  const block = x.configBlock();
  const write = (o: StackOptions): number[] => {
    const numbers = configNumbers({ ...o, appBytes: x.servicesBytes(o.connsMax!) });
    numbers.size = CONFIG_SIZE;
    const list = CONFIG_FIELDS.map((f) => numbers[f]);
    const view = new DataView(x.memory.buffer, block);
    list.forEach((n, i) => view.setUint32(i * 4, n, true));
    crypto.getRandomValues(new Uint8Array(x.memory.buffer, x.configBlock() + ENTROPY_AT, ENTROPY_SIZE));
    return list;
  };
  write(options);
  const size = Number(x.layoutSize(block));
  write({ ...options, connsMax: options.connsMax! + 1 });
  const more = Number(x.layoutSize(block));
  if (size < 0 || more < 0)
    throw new ToolError("the stack refuses this configuration; see assembly/config.ts for the bounds of each number");
  write(options);
  if (x.init(block) !== 0) throw new ToolError("the stack refuses this configuration");
  // The arena begins with the copy of the configuration, behind which the control block lies.
  const base = x.controlBlock() - CONFIG_SIZE;
  const memory = Math.ceil((base + size) / 256) * 256 + GUARD;
  const numbers = write({ ...options, arenaBase: base, arenaSize: memory - GUARD - base, memoryBytes: memory - GUARD });
  // They end what the stack has, and begin with what no connection has of its own.
  const own = x.servicesBytes(options.connsMax!);
  const shared = { at: base + size - ((own + 7) & ~7), size: x.servicesBytes(0) };
  return { numbers, memory, base, perConnection: more - size, shared };
}

const PAGE_COUNTERS = [
  "ifInFrames", "ifOutFrames", "tcpActiveOpens", "tcpPassiveOpens", "tcpInSegs", "tcpOutSegs", "tcpRetransSegs",
  "tcpInErrs", "SyncookiesSent", "SyncookiesRecv", "TCPHalfOpenEvicted", "ListenOverflows",
] as const;

/** The device's addresses, as far as they are known when the firmware is built. */
function addressing({ ip, mac, gateway }: FirmwareOptions): StackOptions {
  if (ip === undefined && mac === undefined) throw new ToolError("an address from the network needs a MAC address");
  return { ip, ...(mac === undefined ? {} : { mac }), ...(gateway === undefined ? {} : { gateway }) };
}

function headers(dir: string, name: string, board: Board, options: FirmwareOptions, l: Layout): void {
  const isBuilt = options.layout === "built";
  const connections = options.connections ?? board.connections, plain = options.ip?.split("/")[0];
  const mac = configNumbers(addressing(options));
  const bytes = [
    mac.macHigh >>> 24, mac.macHigh >>> 16, mac.macHigh >>> 8, mac.macHigh, mac.macLow >>> 8, mac.macLow,
  ].map((b) => b & 255);
  const services = options.services.map((s) => `{${SERVICES[s]}, ${PORTS[s]}, ${connections}}`).join(", ");
  const lines = [
    "/* Made by tools/board/firmware.ts. */",
    "#ifndef STINT_CONFIG_H",
    "#define STINT_CONFIG_H",
    "#include <stdint.h>",
    ...(board.memoryAt === undefined ? [] : [`#define MEMORY_AT ${board.memoryAt}u`]),
    `#define MEMORY_SIZE ${l.memory}u`,
    `#define ARENA_SIZE ${l.memory - GUARD - l.base}u`,
    `#define STINT_CONNECTIONS ${connections}u`,
    ...(plain === undefined
      ? ["#define STINT_DHCP", `#define STINT_HOST_NAME "${options.hostName ?? name}"`]
      : [`#define STINT_ADDRESS "${plain}"`, `#define STINT_IP ${l.numbers[CONFIG_FIELDS.indexOf("ip")]! >>> 0}u`]),
    ...(options.ipv6 ? ["#define STINT_IPV6"] : []),
    `#define STINT_BOARD_NAME "${name}"`,
    `#define STINT_SHARED ${l.shared.at}u`,
    `#define STINT_SHARED_SIZE ${l.shared.size}u`,
    ...(options.app !== undefined
      ? ["#define STINT_APPLICATION"]
      : options.services.includes("http")
        ? ["#define STINT_HTTP"]
        : []),
    ...(options.debug ? ["#define STINT_DEBUG"] : []),
    ...(options.bench ? ["#define STINT_BENCH"] : []),
    ...(options.unchecked ? ["#define STINT_UNCHECKED"] : []),
    ...(options.seed === undefined
      ? []
      : [`#define STINT_SEED ${options.seed}u`, `#define STINT_SEED_TEXT "${options.seed}"`]),
    ...(isBuilt
      ? ["#define STINT_IMAGE"]
      : [`static const uint32_t stint_config[] = {${l.numbers.map((n) => `${n >>> 0}u`).join(", ")}};`]),
    `static const uint8_t stint_mac[6] = {${bytes.join(", ")}};`,
    ...(isBuilt ? [] : [`static const struct { uint16_t service, port, backlog; } stint_services[] = {${services}};`]),
    "#endif",
    "",
  ];
  writeFileSync(join(dir, "config.h"), lines.join("\n"));
  const image = readFileSync(join(BOARDS, "runtime", "logo.png"));
  writeFileSync(
    join(dir, "pages.h"),
    [
      "/* Made by tools/board/firmware.ts. */", `static const uint8_t logo[] = {${[...image].join(", ")}};`,
      'static const struct { const char *path; const uint8_t *bytes; uint32_t size; } page_files[] = '
        + '{{"/logo.png", logo, sizeof logo}};',
      "static const struct { const char *name; uint32_t index; } page_counters[] = "
        + `{${PAGE_COUNTERS.map((c) => `{"${c}", ${COUNTERS.indexOf(c)}}`).join(", ")}};`,
      "",
    ].join("\n"),
  );
}

export interface Report {
  board: string;
  flash_bytes: number;
  ram_bytes: number;
  linear_bytes: number;
  stack_bytes: number;
  bytes_per_connection: number;
}

function report(name: string, board: Board, elf: string, l: Layout): Report {
  const report = {
    board: name, flash_bytes: 0, ram_bytes: 0, linear_bytes: l.memory, stack_bytes: board.stack,
    bytes_per_connection: l.perConnection,
  };
  const sizeTool = board.compiler.replace(/gcc$/, "size");
  for (const line of run(sizeTool, ["-A", elf]).split("\n")) {
    const [section, bytes] = line.trim().split(/\s+/);
    const n = Number(bytes);
    if (!Number.isFinite(n)) continue;
    if (/^\.(boot2|text|rodata|ARM\.exidx|data|init|fini|eh_frame)/.test(section!)) report.flash_bytes += n;
    if (/^\.(linear|stack|data|bss|noinit)/.test(section!)) report.ram_bytes += n;
  }
  return report;
}

/** What the firmware's own files are compiled with. */
function compilerFlags(home: string, dir: string, board: Board, options: FirmwareOptions, added: Added): string[] {
  return [
    "-std=c11", "-Os", "-Wall", "-Wextra", "-Werror", "-ffunction-sections", "-fno-common",
    // Each function pushes its registers first: with frames below the guard's 256 bytes no stack that grows too far
    // steps over it.
    ...(board.memoryAt === undefined || options.debug ? [] : ["-Wstack-usage=240"]),
    "-D_GNU_SOURCE",
    `-I${dir}`,
    `-I${BOARDS}`,
    `-I${join(BOARDS, "runtime")}`,
    ...added.include.map((i) => `-I${i}`),
    ...added.defines.map((d) => `-D${d}`),
    ...(options.ipv6 ? ["-DHAL_GROUPS"] : []),
    ...added.flags ?? [],
    ...board.include.map((i) => `-I${join(home, i)}`),
    ...board.flags,
    ...(options.sanitize ? ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g"] : []),
  ];
}

/** Firmware's module, before exports that it does not call went (`whole`) and after. */
export interface FirmwareModule {
  whole: string;
  called: string;
  l: Layout;
  /** Undefined: it is laid out at its start. */
  laid: Laid | undefined;
}

/** What a board's services are compiled to. `names`: keep those of functions. */
export function firmwareModule(dir: string, board: Board, options: FirmwareOptions): FirmwareModule {
  const connections = options.connections ?? board.connections, ring = ((options.ring ?? board.ring) + 3) & ~3;
  const layoutAt = options.layout ?? "built", whole = boardModule(dir, { ...options, layout: layoutAt });
  const l = layout(whole, {
    ...addressing(options), connsMax: connections, sendRing: ring, recvRing: ring, halfOpenMax: connections,
    timeWaitMax: connections, listenersMax: options.services.length, rangesMax: Math.max(8, 2 * connections),
    sendersMax: 0, rxSlots: board.rxSlots, txSlots: board.txSlots, loopSlots: 0, reassemblyMax: 0, reassemblyBytes: 0,
    neighboursMax: 4, udpMax: 0, udpRing: 0, prefixBuckets: 16, synAckRetries: 3, halfOpenMs: 10_000,
    timeWaitMs: 20_000, finWait2Ms: 20_000,
  });
  const laid: Laid | undefined = layoutAt === "boot" ? undefined : {
    numbers: l.numbers, memory: l.memory,
    services: options.services.map((s) => ({ service: SERVICES[s], port: PORTS[s], backlog: connections })),
  };
  return { whole, called: calledModule(whole, join(dir, "called.wasm"), options.names ?? false, laid), l, laid };
}

/** A board, by its name. Throws a ToolError: there is none. */
export function boardOf(name: string): Board {
  if (!boardNames().includes(name))
    throw new ToolError(`there is no board "${name}"; there are ${boardNames().join(", ")}`);
  return JSON.parse(readFileSync(join(BOARDS, name, "board.json"), "utf8")) as Board;
}

/** Builds a board's firmware. Throws a ToolError: what is missing, refused, or too large. */
export function buildFirmware(name: string, options: FirmwareOptions): Firmware {
  const home = join(BOARDS, name), board = boardOf(name);
  if (options.ipv6 && !board.groups)
    throw new ToolError(`${name} has no IPv6: its driver takes no frames to groups ("groups" in board.json)`);
  const dir = resolve(options.out ?? join("build", "boards", name));
  mkdirSync(dir, { recursive: true });
  const executed = options.runtime ?? board.runtime ?? DEFAULT_RUNTIME, names = executed === DEFAULT_RUNTIME;
  // An application is laid out by itself, at its start.
  const layout = options.app === undefined ? options.layout ?? "built" : "boot";
  const { called, l } = options.app === undefined
    ? firmwareModule(dir, board, { ...options, names, layout })
    : application(dir, options.app, addressing(options));
  const added = prepareRuntime(
    executed, called, dir, { compiler: board.compiler, flags: board.flags, ram: board.ram, memory: l.memory },
  );
  const fixed = added.ownMemory ? undefined : board.memoryAt, stack = Math.max(board.stack, added.stack ?? 0);
  // Beside the linear memory: the stack, its guard, what they are aligned to, and the C code's variables.
  const reserve = stack + 2 * 256 + 64 + (added.ram ?? 0);
  if (l.memory + reserve > board.ram) {
    throw new ToolError(
      `${name} has ${board.ram} bytes of RAM, this needs ${l.memory + reserve - board.ram} more; `
        + "ask for fewer connections or smaller rings",
    );
  }
  headers(dir, name, { ...board, memoryAt: fixed }, { ...options, layout }, l);
  const elf = join(dir, "firmware.elf"), runtime = join(BOARDS, "runtime");
  const sources = [
    join(runtime, "main.c"),
    ...(options.services.includes("http") && options.app === undefined ? [join(runtime, "pages.c")] : []),
    ...(options.bench ? [join(runtime, "bench.c")] : []), ...added.sources, ...board.sources.map((s) => join(home, s)),
  ];
  const flags = compilerFlags(home, dir, board, options, added);
  const link = [
    "-Wl,--gc-sections",
    `-Wl,-Map=${join(dir, "firmware.map")}`,
    ...(board.linkerScript === undefined
      ? []
      : ["-T", join(home, board.linkerScript), `-L${home}`, `-Wl,--defsym=STACK_SIZE=${stack}`]),
    ...(board.memoryAt === undefined
      ? []
      : [`-Wl,--defsym=MEMORY_AT=${board.memoryAt}`, `-Wl,--defsym=MEMORY_SIZE=${fixed === undefined ? 0 : l.memory}`]),
  ];
  run(board.compiler, [...flags, ...sources, ...link, "-o", elf], home);
  if (board.linkerScript !== undefined)
    run(board.compiler.replace(/gcc$/, "objcopy"), ["-O", "binary", elf, join(dir, "firmware.bin")]);
  if (board.uf2 !== undefined) writeFileSync(join(dir, "firmware.uf2"), uf2Of(join(dir, "firmware.bin"), board.uf2));
  return { report: report(name, { ...board, stack }, elf, l), elf, board, dir };
}
