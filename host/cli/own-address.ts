/**
 * The address of a command's stack: given with `--ip`, or to be asked of the network; and a MAC address that stays the
 * same.
 */
import { createHash } from "node:crypto";
import { hostname } from "node:os";
import { checkAddresses, formatMac, parseCidr } from "../address.js";
import { isOwnAddress } from "../links/device.js";

/** An address that was given, without its prefix, and its prefix; without one, none. */
export function ownAddress(text: string | undefined): { ip: string | undefined; prefix: number } {
  return text === undefined
    ? { ip: undefined, prefix: 0 }
    : { ip: text.split("/")[0]!, prefix: parseCidr(text).prefix };
}

interface Choice { link: string; ip?: string; gateway?: string; lastIp?: string }

/**
 * Throws a RangeError where options do not go together: what a network gives is not given by hand. Addresses are some
 * that can be.
 */
export function checkChoice({ link, ip, gateway, lastIp }: Choice): void {
  if (ip === undefined && gateway !== undefined) throw new RangeError("--gateway needs --ip");
  if (ip !== undefined && lastIp !== undefined) throw new RangeError("--last-ip is for a stack without --ip");
  if (ip === undefined) return;
  checkAddresses(ip, gateway);
  // The kernel keeps packets for its own addresses, whatever device they would go to.
  const own = ip.split("/")[0]!;
  if (/^(tap|if):/.test(link) && isOwnAddress(own))
    throw new RangeError(`${own} is this machine's own address: give the stack another one of that network`);
}

/** The MAC address of this machine's stack on a link: always the same, so that a DHCP server knows it again. */
export function macFor(link: string): string {
  return formatMac(0x020000000000 + createHash("sha256").update(`${hostname()} ${link}`).digest().readUIntBE(0, 5));
}
