/** Writes build/stint.owned.wasm, or another file from another entry. Returns how many accesses are checked. */
export function owned(to?: string, entry?: string): number;
/** Makes the program for libFuzzer in `dir`. Returns its path. */
export function fuzzer(dir?: string): string;
/** Writes build/stint.owned.small.wasm, in the shape of the small build. */
export function ownedSmall(): number;
/** Writes build/stint.owned.dual.wasm, in the shape of the small one with both families. */
export function ownedDual(): number;
