/** The handshake lab without its page: every scenario, stepping back and forth, what the user does, captures. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { analyze } from "../../host/lab/analyze.js";
import { Lab } from "../../host/lab/lab.js";
import { ladderSvg } from "../../host/lab/ladder.js";
import { actsOf } from "../../host/lab/acts.js";
import { SCENARIOS, scenarioNamed } from "../../host/lab/scenarios.js";
import { laddersOf } from "../../host/lab/story.js";
import { pcapngHead, pcapngPacket } from "../../host/links/pcapng.js";
import { CaptureError, readCapture } from "../../host/links/read-capture.js";
import { loadModule } from "../../host/module.js";
import { Random } from "../../host/random.js";
import { ip4, tcp, type Tcp } from "../harness/codec.js";
import { ran } from "../harness/programs.js";

const played = (name: string, variant = "", seed = 1): Lab => {
  const lab = new Lab(loadModule("stint.simd"), scenarioNamed(name), seed, variant);
  lab.finish();
  return lab;
};
const stint = (...args: string[]): { status: number | null; stdout: string; stderr: string } =>
  ran(process.execPath, ["build/stint.js", ...args]);
const marks = (lab: Lab): string[] => analyze(lab.frames).flatMap((c) => c.segments.flatMap((s) => s.marks));

describe("scenarios", () => {
  for (const s of SCENARIOS) {
    for (const variant of Object.keys(s.variants ?? { "": {} })) {
      it(`${s.name}${variant ? `, ${variant}` : ""}: runs to its end, `
          + "with the states that it promises, for five seeds", () => {
        for (let seed = 1; seed <= 5; seed++) {
          const lab = played(s.name, variant, seed);
          for (const [host, state] of Object.entries(s.ends))
            assert.equal(lab.changes.findLast((c) => c.host === lab.host(host))?.state, state, `${host}, seed ${seed}`);
          assert.ok(lab.frames.length > 0 && lab.timeMs <= s.lastsMs);
        }
      });
    }
  }

  it("each shows what it is for", () => {
    const states = (name: string, host: number): string[] =>
      played(name)
        .changes.filter((c) => c.host === host)
        .map((c) => c.state);
    assert.ok(states("simultaneous-open", 0).includes("SYN-RECEIVED"));
    assert.ok(states("simultaneous-close", 1).includes("CLOSING"));
    assert.deepEqual(
      states("old-duplicate", 1).filter((s, i, all) => s !== all[i - 1]),
      ["LISTEN", "SYN-RECEIVED", "LISTEN", "SYN-RECEIVED", "ESTABLISHED"],
    );
    for (const name of ["lost-syn", "lost-syn-ack", "lost-ack", "retransmission", "sack"])
      assert.ok(marks(played(name)).includes("retransmission"), name);
    for (const name of ["handshake", "reordering", "data-on-ack"])
      assert.ok(!marks(played(name)).includes("retransmission"), name);
    assert.ok(
      marks(played("zero-window")).includes("zero window") && marks(played("zero-window")).includes("window probe"),
    );
    assert.ok(marks(played("rst-injection")).includes("challenge"));
    assert.equal(marks(played("sack")).filter((m) => m === "retransmission").length, 2, "only what was lost");
  });

  it("the flood: nobody without a defence, everybody with cookies", () => {
    const served = (variant: string): number =>
      played("flood", variant).served.connected / played("flood", variant).served.began;
    assert.equal(served("none"), 0);
    assert.equal(served("cookies"), 1);
    assert.ok(served("time-out") > 0.5 && served("rate limit") > 0.5 && served("two servers") > 0);
    assert.ok(marks(played("flood", "cookies")).includes("cookie"));
  });
});

describe("time", () => {
  it("looking at a host changes nothing that steps are compared by", () => {
    const walk = ({ looks }: { looks: boolean }): string => {
      const lab = new Lab(loadModule("stint.simd"), scenarioNamed("handshake"));
      while (lab.next()) if (looks) assert.ok(lab.inspect(0).length + lab.inspect(1).length >= 0);
      return lab.fingerprint();
    };
    assert.equal(walk({ looks: true }), walk({ looks: false }));
  });

  it("stepping back and forth gives identical memories", () => {
    for (const name of ["close", "sack", "flood"]) {
      const lab = new Lab(loadModule("stint.simd"), scenarioNamed(name), 3, name === "flood" ? "cookies" : "");
      const prints: string[] = [lab.fingerprint()];
      while (lab.step < 150 && lab.next()) prints.push(lab.fingerprint());
      const random = new Random(7);
      for (let i = 0; i < 60; i++) {
        const step = random.below(prints.length);
        lab.goTo(step);
        assert.equal(lab.fingerprint(), prints[step], `${name}, step ${step}`);
      }
    }
  });

  it("what the user did is part of the run: another lab with the same deeds is the same", () => {
    const lab = new Lab(loadModule("stint.simd"), scenarioNamed("handshake"), 1);
    while (lab.flights.length === 0) lab.next();
    lab.user({ act: "fate", flight: lab.flights[0]!.id, fate: "drop" });
    lab.finish();
    lab.user({ act: "action", action: { do: "send", host: "client", text: "late" } });
    lab.finish();
    const other = new Lab(loadModule("stint.simd"), scenarioNamed("handshake"), 1, "", lab.acts);
    other.goTo(lab.step);
    assert.equal(other.fingerprint(), lab.fingerprint());
    assert.ok(marks(lab).includes("lost"));
  });

  it("what a link says that the user did is read, and refused in one line where no page writes it", () => {
    const lost = { step: 3, act: "fate", flight: 1, fate: "drop" };
    const did = (action: object): object => ({ step: 4, act: "action", action });
    const acts = [
      lost, did({ do: "send", host: "client", text: "hello" }), did({ do: "link", up: false }),
      did({ do: "segment", from: "client", to: "server", fields: { flags: ["RST"], seq: -1 } }),
    ];
    assert.deepEqual(actsOf(btoa(JSON.stringify(acts))), acts);
    for (const wrong of ["%", btoa("{"), btoa("7"), ...[
      [1], [null], [{}], [{ step: -1, act: "fate", flight: 1, fate: "drop" }], [{ step: 1, act: "sing" }],
      [{ step: 1, act: "fate", flight: 1, fate: "toString" }], [{ step: 1, act: "action", action: 7 }],
      [{ step: 1, act: "edit", flight: 0 }], { length: 1, 0: acts[0] }, [{ ...lost, step: 1e9 }],
      [{ step: 1, act: "edit", flight: 0, fields: { flags: ["SUN"] } }],
      [{ step: 1, act: "edit", flight: 0, fields: { text: "x".repeat(1401) } }], Array(1001).fill(lost),
      [did({ do: "send" })], [did({ do: "sing", host: "client" })], [did({ do: "toString", host: "client" })],
      [did({ do: "link", up: "no" })], [did({ do: "send", host: "client", bytes: 1e9 })],
      [did({ do: "flood", to: "server", perSecond: 0, ms: 100 })],
      [did({ do: "flood", to: "server", perSecond: 100, ms: 1e12 })],
      [did({ do: "clients", host: "client", to: "server", everyMs: 0, ms: 100 })],
      [did({ do: "segment", from: "client", to: "server" })],
    ].map((x) => btoa(JSON.stringify(x)))]) assert.throws(() => actsOf(wrong), /^Error: its acts are not what/);
    // A host that is not there is told at once, not when the act's turn comes.
    const stranger = actsOf(btoa(JSON.stringify([did({ do: "send", host: "nobody" })])));
    const opened = (): Lab => new Lab(loadModule("stint.simd"), scenarioNamed("handshake"), 1, "", stranger);
    assert.throws(opened, /^RangeError: there is no host "nobody"/);
  });

  it("whatever acts a link may bring, at any step, no step throws", () => {
    const random = new Random(7), one = <T>(of: readonly T[]): T => of[random.below(of.length)]!;
    const drawn = (names: string[]): object => {
      const host = one(names), to = one(names), port = one([undefined, 7, 80, 65_535]);
      const flags = one([[], ["RST"], ["SYN", "ACK"], ["FIN", "URG"]]), seq = one([-1, 0, 1, 2 ** 32 - 1]);
      const fields = { flags, seq, dstPort: port };
      const fate = one(["drop", "duplicate", "delay", "corrupt"]), step = random.below(40), flight = random.below(8);
      return one<object>([
        { act: "fate", flight, fate, step }, { act: "edit", flight, step, fields },
        ...[
          { do: "listen", host, port, backlog: 1 }, { do: "connect", host, to, port, from: port },
          { do: "send", host, bytes: one([0, 1, 100_000]) }, { do: "link", up: one([true, false]) },
          ...["close", "abort", "stop reading", "read again", "restart"].map((what) => ({ do: what, host })),
          { do: "segment", from: host, to, fields, old: one([true, false]) }, { do: "replay", frame: flight },
          { do: "flood", to, perSecond: 1000, ms: 50 }, { do: "clients", host, to, everyMs: 10, ms: 50 },
        ].map((action) => ({ act: "action", action, step })),
      ]);
    };
    for (const scenario of SCENARIOS) {
      const names = new Lab(loadModule("stint.simd"), scenario).hosts.map((h) => h.name);
      for (let run = 0; run < 4; run++) {
        const acts = actsOf(btoa(JSON.stringify(Array.from({ length: 12 }, () => drawn(names)))));
        const lab = new Lab(loadModule("stint.simd"), scenario, run + 1, "", acts);
        assert.doesNotThrow(() => lab.finish(600), JSON.stringify({ scenario: scenario.name, acts }));
      }
    }
  });

  it("before the user lost a segment it was not lost, and what is done at the end is done once", () => {
    const lab = new Lab(loadModule("stint.simd"), scenarioNamed("handshake"), 1);
    while (lab.flights.length === 0) lab.next();
    const before = lab.step;
    lab.user({ act: "fate", flight: lab.flights[0]!.id, fate: "drop" });
    assert.equal(lab.frames[0]!.arrivesUs, null);
    lab.goTo(before);
    assert.notEqual(lab.frames[0]!.arrivesUs, null);
    lab.goTo(before + 1);
    assert.equal(lab.frames[0]!.arrivesUs, null);
    while (lab.next());
    lab.user({ act: "action", action: { do: "link", up: false } });
    lab.user({ act: "action", action: { do: "link", up: true } });
    assert.deepEqual(lab.notes.map((n) => n.text), ["The link is down.", "The link is up again."]);
  });

  it("a segment on the wire can be lost, delayed, doubled, corrupted, edited; the connection gets over it", () => {
    for (const fate of ["drop", "delay", "duplicate", "corrupt"] as const) {
      const lab = new Lab(loadModule("stint.simd"), { ...scenarioNamed("handshake"), lastsMs: 20_000 }, 1);
      while (lab.flights.length === 0) lab.next();
      lab.user({ act: "fate", flight: lab.flights[0]!.id, fate });
      lab.finish();
      assert.equal(lab.changes.at(-1)!.state, "ESTABLISHED", fate);
    }
    const lab = new Lab(loadModule("stint.simd"), { ...scenarioNamed("handshake"), lastsMs: 20_000 }, 1);
    while (lab.flights.length === 0) lab.next();
    lab.user({ act: "edit", flight: lab.flights[0]!.id, fields: { seq: 5, absolute: true } });
    lab.next();
    assert.equal(lab.changes.findLast((c) => c.host === 1)!.state, "SYN-RECEIVED");
  });

  it("goes at 10,000 segments a second, and restarts from nothing in a moment", () => {
    const lab = new Lab(loadModule("stint.simd"), scenarioNamed("flood"), 1, "cookies"), began = process.cpuUsage();
    lab.finish();
    // A budget with room for a slow machine: a tenth of what is aimed at; and for a busy one: of the processor's time.
    const { user, system } = process.cpuUsage(began);
    assert.ok(lab.frames.length / ((user + system) / 1000) > 1, "1,000 segments a second");
  });
});

describe("sentences", () => {
  it("say of a RST that answers a SYN that it acknowledges it only where it does", () => {
    const client = { src: ip4("10.0.0.1"), dst: ip4("10.0.0.2") }, server = { src: client.dst, dst: client.src };
    const said = (rst: Partial<Tcp>): string => {
      const frames = [
        tcp(client, { sport: 4000, dport: 80, seq: 7, flags: "S" }),
        tcp(server, { sport: 80, dport: 4000, seq: 0, flags: "R", ...rst }),
      ];
      return analyze(frames.map((bytes, timeUs) => ({ timeUs, bytes })))[0]!.segments[1]!.says;
    };
    assert.match(said({ flags: "RA", ack: 8 }), /refuses with a RST, which acknowledges the SYN/);
    assert.match(said({}), /^The server resets the connection/);
  });
});

describe("captures", () => {
  const file = (frames: { timeUs: number; bytes: Uint8Array }[]): Buffer =>
    Buffer.concat([pcapngHead(["wire"]), ...frames.map((f) => pcapngPacket(f.timeUs, f.bytes))]);

  it("a pcapng comes back as it was written", () => {
    const lab = played("close"), { frames, warnings } = readCapture(file(lab.frames));
    assert.deepEqual(warnings, []);
    assert.deepEqual(
      frames.map((f) => [f.timeUs, Buffer.from(f.bytes).toString("hex")]),
      lab.frames.map((f) => [Math.floor(f.timeUs), Buffer.from(f.bytes).toString("hex")]),
    );
  });

  it("a pcap of either byte order, with µs or ns, of Ethernet, raw IP and Linux's cooked link", () => {
    const { bytes } = played("handshake").frames[0]!;
    for (const little of [true, false]) {
      for (const [magic, unit] of [[0xa1b2c3d4, 1], [0xa1b23c4d, 1000]] as const) {
        for (const [link, packet] of [
          [1, bytes], [101, bytes.subarray(14)], [113, Buffer.concat([Buffer.alloc(16), bytes.subarray(14)])],
        ] as const) {
          const head = new DataView(new ArrayBuffer(40));
          head.setUint32(0, magic, little);
          head.setUint32(20, link, little);
          head.setUint32(24, 5, little);
          head.setUint32(28, 7 * unit, little);
          head.setUint32(32, packet.length, little);
          head.setUint32(36, packet.length, little);
          const { frames } = readCapture(Buffer.concat([Buffer.from(head.buffer), packet]));
          assert.equal(frames[0]!.timeUs, 5_000_007);
          assert.equal(analyze(frames)[0]!.segments[0]!.tcp.flags.join(), "SYN");
        }
      }
    }
  });

  it("what is no capture, empty, cut short or damaged gets a clear message, and never hangs", () => {
    for (const bytes of [new Uint8Array(0), new TextEncoder().encode("this is a text, not a capture")])
      assert.throws(() => readCapture(bytes), CaptureError);
    const whole = file(played("sack").frames);
    for (let n = 8; n < whole.length; n += 97) {
      const { frames } = readCapture(whole.subarray(0, n));
      assert.ok(frames.length <= 20);
    }
    const random = new Random(5);
    for (let i = 0; i < 500; i++) {
      const bad = Buffer.from(whole);
      for (let k = 0; k < 20; k++) bad[random.below(bad.length)] = random.below(256);
      try {
        analyze(readCapture(bad).frames);
      } catch (e) {
        assert.ok(e instanceof CaptureError, (e as Error).stack);
      }
    }
  });

  it("100 MB are read in a few seconds", () => {
    const { bytes } = played("sack").frames[5]!;
    const one = pcapngPacket(1, bytes), n = Math.ceil(1e8 / one.length);
    const all = Buffer.alloc(pcapngHead(["x"]).length + n * one.length);
    all.set(pcapngHead(["x"]));
    for (let i = 0; i < n; i++) all.set(one, pcapngHead(["x"]).length + i * one.length);
    assert.equal(readCapture(all).frames.length, n);
  });
});

describe("stint scenario, stint explain", () => {
  it("names the scenarios, plays one, and says what was asked wrongly", () => {
    assert.equal(stint("scenario", "--list").stdout.trim().split("\n").length, SCENARIOS.length);
    assert.match(stint("scenario", "lost-ack").stdout, /It never arrives/);
    const json = JSON.parse(stint("scenario", "close", "--json").stdout) as { states: Record<string, string[]> };
    assert.ok(json.states["client"]!.includes("TIME-WAIT"));
    const wrong = stint("scenario", "nonsense");
    assert.equal(wrong.status, 2);
    assert.match(wrong.stderr, /there is no scenario "nonsense"; there are handshake/);
    assert.equal(stint("scenario", "flood", "--variant", "luck").status, 2);
  });

  it("explains a capture, draws it, and says what was asked wrongly", () => {
    const dir = mkdtempSync(join(tmpdir(), "stint-lab-")), pcap = join(dir, "a.pcapng"), svg = join(dir, "a.svg");
    assert.equal(stint("scenario", "retransmission", "--pcap", pcap).status, 0);
    const out = stint("explain", pcap, "--svg", svg);
    assert.equal(out.status, 0, out.stderr);
    assert.match(out.stdout, /The third step/);
    assert.match(out.stdout, /once more/);
    assert.match(readFileSync(svg, "utf8"), /^<svg .*SYN, ACK.*<\/svg>\n$/s);
    const json = JSON.parse(stint("explain", pcap, "--json").stdout) as {
      connections: { segments: { marks: string[] }[] }[];
    };
    assert.ok(json.connections[0]!.segments.some((s) => s.marks.includes("retransmission")));
    writeFileSync(pcap, "no capture");
    for (const args of [[pcap], [join(dir, "none")], []]) assert.equal(stint("explain", ...args).status, 2);
    rmSync(dir, { recursive: true });
  });

  it("the README's pictures are what the program draws", () => {
    for (const [name, picture] of [["handshake", "handshake"], ["sack", "sack"]] as const) {
      const lab = played(name);
      assert.equal(
        readFileSync(`docs/${picture}.svg`, "utf8"), ladderSvg(laddersOf(lab, scenarioNamed(name).title).at(-1)!),
        `make it anew: node build/stint.js scenario ${name} --svg docs/${picture}.svg`,
      );
    }
  });
});
