// DHCP messages (RFC 2131 §2), behind the UDP header.
//
//    0     1     2     3     4           8     10    12       16       20       24
//   +-----+-----+-----+-----+-----------+-----+-----+--------+--------+--------+
//   | op  |htype|hlen |hops | xid       |secs |flags| ciaddr | yiaddr | siaddr |
//   +-----+-----+-----+-----+-----------+-----+-----+--------+--------+--------+
//    24       28           44          108         236         240
//   +--------+------------+-----------+-----------+-----------+---------
//   | giaddr | chaddr     | sname     | file      | cookie    | options
//   +--------+------------+-----------+-----------+-----------+---------

import { Wire } from "./wire";

export const DHCP_SERVER: u32 = 67;
export const DHCP_CLIENT: u32 = 68;

const BOOT_REQUEST: u32 = 1;
export const BOOT_REPLY: u32 = 2;

/** What option 53 says (RFC 2132 §9.6). */
export const enum DhcpType { NONE, DISCOVER, OFFER, REQUEST, DECLINE, ACK, NAK, RELEASE }

/** Options (RFC 2132, RFC 3442). */
export const enum DhcpOption {
  PAD = 0, MASK = 1, ROUTER = 3, DNS = 6, HOST_NAME = 12, DOMAIN = 15, MTU = 26, BROADCAST = 28, NTP = 42,
  REQUESTED = 50, LEASE = 51, OVERLOAD = 52, TYPE = 53, SERVER = 54, PARAMETERS = 55, MAX_SIZE = 57, T1 = 58, T2 = 59,
  CLIENT = 61, CLASSLESS = 121, END = 255,
}

@unmanaged export class Dhcp extends Wire {
  /** Bytes before the options, the cookie included. */
  static readonly SIZE: u32 = 240;
  static readonly SNAME: u32 = 44;
  static readonly FILE: u32 = 108;
  static readonly COOKIE: u32 = 236;

  /**
   * Whether the fixed part lies within the `size` bytes there are, and options
   * follow. Ethernet's addresses have 6 bytes.
   */
  isValid(size: u32): bool {
    return size > Dhcp.SIZE && this.u8at(1) == 1 && this.u8at(2) == 6 && this.u32at(236) == 0x63825363;
  }

  /** Clears the fixed part, and writes what is the same in all messages of clients. */
  begin(): void {
    memory.fill(changetype<usize>(this), 0, Dhcp.SIZE);
    this.put8(0, BOOT_REQUEST);
    this.put8(1, 1);
    this.put8(2, 6);
    this.put32(236, 0x63825363);
  }

  get op(): u32 { return this.u8at(0); }

  get xid(): u32 { return this.u32at(4); }
  set xid(v: u32) { this.put32(4, v); }

  set secs(v: u32) { this.put16(8, v); }

  set ciaddr(v: u32) { this.put32(12, v); }
  get yiaddr(): u32 { return this.u32at(16); }

  get chaddr(): u64 { return (<u64>this.u32at(28) << 16) | <u64>this.u16at(32); }
  set chaddr(v: u64) { this.put32(28, <u32>(v >> 16)); this.put16(32, <u32>v); }
}
