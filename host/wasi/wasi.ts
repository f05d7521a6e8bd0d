// The calls of WASI preview 1 that the command uses, and text on the standard streams.

// @ts-ignore: decorator
@external("wasi_snapshot_preview1", "args_sizes_get")
export declare function args_sizes_get(count: usize, size: usize): i32;
// @ts-ignore: decorator
@external("wasi_snapshot_preview1", "args_get")
export declare function args_get(argv: usize, buffer: usize): i32;
// @ts-ignore: decorator
@external("wasi_snapshot_preview1", "clock_time_get")
export declare function clock_time_get(id: i32, precision: u64, time: usize): i32;
// @ts-ignore: decorator
@external("wasi_snapshot_preview1", "random_get")
export declare function random_get(at: usize, size: usize): i32;
// @ts-ignore: decorator
@external("wasi_snapshot_preview1", "poll_oneoff")
export declare function poll_oneoff(subscriptions: usize, events: usize, count: u32, stored: usize): i32;
// @ts-ignore: decorator
@external("wasi_snapshot_preview1", "fd_read")
export declare function fd_read(fd: i32, iovs: usize, count: u32, got: usize): i32;
// @ts-ignore: decorator
@external("wasi_snapshot_preview1", "fd_write")
export declare function fd_write(fd: i32, iovs: usize, count: u32, written: usize): i32;
// @ts-ignore: decorator
@external("wasi_snapshot_preview1", "fd_pread")
export declare function fd_pread(fd: i32, iovs: usize, count: u32, offset: u64, got: usize): i32;
// @ts-ignore: decorator
@external("wasi_snapshot_preview1", "fd_close")
export declare function fd_close(fd: i32): i32;
// @ts-ignore: decorator
@external("wasi_snapshot_preview1", "path_open")
export declare function path_open(
  dir: i32, lookup: u32, path: usize, size: u32, flags: u32, rights: u64, inherited: u64, fdflags: u32, fd: usize,
): i32;
// @ts-ignore: decorator
@external("wasi_snapshot_preview1", "path_filestat_get")
export declare function path_filestat_get(dir: i32, lookup: u32, path: usize, size: u32, stat: usize): i32;
// @ts-ignore: decorator
@external("wasi_snapshot_preview1", "fd_filestat_get")
export declare function fd_filestat_get(fd: i32, stat: usize): i32;
// @ts-ignore: decorator
@external("wasi_snapshot_preview1", "proc_exit")
export declare function proc_exit(status: i32): void;

const STDIN: i32 = 0;
const STDOUT: i32 = 1;
const STDERR: i32 = 2;
const CLOCK_REALTIME: u32 = 0;
const CLOCK_MONOTONIC: u32 = 1;

/** Room for out-parameters and iovecs. */
const CELL: usize = memory.data(16, 8);
const IOV: usize = memory.data(8, 8);
/** Two subscriptions of 48 bytes, two events of 32. */
const SUBSCRIPTIONS: usize = memory.data(96, 8);
const EVENTS: usize = memory.data(64, 8);
/** A line of text on its way to stderr. */
const LINE: usize = memory.data(256);
const LINE_MAX: u32 = 255;
let lineSize: u32 = 0;

/** Microseconds of a clock that never goes back. */
export function nowUs(): u64 {
  clock_time_get(CLOCK_MONOTONIC, 1000, CELL);
  return load<u64>(CELL) / 1000;
}

/** Microseconds since 1970, as the machine has the time of day. */
export function wallUs(): u64 {
  clock_time_get(CLOCK_REALTIME, 1000, CELL);
  return load<u64>(CELL) / 1000;
}

/** Reads up to `size` bytes from stdin. Returns how many; 0: it is closed; −1: try again. */
export function readInput(at: usize, size: u32): i32 {
  store<u32>(IOV, <u32>at);
  store<u32>(IOV, size, 4);
  const errno = fd_read(STDIN, IOV, 1, CELL);
  if (errno == 6 /* EAGAIN */) return -1;
  return errno != 0 ? 0 : load<i32>(CELL);
}

function writeAll(fd: i32, at: usize, size: u32): bool {
  while (size > 0) {
    store<u32>(IOV, <u32>at);
    store<u32>(IOV, size, 4);
    const errno = fd_write(fd, IOV, 1, CELL);
    if (errno == 6) continue;
    const n = load<u32>(CELL);
    if (errno != 0 || n == 0) return false;
    at += n;
    size -= n;
  }
  return true;
}

/** Writes all of it to stdout. Returns false when the other side has gone. */
export function writeOutput(at: usize, size: u32): bool {
  return writeAll(STDOUT, at, size);
}

/** Waits until stdin can be read, or for `us` (−1: for ever). Returns whether it can. A file is always readable. */
export function waitInput(us: i64): bool {
  memory.fill(SUBSCRIPTIONS, 0, 96);
  store<u8>(SUBSCRIPTIONS, 1, 8); // fd_read
  store<u32>(SUBSCRIPTIONS, STDIN, 16);
  let count: u32 = 1;
  if (us >= 0) {
    count = 2;
    store<u64>(SUBSCRIPTIONS, 1, 48);
    store<u32>(SUBSCRIPTIONS, CLOCK_MONOTONIC, 48 + 16);
    store<u64>(SUBSCRIPTIONS, <u64>us * 1000, 48 + 24);
  }
  if (poll_oneoff(SUBSCRIPTIONS, EVENTS, count, CELL) != 0) return true;
  const n = load<u32>(CELL);
  for (let i: u32 = 0; i < n; i++) if (load<u64>(EVENTS + i * 32) == 0) return true;
  return false;
}

/** Adds text (ASCII) to the line. */
export function say(text: string): void {
  for (let i = 0; i < text.length; i++) sayByte(<u8>load<u16>(changetype<usize>(text) + (<usize>i << 1)));
}

export function sayByte(c: u8): void {
  if (lineSize < LINE_MAX) store<u8>(LINE + lineSize++, c);
}

/** Adds `size` bytes of text at `at`. */
export function sayBytes(at: usize, size: u32): void {
  for (let i: u32 = 0; i < size; i++) sayByte(load<u8>(at + i));
}

export function sayNumber(n: u64): void {
  if (n >= 10) sayNumber(n / 10);
  sayByte(48 + <u8>(n % 10));
}

/** Sends the line to stderr. */
export function sayEnd(): void {
  // The end of the line has its place, however long it was.
  lineSize = min(lineSize, LINE_MAX - 1);
  sayByte(10);
  writeAll(STDERR, LINE, lineSize);
  lineSize = 0;
}
