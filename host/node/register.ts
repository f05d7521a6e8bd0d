/**
 * `node --import stint/register program.js`: the program's TCP is the stack's that the environment describes, without
 * a change to it. Who asks for `net` gets `stint/net`; Node's own http, https, http2 and tls connect and listen on
 * the stack, too.
 */
import http from "node:http";
import nodeModule, { register, syncBuiltinESMExports } from "node:module";
import node from "node:net";
import tls from "node:tls";
import { fileURLToPath } from "node:url";
import { LinkError } from "../links/link.js";
import { theStack } from "./default.js";
import net, { type ConnectOptions } from "./net.js";
import { overlay } from "./overlay.js";

const NAMES = ["net", "node:net"];
/** The library itself is below all that, and keeps the kernel's sockets. */
const OURS = new URL(".", import.meta.url).href;

/** For `import`: runs in a thread of its own, as text. */
const HOOK = `export async function resolve(name, context, next) {
  const asked = ${JSON.stringify(NAMES)}.includes(name);
  if (!asked || String(context.parentURL).startsWith(${JSON.stringify(OURS)})) return next(name, context);
  return { url: ${JSON.stringify(new URL("net.js", OURS).href)}, format: "module", shortCircuit: true };
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
    if (NAMES.includes(name) && !parent?.filename?.startsWith(ours)) return net;
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
    const encrypted = secure({ ...options, socket }, secured);
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
  const plain = e instanceof LinkError || e instanceof RangeError || typeof (e as { code?: unknown }).code === "string";
  console.error(plain ? `stint: ${(e as Error).message}` : e);
  process.exit(1);
}
register(`data:text/javascript,${encodeURIComponent(HOOK)}`);
hookRequire();
hookTls();
(http.Agent.prototype as unknown as { createConnection: unknown }).createConnection = net.connect;
overlay(node.Server.prototype);
syncBuiltinESMExports();
