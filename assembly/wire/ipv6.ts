// The IPv6 header (RFC 8200 §3), and those that may follow it (§4).
//
//    0               4       6       7       8                24               40
//   +---------------+-------+-------+-------+----------------+----------------+---------
//   |ver|class|flow | length| next  | hops  |     source     |  destination   |
//   +---------------+-------+-------+-------+----------------+----------------+---------

import { Wire } from "./wire";

export const NEXT_HOP_BY_HOP: u32 = 0;
export const NEXT_ROUTING: u32 = 43;
export const NEXT_FRAGMENT: u32 = 44;
export const NEXT_ICMP6: u32 = 58;
export const NEXT_NONE: u32 = 59;
export const NEXT_DESTINATION: u32 = 60;

/** Every link carries packets of so many bytes (RFC 8200 §5). */
export const IPV6_MTU_MIN: u32 = 1280;

@unmanaged export class Ipv6 extends Wire {
  static readonly SIZE: u32 = 40;

  /** Whether version and length fit the `size` bytes there are. */
  isValid(size: u32): bool {
    return size >= Ipv6.SIZE && this.u8at(0) >> 4 == 6 && this.payloadSize <= size - Ipv6.SIZE;
  }

  /** Version 6, the traffic class, and the flow label 0. */
  set trafficClass(v: u32) { this.put32(0, 0x60000000 | (v << 20)); }
  get trafficClass(): u32 { return (this.u16at(0) >> 4) & 0xff; }

  get payloadSize(): u32 { return this.u16at(4); }
  set payloadSize(v: u32) { this.put16(4, v); }

  get next(): u32 { return this.u8at(6); }
  set next(v: u32) { this.put8(6, v); }

  get hopLimit(): u32 { return this.u8at(7); }
  set hopLimit(v: u32) { this.put8(7, v); }

  /** Where source and destination are, 16 bytes each. */
  get srcAt(): usize { return changetype<usize>(this) + 8; }
  get dstAt(): usize { return changetype<usize>(this) + 24; }
}

/** The Fragment header (RFC 8200 §4.5). */
@unmanaged export class Fragment extends Wire {
  static readonly SIZE: u32 = 8;

  get next(): u32 { return this.u8at(0); }
  set next(v: u32) { this.put32(0, v << 24); }

  /** Bytes before this part of the payload, a multiple of 8. */
  get offset(): u32 { return this.u16at(2) & 0xfff8; }
  get more(): bool { return (this.u16at(2) & 1) != 0; }
  /** The offset, with 1 added if more follows. */
  set offsetAndMore(v: u32) { this.put16(2, v); }

  get id(): u32 { return this.u32at(4); }
  set id(v: u32) { this.put32(4, v); }
}
