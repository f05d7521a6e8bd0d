/** `node:dns/promises` over a stack. */
import node from "node:dns";
import { isIPv4 } from "node:net";
import { addressFault, parseIp } from "../address.js";
import { addressFault6, parseIp6 } from "../address6.js";
import type { Stack } from "../net/stack.js";
import { use } from "./default.js";
import type { ServerAddress } from "./dns-asker.js";
import { checkLookup, checkService, find, service, type LookupAddress, type LookupOptions } from "./dns-lookup.js";
import { defaults, PromisesResolver } from "./resolver.js";

export { PromisesResolver as Resolver, use };

// What is asked for wrongly throws, at once: as Node has it.
/** Asks the stack's own resolver. Rejects with an error of `getaddrinfo`'s, such as ENOTFOUND. */
export function lookup(name: string, options: LookupOptions & { all: true }): Promise<LookupAddress[]>;
export function lookup(name: string, options?: LookupOptions | number): Promise<LookupAddress>;
export function lookup(name: string, options?: LookupOptions | number): Promise<unknown> {
  const wanted = checkLookup(name, options);
  return find(name, wanted).then((addresses) =>
    wanted.all ? addresses : (addresses[0] ?? { address: null, family: wanted.family || 4 }),
  );
}

/** The names of an address and a port. An address without a PTR record stands for itself. */
export function lookupService(...args: unknown[]): Promise<{ hostname: string; service: string }> {
  const [address, port] = checkService(args, 2);
  return service(address, port);
}

export const getServers = (): string[] => defaults.questions.getServers();

/** Servers of `resolve` and its like; those that the stack's own resolver can ask are `lookup`'s, too. */
export function setServers(servers: readonly string[]): void {
  const known = defaults.setServers(servers),
    // Neither 127/8 nor another port: the module asks none such.
    asked = ({ host, port }: ServerAddress): boolean =>
      port === 53 && (isIPv4(host) ? addressFault(parseIp(host), 32) : addressFault6(parseIp6(host))) === undefined,
    able = known.filter(asked);
  if (able.length === 0) return;
  const tell = (stack: Stack): void => {
      // A stack with IPv4 alone has no way to the others, and would wait for them first.
      const hosts = able.map(({ host }) => host).filter((host) => isIPv4(host) || stack.hasIp6);
      if (hosts.length > 0) stack.setServers(hosts.slice(0, 3));
    },
    { stack } = defaults.questions;
  if (stack instanceof Promise) stack.then(tell, () => {});
  else tell(stack);
}

const own = new PromisesResolver(defaults);
export const { resolve, resolve4, resolve6, resolveAny, resolveCaa, resolveCname, resolveMx, resolveNaptr } = own;
export const { resolveNs, resolvePtr, resolveSoa, resolveSrv, resolveTxt, reverse } = own;

export const { getDefaultResultOrder, setDefaultResultOrder } = node;
export const { NODATA, FORMERR, SERVFAIL, NOTFOUND, NOTIMP, REFUSED, BADQUERY, BADNAME, BADFAMILY, BADRESP } = node;
export const { CONNREFUSED, TIMEOUT, EOF, FILE, NOMEM, DESTRUCTION, BADSTR, BADFLAGS, NONAME, BADHINTS } = node;
export const { NOTINITIALIZED, LOADIPHLPAPI, ADDRGETNETWORKPARAMS, CANCELLED } = node;

export default {
  Resolver: PromisesResolver, lookup, lookupService, use, getServers, setServers, resolve, resolve4, resolve6,
  resolveAny, resolveCaa, resolveCname, resolveMx, resolveNaptr, resolveNs, resolvePtr, resolveSoa,
  resolveSrv, resolveTxt, reverse, getDefaultResultOrder, setDefaultResultOrder,
  NODATA, FORMERR, SERVFAIL, NOTFOUND, NOTIMP, REFUSED, BADQUERY, BADNAME, BADFAMILY, BADRESP, CONNREFUSED,
  TIMEOUT, EOF, FILE, NOMEM, DESTRUCTION, BADSTR, BADFLAGS, NONAME, BADHINTS, NOTINITIALIZED, LOADIPHLPAPI,
  ADDRGETNETWORKPARAMS, CANCELLED,
};
