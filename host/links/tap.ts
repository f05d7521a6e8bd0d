/**
 * A TAP device (Linux, root). socat opens it and hands each frame on as one datagram over loopback UDP: a pipe would lose the
 * boundaries, and Node cannot ask the kernel for the device itself. Both sockets are connected, so that the kernel lets in nothing from
 * other programs of this machine (SECURITY.md).
 */
import { spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { existsSync } from "node:fs";
import { hasProgram } from "../programs.js";
import { LinkError, type Link } from "./link.js";
import { deviceIsUp, watchDevice } from "./device.js";
import { surviving } from "./surviving.js";
import { openUdp } from "./udp.js";

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = createSocket("udp4");
    socket.once("error", reject);
    socket.bind(0, "127.0.0.1", () => {
      const { port } = socket.address();
      socket.close(() => resolve(port));
    });
  });
}

/**
 * Takes the device, and again whenever it was down or gone, or socat has ended. `user`: whom socat is to be once it has the device; who
 * has become that user too gets it again only if it is theirs (`ip tuntap add … user NAME`).
 */
export function openTap(name: string, user?: string): Promise<Link> {
  return surviving((again) => takeTap(name, user, again));
}

async function takeTap(name: string, user: string | undefined, again: boolean): Promise<Link> {
  if (!/^[\w.-]{1,15}$/.test(name)) throw new LinkError(`"${name}" is no name of a network device`);
  if (!existsSync(`/sys/class/net/${name}`)) {
    throw new LinkError(`there is no device ${name}; make it with: ip tuntap add dev ${name} mode tap && ip addr add 10.0.0.1/24 dev ${name} && ip link set ${name} up`);
  }
  if (!existsSync(`/sys/class/net/${name}/tun_flags`)) throw new LinkError(`${name} is no TAP device`);
  if (!hasProgram("socat")) throw new LinkError("a TAP link needs socat; install it with: apt-get install socat");
  // socat would not survive the first frame.
  if (again && !deviceIsUp(name)) throw new LinkError(`${name} is down`);
  const port = await freePort();
  const link: Link & { localPort: number } = await openUdp(0, "127.0.0.1", port);
  // socat is not to outlive us, however we end.
  const [program, first] = hasProgram("setpriv") ? ["setpriv", ["--pdeathsig", "TERM", "socat"]] as const : ["socat", []] as const;
  const child = spawn(program, [...first,
    "-b", "65536", `TUN,tun-name=${name},tun-type=tap,iff-no-pi${user === undefined ? "" : `,su=${user}`}`,
    `UDP4-CONNECT:127.0.0.1:${link.localPort},bind=127.0.0.1:${port},so-rcvbuf=4194304,so-sndbuf=4194304`,
  ], { stdio: ["ignore", "ignore", "pipe"], detached: true });
  let words = "";
  child.stderr.on("data", (data: Buffer) => (words += data.toString()));
  const died = new Promise<never>((_, reject) => child.once("exit", () => {
    const why = /busy/i.test(words) ? "it is in use by another program" : /not permitted|denied/i.test(words) ? "that takes root" : words.trim().split("\n").at(-1) ?? "socat ended";
    const error = new LinkError(`cannot open ${name}: ${why}`);
    link.onClose(error);
    reject(error);
  }));
  died.catch(() => {});
  const unwatch = watchDevice(name, (up) => link.onChange?.(up, up ? undefined : new LinkError(`${name} is down`)));
  const closeUdp = link.close.bind(link);
  link.close = () => {
    unwatch();
    child.removeAllListeners("exit");
    child.kill();
    closeUdp();
  };
  // The device is taken when its carrier is up; or socat has said why not.
  await Promise.race([carrier(name), died]).catch((e: unknown) => {
    link.close();
    throw e;
  });
  child.unref();
  return link;
}

async function carrier(name: string): Promise<void> {
  const { readFile } = await import("node:fs/promises");
  for (let i = 0; i < 200; i++) {
    try {
      if ((await readFile(`/sys/class/net/${name}/carrier`, "utf8")).trim() === "1") return;
    } catch {
      // A device that is down has no carrier to read.
      if (i > 20) return;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
