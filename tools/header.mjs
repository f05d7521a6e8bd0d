// `node tools/header.mjs`: include/stint.h, from the exports of assembly/index.ts and the tables that they use. A test holds the two together.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const source = (path) => readFileSync(path, "utf8");
export const C = { i32: "int32_t", u32: "uint32_t", i64: "int64_t", u64: "uint64_t", usize: "void *", Err: "int32_t", bool: "int32_t", void: "void" };

/** Members of a const enum: [name, value, comment]. */
function members(path, name) {
  const body = new RegExp(`enum ${name} \\{([\\s\\S]*?)\\n?\\}`).exec(source(path))[1];
  const out = [];
  let comment = "", next = 0;
  for (const [, doc, member, value] of body.matchAll(/\/\*\*([\s\S]*?)\*\/|(\w+)(?:\s*=\s*([^,\n]+))?\s*(?:,|$)/gm)) {
    if (doc !== undefined) {
      comment = flat(doc);
      continue;
    }
    if (value !== undefined) next = Number(new Function(`return ${value}`)());
    out.push([member, next++, comment]);
    comment = "";
  }
  return out;
}

const flat = (doc) => doc.replace(/\n\s*\* ?/g, " ").trim();

/** Functions that a module exports: { name, doc, parameters, result }. */
export function functions() {
  const out = [];
  for (const path of ["assembly/index.ts", "assembly/api/udp.ts"]) {
    for (const [, doc, name, list, result] of source(path).matchAll(/(?:\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\n)?export function (\w+)\(([^)]*)\): (\w+)/g)) {
      if (path.includes("udp") && !name.startsWith("udp_")) continue;
      out.push({ name, doc: doc ? flat(doc) : "", parameters: list.split(",").filter(Boolean).map((p) => p.trim().split(": ")), result });
    }
  }
  return out;
}

export const cName = (name) => (/^(tcp|udp)_/.test(name) ? name : `stint_${name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`)}`);

export function header() {
  const lines = [
    "/*", " * stint: a TCP/IP stack as a part of your WebAssembly module. Made by tools/header.mjs from assembly/index.ts.", " *",
    " * Addresses and ports are in host order (10.0.0.2 is 0x0a000002). Times are in the unit that a name or comment says. A handle is above 0;", " * a result below 0 is an error (STINT_ERR_…). Memory that a call is given stays yours; memory whose address a call returns is the stack's, and",
    " * yours to read or write until the next call for that connection. No call may be made from two threads at once.", " *", " * Link with: stint link app.wasm -o out.wasm. Or natively with libstint.a (npm run native): the stack's memory is then its own, and the arena that a", " * configuration names is ignored.", " */",
    "#ifndef STINT_H", "#define STINT_H", "", "#include <stdint.h>", "", "#ifdef __cplusplus", 'extern "C" {', "#endif", "",
    "#ifdef __wasm__", '#define STINT_IMPORT(name) __attribute__((import_module("stint"), import_name(name)))', "#else", "#define STINT_IMPORT(name)", "#endif", "",
  ];
  const table = (title, prefix, list) => {
    lines.push(`/* ${title} */`, "enum {", ...list.flatMap(([name, value, doc]) => [...(doc ? [`  /* ${doc} */`] : []), `  ${prefix}${name} = ${value},`]), "};", "");
  };
  table("Errors: what calls return below 0.", "STINT_ERR_", members("assembly/core/error.ts", "Err").filter(([, v]) => v < 0));
  table("Events: bits in the lower half of stint_event_next.", "STINT_EVENT_", members("assembly/core/events.ts", "Event"));
  table("States, as stint_flow_state has them.", "STINT_STATE_", members("assembly/tcp/state.ts", "State"));
  table("Options of tcp_set.", "STINT_OPTION_", members("assembly/api/tcp.ts", "TcpOption"));
  table("Bits of stint_config.policy.", "STINT_POLICY_", members("assembly/config.ts", "Policy"));
  table("Values of stint_config.cookies.", "STINT_COOKIES_", members("assembly/config.ts", "Cookies"));
  const body = /class Config \{([\s\S]*?)\n\}/.exec(source("assembly/config.ts"))[1];
  lines.push("/* What stint_init is given. `init` checks it, and wipes its entropy. */", "struct stint_config {");
  for (const [, doc, name, type] of body.matchAll(/\/\*\*([\s\S]*?)\*\/|^ {2}(\w+): (u32|u64);/gm)) {
    if (doc !== undefined) lines.push(`  /* ${flat(doc)} */`);
    else lines.push(`  ${C[type]} ${name};`);
  }
  lines.push("};", "");
  for (const f of functions()) {
    const parameters = f.parameters.map(([name, type]) => (f.name === "init" || f.name === "layoutSize" ? "struct stint_config *config" : `${C[type]}${C[type].endsWith("*") ? "" : " "}${name}`)).join(", ") || "void";
    if (f.doc) lines.push(`/* ${f.doc} */`);
    const result = f.name === "configBlock" ? "struct stint_config *" : C[f.result];
    lines.push(`STINT_IMPORT("${f.name}") ${result}${result.endsWith("*") ? "" : " "}${cName(f.name)}(${parameters});`, "");
  }
  lines.push(
    "/*", " * A ring of frame slots; two of them lie behind stint_control_block: to the stack, from the stack. The producer writes a frame STINT_FRAME_OFFSET bytes", " * into slot tail & mask, its length to lengths, and adds 1 to tail; the consumer adds 1 to head. Addresses are the stack's: stint_at gives the pointer.", " */",
    "struct stint_ring {", "  uint32_t head, tail, mask, slots, stride, lengths;", "};", "#define STINT_FRAME_OFFSET 2u", "",
    "#ifdef __wasm__", "static inline void *stint_at(uint32_t address) {", "  return (void *)(uintptr_t)address;", "}", "#else", "void *stint_at(uint32_t address);", "#endif", "",
    "/*", " * What an application is, for the ready-made hosts (stint run, firmware, wasmtime): two functions.", " *", " * app_start: the host has filled in addresses, MTU and entropy, and the library's defaults for the rest; the application sets sizes and its arena,",
    " * calls stint_init, listens, and returns 0 or an error. app_run: called after every poll; returns not 0 when another poll may have something to send.", " */",
    '#ifdef __wasm__', '#define STINT_APP(name) __attribute__((export_name(name)))', "#else", "#define STINT_APP(name)", "#endif",
    'STINT_APP("app_start") int32_t app_start(struct stint_config *config);', 'STINT_APP("app_run") int32_t app_run(void);', "", "#ifdef __cplusplus", "}", "#endif", "", "#endif", "");
  return lines.join("\n");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync("include/stint.h", header());
  console.log("include/stint.h is made");
}
