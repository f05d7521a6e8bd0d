/**
 * The module that ships, with two things added: every condition notes which way it went, and every turn of a loop takes
 * from a store of fuel, so that what does not end traps.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import binaryen from "binaryen";
import { buildDir } from "../../host/module.js";
import { MODULE } from "../harness/module.js";

/** Pages of memory, enough for the stack, what must not be touched on both sides of it, and the notes. */
const PAGES = 32;
/** Where the notes lie: a byte for each way that each condition can go. */
export const NOTES = (PAGES - 2) * 65536;

type Expression = number;
/** The parts of binaryen.js that its types do not know. */
interface Editable {
  setCondition(e: Expression, c: Expression): void;
  getCondition(e: Expression): Expression;
}

export interface Instrumented {
  module: WebAssembly.Module;
  /** Bytes of notes. */
  notes: number;
}

/** `withNotes`: else only loops are counted, and the memory is left as it is. */
export function instrumented(name = MODULE, { withNotes = true } = {}): Instrumented {
  const original = binaryen.readBinary(readFileSync(join(buildDir(), `${name}.wasm`)));
  // The only way to a larger memory is through the text.
  const text = original
    .emitText()
    .replace(/\(memory (\$\S+) \d+\)/, (whole, name) => (withNotes ? `(memory ${name} ${PAGES})` : whole));
  original.dispose();
  const m = binaryen.parseText(text);
  m.setFeatures(binaryen.Features.All);
  const { i32 } = binaryen;
  m.addGlobal("fuel", i32, true, m.i32.const(0x7fffffff));
  m.addGlobalExport("fuel", "fuel");
  // In place, not as functions: calls would cost more than all that they do.
  const burn = (): Expression[] => [
    m.global.set("fuel", m.i32.sub(m.global.get("fuel", i32), m.i32.const(1))),
    m.if(m.i32.lt_s(m.global.get("fuel", i32), m.i32.const(0)), m.unreachable()),
  ];
  // A byte at 2 × index + (condition ≠ 0), and the condition.
  if (withNotes) m.addGlobal("way", i32, true, m.i32.const(0));
  const note = (condition: Expression, index: number): Expression => m.block(null, [
    m.global.set("way", condition),
    m.i32.store8(NOTES + 2 * index, 1, m.i32.ne(m.global.get("way", i32), m.i32.const(0)), m.i32.const(1)),
    m.global.get("way", i32),
  ], i32);
  let conditions = 0;
  const api = binaryen as unknown as Record<"If" | "Break" | "Select", Editable> & {
    Loop: { getBody(e: Expression): Expression; setBody(e: Expression, b: Expression): void };
    getExpressionId(e: Expression): number;
  };
  const noted = (kind: Editable, e: Expression): void => {
    const condition = withNotes ? kind.getCondition(e) : 0;
    if (condition) kind.setCondition(e, note(condition, conditions++));
  };
  const visit = (e: Expression): void => {
    if (!e || LEAVES.has(binaryen.getExpressionId(e))) return;
    const info = binaryen.getExpressionInfo(e) as unknown as Record<string, unknown> & { id: number; type: number };
    for (const [key, value] of Object.entries(info)) {
      if (key === "id" || key === "type") continue;
      // A load's size is a number, that of a copy an expression.
      if (key === "size" && info.id !== binaryen.MemoryCopyId && info.id !== binaryen.MemoryFillId) continue;
      if (CHILDREN.has(key))
        for (const child of Array.isArray(value) ? value : [value]) if (typeof child === "number") visit(child);
    }
    if (info.id === binaryen.IfId) noted(api.If, e);
    else if (info.id === binaryen.BreakId) noted(api.Break, e);
    else if (info.id === binaryen.SelectId) noted(api.Select, e);
    else if (info.id === binaryen.LoopId) {
      api.Loop.setBody(e, m.block(null, [...burn(), api.Loop.getBody(e)], info.type));
    }
  };
  for (let i = 0; i < m.getNumFunctions(); i++) {
    const f = binaryen.getFunctionInfo(m.getFunctionByIndex(i));
    // What the checker of ownership does is no work of the stack's.
    if (f.body && !f.name.startsWith("assembly/core/own/")) visit(f.body);
  }
  if (!m.validate()) throw new Error("the instrumented module is not valid");
  m.optimize();
  const bytes = m.emitBinary();
  m.dispose();
  return { module: new WebAssembly.Module(bytes as Uint8Array<ArrayBuffer>), notes: conditions * 2 };
}

/** Expressions without children; the value of a constant is a number. */
const LEAVES = new Set([
  binaryen.NopId, binaryen.UnreachableId, binaryen.ConstId, binaryen.LocalGetId, binaryen.GlobalGetId,
]);

/** Fields of an expression that are expressions. */
const CHILDREN = new Set([
  "children", "condition", "ifTrue", "ifFalse", "body", "value", "left", "right", "ptr", "operands", "dest", "source",
  "size", "vec", "a", "b", "c",
]);
