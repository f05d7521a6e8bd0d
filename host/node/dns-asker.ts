/** Questions to DNS servers: over UDP, and where the answer is too long for that, over TCP (RFC 7766). */
import { isIP } from "node:net";
import type { UdpSocket } from "../net/datagram.js";
import type { Stack } from "../net/stack.js";
import { answers, readAnswer, type Answer } from "./dns-message.js";

/** What a question ends with, if not with an answer: the code of `node:dns`. */
export class Failed extends Error {
  constructor(readonly code: string) {
    super(code);
  }
}

export interface ServerAddress {
  host: string;
  port: number;
}

interface Pending {
  asked: Buffer;
  take: (answer: Buffer | Failed) => void;
}

/**
 * What is asked of one server shares a socket, which has a port of its own while somebody waits for an answer: next
 * time it is another one (RFC 5452 §4). It has a peer, so that it hears that nobody is there.
 */
class Line {
  readonly #pending = new Set<Pending>();
  readonly #socket: UdpSocket;

  constructor(
    readonly stack: Stack,
    readonly server: ServerAddress,
    readonly over: () => void,
  ) {
    this.#socket = stack.udp();
    this.#socket.connect(server.port, server.host);
    this.#socket.on("message", (data: Uint8Array) => this.#take(Buffer.from(data)));
    this.#socket.on("error", () => this.#fail(new Failed("ECONNREFUSED")));
    this.#socket.on("close", () => this.#fail(new Failed("EDESTRUCTION")));
  }

  #take(message: Buffer): void {
    for (const one of [...this.#pending]) if (answers(message, one.asked)) one.take(message);
  }

  #fail(why: Failed): void {
    for (const { take } of [...this.#pending]) take(why);
  }

  /** Sends a question, and waits for its answer. */
  ask(asked: Buffer, ms: number, left: AbortSignal): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const end = (answer: Buffer | Failed): void => {
        clearTimeout(timer);
        left.removeEventListener("abort", cancel);
        this.#pending.delete(one);
        if (this.#pending.size === 0) {
          this.over();
          this.#socket.close();
        }
        if (answer instanceof Failed) reject(answer);
        else resolve(answer);
      };
      const one: Pending = { asked, take: end },
        cancel = (): void => end(new Failed("ECANCELLED")),
        timer = setTimeout(() => end(new Failed("ETIMEOUT")), ms);
      this.#pending.add(one);
      left.addEventListener("abort", cancel, { once: true });
      try {
        // A ring that is full is a datagram that was lost: it is asked once more.
        this.#socket.send(asked);
      } catch {
        end(new Failed("ECONNREFUSED"));
      }
    });
  }
}

const lines = new WeakMap<Stack, Map<string, Line>>();

function lineTo(stack: Stack, server: ServerAddress): Line {
  const key = `${server.host} ${server.port}`,
    all = lines.get(stack) ?? new Map<string, Line>();
  lines.set(stack, all);
  const line = all.get(key) ?? new Line(stack, server, () => all.delete(key));
  all.set(key, line);
  return line;
}

async function overTcp(stack: Stack, { host, port }: ServerAddress, asked: Buffer, timeoutMs: number): Promise<Buffer> {
  const connection = await stack.connect({ host, port, timeoutMs }),
    timer = setTimeout(() => connection.destroy(new Failed("ETIMEOUT")), timeoutMs);
  try {
    const size = Buffer.alloc(2);
    size.writeUInt16BE(asked.length);
    connection.write(Buffer.concat([size, asked]));
    let got = Buffer.alloc(0);
    for await (const chunk of connection as AsyncIterable<Uint8Array>) {
      got = Buffer.concat([got, chunk]);
      if (got.length >= 2 && got.length >= 2 + got.readUInt16BE(0)) break;
    }
    if (got.length < 2 || got.length < 2 + got.readUInt16BE(0)) throw new Failed("EOF");
    const message = got.subarray(2, 2 + got.readUInt16BE(0));
    if (!answers(message, asked)) throw new Failed("EBADRESP");
    return message;
  } finally {
    clearTimeout(timer);
    connection.destroy();
  }
}

/** Asks one server once. Throws `Failed`. */
export async function askServer(
  stack: Stack,
  server: ServerAddress,
  asked: Buffer,
  ms: number,
  left: AbortSignal,
): Promise<Answer> {
  // There is no way to a server with such an address: as if nobody were there.
  if (isIP(server.host) !== 4 && !stack.hasIp6) throw new Failed("ECONNREFUSED");
  try {
    const answer = readAnswer(await lineTo(stack, server).ask(asked, ms, left), asked);
    return answer.truncated ? readAnswer(await overTcp(stack, server, asked, ms), asked) : answer;
  } catch (e) {
    if (e instanceof Failed) throw e;
    if (e instanceof RangeError) throw new Failed("EBADRESP");
    const { code = "" } = e as { code?: string };
    throw new Failed(code === "TIMED_OUT" ? "ETIMEOUT" : code === "FULL" ? "ENOMEM" : "ECONNREFUSED");
  }
}
