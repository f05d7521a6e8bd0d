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

async function lab({ port, ...options }: LabOptions): Promise<void> {
  const { link } = options, server = await LabServer.open(port, link);
  try {
    console.log(`ready: ${server.url}`);
    if (link === undefined) await new Promise<void>((stop) => whenAsked(stop));
    else await up({ ...options, link }, server);
  } finally {
    server.close();
  }
}
