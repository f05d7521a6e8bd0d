/** What the source promises about itself: layers, tables that stand twice, the budget. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, it } from "node:test";
import { CONFIG_FIELDS, configNumbers } from "../../host/config.js";
import { stale } from "../../tools/border/run.mjs";
import { budget } from "../../tools/size.mjs";

function files(dir: string): string[] {
  return readdirSync(dir, { withFileTypes: true }).flatMap((e) => (e.isDirectory() ? files(join(dir, e.name)) : e.name.endsWith(".ts") ? [join(dir, e.name)] : []));
}

const source = (path: string): string => readFileSync(path, "utf8");

describe("layers", () => {
  // A file may import from layers below its own, and from its own folder.
  const LAYERS = [["core"], ["buffers", "wire"], ["arp"], ["ip"], ["tcp", "udp", "icmp"], ["api"], ["stack.ts"], ["index.ts"], ["services"]];
  const level = (path: string): number => LAYERS.findIndex((l) => l.some((name) => path.startsWith(`assembly/${name}`)));

  it("import downward only, and not from one protocol to another", () => {
    for (const file of files("assembly")) {
      if (level(file) < 0) continue;
      for (const [, to] of source(file).matchAll(/from "(\.[^"]+)"/g)) {
        const target = `${normalize(join(dirname(file), to!))}.ts`;
        if (target === "assembly/config.ts" || dirname(target) === dirname(file)) continue;
        // The interface asks the stack where its arena is.
        if (file.startsWith("assembly/api/") && target === "assembly/stack.ts") continue;
        assert.ok(level(target) < level(file), `${file} imports ${target}`);
      }
    }
  });

  it("only tcp/state.ts assigns a state", () => {
    for (const file of files("assembly/tcp")) {
      if (file.endsWith("/state.ts")) continue;
      const hits = source(file).match(/\.state = (?!0;)/g) ?? [];
      assert.deepEqual(hits, [], file);
    }
  });
});

describe("the module's border", () => {
  it("has one source: what is made of it is as it would be made now", () => assert.deepEqual(stale(), [], "make it anew: npm run border"));
  it("defaults of the command for wasmtime", () => {
    const numbers = configNumbers({ ip: "10.0.0.1/24" });
    for (const [, name, value] of source("host/wasi/defaults.ts").matchAll(/c\.(\w+) = ([^;]+);/g)) {
      if (name === "size" || name === "policy") continue;
      // eslint-disable-next-line no-eval
      assert.equal(numbers[name as (typeof CONFIG_FIELDS)[number]], eval(value!), name);
    }
  });
});

describe("budget", () => {
  it("imports nothing, has no heap, grows its memory in init only, and fits", () => {
    for (const row of budget()) assert.ok(row.ok, `${row.name}: ${row.value} (limit ${row.limit})`);
  });
});

describe("asserts", () => {
  it("are in the module that ships: a broken invariant traps", async () => {
    const { default: binaryen } = await import("binaryen");
    const inSource = files("assembly").flatMap((f) => source(f).match(/^\s*assert\(/gm) ?? []).length;
    const traps = binaryen.readBinary(readFileSync("build/stint.wasm")).emitText().match(/unreachable/g) ?? [];
    assert.ok(inSource > 0 && traps.length >= inSource, `${traps.length} of ${inSource}`);
  });
});

describe("RFC 9293 §3.10 in the code", () => {
  it("every subsection is found", async () => {
    const { findSection } = await import("../../tools/rfc.mjs");
    for (const section of ["3.10.1", "3.10.2", "3.10.3", "3.10.4", "3.10.5", "3.10.6", "3.10.7", "3.10.7.1", "3.10.7.2", "3.10.7.3", "3.10.7.4", "3.10.8"]) {
      assert.ok(findSection(section).length > 0, section);
    }
  });
});
