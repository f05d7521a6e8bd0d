/**
 * Which module a checker runs on: STINT_MODULE. `stint.checks` counts everything anew after each poll, `stint.owned`
 * checks each load and store (docs/testing/ownership.md). Both are slower, and made when they are asked for: `npm run
 * build -- --only stint.checks`, `npm run ownership -- --wasm`.
 */
export const MODULE = process.env["STINT_MODULE"] ?? "stint.simd";
export const OWNED = MODULE.startsWith("stint.owned");
/** Whether the module does work of its own, which no limit on loops is meant for. */
export const SLOW = OWNED || MODULE === "stint.checks";
