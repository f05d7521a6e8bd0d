/** The interface's addresses, the clients that get them, and names. Only builds with everything have these calls. */
import { ERR, StintError } from "../errors.js";
import {
  BLOCK_SIZE, IP6_INFO, IP6_NAMES, IP6_ORIGINS, IP6_STATE, LEASE, LEASE_STATES, LOCAL_NAME,
  LOCAL_STATES, NAMES, TIME,
  type LeaseNumbers, type LocalNameNumbers, type NamesNumbers as ResolverInfo,
  type TimeNumbers as TimeInfo,
} from "./layout.js";
import { Instance } from "./instance.js";

/** What `lease` tells. Addresses are 0 where there is none; times are in ms from now, Infinity: never. */
export interface Lease extends Omit<
  LeaseNumbers,
  "state" | "dns0" | "dns1" | "dns2" | "ntp0" | "ntp1" | "renewAt" | "rebindAt" | "endsAt"
    | "linkLocal"
> {
  /** How far it is (RFC 2131 §4.4). */
  state: (typeof LEASE_STATES)[number];
  /** Whether the address is no lease, but one of 169.254/16 that the stack gave itself (RFC 3927). */
  linkLocal: boolean;
  /** DNS servers that came with it. */
  dns: number[];
  /** NTP servers that came with it. */
  ntp: number[];
  /** The domain that names without a dot are looked for in; "": none. */
  domain: string;
  /** When it is renewed with its server (T1). */
  renewMs: number;
  /** When it is renewed with any server (T2). */
  rebindMs: number;
  /** When it ends. */
  endsMs: number;
}

export type { ResolverInfo, TimeInfo };

/** The own name in .local. */
export interface LocalName extends Omit<LocalNameNumbers, "state"> {
  /** How far it is. */
  state: (typeof LOCAL_STATES)[number];
  /** "" before one was given. It is the host's while `state` is SETTLED. */
  name: string;
}

/** An IPv6 address of the interface. */
export interface Ip6Address {
  /** Its 16 bytes. */
  bytes: Uint8Array;
  /** As the calls take it. */
  name: number;
  /** Whether duplicate address detection has passed. */
  ready: boolean;
  /** Where it is from: "fixed" was given, "dhcp" is a server's, "prefix" and "temporary" follow from a router's. */
  origin: "loopback" | "link-local" | "prefix" | "fixed" | "dhcp" | "temporary";
  /** Length of its network's prefix, bits. */
  prefix: number;
  /** How long new connections are opened from it, s; Infinity: for ever. */
  preferredS: number;
  /** How long it is ours, s; Infinity: for ever. */
  validS: number;
}

/** Bytes of an IPv6 address. */
const IP6_SIZE = 16;

/** Bytes of a name as text, at most. */
const NAME_MAX = 255;

/** What the stack is called and where it is: addresses, DHCP, DNS, mDNS, SNTP and IPv6. */
export class Interface extends Instance {
  /** The DNS servers that were given by hand. */
  #servers: readonly (number | Uint8Array)[] = [];

  /** The link leads to another network, or may: neighbours are asked for again, and the own address is announced. */
  linkChanged(): void {
    // An application that was linked with the stack may have left the call out.
    if (this.exports.link_changed) this.checked(this.exports.link_changed(), "cannot look for neighbours");
  }

  /** Gives the interface a fixed address, or with 0 none. Connections of the one before end with NO_ADDRESS. */
  setAddress(ip: number, prefix = 0, gateway = 0): void {
    this.checked(this.exports.set_address(ip, prefix, gateway), "cannot set the address");
  }

  /**
   * Asks the network for an address (RFC 2131); `wanted`: one that it had before. `name`: what the server may call us.
   */
  dhcpStart(wanted = 0, name = ""): void {
    const bytes = new TextEncoder().encode(name);
    this.u8.set(bytes.subarray(0, BLOCK_SIZE), this.scratch);
    this.checked(this.exports.dhcp_start(wanted, this.scratch, bytes.length), "cannot ask for an address");
  }

  /** Ends that: the server is told, and then, after a second at most, the interface has no address. */
  dhcpStop(): void {
    this.checked(this.exports.dhcp_stop(), "cannot stop DHCP");
  }

  /**
   * The interface is to have an address of 169.254/16 while nobody gives it one (RFC 3927): while DHCP runs, once no
   * server answers; else at once. `wanted`: one that it had before.
   */
  linkLocalStart(wanted = 0): void {
    this.checked(this.exports.link_local_start(wanted), "cannot take a link-local address");
  }

  /** Ends that; such an address is taken away. */
  linkLocalStop(): void {
    this.checked(this.exports.link_local_stop(), "cannot give the link-local address up");
  }

  /** The interface's address; 0: it has none. */
  ownAddress(): number {
    // A small build has the one that it was configured with.
    return this.exports.dhcp_info === undefined ? this.numbers.ip : this.lease().ip;
  }

  /** What is known of the interface's address, and of its lease. */
  lease(): Lease {
    this.answered(this.exports.dhcp_info(this.scratch), "cannot tell the address");
    const all = this.read(LEASE);
    const size = this.exports.dhcp_domain(this.scratch, BLOCK_SIZE);
    const domain = new TextDecoder().decode(this.u8.slice(this.scratch, this.scratch + size));
    const { dns0, dns1, dns2, ntp0, ntp1, renewAt, rebindAt, endsAt, state, linkLocal, ...rest } = all;
    return {
      ...rest,
      linkLocal: linkLocal !== 0,
      state: LEASE_STATES[state]!,
      domain,
      dns: [dns0, dns1, dns2].filter((a) => a !== 0),
      ntp: [ntp0, ntp1].filter((a) => a !== 0),
      renewMs: this.untilMs(renewAt),
      rebindMs: this.untilMs(rebindAt),
      endsMs: this.untilMs(endsAt),
    };
  }

  /**
   * The addresses of a name; undefined: it is being asked for, and `EVENT.NAMES` of handle 0 tells when to call again.
   * Throws NOT_FOUND, NO_IPV4, NO_ANSWER, SIZE (the answer is too long), UNREACHABLE (there is no server), FULL,
   * ARGUMENT (it is no name).
   */
  lookup(name: string): number[] | undefined {
    const found = this.#lookup(name, (...given) => this.exports.dns_lookup(...given));
    return found === undefined
      ? undefined
      : Array.from({ length: found }, (_, i) => this.u32[(this.scratch >>> 2) + i]!);
  }

  /** The same of IPv6 addresses, 16 bytes each; NO_IPV6 in the place of NO_IPV4. */
  lookup6(name: string): Uint8Array[] | undefined {
    const found = this.#lookup(name, (...given) => this.exports.dns_lookup6(...given));
    const at = (i: number): number => this.scratch + i * IP6_SIZE;
    return found === undefined
      ? undefined
      : Array.from({ length: found }, (_, i) => this.u8.slice(at(i), at(i + 1)));
  }

  /** How many addresses of a name `ask` wrote; undefined: none yet. */
  #lookup(name: string, ask: (name: number, size: number, dst: number, most: number) => number): number | undefined {
    const bytes = new TextEncoder().encode(name);
    if (bytes.length > NAME_MAX) throw new StintError("ARGUMENT", "the name is too long");
    this.u8.set(bytes, this.scratch);
    const result = ask(this.scratch, bytes.length, this.scratch, 4);
    if (result === ERR.AGAIN) {
      this.onWork();
      return undefined;
    }
    if (result < 0)
      throw new StintError(
        result, `cannot look ${name} up${result === ERR.UNREACHABLE ? ", there is no DNS server to ask" : ""}`,
      );
    return result;
  }

  /**
   * The DNS servers to ask, of either family, three at most; none: those of which the network tells. Throws ARGUMENT
   * and FULL; then those of before stay.
   */
  dnsServers(servers: readonly (number | Uint8Array)[]): void {
    try {
      this.#giveServers(servers);
    } catch (e) {
      this.#giveServers(this.#servers);
      throw e;
    }
    this.#servers = [...servers];
  }

  #giveServers(servers: readonly (number | Uint8Array)[]): void {
    const what = "cannot ask these DNS servers";
    this.checked(this.exports.dns_servers(0, 0, 0), what);
    for (const server of servers)
      this.checked(this.exports.dns_server_add(typeof server === "number" ? server : this.ip6Name(server)), what);
  }

  /** What the resolver did. */
  resolver(): ResolverInfo {
    this.answered(this.exports.dns_info(this.scratch), "cannot tell about names");
    return this.read(NAMES);
  }

  // The time of day.

  /**
   * Asks these time servers (RFC 4330), of either family, three at most; none: those of the lease. `EVENT.TIME` of
   * handle 0 tells each time that one has answered. Throws ARGUMENT or FULL; then nobody is asked.
   */
  sntpStart(servers: readonly (number | Uint8Array)[] = []): void {
    const what = "cannot ask for the time";
    this.checked(this.exports.sntp_start(0, 0, 0), what);
    try {
      for (const server of servers)
        this.checked(this.exports.sntp_server_add(typeof server === "number" ? server : this.ip6Name(server)), what);
    } catch (error) {
      this.sntpStop();
      throw error;
    }
  }

  /** Asks no more; the time stays known. */
  sntpStop(): void {
    this.checked(this.exports.sntp_stop(), "cannot stop asking for the time");
  }

  /** What is known of the time. */
  time(): TimeInfo {
    this.answered(this.exports.sntp_info(this.scratch), "cannot tell the time");
    return this.read(TIME);
  }

  // The own name on the link.

  /** The host is to be reachable as `name`.local; `EVENT.NAME` of handle 0 tells when it is, or by which other name. */
  mdnsStart(name: string): void {
    const bytes = new TextEncoder().encode(name);
    this.u8.set(bytes.subarray(0, BLOCK_SIZE), this.scratch);
    this.checked(this.exports.mdns_start(this.scratch, bytes.length), `cannot be called ${name}.local`);
  }

  /** Ends that: others are told with the next poll. */
  mdnsStop(): void {
    this.checked(this.exports.mdns_stop(), "cannot give the name back");
  }

  /** What is known of the own name. */
  localName(): LocalName {
    this.answered(this.exports.mdns_info(this.scratch), "cannot tell the name");
    const { state, ...rest } = this.read(LOCAL_NAME), size = this.exports.mdns_name(this.scratch, BLOCK_SIZE);
    const name = new TextDecoder().decode(this.u8.slice(this.scratch, this.scratch + size));
    return { ...rest, state: LOCAL_STATES[state]!, name };
  }

  // IPv6. Elsewhere an address is a number: an IPv4 address, or the name of an IPv6 one, which is good for the next
  // call.

  /** Whether the module has IPv6. */
  get hasIp6(): boolean {
    return this.exports.ip6_start !== undefined;
  }

  /** IPv6 begins; `secret`: 16 bytes, for the same addresses after each start (RFC 7217). */
  ip6Start(secret?: Uint8Array): void {
    if (secret !== undefined) this.u8.set(secret.subarray(0, IP6_SIZE), this.scratch);
    this.checked(this.exports.ip6_start(secret === undefined ? 0 : this.scratch), "cannot begin IPv6");
  }

  /** Ends it. */
  ip6Stop(): void {
    this.checked(this.exports.ip6_stop(), "cannot end IPv6");
  }

  /** One more address, its prefix, and a router. */
  ip6Add(address: Uint8Array, prefix = 64, router?: Uint8Array): void {
    this.#put6(address, 0);
    if (router !== undefined) this.#put6(router, IP6_SIZE);
    const at = router === undefined ? 0 : this.scratch + IP6_SIZE;
    this.checked(this.exports.ip6_add(this.scratch, prefix, at), "cannot add the address");
  }

  /**
   * Takes an address away. Its connections end with NO_ADDRESS. A DHCPv6 server's is given back, and none is asked for
   * until the link changes.
   */
  ip6Remove(address: Uint8Array): void {
    this.#put6(address, 0);
    this.checked(this.exports.ip6_remove(this.scratch), "cannot remove the address");
  }

  /** There are temporary addresses (RFC 8981), and connections are opened from them. */
  ip6TemporaryStart(): void {
    this.#temporary(1);
  }

  /** There are none any more. */
  ip6TemporaryStop(): void {
    this.#temporary(0);
  }

  #temporary(wanted: 0 | 1): void {
    this.checked(this.exports.ip6_temporary(wanted), "temporary addresses");
  }

  /** Puts an address where a call finds it. */
  #put6(address: Uint8Array, at: number): void {
    if (address.length !== IP6_SIZE) throw new StintError("ARGUMENT", "an IPv6 address has 16 bytes");
    this.u8.set(address, this.scratch + at);
  }

  /** The interface's IPv6 addresses. */
  ip6Addresses(): Ip6Address[] {
    const all: Ip6Address[] = [];
    while (this.hasIp6 && this.exports.ip6_info(all.length, this.scratch) === 0) {
      const { state, origin, name, prefix, preferredS, validS } = this.read(IP6_INFO);
      const forEver = 2 ** 32 - 1;
      all.push({
        bytes: this.u8.slice(this.scratch, this.scratch + IP6_SIZE), name, ready: state === IP6_STATE.VALID,
        origin: IP6_ORIGINS[origin]!, prefix,
        preferredS: preferredS === forEver ? Infinity : preferredS,
        validS: validS === forEver ? Infinity : validS,
      });
    }
    return all;
  }

  /** Routers that have made themselves known. */
  ip6Routers(): Uint8Array[] {
    const all: Uint8Array[] = [];
    while (this.hasIp6 && this.exports.ip6_router(all.length, this.scratch) === 0) {
      all.push(this.u8.slice(this.scratch, this.scratch + IP6_SIZE));
    }
    return all;
  }

  /** The number that stands for an IPv6 address in the next call. */
  ip6Name(address: Uint8Array): number {
    this.#put6(address, 0);
    return this.exports.ip6_name(this.scratch) >>> 0;
  }

  /** The address that the last call's number stands for; null: it is none. */
  ip6Bytes(name: number): Uint8Array | null {
    if (!this.hasIp6 || name < IP6_NAMES || this.exports.ip6_bytes(name, this.scratch) < 0) return null;
    return this.u8.slice(this.scratch, this.scratch + IP6_SIZE);
  }
}
