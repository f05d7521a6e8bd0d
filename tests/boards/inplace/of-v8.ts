/** What V8 makes of the modules that are drawn. */
import assert from "node:assert/strict";
import type { Signature } from "./random.js";

export interface Call {
  name: string;
  args: (number | bigint)[];
}

/** Calls of each function of a module that was drawn. */
export function drawnCalls(signatures: Signature[]): Call[] {
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
