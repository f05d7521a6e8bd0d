// The IPv4 header (RFC 791 §3.1).
//
//    0       1       2               4               6
//   +-------+-------+---------------+---------------+---------------+
//   |ver|IHL|  TOS  | total length  | identification|flags, offset  |
//   +-------+-------+---------------+---------------+---------------+
//    8       9       10              12              16             20
//   +-------+-------+---------------+---------------+---------------+---------
//   |  TTL  | proto |   checksum    |    source     |  destination  | options
//   +-------+-------+---------------+---------------+---------------+---------

import { SPEED } from "../features";
import { Wire } from "./wire";
import { sumBytes, foldSum } from "../core/checksum";

export const PROTO_ICMP: u32 = 1;
export const PROTO_IGMP: u32 = 2;
export const PROTO_TCP: u32 = 6;
export const PROTO_UDP: u32 = 17;

const IP_DF: u32 = 0x4000;
export const IP_MF: u32 = 0x2000;
export const IP_OFFSET_MASK: u32 = 0x1fff;

@unmanaged export class Ipv4 extends Wire {
  static readonly SIZE: u32 = 20;

  /** Whether version, header length and total length fit the `size` bytes there are. The checksum is `checksumOk`. */
  isValid(size: u32): bool {
    if (size < Ipv4.SIZE || this.u8at(0) >> 4 != 4) return false;
    const header = this.headerSize;
    return header >= Ipv4.SIZE && this.totalSize >= header && this.totalSize <= size;
  }

  get checksumOk(): bool { return foldSum(this.sum()) == 0; }

  /** The sum of the header: five words, or more if there are options. */
  sum(): u64 {
    const at = changetype<usize>(this);
    if (!SPEED || load<u8>(at) != 0x45) return sumBytes(at, this.headerSize, 0);
    return <u64>load<u32>(at) + <u64>load<u32>(at, 4) + <u64>load<u32>(at, 8) + <u64>load<u32>(at, 12) +
      <u64>load<u32>(at, 16);
  }

  get headerSize(): u32 { return (this.u8at(0) & 15) << 2; }
  /** Version 4 and the header's length in bytes. */
  set headerSize(v: u32) { this.put8(0, 0x40 | (v >> 2)); }

  get tos(): u32 { return this.u8at(1); }
  set tos(v: u32) { this.put8(1, v); }

  get totalSize(): u32 { return this.u16at(2); }
  set totalSize(v: u32) { this.put16(2, v); }

  get id(): u32 { return this.u16at(4); }
  set id(v: u32) { this.put16(4, v); }

  /** IP_DF, IP_MF and the offset in units of 8 bytes. */
  get fragment(): u32 { return this.u16at(6); }
  set fragment(v: u32) { this.put16(6, v); }
  /** Whether it is version 4, without options and no fragment. DF may be set. */
  get isPlain(): bool { return this.u8at(0) == 0x45 && (load<u16>(changetype<usize>(this), 6) & 0xffbf) == 0; }

  /** Identification 0, and DF: never fragmented (RFC 6864 §4.1). */
  beAtomic(): void { this.put32(4, IP_DF); }

  get ttl(): u32 { return this.u8at(8); }
  set ttl(v: u32) { this.put8(8, v); }

  get protocol(): u32 { return this.u8at(9); }
  set protocol(v: u32) { this.put8(9, v); }

  get src(): u32 { return this.u32at(12); }
  set src(v: u32) { this.put32(12, v); }

  get dst(): u32 { return this.u32at(16); }
  set dst(v: u32) { this.put32(16, v); }

  /** In memory order, as `foldSum` has it. */
  set checksum(v: u16) { store<u16>(changetype<usize>(this), v, 10); }

  /** Computes the checksum of the finished header. */
  fillChecksum(): void {
    store<u16>(changetype<usize>(this), 0, 10);
    store<u16>(changetype<usize>(this), foldSum(this.sum()), 10);
  }
}
