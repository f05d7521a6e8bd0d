/**
 * BSD sockets (host/bsd) beside the kernel's: each program of tests/posix is compiled for the system's sockets, for
 * ours under wasmtime and for ours as a native program, and prints the same. docs/bsd-sockets.md names the program for
 * each call.
 */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import type { Duplex } from "node:stream";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, describe, it, type TestContext } from "node:test";
import { Stack, type Connection } from "../../host/net.js";
import type { Link } from "../../host/links/link.js";
import { streamLink } from "../../host/links/stream.js";
import { findProgram } from "../../host/programs.js";
import { lacks } from "../interop/lab.js";
import { checksum, ip4 } from "../harness/codec.js";
import { ip6, nd, routerAdvertisement, see6 } from "../harness/codec6.js";
import { dhcpAnswer } from "../harness/dhcp.js";
import { A, AAAA, QNAME, readQuery, record, response, soa } from "../harness/dns.js";
import { library } from "../harness/kept.js";
import { environment, ran, started, succeeded } from "../harness/programs.js";

const dir = mkdtempSync(join(tmpdir(), "stint-posix-"));
after(() => rmSync(dir, { recursive: true }));

const LAYER = [
  ...readdirSync("host/bsd")
    .filter((f) => f.endsWith(".c"))
    .map((f) => join("host/bsd", f)),
  "host/posix/host.c",
];
const INCLUDE = ["-DSTINT_SOCKETS", "-Iinclude/bsd", "-Iinclude"], WARNINGS = ["-Wall", "-Wextra", "-Werror"];
const WASM = ["--target=wasm32-wasi", "-O2", "-mbulk-memory", "-ftls-model=local-exec", ...WARNINGS, ...INCLUDE];
const programs = readdirSync("tests/posix").filter((f) => f.endsWith(".c")).map((f) => basename(f, ".c"));
/** These need a stack with IPv6: the layer is compiled for it, and linked with a build that has it. */
const isSix = (name: string): boolean => name.startsWith("six") || name === "differs";
const IPV6 = "-DSTINT_IPV6";
/** With what a program is compiled natively, beside its own. */
const featuresOf = (name: string): string[] =>
  name === "lookup" ? [IPV6, "-DSTINT_CLIENTS"] : isSix(name) ? [IPV6] : [];
/** WASI has no signals, and its sockets' descriptors are above all files. */
const NATIVE_ONLY = ["pipe", "signals", "lowest"];
const file = (name: string): string => join(dir, name);
const source = (name: string): string => join("tests/posix", `${name}.c`);
const compile = (cc: string, ...args: string[]): void => void succeeded(cc, args);

/** Runs a program to its end. Returns what it printed. */
function output(command: string, args: string[], env: NodeJS.ProcessEnv = {}): string {
  const r = ran(command, args, { stdio: ["ignore", "pipe", "pipe"], env: environment(env) });
  assert.equal(
    r.status, 0, `${basename(command)} ${r.signal ?? ""} ${r.stdout.split("\n").slice(-4).join("\n")} ${r.stderr}`,
  );
  return r.stdout;
}

/** What the kernel makes of a program, which runs once. */
const heard = new Map<string, string>();
function kernels(name: string): string {
  const before = heard.get(name);
  if (before !== undefined) return before;
  compile("gcc", "-O1", ...WARNINGS, source(name), "-o", file(`${name}.linux`));
  const said = output(file(`${name}.linux`), []);
  assert.ok(said.split("\n").length > 10, "the program says what happens");
  heard.set(name, said);
  return said;
}

const objects = new Map<boolean, string[]>();
/** The layer, compiled once for WASI; with IPv6 or without. */
function layer({ six }: { six: boolean }): string[] {
  const made = objects.get(six) ?? LAYER.map((f) => {
    const out = file(`${basename(f, ".c")}${six ? "6" : ""}.o`);
    compile("clang", ...WASM, ...six ? [IPV6] : [], "-c", f, "-o", out);
    return out;
  });
  objects.set(six, made);
  return made;
}

const libraries = new Map<string, string[]>();
/** The layer and the stack for native programs. */
function nativeLayer(name: string): string[] {
  const features = featuresOf(name), key = features.join("");
  const folder = file(`objects${key}`);
  mkdirSync(folder, { recursive: true });
  const made = libraries.get(key) ?? LAYER.map((f) => {
    const out = join(folder, `${basename(f, ".c")}.o`);
    compile(
      "gcc", "-O1", "-g", "-fsanitize=undefined", "-fno-sanitize-recover", ...WARNINGS, ...INCLUDE,
      ...features, "-c", f, "-o", out,
    );
    return out;
  });
  libraries.set(key, made);
  return [...made, library("-O3")];
}

/** Skips the test of a program that needs IPv6 where the kernel has none. Returns whether it did. */
function lacksSix(t: TestContext, name: string): boolean {
  const interfaces = "/proc/net/if_inet6";
  const have = !isSix(name) || (existsSync(interfaces) && / lo$/m.test(readFileSync(interfaces, "utf8")));
  if (!have) t.skip("needs ::1; sysctl net.ipv6.conf.lo.disable_ipv6=0");
  return !have;
}

const ENV = { STINT_IP: "10.0.0.2/24", STINT_LINK_FD: "none" };

describe("BSD sockets say what the kernel's say, under wasmtime", () => {
  for (const name of programs.filter((p) => !NATIVE_ONLY.includes(p))) {
    it(name, (t: TestContext) => {
      if (lacks(t, "gcc", "clang", "wasm-ld", "wasmtime") || lacksSix(t, name)) return;
      assert.equal(underWasmtime(name, source(name), { six: isSix(name) }), kernels(name));
    });
  }
});

describe("programs that are compiled with a distribution's flags", () => {
  it("call the layer, whatever symbols and inline functions the C library has for its own", (t: TestContext) => {
    if (lacks(t, "gcc", "nm")) return;
    // What <arpa/inet.h> has is the C library's own natively.
    const headers = readdirSync("include/bsd", { recursive: true, encoding: "utf8" })
      .filter((f) => f.endsWith(".h") && !f.startsWith("arpa"));
    const text = headers.map((f) => readFileSync(join("include/bsd", f), "utf8")).join("\n");
    const calls = text.match(/(?<=^STINT_NAME\()\w+/gm)!;
    assert.ok(calls.length > 30);
    const past = new RegExp(` U (__|stint_libc_)?(${calls.join("|")})(64|_chk|_alias)?$`, "gm");
    const flags = ["-O2", "-D_FORTIFY_SOURCE=2", "-D_FILE_OFFSET_BITS=64", ...WARNINGS, ...INCLUDE, IPV6];
    for (const name of programs) {
      const object = file("flags.o");
      compile("gcc", ...flags, "-c", source(name), "-o", object);
      assert.deepEqual(succeeded("nm", ["-u", object]).match(past), null, name);
    }
  });
});

/** What a program says over the layer under wasmtime; `six`: with IPv6, and so the build that has it. */
function underWasmtime(name: string, path: string, { six }: { six: boolean }): string {
  const app = file(`${name}.wasm`), dir = file(name);
  compile("clang", ...WASM, path, ...layer({ six }), "-o", app);
  succeeded(process.execPath, ["build/stint.js", "link", "--dynamic", ...six ? ["--fast"] : [], app, "-o", dir]);
  const env = Object.entries(ENV).flatMap(([k, v]) => ["--env", `${k}=${v}`]);
  return output(findProgram("wasmtime")!, ["run", ...env, "--preload", `stint=${dir}/stint.wasm`, `${dir}/app.wasm`]);
}

describe("BSD sockets without IPv6", () => {
  it("there are no sockets of AF_INET6, and nothing leads to them but an address in digits", (t: TestContext) => {
    if (lacks(t, "clang", "wasm-ld", "wasmtime")) return;
    assert.deepEqual(underWasmtime("no-six", "tests/posix/linked/no-six.c", { six: false }).trim().split("\n"), [
      "SOCK_STREAM: EAFNOSUPPORT", "SOCK_DGRAM: EAFNOSUPPORT", "-: AF_INET", "-: AF_INET", "localhost: AF_INET",
      "localhost: EAI_NONAME", "::1: AF_INET6", "connect: EAFNOSUPPORT",
    ]);
  });

  it("stint link says which build has what the layer with IPv6 wants", (t: TestContext) => {
    if (lacks(t, "clang", "wasm-ld")) return;
    const app = file("wants-six.wasm");
    compile("clang", ...WASM, source("six"), ...layer({ six: true }), "-o", app);
    const r = ran(process.execPath, ["build/stint.js", "link", app, "-o", file("wants-six")]);
    assert.notEqual(r.status, 0);
    assert.match(r.stderr, /it wants stint's "ip6_start", which only --fast has/);
  });
});

describe("BSD sockets say what the kernel's say, as native programs", () => {
  for (const name of programs) {
    it(name, (t: TestContext) => {
      if (lacks(t, "gcc") || lacksSix(t, name)) return;
      const expected = kernels(name);
      compile(
        "gcc", "-O1", "-g", "-fsanitize=undefined", "-fno-sanitize-recover", ...WARNINGS, ...INCLUDE, source(name),
        ...nativeLayer(name), "-o", file(`${name}.stint`),
      );
      assert.equal(output(file(`${name}.stint`), [], ENV), expected);
    });
  }
});

/** What docs/bsd-sockets.md says differs: what is said here. */
const DIFFERS: Record<string, string> = {
  "bind to a port in TIME-WAIT": "0",
  "accept of a client that has reset": "EAGAIN",
  "connect of TCP to AF_UNSPEC": "EAFNOSUPPORT",
  "bind to an address of multicast": "EADDRNOTAVAIL",
  "SOCK_RAW": "EPROTONOSUPPORT",
  "another at 127.0.0.1 and the same port": "EADDRINUSE",
  "a UDP socket of 127.0.0.2 hears 127.0.0.1": "1",
  "a datagram of 1,473 bytes": "EMSGSIZE",
  "sendmsg of UDP with ancillary data": "EINVAL",
  "IP_TTL of UDP": "ENOPROTOOPT",
  "IPV6_UNICAST_HOPS of UDP": "ENOPROTOOPT",
  "IPV6_UNICAST_HOPS of 0": "EINVAL",
  "IPV6_MTU_DISCOVER": "ENOPROTOOPT",
  "UDP sockets of both families on one port": "EADDRINUSE",
  "poll of 257 files": "EINVAL",
  "fcntl F_GETOWN": "EINVAL",
  "ioctl TIOCOUTQ": "ENOTTY",
  "recv MSG_OOB of urgent data": "EINVAL",
  "recv with urgent data in line": "3",
  "poll for what was sent with MSG_MORE": "1",
  "poll for what was sent with TCP_CORK": "1",
  "TCP_FASTOPEN": "ENOPROTOOPT",
  "IP_RECVERR": "ENOPROTOOPT",
  "IP_MULTICAST_TTL": "ENOPROTOOPT",
  "TCP_MAXSEG, to set": "ENOPROTOOPT",
  "SO_RCVBUF is as it was": "1",
  "SO_REUSEPORT, the second bind": "EADDRINUSE",
};

describe("BSD sockets differ from the kernel's as the table says", () => {
  it("each difference is one, and no other", (t: TestContext) => {
    if (lacks(t, "root", "gcc") || lacksSix(t, "differs")) return;
    const said = (text: string): Record<string, string> =>
      Object.fromEntries(text.trim().split("\n").map((line) => line.split(": ") as [string, string]));
    compile("gcc", "-O1", ...WARNINGS, "tests/posix/linked/differs.c", "-o", file("differs.linux"));
    const ours = said(output(linkedProgram("differs"), [], ENV)), kernels = said(output(file("differs.linux"), []));
    assert.deepEqual(ours, DIFFERS);
    assert.deepEqual(Object.keys(kernels), Object.keys(ours));
    assert.deepEqual(Object.keys(ours).filter((what) => ours[what] === kernels[what]), []);
  });
});

const BYTES = 200_000, ADDRESS = "10.0.0.1";

/** Compiles a program of tests/posix/linked, once. */
const linked = new Map<string, string>();
function linkedProgram(name: string): string {
  const out = linked.get(name) ?? file(name);
  if (linked.has(name)) return out;
  compile(
    "gcc", "-O1", "-g", "-fsanitize=undefined", "-fno-sanitize-recover", ...WARNINGS, ...INCLUDE,
    `tests/posix/linked/${name}.c`, ...nativeLayer(name), "-o", out,
  );
  linked.set(name, out);
  return out;
}

interface Ended { status: number | null; out: string; err: string; ms: number }

type Peer = (connection: Connection, link: Duplex) => void | Promise<void>;

/** Runs the sender. */
const send = (
  bytes: number, peer: Peer, env: NodeJS.ProcessEnv = {}, before?: (link: Duplex) => void,
): Promise<Ended> => over("sender", [String(bytes)], peer, env, before);

/** Runs a program over a link on descriptor 3 to a stack in this process; `peer` has its connection. */
async function over(
  name: string, args: string[], peer: Peer, env: NodeJS.ProcessEnv = {}, before: (link: Duplex) => void = () => {},
  to = ADDRESS,
): Promise<Ended> {
  const child = started(linkedProgram(name), [to, "80", ...args], {
    stdio: ["ignore", "pipe", "pipe", "pipe"],
    env: environment({ STINT_IP: "10.0.0.2/24", STINT_LINK_FD: "3", ...env }),
  });
  const link = child.stdio[3] as Duplex, began = Date.now();
  let out = "", err = "";
  child.stdout!.on("data", (d: Buffer) => (out += d.toString()));
  child.stderr!.on("data", (d: Buffer) => (err += d.toString()));
  link.on("error", () => {});
  before(link);
  // The stack does not hear of the program's end: what it has it still hands out.
  const inner = streamLink(link, link, () => link.destroy());
  const outer: Link = {
    send: (frame) => inner.send(frame),
    onFrame: () => {},
    onClose: () => {},
    close: () => inner.close(),
  };
  inner.onFrame = (frame) => outer.onFrame(frame);
  const stack = await Stack.open({
    link: outer, ip: `${ADDRESS}/24`, recvRing: 8192,
    ...to === ADDRESS ? {} : { ipv6: { addresses: [`${to}/64`] } },
  });
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

describe("time limits of calls", () => {
  it("are for the call, however its bytes trickle", async (t: TestContext) => {
    if (lacks(t, "gcc")) return;
    const r = await over("drip", [], (c) => {
      const timer = setInterval(() => {
        c.write("x");
        c.read(100);
      }, 50);
      c.pause().on("close", () => clearInterval(timer));
    });
    const lines = ["recv", "readv", "writev", "send"].map((call) => `${call}: some 1: about 300 ms\n`);
    assert.deepEqual([r.status, r.out], [0, lines.join("")], r.err);
  });
});

describe("a program that ends after close", { concurrency: 4 }, () => {
  const needs = ["gcc"];
  it("goes on until the slow peer has all, and exits with 0; "
      + "its standard output is its own", async (t: TestContext) => {
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
    assert.ok(
      Buffer.concat(got).equals(Buffer.from(Array.from({ length: BYTES }, (_, i) => i % 251))),
      `${Buffer.concat(got).length} of ${BYTES} bytes`,
    );
  });

  it("resets what the peer has not taken after STINT_LINGER seconds", async (t: TestContext) => {
    if (lacks(t, ...needs)) return;
    let why: string | undefined;
    const stuck = (c: Connection): void => void c.on("error", (e: NodeJS.ErrnoException) => (why = e.code));
    const r = await send(30_000, stuck, { STINT_LINGER: "1" });
    assert.deepEqual([r.status, why], [74, "RESET"], r.err);
  });

  for (const [what, peer, env] of [
    ["the peer resets", (c: Connection) => void c.destroy(new Error("enough")), {}],
    ["the link is cut", (_: Connection, link: Duplex) => void link.destroy(), {}],
    [
      "nobody acknowledges, after STINT_LINGER seconds",
      (_: Connection, link: Duplex) => void link.removeAllListeners("data").resume(), { STINT_LINGER: "1" },
    ],
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
    const read = (connection: Connection): void =>
      void connection.on("data", (d: Buffer) => (got += d.length)).on("end", () => connection.end());
    const r = await send(BYTES, read, {}, (link) => link.write(Buffer.concat([long, long])));
    assert.deepEqual([r.status, got], [0, BYTES], r.err);
    const wrong = await send(BYTES, read, {}, (link) => link.write("GET / HTTP/1.0\r\n\r\n"));
    assert.notEqual(wrong.status, 0);
    assert.match(wrong.err, /no stream of frames/);
  });
});

/** Calls `frame` for every frame in a stream of them. */
function eachFrame(stream: Duplex, frame: (f: Buffer) => void): void {
  let rest = Buffer.alloc(0);
  stream.on("data", (d: Buffer) => {
    rest = Buffer.concat([rest, d]);
    for (let n = 0; rest.length >= 4 && rest.length >= 4 + (n = rest.readUInt32BE(0)); rest = rest.subarray(4 + n))
      frame(rest.subarray(4, 4 + n));
  });
}

/** The largest echo request (RFC 792), as the fragments that a link of 1,500 bytes takes. */
function largestEcho(to: Buffer): Buffer[] {
  const data = Buffer.alloc(65_515), size = data.length, frames: Buffer[] = [];
  for (let i = 8; i < size; i++) data[i] = i % 253;
  data[0] = 8;
  data.writeUInt16BE(checksum(data), 2);
  for (let at = 0; at < size; at += 1480) {
    const n = Math.min(1480, size - at), f = Buffer.alloc(34 + n);
    Buffer.from("0000000000000200000000010800", "hex").copy(f);
    to.copy(f);
    Buffer.from("4500000012340000400100000a0000010a000002", "hex").copy(f, 14);
    f.writeUInt16BE(20 + n, 16);
    f.writeUInt16BE((at >> 3) | (at + n < size ? 0x2000 : 0), 20);
    f.writeUInt16BE(checksum(f.subarray(14, 34)), 24);
    data.copy(f, 34, at);
    frames.push(f);
  }
  return frames;
}

describe("a host with BSD sockets", () => {
  it("answers the largest echo request whole (RFC 1122 §3.2.2.6)", async (t: TestContext) => {
    if (lacks(t, "gcc")) return;
    let bytes = 0, mac: Buffer | undefined;
    const seen = (f: Buffer): void => {
      mac ??= Buffer.from(f.subarray(6, 12));
      if (f.readUInt16BE(12) === 0x0800 && f[23] === 1) bytes += f.readUInt16BE(16) - 20;
    };
    const ask = async (link: Duplex, c: Connection): Promise<void> => {
      eachFrame(link, seen);
      const wait = async (what: () => boolean): Promise<void> => {
        for (let i = 0; i < 100 && !what(); i++) await new Promise((done) => setTimeout(done, 20));
      };
      await wait(() => mac !== undefined);
      for (const f of largestEcho(mac!))
        link.write(Buffer.concat([Buffer.from([0, 0, f.length >> 8, f.length & 255]), f]));
      await wait(() => bytes >= 65_515);
      c.resume().on("end", () => c.end());
    };
    const r = await send(BYTES, (c, link) => ask(link, c));
    assert.deepEqual([r.status, bytes], [0, 65_515], r.err);
  });
});

const ADDRESS6 = "fd00::1", ALL_NODES_MAC = [0x33, 0x33, 0, 0, 0, 1];
const SOLICITATION = 133;

describe("IPv6 on a link", () => {
  for (const [what, env, own] of [
    ["an address of its own", { STINT_IP6: "fd00::2/64" }, /^fd00::2$/],
    ["the prefix that a router tells", {}, /^fd00::[\da-f:]+$/],
  ] as const) {
    it(`TCP with IPV6_TCLASS and IPV6_UNICAST_HOPS from ${what}`, async (t: TestContext) => {
      if (lacks(t, "gcc")) return;
      const seen = new Set<string>();
      const router = (link: Duplex): void => eachFrame(link, (f) => {
        const six = see6(f);
        if (six?.next === 6) seen.add(`class ${six.class}, hop limit ${six.hops}`);
        if (six?.type !== SOLICITATION || "STINT_IP6" in env) return;
        const ra = routerAdvertisement(ip6("fe80::99"), nd.prefix(ip6("fd00::"), {}), { lifetime: 0 });
        ra.set(ALL_NODES_MAC);
        link.write(Buffer.concat([Buffer.from([0, 0, 0, ra.length]), ra]));
      });
      const r = await over(
        "six-wire", [], (c) => void c.on("data", (d: Buffer) => c.end(d)), env, router, ADDRESS6,
      );
      const [from, peer, udp] = ["own", "peer", "own"].map((_, i) => r.out.match(/^(?:own|peer) (.*)$/gm)?.[i] ?? "");
      assert.equal(r.status, 0, `${r.out} ${r.err}`);
      assert.match(r.out, /^connect: 0\nsend: 5\nrecv: 5\nhello\n/m);
      assert.match(from!.replace("own ", ""), own);
      assert.deepEqual([peer, udp], [`peer ${ADDRESS6}`, from]);
      assert.deepEqual([...seen], ["class 184, hop limit 33"]);
    });
  }
});

/** The DNS server's zone: TTLs are long, as of names that stay. */
const ZONE: Record<string, Partial<Record<number, Iterable<number>[]>>> = {
  "both.test": { [A]: [[10, 0, 0, 1], [10, 0, 0, 9]], [AAAA]: [ip6("fd00::9")] },
  "four.test": { [A]: [[10, 0, 0, 1]] },
  "six.test": { [AAAA]: [ip6("fd00::7")] },
};

/** What a server says of the zone's names; of others that they are none, and of "dumb.test" nothing. */
function zoneAnswer(data: Uint8Array): Uint8Array | undefined {
  const q = readQuery(data), known = ZONE[q.name.toLowerCase()];
  if (/^dumb/i.test(q.name)) return undefined;
  if (known === undefined) return response(q, { flags: 0x8183, authorities: [soa(60, 60)] });
  const answers = (known[q.type] ?? []).map((bytes) => record(QNAME, q.type, 60, [...bytes]));
  return response(q, { answers, ...answers.length === 0 ? { authorities: [soa(60, 60)] } : {} });
}

describe("names, and an address from the network", { concurrency: 4 }, () => {
  const ON_LINK = { STINT_IP: "10.0.0.2/24", STINT_IP6: "fd00::2/64", STINT_DNS: ADDRESS };
  const WANTED = [
    "nobody.test: Name or service not known", "nobody.test: Name or service not known",
    "nobody.test: Name or service not known", "nobody.test: Name or service not known", "gethostbyname: Unknown host",
    "six.test: fd00::7", "six.test: Name or service not known", "six.test: fd00::7", "six.test: fd00::7",
    "gethostbyname: Unknown host", "both.test: fd00::9 10.0.0.1 10.0.0.9", "both.test: Name or service not known",
    "both.test: fd00::9", "both.test: fd00::9", "gethostbyname: 10.0.0.1 10.0.0.9", "four.test: 10.0.0.1",
    "four.test: Name or service not known", "four.test: Name or service not known", "four.test: ::ffff:10.0.0.1",
    "gethostbyname: 10.0.0.1", "connect: 0", "send: 5", "recv: 5",
  ];
  const names = ["nobody.test", "six.test", "both.test", "four.test"];
  for (const [what, env, own] of [
    ["servers of STINT_DNS", { STINT_IP: "10.0.0.2/24", STINT_DNS: ADDRESS }, "10.0.0.2"],
    ["a lease that names the server", { STINT_IP: "dhcp", STINT_NAME: "lamp" }, "10.0.0.70"],
  ] as const) {
    it(what, async (t: TestContext) => {
      if (lacks(t, "gcc")) return;
      const r = await onNetwork(names, { ...env, STINT_IP6: "fd00::2/64" });
      assert.deepEqual([r.status, r.out.trim().split("\n")], [0, [...WANTED, `hello from ${own}`]], r.err);
    });
  }

  it("RFC 6761 §6.3: localhost is here in whatever letters, as names in .localhost are; no server is asked",
    async (t: TestContext) => {
      if (lacks(t, "gcc")) return;
      const here = ["LocalHost", "localhost.", "a.localhost", "b.LOCALHOST."], asked: string[] = [];
      const r = await onNetwork([...here, "alocalhost", "four.test"], ON_LINK, asked);
      const lines = r.out.split("\n"), of = (name: string): string[] => lines.filter((l) => l.startsWith(`${name}:`));
      for (const name of here) assert.deepEqual(of(name)[0], `${name}: ::1 127.0.0.1`, r.out);
      assert.deepEqual(new Set(asked.map((n) => n.toLowerCase())), new Set(["alocalhost", "four.test"]));
    });

  for (const [what, env, line] of [
    ["STINT_DNS", { STINT_DNS: "10.0.0.1,nobody" }, /^an address is written a\.b\.c\.d, not nobody$/m],
    ["too many of STINT_DNS", { STINT_DNS: "1.1.1.1,1.1.1.2,1.1.1.3,1.1.1.4" }, /^STINT_DNS is up to three addresses/m],
    ["more than an address in STINT_DNS", { STINT_DNS: "10.0.0.1 10.0.0.3" },
      /^an address is written a\.b\.c\.d, not 10\.0\.0\.1 10/m],
    ["STINT_IP with more behind it", { STINT_IP: "10.0.0.2/24x" }, /^set STINT_IP to the own address and prefix/m],
    ["STINT_IP that is nobody's", { STINT_IP: "10.0.0.255/24" }, /^stint: the stack does not start at 10\.0\.0\.255/m],
    ["STINT_IP6", { STINT_IP6: "fd00::2/64x" }, /^an IPv6 address is written as fd00::2\/64, not fd00::2\/64x$/m],
    ["STINT_NAME of whom DHCP is told", { STINT_IP: "dhcp", STINT_NAME: "a b" }, /^STINT_NAME is up to 63 letters/m],
    ["STINT_NAME", { STINT_NAME: "a b" }, /^STINT_NAME is up to 63 letters, digits and hyphens, not a b$/m],
    ["STINT_MAC", { STINT_MAC: "02:00:00:00:00" }, /^STINT_MAC is one .* written as 02:00:00:00:00:01, not 02:00/m],
    ["STINT_MAC with blanks", { STINT_MAC: "02: 1:00:00:00:01" }, /^STINT_MAC is one interface's, .* not 02: 1/m],
    ["STINT_MAC of a group", { STINT_MAC: "03:00:00:00:00:01" }, /^STINT_MAC is one interface's, .* not 03:00/m],
    ["STINT_MAC of zeros", { STINT_MAC: "00:00:00:00:00:00" }, /^STINT_MAC is one interface's, .* not 00:00/m],
  ] as const) {
    it(`a wrong setting gets a line: ${what}`, async (t: TestContext) => {
      if (lacks(t, "gcc")) return;
      const r = await onNetwork(["four.test"], { STINT_IP: "10.0.0.2/24", ...env });
      assert.equal(r.status, 2, r.err);
      assert.match(r.err, line);
    });
  }
});

/** Runs `lookup` on a network with a DHCP and DNS server that echoes, too, at ADDRESS. Collects who is `asked` for. */
async function onNetwork(names: string[], env: NodeJS.ProcessEnv, asked: string[] = []): Promise<Ended> {
  const began = Date.now(), child = started(linkedProgram("lookup"), names, {
    stdio: ["ignore", "pipe", "pipe", "pipe"], env: environment({ STINT_LINK_FD: "3", ...env }),
  });
  const stream = child.stdio[3] as Duplex;
  let out = "", err = "";
  child.stdout!.on("data", (d: Buffer) => (out += d.toString()));
  child.stderr!.on("data", (d: Buffer) => (err += d.toString()));
  stream.on("error", () => {});
  const link = streamLink(stream, stream, () => stream.destroy());
  eachFrame(stream, (f) => {
    const lease = dhcpAnswer(f, ip4(ADDRESS), (_, wanted) => wanted ?? ip4("10.0.0.70"));
    if (lease !== undefined) link.send(lease);
  });
  const stack = await Stack.open({ link, ip: `${ADDRESS}/24` });
  stack.on("error", () => {});
  stack.listen({ port: 80 }).on("connection", (c: Connection) => {
    c.on("error", () => {}).on("data", (d: Buffer) => c.end(d));
  });
  const dns = stack.udp({ port: 53 });
  dns.on("message", (data: Uint8Array, from: { address: string; port: number }) => {
    asked.push(readQuery(data).name);
    const answer = zoneAnswer(data);
    if (answer !== undefined) dns.send(answer, from.port, from.address);
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), 60_000);
  const status = await new Promise<number | null>((done) => child.once("close", done));
  clearTimeout(timer);
  await stack.close(0);
  return { status, out, err, ms: Date.now() - began };
}

describe("options that are set before there is a connection", { concurrency: 4 }, () => {
  for (const usual of [false, true]) {
    it(`TCP_NODELAY and TCP_USER_TIMEOUT on the wire: ${usual ? "not set" : "set"}`, async (t: TestContext) => {
      if (lacks(t, "gcc")) return;
      const env = environment({ STINT_IP: "10.0.0.2/24", STINT_LINK_FD: "3" });
      const args = [ADDRESS, "80", ...usual ? ["usual"] : []];
      const child = started(linkedProgram("hurry"), args, { stdio: ["ignore", "pipe", "inherit", "pipe"], env });
      const link = child.stdio[3] as Duplex, begins: number[] = [];
      link.on("error", () => {});
      const inner = streamLink(link, link, () => link.destroy());
      let connected = false, out = "";
      const outer: Link = {
        send: (f) => inner.send(f),
        onFrame: () => {},
        onClose: () => {},
        close: () => inner.close(),
      };
      inner.onFrame = (frame) => {
        const b = Buffer.from(frame), isTcp = b.readUInt16BE(12) === 0x0800 && b[23] === 6;
        const size = isTcp ? b.readUInt16BE(16) - 20 - (b[46]! >> 4) * 4 : 0;
        if (size > 0) begins.push(b.readUInt32BE(38));
        if (!connected) outer.onFrame(frame);
        if (isTcp && (b[47]! & 0x12) === 0x10) connected = true;
      };
      const stack = await Stack.open({ link: outer, ip: `${ADDRESS}/24` });
      stack.on("error", () => {});
      stack.listen({ port: 80 }).on("connection", (c: Connection) => c.on("error", () => {}));
      child.stdout!.on("data", (d: Buffer) => (out += d.toString()));
      const timer = setTimeout(() => child.kill("SIGKILL"), 30_000);
      const status = await new Promise((done) => child.once("close", done));
      clearTimeout(timer);
      await stack.close(0);
      const [, why, ms] = /^recv: (\w+) after (\d+) ms$/m.exec(out) ?? [];
      assert.deepEqual([status, why], [0, usual ? "EAGAIN" : "ETIMEDOUT"], out);
      // Nagle holds the second write back, for as long as the first is not acknowledged.
      assert.equal((begins[1]! - begins[0]!) >>> 0, usual ? 0 : 10, `${begins}`);
      if (!usual) assert.ok(Number(ms) >= 1000 && Number(ms) < 3900, `${ms} ms`);
    });
  }

  for (const how of ["connect", "listen"]) {
    it(`take effect: ${how}; keep-alive gives up a peer that has gone`, async (t: TestContext) => {
      if (lacks(t, "gcc")) return;
      const args = how === "connect" ? ["connect", ADDRESS, "80"] : ["listen", "81"];
      const child = started(linkedProgram("setter"), args, {
        stdio: ["ignore", "pipe", "inherit", "pipe"], env: environment({ STINT_IP: "10.0.0.2/24", STINT_LINK_FD: "3" }),
      });
      const link = child.stdio[3] as Duplex, frames: Buffer[] = [];
      link.on("error", () => {});
      const inner = streamLink(link, link, () => link.destroy());
      let connected = false, out = "";
      const outer: Link = {
        send: (frame) => inner.send(frame),
        onFrame: () => {},
        onClose: () => {},
        close: () => inner.close(),
      };
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
        if ((out += d.toString()) === "listens\n")
          stack.connect({ host: "10.0.0.2", port: 81 }).then(
            (c) => ((connected = true), c.on("error", () => {})), () => {},
          );
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
      const probes = frames.slice(1).filter((f) => f.readUInt32BE(38) === iss && (f[47]! & 6) === 0).length;
      // A TCP_KEEPCNT of 1 acts as 2 (MUST-29).
      assert.equal(probes, how === "connect" ? 3 : 2, "probes");
      assert.equal(frames.at(-1)![47], 0x14, "the peer that was given up is told: RST, ACK");
    });
  }
});
