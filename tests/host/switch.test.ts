/** `Switch`: what it forwards and where, what it does to frames, what it captures, and stacks on it in both times. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import {
  CaptureFile, Stack, Switch, VirtualTime, type Connection, type Link, type SwitchPort,
} from "../../host/index.js";
import { readCapture } from "../../host/links/read-capture.js";
import { Random } from "../../host/random.js";

const scratch = mkdtempSync(join(tmpdir(), "stint-switch-"));
after(() => rmSync(scratch, { recursive: true }));

const ALL = 0xff;
/** A frame between stations by their last byte, with a number in it. */
function frame(to: number, from: number, n = 0): Uint8Array {
  const f = new Uint8Array(60);
  f.set(to === ALL ? [255, 255, 255, 255, 255, 255] : [2, 0, 0, 0, 0, to], 0);
  f.set([2, 0, 0, 0, 0, from], 6);
  f.set([0x88, 0xb5, n >> 8, n & 255], 12);
  return f;
}
const numberOf = (f: Uint8Array): number => f[14]! * 256 + f[15]!;

/** A switch in virtual time with ports, and what came to each: numbers of frames, and when. */
function lan(ports: SwitchPort[], options: { seed?: number; capture?: CaptureFile } = {}): {
  lan: Switch; clock: VirtualTime; ends: Link[]; got: { n: number; atUs: number }[][]; came(): number[][];
} {
  const clock = new VirtualTime(), made = new Switch({ clock, ...options });
  const ends = ports.map((p) => made.port(p)), got = ports.map(() => [] as { n: number; atUs: number }[]);
  ends.forEach((end, i) => (end.onFrame = (f) => got[i]!.push({ n: numberOf(f), atUs: clock.nowUs() })));
  const came = (): number[][] => got.map((g) => g.splice(0).map(({ n }) => n));
  return { lan: made, clock, ends, got, came };
}

const rest = (clock: VirtualTime): Promise<boolean> => clock.run(() => false);

describe("a switch", () => {
  it("floods what it does not know, and then sends to one port alone", async () => {
    const { clock, ends, came } = lan([{}, {}, {}]);
    ends[0]!.send(frame(2, 1, 1));
    await rest(clock);
    assert.deepEqual(came(), [[], [1], [1]]);
    ends[1]!.send(frame(1, 2, 2));
    await rest(clock);
    assert.deepEqual(came(), [[2], [], []]);
    ends[0]!.send(frame(2, 1, 3));
    ends[0]!.send(frame(ALL, 1, 4));
    await rest(clock);
    assert.deepEqual(came(), [[], [3, 4], [4]]);
  });

  it("keeps what goes back where it comes from, follows a station that moves, and forgets a silent one", async () => {
    const { clock, ends, came } = lan([{}, {}, {}]);
    ends[0]!.send(frame(ALL, 1, 1));
    ends[0]!.send(frame(ALL, 2, 2));
    await rest(clock);
    came();
    ends[0]!.send(frame(1, 2, 3));
    await rest(clock);
    assert.deepEqual(came(), [[], [], []]);
    ends[2]!.send(frame(ALL, 1, 4));
    ends[1]!.send(frame(1, 3, 5));
    await rest(clock);
    assert.deepEqual(came(), [[4], [4], [5]]);
    // 802.1D: 300 s.
    await clock.run(() => false, clock.nowUs() + 301e6);
    ends[1]!.send(frame(1, 3, 6));
    await rest(clock);
    assert.deepEqual(came(), [[6], [], [6]]);
  });

  it("knows 4,096 stations, learns no group, and takes no frame without a header", async () => {
    const { clock, ends, came } = lan([{}, {}, {}]);
    for (let i = 0; i < 4097; i++) {
      const f = frame(ALL, 0);
      f.set([i >> 8, i & 255], 10);
      ends[0]!.send(f);
    }
    await rest(clock);
    came();
    const to = (i: number): Uint8Array => {
      const f = frame(0, 200, i);
      f.set([i >> 8, i & 255], 4);
      return f;
    };
    ends[1]!.send(to(0));
    ends[1]!.send(to(4096));
    await rest(clock);
    assert.deepEqual(came(), [[0, 4096], [], [0]], "the first one is forgotten");
    const group = frame(ALL, 9, 7);
    group[6] = 3;
    ends[0]!.send(group);
    ends[0]!.send(new Uint8Array(13));
    const answer = frame(9, 8, 8);
    answer[0] = 3;
    ends[1]!.send(answer);
    await rest(clock);
    assert.deepEqual(came(), [[8], [7], [7, 8]]);
  });

  it("keeps isolated ports from each other", async () => {
    const { clock, ends, came } = lan([{ isolated: true }, { isolated: true }, {}]);
    ends[0]!.send(frame(ALL, 1, 1));
    ends[2]!.send(frame(ALL, 3, 2));
    await rest(clock);
    assert.deepEqual(came(), [[2], [2], [1]]);
    ends[1]!.send(frame(1, 2, 3));
    await rest(clock);
    assert.deepEqual(came(), [[], [], []]);
  });

  it("keeps what it was given, although the giver uses the bytes again", async () => {
    const { clock, ends, came } = lan([{ delayUs: 5 }, {}]), bytes = Buffer.from(frame(2, 1, 7));
    ends[0]!.send(bytes);
    bytes.fill(0);
    await rest(clock);
    assert.deepEqual(came(), [[], [7]]);
  });

  it("lets a port have a few stations, and none of another's", async () => {
    const { clock, ends, came } = lan([{ stations: 2 }, {}, {}]);
    ends[1]!.send(frame(ALL, 9, 1));
    await rest(clock);
    came();
    for (const [from, n] of [[1, 2], [2, 3], [3, 4], [9, 5], [1, 6]] as const) ends[0]!.send(frame(ALL, from, n));
    const group = frame(ALL, 1, 7);
    group[6] = 3;
    ends[0]!.send(group);
    await rest(clock);
    assert.deepEqual(came(), [[], [2, 3, 6], [2, 3, 6]]);
    ends[2]!.send(frame(9, 8, 8));
    await rest(clock);
    assert.deepEqual(came(), [[], [8], []], "the station is where it was");
  });

  it("loses, delays, doubles, reorders and turns bits as its seed has it", async () => {
    const bad = { loss: 0.1, duplicate: 0.1, reorder: 0.2, reorderUs: 5000, delayUs: 20_000 };
    const run = async (seed: number): Promise<{ n: number; atUs: number }[]> => {
      const { clock, ends, got } = lan([bad, {}], { seed });
      for (let n = 0; n < 1000; n++) {
        clock.after(n * 1000, () => ends[0]!.send(frame(2, 1, n)));
      }
      await rest(clock);
      return got[1]!;
    };
    const [one, again, other] = await Promise.all([run(7), run(7), run(8)]);
    assert.deepEqual(one, again);
    assert.notDeepEqual(one, other);
    const seen = new Set(one.map(({ n }) => n)), late = one.filter(({ n, atUs }) => atUs > n * 1000 + 20_000);
    assert.ok(seen.size > 850 && seen.size < 950, `${seen.size} of 1,000 came`);
    assert.ok(one.length - seen.size > 50, `${one.length - seen.size} came twice`);
    assert.ok(late.length > 150 && late.every(({ n, atUs }) => atUs <= n * 1000 + 30_000), `${late.length} were late`);
    assert.ok(one.every(({ n, atUs }) => atUs >= n * 1000 + 20_000));
    assert.ok(one.some(({ n }, i) => i > 0 && n < one[i - 1]!.n));
  });

  it("mirrors what comes to it into a capture, with its port and what became of it", async () => {
    const path = join(scratch, "lan.pcapng"), capture = new CaptureFile(path, []);
    const { lan: it, clock, ends } = lan([{ name: "left", loss: 1 }, { name: "right", duplicate: 1 }], { capture });
    ends[0]!.send(frame(2, 1, 1));
    clock.after(1500, () => ends[1]!.send(frame(1, 2, 2)));
    await rest(clock);
    it.close();
    const bytes = readFileSync(path), { frames } = readCapture(bytes);
    assert.deepEqual(frames.map(({ bytes: f, timeUs }) => [numberOf(f), timeUs]), [[1, 0], [2, 1500]]);
    for (const word of ["left", "right", "lost", "duplicate"]) assert.ok(bytes.includes(word), word);
  });

  it("goes on without a link that has closed, and closes those that it has", async () => {
    const { lan: it, clock, ends, came } = lan([{}]), told: string[] = [];
    const link = (name: string): Link => ({
      send: (f) => void told.push(`${name} ${numberOf(f)}`), onFrame() {}, onClose() {},
      close: () => void told.push(`${name} closed`),
    });
    const one = link("one"), two = link("two"), three = link("three");
    it.connect(one);
    it.connect(two);
    const unplug = it.connect(three);
    one.onFrame(frame(ALL, 1, 1));
    await rest(clock);
    assert.deepEqual([came(), told.splice(0)], [[[1]], ["two 1", "three 1"]]);
    one.onClose();
    unplug();
    ends[0]!.send(frame(1, 2, 2));
    await rest(clock);
    assert.deepEqual(told.splice(0), ["three closed", "two 2"]);
    let closed = false;
    ends[0]!.onClose = () => (closed = true);
    it.close();
    assert.deepEqual([told, closed], [["two closed"], true]);
    assert.throws(() => it.port(), /closed/);
  });
});

describe("stacks on a switch", () => {
  const text = async (from: AsyncIterable<unknown>): Promise<string> => {
    let all = "";
    for await (const chunk of from) all += String(chunk);
    return all;
  };

  it("talk in real time, three of them", async () => {
    const it = new Switch();
    const [a, b, c] = await Promise.all([1, 2, 3].map((n) => Stack.open({ link: it.port(), ip: `10.0.0.${n}/24` })));
    c!.listen({ port: 7 }).on("connection", (s: Connection) => s.pipe(s));
    const said = await Promise.all([a!, b!].map(async (from, i) => {
      const s = await from.connect({ host: "10.0.0.3", port: 7 });
      s.end(`hello ${i}`);
      return text(s);
    }));
    assert.deepEqual(said, ["hello 0", "hello 1"]);
    // Stacks hear that the network is gone.
    const gone = new Promise((resolve) => a!.once("close", resolve));
    it.close();
    await gone;
    await Promise.all([a, b, c].map((s) => s!.close(0)));
  });

  it("talk in virtual time over a bad path, and come out the same each time", async () => {
    const run = async (seed: number): Promise<number> => {
      const clock = new VirtualTime(), it = new Switch({ clock, seed });
      const bad = { delayUs: 50_000, loss: 0.02, reorder: 0.02, duplicate: 0.02 };
      const random = new Random(seed), open = (): object => ({ clock, entropy: random.bytes(32) });
      const a = await Stack.open({ link: it.port(bad), ip: "10.0.0.1/24", ...open() });
      const b = await Stack.open({ link: it.port(bad), ip: "10.0.0.2/24", ...open() });
      b.listen({ port: 7 }).on("connection", (s: Connection) => s.pipe(s));
      const s = a.createConnection({ host: "10.0.0.2", port: 7 }), sent = "0123456789".repeat(20_000);
      s.end(sent);
      let got = "", over = false;
      s.on("data", (chunk) => (got += String(chunk))).on("end", () => (over = true));
      assert.ok(await clock.run(() => over, 600e6), "the transfer ends within ten minutes of virtual time");
      assert.ok(got === sent);
      const tookUs = clock.nowUs();
      assert.ok(tookUs > 200_000, `${tookUs} µs of virtual time`);
      await Promise.all([a.close(0), b.close(0)]);
      it.close();
      return tookUs;
    };
    const first = await run(3);
    assert.equal(await run(3), first);
    assert.notEqual(await run(4), first);
  });
});
