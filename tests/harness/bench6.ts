/** A stack with IPv6 on a link with one router, in virtual time. */
import type { StackOptions } from "../../host/config.js";
import { MAC_PEER, type Seen } from "./codec.js";
import { ip6, nd, routerAdvertisement, see6, type Seen6 } from "./codec6.js";
import { entropyOf } from "./entropy.js";
import { Polled } from "./polled.js";

export const SECRET = Uint8Array.from({ length: 16 }, (_, i) => i + 1);
export const ROUTER = ip6("fe80::1"),
  PREFIX = ip6("2001:db8:1::"),
  PEER = ip6("2001:db8:1::2"),
  FAR = ip6("2001:db8:ffff::9");

export class Bench6 extends Polled {
  constructor(options: Partial<StackOptions> = {}) {
    super(
      Polled.stack({
        ip: "10.0.0.1/24",
        entropy: entropyOf(1),
        connsMax: 8,
        halfOpenMax: 8,
        timeWaitMax: 8,
        ...options,
        policy: { announce: false, ...options.policy },
      }),
    );
    this.poll();
    this.out = [];
  }

  /** IPv6 frames that came, and are looked at now. */
  seen(): Seen6[] {
    return this.out
      .splice(0)
      .map((s: Seen) => see6(s.raw))
      .filter((s) => s !== null);
  }

  get local(): Uint8Array {
    return this.stack.ip6Addresses().find((a) => a.origin === "link-local")!.bytes;
  }

  get global(): Uint8Array {
    return this.stack.ip6Addresses().find((a) => a.origin === "prefix")!.bytes;
  }

  /** IPv6 has begun, a router has told its prefix, and both addresses are ours. */
  ready(): this {
    this.stack.ip6Start(SECRET);
    this.poll();
    this.frame(routerAdvertisement(ROUTER, [...nd.source(MAC_PEER), ...nd.prefix(PREFIX)]));
    this.advance(2500);
    this.out = [];
    return this;
  }
}
