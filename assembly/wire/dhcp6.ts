// DHCPv6 messages between client and server (RFC 8415 §8), behind the UDP header, and their options (§21.1).
//
//    0      1                    4                     0          2          4
//   +------+--------------------+---------            +----------+----------+---------
//   | type | transaction id     | options             | code     | size     | data
//   +------+--------------------+---------            +----------+----------+---------

import { Wire } from "./wire";

export const DHCP6_SERVER: u32 = 547;
export const DHCP6_CLIENT: u32 = 546;

/** RFC 8415 §7.3. */
export const enum Dhcp6Type {
  NONE, SOLICIT = 1, ADVERTISE = 2, REQUEST = 3, RENEW = 5, REBIND = 6, REPLY = 7, RELEASE = 8, DECLINE = 9,
  INFORM = 11,
}

/** RFC 8415 §21, RFC 3646. */
export const enum Dhcp6Option {
  CLIENT = 1, SERVER = 2, IA_NA = 3, ADDRESS = 5, REQUEST = 6, PREFERENCE = 7, ELAPSED = 8, STATUS = 13, DNS = 23,
  REFRESH = 32, SOLICIT_MAX = 82, INFORM_MAX = 83,
}

/** RFC 8415 §21.13. */
export const enum Status { OK, FAILED, NO_ADDRESSES, NO_BINDING, NOT_ON_LINK, USE_MULTICAST }

@unmanaged export class Dhcp6 extends Wire {
  static readonly SIZE: u32 = 4;

  get type(): u32 { return this.u8at(0); }
  get xid(): u32 { return this.u32at(0) & 0xffffff; }

  begin(type: u32, xid: u32): void {
    this.put32(0, type << 24 | xid);
  }
}

/** Of an option: what stands before its data. */
@unmanaged export class Option6 extends Wire {
  static readonly SIZE: u32 = 4;

  get code(): u32 { return this.u16at(0); }
  get size(): u32 { return this.u16at(2); }

  begin(code: u32, size: u32): void {
    this.put32(0, code << 16 | size);
  }
}
