// Sequence numbers: unsigned 32-bit, compared modulo 2^32 (RFC 9293 §3.4).

export type Seq = u32;

/** Whether a comes before b. */
export function seqLt(a: Seq, b: Seq): bool {
  return <i32>(a - b) < 0;
}

/** Whether a comes before b or is b. */
export function seqLe(a: Seq, b: Seq): bool {
  return <i32>(a - b) <= 0;
}

/** The later one of a and b. */
export function seqMax(a: Seq, b: Seq): Seq {
  return <i32>(a - b) < 0 ? b : a;
}

/** The earlier one of a and b. */
export function seqMin(a: Seq, b: Seq): Seq {
  return <i32>(a - b) < 0 ? a : b;
}

/** Whether start ≤ x < start + size. */
export function seqInWindow(x: Seq, start: Seq, size: u32): bool {
  return x - start < size;
}
