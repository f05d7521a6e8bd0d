/** What V8 makes of the modules that are drawn. */
import assert from "node:assert/strict";
import { randomModule, type Signature } from "./random.js";

export interface Call {
  name: string;
  args: (number | bigint)[];
}

/** Calls of each function of a module that was drawn. */
function drawnCalls(signatures: Signature[]): Call[] {
  const argument = (type: number, n: number): number | bigint => {
    const value = [3, -1, 0x7fffffff, 77][n % 4]!;
    return type === 0x7f ? value : BigInt(value);
  };
  return signatures.flatMap((s, i) =>
    [0, 1].map((n) => ({ name: `f${i}`, args: s.parameters.map((type, j) => argument(type, j + n)) })));
}

/** What V8 says of each call of a module, and of its memory afterwards. */
export function ofV8(bytes: Uint8Array, calls: Call[]): string[] {
  const x = new WebAssembly.Instance(new WebAssembly.Module(Uint8Array.from(bytes))).exports;
  const lines = calls.map(({ name, args }) => {
    try {
      const value = (x[name] as (...a: (number | bigint)[]) => number | bigint)(...args);
      return typeof value === "bigint" ? `= ${BigInt.asUintN(64, value)}` : `= ${value >>> 0}`;
    } catch (e) {
      assert.ok(e instanceof WebAssembly.RuntimeError, String(e));
      return "trap";
    }
  });
  let sum = 0xcbf29ce484222325n;
  for (const byte of new Uint8Array((x["memory"] as WebAssembly.Memory).buffer, 0, 4096)) {
    sum = BigInt.asUintN(64, (sum ^ BigInt(byte)) * 0x100000001b3n);
  }
  return [...lines, `= ${sum}`];
}

/** A line that is sent, and what V8 says of it. `is32`: its result has 32 bits. */
export interface Asked {
  seed: number;
  command: string;
  line: string;
  is32: boolean;
}

/** What is asked of the modules of the seeds from 1 to `count`; `place` puts one where `load` finds it, by its name. */
export function askedOfDrawn(count: number, place: (bytes: Uint8Array, seed: number) => string): Asked[] {
  return Array.from({ length: count }, (_, i) => i + 1).flatMap((seed): Asked[] => {
    const { bytes, signatures } = randomModule(seed), calls = drawnCalls(signatures), lines = ofV8(bytes, calls);
    const called = calls.map(({ name, args }, i): Asked => {
      const numbers = args.map((a) => BigInt.asUintN(typeof a === "bigint" ? 64 : 32, BigInt(a)));
      const is32 = signatures[Number(name.slice(1))]!.result === 0x7f;
      return { seed, command: `call ${name} ${numbers.join(" ")}`, line: lines[i]!, is32 };
    });
    return [
      { seed, command: `load ${place(bytes, seed)}`, line: "loaded", is32: false }, ...called,
      { seed, command: "hash", line: lines.at(-1)!, is32: false },
    ];
  });
}

/** Checks what was said of each. */
export function assertAsked(asked: Asked[], said: string[]): void {
  asked.forEach(({ seed, command, line, is32 }, i) => {
    const whole = said[i]!;
    const number = is32 && whole.startsWith("= ") ? `= ${BigInt.asUintN(32, BigInt(whole.slice(2)))}` : whole;
    assert.equal(number.startsWith("trap") ? "trap" : number, line, `seed ${seed}: ${command}`);
  });
  const values = asked.filter(({ line }) => line.startsWith("=")).length;
  assert.ok(values > asked.length / 2, `${values} of ${asked.length} end without a trap`);
}
