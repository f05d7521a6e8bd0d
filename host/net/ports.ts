/** Ports that are nobody's. */
import type { StintError } from "../errors.js";

/** RFC 6335 §6: ports that are nobody's, and how often one is tried. */
const PORT_FIRST = 49152, PORT_COUNT = 16384, PORT_TRIES = 256;

/** Opens a port, or one that is free when it is 0. Returns what `open` did, and the port. */
export function free(port: number, open: (port: number) => number): [handle: number, port: number] {
  for (let tries = 1; ; tries++) {
    const candidate = port || PORT_FIRST + (crypto.getRandomValues(new Uint16Array(1))[0]! & (PORT_COUNT - 1));
    try {
      return [open(candidate), candidate];
    } catch (e) {
      if (port !== 0 || tries === PORT_TRIES || (e as StintError).code !== "IN_USE") throw e;
    }
  }
}
