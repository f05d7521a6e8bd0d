/** `dns.Resolver` over a stack: records of any type, from servers of its own or from the stack's. */
import type node from "node:dns";
import { setMaxListeners } from "node:events";
import { isIP, isIPv4 } from "node:net";
import { domainToASCII } from "node:url";
import type { Stack } from "../net/stack.js";
import { theStack } from "./default.js";
import { askServer, Failed, type ServerAddress } from "./dns-asker.js";
import { question, TYPES, type Answer, type DnsRecord, type TypeName } from "./dns-message.js";
import { checkFunction, misuse, outOfRange, wrongType, wrongValue } from "./errors.js";
import { isOnion } from "./names.js";

export interface ResolverOptions {
  /** How long a server has the first time, ms; twice as long each time after that. −1: as it is by default. */
  timeout?: number | undefined;
  /** How often each server is asked. */
  tries?: number | undefined;
  /** On which stack; by default on that of `use`. */
  stack?: Stack | Promise<Stack> | undefined;
}

/** As c-ares has them. */
const TIMEOUT_MS = 5000,
  TRIES = 4,
  PORT = 53;
/** RFC 1035 §4.1.1. */
const RCODES: Record<number, string> = { 1: "EFORMERR", 2: "ESERVFAIL", 3: "ENOTFOUND", 4: "ENOTIMP", 5: "EREFUSED" };
/** What another server may know better. */
const PASSED_ON = new Set(
  ["EFORMERR", "ESERVFAIL", "ENOTIMP", "EREFUSED", "ECONNREFUSED", "ETIMEOUT", "EBADRESP", "EOF"],
);

function dnsError(code: string, syscall: string, hostname: string): NodeJS.ErrnoException {
  const error = new Error(`${syscall} ${code} ${hostname}`);
  return Object.assign(error, { errno: undefined, code, syscall, hostname });
}

/** "10.0.0.1", "10.0.0.1:5353", "::1", "[::1]:5353". */
function parseServer(text: unknown, index: number): ServerAddress {
  if (typeof text !== "string") throw wrongType(`servers[${index}]`, "of type string", text);
  if (isIP(text) !== 0) return { host: text, port: PORT };
  const [, six, four = "", port] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d+))?$/.exec(text) ?? [],
    host = six ?? four;
  if (isIP(host) !== (six === undefined ? 4 : 6))
    throw misuse("ERR_INVALID_IP_ADDRESS", `Invalid IP address: ${text}`, TypeError);
  return { host, port: Number(port ?? PORT) };
}

function writeServer({ host, port }: ServerAddress): string {
  return port === PORT ? host : `${isIPv4(host) ? host : `[${host}]`}:${port}`;
}

/** "10.0.0.1" → "1.0.0.10.in-addr.arpa" (RFC 1035 §3.5), and IPv6 (RFC 3596 §2.5). Undefined: no address. */
function reverseName(address: string): string | undefined {
  if (isIPv4(address)) return `${address.split(".").reverse().join(".")}.in-addr.arpa`;
  if (isIP(address) === 0) return undefined;
  const [head = "", tail] = new URL(`http://[${address.split("%")[0]}]/`).hostname.slice(1, -1).split("::"),
    groups = (text: string): string[] => (text === "" ? [] : text.split(":").map((g) => g.padStart(4, "0")));
  const [first, last] = [groups(head), groups(tail ?? "")],
    all = [...first, ...Array<string>(8 - first.length - last.length).fill("0000"), ...last].join("");
  return `${[...all].reverse().join(".")}.ip6.arpa`;
}

const nameOfType = (type: number): string => Object.entries(TYPES).find(([, n]) => n === type)?.[0] ?? "";

/** A record among others, as `resolveAny` tells it. */
function labelled({ type, ttl, data }: DnsRecord): object {
  const name = nameOfType(type);
  switch (name) {
    case "A":
    case "AAAA":
      return { address: data, ttl, type: name };
    case "TXT":
      return { entries: data, type: name };
    case "NS":
    case "CNAME":
    case "PTR":
      return { value: data, type: name };
    default:
      return { ...(data as object), type: name };
  }
}

/** What `resolve` of a type gives: a list, or the one SOA. */
function shown(type: TypeName, records: DnsRecord[], withTtl: boolean): unknown {
  if (type === "ANY") return records.map(labelled);
  if (type === "SOA") return records[0]!.data;
  if (withTtl) return records.map(({ data, ttl }) => ({ address: data, ttl }));
  return records.map(({ data }) => data);
}

/** Every open question listens to it. */
function cancelling(): AbortController {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  return controller;
}

/** What both resolvers do: the one with callbacks, and the one with promises. */
export class Questions {
  readonly #options: ResolverOptions;
  #servers: ServerAddress[] | undefined;
  #left = cancelling();
  /** Questions that are open. */
  #open = 0;

  constructor(options: ResolverOptions = {}) {
    const { timeout = -1, tries = TRIES } = options;
    for (const [name, value, least] of [["timeout", timeout, -1], ["tries", tries, 1]] as const) {
      if (typeof value !== "number") throw wrongType(`options.${name}`, "of type number", value);
      if (!Number.isInteger(value)) throw outOfRange(`options.${name}`, "an integer", value);
      if (value < least || value > 0x7fffffff)
        throw outOfRange(`options.${name}`, `>= ${least} && <= 2147483647`, value);
    }
    this.#options = options;
  }

  get stack(): Stack | Promise<Stack> {
    return this.#options.stack ?? theStack();
  }

  /** Every open question fails with ECANCELLED; later ones do not. */
  cancel(): void {
    this.#left.abort();
    this.#left = cancelling();
  }

  /** Those that were set; else those of the stack, if it is open. */
  getServers(): string[] {
    if (this.#servers) return this.#servers.map(writeServer);
    const { stack } = this;
    return stack instanceof Promise ? [] : stack.getServers();
  }

  /**
   * Addresses, with ports if need be: "192.0.2.1:5353", "[2001:db8::1]:53". Throws while a question is open, as
   * c-ares does.
   */
  setServers(servers: readonly string[]): ServerAddress[] {
    if (!Array.isArray(servers)) throw wrongType("servers", "an instance of Array", servers);
    const known: ServerAddress[] = [];
    servers.forEach((server, i) => known.push(parseServer(server, i)));
    if (this.#open > 0) {
      const what = `c-ares failed to set servers: "There are pending queries." [${servers.join(", ")}]`;
      throw misuse("ERR_DNS_SET_SERVERS_FAILED", what);
    }
    return (this.#servers = known);
  }

  /**
   * Asks for records. Rejects with an error of `node:dns`. `ttl`: how long each may be believed is told, too; `told`:
   * the name that an error has.
   */
  async ask(
    name: string, type: TypeName, syscall: string,
    { ttl = false, told = name }: { ttl?: boolean | undefined; told?: string } = {},
  ): Promise<unknown> {
    const left = this.#left.signal;
    this.#open++;
    try {
      const records = await this.#ask(name, TYPES[type], left);
      return shown(type, records, ttl);
    } catch (e) {
      throw e instanceof Failed ? dnsError(e.code, syscall, told) : e;
    } finally {
      this.#open--;
    }
  }

  async #ask(name: string, type: number, left: AbortSignal): Promise<DnsRecord[]> {
    const stack = await this.stack,
      { timeout = -1, tries = TRIES } = this.#options,
      ascii = /^[\x20-\x7e]*$/.test(name) ? name : domainToASCII(name);
    if (ascii === "" && name !== "") throw new Failed("EBADNAME");
    if (isOnion(ascii)) throw new Failed("ENOTFOUND");
    // Where IPv6 has only just begun, servers may be told of yet, and the own address comes first.
    if (this.#servers === undefined) await unlessLeft(stack.serversSettled(), left);
    const servers = this.#servers ?? stack.getServers().map(parseServer);
    let why = "ECONNREFUSED",
      ms = timeout < 0 ? TIMEOUT_MS : Math.max(1, timeout);
    for (let round = 0; round < tries; round++, ms *= 2) {
      for (const server of servers) {
        const asked = question(ascii, type);
        if (asked === undefined) throw new Failed("EBADNAME");
        await unlessLeft(stack.settled(server.host), left);
        try {
          return found(await askServer(stack, server, asked, ms, left));
        } catch (e) {
          if (!(e instanceof Failed) || !PASSED_ON.has(e.code)) throw e;
          why = e.code;
        }
      }
      // Only who did not answer is asked once more.
      if (why !== "ETIMEOUT") break;
    }
    throw new Failed(why);
  }

  /** The PTR records of an address, IPv4 or IPv6. Throws EINVAL at once for what is no address. */
  reverse(address: string): Promise<unknown> {
    const name = reverseName(address);
    if (name === undefined) {
      const error = new Error(`getHostByAddr EINVAL ${address}`);
      throw Object.assign(error, { errno: -22, code: "EINVAL", syscall: "getHostByAddr", hostname: address });
    }
    return this.ask(name, "PTR", "getHostByAddr", { told: address });
  }
}

/** Waits. Throws ECANCELLED when nobody wants the answer any more. */
function unlessLeft(waited: Promise<void>, left: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const cancel = (): void => reject(new Failed("ECANCELLED"));
    if (left.aborted) return cancel();
    left.addEventListener("abort", cancel, { once: true });
    void waited.then(resolve, reject).finally(() => left.removeEventListener("abort", cancel));
  });
}

function found({ rcode, records }: Answer): DnsRecord[] {
  if (rcode !== 0) throw new Failed(RCODES[rcode] ?? "EBADRESP");
  if (records.length === 0) throw new Failed("ENODATA");
  return records;
}

/** "A" → "queryA", "AAAA" → "queryAaaa". */
const syscallOf = (type: string): string => `query${type[0]}${type.slice(1).toLowerCase()}`;

function checkName(name: unknown): string {
  if (typeof name !== "string") throw wrongType("name", "of type string", name);
  return name;
}

function typeOf(type: unknown): TypeName {
  if (typeof type !== "string") throw wrongType("rrtype", "of type string", type);
  if (!Object.hasOwn(TYPES, type))
    throw wrongValue("rrtype", type);
  return type as TypeName;
}

type Told = (error: Error | null, answer?: unknown) => void;
/** An answer that is several arguments of a callback. */
export class Several {
  constructor(readonly values: readonly unknown[]) {}
}

/** Tells a callback what a promise gives, outside of the promise: what it throws is the process's. */
export function tellBack(promise: Promise<unknown>, told: (error: Error | null, ...answer: never[]) => void): void {
  const tell = told as (...all: unknown[]) => void;
  promise.then(
    (answer) => process.nextTick(tell, null, ...(answer instanceof Several ? answer.values : [answer])),
    (e: Error) => process.nextTick(tell, e),
  );
}

const ttlOf = (options: unknown): boolean => Boolean((options as { ttl?: boolean } | null | undefined)?.ttl);

/** The resolver of the module's own functions: another one whenever servers are set, so that open questions go on. */
class Defaults {
  questions = new Questions();

  setServers(servers: readonly string[]): ServerAddress[] {
    const questions = new Questions(),
      known = questions.setServers(servers);
    this.questions = questions;
    return known;
  }
}
export const defaults = new Defaults();

/** What a resolver has beside its questions. */
abstract class Common {
  readonly #own: { questions: Questions };

  constructor(options?: ResolverOptions | Defaults) {
    this.#own = options instanceof Defaults ? options : { questions: new Questions(options) };
  }

  /** @internal */
  protected get questions(): Questions {
    return this.#own.questions;
  }

  cancel(): void {
    this.questions.cancel();
  }

  getServers(): string[] {
    return this.questions.getServers();
  }

  setServers(servers: readonly string[]): void {
    this.questions.setServers(servers);
  }

  /** A stack has one address, from which it asks: what is said here is looked at, and nothing else. */
  setLocalAddress(first: string, second?: string): void {
    if (typeof first !== "string") throw wrongType("ipv4", "of type string", first);
    if (second !== undefined && typeof second !== "string") throw wrongType("ipv6", "of type string", second);
    const families = [isIP(first), second === undefined ? 0 : isIP(second)];
    if (families[0] === 0 || (second !== undefined && !(families[0] === 4 && families[1] === 6)))
      throw misuse("ERR_INVALID_ARG_VALUE", "Invalid IP address.");
  }
}

/** Its calls are bound to it: they can be handed around. */
export class Resolver extends Common {
  readonly resolve4 = this.#method("A");
  readonly resolve6 = this.#method("AAAA");
  readonly resolveAny = this.#method("ANY");
  readonly resolveCaa = this.#method("CAA");
  readonly resolveCname = this.#method("CNAME");
  readonly resolveMx = this.#method("MX");
  readonly resolveNaptr = this.#method("NAPTR");
  readonly resolveNs = this.#method("NS");
  readonly resolvePtr = this.#method("PTR");
  readonly resolveSoa = this.#method("SOA");
  readonly resolveSrv = this.#method("SRV");
  readonly resolveTxt = this.#method("TXT");

  readonly resolve = (name: string, ...rest: unknown[]): object => {
    const [type, told] = typeof rest[0] === "function" ? ["A", rest[0]] : [rest[0] ?? "A", rest[1]];
    return this.#query(checkName(name), typeOf(type), told);
  };

  readonly reverse = (address: string, told: Told): object => {
    checkFunction("callback", told);
    tellBack(this.questions.reverse(checkName(address)), told);
    return {};
  };

  #method(type: TypeName): (name: string, ...rest: unknown[]) => object {
    return (name, ...rest) => {
      const [options, told] = rest.length > 1 ? rest : [undefined, rest[0]];
      return this.#query(checkName(name), type, told, ttlOf(options));
    };
  }

  #query(name: string, type: TypeName, told: unknown, ttl?: boolean): object {
    checkFunction("callback", told);
    tellBack(this.questions.ask(name, type, syscallOf(type), { ttl }), told as Told);
    return { hostname: name };
  }
}

/** `dns.promises.Resolver`: asks the servers itself, not through the stack's resolver, and keeps no answers. */
export class PromisesResolver extends Common {
  readonly resolve4 = this.#method("A") as typeof node.promises.resolve4;
  readonly resolve6 = this.#method("AAAA") as typeof node.promises.resolve6;
  readonly resolveAny = this.#method("ANY") as typeof node.promises.resolveAny;
  readonly resolveCaa = this.#method("CAA") as typeof node.promises.resolveCaa;
  readonly resolveCname = this.#method("CNAME") as typeof node.promises.resolveCname;
  readonly resolveMx = this.#method("MX") as typeof node.promises.resolveMx;
  readonly resolveNaptr = this.#method("NAPTR") as typeof node.promises.resolveNaptr;
  readonly resolveNs = this.#method("NS") as typeof node.promises.resolveNs;
  readonly resolvePtr = this.#method("PTR") as typeof node.promises.resolvePtr;
  readonly resolveSoa = this.#method("SOA") as typeof node.promises.resolveSoa;
  readonly resolveSrv = this.#method("SRV") as typeof node.promises.resolveSrv;
  readonly resolveTxt = this.#method("TXT") as typeof node.promises.resolveTxt;

  readonly resolve = ((name: string, type = "A"): Promise<unknown> => {
    const named = typeOf(type);
    return this.questions.ask(checkName(name), named, syscallOf(named));
  }) as typeof node.promises.resolve;

  readonly reverse = async (address: string): Promise<string[]> =>
    (await this.questions.reverse(checkName(address))) as string[];

  #method(type: TypeName): (name: string, options?: unknown) => Promise<unknown> {
    return (name, options) => this.questions.ask(checkName(name), type, syscallOf(type), { ttl: ttlOf(options) });
  }
}
