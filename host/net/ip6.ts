/** IPv6 of a stack: how it begins, which addresses it has, and who waits until one of them can be used. */
import { parseIp } from "../address.js";
import {
  addressFault6, checkAddresses6, formatIp6, isIp6, isLinkLocal, mappedIp, parseCidr6, parseIp6,
} from "../address6.js";
import { StintError } from "../errors.js";
import { isForming6 } from "../forming6.js";
import { Timer } from "../timer.js";
import type { Dhcp6Stack } from "../dhcp6.js";
import type { Ip6Address, StackModule } from "../stack.js";

/** How IPv6 begins on a stack. */
export interface Ip6Options {
  /** 16 bytes that stay the same: then the addresses do, too, after each start (RFC 7217). */
  secret?: Uint8Array | undefined;
  /** "fd00::1/64": addresses beyond those that routers tell of; 6 at most. */
  addresses?: readonly string[] | undefined;
  /** "fe80::1": a router, beyond those that make themselves known. Needs `addresses`. */
  gateway?: string | undefined;
  /**
   * Whether connections are opened from temporary addresses (RFC 8981): each lasts a day at most, and nobody knows from
   * it which host it is. They are beside those that routers' prefixes make.
   */
  temporary?: boolean | undefined;
}

/** RFC 8200 §5: the least MTU of a link. */
export const MTU_MIN = 1280;
/** The first byte of IPv4 addresses of a host to itself. */
const LOOPBACK = 127;
/** Bytes of a secret. */
const SECRET = 16;
/**
 * How long after the beginning an address that serves may be awaited, ms: a second at most before the first probe, one
 * after it (RFC 4862 §5.4.2, §5.1), and both again for a router's prefix.
 */
const FORMING_MS = 4500;
/** DHCPv6, while it waits for an answer (RFC 8415 §18.2). */
const ASKING: ReadonlySet<string> = new Set(["SOLICITING", "REQUESTING", "INFORMING"]);

/** Throws a RangeError, or a StintError, for options that cannot be. */
export function checkIp6({ secret, addresses = [], gateway }: Ip6Options, mtu: number): void {
  if (mtu < MTU_MIN) throw new RangeError(`IPv6 needs a link with an MTU of ${MTU_MIN} bytes; this one has ${mtu}`);
  if (secret !== undefined && secret.length !== SECRET) throw new RangeError(`the secret of IPv6 is ${SECRET} bytes`);
  if (gateway !== undefined && addresses.length === 0) throw new RangeError("a gateway of IPv6 needs an address");
  checkAddresses6(addresses, gateway);
}

/** Begins IPv6 on a module that was polled once. */
export function beginIp6(module: StackModule, options: Ip6Options): void {
  if (!module.hasIp6) throw new StintError("STATE", "cannot begin IPv6", "this module was built without it");
  checkIp6(options, module.mtu);
  module.ip6Start(options.secret);
  if (options.temporary) module.ip6TemporaryStart();
  for (const [i, text] of (options.addresses ?? []).entries()) {
    const { bytes, prefix } = parseCidr6(text);
    const router = i === 0 && options.gateway !== undefined ? parseIp6(options.gateway) : undefined;
    module.ip6Add(bytes, prefix, router);
  }
}

/** Bytes of a prefix from which addresses are made. */
const HALF = 8;

/**
 * Whether no address reaches others yet, as `isForming6` says, or one of their prefixes has none that is ready: which
 * prefix serves is known when all have one, since one of them may lead nowhere (RFC 4193).
 */
function isChoosing6(all: readonly Ip6Address[]): boolean {
  const brief = all.filter((a) => a.origin === "temporary");
  const wanted = (brief[0] ? brief : all).filter((a) => !isLinkLocal(a.bytes));
  const serves = (a: Ip6Address): boolean =>
    wanted.some((b) => b.ready && b.bytes.subarray(0, HALF).every((byte, i) => byte === a.bytes[i]));
  return wanted.length === 0 || !wanted.every(serves);
}

/** Waits until some address of a stack can be used for a destination. */
export class Forming {
  #until: number;
  /** Until when DHCP may give an IPv4 address that is awaited. */
  #leaseUntil = 0;
  readonly #waiting = new Set<() => void>();

  constructor(readonly module: Dhcp6Stack) {
    this.#until = performance.now() + FORMING_MS;
  }

  /** The addresses of the interface, but for ::1. */
  addresses(): Ip6Address[] {
    return this.module.ip6Addresses().filter((a) => a.origin !== "loopback");
  }

  /** The network was asked for an IPv4 address, too, which is awaited for so long, ms. */
  awaitLease(ms: number): void {
    this.#leaseUntil = performance.now() + ms;
  }

  /**
   * Whether it is of use to wait for an address for a packet to `host`, text that is an address. `from`: for that one
   * alone, an own address.
   */
  isAwaited(host: string, from?: string): boolean {
    if (from !== undefined && isIp6(from)) return performance.now() < this.#until && this.#isTentative(parseIp6(from));
    const to = isIp6(host) ? parseIp6(host) : undefined, four = to === undefined ? parseIp(host) : mappedIp(to);
    if (performance.now() >= this.#deadline(host)) return false;
    if (to === undefined || four !== undefined) return this.module.ownAddress() === 0 && four! >>> 24 !== LOOPBACK;
    if (addressFault6(to) !== undefined) return false;
    const all = this.addresses();
    return isLinkLocal(to) ? !all.some((a) => a.ready) : isChoosing6(all);
  }

  #isTentative(own: Uint8Array): boolean {
    return this.addresses().some((a) => !a.ready && a.bytes.every((byte, i) => byte === own[i]));
  }

  /** Whether a DHCPv6 server is asked, which may tell of DNS servers, also where it gives no address. */
  get isAsking(): boolean {
    return performance.now() < this.#until && ASKING.has(this.module.dhcp6().state);
  }

  /** When it is of no use any longer. */
  #deadline(host: string): number {
    return isIp6(host) && mappedIp(parseIp6(host)) === undefined ? this.#until : this.#leaseUntil;
  }

  /** Resolves when there is one, or when it is of no use to wait for it any longer. */
  until(host: string, from?: string): Promise<void> {
    return this.#while(() => this.isAwaited(host, from), this.#deadline(from ?? host));
  }

  /** Resolves when no DHCPv6 server is asked, or `isKnown` says yes. */
  untilTold(isKnown: () => boolean): Promise<void> {
    return this.#while(() => this.isAsking && !isKnown(), this.#until);
  }

  #while(isAwaited: () => boolean, deadline: number): Promise<void> {
    return new Promise((resolve) => {
      const over = (): void => {
        timer.clear();
        this.#waiting.delete(look);
        resolve();
      };
      const look = (): void => {
        if (!isAwaited()) over();
      };
      // A timer counts whole milliseconds, and may be early by a part of one: the time is over then, too.
      const timer = new Timer(Math.max(1, deadline - performance.now() + 1), over);
      this.#waiting.add(look);
      look();
    });
  }

  /** Addresses have changed. */
  look(): void {
    for (const look of [...this.#waiting]) look();
  }

  /** There will be no more of them: nobody waits any longer. */
  end(): void {
    this.#until = this.#leaseUntil = 0;
    this.look();
  }

  /** Whether an address that reaches others than those on the link can be used, and the temporary one, if any. */
  serves(): boolean {
    return !isForming6(this.addresses());
  }

  /** What is known of them, as one text: to see whether it has changed. */
  told(): string {
    const all = this.addresses(), ready = all.filter((a) => a.ready).map((a) => formatIp6(a.bytes)).join(" ");
    return ready === "" ? "" : `${ready}${isForming6(all) ? " and more" : ""}`;
  }
}
