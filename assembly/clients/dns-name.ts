// Names of DNS (RFC 1035 §3.1): labels, each behind its length, the root's length 0 at
// the end; small letters where we keep them.

/** Bytes of a name at most (RFC 1035 §2.3.4). */
export const NAME_BYTES: u32 = 255;
const LABEL_BYTES: u32 = 63;
/** Pointers that are followed for one name: it has no more labels. */
const POINTERS_MAX: u32 = 127;

function lower(c: u32): u32 {
  return c - 65 < 26 ? c | 32 : c;
}

/** Letters, digits, hyphens, and the underscore of services. */
function isNameByte(c: u32): bool {
  return c - 97 < 26 || c - 48 < 10 || c == 45 || c == 95;
}

/**
 * Writes the name that `size` bytes of text are, with or without a dot at the end, to the 255 bytes
 * at `to`. Returns its size; 0: it is none.
 */
export function nameFromText(from: usize, size: u32, to: usize): u32 {
  let n: u32 = 0, label: u32 = 0;
  if (size != 0 && load<u8>(from + size - 1) == 46) size--;
  if (size == 0 || size + 2 > NAME_BYTES) return 0;
  for (let i: u32 = 0; i <= size; i++) {
    const c = i == size ? 46 : lower(<u32>load<u8>(from + i));
    if (c != 46) {
      if (!isNameByte(c)) return 0;
      store<u8>(to + ++n, <u8>c);
      continue;
    }
    const length = n - label;
    if (length == 0 || length > LABEL_BYTES) return 0;
    store<u8>(to + label, <u8>length);
    label = ++n;
  }
  store<u8>(to + n, 0);
  return n + 1;
}

/**
 * Reads the name at `at` of the message from `start` to `end`, in small letters, to the 255 bytes at `to`. A
 * pointer (RFC 1035 §4.1.4) leads to what stands before everything that was read, so there are no loops.
 * Returns the name's size; 0: it cannot be one.
 */
export function nameRead(start: usize, at: usize, end: usize, to: usize): u32 {
  let n: u32 = 0, before = at, pointers: u32 = 0;
  while (at < end) {
    const length = <u32>load<u8>(at);
    if (length >= 0xc0) {
      // Pointers to pointers would be the longest way through a large message, for each of its records.
      if (at + 1 >= end || ++pointers > POINTERS_MAX) return 0;
      const target = start + (<usize>(length & 0x3f) << 8 | <usize>load<u8>(at, 1));
      if (target >= before) return 0;
      at = before = target;
      continue;
    }
    if (length > LABEL_BYTES || n + length + 1 > NAME_BYTES || at + length + 1 > end) return 0;
    store<u8>(to + n++, <u8>length);
    if (length == 0) return n;
    for (let i: u32 = 1; i <= length; i++) store<u8>(to + n++, <u8>lower(<u32>load<u8>(at + i)));
    at += length + 1;
  }
  return 0;
}

/** Where the name at `at` ends in the message; 0: it does not before `end`. */
export function nameSkip(at: usize, end: usize): usize {
  while (at < end) {
    const length = <u32>load<u8>(at);
    if (length >= 0xc0) return at + 2 <= end ? at + 2 : 0;
    if (length > LABEL_BYTES) return 0;
    at += length + 1;
    if (length == 0) return at;
  }
  return 0;
}

/** Whether two names of these sizes are the same. */
export function nameIs(a: usize, aSize: u32, b: usize, bSize: u32): bool {
  return aSize == bSize && memory.compare(a, b, aSize) == 0;
}

/** Whether a name is one in .local (RFC 6762 §3), which only those on the link know. */
export function isLocal(name: usize, size: u32): bool {
  let at: u32 = 0;
  while (at + 7 < size) at += <u32>load<u8>(name + at) + 1;
  // "\5local\0" is all that is left, and not all there is.
  return at != 0 && at + 7 == size && load<u32>(name + at) == 0x636f6c05 && load<u16>(name + at, 4) == 0x6c61;
}
