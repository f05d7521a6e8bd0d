/**
 * `fetch` over a stack in a page or a worker: HTTP/1.1 (RFC 9112), with the platform's own Request, Response and
 * Headers. Connections are kept for the next request to the same origin.
 */
import { framing, readHead, type Framing, type Head } from "./answer.js";
import { Pool, unlessAborted, type Dialer } from "./pool.js";
import { octets, type Wire } from "./wire.js";

/** How many connections there are, and how long they wait. */
export interface FetchOptions {
  /** Connections to one origin at a time, 1 or more; by default 6. More requests wait for their turn. */
  connections?: number;
  /** How long a connection waits for the next request, ms, up to 2^31 − 1; by default 5,000. */
  idleMs?: number;
}

/** The platform's `fetch`, for `http:`. */
export interface Fetch {
  /** Asks a server; resolves with the head of its answer, whose body is a stream. */
  (input: string | URL | Request, init?: RequestInit): Promise<Response>;
  /** Ends the connections that wait, and takes no more requests. */
  close(): void;
}

const HOPS_MAX = 20;
/** Octets of a body that are read before somebody asks for them: a short one does not keep its connection. */
const AHEAD = 16_384;
/** What this client says itself. */
const OWN = ["connection", "content-length", "expect", "host", "keep-alive", "te", "transfer-encoding", "upgrade"];
/** RFC 9110 §9.2.2: what may be asked again when nobody knows whether it was heard. */
const IDEMPOTENT = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE"]);

interface Question {
  url: URL;
  method: string;
  headers: Headers;
  body: Uint8Array | ReadableStream<Uint8Array> | undefined;
  signal: AbortSignal | undefined;
}

/** An error as `fetch` has it: the signal's reason, or a TypeError. */
function failure(signal: AbortSignal | undefined, cause: unknown): Error {
  if (signal?.aborted) return signal.reason as Error;
  if (cause instanceof TypeError) return cause;
  return new TypeError(`fetch failed: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
}

async function question(input: string | URL | Request, init: RequestInit = {}): Promise<Question & { mode: string }> {
  const stream = init.body instanceof ReadableStream ? (init.body as ReadableStream<Uint8Array>) : undefined;
  const request = new Request(input, stream ? { ...init, body: null } : init);
  const { method, headers, redirect: mode } = request, url = new URL(request.url);
  // The request's own signal may be collected with it. `null` says that there is none.
  const signal = (init.signal === undefined && input instanceof Request ? input.signal : init.signal) ?? undefined;
  if (url.protocol !== "http:") throw new TypeError(`fetch over a stack is for http:, not for ${url.protocol}`);
  if (request.integrity) throw new TypeError("fetch over a stack does not look at `integrity`");
  if (stream && (method === "GET" || method === "HEAD")) throw new TypeError(`${method} has no body`);
  if (stream?.locked) throw new TypeError("the body is read by somebody else");
  const data = stream ? undefined : new Uint8Array(await unlessAborted(request.arrayBuffer(), signal));
  const has = data !== undefined && (data.length > 0 || ["POST", "PUT", "PATCH"].includes(method));
  return { url, method, headers, body: stream ?? (has ? data : undefined), signal, mode };
}

function headOf({ url, method, headers, body }: Question): Uint8Array {
  const lines = [`${method} ${url.pathname}${url.search} HTTP/1.1`, `Host: ${url.host}`];
  const said = new Headers(headers);
  for (const name of OWN) said.delete(name);
  if (!said.has("accept")) said.set("accept", "*/*");
  if (!said.has("accept-encoding")) said.set("accept-encoding", "gzip, deflate");
  said.forEach((value, name) => lines.push(`${name}: ${value}`));
  if (body instanceof Uint8Array) lines.push(`Content-Length: ${body.length}`);
  else if (body) lines.push("Transfer-Encoding: chunked");
  return octets([...lines, "", ""].join("\r\n"));
}

async function send(wire: Wire, asked: Question): Promise<void> {
  const { body } = asked;
  await wire.write(headOf(asked));
  if (body instanceof Uint8Array) return wire.write(body);
  if (!body) return;
  const reader = body.getReader(), drop = (): void => void reader.cancel(wire.stopped.reason).catch(() => {});
  wire.stopped.addEventListener("abort", drop, { once: true });
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      if (!(value instanceof Uint8Array)) throw new TypeError("a body is made of pieces of Uint8Array");
      if (value.length === 0) continue;
      await wire.write(octets(`${value.length.toString(16)}\r\n`));
      await wire.write(value);
      await wire.write(octets("\r\n"));
    }
    await wire.write(octets("0\r\n\r\n"));
  } catch (e) {
    reader.cancel(e).catch(() => {});
    throw e;
  } finally {
    wire.stopped.removeEventListener("abort", drop);
  }
}

/** How a body ended: as the server said, or before that. */
type End = "whole" | "cut";

/** A stream of what `pieces` gives; `over` is called at its end, once, "cut" unless it came to that by itself. */
function streamOf(pieces: AsyncIterator<Uint8Array>, over: (how: End) => void): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await pieces.next();
        if (!done) return controller.enqueue(value);
        over("whole");
        controller.close();
      } catch (e) {
        over("cut");
        controller.error(e);
      }
    },
    cancel: () => over("cut"),
  }, new ByteLengthQueuingStrategy({ highWaterMark: AHEAD }));
}

/** The same, whose errors are those of `fetch`. */
function telling(body: ReadableStream<Uint8Array>, signal: AbortSignal | undefined): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        // What was read ahead is not told any more.
        signal?.throwIfAborted();
        const { done, value } = await reader.read();
        if (done) controller.close();
        else controller.enqueue(value);
      } catch (e) {
        controller.error(failure(signal, e));
      }
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
}

function decoded(body: ReadableStream<Uint8Array>, headers: Headers): ReadableStream<Uint8Array> {
  const coding = headers.get("content-length") === "0" ? null : headers.get("content-encoding");
  const format = { gzip: "gzip", "x-gzip": "gzip", deflate: "deflate" }[(coding ?? "").trim().toLowerCase()];
  if (format === undefined) return body;
  return body.pipeThrough(
    new DecompressionStream(format as CompressionFormat) as ReadableWritablePair<Uint8Array, Uint8Array>,
  );
}

/** One request and the head of its answer, on one connection. */
async function exchange(pool: Pool, wire: Wire, asked: Question): Promise<Response> {
  const { url, method, signal } = asked;
  let isSent = false, head: Head, framed: Framing, isOver = false;
  const over = (how: End, why: unknown = new Error("nobody wants the rest")): void => {
    if (isOver) return;
    isOver = true;
    signal?.removeEventListener("abort", stop);
    // Who has answered before all was sent gets no more of it.
    if (how === "cut" || !isSent) wire.stop(why);
    pool.give(url, wire, how === "whole" && isSent && framed.isMarked && keeps(head));
  };
  // Also while nobody reads the body.
  const stop = (): void => over("cut", signal!.reason);
  signal?.addEventListener("abort", stop, { once: true });
  if (signal?.aborted) stop();
  try {
    const sent = send(wire, asked).then(() => (isSent = true));
    // An answer may come before all was sent; and what the body's own stream says ends all.
    sent.catch((e) => wire.stop(e));
    head = await readHead(wire);
    framed = framing(wire, head, method);
    const { status, statusText, headers } = head, { body } = framed;
    const stream = body ? telling(decoded(streamOf(body, over), headers), signal) : null;
    const response = new Response(stream, { status, statusText, headers });
    if (!body) over("whole");
    return response;
  } catch (e) {
    over("cut");
    throw e;
  }
}

function keeps({ headers, isNewest }: Head): boolean {
  const said = (headers.get("connection") ?? "").toLowerCase().split(",").map((word) => word.trim());
  return isNewest && !said.includes("close");
}

async function ask(pool: Pool, asked: Question): Promise<Response> {
  for (;;) {
    const { wire, isFresh } = await pool.take(asked.url, asked.signal);
    try {
      return await exchange(pool, wire, asked);
    } catch (e) {
      // A server may end a connection that waits just when the next request is on its way (RFC 9112 §9.3.1).
      const mayRepeat = IDEMPOTENT.has(asked.method) && !(asked.body instanceof ReadableStream);
      if (isFresh || wire.heard || asked.signal?.aborted || !mayRepeat) throw e;
    }
  }
}

/** The next request where the answer leads elsewhere; undefined: it is the answer. */
function redirected(asked: Question, { status, headers }: Response): Question | undefined {
  const to = headers.get("location");
  if (![301, 302, 303, 307, 308].includes(status) || to === null) return undefined;
  const url = new URL(to, asked.url), next = { ...asked, url, headers: new Headers(asked.headers) };
  if (url.protocol !== "http:") throw new TypeError(`a redirect leads to ${url.protocol}`);
  if (url.username !== "" || url.password !== "") throw new TypeError("a redirect tells a password");
  url.hash ||= asked.url.hash;
  if (url.origin !== asked.url.origin) for (const name of ["authorization", "cookie"]) next.headers.delete(name);
  const { method } = asked, becomesGet = status === 303 ? method !== "HEAD" : method === "POST" && status < 303;
  if (becomesGet) {
    for (const name of ["encoding", "language", "location", "type"]) next.headers.delete(`content-${name}`);
    if (method !== "GET") Object.assign(next, { method: "GET", body: undefined });
  } else if (asked.body instanceof ReadableStream) throw new TypeError("a body that is a stream cannot be sent again");
  return next;
}

/** The same; the body of an answer that leads elsewhere, or should not, keeps no connection. */
async function followed(asked: Question, response: Response): Promise<Question | undefined> {
  let isAnswer = false;
  try {
    const next = redirected(asked, response);
    isAnswer = !next;
    return next;
  } finally {
    if (!isAnswer) await response.body?.cancel();
  }
}

/**
 * Makes a `fetch` whose connections are those of a stack of `stint/browser`. It rejects with a TypeError, whose `cause`
 * tells more, or with the signal's reason.
 *
 * @example
 * ```ts
 * const fetch = createFetch(stack);
 * const response = await fetch("http://10.0.0.1/lamp", { method: "PUT", body: "on" });
 * console.log(response.status, await response.text());
 * ```
 */
export function createFetch(stack: Dialer, { connections = 6, idleMs = 5000 }: FetchOptions = {}): Fetch {
  const pool = new Pool(stack, connections, idleMs);
  async function fetch(input: string | URL | Request, init?: RequestInit): Promise<Response> {
    const { mode, ...first } = await question(input, init);
    let asked: Question = first;
    try {
      asked.signal?.throwIfAborted();
      for (let hops = 0; ; hops++) {
        const response = await ask(pool, asked), next = mode === "manual" ? undefined : await followed(asked, response);
        if (!next) {
          const url = new URL(asked.url);
          url.hash = "";
          return Object.defineProperties(response, {
            url: { value: url.href }, redirected: { value: hops > 0 },
          });
        }
        if (mode === "error") throw new TypeError(`${asked.url.href} leads elsewhere`);
        if (hops === HOPS_MAX) throw new TypeError(`there are more than ${HOPS_MAX} redirects`);
        asked = next;
      }
    } catch (e) {
      const why = failure(asked.signal, e), { body } = first;
      if (body instanceof ReadableStream && !body.locked) body.cancel(why).catch(() => {});
      throw why;
    }
  }
  return Object.assign(fetch, { close: () => pool.close() });
}
