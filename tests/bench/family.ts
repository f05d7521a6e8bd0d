/**
 * `npm run bench -- bulk round-trips --family 6`: what a packet costs over IPv6, against IPv4 in the same rounds, in V8
 * and natively; and with valgrind in instructions, which do not depend on what else the machine does.
 */
import { findProgram } from "../../host/programs.js";
import { counted } from "./instructions.js";
import { interleaved, ratio, summary, type Row } from "./measure.js";
import { everybody } from "./peers.js";
import { figures } from "./subjects.js";

/** Text of a segment without options, from an MTU of 1500. */
const MSS = { 4: 1460, 6: 1440 };
/** Bytes that the driver moves in one go (driver.c: work). */
const BULK = 1 << 22, TRIPS = 2000;
/** A byte there and one back are two packets with text. */
const PACKETS_A_TRIP = 2;
const SUBJECTS = ["stint-v8-simd", "stint-native"], FAMILIES = [4, 6] as const;
type Family = (typeof FAMILIES)[number];

interface Work {
  params: Record<string, number>;
  /** Packets with text in `count` calls of the driver's `work`. */
  units(family: Family): number;
  count: number;
  /** A packet's share of what the driver says. */
  ns(family: Family, figure: number): number;
}

const WORKS: Record<string, Work> = {
  bulk: {
    params: { ack_every: 2 }, count: 1, units: (family) => BULK / MSS[family],
    // GB/s are bytes in a nanosecond.
    ns: (family, figure) => MSS[family] / figure,
  },
  "round-trips": {
    params: { ring: 2048 }, count: TRIPS, units: () => TRIPS * PACKETS_A_TRIP,
    ns: (_, figure) => 1e9 / figure / PACKETS_A_TRIP,
  },
};

/** The works that there are over either family. */
export const FAMILY_WORKS = Object.keys(WORKS);

/** Nanoseconds, and instructions, for a packet with text: both ends, the link and what is acknowledged. */
export function benchFamily(name: string, quick: boolean): Row[] {
  const work = WORKS[name]!, rows: Row[] = [];
  for (const subject of everybody(quick, SUBJECTS)) {
    const turn = (family: Family) => (): number => {
      const lines = figures(subject, name, quick ? 0.8 : 1.5, { ...work.params, family });
      return work.ns(family, summary(lines.map((line) => line[0]!)).median);
    };
    const { four: over4, six: over6 } = interleaved({ four: turn(4), six: turn(6) }, quick ? 5 : 11, 0);
    const row = { work: name, subject: subject.name, unit: "ns a packet" };
    rows.push({ ...row, params: { family: 4 }, ...over4, ratios: {} });
    rows.push({ ...row, params: { family: 6 }, ...over6, ratios: { "IPv4": ratio(over6, over4) } });
    if (subject.name === "stint-v8-simd" || findProgram("valgrind") === undefined) continue;
    const [four, six] = FAMILIES.map((family) => counted(
      subject, { name, driver: name, units: work.units(family), count: work.count, params: { ...work.params, family } },
      { caches: false },
    )[0]!);
    rows.push({
      work: name, subject: subject.name, params: { family: 6, of: "instructions" }, median: Math.round(six!), unit: "",
      spread: 0, ratios: { "IPv4": six! / four! },
    });
  }
  return rows;
}
