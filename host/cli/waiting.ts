/** What a command says while it waits, so that nobody takes it for stuck. On stderr: stdout is what was asked for. */
import { deviceIsUp } from "../links/device.js";
import { deviceOf, tapNote } from "../links/tap.js";
import { ADDRESS_MS } from "../stack.js";

/** How long nothing is said, ms. */
const SILENT_MS = 500;

export const ASKING = `asking the network for an address (DHCP), for up to ${ADDRESS_MS / 1000} s`;

/** Waits, and says for what if that takes long. */
export async function patiently<T>(what: string, promise: Promise<T>): Promise<T> {
  const timer = setTimeout(() => console.error(what), SILENT_MS);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}

/** Nothing comes through a device that is down, and not much through a helper. */
export function sayDevice(link: string): void {
  const colon = link.indexOf(":"), kind = link.slice(0, colon), given = link.slice(colon + 1);
  if (kind !== "tap" && kind !== "if") return;
  const name = kind === "tap" ? deviceOf(given) : given, note = kind === "tap" ? tapNote(given) : undefined;
  if (note !== undefined) console.error(note);
  if (deviceIsUp(name) === false) console.error(`link down: ${name} is down; bring it up: ip link set ${name} up`);
}
