/** The command `stint`. */
import { Command, CommanderError } from "commander";
import { addConnect } from "./connect.js";
import { addDemo } from "./demo.js";
import { addDoctor } from "./doctor.js";
import { addExplain } from "./explain.js";
import { addFlood } from "./flood.js";
import { addHandshake } from "./handshake.js";
import { addLink } from "./link.js";
import { addPacketdrill } from "./packetdrill.js";
import { addScenario } from "./scenario.js";
import { addUp } from "./up.js";
import { tell, USAGE } from "./problem.js";

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
  addDoctor(program);
  for (const command of [program, ...program.commands]) {
    command
      .exitOverride()
      .configureOutput({ outputError: (text, write) => write(`stint: ${text.replace(/^error: /, "")}`) });
  }
  return program;
}

/** Whoever read our output has seen enough, and left: `stint explain f | head`. */
function isEnough(e: unknown): boolean {
  return (e as NodeJS.ErrnoException).code === "EPIPE";
}

async function main(): Promise<void> {
  // Events have no caller that could catch what they throw.
  process.on("uncaughtException", (e) => process.exit(isEnough(e) ? 0 : tell(e)));
  try {
    await build().parseAsync();
  } catch (e) {
    // A link that is open, or is being opened, does not keep a command that has failed.
    if (e instanceof CommanderError) process.exitCode = e.exitCode === 0 ? 0 : USAGE;
    else process.exit(tell(e));
  }
}

await main();
