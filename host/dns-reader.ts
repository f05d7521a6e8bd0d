/** Reading DNS messages (RFC 1035 §4): numbers, bytes and names, each within the message. */
import type { Buffer } from "node:buffer";

/** §4.1.1: bytes of a message's header. */
export const DNS_HEADER = 12;
/** §2.3.4: bytes of a label, and of a name. */
export const LABEL_MAX = 63;
const NAME_MAX = 255, POINTERS_MAX = 127;

/** Reads a message from a place on; what lies outside of it is a RangeError. */
export class DnsReader {
  constructor(readonly message: Buffer, public at: number) {}

  /** The next byte. */
  u8(): number {
    return this.message.readUInt8(this.at++);
  }

  /** The next two bytes, as a number. */
  u16(): number {
    this.at += 2;
    return this.message.readUInt16BE(this.at - 2);
  }

  /** The next four bytes, as a number. */
  u32(): number {
    this.at += 4;
    return this.message.readUInt32BE(this.at - 4);
  }

  /** The next `size` bytes, where they lie. */
  bytes(size: number): Buffer {
    if (this.at + size > this.message.length) throw new RangeError("the message ends before");
    this.at += size;
    return this.message.subarray(this.at - size, this.at);
  }

  /** A name's labels; pointers lead backward only (§4.1.4), and are no more than labels can be: this ends soon. */
  labels(): Buffer[] {
    const labels: Buffer[] = [];
    let back = -1, least = this.at, size = 1, pointers = 0;
    for (let length = this.u8(); length !== 0; length = this.u8()) {
      if (length >= 0xc0) {
        const to = ((length & 0x3f) << 8) | this.u8();
        if (to >= least || ++pointers > POINTERS_MAX) throw new RangeError("a pointer that does not lead back");
        if (back < 0) back = this.at;
        least = this.at = to;
        continue;
      }
      if (length > LABEL_MAX || (size += length + 1) > NAME_MAX) throw new RangeError("a name that is too long");
      labels.push(this.bytes(length));
    }
    if (back >= 0) this.at = back;
    return labels;
  }
}
