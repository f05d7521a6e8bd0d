// `npm run native`: build/native/libstint.a and stint.h, the stack for C programs without a runtime, as C
// (host/native/stint.c).
import { execFileSync } from "node:child_process";
import { copyFileSync, cpSync, mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { C, cName } from "./border/c.mjs";
import { border } from "./border/read.mjs";
import { compile, FASTEST } from "./wasm.mjs";
import { ToolError } from "./translate/error.mjs";
import { wasmToC } from "./translate/index.mjs";

const FLAGS = [
  "--param", "max-inline-insns-auto=300", "--param", "inline-unit-growth=400", "--param", "large-unit-insns=100000",
  "-std=gnu11", "-Wall", "-Wextra", "-fno-strict-aliasing",
];

/** The calls that take no pointers: each goes through as it is; an address that comes back becomes a pointer. */
function calls() {
  const lines = ["/* Made by tools/native.mjs from the module's exports. */"];
  for (const { name, parameters, result } of border().functions) {
    if (name === "configBlock" || parameters.some(([, type]) => type === "usize")) continue;
    const list = parameters.map(([parameter, type]) => `${C[type]} ${parameter}`).join(", ") || "void";
    const passed = parameters.map(([parameter, type]) => `(${type.endsWith("64") ? "u64" : "u32"})${parameter}`);
    const call = `module_${name}(${passed.join(", ")})`;
    const address = result === "usize";
    lines.push(
      `${C[result]}${address ? "" : " "}${cName(name)}(${list}) { return `
        + `${address ? `pointer(${call})` : `(${C[result]})${call}`}; }`,
    );
  }
  return `${lines.join("\n")}\n`;
}

/** Makes the library's C and header in `dir`. */
export function nativeC(dir) {
  mkdirSync(dir, { recursive: true });
  wasmToC(
    compile("assembly/whole.ts", "native", join(dir, "stint.wasm"), FASTEST.filter((flag) => !flag.includes("simd")), {
      names: true,
    }),
    join(dir, "module.c"), "module_",
  );
  writeFileSync(join(dir, "calls.h"), calls());
  copyFileSync("include/stint.h", join(dir, "stint.h"));
}

/**
 * Makes the library in `dir`, at `level`; of the C that `nativeC` has `made`, if it is there. Throws a ToolError or
 * what the compiler said.
 */
export function native(dir, cc = process.env.CC ?? "gcc", level = "-O3", made = undefined) {
  rmSync(dir, { recursive: true, force: true });
  if (made === undefined) nativeC(dir);
  else cpSync(made, dir, { recursive: true });
  const object = join(dir, "stint.o"), library = join(dir, "libstint.a");
  try {
    const headers = [`-I${dir}`, "-Iboards/runtimes/aot"];
    execFileSync(cc, [level, ...FLAGS, ...headers, "-c", "host/native/stint.c", "-o", object], {
      stdio: ["ignore", "ignore", "pipe"], encoding: "utf8",
    });
    execFileSync("ar", ["rcsD", library, object]);
  } catch (e) {
    throw new ToolError(e.code === "ENOENT" ? `${e.path} is missing; apt-get install gcc libc6-dev` : e.stderr);
  }
  return library;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    const library = native("build/native");
    console.log(`${library}: ${statSync(library).size} bytes; cc program.c -Ibuild/native ${library}`);
  } catch (e) {
    if (!(e instanceof ToolError)) throw e;
    console.error(`native: ${e.message}`);
    process.exit(1);
  }
}
