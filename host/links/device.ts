/** Whether a network device of Linux is up, as /sys tells. */
import { readFileSync } from "node:fs";

const IFF_UP = 1, LOOK_MS = 250;

/** undefined: there is no such device. */
export function deviceIsUp(name: string): boolean | undefined {
  try {
    return (Number(readFileSync(`/sys/class/net/${name}/flags`, "utf8")) & IFF_UP) !== 0;
  } catch {
    return undefined;
  }
}

/** Whether an address is this machine's own, on a device that is up; Node does not list those without a carrier. */
export function isOwnAddress(address: string): boolean {
  let table = "";
  try {
    table = readFileSync("/proc/net/fib_trie", "utf8");
  } catch {
    // Not Linux: there is no TAP device then.
  }
  // "|-- 10.0.0.1", and on the next line "/32 host LOCAL".
  const at = table.indexOf(`|-- ${address}\n`);
  return at >= 0 && /^[^\n]*\n\s*\/32 host LOCAL/.test(table.slice(at));
}

/**
 * Tells when the device goes down and comes up. Who watches takes it to be up: if it is not any more, that is told as
 * soon as there is somebody to hear it. Returns what ends that.
 */
export function watchDevice(name: string, tell: (up: boolean) => void): () => void {
  let was = true;
  const look = (): void => {
    const is = deviceIsUp(name) ?? false;
    if (is !== was) tell(is);
    was = is;
  };
  const first = setImmediate(look), timer = setInterval(look, LOOK_MS);
  timer.unref();
  return () => {
    clearImmediate(first);
    clearInterval(timer);
  };
}
