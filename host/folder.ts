/**
 * The files below a folder, as HTTP serves them. Every request looks at its path anew, so a file that was replaced or
 * changed is served as it is now; an answer that has begun goes on from the file that it began with, or ends. Nothing
 * here waits: only regular files are opened.
 */
import { createHash } from "node:crypto";
import { closeSync, constants, fstatSync, openSync, readSync, realpathSync, statSync, type BigIntStats } from "node:fs";
import { join, sep } from "node:path";

/** Answers that a file's length can have in its place. */
export const NOT_FOUND = -1, TRY_AGAIN = -2;

interface Open {
  fd: number;
  size: number;
  /** Answers that go on. */
  users: number;
}

/** Which file, in which version: 64 bits. */
function tagOf(stat: BigIntStats): bigint {
  return createHash("sha256")
    .update(`${stat.dev} ${stat.ino} ${stat.size} ${stat.mtimeNs} ${stat.ctimeNs}`)
    .digest()
    .readBigUInt64LE();
}

/** The files of one folder, read piece by piece; one is the same file in the same version throughout. */
export class Folder {
  readonly #root: string;
  /** By path and tag; the one that was used last is the last. */
  #open = new Map<string, Open>();
  /** More files than these are opened anew for each piece. */
  static readonly OPEN_MAX = 64;

  constructor(root: string) {
    this.#root = realpathSync(root);
  }

  /** Files that are open. */
  get openCount(): number {
    return this.#open.size;
  }

  /** How long the file is, and its version; `pieces`: pieces of it follow. Or one of the errors above. */
  find(path: string, { pieces }: { pieces: boolean }): { size: number; tag: bigint } | number {
    try {
      const file = this.#openFile(path);
      if (file === undefined) return NOT_FOUND;
      const { fd, stat } = file, tag = tagOf(stat), key = `${tag} ${path}`, known = this.#open.get(key);
      if (!pieces || stat.size === 0n) closeSync(fd);
      else if (known) {
        closeSync(fd);
        known.users++;
      } else this.#keep(key, { fd, size: Number(stat.size), users: 1 });
      return { size: Number(stat.size), tag };
    } catch (e) {
      const { code } = e as NodeJS.ErrnoException;
      return code === "EMFILE" || code === "ENFILE" || code === "ENOMEM" ? TRY_AGAIN : NOT_FOUND;
    }
  }

  /** Reads a piece into `to`. Returns how many bytes; 0 or −1: the file is no more what it was. */
  read(path: string, tag: bigint, to: Uint8Array, offset: number): number {
    const key = `${tag} ${path}`;
    try {
      let file = this.#open.get(key);
      if (file === undefined) {
        const opened = this.#openFile(path);
        if (opened === undefined) return -1;
        file = { fd: opened.fd, size: Number(opened.stat.size), users: 1 };
        if (tagOf(opened.stat) !== tag) {
          closeSync(opened.fd);
          return -1;
        }
        this.#keep(key, file);
      }
      const n = readSync(file.fd, to, 0, to.length, offset);
      if (offset + n === file.size && --file.users === 0) {
        closeSync(file.fd);
        this.#open.delete(key);
      }
      return n;
    } catch {
      return -1;
    }
  }

  /** The regular file at a path below the folder, open; undefined: there is none. */
  #openFile(path: string): { fd: number; stat: BigIntStats } | undefined {
    const real = realpathSync(join(this.#root, path.endsWith("/") ? `${path}index.html` : path));
    if (!real.startsWith(this.#root.endsWith(sep) ? this.#root : this.#root + sep)) return undefined;
    // Looked at before it is opened: to open a FIFO waits, and to open a device may do something.
    if (!statSync(real).isFile()) return undefined;
    const fd = openSync(real, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
    const stat = fstatSync(fd, { bigint: true });
    if (stat.isFile()) return { fd, stat };
    closeSync(fd);
    return undefined;
  }

  #keep(key: string, file: Open): void {
    if (this.#open.size >= Folder.OPEN_MAX) {
      const [oldest, { fd }] = this.#open.entries().next().value!;
      closeSync(fd);
      this.#open.delete(oldest);
    }
    this.#open.set(key, file);
  }
}
