/** Writes frames as pcapng (draft-ietf-opsawg-pcapng): a file that Wireshark opens. */
import { openSync, writeSync, closeSync } from "node:fs";
import type { Link } from "./link.js";

const SECTION = 0x0a0d0d0a, INTERFACE = 1, ENHANCED_PACKET = 6;
const LINKTYPE_ETHERNET = 1;
const OPTION_COMMENT = 1, OPTION_NAME = 2, OPTION_APPLICATION = 4;

function option(code: number, text: string): Buffer {
  const value = Buffer.from(text);
  const out = Buffer.alloc(4 + ((value.length + 3) & ~3));
  out.writeUInt16LE(code, 0);
  out.writeUInt16LE(value.length, 2);
  value.copy(out, 4);
  return out;
}

function block(type: number, ...parts: Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  const padded = (body.length + 3) & ~3;
  const out = Buffer.alloc(12 + padded);
  out.writeUInt32LE(type, 0);
  out.writeUInt32LE(out.length, 4);
  body.copy(out, 8);
  out.writeUInt32LE(out.length, 8 + padded);
  return out;
}

/** The head of a file: a section, and one Ethernet interface a name. Times are in µs. */
export function pcapngHead(interfaces: string[]): Buffer {
  const section = Buffer.alloc(16);
  section.writeUInt32LE(0x1a2b3c4d, 0);
  section.writeUInt16LE(1, 4);
  section.writeBigInt64LE(-1n, 8);
  const end = Buffer.alloc(4);
  const blocks = [block(SECTION, section, option(OPTION_APPLICATION, "stint"), end)];
  for (const name of interfaces) {
    const head = Buffer.alloc(8);
    head.writeUInt16LE(LINKTYPE_ETHERNET, 0);
    blocks.push(block(INTERFACE, head, option(OPTION_NAME, name), end));
  }
  return Buffer.concat(blocks);
}

/** One frame, seen on interface number `port` at `timeUs`. */
export function pcapngPacket(timeUs: number, frame: Uint8Array, port = 0, comment = ""): Buffer {
  const head = Buffer.alloc(20);
  const time = BigInt(Math.floor(timeUs));
  head.writeUInt32LE(port, 0);
  head.writeUInt32LE(Number(time >> 32n), 4);
  head.writeUInt32LE(Number(time & 0xffffffffn), 8);
  head.writeUInt32LE(frame.length, 12);
  head.writeUInt32LE(frame.length, 16);
  const data = Buffer.alloc((frame.length + 3) & ~3);
  data.set(frame);
  return block(ENHANCED_PACKET, head, data, ...(comment ? [option(OPTION_COMMENT, comment), Buffer.alloc(4)] : []));
}

/** A pcapng file that is being written; flushed in batches. */
export class CaptureFile {
  readonly #fd: number;
  #pending: Buffer[] = [];
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
