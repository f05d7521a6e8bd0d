/** A host's addresses: by the caller's own `lookup`, or by the stack's. */
import { isIP } from "node:net";
import type { Stack } from "../net/stack.js";
import type { ConnectOptions } from "./arguments.js";
import { asSystemError, misuse, systemError } from "./errors.js";

type Found = (error: Error | undefined, addresses: string[]) => void;

/** Calls `found` once, with an address at least, or with an error. */
export function addressesOf(stack: Stack, host: string, options: ConnectOptions, found: Found): void {
  const { family: asked = 0, lookup, hints } = options,
    family = Number(String(asked).replace("IPv", ""));
  if (lookup) {
    lookup(host, { family, all: true, ...(hints === undefined ? {} : { hints }) }, (error, answer) => {
      if (error) found(error, []);
      else check(host, Array.isArray(answer) ? answer.map((a) => a.address) : [answer], found);
    });
  } else if (family === 6) {
    found(systemError("getaddrinfo", "ENOTFOUND", { hostname: host }), []);
  } else if (/^(.*\.)?localhost\.?$/i.test(host)) {
    // RFC 6761 §6.3: nobody is asked for it.
    process.nextTick(found, undefined, ["127.0.0.1"]);
  } else {
    stack.lookup(host).then(
      (addresses) => found(undefined, addresses),
      (error: unknown) => found(asSystemError(error, "getaddrinfo", { hostname: host }), []),
    );
  }
}

function check(host: string, addresses: (string | undefined)[], found: Found): void {
  const wrong = addresses.find((address) => typeof address !== "string" || isIP(address) === 0);
  if (addresses.length === 0) found(systemError("getaddrinfo", "ENOTFOUND", { hostname: host }), []);
  else if (addresses.includes(wrong))
    found(misuse("ERR_INVALID_IP_ADDRESS", `Invalid IP address: ${String(wrong)}`, TypeError), []);
  else found(undefined, addresses as string[]);
}
