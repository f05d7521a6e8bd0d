/** Tokens in the addresses that browsers come with, and how those are refused that have none. */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";

/** A token that nobody guesses: 128 bits. */
export function newToken(): string {
  return randomBytes(16).toString("base64url");
}

const digest = (text: string): Buffer => createHash("sha256").update(text).digest();

/** Whether a request's query has the token, in the field `name`. As long for a wrong one as for one nearly right. */
export function hasToken(request: IncomingMessage, name: string, token: string): boolean {
  // Not by URL, which throws at what is none.
  const said = new URLSearchParams(/\?(.*)/.exec(request.url ?? "")?.[1] ?? "").get(name) ?? "";
  return timingSafeEqual(digest(said), digest(token));
}

/** Ends a request for a WebSocket with a status of HTTP, and its connection with it, whatever the other end does. */
export function refuse(socket: Duplex, status: number): void {
  socket.once("finish", () => socket.destroy());
  socket.end(`HTTP/1.1 ${status} Refused\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
