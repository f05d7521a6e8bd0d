/** Links that are closed, or whose device is away: what is sent then is dropped, and nothing of it arrives later. */
import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { PassThrough, Writable } from "node:stream";
import { describe, it } from "node:test";
import { FormatError, type Link, LinkError } from "../../host/links/link.js";
import { watchDevice } from "../../host/links/device.js";
import { Deframer, streamLink } from "../../host/links/stream.js";
import { surviving } from "../../host/links/surviving.js";
import { openUdp } from "../../host/links/udp.js";
import { until } from "../harness/programs.js";

/** A link that keeps what is sent. */
function fake(): Link & { sent: number[]; closed: number } {
  const link = {
    sent: [] as number[], closed: 0, onFrame: () => {}, onClose: () => {},
    send: (frame: Uint8Array) => void link.sent.push(frame[0]!), close: () => void link.closed++,
  };
  return link;
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe("a UDP link", () => {
  it("drops what is sent after it was closed, and may be closed twice", async () => {
    const peer = createSocket("udp4"), got: number[] = [];
    peer.on("message", (m) => got.push(m[0]!)).bind(0, "127.0.0.1");
    await once(peer, "listening");
    try {
      const link = await openUdp(0, "127.0.0.1", peer.address().port);
      link.send(Uint8Array.of(1));
      await once(peer, "message");
      link.close();
      link.send(Uint8Array.of(2));
      link.close();
      // What came would have come by now: another one gets through after it.
      const other = await openUdp(0, "127.0.0.1", peer.address().port);
      other.send(Uint8Array.of(3));
      await once(peer, "message");
      other.close();
      assert.deepEqual(got, [1, 3]);
    } finally {
      peer.close();
    }
  });

  it("keeps what it was given, though the caller's memory changes before it leaves", async () => {
    const peer = createSocket("udp4");
    peer.bind(0, "127.0.0.1");
    await once(peer, "listening");
    try {
      const link = await openUdp(0, "127.0.0.1", peer.address().port), frame = Uint8Array.of(7, 7);
      link.send(frame);
      frame.fill(9);
      assert.deepEqual([...(await once(peer, "message") as [Buffer])[0]], [7, 7]);
      link.close();
    } finally {
      peer.close();
    }
  });
});

describe("a stream link", () => {
  it("writes what is sent in one turn in one piece, and keeps it though the caller's memory changes", async () => {
    const output = new PassThrough(), link = streamLink(new PassThrough(), output, () => {}), got: number[][] = [];
    output.on("data", (piece: Buffer) => got.push([...piece]));
    const frame = Uint8Array.of(7, 7);
    for (let turn = 0; turn < 2; turn++) {
      link.send(frame);
      frame.fill(9);
      link.send(frame.subarray(1));
      await sleep(0);
    }
    assert.deepEqual(got, [[0, 0, 0, 2, 7, 7, 0, 0, 0, 1, 9], [0, 0, 0, 2, 9, 9, 0, 0, 0, 1, 9]]);
  });

  it("carries more than a piece has room for, and drops what is above its queue", async () => {
    const deframer = new Deframer(), got: number[] = [], held: (() => void)[] = [];
    const write = (piece: Buffer, _: string, done: () => void): void => {
      deframer.push(piece, (frame) => got.push(frame.length - 30_000));
      held.push(done);
    };
    const link = streamLink(new PassThrough(), new Writable({ write }), () => {}, 1 << 20);
    for (let n = 1; n <= 40; n++) link.send(new Uint8Array(30_000 + n));
    link.close();
    for (; held.length > 0; await sleep(0)) held.shift()!();
    // The one that passes the limit is the last.
    assert.deepEqual(got, Array.from({ length: 35 }, (_, n) => n + 1));
  });
});

describe("a link that outlives its device", () => {
  it("drops what is sent after it was closed, and while its device is away", async () => {
    const made: ReturnType<typeof fake>[] = [], told: boolean[] = [];
    const link = await surviving(() => Promise.resolve(made[made.push(fake()) - 1]!));
    link.onChange = (up) => told.push(up);
    link.send(Uint8Array.of(1));
    made[0]!.onClose();
    link.send(Uint8Array.of(2));
    await until("it is opened again", () => made.length === 2);
    await sleep(0);
    link.send(Uint8Array.of(3));
    link.close();
    link.send(Uint8Array.of(4));
    link.close();
    assert.deepEqual(made.map((m) => m.sent), [[1], [3]]);
    assert.deepEqual(made.map((m) => m.closed), [1, 1]);
    assert.deepEqual(told, [false, true]);
  });

  it("drops what is sent while its device is down, though the program that holds it goes on", async () => {
    const inner: Link & { sent: number[] } = fake(), link = await surviving(() => Promise.resolve(inner));
    inner.onChange!(false, new LinkError("down"));
    link.send(Uint8Array.of(1));
    inner.onChange!(true);
    link.send(Uint8Array.of(2));
    link.close();
    assert.deepEqual(inner.sent, [2]);
  });

  it("tells who comes late that it is down, with why, and once", async () => {
    const inner: Link & { sent: number[] } = fake(), link = await surviving(() => Promise.resolve(inner));
    inner.onChange!(false, new LinkError("tap0 is down"));
    const told: string[] = [];
    const tell = (who: string) => (up: boolean, why?: Error) => void told.push(`${who} ${up} ${why?.message}`);
    link.onChange = tell("first");
    // As the command does: it tells of it on its console, too.
    const heard = link.onChange;
    link.onChange = (up, why) => {
      heard(up, why);
      tell("second")(up, why);
    };
    await sleep(0);
    assert.deepEqual(told, ["first false tap0 is down", "second false tap0 is down"]);
    inner.onChange!(true);
    link.onChange = tell("third");
    await sleep(0);
    assert.deepEqual(told.slice(2), ["first true undefined", "second true undefined"]);
    link.close();
  });

  it("hears of a device that went down between its opening and the watching", async () => {
    const told: boolean[] = [];
    // There is none of this name: it was deleted since.
    const end = watchDevice("stint-none", (up) => told.push(up));
    assert.deepEqual(told, [], "nobody is told before there can be somebody");
    await until("it is told", () => told.length > 0);
    end();
    assert.deepEqual(told, [false]);
  });

  it("closes a device that it gets only after it was closed itself, and does not use it", async () => {
    const first = fake(), late = fake();
    const nobody = (): void => assert.fail("nobody asked");
    let give: (link: Link) => void = nobody;
    const link = await surviving((turn) =>
      turn === "again" ? new Promise((resolve) => (give = resolve)) : Promise.resolve(first),
    );
    first.onClose();
    await until("it is asked for again", () => give !== nobody);
    link.close();
    give(late);
    await sleep(0);
    link.send(Uint8Array.of(1));
    assert.deepEqual([late.sent, late.closed], [[], 1]);
  });

  it("asks for its device no more after it was closed, or after what came was no stream of frames", async () => {
    for (const end of [(l: Link) => l.close(), undefined]) {
      let asked = 0;
      const first = fake(), link = await surviving((turn) => {
        if (turn === "again") asked++;
        return turn === "again" ? Promise.reject(new LinkError("gone")) : Promise.resolve(first);
      });
      let error: Error | undefined;
      link.onClose = (e) => (error = e);
      (first as Link).onClose(end ? undefined : new FormatError("no frames"));
      end?.(link);
      await sleep(200);
      assert.equal(asked, 0);
      assert.equal(error instanceof FormatError, end === undefined);
    }
  });
});
