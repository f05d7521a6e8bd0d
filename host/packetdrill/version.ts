/** Which Internet protocol a script's sockets and packets are of: packetdrill's `--ip_version`. */
import type { Script } from "./parse.js";
import { Unsupported } from "./system.js";

/** `ipv4-mapped-ipv6`: sockets of IPv6 (RFC 3493 §3.7), packets of IPv4. */
export const VERSIONS = ["ipv4", "ipv4-mapped-ipv6", "ipv6"] as const;
export type Version = (typeof VERSIONS)[number];

/** How much longer IPv6's header is. */
const WIDER = 20;
/** What every link of IPv6 carries (RFC 8200 §5). */
const LEAST_MTU6 = 1280, MOST_MTU = 65_535;

/** Bytes of the IP header and of TCP's without options. */
export const headersOf = (version: Version): number => (version === "ipv6" ? 60 : 40);

/** The version that was asked for, or else the script's own. */
export function versionOf({ options }: Script, asked: Version | undefined): Version {
  const said = options.get("ip_version") ?? "ipv4", known = VERSIONS.find((v) => v === said);
  if (known === undefined) throw new Unsupported(`--ip_version=${said}`);
  return asked ?? known;
}

/**
 * The link's MTU. A script that was written for IPv4, and is run over IPv6, has a link that is as much wider as the
 * header is longer: its segments have the sizes that it says. Google's own suites are run that way.
 */
export function linkMtu({ options }: Script, version: Version, mtu: number): number {
  if (version !== "ipv6") return mtu;
  const link = options.get("ip_version") === "ipv6" ? mtu : mtu + WIDER;
  if (link >= LEAST_MTU6 && link <= MOST_MTU) return link;
  throw new Unsupported(`--mtu=${mtu}: over IPv6 the link has ${link}, not from ${LEAST_MTU6} to ${MOST_MTU}`);
}
