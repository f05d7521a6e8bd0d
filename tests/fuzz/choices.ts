/** Where the fuzzer's choices come from: an input. */

/** Reads choices out of an input; beyond its end everything is 0. */
export class Choices {
  at = 0;
  constructor(readonly bytes: Uint8Array) {}
  get left(): boolean {
    return this.at < this.bytes.length;
  }
  u8(): number {
    return this.bytes[this.at++] ?? 0;
  }
  u16(): number {
    return this.u8() << 8 | this.u8();
  }
  u32(): number {
    return (this.u16() << 16 | this.u16()) >>> 0;
  }
  below(n: number): number {
    return this.u8() % n;
  }
}
