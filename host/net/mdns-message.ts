/** Messages of multicast DNS (RFC 6762 §18), as far as services need them (RFC 6763 §4 to §6). */
import { Buffer } from "node:buffer";

export const TYPE = { PTR: 12, TXT: 16, NSEC: 47, SRV: 33, ANY: 255 } as const;
const CLASS_IN = 1, CLASS_ANY = 255;
/** §18.12, §18.13: of a question, a unicast answer is welcome; of a record, it is all there is. */
const TOP = 0x8000;
const HEADER = 12, QR = 0x8000, AA = 0x0400, TC = 0x0200, OPCODE = 0x7800, RCODE = 15;
/** RFC 1035 §2.3.4: bytes of a label, and of a name; so many pointers are followed at most. */
export const LABEL_MAX = 63;
const NAME_MAX = 255, POINTERS_MAX = 127;
/** Records of a message that are read; one that has more is nobody's. */
const RECORDS_MAX = 512;
/** Of a SRV record: bytes before its name, and where of these the port is (RFC 2782). */
const SRV_HEAD = 6, SRV_PORT = 4;
/** Bytes of the longest name that a pointer can lead to. */
const POINTER_REACH = 0x3fff;

/** A name is its labels: one of them may have dots in it (RFC 6763 §4.3). */
export type Name = readonly string[];

export interface Question {
  name: Name;
  type: number;
  /** Whether the answer may come to who asks alone (§5.4). */
  unicast: boolean;
}

export interface Rr {
  name: Name;
  type: number;
  /** Seconds; 0: it is taken back (§10.1). */
  ttl: number;
  /** Whether it is all there is of this type (§10.2). */
  unique: boolean;
  /** What is before the name in it, or all there is. */
  data: Uint8Array;
  /** The name that PTR and SRV end with. */
  target?: Name | undefined;
}

export interface Message {
  id: number;
  response: boolean;
  /** More of what is known follows (§7.2). */
  more: boolean;
  questions: Question[];
  answers: Rr[];
  authorities: Rr[];
  additionals: Rr[];
}

/** Labels in which two names differ by case alone are the same (§16: of ASCII letters). */
export function keyOf(name: Name): string {
  return name.map((label) => `${label.replace(/[A-Z]/g, (c) => c.toLowerCase())}\0`).join("");
}

/** Whether two names are the same. */
export function isSame(a: Name, b: Name): boolean {
  return a.length === b.length && keyOf(a) === keyOf(b);
}

/** Whether two records say the same, whatever their time to live. */
export function isAlike(a: Rr, b: Rr): boolean {
  return a.type === b.type && isSame(a.name, b.name) && Buffer.compare(a.data, b.data) === 0 &&
    isSame(a.target ?? [], b.target ?? []);
}

/** What stands before the host's name in a SRV record: priority and weight are 0 (RFC 6763 §5), the port. */
export function portData(port: number): Buffer {
  const data = Buffer.alloc(SRV_HEAD);
  data.writeUInt16BE(port, SRV_PORT);
  return data;
}

/** The port of a SRV record. */
export function portOf({ data }: Rr): number {
  return Buffer.from(data.buffer, data.byteOffset, data.length).readUInt16BE(SRV_PORT);
}

/** A name as it stands in a record that is compared with another one: without pointers (§8.2.1). */
export function nameBytes(name: Name): Buffer {
  const labels = name.map((label) => Buffer.from(label, "utf8"));
  return Buffer.concat([...labels.flatMap((label) => [Buffer.from([label.length]), label]), Buffer.alloc(1)]);
}

/** Writes a message. Names, and ends of names, stand in it once (§18.14). */
class Writer {
  readonly parts: Buffer[] = [];
  size = 0;
  readonly #known = new Map<string, number>();

  put(bytes: Uint8Array): void {
    this.parts.push(Buffer.from(bytes));
    this.size += bytes.length;
  }

  words(...numbers: number[]): void {
    this.put(Buffer.from(numbers.flatMap((n) => [(n >> 8) & 255, n & 255])));
  }

  name(name: Name): void {
    for (let i = 0; i < name.length; i++) {
      const key = keyOf(name.slice(i)), known = this.#known.get(key);
      if (known !== undefined) return this.words(0xc000 | known);
      if (this.size <= POINTER_REACH) this.#known.set(key, this.size);
      const label = Buffer.from(name[i]!, "utf8");
      this.put(Buffer.from([label.length]));
      this.put(label);
    }
    this.put(Buffer.alloc(1));
  }

  record({ name, type, ttl, unique, data, target }: Rr, top: boolean): void {
    this.name(name);
    this.words(type, CLASS_IN | (unique && top ? TOP : 0), ttl >>> 16, ttl & 0xffff);
    const place = this.parts.length, from = this.size + 2;
    this.words(0);
    this.put(data);
    if (target) this.name(target);
    this.parts[place]!.writeUInt16BE(this.size - from, 0);
  }
}

/** What `write` is given of a message. */
export interface Parts {
  id?: number;
  response?: boolean;
  questions?: readonly Question[];
  answers?: readonly Rr[];
  authorities?: readonly Rr[];
  additionals?: readonly Rr[];
}

/**
 * A message as bytes. `legacy`: for an old resolver, which does not know what the highest bit of a class means (§6.7).
 */
export function write(parts: Parts, { legacy = false } = {}): Buffer {
  const { id = 0, response = false, questions = [], answers = [], authorities = [], additionals = [] } = parts;
  const w = new Writer();
  w.words(id, response ? QR | AA : 0, questions.length, answers.length, authorities.length, additionals.length);
  for (const { name, type, unicast } of questions) {
    w.name(name);
    w.words(type, CLASS_IN | (unicast && !legacy ? TOP : 0));
  }
  // §10.2: proposals in a probe are no answers, and have no bit.
  for (const rr of answers) w.record(rr, response && !legacy);
  for (const rr of [...authorities, ...additionals]) w.record(rr, response && !legacy);
  return Buffer.concat(w.parts);
}

/** Reads a message; what lies outside of it is a RangeError of Buffer's. */
class Reader {
  at = HEADER;

  constructor(readonly message: Buffer) {}

  u16(): number {
    this.at += 2;
    return this.message.readUInt16BE(this.at - 2);
  }

  /** A name; pointers lead backward only, and are no more than a name can have labels, so that this ends soon. */
  name(): Name {
    const labels: string[] = [];
    let end = -1, least = this.at, size = 1, pointers = 0;
    for (let length = this.message.readUInt8(this.at++); length !== 0; length = this.message.readUInt8(this.at++)) {
      if (length > LABEL_MAX) {
        const to = ((length & 0x3f) << 8) | this.message.readUInt8(this.at++);
        if (length < 0xc0 || to >= least || ++pointers > POINTERS_MAX) throw new RangeError("no name");
        if (end < 0) end = this.at;
        least = this.at = to;
        continue;
      }
      size += length + 1;
      if (size > NAME_MAX || this.at + length > this.message.length) throw new RangeError("no name");
      labels.push(this.message.toString("utf8", this.at, this.at + length));
      this.at += length;
    }
    if (end >= 0) this.at = end;
    return labels;
  }

  question(): Question {
    const name = this.name(), type = this.u16(), cls = this.u16(), isOurs = [CLASS_IN, CLASS_ANY].includes(cls & ~TOP);
    return { name, type: isOurs ? type : 0, unicast: (cls & TOP) !== 0 };
  }

  record(): Rr {
    const name = this.name(), type = this.u16(), cls = this.u16(), high = this.u16(), low = this.u16();
    const size = this.u16(), from = this.at, end = from + size, ttl = high >= 0x8000 ? 0 : high * 0x10000 + low;
    if (end > this.message.length) throw new RangeError("the message ends before");
    const rr: Rr = {
      name, type: (cls & ~TOP) === CLASS_IN ? type : 0, ttl, unique: (cls & TOP) !== 0,
      data: this.message.subarray(from, end),
    };
    const head = type === TYPE.PTR ? 0 : type === TYPE.SRV ? SRV_HEAD : -1;
    if (head >= 0) {
      this.at = from + head;
      rr.target = this.name();
      rr.data = this.message.subarray(from, from + head);
      if (this.at !== end) throw new RangeError("a name that ends elsewhere");
    }
    this.at = end;
    return rr;
  }
}

/** Reads a message; undefined: it is not well-formed, or another kind of message or an error (§18.3, §18.11). */
export function read(bytes: Uint8Array): Message | undefined {
  const message = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (message.length < HEADER) return undefined;
  const flags = message.readUInt16BE(2), [q, an, ns, ar] = [4, 6, 8, 10].map((at) => message.readUInt16BE(at));
  if ((flags & (OPCODE | RCODE)) !== 0 || q! + an! + ns! + ar! > RECORDS_MAX) return undefined;
  const r = new Reader(message), records = (n: number): Rr[] => Array.from({ length: n }, () => r.record());
  try {
    const questions = Array.from({ length: q! }, () => r.question());
    return {
      id: message.readUInt16BE(0), response: (flags & QR) !== 0, more: (flags & TC) !== 0, questions,
      answers: records(an!), authorities: records(ns!), additionals: records(ar!),
    };
  } catch (e) {
    if (e instanceof RangeError) return undefined;
    throw e;
  }
}
