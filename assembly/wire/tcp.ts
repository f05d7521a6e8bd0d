// The TCP header (RFC 9293 §3.1).
//
//    0               2               4                              8
//   +---------------+---------------+------------------------------+
//   | source port   | dest. port    |       sequence number        |
//   +---------------+---------------+------------------------------+
//    8                               12      13      14             16
//   +-------------------------------+-------+-------+--------------+
//   |     acknowledgment number     |offset | flags |    window    |
//   +-------------------------------+-------+-------+--------------+
//    16              18              20
//   +---------------+---------------+----------------
//   |   checksum    |urgent pointer | options, data
//   +---------------+---------------+----------------

import { Wire } from "./wire";

export const FIN: u32 = 1;
export const SYN: u32 = 2;
export const RST: u32 = 4;
export const PSH: u32 = 8;
export const ACK: u32 = 16;
export const URG: u32 = 32;
export const ECE: u32 = 64;
export const CWR: u32 = 128;

/** Option kinds (RFC 9293 §3.2, RFC 7323 §2.2 and §3.2, RFC 2018 §2 and §3, RFC 7413 §4.1.1). */
export const OPT_EOL: u8 = 0;
export const OPT_NOP: u8 = 1;
export const OPT_MSS: u8 = 2;
export const OPT_WINDOW_SCALE: u8 = 3;
export const OPT_SACK_PERMITTED: u8 = 4;
export const OPT_SACK: u8 = 5;
export const OPT_TIMESTAMPS: u8 = 8;
export const OPT_FAST_OPEN: u8 = 34;

@unmanaged export class TcpHeader extends Wire {
  static readonly SIZE: u32 = 20;

  /** Whether the header, with its options, lies within the segment's `size` bytes. */
  isValid(size: u32): bool {
    return size >= TcpHeader.SIZE && this.headerSize >= TcpHeader.SIZE && this.headerSize <= size;
  }

  get srcPort(): u32 { return this.u16at(0); }
  set srcPort(v: u32) { this.put16(0, v); }

  get dstPort(): u32 { return this.u16at(2); }
  set dstPort(v: u32) { this.put16(2, v); }

  get seq(): u32 { return this.u32at(4); }
  set seq(v: u32) { this.put32(4, v); }

  get ack(): u32 { return this.u32at(8); }
  set ack(v: u32) { this.put32(8, v); }

  get headerSize(): u32 { return (this.u8at(12) >> 4) << 2; }
  /** Also clears the reserved bits. */
  set headerSize(v: u32) { this.put8(12, v << 2); }

  get flags(): u32 { return this.u8at(13); }
  set flags(v: u32) { this.put8(13, v); }

  get window(): u32 { return this.u16at(14); }
  set window(v: u32) { this.put16(14, v); }

  /** In memory order, as `foldSum` gives it. */
  get checksum(): u16 { return load<u16>(changetype<usize>(this), 16); }
  set checksum(v: u16) { store<u16>(changetype<usize>(this), v, 16); }

  get urgent(): u32 { return this.u16at(18); }
  set urgent(v: u32) { this.put16(18, v); }
}
