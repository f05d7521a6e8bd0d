/** What a stack on a link is made with, and what it is asked for. */
import type { Ip6Address } from "../stack.js";
import type { Clock } from "../clock.js";
import type { StackOptions } from "../config.js";
import type { Link } from "../links/link.js";
import type { ConnectionOptions } from "./connection.js";
import type { Ip6Options } from "./ip6.js";

/** What `Stack.open` takes: the link, addresses, and any number of the configuration. */
export interface OpenOptions extends StackOptions {
  /** What frames go through. The stack closes it at its end. */
  link: Link;
  /** Without `ip`: what the network is asked for an address with; false: it is not, and the stack has IPv6 alone. */
  dhcp?: DhcpOptions | false;
  /** IPv6 beside IPv4: with addresses that routers tell of, and those that are given here. */
  ipv6?: boolean | Ip6Options | undefined;
  /**
   * The stack is to be reachable as this name in .local (RFC 6762), up to 63 letters, digits and hyphens. The "name"
   * event tells when it is, or as which other one, if somebody else has it. A DHCP server hears it, too.
   */
  localName?: string | undefined;
  /** Another time than the host's, µs. */
  nowUs?: () => number;
  /** Another clock than the host's, as `VirtualTime`; then `nowUs` says nothing. */
  clock?: Clock;
}

/** What a DHCP server is asked for. */
export interface DhcpOptions {
  /** An address that the stack had before: it is asked for first, which is quicker. */
  address?: string | undefined;
  /** The host's name, up to 63 bytes: some servers make it a name of their DNS. */
  name?: string | undefined;
  /**
   * Where no server answers, the stack gives itself an address of 169.254/16 (RFC 3927), with which it reaches whoever
   * is on the link, and nobody else. A server's address takes its place whenever one answers. Default: false.
   */
  linkLocal?: boolean | undefined;
  /** How long `Stack.open` waits for an address, ms; Infinity: until the link closes. */
  timeoutMs?: number | undefined;
}

/** An address of a stack's own. */
export interface OwnAddress {
  /** "10.0.0.2", or "fd00::2". */
  address: string;
  /** Which family it is of. */
  family: "IPv4" | "IPv6";
  /** Length of its network's prefix, bits. */
  prefix: number;
  /** "fixed" was given; "dhcp" and "prefix" are the network's; "link-local" is the stack's own. */
  origin: "fixed" | "dhcp" | Exclude<Ip6Address["origin"], "loopback">;
  /** Whether it can be used: false while it is asked whether somebody else has it (RFC 4862 §5.4). */
  ready: boolean;
}

/** Where `connect` goes, and how. */
export interface ConnectOptions extends ConnectionOptions {
  /** An address; for `connect` also a name. */
  host: string;
  /** 1 … 65,535. */
  port: number;
  /**
   * The own address that it leaves from, or one of 127/8 towards this host itself; by default the one that RFC 6724 §5
   * chooses. Of a name's addresses only those of its family are tried. UNREACHABLE: it is not an address of this stack.
   */
  localAddress?: string | undefined;
  /** Our own port; by default one of 49152 … 65535 that is free. */
  localPort?: number | undefined;
  /** How long the handshake, and the look-up of a name before it, may take, ms. */
  timeoutMs?: number | undefined;
  /** Gives up at the first soft error: no neighbour answers, or an ICMP error says that the host cannot be reached. */
  failFast?: boolean | undefined;
  /**
   * `data`, which the server may see twice, goes out with the SYN if the server gave us a cookie before (RFC 7413), as
   * much as one segment takes; else, and the rest, after the handshake.
   */
  fastOpen?: boolean | undefined;
  /** The first bytes to send, with `fastOpen`. */
  data?: Uint8Array | undefined;
  /** Ends the connection with an AbortError, also after the handshake. */
  signal?: AbortSignal | undefined;
}

/** Where `listen` listens, and how. */
export interface ListenOptions extends ConnectionOptions {
  /** 0: any that is free; `server.address()` tells it. */
  port: number;
  /** Connections that may wait to be accepted; more are held off. By default 128. */
  backlog?: number | undefined;
  /**
   * The own address, or one of 127/8, to which alone clients may come; by default, and with "::", every one, of IPv4
   * and IPv6.
   */
  host?: string | undefined;
  /** Takes SYNs that carry text (RFC 7413). */
  fastOpen?: boolean | undefined;
}
