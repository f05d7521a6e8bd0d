// `npm run border [-- --check]`: makes every file that names something of the module's border; with `--check` it says
// which are not as they would be made, and exits with 1.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { border } from "./read.mjs";
import { defaults } from "./assembly.mjs";
import { firmwareHeader, header } from "./c.mjs";
import { configHeader } from "./config.mjs";
import { calls, configuration, counters, errorsAndEvents, limits, records } from "./reference.mjs";
import { layout } from "./typescript.mjs";

/** Path and text of each file. */
function files() {
  const b = border();
  return {
    "host/module/layout.ts": layout(b),
    "include/stint.h": header(b),
    "include/stint_config.h": configHeader(b),
    "boards/runtime/border.h": firmwareHeader(b),
    "host/wasi/defaults.ts": defaults(b),
    "docs/reference/configuration.md": configuration(b),
    "docs/reference/errors-and-events.md": errorsAndEvents(b),
    "docs/reference/counters.md": counters(b),
    "docs/reference/records.md": records(b),
    "docs/reference/limits.md": limits(b),
    "docs/reference/calls.md": calls(b),
  };
}

/** The files that are not as they would be made. */
export function stale() {
  return Object.entries(files()).filter(([path, text]) => {
    try {
      return readFileSync(path, "utf8") !== text;
    } catch {
      return true;
    }
  }).map(([path]) => path);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const old = stale();
  if (process.argv.includes("--check")) {
    for (const path of old) console.error(`${path} is not what the sources say; make it anew: npm run border`);
    process.exitCode = old.length > 0 ? 1 : 0;
  } else {
    for (const [path, text] of Object.entries(files())) {
      mkdirSync(dirname(path), { recursive: true });
      if (old.includes(path)) writeFileSync(path, text);
    }
    console.log(old.length === 0 ? "nothing has changed" : `made: ${old.join(", ")}`);
  }
}
