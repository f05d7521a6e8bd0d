/** What a command says while it waits, so that nobody takes it for stuck. On stderr: stdout is what was asked for. */
import { deviceIsUp } from "../links/device.js";
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

/** Nothing comes through a device that is down. */
export function sayDown(link: string): void {
  const name = link.slice(link.indexOf(":") + 1), isDown = link.startsWith("tap:") && deviceIsUp(name) === false;
  if (isDown) console.error(`link down: ${name} is down; bring it up: ip link set ${name} up`);
}
