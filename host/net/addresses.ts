/** The own addresses of a stack, of both families: which there are, how more come, and who waits for one. */
import { formatIp, parseIp } from "../address.js";
import { addressNumber, addressText, formatIp6, isAddress, isIp6, mappedIp, parseIp6 } from "../address6.js";
import type { Dhcp6Stack } from "../dhcp6.js";
import { beginIp6, Forming, type Ip6Options } from "./ip6.js";
import type { DhcpOptions, OwnAddress } from "./options.js";
import { inOrder, type Source } from "./order.js";

/** Addresses that only a router leads to, one of each family: our own prefixes are not known yet. */
const FAR_6 = "2000::", FAR_4 = "192.0.2.1";
export const FAR: readonly string[] = [FAR_6, FAR_4];

/** Bits of an IPv6 address that say which network it is in; the others say which host (RFC 4291 §2.5.1). */
const NETWORK_BITS = 64;

/** 127/8, and ::1. */
const LOOPBACK = 127, LOOPBACK_6 = "::1";

/** What a stack is reachable as. IPv6 begins when it is asked to. */
export class OwnAddresses {
  #forming: Forming | undefined;
  /** What users know of, as texts. */
  #told: string;
  #told6 = "";

  constructor(readonly module: Dhcp6Stack) {
    this.#told = this.#address;
  }

  get #address(): string {
    return formatIp(this.module.ownAddress());
  }

  /** Whether IPv6 has begun. */
  get hasIp6(): boolean {
    return this.#forming !== undefined;
  }

  /** Begins IPv6, whose timers count from `nowUs`. */
  begin6(options: Ip6Options, nowUs: number): void {
    this.module.poll(nowUs);
    beginIp6(this.module, options);
    this.#forming = new Forming(this.module);
  }

  /** Asks a DHCP server for an address, which is awaited for `timeoutMs`; with IPv6, a router's may come first. */
  ask({ address, name, linkLocal = false }: DhcpOptions, timeoutMs: number): void {
    if (linkLocal) this.module.linkLocalStart();
    this.module.dhcpStart(address === undefined ? 0 : parseIp(address), name ?? "");
    this.#forming?.awaitLease(timeoutMs);
  }

  /** All of them, those of IPv6 also while they cannot be used yet. */
  list(): OwnAddress[] {
    const all: OwnAddress[] = [];
    const ip = this.module.ownAddress();
    if (ip !== 0) {
      const { prefix, linkLocal } = this.module.lease();
      const given = this.module.options.ip === undefined ? "dhcp" : "fixed";
      const origin = linkLocal ? "link-local" : given;
      all.push({ address: formatIp(ip), family: "IPv4", prefix, origin, ready: true });
    }
    for (const { bytes, prefix, origin, ready } of this.#forming?.addresses() ?? [])
      if (origin !== "loopback") all.push({ address: formatIp6(bytes), family: "IPv6", prefix, origin, ready });
    return all;
  }

  /** Whether one of them reaches others than those on the link, or is of IPv4. */
  serves(): boolean {
    return this.list().some((a) => a.family === "IPv4") || this.#forming?.serves() === true;
  }

  /** Whether `address` is one that can be used, or leads to this host alone: 127/8, and ::1 where IPv6 has begun. */
  has(address: string): boolean {
    if (!isAddress(address)) return false;
    const six = isIp6(address) ? parseIp6(address) : undefined, ip = six ? mappedIp(six) : parseIp(address);
    if (ip !== undefined && ip >>> 24 === LOOPBACK) return true;
    const plain = ip === undefined ? formatIp6(six!) : formatIp(ip);
    if (plain === LOOPBACK_6) return this.hasIp6;
    return this.list().some((own) => own.ready && own.address === plain);
  }

  /** Whether it is of use to wait for one for packets to `host`; with `from`, for that one. */
  isAwaited(host: string, from?: string): boolean {
    return this.#forming !== undefined && isAddress(host) && this.#forming.isAwaited(host, from);
  }

  /** Resolves when there is one, or when it is of no use to wait for it any longer. */
  async until(host: string, from?: string): Promise<void> {
    await this.#forming?.until(host, from);
  }

  /** Resolves when no server of DHCPv6 may tell of DNS servers any more, or `isKnown` says that there is one. */
  async untilTold(isKnown: () => boolean): Promise<void> {
    await this.#forming?.untilTold(isKnown);
  }

  /** The families of which the stack has an address that others can reach, or may get one soon; else IPv4. */
  families(): (4 | 6)[] {
    const six = this.list().some((a) => a.family === "IPv6" && a.origin !== "link-local") || this.isAwaited(FAR_6);
    if (!six) return [4];
    return this.module.ownAddress() === 0 && !this.isAwaited(FAR_4) ? [6] : [6, 4];
  }

  /** Addresses of somebody else, the best one first (RFC 6724 §6). */
  inOrder(addresses: readonly string[]): string[] {
    return inOrder(addresses, (to) => this.#source(to));
  }

  #source(to: string): Source | undefined {
    const number = this.module.sourceOf(addressNumber(this.module, to));
    if (number === 0) return undefined;
    const address = addressText(this.module, number);
    if (!isIp6(address)) return { address, prefix: this.module.lease().prefix, deprecated: false };
    const own = this.#forming?.addresses().find(({ bytes }) => formatIp6(bytes) === address);
    return { address, prefix: NETWORK_BITS, deprecated: own?.preferredS === 0 };
  }

  /** The module says that they may have changed. Returns whether there is something to tell users of. */
  notice(): boolean {
    const told = this.#address, told6 = this.#forming?.told() ?? "";
    this.#forming?.look();
    if (told === this.#told && told6 === this.#told6) return false;
    this.#told = told;
    this.#told6 = told6;
    return true;
  }

  /** There will be no more of them: nobody waits any longer. */
  end(): void {
    this.#forming?.end();
  }
}
