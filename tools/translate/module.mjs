// A module of Wasm as C: its globals, functions, table and data, to be included behind what wasm.h asks for.
import binaryen from "binaryen";
import { ToolError } from "./error.mjs";
import { bitsOf, functionOf, headOf, typeOf } from "./function.mjs";
import { Names, plain } from "./names.mjs";
import { constant } from "./values.mjs";

const { getExpressionInfo } = binaryen;

/** The number that a constant expression is; throws a ToolError: it is none. */
function numberOf(e, what) {
  const x = getExpressionInfo(e);
  if (x.id !== binaryen.ConstId) throw new ToolError(`${what} is not a number`);
  return x.value;
}

/** What functions of one type have in common: their number, from 1. */
class Types {
  #numbers = new Map();

  number(parameters, results) {
    const key = `${binaryen.expandType(parameters)}:${results}`;
    if (!this.#numbers.has(key)) this.#numbers.set(key, this.#numbers.size + 1);
    return this.#numbers.get(key);
  }
}

/** One module, on its way to C. */
class Translation {
  #m;
  #names = new Names();
  #types = new Types();
  #functions = new Map();
  #globals = new Map();
  #aliases = [];

  constructor(m, prefix) {
    this.#m = m;
    const indices = [...Array(m.getNumFunctions()).keys()];
    const all = indices.map((i) => binaryen.getFunctionInfo(m.getFunctionByIndex(i)));
    const imported = new Map(all.filter((f) => f.base).map((f) => [f, this.#names.imported(f.module, f.base)]));
    const exported = this.#exported(prefix);
    for (const f of all) {
      const [first, ...others] = exported.get(f.name) ?? [];
      this.#functions.set(f.name, { f, name: imported.get(f) ?? first ?? this.#names.func(f.name) });
      if (f.base && first !== undefined) others.unshift(first);
      for (const alias of others) this.#aliases.push({ f, alias });
    }
    for (let i = 0; i < m.getNumGlobals(); i++) {
      const g = binaryen.getGlobalInfo(m.getGlobalByIndex(i));
      if (g.base) throw new ToolError(`the global ${g.module}.${g.base} is imported`);
      this.#globals.set(g.name, { g, name: this.#names.global(g.name) });
    }
  }

  /** The names of each function's exports. */
  #exported(prefix) {
    const out = new Map();
    for (let i = 0; i < this.#m.getNumExports(); i++) {
      const e = binaryen.getExportInfo(this.#m.getExportByIndex(i));
      if (e.kind !== binaryen.ExternalFunction) continue;
      out.set(e.value, [...(out.get(e.value) ?? []), this.#names.unique(`${prefix}${plain(e.name)}`)]);
    }
    return out;
  }

  func(name) {
    return this.#functions.get(name).name;
  }

  global(name) {
    return this.#globals.get(name).name;
  }

  type(parameters, results) {
    return this.#types.number(parameters, results);
  }

  text() {
    const own = [...this.#functions.values()].filter(({ f }) => !f.base);
    const bodies = own.map(({ f, name }) => functionOf(this, f, name).join("\n"));
    const globals = [...this.#globals.values()].map(({ g, name }) => `static ${typeOf(g.type, g.name)} ${name};`);
    const heads = own.map(({ f, name }) => `${headOf(f, name, { isNamed: false })};`);
    return [
      this.#pages(), globals.join("\n"), heads.join("\n"), this.#table(), ...bodies, this.#aliased(),
      ...this.#filled(),
    ].filter((part) => part !== "").join("\n\n");
  }

  /** How large the memory is at first, and may become. */
  #pages() {
    if (!this.#m.hasMemory()) return "";
    const { initial, max, base, module } = this.#m.getMemoryInfo();
    if (base) throw new ToolError(`the memory ${module}.${base} is imported`);
    return `#define MODULE_PAGES ${initial}u\n#define MODULE_PAGES_MAX ${max ?? 65536}u`;
  }

  /** A function that is exported by several names has its others here. */
  #aliased() {
    return this.#aliases.map(({ f, alias }) => {
      const args = binaryen.expandType(f.params).map((_, i) => `p${i}`).join(", ");
      const call = `${this.func(f.name)}(${args})`;
      return `${headOf(f, alias)} { ${f.results === binaryen.none ? "" : "return "}${call}; }`;
    }).join("\n");
  }

  /** The table that calls go through, with the number of each function's type. */
  #table() {
    if (this.#m.getNumTables() === 0) return "";
    if (this.#m.getNumTables() > 1) throw new ToolError("it has more than one table");
    const table = binaryen.getTableInfo(this.#m.getTableByIndex(0)), rows = new Map();
    if (table.base) throw new ToolError(`the table ${table.module}.${table.base} is imported`);
    for (let i = 0; i < this.#m.getNumElementSegments(); i++) {
      const s = binaryen.getElementSegmentInfo(this.#m.getElementSegmentByIndex(i));
      const at = numberOf(s.offset, "where elements of the table go");
      if (at + s.data.length > table.initial) throw new ToolError("elements go beyond the table");
      s.data.forEach((name, j) => rows.set(at + j, this.#functions.get(name)));
    }
    // A function that is null is of no type.
    const filled = [...rows].filter(([, row]) => row !== undefined).map(([at, { f, name }]) =>
      `  [${at}] = {${this.type(f.params, f.results)}, (void (*)(void))${name}},`);
    return [
      `#define TABLE_SIZE ${table.initial}u`,
      "static const struct { u32 type; void (*function)(void); } table[TABLE_SIZE + 1] = {", ...filled, "};",
      "static inline void (*table_at(u32 i, u32 type))(void) {",
      "  if (UNLIKELY(i >= TABLE_SIZE || table[i].type != type)) wasm_trap(TRAP_INDIRECT);",
      "  return table[i].function;", "}",
    ].join("\n");
  }

  /** What load_data puts into memory, and whether that is all: data beyond the memory trap once those before are in. */
  #data() {
    const cells = new Map(), size = this.#m.hasMemory() ? this.#m.getMemoryInfo().initial * 65536 : 0;
    let isWhole = true;
    for (let i = 0; i < this.#m.getNumDataSegments(); i++) {
      const s = this.#m.getDataSegmentInfo(this.#m.getDataSegmentByIndex(i));
      if (s.passive) throw new ToolError("it has passive data");
      const from = typeof s.offset === "number" ? s.offset >>> 0 : 0;
      isWhole &&= from + s.data.byteLength <= size;
      if (isWhole) new Uint8Array(s.data).forEach((byte, j) => cells.set(from + j, byte));
    }
    return { bytes: runsOf(cells), isWhole };
  }

  /** module_fill sets what a new instance begins with. */
  #filled() {
    const { bytes, isWhole } = this.#data();
    const data = bytes.length > 0 ? [`static const u8 data_segment[] = {\n${rowsOf(bytes).join("\n")}\n};`] : [];
    const calls = bytes.length > 0 ? ["  load_data(data_segment, sizeof data_segment);"] : [];
    if (!isWhole) calls.push("  trap_bounds();");
    const set = [...this.#globals.values()].map(({ g, name }) => {
      const n = constant(numberOf(g.init, `what ${g.name} begins with`), bitsOf(g.type, g.name));
      return `  ${name} = ${n.text};`;
    });
    const start = this.#m.getStart();
    const run = start ? [`  ${this.func(binaryen.getFunctionInfo(start).name)}();`] : [];
    return [...data, ["static void module_fill(void) {", ...set, ...calls, ...run, "}"].join("\n")];
  }
}

/**
 * Data for load_data: how far behind the run before each begins, two bytes, its size, one, and what it is. `cells` are
 * bytes by their address.
 */
function runsOf(cells) {
  const out = [], most = 255;
  let end = 0, run;
  for (const [at, byte] of [...cells].sort(([a], [b]) => a - b)) {
    if (run === undefined || at !== end || out[run + 2] === most) {
      for (; at - end > 0xffff; end += 0xffff) out.push(255, 255, 0);
      run = out.push((at - end) & 255, (at - end) >> 8, 0) - 3;
    }
    out[run + 2]++;
    out.push(byte);
    end = at + 1;
  }
  return out;
}

/** Bytes as lines of C. */
function rowsOf(bytes) {
  const rows = [];
  for (let i = 0; i < bytes.length; i += 20) rows.push(`  ${bytes.slice(i, i + 20).join(", ")},`);
  return rows;
}

/** What `make` returns. What Binaryen throws is no Error. */
function refused(make, why) {
  try {
    return make();
  } catch (e) {
    throw e instanceof Error ? e : new ToolError(`${why}: ${e?.message ?? "Binaryen refuses it"}`);
  }
}

/** C of the module in `bytes`. Its exports are functions `prefix` + name. */
export function translated(bytes, prefix) {
  const { Features } = binaryen, m = refused(() => binaryen.readBinary(bytes), "this is no module");
  try {
    m.setFeatures(Features.All & ~Features.MultiMemory & ~Features.Memory64);
    if (!m.validate()) throw new ToolError("it is not valid, or has several memories or one of 64 bits");
    return refused(() => new Translation(m, prefix).text(), "where data or elements go is not a number");
  } finally {
    m.dispose();
  }
}
