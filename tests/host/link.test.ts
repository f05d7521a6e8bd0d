/** Linking: the stack as a part of other people's modules, and what is said about modules that cannot have it. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it, type TestContext } from "node:test";
import binaryen from "binaryen";
import { parseIp } from "../../host/address.js";
import { Wire } from "../../host/links/loopback.js";
import { problems } from "../../host/link/merge.js";
import { linkedStack } from "../../host/link/stack.js";
import { ModuleError, readSections } from "../../host/link/sections.js";
import { loadModule } from "../../host/module.js";
import { ERR } from "../../host/errors.js";
import { BLOCK_SIZE } from "../../host/module/layout.js";
import { StackModule, type Exports } from "../../host/stack.js";
import { arp, ipv4, MAC_PEER, MAC_STACK, see, segment } from "../harness/codec.js";
import { lacks } from "../interop/lab.js";
import { stale } from "../../tools/border/run.mjs";
import { npm, ran, succeeded } from "../harness/programs.js";

const dir = mkdtempSync(join(tmpdir(), "stint-link-test-"));
const stint = (...args: string[]): { status: number | null; stdout: string; stderr: string } =>
  ran(process.execPath, ["build/stint.js", ...args]);
const CLANG = [
  "--target=wasm32", "-O2", "-Wall", "-Wextra", "-Werror", "-mbulk-memory", "-nostdlib", "-Iinclude", "-Wl,--no-entry",
];

/** Compiles C text, or a file. Returns the module's path. */
function c(name: string, text: string | null, ...flags: string[]): string {
  const source = text === null ? `examples/c-posix/${name}.c` : join(dir, `${name}.c`), out = join(dir, `${name}.wasm`);
  if (text !== null) writeFileSync(source, text);
  succeeded("clang", [...CLANG, ...flags, source, "-o", out]);
  return out;
}

/** What `stint link` makes of these examples, each once. */
const made = new Map<"c" | "as", string>();
function linkedEcho(language: "c" | "as"): string {
  const before = made.get(language);
  if (before !== undefined) return before;
  const out = join(dir, `linked-${language}.wasm`), app = language === "c" ? c("echo", null) : join(dir, "as.wasm");
  if (language === "as") {
    succeeded("node_modules/.bin/asc", [
      "examples/assemblyscript/linked.ts", "--runtime", "stub", "--memoryBase", "1024", "-O3", "--use", "abort=",
      "--outFile", app,
    ]);
  }
  const r = stint("link", app, "-o", out);
  assert.equal(r.status, 0, r.stderr);
  made.set(language, out);
  return out;
}

const moduleAt = (path: string): WebAssembly.Module => new WebAssembly.Module(readFileSync(path));

/** Sends `data` to an application's port 7, from another stack, and returns what comes back until the end. */
function talk(
  module: WebAssembly.Module, data: Uint8Array,
  { shuts = true, look = () => {} }: { shuts?: boolean; look?: (exports: WebAssembly.Exports) => void } = {},
): Uint8Array {
  const wire = new Wire(1, 1_000_000);
  const server = new StackModule(module, { ip: "10.0.0.2/24" });
  const client = new StackModule(loadModule("stint.simd"), { ip: "10.0.0.1/24" });
  wire.attach(client);
  wire.attach(server);
  const got: Uint8Array[] = [];
  let sent = 0, over = false;
  const handle = client.connect(parseIp("10.0.0.2"), 7);
  wire.onPolled = (port) => {
    if (port === 1) return server.runApplication();
    let did = false;
    client.drainEvents(() => { did = true; });
    if (client.info(handle).stateName === "SYN-SENT") return did;
    while (sent < data.length) {
      const n = client.send(handle, data.subarray(sent));
      if (n === 0) break;
      sent += n;
      did = true;
    }
    if (sent === data.length && shuts && !over && client.info(handle).stateName === "ESTABLISHED")
      client.shutdown(handle);
    for (let n = client.receivable(handle); n > 0; n = client.receivable(handle)) got.push(client.receive(handle)!);
    if (client.receivable(handle) === 0) over = true;
    return did;
  };
  wire.run(() => over || (!shuts && got.length > 0), wire.nowUs + 60e6);
  look(server.exports as unknown as WebAssembly.Exports);
  return Buffer.concat(got);
}

/**
 * How many of `count` connections, one after the other, an application serves; each is reset with bytes unread on
 * either side.
 */
function servesAfterResets(module: WebAssembly.Module, count: number): number {
  const wire = new Wire(1, 1_000_000);
  const server = new StackModule(module, { ip: "10.0.0.2/24" });
  const client = new StackModule(loadModule("stint.simd"), { ip: "10.0.0.1/24", recvRing: 2048 });
  wire.attach(client);
  wire.attach(server);
  wire.onPolled = (port) => port === 1 && server.runApplication();
  let served = 0;
  for (let i = 0; i < count; i++) {
    const handle = client.connect(parseIp("10.0.0.2"), 7), data = new Uint8Array(16384);
    for (let n = 0; n < 40; n++) {
      wire.ports.forEach((p) => (p.wakeUs = wire.nowUs));
      wire.run(() => false, wire.nowUs + 200_000);
      if (client.info(handle).stateName === "ESTABLISHED") client.send(handle, data);
    }
    if (client.receivable(handle) > 0) served++;
    client.abort(handle);
    wire.ports.forEach((p) => (p.wakeUs = wire.nowUs));
    wire.run(() => false, wire.nowUs + 1e6);
  }
  return served;
}

after(() => rmSync(dir, { recursive: true }));

/** The module, with a count of the bytes that `memory.copy` moves: `copied`, exported. */
function counting(path: string): WebAssembly.Module {
  const source = binaryen.readBinary(readFileSync(path)), text = source.emitText();
  const counted = text.replaceAll("(memory.copy", "(call $counted").replace(/\)\s*$/, `
    (global $copied (mut i64) (i64.const 0))
    (export "copied" (global $copied))
    (func $counted (param i32 i32 i32)
      (global.set $copied (i64.add (global.get $copied) (i64.extend_i32_u (local.get 2))))
      (memory.copy (local.get 0) (local.get 1) (local.get 2))))`);
  assert.ok((text.match(/\(memory\.copy/g) ?? []).length > 3, "copies are there to be counted");
  const made = binaryen.parseText(counted);
  made.setFeatures(binaryen.Features.All);
  return new WebAssembly.Module(made.emitBinary() as Uint8Array<ArrayBuffer>);
}

describe("the header", () => {
  it("is what the sources say, as is all that is made of them", () =>
    assert.deepEqual(stale(), [], "make it anew: npm run border"));
});

describe("stint link", () => {
  const data = Uint8Array.from({ length: 100_000 }, (_, i) => (i * 7) & 255);

  it("a C echo application and the stack are one module of 40 KB at most, without imports, that echoes", (t) => {
    if (lacks(t, "clang", "wasm-ld")) return;
    const out = linkedEcho("c");
    assert.ok(statSync(out).size <= 40 * 1024, `${statSync(out).size} bytes`);
    const sections = readSections(readFileSync(out));
    assert.deepEqual(sections.imports, []);
    assert.deepEqual(Buffer.from(talk(moduleAt(out), data)), Buffer.from(data));
  });

  it("the echo application forgets connections that were reset with bytes unread", (t) => {
    if (lacks(t, "clang", "wasm-ld")) return;
    assert.equal(servesAfterResets(moduleAt(linkedEcho("c")), 10), 10);
  });

  it("… and so does the one in AssemblyScript that imports the calls", () =>
    assert.equal(servesAfterResets(moduleAt(linkedEcho("as")), 10), 10));

  it("copies nothing between the application and its sockets' rings: counted", (t) => {
    if (lacks(t, "clang", "wasm-ld")) return;
    const data = new Uint8Array(200_000).map((_, i) => i * 7), out = join(dir, "counted.wasm");
    // Reads what arrives where it lies, and answers with four bytes: the sum.
    const reader = c(
        "reader",
        readFileSync("examples/c-posix/echo.c", "utf8").replace(/static void echo\([\s\S]*?\n\}\n/, `
static uint32_t sum;
static void echo(int32_t connection) {
  for (int32_t have; (have = tcp_recv_span(connection)) > 0; tcp_recv_consume(connection, (uint32_t)have)) {
    const unsigned char *at = tcp_recv_at(connection);
    for (int32_t i = 0; i < have; i++) sum += at[i];
  }
  if (tcp_recv_size(connection) != 0) return;
  *(uint32_t *)tcp_send_at(connection) = sum;
  tcp_send_commit(connection, 4);
  tcp_close(connection);
}
`),
      ), linked = stint("link", reader, "-o", out);
    assert.equal(linked.status, 0, linked.stderr);
    const copied = (path: string, check: (answer: Uint8Array) => void): number => {
      let bytes = 0n;
      check(
        talk(counting(path), data, {
          look: (exports) => void (bytes = (exports["copied"] as WebAssembly.Global).value as bigint),
        }),
      );
      return Number(bytes) / data.length;
    };
    // Each byte once, from its frame into the ring, and a little for headers and the configuration.
    const once = copied(out, (answer) =>
      assert.equal(Buffer.from(answer).readUInt32LE(), data.reduce((a, b) => a + b, 0)),
    );
    assert.ok(once >= 1 && once < 1.02, `${once} copies of each byte`);
    // The echo server itself moves it from one ring to the other, and it goes into a frame again.
    const thrice = copied(linkedEcho("c"), (answer) => assert.ok(Buffer.from(answer).equals(data)));
    assert.ok(thrice >= 3 && thrice < 3.05, `${thrice} copies of each byte`);
  });

  it("makes calls across the border calls within one module", (t) => {
    if (lacks(t, "clang", "wasm-ld")) return;
    const text = binaryen.readBinary(readFileSync(linkedEcho("c"))).emitText();
    assert.doesNotMatch(text, /call_indirect|\(import/);
  });

  it("an AssemblyScript application that imports the calls", () =>
    assert.equal(
      Buffer.from(talk(moduleAt(linkedEcho("as")), new Uint8Array(0), { shuts: false })).toString(), "hello\n",
    ));

  const refused = (t: TestContext, name: string, text: string, message: RegExp, ...flags: string[]): void => {
    if (lacks(t, "clang", "wasm-ld")) return;
    const r = stint("link", c(name, text, ...flags), "-o", join(dir, "never.wasm"));
    assert.equal(r.status, 2);
    assert.match(r.stderr, message);
  };
  const IMPORT = (name: string): string => `__attribute__((import_module("stint"), import_name("${name}")))`;
  const RUN = '__attribute__((export_name("app_run"))) int app_run(void)';

  it("refuses a call that does not exist", (t) =>
    refused(
      t, "missing", `${IMPORT("tcp_teleport")} int f(int);\n${RUN} { return f(1); }`,
      /wants stint's "tcp_teleport", which does not exist/,
    ));
  it("refuses a call with another signature", (t) =>
    refused(
      t, "signature", `${IMPORT("tcp_close")} int f(int, int);\n${RUN} { return f(1, 2); }`,
      /wants stint's "tcp_close" as \(i32, i32\) → i32; it is \(i32\) → i32/,
    ));
  it("refuses a module that imports nothing of it", (t) =>
    refused(t, "nothing", `${RUN} { return 1; }`, /imports nothing from "stint"/));
  it("refuses a stack that lies where its data go", (t) =>
    refused(
      t, "first",
      `#include <stint.h>\nstatic int x = 5;\n${RUN} { volatile char room[99]; room[0] = (char)x++; `
        + "return stint_poll(0) + room[0]; }",
      /compile it without -Wl,--stack-first/, "-Wl,--stack-first",
    ));
  it("refuses data that lie where its own do", (t) =>
    refused(
      t, "low", `#include <stint.h>\nstatic int x = 5;\n${RUN} { return stint_poll(0) + x++; }`,
      /-Wl,--global-base=1024/, "-Wl,--global-base=64",
    ));

  it("refuses what has another meaning, or none, where the stack is: exports of its names, memories", () => {
    const stack = linkedStack("whole");
    const said = (what: string, memory = '(memory (export "memory") 1)', { isOne = true } = {}): string[] => {
      const module = binaryen.parseText(`(module
        (import "stint" "poll" (func $poll (param i64) (result i32))) ${memory}
        (func (export "app_run") (result i32) (call $poll (i64.const 0))) ${what})`);
      module.setFeatures(binaryen.Features.MutableGlobals | binaryen.Features.Atomics);
      return problems(module.emitBinary(), stack, undefined, isOne);
    };
    assert.deepEqual(said(""), []);
    assert.deepEqual(said('(export "poll" (func $poll))'), [], "the stack's own, handed on");
    assert.match(said('(func (export "poll"))').join(), /exports "poll", by which/);
    assert.match(said('(export "counters" (func $poll))').join(), /exports "counters", by which/);
    assert.match(said('(global (export "configBlock") i32 (i32.const 7))').join(), /exports "configBlock", by which/);
    const poll = '(memory (export "memory") 1) (global (export "poll") i32 (i32.const 7))';
    assert.deepEqual(said("", poll, { isOne: false }), [], "two modules have a name each");
    assert.match(said("", '(memory (export "memory") 0)').join(), /has no page/);
    assert.match(said("", '(memory (export "memory") 1 2 shared)').join(), /is shared/);
  });

  it("says what is no module", () => {
    const file = join(dir, "text.wasm");
    writeFileSync(file, "not a module");
    const r = stint("link", file, "-o", join(dir, "never.wasm"));
    assert.equal(r.status, 2);
    assert.match(r.stderr, /this is no WebAssembly module/);
    assert.throws(() => readSections(new Uint8Array(3)), ModuleError);
    assert.equal(stint("link", join(dir, "absent.wasm"), "-o", join(dir, "never.wasm")).status, 2);
    assert.match(
      stint("run", "build/stint-link.wasm", "--link", "tap:none", "--ip", "10.0.0.2/24").stderr,
      /does not export app_start/,
    );
    assert.equal(
      problems(readFileSync("build/stint.wasm"), readFileSync("build/stint-link.wasm"))[0],
      'it imports nothing from "stint"; see include/stint.h',
    );
  });

  it("an application that asks for the impossible gets a named error, and harms nobody", (t) => {
    if (lacks(t, "clang", "wasm-ld")) return;
    const app = c("misuse", `#include <stint.h>
      static _Alignas(8) unsigned char arena[65536], neighbour[64];
      static int32_t results[12];
      STINT_APP("results") int32_t *results_at(void) { return results; }
      STINT_APP("neighbour") unsigned char *neighbour_at(void) { return neighbour; }
      int32_t app_start(struct stint_config *c) {
        for (int i = 0; i < 64; i++) neighbour[i] = 0xaa;
        results[0] = tcp_listen(0, 7, 1);
        results[1] = stint_poll(0);
        results[2] = stint_init(c);
        c->arenaBase = (uint32_t)(uintptr_t)arena;
        c->arenaSize = 100;
        results[3] = stint_init(c);
        c->arenaSize = 0xffffff00u;
        c->arenaBase = 0x7ffffff8u;
        results[4] = stint_init(c);
        c->arenaBase = (uint32_t)(uintptr_t)arena;
        c->arenaSize = sizeof arena;
        c->connsMax = 2, c->sendRing = c->recvRing = 2048, c->halfOpenMax = c->timeWaitMax = 4;
        c->rxSlots = c->txSlots = 4, c->loopSlots = 4, c->rangesMax = 8, c->sendersMax = 0, c->udpMax = 0;
        c->reassemblyMax = 0, c->neighboursMax = 4, c->listenersMax = 2;
        int32_t r = stint_init(c);
        if (r < 0) return r;
        int32_t l = tcp_listen(0, 7, 1);
        results[5] = tcp_close(12345);
        results[6] = tcp_recv(l, neighbour, 10);
        int32_t s = tcp_connect(0, 0, 0x7f000001, 7);
        results[7] = tcp_send(s, (void *)(uintptr_t)0xfffffff0u, 100);
        results[8] = tcp_send(s, arena, 10);
        results[9] = tcp_recv(s, neighbour, 0xffffffffu);
        results[10] = tcp_send_commit(s, 1000000);
        return 0;
      }
      int32_t app_run(void) { return 0; }`);
    const out = join(dir, "misuse-linked.wasm"), r = stint("link", app, "-o", out);
    assert.equal(r.status, 0, r.stderr);
    const stack = new StackModule(new WebAssembly.Module(readFileSync(out)), { ip: "10.0.0.2/24" });
    const x = stack.exports as Exports & { results(): number; neighbour(): number };
    const results = [...new Int32Array(x.memory.buffer, x.results(), 11)];
    const [HANDLE, ARGUMENT, NOT_INIT, NO_MEMORY] = [-1, -2, -12, -14];
    assert.deepEqual(results, [
      NOT_INIT, NOT_INIT, NO_MEMORY, NO_MEMORY, NO_MEMORY, HANDLE, HANDLE, ARGUMENT, ARGUMENT, ARGUMENT, ARGUMENT,
    ]);
    assert.ok(new Uint8Array(x.memory.buffer, x.neighbour(), 64).every((b) => b === 0xaa));
  });
});

describe("an arena in the midst of an application's memory", () => {
  for (const [name, which] of [["stint link", "small"], ["stint link --fast", "whole"]] as const) {
    const module = new WebAssembly.Module(linkedStack(which) as Uint8Array<ArrayBuffer>);
    it(`${name}: a hostile server's SYN-ACK of 60,000 bytes stays in the ring; `
        + "every byte around the arena is as it was", () => {
      const memory = new WebAssembly.Memory({ initial: 64 });
      const all = new Uint8Array(memory.buffer);
      const [client, server] = [parseIp("10.0.0.1"), parseIp("10.0.0.2")];
      // What a compiler would put there begins at 1024.
      all.fill(0xc3, 1024);
      const base = 0x123458;
      const options = {
        ip: "10.0.0.1/24", connsMax: 1, sendersMax: 0, sendRing: 64, recvRing: 2048, arenaBase: base,
        arenaSize: 1 << 20,
      };
      const stack = new StackModule(module, options, { env: { memory } }), end = base + stack.arenaBytes;
      const frames: Uint8Array[] = [];
      let now = 1_000_000;
      const poll = (...push: Uint8Array[]): void => {
        for (const f of push) assert.ok(stack.pushFrame(f));
        stack.poll(now += 1000);
        stack.drainFrames((f) => { frames.push(f.slice()); });
      };
      poll(arp(1, { mac: MAC_PEER, ip: server }, { mac: MAC_STACK, ip: client }, [2, 0, 10, 0, 0, 1]));
      const handle = stack.connect(server, 80, 50_000);
      poll();
      const syn = see(frames.at(-1)!), text = new Uint8Array(60_000).fill(0xee);
      const whole = segment(
        { src: server, dst: client },
        { flags: "SA", seq: 7, ack: (syn.seq + 1) >>> 0, sport: 80, dport: 50_000, data: text },
      );
      for (let at = 0; at < whole.length; at += 1480) {
        const more = at + 1480 < whole.length;
        poll(ipv4(
          { src: server, dst: client, proto: 6, id: 5, frag: (more ? 0x2000 : 0) | (at >> 3) },
          whole.subarray(at, at + 1480),
        ));
      }
      assert.equal(stack.info(handle).rcvSize, 2048);
      assert.ok(stack.receive(handle)!.every((b) => b === 0xee));
      assert.equal(all.subarray(1024, base).findIndex((b) => b !== 0xc3), -1, "before the arena");
      assert.equal(all.subarray(end).findIndex((b) => b !== 0xc3), -1, "behind the arena");
    });

    it(`${name}: no arena over the module's own data, and no pointer into it`, () => {
      const memory = new WebAssembly.Memory({ initial: 64 });
      const make = (arenaBase: number): StackModule =>
        new StackModule(
          module, { ip: "10.0.0.1/24", connsMax: 1, arenaBase, arenaSize: 1 << 21 }, { env: { memory } },
        );
      for (const at of [0, 8, 64, 256]) assert.throws(() => make(at), { code: "NO_MEMORY" });
      const stack = make(1024), handle = stack.connect(parseIp("10.0.0.2"), 80);
      for (const at of [0, 8, stack.exports.configBlock() + BLOCK_SIZE])
        assert.equal(stack.exports.tcp_info(handle, at), ERR.ARGUMENT);
      assert.equal(stack.exports.tcp_info(handle, 1024 + stack.arenaBytes + 8), 0);
    });
  }
});

/** Where files of the package lie, and where none does. */
const PACKED = [
  /^(assembly|bin|build|docs|examples|include|host\/bsd|host\/posix)\//, /^(package\.json|LICENSE|[A-Z]+\.md)$/,
];
const UNPACKED = /screenshots|boards\//;

describe("the package", () => {
  it(
    "contains what is needed and nothing else, and another package compiles the stack into its "
      + "module; only what is used",
    (t) => {
      if (lacks(t, "npm", "tar")) return;
      const listed = JSON.parse(npm(["pack", "--dry-run", "--json", "--ignore-scripts"])) as [
        { files: { path: string }[] },
      ];
      const paths = listed[0].files.map((f) => f.path);
      for (const needed of [
        "package.json", "README.md", "LICENSE", "docs/start.md", "docs/guide/node.md",
        "docs/handshake.svg", "examples/c-posix/echo.c", "assembly/index.ts", "assembly/tcp/input.ts",
        "include/stint.h", "bin/stint.mjs", "build/index.js", "build/net.js", "build/dgram.js", "build/dns.js",
        "build/dns-promises.js", "build/register.js", "build/types/node/net.d.ts",
        "build/types/node/dgram.d.ts", "build/types/node/dns.d.ts", "build/types/node/dns-promises.d.ts",
        "build/stint.js", "build/stint.wasm",
        "build/stint.simd.wasm", "build/types/index.d.ts",
      ]) {
        assert.ok(paths.includes(needed), needed);
      }
      assert.deepEqual(paths.filter((p) => !PACKED.some((pattern) => pattern.test(p)) || UNPACKED.test(p)), []);
      const home = join(dir, "project");
      mkdirSync(join(home, "node_modules", "stint"), { recursive: true });
      const tarball = npm(["pack", process.cwd(), "--ignore-scripts", "--silent"], {
        cwd: dir, encoding: "utf8",
      })
        .trim()
        .split("\n")
        .at(-1)!;
      succeeded("tar", ["xzf", join(dir, tarball), "-C", join(home, "node_modules", "stint"), "--strip-components=1"]);
      const asc = (name: string, text: string): Buffer => {
        writeFileSync(join(home, `${name}.ts`), text);
        succeeded(
          join(process.cwd(), "node_modules/.bin/asc"),
          [
            `${name}.ts`, "--runtime", "stub", "--use", "abort=", "--use", "STINT_LINKED=NaN", "-O3", "--shrinkLevel",
            "2", "--outFile", `${name}.wasm`,
          ],
          { cwd: home },
        );
        return readFileSync(join(home, `${name}.wasm`));
      };
      const echo = asc("echo", readFileSync("examples/assemblyscript/echo.ts", "utf8"));
      const data = Uint8Array.from({ length: 20_000 }, (_, i) => (i * 3) & 255);
      assert.deepEqual(Buffer.from(talk(new WebAssembly.Module(Uint8Array.from(echo)), data)), Buffer.from(data));
      const core = "configBlock, init, poll, controlBlock";
      const sizes = [
        `${core}, tcp_connect, tcp_send, tcp_recv, tcp_close`,
        `${core}, tcp_listen, tcp_accept, tcp_send, tcp_recv, tcp_close`,
      ].map((list, i) => asc(`part${i}`, `export { ${list} } from "stint/assembly";`).length);
      const all = asc("all", 'export * from "stint/assembly";').length;
      assert.ok(sizes.every((s) => s < all), `${sizes.join(", ")} of ${all}`);
      const types = join(home, "use.mts");
      writeFileSync(
        types,
        'import { Stack, openTap } from "stint";\nexport const f = async (): Promise<Stack> => Stack.open({ link: '
          + 'await openTap("tap0"), ip: "10.0.0.2/24" });\n',
      );
      succeeded(
        process.execPath,
        [
          join(process.cwd(), "node_modules/typescript/bin/tsc"), "--noEmit", "--strict", "--module", "nodenext",
          "--target", "es2023", "--skipLibCheck", "--typeRoots", join(process.cwd(), "node_modules/@types"), "--types",
          "node", types,
        ],
        { cwd: home },
      );
    },
  );
});
