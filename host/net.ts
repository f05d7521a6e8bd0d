/**
 * The stack as Node's users know networks: connections are Duplex streams (back-pressure, `pipe`, async iteration),
 * servers can be awaited or iterated, errors carry a code.
 *
 *   const stack = await Stack.open({ link: await openTap("tap0"), ip: "10.0.0.2/24" });
 *   for await (const connection of stack.listen({ port: 7 })) connection.pipe(connection);
 */
export { Connection, type ConnectionOptions } from "./net/connection.js";
export { type FoundService, ServiceBrowser } from "./net/browsing.js";
export { UdpSocket } from "./net/datagram.js";
export { Server } from "./net/listener.js";
export type { Family } from "./net/names.js";
export type { Ip6Options } from "./net/ip6.js";
export type { SocketAddress } from "./net/owner.js";
export type { ConnectOptions, DhcpOptions, ListenOptions, OpenOptions, OwnAddress } from "./net/options.js";
export { PublishedService, type ServiceOptions } from "./net/published.js";
export type { ServiceText } from "./net/service-text.js";
export { Stack } from "./net/stack.js";
