/** Messages of multicast DNS (RFC 6762 §18), as far as services need them (RFC 6763 §4 to §6). */
import { Buffer } from "node:buffer";
import { DNS_HEADER, DnsReader } from "../dns-reader.js";

export const TYPE = { PTR: 12, TXT: 16, NSEC: 47, SRV: 33, ANY: 255 } as const;
const CLASS_IN = 1, CLASS_ANY = 255;
/** §18.12, §18.13: of a question, a unicast answer is welcome; of a record, it is all there is. */
const TOP = 0x8000;
const QR = 0x8000, AA = 0x0400, TC = 0x0200, OPCODE = 0x7800, RCODE = 15;
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

/** As services have it: a label is text (RFC 6763 §4.1.1). */
class Reader extends DnsReader {
  name(): Name {
    return this.labels().map((label) => label.toString("utf8"));
  }

  question(): Question {
    const name = this.name(), type = this.u16(), cls = this.u16(), isOurs = [CLASS_IN, CLASS_ANY].includes(cls & ~TOP);
    return { name, type: isOurs ? type : 0, unicast: (cls & TOP) !== 0 };
  }

  record(): Rr {
    const name = this.name(), type = this.u16(), cls = this.u16(), seconds = this.u32();
    // RFC 2181 §8: one with the highest bit is 0.
    const size = this.u16(), from = this.at, end = from + size, ttl = seconds >= 2 ** 31 ? 0 : seconds;
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
  if (message.length < DNS_HEADER) return undefined;
  const flags = message.readUInt16BE(2), [q, an, ns, ar] = [4, 6, 8, 10].map((at) => message.readUInt16BE(at));
  if ((flags & (OPCODE | RCODE)) !== 0 || q! + an! + ns! + ar! > RECORDS_MAX) return undefined;
  const r = new Reader(message, DNS_HEADER), records = (n: number): Rr[] => Array.from({ length: n }, () => r.record());
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
