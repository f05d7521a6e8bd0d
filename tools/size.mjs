// `npm run size`: the budget, and what has changed since the committed baseline (tools/size.json). `--write` sets a new
// baseline. `--features` compiles the small builds with each feature that they leave out, and prints what it takes
// (docs/design/size.md); that takes minutes.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import binaryen from "binaryen";
import { configNumbers } from "../host/config.js";
import { CONFIG_FIELDS, CONFIG_SIZE, ENTROPY_AT, ENTROPY_SIZE } from "../host/module/layout.js";
import { record } from "./border/read.mjs";
import { compile, SMALL } from "./wasm.mjs";

const KB = 1024;
const BASELINE = new URL("size.json", import.meta.url);

/** The configuration that has to fit into 24 KiB: 4 connections with 1 MSS of ring each way and 2 + 2 frame slots. */
export const SMALL_CONFIGURATION = {
  connsMax: 4, halfOpenMax: 8, timeWaitMax: 8, listenersMax: 2, sendRing: 1460, recvRing: 1460, rangesMax: 16,
  rxSlots: 2, txSlots: 2, loopSlots: 0, reassemblyMax: 0, reassemblyBytes: 0, neighboursMax: 4, udpMax: 0, udpRing: 0,
  mtu: 1500,
};

/** Bytes of arena that a configuration takes in an instance, which has it in its block afterwards. */
function arenaBytes(x, numbers) {
  const all = { ...configNumbers({ ip: "10.0.0.1/24" }), ...numbers, size: CONFIG_SIZE };
  const view = new DataView(x.memory.buffer, x.configBlock());
  CONFIG_FIELDS.forEach((field, i) => view.setUint32(i * 4, all[field], true));
  crypto.getRandomValues(new Uint8Array(x.memory.buffer, x.configBlock() + ENTROPY_AT, ENTROPY_SIZE));
  return Number(x.layoutSize(x.configBlock()));
}

/**
 * Bytes of arena for one record more, with its tables and without rings. Of so many the hash table has most room for
 * each.
 */
function bytesEach(module, field) {
  const x = new WebAssembly.Instance(module).exports, most = 4096, least = SMALL_CONFIGURATION[field];
  const bytes = (n) => arenaBytes(x, { ...SMALL_CONFIGURATION, sendersMax: 0, [field]: n });
  const rings = field === "connsMax" ? SMALL_CONFIGURATION.sendRing + SMALL_CONFIGURATION.recvRing : 0;
  return Math.round((bytes(most) - bytes(least)) / (most - least)) - rings;
}

/**
 * Bytes of linear memory that a configuration takes: the module's own data, then the arena, which begins with the
 * configuration.
 */
function linearBytes(module, numbers) {
  const x = new WebAssembly.Instance(module).exports, arena = arenaBytes(x, numbers);
  if (x.init(x.configBlock()) !== 0) throw new Error("the small configuration is refused");
  return x.controlBlock() - CONFIG_SIZE + arena;
}

/** Places in the code that grow the memory. */
function growers(bytes) {
  return (binaryen.readBinary(bytes).emitText().match(/memory\.grow/g) ?? []).length;
}

/** The rows of the budget: { name, value, limit, ok }. */
export function budget() {
  const bytes = readFileSync("build/stint.wasm");
  const module = new WebAssembly.Module(bytes), with6 = new WebAssembly.Module(readFileSync("build/stint6.wasm"));
  const tcb = record("assembly/tcp/block/tcb.ts", "Tcb").size;
  const rows = [
    ["stint.wasm, bytes", bytes.length, 32 * KB],
    ["stint6.wasm, bytes", readFileSync("build/stint6.wasm").length, 48 * KB],
    ["imports", WebAssembly.Module.imports(module).length, 0],
    ["places that grow the memory (init has one)", growers(bytes), 1],
    ["a TCB, bytes (checked by the compiler)", tcb, 256],
    [
      "4 connections, 1 MSS of ring each way, 2 + 2 slots: data and arena, bytes",
      linearBytes(module, SMALL_CONFIGURATION), 24 * KB,
    ],
    ["a connection with its tables, without its rings, bytes", bytesEach(module, "connsMax"), 256 + 48],
    ["the same with IPv6, bytes", bytesEach(with6, "connsMax"), 256 + 96],
    ["a half-open connection with its tables, bytes", bytesEach(module, "halfOpenMax"), 32 + 36],
    ["the same half-open connection with IPv6, bytes", bytesEach(with6, "halfOpenMax"), 32 + 84],
  ];
  return rows.map(judged);
}

function judged([name, value, limit]) {
  return { name, value, limit, ok: value <= limit };
}

/** What the smallest board takes, if its compiler is here. */
async function firmware() {
  const { findProgram } = await import("../host/programs.js");
  const missing = ["arm-none-eabi-gcc"].filter((p) => findProgram(p) === undefined);
  if (missing.length > 0) {
    console.log(`firmware: not measured, ${missing.join(" and ")} missing (boards/README.md)`);
    return [];
  }
  const { buildFirmware } = await import("./board/firmware.js");
  const out = mkdtempSync(join(tmpdir(), "stint-size-"));
  const rows = [];
  for (const connections of [8, 4]) {
    const { report } = buildFirmware("lm3s6965evb", { ip: "10.0.0.2/24", services: ["echo"], connections, out });
    const name = `lm3s6965evb, echo, ${connections} connections:`;
    rows.push([`${name} flash, bytes`, report.flash_bytes, 40 * KB]);
    rows.push([`${name} RAM with C stack and driver, bytes`, report.ram_bytes, (connections === 8 ? 40 : 24) * KB]);
  }
  const { report } = buildFirmware("lm3s6965evb", { mac: "02:00:00:00:00:01", services: ["echo"], out });
  const name = "lm3s6965evb, echo, 8 connections, an address from the network:";
  rows.push([`${name} flash, bytes`, report.flash_bytes, 48 * KB]);
  rows.push([`${name} RAM with C stack and driver, bytes`, report.ram_bytes, 40 * KB]);
  rmSync(out, { recursive: true });
  return rows.map(judged);
}

/** What gives way to the bounds in a small build: features that go together, and the build they are missing from. */
const LEFT_OUT = [
  ["index", "stint", ["REASSEMBLY"]], ["index", "stint", ["LOOPBACK"]], ["index", "stint", ["BOUNDED"]],
  ["index", "stint", ["POLICIES", "BLACK_HOLES", "WAITING"]], ["index", "stint", ["LINK_CHANGES"]],
  ["dual", "stint6", ["REDIRECTS"]],
];

/** Prints how many bytes more a small build takes with each of them. */
function features() {
  const folder = mkdtempSync(join(tmpdir(), "stint-features-")), config = join(folder, "asconfig.json");
  const { targets } = JSON.parse(readFileSync("asconfig.json", "utf8"));
  for (const [entry, target, names] of LEFT_OUT) {
    const use = targets[target].use.filter((u) => !names.some((name) => u === `STINT_NO_${name}=NaN`));
    writeFileSync(config, JSON.stringify({ targets: { [target]: { ...targets[target], use } } }));
    const out = join(folder, "with.wasm");
    compile(`assembly/${entry}.ts`, target, out, SMALL, { config });
    const more = readFileSync(out).length - readFileSync(`build/${target}.wasm`).length;
    console.log(`${String(more).padStart(6)}  ${names.join(", ")} in ${target}.wasm`);
  }
  rmSync(folder, { recursive: true });
}

if (process.argv.includes("--features") && process.argv[1]?.endsWith("size.mjs")) {
  features();
} else if (process.argv[1]?.endsWith("size.mjs")) {
  const rows = [...budget(), ...await firmware()];
  let baseline = {};
  try {
    baseline = JSON.parse(readFileSync(BASELINE, "utf8"));
  } catch { /* the first one */ }
  for (const { name, value, limit, ok } of rows) {
    const delta = name in baseline ? value - baseline[name] : 0;
    console.log(
      `${ok ? "ok " : "OVER"} ${String(value).padStart(8)} of ${String(limit).padStart(8)}  `
        + `${delta === 0 ? "       " : `(${delta > 0 ? "+" : ""}${delta})`.padStart(7)}  ${name}`,
    );
  }
  if (process.argv.includes("--write"))
    writeFileSync(BASELINE, `${JSON.stringify(Object.fromEntries(rows.map((r) => [r.name, r.value])), null, 2)}\n`);
  process.exitCode = rows.every((r) => r.ok) ? 0 : 1;
}
