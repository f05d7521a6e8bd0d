/** A descriptor's socket, and what its calls are given and return. */
import { StintError, errName } from "../errors.js";
import type { StackModule } from "../stack.js";
import { numberOf } from "./calls.js";
import type { Call, Value } from "./parse.js";
import { ERRNO, type Settings } from "./system.js";
import type { Ends } from "./wire.js";

export interface Socket {
  /** `new`: a stream socket that neither listens nor is connected. */
  kind: "new" | "listener" | "connection" | "datagram";
  handle: number;
  nonblocking: boolean;
  error: number;
  shutRead: boolean;
  options: Map<string, number>;
}

/** A result: a number, and the name of an errno when it is −1. */
export interface Result {
  value: number;
  errno?: string;
  /** What out-parameters hold. */
  out?: number;
}

/** A call as something that can be tried: null means that it would block. */
export type Attempt = () => Result | null;

/** What the calls work on. */
export interface Host {
  stack: StackModule;
  ends: Ends;
  options: Settings;
  nowUs: () => number;
  /** Whether a number that the module has just told is the remote side's address. */
  isRemote: (ip: number) => boolean;
}

export const OK: Result = { value: 0 };

/** `handle` is the module's; 0: there is none yet. */
export function freshSocket(kind: Socket["kind"], handle: number, nonblocking: boolean): Socket {
  return { kind, handle, nonblocking, error: 0, shutRead: false, options: new Map() };
}

/** A result of −1; `errno` is a name, such as "EINVAL". */
export function refusal(errno: string): Result {
  return { value: -1, errno };
}

/** A result for an error of the module's. */
function failed(code: number): Result {
  return refusal(ERRNO[errName(code)] ?? "EINVAL");
}

/** The result of a call of the stack's: what it returns, or the errno of what it throws. */
export function attempted(call: () => number | void): Result {
  try {
    return { value: call() ?? 0 };
  } catch (e) {
    if (!(e instanceof StintError)) throw e;
    return refusal(ERRNO[e.code] ?? "EINVAL");
  }
}

/** The error that waits for the socket's next call; it is told once. */
export function takeError(s: Socket): Result {
  const code = s.error;
  s.error = 0;
  return failed(code);
}

function sizeOfVectors(v: Value | undefined): number {
  if (v?.kind === "list") {
    return v.items.reduce((n, i) =>
      n + (i.kind === "list" && i.items.length === 2 ? numberOf(i.items[1]) : sizeOfVectors(i)), 0);
  }
  if (v?.kind !== "struct") return 0;
  return v.fields.reduce((n, [name, f]) =>
    n + (name === "iov_len" ? numberOf(f) : name === "msg_iov" ? sizeOfVectors(f) : 0), 0);
}

/** How many bytes a call moves: the third argument, or what iovecs add up to. */
export function sizeOf(e: Call): number {
  return /(readv|writev|msg)$/.test(e.name) ? sizeOfVectors(e.args[1]) : numberOf(e.args[2]);
}

/** The flags of a call that sends or receives. */
export function flagsOf(e: Call): number {
  if (/^(readv?|writev?)$/.test(e.name)) return 0;
  return numberOf(e.args[e.name.endsWith("msg") ? 2 : 3]);
}
