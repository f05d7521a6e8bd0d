/** A host's addresses: by the caller's own `lookup`, or by the stack's. */
import { ADDRCONFIG } from "node:dns";
import { isIP } from "node:net";
import type { Stack } from "../net/stack.js";
import type { ConnectOptions, LookupFunction } from "./arguments.js";
import { asSystemError, misuse, systemError } from "./errors.js";

/** As `dgram` calls it, with one address to come. */
export type OneLookup = (
  name: string,
  family: number,
  found: (error: Error | null, address: string, family?: number) => void,
) => void;

/**
 * The IPv4 address of a host, by the caller's own `lookup`, or by the stack's. `found` is not called within this call.
 */
export function addressFor(
  stack: Stack,
  host: string,
  lookup: OneLookup | undefined,
  found: (error: Error | undefined, address: string) => void,
): void {
  const asked = lookup ?? (given() as unknown as OneLookup | undefined);
  if (asked) asked(host, 4, (error, address) => found(error ?? undefined, address));
  else if (isIP(host) !== 0) process.nextTick(found, undefined, host);
  else addressesOf(stack, host, { family: 4 }, (error, [address = ""]) => found(error, address));
}

/** RFC 7686 §2: no server is asked for these, and none of them is there. */
export function isOnion(host: string): boolean {
  return /(^|\.)onion\.?$/i.test(host);
}

let given: () => LookupFunction | undefined = () => undefined;
/** `dns.lookup` that somebody has put in the place of ours is asked as Node would ask it: `find` gives it. */
export function asksThis(find: () => LookupFunction | undefined): void {
  given = find;
}

type Found = (error: Error | undefined, addresses: string[]) => void;

/** `lookup`: null, and nobody but the stack is asked. */
type Asked = Pick<ConnectOptions, "family" | "hints" | "port"> & { lookup?: LookupFunction | null | undefined };

/** Calls `found` once, with an address at least, or with an error. */
export function addressesOf(stack: Stack, host: string, options: Asked, found: Found): void {
  const { family: asked = 0, lookup = given(), hints } = options,
    family = Number(String(asked).replace("IPv", ""));
  if (lookup) {
    const how = { family: options.family === undefined ? undefined : family, hints: hints || hintsFor(family) };
    lookup(host, { ...how, all: true }, (error, answer, of) => {
      if (error) found(error, []);
      else {
        const all = Array.isArray(answer) ? answer : [{ address: answer, family: of ?? 4 }],
          odd = all.find((a) => ![4, 6, "IPv4", "IPv6"].includes(a.family));
        if (odd && isIP(odd.address) !== 0) found(oddFamily(odd.family, host, options.port), []);
        else check(host, all.map((a) => a.address), found);
      }
    });
  } else if (isOnion(host) || (family === 6 && !stack.hasIp6)) {
    process.nextTick(found, systemError("getaddrinfo", "ENOTFOUND", { hostname: host }), []);
  } else if (/^(.*\.)?localhost\.?$/i.test(host)) {
    // RFC 6761 §6.3: nobody is asked for it.
    process.nextTick(found, undefined, [family === 6 ? "::1" : "127.0.0.1"]);
  } else {
    stack.lookup(host, { family: family === 4 || family === 6 ? family : 0 }).then(
      (addresses) => found(undefined, addresses),
      (error: unknown) => found(asSystemError(error, "getaddrinfo", { hostname: host }), []),
    );
  }
}

/** What Node gives a `lookup` to which nobody gives hints. */
const hintsFor = (family: number): number => (family === 4 || family === 6 ? 0 : ADDRCONFIG);

function oddFamily(family: unknown, host: string, port: unknown): Error {
  const what = `Invalid address family: ${String(family)} ${host}:${String(port)}`;
  return Object.assign(misuse("ERR_INVALID_ADDRESS_FAMILY", what, RangeError), { host, port });
}

function check(host: string, addresses: (string | undefined)[], found: Found): void {
  const wrong = addresses.find((address) => typeof address !== "string" || isIP(address) === 0);
  if (addresses.length === 0) found(systemError("getaddrinfo", "ENOTFOUND", { hostname: host }), []);
  else if (addresses.includes(wrong))
    found(misuse("ERR_INVALID_IP_ADDRESS", `Invalid IP address: ${String(wrong)}`, TypeError), []);
  else found(undefined, addresses as string[]);
}
