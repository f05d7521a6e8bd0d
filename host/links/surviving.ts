/** A link that outlives its device: when that is gone it is opened again, with longer and longer waits between. */
import type { FrameBatches } from "./frames.js";
import { FormatError, LinkError, type Link } from "./link.js";

/** The first wait, and the longest, ms. */
const FIRST_MS = 50, MOST_MS = 1000;

/** Opens the link, for the first time or after it was lost. */
type Opener = (turn: "first" | "again") => Promise<Link>;

class Surviving implements Link {
  onFrame: (frame: Uint8Array) => void = () => {};
  onClose: (error?: Error) => void = () => {};
  /** The link that there is; undefined: it is being opened again. */
  #inner: Link | undefined;
  #up = true;
  #why: Error | undefined;
  #heard: (up: boolean, why?: Error) => void = () => {};
  #closed = false;
  #timer: NodeJS.Timeout | undefined;
  #refed = true;
  readonly batches: FrameBatches | undefined;

  constructor(first: Link, readonly open: Opener) {
    if (first.batches) this.batches = this.#batchesOf();
    this.#use(first);
  }

  /** Those of the link that there is. */
  #batchesOf(): FrameBatches {
    const inner = (): FrameBatches | undefined => this.#inner?.batches;
    let ready: (() => void) | undefined;
    return {
      get onReady() {
        return ready;
      },
      set onReady(heard) {
        ready = heard;
        const now = inner();
        if (now) now.onReady = heard;
      },
      fill: (ring, at, room) => inner()?.fill(ring, at, room) ?? 0,
      drain: (ring, at, count) => {
        if (this.#up && !this.#closed) inner()?.drain(ring, at, count);
      },
    };
  }

  get onChange(): (up: boolean, why?: Error) => void {
    return this.#heard;
  }

  /** Who comes late is told that the link is down. */
  set onChange(heard: (up: boolean, why?: Error) => void) {
    this.#heard = heard;
    if (this.#up) return;
    queueMicrotask(() => {
      if (this.#heard === heard && !this.#up && !this.#closed) heard(this.#up, this.#why);
    });
  }

  #use(inner: Link): void {
    this.#inner = inner;
    if (!this.#refed) inner.unref?.();
    if (inner.batches) inner.batches.onReady = this.batches?.onReady;
    inner.onFrame = (frame) => this.onFrame(frame);
    inner.onChange = (up, why) => this.#tell({ up, why });
    inner.onClose = (error) => {
      if (this.#inner === inner && !this.#closed) this.#lost(inner, error);
    };
  }

  #tell({ up, why }: { up: boolean; why?: Error | undefined }): void {
    if (this.#up === up || this.#closed) return;
    this.#up = up;
    this.#why = why;
    this.#heard(up, why);
  }

  #lost(inner: Link, error: Error | undefined): void {
    this.#inner = undefined;
    inner.close();
    if (error instanceof FormatError) {
      this.#closed = true;
      this.onClose(error);
      return;
    }
    const why = error ?? new LinkError("the other side of the link has closed it");
    this.#tell({ up: false, why });
    this.#later(FIRST_MS);
  }

  #later(ms: number): void {
    if (this.#closed) return;
    this.#timer = setTimeout(() => {
      this.open("again").then((inner) => {
        if (this.#closed) return inner.close();
        this.#use(inner);
        this.#tell({ up: true });
      }, () => this.#later(Math.min(2 * ms, MOST_MS)));
    }, ms);
    if (!this.#refed) this.#timer.unref();
  }

  unref(): void {
    this.#refed = false;
    this.#timer?.unref();
    this.#inner?.unref?.();
  }

  send(frame: Uint8Array): void {
    if (this.#up && !this.#closed) this.#inner?.send(frame);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#inner?.close();
  }
}

/** Opens a link as `open` does, and again whenever it is lost. Rejects only if the first time fails. */
export async function surviving(open: Opener): Promise<Link> {
  return new Surviving(await open("first"), open);
}
