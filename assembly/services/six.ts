// The services on a device with both families and a fixed IPv4 address.

export * from "./app";
export { ip6_bytes, ip6_info, ip6_start } from "../api/ip6";
