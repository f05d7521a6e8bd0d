import { ERR } from "./module/layout.js";

export { ERR };

/** The name of an error (`ERR`). */
export type ErrName = keyof typeof ERR;

const TEXT: Record<ErrName, string> = {
  OK: "no error",
  HANDLE: "the socket is closed",
  ARGUMENT: "an argument is out of range",
  STATE: "the connection is not in a state for this",
  FULL: "the table is full",
  AGAIN: "nothing to do now",
  IN_USE: "the address is in use",
  REFUSED: "connection refused",
  RESET: "connection reset by peer",
  TIMED_OUT: "connection timed out",
  UNREACHABLE: "no route to host, or it does not answer",
  CLOSED: "the sending side is closed",
  NOT_INIT: "the stack is not initialised",
  ENTROPY: "no entropy was given",
  NO_MEMORY: "the arena is too small",
  CONFIG: "a value in the configuration is out of range",
  ABORTED: "the connection was aborted",
  SIZE: "the datagram is too long",
  NO_ADDRESS: "the own address is gone",
  NOT_FOUND: "there is no such name",
  NO_IPV4: "the name has no IPv4 address",
  NO_IPV6: "the name has no IPv6 address",
  NO_ANSWER: "no DNS server answers, or none does well",
};

/** The name of a negative result of the module; one that is unknown is ARGUMENT. */
export function errName(code: number): ErrName {
  for (const [name, n] of Object.entries(ERR)) if (n === code) return name as ErrName;
  return "ARGUMENT";
}

/** What ended because a signal said so: as Node's own, whatever the signal's reason is; that is its `cause`. */
export class AbortError extends Error {
  readonly code = "ABORT_ERR";

  constructor(signal: AbortSignal) {
    super("The operation was aborted", { cause: signal.reason });
    this.name = "AbortError";
  }
}

/** What a call threw: `code` is the name in `ERR`. */
export class StintError extends Error {
  /** Which error it is. */
  readonly code: ErrName;
  /** `why`: words for this case, in the place of the name's own. */
  constructor(code: number | ErrName, what = "", why?: string) {
    const name = typeof code === "number" ? errName(code) : code, text = why ?? TEXT[name];
    super(what ? `${what}: ${text}` : text);
    this.name = "StintError";
    this.code = name;
  }
}
