/** The picture of the memory in docs/design/memory.md: it is what the module lays out. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { picture } from "../../tools/memory-map.mjs";
import { budget } from "../../tools/size.mjs";

describe("docs/memory.svg", () => {
  const svg = readFileSync("docs/memory.svg", "utf8");
  const texts = [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => text!);
  /** Each part's place and size, and where the last one ends. */
  const numbers = texts.filter((text) => /^[\d,]+$/.test(text)).map((text) => Number(text.replaceAll(",", "")));

  it("is what the module lays out now", () => assert.equal(picture(), svg, "draw it anew: npm run map"));

  it("has parts that lie one behind the other, from the first byte to the last", () => {
    assert.ok(numbers.length > 21 && numbers.length % 2 === 1);
    assert.equal(numbers[0], 0);
    for (let i = 0; i + 2 < numbers.length; i += 2)
      assert.equal(numbers[i + 2], Math.min((numbers[i]! + numbers[i + 1]! + 7) & ~7, numbers.at(-1)!));
  });

  it("is the configuration of the budget (npm run size)", () => {
    const { value } = budget().find(({ name }) => String(name).startsWith("4 connections"))!;
    const data = Number(value) - numbers.at(-1)!;
    assert.ok(data > 0 && data < 1024, `the module's own data would be ${data} bytes`);
  });
});
