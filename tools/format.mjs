// `npm run format`: lays our C out as .clang-format says. With `--check`, a part of `npm run lint`: fails where it is
// not laid out so.
import { execFileSync, spawnSync } from "node:child_process";

/** What tools/border makes is laid out by it. */
const MADE = new Set(["include/stint.h", "include/stint_config.h", "boards/runtime/border.h"]);
const listed = ["ls-files", "--cached", "--others", "--exclude-standard", "*.c", "*.h"];
const files = execFileSync("git", listed, { encoding: "utf8" }).trim().split("\n").filter((file) => !MADE.has(file));
const check = process.argv.includes("--check");

const how = check ? ["--dry-run", "-Werror"] : ["-i"];
const { error, status } = spawnSync("clang-format", [...how, ...files], { stdio: "inherit" });
if (error !== undefined) {
  console.log("C is not looked at, since clang-format is missing: apt install clang-format");
  // CI has it: there a skip is a failure.
  process.exitCode = check && process.env.CI !== "true" ? 0 : 1;
} else {
  if (check && status !== 0) console.log("npm run format lays it out");
  process.exitCode = status ?? 1;
}
