/**
 * `npm run board -- NAME`: firmware for a board, from the module. Builds build/boards/NAME/firmware.elf (and .bin) and prints what it takes;
 * with --run boots it in QEMU, or runs it here (posix), on a link.
 */
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { deflateSync } from "node:zlib";
import { Command, CommanderError, InvalidArgumentError } from "commander";
import { parseCidr } from "../host/address.js";
import { cidr, parseCount } from "../host/cli/arguments.js";
import { CONFIG_FIELDS, configNumbers, type StackOptions } from "../host/config.js";
import { COUNTERS } from "../host/counters.js";
import { LinkError } from "../host/links/link.js";
import { openLink } from "../host/links/open.js";
import { streamLink } from "../host/links/stream.js";
import { findProgram } from "../host/programs.js";
import { SERVICES, type ServiceName } from "../host/services.js";
import { TCB_OFFSETS } from "../host/stack.js";
import { wasmToC, ToolError } from "./wasm2c.mjs";

interface Board {
  title: string;
  compiler: string;
  flags: string[];
  sources: string[];
  include: string[];
  linkerScript?: string;
  flash: number;
  ram: number;
  stack: number;
  connections: number;
  ring: number;
  rxSlots: number;
  txSlots: number;
  qemu?: string[];
  nic?: string;
  /** What a tick of hal_ticks takes, ns. */
  nsPerTick?: number;
  /** Make a .uf2 for the boot ROM of an RP2040: where it goes, and the family's number. */
  uf2?: { address: number; family: number };
}

interface Options {
  release?: boolean;
  debug?: boolean;
  seed?: number;
  bench?: boolean;
  unchecked?: boolean;
  write?: boolean;
  sanitize?: boolean;
  ip: string;
  gateway?: string;
  services: ServiceName[];
  connections?: number;
  ring?: number;
  json?: boolean;
  map?: boolean;
  run?: boolean;
  link?: string;
  out?: string;
}

const BOARDS = resolve("boards");
const PORTS: Record<ServiceName, number> = { echo: 7, discard: 9, chargen: 19, http: 80 };
/** boards/runtime/wasm.h: MEMORY_GUARD. */
const GUARD = 256;
/** Room in flash and RAM is worth more than the rare request that comes in fragments. */
const LEFT_OUT = ["STINT_NO_UDP", "STINT_NO_REASSEMBLY"];

const DEBIAN: Record<string, string> = {
  "arm-none-eabi-gcc": "gcc-arm-none-eabi libnewlib-arm-none-eabi", "riscv64-unknown-elf-gcc": "gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf",
  "qemu-system-arm": "qemu-system-arm", "qemu-system-riscv32": "qemu-system-misc", gcc: "gcc", wasm2c: "wabt",
};

function run(program: string, args: string[], cwd = "."): string {
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

function boardNames(): string[] {
  return readdirSync(BOARDS).filter((n) => existsSync(join(BOARDS, n, "board.json"))).sort();
}

/** The module for these services, then what Binaryen makes of it. */
function module(dir: string, services: ServiceName[], names: boolean): string {
  const out = join(dir, "module.wasm");
  const without = [...LEFT_OUT, ...(services.includes("http") ? [] : ["STINT_NO_HTTP"]),
    ...(services.includes("discard") || services.includes("chargen") ? [] : ["STINT_NO_MEASURING"])];
  run("node_modules/.bin/asc", ["assembly/services/app.ts", "--target", "board", ...without.flatMap((f) => ["--use", `${f}=NaN`]), "--outFile", out, ...(names ? ["--debug"] : [])]);
  const features = ["--enable-bulk-memory", "--enable-bulk-memory-opt", "--enable-sign-ext", "--enable-mutable-globals", "--enable-nontrapping-float-to-int"];
  run("node_modules/.bin/wasm-opt", ["-Oz", "--converge", "-aimfs", "4", "-ocimfs", "1000", ...(names ? ["-g"] : []), ...features, out, "-o", out]);
  return out;
}

interface Layout {
  numbers: number[];
  /** Bytes of the linear memory, and where the arena begins in it. */
  memory: number;
  base: number;
  entropyOffset: number;
  /** Bytes that one more connection takes. */
  perConnection: number;
  /** Where the word lies that says where the received frames are. */
  controlSlots: number;
}

interface AppExports {
  memory: WebAssembly.Memory;
  configBlock(): number;
  layoutSize(block: number): bigint;
  init(block: number): number;
  controlBlock(): number;
  servicesBytes(connections: number): number;
}

/** Asks the module itself what the configuration takes. */
function layout(wasm: string, options: StackOptions): Layout {
  const instance = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(wasm)));
  const x = instance.exports as unknown as AppExports;
  const block = x.configBlock(), entropyOffset = (CONFIG_FIELDS.length * 4 + 7) & ~7;
  const write = (o: StackOptions): number[] => {
    const numbers = configNumbers({ ...o, appBytes: x.servicesBytes(o.connsMax!) });
    numbers.size = entropyOffset + 32;
    const list = CONFIG_FIELDS.map((f) => numbers[f]);
    const view = new DataView(x.memory.buffer, block);
    list.forEach((n, i) => view.setUint32(i * 4, n, true));
    view.setUint32(entropyOffset, 1, true);
    return list;
  };
  write(options);
  const size = Number(x.layoutSize(block));
  write({ ...options, connsMax: options.connsMax! + 1 });
  const more = Number(x.layoutSize(block));
  if (size < 0 || more < 0) throw new ToolError("the stack refuses this configuration; see assembly/config.ts for the bounds of each number");
  write(options);
  if (x.init(block) !== 0) throw new ToolError("the stack refuses this configuration");
  // The arena begins with the copy of the configuration, behind which the control block lies.
  const base = x.controlBlock() - (entropyOffset + 32);
  const memory = Math.ceil((base + size) / 256) * 256 + GUARD;
  const numbers = write({ ...options, arenaBase: base, arenaSize: memory - GUARD - base, memoryBytes: memory - GUARD });
  return { numbers, memory, base, entropyOffset, perConnection: more - size, controlSlots: x.controlBlock() + 12 };
}

/** A 32 × 32 picture: three arrows between two hosts. As PNG, since a browser knows it without being told. */
function logo(): Buffer {
  const size = 32, palette = [0xff, 0xff, 0xff, 0x1f, 0x6f, 0xb2, 0xd9, 0x5f, 0x0e];
  const rows = Buffer.alloc(size * (size + 1));
  const dot = (x: number, y: number, c: number): void => void (rows[y * (size + 1) + 1 + x] = c);
  for (let y = 2; y < 30; y++) for (const x of [2, 3, 28, 29]) dot(x, y, 1);
  [[6, 1], [14, -1], [22, 1]].forEach(([y, way]) => {
    for (let x = 5; x < 27; x++) dot(x, y! + Math.floor((way! > 0 ? x - 5 : 26 - x) / 6), 2);
    for (const d of [1, 2, 3]) for (const s of [-1, 1]) dot(way! > 0 ? 26 - d : 5 + d, y! + 3 + s * d, 2);
  });
  const crcTable = Array.from({ length: 256 }, (_, n) => {
    let c = n;
    for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
    return c >>> 0;
  });
  const chunk = (type: string, data: Uint8Array): Buffer => {
    const out = Buffer.alloc(12 + data.length);
    out.writeUInt32BE(data.length, 0);
    out.write(type, 4, "latin1");
    out.set(data, 8);
    let crc = 0xffffffff;
    for (const b of out.subarray(4, 8 + data.length)) crc = crcTable[(crc ^ b) & 255]! ^ (crc >>> 8);
    out.writeUInt32BE((crc ^ 0xffffffff) >>> 0, 8 + data.length);
    return out;
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(size, 0);
  header.writeUInt32BE(size, 4);
  header.set([8, 3, 0, 0, 0], 8);
  return Buffer.concat([Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]), chunk("IHDR", header), chunk("PLTE", Buffer.from(palette)),
    chunk("IDAT", deflateSync(rows, { level: 9 })), chunk("IEND", Buffer.alloc(0))]);
}

const PAGE_COUNTERS = ["ifInFrames", "ifOutFrames", "tcpActiveOpens", "tcpPassiveOpens", "tcpInSegs", "tcpOutSegs", "tcpRetransSegs", "tcpInErrs",
  "SyncookiesSent", "SyncookiesRecv", "TCPHalfOpenEvicted", "ListenOverflows"] as const;

function headers(dir: string, name: string, board: Board, options: Options, l: Layout): void {
  const connections = options.connections ?? board.connections, plain = options.ip.split("/")[0]!;
  const mac = configNumbers({ ip: options.ip });
  const bytes = [mac.macHigh >>> 24, mac.macHigh >>> 16, mac.macHigh >>> 8, mac.macHigh, mac.macLow >>> 8, mac.macLow].map((b) => b & 255);
  const services = options.services.map((s) => `{${SERVICES[s]}, ${PORTS[s]}, ${connections}}`).join(", ");
  const lines = [
    "/* Made by tools/board.ts. */", "#ifndef STINT_CONFIG_H", "#define STINT_CONFIG_H", "#include <stdint.h>",
    `#define MEMORY_SIZE ${l.memory}u`, `#define ARENA_SIZE ${l.memory - GUARD - l.base}u`, `#define ENTROPY_OFFSET ${l.entropyOffset}u`,
    `#define STINT_CONNECTIONS ${connections}u`, `#define STINT_ADDRESS "${plain}"`, `#define STINT_BOARD_NAME "${name}"`,
    `#define STINT_CONTROL_SLOTS ${l.controlSlots}u`,
    ...(["ports", "state", "cwnd"] as const).map((f) => `#define TCB_${f.toUpperCase()} ${TCB_OFFSETS[f]}u`),
    ...(options.services.includes("http") ? ["#define STINT_HTTP"] : []),
    ...(options.debug ? ["#define STINT_DEBUG"] : []),
    ...(options.bench ? ["#define STINT_BENCH"] : []),
    ...(options.unchecked ? ["#define STINT_UNCHECKED"] : []),
    ...(options.seed === undefined ? [] : [`#define STINT_SEED ${options.seed}u`, `#define STINT_SEED_TEXT "${options.seed}"`]),
    `static const uint32_t stint_config[] = {${l.numbers.map((n) => `${n >>> 0}u`).join(", ")}};`,
    `static const uint8_t stint_mac[6] = {${bytes.join(", ")}};`,
    `static const struct { uint16_t service, port, backlog; } stint_services[] = {${services}};`,
    "#endif", "",
  ];
  writeFileSync(join(dir, "config.h"), lines.join("\n"));
  const image = logo();
  writeFileSync(join(dir, "pages.h"), ["/* Made by tools/board.ts. */", `static const uint8_t logo[] = {${[...image].join(", ")}};`,
    'static const struct { const char *path; const uint8_t *bytes; uint32_t size; } page_files[] = {{"/logo.png", logo, sizeof logo}};',
    `static const struct { const char *name; uint32_t index; } page_counters[] = {${PAGE_COUNTERS.map((c) => `{"${c}", ${COUNTERS.indexOf(c)}}`).join(", ")}};`, ""].join("\n"));
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
  const report = { board: name, flash_bytes: 0, ram_bytes: 0, linear_bytes: l.memory, stack_bytes: board.stack, bytes_per_connection: l.perConnection };
  const sizeTool = board.compiler.replace(/gcc$/, "size");
  for (const line of run(sizeTool, ["-A", elf]).split("\n")) {
    const [section, bytes] = line.trim().split(/\s+/);
    const n = Number(bytes);
    if (!Number.isFinite(n)) continue;
    if (/^\.(boot2|text|rodata|ARM\.exidx|data|init|fini|eh_frame)/.test(section!)) report.flash_bytes += n;
    if (/^\.(stack|data|bss|noinit)/.test(section!)) report.ram_bytes += n;
  }
  return report;
}

export function buildBoard(name: string, options: Options): { report: Report; elf: string; board: Board; dir: string } {
  if (!boardNames().includes(name)) throw new ToolError(`there is no board "${name}"; there are ${boardNames().join(", ")}`);
  const home = join(BOARDS, name), board = JSON.parse(readFileSync(join(home, "board.json"), "utf8")) as Board;
  const dir = resolve(options.out ?? join("build", "boards", name));
  mkdirSync(dir, { recursive: true });
  const connections = options.connections ?? board.connections, ring = ((options.ring ?? board.ring) + 3) & ~3;
  const wasm = module(dir, options.services, options.map ?? false);
  const l = layout(wasm, {
    ip: options.ip, ...(options.gateway === undefined ? {} : { gateway: options.gateway }), connsMax: connections,
    sendRing: ring, recvRing: ring, halfOpenMax: connections, timeWaitMax: connections, listenersMax: options.services.length,
    rangesMax: Math.max(8, 2 * connections), rxSlots: board.rxSlots, txSlots: board.txSlots, loopSlots: 0, reassemblyMax: 0, reassemblyBytes: 0,
    neighboursMax: 4, udpMax: 0, udpRing: 0, prefixBuckets: 0, synAckRetries: 3, halfOpenMs: 10_000, timeWaitMs: 20_000, finWait2Ms: 20_000,
  });
  const reserve = board.stack + 256 + 64;
  if (l.memory + reserve > board.ram) {
    throw new ToolError(`${name} has ${board.ram} bytes of RAM, this needs ${l.memory + reserve - board.ram} more; ask for fewer connections or smaller rings`);
  }
  headers(dir, name, board, { ...options, connections }, l);
  wasmToC(wasm, join(dir, "module.c"));
  const elf = join(dir, "firmware.elf"), runtime = join(BOARDS, "runtime");
  const sources = [join(runtime, "main.c"), ...(options.services.includes("http") ? [join(runtime, "pages.c")] : []),
    ...(options.bench ? [join(runtime, "bench.c")] : []), ...board.sources.map((s) => join(home, s))];
  const flags = [
    "-std=c11", "-Os", "-Wall", "-Wextra", "-Werror", "-ffunction-sections", "-fdata-sections", "-fno-common",
    "-D_GNU_SOURCE", `-I${dir}`, `-I${BOARDS}`, `-I${runtime}`, ...board.include.map((i) => `-I${join(home, i)}`), ...board.flags,
    ...(options.sanitize ? ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g"] : []),
  ];
  const link = ["-Wl,--gc-sections", `-Wl,-Map=${join(dir, "firmware.map")}`,
    ...(board.linkerScript === undefined ? [] : ["-T", join(home, board.linkerScript), `-L${home}`, `-Wl,--defsym=STACK_SIZE=${board.stack}`])];
  run(board.compiler, [...flags, ...sources, ...link, "-o", elf], home);
  if (board.linkerScript !== undefined) run(board.compiler.replace(/gcc$/, "objcopy"), ["-O", "binary", elf, join(dir, "firmware.bin")]);
  if (board.uf2 !== undefined) writeFileSync(join(dir, "firmware.uf2"), uf2(join(dir, "firmware.bin"), board.uf2));
  return { report: report(name, board, elf, l), elf, board, dir };
}

/** The CRC-32 of the RP2040's boot ROM (data sheet 2.8.1.3.1): not reflected, nothing inverted at the end. */
function bootCrc(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const b of bytes) {
    crc ^= b << 24;
    for (let i = 0; i < 8; i++) crc = crc & 0x80000000 ? (crc << 1) ^ 0x04c11db7 : crc << 1;
  }
  return crc >>> 0;
}

/** The image in UF2 blocks (github.com/microsoft/uf2), with the checksum of its second boot stage; the .bin gets it too. */
function uf2(bin: string, { address, family }: { address: number; family: number }): Buffer {
  const image = readFileSync(bin), stage = 252, payload = 256;
  image.writeUInt32LE(bootCrc(image.subarray(0, stage)), stage);
  writeFileSync(bin, image);
  const count = Math.ceil(image.length / payload);
  return Buffer.concat(Array.from({ length: count }, (_, i) => {
    const block = Buffer.alloc(512);
    [0x0a324655, 0x9e5d5157, 0x2000, address + i * payload, payload, i, count, family].forEach((word, at) => block.writeUInt32LE(word >>> 0, at * 4));
    image.copy(block, 32, i * payload, Math.min(image.length, (i + 1) * payload));
    block.writeUInt32LE(0x0ab16f30, 508);
    return block;
  }));
}

/** Flash by source file, largest first. Code that the compiler inlined counts where it went. */
function flashByFile(board: Board, elf: string): [string, number][] {
  // wasm2c writes a function of assembly/tcp/time-wait.ts as w2c_assembly_tcp_time_wait_NAME. The longest match is the file's.
  const sources = readdirSync("assembly", { recursive: true, encoding: "utf8" }).filter((f) => f.endsWith(".ts"))
    .map((f) => ({ path: `assembly/${f}`, mangled: `w2c_assembly_${f.slice(0, -3).replace(/[/-]/g, "_")}_` })).sort((a, b) => b.mangled.length - a.mangled.length);
  const bytes = new Map<string, number>();
  let known = 0;
  for (const line of run(board.compiler.replace(/gcc$/, "nm"), ["-S", elf]).split("\n")) {
    const [, size, type, name] = /^[0-9a-f]+ ([0-9a-f]+) ([tTrR]) (\S+)$/.exec(line) ?? [];
    if (name === undefined) continue;
    const file = name.startsWith("w2c_assembly") ? sources.find((s) => name.startsWith(s.mangled))?.path ?? "the module, elsewhere"
      : /^(stint_|data_segment)/.test(name) ? "the module's exports and data" : type!.toLowerCase() === "t" ? "C: driver, runtime, libc" : "C: constants, pages";
    bytes.set(file, (bytes.get(file) ?? 0) + parseInt(size!, 16));
    known += parseInt(size!, 16);
  }
  const list = [...bytes].sort((a, b) => b[1] - a[1]);
  return [...list, ["all of these", known]];
}

/** A socket that a program connects to, and whose frames go to a link and come from it. */
async function bridge(text: string, ip: string, ports: number[]): Promise<{ path: string; close: () => void }> {
  const dir = mkdtempSync(join(tmpdir(), "stint-board-")), path = join(dir, "link");
  const { prefix } = parseCidr(ip);
  const link = await openLink(text, { ip: ip.split("/")[0]!, prefix, gateway: undefined, ports });
  const server = createServer((socket) => {
    const inner = streamLink(socket, socket, () => socket.destroy());
    inner.onFrame = (frame) => link.send(frame);
    link.onFrame = (frame) => inner.send(frame);
    inner.onClose = () => {};
    socket.on("error", () => {});
  });
  server.listen(path);
  return { path, close: () => (server.close(), link.close(), rmSync(dir, { recursive: true, force: true })) };
}

async function boot(built: ReturnType<typeof buildBoard>, options: Options): Promise<number> {
  const { board, elf } = built, link = options.link;
  if (board.qemu === undefined && board.linkerScript !== undefined) throw new ToolError(`${board.title} is not emulated; flash build/boards/NAME/firmware.uf2 (boards/PORTING.md)`);
  if (link === undefined) throw new ToolError("--run needs --link, one of tap:NAME, stream:PATH or passt");
  let path: string | undefined, close = (): void => {};
  const native = board.qemu !== undefined && link.startsWith("tap:");
  if (link.startsWith("stream:")) path = resolve(link.slice(7));
  else if (!native) ({ path, close } = await bridge(link, options.ip, options.services.map((s) => PORTS[s])));
  let command: string[], env = process.env;
  if (board.qemu === undefined) {
    command = [elf];
    env = { ...env, STINT_STREAM: path! };
  } else {
    const netdev = native ? `tap,id=n0,ifname=${link.slice(4)},script=no,downscript=no` : `stream,id=n0,server=off,addr.type=unix,addr.path=${path}`;
    const net = ["-netdev", netdev, ...(board.nic!.startsWith("virtio") ? ["-device", `${board.nic},netdev=n0`] : ["-net", `nic,netdev=n0,model=${board.nic}`])];
    command = [...board.qemu, "-nographic", "-monitor", "none", "-serial", "stdio", "-semihosting-config", "enable=on,target=native", ...net, "-kernel", elf];
  }
  if (findProgram(command[0]!) === undefined && !existsSync(command[0]!)) throw new ToolError(`${command[0]} is missing; apt-get install ${DEBIAN[command[0]!]}`);
  const child = spawn(command[0]!, command.slice(1), { stdio: ["ignore", "inherit", "inherit"], env });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => child.kill("SIGTERM"));
  const status = await new Promise<number>((done) => child.once("exit", (code, signal) => done(code ?? (signal === "SIGTERM" ? 0 : 1))));
  close();
  return status;
}

/** Instructions per work, as QEMU counts them: repeatable to the last one. Guarded by boards/instructions.json. */
export function countInstructions(name: string, options: Pick<Options, "unchecked">): Record<string, number> {
  const dir = mkdtempSync(join(tmpdir(), "stint-bench-"));
  const built = buildBoard(name, { ...options, bench: true, debug: true, seed: 1, ip: "10.0.0.2/24", services: ["echo", "discard"], out: dir });
  const { board } = built;
  if (board.qemu === undefined || board.nsPerTick === undefined) throw new ToolError(`${name} has no counter of instructions`);
  // An instruction takes 2^6 ns of virtual time, and the board counts ticks of that.
  const out = run(board.qemu[0]!, [...board.qemu.slice(1), "-icount", "shift=6", "-nographic", "-monitor", "none", "-serial", "stdio",
    "-semihosting-config", "enable=on,target=native", "-kernel", built.elf]);
  rmSync(dir, { recursive: true });
  const counts: Record<string, number> = {};
  for (const [, what, ticks, n] of out.matchAll(/^bench (\w+) (\d+) (\d+)/gm)) counts[what!] = Math.round((Number(ticks) * board.nsPerTick) / 64 / Number(n));
  return counts;
}

const INSTRUCTIONS = "boards/instructions.json";
/** More than that over the committed figure is a mistake, or a decision (--write). */
const GROWTH_MAX = 1.03;

function bench(name: string, write: boolean): boolean {
  const checked = countInstructions(name, {}), unchecked = countInstructions(name, { unchecked: true });
  const table = existsSync(INSTRUCTIONS) ? JSON.parse(readFileSync(INSTRUCTIONS, "utf8")) as Record<string, Record<string, number>> : {};
  let ok = true;
  console.log(`${name}: instructions for`.padEnd(36) + "now  committed  without bounds checks");
  for (const [what, n] of Object.entries(checked)) {
    const had = table[name]?.[what];
    const grown = had !== undefined && n > had * GROWTH_MAX;
    if (grown && !write) ok = false;
    const label = { handshake: "a handshake (SYN, SYN-ACK, ACK)", received: "a segment of 1460 bytes received", sent: "a segment of 1460 bytes sent" }[what] ?? what;
    console.log(`  ${label.padEnd(32)} ${String(n).padStart(6)} ${String(had ?? "–").padStart(9)}  ${(n / unchecked[what]!).toFixed(2)} × of ${unchecked[what]}${grown ? "  GREW" : ""}`);
  }
  if (write) {
    table[name] = checked;
    writeFileSync(INSTRUCTIONS, `${JSON.stringify(table, null, 2)}\n`);
  }
  return ok && Object.keys(checked).length === 3;
}

function parseServices(text: string): ServiceName[] {
  const list = text.split(",");
  for (const s of list) if (!(s in SERVICES)) throw new InvalidArgumentError(`"${s}" is no service; there are ${Object.keys(SERVICES).join(", ")}.`);
  return [...new Set(list)] as ServiceName[];
}

async function main(): Promise<void> {
  const program = new Command("npm run board --");
  program
    .description("firmware for a board, from the module")
    .argument("<name>", `one of ${boardNames().join(", ")}`)
    .option("--release", "for the field (the default)")
    .option("--debug", "with faults on demand (/debug/corrupt, /debug/overflow, /debug/hang over HTTP)")
    .option("--seed <n>", "with --debug: a fixed seed in place of entropy, to replay a run", parseCount)
    .option("--ip <a.b.c.d/n>", "own address and prefix", cidr, "10.0.0.2/24")
    .option("--gateway <a.b.c.d>", "default router")
    .option("--services <list>", "echo, discard, chargen, http", parseServices, ["echo", "discard", "chargen", "http"])
    .option("--connections <n>", "connections at a time", parseCount)
    .option("--ring <bytes>", "send and receive ring of each connection", parseCount)
    .option("--bench", "count instructions in QEMU, with and without bounds checks, and compare them with boards/instructions.json")
    .option("--write", "with --bench: make the counts the committed ones")
    .option("--sanitize", "posix alone: with the address and undefined behaviour sanitizers")
    .option("--map", "show where the flash goes, by source file")
    .option("--json", "print one JSON object")
    .option("--run", "boot it in QEMU, or run it here (posix)")
    .option("--link <link>", "with --run: tap:NAME, stream:PATH or passt")
    .option("--out <dir>", "where the build goes; by default build/boards/NAME")
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(`board: ${text.replace(/^error: /, "")}`) });
  try {
    program.parse();
    const options = program.opts<Options>(), name = program.args[0]!;
    if (options.release && options.debug) throw new ToolError("--release and --debug exclude each other");
    if (options.seed !== undefined && !options.debug) throw new ToolError("a fixed seed makes a stack that anybody can predict: --seed needs --debug");
    if (options.bench) {
      if (!bench(name, options.write ?? false)) process.exitCode = 1;
      return;
    }
    const built = buildBoard(name, options), { report } = built;
    if (options.json) console.log(JSON.stringify(report));
    else if (!options.run) {
      console.log(`${name} (${built.board.title}): ${options.services.join(", ")}; ${options.connections ?? built.board.connections} connections`);
      console.log(`  flash            ${String(report.flash_bytes).padStart(8)} bytes`);
      console.log(`  RAM              ${String(report.ram_bytes).padStart(8)} bytes, of which`);
      console.log(`    linear memory  ${String(report.linear_bytes).padStart(8)}`);
      console.log(`    C stack        ${String(report.stack_bytes).padStart(8)}`);
      console.log(`  a connection     ${String(report.bytes_per_connection).padStart(8)} bytes`);
      if (options.map) for (const [file, n] of flashByFile(built.board, built.elf)) console.log(`    ${file.padEnd(40)} ${String(n).padStart(6)}`);
      console.log(`in ${built.elf}`);
    }
    if (options.run) process.exitCode = await boot(built, options);
  } catch (e) {
    if (e instanceof CommanderError) process.exitCode = e.exitCode === 0 ? 0 : 2;
    else if (e instanceof ToolError || e instanceof LinkError || e instanceof RangeError) {
      console.error(`board: ${e.message}`);
      process.exitCode = 2;
    } else throw e;
  }
}

if (process.argv[1]?.endsWith("board.ts")) await main();
