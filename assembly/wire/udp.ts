// The UDP header (RFC 768).
//
//    0               2               4               6             8
//   +---------------+---------------+---------------+-------------+---------
//   | source port   | dest. port    |    length     |  checksum   | data
//   +---------------+---------------+---------------+-------------+---------

import { Wire } from "./wire";

@unmanaged export class Udp extends Wire {
  static readonly SIZE: u32 = 8;

  /** Whether the length that the header claims lies within the `size` bytes there are. */
  isValid(size: u32): bool {
    return size >= Udp.SIZE && this.size >= Udp.SIZE && this.size <= size;
  }

  get srcPort(): u32 { return this.u16at(0); }
  set srcPort(v: u32) { this.put16(0, v); }

  get dstPort(): u32 { return this.u16at(2); }
  set dstPort(v: u32) { this.put16(2, v); }

  get size(): u32 { return this.u16at(4); }
  set size(v: u32) { this.put16(4, v); }

  /** In memory order; 0: none was computed. */
  get checksum(): u16 { return load<u16>(changetype<usize>(this), 6); }
  set checksum(v: u16) { store<u16>(changetype<usize>(this), v, 6); }
}
