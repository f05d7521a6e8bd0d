// node examples/mqtt-tls/build.mjs BOARD …: firmware of this example for a Cortex-M board, from stint.c, Mbed TLS, and
// the addresses and certificates that are given. It prints what that takes. README.md has the options.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { isIPv4 } from "node:net";
import { availableParallelism } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";

const HERE = dirname(fileURLToPath(import.meta.url)), ROOT = resolve(HERE, "../.."), BOARDS = join(ROOT, "boards");
const OWN = ["main.c", "mqtt.c", "link.c", "clock.c", "console.c"].map((file) => join(HERE, file));
/** Bytes that the stack, TLS and calls of C have on a board, and the stack's numbers (stint_config.h). */
const ROOM = {
  "mps2-an385": { memory: 28_672, heap: 20_480, calls: 8_192, numbers: [] },
  lm3s6965evb: { memory: 17_920, heap: 20_480, calls: 4_096, numbers: ["RX_SLOTS=2", "TX_SLOTS=1"] },
};
const NUMBERS = [
  "CONNS_MAX=2", "HALF_OPEN_MAX=1", "TIME_WAIT_MAX=2", "LISTENERS_MAX=0", "UDP_MAX=1", "UDP_RING=256", "RANGES_MAX=8",
  "PREFIX_BUCKETS=0", "SCRATCH=256u", "OVERHEAD=2048u",
];
const WARNINGS = ["-Wall", "-Wextra", "-Werror"];

class Fault extends Error {}

/** Runs a tool to its end. Returns what it printed. */
async function run(program, args, cwd = ROOT) {
  try {
    return (await promisify(execFile)(program, args, { cwd, maxBuffer: 1 << 26 })).stdout;
  } catch (e) {
    throw new Fault(e.code === "ENOENT" ? `${program} is missing` : `${program} failed:\n${e.stdout}${e.stderr}`);
  }
}

const options = {
  stint: { type: "string", default: "build/stint-c" }, mbedtls: { type: "string" },
  out: { type: "string", default: "build/mqtt-tls/firmware" }, objects: { type: "string", default: "build/mqtt-tls" },
  ip: { type: "string" }, gateway: { type: "string", default: "0.0.0.0" }, id: { type: "string", default: "lamp" },
  broker: { type: "string" }, port: { type: "string", default: "8883" }, name: { type: "string" },
  time: { type: "string" }, "time-port": { type: "string", default: "123" },
  authority: { type: "string" }, certificate: { type: "string" }, key: { type: "string" },
  measure: { type: "boolean", default: false },
};

function asked() {
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const [board] = positionals;
  const lacking = Object.keys(options).filter((name) => values[name] === undefined);
  if (positionals.length !== 1 || ROOM[board] === undefined)
    throw new Fault(`which board? There are ${Object.keys(ROOM).join(" and ")}`);
  if (lacking.length > 0) throw new Fault(`${lacking.map((name) => `--${name}`).join(", ")} is missing`);
  return { ...values, board, out: resolve(values.out) };
}

/** An address of IPv4 as a number of C. */
function address(text) {
  if (!isIPv4(text)) throw new Fault(`${text} is no address of IPv4`);
  return `0x${text.split(".").map((n) => Number(n).toString(16).padStart(2, "0")).join("")}u`;
}

function number(text, most) {
  if (!/^\d+$/.test(text) || Number(text) > most) throw new Fault(`${text} is no number from 0 to ${most}`);
  return Number(text);
}

/** What names of hosts and devices have in them. */
function word(text) {
  if (!/^[\w.-]{1,64}$/.test(text)) throw new Fault(`${text} is no name`);
  return `"${text}"`;
}

/** The first certificate, or key, of a file: its DER as an array of C. */
function der(path, kind) {
  const block = new RegExp(`-----BEGIN [A-Z ]*${kind}-----\n([\\s\\S]*?)-----END`);
  const [, text] = block.exec(readFileSync(path, "utf8")) ?? [];
  if (text === undefined || text.includes(":")) throw new Fault(`${path} has no ${kind.toLowerCase()} in the open`);
  return `{${[...Buffer.from(text, "base64")].join(", ")}}`;
}

/** settings.h: all that differs from device to device. */
function settings(asked) {
  const { memory, heap } = ROOM[asked.board], [ip, prefix = "24"] = asked.ip.split("/");
  // One that nobody sells, made from the address.
  const mac = [2, 0, ...ip.split(".").map(Number)];
  const defines = {
    ID: word(asked.id), NAME: word(asked.name), IP: address(ip), PREFIX: number(prefix, 32),
    GATEWAY: address(asked.gateway), BROKER_IP: address(asked.broker), BROKER_PORT: number(asked.port, 65_535),
    TIME_IP: address(asked.time), TIME_PORT: number(asked["time-port"], 65_535), STACK_BYTES: memory, HEAP_BYTES: heap,
    MAC: `{${mac.join(", ")}}`, MAC_HIGH: `${Buffer.from(mac).readUInt32BE(0)}u`, MAC_LOW: mac[4] * 256 + mac[5],
  };
  const bytes = { authority: "CERTIFICATE", certificate: "CERTIFICATE", key: "PRIVATE KEY" };
  return [
    "/* Made by build.mjs. */", "#include <stdint.h>", "#define UNUSED __attribute__((unused))",
    ...Object.entries(defines).map(([name, value]) => `#define SETTING_${name} ${value}`),
    ...Object.entries(bytes).map(([name, kind]) =>
      `static const uint8_t setting_${name}[] UNUSED = ${der(asked[name], kind)};`),
    "",
  ].join("\n");
}

/** Compiles files to objects in a folder, as many at a time as there are processors; those that are there stay. */
async function objects(compiler, flags, files, folder) {
  mkdirSync(folder, { recursive: true });
  const queue = [...files], at = (file) => join(folder, `${basename(file, ".c")}.o`);
  await Promise.all(Array.from({ length: availableParallelism() }, async () => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
      if (existsSync(at(file))) continue;
      const making = `${at(file)}.${process.pid}`;
      await run(compiler, [...flags, "-c", file, "-o", making]);
      renameSync(making, at(file));
    }
  }));
  return files.map(at);
}

/** What does not differ from device to device: it is compiled once. */
async function library({ compiler }, flags, { mbedtls, stint, objects: at }) {
  const from = join(resolve(mbedtls), "library"), src = join(resolve(stint), "src");
  if (!existsSync(from)) throw new Fault(`${mbedtls} is no source of Mbed TLS`);
  if (!existsSync(src)) throw new Fault(`${stint} is not there; npm run build && npm run amalgamate`);
  const files = [...readdirSync(from).filter((f) => f.endsWith(".c")).map((f) => join(from, f)),
    join(src, "stint.c"), join(src, "stint_port.c")];
  // Wherever these lie, they become the same.
  const hash = createHash("sha256").update(flags.filter((flag) => !flag.startsWith("-I")).join());
  const configured = ["tls-config.h", "../https-get/tls-config.h", "trap.h"].map((file) => join(HERE, file));
  const version = join(resolve(mbedtls), "include", "mbedtls", "build_info.h");
  for (const file of [...configured, version, join(src, "stint.c")]) hash.update(readFileSync(file));
  return objects(compiler, [...flags, "-w"], files, join(resolve(at), `objects-${hash.digest("hex").slice(0, 16)}`));
}

async function main() {
  const wanted = asked(), { board: name, out } = wanted, home = join(BOARDS, name), room = ROOM[name];
  const board = JSON.parse(readFileSync(join(home, "board.json"), "utf8"));
  const flags = [
    "-std=gnu11", "-Os", "-ffunction-sections", "-fdata-sections", "-fno-common", ...board.flags,
    ...[...NUMBERS, ...room.numbers].map((n) => `-DSTINT_${n}`), ...(wanted.measure ? ["-DMEASURE"] : []),
    "-include", join(HERE, "trap.h"), '-DMBEDTLS_CONFIG_FILE="tls-config.h"',
    ...[HERE, join(resolve(wanted.mbedtls), "include"), join(resolve(wanted.stint), "src"), BOARDS,
      join(BOARDS, "runtime")].map((folder) => `-I${folder}`),
  ];
  const below = await library(board, flags, wanted);
  mkdirSync(out, { recursive: true });
  writeFileSync(join(out, "settings.h"), settings(wanted));
  const sources = [...OWN, ...board.sources.map((file) => join(home, file))], elf = join(out, "firmware.elf");
  await run(board.compiler, [
    ...flags, ...WARNINGS, `-I${out}`, ...board.include.map((i) => `-I${join(home, i)}`), ...sources, ...below,
    "-Wl,--gc-sections", `-Wl,-Map=${join(out, "firmware.map")}`, "-T", join(home, board.linkerScript), `-L${home}`,
    `-Wl,--defsym=STACK_SIZE=${room.calls}`, `-Wl,--defsym=MEMORY_AT=${board.memoryAt}`, "-Wl,--defsym=MEMORY_SIZE=0",
    "-o", elf,
  ], home);
  const sections = await run(board.compiler.replace(/gcc$/, "size"), ["-A", elf]);
  const sum = (names) => [...sections.matchAll(/^(\.\S+) +(\d+)/gm)]
    .reduce((n, [, section, size]) => n + (names.includes(section) ? Number(size) : 0), 0);
  const flash = sum([".text", ".ARM.exidx", ".data"]), ram = sum([".linear", ".stack", ".data", ".bss"]);
  console.log(`flash ${flash} bytes, RAM ${ram}`);
  console.log(`${board.qemu.join(" ")} -nographic -semihosting-config enable=on,target=native `
    + `-nic user,model=${board.nic} -kernel ${elf}`);
}

try {
  await main();
} catch (e) {
  if (!(e instanceof Fault) && !e.code?.startsWith("ERR_PARSE_ARGS") && e.code !== "ENOENT") throw e;
  console.error(`build: ${e.message}`);
  process.exitCode = 1;
}
