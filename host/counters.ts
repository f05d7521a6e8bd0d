import { COUNTERS } from "./module/layout.js";

export { COUNTERS };

/** The name of a counter (docs/reference/counters.md). */
export type Counter = (typeof COUNTERS)[number];
