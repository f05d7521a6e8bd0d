/** The first hour: what goes wrong for somebody who begins is said in words that help. */
import assert from "node:assert/strict";
import {
  cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { after, describe, it } from "node:test";
import { checkAddresses } from "../../host/address.js";
import { problem } from "../../host/cli/problem.js";
import type { StackOptions } from "../../host/config.js";
import { analyze, skipped, type Frame } from "../../host/lab/analyze.js";
import { Pair } from "../../host/lab/pair.js";
import { plotSvg } from "../../host/lab/plot.js";
import { captured, CaptureFile } from "../../host/links/capture.js";
import { LinkError, type Link } from "../../host/links/link.js";
import { pcapngHead, pcapngPacket } from "../../host/links/pcapng.js";
import { readCapture } from "../../host/links/read-capture.js";
import { buildDir, loadModule } from "../../host/module.js";
import { CONFIG_BOUNDS, CONFIG_SIZE } from "../../host/module/layout.js";
import { parse, SyntaxError } from "../../host/packetdrill/parse.js";
import { findProgram } from "../../host/programs.js";
import { StackModule } from "../../host/stack.js";
import { hashOf, unlessMade } from "../../tools/made.mjs";
import { Progress } from "../../tools/progress.js";
import { PEER, STACK } from "../harness/bench.js";
import { tcp } from "../harness/codec.js";
import { ran } from "../harness/programs.js";
import { lacks } from "../interop/lab.js";

const dir = mkdtempSync(join(tmpdir(), "stint-first-hour-"));
after(() => rmSync(dir, { recursive: true, force: true }));

interface Ended { status: number | null; out: string; err: string }

function stint(...args: string[]): Ended {
  const { status, stdout: out, stderr: err } = ran(process.execPath, ["build/stint.js", ...args]);
  return { status, out, err };
}

const syn = (seq: number, extra: object = {}): Uint8Array =>
  tcp({ src: PEER, dst: STACK }, { flags: "S", seq, sport: 4000, dport: 80, ...extra });
const framesOf = (list: Uint8Array[]): Frame[] => list.map((bytes, i) => ({ timeUs: i * 1000, bytes }));

describe("what somebody got wrong", () => {
  it("is a line or two, and never the place in a program", () => {
    const wasm = join(dir, "empty.wasm"), notes = join(dir, "notes.txt");
    writeFileSync(wasm, Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0));
    writeFileSync(notes, "no capture, no script, no module\n");
    const link = ["--link", "stream:/nonexistent", "--ip", "10.0.0.2/24"];
    const wrong = [
      ["handshake", "--loss", "100", "--seed", "1"], ["demo", "--mib", "0"], ["demo", "--mib", "4096"],
      ["demo", "--mib", "1", "--pcap", dir], ["explain", dir], ["explain", notes],
      ["explain", notes, "--connection", "0"],
      ["scenario", "nonsense"], ["scenario", "handshake", "--svg", dir], ["flood", "--plot", "x.png"],
      ["link", notes, "-o", join(dir, "x")], ["link", wasm, "-o", join(dir, "x")], ["link", dir, "-o", join(dir, "x")],
      ["run", wasm, ...link], ["run", dir, ...link], ["packetdrill", notes], ["up", ...link, "--set", "connsMax=0"],
      ["up", ...link, "--mac", "01:00:00:00:00:01"], ["connect", "10.0.0.1", "70000", ...link],
    ];
    for (const args of wrong) {
      const { status, out, err } = stint(...args), said = out + err;
      assert.ok(status === 1 || status === 2, `${args.join(" ")}: ${status}\n${said}`);
      assert.doesNotMatch(said, /^\s+at |node:internal|file:\/\/|\.js:\d/m, args.join(" "));
      assert.ok(err.split("\n").every((line) => line.length < 400), `${args.join(" ")}: a line of the bundle`);
    }
    assert.match(stint("explain", dir).err, /it is a folder/);
  });

  it("and what stint got wrong is a line, which says how to learn more", () => {
    const told = problem(new TypeError("x is not a function"));
    assert.deepEqual([told.status, told.text.split("\n").length], [70, 1]);
    assert.match(told.text, /fault of stint's: x is not a function; with STINT_TRACE=1 /);
    assert.deepEqual(problem(new LinkError("no such link")), { text: "no such link", status: 2 });
    assert.match(problem(new WebAssembly.RuntimeError("unreachable")).text, /the module stopped: unreachable/);
  });

  it("and nothing is said to somebody who reads the first line alone", (t) => {
    if (lacks(t, "bash")) return;
    const line = `"${process.execPath}" build/stint.js scenario close | head -n 1; echo "status \${PIPESTATUS[0]}"`;
    const { stdout, stderr } = ran(findProgram("bash")!, ["-c", line]);
    assert.equal(stderr, "");
    assert.match(stdout, /\nstatus 0\n$/);
  });

  it("values that are nested by way of a choice have an end, too", () => {
    for (const open of ["[1|", "1|[", "{1|", "f(1|"]) {
      assert.throws(() => parse(`+0 call(${open.repeat(5000)}`, "x.pkt", new Set()), SyntaxError, open);
    }
  });
});

describe("npx stint", () => {
  const { bin } = JSON.parse(readFileSync("package.json", "utf8")) as { bin: { stint: string } };
  const run = (file: string, ...args: string[]): Ended => {
    const { status, stdout: out, stderr: err } = ran(process.execPath, [file, ...args]);
    return { status, out, err };
  };

  it("is a file of the repository, so that npm finds it before the build", () => {
    assert.doesNotMatch(bin.stint, /build/);
    assert.match(run(bin.stint, "--version").out, /^\d+\.\d+\.\d+\n$/);
  });

  it("says in a clone that is not built yet what to run", () => {
    const clone = join(dir, "clone");
    cpSync("bin", join(clone, "bin"), { recursive: true });
    assert.deepEqual(run(join(clone, bin.stint), "handshake"), {
      status: 2, out: "", err: "stint: this clone is not built yet; run: npm ci && npm run build\n",
    });
    mkdirSync(join(clone, "node_modules"));
    assert.match(run(join(clone, bin.stint)).err, /; run: npm run build\n$/);
  });
});

describe("npm run setup", () => {
  const setup = (env: NodeJS.ProcessEnv, ...args: string[]): Ended => {
    const { status, stdout: out, stderr: err } = ran(findProgram("bash")!, ["tools/setup.sh", ...args], { env });
    return { status, out, err };
  };

  it("--dry-run prints what it would install, and installs nothing", (t) => {
    if (lacks(t, "bash")) return;
    // A machine with nothing but what the script itself needs; what it would run says that it did.
    const bin = join(dir, "setup-bin"), ran = join(dir, "ran");
    mkdirSync(bin);
    for (const program of ["dirname", "id"]) symlinkSync(findProgram(program)!, join(bin, program));
    for (const program of ["apt-get", "sudo", "env", "cargo"]) {
      writeFileSync(join(bin, program), `#!${findProgram("bash")!}\necho "$0" >> ${ran}\n`, { mode: 0o755 });
    }
    const { status, out } = setup({ PATH: bin, HOME: dir }, "--dry-run");
    assert.equal(status, 0);
    const words = [/apt-get update/, /install .* socat .* passt /, /wasmtime-cli@/, /wac-cli@/, /componentize-py==/];
    for (const word of words) assert.match(out, word);
    assert.equal(existsSync(ran), false);
  });

  it("names an option that it does not have", (t) => {
    if (lacks(t, "bash")) return;
    const err = "setup: there is no option --bogus; there is --dry-run\n";
    assert.deepEqual(setup(process.env, "--bogus"), { status: 2, out: "", err });
  });

  it("is what CI installs", () => assert.match(readFileSync(".ci/run", "utf8"), /^bash tools\/setup\.sh/m));
});

describe("the progress of long work", () => {
  /** What is written to a terminal, or to something else. */
  function screen({ isTTY }: { isTTY: boolean }): { stream: NodeJS.WriteStream; text: () => string } {
    const stream = new PassThrough(), chunks: string[] = [];
    stream.on("data", (d: Buffer) => chunks.push(String(d)));
    Object.assign(stream, { isTTY, columns: 120 });
    return { stream: stream as unknown as NodeJS.WriteStream, text: () => chunks.join("") };
  }

  it("on a terminal tells what is done, how fast, and how long it takes yet", async () => {
    const { stream, text } = screen({ isTTY: true }), bar = new Progress("seeds", 200, stream);
    for (let n = 0; n <= 150; n += 10) {
      bar.at(n);
      await new Promise((next) => setTimeout(next, 40));
    }
    bar.stop();
    assert.match(text(), /\d+% \d+\/200 seeds, [\d.]+ a second, \S+ left/);
  });

  it("without an end tells what is done and how fast", async () => {
    const { stream, text } = screen({ isTTY: true }), bar = new Progress("seeds", Infinity, stream);
    bar.at(30);
    await new Promise((next) => setTimeout(next, 600));
    bar.at(70);
    bar.stop();
    assert.match(text(), / (30|70) seeds, [\d.]+ a second/);
    assert.doesNotMatch(text(), /left|Infinity|NaN/);
  });

  it("elsewhere is silent, so that output can be read by programs", () => {
    const { stream, text } = screen({ isTTY: false }), bar = new Progress("seeds", 200, stream);
    bar.at(100);
    bar.stop();
    assert.equal(text(), "");
  });
});

describe("npm start", () => {
  it("makes nothing again that is made from the same sources", async () => {
    const source = join(dir, "source"), output = join(dir, "output"), stamp = join(dir, "stamps", "output");
    mkdirSync(source);
    let times = 0;
    const make = (): Promise<boolean> => unlessMade(stamp, hashOf([source], /\.ts$/, []), [output], () => {
      writeFileSync(output, String(++times));
    });
    writeFileSync(join(source, "a.ts"), "1");
    writeFileSync(join(source, "notes"), "1");
    assert.deepEqual([await make(), await make()], [true, false]);
    writeFileSync(join(source, "notes"), "2");
    assert.equal(await make(), false, "no source");
    writeFileSync(join(source, "a.ts"), "2");
    assert.deepEqual([await make(), await make()], [true, false]);
    renameSync(join(source, "a.ts"), join(source, "b.ts"));
    assert.equal(await make(), true, "another name");
    rmSync(output);
    assert.deepEqual([await make(), times], [true, 4]);
  });

  it("does not keep what could not be made", async () => {
    const stamp = join(dir, "stamps", "failed"), fail = (): never => { throw new Error("no"); };
    await assert.rejects(unlessMade(stamp, "x", [], fail));
    assert.equal(await unlessMade(stamp, "x", [], () => {}), true);
  });
});

describe("addresses that cannot be", () => {
  const refuses = (own: string, gateway: string | undefined, why: RegExp): void =>
    assert.throws(() => checkAddresses(own, gateway), why, `${own} ${gateway}`);

  it("are refused with the reason: the network's, its broadcast address, loopback, multicast", () => {
    refuses("10.0.0.0/24", undefined, /10\.0\.0\.0\/24 is the address of the network itself/);
    refuses("10.0.0.255/24", undefined, /is the broadcast address of its network/);
    refuses("127.0.0.1/8", undefined, /is a loopback address/);
    refuses("224.0.0.1/24", undefined, /is a multicast address/);
    refuses("240.0.0.1/24", undefined, /240\.0\.0\.0\/4/);
    refuses("0.0.0.5/24", undefined, /0\.0\.0\.0\/8/);
  });

  it("and so is a router that is not there: outside of the network, the stack itself, nobody's", () => {
    refuses("10.0.0.2/24", "10.0.1.1", /gateway 10\.0\.1\.1 is outside of the network of 10\.0\.0\.2\/24/);
    refuses("10.0.0.2/24", "10.0.0.2", /is the stack's own address/);
    refuses("10.0.0.2/24", "10.0.0.255", /gateway 10\.0\.0\.255 is the broadcast address/);
    refuses("10.0.0.2/24", "10.0.0.0", /gateway 10\.0\.0\.0 is the address of the network itself/);
  });

  it("others are taken: two hosts on a /31 (RFC 3021), a host of its own whose router is elsewhere", () => {
    checkAddresses("10.0.0.2/24", "10.0.0.1");
    checkAddresses("10.0.0.0/31", "10.0.0.1");
    checkAddresses("10.0.0.5/32", "192.0.2.1");
  });

  it("are an error of the command in one line", () => {
    for (const ip of ["10.0.0.0/24", "10.0.0.255/24"]) {
      const { status, err } = stint("up", "--link", "stream:/nonexistent", "--ip", ip);
      assert.deepEqual([status, err.trim().split("\n").length], [2, 1], err);
    }
    const { err } = stint("up", "--link", "tap:tap9", "--ip", "127.0.0.1/8");
    assert.match(err, /loopback/);
  });
});

describe("a configuration that cannot be", () => {
  const why = (options: StackOptions): string => {
    try {
      new StackModule(loadModule(), { ip: "10.0.0.1/24", ...options });
    } catch (e) {
      return (e as Error).message;
    }
    return "it was taken";
  };

  it("is refused by the name of its field, with its value and what it may be", () => {
    const cases: [StackOptions, RegExp][] = [
      [{ mtu: 127 }, /: mtu is 127; it must be a number from 128 to 65535$/],
      [{ connsMax: 0 }, /: connsMax is 0; it must be a number from 1 to 2097151$/],
      [{ connsMax: -1 }, /: connsMax is -1; it must be a number from 1/], [{ connsMax: 1.5 }, /: connsMax is 1\.5; /],
      [{ connsMax: 2 ** 32 + 64 }, /: connsMax is 4294967360; /], [{ mtu: NaN }, /: mtu is NaN; /],
      [{ sendRing: 1001 }, /: sendRing is 1001; it must be a multiple of 4$/],
      [{ rxSlots: 3 }, /: rxSlots is 3; it must be a power of two$/],
      [{ loopSlots: 1 }, /: loopSlots is 1; it must be 0, or a power/],
      [{ neighboursMax: 5 }, /: neighboursMax is 5; /],
      [{ prefixBuckets: 3 }, /: prefixBuckets is 3; /], [{ reassemblyBytes: 7 }, /: reassemblyBytes is 7; /],
      [{ udpRing: 32 }, /: udpRing is 32; it must be at least 64/],
      [{ cookies: 3 }, /: cookies is 3; it must be a number from 0 to [23]$/],
      [{ windowScale: 15 }, /: windowScale is 15; it must be 255, or up to 14/],
      [{ delayedAckMs: 500 }, /: delayedAckMs is 500; it must be below 500/],
      [{ mss: 1461 }, /: mss is 1461; it must be at most mtu − 40, 1460$/],
      [{ rtoMaxMs: 100 }, /: rtoMaxMs is 100; it must be at least rtoMinMs/],
      [{ prefixBuckets: 0, prefixRate: 5 }, /: prefixRate is 5; it must be 0 where prefixBuckets is 0$/],
      [{ mac: "01:00:00:00:00:01" }, /: mac is 01:00:00:00:00:01, an address of a group/],
      [{ ip: "127.0.0.1/8" }, /: ip is 127\.0\.0\.1\/8, a loopback/],
      [{ ip: "10.0.0.1/24", gateway: "10.0.0.1" }, /: gateway is 10\.0\.0\.1, the stack's own address/],
      [{ gateway: "127.0.0.1" }, /: gateway is 127\.0\.0\.1, a loopback/],
      [{ gateway: "224.0.0.1" }, /: gateway is 224\.0\.0\.1, a multicast/],
    ];
    for (const [options, expected] of cases) assert.match(why(options), expected, JSON.stringify(options));
  });

  it("every refusal has its reason: whatever number of a field is drawn, none is CONFIG without words", () => {
    for (const field of Object.keys(CONFIG_BOUNDS).filter((f) => !/^(policy|appBytes)$|Ring$/.test(f))) {
      for (const value of [0, 1, 3, 500, 65_537]) {
        const said = why({ [field]: value, sendRing: 1024, recvRing: 1024 });
        assert.doesNotMatch(said, /a value in the configuration is out of range/, `${field} ${value}`);
      }
    }
  });

  it("too many connections are said to take too much memory, with the numbers to change", () => {
    const many = why({ connsMax: 100_000 });
    assert.match(many, /: 100000 connections \(connsMax\) with rings of 65536 \(sendRing\) and 65536 bytes /);
    assert.match(many, / take more than 4\.0 GiB, .*: fewer connections, or smaller rings$/);
    assert.match(why({ arenaBase: 1 << 20, arenaSize: 4096 }), /take \d+\.\d MiB; arenaSize is 4096$/);
    const up = ["up", "--link", "udp:45991,127.0.0.1:9", "--ip", "10.0.0.2/24"];
    const { status, err } = stint(...up, "--connections", "100000");
    assert.deepEqual([status, err.trim().split("\n").length], [2, 1], err);
    assert.match(err, /fewer connections, or smaller rings/);
  });
});

describe("a configuration in C", () => {
  it("tells which number is out of its bounds; the defaults are within theirs", (t) => {
    if (lacks(t, "gcc")) return;
    const source = join(dir, "fault.c"), program = join(dir, "fault");
    writeFileSync(source, `#include <stdio.h>
      #include "stint.h"
      static void ask(const struct stint_config *c) {
        struct stint_config_fault f;
        if (stint_config_fault(c, &f)) printf("%s %u %u %u\\n", f.field, f.value, f.least, f.most);
        else puts("none");
      }
      int main(void) {
        struct stint_config c, none = {0};
        stint_config_defaults(&c);
        c.ip = 0x0a000002; c.prefix = 24;
        ask(&c);
        c.mtu = 5; ask(&c); c.mtu = 1500;
        c.connsMax = 1u << 21; ask(&c); c.connsMax = 4;
        c.prefix = 33; ask(&c); c.prefix = 24;
        c.size -= 8; ask(&c);
        ask(&none);
      }`);
    const made = ran("gcc", ["-Wall", "-Wextra", "-Werror", "-Iinclude", source, "-o", program]);
    assert.equal(made.status, 0, made.stderr);
    const said = ran(program).stdout.trim().split("\n"), size = CONFIG_SIZE;
    assert.deepEqual(said, [
      "none", "mtu 5 128 65535", "connsMax 2097152 1 2097151", "prefix 33 0 32", `size ${size - 8} ${size} ${size}`,
      "mtu 0 128 65535",
    ]);
  });
});

describe("a native program", () => {
  it("says so where no room can be had for the stack's memory, and does not die without a word", (t) => {
    if (lacks(t, "gcc")) return;
    // In the place of the library: one that could not reserve its addresses.
    const stub = join(dir, "stub.c"), program = join(dir, "stub");
    writeFileSync(stub, `#include <stint.h>
      struct stint_config *stint_config_block(void) { return 0; }
      int32_t app_start(struct stint_config *c) { (void)c; return 0; }
      int32_t app_run(void) { return 0; }`);
    const link = ["-no-pie", "-Wl,--unresolved-symbols=ignore-all"];
    const made = ran("gcc", [...link, "-Iinclude", stub, "host/posix/host.c", "-o", program]);
    assert.equal(made.status, 0, made.stderr);
    const { status, stderr } = ran(program, ["10.0.0.2", "24"], { input: "" });
    assert.equal(status, 71);
    assert.match(stderr, /^stint: 8 GiB of addresses cannot be reserved for the stack; ulimit -v is too small\n$/);
  });
});

describe("stint explain", () => {
  it("64,000 SYNs of one four-tuple take no time that grows with their square", () => {
    const list = framesOf(Array.from({ length: 64_000 }, (_, i) => syn(i * 60_000)));
    const began = process.cpuUsage();
    assert.equal(analyze(list).length, 1);
    // It took 42 s of processor.
    assert.ok(process.cpuUsage(began).user < 8_000_000, `${process.cpuUsage(began).user} µs`);
  });

  it("a SYN after the end of a connection begins another one; a SYN with the same number does not", () => {
    const rst = tcp({ src: STACK, dst: PEER }, { flags: "RA", seq: 0, ack: 6, sport: 80, dport: 4000 });
    assert.deepEqual(analyze(framesOf([syn(5), rst, syn(9), syn(9)])).map((c) => c.segments.length), [2, 2]);
    assert.deepEqual(analyze(framesOf([syn(5), syn(5), syn(9)])).map((c) => c.segments.length), [3]);
  });

  it("says what it skips, and what there is in part only", () => {
    const ether = (type: number): Uint8Array => Uint8Array.from([...new Uint8Array(12), type >> 8, type & 255]);
    const udp = syn(1).slice(), fragment = syn(1).slice(), short = syn(1).subarray(0, 40);
    udp[23] = 17;
    fragment[21] = 9;
    const types = [0x0806, 0x0806, 0x86dd, 0x8100, 0x88cc].map(ether), list = [...types, udp, fragment, short, syn(1)];
    const all = Object.fromEntries(skipped(framesOf(list)));
    const ones = {
      "cut short": 1, "VLAN-tagged": 1, UDP: 1, "later fragments": 1, "damaged TCP": 1, "of type 0x88cc": 1,
    };
    assert.deepEqual(all, { ARP: 2, ...ones });
    const file = join(dir, "mixed.pcapng");
    writeFileSync(file, Buffer.concat([pcapngHead(["x"]), ...list.map((f, i) => pcapngPacket(i, f))]));
    const { out } = stint("explain", file);
    assert.match(out, /^skipped: 8 frames without TCP: 2 ARP, /m);
    assert.deepEqual((JSON.parse(stint("explain", file, "--json").out) as { skipped: object }).skipped, all);
  });

  it("a segment whose text a capture has left out is as long as it was", () => {
    const text = { flags: "PA", seq: 2, ack: 101, sport: 4000, dport: 80, data: Buffer.alloc(1000) };
    const whole = tcp({ src: PEER, dst: STACK }, text);
    const record = Buffer.alloc(24 + 16 + 60);
    const words = [0xa1b2c3d4, 0x00040002, 0, 0, 60, 1, 0, 0, 60, whole.length];
    words.forEach((word, i) => record.writeUInt32LE(word, i * 4));
    record.set(whole.subarray(0, 60), 40);
    const { frames, warnings } = readCapture(record);
    assert.equal(analyze(frames)[0]!.segments[0]!.tcp.len, 1000);
    assert.match(warnings.join(), /1 frames are there in part only/);
  });
});

describe("the ladder", () => {
  it("of a close begins with the states that both sides are in", () => {
    const pair = new Pair(loadModule(), { seed: 3 });
    assert.ok(pair.open());
    pair.settle();
    const first = pair.segments.length;
    assert.ok(pair.close());
    assert.deepEqual(pair.ladder(first).before, ["ESTABLISHED", "ESTABLISHED"]);
    const [syn, synAck, ack] = pair.ladder().lines.map((l) => l.states);
    assert.deepEqual(syn, ["SYN-SENT", "SYN-RECEIVED"]);
    assert.deepEqual(synAck, ["ESTABLISHED", "SYN-RECEIVED"]);
    assert.deepEqual(ack, ["ESTABLISHED", "ESTABLISHED"]);
  });

  it("of a handshake whose every frame is lost is empty, and the command says why", () => {
    const { status, err } = stint("handshake", "--loss", "100", "--seed", "1");
    assert.equal(status, 1);
    assert.match(err, /not even a SYN was sent, since no ARP request was answered/);
  });

  it("that the demo says repeats itself does", () => {
    const { out } = stint("demo", "--mib", "1", "--seed", "1", "--pcap", join(dir, "d.pcapng"));
    const [, args] = /npx stint (handshake --loss \d+ --seed \d+)/.exec(out)!;
    assert.match(stint(...args!.split(" ")).out, /retransmission/);
  });
});

describe("a plot", () => {
  it("draws lines that are the same as one, with all their names, so that none hides another", () => {
    const points: [number, number][] = [[0, 100], [1, 100]];
    const svg = plotSvg("x", { name: "time" }, { name: "share" }, [
      { name: "none", points: [[0, 0], [1, 0]] }, { name: "rate", points }, { name: "cookies", points },
    ]);
    assert.match(svg, />rate, cookies</);
    assert.match(svg, />none</);
  });
});

describe("captures", () => {
  const silent = (): Link => ({ send() {}, onFrame() {}, onClose() {}, close() {} });

  it("have stamps of microseconds", () => {
    const file = join(dir, "stamps.pcapng"), link = captured(silent(), new CaptureFile(file, ["x"]));
    for (let n = 0; n < 50; n++) link.send(syn(n));
    link.close();
    const times = readCapture(readFileSync(file)).frames.map((f) => f.timeUs);
    assert.ok(times.some((t) => t % 1000 !== 0), times.join());
    assert.ok(Math.abs(times[0]! / 1000 - Date.now()) < 60_000, "the time of day");
    assert.deepEqual(times, [...times].sort((a, b) => a - b));
  });

  it("are complete, however the program ends", () => {
    const file = join(dir, "ended.pcapng"), script = join(dir, "ends.ts");
    const from = JSON.stringify(join(process.cwd(), "host/links/capture.ts"));
    writeFileSync(script, `import { CaptureFile } from ${from};
      new CaptureFile(${JSON.stringify(file)}, ["x"]).frame(1, new Uint8Array(60));
      process.exit(3);`);
    assert.equal(ran(process.execPath, ["--import", "tsx", script]).status, 3);
    assert.equal(readCapture(readFileSync(file)).frames.length, 1);
  });
});

describe("stint-wasi.wasm", () => {
  /** Runs the command under wasmtime with as much of WASI as its arguments need. */
  function wasi(...args: string[]): Ended {
    const module = new WebAssembly.Module(readFileSync(join(buildDir(), "stint-wasi.wasm")));
    const bytes = args.map((a) => Buffer.from(`${a}\0`));
    let err = "";
    class Exit extends Error { constructor(readonly status: number) { super(); } }
    const calls: Record<string, (...n: number[]) => number> = {
      args_sizes_get(count, size) {
        view.setUint32(count, bytes.length, true);
        view.setUint32(size, bytes.reduce((n, b) => n + b.length, 0), true);
        return 0;
      },
      args_get(argv, at) {
        for (const [i, b] of bytes.entries()) {
          view.setUint32(argv + 4 * i, at, true);
          new Uint8Array(view.buffer).set(b, at);
          at = at + b.length;
        }
        return 0;
      },
      fd_write(fd, iov, _count, written) {
        const at = view.getUint32(iov, true), size = view.getUint32(iov + 4, true);
        if (fd === 2) err += Buffer.from(view.buffer, at, size).toString();
        view.setUint32(written, size, true);
        return 0;
      },
      proc_exit(status) {
        throw new Exit(status);
      },
    };
    const wanted = WebAssembly.Module.imports(module).map(({ name }) => [name, calls[name] ?? ((): number => 0)]);
    const imports = Object.fromEntries(wanted) as WebAssembly.ModuleImports;
    const { exports } = new WebAssembly.Instance(module, { wasi_snapshot_preview1: imports });
    const view = new DataView((exports["memory"] as WebAssembly.Memory).buffer);
    try {
      (exports["_start"] as () => void)();
    } catch (e) {
      if (e instanceof Exit) return { status: e.status, out: "", err };
      throw e;
    }
    return { status: null, out: "", err };
  }
  const wrong = (expected: RegExp, ...args: string[]): void => {
    const { status, err } = wasi("stint", ...args);
    assert.equal(status, 2, `${args.join(" ")}: ${err}`);
    assert.match(err, expected);
    assert.equal(err.trim().split("\n").length, 1, err);
  };
  const up = ["up", "--ip", "10.0.0.2/24"];

  it("--help says what there is, also in the place of a value", () => {
    for (const args of [["--help"], ["-h"], ["up", "--help"], [...up, "--help"]]) {
      const { status, err } = wasi("stint", ...args);
      assert.equal(status, 0);
      for (const o of ["--ip", "--gateway", "--ip6", "--no-ipv6", "--http", "--set", "--stats"])
        assert.ok(err.includes(`  ${o} `), o);
    }
  });

  it("says what is wrong in a line, and traps for nothing", () => {
    wrong(/a command is missing/);
    wrong(/"down" is no command/, "down");
    wrong(/"--bogus" is no option/, ...up, "--bogus");
    wrong(/"--echo" wants a value/, ...up, "--echo");
    wrong(/--ip A\.B\.C\.D\/N is missing/, "up");
    wrong(/has no prefix/, "up", "--ip", "10.0.0.2");
    wrong(/is no host's address/, "up", "--ip", "10.0.0.0/24");
    wrong(/is no host's address/, "up", "--ip", "10.0.0.255/24");
    wrong(/outside of the network/, ...up, "--gateway", "10.0.1.1");
    wrong(/the stack's own address/, ...up, "--gateway", "10.0.0.2");
    wrong(/mtu is "5"; it must be a number from 128 to 65535/, ...up, "--set", "mtu=5");
    wrong(/it must be a number from 128/, ...up, "--set", "9=5");
    wrong(/is no number of the configuration/, ...up, "--set", "bogus=1");
    wrong(/do not go together/, ...up, "--set", "rxSlots=3");
    wrong(/do not fit into 4 GiB/, ...up, "--connections", "100000");
    wrong(/is no number in the range/, ...up, "--echo", "x".repeat(3000));
    wrong(/too many arguments/, ...Array<string>(80).fill("up"));
    for (const text of [
      "fd00::1", "fd00::/129", "fd00::1/x", ":1/64", "1::2::3/64", "12345::/64", "1:2:3/64", "1:2:3:4:5:6:7:/64",
      "1:2:3:4:5:6:7:8:9/64", "1:2:3:4:5:6:7::8/64", "1:2:3:4:5:6:7:8::/64", "g::/64", ":::/64", "/64",
    ]) wrong(/is no IPv6 address with a prefix/, ...up, "--ip6", text);
    wrong(/is no IPv6 address;/, ...up, "--gateway6", "fe80::1/64");
    wrong(/--gateway6 needs --ip6/, ...up, "--gateway6", "fe80::1");
    wrong(/is no key/, ...up, "--ip6-secret", "00");
    wrong(/--no-ipv6 goes with no other/, ...up, "--no-ipv6", "--ip6", "fd00::1/64");
    wrong(/MTU of 1280/, ...up, "--mtu", "1279", "--ipv6");
    wrong(/one --ip6 too many/, ...up, ...Array.from({ length: 7 }, (_, i) => ["--ip6", `fd00::${i}/64`]).flat());
    for (const ip6 of ["::/64", "ff02::1/64", "::1/128"]) wrong(/is no host's address/, ...up, "--ip6", ip6);
    wrong(/is no host's address/, ...up, "--gateway6", "::");
    wrong(/the stack's own address/, ...up, "--ip6", "fd00::1/64", "--gateway6", "fd00:0::1");
    wrong(/given twice/, ...up, "--ip6", "fd00:0::1/64", "--ip6", "fd00::1/64");
  });
});
