/** What tests compile and keep in the cache, by the hash of what it was made from. */
import { createHash } from "node:crypto";
import {
  existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync,
} from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { native, nativeC } from "../../tools/native.mjs";

const { STINT_CACHE, XDG_CACHE_HOME } = process.env;
/** Where tools/setup.sh puts what it fetches, too. */
export const cache = STINT_CACHE ?? join(XDG_CACHE_HOME ?? join(homedir(), ".cache"), "stint");
const built = join(cache, "c-built"), KEPT_MS = 7 * 86_400_000;

/** All that lies below these paths, as one hash. */
export function hashOf(paths: readonly string[], ...more: readonly string[]): string {
  const hash = createHash("sha256").update(JSON.stringify([process.arch, ...more]));
  const take = (path: string): void => {
    if (statSync(path).isDirectory()) for (const name of readdirSync(path).sort()) take(join(path, name));
    else hash.update(path).update(readFileSync(path));
  };
  for (const path of paths) take(path);
  return hash.digest("hex").slice(0, 16);
}

/** Whether it is there: then it stays for another week. */
function isKept(at: string): boolean {
  try {
    utimesSync(at, new Date(), new Date());
    return true;
  } catch {
    return false;
  }
}

/** A new folder for what is made; what nobody has used for a week goes. */
function room(): string {
  mkdirSync(built, { recursive: true });
  for (const old of readdirSync(built)) {
    const path = join(built, old);
    // Another process may have it under another name by now.
    const made = statSync(path, { throwIfNoEntry: false });
    if (made !== undefined && Date.now() - made.mtimeMs > KEPT_MS) rmSync(path, { recursive: true, force: true });
  }
  return mkdtempSync(join(built, "making-"));
}

/** What has failed goes; unless others have made the same in the meantime, `why` is thrown. */
function failed(made: string, at: string, why: unknown): void {
  rmSync(made, { recursive: true, force: true });
  if (!existsSync(at)) throw why;
}

/** A folder in the cache that `make` fills, unless it is there. Nobody finds it half filled. */
export async function kept(name: string, make: (folder: string) => Promise<void>): Promise<string> {
  const at = join(built, name);
  if (isKept(at)) return at;
  const made = room();
  try {
    await make(made);
    renameSync(made, at);
  } catch (e) {
    failed(made, at, e);
  }
  return at;
}

/** The same, of what is made while this process stands still. */
function keptAtOnce(name: string, make: (folder: string) => void): string {
  const at = join(built, name);
  if (isKept(at)) return at;
  const made = room();
  try {
    make(made);
    renameSync(made, at);
  } catch (e) {
    failed(made, at, e);
  }
  return at;
}

/**
 * The stack for native programs: by default compiled in a hurry; at the level of `npm run native` where that is what is
 * tested or measured. stint.h lies beside it.
 */
export function library(level: "-O1" | "-O3" = "-O1"): string {
  const from = ["assembly", "host/native", "boards/runtimes/aot", "include", "asconfig.json", "package-lock.json"];
  from.push(...["native.mjs", "wasm.mjs", "segments.mjs", "border", "translate"].map((f) => join("tools", f)));
  const c = keptAtOnce(`stint-c-${hashOf(from)}`, nativeC);
  const folder = keptAtOnce(`stint-${hashOf(from, level)}`, (at) => native(join(at, "lib"), "gcc", level, c));
  return join(folder, "lib", "libstint.a");
}
