/** Captures what a link carries: frames go to a pcapng file. */
import { openSync, writeSync, closeSync } from "node:fs";
import type { Link } from "./link.js";
import { pcapngHead, pcapngPacket } from "./pcapng.js";

/** A pcapng file that is being written; flushed in batches. */
export class CaptureFile {
  readonly #fd: number;
  #pending: Uint8Array[] = [];
  #bytes = 0;

  constructor(path: string, interfaces: string[]) {
    this.#fd = openSync(path, "w");
    writeSync(this.#fd, pcapngHead(interfaces));
  }

  frame(timeUs: number, frame: Uint8Array, port = 0, comment = ""): void {
    const packet = pcapngPacket(timeUs, frame, port, comment);
    this.#pending.push(packet);
    this.#bytes += packet.length;
    if (this.#bytes > 1 << 20) this.flush();
  }

  flush(): void {
    if (this.#pending.length > 0) writeSync(this.#fd, Buffer.concat(this.#pending));
    this.#pending = [];
    this.#bytes = 0;
  }

  close(): void {
    this.flush();
    closeSync(this.#fd);
  }
}

/** The same link, with every frame written to `file` as it passes. */
export function captured(link: Link, file: CaptureFile, nowUs: () => number): Link {
  const tap: Link = {
    send(frame) {
      file.frame(nowUs(), frame);
      link.send(frame);
    },
    onFrame: () => {},
    onClose: () => {},
    close() {
      link.close();
      file.close();
    },
  };
  link.onFrame = (frame) => {
    file.frame(nowUs(), frame);
    tap.onFrame(frame);
  };
  link.onClose = (error) => tap.onClose(error);
  return tap;
}
