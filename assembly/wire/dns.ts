// The DNS header (RFC 1035 §4.1.1).
//
//    0               2               4               6         8         10       12
//   +---------------+---------------+---------------+---------+---------+--------+---------
//   | id            | flags, rcode  | questions     | answers | author. | addit. | sections
//   +---------------+---------------+---------------+---------+---------+--------+---------

import { Wire } from "./wire";

export const DNS_PORT: u32 = 53;
export const MDNS_PORT: u32 = 5353;

/** A response; one of who knows it himself; more than there was room for; recursion desired. */
export const DNS_QR: u32 = 0x8000;
export const DNS_AA: u32 = 0x0400;
export const DNS_TC: u32 = 0x0200;
export const DNS_RD: u32 = 0x0100;
export const DNS_OPCODE: u32 = 0x7800;
export const DNS_RCODE: u32 = 15;
export const RCODE_NAME: u32 = 3;

export const TYPE_A: u32 = 1;
export const TYPE_CNAME: u32 = 5;
export const TYPE_SOA: u32 = 6;
export const TYPE_PTR: u32 = 12;
export const TYPE_AAAA: u32 = 28;
export const TYPE_NSEC: u32 = 47;
export const TYPE_ANY: u32 = 255;
export const CLASS_IN: u32 = 1;
export const CLASS_ANY: u32 = 255;
/** RFC 6762 §18.12, §18.13: of a question, a unicast answer is welcome; of a record, it is all there is. */
export const CLASS_TOP: u32 = 0x8000;

@unmanaged export class Dns extends Wire {
  static readonly SIZE: u32 = 12;

  get id(): u32 { return this.u16at(0); }
  set id(v: u32) { this.put16(0, v); }

  get flags(): u32 { return this.u16at(2); }
  set flags(v: u32) { this.put16(2, v); }

  get questions(): u32 { return this.u16at(4); }
  set questions(v: u32) { this.put16(4, v); }

  get answers(): u32 { return this.u16at(6); }
  set answers(v: u32) { this.put16(6, v); }

  get authorities(): u32 { return this.u16at(8); }
  set authorities(v: u32) { this.put16(8, v); }

  get additionals(): u32 { return this.u16at(10); }
  set additionals(v: u32) { this.put16(10, v); }

  /** No records follow the question. */
  clearRecords(): void {
    this.put16(6, 0);
    this.put32(8, 0);
  }
}
