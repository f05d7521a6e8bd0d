/** `stint lab`: the handshake lab's page, served on this machine; with a link, the frames of a live stack in it. */
import { InvalidArgumentError, type Command } from "commander";
import { LINK_FORMS } from "../links/open.js";
import { LabServer } from "./lab-server.js";
import type { UpOptions } from "./running.js";
import { whenAsked } from "./signals.js";
import { up, upOptions } from "./up.js";

const PORT = 8000;

function parseListen(text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65535)
    throw new InvalidArgumentError("a port is a number from 0 to 65535; 0 is any that is free.");
  return Number(text);
}

/** `stint lab`: until a signal, as `stint up`, whose options it has. */
export function addLab(program: Command): void {
  const command = program
    .command("lab")
    .description("the handshake lab in a browser; with --link, a real stack's frames in it, as they pass")
    .option("--link <link>", `a stack to watch, as stint up brings it up: ${LINK_FORMS}`)
    .option("--port <port>", "where the browser comes, on this machine alone", parseListen, PORT);
  upOptions(command).action(lab);
}

type LabOptions = Omit<UpOptions, "link"> & { link?: string; port: number };

/** What says how a stack is brought up says nothing where there is none. */
function checkLonely(command: Command): void {
  const said = command.options.find((o) => o.attributeName() !== "port"
    && command.getOptionValueSource(o.attributeName()) === "cli");
  if (said !== undefined) throw new RangeError(`${said.long} needs --link, the stack to watch`);
}

async function lab({ port, link, ...options }: LabOptions, command: Command): Promise<void> {
  if (link === undefined) checkLonely(command);
  const server = await LabServer.open(port, link), tell = (): void => console.log(`ready: ${server.url}`);
  try {
    if (link === undefined) {
      tell();
      await new Promise<void>((stop) => whenAsked(stop));
    } else await up({ ...options, link }, {
      watch(opened) {
        tell();
        return server.watch(opened);
      },
      stack: (stack) => server.stack(stack),
    });
  } finally {
    server.close();
  }
}
