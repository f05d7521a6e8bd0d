/** The small build for runtimes that know the first WebAssembly alone (2017). */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import binaryen from "binaryen";

const MVP = "build/stint.mvp.wasm", SMALL = "build/stint.wasm";

/** Whether a module is valid where nothing but the first WebAssembly is. */
function isFirst(bytes: Uint8Array): boolean {
  const module = binaryen.readBinary(bytes);
  module.setFeatures(binaryen.Features.MVP);
  try {
    return module.validate() === 1;
  } finally {
    module.dispose();
  }
}

describe("stint.mvp.wasm", () => {
  it("is valid without any feature that came after the first WebAssembly", () => {
    assert.ok(isFirst(readFileSync(MVP)));
    assert.ok(!isFirst(readFileSync(SMALL)), "and the build that it is made of is not");
  });

  it("exports what the small build does, imports nothing, and is at most 256 bytes larger", () => {
    const module = (path: string): WebAssembly.Module => new WebAssembly.Module(readFileSync(path));
    const names = (path: string): string[] => WebAssembly.Module.exports(module(path)).map((e) => e.name).sort();
    assert.deepEqual(names(MVP), names(SMALL));
    assert.deepEqual(WebAssembly.Module.imports(module(MVP)), []);
    const more = readFileSync(MVP).length - readFileSync(SMALL).length;
    assert.ok(more <= 256, `${more} bytes`);
  });
});
