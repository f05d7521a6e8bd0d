/** IPv6 of the commands: its options, and the addresses as they come and go. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { hostname } from "node:os";
import type { Command } from "commander";
import { formatIp6, isLinkLocal } from "../address6.js";
import { isForming6 } from "../forming6.js";
import { checkIp6, MTU_MIN, type Ip6Options } from "../net/ip6.js";
import type { StackModule } from "../stack.js";
import { address6, cidr6 } from "./arguments.js";

export interface Options6 {
  link: string;
  ipv6?: boolean;
  ip6?: string[];
  gateway6?: string;
  temporary?: boolean;
}

/** The options that `up` and `connect` share. Returns the command. */
export function addOptions6(command: Command): Command {
  const more = (text: string, before: string[] = []): string[] => [...before, cidr6(text)];
  return command
    .option("--ipv6", "IPv6 beside IPv4, with addresses that routers tell of; the default, where the link has it")
    .option("--no-ipv6", "IPv4 alone")
    .option("--ip6 <address/n>", "an own IPv6 address and its prefix, beside those; may be repeated", more)
    .option("--gateway6 <address>", "default router of IPv6, beside those that make themselves known", address6)
    .option("--temporary", "connect from temporary IPv6 addresses, which change each day (RFC 8981)");
}

/**
 * What is asked of IPv6; undefined: nothing. Without a word of the user's it is what `otherwise` says, where the link
 * carries it. Throws a RangeError for what does not go together.
 */
export function ip6Options(asked: Options6, mtu: number, otherwise: boolean): Ip6Options | undefined {
  const { link, ipv6, ip6, gateway6 } = asked, is4 = /^(passt|nat)\b/.test(link);
  if (gateway6 !== undefined && ip6 === undefined) throw new RangeError("--gateway6 needs --ip6");
  if (ipv6 === false && ip6 !== undefined) throw new RangeError("--ip6 does not go with --no-ipv6");
  if (ipv6 === false && asked.temporary) throw new RangeError("--temporary does not go with --no-ipv6");
  const isAsked = ipv6 === true || ip6 !== undefined || asked.temporary === true;
  if (!isAsked && (ipv6 === false || !otherwise || is4 || mtu < MTU_MIN)) return undefined;
  if (is4) throw new RangeError(`a link through ${link.split(":")[0]} carries IPv4 alone`);
  const { temporary } = asked;
  const options: Ip6Options = { secret: secretFor(link), addresses: ip6, gateway: gateway6, temporary };
  checkIp6(options, mtu);
  return options;
}

const SECRET_SIZE = 16;

/** What this machine's stack on a link makes its addresses from: they are the same each time (RFC 7217). */
function secretFor(link: string): Uint8Array {
  const file = "/etc/machine-id", machine = existsSync(file) ? readFileSync(file, "utf8") : "";
  return createHash("sha256").update(`IPv6 ${machine} ${hostname()} ${link}`).digest().subarray(0, SECRET_SIZE);
}

/** Tells of the IPv6 addresses of a stack: those that can be used now, and those that cannot any longer. */
export class Watch6 {
  #had = new Set<string>();

  constructor(readonly module: StackModule, readonly say: (words: string) => void) {}

  /** To be called after each poll. Returns an address that is good beyond the link, if there are those that serve. */
  look(): string | undefined {
    const known = this.module.ip6Addresses().filter((a) => a.origin !== "loopback"), all = known.filter((a) => a.ready);
    const has = new Set(all.map((a) => formatIp6(a.bytes)));
    for (const address of has) if (!this.#had.has(address)) this.say(`address ${address}`);
    for (const address of this.#had) if (!has.has(address)) this.say(`address ${address} lost`);
    this.#had = has;
    const far = isForming6(known) ? undefined : all.find((a) => !isLinkLocal(a.bytes));
    return far && formatIp6(far.bytes);
  }
}
