// What was made from the same sources is not made again.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** The hash of all files of these kinds below folders, and of some files: their names and what is in them. */
export function hashOf(folders, kinds, files) {
  const hash = createHash("sha256");
  const all = (dir) => readdirSync(dir, { recursive: true }).filter((f) => kinds.test(f)).sort();
  const found = (dir) => all(dir).map((f) => join(dir, f));
  for (const file of [...folders.flatMap(found), ...files]) hash.update(`${file}\n`).update(readFileSync(file));
  return hash.digest("hex");
}

/** Does the work unless all of `outputs` are there, and `stamp` says that they were made so. Returns whether it did. */
export async function unlessMade(stamp, made, outputs, work) {
  const isMade = existsSync(stamp) && readFileSync(stamp, "utf8") === made;
  if (isMade && outputs.every((f) => existsSync(f))) return false;
  await work();
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, made);
  return true;
}
