/** DNS messages for tests: written from RFC 1035 alone, and apart from the stack's own code. */
import { be } from "./codec.js";

export const A = 1, CNAME = 5, SOA = 6, AAAA = 28;

/** A name as labels, without compression. */
export function labels(name: string): number[] {
  return [
    ...name
      .split(".")
      .filter((l) => l !== "")
      .flatMap((l) => [l.length, ...[...l].map((c) => c.charCodeAt(0))]),
    0,
  ];
}

export interface Query {
  id: number;
  flags: number;
  counts: number[];
  name: string;
  question: number[];
  type: number;
  cls: number;
}

export function readQuery(data: Uint8Array): Query {
  const v = new DataView(data.buffer, data.byteOffset, data.length), parts: string[] = [];
  let at = 12;
  for (; data[at] !== 0; at += 1 + data[at]!)
    parts.push(String.fromCharCode(...data.slice(at + 1, at + 1 + data[at]!)));
  if (at + 5 !== data.length) throw new Error("the question does not end the message");
  return {
    id: v.getUint16(0),
    flags: v.getUint16(2),
    counts: [4, 6, 8, 10].map((i) => v.getUint16(i)),
    name: parts.join("."),
    question: [...data.slice(12)],
    type: v.getUint16(at + 1),
    cls: v.getUint16(at + 3),
  };
}

/** A record: its owner as bytes, so that it can be a pointer, or nonsense. */
export function record(
  owner: number[], type: number, ttl: number, data: number[], cls = 1, size = data.length,
): number[] {
  return [...owner, ...be(2, type), ...be(2, cls), ...be(4, ttl), ...be(2, size), ...data];
}

/** The question's name, which stands behind the header. */
export const QNAME = [0xc0, 12];
export const soa = (ttl: number, minimum: number): number[] =>
  record(labels("test"), SOA, ttl, [0, 0, ...be(4, 1), ...be(4, 2), ...be(4, 3), ...be(4, 4), ...be(4, minimum)]);

export interface Response {
  id?: number;
  flags?: number;
  question?: number[];
  answers?: number[][];
  authorities?: number[][];
  counts?: number[];
}

export function response(q: Query, r: Response): Uint8Array {
  const { answers = [], authorities = [] } = r;
  return Uint8Array.from([
    ...be(2, r.id ?? q.id), ...be(2, r.flags ?? 0x8180),
    ...(r.counts ?? [1, answers.length, authorities.length, 0]).flatMap((n) => be(2, n)), ...(r.question ?? q.question),
    ...answers.flat(), ...authorities.flat(),
  ]);
}
