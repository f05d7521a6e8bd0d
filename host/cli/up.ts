/** `stint up`: a stack with services on a link, under Node or under the wasmtime CLI. */
import { statSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { InvalidArgumentError, Option, type Command } from "commander";
import { formatIp, parseIp } from "../address.js";
import { isLinkLocal } from "../address6.js";
import { monotonicUs } from "../clock.js";
import { CONFIG_FIELDS, type StackOptions } from "../config.js";
import { COUNTERS } from "../counters.js";
import { Ending, FLUSH_MS } from "../ending.js";
import { captured, CaptureFile } from "../links/capture.js";
import { LinkError, type Link } from "../links/link.js";
import { beginIp6, type Ip6Options } from "../net/ip6.js";
import { LINK_FORMS, openLink } from "../links/open.js";
import { Loop } from "../loop.js";
import { becomeUser, checkUser } from "../privilege.js";
import { SERVICES, ServiceStack, type ServiceName } from "../services.js";
import { Shards } from "../shards/shards.js";
import { ADDRESS_MS } from "../stack.js";
import { checkChoice, macFor, ownAddress } from "./own-address.js";
import { address, cidr, hostName, mac, parseCount, parsePort } from "./arguments.js";
import { addOptions6, ip6Options, Watch6 } from "./ip6.js";
import type { Ended, Running, Settable, UpOptions } from "./running.js";
import { whenAsked } from "./signals.js";
import { ASKING, patiently, sayDevice } from "./waiting.js";
import { startWasmtime } from "./wasmtime.js";

/** Who looks on at a stack: is shown its link, which it hands back, and the stack itself. */
interface Watcher {
  watch(link: Link): Link;
  stack(stack: ServiceStack): void;
}

/** A ring if nobody says: it takes this to keep a link busy. With many connections all would not fit into 4 GiB. */
const RING = 262_144, RING_OF_MANY = 65_536, MANY = 1024;

/** `stint up`: runs until a signal. The first ends connections in order, the second and third sooner. */
export function addUp(program: Command): void {
  const command = program
    .command("up")
    .description("bring a stack up on a real network, with services")
    .requiredOption("--link <link>", LINK_FORMS);
  upOptions(command).action((options: UpOptions) => up(options));
}

/** What can be said of a stack that a command brings up, its link aside. */
export function upOptions(command: Command): Command {
  command
    .option("--ip <a.b.c.d/n>", "own address and prefix; without it, the network is asked for one (DHCP)", cidr)
    .option("--last-ip <a.b.c.d>", "without --ip: an address that the stack had before, to ask for first", address)
    .option("--no-link-local", "without --ip: no address of 169.254/16 (RFC 3927) where no DHCP server answers")
    .option("--name <name>", "be reachable as NAME.local (mDNS); without --ip, the DHCP server is told, too", hostName)
    .option(
      "--mac <a:b:c:d:e:f>",
      "own MAC address; by default made from the address, or from this machine's name and the link's", mac,
    )
    .option("--gateway <a.b.c.d>", "default router", address)
    .addOption(new Option("--runtime <name>", "what runs the module").choices(["node", "wasmtime"]).default("node"))
    .option("--echo <port>", "echo (RFC 862)", parsePort)
    .option("--discard <port>", "discard (RFC 863)", parsePort)
    .option("--chargen <port>", "character generator (RFC 864)", parsePort)
    .option("--http <port>", "files over HTTP/1.1", parsePort)
    .option("--root <dir>", "the folder that --http serves")
    .option("--connections <n>", "connections at a time", parseCount, 64)
    .option(
      "--ring <bytes>",
      `send and receive ring of each connection; by default ${RING}, with more than ${MANY} of them ${RING_OF_MANY}`,
      parseCount,
    )
    .option("--workers <n>", "threads, each with a stack of its own and its share of the connections", parseCount, 1)
    .option("--mtu <bytes>", "largest packet of the link", parseCount, 1500)
    .option("--pcap <file>", "write the frames to a pcapng file")
    .option(
      "--group-key <hex>",
      "16 bytes that the members of a group behind one address share; their clocks must agree to a second", parseKey,
    )
    .option("--fast-open <n>", "connections at a time that may bring a request in their SYN (RFC 7413)", parseCount, 0)
    .option("--idle <seconds>", "end connections that say and take nothing for so long; 0: none", parseCount, 60)
    .option("--linger <seconds>", "how long connections have at the end to take what is left for them", parseCount, 60)
    .option("--user <name>", "who to be once the link is open")
    .option("--set <name=n>", "a number of the configuration, as synRate=100; may be repeated", parseSetting, {})
    .option("--stats", "print the counters at the end");
  addOptions6(command);
  return command;
}

function parseKey(text: string): Uint8Array {
  if (!/^[0-9a-f]{32}$/i.test(text)) throw new InvalidArgumentError("a key is 32 hexadecimal digits.");
  return Uint8Array.from(Buffer.from(text, "hex"));
}

const SETTABLE = CONFIG_FIELDS.slice(CONFIG_FIELDS.indexOf("mtu"), CONFIG_FIELDS.indexOf("firstByteMs") + 1)
  .filter((f) => f !== "policy" && f !== "appBytes") as Settable[];

function parseSetting(text: string, before: Partial<Record<Settable, number>>): Partial<Record<Settable, number>> {
  const [name, value] = text.split("=") as [Settable, string | undefined];
  if (value === undefined || !SETTABLE.includes(name)) {
    throw new InvalidArgumentError(`write it as name=number; the names are ${SETTABLE.join(" ")}.`);
  }
  return { ...before, [name]: parseCount(value) };
}

function checked(options: UpOptions): Partial<Record<ServiceName, number>> {
  const ports: Partial<Record<ServiceName, number>> = {};
  for (const name of Object.keys(SERVICES) as ServiceName[])
    if (options[name] !== undefined) ports[name] = options[name];
  if (new Set(Object.values(ports)).size < Object.keys(ports).length)
    throw new RangeError("two services cannot share a port");
  if (options.http !== undefined && options.root === undefined)
    throw new RangeError("--http needs --root DIR, the folder to serve");
  if (options.root !== undefined && !statSync(options.root, { throwIfNoEntry: false })?.isDirectory()) {
    throw new RangeError(`--root: there is no folder ${options.root}`);
  }
  if (options.connections < 1 || options.connections > 100_000)
    throw new RangeError("--connections is a number from 1 to 100000");
  if (options.ring < 2048 || options.ring > 1 << 24)
    throw new RangeError("--ring is a number of bytes from 2048 to 16777216");
  if (options.mtu < 576 || options.mtu > 9216) throw new RangeError("--mtu is a number of bytes from 576 to 9216");
  if (options.user !== undefined) checkUser(options.user);
  if (options.idle > 65534) throw new RangeError("--idle is a number of seconds from 0 to 65534");
  if (options.linger > 3600) throw new RangeError("--linger is a number of seconds from 0 to 3600");
  if (options.workers < 1 || options.workers > 64) throw new RangeError("--workers is a number from 1 to 64");
  if (options.workers > 1 && options.runtime !== "node") throw new RangeError("--workers needs --runtime node");
  if (options.ip === undefined && options.runtime !== "node") throw new RangeError("--runtime wasmtime needs --ip");
  if (options.ip === undefined && options.workers > 1) throw new RangeError("--workers needs --ip");
  if (options.name !== undefined && (options.workers > 1 || options.runtime !== "node"))
    throw new RangeError("--name needs --runtime node and --workers 1");
  if (ip6Of(options) !== undefined && options.workers > 1) throw new RangeError("IPv6 needs --workers 1");
  checkChoice(options);
  return ports;
}

/** IPv6 is on, unless the user says no. */
function ip6Of(options: UpOptions): Ip6Options | undefined {
  return ip6Options(options, options.mtu, options.workers === 1);
}

/** Brings a stack up, until a signal. `watcher` sees its frames, and its connections if they are in this process. */
export async function up(options: UpOptions, watcher?: Watcher): Promise<void> {
  options.ring ??= options.connections > MANY ? RING_OF_MANY : RING;
  const ports = checked(options);
  options.set = { fastOpenMax: options.fastOpen, ...options.set };
  const { ip: plain, prefix } = ownAddress(options.ip);
  let link: Link = await openLink(options.link, {
    ip: plain, prefix, gateway: options.gateway, ports: Object.values(ports),
    ...(options.user === undefined ? {} : { user: options.user }),
  });
  if (options.pcap !== undefined) link = captured(link, new CaptureFile(options.pcap, ["stint"]));
  if (watcher !== undefined) link = watcher.watch(link);
  if (options.user !== undefined) becomeUser(options.user);
  sayDevice(options.link);
  try {
    const running =
      options.runtime === "wasmtime"
        ? await startWasmtime(link, options, ports, ip6Of(options))
        : options.workers > 1
          ? startShards(link, options, ports)
          : startNode(link, options, ports, watcher);
    let asked = 0;
    const stop = (): void => {
      // A second request does not wait for connections, a third one for nothing.
      if (++asked > 2) process.exit(130);
      if (asked === 2) process.exitCode = 130;
      running.stop();
    };
    whenAsked(stop);
    link.onClose = (error) => running.fail(error ?? new LinkError("the link has closed"));
    const heard = link.onChange;
    link.onChange = (isUp, why) => {
      heard?.(isUp, why);
      console.error(isUp ? "link up" : `link down: ${why?.message ?? ""}`);
    };
    const got = await patiently(options.ip === undefined ? ASKING : `starting ${options.runtime}`, running.ready);
    const list = Object.entries(ports).map(([name, port]) => `${name}:${port}`).join(" ");
    console.log(`ready ${plain ?? got ?? ""} ${list}`.trimEnd() + ` (${options.runtime})`);
    const { counters, cut } = await running.done;
    if (cut > 0) {
      const why = asked > 1 ? "it was asked to end twice" : `not acknowledged within ${options.linger} s`;
      console.error(`stint up: ${cut} ${cut === 1 ? "connection was" : "connections were"} cut off: ${why}`);
      process.exitCode ??= 1;
    }
    if (options.stats) {
      for (const name of COUNTERS) if (counters[name]) console.log(`${name} ${counters[name]}`);
    }
  } finally {
    link.close();
  }
}

/**
 * How long the server has to hear that its lease is free again, ms, which takes a second at most; and how often the end
 * is looked for.
 */
const RELEASING_MS = 1500, LOOK_MS = 10;

function startShards(link: Link, options: UpOptions, ports: Partial<Record<ServiceName, number>>): Running {
  const share = { ...options, connections: Math.ceil(options.connections / options.workers) };
  const shards = new Shards(
    options.workers, link, stackOptions(share), ports, options.root, undefined, options.idle, options.linger,
  );
  let fail: (error: Error) => void;
  const failed = new Promise<never>((_, reject) => (fail = reject));
  failed.catch(() => void shards.terminate());
  const done = shards.done.then(async (counters) => {
    if (shards.cut > 0) await sleep(FLUSH_MS);
    return { counters, cut: shards.cut };
  });
  return {
    ready: shards.ready,
    stop: () => shards.stop(),
    fail: (error) => fail(error),
    done: Promise.race([done, failed]),
  };
}

function stackOptions(options: UpOptions): StackOptions {
  return {
    ...(options.ip === undefined
      ? { mac: options.mac ?? macFor(options.link) }
      : { ip: options.ip, ...(options.mac === undefined ? {} : { mac: options.mac }) }),
    ...(options.gateway === undefined ? {} : { gateway: options.gateway }),
    connsMax: options.connections,
    sendRing: (options.ring + 3) & ~3,
    recvRing: (options.ring + 3) & ~3,
    mtu: options.mtu,
    halfOpenMax: Math.max(256, Math.min(options.connections, 65535)),
    timeWaitMax: Math.max(256, options.connections),
    rxSlots: 256,
    txSlots: 256,
    ...(options.groupKey === undefined
      ? {}
      : { group: { key: options.groupKey, clockOffsetUs: Math.round(Date.now() * 1000 - monotonicUs()) } }),
    ...options.set,
  };
}

function late(loop: Loop): Promise<never> {
  return new Promise((_, reject) => {
    setTimeout(() => {
      if (loop.stack.ownAddress() !== 0) return;
      if (loop.stack.ip6Addresses().some((a) => a.ready && a.origin !== "loopback" && !isLinkLocal(a.bytes))) return;
      loop.stop();
      reject(new LinkError(`no DHCP server gave an address within ${ADDRESS_MS / 1000} s; give one with --ip`));
    }, ADDRESS_MS).unref();
  });
}

/** Tells of the own name in .local when it is settled, or another one than `had`. Returns the one that was told. */
function tellName(stack: ServiceStack, had: string): string {
  const { state, name } = stack.localName();
  if (state !== "SETTLED" || name === had) return had;
  console.error(`name ${name}`);
  return name;
}

/** Why an address is none of a server's. */
function selfGiven(stack: ServiceStack): string {
  return stack.lease().linkLocal ? " (link-local: no DHCP server answers)" : "";
}

/** Gives back what servers gave, of either family, and waits until they know. */
async function release(stack: ServiceStack, four: boolean, six: boolean): Promise<void> {
  if (four) {
    stack.linkLocalStop();
    stack.dhcpStop();
  }
  if (six) stack.dhcp6Stop();
  const goesOn = (): boolean => (four && stack.ownAddress() !== 0) || (six && stack.dhcp6().state !== "OFF");
  for (const until = performance.now() + RELEASING_MS; goesOn() && performance.now() < until;) await sleep(LOOK_MS);
}

function startNode(
  link: Link, options: UpOptions, ports: Partial<Record<ServiceName, number>>, watcher: Watcher | undefined,
): Running {
  const stack = new ServiceStack(stackOptions(options), ports, options.root, options.idle);
  watcher?.stack(stack);
  const loop = new Loop(stack, link, monotonicUs);
  const leased = options.ip === undefined, ipv6 = ip6Of(options);
  if (ipv6 !== undefined) {
    // Its timers count from now.
    stack.poll(monotonicUs());
    beginIp6(stack, ipv6);
  }
  const watch = ipv6 && new Watch6(stack, (words) => console.error(words));
  let name = "";
  let got: (address: string) => void, had = stack.ownAddress(), ending = false;
  const address = new Promise<string>((resolve) => (got = resolve));
  loop.onPolled = () => {
    if (options.name !== undefined && !ending) name = tellName(stack, name);
    const far = ending ? undefined : watch?.look();
    if (far !== undefined) got(far);
    if (leased && !ending) {
      const has = stack.ownAddress();
      if (has !== had) console.error(has === 0 ? "address lost" : `address ${formatIp(has)}${selfGiven(stack)}`);
      if (has !== 0) got(formatIp(has));
      had = has;
    }
    return stack.run();
  };
  if (leased && options.linkLocal) stack.linkLocalStart();
  if (leased) stack.dhcpStart(options.lastIp === undefined ? 0 : parseIp(options.lastIp), options.name ?? "");
  if (options.name !== undefined) stack.mdnsStart(options.name);
  let end: (ended: Ended) => void, fail: (error: Error) => void;
  const done = new Promise<Ended>((resolve, reject) => ([end, fail] = [resolve, reject]));
  // It may fail before it is ready, and is looked at afterwards.
  done.catch(() => {});
  let closing: Ending | undefined;
  const stopped = async (): Promise<void> => {
    while (!closing!.isOver()) await sleep(LOOK_MS);
    ending = true;
    const cut = stack.cut();
    if (options.name !== undefined) stack.mdnsStop();
    loop.run();
    await release(stack, leased, ipv6 !== undefined);
    loop.run();
    if (cut > 0) await sleep(FLUSH_MS);
    loop.stop();
    end({ counters: stack.counters(), cut });
  };
  return {
    // After the loop's first turn, which announces the address: passt sends to nobody before it has heard of us, and
    // does so once.
    ready: leased
      ? Promise.race([address, done.then(() => {}), late(loop)])
      : new Promise((resolve) => setImmediate(resolve)),
    stop() {
      if (closing) return closing.hurry();
      closing = new Ending(stack, options.linger * 1000);
      void stopped().catch(fail);
    },
    fail(error) {
      loop.stop();
      fail(error);
    },
    done,
  };
}
