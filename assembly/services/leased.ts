// The services on a device whose address comes from the network (RFC 2131).

export * from "./app";
export { dhcp_start } from "../api/clients";
