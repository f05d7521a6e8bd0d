// ICMP messages (RFC 792).
//
//    0       1       2               4               6             8
//   +-------+-------+---------------+---------------+-------------+---------
//   | type  | code  |   checksum    |  (id)         | (seq / MTU) | data
//   +-------+-------+---------------+---------------+-------------+---------

import { Wire } from "./wire";

export const ICMP_ECHO_REPLY: u32 = 0;
export const ICMP_UNREACHABLE: u32 = 3;
export const ICMP_SOURCE_QUENCH: u32 = 4;
export const ICMP_ECHO: u32 = 8;
export const ICMP_TIME_EXCEEDED: u32 = 11;
export const ICMP_PARAMETER_PROBLEM: u32 = 12;

export const UNREACHABLE_PROTOCOL: u32 = 2;
export const UNREACHABLE_PORT: u32 = 3;
export const UNREACHABLE_FRAGMENTATION: u32 = 4;
export const EXCEEDED_REASSEMBLY: u32 = 1;

@unmanaged export class Icmp extends Wire {
  static readonly SIZE: u32 = 8;

  static isValid(size: u32): bool {
    return size >= Icmp.SIZE;
  }

  get type(): u32 { return this.u8at(0); }
  set type(v: u32) { this.put8(0, v); }

  get code(): u32 { return this.u8at(1); }
  set code(v: u32) { this.put8(1, v); }

  /** In memory order, as `foldSum` gives it. */
  set checksum(v: u16) { store<u16>(changetype<usize>(this), v, 2); }

  /** Bytes 4–7: unused, or identifier and sequence number of an echo. */
  get rest(): u32 { return this.u32at(4); }
  set rest(v: u32) { this.put32(4, v); }

  /** Next-hop MTU of "fragmentation needed" (RFC 1191 §4). */
  get mtu(): u32 { return this.u16at(6); }
}
