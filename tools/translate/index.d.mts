export function wasmToC(wasm: string, out: string, prefix?: string): void;
