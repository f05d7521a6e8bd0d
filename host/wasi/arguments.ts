// The command line: --name value, into numbers.

import { args_get, args_sizes_get, proc_exit, say, sayBytes, sayEnd, sayNumber } from "./wasi";

const ARGS_MAX: u32 = 64;
const POINTERS: usize = memory.data(256);
const TEXT: usize = memory.data(4096);
const CELL: usize = memory.data(8, 8);
let argc: u32 = 0;

/** Ends the program: the user got something wrong. */
export function usage(text: string, at: usize = 0): void {
  say("stint: ");
  if (at != 0) {
    say("\"");
    // A line has room for so much, and for what is wrong with it.
    sayBytes(at, min<u32>(lengthOf(at), 100));
    say("\" ");
  }
  say(text);
  sayEnd();
  proc_exit(2);
}

/** The same, of a number of the configuration. */
export function usageOf(name: string, at: usize, low: u32, high: u32): void {
  say("stint: ");
  say(name.length != 0 ? name : "--set");
  say(" is \"");
  sayBytes(at, lengthOf(at));
  say("\"; it must be a number from ");
  sayNumber(low);
  say(" to ");
  sayNumber(high);
  sayEnd();
  proc_exit(2);
}

export function argumentsRead(): void {
  args_sizes_get(CELL, CELL + 4);
  argc = load<u32>(CELL);
  if (argc > ARGS_MAX || load<u32>(CELL, 4) > 4096) usage("too many arguments");
  args_get(POINTERS, TEXT);
}

export function argumentsCount(): u32 {
  return argc;
}

/** The i-th argument: bytes up to a 0. */
export function argument(i: u32): usize {
  return load<u32>(POINTERS + (i << 2));
}

export function lengthOf(at: usize): u32 {
  let n: u32 = 0;
  while (load<u8>(at + n) != 0) n++;
  return n;
}

export function isText(at: usize, text: string): bool {
  return startsWith(at, text) && load<u8>(at + text.length) == 0;
}

export function startsWith(at: usize, text: string): bool {
  for (let i = 0; i < text.length; i++) {
    if (load<u8>(at + i) != <u8>load<u16>(changetype<usize>(text) + (<usize>i << 1))) return false;
  }
  return true;
}

/** A decimal number from `at` up to a byte that is no digit; `stopped` tells where. More than 2^32 − 1: 2^32. */
export function decimal(at: usize): u64 {
  let n: u64 = 0;
  start = at;
  for (let c = load<u8>(at); c >= 48 && c <= 57; c = load<u8>(++at)) n = min<u64>(n * 10 + <u64>(c - 48), 1 << 32);
  stop = at;
  return n;
}

let start: usize = 0;
let stop: usize = 0;

/** Where the last `decimal` stopped. */
export function stopped(): usize {
  return stop;
}

/** A number that takes the whole argument and lies between low and high. */
export function number(at: usize, low: u32, high: u32): u32 {
  const n = decimal(at);
  if (stop == start || load<u8>(stop) != 0 || n < <u64>low || n > <u64>high) {
    usage("is no number in the range that this option takes", at);
  }
  return <u32>n;
}

/** `size` bytes as hexadecimal digits, and nothing else, go to `to`. */
export function hexadecimal(at: usize, to: usize, size: u32): void {
  if (lengthOf(at) != size << 1) usage("is no key; it takes two hexadecimal digits a byte", at);
  for (let i: u32 = 0; i < size << 1; i++) {
    const c = <u32>load<u8>(at + i), digit = c >= 48 && c <= 57 ? c - 48 : (c | 32) - 87;
    if (digit > 15 || (c > 57 && digit < 10)) usage("is no key; it takes two hexadecimal digits a byte", at);
    store<u8>(to + (i >> 1), <u8>((i & 1) == 0 ? digit << 4 : <u32>load<u8>(to + (i >> 1)) | digit));
  }
}

/** An IPv4 address; `stopped` tells what follows it. */
export function address(at: usize): u32 {
  let ip: u32 = 0;
  let from = at;
  for (let i = 0; i < 4; i++) {
    const part = decimal(from);
    if (stop == from || part > 255 || (i < 3 && load<u8>(stop) != 46)) {
      usage("is no IPv4 address; write it like 10.0.0.2", at);
    }
    ip = (ip << 8) | <u32>part;
    from = stop + 1;
  }
  return ip;
}
