/**
 * The interface of `node:dns` over a stack: `import dns from "stint/dns"` in the place of `node:dns`. `lookup` asks the
 * stack's own resolver, `resolve` and its like ask its servers themselves.
 */
import node from "node:dns";
import { promisify } from "node:util";
import type { LookupFunction } from "./arguments.js";
import { use } from "./default.js";
import { checkLookup, checkService, find, service, type LookupAddress, type LookupOptions } from "./dns-lookup.js";
import promises from "./dns-promises.js";
import { checkFunction, wrongType } from "./errors.js";
import { asksThis } from "./names.js";
import { defaults, Resolver, Several, tellBack } from "./resolver.js";

export { promises, Resolver, use };
export type { LookupAddress, LookupOptions };

type Found = (error: Error | null, address: string | null | LookupAddress[], family?: number) => void;

/**
 * Asks the stack's own resolver; `found` hears an error of `getaddrinfo`'s, such as ENOTFOUND. The result means
 * nothing.
 */
export function lookup(name: string, found: Found): object;
export function lookup(name: string, options: LookupOptions | number | undefined, found: Found): object;
export function lookup(name: string, ...rest: unknown[]): object {
  const [options, found] = typeof rest[0] === "function" ? [undefined, rest[0]] : rest;
  if (options !== undefined && typeof options !== "object" && typeof options !== "number") {
    checkFunction("callback", rest.length === 1 ? options : found);
    throw wrongType("options", "one of type integer or object", options);
  }
  checkFunction("callback", found);
  const wanted = checkLookup(name, options);
  const answer = find(name, wanted).then((addresses) =>
    wanted.all ? addresses : new Several([addresses[0]?.address ?? null, addresses[0]?.family ?? (wanted.family || 4)]),
  );
  tellBack(answer, found as Found);
  return {};
}

/** The names of an address and a port, for a callback. An address without a PTR record stands for itself. */
export function lookupService(...args: unknown[]): object {
  const [address, port] = checkService(args, 3),
    told = args[2];
  checkFunction("callback", told);
  const answer = service(address, port).then((s) => new Several([s.hostname, s.service]));
  tellBack(answer, told as Found);
  return {};
}

// As Node has it: what these are called with once they are promises.
const named = (call: object, to: (...args: never[]) => Promise<unknown>): void =>
  void Object.defineProperty(call, promisify.custom, { value: to });
named(lookup, promises.lookup);
named(lookupService, promises.lookupService);

export const getServers = (): string[] => defaults.questions.getServers();

/** Servers of `resolve` and its like; those that the stack's own resolver can ask are `lookup`'s, too. */
export function setServers(servers: readonly string[]): void {
  promises.setServers(servers);
}

const own = new Resolver(defaults);
export const { resolve, resolve4, resolve6, resolveAny, resolveCaa, resolveCname, resolveMx, resolveNaptr } = own;
export const { resolveNs, resolvePtr, resolveSoa, resolveSrv, resolveTxt, reverse } = own;

export const { getDefaultResultOrder, setDefaultResultOrder } = node;
export const { ADDRCONFIG, ALL, V4MAPPED } = node;
export const { NODATA, FORMERR, SERVFAIL, NOTFOUND, NOTIMP, REFUSED, BADQUERY, BADNAME, BADFAMILY, BADRESP } = node;
export const { CONNREFUSED, TIMEOUT, EOF, FILE, NOMEM, DESTRUCTION, BADSTR, BADFLAGS, NONAME, BADHINTS } = node;
export const { NOTINITIALIZED, LOADIPHLPAPI, ADDRGETNETWORKPARAMS, CANCELLED } = node;

const all = {
  lookup, lookupService, Resolver, promises, use, getServers, setServers, resolve, resolve4, resolve6,
  resolveAny, resolveCaa, resolveCname, resolveMx, resolveNaptr, resolveNs, resolvePtr, resolveSoa,
  resolveSrv, resolveTxt, reverse, getDefaultResultOrder, setDefaultResultOrder,
  ADDRCONFIG, ALL, V4MAPPED, NODATA, FORMERR, SERVFAIL, NOTFOUND, NOTIMP, REFUSED, BADQUERY, BADNAME,
  BADFAMILY, BADRESP, CONNREFUSED, TIMEOUT, EOF, FILE, NOMEM, DESTRUCTION, BADSTR, BADFLAGS, NONAME, BADHINTS,
  NOTINITIALIZED, LOADIPHLPAPI, ADDRGETNETWORKPARAMS, CANCELLED,
};

asksThis(() => (all.lookup === lookup ? undefined : (all.lookup as unknown as LookupFunction)));
export default all;
