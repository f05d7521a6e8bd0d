/**
 * BSD sockets (host/bsd) beside the kernel's: each program of tests/posix is compiled for the system's sockets, for ours under wasmtime and for ours as a
 * native program, and prints the same. docs/bsd-sockets.md names the program for each call.
 */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import type { Duplex } from "node:stream";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, describe, it, type TestContext } from "node:test";
import { Stack, type Connection } from "../../host/net.js";
import type { Link } from "../../host/links/link.js";
import { streamLink } from "../../host/links/stream.js";
import { findProgram } from "../../host/programs.js";
import { lacks } from "../interop/lab.js";
import { native } from "../../tools/native.mjs";
import { environment, ran, started, succeeded } from "../harness/programs.js";

const dir = mkdtempSync(join(tmpdir(), "stint-posix-"));
after(() => rmSync(dir, { recursive: true }));

const LAYER = [...readdirSync("host/bsd").filter((f) => f.endsWith(".c")).map((f) => join("host/bsd", f)), "host/posix/host.c"];
const INCLUDE = ["-DSTINT_SOCKETS", "-Iinclude/bsd", "-Iinclude"], WARNINGS = ["-Wall", "-Wextra", "-Werror"];
const WASM = ["--target=wasm32-wasi", "-O2", "-mbulk-memory", "-ftls-model=local-exec", ...WARNINGS, ...INCLUDE];
const programs = readdirSync("tests/posix").filter((f) => f.endsWith(".c")).map((f) => basename(f, ".c"));
/** WASI has no signals. */
const NATIVE_ONLY = ["pipe"];
const file = (name: string): string => join(dir, name);
const source = (name: string): string => join("tests/posix", `${name}.c`);
const compile = (cc: string, ...args: string[]): void => void succeeded(cc, args);

/** Runs a program to its end. Returns what it printed. */
function output(command: string, args: string[], env: NodeJS.ProcessEnv = {}): string {
  const r = ran(command, args, { stdio: ["ignore", "pipe", "pipe"], env: environment(env) });
  assert.equal(r.status, 0, `${basename(command)} ${r.signal ?? ""} ${r.stdout.split("\n").slice(-4).join("\n")} ${r.stderr}`);
  return r.stdout;
}

/** What the kernel makes of a program. */
function kernels(name: string): string {
  compile("gcc", "-O1", ...WARNINGS, source(name), "-o", file(`${name}.linux`));
  const said = output(file(`${name}.linux`), []);
  assert.ok(said.split("\n").length > 10, "the program says what happens");
  return said;
}

let objects: string[] | undefined;
/** The layer, compiled once for WASI. */
function layer(): string[] {
  return objects ??= LAYER.map((f) => {
    const out = file(`${basename(f, ".c")}.o`);
    compile("clang", ...WASM, "-c", f, "-o", out);
    return out;
  });
}

let library: string[] | undefined;
/** The layer and the stack for native programs. */
function nativeLayer(): string[] {
  if (library !== undefined) return library;
  const stack = native(file("native"));
  mkdirSync(file("objects"));
  const made = LAYER.map((f) => {
    const out = join(file("objects"), `${basename(f, ".c")}.o`);
    compile("gcc", "-O1", "-g", "-fsanitize=undefined", "-fno-sanitize-recover", ...WARNINGS, ...INCLUDE, "-c", f, "-o", out);
    return out;
  });
  return library = [...made, stack];
}

const ENV = { STINT_IP: "10.0.0.2/24", STINT_LINK_FD: "none" };

describe("BSD sockets say what the kernel's say, under wasmtime", () => {
  for (const name of programs.filter((p) => !NATIVE_ONLY.includes(p))) {
    it(name, (t: TestContext) => {
      if (lacks(t, "gcc", "clang", "wasm-ld", "wasmtime")) return;
      const expected = kernels(name), app = file(`${name}.wasm`);
      compile("clang", ...WASM, source(name), ...layer(), "-o", app);
      succeeded(process.execPath, ["build/stint.js", "link", "--dynamic", app, "-o", file(name)]);
      const env = Object.entries(ENV).flatMap(([k, v]) => ["--env", `${k}=${v}`]);
      assert.equal(output(findProgram("wasmtime")!, ["run", ...env, "--preload", `stint=${file(name)}/stint.wasm`, `${file(name)}/app.wasm`]), expected);
    });
  }
});

describe("BSD sockets say what the kernel's say, as native programs", () => {
  for (const name of programs) {
    it(name, (t: TestContext) => {
      if (lacks(t, "gcc", "wasm2c")) return;
      const expected = kernels(name);
      compile("gcc", "-O1", "-g", "-fsanitize=undefined", "-fno-sanitize-recover", ...WARNINGS, ...INCLUDE, source(name), ...nativeLayer(), "-o", file(`${name}.stint`));
      assert.equal(output(file(`${name}.stint`), [], ENV), expected);
    });
  }
});

const BYTES = 200_000, ADDRESS = "10.0.0.1";

/** Compiles a program of tests/posix/linked, once. */
const linked = new Map<string, string>();
function linkedProgram(name: string): string {
  const out = linked.get(name) ?? file(name);
  if (linked.has(name)) return out;
  compile("gcc", "-O1", "-g", "-fsanitize=undefined", "-fno-sanitize-recover", ...WARNINGS, ...INCLUDE, `tests/posix/linked/${name}.c`, ...nativeLayer(), "-o", out);
  linked.set(name, out);
  return out;
}

interface Ended { status: number | null; out: string; err: string; ms: number }

/** Runs the sender over a link on descriptor 3 to a stack in this process; `peer` has its connection. */
async function send(bytes: number, peer: (connection: Connection, link: Duplex) => void | Promise<void>, env: NodeJS.ProcessEnv = {}, before: (link: Duplex) => void = () => {}): Promise<Ended> {
  const child = started(linkedProgram("sender"), [ADDRESS, "80", String(bytes)], { stdio: ["ignore", "pipe", "pipe", "pipe"], env: environment({ STINT_IP: "10.0.0.2/24", STINT_LINK_FD: "3", ...env }) });
  const link = child.stdio[3] as Duplex, began = Date.now();
  let out = "", err = "";
  child.stdout!.on("data", (d: Buffer) => (out += d.toString()));
  child.stderr!.on("data", (d: Buffer) => (err += d.toString()));
  link.on("error", () => {});
  before(link);
  // The stack does not hear of the program's end: what it has it still hands out.
  const inner = streamLink(link, link, () => link.destroy()), outer: Link = { send: (frame) => inner.send(frame), onFrame: () => {}, onClose: () => {}, close: () => inner.close() };
  inner.onFrame = (frame) => outer.onFrame(frame);
  const stack = await Stack.open({ link: outer, ip: `${ADDRESS}/24`, recvRing: 8192 });
  stack.on("error", () => {});
  const server = stack.listen({ port: 80 });
  let finished: Promise<void> | undefined;
  server.on("connection", (connection: Connection) => {
    connection.on("error", () => {});
    finished = Promise.resolve(peer(connection, link));
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), 60_000);
  const status = await new Promise<number | null>((done) => child.once("close", done));
  clearTimeout(timer);
  await finished;
  await stack.close(0);
  return { status, out, err, ms: Date.now() - began };
}

describe("a program that ends after close", () => {
  const needs = ["gcc", "wasm2c"];
  it("goes on until the slow peer has all, and exits with 0; its standard output is its own", async (t: TestContext) => {
    if (lacks(t, ...needs)) return;
    const got: Buffer[] = [];
    const r = await send(BYTES, (connection) => new Promise<void>((done) => {
      setTimeout(() => connection.on("data", (d: Buffer) => {
        got.push(d);
        connection.pause();
        setTimeout(() => connection.resume(), 5);
      }), 500);
      connection.on("end", () => done(void connection.end())).on("close", () => done());
    }));
    assert.equal(r.status, 0, r.err);
    assert.equal(r.out, `sent ${BYTES}\n`);
    assert.ok(Buffer.concat(got).equals(Buffer.from(Array.from({ length: BYTES }, (_, i) => i % 251))), `${Buffer.concat(got).length} of ${BYTES} bytes`);
  });

  for (const [what, peer, env] of [
    ["the peer resets", (c: Connection) => void c.destroy(new Error("enough")), {}],
    ["the link is cut", (_: Connection, link: Duplex) => void link.destroy(), {}],
    ["nobody acknowledges, after STINT_LINGER seconds", (_: Connection, link: Duplex) => void link.removeAllListeners("data").resume(), { STINT_LINGER: "1" }],
  ] as const) {
    it(`tells that bytes were lost: ${what}`, async (t: TestContext) => {
      if (lacks(t, ...needs)) return;
      // All of it fits into the sender's ring, and not into ours; nobody reads.
      const r = await send(30_000, (connection, link) => void setTimeout(() => peer(connection, link), 300), env);
      assert.equal(r.status, 74, r.err);
      assert.match(r.err, /1 closed connection ended before all was acknowledged/);
      assert.ok(r.ms < 30_000);
    });
  }

  it("drops a frame that is too long, and says what is no stream of frames", async (t: TestContext) => {
    if (lacks(t, ...needs)) return;
    const long = Buffer.alloc(4 + 9000);
    long.writeUInt32BE(9000, 0);
    let got = 0;
    const read = (connection: Connection): void => void connection.on("data", (d: Buffer) => (got += d.length)).on("end", () => connection.end());
    const r = await send(BYTES, read, {}, (link) => link.write(Buffer.concat([long, long])));
    assert.deepEqual([r.status, got], [0, BYTES], r.err);
    const wrong = await send(BYTES, read, {}, (link) => link.write("GET / HTTP/1.0\r\n\r\n"));
    assert.notEqual(wrong.status, 0);
    assert.match(wrong.err, /no stream of frames/);
  });
});

describe("options that are set before there is a connection", () => {
  for (const how of ["connect", "listen"]) {
    it(`take effect: ${how}; keep-alive gives up a peer that has gone`, async (t: TestContext) => {
      if (lacks(t, "gcc", "wasm2c")) return;
      const args = how === "connect" ? ["connect", ADDRESS, "80"] : ["listen", "81"];
      const child = started(linkedProgram("setter"), args, { stdio: ["ignore", "pipe", "inherit", "pipe"], env: environment({ STINT_IP: "10.0.0.2/24", STINT_LINK_FD: "3" }) });
      const link = child.stdio[3] as Duplex, frames: Buffer[] = [];
      link.on("error", () => {});
      const inner = streamLink(link, link, () => link.destroy());
      let connected = false, out = "";
      const outer: Link = { send: (frame) => inner.send(frame), onFrame: () => {}, onClose: () => {}, close: () => inner.close() };
      inner.onFrame = (frame) => {
        const b = Buffer.from(frame), isTcp = b.readUInt16BE(12) === 0x0800 && b[23] === 6;
        if (isTcp) frames.push(b);
        // Once the handshake is complete the peer is not heard of any more.
        if (!connected) outer.onFrame(frame);
        if (isTcp && (b[47]! & 0x12) === 0x10) connected = true;
      };
      const stack = await Stack.open({ link: outer, ip: `${ADDRESS}/24` });
      stack.on("error", () => {});
      stack.listen({ port: 80 }).on("connection", (c: Connection) => c.on("error", () => {}));
      child.stdout!.on("data", (d: Buffer) => {
        if ((out += d.toString()) === "listens\n") stack.connect({ host: "10.0.0.2", port: 81 }).then((c) => (connected = true, c.on("error", () => {})), () => {});
      });
      const timer = setTimeout(() => child.kill("SIGKILL"), 30_000);
      const status = await new Promise((done) => child.once("close", done));
      clearTimeout(timer);
      await stack.close(0);
      assert.deepEqual([status, out.replace("listens\n", "")], [0, "recv: ETIMEDOUT\n"]);
      const iss = frames[0]!.readUInt32BE(38);
      assert.equal(frames[0]![47]! & 2, 2, "a SYN is the first");
      assert.ok(frames.every((f) => f[22] === 33 && f[15] === 0x48), "TTL and TOS of every segment");
      // RFC 9293 §3.8.4: a probe has SEG.SEQ = SND.NXT − 1.
      assert.equal(frames.slice(1).filter((f) => f.readUInt32BE(38) === iss && (f[47]! & 6) === 0).length, 3, "probes");
    });
  }
});
