/**
 * Tests in real time that failed, and run once more. A machine that stands still for a second makes such a test fail,
 * and no product: what passes when it runs alone is flaky. It is said with the first error, since it is a fault of the
 * test, or a race in the product, and has to be mended. In virtual time nothing depends on the machine, and what failed
 * has failed.
 */
import { join, sep } from "node:path";

/** A run with more of them has failed: a machine may hiccup, a suite may not. */
export const FLAKY_MAX = 2;
const REAL_TIME = ["browser", "interop"].map((suite) => join("tests", suite) + sep);

export interface Result {
  name: string;
  file: string;
  result: "passed" | "failed" | "skipped";
  /** It failed, and passed when it ran once more. */
  again?: true;
}

/** Hears how a test ended. `path`: what to run to run it again; undefined if that cannot be done. */
export type Sink = (name: string, file: string, result: Result["result"], detail: string, path?: string) => void;

export const isRealTime = (path: string): boolean => REAL_TIME.some((dir) => path.includes(dir));

/** A test's name and nothing else. Node 22 puts the names of its groups before it. */
const exactly = (name: string): RegExp => new RegExp(`(?:^| )${name.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&")}$`);

export interface Doubt {
  name: string;
  file: string;
  path: string;
  why: string;
}

/**
 * Runs a test alone, with `run`. Returns whether it passed, and what became of it otherwise. What is skipped, or does
 * not run at all, has not passed.
 */
export async function passesAlone(
  { name, path }: Doubt, run: (path: string, only: RegExp, sink: Sink) => Promise<void>,
): Promise<{ passes: boolean; why: string }> {
  const ends: { result: Result["result"]; detail: string }[] = [];
  await run(path, exactly(name), (_name, _file, result, detail) => ends.push({ result, detail }));
  const others = ends.filter((e) => e.result !== "passed");
  return {
    passes: ends.length > 0 && others.length === 0,
    why: ends.length === 0 ? "it did not run" : others.map((e) => e.detail).join("\n"),
  };
}
