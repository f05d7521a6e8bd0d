/** The library: a TCP/IP stack in a WebAssembly module, for Node. */
export {
  Stack, Connection, Server, UdpSocket, type OpenOptions, type ConnectOptions, type ListenOptions,
  type ConnectionOptions, type DhcpOptions, type Family, type Ip6Options, type OwnAddress, type SocketAddress,
  PublishedService, ServiceBrowser, type FoundService, type ServiceOptions, type ServiceText,
} from "./net.js";
export {
  StackModule, STATES, EVENT, OPTION, type StateName, type TcpInfo, type OptionName, type Datagram,
  type Ip6Address, type Lease, type ListenerInfo, type LocalName, type Names, type Pools,
  type ResolverInfo, type TimeInfo,
} from "./stack.js";
export { Dhcp6Stack, type Dhcp6Info } from "./dhcp6.js";
export { POLICY, type ConfigField, type Group, type StackOptions, type PolicyName } from "./config.js";
export { ERR, StintError, type ErrName } from "./errors.js";
export { COUNTERS, type Counter } from "./counters.js";
export { loadModule } from "./module.js";
export { type Link, LinkError } from "./links/link.js";
export { openLink } from "./links/open.js";
export { openInterface } from "./links/interface.js";
export { openTap } from "./links/tap.js";
export { openStream, streamLink } from "./links/stream.js";
export { openUdp, type UdpLink } from "./links/udp.js";
export { nat, type Forward, type NatLink, type NatOptions } from "./links/nat/nat.js";
export { openPasst, type PasstOptions } from "./links/passt.js";
export { Wire, type InFlight } from "./links/loopback.js";
export { PERFECT, type Impairment } from "./links/path.js";
export { Switch, type SwitchOptions, type SwitchPort } from "./links/switch.js";
export { CaptureFile, captured } from "./links/capture.js";
export { Loop } from "./loop.js";
export { monotonicUs, VirtualTime, type Alarm, type Clock } from "./clock.js";
export { Shards } from "./shards/shards.js";
export { Steer } from "./shards/steer.js";
export type { ServiceName } from "./services.js";
export type { Serve } from "./shards/application.js";
