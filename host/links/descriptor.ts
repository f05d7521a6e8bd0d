/**
 * A descriptor of which frames are read and to which they are written, each behind a head (linux/virtio_net.h): that of
 * a TAP device, or a packet socket. Frames go between the kernel and the module's slots, and nobody copies them here,
 * but for those that the kernel hands out uncut (offload.ts).
 */
import { lengthAt, slotAt, type FrameBatches, type FrameRing } from "./frames.js";
import type { Link } from "./link.js";
import { Cut, finishSum, HEAD_SIZE, HEADERS_MAX, isLarge, Train, TRAIN_MAX } from "./offload.js";
import { soon } from "../soon.js";
import type { Poll, System } from "./system.js";

/** What was opened. */
export interface Opened {
  fd: number;
  /** Tells when the device goes down, and why, and when it comes up. Returns what ends that. */
  watch(tell: (up: boolean, why?: Error) => void): () => void;
  /** Why the descriptor is of no use any more after a call that failed; undefined: it still is. */
  lost(errno: number): Error | undefined;
  close(fd: number): void;
}

/** struct iovec: an address and a size, 64 bits each. */
const IOV_SIZE = 16, IN_IOVS = 3, OUT_IOVS = 2 + TRAIN_MAX;
/** Bytes of the longest frame that the kernel hands out, and of the longest that is not large. */
const LARGE_MAX = 65536 + 64, FRAME_MAX = 65535 + 14;
/** Frames that are taken in one turn when somebody wants them one by one. */
const TURN = 64;

/**
 * Where things lie in a link's own memory: records of iovec; the head of what comes, and of what goes, with its
 * headers; a large frame, the room before it for what was read to a slot; a segment of it; what goes one by one.
 */
const IN_IOV = 0, OUT_IOV = IN_IOV + IN_IOVS * IOV_SIZE, IN_HEAD = OUT_IOV + OUT_IOVS * IOV_SIZE;
const OUT_HEAD = IN_HEAD + 16, OUT_HEADERS = OUT_HEAD + 16 + 2, LARGE = OUT_HEADERS + ((HEADERS_MAX + 3) & ~3);
const SEGMENT = LARGE + LARGE_MAX, OUT_FRAME = SEGMENT + LARGE_MAX;
/** Slots for what is sent one by one, and goes together at the end of the turn. */
const QUEUE_SLOTS = 64, QUEUE_STRIDE = 1520, QUEUE = OUT_FRAME + LARGE_MAX + 4;
const QUEUE_LENGTHS = QUEUE + QUEUE_SLOTS * QUEUE_STRIDE + 2;
/** A buffer of less might be moved by the garbage collector; this one is not. */
const OWN_SIZE = QUEUE_LENGTHS + 4 * QUEUE_SLOTS;

/**
 * TAP devices (tun.ts) and packet sockets (interface.ts) open the descriptor; this moves frames until `lost` says
 * that it is of no use.
 */
export class Descriptor implements Link, FrameBatches {
  onFrame: (frame: Uint8Array) => void = () => {};
  onChange: (up: boolean, why?: Error) => void = () => {};
  onClose: (error?: Error) => void = () => {};
  onReady: (() => void) | undefined;
  readonly batches = this;
  readonly #own = new Uint8Array(OWN_SIZE);
  readonly #words = new Uint32Array(this.#own.buffer);
  readonly #head = new DataView(this.#own.buffer, IN_HEAD, HEAD_SIZE);
  readonly #cut = new Cut(this.#own, LARGE);
  readonly #train = new Train();
  readonly #queue: FrameRing = {
    u8: this.#own, u32: this.#words, mask: QUEUE_SLOTS - 1, first: QUEUE, stride: QUEUE_STRIDE, size: QUEUE_STRIDE - 2,
    lengths: QUEUE_LENGTHS >> 2,
  };
  #queued = 0;
  readonly #at: number;
  readonly #poll: Poll;
  readonly #unwatch: () => void;
  /** The memory that the slots were in last, and where it is. */
  #memory: ArrayBufferLike | undefined;
  #memoryAt = 0;
  #waiting = false;
  #closed = false;

  constructor(readonly system: System, readonly opened: Opened) {
    this.#at = system.address(this.#own);
    this.#iov(IN_IOV, 0, this.#at + IN_HEAD, HEAD_SIZE);
    this.#iov(OUT_IOV, 0, this.#at + OUT_HEAD, HEAD_SIZE);
    // Nothing may be thrown into koffi, and what is done in its call has no end of a turn.
    this.#poll = system.poll(opened.fd, () => {
      if (this.#waiting || this.#closed) return;
      this.#waiting = true;
      soon(() => this.#ready());
    });
    this.#unwatch = opened.watch((up, why) => this.onChange(up, why));
  }

  /** Writes a record of iovec. */
  #iov(list: number, index: number, address: number, size: number): void {
    const at = (list + index * IOV_SIZE) >> 2;
    this.#words[at] = address >>> 0;
    this.#words[at + 1] = Math.floor(address / 2 ** 32);
    this.#words[at + 2] = size;
    this.#words[at + 3] = 0;
  }

  #ready(): void {
    this.#waiting = false;
    if (this.#closed) return;
    if (this.onReady) return this.onReady();
    for (let n = 0; n < TURN && !this.#closed; n++) {
      const size = this.#take(this.#own, this.#words, this.#at, SEGMENT, FRAME_MAX);
      if (size < 0) return;
      this.onFrame(this.#own.subarray(SEGMENT, SEGMENT + size));
    }
  }

  /**
   * Puts the next frame, or the next segment of a large one, at `to` of a memory that lies at `base`. Returns its size,
   * which may be above `room`: then it is not whole. −1: there is none.
   */
  #take(u8: Uint8Array, u32: Uint32Array, base: number, to: number, room: number): number {
    if (this.#cut.isUnder) {
      const size = this.#cut.next(u8, u32, to, room);
      if (size > 0) return size;
    }
    this.#iov(IN_IOV, 1, base + to, room);
    this.#iov(IN_IOV, 2, this.#at + LARGE + room, LARGE_MAX - room);
    const size = this.system.readv(this.opened.fd, this.#at + IN_IOV, IN_IOVS) - HEAD_SIZE;
    if (size < 0) {
      this.#checkDevice(size + HEAD_SIZE);
      return -1;
    }
    if (!isLarge(this.#head)) {
      if (size <= room) finishSum(u8, u32, to, size, this.#head);
      return size;
    }
    this.#own.set(u8.subarray(to, to + Math.min(size, room)), LARGE);
    if (!this.#cut.begin(size, this.#head)) return room + 1;
    return this.#cut.next(u8, u32, to, room) || room + 1;
  }

  /** What a call tells of the device. */
  #checkDevice(result: number): void {
    if (result >= 0 || this.#closed) return;
    const why = this.opened.lost(-result);
    if (why) this.onClose(why);
  }

  /** Where the ring's memory begins. */
  #base(ring: FrameRing): number {
    if (this.#memory !== ring.u8.buffer) {
      this.#memory = ring.u8.buffer;
      this.#memoryAt = this.system.address(new Uint8Array(ring.u8.buffer));
    }
    return this.#memoryAt;
  }

  fill(ring: FrameRing, at: number, room: number): number {
    const base = this.#base(ring);
    for (let n = 0; n < room; n++) {
      const size = this.#closed ? -1 : this.#take(ring.u8, ring.u32, base, slotAt(ring, at + n), ring.size);
      if (size < 0) return n;
      ring.u32[lengthAt(ring, at + n)] = size;
    }
    return room;
  }

  drain(ring: FrameRing, at: number, count: number): void {
    const base = this.#base(ring), train = this.#train;
    for (let n = 0; n < count && !this.#closed; n += train.count) {
      train.find(ring, at + n, count - n);
      if (train.count === 1) this.#write(base + slotAt(ring, at + n), ring.u32[lengthAt(ring, at + n)]!);
      else this.#writeTrain(ring, at + n, base);
    }
  }

  /** Writes a train as one frame: its headers from here, its text from the slots. */
  #writeTrain(ring: FrameRing, at: number, base: number): void {
    const { count, headers, text, total } = this.#train;
    this.#train.write(ring, at, this.#own, this.#words, OUT_HEAD, OUT_HEADERS);
    this.#iov(OUT_IOV, 1, this.#at + OUT_HEADERS, headers);
    for (let i = 0; i < count; i++) {
      const size = Math.min(text, total - i * text);
      this.#iov(OUT_IOV, 2 + i, base + slotAt(ring, at + i) + headers, size);
    }
    this.#checkDevice(this.system.writev(this.opened.fd, this.#at + OUT_IOV, 2 + count));
    this.#own.fill(0, OUT_HEAD, OUT_HEAD + HEAD_SIZE);
  }

  #write(address: number, size: number): void {
    this.#iov(OUT_IOV, 1, address, size);
    this.#checkDevice(this.system.writev(this.opened.fd, this.#at + OUT_IOV, 2));
  }

  send(frame: Uint8Array): void {
    if (this.#closed || frame.length > FRAME_MAX) return;
    if (frame.length > this.#queue.size || this.#queued === QUEUE_SLOTS) this.#flush();
    if (frame.length > this.#queue.size) {
      this.#own.set(frame, OUT_FRAME);
      return this.#write(this.#at + OUT_FRAME, frame.length);
    }
    if (this.#queued === 0) queueMicrotask(() => this.#flush());
    this.#own.set(frame, slotAt(this.#queue, this.#queued));
    this.#words[lengthAt(this.#queue, this.#queued++)] = frame.length;
  }

  /** Sends what waits for the end of the turn. */
  #flush(): void {
    const n = this.#queued;
    this.#queued = 0;
    if (n > 0) this.drain(this.#queue, 0, n);
  }

  unref(): void {
    if (!this.#closed) this.#poll.unref();
  }

  close(): void {
    if (this.#closed) return;
    this.#flush();
    this.#closed = true;
    this.#unwatch();
    this.#poll.close();
    this.opened.close(this.opened.fd);
  }
}
