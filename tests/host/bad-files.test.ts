/**
 * What hosts read and did not write: streams of frames, captures, HTTP requests, packetdrill scripts, modules to be
 * linked. Properties over generated input, from a fixed seed: STINT_FUZZ_SEED and STINT_FUZZ_RUNS draw others, and
 * more.
 */
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import fc from "fast-check";
import { runScript } from "../../host/cli/packetdrill.js";
import { analyze } from "../../host/lab/analyze.js";
import { ladderOf, ladderSvg, ladderText } from "../../host/lab/ladder.js";
import { problems } from "../../host/link/merge.js";
import { ModuleError, readSections } from "../../host/link/sections.js";
import { LinkError } from "../../host/links/link.js";
import { pcapngHead, pcapngPacket } from "../../host/links/pcapng.js";
import { CaptureError, readCapture } from "../../host/links/read-capture.js";
import { Deframer, enframe } from "../../host/links/stream.js";
import { buildDir } from "../../host/module.js";
import { parse, SyntaxError } from "../../host/packetdrill/parse.js";
import { PEER, STACK } from "../harness/bench.js";
import { opt, tcp } from "../harness/codec.js";
import { ServiceBench } from "../harness/services.js";

const seed = Number(process.env["STINT_FUZZ_SEED"] ?? 20261126), factor = Number(process.env["STINT_FUZZ_RUNS"] ?? 1);
const check = <T,>(property: fc.IProperty<T>, numRuns: number): void =>
  void fc.assert(property, { seed, numRuns: numRuns * factor });
const dir = mkdtempSync(join(tmpdir(), "stint-bad-files-"));
after(() => rmSync(dir, { recursive: true, force: true }));

/** Ways to spoil bytes: some are changed, some are cut out, some come twice. */
const spoiling = fc.array(
  fc.record({
    at: fc.nat(), what: fc.constantFrom("set", "cut", "twice", "end"), byte: fc.integer({ min: 0, max: 255 }),
    size: fc.integer({ min: 1, max: 40 }),
  }),
  { minLength: 1, maxLength: 6 },
);
type Spoiling = typeof spoiling extends fc.Arbitrary<infer T> ? T : never;
function spoilt(bytes: Uint8Array, how: Spoiling): Uint8Array {
  let out = Buffer.from(bytes);
  for (const { at, what, byte, size } of how) {
    const i = out.length === 0 ? 0 : at % out.length;
    if (what === "set" && out.length > 0) out[i] = byte;
    else if (what === "cut") out = Buffer.concat([out.subarray(0, i), out.subarray(i + size)]);
    else if (what === "twice") out = Buffer.concat([out.subarray(0, i + size), out.subarray(i)]);
    else if (what === "end") out = out.subarray(0, i);
  }
  return out;
}
/** Cuts bytes at these places. */
function pieces(bytes: Uint8Array, cuts: number[]): Buffer[] {
  const at = [...new Set(cuts.map((c) => c % (bytes.length + 1)))].sort((a, b) => a - b);
  return [...at, bytes.length].map((end, i) => Buffer.from(bytes.subarray(i === 0 ? 0 : at[i - 1]!, end)));
}
/** Runs, or throws an error of this kind with one line. */
function orSays<T>(kind: new (...args: never[]) => Error, body: () => T): T | undefined {
  try {
    return body();
  } catch (e) {
    assert.ok(e instanceof kind, `${(e as Error).stack}`);
    assert.doesNotMatch(e.message, /\n/);
    return undefined;
  }
}

/** The head of an answer: its length, and whether the connection ends with it. */
const HEAD = new RegExp(
  "^HTTP/1\\.1 \\d{3} [ \\w]+\r\n(?:Allow: GET, HEAD\r\n)?Content-Length: (\\d+)\r\n"
    + "(Connection: close\r\n)?\r\n",
);

describe("streams of frames", () => {
  const cuts = fc.array(fc.nat(), { maxLength: 20 });

  it("frames come out as they went in, however the stream is cut", () =>
    check(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 })), cuts, (frames, cuts) => {
        const got: Uint8Array[] = [], deframer = new Deframer();
        for (const piece of pieces(Buffer.concat(frames.map(enframe)), cuts))
          deframer.push(piece, (f) => void got.push(f.slice()));
        assert.deepEqual(got.map((f) => [...f]), frames.map((f) => [...f]));
        assert.equal(deframer.waiting, 0);
      }),
      300,
    ));

  it("what is no stream of frames is said to be none, and no more than a frame is kept", () =>
    check(
      fc.property(fc.uint8Array({ maxLength: 300 }), cuts, (bytes, cuts) => {
        const deframer = new Deframer();
        orSays(LinkError, () => {
          for (const piece of pieces(bytes, cuts)) {
            deframer.push(piece, (f) => assert.ok(f.length <= 65550));
            assert.ok(deframer.waiting < 65554);
          }
        });
      }),
      300,
    ));

  it("a large frame octet by octet takes no time that grows with its square", () => {
    const deframer = new Deframer(), bytes = enframe(new Uint8Array(65536)), began = process.cpuUsage();
    let got = 0;
    for (let n = 0; n < 4; n++)
      for (let i = 0; i < bytes.length; i++) deframer.push(bytes.subarray(i, i + 1), () => got++);
    assert.equal(got, 4);
    // With a copy an octet it took 4 × 2 GB of copies.
    assert.ok(process.cpuUsage(began).user < 1_000_000, `${process.cpuUsage(began).user} µs`);
  });
});

describe("captures", () => {
  const frames = [
    tcp(
      { src: PEER, dst: STACK },
      { flags: "S", seq: 1, sport: 4000, dport: 80, opts: [...opt.mss(1460), ...opt.sackOk(), ...opt.ws(7)] },
    ),
    tcp(
      { src: STACK, dst: PEER },
      { flags: "SA", seq: 100, ack: 2, sport: 80, dport: 4000, opts: [...opt.mss(1460), ...opt.ts(5, 6)] },
    ),
    tcp({ src: PEER, dst: STACK }, { flags: "A", seq: 2, ack: 101, sport: 4000, dport: 80 }),
    tcp(
      { src: PEER, dst: STACK }, { flags: "PA", seq: 2, ack: 101, sport: 4000, dport: 80, data: Buffer.from("hello") },
    ),
    tcp(
      { src: STACK, dst: PEER },
      { flags: "A", seq: 101, ack: 2, sport: 80, dport: 4000, opts: [1, 1, ...opt.sack([7, 9])] },
    ),
    tcp({ src: PEER, dst: STACK }, { flags: "FA", seq: 7, ack: 101, sport: 4000, dport: 80 }),
    tcp({ src: STACK, dst: PEER }, { flags: "RA", seq: 101, ack: 8, sport: 80, dport: 4000 }),
  ];
  const pcapng = Buffer.concat([
    pcapngHead(["a", "b"]), ...frames.map((f, i) => pcapngPacket(i * 1000, f, i & 1, "a word")),
  ]);
  const pcap = Buffer.alloc(24 + frames.reduce((n, f) => n + 16 + f.length, 0));
  [0xa1b2c3d4, 0x00040002, 0, 0, 65535, 1].forEach((word, i) => pcap.writeUInt32LE(word, i * 4));
  frames.reduce((at, f, i) => {
    [i, 0, f.length, f.length].forEach((word, k) => pcap.writeUInt32LE(word, at + 4 * k));
    pcap.set(f, at + 16);
    return at + 16 + f.length;
  }, 24);
  /** All that `stint explain` does with a file. */
  const explain = (file: Uint8Array): void => {
    const read = orSays(CaptureError, () => readCapture(file));
    if (read === undefined) return;
    assert.ok(read.frames.length <= file.length / 12);
    for (const f of read.frames) assert.ok(f.bytes.length <= file.length + 14 && !Number.isNaN(f.timeUs));
    for (const c of analyze(read.frames)) {
      const ladder = ladderOf(c, "x");
      ladderText(ladder);
      ladderSvg(ladder);
    }
  };

  it("whole ones are read whole", () => {
    for (const file of [pcapng, pcap])
      assert.deepEqual(readCapture(file).frames.map((f) => [...f.bytes]), frames.map((f) => [...f]));
  });

  it("any bytes: read as far as they are a capture, or refused with one line", () =>
    check(
      fc.property(
        fc.constantFrom([], [0x0a, 0x0d, 0x0d, 0x0a], [0xd4, 0xc3, 0xb2, 0xa1]),
        fc.uint8Array({ maxLength: 400 }),
        (magic, bytes) => {
          explain(Uint8Array.from([...magic, ...bytes]));
        },
      ),
      500,
    ));

  it("captures that are spoilt", () =>
    check(fc.property(fc.constantFrom(pcapng, pcap), spoiling, (file, how) => explain(spoilt(file, how))), 500));
});

describe("HTTP requests", () => {
  const word = fc.constantFrom(
    "GET ", "HEAD ", "POST ", "/a", "/none", "/%2e%2e/", " HTTP/1.1", " HTTP/1.0", "\r\n", "\r\n\r\n", "\n", "\r",
    "Host: x\r\n", "Content-Length: ", "3\r\n", "0", "5, 5\r\n", "Transfer-Encoding: chunked\r\n",
    "Connection: close\r\n", "Expect: 100-continue\r\n", "abc", ":", " ", "\t", "\0", "é",
    "GET /a HTTP/1.1\r\nHost: x\r\n\r\n", "GET /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", "x".repeat(600),
  );
  const request = fc.array(word, { minLength: 1, maxLength: 12 }).map((words) => Buffer.from(words.join("")));
  writeFileSync(join(dir, "a"), "the file a\n");
  const answer = (parts: Buffer[]): { text: string; ended: boolean; reset: boolean } => {
    const b = new ServiceBench({ root: dir, recvRing: 16384 }), p = b.open("http");
    for (const part of parts) p.write(part);
    return { text: p.got.toString("latin1"), ended: p.ended, reset: p.reset };
  };

  it("are answered with whole answers of statuses in the table, the same however they are cut", () =>
    check(
      fc.property(request, fc.array(fc.nat(), { maxLength: 6 }), (bytes, cuts) => {
        const whole = answer([bytes]), cut = answer(pieces(bytes, cuts).filter((p) => p.length > 0));
        assert.deepEqual(cut, whole);
        assert.equal(whole.reset, false);
        let rest = whole.text, last = false;
        for (const status of whole.text.matchAll(/HTTP\/1\.1 (\d+)/g)) {
          assert.equal(last, false, "nothing follows the last answer");
          assert.ok([200, 400, 404, 405, 408, 413, 414, 431, 501, 503].includes(Number(status[1])));
          const head = HEAD.exec(rest);
          assert.ok(head, rest);
          last = head[2] !== undefined;
          rest = rest.slice(head[0].length);
          if (rest.startsWith("the file a\n")) rest = rest.slice(11);
        }
        assert.equal(rest, "");
        assert.equal(whole.ended, last);
      }),
      60,
    ));
});

describe("packetdrill scripts", () => {
  const folders = ["open", "close", "options", "sack"];
  const files = folders.flatMap((f) =>
    readdirSync(join("tests/packetdrill", f))
      .filter((n) => n.endsWith(".pkt"))
      .slice(0, 4)
      .map((n) => join("tests/packetdrill", f, n)),
  );
  const texts = files.map((f) => readFileSync(f));

  it("any text: a script, or a syntax error with its place", () =>
    check(
      fc.property(
        fc.array(
          fc.constantFrom(
            "+0 ", "0.1 ", "< ", "> ", "S ", "0:0(0) ", "ack 1 ", "win 10 ", "<mss 1460>", "...", "~", "socket(",
            "..., ", "[", "{", "}", "]", ")", "=", "0", "-1 ", "E", "\n", "%{", "}%", "`", '"', "/*", "#ifdef X\n",
            "#endif\n", "icmp ", "*", "|", "é",
          ),
          { maxLength: 40 },
        ),
        (words) => {
          orSays(SyntaxError, () => parse(words.join(""), "x.pkt", new Set()));
        },
      ),
      1000,
    ));

  it("values nested without end are an error, not the end of the C stack's patience", () => {
    for (const open of ["[", "{", "f("])
      assert.throws(() => parse(`+0 call(${open.repeat(100_000)}`, "x.pkt", new Set()), SyntaxError);
  });

  it("scripts that are spoilt pass, fail with a line, or are unsupported", () =>
    check(
      fc.property(fc.nat({ max: texts.length - 1 }), spoiling, (i, how) => {
        const file = join(dir, "x.pkt");
        writeFileSync(file, spoilt(texts[i]!, how));
        assert.match(runScript(file, new Set()).result, /^(passed|failed|unsupported)$/);
      }),
      60,
    ));
});

describe("modules to be linked", () => {
  const stack = readFileSync(join(buildDir(), "stint-link.wasm"));
  const look = (bytes: Uint8Array): void => {
    orSays(ModuleError, () => readSections(bytes));
    orSays(ModuleError, () => {
      for (const line of problems(bytes, stack)) assert.doesNotMatch(line, /\n/);
    });
  };

  it("any bytes behind the magic number", () =>
    check(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) =>
        look(Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...bytes])),
      ),
      500,
    ));

  it("modules that are spoilt, and sections of any kind", () => {
    check(fc.property(spoiling, (how) => look(spoilt(stack, how))), 30);
    const section = fc
      .tuple(fc.constantFrom(0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13), fc.uint8Array({ maxLength: 30 }))
      .map(([id, body]) => [id, body.length, ...body]);
    check(
      fc.property(fc.array(section, { maxLength: 6 }), (sections) =>
        look(Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...sections.flat()])),
      ),
      500,
    );
  });
});
