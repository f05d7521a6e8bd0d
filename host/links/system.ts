/**
 * The few calls of Linux that Node has not: `ioctl`, reading and writing by address, and a wait for a descriptor that
 * is no socket. The package koffi makes them; it is optional.
 */
import { closeSync, constants, openSync } from "node:fs";
import { createRequire } from "node:module";

/** What of koffi is used. */
interface Koffi {
  load(path: null): { func(name: string, result: string, parameters: string[]): (...given: unknown[]) => number };
  address(view: ArrayBufferView): bigint;
  errno(): number;
  node: { poll(fd: number, options: { readable: true }, tell: () => void): Poll };
}

/** A descriptor that is watched. Once closed, it must not be called again. */
export interface Poll {
  close(): void;
  unref(): void;
}

/** Numbers of errors (asm-generic/errno.h). */
export const ERRNO = { PERM: 1, NXIO: 6, BUSY: 16, NODEV: 19, INVAL: 22, BADFD: 77, NETDOWN: 100 } as const;

/** struct ifreq (linux/if.h): its bytes, and where the flags stand behind the name. */
export const IFREQ = { size: 40, flags: 16 } as const;

/** The calls. Those that fail return −errno; `open` throws as Node does. */
export interface System {
  /** Opens for reading and writing; neither waits. */
  open(path: string): number;
  close(fd: number): void;
  socket(family: number, type: number, protocol: number): number;
  setsockopt(fd: number, level: number, option: number, value: Uint8Array): number;
  /** `address`: a struct sockaddr of some family. */
  bind(fd: number, address: Uint8Array): number;
  /** `argument`: a structure that the call reads or writes. */
  ioctl(fd: number, request: number, argument: Uint8Array): number;
  /** The same with a number. */
  ioctlNumber(fd: number, request: number, argument: number): number;
  /** `iov`: address of `count` records of struct iovec. */
  readv(fd: number, iov: number, count: number): number;
  writev(fd: number, iov: number, count: number): number;
  /** Where a view begins, for as long as its buffer lives. */
  address(view: ArrayBufferView): number;
  /** Calls `tell` whenever the descriptor can be read, and when it is no good any more. It must not throw. */
  poll(fd: number, tell: () => void): Poll;
}

/** Where struct iovec is two words of 64 bits, and an ioctl's number is as on most machines. */
const KNOWN = ["x64", "arm64", "riscv64", "loong64"];

let known: System | undefined | null = null;

/** The calls; undefined: koffi is not installed, or does not know this machine. */
export function theSystem(): System | undefined {
  if (known === null) known = load();
  return known;
}

function load(): System | undefined {
  if (process.platform !== "linux" || !KNOWN.includes(process.arch)) return undefined;
  try {
    return calls(createRequire(import.meta.url)("koffi") as Koffi);
  } catch {
    return undefined;
  }
}

function calls(koffi: Koffi): System {
  const libc = koffi.load(null);
  const ioctl = libc.func("ioctl", "int", ["int", "ulong", "void *"]);
  const ioctlNumber = libc.func("ioctl", "int", ["int", "ulong", "ulong"]);
  const socket = libc.func("socket", "int", ["int", "int", "int"]);
  const setsockopt = libc.func("setsockopt", "int", ["int", "int", "int", "void *", "uint"]);
  const bind = libc.func("bind", "int", ["int", "void *", "uint"]);
  const readv = libc.func("readv", "long", ["int", "uintptr_t", "int"]);
  const writev = libc.func("writev", "long", ["int", "uintptr_t", "int"]);
  const told = (result: number): number => (result < 0 ? -koffi.errno() : result);
  return {
    open: (path) => openSync(path, constants.O_RDWR | constants.O_NONBLOCK),
    close: closeSync,
    socket: (family, type, protocol) => told(socket(family, type, protocol)),
    setsockopt: (fd, level, option, value) => told(setsockopt(fd, level, option, value, value.length)),
    bind: (fd, address) => told(bind(fd, address, address.length)),
    ioctl: (fd, request, argument) => told(ioctl(fd, request, argument)),
    ioctlNumber: (fd, request, argument) => told(ioctlNumber(fd, request, argument)),
    readv: (fd, iov, count) => told(readv(fd, iov, count)),
    writev: (fd, iov, count) => told(writev(fd, iov, count)),
    address: (view) => Number(koffi.address(view)),
    poll: (fd, tell) => koffi.node.poll(fd, { readable: true }, tell),
  };
}
