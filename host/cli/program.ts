/** The command line of `stint`: all its commands. */
import { Command } from "commander";
import { addConnect } from "./connect.js";
import { addDemo } from "./demo.js";
import { addDoctor } from "./doctor.js";
import { addExplain } from "./explain.js";
import { addFlood } from "./flood.js";
import { addHandshake } from "./handshake.js";
import { addLab } from "./lab.js";
import { addLink } from "./link.js";
import { addPacketdrill } from "./packetdrill.js";
import { addRelay } from "./relay.js";
import { addScenario } from "./scenario.js";
import { addUp } from "./up.js";

/** It throws a CommanderError where commander would end the process; main.ts makes an exit code of it. */
export function commandLine(): Command {
  const program = new Command("stint");
  program.description("a TCP/IP stack in one small WebAssembly module").version("0.2.0").showHelpAfterError(false);
  addHandshake(program);
  addScenario(program);
  addExplain(program);
  addFlood(program);
  addUp(program);
  addLab(program);
  addConnect(program);
  addRelay(program);
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
