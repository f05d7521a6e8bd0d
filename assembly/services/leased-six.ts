// The services on a device with both families, whose addresses come from the network.

export * from "./leased";
export { ip6_bytes, ip6_info, ip6_start } from "../api/ip6";
