/** A firmware's module: with what its services need, laid out, and with the exports alone that the firmware calls. */
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { keepExports } from "../../host/link/memory.js";
import type { ServiceName } from "../../host/services.js";
import { hashOf } from "../made.mjs";
import { SMALL, compile, optimized } from "../wasm.mjs";
import { LAYING, foldFixed, imageOf, type Laid } from "./image.js";

/** Room in flash and RAM is worth more than the rare request that comes in fragments. */
const LEFT_OUT = ["STINT_NO_REASSEMBLY"];
/** What only a device needs whose address comes from the network. */
const LEASING = ["STINT_NO_UDP", "STINT_NO_DHCP"];

/** What of a firmware decides its module (FirmwareOptions). */
interface ModuleOptions {
  services: ServiceName[];
  names?: boolean;
  ip?: string;
  ipv6?: boolean;
  layout?: "built" | "boot";
}

/** Modules that were made before: boards differ in little, and a module takes longest. */
const KEPT = join("build", "boards", ".modules");

/** What makes a module from its sources: changed, it makes others. The lock names Binaryen's version, and asc's. */
export const MAKERS = [
  "tools/board/module.ts", "tools/board/image.ts", "tools/made.mjs", "tools/wasm.mjs", "tools/segments.mjs",
  "tools/translate/error.mjs", "host/link/memory.ts", "host/link/sections.ts", "host/module/layout.ts",
  "package-lock.json",
];

/** `out`, as it was made from the same before; otherwise makes it. */
function kept(out: string, from: (string | Uint8Array)[], make: () => unknown): string {
  const hash = createHash("sha256");
  for (const part of [...from, hashOf([], /^/, MAKERS)]) hash.update(part).update("\n");
  const at = join(KEPT, `${hash.digest("hex")}.wasm`);
  if (existsSync(at)) copyFileSync(at, out);
  else {
    make();
    mkdirSync(KEPT, { recursive: true });
    // Others may look for it just now.
    copyFileSync(out, `${at}.${process.pid}`);
    renameSync(`${at}.${process.pid}`, at);
  }
  return out;
}

/** The module, with what these services need. */
export function boardModule(
  dir: string, { services, names = false, ip, ipv6 = false, layout = "boot" }: ModuleOptions,
): string {
  const without = [...LEFT_OUT, ...(layout === "built" ? ["STINT_IMAGE"] : []), ...(ip === undefined ? [] : LEASING),
    ...(services.includes("http") ? [] : ["STINT_NO_HTTP"]),
    ...(services.includes("discard") || services.includes("chargen") ? [] : ["STINT_NO_MEASURING"])];
  const [leased, fixed] = ipv6 ? ["leased-six", "six"] : ["leased", "app"];
  const entry = [`assembly/services/${ip === undefined ? leased : fixed}.ts`,
    ...(layout === "built" ? ["assembly/services/image.ts"] : [])], target = ipv6 ? "board6" : "board";
  const out = join(dir, "module.wasm");
  const sources = hashOf(["assembly"], /\.ts$/, ["asconfig.json"]);
  return kept(out, [sources, ...entry, String(names), ...without], () => compile(entry, target, out, SMALL, {
    without, names,
  }));
}

/**
 * The module with the exports alone that the firmware calls: what only others need goes, and the rest is put together
 * anew.
 */
export function calledModule(wasm: string, out: string, names: boolean, laid: Laid | undefined): string {
  const calls = ["main.c", "pages.c", "bench.c"].flatMap(
    (file) => readFileSync(join("boards", "runtime", file), "utf8").match(/(?<=\bstint_)\w+(?=\()/g) ?? [],
  );
  const bytes = readFileSync(wasm);
  const has = new Set(WebAssembly.Module.exports(new WebAssembly.Module(bytes)).map((e) => e.name));
  const done = new Set(laid === undefined ? [] : LAYING);
  const keep = [...new Set(calls)].filter((name) => has.has(name) && !done.has(name)).concat("memory");
  return kept(out, [bytes, String(names), ...keep, JSON.stringify(laid ?? null)], () => {
    const image = laid && imageOf(bytes, laid, { names });
    writeFileSync(out, keepExports(image?.module ?? bytes, keep));
    optimized(out, out, SMALL, names);
    if (image === undefined) return;
    writeFileSync(out, foldFixed(readFileSync(out), image, { names }));
    optimized(out, out, SMALL, names);
  });
}
