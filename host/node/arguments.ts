/** What `connect` and `listen` may be called with: options, or a port and more, or a path. */
import { ADDRCONFIG, ALL, V4MAPPED } from "node:dns";
import net, { isIP } from "node:net";
import type { Stack } from "../net/stack.js";
import { checkFunction, checkPort, misuse, outOfRange, wrongType, wrongValue } from "./errors.js";

interface LookupAddress {
  address: string;
  family: number | string;
}
type LookupAnswer = (error: Error | null, address: string | LookupAddress[], family?: number | string) => void;
/** As `dns.lookup`: with one address, or with a list of them. */
export type LookupFunction = (
  name: string,
  options: { family: number | undefined; all: true; hints: number },
  answer: LookupAnswer,
) => void;

export interface Settings {
  allowHalfOpen?: boolean | undefined;
  noDelay?: boolean | undefined;
  keepAlive?: boolean | undefined;
  keepAliveInitialDelay?: number | undefined;
  highWaterMark?: number | undefined;
  /** On which stack; by default on that of `use`. */
  stack?: Stack | Promise<Stack> | undefined;
}

export interface SocketOptions extends Settings {
  signal?: AbortSignal | undefined;
  /** Bytes go into this buffer, and there is no "data". */
  onread?:
    | { buffer: Uint8Array | (() => Uint8Array); callback: (bytes: number, buffer: Uint8Array) => boolean | void }
    | undefined;
}

export interface ConnectOptions extends SocketOptions {
  port?: number | string | undefined;
  host?: string | undefined;
  localAddress?: string | undefined;
  localPort?: number | undefined;
  family?: number | string | undefined;
  hints?: number | undefined;
  lookup?: LookupFunction | undefined;
  autoSelectFamily?: boolean | undefined;
  autoSelectFamilyAttemptTimeout?: number | undefined;
  /** As `setTimeout` has it, ms. */
  timeout?: number | undefined;
  /** The kernel's: not on a stack. */
  path?: string | null | undefined;
}

export interface ListenOptions {
  port?: number | string | null | undefined;
  host?: string | undefined;
  backlog?: number | undefined;
  signal?: AbortSignal | undefined;
  path?: string | null | undefined;
}

type Callback = () => void;

const isPath = (value: unknown): boolean => typeof value === "string" && !(value.trim() !== "" && Number(value) >= 0);

/** Arguments of both: an object of options, whatever form they had, and the callback. */
function normalized(args: unknown[]): [options: Record<string, unknown>, callback: Callback | undefined] {
  const [first, second] = args,
    last = args.at(-1);
  const callback = typeof last === "function" ? (last as Callback) : undefined;
  if (args.length === 0 || typeof first === "function") return [{}, callback];
  if (typeof first === "object" && first !== null) return [first as Record<string, unknown>, callback];
  if (isPath(first)) return [{ path: first }, callback];
  return [typeof second === "string" ? { port: first, host: second } : { port: first }, callback];
}

/** Options and callback of `connect`, in whichever form. What they say is checked later, by `checkConnect`. */
export function connectArguments(args: unknown[]): [options: ConnectOptions, callback: Callback | undefined] {
  return normalized(args);
}

/** What a socket cannot be: a stream of objects, or another socket's handle. */
export function checkSocket(options: unknown): void {
  if (typeof options !== "object" || options === null) throw wrongType("options", "of type object", options);
  const given = options as Record<string, unknown>;
  for (const name of ["objectMode", "readableObjectMode", "writableObjectMode"])
    if (given[name]) throw wrongValue(`options.${name}`, given[name], "is not supported");
}

/**
 * How long an address has while others wait, ms: as Node has it 250, and 10 at least; Infinity: no family is selected.
 */
export function patienceOf({ autoSelectFamily, autoSelectFamilyAttemptTimeout: ms }: ConnectOptions): number {
  const { getDefaultAutoSelectFamilyAttemptTimeout } = net as unknown as Record<string, () => number>;
  if (!(autoSelectFamily ?? net.getDefaultAutoSelectFamily())) return Infinity;
  return Math.max(10, ms ?? getDefaultAutoSelectFamilyAttemptTimeout!());
}

function checkFamily(options: ConnectOptions): void {
  const { autoSelectFamily: select, autoSelectFamilyAttemptTimeout: ms, hints } = options;
  if (select !== undefined && select !== null && typeof select !== "boolean")
    throw wrongType("options.autoSelectFamily", "of type boolean", select);
  if (select && ms !== undefined && ms !== null) {
    if (typeof ms !== "number") throw wrongType("options.autoSelectFamilyAttemptTimeout", "of type number", ms);
    if (!(Number.isInteger(ms) && ms >= 1 && ms <= 0x7fffffff))
      throw outOfRange("options.autoSelectFamilyAttemptTimeout", ">= 1 && <= 2147483647", ms);
  }
  if (hints !== undefined && hints !== null && (hints & ~(ADDRCONFIG | ALL | V4MAPPED)) !== 0)
    throw wrongValue("hints", hints);
}

/** Options of `connect`, or an error of Node's. */
export function checkConnect(options: ConnectOptions): { host: string; port: number } {
  const { port, host, localAddress, localPort, lookup } = options;
  if (typeof options.path === "string") {
    throw misuse(
      "ERR_INVALID_ARG_VALUE",
      `A stack has no paths: connect to ${String(options.path)} with node:net`,
      TypeError,
    );
  }
  // A path that is none: whoever gave it wanted no port.
  if (port === undefined && options.path) throw wrongType("options.path", "of type string", options.path);
  if (port === undefined)
    throw misuse("ERR_MISSING_ARGS", 'The "options" or "port" or "path" argument must be specified', TypeError);
  if (typeof port !== "number" && typeof port !== "string")
    throw wrongType("options.port", "one of type number or string", port);
  if (host !== undefined && typeof host !== "string") throw wrongType("options.host", "of type string", host);
  // As Node has it, what is nothing is nothing: undici says null.
  if (localAddress && isIP(localAddress) === 0) {
    throw misuse("ERR_INVALID_IP_ADDRESS", `Invalid IP address: ${String(localAddress)}`, TypeError);
  }
  if (localPort && typeof localPort !== "number")
    throw wrongType("options.localPort", "of type number", localPort);
  if (lookup !== undefined && lookup !== null) checkFunction("options.lookup", lookup);
  checkFamily(options);
  return { host: host || "localhost", port: checkPort(port, "Port", 0) };
}

/**
 * Options and callback of `listen`; port 0 is any that is free. Throws, as Node does, for paths, handles and ports
 * that are none.
 */
export function listenArguments(
  args: unknown[],
): [options: ListenOptions & { port: number }, callback: Callback | undefined] {
  const [given, callback] = normalized(args),
    options = given as ListenOptions,
    { signal } = options;
  if (signal !== undefined && !(typeof signal === "object" && signal !== null && "aborted" in signal))
    throw wrongType("options.signal", "an instance of AbortSignal", signal);
  // A port goes before a path.
  const asked = options.port;
  if (typeof asked === "number" || typeof asked === "string") checkPort(asked, "options.port", 0);
  if (typeof options.path === "string" || "fd" in given || "_handle" in given) {
    throw misuse(
      "ERR_INVALID_ARG_VALUE",
      "A stack has neither paths nor handles: listen there with node:net",
      TypeError,
    );
  }
  if (options.host && typeof options.host !== "string") throw wrongType("hostname", "of type string", options.host);
  const { port } = options,
    any =
      port === null || (port === undefined && (args.length === 0 || typeof args[0] === "function" || "port" in given));
  if (!any && typeof port !== "number" && typeof port !== "string") {
    const lacks = typeof given === "object" && !("port" in given || "path" in given);
    throw wrongValue("options", given, lacks ? 'must have the property "port" or "path"' : undefined);
  }
  // `listen(port, backlog)` and `listen(port, host, backlog)`.
  const backlog = options.backlog ?? args.slice(1, 3).find((value) => typeof value === "number");
  return [{ ...options, backlog, port: any ? 0 : checkPort(port, "options.port", 0) }, callback];
}
