/** Unit tests in AssemblyScript, which as-pect runs. */
import { ran } from "./programs.js";
import type { Sink } from "./again.js";

interface Told {
  file: string;
  name: string;
  pass: boolean;
  detail: string;
}

/** as-pect exits with 0 when it finds no test, so its own count is what counts. */
export function unit(sink: Sink): void {
  const asp = ran("npx", ["asp", "--config", "tests/as-pect.config.js", "--as-config", "tests/as-pect.asconfig.json"]);
  const tests = asp.stdout.split("\n").filter((l) => l.startsWith("@")).map((l) => JSON.parse(l.slice(1)) as Told);
  for (const { file, name, pass, detail } of tests) sink(name, file, pass ? "passed" : "failed", detail);
  if (tests.length === 0 || asp.status !== 0 && tests.every((t) => t.pass))
    sink("the unit tests run", "tests/unit", "failed", asp.stdout + asp.stderr);
}
