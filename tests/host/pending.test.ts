/** Whatever happens to a connection, every promise and every callback of the library is told. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { finished, pipeline } from "node:stream/promises";
import { describe, it } from "node:test";
import { StintError, type Connection, type Server, type Stack } from "../../host/index.js";
import { B, pair, Pending, type Cable } from "../harness/cable.js";
import { pattern } from "../harness/bench.js";
import { until } from "../harness/programs.js";

interface Scene { a: Stack; b: Stack; cable: Cable; server: Server; client: Connection; peer: Connection }

/** What a machine that does much else may take longer. */
const BUSY_MS = 8000;

/** What can happen, and how soon all has to be told, ms. */
const EVENTS: Record<string, { ms: number; now: (s: Scene) => void; options?: object }> = {
  "the peer resets": { ms: 1500, now: (s) => void s.peer.resetAndDestroy() },
  "destroy()": { ms: 1500, now: (s) => void s.client.destroy() },
  "destroy(error)": { ms: 1500, now: (s) => void s.client.destroy(new Error("mine")) },
  "resetAndDestroy()": { ms: 1500, now: (s) => void s.client.resetAndDestroy() },
  "stack.close(0)": { ms: 1500, now: (s) => void s.a.close(0) },
  "stack.close(200)": { ms: 1900, now: (s) => void s.a.close(200) },
  "the peer's stack.close(0)": { ms: 1500, now: (s) => void s.b.close(0) },
  "the link ends": { ms: 1500, now: (s) => s.cable.tear(0) },
  "the link fails": { ms: 1500, now: (s) => s.cable.tear(0, new Error("no carrier")) },
  "the cable is pulled, and the user time-out passes": {
    ms: 4000,
    now: (s) => {
      s.client.setOption("userTimeoutMs", 1000);
      s.cable.pull();
    },
  },
  "an AbortSignal": { ms: 1500, now: () => controller.abort() },
};
let controller = new AbortController();

/** A connection in the middle of everything: more is written than fits, and somebody reads what does not come. */
async function busy(s: Scene, pending: Pending): Promise<void> {
  const { client } = s;
  client.on("error", () => {});
  for (let i = 0; i < 4; i++) client.write(pattern(1 << 18), pending.callback(`write ${i}`));
  client.end(pending.callback("end"));
  pending.promise("close", once(client, "close", { signal: AbortSignal.timeout(30_000) }));
  pending.promise("finished", finished(client));
  pending.promise("for await over the connection", (async () => {
    for await (const chunk of client) void chunk;
  })());
  await new Promise((resolve) => setTimeout(resolve, 100));
}

async function scene(options = {}): Promise<Scene> {
  controller = new AbortController();
  const { a, b, cable } = await pair({ sendRing: 16384, recvRing: 16384, ...options });
  const server = b.listen({ port: 7 });
  const [client, peer] = await Promise.all([
    a.connect({ host: B, port: 7, signal: controller.signal }), server.accept(),
  ]);
  peer!.on("error", () => {});
  return { a, b, cable, server, client, peer: peer! };
}

const closeAll = (...stacks: Stack[]): Promise<unknown> => Promise.all(stacks.map((s) => s.close(0)));

describe("nothing is left pending", () => {
  for (const [name, { ms, now }] of Object.entries(EVENTS)) {
    it(`of a connection that writes, ends and reads, when this happens: ${name}`, async () => {
      const s = await scene(), pending = new Pending();
      await busy(s, pending);
      assert.ok(pending.left.includes("write 3") && pending.left.includes("end"), "the scene waits for room");
      now(s);
      assert.deepEqual(await pending.settled(ms + BUSY_MS), []);
      for (const [what, how] of pending.ended)
        if (/^write [23]|end/.test(what)) assert.notDeepEqual(how, ["ok"], `${what} cannot have been sent`);
      await closeAll(s.a, s.b);
    });
  }

  for (const [name, now] of Object.entries<(s: Scene) => void>({
    "stack.close(0)": (s) => void s.b.close(0),
    "stack.close(200)": (s) => void s.b.close(200),
    "server.close()": (s) => void s.server.close(),
    "the link ends": (s) => s.cable.tear(1),
    "the link fails": (s) => s.cable.tear(1, new Error("no carrier")),
  })) {
    it(`of a server's accept() and for await, when this happens: ${name}`, async () => {
      const s = await scene(), pending = new Pending(), other = s.b.listen({ port: 8 });
      pending.promise("accept", s.server.accept());
      pending.promise("accept once more", s.server.accept());
      pending.promise("for await over the server", (async () => {
        for await (const connection of other) void connection;
      })());
      pending.promise("close", once(s.server, "close"));
      s.server.once("close", () => other.close());
      now(s);
      assert.deepEqual(await pending.settled(BUSY_MS), []);
      const lost = name.startsWith("the link");
      assert.deepEqual(pending.ended.get("accept"), [
        lost ? (name === "the link fails" ? "Error" : "UNREACHABLE") : "ok",
      ]);
      await closeAll(s.a, s.b);
    });
  }

  for (const [name, now] of Object.entries<(a: Stack, cable: Cable) => void>({
    "stack.close(0)": (a) => void a.close(0),
    "stack.close()": (a) => void a.close(),
    "the link ends": (_, cable) => cable.tear(0),
    "an AbortSignal": () => controller.abort(),
  })) {
    it(`of connect(), when this happens before anybody answers: ${name}`, async () => {
      controller = new AbortController();
      const { a, b, cable } = await pair(), pending = new Pending();
      cable.pull();
      pending.promise("connect", a.connect({ host: B, port: 7, signal: controller.signal }));
      const connection = a.createConnection({ host: B, port: 7, signal: controller.signal });
      connection.on("error", () => {});
      connection.write("a question", pending.callback("write"));
      connection.end(pending.callback("end"));
      pending.promise("close", once(connection, "close"));
      await new Promise((resolve) => setTimeout(resolve, 20));
      now(a, cable);
      assert.deepEqual(await pending.settled(BUSY_MS), []);
      assert.notDeepEqual(pending.ended.get("connect"), ["ok"]);
      await closeAll(a, b);
    });
  }

  it("of connect(), when the connection is destroyed without a reason, "
      + "and when the signal was aborted before", async () => {
    const { a, b, cable } = await pair(), pending = new Pending();
    cable.pull();
    const connection = a.createConnection({ host: B, port: 7 });
    pending.promise("close", once(connection, "close"));
    connection.destroy();
    pending.promise("connect", a.connect({ host: B, port: 7, signal: AbortSignal.abort() }));
    pending.promise("accept", b.listen({ port: 9 }).accept({ signal: AbortSignal.abort() }));
    assert.deepEqual(await pending.settled(BUSY_MS), []);
    assert.deepEqual(pending.ended.get("connect"), ["ABORT_ERR"]);
    assert.equal(pending.ended.get("accept")?.length, 1);
    await closeAll(a, b);
  });

  it("of what is called after the end", async () => {
    const s = await scene(), pending = new Pending();
    await s.a.close(0);
    pending.promise("connect", s.a.connect({ host: B, port: 7 }));
    s.client.write("late", pending.callback("write"));
    s.client.end(pending.callback("end"));
    pending.promise("close", s.a.close());
    assert.throws(() => s.a.listen({ port: 7 }), StintError);
    assert.throws(() => s.a.udp(), StintError);
    s.client.setTimeout(10).setNoDelay().setKeepAlive(true).ref().unref().resetAndDestroy();
    s.server.close(pending.callback("server"));
    s.server.close(pending.callback("server again"));
    assert.equal(await s.server.accept(), null);
    assert.deepEqual(await pending.settled(BUSY_MS), []);
    await s.b.close(0);
  });

  it("of pipelines through a server that echoes, a hundred of them, whose stack is closed", async () => {
    const { a, b } = await pair({ connsMax: 256, sendRing: 4096, recvRing: 4096, rxSlots: 1024, txSlots: 1024 });
    const pending = new Pending(), server = b.listen({ port: 7 });
    server.on("connection", (c: Connection) => c.pipe(c));
    for (let i = 0; i < 100; i++) {
      const connection = await a.connect({ host: B, port: 7 });
      pending.promise(
        "pipeline",
        pipeline([pattern(200_000, i)], connection, async function (source: AsyncIterable<Uint8Array>) {
          for await (const chunk of source) void chunk;
        } as never),
      );
    }
    await b.close(0);
    assert.deepEqual(await pending.settled(BUSY_MS), []);
    assert.equal(a.module.pools().connections, 0, "the peers were told");
    await a.close(0);
  });
});

describe("a connection that was closed, and whose last bytes never arrive", () => {
  /** More than the peer takes is written, and the connection closed; returns what is told of it from then on. */
  async function closed(): Promise<Scene & { told: string[] }> {
    const s = await scene({ sendRing: 1 << 20, recvRing: 2048 }), told: string[] = [];
    s.client.setOption("userTimeoutMs", 1000);
    s.client.end(pattern(500_000));
    await once(s.client, "finish");
    s.client.on("lost", () => told.push("connection")).on("error", (e) => told.push(String(e))).destroy();
    s.a.on("lost", (c: Connection) => told.push(c === s.client ? "stack" : "stack, of another"));
    await once(s.client, "close");
    assert.deepEqual(told, [], "nothing is lost yet");
    return { ...s, told };
  }

  const HOW: Record<string, (s: Scene) => unknown> = {
    "the peer resets": (s) => s.peer.resetAndDestroy(),
    "the peer is not heard of any more": (s) => s.cable.pull(),
    "the peer sends what nobody will read": (s) => s.peer.write("too late"),
    "the link is lost": (s) => s.cable.tear(0),
    "the stack is closed": (s) => s.a.close(0),
  };
  for (const [name, happens] of Object.entries(HOW)) {
    it(`is told by "lost", once, of it and of its stack: ${name}`, async () => {
      const s = await closed();
      happens(s);
      await until("it is told", () => s.told.length === 2, BUSY_MS);
      assert.deepEqual(s.told, ["connection", "stack"], "no error besides");
      assert.equal(s.client.remoteAddress, B, "whose it was is still known");
      assert.equal(await s.a.close(0), 1);
      assert.equal(s.told.length, 2);
      await s.b.close(0);
    });
  }

  it("and with bytes that came and were not read: the same, at once", async () => {
    const s = await scene({ sendRing: 1 << 20, recvRing: 2048 });
    await new Promise<void>((resolve) => void s.peer.write("unread", () => resolve()));
    await until("it is there", () => s.client.info().rcvSize > 0);
    s.client.write(pattern(500_000));
    const told = once(s.a, "lost", { signal: AbortSignal.timeout(BUSY_MS) });
    s.client.destroy();
    assert.equal((await told)[0] === s.client, true, "of this connection");
    await closeAll(s.a, s.b);
  });

  it("is not told of one whose bytes arrive, however late", async () => {
    const s = await scene();
    let lost = 0;
    s.a.on("lost", () => lost++);
    s.client.end(pattern(10_000));
    await once(s.client, "finish");
    s.client.destroy();
    const got: Buffer[] = [], end = once(s.peer, "end");
    await new Promise((resolve) => setTimeout(resolve, 300));
    s.peer.on("data", (d: Buffer) => got.push(d));
    await end;
    s.peer.end();
    assert.equal(await s.a.close(2000), 0);
    assert.deepEqual([Buffer.concat(got).length, lost], [10_000, 0]);
    await s.b.close(0);
  });
});

describe("the end of a stack", () => {
  it("tells its peers with a RST", async () => {
    const s = await scene();
    s.client.on("error", () => {});
    const error = once(s.peer, "error");
    await s.a.close(0);
    assert.equal(((await error)[0] as { code: string }).code, "RESET");
    await s.b.close(0);
  });

  it("waits for bytes that the peer has not acknowledged, and says how many connections lost some", async () => {
    const s = await scene();
    s.client.end(pattern(10_000));
    await once(s.client, "finish");
    s.client.destroy();
    const got: Buffer[] = [], end = once(s.peer, "end");
    setTimeout(() => void s.peer.on("data", (d: Buffer) => got.push(d)), 300);
    end.then(() => s.peer.end(), () => {});
    assert.equal(await s.a.close(2000), 0);
    await end;
    assert.deepEqual(new Uint8Array(Buffer.concat(got)), pattern(10_000));
    await s.b.close(0);
  });

  it("gives up after its time: a peer that does not read is reset, and the loss is counted", async () => {
    const s = await scene({ sendRing: 1 << 20, recvRing: 2048 });
    s.client.end(pattern(500_000));
    await once(s.client, "finish");
    s.client.destroy();
    // The peer's stream reads ahead; its window closes at last.
    const error = once(s.peer, "error");
    assert.equal(await s.a.close(300), 1);
    assert.equal(((await error)[0] as { code: string }).code, "RESET");
    await s.b.close(0);
  });
});
