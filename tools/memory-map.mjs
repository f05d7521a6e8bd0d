// `npm run map [-- --check]`: docs/memory.svg, the arena of one configuration, as the module itself lays it out: it is
// compiled with the names of its functions, and `take` (assembly/core/layout.ts) tells who took what. With `--check` it
// says whether the picture is as it would be made, and exits with 1 if not.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import binaryen from "binaryen";
import ts from "typescript";
import { configNumbers } from "../host/config.js";
import { CONFIG_FIELDS, CONFIG_SIZE, ENTROPY_AT, ENTROPY_SIZE } from "../host/module/layout.js";
import { SMALL_CONFIGURATION } from "./size.mjs";
import { compile } from "./wasm.mjs";

const PICTURE = "docs/memory.svg";

/** What the picture calls the parts of `plan`, in its order. */
const PARTS = {
  plan: "configuration, control block, clock", clockInit: "configuration, control block, clock",
  countersInit: "counters", eventsInit: "events, handles",
  heapInit: "deadlines", rangesInit: "ranges", slotsInit: "frame slots: to the stack, from the stack",
  neighboursInit: "neighbours", arpInputInit: "neighbours",
  wayInit: "a frame that waits for its neighbour", ipOutputInit: "a frame that waits for its neighbour",
  icmpErrorsInit: "a frame that waits for its neighbour",
  udpInit: "UDP sockets with their rings", demuxInit: "hash table of all connections", isnInit: "keys, rates of SYNs",
  synCookieInit: "keys, rates of SYNs", synRateInit: "keys, rates of SYNs", listenersInit: "listeners",
  halfOpenInit: "half-open records", timeWaitInit: "TIME-WAIT records", tcbsInit: "TCBs with their rings",
  sendersInit: "TCBs with their rings",
};

/** The functions that `plan` calls, in its order: those of the parts. */
function planned() {
  const path = "assembly/stack.ts";
  const source = ts.createSourceFile(path, readFileSync(path, "utf8"), ts.ScriptTarget.Latest, true);
  const plan = source.statements.find((s) => ts.isFunctionDeclaration(s) && s.name.text === "plan");
  const calls = [];
  const visit = (node) => {
    if (ts.isCallExpression(node) && /Init$/.test(node.expression.getText())) calls.push(node.expression.getText());
    ts.forEachChild(node, visit);
  };
  visit(plan);
  return new Set(calls);
}

/** The small module in which `plan`, and each part that it calls, says that it begins, and `take` what it takes. */
function tracing(bytes) {
  const module = binaryen.readBinary(bytes), inits = planned(), names = [];
  module.addFunctionImport("begin", "trace", "begin", binaryen.none, binaryen.none);
  module.addFunctionImport("part", "trace", "part", binaryen.i32, binaryen.none);
  module.addFunctionImport("took", "trace", "took", binaryen.createType([binaryen.i32, binaryen.i32]), binaryen.none);
  const get = (i) => module.local.get(i, binaryen.i32);
  // What is made anew goes to the end of the list.
  const functions = Array.from({ length: module.getNumFunctions() }, (_, i) => module.getFunctionByIndex(i));
  for (const { name, body, params, results, vars } of functions.map(binaryen.getFunctionInfo)) {
    const own = name.split("/").at(-1);
    let told;
    if (name === "assembly/core/layout/layoutBegin") told = module.call("begin", [], binaryen.none);
    else if (name === "assembly/core/layout/take") told = module.call("took", [get(0), get(1)], binaryen.none);
    else if (inits.has(own)) told = module.call("part", [module.i32.const(names.push(own) - 1)], binaryen.none);
    else continue;
    module.removeFunction(name);
    module.addFunction(name, params, results, vars, module.block(null, [told, body], results));
  }
  return { module: new WebAssembly.Module(module.emitBinary()), names };
}

/** The arena: [{ name, at, size }], one for each part that takes anything, and its size. */
function arena() {
  const folder = mkdtempSync(join(tmpdir(), "stint-map-"));
  try {
    const out = join(folder, "stint.wasm");
    compile("assembly/index.ts", "stint", out, ["-O0"], { names: true, plain: true });
    return traced(tracing(readFileSync(out)));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function traced({ module, names }) {
  let parts = [], part = "plan", at = 0;
  const x = new WebAssembly.Instance(module, { trace: {
    // It is laid out again, to be what it was.
    begin: () => ([parts, part, at] = [[], "plan", 0]),
    part: (i) => (part = names[i]),
    took: (count, size) => {
      at = (at + 7) & ~7;
      if (parts.at(-1)?.name !== part) parts.push({ name: part, at, size: 0 });
      at += count * size;
      parts.at(-1).size = at - parts.at(-1).at;
    },
  } }).exports;
  const all = { ...configNumbers({ ip: "10.0.0.1/24" }), ...SMALL_CONFIGURATION, size: CONFIG_SIZE };
  const view = new DataView(x.memory.buffer, x.configBlock());
  CONFIG_FIELDS.forEach((field, i) => view.setUint32(i * 4, all[field], true));
  for (let i = 0; i < ENTROPY_SIZE; i++) view.setUint8(ENTROPY_AT + i, 7 * i * i);
  const size = Number(x.layoutSize(x.configBlock()));
  if (at !== size) throw new Error(`take has told of ${at} bytes, and layoutSize of ${size}`);
  return { parts: parts.filter((p) => p.size > 0), size };
}

/** Neighbours in `plan` that have one name in the picture are one part of it. */
function named(parts) {
  const all = [];
  for (const { name, at, size } of parts) {
    const text = PARTS[name];
    if (text === undefined) throw new Error(`tools/memory-map.mjs: what does ${name} take ${size} bytes for?`);
    if (all.at(-1)?.text === text) all.at(-1).size = at + size - all.at(-1).at;
    else all.push({ text, at, size });
  }
  return all;
}

const number = (n) => n.toLocaleString("en-US");

/** The picture: a bar whose parts are as high as they are large, but high enough for a line of text. */
export function picture() {
  const { parts, size } = arena();
  const LINE = 20, BAR = 420, TOP = 64, LEFT = 70, WIDTH = 150;
  const style = 'font-family="sans-serif" font-size="13"';
  let y = TOP;
  const rows = named(parts).map((part, i) => {
    const height = LINE + Math.round((part.size / size) * BAR), middle = y + height / 2 + 4;
    const fill = i % 2 ? "#dce6f4" : "#b9cde8";
    const row = `
<rect x="${LEFT}" y="${y}" width="${WIDTH}" height="${height}" fill="${fill}" stroke="#54647d"/>
<text x="${LEFT - 8}" y="${y + 5}" text-anchor="end" ${style} fill="#54555a">${number(part.at)}</text>
<text x="${LEFT + WIDTH / 2}" y="${middle}" text-anchor="middle" ${style}>${number(part.size)}</text>
<text x="${LEFT + WIDTH + 12}" y="${middle}" ${style}>${part.text}</text>`;
    y += height;
    return row;
  });
  const title = "The arena of 4 connections with 1 MSS of ring each way, and 2 + 2 frame slots";
  return `<svg xmlns="http://www.w3.org/2000/svg" width="640" height="${y + 32}" viewBox="0 0 640 ${y + 32}" role="img">
<title>${title}</title>
<rect width="100%" height="100%" fill="#ffffff"/>
<text x="16" y="24" ${style} font-weight="bold">${title}</text>
<text x="${LEFT - 8}" y="48" text-anchor="end" ${style} fill="#54555a">from</text>
<text x="${LEFT + WIDTH / 2}" y="48" text-anchor="middle" ${style} fill="#54555a">bytes</text>${rows.join("")}
<text x="${LEFT - 8}" y="${y + 5}" text-anchor="end" ${style} fill="#54555a">${number(size)}</text>
</svg>
`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const svg = picture();
  if (!process.argv.includes("--check")) writeFileSync(PICTURE, svg);
  else if (readFileSync(PICTURE, "utf8") !== svg) {
    console.error(`${PICTURE} is not what the module lays out; make it anew: npm run map`);
    process.exitCode = 1;
  }
}
