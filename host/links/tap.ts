/** A TAP device (Linux, root): without a helper where koffi is installed, else through socat. */
import { existsSync } from "node:fs";
import { LinkError, type Link } from "./link.js";
import { takeBySocat } from "./socat.js";
import { surviving } from "./surviving.js";
import { theSystem } from "./system.js";
import { takeTun } from "./tun.js";

/** How to write that the device is to be taken through socat in any case: tap:NAME,socat. */
const SOCAT = ",socat";

/**
 * Takes a TAP device, and again whenever it was down or gone. The package koffi makes the calls for it; without koffi,
 * socat does, which is slower, and must be installed. `user`: whom socat is to be once it has the device. Whoever has
 * become that user gets the device again only if it is theirs (`ip tuntap add … user NAME`). "NAME,socat" goes through
 * socat in any case.
 */
export function openTap(name: string, user?: string): Promise<Link> {
  const system = name.endsWith(SOCAT) ? undefined : theSystem(), device = deviceOf(name);
  return surviving(async (turn) => {
    checkTap(device);
    return system === undefined ? takeBySocat(device, user, turn === "again") : takeTun(system, device);
  });
}

/** The device of which a link's name tells. */
export function deviceOf(name: string): string {
  return name.endsWith(SOCAT) ? name.slice(0, -SOCAT.length) : name;
}

/** A line for whom a TAP device is slower than it need be; undefined: it is not, or they have asked for it. */
export function tapNote(name: string): string | undefined {
  if (name.endsWith(SOCAT) || theSystem() !== undefined) return undefined;
  return `${name} goes through socat, which is slow; without it: npm install koffi@3`;
}

/** Throws a LinkError where there is no TAP device of this name. */
export function checkTap(name: string): void {
  if (!/^[\w.-]{1,15}$/.test(name)) throw new LinkError(`"${name}" is no name of a network device`);
  const make = `ip tuntap add dev ${name} mode tap && ip addr add 10.0.0.1/24 dev ${name} && ip link set ${name} up`;
  if (!existsSync(`/sys/class/net/${name}`)) throw new LinkError(`there is no device ${name}; make it with: ${make}`);
  if (!existsSync(`/sys/class/net/${name}/tun_flags`)) throw new LinkError(`${name} is no TAP device`);
}
