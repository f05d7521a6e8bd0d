/**
 * A network device of this machine, beside the kernel's own stack (packet(7), linux/if_packet.h). The stack has a MAC
 * and an IP address of its own there, as a second machine on the same cable: the kernel hears what is for its address,
 * and the stack what is not. As with macvlan, the two do not hear each other.
 */
import { readdirSync, readFileSync } from "node:fs";
import { Descriptor } from "./descriptor.js";
import { deviceIsUp } from "./device.js";
import { LinkError, type Link } from "./link.js";
import { surviving } from "./surviving.js";
import { ERRNO, theSystem, type System } from "./system.js";

const AF_PACKET = 17, SOCK_RAW = 3, SOCK_NONBLOCK = 0x800, SOCK_CLOEXEC = 0x80000, ETH_P_ALL = 3;
const SOL_SOCKET = 1, SO_ATTACH_FILTER = 26, SO_SNDBUFFORCE = 32, SO_RCVBUFFORCE = 33;
const SOL_PACKET = 263, ADD_MEMBERSHIP = 1, VNET_HDR = 15, IGNORE_OUTGOING = 23, MR_PROMISC = 1;
/** struct sockaddr_ll, packet_mreq, sock_filter (an instruction) and sock_fprog: bytes, and where fields stand. */
const ADDRESS = { size: 20, family: 0, protocol: 2, index: 4 } as const;
const MEMBERSHIP = { size: 16, index: 0, type: 4 } as const;
const STEP = { size: 8, code: 0, isSo: 2, isNot: 3, k: 4 } as const;
const PROGRAM = { size: 16, length: 0, address: 8 } as const;
/** What the kernel keeps for us each way, bytes. */
const QUEUE = 4 << 20;
/** What /sys/class/net says of an Ethernet device (ARPHRD_ETHER). */
const ETHERNET = "1";

/** A word of what the kernel knows of a packet (linux/filter.h), and what it says: addressed to the device itself. */
const ABOUT = 0xfffff000, PACKET_TYPE = ABOUT + 4, HAS_TAG = ABOUT + 48, TO_US = 0;
const LOAD = 0x20, JUMP_IF_EQUAL = 0x15, RETURN = 0x06, WHOLE = 0xffffffff;
/**
 * What is let in: not what is for the kernel, by its MAC address, nor frames of a VLAN, which come without their tag
 * and belong to a device of their own. An instruction is its code, two jumps, and a number.
 */
const FILTER: [code: number, isSo: number, isNot: number, k: number][] = [
  [LOAD, 0, 0, PACKET_TYPE],
  [JUMP_IF_EQUAL, 3, 0, TO_US],
  [LOAD, 0, 0, HAS_TAG],
  [JUMP_IF_EQUAL, 0, 1, 0],
  [RETURN, 0, 0, WHOLE],
  [RETURN, 0, 0, 0],
];
/** The same as the kernel reads it. It lives on, in a buffer that is too large for the garbage collector to move it. */
const CODE = codeOf(FILTER, 128);

function codeOf(filter: typeof FILTER, size: number): Uint8Array {
  const code = new DataView(new ArrayBuffer(size));
  filter.forEach(([op, isSo, isNot, k], i) => {
    const at = STEP.size * i;
    code.setUint16(at + STEP.code, op, true);
    code.setUint8(at + STEP.isSo, isSo);
    code.setUint8(at + STEP.isNot, isNot);
    code.setUint32(at + STEP.k, k, true);
  });
  return new Uint8Array(code.buffer);
}

/** A structure of so many bytes, in the order of the machine. */
const struct = (size: number): DataView => new DataView(new ArrayBuffer(size));

/** Opens a socket for the device's frames. Throws a LinkError. */
function openSocket(system: System, name: string, index: number): number {
  // Until it is bound it hears nothing.
  const fd = system.socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const cannot = `cannot open ${name}: `, how = "setcap cap_net_raw+ep $(readlink -f $(command -v node))";
  if (fd === -ERRNO.PERM) throw new LinkError(`${cannot}that takes root, or CAP_NET_RAW: ${how}`);
  if (fd < 0) throw new LinkError(`${cannot}error ${-fd}`);
  const fail = (why: string): never => {
    system.close(fd);
    throw new LinkError(cannot + why);
  };
  const set = (option: number, value: DataView, level = SOL_PACKET): number =>
    system.setsockopt(fd, level, option, new Uint8Array(value.buffer));
  const number = (n: number): DataView => new DataView(Int32Array.of(n).buffer);
  // CAP_NET_RAW alone does not give these.
  set(SO_SNDBUFFORCE, number(QUEUE), SOL_SOCKET);
  set(SO_RCVBUFFORCE, number(QUEUE), SOL_SOCKET);
  if (set(VNET_HDR, number(1)) < 0 || set(IGNORE_OUTGOING, number(1)) < 0) fail("the kernel is too old");
  const program = struct(PROGRAM.size), address = struct(ADDRESS.size), membership = struct(MEMBERSHIP.size);
  program.setUint16(PROGRAM.length, FILTER.length, true);
  program.setBigUint64(PROGRAM.address, BigInt(system.address(CODE)), true);
  const filtered = set(SO_ATTACH_FILTER, program, SOL_SOCKET);
  if (filtered < 0) fail(`error ${-filtered}`);
  address.setUint16(ADDRESS.family, AF_PACKET, true);
  address.setUint16(ADDRESS.protocol, ETH_P_ALL);
  address.setInt32(ADDRESS.index, index, true);
  membership.setInt32(MEMBERSHIP.index, index, true);
  membership.setUint16(MEMBERSHIP.type, MR_PROMISC, true);
  const bound = system.bind(fd, new Uint8Array(address.buffer));
  const result = Math.min(bound, set(ADD_MEMBERSHIP, membership));
  if (result === -ERRNO.NODEV || result === -ERRNO.NXIO) fail("it is gone");
  if (result < 0) fail(`error ${-result}`);
  return fd;
}

/** Takes part in what passes on the device with this index. Throws a LinkError. */
export function takeInterface(system: System, name: string, index: number): Link {
  return new Descriptor(system, {
    fd: openSocket(system, name, index),
    // The socket itself tells.
    watch: () => () => {},
    lost(errno) {
      if (errno === ERRNO.NETDOWN) return new LinkError(`${name} is down`);
      return errno === ERRNO.NXIO || errno === ERRNO.NODEV ? new LinkError(`${name} is gone`) : undefined;
    },
    close: (fd) => system.close(fd),
  });
}

const told = (name: string, what: string): string => readFileSync(`/sys/class/net/${name}/${what}`, "utf8").trim();

function isEthernet(name: string): boolean {
  try {
    return told(name, "type") === ETHERNET;
  } catch {
    return false;
  }
}

/** The index of an Ethernet device. Throws a LinkError where there is none of this name. */
function indexOf(name: string): number {
  if (!/^[\w.:@-]{1,15}$/.test(name)) throw new LinkError(`"${name}" is no name of a network device`);
  if (deviceIsUp(name) === undefined) {
    const all = readdirSync("/sys/class/net").filter(isEthernet);
    throw new LinkError(`there is no network device ${name}; there are: ${all.join(", ") || "none of Ethernet"}`);
  }
  if (!isEthernet(name)) throw new LinkError(`${name} is no Ethernet device`);
  return Number(told(name, "ifindex"));
}

/**
 * Takes part in what passes on an Ethernet device of this machine (Linux, root or CAP_NET_RAW, the package koffi), and
 * again whenever it was down or gone. The stack needs a MAC and an IP address that nobody else has there. This machine
 * itself does not reach it.
 */
export function openInterface(name: string): Promise<Link> {
  return surviving(async (turn) => {
    if (process.platform !== "linux") throw new LinkError(`if:${name} is for Linux`);
    const index = indexOf(name), system = theSystem();
    if (system === undefined) throw new LinkError(`if:${name} needs the package koffi: npm install koffi@3`);
    if (turn === "again" && !deviceIsUp(name)) throw new LinkError(`${name} is down`);
    return takeInterface(system, name, index);
  });
}
