/** DNS messages (RFC 1035 §4): a question, and what the answer's records say, as `node:dns` shows them. */
import { DNS_HEADER, DnsReader, LABEL_MAX } from "../dns-reader.js";

export const TYPES = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  NAPTR: 35,
  ANY: 255,
  CAA: 257,
} as const;
export type TypeName = keyof typeof TYPES;

export interface DnsRecord {
  owner: string;
  type: number;
  ttl: number;
  data: unknown;
}

export interface Answer {
  rcode: number;
  truncated: boolean;
  records: DnsRecord[];
}

const CLASS_IN = 1,
  FLAG_QR = 0x8000,
  OPCODE = 0x7800,
  FLAG_TC = 0x200,
  FLAG_RD = 0x100;

/** A name as labels (§3.1). Undefined: it is none (§2.3.4). */
function nameBytes(name: string): Buffer | undefined {
  const labels = name === "." || name === "" ? [] : name.replace(/\.$/, "").split("."),
    parts: Buffer[] = [];
  let size = 1;
  for (const label of labels) {
    const bytes = Buffer.from(label, "latin1");
    if (bytes.length === 0 || bytes.length > LABEL_MAX || (size += bytes.length + 1) > 255) return undefined;
    parts.push(Buffer.from([bytes.length]), bytes);
  }
  return Buffer.concat([...parts, Buffer.from([0])]);
}

/** A question. Undefined: that is no name. */
export function question(name: string, type: number): Buffer | undefined {
  const bytes = nameBytes(name);
  if (bytes === undefined) return undefined;
  const head = Buffer.alloc(DNS_HEADER),
    tail = Buffer.alloc(4);
  crypto.getRandomValues(head.subarray(0, 2));
  head.writeUInt16BE(FLAG_RD, 2);
  head.writeUInt16BE(1, 4);
  tail.writeUInt16BE(type, 0);
  tail.writeUInt16BE(CLASS_IN, 2);
  return Buffer.concat([head, bytes, tail]);
}

/** As `node:dns` has it: a byte is a character. */
class Reader extends DnsReader {
  text(): string {
    return this.bytes(this.u8()).toString("latin1");
  }

  name(): string {
    return this.labels().map((label) => label.toString("latin1")).join(".");
  }
}

function ipv6(bytes: Buffer): string {
  if (bytes.length !== 16) throw new RangeError("an address of another length");
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(2 * i).toString(16)).join(":");
  // RFC 5952 §4: as a URL writes it.
  return new URL(`http://[${groups}]/`).hostname.slice(1, -1);
}

function ipv4(bytes: Buffer): string {
  if (bytes.length !== 4) throw new RangeError("an address of another length");
  return bytes.join(".");
}

function texts(r: Reader, end: number): string[] {
  const chunks: string[] = [];
  while (r.at < end) chunks.push(r.text());
  return chunks;
}

/** What a record says, in the form of `node:dns`; undefined for types that nobody asks for. */
function dataOf(r: Reader, type: number, size: number): unknown {
  const end = r.at + size;
  switch (type) {
    case TYPES.A:
      return ipv4(r.bytes(size));
    case TYPES.AAAA:
      return ipv6(r.bytes(size));
    case TYPES.NS:
    case TYPES.CNAME:
    case TYPES.PTR:
      return r.name();
    case TYPES.MX: {
      const priority = r.u16();
      return { exchange: r.name(), priority };
    }
    case TYPES.TXT:
      return texts(r, end);
    case TYPES.SRV: {
      const [priority, weight, port] = [r.u16(), r.u16(), r.u16()];
      return { name: r.name(), port, priority, weight };
    }
    case TYPES.SOA: {
      const [nsname, hostmaster] = [r.name(), r.name()];
      const [serial, refresh, retry, expire, minttl] = [r.u32(), r.u32(), r.u32(), r.u32(), r.u32()];
      return { nsname, hostmaster, serial, refresh, retry, expire, minttl };
    }
    case TYPES.NAPTR: {
      const [order, preference] = [r.u16(), r.u16()];
      const [flags, service, regexp] = [r.text(), r.text(), r.text()];
      return { flags, service, regexp, replacement: r.name(), order, preference };
    }
    case TYPES.CAA: {
      const critical = r.u8(),
        tag = r.text();
      return { critical, [tag]: r.bytes(end - r.at).toString("latin1") };
    }
    default:
      return undefined;
  }
}

/** Whether a message answers this question: to the letter (RFC 5452 §9.1). */
export function answers(message: Buffer, asked: Buffer): boolean {
  if (message.length < asked.length || message.readUInt16BE(0) !== asked.readUInt16BE(0)) return false;
  if ((message.readUInt16BE(2) & (FLAG_QR | OPCODE)) !== FLAG_QR || message.readUInt16BE(4) !== 1) return false;
  return message.subarray(DNS_HEADER, asked.length).equals(asked.subarray(DNS_HEADER));
}

/**
 * Reads an answer to this question; only records on the way from its name, over aliases, count. Throws a RangeError.
 */
export function readAnswer(message: Buffer, asked: Buffer): Answer {
  const flags = message.readUInt16BE(2),
    count = message.readUInt16BE(6),
    type = asked.readUInt16BE(asked.length - 4),
    r = new Reader(message, asked.length),
    all: DnsRecord[] = [];
  const answer = { rcode: flags & 15, truncated: (flags & FLAG_TC) !== 0, records: all };
  if (answer.truncated || answer.rcode !== 0) return answer;
  for (let i = 0; i < count; i++) {
    const owner = r.name().toLowerCase(),
      kind = r.u16(),
      cls = r.u16(),
      ttl = r.u32(),
      size = r.u16(),
      from = r.at,
      data = cls === CLASS_IN ? dataOf(r, kind, size) : undefined;
    r.at = from + size;
    if (r.at > message.length) throw new RangeError("the message ends before");
    if (data !== undefined) all.push({ owner, type: kind, ttl, data });
  }
  return { ...answer, records: reached(all, new Reader(asked, DNS_HEADER).name().toLowerCase(), type) };
}

function reached(all: DnsRecord[], name: string, type: number): DnsRecord[] {
  const aliases = new Map<string, string[]>(),
    names = new Set([name]);
  for (const { owner, type: kind, data } of all) {
    if (kind !== TYPES.CNAME || type === TYPES.CNAME || type === TYPES.ANY) continue;
    const known = aliases.get(owner);
    if (known) known.push((data as string).toLowerCase());
    else aliases.set(owner, [(data as string).toLowerCase()]);
  }
  // In whatever order they stand: each name that is reached is looked at once.
  for (const reachedName of names) for (const alias of aliases.get(reachedName) ?? []) names.add(alias);
  return all.filter((record) => names.has(record.owner) && (type === TYPES.ANY || record.type === type));
}
