/**
 * `npm run reference [-- --check]`: the pages of docs/reference that are made from the host's sources: the libraries'
 * and the command's. With `--check` it says which are not as they would be made, and exits with 1. `npm run border`
 * makes the other pages.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { commandLine } from "../../host/cli/program.js";
import { commandPage } from "./command.js";
import { FOLDERS, libraries } from "./library.js";

export interface Reference {
  /** Pages that are not as they would be made, and those that nothing makes any more. */
  stale: string[];
  /** What has no comment. */
  warnings: string[];
}

function listed(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const all = readdirSync(folder, { recursive: true, encoding: "utf8" });
  return all.filter((f) => f.endsWith(".md")).map((f) => join(folder, f));
}

/** Looks at the pages, and with `write` makes them. */
export async function reference(write = false): Promise<Reference> {
  const { pages, warnings } = await libraries();
  const files: Record<string, string> = { "docs/reference/command.md": commandPage(commandLine()), ...pages };
  const isStale = (path: string): boolean => !existsSync(path) || readFileSync(path, "utf8") !== files[path];
  const old = Object.keys(files).filter(isStale), gone = FOLDERS.flatMap(listed).filter((path) => !(path in files));
  if (write) {
    for (const path of gone) rmSync(path);
    for (const path of old) {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, files[path]!);
    }
  }
  return { stale: [...old, ...gone], warnings };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const check = process.argv.includes("--check"), { stale, warnings } = await reference(!check);
  for (const warning of warnings) console.error(warning);
  if (check)
    for (const path of stale) console.error(`${path} is not what the sources say; make it anew: npm run reference`);
  else console.log(stale.length === 0 ? "nothing has changed" : `made: ${stale.join(", ")}`);
  process.exitCode = warnings.length > 0 || (check && stale.length > 0) ? 1 : 0;
}
