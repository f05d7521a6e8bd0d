/** docs/design/journey.md: a segment on its way in and a byte on its way out enter what its tables say. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { before, describe, it } from "node:test";
import { loadModule, StackModule, Wire } from "../../host/index.js";
import { parseIp } from "../../host/address.js";
import { entropyOf } from "../harness/entropy.js";
import { traced, type Traced } from "../harness/trace.js";

/** The steps of a table of the page, by its heading: "tcp/input.ts tcpInput". */
function steps(heading: string): string[] {
  const page = readFileSync("docs/design/journey.md", "utf8"),
    part = page.split(`## ${heading}\n`)[1]!.split("\n## ")[0]!;
  return [...part.matchAll(/^\| `([\w/-]+\.ts)` \| `(\w+)` \|/gm)].map(([, file, name]) => `${file} ${name}`);
}

/** What is entered once `from` was, until `to` is. */
const between = (way: string[], from: string, to: string): string[] =>
  way.slice(way.indexOf(from) + 1, way.indexOf(to));

/** Folders in which the steps are, without `stack.ts` between them. */
const rooms = (way: string[]): string[] =>
  way.filter((step) => !step.startsWith("stack.ts")).map((step) => step.split("/")[0]!)
    .filter((room, i, all) => room !== all[i - 1]);

/** Protocols whose way in a frame takes, one after the other: of `ip/` the files that take packets in. */
const protocols = (way: string[]): string[] =>
  rooms(way.filter((step) => /^(arp|ip\/(input6?|reassembly)\.ts|icmp|udp|tcp\/)/.test(step)));

/**
 * A connection that is open, one end of which is traced: a byte goes in and is read, one goes out, and one arrives
 * beyond a gap.
 */
function walk({ module, imports, entered }: Traced): { into: string[]; out: string[]; beyond: string[] } {
  const wire = new Wire(), entropy = entropyOf(1);
  const a = new StackModule(loadModule(), { ip: "10.0.0.1/24", entropy });
  const b = new StackModule(module, { ip: "10.0.0.2/24", entropy: entropyOf(2) }, imports);
  wire.attach(a);
  wire.attach(b);
  const listener = b.listen(7, 4), client = a.connect(parseIp("10.0.0.2"), 7);
  let server = 0;
  assert.ok(wire.run(() => (server ||= b.accept(listener)) !== 0, 1e6));
  const us = 10e6, one = Buffer.from("x");
  a.poll(us);
  assert.equal(a.send(client, one), 1);
  a.poll(us);
  a.drainFrames((frame) => b.pushFrame(frame.slice()));
  const into = entered(() => b.poll(us));
  assert.deepEqual(Buffer.from(b.receive(server)!), one);
  const out = entered(() => {
    assert.equal(b.send(server, one), 1);
    b.poll(us);
  });
  a.setOption(client, "noDelay", 1);
  const frames: Uint8Array[] = [];
  for (let i = 0; i < 2; i++) {
    assert.equal(a.send(client, one), 1);
    a.poll(us);
    a.drainFrames((frame) => void frames.push(frame.slice()));
  }
  assert.equal(frames.length, 2);
  b.pushFrame(frames[1]!);
  const beyond = entered(() => b.poll(us));
  assert.equal(b.receive(server), null, "the gap is there");
  const taken = (way: string[]): string[] =>
    between(way, "buffers/slots.ts slotFirst", "buffers/slots.ts slotConsume");
  return { into: taken(into), out, beyond: taken(beyond) };
}

describe("docs/design/journey.md", () => {
  let plain: ReturnType<typeof walk>, fast: ReturnType<typeof walk>;
  before(() => {
    plain = walk(traced(["STINT_NO_SPEED"]));
    fast = walk(traced());
  });

  it("names each step of a segment on its way in, which is taken once, in this order", () => {
    const way = steps("In");
    assert.ok(way.length >= 10);
    assert.deepEqual(plain.into.filter((step) => way.includes(step)), way);
  });

  it("on which each room is entered once", () => {
    assert.deepEqual(rooms(steps("In")), ["ip", "tcp", "buffers", "core"]);
    const inTcp = between(plain.into, "tcp/input.ts tcpInput", "core/events.ts eventRaise");
    const above = inTcp.filter((step) => /^(stack|ip|arp|nd|icmp|udp|clients|api|index)\b/.test(step));
    assert.deepEqual(above.filter((step) => !step.startsWith("ip/address.ts ")), []);
    assert.ok(inTcp.length > 20 && above.length > 0);
  });

  it("on which each protocol is entered once, in all builds, with text in order and beyond a gap", () => {
    for (const way of [plain.into, plain.beyond, fast.into, fast.beyond]) {
      assert.deepEqual(protocols(way), ["ip", "tcp"], way.join("\n"));
      assert.equal(way.filter((step) => step === "tcp/block/demux.ts demuxFind").length, 1);
    }
  });

  it("where builds for speed leave out steps of a segment that is expected, and of no other", () => {
    const has = (way: string[], step: string): boolean => way.includes(step);
    for (const way of [fast.into, fast.beyond]) {
      assert.ok(has(way, "ip/input.ts ipTakePlain") && !has(way, "ip/input.ts ipAccepts"));
      assert.ok(has(way, "tcp/predict.ts takeExpected"));
    }
    assert.deepEqual(steps("In").filter((step) => has(fast.into, step)), [
      "stack.ts deliver", "tcp/input.ts tcpInput", "tcp/block/demux.ts demuxFind", "core/events.ts eventRaise",
    ]);
    const from = fast.beyond.indexOf("tcp/predict.ts takeExpected");
    assert.ok(fast.beyond.slice(from).includes("tcp/input.ts otherStates"));
  });

  it("names each step of a byte on its way out, in this order", () => {
    const way = steps("Out"), from = plain.out.indexOf("index.ts tcp_send_commit");
    assert.ok(way.length >= 10 && from >= 0);
    assert.deepEqual(plain.out.slice(from).filter((step) => way.includes(step)), way);
  });

  it("on which ip/ is asked for the way, and entered once", () => {
    for (const { out } of [plain, fast]) {
      const way = between(out, "tcp/output.ts tcpOutput", "buffers/slots.ts slotProduce");
      const ip = way.filter((step) => /^ip\/(?!address\.|groups\.)/.test(step));
      const asked = ip.lastIndexOf("ip/way.ts ipPlace");
      assert.equal(ip[0], "ip/way.ts ipWay");
      assert.ok(ip.slice(0, asked + 1).every((step) => step.startsWith("ip/way.ts ")), ip.join());
      assert.equal(ip[asked + 1], "ip/output.ts ipSend");
      assert.ok(ip.slice(asked + 1).every((step) => step.startsWith("ip/output.ts ")), ip.join());
      // Once IP has it, TCP does nothing for it before it is sent.
      assert.deepEqual(way.slice(way.indexOf("ip/output.ts ipSend")).filter((step) => step.startsWith("tcp/")), []);
      assert.deepEqual(way.filter((step) => /^(stack|api|index|udp|icmp|clients)\b/.test(step)), []);
    }
  });
});
