#!/usr/bin/env node
/** The command `stint`. */
import { CommanderError } from "commander";
import { commandLine } from "./program.js";
import { tell, USAGE } from "./problem.js";

/** Whoever read our output has seen enough, and left: `stint explain f | head`. */
function isEnough(e: unknown): boolean {
  return (e as NodeJS.ErrnoException).code === "EPIPE";
}

async function main(): Promise<void> {
  // Events have no caller that could catch what they throw.
  process.on("uncaughtException", (e) => process.exit(isEnough(e) ? 0 : tell(e)));
  try {
    await commandLine().parseAsync();
  } catch (e) {
    // A link that is open, or is being opened, does not keep a command that has failed.
    if (e instanceof CommanderError) process.exitCode = e.exitCode === 0 ? 0 : USAGE;
    else process.exit(tell(e));
  }
}

await main();
