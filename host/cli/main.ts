/** The command `stint`. */
import { Command, CommanderError } from "commander";
import { addConnect } from "./connect.js";
import { addDemo } from "./demo.js";
import { addExplain } from "./explain.js";
import { addFlood } from "./flood.js";
import { addHandshake } from "./handshake.js";
import { addLink } from "./link.js";
import { addPacketdrill } from "./packetdrill.js";
import { addScenario } from "./scenario.js";
import { addUp } from "./up.js";
import { LinkError } from "../links/link.js";
import { StintError } from "../errors.js";

/** Exit status for what the user got wrong. */
const USAGE = 2;

function build(): Command {
  const program = new Command("stint");
  program.description("a TCP/IP stack in one small WebAssembly module").version("0.2.0").showHelpAfterError(false);
  addHandshake(program);
  addScenario(program);
  addExplain(program);
  addFlood(program);
  addUp(program);
  addConnect(program);
  addPacketdrill(program);
  addLink(program);
  addDemo(program);
  for (const command of [program, ...program.commands]) {
    command.exitOverride().configureOutput({ outputError: (text, write) => write(`stint: ${text.replace(/^error: /, "")}`) });
  }
  return program;
}

async function main(): Promise<void> {
  try {
    await build().parseAsync();
  } catch (e) {
    if (e instanceof CommanderError) {
      process.exitCode = e.exitCode === 0 ? 0 : USAGE;
      return;
    }
    const known = e instanceof LinkError || e instanceof StintError || e instanceof RangeError || (e as NodeJS.ErrnoException).code !== undefined;
    if (!known) throw e;
    console.error(`stint: ${(e as Error).message}`);
    process.exitCode = USAGE;
  }
}

await main();
