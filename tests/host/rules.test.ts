/**
 * What the TypeScript of host, tools and tests promises about itself. tests/host/source.test.ts has the module's rules.
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, it } from "node:test";
import { Linter } from "eslint";
import {
  exportsTouched, literalCodes, literalPlaces, program, recordPlaces, restLoops, undocumented, type Program,
} from "../harness/host-source.js";
import { stint } from "../../tools/lint-rules.mjs";
import { circleOf } from "../harness/source.js";

const NOT_OURS = /^(host\/wasi|tests\/unit)\/|\/assembly(script)?\/|\/gvisor\/|\/smoltcp\/|\.d\.mts$|^tests\/as-pect/;

function files(dir: string): string[] {
  return readdirSync(dir, { recursive: true, encoding: "utf8" })
    .filter((f) => /\.(ts|mts|mjs)$/.test(f) && !f.includes("node_modules"))
    .map((f) => join(dir, f)).filter((f) => !NOT_OURS.test(f)).sort();
}

const ALL = ["host", "tools", "tests", "examples"].flatMap((dir) => {
  try {
    return files(dir);
  } catch {
    return [];
  }
});
const SOURCE = new Map(ALL.map((f) => [f, readFileSync(f, "utf8")]));
/** The code alone: neither comments nor what stands in them counts as a use. */
const CODE = new Map([...SOURCE].map(([f, text]) => [f, text.replace(/^\s*(\/\*\*[\s\S]*?\*\/|\/\/.*)$/gm, "")]));

/** The files that each file imports, also for types alone: with names, without, when it runs, or in a type. */
function importsOf(code: ReadonlyMap<string, string>): Map<string, Set<string>> {
  return new Map([...code].map(([file, text]) => {
    const targets = new Set<string>();
    const said = /^(?:import|export)\s+(?:[^"';]*?\sfrom\s+)?"(\.[^"]+)"|\bimport\("(\.[^"]+)"\)/gm;
    for (const [, to, later] of text.matchAll(said)) {
      const path = normalize(join(dirname(file), to ?? later!));
      const target = [path.replace(/\.js$/, ".ts"), path].find((p) => code.has(p));
      if (target !== undefined) targets.add(target);
    }
    return [file, targets];
  }));
}

/** The layers of the host, the lowest first: each one's folders, and files that stand by themselves. */
const LAYERS = [...readFileSync("docs/design/host.md", "utf8").matchAll(/^\| (`[^|]+`) \|/gm)]
  .map(([, names]) => [...names!.matchAll(/`([^`]+)`/g)].map(([, name]) => `host/${name}`));

/** The layer that a file is in, and its place in it; undefined: it is in none. */
function layerOf(file: string): { layer: number; name: string } | undefined {
  for (const name of [file, `${dirname(file)}/`]) {
    const layer = LAYERS.findIndex((names) => names.includes(name));
    if (layer >= 0) return { layer, name };
  }
  return undefined;
}

/** Files of the host in no layer, and imports that go up, or sideways. */
function layerFaults(imports: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  return [...imports].filter(([file]) => file.startsWith("host/")).flatMap(([file, targets]) => {
    const own = layerOf(file);
    if (own === undefined) return [`${file} is in no layer`];
    return [...targets].filter((target) => {
      const other = layerOf(target);
      return other !== undefined && own.name !== other.name && other.layer >= own.layer;
    }).map((target) => `${file} imports ${target}`);
  });
}

/** Sources in C. */
const C = ["boards", "examples", "host", "include", "tests", "tools"].flatMap((dir) =>
  readdirSync(dir, { recursive: true, encoding: "utf8" })
    .map((f) => join(dir, f)).filter((f) => /\.[ch]$/.test(f) && !f.includes("node_modules")));

describe("layers of the host", () => {
  it("no files import in a circle, for types neither", () => assert.deepEqual(circleOf(importsOf(CODE)), []));

  it("a circle is found, in whatever form", () => {
    const of = (file: string, line: string): string[] =>
      circleOf(importsOf(new Map([...CODE, [file, `${line}\n${CODE.get(file)}`]])));
    const low = "host/errors.ts";
    assert.ok(importsOf(CODE).get("host/stack.ts")!.has(low));
    for (const how of [
      'import { StackModule } from "@";', 'import "@";', 'export * from "@";', 'import s, { type A } from "@";',
      'const { StackModule } = await import("@");', 'import type { StackModule } from "@";',
      'import { type A, type B } from "@";', 'type A = import("@").StackModule;',
    ]) {
      const found = of(low, how.replace("@", "./stack.js"));
      assert.ok(found.includes(low) && found[0] === found.at(-1), how);
    }
  });

  it("files import from their folder, and from layers of docs/design/host.md below theirs", () =>
    assert.deepEqual(layerFaults(importsOf(CODE)), []));

  it("a folder without a layer fails, and so does an import that goes up, or sideways", () => {
    const of = (file: string, line: string): string[] =>
      layerFaults(importsOf(new Map([...CODE, [file, `${line}\n${CODE.get(file) ?? ""}`]])));
    assert.deepEqual(of("host/new/file.ts", ""), ["host/new/file.ts is in no layer"]);
    assert.deepEqual(of("host/new.ts", ""), ["host/new.ts is in no layer"]);
    const up = of("host/headers.ts", 'import type { Lab } from "./lab/lab.js";');
    assert.deepEqual(up, ["host/headers.ts imports host/lab/lab.ts"]);
    const beside = of("host/links/tap.ts", 'import { ServiceStack } from "../services.js";');
    assert.deepEqual(beside, ["host/links/tap.ts imports host/services.ts"]);
    assert.deepEqual(LAYERS.flat().filter((name) => ![...CODE.keys()].some((f) => layerOf(f)?.name === name)), []);
  });

  /** What runs for the command. */
  const COMMAND = /^host\/(cli\/|shards\/worker\.ts)/;

  it("the library knows neither the command nor the tests nor the tools", () => {
    const wrong: string[] = [];
    for (const file of ALL.filter((f) => f.startsWith("host/"))) {
      for (const [, to] of CODE.get(file)!.matchAll(/(?:from|import|import\() ?"(\.[^"]+)"/g)) {
        const target = normalize(join(dirname(file), to!));
        const outside = !target.startsWith("host/"), command = target.startsWith("host/cli/") && !COMMAND.test(file);
        if (outside || command) wrong.push(`${file} imports ${target}`);
      }
    }
    assert.deepEqual(wrong, []);
  });
});

/** The host's files with their types, and one that breaks each rule. */
const BAD = "host/bad-example.ts";
const READS = [
  "frame[12]", "frame[at + 9]", "view.getUint16(20)", "view.getUint32(at + 4)", "frame.subarray(6, 12)",
  "frame.slice(at - 14)", "frame.set(mac, 6)", "view.setUint16(base + (at + 2), 1)", "buffer.readUInt16BE(12)",
  "buffer.writeUInt32BE(1, at + 12)", "frame[1]",
  "new DataView(view.buffer, at + 24)", "new Uint32Array(view.buffer, 28, 1)",
  "view.getUint32(at + OWN)", "view.setUint16(OWN, 1)",
  "Uint8Array.from([...mac, 8, 0, at])", "new Uint8Array([at, 0x45])", "Buffer.of(8, at)", "[...be(2, at)]",
];
/** Ways to the module's exports, and words that are none. */
const BAD_EXPORTS = "host/bad-exports.ts";
const TOUCHES = ["stack.exports", 'stack["exports"]', "exports", "exports: calls"];
/** Records of the module by numbers, whatever they are called, and what is none; each stands on a line of its own. */
const BAD_RECORDS = "tests/bad-records.ts";
const RECORD_PLACES = [
  "view.getUint32(where + 12, true)", "view.getUint32(where + OWN, true)", "view.getUint32(where + FAR)",
  "new Uint32Array(memory.buffer, where + 16, 4)", "words[(where >> 2) + 3]", "new DataView(memory.buffer, 64)",
  "of(where).getUint16(where + 6, true)", "bytes.subarray(where + 8)", "bytes.set([0], where + 8)",
];
const RECORD_CODES = [
  "known === 4", "info.state > 0", "flags & 0x800", "info.flags & (1 << 11)", "stack.info(where).flags & FIN",
  "error < -4", "info.error! === -8", "assert.equal(info.state, 4)", "assert.notEqual(info.softError, -10)",
  "lease.state === 5",
];
const NO_RECORDS = [
  "view.getUint32(where, true)", "view.getUint32(where + RING.TAIL, true)", "words[(where >> 2) + 1]",
  "frame[where + 9]",
  "bytes.subarray(where, where + room)", "info.error === 0", "info.flags & FLAG.FIN", "info.state === other",
  "new DataView(frame.buffer).getUint16(12)", "assert.equal(info.error, ERR.RESET)", "info.mss === 536",
];
/** Functions, classes and methods, with and without a docstring. */
const BAD_DOCS = "host/bad-docs.ts";
const EVERY = program(
  ALL.filter((f) => f.endsWith("ts")),
  new Map([[BAD_RECORDS, `import assert from "node:assert/strict";
  import type { StackModule } from "../host/stack.js";
  import { ERR, FLAG, RING, type LeaseNumbers } from "../host/module/layout.js";
  const FAR = 24;
  export function bad(
    memory: WebAssembly.Memory, stack: StackModule, where: number, room: number, frame: Uint8Array,
    of: (at: number) => DataView, other: number, lease: LeaseNumbers,
  ): void {
    const view = new DataView(memory.buffer), words = new Uint32Array(memory.buffer), OWN = 12, FIN = 1 << 11;
    const info = stack.info(where), known = info.state, { flags, error } = info, bytes = new Uint8Array(memory.buffer);
    ${[...RECORD_PLACES, ...RECORD_CODES, ...NO_RECORDS].join(";\n")};
    switch (known) { case 4: }
  }`], [BAD_DOCS, `export function bare(): void {}
    function own(): void {}
    /** Says something. */
    export function said(): void { own(); }
    interface Known { known(): void }
    export class Bare implements Known {
      known(): void {}
      silent(): void {}
      /** Says something. */
      said(): void {}
      /** */
      empty(): void {}
      protected hidden(): void {}
      #secret(): void { this.hidden(); this.#secret(); }
    }
    class Own { silent(): void {} }
    /** Says something. */
    export class Said extends Own {}`], [BAD_EXPORTS, `import type { StackModule } from "./stack.js";
  export function bad(stack: StackModule, app: Pick<StackModule, "exports">, other: WebAssembly.Instance): unknown[] {
    ${TOUCHES.slice(0, 2).join(";")};
    const { ${TOUCHES[2]} } = stack, { ${TOUCHES[3]} } = app;
    return [exports, calls, other.exports];
  }`], [BAD, `const OWN = 20;
  export function bad(
    frame: Uint8Array, view: DataView, buffer: Buffer, mac: Uint8Array, at: number, base: number,
    be: (size: number, n: number) => number[],
  ): unknown[] {
    ${READS.join(";\n")};
    return [frame[at], frame[at + 1], frame.subarray(at), frame[frame.length - 1], [frame][1], base];
  }`]]),
);

const HOST: Program = {
  checker: EVERY.checker, files: new Map([...EVERY.files].filter(([file]) => file.startsWith("host/"))),
};

describe("exports of the module", () => {
  /** Files and folders that touch them, each with its reason: the list of docs/design/host.md. */
  const TOUCHING = [...readFileSync("docs/design/host.md", "utf8").matchAll(/^- `([^`]+)`: \S/gm)]
    .map(([, name]) => `host/${name}`);
  const touching = [...HOST.files.keys()]
    .filter((file) => file !== BAD_EXPORTS && exportsTouched(HOST, file).length > 0);
  const allows = (name: string, file: string): boolean =>
    file === name || (name.endsWith("/") && file.startsWith(name));

  it("are touched by the stack, its classes, and those that docs/design/host.md gives a reason for", () => {
    assert.deepEqual(touching.filter((file) => !TOUCHING.some((name) => allows(name, file))), []);
  });

  it("have no reason in docs/design/host.md for what does not touch them", () => {
    assert.deepEqual(TOUCHING.filter((name) => !touching.some((file) => allows(name, file))), []);
  });

  it("are found by their type, in whatever form", () => {
    assert.deepEqual(exportsTouched(HOST, BAD_EXPORTS).map((what) => what.replace(/^\d+: /, "")), TOUCHES);
  });
});

describe("docstrings of the host", () => {
  const found = [...HOST.files.keys()].filter((file) => !file.startsWith("host/bad-"))
    .flatMap((file) => undocumented(HOST, file).map((what) => `${file}:${what}`));

  it("stand at every exported function and class, and at the public methods of such classes", () => {
    assert.deepEqual(found, []);
  });

  it("are missed where none is, and only there", () => {
    const names = undocumented(HOST, BAD_DOCS).map((what) => what.replace(/^\d+: /, ""));
    assert.deepEqual(names, ["bare", "Bare", "Bare.silent", "Bare.empty"]);
  });
});

describe("what is polled", () => {
  /** Loops that are no way to rest, each with its reason. */
  const OTHERS = new Map([
    ["host/rest.ts", "the way itself"],
    ["tests/differential/sides.ts", "a step ends with a poll whose frames are the next step's"],
    ["tests/rfc/attackers.test.ts", "how many polls an attacker costs is counted"],
    ["tests/rfc/reach.test.ts", "times beyond those that a number has, by the export itself"],
  ]);
  const found = [...CODE].filter(([, text]) => restLoops(text).length > 0).map(([file]) => file);

  it("comes to rest by host/rest.ts, which has a bound and says that it was reached", () =>
    assert.deepEqual(found.filter((file) => !OTHERS.has(file)), []));

  it("has no exception for what does not poll", () =>
    assert.deepEqual([...OTHERS.keys()].filter((file) => !found.includes(file)), []));

  it("is found in whatever form", () => {
    for (const loop of [
      "while (stack.poll(nowUs) === 0);", "do drain(); while (this.stack.poll(now()) === 0);",
      "for (let i = 0; i < 9; i++) if (stack.poll(nowUs) !== 0) break;",
      "for (let wait = 0; wait === 0;) { wait = stack.poll(nowUs); }",
      "while (true) { const wait = this.#poll(nowUs); if (wait !== 0) { done(); return; } }",
    ]) assert.equal(restLoops(`function f() { ${loop} }`).length, 1, loop);
    for (const loop of [
      "for (const us of times) stack.poll(us);", "while (wait >= 0) { nowUs += wait; wait = stack.poll(nowUs); }",
      "while (wait === 0) take(() => stack.poll(nowUs));",
    ]) assert.deepEqual(restLoops(`function f() { ${loop} }`), [], loop);
  });
});

describe("headers of frames", () => {
  /** Formats that are no headers of Ethernet, ARP, IP, ICMP, UDP or TCP: each is read and written in one place. */
  const FORMATS = new Map([
    ["host/decode.ts", "the codec itself: TCP's options, headers of IPv6"],
    ["host/encode.ts", "the codec itself: headers as lists"],
    ["host/address6.ts", "an IPv6 address"], ["host/lab/live.ts", "a message of the lab's own"],
    ["host/link/memory.ts", "a module of WebAssembly"],
    ["host/link/sections.ts", "a module of WebAssembly"], ["host/links/nat/dhcp.ts", "a message of DHCP"],
    ["host/links/pcapng.ts", "a capture"], ["host/links/read-capture.ts", "a capture"],
    ["host/links/stream.ts", "the length before a frame in a stream"], ["host/links/descriptor.ts", "struct iovec"],
    ["host/links/offload.ts", "struct virtio_net_hdr"],
    ["host/node/dns-asker.ts", "a message of DNS"], ["host/node/dns-message.ts", "a message of DNS"],
    ["host/net/mdns-message.ts", "a message of DNS"], ["host/dns-reader.ts", "numbers of a message of DNS"],
    ["host/random.ts", "the state of the generator"],
  ]);

  it("are read and written by the names of host/headers.ts, never at a literal place", () => {
    const found = [...HOST.files.keys()].filter((file) => file !== BAD && !FORMATS.has(file))
      .flatMap((file) => literalPlaces(HOST, file).map((what) => `${file}:${what}`));
    assert.deepEqual(found, []);
  });

  it("are looked for by something that can fail, whatever the variables are called", () => {
    assert.deepEqual(literalPlaces(HOST, BAD).map((what) => what.replace(/^\d+: /, "")), READS);
  });

  it("have a list of other formats that holds nothing else", () => {
    assert.deepEqual([...FORMATS.keys()].filter((file) => literalPlaces(HOST, file).length === 0), []);
  });
});

describe("numbers of the border", () => {
  /** What is made of the module's source, and what reads it. */
  const MADE = new Set(["host/module/layout.ts"]);
  const TABLE = new RegExp(
    "^(?:export )?const (ERR|EVENT|FLAG|OPTION|POLICY|STATES|TCP_INFO|CONFIG_FIELDS|CONFIG_SIZE|COUNTERS?)"
    + " = (?![A-Za-z(])", "gm",
  );

  it("stand nowhere a second time: flags, events, errors and options are those of host/module/layout.ts", () => {
    const twice: string[] = [];
    for (const [file, text] of CODE) {
      if (MADE.has(file)) continue;
      for (const [, name] of text.matchAll(TABLE)) {
        twice.push(`${file}: ${name}`);
      }
    }
    assert.deepEqual(twice, []);
  });

  /** They have examples of what they refuse. */
  const RULES = new Set(["tests/host/rules.test.ts", "tests/host/source.test.ts"]);
  const CALL = "\\b(?:(?:tcp|udp|dhcp|dns|mdns|ip6|listener|stint)_\\w+|receivable|sendRoom|poll|tune|init)";
  const ARGUMENTS = /\((?:[^;()]|\((?:[^;()]|\([^;()]*\))*\))*\)/.source;
  /** What stands where a name of the border should, each with an example. The same words are C's. */
  const LITERALS: [pattern: RegExp, example: string][] = [
    // Records: the host's block, the control block, what calls write.
    [
      new RegExp(
        /\b(?:control|block|scratch|(?:control|config)Block\(\)|counters\(\))/.source
          + /\)? *(?:>>>? *2\)? *)?(?:\+|-(?! *1\b)) *\d+\b(?! *\*)/.source,
      ),
      "view.getUint32(control + 20, true)",
    ],
    [/new (?:DataView|Uint\w+Array)\([^)]*\b(?:block|control|scratch)\b[^)]*, \d/, "new DataView(buffer, block, 304)"],
    // Flags, states, timers, errors, events, bits of the policy.
    [
      new RegExp(
        /(?:[.>](?:flags|fastOpen)|(?<!<< \(?)\b(?:bits|events?|policy))/.source
          + / *&=? *~?(?:(?:0x[\da-f]+|\d+)u?\b|\(\d+u? << \d+\))/.source,
      ),
      "if (info.flags & 0x800)",
    ],
    [
      /\b(?:ring|slots?|tcb|record|listener|lease) *\+ *\d+\b(?! *\*)[^;]*\b(?:true|memory)\b/,
      "view.getUint32(ring + 8, true)",
    ],
    [/[.>](?:state|timerKind|origin)\b *(?:[!=<>]==?|[<>,]) *\d/, "if (info.state == 4)"],
    [
      /(?<!\/\/ \d )(?:[!=]==?|\bcase) *-(?:[2-9]|[12]\d)\b(?![.\w])/,
      "const n = x.tcp_send(h, at, 1); if (n === -5) return;",
    ],
    [/\b(?:error|softError)\b *(?:[!=]==?|,) *-\d/, "assert.equal(b.info.error, -8)"],
    [new RegExp(`${CALL}${ARGUMENTS} *(?:[!=]==?|,) *-[1-9]`), "assert.equal(x.tcp_send(handle, at(0), 1), -5)"],
    [/\b(?:failed|checked|errName|StintError)\( *-\d/, "return failed(-3);"],
    // Numbers that a call is given.
    [/\b(?:module_|stint_)?pool\( *\d/, "x.pool(1)"],
    [/\btcp_set\([^,;]*, *\d/, "x.tcp_set(handle, 7, 64)"],
    [/\btune\( *\d/, "x.tune(14, 3)"],
  ];
  /** Flags that were taken out of what `info` tells, and constants of a file's own in the place of a flag. */
  const ofFlags = (text: string): RegExp[] => {
    const isOut = /\{[^}\n]*\bflags\b[^}\n]*\} = [^;\n]*\b(?:info|inspect)\b/.test(text);
    const own = [...text.matchAll(/\b([A-Z][A-Z\d_]+) = (?:0x[\da-f]+|\d+|1 << \d+)\b/g)].map(([, name]) => name!);
    const names = own.length > 0 ? own.join("|") : "(?!)";
    return [
      ...isOut ? [/(?<![\w.])flags *& *(?:0x[\da-f]+|\d+)/] : [],
      new RegExp(`\\binfo\\w*(?:\\([^()]*\\))?(?:\\.|->)flags *& *~?(?:${names})\\b`),
    ];
  };
  const literal = (text: string): string[] => {
    const all = [...LITERALS.map(([pattern]) => pattern), ...ofFlags(text)];
    return text.split("\n").filter((line) => all.some((pattern) => pattern.test(line))).map((line) => line.trim());
  };

  it("stand nowhere as literals: offsets, flags, states, errors, and what calls are given", () => {
    const found = [...CODE].filter(([file]) => !MADE.has(file) && !RULES.has(file))
      .flatMap(([file, text]) => literal(text).map((line) => `${file}: ${line}`));
    const inC = C.flatMap((file) =>
      literal(readFileSync(file, "utf8").replace(/\/\*[\s\S]*?\*\//g, "")).map((line) => `${file}: ${line}`));
    assert.deepEqual([...found, ...inC], []);
  });

  it("are looked for by something that can fail, wherever they stand", () => {
    for (const [pattern, example] of LITERALS) {
      assert.match(example, pattern);
      assert.deepEqual(literal(`  ${example}`), [example]);
    }
    for (const text of [
      "const { flags } = info; if (flags & 4) return;", "const FIN = 0x800; if (x.info(handle).flags & FIN) return;",
      "const FIN = 0x800; if (info->flags & FIN) return;",
    ]) assert.deepEqual(literal(text), [text]);
    for (const place of ["host/", "tests/", "tests/fuzz/", "tools/", "examples/"])
      assert.ok([...CODE.keys()].some((file) => file.startsWith(place)), place);
    for (const place of ["boards/", "host/bsd/", "host/component/", "host/native/", "host/posix/", "include/"])
      assert.ok(C.some((file) => file.startsWith(place)), place);
  });
});

describe("records of the module, wherever they are read", () => {
  /** What is no record of the module, and what asks for none of its places: the rest is `FORMATS`'s in host/. */
  const OTHERS = new Map([
    ["tests/harness/command.ts", "records of WASI"], ["tests/host/first-hour.test.ts", "struct iovec"],
    ["tests/harness/fake-tun.ts", "a record of BPF"], ["tests/host/interface.test.ts", "a program of BPF"],
    ["tests/host/link.test.ts", "all of the memory, but for a part"],
    ["tests/rfc/config.test.ts", "all of the memory, but for a part"],
    ["tests/rfc/reach.test.ts", "all of the memory, but for a part"],
  ]);
  const of = (what: typeof literalCodes): string[] =>
    [...EVERY.files.keys()].filter((file) => file !== BAD_RECORDS && !file.startsWith("host/bad-"))
      .flatMap((file) => what(EVERY, file).map((line) => `${file}:${line}`));
  const bare = (lines: readonly string[]): string[] => lines.map((line) => line.replace(/^\d+: /, ""));

  it("are read and written by the names of host/module/layout.ts, never at a literal place", () => {
    const found = of(recordPlaces).filter((where) => !where.startsWith("host/"));
    assert.deepEqual(found.filter((where) => !OTHERS.has(where.split(":")[0]!)), []);
    assert.deepEqual([...OTHERS.keys()].filter((file) => !found.some((where) => where.startsWith(file))), []);
  });

  it("have states, flags and errors that nothing compares with a number, under whatever name they are kept", () =>
    assert.deepEqual(of(literalCodes), []));

  it("are looked for by something that can fail", () => {
    assert.deepEqual(bare(recordPlaces(EVERY, BAD_RECORDS)), RECORD_PLACES);
    assert.deepEqual(bare(literalCodes(EVERY, BAD_RECORDS)), [...RECORD_CODES, "case 4:"]);
  });
});

describe("records of the stack, in C", () => {
  /** Memory of the module itself, and calls of the module: they know addresses, not records. */
  const NO_HOSTS = new Set(["boards/runtimes/aot/wasm.h"]);
  /** What reads or writes at an address and a number, or takes a field of the configuration by its place. */
  const PLACES = [
    /\*\s*\((?:const |volatile )*u?int(?:8|16|32|64)_t (?:const )?\*\)\s*\([^;)]*\+ ?\d/,
    /\bi(?:32|64)_(?:load|store)\w*\([^,;]*, *[1-9]/,
    new RegExp(
      /\b(?:i32_load|i32_store|word|module_word|module_set_word|peek|poke|field|stint_at|module_memory)/.source
        + /\([^;,()]*\+ ?\d+\b(?! \*)/.source,
    ),
    /\bstint_config\[\d/,
    /\(\((?:const |volatile )*(?:u?int(?:8|16|32|64)_t|u8|u16|u32) (?:const )?\*\) *[^;()]*\)\[[1-9]/,
    /\w\([^;]*\b(?:control|block|ring|slot|info|scratch|config|memory)\w* \+ ?\d+\b(?! \*)/,
    /\b(?:u?int(?:16|32|64)_t|u16|u32) (?:const )?\*\) *&\w+\[[^\]]*\+ ?\d/,
    /[!=]=? *-(?:[2-9]|[12]\d);|\b(?:state|timerKind) *(?:[!=]=|<|>) *[1-9]|[<>]=? *-[1-9]\d?\b/,
  ];
  /** Calls that write a record, and the last argument. */
  const WRITES = /\b(?:udp_recv|tcp_info|stint_(?:listener|dhcp|dns)_info)\([^;{]*?, ?(\w+)\)/g;
  function literals(text: string): string[] {
    const code = text.replace(/\/\*[\s\S]*?\*\//g, "");
    const hasPlace = (line: string): boolean => PLACES.some((place) => place.test(line));
    const lines = code.split("\n").map((line) => line.trim()).filter(hasPlace);
    // A record is a struct of stint.h, never an array of words.
    const isArray = (name: string): boolean => new RegExp(`\\b(?:char|u?int\\d+_t|u8|u32) ${name}\\[`).test(code);
    const arrays = [...code.matchAll(WRITES)].map(([, name]) => name!).filter(isArray);
    return [...lines, ...arrays];
  }

  it("are read and written by the names of stint.h and border.h, never by a literal offset", () => {
    const found = C.filter((file) => !NO_HOSTS.has(file))
      .flatMap((file) => literals(readFileSync(file, "utf8")).map((what) => `${file}: ${what}`));
    assert.deepEqual(found, []);
  });

  it("are checked by something that can fail", () => {
    for (const line of [
      "x = *(uint32_t *)(block + 8);", "x = *(const volatile uint16_t *) (at + 4);",
      "i32_store(ring, 4, tail);", "x = word(ring + 12);", "x = *(uint32_t *) &memory[at + 52];",
      "x = load(memory, ring + 8);", "memcpy(&x, memory + 52, 4);", "if (state == 4) x++;", "if (n < -4) x++;",
      "x = ((uint32_t *) control)[2];", "memcpy(&head, ring + 12, 4);",
      "x = peek(control + 4);", "server = stint_config[6];", "memcpy(a, module_memory(block + 264, 32), 32);",
    ]) assert.deepEqual(literals(line), [line], line);
    assert.deepEqual(literals("uint32_t from[2]; udp_recv(s, buffer, sizeof buffer, from);").length, 1);
    assert.deepEqual(literals("struct stint_datagram_from from; udp_recv(s, buffer, sizeof buffer, &from);"), []);
    assert.deepEqual(literals("x = word(ring + RING_TAIL); i32_store(ring + RING_HEAD, 0, head + 1);"), []);
  });
});

describe("exports", () => {
  /** The names that files take from another one, each by import, by export, or by `await import(…)`; "*" is all. */
  function taken(): Map<string, Set<string>> {
    const uses = new Map<string, Set<string>>();
    for (const [file, text] of SOURCE) {
      const note = (to: string, names: string): void => {
        if (!to.startsWith(".")) return;
        const path = normalize(join(dirname(file), to)).replace(/\.js$/, ".ts");
        const set = uses.get(path) ?? uses.set(path, new Set()).get(path)!;
        for (const name of names.split(",")) set.add(name.trim().replace(/^type /, "").split(/\s+as\s+|:/)[0]!.trim());
      };
      const named = /(?:import|export)\s+(?:type\s+)?\{([^}]*)\}\s+from\s+"([^"]+)"/g;
      for (const [, names, to] of text.matchAll(named)) note(to!, names!);
      for (const [, to] of text.matchAll(/(?:import|export)\s+\*\s+(?:as\s+\w+\s+)?from\s+"([^"]+)"/g)) note(to!, "*");
      for (const [, names, to] of text.matchAll(/const \{([^}]*)\} = await import\("([^"]+)"\)/g)) note(to!, names!);
      for (const [, to] of text.matchAll(/(?<!\} = await )import\("(\.[^"]+)"\)/g)) note(to!, "*");
    }
    return uses;
  }

  it("are used by another file, or by readers of the package", () => {
    const uses = taken(), dead: string[] = [];
    for (const [file, text] of CODE) {
      if (file === "host/index.ts" || MADE_EXPORTS.has(file)) continue;
      const names = uses.get(file) ?? new Set();
      // Text that is made of a file has exports of its own.
      const made = file === "tools/border/assembly.mjs" ? ["Defaults", "Name", "Least", "Most"] : [];
      for (const n of made) names.add(`config${n}`);
      if (names.has("*")) continue;
      for (const [, kind, name] of text.matchAll(EXPORT)) {
        // The type of an argument or a result is exported beside the function that has it.
        const used = /interface|type/.test(kind!) && text.split(new RegExp(`\\b${name}\\b`)).length > 2;
        if (!used && !names.has(name!)) dead.push(`${file}: ${name}`);
      }
      // What stands in a list, or has no name, is never typed beside a function.
      for (const name of PUBLIC.has(file) ? [] : listed(text)) if (!names.has(name)) dead.push(`${file}: ${name}`);
    }
    assert.deepEqual(dead, []);
  });

  /**
   * All of the border; what is loaded by its path: by Node, by ESLint, by a shard; and what readers of the package
   * import.
   */
  const MADE_EXPORTS = new Set([
    "host/module/layout.ts", "host/node/net.ts", "host/node/dgram.ts", "host/node/dns.ts", "host/node/dns-promises.ts",
    "host/node/register.ts", "tools/lint-rules.mjs",
    "tests/harness/documented.ts", "tests/bench/hash-server.mjs",
    // Questions about the module's source, some of which no rule asks yet.
    "tests/harness/source.ts",
  ]);
  /** Readers of the package import what these export. */
  const PUBLIC = new Set(["host/web/index.ts", "host/web/ip6/index.ts"]);
  /** Names in `export { … }`, with or without a file, and "default". */
  const listed = (text: string): string[] => [
    ...[...text.matchAll(/^export \{([^}]*)\}/gm)].flatMap(([, names]) => names!.split(",")
      .map((name) => name.trim().replace(/^type /, "").split(/\s+as\s+/).at(-1)!).filter((name) => name !== "")),
    .../^export default /m.test(text) ? ["default"] : [],
  ];
  const EXPORT = /^export (?:abstract )?(?:async )?(const|let|function\*?|class|interface|type|enum) (\w+)/gm;
});

describe("rules of the linter that are ours (tools/lint-rules.mjs)", () => {
  const found = (rule: string, text: string): number =>
    new Linter().verify(text, { plugins: { stint }, rules: { [`stint/${rule}`]: "error" } } as Linter.Config).length;

  it("find bare booleans in whatever call, and let those of others be", () => {
    for (const bad of [
      "f(1, true)", "a.b?.f(false)", "f(!0)", "f(!!1)", "a?.(1, !1)",
      "new A(true)", "this.play(false)", "[x].includes(true)",
      "class A extends B { #f() { this.#f(true); } constructor() { super(0, false); } }",
    ]) assert.equal(found("no-bare-boolean", bad) > 0, true, bad);
    for (const good of [
      "f({ a: true })", "f(a === true)", "f(!a)", "f(!a[0])", "view.getUint32(0, true)", "socket.setNoDelay(true)",
      "assert.equal(a, true)", "stack.setOption(handle, 'fastOpen', true)",
    ]) assert.equal(found("no-bare-boolean", good), 0, good);
  });

  it("count the lines of a function, but not of a chapter of tests", () => {
    const lines = "f();\n".repeat(70);
    for (const bad of [`function a() {\n${lines}}`, `const a = () => {\n${lines}};`, `it("a", () => {\n${lines}});`])
      assert.equal(found("function-lines", bad), 1, bad);
    assert.equal(found("function-lines", `describe("a", () => {\n${lines}});`), 0);
  });
});

describe("programs that tests start", () => {
  /** They have limits and environments of their own. */
  const OWN = new Set(["tests/harness/programs.ts", "tests/faults/run.ts"]);

  it("are started by tests/harness/programs.ts, which has a limit for each and says nothing of the caller's", () => {
    const starts = ALL.filter((f) => f.startsWith("tests/") && !OWN.has(f))
      .filter((f) => /^import (?!type ).*"node:child_process"/m.test(CODE.get(f)!));
    assert.deepEqual(starts, []);
  });
});
