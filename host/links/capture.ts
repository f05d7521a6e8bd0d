/** Captures what a link carries: frames go to a pcapng file. */
import { openSync, writeSync, closeSync } from "node:fs";
import type { Link } from "./link.js";
import { pcapngHead, pcapngInterface, pcapngPacket } from "./pcapng.js";
import { tapped } from "./tapped.js";

/**
 * A pcapng file that is being written; flushed in batches. When it cannot be written to any more, the capture ends, and
 * nothing else.
 */
export class CaptureFile {
  readonly #fd: number;
  #open = true;
  #pending: Uint8Array[] = [];
  #bytes = 0;
  #interfaces: number;
  readonly #atExit = (): void => this.flush();

  /** Throws if the file cannot be made. `onEnd` is told, in a line, why a capture ended before its time. */
  constructor(
    private readonly path: string, interfaces: string[],
    private readonly onEnd: (why: string) => void = (why) => console.error(`stint: ${why}`),
  ) {
    this.#fd = openSync(path, "w");
    this.#interfaces = interfaces.length;
    this.#write(pcapngHead(interfaces));
    // However the program ends, what it has seen is in the file.
    process.once("exit", this.#atExit);
  }

  /** One more interface. Returns its number. */
  add(name: string): number {
    if (this.#open) this.#pending.push(pcapngInterface(name));
    return this.#interfaces++;
  }

  /** Writes a frame that was seen at `timeUs`, on one of the `interfaces`, by its number. */
  frame(timeUs: number, frame: Uint8Array, port = 0, comment = ""): void {
    if (!this.#open) return;
    const packet = pcapngPacket(timeUs, frame, port, comment);
    this.#pending.push(packet);
    this.#bytes += packet.length;
    if (this.#bytes > 1 << 20) this.flush();
  }

  /** Hands what is pending to the system. */
  flush(): void {
    if (this.#pending.length > 0) this.#write(Buffer.concat(this.#pending));
    this.#pending = [];
    this.#bytes = 0;
  }

  #write(bytes: Uint8Array): void {
    try {
      for (let at = 0; at < bytes.length;) at += writeSync(this.#fd, bytes, at);
    } catch (e) {
      this.#open = false;
      closeSync(this.#fd);
      this.onEnd(`the capture ${this.path} ends here: ${(e as Error).message}`);
    }
  }

  /** Ends the file. */
  close(): void {
    if (!this.#open) return;
    this.flush();
    if (this.#open) closeSync(this.#fd);
    this.#open = false;
    process.off("exit", this.#atExit);
  }
}

/** The time of day in µs: a clock of milliseconds cannot tell the order of frames, nor how long an answer took. */
export function wallUs(): number {
  return (performance.timeOrigin + performance.now()) * 1000;
}

/** The same link, with every frame written to `file` as it passes. */
export function captured(link: Link, file: CaptureFile, nowUs: () => number = wallUs): Link {
  return tapped(link, (frame) => file.frame(nowUs(), frame), () => file.close());
}
