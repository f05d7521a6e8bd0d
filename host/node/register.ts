/**
 * `node --import stint/register program.js`: the program's TCP, UDP and names are those of the stack that the
 * environment describes, without a change to it. Who asks for `net`, `dgram` or `dns` gets the stack's; Node's own
 * http, https, http2 and tls connect and listen on the stack, too.
 */
import http from "node:http";
import nodeModule, { register, syncBuiltinESMExports } from "node:module";
import node from "node:net";
import tls from "node:tls";
import { fileURLToPath } from "node:url";
import { LinkError } from "../links/link.js";
import { theStack } from "./default.js";
import dgram from "./dgram.js";
import dns from "./dns.js";
import dnsPromises from "./dns-promises.js";
import net, { type ConnectOptions } from "./net.js";
import { overlay } from "./overlay.js";

/** What a program asks for: the file to import it from, and what `require` gives. */
const MODULES: Record<string, [file: string, exports: unknown]> = {
  net: ["net.js", net],
  dgram: ["dgram.js", dgram],
  dns: ["dns.js", dns],
  "dns/promises": ["dns-promises.js", dnsPromises],
};
const plain = (name: string): string => name.replace(/^node:/, "");
/** The library itself is below all that, and keeps the kernel's sockets. */
const OURS = new URL(".", import.meta.url).href;

/** For `import`: runs in a thread of its own, as text. */
const URLS = Object.fromEntries(Object.entries(MODULES).map(([name, [file]]) => [name, new URL(file, OURS).href]));
const HOOK = `const urls = new Map(Object.entries(${JSON.stringify(URLS)}));
export async function resolve(name, context, next) {
  const url = urls.get(name.replace(/^node:/, ""));
  if (!url || String(context.parentURL).startsWith(${JSON.stringify(OURS)})) return next(name, context);
  return { url, format: "module", shortCircuit: true };
}`;

interface Loader {
  _load(name: string, parent: { filename?: string } | undefined, ...rest: unknown[]): unknown;
}

/** For `require`. */
function hookRequire(): void {
  const loader = nodeModule as unknown as Loader,
    load = loader._load.bind(loader),
    ours = fileURLToPath(OURS);
  loader._load = function (name, parent, ...rest) {
    const of = MODULES[plain(name)];
    if (of && !parent?.filename?.startsWith(ours)) return of[1];
    return load(name, parent, ...rest);
  };
}

/** Arguments of `tls.connect`: options, or a port, perhaps a host, perhaps options. */
function tlsArguments(args: unknown[]): [options: tls.ConnectionOptions, secured: (() => void) | undefined] {
  const options = Object.assign(
    {},
    ...args.filter((arg) => typeof arg === "object" && arg !== null),
  ) as tls.ConnectionOptions;
  if (typeof args[0] === "number" || typeof args[0] === "string") options.port = Number(args[0]);
  if (typeof args[1] === "string") options.host = args[1];
  const last = args.at(-1);
  return [options, typeof last === "function" ? (last as () => void) : undefined];
}

function hookTls(): void {
  const secure = tls.connect;
  tls.connect = function (...args: unknown[]): tls.TLSSocket {
    const [options, secured] = tlsArguments(args),
      { timeout } = options;
    if (options.socket || options.path) return secure(options, secured);
    const { signal: _signal, ...to } = options as ConnectOptions,
      socket = net.connect({ ...to, path: undefined, allowHalfOpen: false, timeout: undefined, onread: undefined });
    const before = new Set(socket.listeners("error")),
      encrypted = secure({ ...options, socket }, secured);
    // It would tell of our error without being destroyed; then a second time, when it is.
    for (const told of socket.listeners("error")) if (!before.has(told)) socket.off("error", told as () => void);
    socket.on("error", (e) => encrypted.destroy(e));
    if (timeout) encrypted.setTimeout(timeout);
    // Its own handle keeps nothing alive: the socket below does.
    for (const name of ["ref", "unref"] as const) {
      encrypted[name] = () => {
        socket[name]();
        return encrypted;
      };
    }
    return encrypted;
  };
}

try {
  await theStack();
} catch (e) {
  // What is wrong with a setting or a link is told in one line.
  const known = e instanceof LinkError || e instanceof RangeError || typeof (e as { code?: unknown }).code === "string";
  console.error(known ? `stint: ${(e as Error).message}` : e);
  process.exit(1);
}
register(`data:text/javascript,${encodeURIComponent(HOOK)}`);
hookRequire();
hookTls();
(http.Agent.prototype as unknown as { createConnection: unknown }).createConnection = net.connect;
overlay(node.Server.prototype);
// For those who ask in yet another way.
const builtin = process as unknown as { getBuiltinModule?: (name: string) => unknown },
  kernels = builtin.getBuiltinModule;
if (kernels) builtin.getBuiltinModule = (name) => MODULES[plain(name)]?.[1] ?? kernels.call(process, name);
syncBuiltinESMExports();
