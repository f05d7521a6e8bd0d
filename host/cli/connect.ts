/** `stint connect`: stdin to the peer, the peer to stdout, through the stack. */
import { pipeline } from "node:stream/promises";
import type { Command } from "commander";
import { isIp } from "../address.js";
import { StintError } from "../errors.js";
import { captured, CaptureFile } from "../links/capture.js";
import { LinkError } from "../links/link.js";
import { LINK_FORMS, openLink } from "../links/open.js";
import { CONFIG_DEFAULTS } from "../module/layout.js";
import { Stack } from "../net.js";
import type { Ip6Options } from "../net/ip6.js";
import { becomeUser, checkUser } from "../privilege.js";
import { addOptions6, ip6Options, type Options6 } from "./ip6.js";
import { checkChoice, macFor, ownAddress } from "./own-address.js";
import { address, anyAddress, cidr, host, parseCount, parseNumber, parsePort } from "./arguments.js";
import { whenAsked } from "./signals.js";
import { ASKING, patiently, sayDevice } from "./waiting.js";

interface ConnectOptions extends Options6 {
  link: string;
  ip?: string;
  lastIp?: string;
  dns?: string;
  gateway?: string;
  ring: number;
  timeout?: number;
  pcap?: string;
  stats?: boolean;
  user?: string;
  linger: number;
}

/** How long Ctrl-C gives the peer to acknowledge what it was sent, ms. */
const INTERRUPTED_MS = 1000;

/** `stint connect`: exit code 1 if the connection failed, 130 after Ctrl-C. */
export function addConnect(program: Command): void {
  const command = program
    .command("connect")
    .description("connect stdin and stdout to a TCP service, through the stack")
    .argument("<host>", "an IPv4 or IPv6 address, or a name", host)
    .argument("<port>", "a TCP port", parsePort)
    .requiredOption("--link <link>", LINK_FORMS)
    .option("--ip <a.b.c.d/n>", "own address and prefix; without it, the network is asked for one (DHCP)", cidr)
    .option("--last-ip <a.b.c.d>", "without --ip: an address that the stack had before, to ask for first", address)
    .option("--dns <address>", "the DNS server; by default those that the network told", anyAddress)
    .option("--gateway <a.b.c.d>", "default router", address)
    .option("--ring <bytes>", "send and receive ring", parseCount, 262144)
    .option("--timeout <seconds>", "give the handshake up after this long", parseNumber)
    .option("--user <name>", "who to be once the link is open")
    .option("--linger <seconds>", "how long the peer may take to acknowledge the last bytes", parseNumber, 60)
    .option("--pcap <file>", "write the frames to a pcapng file")
    .option("--stats", "print the counters at the end, to stderr")
    .action(connect);
  addOptions6(command);
}

/** A name may have addresses of both families. For an address, what it needs is begun, and no more. */
function ip6For(host: string, options: ConnectOptions): Ip6Options | undefined {
  const needs6 = [host, options.dns].find((to) => to?.includes(":"));
  if (needs6 !== undefined && options.ipv6 === false) throw new RangeError(`--no-ipv6, and ${needs6} needs IPv6`);
  return ip6Options(needs6 === undefined ? options : { ...options, ipv6: true }, CONFIG_DEFAULTS.mtu, !isIp(host));
}

async function connect(host: string, port: number, options: ConnectOptions): Promise<void> {
  if (options.user !== undefined) checkUser(options.user);
  checkChoice(options);
  const isTo6 = host.includes(":"), ipv6 = ip6For(host, options);
  const { ip: plain, prefix } = ownAddress(options.ip);
  let link = await openLink(options.link, {
    ip: plain, prefix, gateway: options.gateway, ports: [],
    ...(options.user === undefined ? {} : { user: options.user }),
  });
  if (options.pcap !== undefined) link = captured(link, new CaptureFile(options.pcap, ["stint"]));
  if (options.user !== undefined) becomeUser(options.user);
  const ring = (options.ring + 3) & ~3;
  sayDevice(options.link);
  const stack = await patiently(
    ASKING,
    Stack.open({
      link,
      ...(options.ip === undefined
        ? { mac: macFor(options.link), dhcp: isTo6 ? false : { address: options.lastIp } }
        : { ip: options.ip }),
      ...(options.gateway === undefined ? {} : { gateway: options.gateway }),
      ipv6,
      connsMax: 4,
      sendRing: ring,
      recvRing: ring,
      rxSlots: 256,
      txSlots: 256,
    }),
  );
  stack
    .on("down", (why?: Error) => console.error(`stint connect: link down: ${why?.message ?? ""}`))
    .on("up", () => console.error("stint connect: link up"));
  if (options.dns !== undefined) stack.setServers([options.dns]);
  const interrupt = new AbortController(), { signal } = interrupt;
  const stop = (): void => {
    // A second request does not wait for the peer.
    if (signal.aborted) process.exit(130);
    interrupt.abort();
  };
  whenAsked(stop);
  const fail = (words: string): void => {
    console.error(`stint connect: ${host} port ${port}: ${words}`);
    process.exitCode = 1;
  };
  try {
    const connection = await stack.connect({
      host, port, failFast: true, signal,
      ...(options.timeout === undefined ? {} : { timeoutMs: options.timeout * 1000 }),
    });
    // Each direction ends by itself: EOF on stdin closes our side, and the peer may still have something to say.
    await Promise.all([pipeline(process.stdin, connection), pipeline(connection, process.stdout, { end: false })]);
  } catch (e) {
    // A terminal's stdin would keep the program alive.
    process.stdin.destroy();
    if (signal.aborted) process.exitCode = 130;
    else if (e instanceof StintError || e instanceof LinkError) fail(e.message);
    else if ((e as NodeJS.ErrnoException).code === "EPIPE") fail("nobody reads what it sends");
    else throw e;
  } finally {
    // The peer is told of the end, and has its time to acknowledge what it was sent.
    const failed = process.exitCode, lost = await stack.close(signal.aborted ? INTERRUPTED_MS : options.linger * 1000);
    if (lost > 0 && !failed)
      fail(
        `the last bytes are lost: it did not acknowledge them within ${options.linger} s, or has reset the connection`,
      );
    if (options.stats) {
      for (const [name, n] of Object.entries(stack.counters())) if (n) console.error(`${name} ${n}`);
    }
  }
}
