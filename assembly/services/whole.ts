// The services in a build with everything: the clients are exported, too.

export * from "./app";
export * from "../api/clients";
export * from "../api/names";
export * from "../api/ip6";
export * from "../api/time";
export * from "../api/link-local";
export * from "../api/dhcp6";
export * from "../api/temporary";
