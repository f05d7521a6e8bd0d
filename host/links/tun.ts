/** A TAP device through the kernel's own descriptor (linux/if_tun.h). */
import { Descriptor, type Opened } from "./descriptor.js";
import { watchDevice } from "./device.js";
import { LinkError, type Link } from "./link.js";
import { HEAD_SIZE } from "./offload.js";
import { ERRNO, IFREQ, type System } from "./system.js";
import { tapFault } from "./tap-fault.js";

/** What makes a descriptor of /dev/net/tun one of a device, and says how frames pass. */
const TUNSETIFF = 0x400454ca, TUNSETOFFLOAD = 0x400454d0, TUNSETVNETHDRSZ = 0x400454d8;
const IFF_TAP = 0x0002, IFF_MULTI_QUEUE = 0x0100, IFF_NO_PI = 0x1000, IFF_VNET_HDR = 0x4000;

/** What of a frame is left to its user: sums, and the cutting of large ones of TCP, in both families. */
const TUN_F_CSUM = 1, TUN_F_TSO4 = 2, TUN_F_TSO6 = 4, TUN_F_TSO_ECN = 8;
const OFFLOADS = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;

/** Opens the device. Throws a LinkError. */
function openDevice(system: System, name: string): number {
  let fd = -1;
  const fail = (why: string): never => {
    if (fd >= 0) system.close(fd);
    throw new LinkError(`cannot open ${name}: ${why}`);
  };
  try {
    fd = system.open("/dev/net/tun");
  } catch (e) {
    const { code, message } = e as NodeJS.ErrnoException;
    if (code === "EACCES" || code === "EPERM") fail(tapFault("closed", name));
    fail(code === "ENOENT" || code === "ENODEV" || code === "ENXIO" ? tapFault("missing", name) : message);
  }
  const request = Buffer.alloc(IFREQ.size), flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
  request.write(name, "latin1");
  let result = 0;
  // One that was made for several queues wants to hear of it.
  for (const more of [0, IFF_MULTI_QUEUE]) {
    request.writeUInt16LE(flags | more, IFREQ.flags);
    result = system.ioctl(fd, TUNSETIFF, request);
    if (result !== -ERRNO.INVAL) break;
  }
  if (result === -ERRNO.BUSY) fail(tapFault("in use", name));
  if (result === -ERRNO.PERM) fail(tapFault("not permitted", name));
  if (result === -ERRNO.INVAL) fail(tapFault("no TAP device", name));
  if (result < 0) fail(`error ${-result}`);
  const size = Buffer.alloc(4);
  size.writeInt32LE(HEAD_SIZE);
  if (system.ioctl(fd, TUNSETVNETHDRSZ, size) < 0 || system.ioctlNumber(fd, TUNSETOFFLOAD, OFFLOADS) < 0)
    fail("the kernel is too old");
  return fd;
}

/** Takes the device; `watch` tells when it goes down and comes up. Throws a LinkError. */
export function takeTun(system: System, name: string, watch = watchDevice): Link {
  const opened: Opened = {
    fd: openDevice(system, name),
    watch: (tell) => watch(name, (up) => tell(up, up ? undefined : new LinkError(`${name} is down`))),
    // A device that is down drops what it gets, one that was deleted does not come back.
    lost: (errno) => (errno === ERRNO.BADFD ? new LinkError(`${name} is gone`) : undefined),
    close: (fd) => {
      // Whoever has the device next may not know of it.
      system.ioctlNumber(fd, TUNSETOFFLOAD, 0);
      system.close(fd);
    },
  };
  return new Descriptor(system, opened);
}
