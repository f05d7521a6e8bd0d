/** Node's own servers (http, https, http2, tls) on the stack: what they have of `net.Server` listens there. */
import type node from "node:net";
import { Server, type ServerOptions } from "./server.js";

type Call = (this: node.Server, ...args: never[]) => unknown;

const inner = new WeakMap<node.Server, Server>();

/** Whether `listen` is for what a stack has not: a path, a descriptor, a handle. */
function isKernels([first]: unknown[]): boolean {
  if (typeof first === "string") return !(first.trim() !== "" && Number(first) >= 0);
  const to = first as Record<string, unknown> | null | undefined;
  return typeof to === "object" && to !== null && (typeof to["path"] === "string" || "fd" in to || "_handle" in to);
}

function begin(server: node.Server, args: unknown[]): void {
  const ours = new Server(server as unknown as ServerOptions),
    tell =
      (name: string) =>
      (...with_: unknown[]) =>
        server.emit(name, ...with_);
  for (const name of ["connection", "listening", "drop", "close"]) ours.on(name, tell(name));
  ours.on("error", (e) => {
    inner.delete(server);
    server.emit("error", e);
  });
  // It may be set while the server runs.
  Object.defineProperty(ours, "maxConnections", { get: () => server.maxConnections });
  const listening = args.at(-1);
  if (typeof listening === "function") server.once("listening", listening as () => void);
  ours.listen(...(args.filter((arg) => typeof arg !== "function") as [number]));
  inner.set(server, ours);
}

/** Puts the stack's `listen` and what belongs to it in the place of the kernel's, for servers with this prototype. */
export function overlay(prototype: node.Server): void {
  const kernels = prototype as unknown as Record<string, Call>,
    of = (name: string): Call => kernels[name]!;
  const [listen, close, address, connections, ref, unref] = [
    of("listen"),
    of("close"),
    of("address"),
    of("getConnections"),
    of("ref"),
    of("unref"),
  ];
  const property = Object.getOwnPropertyDescriptor(prototype, "listening") as unknown as { get: Call };
  Object.assign(prototype, {
    listen(this: node.Server, ...args: never[]) {
      // Of one that listens already, the same is true as of ours.
      if (isKernels(args)) return listen.apply(this, args);
      const before = inner.get(this);
      if (before?.listening) before.listen();
      begin(this, args);
      return this;
    },
    close(this: node.Server, closed?: (error?: Error) => void) {
      const ours = inner.get(this);
      if (!ours?.listening) return close.call(this, closed as never);
      if (closed) this.once("close", closed);
      ours.close();
      return this;
    },
    address(this: node.Server, ...args: never[]) {
      return inner.has(this) ? inner.get(this)!.address() : address.apply(this, args);
    },
    getConnections(this: node.Server, tell: (error: Error | null, count: number) => void) {
      const ours = inner.get(this);
      if (!ours) return connections.call(this, tell as never);
      ours.getConnections(tell);
      return this;
    },
    ref(this: node.Server, ...args: never[]) {
      inner.get(this)?.ref();
      return ref.apply(this, args);
    },
    unref(this: node.Server, ...args: never[]) {
      inner.get(this)?.unref();
      return unref.apply(this, args);
    },
  });
  Object.defineProperty(prototype, "listening", {
    ...property,
    get(this: node.Server): boolean {
      return inner.get(this)?.listening === true || property.get.call(this) === true;
    },
  });
}
