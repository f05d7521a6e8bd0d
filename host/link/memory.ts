/** Rewrites whose memory a module uses, and what it exports, without a compiler. */
import { ModuleError, readSections } from "./sections.js";

const IMPORT = 2, MEMORY = 5, GLOBAL = 6, EXPORT = 7, MEMORY_KIND = 2, GLOBAL_KIND = 3, I32_CONST = 0x41,
  I64_CONST = 0x42;

interface Section { id: number; body: Uint8Array }

function leb(n: number): number[] {
  const out: number[] = [];
  do out.push((n & 0x7f) | (n > 0x7f ? 0x80 : 0));
  while ((n >>>= 7) > 0);
  return out;
}

function readLeb(bytes: Uint8Array, at: number): [number, number] {
  let value = 0;
  for (let shift = 0; ; shift += 7) {
    const b = bytes[at++]!;
    value += (b & 0x7f) * 2 ** shift;
    if (b < 0x80) return [value, at];
  }
}

function sections(bytes: Uint8Array): Section[] {
  const out: Section[] = [];
  for (let at = 8; at < bytes.length;) {
    const id = bytes[at]!, [size, start] = readLeb(bytes, at + 1);
    out.push({ id, body: bytes.subarray(start, start + size) });
    at = start + size;
  }
  return out;
}

function assemble(list: Section[]): Uint8Array {
  const parts = list.flatMap(({ id, body }) => [Uint8Array.from([id, ...leb(body.length)]), body]);
  const out = new Uint8Array(8 + parts.reduce((n, p) => n + p.length, 0));
  out.set([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
  let at = 8;
  for (const p of parts) {
    out.set(p, at);
    at += p.length;
  }
  if (!WebAssembly.validate(out)) throw new ModuleError("the rewritten module is not valid");
  return out;
}

const name = (text: string): number[] => {
  const bytes = new TextEncoder().encode(text);
  return [...leb(bytes.length), ...bytes];
};

/** The list in a section with one entry more, at its end. */
function append(list: Section[], id: number, entry: number[]): Section[] {
  const i = list.findIndex((s) => s.id === id);
  if (i < 0) {
    // Sections come in the order of their numbers; custom ones (0) anywhere.
    const at = list.findIndex((s) => s.id > id && s.id !== 0);
    return list.toSpliced(at < 0 ? list.length : at, 0, { id, body: Uint8Array.from([1, ...entry]) });
  }
  const [count, start] = readLeb(list[i]!.body, 0);
  return list.with(i, { id, body: Uint8Array.from([...leb(count + 1), ...list[i]!.body.subarray(start), ...entry]) });
}

/** The module with `from`.memory in the place of its own. It still exports it, as WASI wants. */
export function importMemory(bytes: Uint8Array, from: string): Uint8Array {
  const pages = readSections(bytes).memoryPages;
  if (pages === null) throw new ModuleError("it has no memory of its own");
  return assemble(append(
    sections(bytes).filter((s) => s.id !== MEMORY), IMPORT,
    [...name(from), ...name("memory"), MEMORY_KIND, 0, ...leb(pages)],
  ));
}

/** The module with a memory of its own, of `pages`, exported, in the place of the one that it imports. */
export function ownMemory(bytes: Uint8Array, pages: number): Uint8Array {
  const { imports } = readSections(bytes);
  if (imports.length !== 1 || imports[0]!.kind !== "memory") throw new ModuleError("it imports more than a memory");
  return assemble(append(
    append(sections(bytes).filter((s) => s.id !== IMPORT), MEMORY, [0, ...leb(pages)]), EXPORT,
    [...name("memory"), MEMORY_KIND, 0],
  ));
}

/** What a module exports: each name's kind, index, and where its entry lies in the section. */
function exportsOf(body: Uint8Array): Map<string, { kind: number; index: number; entry: Uint8Array }> {
  const out = new Map<string, { kind: number; index: number; entry: Uint8Array }>();
  let [count, at] = readLeb(body, 0);
  for (; count > 0; count--) {
    const from = at, [size, start] = readLeb(body, at);
    const [index, end] = readLeb(body, start + size + 1);
    const entry = body.subarray(from, at = end);
    out.set(new TextDecoder().decode(body.subarray(start, start + size)), { kind: body[start + size]!, index, entry });
  }
  return out;
}

/** The module with only these exports, in this order. */
export function keepExports(bytes: Uint8Array, names: readonly string[]): Uint8Array {
  const list = sections(bytes);
  const i = list.findIndex((s) => s.id === EXPORT), entries = exportsOf(list[i]!.body);
  const kept = names.map((n) => {
    const found = entries.get(n);
    if (!found) throw new ModuleError(`it does not export ${n}`);
    return found.entry;
  });
  return assemble(
    list.with(i, { id: EXPORT, body: Uint8Array.from([...leb(kept.length), ...kept.flatMap((e) => [...e])]) }),
  );
}

/**
 * The module in which a global that it exports, an i32 that begins with 0, begins with `value`, 0 … 63. It imports no
 * globals.
 */
export function setGlobal(bytes: Uint8Array, exported: string, value: number): Uint8Array {
  const list = sections(bytes).map((s) => ({ ...s, body: s.body.slice() }));
  const found = exportsOf(list.find((s) => s.id === EXPORT)!.body).get(exported);
  if (found?.kind !== GLOBAL_KIND) throw new ModuleError(`it exports no global ${exported}`);
  const { body } = list.find((s) => s.id === GLOBAL)!;
  let [, at] = readLeb(body, 0);
  // A global is its type, whether it is mutable, and here an integer: an opcode, the number, and the end (§5.5.9).
  for (let i = 0; i < found.index; i++) {
    if (body[at + 2] !== I32_CONST && body[at + 2] !== I64_CONST) throw new ModuleError("its globals are no integers");
    at = readLeb(body, at + 3)[1] + 1;
  }
  if (body[at + 2] !== I32_CONST || body[at + 3] !== 0) throw new ModuleError(`${exported} is not 0`);
  body[at + 3] = value;
  return assemble(list);
}
