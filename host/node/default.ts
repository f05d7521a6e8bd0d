/**
 * The stack that sockets are on where nobody says which: the one that was given with `use`, or one that the
 * environment describes. And what keeps the process alive: sockets and servers that are open, as with the kernel's.
 */
import { hostname } from "node:os";
import { openLink } from "../links/open.js";
import type { OpenOptions } from "../net/options.js";
import { Stack } from "../net/stack.js";
import { isIp, parseCidr } from "../address.js";
import { TIMER_MAX } from "../timer.js";
import { misuse } from "./errors.js";

/** What a program may have: connections, servers, sockets for UDP, and bytes that wait at each of these, either way. */
const SIZES = { connsMax: 256, listenersMax: 64, udpMax: 64, udpRing: 1 << 16 };

let current: Stack | Promise<Stack> | undefined;

/**
 * From now on sockets and servers are on this stack. It is handed over: open sockets and servers keep the process
 * alive then, and the stack's link does not.
 */
export function use(stack: Stack | Promise<Stack>): void {
  current = stack;
  if (stack instanceof Promise)
    stack.then(
      (open) => settle(stack, open),
      () => {},
    );
  else settle(stack, stack);
}

function settle(as: Stack | Promise<Stack>, stack: Stack): void {
  if (current !== as) return;
  current = stack;
  stack.unref();
  stack.once("close", () => {
    if (current === stack) current = undefined;
  });
}

/** The stack, at once if it is open. Without one the environment's is opened; throws if there is none. */
export function theStack(): Stack | Promise<Stack> {
  if (current === undefined) {
    if (process.env["STINT_LINK"] === undefined) {
      const what = "there is no stack: call use(stack), or set STINT_LINK (docs/guide/node-net.md)";
      throw misuse("ERR_STINT_NO_STACK", what);
    }
    use(openFromEnvironment());
  }
  return current!;
}

/**
 * Opens the stack that the environment describes: STINT_LINK, as `--link` of the command; STINT_IP and STINT_GATEWAY,
 * without which the network is asked; STINT_DNS, STINT_MAC, STINT_NAME; STINT_PORTS, which nat and passt forward.
 */
async function openFromEnvironment(env: NodeJS.ProcessEnv = process.env): Promise<Stack> {
  const { STINT_LINK: text = "", STINT_IP: ip, STINT_GATEWAY: gateway, STINT_DNS: dns, STINT_MAC: mac } = env;
  const ports = (env["STINT_PORTS"] ?? "")
    .split(",")
    .filter((p) => p !== "")
    .map(Number);
  if (ports.some((p) => !(p >= 1 && p <= 65535)))
    throw new RangeError(`STINT_PORTS="${env["STINT_PORTS"]}": ports, with commas between`);
  const plain = ip?.split("/")[0],
    prefix = ip === undefined ? 0 : parseCidr(ip).prefix;
  const link = await openLink(text, { ip: plain, prefix, gateway, ports });
  const name = env["STINT_NAME"] ?? hostname().split(".")[0],
    options: OpenOptions = { link, ...SIZES, dhcp: { name } };
  if (ip !== undefined) options.ip = ip;
  if (ip !== undefined && gateway !== undefined) options.gateway = gateway;
  if (mac !== undefined) options.mac = mac;
  const stack = await Stack.open(options);
  if (dns !== undefined) stack.setServers(dns.split(",").filter(isIp));
  // Nothing is open any more: the link's programs end with us, and the peers of what was left get a RST.
  process.once("beforeExit", () => void stack.close(0));
  return stack;
}

const holding = new Set<object>();
let timer: NodeJS.Timeout | undefined;

/** The process does not end while anybody holds it. */
export function hold(who: object): void {
  holding.add(who);
  timer ??= setInterval(() => {}, TIMER_MAX);
}

/** Takes a `hold` back. Harmless for who holds nothing. */
export function letGo(who: object): void {
  holding.delete(who);
  if (holding.size > 0) return;
  clearInterval(timer);
  timer = undefined;
}
