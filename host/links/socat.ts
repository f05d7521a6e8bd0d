/**
 * A TAP device without koffi. socat opens it and hands each frame on as one datagram over loopback UDP: a pipe would
 * lose the boundaries, and Node cannot ask the kernel for the device itself. Both sockets are connected, so that the
 * kernel lets in nothing from other programs of this machine (SECURITY.md).
 */
import { spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { readdirSync, readFileSync } from "node:fs";
import type { Socket } from "node:net";
import { endianness } from "node:os";
import { hasProgram } from "../programs.js";
import { LinkError, type Link } from "./link.js";
import { deviceIsUp, watchDevice } from "./device.js";
import { tapFault } from "./tap-fault.js";
import { IFREQ } from "./system.js";
import { openUdp } from "./udp.js";

/**
 * The ioctl that makes a descriptor of /dev/net/tun one of a device, and the flags of a TAP device without a header
 * (linux/if_tun.h).
 */
const TUNSETIFF = "0x400454ca", TUNSETOFFLOAD = "0x400454d0", IFF_TAP = 0x0002, IFF_NO_PI = 0x1000;

/**
 * The `struct ifreq` of that ioctl, as socat writes data. socat's own TUN address would also set the device's flags,
 * which takes root, even where the device is the user's own (`ip tuntap add … user NAME`).
 */
function deviceRequest(name: string): string {
  const request = Buffer.alloc(IFREQ.size);
  request.write(name, "latin1");
  if (endianness() === "LE") request.writeUInt16LE(IFF_TAP | IFF_NO_PI, IFREQ.flags);
  else request.writeUInt16BE(IFF_TAP | IFF_NO_PI, IFREQ.flags);
  return `x${request.toString("hex")}`;
}

/** Whether a process has the device: the kernel names it beside the descriptor. undefined: that cannot be seen. */
function hasDevice(pid: number, name: string): boolean | undefined {
  try {
    return readdirSync(`/proc/${pid}/fdinfo`).some((fd) => {
      try {
        return readFileSync(`/proc/${pid}/fdinfo/${fd}`, "utf8").includes(`iff:\t${name}\n`);
      } catch {
        // A descriptor that was closed meanwhile.
        return false;
      }
    });
  } catch {
    return undefined;
  }
}

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

/** Takes the device through socat, which is to be `user` once it has it. `again`: it was taken before. */
export async function takeBySocat(name: string, user: string | undefined, again: boolean): Promise<Link> {
  if (!hasProgram("socat")) throw new LinkError("a TAP link needs socat; install it with: apt-get install socat");
  // socat would not survive the first frame.
  if (again && !deviceIsUp(name)) throw new LinkError(`${name} is down`);
  const port = await freePort();
  const link: Link & { localPort: number } = await openUdp(0, "127.0.0.1", port);
  // socat is not to outlive us, however we end.
  const [program, first] = hasProgram("setpriv")
    ? (["setpriv", ["--pdeathsig", "TERM", "socat"]] as const)
    : (["socat", []] as const);
  const child = spawn(
    program,
    [
      ...first, "-b", "65536",
      // Who had it before may have left it so that frames come in large ones, and without checksums.
      `OPEN:/dev/net/tun,ioctl-bin=${TUNSETIFF}:${deviceRequest(name)},ioctl-int=${TUNSETOFFLOAD}:0`
        + (user === undefined ? "" : `,su=${user}`),
      `UDP4-CONNECT:127.0.0.1:${link.localPort},bind=127.0.0.1:${port},so-rcvbuf=4194304,so-sndbuf=4194304`,
    ],
    { stdio: ["ignore", "ignore", "pipe"], detached: true },
  );
  let words = "";
  child.stderr.on("data", (data: Buffer) => (words += data.toString()));
  const died = new Promise<never>((_, reject) => child.once("exit", () => {
    const error = new LinkError(`cannot open ${name}: ${why(words, name)}`);
    link.onClose(error);
    reject(error);
  }));
  died.catch(() => {});
  let unwatch = (): void => {};
  const closeUdp = link.close.bind(link);
  link.close = () => {
    unwatch();
    child.removeAllListeners("exit");
    child.kill();
    closeUdp();
  };
  const unrefUdp = link.unref!.bind(link);
  link.unref = () => {
    (child.stderr as unknown as Socket).unref();
    unrefUdp();
  };
  // Ours is the device when socat has it, not when somebody has; or socat has said why not.
  await Promise.race([taken(child.pid!, name), died]).catch((e: unknown) => {
    link.close();
    throw e;
  });
  child.unref();
  // Not before there is somebody to hear it: a device that went down in the meantime would not be told.
  unwatch = watchDevice(name, (up) => link.onChange?.(up, up ? undefined : new LinkError(`${name} is down`)));
  return link;
}

/** Why socat ended, by its words. */
function why(words: string, name: string): string {
  if (/busy/i.test(words)) return tapFault("in use", name);
  if (/open\(.*denied/i.test(words)) return tapFault("closed", name);
  if (/not permitted|denied/i.test(words)) return tapFault("not permitted", name);
  return words.trim().split("\n").at(-1) || "socat ended";
}

/** Resolves when the process has the device, and the device, if it is up, a carrier. */
async function taken(pid: number, name: string): Promise<void> {
  for (let i = 0; i < 200; i++) {
    // Who may not look takes the carrier's word for it.
    if (hasDevice(pid, name) !== false && (hasCarrier(name) || deviceIsUp(name) === false)) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new LinkError(`cannot open ${name}: socat did not get it within 2 s`);
}

function hasCarrier(name: string): boolean {
  try {
    return readFileSync(`/sys/class/net/${name}/carrier`, "utf8").trim() === "1";
  } catch {
    // A device that is down has no carrier to read.
    return false;
  }
}
