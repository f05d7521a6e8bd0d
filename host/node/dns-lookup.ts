/** `lookup` and `lookupService` of `node:dns`: addresses by the stack's resolver, names of addresses by a question. */
import dns from "node:dns";
import { isIP } from "node:net";
import { inspect } from "node:util";
import type { Stack } from "../net/stack.js";
import { hold, letGo, theStack } from "./default.js";
import { checkPort, misuse, systemError, wrongType, wrongValue } from "./errors.js";
import { addressesOf } from "./names.js";
import { defaults, Questions } from "./resolver.js";

export interface LookupOptions {
  family?: number | "IPv4" | "IPv6" | undefined;
  hints?: number | undefined;
  all?: boolean | undefined;
  verbatim?: boolean | undefined;
  order?: "ipv4first" | "ipv6first" | "verbatim" | undefined;
  /** On which stack; by default on that of `use`. */
  stack?: Stack | Promise<Stack> | undefined;
}

export interface LookupAddress {
  address: string;
  family: number;
}

export interface Wanted {
  family: number;
  all: boolean;
  order: string;
  stack: Stack | Promise<Stack> | undefined;
}

function oneOf<T>(name: string, value: T, values: readonly T[]): void {
  if (!values.includes(value)) {
    throw wrongValue(name, value, `must be one of: ${values.map((v) => inspect(v)).join(", ")}`);
  }
}

/** What `lookup` was asked for, or an error of Node's. */
export function checkLookup(name: unknown, options: unknown): Wanted {
  if (name && typeof name !== "string") throw wrongType("hostname", "of type string", name);
  if (options === undefined || options === null) return { family: 0, all: false, order: orderOf({}), stack: undefined };
  const families = [0, 4, 6];
  if (typeof options === "number") {
    oneOf("family", options, families);
    return { family: options, all: false, order: orderOf({}), stack: undefined };
  }
  if (typeof options !== "object") throw wrongType("options", "one of type integer or object", options);
  const { family, hints, all, verbatim, order, stack } = options as LookupOptions,
    known = dns.ADDRCONFIG | dns.ALL | dns.V4MAPPED;
  if (hints !== undefined && hints !== null) {
    if (typeof hints !== "number") throw wrongType("options.hints", "of type number", hints);
    if (((hints >>> 0) & ~known) !== 0) throw wrongValue("hints", hints);
  }
  const number = family === "IPv4" ? 4 : family === "IPv6" ? 6 : (family ?? 0);
  oneOf("options.family", number, families);
  for (const [key, value] of Object.entries({ all, verbatim }))
    if (value !== undefined && value !== null && typeof value !== "boolean")
      throw wrongType(`options.${key}`, "of type boolean", value);
  if (order !== undefined && order !== null) oneOf("options.order", order, ["ipv4first", "ipv6first", "verbatim"]);
  return { family: number, all: all === true, order: orderOf(options), stack };
}

function orderOf({ order, verbatim }: LookupOptions): string {
  if (order !== undefined && order !== null) return order;
  if (verbatim === undefined || verbatim === null) return dns.getDefaultResultOrder();
  return verbatim ? "verbatim" : "ipv4first";
}

/** Addresses as the stack has them (RFC 6724 §6), or those of one family first. */
function inOrder(addresses: LookupAddress[], order: string): LookupAddress[] {
  if (order === "verbatim") return addresses;
  const first = order === "ipv4first" ? 4 : 6;
  return addresses.sort((a, b) => Number(b.family === first) - Number(a.family === first));
}

/** The addresses of a name; [] for none at all, which Node takes for no error. The process waits for it. */
export function find(name: string, { family, order, stack }: Wanted): Promise<LookupAddress[]> {
  if (!name) return Promise.resolve([]);
  if (isIP(name) !== 0) return Promise.resolve([{ address: name, family: isIP(name) }]);
  const waits = {};
  hold(waits);
  return new Promise<LookupAddress[]>((resolve, reject) => {
    const begin = (open: Stack): void =>
      addressesOf(open, name, { family, lookup: null }, (error, addresses) => {
        if (error) reject(error);
        else resolve(inOrder(addresses.map((address) => ({ address, family: isIP(address) })), order));
      });
    const on = stack ?? theStack();
    if (on instanceof Promise) on.then(begin, reject);
    else begin(on);
  }).finally(() => letGo(waits));
}

/** Services whose names everybody knows (RFC 6335); others are their number, as `getnameinfo` has it. */
const SERVICES: Record<number, string> = {
  7: "echo", 9: "discard", 13: "daytime", 19: "chargen", 20: "ftp-data", 21: "ftp", 22: "ssh", 23: "telnet", 25: "smtp",
  37: "time", 53: "domain", 67: "bootps", 68: "bootpc", 69: "tftp", 79: "finger", 80: "http", 88: "kerberos",
  110: "pop3", 119: "nntp", 123: "ntp", 143: "imap2", 161: "snmp", 179: "bgp", 194: "irc", 389: "ldap", 443: "https",
  465: "submissions", 514: "syslog", 546: "dhcpv6-client", 547: "dhcpv6-server", 554: "rtsp", 587: "submission",
  636: "ldaps", 853: "domain-s", 989: "ftps-data", 990: "ftps", 993: "imaps", 995: "pop3s", 1883: "mqtt", 3306: "mysql",
  5222: "xmpp-client", 5353: "mdns", 5432: "postgresql", 8883: "secure-mqtt",
};

/** What `lookupService` was asked for, or an error of Node's. */
export function checkService(args: unknown[], count: number): [address: string, port: number] {
  if (args.length !== count) {
    const names = count === 3 ? '"address", "port", and "callback"' : '"address" and "port"';
    throw misuse("ERR_MISSING_ARGS", `The ${names} arguments must be specified`, TypeError);
  }
  const [address, port] = args;
  if (typeof address !== "string" || isIP(address) === 0) throw wrongValue("address", address);
  return [address, checkPort(port, "Port", 0)];
}

/** How long the servers have for a name of an address: as long as those of the system's `getnameinfo`. */
const PATIENCE = { timeout: 2500, tries: 2 };

/** The name of an address and of a port; without a name the address itself. */
export async function service(address: string, port: number): Promise<{ hostname: string; service: string }> {
  const named = SERVICES[port] ?? String(port);
  if (address.startsWith("127.")) return { hostname: "localhost", service: named };
  const questions = new Questions(PATIENCE);
  try {
    questions.setServers(defaults.questions.getServers());
    const [hostname = address] = (await questions.reverse(address)) as string[];
    return { hostname, service: named };
  } catch (e) {
    const { code = "" } = e as { code?: string };
    if (["ENOTFOUND", "ENODATA"].includes(code)) return { hostname: address, service: named };
    throw code.startsWith("ERR_") ? e : systemError("getnameinfo", "EAI_AGAIN", { hostname: address }, e);
  }
}
