/** What the source promises about itself: layers, tables that stand twice, the budget. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { type CONFIG_FIELDS, configNumbers } from "../../host/config.js";
import { border, copiedWrong } from "../../tools/border/read.mjs";
import { stale } from "../../tools/border/run.mjs";
import { budget } from "../../tools/size.mjs";
import { FAULTS } from "../faults/faults.js";
import {
  actingAnswers, bareBooleans, callers, circle, dead, functions, globals, globalWrites, layerFaults, placesByNumber,
  remoteFirst, sizesByNumber, tall, tallByBraces, tree, twins, unused, writers,
} from "../harness/source.js";

function files(dir: string): string[] {
  return readdirSync(dir, { withFileTypes: true }).flatMap((e) =>
    e.isDirectory() ? files(join(dir, e.name)) : e.name.endsWith(".ts") ? [join(dir, e.name)] : [],
  );
}

const source = (path: string): string => readFileSync(path, "utf8");

describe("layers", () => {
  const sources = tree("assembly");
  /** Folders and files, the lowest first: a file imports from its own folder and from what stands before it. */
  const ORDER = [
    "features.ts", "core", "config.ts", "wire", "buffers", "address", "arp", "ip", "icmp", "udp",
    "tcp/segment", "tcp/block", "tcp/congestion", "tcp/loss", "tcp/open", "tcp/close", "tcp",
    "clients", "nd", "checks.ts", "stack.ts", "api", "index.ts", "dual.ts", "whole.ts", "linkable.ts", "services", "rt",
  ];
  /** They know nothing of each other. */
  const APART = [["wire", "buffers"], ["icmp", "udp", "tcp"]];

  it("import downward only, and not from one protocol to another", () =>
    assert.deepEqual(layerFaults(sources, ORDER, APART), []));

  it("have no circle, within a folder neither", () => assert.deepEqual(circle(sources), []));

  /** Files that know the TCB, and assign a state: that of BBR's model, `b`, and that of `tcp_info`, are others. */
  const stateWriters = (all: ReadonlyMap<string, string>): string[] =>
    writers(new Map([...all].filter(([, text]) => /\bTcb\b/.test(text))), /^(?!(b|i)\.)\w+\.state$/);

  const BY_PLACE = /\bstore<\w+>\([^;]*offsetof<(?:Tcb|Sender)>\("/;

  it("only tcp/block/state.ts assigns a state", () => {
    assert.deepEqual(stateWriters(sources), ["assembly/tcp/block/state.ts", "assembly/tcp/block/tcb.ts"]);
    // Nor by the field's place.
    assert.deepEqual([...sources].filter(([, text]) => BY_PLACE.test(text)).map(([path]) => path), []);
    // A block that is given back is CLOSED, and nothing else is assigned there.
    assert.deepEqual(sources.get("assembly/tcp/block/tcb.ts")!.match(/\.state\b[^;]*;/g), [".state = 0;"]);
  });

  describe("are checked by something that can fail", () => {
    /** The tree with some files changed, or more of them. */
    const changed = (files: Record<string, string>): Map<string, string> =>
      new Map([...sources, ...Object.entries(files)]);
    const faults = (files: Record<string, string>): string[] => layerFaults(changed(files), ORDER, APART);
    const withLine = (path: string, line: string): Record<string, string> => ({
      [path]: `${line}\n${sources.get(path)}`,
    });

    it("a folder that no layer has", () => {
      assert.deepEqual(faults({ "assembly/sctp/sctp.ts": "" }), ["assembly/sctp/sctp.ts is in no layer"]);
      assert.deepEqual(faults({ "assembly/tcp/open/deep/x.ts": "" }), ["assembly/tcp/open/deep/x.ts is in no layer"]);
    });
    it("a name that begins like a known one", () => {
      assert.deepEqual(faults({ "assembly/udpx/udpx.ts": "" }), ["assembly/udpx/udpx.ts is in no layer"]);
      assert.deepEqual(faults({ "assembly/stack.ts.ts": "" }), ["assembly/stack.ts.ts is in no layer"]);
    });
    it("an import without a name", () => {
      assert.deepEqual(faults(withLine("assembly/wire/udp.ts", 'import "./wire";')), [
        "assembly/wire/udp.ts imports assembly/wire/wire.ts for its side effects",
      ]);
    });
    it("an import from above, in whatever form", () => {
      for (const line of [
        'import { tcpInput } from "../input";', 'import * as input from "../input";',
        'export { tcpInput } from "../input";', 'export * from "../input";',
      ]) {
        assert.deepEqual(
          faults(withLine("assembly/tcp/loss/rack.ts", line)),
          ["assembly/tcp/loss/rack.ts imports assembly/tcp/input.ts, which is above it"], line,
        );
      }
    });
    it("an import from beside", () => {
      const line = 'import { udpInput } from "../udp/udp";';
      assert.deepEqual(faults(withLine("assembly/tcp/input.ts", line)), [
        "assembly/tcp/input.ts imports assembly/udp/udp.ts, which is beside it",
      ]);
      assert.deepEqual(faults(withLine("assembly/icmp/icmp.ts", line)), [
        "assembly/icmp/icmp.ts imports assembly/udp/udp.ts, which is above it",
      ]);
    });
    it("the configuration in a layer that is to know nothing of it, and anything in the list of features", () => {
      assert.deepEqual(faults(withLine("assembly/core/hash.ts", 'import { config } from "../config";')), [
        "assembly/core/hash.ts imports assembly/config.ts, which is above it",
      ]);
      assert.deepEqual(faults(withLine("assembly/features.ts", 'import { clock } from "./core/clock";')), [
        "assembly/features.ts imports assembly/core/clock.ts, which is above it",
      ]);
      assert.deepEqual(faults(withLine("assembly/config.ts", 'import { tcbAt } from "./tcp/block/tcb";')), [
        "assembly/config.ts imports assembly/tcp/block/tcb.ts, which is above it",
      ]);
    });
    it("a file that is not there, and a package", () => {
      assert.deepEqual(faults(withLine("assembly/core/seq.ts", 'import { x } from "./none";')), [
        "assembly/core/seq.ts imports assembly/core/none.ts, which is not there",
      ]);
      assert.deepEqual(faults(withLine("assembly/core/seq.ts", 'import { x } from "node:fs";')), [
        "assembly/core/seq.ts imports a package",
      ]);
    });
    it("circles of two, and of more", () => {
      const two = changed(withLine("assembly/core/seq.ts", 'import { Key } from "./hash";'));
      two.set("assembly/core/hash.ts", `import { Seq } from "./seq";\n${sources.get("assembly/core/hash.ts")}`);
      assert.deepEqual(new Set(circle(two)), new Set(["assembly/core/seq.ts", "assembly/core/hash.ts"]));
      const more = circle(changed(withLine("assembly/tcp/block/flow.ts", 'import { demuxFind } from "./demux";')));
      assert.ok(more.length > 3 && more[0] === more.at(-1), more.join(" "));
    });
    it("a state that somebody else assigns", () => {
      for (const line of ["t.state = <u8>State.CLOSED;", "t.state |= 1;", "t.state++;"]) {
        assert.deepEqual(stateWriters(new Map([["x.ts", `function f(t: Tcb): void { ${line} }`]])), ["x.ts"], line);
        assert.match('store<u8>(changetype<usize>(t), 4, offsetof<Tcb>("state"));', BY_PLACE);
        const other = `function f(c: Tcb): void { ${line.replace("t.", "c.")} }`;
        assert.deepEqual(stateWriters(new Map([["assembly/x.ts", other]])), ["assembly/x.ts"], other);
      }
      assert.deepEqual(stateWriters(new Map([["x.ts", "function f(t: Tcb): bool { return t.state == 1; }"]])), []);
    });
  });
});

describe("form: what ESLint does not read, as what it reads (eslint.config.mjs)", () => {
  const COLUMNS = 120, LINES = 70;
  const OURS = ["boards", "examples", "host", "include", "tests", "tools"];
  const sources = tree("assembly", "host/wasi", "tests/unit", "tests/explore", "tests/ownership", "examples");
  /** What is in C and other languages: those with braces, and the rest. Others wrote the interfaces of WASI. */
  const all = OURS.flatMap((folder) => readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((f) => join(folder, f)))
    .filter((f) => !/(^|\/)(node_modules|target|build)\//.test(f) && f !== "host/component/wit/wasi.wit");
  const texts = (names: RegExp): Map<string, string> =>
    new Map(all.filter((f) => names.test(f)).map((path) => [path, source(path)]));
  const braces = texts(/\.(c|h|go|rs)$/), others = texts(/\.(css|html|py|sh|wit)$/);
  others.set(".ci/run", source(".ci/run"));
  const long = (all: ReadonlyMap<string, string>): string[] =>
    [...all].flatMap(([path, text]) =>
      text.split("\n").flatMap((line, i) => [...line].length > COLUMNS ? [`${path}:${i + 1}`] : []));

  it("lines end at 120 columns, comments too", () =>
    assert.deepEqual(long(new Map([...sources, ...braces, ...others])), []));
  it("functions have 70 lines at most", () =>
    assert.deepEqual([...tall(sources, LINES), ...tallByBraces(braces, LINES)], []));
  it("are checked by something that can fail", () => {
    assert.ok(sources.size > 120 && braces.size > 100 && others.size > 8, "files are read");
    assert.deepEqual(long(new Map([["x.ts", `//\n// ${"…".repeat(118)}`]])), ["x.ts:2"]);
    const body = `{\n${"  g();\n".repeat(69)}}`;
    for (const text of [`function f(): void ${body}`, `class A { f(): void ${body} }`,
      `namespace a { function f(): void ${body} }`, `const a = { f(): void ${body} };`])
      assert.deepEqual(tall(new Map([["x.ts", text]]), LINES), ["x.ts f"], text.slice(0, 40));
    assert.deepEqual(tall(new Map([["x.ts", `it("a", () => ${body});`]]), LINES), ["x.ts"]);
    assert.deepEqual(tall(new Map([["x.ts", `describe("a", () => ${body});`]]), LINES), []);
    for (const head of [
      "int main(void) ", "static void f(int a)\n", "func (b *x) y(n int) error ", "pub extern fn a() -> u32 ",
      "fn poll(n: i32) ",
    ])
      assert.equal(tallByBraces(new Map([["x", `${head}${body}`]]), LINES).length, 1, head);
    const short = `int a(void) { return 1; }\nint main(void) {\n}\n${body}`;
    assert.deepEqual(tallByBraces(new Map([["x", short]]), LINES), []);
  });
});

describe("names", () => {
  const sources = tree("assembly");
  /** Clients and services are programs of their own: what a file there keeps to itself may have any name. */
  const isProgram = (path: string): boolean => /^assembly\/(clients|services|rt)\//.test(path);
  const stack = new Map([...sources].filter(([path]) => !isProgram(path)));

  /** `is…`, `has…`, `may…`, and what ends in a state: they ask. */
  const asks = (name: string): boolean =>
    /^(is|has|may|can|should|needs)[A-Z]|[a-z](Acceptable|Allows|Pending|Waits|Fits|Has|Is|On|Due)$/.test(name);
  /** One of the words of a name says what is done, or what happened and is acted upon. */
  const ACTS = new RegExp(`^(${[
    "accept add admit advertise answer arm arrives ask borrow check close compare consume detects find fill fires give",
    "hold init input learn mark match note open output poll probe push put read receive refuse report retry run send",
    "shutdown solicit split take takes tell translate tune walk want write",
  ].join(" ").split(" ").join("|")})$`);
  const acts = (name: string): boolean =>
    !asks(name) && name.split(/(?=[A-Z])/).some((word) => ACTS.test(word.toLowerCase().replace(/\d+$/, "")));
  /** Functions whose names do not say that they act. */
  const SILENT: Record<string, string> = {
    "assembly/ip/input6.ts ip6Accepts": "reads a packet into `in6`; `ipAccepts` is the same for IPv4",
    "assembly/ip/input.ts ipAccepts": "counts what it refuses",
    "assembly/ip/input6.ts ip6Fragment": "reads the Fragment header into `in6`",
    "assembly/clients/mdns-query.ts oursNext": "reads the next record into its cursor",
    "assembly/clients/mdns-query.ts theirsNext": "reads the next record into its cursor",
    "assembly/clients/dns.ts nextStream": "asks it",
    "assembly/ip/way.ts ipWay": "asks the neighbour, where it is not known: who wants to send begins with it",
  };
  /** Numbers that exports return: their names are promised (include/stint.h), and their comments say what they do. */
  const isExport = (path: string): boolean => /^assembly\/(index\.ts|api\/)/.test(path);
  const answering = (all: ReadonlyMap<string, string>): string[] => [...new Set([
    ...actingAnswers(all, "bool"),
    ...actingAnswers(all, "numbers").filter((where) => !isProgram(where) && !isExport(where)),
  ])];
  const acting = (all: ReadonlyMap<string, string>): string[] =>
    answering(all).filter((where) => !acts(where.split(" ")[1]!) && !(where in SILENT));
  const withLines = (lines: string): Map<string, string> => new Map([...sources, ["assembly/udp/x.ts", lines]]);
  /** Names that were there once, and told a newcomer nothing. */
  const RIDDLES = /^(bare|seal|train|wagon|spoke|quick|port|end)\d*$/;
  const riddles = (all: ReadonlyMap<string, string>): string[] =>
    functions(all).filter((where) => RIDDLES.test(where.split(" ")[1]!));

  it("no two functions of the stack have one name, and no two that are exported", () => {
    assert.deepEqual(twins(stack), []);
    assert.deepEqual(twins(sources, "exported"), []);
  });
  it("no function has a name that is a riddle, or means too much", () => {
    assert.deepEqual(riddles(sources), []);
    assert.deepEqual(riddles(withLines("function end(): void {} class A { seal(): void {} }")), [
      "assembly/udp/x.ts end", "assembly/udp/x.ts seal",
    ]);
  });
  it("no call has a bare true or false", () => assert.deepEqual(bareBooleans(sources), []));
  it("the local side comes before the remote one", () => assert.deepEqual(remoteFirst(sources), []));
  it("what is named like a question only asks", () =>
    assert.deepEqual(answering(sources).filter((where) => asks(where.split(" ")[1]!)), []));
  it("what acts, and says whether it did, is named for what it does", () => {
    assert.deepEqual(acting(sources), []);
    assert.deepEqual(Object.keys(SILENT).filter((where) => !answering(sources).includes(where)), []);
  });
  it("are checked by something that can fail", () => {
    const extra = (lines: string): Map<string, string> => new Map([...stack, ["assembly/udp/x.ts", lines]]);
    assert.deepEqual(twins(extra("function tcpInput(): void {}")), [
      "tcpInput: assembly/tcp/input.ts assembly/udp/x.ts",
    ]);
    assert.deepEqual(twins(withLines("export function dnsInput(): void {}"), "exported"), [
      "dnsInput: assembly/clients/dns.ts assembly/udp/x.ts",
    ]);
    assert.deepEqual(bareBooleans(withLines("function f(): void { g(1, true); g(!0); g(<bool>1); }")), [
      "assembly/udp/x.ts g(1, true)", "assembly/udp/x.ts g(!0)", "assembly/udp/x.ts g(<bool>1)",
    ]);
    for (const order of [
      "rip: u32, lip: u32", "remoteIp: u32, localIp: u32", "port: u16, ip: u32",
      "lip: u32, rip: u32, lport: u16, rport: u16",
    ]) {
      assert.deepEqual(remoteFirst(withLines(`function f(${order}): void {}`)), ["assembly/udp/x.ts f"], order);
      assert.deepEqual(remoteFirst(withLines(`class A { f(${order}): void {} }`)), ["assembly/udp/x.ts f"], order);
    }
    assert.deepEqual(remoteFirst(withLines("function f(): void { g(t.rip, t.lip); }")), [
      "assembly/udp/x.ts g(t.rip, t.lip)",
    ]);
    const imports =
      'import { count } from "../core/counters";\nimport { tcbHas, workAdd as put } from "../tcp/block/tcb";'
      + '\nimport * as all from "../tcp/block/tcb";';
    const act = [
      "t.mss = 1;", "t.retries++;", "store<u8>(8, 1);", "count(Mib.tcpInSegs);", "let a = 0; a++; put(t);",
      "tcp.put16(18, 1);", "helper(t);",
    ];
    const only = ["let a = 0; a++; return tcbHas(t, a);", "return ask(t);", "return t.mss == 1;"];
    act.push("i32.store(8, 1);", "memory.repeat(8, 0, 1, 2);", "v128.store8_lane(8, x, 1);", "all.workAdd(t);");
    const named = (name: string, body: string): string => `function ${name}(t: Tcb): bool { ${body} return true; }`;
    const lines = [
      imports, "function helper(t: Tcb): void { put(t); }", "function ask(t: Tcb): bool { return t.mss == 1; }",
      ...act.flatMap((body, i) => ["isX", "outside", "xAcked", "takeX", "xTake"].map((name) =>
        named(`${name}${i}`, body))),
      ...only.map((body, i) => named(`isY${i}`, body)),
    ];
    assert.deepEqual(
      acting(withLines(lines.join("\n"))),
      act.flatMap((_, i) => ["isX", "outside", "xAcked"].map((name) => `assembly/udp/x.ts ${name}${i}`)),
    );
    const more = "class A { x: u32; get isX(): bool { this.x = 1; return !0; } hasX(): u32 { this.x = 1; return 1; } }";
    assert.deepEqual(acting(withLines(`${more}\nfunction isY(t: Tcb): i32 { t.mss = 1; return 1; }`)), [
      "assembly/udp/x.ts isY", "assembly/udp/x.ts .isX", "assembly/udp/x.ts .hasX",
    ]);
  });

  it("faults that are put in on purpose are found once each (tests/faults/faults.ts)", () => {
    const texts = [...tree("assembly").values()];
    for (const { name, find } of FAULTS)
      assert.equal(texts.reduce((n, text) => n + text.split(find).length - 1, 0), 1, name);
  });
});

describe("the seam of loss recovery (assembly/tcp/loss/recovery.ts)", () => {
  const sources = tree("assembly");
  const isIn = (path: string, ...rooms: string[]): boolean =>
    rooms.some((room) => path.startsWith(`assembly/tcp/${room}`));
  /** Files that name what `pattern` matches, but for those in the rooms. */
  const naming = (all: ReadonlyMap<string, string>, pattern: RegExp, ...rooms: string[]): string[] =>
    [...all].filter(([path, text]) => !isIn(path, ...rooms) && pattern.test(text)).map(([path]) => path);
  /** The doors of loss/: what is behind recovery.ts has no other way in. `sack-report` is about what arrives. */
  const DOORS = ["recovery", "retransmit", "rtt", "probe", "path-mtu", "path-probe", "sack", "sack-report"];
  const throughWalls = (all: ReadonlyMap<string, string>): string[] =>
    [...all]
      .filter(([path]) => !isIn(path, "loss/") && path !== "assembly/checks.ts")
      .flatMap(([path, text]) =>
        [...text.matchAll(/from "[^"]*\bloss\/([\w-]+)"/g)]
          .filter(([, file]) => !DOORS.includes(file!))
          .map(([, file]) => `${path} ${file}`),
      );
  const SENDER = /\b(hasSender|senderOf|senderBegin|senderEnd|senderIdle)\b/;
  const ASKS = /\bhasSender\b/;
  const NAMES = /\bHas\.(RECOVERY|LOSS)\b/;
  const SETS = /\btcb(Set|Clear)\([^;]*\b(RECOVERING|RECOVERY|LOSS)\b/;

  it("nobody else asks whether a connection has a Sender", () =>
    assert.deepEqual(naming(sources, SENDER, "block/sender.ts", "loss/", "congestion/"), ["assembly/checks.ts"]));
  it("a connection is asked for its Sender in few places: the seams, and what is below them", () => {
    // probe.ts is below the retransmission timer, which is below recovery.ts; pacing.ts beside congestion.ts.
    const few = ["loss/recovery.ts", "loss/probe.ts", "congestion/congestion.ts", "congestion/pacing.ts"];
    assert.deepEqual(naming(sources, ASKS, "block/sender.ts", ...few), ["assembly/checks.ts"]);
  });
  it("nobody else knows which recovery it is", () => assert.deepEqual(throughWalls(sources), []));
  it("congestion/ alone writes the window", () => {
    const files = [...new Set([...writers(sources, /\.cwnd$/), ...writers(sources, /\.ssthresh$/)])];
    assert.deepEqual(files.filter((path) => !isIn(path, "congestion/")), []);
    assert.ok(files.length > 2);
  });
  it("loss/ alone begins and ends a recovery", () => {
    assert.deepEqual(naming(sources, NAMES, "block/tcb.ts", "loss/"), []);
    assert.deepEqual(naming(sources, SETS, "loss/"), []);
  });
  it("is checked by something that can fail", () => {
    const withLine = (line: string): Map<string, string> =>
      new Map([...sources, ["assembly/tcp/x.ts", `function f(t: Tcb): void { ${line} }`]]);
    assert.ok(
      naming(withLine("if (hasSender(t)) return;"), SENDER, "block/sender.ts", "loss/", "congestion/").includes(
        "assembly/tcp/x.ts",
      ),
    );
    const asks = new Map([...sources, ["assembly/tcp/loss/x.ts", "if (hasSender(t)) return;"]]);
    assert.ok(naming(asks, ASKS, "block/sender.ts", "loss/recovery.ts").includes("assembly/tcp/loss/x.ts"));
    assert.deepEqual(
      throughWalls(new Map([...sources, ["assembly/tcp/x.ts", 'import { rackAck } from "./loss/rack-recovery";']])),
      ["assembly/tcp/x.ts rack-recovery"],
    );
    assert.ok(writers(withLine("t.cwnd = 1;"), /\.cwnd$/).includes("assembly/tcp/x.ts"));
    assert.deepEqual(naming(withLine("return tcbHas(t, Has.LOSS);"), NAMES, "block/tcb.ts", "loss/"), [
      "assembly/tcp/x.ts",
    ]);
    assert.deepEqual(naming(withLine("tcbClear(t, Has.TIMING | RECOVERING);"), SETS, "loss/"), ["assembly/tcp/x.ts"]);
  });
});

describe("state from one call to the next lies in linear memory", () => {
  const sources = tree("assembly");
  /** Variables that are no addresses and numbers of the layout, each with its reason. */
  const VARIABLES: Record<string, string> = {
    "assembly/core/layout.ts cursor": "while the arena is laid out",
    "assembly/core/layout.ts writes": "while the arena is laid out",
    "assembly/core/random.ts isNoting": "while the arena is laid out, in firmware",
    "assembly/core/random.ts keysDrawn": "while the arena is laid out, in firmware",
    "assembly/checks.ts onLists": "while the checks run; no build for users has it",
    "assembly/checks.ts owning": "while the checks run; no build for users has it",
    "assembly/checks.ts keeping": "while the checks run; no build for users has it",
  };
  /**
   * Who may assign the others: what lays out, once in `init`, and again when `layoutSize` has laid out something else.
   */
  const LAYS_OUT = /^(\w+Init|plan|configUse)$/;
  /** Who lays out, when it is asked to: `init` and `layoutSize`, in the end. */
  const ASKED = /^assembly\/stack\.ts (stackInit|stackSize|planClients)$/;
  /** Memory that has a bit for each byte, in a build for tests. */
  const OWN = "assembly/core/own.ts";
  const others = (all: ReadonlyMap<string, string>): string[] =>
    globalWrites(all)
      .filter(({ variable, by }) => !(variable in VARIABLES) && !variable.startsWith(`${OWN} `) && !LAYS_OUT.test(by))
      .filter(({ variable }) => !/ seg\./.test(variable))
      .map(({ variable, by }) => `${variable} by ${by}`);

  it("a variable is an address or a number of the layout, which only the layout sets", () =>
    assert.deepEqual(others(sources), []));
  it("whatever lays out is called by what lays out, or by `init` and `layoutSize`", () => {
    const ours = new Set(globalWrites(sources).map(({ by }) => by).filter((by) => LAYS_OUT.test(by)));
    const strange = callers(sources, LAYS_OUT).filter(({ by, called }) =>
      ours.has(called) && !LAYS_OUT.test(by.split(" ")[1]!) && !ASKED.test(by));
    assert.deepEqual(strange, []);
  });
  it("nothing is allowed that is not there", () => {
    const all = globals(sources);
    for (const variable of Object.keys(VARIABLES)) assert.ok(all.includes(variable), variable);
  });
  // docs/design/rooms.md says why these two: read.ts fills the record from the wire, segment.ts cuts it to the window.
  it("the segment at hand is the one namespace with variables, and two files write it", () => {
    assert.deepEqual(
      [
        ...new Set(
          globals(sources)
            .filter((v) => v.includes(".ts ") && / \w+\./.test(v))
            .map((v) => v.split(".ts")[0]),
        ),
      ],
      ["assembly/tcp/segment/segment"],
    );
    assert.deepEqual(writers(sources, /^seg\./), ["assembly/tcp/segment/read.ts", "assembly/tcp/segment/segment.ts"]);
  });
  it("is checked by something that can fail", () => {
    for (const line of ["spare = 1;", "spare++;", "--spare;", "spare |= 2;"]) {
      const files = new Map([
        ...sources, ["assembly/tcp/loss/x.ts", `let spare: u32 = 0;\nexport function f(): void { ${line} }`],
      ]);
      assert.deepEqual(others(files), ["assembly/tcp/loss/x.ts spare by f"], line);
      files.set("assembly/tcp/loss/x.ts", `export let spare: u32 = 0;\nclass A { m(): void { ${line} } }`);
      assert.deepEqual(others(files), ["assembly/tcp/loss/x.ts spare by a method"], line);
      files.set("assembly/tcp/loss/y.ts", `import { spare } from "./x";\nfunction g(): void { ${line} }`);
      assert.deepEqual(others(files).at(-1), "assembly/tcp/loss/x.ts spare by g", line);
      assert.deepEqual(
        writers(
          new Map([
            ["x.ts", `function f(): void { seg.${line.replace("spare", "size")} }`.replace("seg.--size", "--seg.size")],
          ]),
          /^seg\./,
        ),
        ["x.ts"],
        line,
      );
    }
    assert.deepEqual(globals(new Map([["x.ts", "namespace other { export let a: u32 = 0; }"]])), ["x.ts other.a"]);
    const field = "class A { static a: u32 = 0; static readonly b: u32 = 0; c: u32; }\nfunction f(): void { A.a = 1; }";
    assert.deepEqual(globals(new Map([["x.ts", field]])), ["x.ts A.a"]);
    assert.deepEqual(others(new Map([["x.ts", field]])), ["x.ts A.a by f"]);
    for (const [how, what] of [['{ seg as s }', "s.ack"], ["* as all", "all.seg.ack"]]) {
      const text = `import ${how} from "../segment/segment";\nfunction f(): void { ${what} = 1; }`;
      assert.deepEqual(writers(new Map([["assembly/tcp/loss/x.ts", text]]), /^seg\./), ["assembly/tcp/loss/x.ts"], how);
    }
    assert.deepEqual(callers(new Map([["x.ts", "function f(): void { tcbsInit(); }"]]), LAYS_OUT), [
      { by: "x.ts f", called: "tcbsInit" },
    ]);
  });
});

describe("dead code", () => {
  const sources = tree("assembly");
  const users = tree("host/wasi", "examples", "tests/unit", "tests/explore/assembly", "tests/ownership/assembly");
  const ENTRIES = [
    "assembly/index.ts", "assembly/dual.ts", "assembly/whole.ts", "assembly/linkable.ts", "assembly/services/app.ts",
    "assembly/services/whole.ts", "assembly/services/six.ts", "assembly/services/leased.ts",
    "assembly/services/leased-six.ts", "assembly/services/image.ts",
  ];
  /** What a file has more than it has now: what is dead then. */
  const more = (path: string, line: string): string[] =>
    dead(new Map([...sources, [path, `${sources.get(path)}\n${line}\n`]]), users, ENTRIES);

  it("nothing is exported that nobody imports, and nothing declared that nobody names", () =>
    assert.deepEqual(dead(sources, users, ENTRIES), []));

  it("nothing is imported that is not used", () => assert.deepEqual(unused(sources), []));

  it("is found by something that can fail", () => {
    assert.deepEqual(unused(new Map([["x.ts", 'import { a, b as c, d } from "./y";\n// c\na(d);']])), ["x.ts c"]);
    for (const line of [
      "// spare is not used.\nfunction spare(): void { spare(); }", "function spare(): void { count(1); }",
      "export function spare(): void {}", "function spare(): void {}", "export const spare: u32 = 1;",
      "const spare: u32 = 1;", "@unmanaged class spare {}", "export const enum spare { A }",
    ]) {
      assert.deepEqual(more("assembly/core/seq.ts", line), ["assembly/core/seq.ts spare"], line);
    }
    // What only the dead name is dead as well; and only entries hand on what others export.
    assert.deepEqual(more("assembly/core/seq.ts", "function a1(): void { b1(); }\nfunction b1(): void { a1(); }"), [
      "assembly/core/seq.ts a1", "assembly/core/seq.ts b1",
    ]);
    assert.deepEqual(more("assembly/core/seq.ts", 'export { hash2 } from "./hash";'), ["assembly/core/seq.ts hash2"]);
    // What only its own file names need not be exported.
    assert.deepEqual(more("assembly/core/seq.ts", "export function spare(): bool { return spare(); }"), [
      "assembly/core/seq.ts spare",
    ]);
    assert.deepEqual(more("assembly/index.ts", "export function spare(): void {}"), []);
  });
});

describe("doors: what stores bytes whose number the network chose (docs/design/reach.md)", () => {
  /**
   * Each call of `memory.copy` or `memory.fill`, and each loop that stores, of a size that is no constant: its file and
   * function, and how often.
   */
  const DOORS: Record<string, string> = {
    "buffers/ring.ts ringWrite": "memory.copy memory.copy",
    "buffers/ring.ts ringRead": "memory.copy memory.copy",
    "core/checksum.ts copySum": "store",
    "clients/dhcp-message.ts putName": "memory.copy",
    "clients/dhcp-state.ts domainKeep": "memory.copy",
    "clients/dhcp-state.ts hostNameKeep": "memory.copy",
    "nd/dhcp6.ts choose": "memory.copy",
    "nd/dhcp6.ts putServer": "memory.copy",
    "clients/dns-name.ts nameFromText": "store",
    "clients/dns-name.ts nameRead": "store",
    "clients/dns.ts mixCase": "store",
    "clients/dns.ts result": "memory.copy",
    "clients/dns.ts writeQuestion": "memory.copy",
    "clients/mdns-records.ts compose": "memory.copy memory.copy",
    "clients/mdns-records.ts labelKeep": "memory.copy",
    "clients/mdns-records.ts ownNameText": "store",
    "clients/mdns-records.ts putNumber": "store",
    "clients/mdns-records.ts writeName": "memory.copy",
    "clients/mdns-records.ts writePointer": "memory.copy",
    "clients/mdns-send.ts writeQuestion": "memory.copy",
    "clients/mdns.ts answerOne": "memory.copy",
    "ip/reassembly.ts slotTake": "memory.fill",
    "ip/reassembly.ts admitFragment": "store memory.copy",
    "ip/output.ts ipResolved": "memory.copy",
    "icmp/icmp.ts echo": "memory.copy",
    "icmp/icmp.ts icmpError": "memory.copy",
    "icmp/icmp6.ts echo6": "memory.copy",
    "icmp/icmp6.ts quote": "memory.copy memory.copy",
    "tcp/segment/options.ts putFastOpen": "memory.copy",
    "tcp/open/fast-open.ts fastOpenAnswered": "memory.copy",
    "tcp/repeat.ts repeatLast": "store",
  };
  const LOOP_STORES = new RegExp(
    /\b(for|while) \([^\n]*\{\n(?:(?!^  \}).*\n)*?[^\n]*/.source
      + /(store<u(8|64)>|v128\.store)\((?!owners|places|deadlines)/.source, "m",
  );
  /** Whose size has nothing to do with the network: `init`, and a table's own work. */
  const OTHERS = new Set([
    "stack.ts stackInit", "tcp/block/demux.ts demuxRemove", "buffers/heap.ts heapInit",
    "tcp/open/syn-cookie.ts synCookieInit",
  ]);

  it("are all in the list, and each of them asserts or compares", () => {
    const found: Record<string, string> = {};
    for (const file of files("assembly")) {
      const name = file.replace("assembly/", "");
      if (name.startsWith("services/") || name.startsWith("rt/") || name === "core/own.ts" || name.startsWith("api/"))
        continue;
      for (const [whole, fn] of source(file).matchAll(/^(?:export )?function (\w+)\([\s\S]*?^\}/gm)) {
        const key = `${name} ${fn}`, hits: string[] = [];
        for (const [, what, rest] of whole.matchAll(/\bmemory\.(copy|fill)\((.*)\);/g)) {
          const last = rest!.slice(rest!.lastIndexOf(",") + 1).trim();
          if (!/^(\d+|(\d+ \* )?offsetof<\w+>\(\)|[A-Z][A-Z0-9_]*|\w+\.SIZE)$/.test(last)) hits.push(`memory.${what}`);
        }
        // A store within a loop, of vectors or of the bytes that a reassembly marks.
        if (LOOP_STORES.test(whole)) hits.unshift("store");
        if (hits.length > 0 && !OTHERS.has(key)) found[key] = hits.join(" ");
      }
    }
    assert.deepEqual(found, DOORS);
  });

  it("nobody but these functions reads or writes a ring, or takes a frame's slot", () => {
    const users = (pattern: RegExp): string[] =>
      files("assembly")
        .filter((f) => pattern.test(source(f)))
        .map((f) => f.replace("assembly/", ""))
        .sort();
    assert.deepEqual(users(/\bcopySum\(/), ["buffers/ring.ts", "core/checksum.ts"]);
    assert.deepEqual(users(/\bringWrite(Sum)?\(/), [
      "buffers/ring.ts", "tcp/predict.ts", "tcp/receive.ts", "tcp/user.ts", "udp/udp.ts",
    ]);
    assert.deepEqual(users(/\bringRead(Sum)?\(/), [
      "buffers/ring.ts", "tcp/output.ts", "tcp/repeat.ts", "tcp/user.ts", "udp/udp.ts",
    ]);
    assert.deepEqual(users(/\brecvRing\(t\)/), ["tcp/block/tcb.ts", "tcp/predict.ts", "tcp/receive.ts", "tcp/user.ts"]);
    assert.deepEqual(users(/\bslotNext\(/), ["buffers/slots.ts", "ip/output.ts", "ip/way.ts", "tcp/repeat.ts"]);
  });
});

describe("layouts, in the module and in the command for wasmtime", () => {
  const sources = tree("assembly", "host/wasi");
  /** Files that read or write at a number, and why no class names the place. What crosses the border has classes. */
  const PLACES: Record<string, string> = {
    "wire/": "bytes of a protocol",
    "core/checksum.ts": "words of what is summed", "core/random.ts": "words of the entropy and of the generator",
    "core/events.ts": "entries of twelve bytes: bits, the next one, the generation",
    "address/names.ts": "halves of an address", "ip/input.ts": "options", "ip/input6.ts": "headers and addresses",
    "ip/output.ts": "words of a header that is sent again", "ip/reassembly.ts": "where IPv6 has its number",
    "icmp/icmp6.ts": "headers", "nd/": "options", "udp/udp.ts": "records in a ring, at any place",
    "tcp/segment/": "options", "tcp/loss/sack.ts": "blocks of an option", "tcp/repeat.ts": "a header that is repeated",
    "tcp/output.ts": "flags of a header that was sent",
    "tcp/block/demux.ts": "the key", "tcp/open/syn-cookie.ts": "keys in a row, and the minute of the newest",
    "clients/": "messages and names of protocols",
    "services/http.ts": "characters", "services/idle.ts": "the ends of a list",
    "api/tcp.ts": "rows of a table of options", "config.ts": "rows of a table of bounds",
    "checks.ts": "entries of core/events.ts",
    "host/wasi/files.ts": "records of WASI", "host/wasi/wasi.ts": "records of WASI",
    "host/wasi/arguments.ts": "records of WASI", "host/wasi/ip6.ts": "halves of an address",
    "host/wasi/main.ts": "buffers for frames",
  };
  /** Constants that say how large something is, and are no `offsetof`: of protocols, or of tables without a class. */
  const SIZES = [
    "api/ip6.ts SIZE", "clients/dhcp-message.ts WANTED_SIZE", "clients/dhcp-options.ts CLIENT_SIZE",
    "clients/igmp.ts OPTION_SIZE",
    "config.ts BLOCK_SIZE", "config.ts FRAME_OFFSET", "config.ts ETHERNET_SIZE", "core/events.ts ENTRY",
    "core/random.ts RANDOM_SIZE", "ip/input6.ts NEXT_AT", "nd/send.ts RECORD", "tcp/block/demux.ts KEY_SIZE",
    "tcp/block/mss.ts TIMESTAMPS_SIZE", "tcp/open/fast-open.ts COOKIE_SIZE", "tcp/open/fast-open.ts SYN_OPTIONS_SIZE",
    "tcp/open/syn-cookie.ts SECRETS_SIZE", "tcp/open/syn-rate.ts ENTRY_SIZE", "udp/udp.ts RECORD",
    "host/wasi/address6.ts SIZE", "host/wasi/files.ts ENTRY",
  ];
  const short = (where: string): string => where.replace(/^assembly\//, "");
  const known = (where: string): string | undefined =>
    Object.keys(PLACES).find((p) => p.endsWith("/") ? short(where).startsWith(p) : short(where).split(" ")[0] === p);
  const places = (all: ReadonlyMap<string, string>): string[] =>
    placesByNumber(all).filter((where) => known(where) === undefined);
  const sizes = (all: ReadonlyMap<string, string>): string[] =>
    sizesByNumber(all).map(short).filter((where) => !where.startsWith("wire/") && !SIZES.includes(where));

  it("have classes: nothing else is read or written at a number", () => assert.deepEqual(places(sources), []));
  it("have the sizes of classes", () => assert.deepEqual(sizes(sources), []));
  it("no exception is listed that is not there", () => {
    assert.deepEqual(Object.keys(PLACES).filter((p) => !placesByNumber(sources).some((w) => known(w) === p)), []);
    assert.deepEqual(SIZES.filter((where) => !sizesByNumber(sources).map(short).includes(where)), []);
  });
  it("are checked by something that can fail", () => {
    const withLine = (line: string): Map<string, string> =>
      new Map([["assembly/stack.ts", `const AT: u32 = 24;\nfunction f(at: usize): void { ${line} }`]]);
    for (const line of [
      "x = load<u32>(at, 24);", "x = load<u32>(at + 24);", "x = load<u64>(base + 8 + at);", "store<u32>(at, 1, 4);",
      "store<u8>(at + 4, 1);", "x = memory.data(40, 8);", "x = take(1, 48);", "x = load<u32>(at, AT);",
      "store<u8>(at + AT, 1);",
      "v128.store(at, x, 16);",
    ]) assert.deepEqual(places(withLine(line)), ["assembly/stack.ts f"], line);
    for (const line of ["x = load<u32>(at);", "store<u32>(at, 24);", "x = load<u32>(at, offsetof<Config>(\"ip\"));"])
      assert.deepEqual(places(withLine(line)), [], line);
    assert.deepEqual(
      sizes(new Map([["assembly/stack.ts", "const CONTROL_TX: u32 = 24, CONTROL_SIZE: u32 = 48;"]])),
      ["stack.ts CONTROL_TX", "stack.ts CONTROL_SIZE"],
    );
    assert.deepEqual(sizes(new Map([["assembly/stack.ts", "const CONTROL_TX: u32 = offsetof<SlotRing>();"]])), []);
  });
});

describe("the module's border", () => {
  it("has one source: what is made of it is as it would be made now", () =>
    assert.deepEqual(stale(), [], "make it anew: npm run border"));
  it("comes with a table of what tcp_info copies that is found wrong when it is", () => {
    const record = (...names: string[]): { name: string; offset: number; width: number }[] =>
      names.map((name, i) => ({ name, offset: 4 * i, width: 4 }));
    const info = record("version", "a", "b", "pipe"), tcb = record("x", "a", "b", "c");
    const run = ['<u8>offsetof<TcpInfo>("a")', '<u8>offsetof<Tcb>("a")', '<u8>(offsetof<TcpInfo>("pipe") - …)'];
    assert.deepEqual(copiedWrong(info, tcb, run, 3, ["version", "pipe"]), []);
    assert.deepEqual(copiedWrong(info, tcb, run, 6, ["version", "pipe"]), [
      "COPIED has 3 numbers, and COPIED_END is 6",
    ]);
    assert.deepEqual(copiedWrong(info, record("x", "a", "c", "b"), run, 3, ["version", "pipe"]), [
      "the TCB has no b where the run from a on copies it from",
    ]);
    assert.deepEqual(copiedWrong(info, tcb, run, 3, ["version"]), ["nothing writes TcpInfo.pipe"]);
  });
  it("has words for every call", () =>
    assert.deepEqual(border().functions.filter((f) => f.text === "").map((f) => f.name), []));
  it("defaults of the command for wasmtime", () => {
    const numbers = configNumbers({ ip: "10.0.0.1/24" });
    for (const [, name, value] of source("host/wasi/defaults.ts").matchAll(/c\.(\w+) = ([^;]+);/g)) {
      if (name === "size" || name === "policy") continue;
       
      assert.equal(numbers[name as (typeof CONFIG_FIELDS)[number]], eval(value!), name);
    }
  });

  describe("numbers that programs were compiled with", () => {
    /** Names in the order of their numbers. More may follow. */
    const NUMBERS: { kind: string; number: (i: number) => number; names: string }[] = [
      { kind: "ERR", number: (i) => -1 - i, names: `
        HANDLE ARGUMENT STATE FULL AGAIN IN_USE REFUSED RESET TIMED_OUT UNREACHABLE CLOSED NOT_INIT ENTROPY
        NO_MEMORY CONFIG ABORTED SIZE NO_ADDRESS` },
      { kind: "EVENT", number: (i) => 2 ** i, names: `
        CONNECTED ACCEPT READABLE WRITABLE END CLOSED URGENT STALLED SOFT_ERROR DEFENCE ADDRESS NAMES NAME` },
      { kind: "STATE", number: (i) => i, names: `
        CLOSED LISTEN SYN_SENT SYN_RECEIVED ESTABLISHED FIN_WAIT_1 FIN_WAIT_2 CLOSE_WAIT CLOSING LAST_ACK TIME_WAIT` },
      { kind: "OPTION", number: (i) => i, names: `
        NO_DELAY KEEP_ALIVE KEEP_IDLE KEEP_INTERVAL KEEP_PROBES USER_TIMEOUT TOS TTL SOFT_ERRORS FAST_OPEN
        CONGESTION` },
      { kind: "POLICY", number: (i) => 2 ** i, names: `
        TIMESTAMPS SACK WINDOW_SCALE RST_ENDS_TIME_WAIT SYN_FIN RST_ON_OVERFLOW PUSH_BURSTS ANNOUNCE NO_DELAY
        BROADCAST_ECHO BLACKHOLE EAGER_WINDOW KEEP_HALF_OPEN SYN_SILENCE GROUP ECN ECN_OFFER RACK TLP PRR UNDO CUBIC
        HYSTART PACING NOISY_LINK QUICK_ACKS RST_IN_WINDOW SYN_RESETS OLD_ACKS BBR` },
    ];
    const changed = (header: string): string[] =>
      NUMBERS.flatMap(({ kind, number, names }) =>
        names
          .trim()
          .split(/\s+/)
          .map((name, i) => ({ name: `STINT_${kind}_${name}`, value: number(i) })),
      )
        .filter(
          ({ name, value }) => !header.includes(` ${name} = ${value},`) && !header.includes(` ${name} = ${value}u,`),
        )
        .map(({ name }) => name);
    const header = source("include/stint.h");

    it("stay as they are", () => assert.deepEqual(changed(header), []));
    it("are missed when one is changed or gone", () => {
      assert.deepEqual(changed(header.replace("STINT_EVENT_END = 16,", "STINT_EVENT_END = 32,")), ["STINT_EVENT_END"]);
      assert.deepEqual(changed(header.replace("STINT_POLICY_SACK = 2,", "STINT_POLICY_SACK = 20,")), [
        "STINT_POLICY_SACK",
      ]);
      assert.deepEqual(changed(header.replace("STINT_ERR_STATE", "STINT_ERR_STATUS")), ["STINT_ERR_STATE"]);
    });
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
    // Those of the builds that check more are not in it; the small build leaves out what bounds walks (features.ts,
    // BOUNDED).
    const elsewhere = new Set(["assembly/checks.ts", "assembly/core/own.ts"]);
    const inSource = files("assembly")
      .filter((f) => !elsewhere.has(f))
      .flatMap((f) => source(f).match(/^\s*assert\(/gm) ?? []).length;
    const traps = (module: string): number =>
      (
        binaryen
          .readBinary(readFileSync(`build/${module}.wasm`))
          .emitText()
          .match(/unreachable/g) ?? []
      ).length;
    assert.ok(inSource > 0 && traps("stint.simd") >= inSource, `${traps("stint.simd")} of ${inSource}`);
    assert.ok(traps("stint") > 0, "and in the small one");
  });
});

describe("RFC 9293 §3.10 in the code", () => {
  it("every subsection is found", async () => {
    const { findSection } = await import("../../tools/rfc.mjs");
    for (const section of [
      "3.10.1", "3.10.2", "3.10.3", "3.10.4", "3.10.5", "3.10.6", "3.10.7", "3.10.7.1", "3.10.7.2", "3.10.7.3",
      "3.10.7.4", "3.10.8",
    ]) {
      const lines: unknown[] = findSection(section);
      assert.ok(lines.length > 0, section);
    }
  });
});
