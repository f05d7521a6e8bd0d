/**
 * As much of a WebAssembly module as linking needs: its imports and exports with their signatures, its memory, where
 * its data lie.
 */

export interface Signature { parameters: string[]; results: string[] }
export interface Import {
  module: string;
  name: string;
  kind: "function" | "table" | "memory" | "global";
  signature?: Signature;
}
export interface Export {
  name: string;
  kind: "function" | "table" | "memory" | "global";
  signature?: Signature;
  /** Of a function that the module only hands on: where it has it from. */
  from?: Import;
}

export interface Sections {
  imports: Import[];
  exports: Export[];
  /** Own memory, pages at least; null: it has none. */
  memoryPages: number | null;
  /** Whether that memory is shared, or has addresses of 64 bits. */
  isOddMemory: boolean;
  /** Where active data segments begin; −1: somewhere that is only known at run time. */
  data: number[];
  /** The first mutable i32 global's value: a compiler's stack pointer. */
  stackPointer: number | null;
}

/** The file is no module, or one that is not understood. */
export class ModuleError extends Error {}

const KINDS = ["function", "table", "memory", "global"] as const;
const TYPES: Record<number, string> = {
  0x7f: "i32", 0x7e: "i64", 0x7d: "f32", 0x7c: "f64", 0x7b: "v128", 0x70: "funcref", 0x6f: "externref",
};

/** What linking has to know of a module. Throws a ModuleError if it is none, or not valid. */
export function readSections(bytes: Uint8Array): Sections {
  if (bytes.length < 8 || bytes[0] !== 0 || bytes[1] !== 0x61 || bytes[2] !== 0x73 || bytes[3] !== 0x6d)
    throw new ModuleError("this is no WebAssembly module");
  if (bytes[4] === 0x0d) throw new ModuleError("this is a component, not a core module");
  if (!WebAssembly.validate(bytes as Uint8Array<ArrayBuffer>)) throw new ModuleError("this module is not valid");
  return new Reader(bytes).read();
}

/** Reads a module that is valid, section by section (WebAssembly Core §5.5). */
class Reader {
  at = 8;
  readonly out: Sections = {
    imports: [], exports: [], memoryPages: null, isOddMemory: false, data: [], stackPointer: null,
  };
  readonly #types: Signature[] = [];
  /** The types of the functions, those that are imported first. */
  readonly #functions: number[] = [];

  constructor(readonly bytes: Uint8Array) {}

  read(): Sections {
    while (this.at < this.bytes.length) {
      const id = this.byte(), size = this.leb(), end = this.at + size;
      this.#section(id);
      this.at = end;
    }
    return this.out;
  }

  #section(id: number): void {
    const each = (entry: () => void): void => {
      for (let n = this.leb(); n > 0; n--) entry();
    };
    switch (id) {
      case 1: each(() => this.#type()); break;
      case 2: each(() => this.#import()); break;
      case 3: each(() => this.#functions.push(this.leb())); break;
      case 5:
        each(() => {
          this.out.isOddMemory = (this.bytes[this.at]! & ~1) !== 0;
          this.out.memoryPages = this.limits();
        });
        break;
      case 6: each(() => this.#global()); break;
      case 7: each(() => this.#export()); break;
      case 11: each(() => this.#data()); break;
      default:
    }
  }

  #type(): void {
    if (this.byte() !== 0x60) throw new ModuleError("it uses types beyond functions");
    this.#types.push({
      parameters: this.list(() => TYPES[this.byte()] ?? "?"),
      results: this.list(() => TYPES[this.byte()] ?? "?"),
    });
  }

  #import(): void {
    const module = this.text(), name = this.text(), kind = KINDS[this.byte()];
    if (kind === "function") {
      this.#functions.push(this.leb());
      this.out.imports.push({ module, name, kind, signature: this.#types[this.#functions.at(-1)!]! });
    } else {
      if (kind !== "memory") this.byte();
      if (kind === "global") this.byte();
      else this.limits();
      this.out.imports.push({ module, name, kind: kind! });
    }
  }

  #global(): void {
    const type = this.byte(), mutable = this.byte() === 1, code = this.byte();
    // A constant, another global, or a function: one instruction, and its end.
    if (code === 0x41 || code === 0x42) {
      const value = this.sleb();
      if (type === 0x7f && mutable && this.out.stackPointer === null) this.out.stackPointer = value >>> 0;
    } else if (code === 0x43) this.at += 4;
    else if (code === 0x44) this.at += 8;
    else if (code === 0xfd) this.at += 17;
    else this.leb();
    if (this.byte() !== 0x0b) throw new ModuleError("it has a global whose value is computed");
  }

  #export(): void {
    const name = this.text(), kind = KINDS[this.byte()]!, index = this.leb();
    if (kind !== "function") this.out.exports.push({ name, kind });
    else {
      const from = this.out.imports.filter((i) => i.kind === kind)[index];
      this.out.exports.push({
        name, kind, signature: this.#types[this.#functions[index]!]!, ...(from && { from }),
      });
    }
  }

  #data(): void {
    const flags = this.leb();
    if (flags === 2) this.leb();
    if (flags !== 1) {
      const code = this.byte();
      this.out.data.push(code === 0x41 ? this.sleb() >>> 0 : -1);
      if (code !== 0x41) this.leb();
      this.at++;
    }
    const length = this.leb();
    this.at += length;
  }

  byte(): number {
    if (this.at >= this.bytes.length) throw new ModuleError("this module ends too early");
    return this.bytes[this.at++]!;
  }

  leb(): number {
    let value = 0, shift = 0;
    for (;;) {
      const b = this.byte();
      value += (b & 0x7f) * 2 ** shift;
      if (b < 0x80) return value;
      shift += 7;
    }
  }

  sleb(): number {
    let value = 0, shift = 0, b;
    do {
      b = this.byte();
      value += (b & 0x7f) * 2 ** shift;
      shift += 7;
    } while (b >= 0x80);
    return b & 0x40 ? value - 2 ** shift : value;
  }

  text(): string {
    const size = this.leb();
    this.at += size;
    return new TextDecoder().decode(this.bytes.subarray(this.at - size, this.at));
  }

  limits(): number {
    const flags = this.byte(), least = this.leb();
    if (flags & 1) this.leb();
    return least;
  }

  list<T>(read: () => T): T[] {
    return Array.from({ length: this.leb() }, read);
  }
}

/** "(i32, i64) → i32" */
export function formatSignature(s: Signature | undefined): string {
  return s ? `(${s.parameters.join(", ")}) → ${s.results.join(", ") || "nothing"}` : "no function";
}
