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

/** The compiled module of that name: "stint" (the stack alone), "stint-app" (with its services). */
export function loadModule(name: "stint" | "stint-app" = "stint"): WebAssembly.Module {
  let module = compiled.get(name);
  if (!module) {
    module = new WebAssembly.Module(readFileSync(join(buildDir(), `${name}.wasm`)));
    compiled.set(name, module);
  }
  return module;
}
