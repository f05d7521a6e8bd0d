/** Errors as Node's own `net` has them: what the stack said stays beside, as `cause`. */
import { constants } from "node:os";
import { getSystemErrorMap } from "node:util";
import { StintError, type ErrName } from "../errors.js";

/** What a call of the system would have said. */
const CODES: Partial<Record<ErrName, string>> = {
  HANDLE: "EBADF",
  ARGUMENT: "EINVAL",
  STATE: "EINVAL",
  FULL: "ENOBUFS",
  IN_USE: "EADDRINUSE",
  REFUSED: "ECONNREFUSED",
  RESET: "ECONNRESET",
  TIMED_OUT: "ETIMEDOUT",
  UNREACHABLE: "EHOSTUNREACH",
  CLOSED: "EPIPE",
  NOT_INIT: "ENETDOWN",
  NO_MEMORY: "ENOMEM",
  ABORTED: "ECONNABORTED",
  SIZE: "EMSGSIZE",
  NO_ADDRESS: "EADDRNOTAVAIL",
};
/** The same of a call that asks for a name. */
const NAME_CODES: Partial<Record<ErrName, string>> = {
  NOT_FOUND: "ENOTFOUND",
  ARGUMENT: "ENOTFOUND",
  NO_ANSWER: "EAI_AGAIN",
  UNREACHABLE: "EAI_AGAIN",
  TIMED_OUT: "EAI_AGAIN",
  SIZE: "EAI_FAIL",
  FULL: "EAI_MEMORY",
  NO_IPV4: "ENOTFOUND",
  ABORTED: "EAI_FAIL",
};

/** Node's numbers and words, by the code. */
const SYSTEM = new Map([...getSystemErrorMap()].map(([errno, [code, text]]) => [code, { errno, text }]));
// Node calls a name that is not there ENOTFOUND, and libuv EAI_NONAME.
const NOT_FOUND = SYSTEM.get("EAI_NONAME") ?? { errno: -3008, text: "unknown node or service" };

function system(code: string): { errno: number; text: string } {
  if (code === "ENOTFOUND") return NOT_FOUND;
  const known = (constants.errno as Record<string, number>)[code];
  return SYSTEM.get(code) ?? { errno: -(known ?? 0), text: code };
}

export interface Where {
  address?: string | undefined;
  port?: number | undefined;
  hostname?: string | undefined;
}

/** An error as a call of the system's: "connect ECONNREFUSED 10.0.0.1:80". */
export function systemError(syscall: string, code: string, where: Where = {}, cause?: unknown): NodeJS.ErrnoException {
  const { address, port, hostname } = where,
    { errno, text } = system(code);
  const at = address === undefined ? "" : port === undefined ? ` ${address}` : ` ${address}:${port}`;
  const said =
    syscall === "listen"
      ? `listen ${code}: ${text}${at}`
      : `${syscall} ${code}${hostname === undefined ? at : ` ${hostname}`}`;
  const error = new Error(said, cause === undefined ? undefined : { cause });
  const fields = { errno, code, syscall, address, port, hostname };
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) Object.assign(error, { [name]: value });
  return error;
}

/** What the stack threw, in Node's terms; other errors (an AbortError, one of the link's) stay as they are. */
export function asSystemError(error: unknown, syscall: string, where: Where = {}): Error {
  if (!(error instanceof StintError)) return error as Error;
  const code = (syscall === "getaddrinfo" ? NAME_CODES : CODES)[error.code] ?? "EIO";
  return systemError(syscall, code, where, error);
}

/** A call that was made wrongly, with the code that Node gives it. */
export function misuse(code: string, message: string, Kind: ErrorConstructor = Error): Error & { code: string } {
  const error = Object.assign(new Kind(message), { code });
  // As Node does it: the stack's first line has the code, the name has not.
  error.stack = (error.stack ?? message).replace(error.name, `${error.name} [${code}]`);
  return error;
}

export function wrongType(name: string, expected: string, value: unknown): Error {
  const got = value === null || value === undefined ? `${value as null}` : `type ${typeof value}`;
  const what = name.includes(".") ? `"${name}" property` : `"${name}" argument`;
  return misuse("ERR_INVALID_ARG_TYPE", `The ${what} must be ${expected}. Received ${got}`, TypeError);
}

export function checkFunction(name: string, value: unknown): void {
  if (typeof value !== "function") throw wrongType(name, "of type function", value);
}

/** A port's number: numbers, and digits in text. */
export function checkPort(value: unknown, name: string, zero: boolean): number {
  const fits =
    (typeof value === "number" || (typeof value === "string" && value.trim() !== "")) &&
    Number.isInteger(Number(value));
  if (!fits || Number(value) < (zero ? 0 : 1) || Number(value) > 65535) {
    const range = `should be >${zero ? "= 0" : " 0"} and < 65536`;
    throw misuse("ERR_SOCKET_BAD_PORT", `${name} ${range}. Received ${typeof value} (${String(value)}).`, RangeError);
  }
  return Number(value);
}

/** Milliseconds of a timer, as Node's timers take them. */
export function checkMs(name: string, value: unknown): number {
  if (typeof value !== "number") throw wrongType(name, "of type number", value);
  if (!(value >= 0 && Number.isFinite(value))) {
    throw misuse("ERR_OUT_OF_RANGE", `The value of "${name}" is out of range. Received ${value}`, RangeError);
  }
  return value;
}
