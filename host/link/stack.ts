/** The stack's module as it is linked: over a memory of somebody else's. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { buildDir } from "../module.js";
import { importMemory, keepExports, setGlobal } from "./memory.js";
import { readSections } from "./sections.js";

/**
 * The small stack, which is built like this, or the one with everything: made of stint.simd.wasm, which is told that it
 * is linked by the global `linked` (assembly/core/linked.ts), as one file of that size is enough in a package.
 */
export function linkedStack(which: "small" | "whole"): Uint8Array {
  if (which === "small") return readFileSync(join(buildDir(), "stint-link.wasm"));
  const whole = importMemory(setGlobal(readFileSync(join(buildDir(), "stint.simd.wasm")), "linked", 1), "env");
  return keepExports(whole, readSections(whole).exports.filter((e) => e.kind === "function").map((e) => e.name));
}
