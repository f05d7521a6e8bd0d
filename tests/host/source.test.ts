/** What the source promises about itself: layers, tables that stand twice, the budget. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, it } from "node:test";
import { type CONFIG_FIELDS, configNumbers } from "../../host/config.js";
import { stale } from "../../tools/border/run.mjs";
import { budget } from "../../tools/size.mjs";

function files(dir: string): string[] {
  return readdirSync(dir, { withFileTypes: true }).flatMap((e) => (e.isDirectory() ? files(join(dir, e.name)) : e.name.endsWith(".ts") ? [join(dir, e.name)] : []));
}

const source = (path: string): string => readFileSync(path, "utf8");

describe("layers", () => {
  // A file may import from layers below its own, and from its own folder.
  const LAYERS = [["core"], ["buffers", "wire"], ["arp"], ["ip"], ["tcp", "udp", "icmp"], ["clients"], ["api"], ["stack.ts"], ["index.ts"], ["whole.ts"], ["services"]];
  const level = (path: string): number => LAYERS.findIndex((l) => l.some((name) => path.startsWith(`assembly/${name}`)));

  /** The folder right below `assembly/` that a file is in. */
  const room = (path: string): string => path.split("/")[1]!;

  it("import downward only, and not from one protocol to another", () => {
    for (const file of files("assembly")) {
      if (level(file) < 0) continue;
      for (const [, to] of source(file).matchAll(/from "(\.[^"]+)"/g)) {
        const target = `${normalize(join(dirname(file), to!))}.ts`;
        if (target === "assembly/config.ts" || dirname(target) === dirname(file) || room(target) === room(file)) continue;
        // The interface asks the stack where its arena is.
        if (file.startsWith("assembly/api/") && target === "assembly/stack.ts") continue;
        assert.ok(level(target) < level(file), `${file} imports ${target}`);
      }
    }
  });

  it("only tcp/block/state.ts assigns a state", () => {
    for (const file of files("assembly/tcp")) {
      if (file.endsWith("/state.ts")) continue;
      const hits = source(file).match(/\.state = (?!0;)/g) ?? [];
      assert.deepEqual(hits, [], file);
    }
  });
});

describe("doors: what stores bytes whose number the network chose (DESIGN, What the network can reach)", () => {
  /** Each call of `memory.copy` or `memory.fill`, and each loop that stores, of a size that is no constant: its file and function, and how often. */
  const DOORS: Record<string, string> = {
    "buffers/ring.ts ringWrite": "memory.copy memory.copy",
    "buffers/ring.ts ringRead": "memory.copy memory.copy",
    "core/checksum.ts copySum": "store",
    "clients/dhcp-message.ts putName": "memory.copy",
    "clients/dhcp-state.ts domainKeep": "memory.copy",
    "clients/dhcp-state.ts hostNameKeep": "memory.copy",
    "ip/reassembly.ts slotFor": "memory.fill",
    "ip/reassembly.ts admit": "store memory.copy",
    "ip/output.ts ipResolved": "memory.copy",
    "icmp/icmp.ts echo": "memory.copy",
    "icmp/icmp.ts icmpError": "memory.copy",
    "tcp/segment/options.ts putFastOpen": "memory.copy",
    "tcp/open/fast-open.ts fastOpenAnswered": "memory.copy",
    "tcp/train.ts trainSend": "store",
  };
  /** Whose size has nothing to do with the network: `init`, and a table's own work. */
  const OTHERS = new Set(["stack.ts stackInit", "tcp/block/demux.ts demuxRemove", "buffers/heap.ts heapInit", "tcp/open/syn-cookie.ts synCookieInit"]);

  it("are all in the list, and each of them asserts or compares", () => {
    const found: Record<string, string> = {};
    for (const file of files("assembly")) {
      const name = file.replace("assembly/", "");
      if (name.startsWith("services/") || name.startsWith("rt/") || name === "core/own.ts" || name.startsWith("api/")) continue;
      for (const [whole, fn] of source(file).matchAll(/^(?:export )?function (\w+)\([\s\S]*?^\}/gm)) {
        const key = `${name} ${fn}`, hits: string[] = [];
        for (const [, what, rest] of whole.matchAll(/\bmemory\.(copy|fill)\((.*)\);/g)) {
          const last = rest!.slice(rest!.lastIndexOf(",") + 1).trim();
          if (!/^(\d+|(\d+ \* )?offsetof<\w+>\(\)|[A-Z][A-Z0-9_]*|\w+\.SIZE)$/.test(last)) hits.push(`memory.${what}`);
        }
        // A store within a loop, of vectors or of the bytes that a reassembly marks.
        if (/\b(for|while) \([^\n]*\{\n(?:(?!^  \}).*\n)*?[^\n]*(store<u(8|64)>|v128\.store)\((?!owners|places|deadlines)/m.test(whole)) hits.unshift("store");
        if (hits.length > 0 && !OTHERS.has(key)) found[key] = hits.join(" ");
      }
    }
    assert.deepEqual(found, DOORS);
  });

  it("nobody but these functions reads or writes a ring, or takes a frame's slot", () => {
    const users = (pattern: RegExp): string[] => files("assembly").filter((f) => pattern.test(source(f))).map((f) => f.replace("assembly/", "")).sort();
    assert.deepEqual(users(/\bcopySum\(/), ["buffers/ring.ts", "core/checksum.ts"]);
    assert.deepEqual(users(/\bringWrite(Sum)?\(/), ["buffers/ring.ts", "tcp/predict.ts", "tcp/receive.ts", "tcp/user.ts", "udp/udp.ts"]);
    assert.deepEqual(users(/\bringRead(Sum)?\(/), ["buffers/ring.ts", "tcp/output.ts", "tcp/train.ts", "tcp/user.ts", "udp/udp.ts"]);
    assert.deepEqual(users(/\brecvRing\(t\)/), ["tcp/block/tcb.ts", "tcp/predict.ts", "tcp/receive.ts", "tcp/user.ts"]);
    assert.deepEqual(users(/\bslotNext\(/), ["buffers/slots.ts", "ip/output.ts", "tcp/train.ts"]);
  });
});

describe("the module's border", () => {
  it("has one source: what is made of it is as it would be made now", () => assert.deepEqual(stale(), [], "make it anew: npm run border"));
  it("defaults of the command for wasmtime", () => {
    const numbers = configNumbers({ ip: "10.0.0.1/24" });
    for (const [, name, value] of source("host/wasi/defaults.ts").matchAll(/c\.(\w+) = ([^;]+);/g)) {
      if (name === "size" || name === "policy") continue;
       
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
    // Those of the builds that check more are not in it; the small build leaves out what bounds walks (features.ts, BOUNDED).
    const elsewhere = new Set(["assembly/checks.ts", "assembly/core/own.ts"]);
    const inSource = files("assembly").filter((f) => !elsewhere.has(f)).flatMap((f) => source(f).match(/^\s*assert\(/gm) ?? []).length;
    const traps = (module: string): number => (binaryen.readBinary(readFileSync(`build/${module}.wasm`)).emitText().match(/unreachable/g) ?? []).length;
    assert.ok(inSource > 0 && traps("stint.simd") >= inSource, `${traps("stint.simd")} of ${inSource}`);
    assert.ok(traps("stint") > 0, "and in the small one");
  });
});

describe("RFC 9293 §3.10 in the code", () => {
  it("every subsection is found", async () => {
    const { findSection } = await import("../../tools/rfc.mjs") as { findSection(section: string): string[] };
    for (const section of ["3.10.1", "3.10.2", "3.10.3", "3.10.4", "3.10.5", "3.10.6", "3.10.7", "3.10.7.1", "3.10.7.2", "3.10.7.3", "3.10.7.4", "3.10.8"]) {
      assert.ok(findSection(section).length > 0, section);
    }
  });
});
