/**
 * A bad link between a TAP device and a stack: `node --import tsx tests/interop/relay.ts TAP LOCALPORT STACKPORT LOSS
 * REORDER SEED`. Drops and reorders frames by chance; SIGUSR1 cuts it for ten seconds.
 */
import { openTap } from "../../host/links/tap.js";
import { openUdp } from "../../host/links/udp.js";
import { Random } from "../../host/random.js";

const [tapName, localPort, stackPort, loss, reorder, seed] = process.argv.slice(2);
const random = new Random(Number(seed));
const tap = await openTap(tapName!);
const stack = await openUdp(Number(localPort), "127.0.0.1", Number(stackPort));
let cut = false;

function pass(frame: Uint8Array, send: (frame: Uint8Array) => void): void {
  if (cut || random.chance(Number(loss))) return;
  if (!random.chance(Number(reorder))) return send(frame);
  const copy = frame.slice();
  setTimeout(() => send(copy), 1 + random.below(4));
}

tap.onFrame = (frame) => pass(frame, (f) => stack.send(f));
stack.onFrame = (frame) => pass(frame, (f) => tap.send(f));
process.on("SIGUSR1", () => {
  cut = true;
  setTimeout(() => (cut = false), 10_000);
});
process.on("SIGTERM", () => process.exit(0));
console.log("ready");
