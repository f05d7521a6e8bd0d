/** 32 bytes that a stack takes for entropy, the same for the same seed. (All the same, or a counter, it refuses.) */
export function entropyOf(seed: number): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, i) => (i * i * 37 + i * 11 + seed * 101 + 1) & 255);
}
