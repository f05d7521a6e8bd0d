/** The library for browsers: a TCP/IP stack in a WebAssembly module, in a page or a worker. */
export { Stack, type OpenOptions, type ConnectOptions, type ModuleSource } from "./stack.js";
export { type Family6 } from "./family6.js";
export { Connection } from "./connection.js";
export { Server } from "./listener.js";
export { UdpSocket, type Datagram } from "./datagram.js";
export { channelLink, webSocketLink, type Channel } from "./links.js";
export { type Link, LinkError } from "../links/link.js";
export { type StackOptions, type PolicyName } from "../config.js";
export { StintError, type ErrName } from "../errors.js";
export type { TcpInfo, StateName, OptionName } from "../stack.js";
