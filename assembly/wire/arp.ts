// ARP for IPv4 over Ethernet (RFC 826).
//
//    0       2       4   5   6       8           14          18          24        28
//   +-------+-------+---+---+-------+-----------+-----------+-----------+-----------+
//   | hw=1  | proto |hl |pl | op    | sender MAC| sender IP | target MAC| target IP |
//   +-------+-------+---+---+-------+-----------+-----------+-----------+-----------+

import { Wire } from "./wire";
import { ETHERTYPE_IPV4 } from "./ethernet";

export const ARP_REQUEST: u32 = 1;
export const ARP_REPLY: u32 = 2;

@unmanaged export class Arp extends Wire {
  static readonly SIZE: u32 = 28;

  isValid(size: u32): bool {
    return size >= Arp.SIZE && this.u16at(0) == 1 && this.u16at(2) == ETHERTYPE_IPV4 && this.u8at(4) == 6 &&
      this.u8at(5) == 4;
  }

  /** Writes the fixed fields. */
  begin(): void {
    this.put16(0, 1);
    this.put16(2, ETHERTYPE_IPV4);
    this.put8(4, 6);
    this.put8(5, 4);
  }

  get op(): u32 { return this.u16at(6); }
  set op(v: u32) { this.put16(6, v); }

  get senderMac(): u64 { return (<u64>this.u32at(8) << 16) | <u64>this.u16at(12); }
  set senderMac(v: u64) { this.put32(8, <u32>(v >> 16)); this.put16(12, <u32>v); }

  get senderIp(): u32 { return this.u32at(14); }
  set senderIp(v: u32) { this.put32(14, v); }

  get targetMac(): u64 { return (<u64>this.u32at(18) << 16) | <u64>this.u16at(22); }
  set targetMac(v: u64) { this.put32(18, <u32>(v >> 16)); this.put16(22, <u32>v); }

  get targetIp(): u32 { return this.u32at(24); }
  set targetIp(v: u32) { this.put32(24, v); }
}
