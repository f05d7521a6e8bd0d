// The files that HTTP serves: those below the first directory that wasmtime was given (`--dir ROOT::/`).

import { fd_close, fd_filestat_get, fd_pread, path_open } from "./wasi";

/** The first preopened directory. */
const ROOT: i32 = 3;
const RIGHTS_READ: u64 = 1 << 1 | 1 << 2 | 1 << 21;
const LOOKUP_FOLLOW: u32 = 1;
const REGULAR_FILE: u8 = 4;
const PATH_MAX: u32 = 512;

const CELL: usize = memory.data(8, 8);
const IOV: usize = memory.data(8, 8);
const STAT: usize = memory.data(64, 8);
const PATH: usize = memory.data(640);
const INDEX: usize = memory.data<u8>([105, 110, 100, 101, 120, 46, 104, 116, 109, 108]);

/** The file that is open: its path, as asked for; −1: none. */
const OPEN_PATH: usize = memory.data(640);
let openSize: u32 = 0;
let openFd: i32 = -1;
let openLength: u64 = 0;

/** Opens the file at a path, unless it is open. Returns whether it is. */
function use(path: usize, size: u32): bool {
  if (openFd >= 0 && size == openSize && memory.compare(path, OPEN_PATH, size) == 0) return true;
  if (openFd >= 0) fd_close(openFd);
  openFd = -1;
  if (size > PATH_MAX) return false;
  // "/a/b" is "a/b" below the root; a folder stands for the page in it.
  memory.copy(PATH, path + 1, size - 1);
  let n = size - 1;
  if (n == 0 || load<u8>(PATH + n - 1) == 47) {
    memory.copy(PATH + n, INDEX, 10);
    n += 10;
  }
  if (path_open(ROOT, LOOKUP_FOLLOW, PATH, n, 0, RIGHTS_READ, 0, 0, CELL) != 0) return false;
  openFd = load<i32>(CELL);
  if (fd_filestat_get(openFd, STAT) != 0 || load<u8>(STAT, 16) != REGULAR_FILE) {
    fd_close(openFd);
    openFd = -1;
    return false;
  }
  openLength = load<u64>(STAT, 32);
  memory.copy(OPEN_PATH, path, size);
  openSize = size;
  return true;
}

/** Bytes of the file at a path; −1: there is none. */
export function fileLength(path: usize, size: u32): i64 {
  return use(path, size) ? <i64>openLength : -1;
}

/** Reads a piece of it. Returns how many bytes, −1 on failure. */
export function filePiece(path: usize, size: u32, offset: u64, to: usize, count: u32): i64 {
  if (!use(path, size)) return -1;
  store<u32>(IOV, <u32>to);
  store<u32>(IOV, count, 4);
  return fd_pread(openFd, IOV, 1, offset, CELL) != 0 ? -1 : <i64>load<u32>(CELL);
}
