// ICMPv6 (RFC 4443 §2.1), and the messages of neighbour discovery (RFC 4861 §4) and of
// multicast listeners (RFC 2710, RFC 3810).
//
//    0       1       2               4
//   +-------+-------+---------------+---------------
//   | type  | code  |   checksum    | body
//   +-------+-------+---------------+---------------

import { Wire } from "./wire";

export const ICMP6_UNREACHABLE: u32 = 1;
export const ICMP6_TOO_BIG: u32 = 2;
export const ICMP6_TIME_EXCEEDED: u32 = 3;
export const ICMP6_PARAMETER_PROBLEM: u32 = 4;
export const ICMP6_ECHO: u32 = 128;
export const ICMP6_ECHO_REPLY: u32 = 129;
export const MLD_QUERY: u32 = 130;
export const MLD_REPORT: u32 = 131;
export const ND_ROUTER_SOLICITATION: u32 = 133;
export const ND_ROUTER_ADVERTISEMENT: u32 = 134;
export const ND_SOLICITATION: u32 = 135;
export const ND_ADVERTISEMENT: u32 = 136;
export const ND_REDIRECT: u32 = 137;
export const MLD_REPORT_2: u32 = 143;

/** Codes of "destination unreachable" (RFC 4443 §3.1). */
export const UNREACHABLE6_PROHIBITED: u32 = 1;
export const UNREACHABLE6_PORT: u32 = 4;
export const UNREACHABLE6_POLICY: u32 = 5;
export const UNREACHABLE6_ROUTE: u32 = 6;

/** Codes of "parameter problem" (RFC 4443 §3.4, RFC 7112 §5). */
export const PROBLEM_FIELD: u32 = 0;
export const PROBLEM_HEADER: u32 = 1;
export const PROBLEM_OPTION: u32 = 2;
export const PROBLEM_CHAIN: u32 = 3;

/** Code of "time exceeded": of reassembly. */
export const EXCEEDED6_REASSEMBLY: u32 = 1;

/** Options of neighbour discovery (RFC 4861 §4.6, RFC 8106, RFC 3971 §5.3.2). */
export const enum NdOption { SOURCE_MAC = 1, TARGET_MAC = 2, PREFIX = 3, MTU = 5, NONCE = 14, RDNSS = 25, DNSSL = 31 }

/** Flags of an advertisement (RFC 4861 §4.4), as they stand in its second word. */
export const NA_ROUTER: u32 = 1 << 31;
export const NA_SOLICITED: u32 = 1 << 30;
export const NA_OVERRIDE: u32 = 1 << 29;

/** Where the first option lies in a router's solicitation and advertisement; in a neighbour's. */
export const RS_SIZE: u32 = 8;
export const RA_SIZE: u32 = 16;
export const NS_SIZE: u32 = 24;
/** In a redirect (RFC 4861 §4.5), behind the target and the destination. */
export const REDIRECT_SIZE: u32 = 40;

@unmanaged export class Icmp6 extends Wire {
  static readonly SIZE: u32 = 8;

  get type(): u32 { return this.u8at(0); }
  set type(v: u32) { this.put8(0, v); }

  get code(): u32 { return this.u8at(1); }
  set code(v: u32) { this.put8(1, v); }

  /** In memory order, as `foldSum` gives it. */
  set checksum(v: u16) { store<u16>(changetype<usize>(this), v, 2); }

  /** The second word: unused, an MTU, a pointer, flags, or number and sequence of an echo. */
  get rest(): u32 { return this.u32at(4); }
  set rest(v: u32) { this.put32(4, v); }

  /** Where the target of a neighbour's solicitation or advertisement, or of a redirect, is, 16 bytes. */
  get targetAt(): usize { return changetype<usize>(this) + 8; }

  /** Where the destination of a redirect is, 16 bytes. */
  get redirectedAt(): usize { return changetype<usize>(this) + 24; }
}
