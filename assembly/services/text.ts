// Text in memory: literals, comparison, numbers.

/** Writes a literal's characters (ASCII) from `at` on. Returns where the next ones go. */
// @ts-ignore: decorator
@inline
export function put(at: usize, bytes: usize, size: u32): usize {
  memory.copy(at, bytes, size);
  return at + size;
}

/** Writes a number in decimal. */
export function putNumber(at: usize, n: u64): usize {
  let digits: u32 = 1;
  for (let rest = n / 10; rest != 0; rest /= 10) digits++;
  for (let i = digits; i > 0; i--) {
    store<u8>(at + i - 1, 48 + <u8>(n % 10));
    n /= 10;
  }
  return at + digits;
}

/** Whether the `size` bytes at a are those at b, letters in either case. */
export function sameText(a: usize, b: usize, size: u32): bool {
  for (let i: u32 = 0; i < size; i++) {
    if (lower(load<u8>(a + i)) != lower(load<u8>(b + i))) return false;
  }
  return true;
}

function lower(c: u8): u8 {
  return c >= 65 && c <= 90 ? c + 32 : c;
}

/** The value of a hexadecimal digit, or 255. */
export function hexDigit(c: u8): u8 {
  if (c >= 48 && c <= 57) return c - 48;
  const l = lower(c);
  return l >= 97 && l <= 102 ? l - 87 : 255;
}
