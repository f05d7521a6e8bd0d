/** What becomes of the frames that a scenario names: the n-th of a kind that a host sends is lost, late, or doubled. */
import type { TcpSegment } from "../decode.js";
import type { Fault } from "./scenario.js";

/** Counts from the scenario's beginning, so `seen` is part of the lab's snapshots. */
export class Faults {
  /** Frames that were seen, by host and kind. */
  seen: Record<string, number> = {};

  constructor(readonly faults: readonly Fault[]) {}

  /** What happens to a segment that a host sends now; it is counted. */
  of(name: string, tcp: TcpSegment): Fault | undefined {
    const f = new Set(tcp.flags);
    const is = (what: Fault["what"]): boolean =>
      what === "any"
      || (what === "SYN" && f.has("SYN") && !f.has("ACK"))
      || (what === "SYN ACK" && f.has("SYN") && f.has("ACK"))
      || (what === "ACK" && !f.has("SYN") && !f.has("FIN") && !f.has("RST") && tcp.len === 0)
      || (what === "data" && tcp.len > 0)
      || (what === "FIN" && f.has("FIN"));
    let found: Fault | undefined;
    const counted = new Set<string>();
    for (const fault of this.faults) {
      if (fault.from !== name || !is(fault.what)) continue;
      const key = `${fault.from} ${fault.what}`;
      if (!counted.has(key)) this.seen[key] = (this.seen[key] ?? 0) + 1;
      counted.add(key);
      if (this.seen[key] === fault.nth) found = fault;
    }
    return found;
  }
}
