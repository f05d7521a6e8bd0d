// The exports of a build with everything: those of every build, and the clients'.

export * from "./index";
export * from "./api/clients";
export * from "./api/names";
export { udp_connect, udp_ttl } from "./api/udp";
export * from "./api/ip6";
export * from "./api/time";
export * from "./api/link-local";
export * from "./api/dhcp6";
export * from "./api/temporary";
export * from "./api/source";
