/** Writes build/stint.owned.wasm, or another file. Returns how many accesses are checked. */
export function owned(to?: string): number;
/** Makes the program for libFuzzer in `dir`. Returns its path. */
export function fuzzer(dir?: string): string;
