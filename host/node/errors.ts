/** Errors as Node's own `net` has them: what the stack said stays beside, as `cause`. */
import { constants } from "node:os";
import { getSystemErrorMap, inspect } from "node:util";
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
  NO_IPV6: "ENOTFOUND",
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

/** A value as Node's messages show it. */
function shown(value: unknown): string {
  if (value === null || value === undefined) return `${value as null}`;
  if (typeof value === "function") return value.name ? `function ${value.name}` : "function ";
  if (typeof value === "object") {
    const name = (value.constructor as { name?: string } | undefined)?.name;
    return name ? `an instance of ${name}` : inspect(value, { depth: -1 });
  }
  const text = inspect(value, { colors: false });
  return `type ${typeof value} (${text.length > 28 ? `${text.slice(0, 25)}...` : text})`;
}

/** A TypeError in Node's own words, ERR_INVALID_ARG_TYPE. A dot in `name` makes it a property. */
export function wrongType(name: string, expected: string, value: unknown): Error {
  const what = name.includes(".") ? `"${name}" property` : `"${name}" argument`,
    message = `The ${what} must be ${expected}. Received ${shown(value)}`;
  return misuse("ERR_INVALID_ARG_TYPE", message, TypeError);
}

/** A RangeError in Node's own words, ERR_OUT_OF_RANGE; `range` is such as ">= 1". */
export function outOfRange(name: string, range: string, value: unknown): Error {
  const message = `The value of "${name}" is out of range. It must be ${range}. Received ${inspect(value)}`;
  return misuse("ERR_OUT_OF_RANGE", message, RangeError);
}

/** An argument with a value that it cannot have. */
export function wrongValue(name: string, value: unknown, reason = "is invalid"): Error {
  const text = inspect(value),
    got = text.length > 128 ? `${text.slice(0, 128)}...` : text,
    what = name.includes(".") ? "property" : "argument";
  return misuse("ERR_INVALID_ARG_VALUE", `The ${what} '${name}' ${reason}. Received ${got}`, TypeError);
}

/** Throws ERR_INVALID_ARG_TYPE for what cannot be called. */
export function checkFunction(name: string, value: unknown): void {
  if (typeof value !== "function") throw wrongType(name, "of type function", value);
}

/** A port's number, `least` or more: numbers, and digits in text. */
export function checkPort(value: unknown, name: string, least: 0 | 1): number {
  const fits =
    (typeof value === "number" || (typeof value === "string" && value.trim() !== "")) &&
    Number.isInteger(Number(value));
  if (!fits || Number(value) < least || Number(value) > 65535) {
    const range = `should be >${least === 0 ? "= 0" : " 0"} and < 65536`;
    throw misuse("ERR_SOCKET_BAD_PORT", `${name} ${range}. Received ${shown(value)}.`, RangeError);
  }
  return Number(value);
}

/** Milliseconds of a timer, as Node's timers take them. */
export function checkMs(name: string, value: unknown): number {
  if (typeof value !== "number") throw wrongType(name, "of type number", value);
  if (!(value >= 0 && Number.isFinite(value))) {
    throw outOfRange(name, "a non-negative finite number", value);
  }
  return value;
}

/** A class that can be called as a function, too: as those of Node that are older than classes. */
export function callable<Class extends new (...args: never[]) => object>(
  Of: Class,
  name: string,
): Class & ((...args: ConstructorParameters<Class>) => InstanceType<Class>) {
  const both = new Proxy(Of, { apply: (_, _this, args) => Reflect.construct(Of, args) as object });
  // Bundlers name a class anew.
  Object.defineProperty(Of, "name", { value: name });
  Object.defineProperty(Of.prototype, "constructor", { value: both, writable: true, configurable: true });
  return both as ReturnType<typeof callable<Class>>;
}
