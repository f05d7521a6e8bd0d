/** What programs ask of DHCPv6 (RFC 8415) and of sources: apart, since browsers do without. */
import { DHCP6, LEASE6_STATES, type Dhcp6Numbers } from "./module/layout.js";
import { StackModule } from "./stack.js";

/** What `dhcp6` tells. */
export interface Dhcp6Info extends Omit<Dhcp6Numbers, "state"> {
  /** How far it is (RFC 8415 §18.2). */
  state: (typeof LEASE6_STATES)[number];
}

/** A stack that may have an address of a DHCPv6 server. It asks by itself, when a router says that there is one. */
export class Dhcp6Stack extends StackModule {
  /** Gives the address of a DHCPv6 server back: the server is told with the next poll. Throws where IPv6 is off. */
  dhcp6Stop(): void {
    this.checked(this.exports.dhcp6_stop(), "cannot stop DHCPv6");
  }

  /** How far DHCPv6 is, and what it did. Throws where IPv6 is off. */
  dhcp6(): Dhcp6Info {
    this.answered(this.exports.dhcp6_info(this.scratch), "cannot tell of DHCPv6");
    const numbers = this.read(DHCP6);
    return { ...numbers, state: LEASE6_STATES[numbers.state]! };
  }

  /**
   * The own address from which packets to `to` would leave (RFC 6724 §5), both as numbers for the next call. 0: there
   * is none, or no way.
   */
  sourceOf(to: number): number {
    return this.exports.ip_source(to) >>> 0;
  }
}
