/** Messages of NTP (RFC 5905 §7.3), as a server writes them. */
import { be } from "./codec.js";

/** Seconds from 1900 to 1970. */
const UNIX = 2208988800;

/** A time as it stands in a message, from µs since 1970. */
function stamp(us: number): number[] {
  const s = Math.floor(us / 1e6), fraction = Math.ceil(((us - s * 1e6) * 2 ** 32) / 1e6);
  return [...be(4, (s + UNIX) % 2 ** 32), ...be(4, Math.min(fraction, 2 ** 32 - 1))];
}

export interface NtpAnswer {
  leap?: number;
  version?: number;
  mode?: number;
  stratum?: number;
  /** In units of 2^-16 s. */
  rootDelay?: number;
  rootDispersion?: number;
  /** Four letters, of a server of stratum 0. */
  reference?: string;
  /** The question's time of sending. */
  originate: number[];
  /** When the question came, and the answer left, µs since 1970; null: 0 in the message. */
  received: number | null;
  sent: number | null;
}

/** The 48 bytes of an answer. */
export function ntpAnswer(a: NtpAnswer): Uint8Array {
  const { leap = 0, version = 4, mode = 4, stratum = 2, rootDelay = 0x100, rootDispersion = 0x200 } = a;
  const none = [0, 0, 0, 0, 0, 0, 0, 0], time = (us: number | null): number[] => (us === null ? none : stamp(us));
  return Uint8Array.from([
    (leap << 6) | (version << 3) | mode, stratum, 6, 0xec, ...be(4, rootDelay), ...be(4, rootDispersion),
    ...[...(a.reference ?? "GPS ")].map((c) => c.charCodeAt(0)), ...none, ...a.originate,
    ...time(a.received), ...time(a.sent),
  ]);
}
