// DNS over TCP (RFC 7766, RFC 1035 §4.2.2): what does not fit into a datagram is asked for over a connection, one at a
// time, out of those that all share. No handle leads to it, and none of its events is told. It has no memory of its own
// but one message: the question until it is sent, then the answer.

import { Err } from "../core/error";
import { take } from "../core/layout";
import { Address } from "../address/names";
import { isReachable, sourceFor } from "../ip/address";
import { DNS_PORT } from "../wire/dns";
import { tcbAt, tcbIndex } from "../tcp/block/tcb";
import { connectStart, tcbOpen } from "../tcp/open/connect";
import { ephemeralPort } from "../tcp/open/ephemeral";
import { Read, userAbort, userClose, userReceive, userSend } from "../tcp/user";

/** Bytes of an answer over TCP. @full the answer is not read: SIZE */
const MESSAGE_BYTES: u32 = 4096;
/** Of the length that stands before a message (RFC 1035 §4.2.2). */
const LENGTH: u32 = 2;

/** How far an exchange is. */
export const enum Stream {
  WAITS,
  /** The answer is there. */
  WHOLE,
  /** There will be none. */
  FAILED,
}

@unmanaged class Exchange {
  /** Whose question it is, as who asks tells it; 0: nobody's. */
  user: usize;
  server: Address;
  /** The connection, by number + 1; 0: there is none. */
  conn: u32;
  /** Bytes of the question with its length, and how many of them are in the send ring. */
  size: u32;
  sent: u32;
  /** Bytes of the answer with its length. */
  got: u32;
  /** Whether the connection served another exchange before. */
  reused: u32;
}

let exchange: Exchange = changetype<Exchange>(0);
let message: usize = 0;

export function streamInit(): void {
  exchange = changetype<Exchange>(take(1, offsetof<Exchange>()));
  message = take(1, (LENGTH + MESSAGE_BYTES + 7) & ~7);
}

/** Whose question is under way; 0: nobody's, so that the next one can be asked. */
export function streamUser(): usize {
  return exchange.user;
}

/** Where the message is written, or read. */
export function streamMessage(): usize {
  return message + LENGTH;
}

/** Bytes of the answer. */
export function streamSize(): u32 {
  return exchange.got - LENGTH;
}

/**
 * Asks `server` what is written, of `size` bytes: over the connection to it, if the last exchange left one. Returns
 * false: there is no way, or no connection is free.
 */
export function streamAsk(user: usize, server: Address, size: u32): bool {
  assert(size <= MESSAGE_BYTES);
  if (exchange.conn != 0 && exchange.server != server) close();
  exchange.reused = exchange.conn;
  if (exchange.conn == 0 && !open(server)) return false;
  store<u16>(message, bswap<u16>(<u16>size));
  exchange.user = user;
  exchange.size = LENGTH + size;
  exchange.sent = exchange.got = 0;
  return true;
}

function open(server: Address): bool {
  if (!isReachable(server)) return false;
  const local = sourceFor(server), port = ephemeralPort(local, server, <u16>DNS_PORT);
  if (port == 0) return false;
  const t = tcbOpen(local, server, DNS_PORT << 16 | <u32>port);
  if (t == null) return false;
  connectStart(t);
  exchange.server = server;
  exchange.conn = tcbIndex(t) + 1;
  return true;
}

/** Goes on with the exchange as far as it comes. */
export function streamTurn(): Stream {
  const said = turn();
  // RFC 7766 §6.2.4: a server may close after an answer. The next question, of which it said nothing, is still there.
  return said == Stream.FAILED && exchange.reused != 0 && exchange.got == 0 && openAgain() ? turn() : said;
}

/** Another connection takes the place of the one that an earlier exchange left. Returns false: there is none. */
function openAgain(): bool {
  abort();
  exchange.reused = exchange.sent = 0;
  return open(exchange.server);
}

/** Sends what fits, and takes what came. */
function turn(): Stream {
  assert(exchange.conn != 0);
  const t = tcbAt(exchange.conn - 1);
  if (exchange.sent < exchange.size) {
    // RFC 7766 §8: length and message leave together, where the ring has room for both.
    const n = userSend(t, message + exchange.sent, exchange.size - exchange.sent);
    if (n < 0) return n == Err.AGAIN ? Stream.WAITS : Stream.FAILED;
    exchange.sent += <u32>n;
    // The answer is read to where the question stands.
    if (exchange.sent < exchange.size) return Stream.WAITS;
  }
  const said = receive(LENGTH);
  if (said != Stream.WHOLE) return said;
  const size = <u32>bswap<u16>(load<u16>(message));
  return size > MESSAGE_BYTES ? Stream.FAILED : receive(LENGTH + size);
}

/** Reads until there are `size` bytes of the answer, or nothing is left to read. */
function receive(size: u32): Stream {
  assert(size <= LENGTH + MESSAGE_BYTES);
  const t = tcbAt(exchange.conn - 1);
  while (exchange.got < size) {
    const n = userReceive(t, message + exchange.got, size - exchange.got, Read.TAKE);
    if (n == Err.AGAIN) return Stream.WAITS;
    // The server has closed, or the connection has ended.
    if (n <= 0) return Stream.FAILED;
    exchange.got += <u32>n;
  }
  return Stream.WHOLE;
}

/** The exchange is over: the connection may serve the next one. */
export function streamDone(): void {
  exchange.user = 0;
}

/** No exchange follows: the connection, if there is one, ends in order. */
export function streamRest(): void {
  if (exchange.user == 0 && exchange.conn != 0) close();
}

function close(): void {
  const t = tcbAt(exchange.conn - 1);
  exchange.conn = 0;
  userClose(t);
}

/** If the exchange is this one's, it is over, and its connection with it. */
export function streamAbort(user: usize): void {
  if (exchange.user != user) return;
  exchange.user = 0;
  if (exchange.conn != 0) abort();
}

function abort(): void {
  const t = tcbAt(exchange.conn - 1);
  exchange.conn = 0;
  userAbort(t);
}
