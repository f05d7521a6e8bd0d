/** The head of an answer, and how its body is framed (RFC 9112 §4 to §7). What is not quite right is refused. */
import type { Wire } from "./wire.js";

/** Octets of a head, and of a line that tells the size of a chunk; interim answers in a row. */
const HEAD_MAX = 65_536, CHUNK_LINE_MAX = 4096, INTERIM_MAX = 16;
/** RFC 9112 §4: a reason has spaces, tabs, visible characters and octets above them. */
const STATUS_LINE = /^HTTP\/1\.(\d) (\d{3})(?: ([\t -~\x80-\xff]*))?$/;

export interface Head {
  status: number;
  statusText: string;
  headers: Headers;
  isNewest: boolean;
}

async function fields(wire: Wire, limit: number): Promise<Headers> {
  const headers = new Headers();
  for (let left = limit; ;) {
    const line = await wire.line(left);
    if (line === "") return headers;
    left -= line.length + 2;
    const colon = line.indexOf(":");
    // RFC 9112 §5.2: a line that goes on with the one before is refused; so is a name with a space behind it.
    if (colon < 1 || /^[ \t]/.test(line)) throw new Error(`"${line.slice(0, 40)}" is no header field`);
    headers.append(line.slice(0, colon), line.slice(colon + 1));
  }
}

/** The head of the answer; those of interim answers (1xx) are left out. */
export async function readHead(wire: Wire): Promise<Head> {
  for (let i = 0; i < INTERIM_MAX; i++) {
    const line = await wire.line(HEAD_MAX), parts = STATUS_LINE.exec(line);
    if (!parts) throw new Error(`"${line.slice(0, 40)}" is no answer in HTTP/1.1`);
    const status = Number(parts[2]), headers = await fields(wire, HEAD_MAX);
    if (status === 101 || status < 100 || status > 599) throw new Error(`the answer has status ${status}`);
    if (status >= 200) return { status, statusText: parts[3] ?? "", headers, isNewest: parts[1] !== "0" };
  }
  throw new Error("there are interim answers without end");
}

export interface Framing {
  body: AsyncGenerator<Uint8Array> | undefined;
  /** Whether the end of the body is known before that of the connection. */
  isMarked: boolean;
}

async function* sized(wire: Wire, size: number): AsyncGenerator<Uint8Array> {
  for (let left = size; left > 0;) {
    const data = await wire.upTo(left);
    left -= data.length;
    yield data;
  }
}

async function* chunked(wire: Wire): AsyncGenerator<Uint8Array> {
  for (;;) {
    const line = await wire.line(CHUNK_LINE_MAX, { needsCr: true });
    const size = /^([0-9a-f]{1,12})[ \t]*(?:;.*)?$/i.exec(line)?.[1];
    if (size === undefined) throw new Error(`"${line.slice(0, 40)}" is no size of a chunk`);
    if (/^0+$/.test(size)) break;
    yield* sized(wire, parseInt(size, 16));
    if ((await wire.line(2, { needsCr: true })) !== "") throw new Error("a chunk is longer than its size");
  }
  await fields(wire, HEAD_MAX);
}

async function* toTheEnd(wire: Wire): AsyncGenerator<Uint8Array> {
  for (let data; (data = await wire.some());) yield data;
}

/** RFC 9112 §6.3. */
export function framing(wire: Wire, { status, headers, isNewest }: Head, method: string): Framing {
  const coding = headers.get("transfer-encoding"), length = headers.get("content-length");
  if (method === "HEAD" || status === 204 || status === 304) return { body: undefined, isMarked: true };
  // It has no body; who sends one nevertheless is not asked again on this connection.
  if (status === 205) return { body: undefined, isMarked: length === "0" };
  if (coding !== null) {
    if (coding.toLowerCase() !== "chunked" || !isNewest || length !== null)
      throw new Error(`a body with the transfer coding "${coding}" cannot be read`);
    return { body: chunked(wire), isMarked: true };
  }
  if (length === null) return { body: toTheEnd(wire), isMarked: false };
  // The same number may come several times.
  const [size = "", ...others] = length.split(",").map((text) => text.trim());
  if (!/^\d{1,15}$/.test(size) || others.some((other) => other !== size))
    throw new Error(`"${length}" is no length of a body`);
  return { body: sized(wire, Number(size)), isMarked: true };
}
