/** Where the built modules are, and how they are compiled. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder `build/`, from host/ (in development) or from the bundled command in build/ itself. */
export function buildDir(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  for (const dir of [here, join(here, "..", "build"), join(here, "..", "..", "build")]) {
    if (existsSync(join(dir, "stint.wasm"))) return dir;
  }
  throw new Error("build/stint.wasm is missing; run `npm run build` first");
}

const compiled = new Map<string, WebAssembly.Module>();

/** A function that returns a vector: what has no SIMD refuses it. */
const SIMD_PROBE = Uint8Array.of(
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 8, 1, 6, 0, 65, 0, 253, 15, 11,
);

/** What the library runs on: everything, with SIMD where there is any. STINT_MODULE=stint chooses the small build. */
function best(): string {
  return process.env["STINT_MODULE"] ?? (WebAssembly.validate(SIMD_PROBE) ? "stint.simd" : "stint");
}

/** The compiled module of that name: by default the stack alone, "stint-app": with its services. */
export function loadModule(name: string = best()): WebAssembly.Module {
  let module = compiled.get(name);
  if (!module) {
    module = new WebAssembly.Module(readFileSync(join(buildDir(), `${name}.wasm`)));
    compiled.set(name, module);
  }
  return module;
}
