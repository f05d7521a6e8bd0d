/** The address of a command's stack: given with `--ip`, or to be asked of the network; and a MAC address that stays the same. */
import { createHash } from "node:crypto";
import { hostname } from "node:os";
import { formatMac, parseCidr } from "../address.js";

/** An address that was given, without its prefix, and its prefix; without one, none. */
export function ownAddress(text: string | undefined): { ip: string | undefined; prefix: number } {
  return text === undefined ? { ip: undefined, prefix: 0 } : { ip: text.split("/")[0]!, prefix: parseCidr(text).prefix };
}

/** The MAC address of this machine's stack on a link: always the same, so that a DHCP server knows it again. */
export function macFor(link: string): string {
  return formatMac(0x020000000000 + createHash("sha256").update(`${hostname()} ${link}`).digest().readUIntBE(0, 5));
}
