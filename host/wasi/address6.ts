// IPv6 addresses in text: as 16 bytes (RFC 4291 §2.2, but for decimal numbers at the end), and in the form of RFC 5952.

import { say, sayByte } from "./wasi";

const SIZE: usize = 16;
const WORDS: u32 = 8;
const COLON: u8 = 58;

let end: usize = 0;

/** Up to four hexadecimal digits from `at`; `end` is where they stop. */
function word(at: usize): u32 {
  let n: u32 = 0;
  end = at;
  for (; end < at + 4; end++) {
    const c = <u32>load<u8>(end), digit = c >= 48 && c <= 57 ? c - 48 : (c | 32) - 87;
    if (digit > 15 || (c > 57 && digit < 10)) break;
    n = (n << 4) | digit;
  }
  return n;
}

/** The bytes of the address at `at` go to `to`. Returns where it ends; 0: it is none. */
export function address6(at: usize, to: usize): usize {
  let n: u32 = 0, gap: u32 = WORDS;
  memory.fill(to, 0, SIZE);
  if (load<u16>(at) == 0x3a3a) {
    gap = 0;
    at += 2;
  }
  while (n < WORDS) {
    const w = word(at);
    if (end == at) {
      if (gap != n) return 0;
      break;
    }
    store<u16>(to + (<usize>n << 1), bswap<u16>(<u16>w));
    n++;
    at = end;
    if (load<u8>(at) != COLON || n == WORDS) break;
    at++;
    if (load<u8>(at) == COLON && gap == WORDS) {
      gap = n;
      at++;
    }
  }
  if (gap == WORDS) return n == WORDS ? at : 0;
  // "::" stands for one word at least.
  if (n == WORDS) return 0;
  const back = <usize>(n - gap) << 1, from = to + (<usize>gap << 1);
  memory.copy(to + SIZE - back, from, back);
  memory.fill(from, 0, SIZE - back - (<usize>gap << 1));
  return at;
}

function sayWord(w: u32, digits: u32): void {
  for (let i = digits; i-- > 0;) {
    const digit = (w >> (i << 2)) & 15;
    sayByte(<u8>(digit < 10 ? 48 + digit : 87 + digit));
  }
}

function wordAt(at: usize, i: u32): u32 {
  return <u32>bswap<u16>(load<u16>(at + (<usize>i << 1)));
}

/** Adds the address of the 16 bytes at `at` to the line. */
export function sayAddress6(at: usize): void {
  // The longest run of zeros, the first of them, of two at least (RFC 5952 §4.2).
  let gap: u32 = WORDS, run: u32 = 1;
  for (let i: u32 = 0; i < WORDS; i++) {
    let n: u32 = 0;
    while (i + n < WORDS && wordAt(at, i + n) == 0) n++;
    if (n <= run) continue;
    gap = i;
    run = n;
  }
  for (let i: u32 = 0; i < WORDS; i++) {
    if (i == gap) {
      say("::");
      i += run - 1;
      continue;
    }
    if (i != 0 && i != gap + run) sayByte(COLON);
    const w = wordAt(at, i);
    sayWord(w, w > 0xfff ? 4 : w > 0xff ? 3 : w > 0xf ? 2 : 1);
  }
}
