/** A seeded generator (xoshiro128**): the same seed gives the same run on every machine. */
export class Random {
  #s: Uint32Array;

  constructor(seed: number) {
    // SplitMix32 spreads the seed over the state.
    let z = seed >>> 0;
    this.#s = Uint32Array.from({ length: 4 }, () => {
      z = (z + 0x9e3779b9) >>> 0;
      let x = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
      x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
      return (x ^ (x >>> 16)) >>> 0;
    });
  }

  /** 32 random bits. */
  u32(): number {
    const s = this.#s;
    const x = Math.imul(s[1]!, 5);
    const result = Math.imul((x << 7) | (x >>> 25), 9) >>> 0;
    const t = s[1]! << 9;
    s[2]! ^= s[0]!;
    s[3]! ^= s[1]!;
    s[1]! ^= s[2]!;
    s[0]! ^= s[3]!;
    s[2]! ^= t;
    s[3] = (s[3]! << 11) | (s[3]! >>> 21);
    return result;
  }

  /** 0 ≤ x < 1. */
  float(): number {
    return this.u32() / 2 ** 32;
  }

  /** 0 ≤ x < bound, an integer. */
  below(bound: number): number {
    return Math.floor(this.float() * bound);
  }

  /** True with probability `p`; with 0, no number of the sequence is used. */
  chance(p: number): boolean {
    return p > 0 && this.float() < p;
  }

  /** So many bytes; four take one number of the sequence. */
  bytes(size: number): Uint8Array {
    const out = new Uint8Array(size);
    for (let i = 0; i < size; i += 4) {
      const x = this.u32();
      for (let j = 0; j < 4 && i + j < size; j++) out[i + j] = x >>> (8 * j);
    }
    return out;
  }
}
