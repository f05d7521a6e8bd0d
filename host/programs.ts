/** Programs that some links and runtimes need. */
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** The program's path, or undefined: it is not on PATH. */
export function findProgram(name: string): string | undefined {
  for (const dir of (process.env["PATH"] ?? "").split(delimiter)) {
    try {
      accessSync(join(dir, name), constants.X_OK);
      return join(dir, name);
    } catch { /* not there */ }
  }
  return undefined;
}

/** Whether the machine has the program where `findProgram` looks. */
export function hasProgram(name: string): boolean {
  return findProgram(name) !== undefined;
}
