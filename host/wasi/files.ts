// The files that HTTP serves: those below the first directory that wasmtime was given (`--dir ROOT::/`). Every request
// looks at its path anew; an answer that has begun goes on from the file that it began with, or ends. Only regular
// files are opened, so nothing here waits.

import { fd_close, fd_filestat_get, fd_pread, path_filestat_get, path_open } from "./wasi";

/** The first preopened directory. */
const ROOT: i32 = 3;
const RIGHTS_READ: u64 = 1 << 1 | 1 << 2 | 1 << 21;
const LOOKUP_FOLLOW: u32 = 1;
const NONBLOCK: u32 = 4;
const REGULAR_FILE: u8 = 4;
const PATH_MAX: u32 = 512;
/** WASI's numbers for too many open files, here and in the system, and for no memory. */
const EMFILE: i32 = 33;
const ENFILE: i32 = 41;
const ENOMEM: i32 = 48;

/** What the services are answered in place of a length (assembly/services/app.ts). */
const NOT_FOUND: i64 = -1;
const TRY_AGAIN: i64 = -2;

const CELL: usize = memory.data(8, 8);
const IOV: usize = memory.data(8, 8);
/** {u64 device, u64 inode, u8 type, u64 links, u64 size, u64 accessed, u64 modified, u64 changed} */
const STAT: usize = memory.data(64, 8);
const PATH: usize = memory.data(640);
const INDEX: usize = memory.data<u8>([105, 110, 100, 101, 120, 46, 104, 116, 109, 108]);

/**
 * Files that are open: {u64 tag, u32 descriptor + 1, u32 answers that go on}. More
 * than these are opened anew for each piece.
 */
const OPEN_MAX: u32 = 64;
const ENTRY: u32 = 16;
const OPEN: usize = memory.data(1024, 8);
/** The place that is used next, if none is free. */
let hand: u32 = 0;

/** Which file, in which version, is in STAT; never 0. */
function tagOf(): u64 {
  let h: u64 = 0x9e3779b97f4a7c15;
  for (let at: usize = 0; at < 64; at += 8) {
    // Neither the number of links nor when it was last read.
    if (at == 24 || at == 40) continue;
    h = (h ^ load<u64>(STAT + at)) * 0xff51afd7ed558ccd;
    h ^= h >> 32;
  }
  return h | 1;
}

function entryOf(tag: u64): usize {
  for (let i: u32 = 0; i < OPEN_MAX; i++) {
    const at = OPEN + i * ENTRY;
    if (load<u32>(at, 8) != 0 && load<u64>(at) == tag) return at;
  }
  return 0;
}

/** Keeps an open file; another one gives its place up if there is none. */
function keep(tag: u64, fd: i32): usize {
  let at: usize = 0;
  for (let i: u32 = 0; i < OPEN_MAX && at == 0; i++) if (load<u32>(OPEN + i * ENTRY, 8) == 0) at = OPEN + i * ENTRY;
  if (at == 0) {
    at = OPEN + hand * ENTRY;
    hand = hand + 1 == OPEN_MAX ? 0 : hand + 1;
    fd_close(load<i32>(at, 8) - 1);
  }
  store<u64>(at, tag);
  store<i32>(at, fd + 1, 8);
  store<u32>(at, 1, 12);
  return at;
}

/** Opens the regular file at a path: its descriptor, with what it is in STAT; or one of the errors above. */
function open(path: usize, size: u32): i64 {
  if (size > PATH_MAX) return NOT_FOUND;
  // "/a/b" is "a/b" below the root; a folder stands for the page in it.
  memory.copy(PATH, path + 1, size - 1);
  let n = size - 1;
  if (n == 0 || load<u8>(PATH + n - 1) == 47) {
    memory.copy(PATH + n, INDEX, 10);
    n += 10;
  }
  // Looked at before it is opened: to open a FIFO waits, and to open a device may do something.
  if (path_filestat_get(ROOT, LOOKUP_FOLLOW, PATH, n, STAT) != 0 || load<u8>(STAT, 16) != REGULAR_FILE) {
    return NOT_FOUND;
  }
  const error = path_open(ROOT, LOOKUP_FOLLOW, PATH, n, 0, RIGHTS_READ, 0, NONBLOCK, CELL);
  if (error != 0) return error == EMFILE || error == ENFILE || error == ENOMEM ? TRY_AGAIN : NOT_FOUND;
  const fd = load<i32>(CELL);
  if (fd_filestat_get(fd, STAT) == 0 && load<u8>(STAT, 16) == REGULAR_FILE) return fd;
  fd_close(fd);
  return NOT_FOUND;
}

/**
 * Bytes of the file at a path, and its version to `tag`; pieces of it follow if
 * `pieces` says so. Or one of the errors above.
 */
export function fileLength(path: usize, size: u32, pieces: bool, tag: usize): i64 {
  const fd = open(path, size);
  if (fd < 0) return fd;
  const length = load<u64>(STAT, 32), version = tagOf(), known = entryOf(version);
  store<u64>(tag, version);
  if (!pieces || length == 0 || known != 0) fd_close(<i32>fd);
  else keep(version, <i32>fd);
  if (pieces && length != 0 && known != 0) store<u32>(known, load<u32>(known, 12) + 1, 12);
  return <i64>length;
}

/** Reads a piece of the file whose version is `tag`. Returns how many bytes, −1: it is no more what it was. */
export function filePiece(path: usize, size: u32, tag: u64, offset: u64, to: usize, count: u32): i64 {
  let at = entryOf(tag);
  if (at == 0) {
    const fd = open(path, size);
    if (fd < 0) return -1;
    if (tagOf() != tag) {
      fd_close(<i32>fd);
      return -1;
    }
    at = keep(tag, <i32>fd);
  }
  const fd = load<i32>(at, 8) - 1;
  store<u32>(IOV, <u32>to);
  store<u32>(IOV, count, 4);
  if (fd_pread(fd, IOV, 1, offset, CELL) != 0) return -1;
  const n = load<u32>(CELL);
  // A file whose end was reached is not kept open for nobody.
  const ends = fd_filestat_get(fd, STAT) != 0 || offset + <u64>n >= load<u64>(STAT, 32);
  if (ends) {
    store<u32>(at, load<u32>(at, 12) - 1, 12);
    if (load<u32>(at, 12) == 0) {
      fd_close(fd);
      store<u32>(at, 0, 8);
    }
  }
  return <i64>n;
}
