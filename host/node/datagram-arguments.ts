/** What sockets of `node:dgram` may be called with, in all the forms that it has. */
import { checkPort, misuse, wrongType } from "./errors.js";

export type Sent = (error: Error | null, bytes?: number) => void;

/** A datagram to send, as the caller meant it. */
export interface Sending {
  data: Uint8Array;
  port: number | undefined;
  address: string | undefined;
  sent: Sent | undefined;
}

export interface BindOptions {
  port?: number | string | undefined;
  address?: string | undefined;
  /** A cluster's, and the kernel's: not on a stack. */
  exclusive?: boolean | undefined;
  fd?: number | undefined;
}

const BYTES = "of type string or an instance of Buffer, TypedArray, or DataView";

/** `bind([port][, address][, listening])`, or `bind(options[, listening])`. */
export function bindArguments(args: unknown[]): [options: BindOptions, listening: (() => void) | undefined] {
  const last = args.at(-1),
    listening = typeof last === "function" ? (last as () => void) : undefined,
    [first, second] = args;
  if (typeof first === "object" && first !== null) return [first, listening];
  const port = typeof first === "function" ? undefined : (first as number | null | undefined),
    address = typeof second === "function" ? undefined : (second as string | undefined);
  return [{ port: port ?? 0, address }, listening];
}

function bytesOf(value: unknown, name: string, expected: string): Uint8Array {
  if (typeof value === "string") return Buffer.from(value);
  if (!ArrayBuffer.isView(value)) throw wrongType(name, expected, value);
  return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
}

function slice(value: unknown, offset: unknown, length: unknown): Uint8Array {
  const bytes = bytesOf(value, "buffer", BYTES),
    from = Number(offset) >>> 0,
    size = Number(length) >>> 0,
    outside = from > bytes.length ? "offset" : from + size > bytes.length ? "length" : undefined;
  if (outside !== undefined) {
    throw misuse("ERR_BUFFER_OUT_OF_BOUNDS", `"${outside}" is outside of buffer bounds`, RangeError);
  }
  return bytes.subarray(from, from + size);
}

/** One buffer, or several that make one datagram: a copy, since the caller's may change before it is sent. */
function joined(message: unknown): Uint8Array {
  const fits = (part: unknown): boolean => typeof part === "string" || ArrayBuffer.isView(part);
  if (Array.isArray(message) && !message.every(fits)) throw wrongType("buffer list arguments", BYTES, message);
  const parts = (Array.isArray(message) ? message : [message]).map((part) => bytesOf(part, "buffer", BYTES));
  return Uint8Array.from(Buffer.concat(parts));
}

/**
 * `send(message[, offset, length][, port][, address][, sent])`. A socket with a peer is told neither port nor address,
 * one without needs the port.
 */
export function sendArguments(connected: boolean, args: unknown[]): Sending {
  const [, offset, length] = args;
  let [message, , , port, address, sent] = args;
  if (!connected) {
    if (address || (port && typeof port !== "function")) message = slice(message, offset, length);
    else [sent, port, address] = [port, offset, length];
  } else {
    if (typeof length === "number") {
      message = slice(message, offset, length);
      if (typeof port === "function") [sent, port] = [port, undefined];
    } else sent = offset;
    if (port || address) throw misuse("ERR_SOCKET_DGRAM_IS_CONNECTED", "Already connected");
  }
  const data = joined(message),
    to = connected ? undefined : checkPort(port, "Port", 1);
  if (typeof address === "function") [sent, address] = [address, undefined];
  else if (address !== undefined && address !== null && typeof address !== "string") {
    throw wrongType("address", "of type string", address);
  }
  return {
    data,
    port: to,
    address: (address as string | null) || undefined,
    sent: typeof sent === "function" ? (sent as Sent) : undefined,
  };
}

/** `connect(port[, address][, connected])`. */
export function peerArguments(
  args: unknown[],
): [port: number, address: string | undefined, connected: (() => void) | undefined] {
  const [port, second, third] = args,
    connected = typeof second === "function" ? second : third,
    address = typeof second === "function" ? undefined : second;
  if (address !== undefined && address !== null && typeof address !== "string") {
    throw wrongType("address", "of type string", address);
  }
  return [
    checkPort(port, "Port", 1),
    (address as string | null) || undefined,
    typeof connected === "function" ? (connected as () => void) : undefined,
  ];
}
