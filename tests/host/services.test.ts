/** The services: who ends when, what HTTP answers, what it does with files that change. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { Ending } from "../../host/ending.js";
import { Folder } from "../../host/folder.js";
import { instrumented } from "../fuzz/instrument.js";
import { ServiceBench, type Peer } from "../harness/services.js";
import { lacks } from "../interop/lab.js";
import { succeeded } from "../harness/programs.js";

const dir = mkdtempSync(join(tmpdir(), "stint-services-"));
after(() => rmSync(dir, { recursive: true, force: true }));
writeFileSync(join(dir, "a"), "the file a\n");
writeFileSync(join(dir, "b"), "the file b\n");
const big = Buffer.from(Array.from({ length: 20_000 }, (_, i) => (i * 7 + (i >> 8)) & 255));
writeFileSync(join(dir, "big"), big);

const get = (path: string, ...fields: string[]): string =>
  `GET ${path} HTTP/1.1\r\n${["Host: x", ...fields].map((f) => `${f}\r\n`).join("")}\r\n`;
const body = (p: Peer): string => p.got.toString("latin1").split("\r\n\r\n").slice(1).join("\r\n\r\n");

describe("connections that end", () => {
  it("by a RST while echo has bytes unread: the block is free", () => {
    const b = new ServiceBench();
    for (let i = 0; i < 20; i++) {
      const p = b.open("echo");
      p.window = 0;
      for (let n = 0; n < 6; n++) p.write(new Uint8Array(1460));
      p.rst();
      assert.equal(b.inUse, 0, `connection ${i}`);
    }
  });

  it("by a time-out while echo has bytes unread: the block is free, and others are served", () => {
    const b = new ServiceBench({ connsMax: 2, userTimeoutMs: 5000, idleS: 0 });
    const lost = b.open("echo");
    lost.window = 3000;
    for (let n = 0; n < 6; n++) lost.write(new Uint8Array(1460));
    lost.gone = true;
    for (let n = 0; n < 6; n++) lost.write(new Uint8Array(1460));
    b.advance(60_000);
    assert.equal(b.inUse, 0);
    assert.equal(b.open("echo").write("hello").got.toString(), "hello");
  });

  it("in order: everything comes back, then our FIN, and nothing is left", () => {
    const b = new ServiceBench(), p = b.open("echo").write("hello").fin();
    assert.equal(p.got.toString(), "hello");
    assert.deepEqual([p.ended, p.reset, b.inUse], [true, false, 0]);
  });

  for (const service of ["echo", "discard", "chargen", "http"] as const) {
    it(`peers that vanish, of ${service}, take their places for the idle limit and no longer`, () => {
      const b = new ServiceBench({ connsMax: 4, idleS: 10, root: dir });
      const lost = Array.from({ length: 4 }, () => b.open(service, service === "chargen" ? 0 : 65535));
      if (service === "http") lost[1]!.write("GET / HT");
      for (const p of lost) p.gone = true;
      b.advance(10_000 + 31_000);
      assert.equal(b.inUse, 0);
    });
  }
});

describe("the end", () => {
  const begun = (b: ServiceBench, lingerMs = 60_000): Ending => new Ending(b.stack, lingerMs, () => b.nowUs / 1000);

  it("an answer that has begun goes out to its last byte, however slowly it is taken; then our FIN", () => {
    const b = new ServiceBench({ root: dir }), p = b.open("http", 500);
    p.gone = true;
    p.write(get("/big"));
    const ending = begun(b);
    b.advance(5000);
    assert.deepEqual([ending.isOver(), ending.left], [false, 1]);
    p.gone = false;
    b.advance(30_000);
    assert.ok(Buffer.from(body(p), "latin1").equals(big), `${body(p).length} bytes`);
    assert.deepEqual([p.ended, p.reset, ending.left], [true, false, 0]);
    b.advance(3000);
    ending.isOver();
    b.advance(3000);
    assert.ok(ending.isOver(), "a peer that does not close its side has three seconds");
    assert.equal(b.stack.cut(), 0);
    b.poll();
    assert.ok(p.reset, "it is told that nobody is there any more");
  });

  it("echo sends back what has come; a request that is not complete, and idle connections, are closed at once", () => {
    const b = new ServiceBench({ root: dir });
    const echo = b.open("echo");
    const half = b.open("http").write("GET / HT");
    const idle = b.open("http");
    echo.allow(1000);
    for (let n = 0; n < 4; n++) echo.write(new Uint8Array(1000));
    const ending = begun(b);
    b.poll();
    assert.deepEqual([half.ended, idle.ended, echo.ended], [true, true, false]);
    echo.allow(65535);
    b.advance(1000);
    assert.deepEqual([echo.got.length, echo.ended, ending.left], [4000, true, 0]);
    for (const p of [half, idle, echo]) p.fin();
    assert.ok(ending.isOver());
    assert.equal(b.stack.cut(), 0);
  });

  it("new connections are refused", () => {
    const b = new ServiceBench(), stays = b.open("chargen", 0);
    begun(b);
    assert.ok(b.open("echo").reset);
    assert.equal(stays.reset, false);
  });

  for (const [what, act] of Object.entries({
    "after the time that is said": (e: Ending, b: ServiceBench) => b.advance(20_000),
    "at once when it is asked for twice": (e: Ending) => e.hurry(),
  })) {
    it(`what is left is reset and counted ${what}`, () => {
      const b = new ServiceBench({ root: dir });
      const took = b.open("echo").write("x"), stuck = b.open("chargen", 0);
      const lost = b.open("http", 100).write(get("/big"));
      lost.gone = true;
      const ending = begun(b, 20_000);
      b.advance(10_000);
      assert.equal(ending.isOver(), false);
      act(ending, b);
      assert.ok(ending.isOver());
      assert.equal(b.stack.cut(), 2, "the one that has all is not cut off");
      b.poll();
      assert.deepEqual([took.ended, stuck.reset, b.inUse], [true, true, 0]);
      assert.equal(b.stack.cut(), 2, "once each");
    });
  }

  it("a connection that gave up by itself while we waited is counted, too", () => {
    const b = new ServiceBench({ idleS: 5 }), stuck = b.open("chargen", 0), ending = begun(b, 60_000);
    stuck.gone = true;
    b.advance(50_000);
    assert.ok(ending.isOver());
    assert.equal(b.stack.cut(), 1);
  });
});

describe("idle connections", () => {
  it("are closed in order after the limit, with a peer that is there", () => {
    const b = new ServiceBench({ idleS: 10 }), p = b.open("echo").write("x");
    b.advance(9_000);
    assert.equal(p.ended, false);
    p.write("y");
    b.advance(9_000);
    assert.equal(p.ended, false, "it was heard of");
    b.advance(2_000);
    assert.deepEqual([p.ended, p.reset], [true, false]);
    p.fin();
    assert.equal(b.inUse, 0);
  });

  it("are not idle while the process stands still", () => {
    const b = new ServiceBench({ idleS: 10 }), p = b.open("echo").write("x"), stuck = b.open("chargen", 0);
    b.advance(4_000);
    b.nowUs += 60_000_000;
    b.poll();
    assert.deepEqual([p.ended, stuck.reset], [false, false], "nobody could be heard");
    b.advance(5_000);
    assert.deepEqual([p.ended, stuck.reset], [false, false]);
    b.advance(3_000);
    assert.deepEqual([p.ended, stuck.reset], [true, true], "what was left of the time");
  });

  it("stay with --idle 0 as long as their peers answer keep-alive", () => {
    const b = new ServiceBench({ idleS: 0 }), here = b.open("echo"), lost = b.open("echo");
    lost.gone = true;
    b.advance(200_000);
    assert.equal(b.inUse, 1);
    assert.equal(here.write("still").got.toString(), "still");
  });

  it("give way when the table is full: the one that was heard of least recently goes first", () => {
    const b = new ServiceBench({ connsMax: 4, root: dir }), all = Array.from({ length: 4 }, () => b.open("http"));
    b.advance(2_000);
    all[0]!.write(get("/a"));
    b.advance(1_500);
    const late = b.open("http");
    late.write(get("/a"));
    b.advance(1_000);
    late.again(get("/a"));
    assert.deepEqual(late.statuses, [200]);
    assert.deepEqual(all.map((p) => p.reset), [false, true, false, false]);
  });

  it("an idle one gives way also behind 100 that take their answers slowly", () => {
    const b = new ServiceBench({ connsMax: 101, root: dir, sendRing: 32_768 });
    const slow = Array.from({ length: 100 }, () => b.open("http", 0).write(get("/big"))), idle = b.open("http");
    for (let n = 0; n < 4; n++) {
      b.advance(500);
      for (const p of slow) p.allow(1000);
    }
    // Each refusal looks at a bounded number.
    for (let n = 0; n < 3 && !idle.reset; n++) b.open("echo");
    assert.deepEqual([idle.reset, slow.filter((p) => p.reset).length], [true, 0]);
  });

  it("those that say something all the time, and take nothing of their answers, keep nobody out", () => {
    const b = new ServiceBench({ connsMax: 8, root: dir }), turns = 30;
    let served = 0, rude: Peer[] = [];
    for (let n = 0; n < turns; n++) {
      // Who was ended comes back at once.
      rude = rude.filter((p) => !p.reset);
      while (rude.length < 8) rude.push(b.open("http", 0).write(get("/big")));
      for (let i = 0; i < 8; i++) {
        for (const p of rude) if (!p.reset) p.allow(0);
        b.advance(250);
      }
      const p = b.open("http"), request = get("/a", "Connection: close");
      p.write(request);
      p.again(request);
      if (body(p) === "the file a\n") served++;
      p.fin();
      b.advance(10);
    }
    assert.equal(served, turns);
  });

  it("64 of HTTP do not keep others out", () => {
    const b = new ServiceBench({ connsMax: 64, root: dir });
    for (let i = 0; i < 64; i++) b.open("http");
    b.advance(5_000);
    for (let i = 0; i < 64; i++) {
      const p = b.open("http"), request = get("/a", "Connection: close");
      p.write(request);
      p.again(request);
      assert.equal(body(p), "the file a\n", `client ${i}`);
      p.fin();
    }
  });

  it("those that are busy do not give way", () => {
    const b = new ServiceBench({ connsMax: 2, root: dir }), all = [b.open("echo"), b.open("echo")];
    for (let i = 0; i < 20; i++) {
      for (const p of all) p.write("x");
      b.advance(500);
      b.open("echo").write("y");
    }
    assert.deepEqual(all.map((p) => [p.reset, p.got.length]), [[false, 20], [false, 20]]);
  });

  it("a request that trickles in has the idle limit for all of it", () => {
    const b = new ServiceBench({ idleS: 10, root: dir }), p = b.open("http");
    for (let i = 0; i < 12 && p.statuses.length === 0; i++) {
      p.write("GET / HTTP/1.1\r\n"[i]!);
      b.advance(1_000);
    }
    assert.deepEqual(p.statuses, [408]);
    assert.equal(p.ended, true);
  });

  const slow: [string, string][] = [
    ["the first line", "GET / HTTP/1.1\r\n"], ["the fields", "X: 1\r\n".repeat(4)], ["empty lines", "\r\n".repeat(8)],
  ];
  for (const [what, text] of [...slow, ["content", "x".repeat(50)] as const]) {
    it(`a byte shortly before each time-out wins no time: ${what}`, () => {
      const b = new ServiceBench({ idleS: 10, root: dir }), p = b.open("http");
      if (what === "the fields") p.write("GET /a HTTP/1.1\r\nHost: x\r\n");
      if (what === "content") p.write(get("/a", "Content-Length: 1000"));
      let heldMs = 0;
      for (let i = 0; i < text.length && !p.ended && !p.reset; i++, heldMs += 9_900) {
        b.advance(9_900);
        p.write(text[i]!);
      }
      assert.ok(heldMs <= 20_000, `${heldMs / 1000} s`);
      p.fin();
      b.advance(31_000);
      assert.equal(b.inUse, 0);
    });
  }

  it("a peer that takes its answer slowly but does take it is served to the end", () => {
    const b = new ServiceBench({ idleS: 5, root: dir }), p = b.open("http", 0);
    p.write(get("/big", "Connection: close"));
    for (let i = 0; i < 20 && !p.ended; i++) {
      p.allow(1460);
      b.advance(4_000);
    }
    assert.deepEqual([body(p).length, p.ended, p.reset], [big.length, true, false]);
  });

  it("a peer that takes nothing of its answer is reset", () => {
    const b = new ServiceBench({ idleS: 5, root: dir }), p = b.open("http");
    p.window = 0;
    p.write(get("/big"));
    b.advance(20_000);
    assert.deepEqual([p.reset, b.inUse], [true, 0]);
  });
});

/** Every limit and refusal of the server: docs/services.md has the same table, and a test holds the two together. */
const REFUSALS: [status: number, what: string, request: string][] = [
  [400, "no HTTP", "hello, is anybody there?\r\n"],
  [400, "a version that is none", "GET / HTTP/1.x\r\n"],
  [400, "a space in the target", "GET /a b HTTP/1.1\r\n"],
  [400, "a NUL in the target", "GET /a%00b HTTP/1.1\r\n"],
  [400, "a control character", "GET /\u0001 HTTP/1.1\r\n"],
  [400, "a CR alone", "GET / HTTP/1.1\r\nHost: x\rX: y\r\n\r\n"],
  [400, "no Host (RFC 9112 §3.2)", "GET / HTTP/1.1\r\n\r\n"],
  [400, "two Hosts", get("/a", "Host: y")],
  [400, "a field without a colon", get("/a", "Nonsense")],
  [400, "a space before the colon (§5.1)", get("/a", "Content-Length : 5")],
  [400, "a folded field (§5.2)", get("/a", "X: y", " z")],
  [400, "a length that is no number", get("/a", "Content-Length: -1")],
  [400, "an empty length", get("/a", "Content-Length:")],
  [400, "lengths that differ", get("/a", "Content-Length: 5", "Content-Length: 6")],
  [400, "a length and a coding (§6.1)", get("/a", "Content-Length: 5", "Transfer-Encoding: chunked")],
  [405, "another method", "POST /a HTTP/1.1\r\n"],
  [413, "content of more than 1 MiB", get("/a", "Content-Length: 1048577")],
  [414, "a line of more than 512 bytes", `GET /${"x".repeat(600)} HTTP/1.1\r\n`],
  [
    431, "fields of more than 16 KiB",
    get("/a", ...Array.from({ length: 200 }, (_, i) => `X-${i}: ${"y".repeat(100)}`)),
  ],
  [431, "a Host of more than 256 bytes", `GET / HTTP/1.1\r\nHost: ${"h".repeat(300)}\r\n\r\n`],
  [501, "a transfer coding", get("/a", "Transfer-Encoding: chunked")],
];

describe("HTTP: limits and refusals", () => {
  for (const [status, what, request] of REFUSALS) {
    it(`${status}: ${what}`, () => {
      const b = new ServiceBench({ root: dir, recvRing: 32768 }), p = b.open("http").write(request);
      assert.deepEqual(p.statuses, [status]);
      assert.match(p.got.toString(), /Connection: close\r\n/);
      if (status === 405) assert.match(p.got.toString(), /Allow: GET, HEAD\r\n/);
      assert.deepEqual([p.ended, p.reset], [true, false]);
      // What still comes is neither answered nor taken for a request, and does not make the close a reset (RFC 9112
      // §9.6).
      for (let i = 0; i < 40; i++) p.write(get("/b").repeat(20));
      assert.deepEqual([p.statuses, p.reset], [[status], false]);
      p.fin();
      assert.equal(b.inUse, 0);
    });
  }

  it("the table in docs/services.md names each of them", () => {
    const rows = readFileSync("docs/services.md", "utf8").split("\n").filter((l) => l.startsWith("|"));
    for (const status of new Set([...REFUSALS.map(([s]) => s), 404, 408, 503]))
      assert.ok(rows.some((r) => r.includes(`| ${status} |`)), String(status));
  });

  it("a refused POST that goes on sending has 30 s to take its answer", () => {
    const b = new ServiceBench({ root: dir });
    const p = b.open("http").write("POST /a HTTP/1.1\r\nContent-Length: 100000000\r\n\r\n");
    for (let i = 0; i < 29; i++) {
      p.write(new Uint8Array(10_000));
      b.advance(1_000);
    }
    assert.deepEqual([p.statuses, p.reset], [[405], false]);
    b.advance(2_000);
    assert.deepEqual([p.reset, b.inUse], [true, 0]);
  });

  it("404 for what is not there, outside of the folder, or no file; the connection goes on", () => {
    const b = new ServiceBench({ root: dir }), p = b.open("http");
    for (const path of ["/none", "/../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/"]) p.write(get(path));
    p.write(get("/a"));
    assert.deepEqual(p.statuses, [404, 404, 404, 404, 200]);
    assert.equal(p.ended, false);
  });
});

describe("HTTP: requests", () => {
  it("content of a GET is read and thrown away, never the next request (RFC 9112 §6)", () => {
    const inner = get("/b"), b = new ServiceBench({ root: dir }), p = b.open("http");
    p.write(get("/a", `Content-Length: ${inner.length}`) + inner);
    assert.deepEqual([p.statuses, body(p)], [[200], "the file a\n"]);
    p.write(get("/b"));
    assert.deepEqual(p.statuses, [200, 200]);
  });

  it("… in segments of every size, up to 1 MiB", () => {
    for (const size of [1, 7, 1000]) {
      const inner = get("/b").repeat(3), b = new ServiceBench({ root: dir }), p = b.open("http");
      p.write(get("/a", `content-length:${inner.length}`) + inner + get("/b"), size);
      assert.deepEqual(p.statuses, [200, 200], `segments of ${size}`);
      assert.match(p.got.toString(), /the file a\n[^]*the file b\n$/);
    }
    const b = new ServiceBench({ root: dir }), p = b.open("http");
    p.write(get("/a", "Content-Length: 1048576")).write(new Uint8Array(1048576)).write(get("/b"));
    assert.deepEqual(p.statuses, [200, 200]);
  });

  it("Expect: 100-continue is answered at once, and the connection closed (RFC 9110 §10.1.1)", () => {
    const b = new ServiceBench({ root: dir });
    const p = b.open("http").write(get("/a", "Content-Length: 10", "Expect: 100-continue"));
    assert.deepEqual([p.statuses, p.ended], [[200], true]);
    p.write(get("/b"));
    assert.deepEqual([p.statuses, p.reset], [[200], false]);
  });

  it("the absolute form (§3.2.2), a list in Connection, HTTP/1.0, HEAD, a query", () => {
    const one = (request: string): Peer => new ServiceBench({ root: dir }).open("http").write(request);
    assert.equal(body(one("GET http://somewhere:80/a HTTP/1.1\r\nHost: x\r\n\r\n")), "the file a\n");
    assert.equal(one(get("/a", "Connection: x, Close")).ended, true);
    assert.equal(one(get("/a", "Connection: closed")).ended, false);
    const old = one("GET /a HTTP/1.0\r\n\r\n");
    assert.deepEqual([body(old), old.ended], ["the file a\n", true]);
    assert.match(one(get("/a").replace("GET", "HEAD")).got.toString(), /Content-Length: 11\r\n\r\n$/);
    assert.equal(body(one(get("/a?x=1"))), "the file a\n");
  });
});

describe("HTTP: files that change", () => {
  /** A peer that has the head and a part of /f, and waits. */
  const begun = (options = {}): { b: ServiceBench; p: Peer; path: string } => {
    const path = join(dir, "f");
    writeFileSync(path, big);
    const b = new ServiceBench({ root: dir, idleS: 5, ...options }), p = b.open("http");
    p.window = 0;
    p.write(get("/f"));
    return { b, p, path };
  };
  const rest = ({ b, p }: { b: ServiceBench; p: Peer }): void => {
    p.window = 65535;
    p.write("\r\n");
    b.advance(5_000);
  };
  const now = (b: ServiceBench): string => body(b.open("http").write(get("/f")));

  it("replaced: the answer that has begun is of the old one, the next of the new one", () => {
    const s = begun();
    writeFileSync(join(dir, "new"), "a new file");
    renameSync(join(dir, "new"), s.path);
    assert.equal(now(s.b), "a new file");
    rest(s);
    assert.equal(s.p.got.subarray(-big.length).equals(big), true);
    assert.equal(s.p.reset, false);
  });

  it("deleted: the answer that has begun goes on, the next is 404", () => {
    const s = begun();
    rmSync(s.path);
    assert.deepEqual(s.b.open("http").write(get("/f")).statuses, [404]);
    rest(s);
    assert.equal(s.p.got.subarray(-big.length).equals(big), true);
  });

  it("shortened in place: the answer that has begun ends with a reset, the next is right, without a restart", () => {
    const s = begun();
    truncateSync(s.path, 100);
    rest(s);
    assert.equal(s.p.reset, true);
    for (let i = 0; i < 3; i++) assert.equal(now(s.b), big.subarray(0, 100).toString("latin1"));
  });

  it("made longer in place: the answer that has begun has the length that it said", () => {
    const s = begun();
    writeFileSync(s.path, "more", { flag: "a" });
    rest(s);
    assert.equal(body(s.p).length, big.length);
    assert.equal(now(s.b).length, big.length + 4);
  });

  it("a device or a folder in a file's place is 404", () => {
    const b = new ServiceBench({ root: dir });
    symlinkSync("/dev/zero", join(dir, "zero"));
    for (const path of ["/zero", "/."]) assert.deepEqual(b.open("http").write(get(path)).statuses, [404], path);
  });

  it("a FIFO in a file's place is 404, and nobody waits", (t) => {
    if (lacks(t, "mkfifo")) return;
    const b = new ServiceBench({ root: dir });
    succeeded("mkfifo", [join(dir, "fifo")]);
    assert.deepEqual(b.open("http").write(get("/fifo")).statuses, [404]);
  });

  it("no file stays open when its answers are out", () => {
    const folder = new Folder(dir), found = folder.find("/big", { pieces: true }) as { size: number; tag: bigint };
    folder.find("/big", { pieces: true });
    folder.find("/big", { pieces: false });
    const to = new Uint8Array(big.length);
    assert.equal(folder.openCount, 1);
    for (let n = 0; n < 2; n++) assert.equal(folder.read("/big", found.tag, to, 0), big.length);
    assert.equal(folder.openCount, 0);
  });

  it("an answer of two segments does not wait for an acknowledgment in its middle", () => {
    writeFileSync(join(dir, "two"), "x".repeat(2000));
    const b = new ServiceBench({ root: dir }), p = b.open("http");
    p.unheard = true;
    p.write(get("/two"));
    assert.ok(p.got.toString("latin1").endsWith(`\r\n\r\n${"x".repeat(2000)}`), `${p.got.length} bytes came`);
  });

  it("503 when the system has no file descriptor left", () => {
    const b = new ServiceBench({ root: dir }), p = b.open("http");
    const find = Folder.prototype.find;
    Folder.prototype.find = () => -2;
    try {
      p.write(get("/a"));
    } finally {
      Folder.prototype.find = find;
    }
    assert.deepEqual(p.write(get("/a")).statuses, [503, 200]);
  });
});

describe("work", () => {
  it("has a bound when many connections are over time at once: the rest has its turn with the next poll", () => {
    const many = 600, b = new ServiceBench({ connsMax: many, sendRing: 64, recvRing: 64, timeWaitMax: 8, idleS: 10 });
    const exports = b.stack.exports as unknown as { serviceConnection(i: number): number };
    for (let i = 0; i < many; i++) b.open("echo");
    const idle = (): number =>
      Array.from({ length: many }, (_, i) => b.stack.info(exports.serviceConnection(i)).stateName)
        .filter((state) => state === "ESTABLISHED").length;
    assert.equal(idle(), many);
    // A host that came back late would have stood still, and nobody would be idle.
    for (let i = 0; i < 12; i++) {
      b.nowUs += 800_000;
      b.poll();
    }
    assert.equal(idle(), many);
    b.nowUs += 900_000;
    let before = many;
    for (let turns = 1; before > 0; turns++) {
      assert.ok(turns < 9, `${before} are left`);
      b.stack.poll(b.nowUs);
      b.stack.drainFrames(() => {});
      assert.ok(b.stack.run(), "there is more");
      const now = idle();
      assert.ok(before - now <= 256, `${before - now} at once`);
      before = now;
    }
  });

  it("is proportional to what happened: as many turns of loops with 100,000 places as with 8", () => {
    const { module } = instrumented("stint-app", { withNotes: false });
    const turns = (connsMax: number): number[] => {
      const b = new ServiceBench({
        connsMax, module, root: dir, sendRing: 64, recvRing: 64, sendersMax: 8, timeWaitMax: 8, halfOpenMax: 8,
      });
      const fuel = (b.stack.exports as unknown as { fuel: WebAssembly.Global }).fuel;
      const spent = (what: () => void): number => {
        fuel.value = 0x7fffffff;
        what();
        return 0x7fffffff - (fuel.value as number);
      };
      let p!: Peer;
      return [
        spent(() => b.poll()), spent(() => (p = b.open("http"))), spent(() => p.write(get("/a"))),
        spent(() => b.open("echo").write("x")),
      ];
    };
    const few = turns(8), many = turns(100_000);
    assert.ok(few[2]! > 0);
    // Removing from deeper heaps and longer free lists may take a turn more.
    for (let i = 0; i < few.length; i++)
      assert.ok(many[i]! <= few[i]! + 40, `${few.join(" ")} against ${many.join(" ")}`);
  });
});
