// The NTP header (RFC 5905 §7.3), behind the UDP header.
//
//    0                  1         2      3           4            8                 12
//   +-----+-----+------+---------+------+-----------+------------+-----------------+--------------+
//   | LI  | VN  | mode | stratum | poll | precision | root delay | root dispersion | reference ID |
//   +-----+-----+------+---------+------+-----------+------------+-----------------+--------------+
//    16                    24                    32                  40                   48
//   +---------------------+---------------------+-------------------+--------------------+--------
//   | reference timestamp | originate timestamp | receive timestamp | transmit timestamp | more
//   +---------------------+---------------------+-------------------+--------------------+--------

import { Wire } from "./wire";

export const NTP_PORT: u32 = 123;
const NTP_VERSION: u32 = 4;
const MODE_SERVER: u32 = 4;
const MODE_CLIENT: u32 = 3;
/** LI: the server's own clock is not set. */
export const LEAP_UNKNOWN: u32 = 3;

/** What a server of stratum 0 says in the place of its reference (RFC 5905 §7.4), as four letters. */
export const KISS_DENY: u32 = 0x44454e59;
export const KISS_RSTR: u32 = 0x52535452;
export const KISS_RATE: u32 = 0x52415445;

/** Seconds from 1900, where era 0 of NTP begins, to 1970. */
const UNIX: u64 = 2208988800;

@unmanaged export class Ntp extends Wire {
  static readonly SIZE: u32 = 48;

  /** Whether the header lies within the `size` bytes there are, and is a server's of a version that has this header. */
  isAnswer(size: u32): bool {
    return size >= Ntp.SIZE && (this.u8at(0) & 7) == MODE_SERVER && (this.version == NTP_VERSION || this.version == 3);
  }

  get leap(): u32 { return this.u8at(0) >> 6; }
  get version(): u32 { return (this.u8at(0) >> 3) & 7; }
  get stratum(): u32 { return this.u8at(1); }
  /** In units of 2^-16 s. */
  get rootDelay(): u32 { return this.u32at(4); }
  get rootDispersion(): u32 { return this.u32at(8); }
  get reference(): u32 { return this.u32at(12); }

  /** A question: all is 0 but the time of sending, which comes back (RFC 4330 §5). */
  ask(high: u32, low: u32): void {
    memory.fill(changetype<usize>(this), 0, Ntp.SIZE);
    this.put8(0, NTP_VERSION << 3 | MODE_CLIENT);
    this.put32(40, high);
    this.put32(44, low);
  }

  /** Whether the time of sending in the question was this. */
  answers(high: u32, low: u32): bool {
    return this.u32at(24) == high && this.u32at(28) == low;
  }

  get hasReceived(): bool { return (this.u32at(32) | this.u32at(36)) != 0; }
  get hasSent(): bool { return (this.u32at(40) | this.u32at(44)) != 0; }

  /** When the question came to the server, µs since 1970. */
  get received(): u64 { return this.micros(32); }
  /** When the answer left it. */
  get sent(): u64 { return this.micros(40); }

  /** RFC 4330 §3: with the top bit clear, seconds count from 2036 on. */
  private micros(at: usize): u64 {
    const s = this.u32at(at), era = s >> 31 == 0 ? <u64>1 << 32 : 0;
    return (era + <u64>s - UNIX) * 1_000_000 + (<u64>this.u32at(at + 4) * 1_000_000 >> 32);
  }
}
