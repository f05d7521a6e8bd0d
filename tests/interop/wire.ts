/**
 * `wire.ts PATH DEVICE`: what a stream link ends at. It listens on a socket, and hands frames on to a TAP device and
 * back: the kernel is the peer. Killed and started again it is a helper that knows nothing of who was connected.
 */
import { rmSync } from "node:fs";
import { createServer } from "node:net";
import type { Link } from "../../host/links/link.js";
import { streamLink } from "../../host/links/stream.js";
import { openTap } from "../../host/links/tap.js";

const [path, device] = process.argv.slice(2) as [string, string];

/** Who had the device before may hold it for a moment yet. */
async function taken(): Promise<Link> {
  for (let tries = 0; ; tries++) {
    try {
      return await openTap(device);
    } catch (e) {
      if (tries === 50) throw e;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

const tap = await taken();
rmSync(path, { force: true });
createServer((socket) => {
  const link = streamLink(socket, socket, () => socket.destroy());
  socket.on("error", () => {});
  link.onFrame = (frame) => tap.send(frame);
  tap.onFrame = (frame) => link.send(frame);
}).listen(path, () => console.log("wired"));
