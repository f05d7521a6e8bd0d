// `npm run amalgamate [-- OUT]`: the stack as two files of C, stint.c and stint.h, with stint_config.h and what build
// systems of microcontrollers want beside them (boards/packages). OUT is build/stint-c.
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { C, cName, header } from "./border/c.mjs";
import { border } from "./border/read.mjs";
import { instancesDeclared } from "./border/config.mjs";
import { ToolError } from "./translate/error.mjs";
import { QUIET, wasmToC } from "./translate/index.mjs";

const MODULE = "build/stint.mcu.wasm";
const { version } = JSON.parse(readFileSync("package.json", "utf8"));

/** A file of C without what it includes of ours. */
const part = (path) => readFileSync(path, "utf8").replace(/^#include ".*"\n/gm, "");

/** The calls that take no pointers, as tools/native.mjs has them, of those that the module has. */
function calls(functions) {
  return functions
    .filter(({ name, parameters }) => name !== "configBlock" && !parameters.some(([, type]) => type === "usize"))
    .map(({ name, parameters, result }) => {
      const list = parameters.map(([p, type]) => `${C[type]} ${p}`).join(", ") || "void";
      const passed = parameters.map(([p, type]) => `(${type.endsWith("64") ? "u64" : "u32"})${p}`);
      const call = `module_${name}(${passed.join(", ")})`;
      const isAddress = result === "usize";
      return `${C[result]}${isAddress ? "" : " "}${cName(name)}(${list}) { return `
        + `${isAddress ? `pointer(${call})` : `(${C[result]})${call}`}; }\n`;
    })
    .join("");
}

/** Where the arena begins: what the module itself says. */
function arenaBase(module, b) {
  const x = new WebAssembly.Instance(module).exports, block = x.configBlock();
  const view = new DataView(x.memory.buffer, block);
  for (const f of b.config) if (f.default !== undefined) view.setUint32(f.offset, f.default, true);
  const small = { size: b.configSize, ip: 0x0a000001, prefix: 24, macHigh: 0x02000000, sendersMax: 0, loopSlots: 0 };
  for (const [name, value] of Object.entries(small))
    view.setUint32(b.config.find((f) => f.name === name).offset, value, true);
  crypto.getRandomValues(new Uint8Array(x.memory.buffer, block + b.entropy.offset, b.entropy.size));
  if (x.init(block) !== 0) throw new Error("the configuration is refused");
  return x.controlBlock() - b.configSize;
}

/** stint.c: the module as C, with its globals in a struct, between what it stands on and its calls. */
function source(wasm, functions, base) {
  const dir = mkdtempSync(join(tmpdir(), "stint-c-")), out = join(dir, "module.c");
  wasmToC(wasm, out, "module_");
  const text = readFileSync(out, "utf8");
  rmSync(dir, { recursive: true });
  const globals = [...text.matchAll(/^static (u32|u64) (g_\w+);\n/gm)];
  const code = text.slice(globals.at(-1).index + globals.at(-1)[0].length).replace("#pragma GCC diagnostic pop\n", "");
  return `/*
 * stint ${version}: a TCP/IP stack, as one file of C. Made by tools/amalgamate.mjs from a WebAssembly module: each
 * access to its memory is checked. It needs memcpy, memmove and memset, and nothing else. License: MIT.
 */
#include <stdint.h>
#include <string.h>

#include "stint.h"
#include "stint_config.h"

#if !defined(__GNUC__)
#error "stint.c is for GCC and Clang"
#endif
${QUIET}
struct stint {
  uint8_t *memory;
  uint32_t size, scratch;
${globals.map(([, type, name]) => `  ${type === "u64" ? "uint64_t" : "uint32_t"} ${name};\n`).join("")}};
_Static_assert(sizeof(struct stint) + ${base} + STINT_SCRATCH + 512 <= STINT_OVERHEAD, "STINT_OVERHEAD is too small");
enum { STATE_SIZE = (sizeof(struct stint) + 7) & ~7, ARENA_BASE = ${base} };
static STINT_THREAD struct stint *self;
#define MEMORY_INSTANCES
#define wasm_memory (self->memory)
#define MEMORY_SIZE (self->size)
${globals.map(([,, name]) => `#define ${name} (self->${name})\n`).join("")}
${part("boards/runtimes/aot/wasm.h")}
${code}
${part("host/native/instances.c").replace("/* The calls with pointers. */\n", part("host/native/pointers.h"))}
${calls(functions)}`;
}

/** Makes the folder `out`. Throws a ToolError: what is missing. */
export function amalgamate(out) {
  if (!existsSync(MODULE)) throw new ToolError(`${MODULE} is missing; run \`npm run build\` first`);
  const b = border(), module = new WebAssembly.Module(readFileSync(MODULE));
  const has = new Set(WebAssembly.Module.exports(module).map((e) => e.name));
  const functions = b.functions.filter((f) => has.has(f.name));
  rmSync(out, { recursive: true, force: true });
  mkdirSync(join(out, "src"), { recursive: true });
  cpSync("boards/packages", out, { recursive: true });
  for (const file of ["CMakeLists.txt", "idf_component.yml", "library.json", "library.properties"]) {
    const text = readFileSync(join(out, file), "utf8");
    writeFileSync(join(out, file), text.replaceAll("@VERSION@", version));
  }
  writeFileSync(join(out, "src", "stint.c"), source(MODULE, functions, arenaBase(module, b)));
  const before = "#ifdef __wasm__\nstatic inline void *stint_at";
  const declared = header({ ...b, functions }).replace(before, `${instancesDeclared()}$&`);
  writeFileSync(join(out, "src", "stint.h"), declared);
  cpSync("include/stint_config.h", join(out, "src", "stint_config.h"));
  cpSync("LICENSE", join(out, "LICENSE"));
  return out;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    console.log(`${amalgamate(process.argv[2] ?? "build/stint-c")}: src/stint.c, and packages around it`);
  } catch (e) {
    if (!(e instanceof ToolError)) throw e;
    console.error(`amalgamate: ${e.message}`);
    process.exit(1);
  }
}
