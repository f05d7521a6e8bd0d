/** `stint connect`: stdin to the peer, the peer to stdout, through the stack. */
import { pipeline } from "node:stream/promises";
import type { Command } from "commander";
import { parseCidr } from "../address.js";
import { StintError } from "../errors.js";
import { captured, CaptureFile } from "../links/capture.js";
import { openLink } from "../links/open.js";
import { Stack } from "../net.js";
import { becomeUser, checkUser } from "../privilege.js";
import { address, cidr, parseCount, parseNumber, parsePort } from "./arguments.js";

interface ConnectOptions {
  link: string;
  ip: string;
  gateway?: string;
  ring: number;
  timeout?: number;
  pcap?: string;
  stats?: boolean;
  user?: string;
}

export function addConnect(program: Command): void {
  program
    .command("connect")
    .description("connect stdin and stdout to a TCP service, through the stack")
    .argument("<host>", "an IPv4 address", address)
    .argument("<port>", "a TCP port", parsePort)
    .requiredOption("--link <link>", "tap:NAME, passt, stream:PATH or udp:LOCALPORT,HOST:PORT")
    .requiredOption("--ip <a.b.c.d/n>", "own address and prefix", cidr)
    .option("--gateway <a.b.c.d>", "default router", address)
    .option("--ring <bytes>", "send and receive ring", parseCount, 262144)
    .option("--timeout <seconds>", "give the handshake up after this long", parseNumber)
    .option("--user <name>", "who to be once the link is open")
    .option("--pcap <file>", "write the frames to a pcapng file")
    .option("--stats", "print the counters at the end, to stderr")
    .action(connect);
}

async function connect(host: string, port: number, options: ConnectOptions): Promise<void> {
  if (options.user !== undefined) checkUser(options.user);
  const { prefix } = parseCidr(options.ip);
  const plain = options.ip.split("/")[0]!;
  let link = await openLink(options.link, { ip: plain, prefix, gateway: options.gateway, ports: [], ...(options.user === undefined ? {} : { user: options.user }) });
  if (options.pcap !== undefined) link = captured(link, new CaptureFile(options.pcap, ["stint"]), () => Date.now() * 1000);
  if (options.user !== undefined) becomeUser(options.user);
  const ring = (options.ring + 3) & ~3;
  const stack = await Stack.open({
    link, ip: options.ip, ...(options.gateway === undefined ? {} : { gateway: options.gateway }),
    connsMax: 4, sendRing: ring, recvRing: ring, rxSlots: 256, txSlots: 256,
  });
  try {
    const connection = await stack.connect({ host, port, failFast: true, ...(options.timeout === undefined ? {} : { timeoutMs: options.timeout * 1000 }) });
    // Each direction ends by itself: EOF on stdin closes our side, and the peer may still have something to say.
    await Promise.all([pipeline(process.stdin, connection), pipeline(connection, process.stdout, { end: false })]);
  } catch (e) {
    if (!(e instanceof StintError)) throw e;
    console.error(`stint connect: ${host} port ${port}: ${e.message}`);
    process.exitCode = 1;
    // A terminal's stdin would keep the program alive.
    process.stdin.destroy();
  } finally {
    await stack.close();
    if (options.stats) {
      for (const [name, n] of Object.entries(stack.counters())) if (n) console.error(`${name} ${n}`);
    }
  }
}
