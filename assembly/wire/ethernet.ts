// Ethernet II (RFC 894).
//
//    0                 6                12      14
//   +-----------------+-----------------+-------+---------------
//   | destination     | source          | type  | payload
//   +-----------------+-----------------+-------+---------------

import { Wire } from "./wire";

export const ETHERTYPE_IPV4: u32 = 0x0800;
export const ETHERTYPE_ARP: u32 = 0x0806;
export const ETHERTYPE_IPV6: u32 = 0x86dd;
/** IEEE 802.1Q: a tag of 4 bytes stands before the type. */
export const ETHERTYPE_TAG: u32 = 0x8100;
export const TAG_SIZE: u32 = 4;
/** A MAC address is its 48 bits in a u64. */
export const MAC_BROADCAST: u64 = 0xffffffffffff;
/** Of an IPv4 group, with the last 23 bits of its address (RFC 1112 §6.4). */
export const MAC_GROUP4: u64 = 0x01005e000000;
/** Of an IPv6 group, with the last 32 bits of its address (RFC 2464 §7). */
export const MAC_GROUP6: u64 = 0x333300000000;

@unmanaged export class Ethernet extends Wire {
  static readonly SIZE: u32 = 14;

  static isValid(size: u32): bool {
    return size >= Ethernet.SIZE;
  }

  get dst(): u64 { return (<u64>this.u32at(0) << 16) | <u64>this.u16at(4); }
  set dst(v: u64) { this.put32(0, <u32>(v >> 16)); this.put16(4, <u32>v); }

  get src(): u64 { return (<u64>this.u32at(6) << 16) | <u64>this.u16at(10); }
  set src(v: u64) { this.put32(6, <u32>(v >> 16)); this.put16(10, <u32>v); }

  get type(): u32 { return this.u16at(12); }
  set type(v: u32) { this.put16(12, v); }

  /** Of a frame with a tag: the VLAN's number (0: the tag only tells a priority), and the type behind it. */
  get vlan(): u32 { return this.u16at(14) & 0xfff; }
  get taggedType(): u32 { return this.u16at(16); }
}
