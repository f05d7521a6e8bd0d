/**
 * The interface of `node:net` over a stack: `import net from "stint/net"` in the place of `node:net`. IPv6 where
 * the stack has begun it. Without paths and handles.
 *
 *   net.use(await Stack.open({ link: await openTap("tap0"), ip: "10.0.0.2/24" }));
 *   net.createServer((socket) => socket.pipe(socket)).listen(7);
 */
import node, { BlockList, isIP, isIPv4, isIPv6, SocketAddress } from "node:net";
import { connectArguments, type ConnectOptions, type ListenOptions, type SocketOptions } from "./arguments.js";
import { use } from "./default.js";
import { callable } from "./errors.js";
import { Server as OneServer, type ServerOptions } from "./server.js";
import { Socket as OneSocket } from "./socket.js";

export const Server = callable(OneServer, "Server");
export type Server = OneServer;
export const Socket = callable(OneSocket, "Socket");
export type Socket = OneSocket;

export { BlockList, isIP, isIPv4, isIPv6, SocketAddress, use };
export type { ConnectOptions, ListenOptions, ServerOptions, SocketOptions };
export { Socket as Stream };

/** Opens a connection, which is connecting when it is returned. A path is the kernel's, and so is its socket. */
export function connect(options: ConnectOptions, connected?: () => void): Socket;
export function connect(port: number | string, connected?: () => void): Socket;
export function connect(port: number | string, host: string, connected?: () => void): Socket;
export function connect(...args: unknown[]): Socket {
  const [options, connected] = connectArguments(args);
  if (typeof options.path === "string")
    return node.connect({ ...options, path: options.path } as node.IpcNetConnectOpts, connected) as unknown as Socket;
  const socket = new Socket(options);
  if (options.timeout) socket.setTimeout(options.timeout);
  return socket.connect(options, connected);
}

export const createConnection = connect;

/** A server that does not listen yet; `connected` hears "connection". */
export function createServer(
  options?: ServerOptions | ((socket: Socket) => void) | null,
  connected?: (socket: Socket) => void,
): Server {
  return new Server(options, connected);
}

// What sockets do when they are not told.
const { getDefaultAutoSelectFamily, setDefaultAutoSelectFamily } = node;
const { getDefaultAutoSelectFamilyAttemptTimeout, setDefaultAutoSelectFamilyAttemptTimeout } =
  node as unknown as Record<string, (ms?: number) => number>;
export {
  getDefaultAutoSelectFamily,
  setDefaultAutoSelectFamily,
  getDefaultAutoSelectFamilyAttemptTimeout,
  setDefaultAutoSelectFamilyAttemptTimeout,
};

export default {
  BlockList,
  SocketAddress,
  Socket,
  Stream: Socket,
  Server,
  connect,
  createConnection,
  createServer,
  isIP,
  isIPv4,
  isIPv6,
  use,
  getDefaultAutoSelectFamily,
  setDefaultAutoSelectFamily,
  getDefaultAutoSelectFamilyAttemptTimeout,
  setDefaultAutoSelectFamilyAttemptTimeout,
};
