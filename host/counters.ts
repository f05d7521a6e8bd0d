import { COUNTERS } from "./module/layout.js";

export { COUNTERS };

export type Counter = (typeof COUNTERS)[number];
