/** What the command says when something went wrong: one line, whatever it was. */
import { readFileSync } from "node:fs";
import { StintError } from "../errors.js";
import { ModuleError } from "../link/sections.js";
import { LinkError } from "../links/link.js";
import { CaptureError } from "../links/read-capture.js";

/** Exit statuses: what the user got wrong, and what the command did. */
export const USAGE = 2, FAULT = 70;

const SYSTEM: Record<string, string> = {
  ENOENT: "there is no such file or folder", EACCES: "permission denied", EPERM: "the system does not permit it",
  EISDIR: "it is a folder", ENOTDIR: "a part of its path is no folder", EROFS: "the file system is read-only",
  ENOSPC: "no space is left on the device", EEXIST: "it is there already", ELOOP: "its links go in a circle",
  EMFILE: "too many files are open", ENOMEM: "there is not enough memory",
};

/** Whether the words of an error are meant for the user. */
function isTold(e: Error): boolean {
  return [LinkError, StintError, RangeError, ModuleError, CaptureError].some((kind) => e instanceof kind);
}

/** What is said of an error, and the status that goes with it. */
export function problem(e: unknown): { text: string; status: number } {
  if (!(e instanceof Error)) return { text: String(e), status: FAULT };
  const { code, path, message } = e as NodeJS.ErrnoException;
  const known = code === undefined ? undefined : SYSTEM[code];
  if (known !== undefined && path !== undefined) return { text: `${path}: ${known}`, status: USAGE };
  if (isTold(e) || code !== undefined) return { text: message, status: USAGE };
  // A module that somebody else has made.
  const kinds = [WebAssembly.CompileError, WebAssembly.LinkError, WebAssembly.RuntimeError];
  if (kinds.some((kind) => e instanceof kind)) return { text: `the module stopped: ${message}`, status: FAULT };
  return { text: `this is a fault of stint's: ${message}; with STINT_TRACE=1 it says where`, status: FAULT };
}

/** Says it, on a line; with STINT_TRACE=1 where, too. Returns the status to end with. */
export function tell(e: unknown): number {
  const { text, status } = problem(e);
  console.error(`stint: ${text.replaceAll("\n", "\nstint: ")}`);
  if (process.env["STINT_TRACE"] === "1" && e instanceof Error) console.error(e.stack);
  return status;
}

/** A file that the user names. */
export function readInput(file: string): Buffer<ArrayBuffer> {
  try {
    return readFileSync(file);
  } catch (e) {
    // A folder can be opened, and its name is gone when it is read.
    throw Object.assign(e as Error, { path: file });
  }
}
