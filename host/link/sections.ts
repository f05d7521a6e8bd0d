/** As much of a WebAssembly module as linking needs: its imports and exports with their signatures, its memory, where its data lie. */

export interface Signature { parameters: string[]; results: string[] }
export interface Import { module: string; name: string; kind: "function" | "table" | "memory" | "global"; signature?: Signature }
export interface Export { name: string; kind: "function" | "table" | "memory" | "global"; signature?: Signature }

export interface Sections {
  imports: Import[];
  exports: Export[];
  /** Own memory, pages at least; null: it has none. */
  memoryPages: number | null;
  /** Where active data segments begin; −1: somewhere that is only known at run time. */
  data: number[];
  /** The first mutable i32 global's value: a compiler's stack pointer. */
  stackPointer: number | null;
}

/** The file is no module, or one that is not understood. */
export class ModuleError extends Error {}

const KINDS = ["function", "table", "memory", "global"] as const;
const TYPES: Record<number, string> = { 0x7f: "i32", 0x7e: "i64", 0x7d: "f32", 0x7c: "f64", 0x7b: "v128", 0x70: "funcref", 0x6f: "externref" };

export function readSections(bytes: Uint8Array): Sections {
  if (bytes.length < 8 || bytes[0] !== 0 || bytes[1] !== 0x61 || bytes[2] !== 0x73 || bytes[3] !== 0x6d) throw new ModuleError("this is no WebAssembly module");
  if (bytes[4] === 0x0d) throw new ModuleError("this is a component, not a core module");
  if (!WebAssembly.validate(bytes as Uint8Array<ArrayBuffer>)) throw new ModuleError("this module is not valid");
  let at = 8;
  const byte = (): number => {
    if (at >= bytes.length) throw new ModuleError("this module ends too early");
    return bytes[at++]!;
  };
  const leb = (): number => {
    let value = 0, shift = 0;
    for (;;) {
      const b = byte();
      value += (b & 0x7f) * 2 ** shift;
      if (b < 0x80) return value;
      shift += 7;
    }
  };
  const sleb = (): number => {
    let value = 0, shift = 0, b;
    do {
      b = byte();
      value += (b & 0x7f) * 2 ** shift;
      shift += 7;
    } while (b >= 0x80);
    return b & 0x40 ? value - 2 ** shift : value;
  };
  const text = (): string => {
    const size = leb();
    at += size;
    return new TextDecoder().decode(bytes.subarray(at - size, at));
  };
  const limits = (): number => {
    const flags = byte(), least = leb();
    if (flags & 1) leb();
    return least;
  };
  const list = <T>(read: () => T): T[] => Array.from({ length: leb() }, read);
  const types: Signature[] = [], functions: number[] = [], out: Sections = { imports: [], exports: [], memoryPages: null, data: [], stackPointer: null };
  while (at < bytes.length) {
    const id = byte(), size = leb(), end = at + size;
    if (id === 1) {
      for (let n = leb(); n > 0; n--) {
        if (byte() !== 0x60) throw new ModuleError("it uses types beyond functions");
        types.push({ parameters: list(() => TYPES[byte()] ?? "?"), results: list(() => TYPES[byte()] ?? "?") });
      }
    } else if (id === 2) {
      for (let n = leb(); n > 0; n--) {
        const module = text(), name = text(), kind = KINDS[byte()];
        if (kind === "function") {
          functions.push(leb());
          out.imports.push({ module, name, kind, signature: types[functions.at(-1)!]! });
        } else {
          if (kind === "table") { byte(); limits(); } else if (kind === "memory") limits();
          else { byte(); byte(); }
          out.imports.push({ module, name, kind: kind! });
        }
      }
    } else if (id === 3) for (let n = leb(); n > 0; n--) functions.push(leb());
    else if (id === 5) for (let n = leb(); n > 0; n--) out.memoryPages = limits();
    else if (id === 6) {
      for (let n = leb(); n > 0; n--) {
        const type = byte(), mutable = byte() === 1, code = byte();
        // A constant, another global, or a function: one instruction, and its end.
        if (code === 0x41 || code === 0x42) {
          const value = sleb();
          if (type === 0x7f && mutable && out.stackPointer === null) out.stackPointer = value >>> 0;
        } else if (code === 0x43) at += 4;
        else if (code === 0x44) at += 8;
        else if (code === 0xfd) at += 17;
        else leb();
        if (byte() !== 0x0b) throw new ModuleError("it has a global whose value is computed");
      }
    } else if (id === 7) {
      for (let n = leb(); n > 0; n--) {
        const name = text(), kind = KINDS[byte()]!, index = leb();
        out.exports.push({ name, kind, ...(kind === "function" ? { signature: types[functions[index]!]! } : {}) });
      }
    } else if (id === 11) {
      for (let n = leb(); n > 0; n--) {
        const flags = leb();
        if (flags === 2) leb();
        if (flags !== 1) {
          const code = byte();
          out.data.push(code === 0x41 ? sleb() >>> 0 : -1);
          if (code !== 0x41) leb();
          at++;
        }
        const length = leb();
        at += length;
      }
    }
    at = end;
  }
  return out;
}

/** "(i32, i64) → i32" */
export function formatSignature(s: Signature | undefined): string {
  return s ? `(${s.parameters.join(", ")}) → ${s.results.join(", ") || "nothing"}` : "no function";
}
