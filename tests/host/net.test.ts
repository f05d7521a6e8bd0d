/** The library's sockets against the manners of `node:net` and `node:dgram`, and Node's own programs over them. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import http from "node:http";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import tls from "node:tls";
import type { Duplex } from "node:stream";
import { Stack, type Connection, type Link, type Server, type StintError } from "../../host/index.js";
import { A, B, pair, type Cable } from "../harness/cable.js";
import { Bench, pattern } from "../harness/bench.js";
import { arp, ip4, MAC_PEER, see, tcp } from "../harness/codec.js";
import { findProgram } from "../../host/programs.js";
import { ran, succeeded, until } from "../harness/programs.js";

interface Scene { a: Stack; b: Stack; cable: Cable; server: Server; client: Connection; peer: Connection }

async function scene(options = {}): Promise<Scene> {
  const { a, b, cable } = await pair(), server = b.listen({ port: 7, ...options });
  const [client, peer] = await Promise.all([a.connect({ host: B, port: 7, ...options }), server.accept()]);
  return { a, b, cable, server, client, peer: peer! };
}

const end = (s: { a: Stack; b: Stack }): Promise<unknown> => Promise.all([s.a.close(0), s.b.close(0)]);
const text = async (from: AsyncIterable<Uint8Array>): Promise<string> => {
  const got: Uint8Array[] = [];
  for await (const chunk of from) got.push(chunk);
  return Buffer.concat(got).toString();
};

describe("a listener", () => {
  it("on port 0 takes a free one and tells it", async () => {
    const { a, b } = await pair({ listenersMax: 64 });
    const ports = new Set<number>();
    for (let i = 0; i < 40; i++) {
      const { port, address } = b.listen({ port: 0 }).address()!;
      assert.ok(port >= 49152 && address === B);
      ports.add(port);
      (await a.connect({ host: B, port })).resetAndDestroy();
    }
    assert.equal(ports.size, 40);
    await end({ a, b });
  });

  it("gives the client that waits to a \"connection\" listener that comes late", async () => {
    const { a, b } = await pair(), server = b.listen({ port: 7 });
    await Promise.all([a.connect({ host: B, port: 7 }), a.connect({ host: B, port: 7 })]);
    await new Promise((resolve) => setTimeout(resolve, 50));
    let n = 0;
    server.on("connection", () => n++);
    await until("both are told", () => n === 2);
    await end({ a, b });
  });

  it("that echoes outlives its clients' resets, and those of clients that nobody listens to", async () => {
    const { a, b } = await pair(), echo = b.listen({ port: 7 }), plain = b.listen({ port: 8 });
    // The server of docs/guide/node.md, to the letter.
    void (async () => {
      for await (const connection of echo) connection.pipe(connection);
    })();
    const taken: Connection[] = [];
    plain.on("connection", (c: Connection) => taken.push(c));
    for (const port of [7, 8]) {
      const c = await a.connect({ host: B, port });
      c.write(pattern(100_000));
      await new Promise((resolve) => setTimeout(resolve, 20));
      c.resetAndDestroy();
    }
    await until("the reset has come", () => taken[0]?.destroyed === true);
    const c = await a.connect({ host: B, port: 7 });
    c.end("still there");
    assert.equal(await text(c), "still there");
    await end({ a, b });
  });

  it("tells a listener for \"error\" of the reset, if there is one", async () => {
    const s = await scene();
    s.client.resetAndDestroy();
    assert.equal(((await once(s.peer, "error"))[0] as StintError).code, "RESET");
    await end(s);
  });
});

describe("a connection has net.Socket's manners", () => {
  it("addresses, known also after the end; address()", async () => {
    const s = await scene();
    for (const after of [false, true]) {
      assert.deepEqual(
        [s.client.remoteAddress, s.client.remotePort, s.client.remoteFamily], [B, 7, "IPv4"], `after: ${after}`,
      );
      assert.deepEqual([s.peer.remoteAddress, s.peer.localAddress, s.peer.localPort], [A, B, 7]);
      assert.equal(s.peer.remotePort, s.client.localPort);
      assert.deepEqual(s.client.address(), { address: A, family: "IPv4", port: s.client.localPort });
      s.client.destroy();
      s.peer.destroy();
    }
    assert.throws(() => s.client.info(), { code: "HANDLE" });
    await end(s);
  });

  it("connecting, pending, readyState, bytesRead and bytesWritten", async () => {
    const { a, b } = await pair(), server = b.listen({ port: 7 });
    const client = a.createConnection({ host: B, port: 7 }, () => events.push("callback")), events: string[] = [];
    client
      .on("connect", () => events.push("connect"))
      .on("ready", () => events.push("ready"))
      .on("close", (hadError: boolean) => events.push(`close ${hadError}`));
    assert.deepEqual([client.connecting, client.pending, client.readyState], [true, true, "opening"]);
    client.write(pattern(1000));
    assert.equal(client.bytesWritten, 1000);
    const peer = (await server.accept())!;
    assert.deepEqual([client.connecting, client.pending, client.readyState], [false, false, "open"]);
    peer.end(pattern(3000));
    client.resume();
    await once(client, "end");
    assert.deepEqual([client.bytesRead, client.readyState], [3000, "writeOnly"]);
    const closed = once(client, "close"), ended = once(peer, "end");
    client.end(pattern(500_000));
    assert.equal(client.bytesWritten, 501_000);
    peer.resume();
    await Promise.all([closed, ended]);
    assert.deepEqual([peer.bytesRead, client.bytesWritten, client.readyState], [501_000, 501_000, "closed"]);
    assert.deepEqual(events, ["callback", "connect", "ready", "close false"]);
    await end({ a, b });
  });

  it("setTimeout tells of silence, starts over with every byte, and ends nothing", async () => {
    const s = await scene();
    let told = 0;
    s.client.setTimeout(400, () => told++);
    for (let i = 0; i < 12; i++) {
      s.peer.write("x");
      s.client.resume();
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assert.deepEqual([told, s.client.timeout], [0, 400]);
    await once(s.client, "timeout");
    assert.deepEqual([told, s.client.destroyed], [1, false]);
    s.client.setTimeout(0);
    await end(s);
  });

  it("setKeepAlive and setNoDelay set what they say, also before the connection is open", async () => {
    const { a, b } = await pair(), server = b.listen({ port: 7 });
    const client = a.createConnection({
      host: B, port: 7, keepAlive: true, keepAliveInitialDelay: 5000, noDelay: true,
    });
    const peer = (await server.accept())!;
    assert.equal(client.info().keepIdleS, 5);
    assert.ok(client.info().idleMs <= 5000);
    peer.setKeepAlive(true, 1).setNoDelay(false).ref().unref();
    assert.equal(peer.info().keepIdleS, 1);
    await end({ a, b });
  });

  it("allowHalfOpen: false ends our side with the peer's", async () => {
    const s = await scene({ allowHalfOpen: false });
    s.client.end("bye");
    assert.equal(await text(s.peer), "bye");
    await once(s.client.resume(), "close");
    assert.ok(s.peer.writableEnded);
    await end(s);
  });

  it("destroySoon sends what was written; resetAndDestroy does not", async () => {
    const s = await scene();
    s.client.write(pattern(300_000));
    s.client.destroySoon();
    assert.equal((await text(s.peer)).length > 0, true);
    assert.equal(s.peer.bytesRead, 300_000);
    assert.ok(s.client.destroyed);
    await end(s);
  });

  it("a signal ends it with an AbortError; `await using` lets go of it", async () => {
    const controller = new AbortController(), s = await scene({ signal: controller.signal });
    const error = once(s.client, "error");
    controller.abort();
    assert.equal(((await error)[0] as Error).name, "AbortError");
    const other = await s.a.connect({ host: B, port: 7 });
    other.on("error", () => {});
    await other[Symbol.asyncDispose]();
    await s.server[Symbol.asyncDispose]();
    assert.deepEqual([other.destroyed, s.server.listening, s.server.address()], [true, false, null]);
    await s.a[Symbol.asyncDispose]();
    await s.b.close(0);
  });

  it("a signal that is none leaves no connection behind", async () => {
    const { a, b } = await pair(), signal = {} as AbortSignal;
    for (const host of [B, "a.test"])
      await assert.rejects(a.connect({ host, port: 7, signal }), TypeError, host);
    assert.throws(() => a.createConnection({ host: B, port: 7, signal }), TypeError);
    assert.equal(a.module.pools().connections, 0);
    await end({ a, b });
  });

  it("a peer that answers with a SYN and a RST in one piece makes connect() reject, and ends no process", async () => {
    const link: Link = { send: () => {}, onFrame: () => {}, onClose: () => {}, close() {} };
    const own = ip4(A), peer = ip4(B), between = { src: peer, dst: own };
    link.send = (frame) => {
      const seen = see(frame.slice()), mac = [...frame.slice(6, 12)];
      const answer = (...frames: Uint8Array[]): void => void setImmediate(() => {
        for (const f of frames) link.onFrame(Uint8Array.from([...mac, ...f.slice(6)]));
      });
      if (seen.kind === "arp" && seen.op === 1 && seen.ip.dst === peer)
        answer(arp(2, { mac: MAC_PEER, ip: peer }, { mac, ip: own }));
      if (seen.kind !== "tcp" || seen.flags !== "S") return;
      const ports = { sport: seen.dport, dport: seen.sport }, ack = (seen.seq + 1) >>> 0;
      answer(...["SA", "RA"].map((flags, i) => tcp(between, { ...ports, flags, seq: 1000 + i, ack })));
    };
    const stack = await Stack.open({ link, ip: `${A}/24`, connsMax: 4 });
    await assert.rejects(stack.connect({ host: B, port: 7 }), { code: "RESET" });
    assert.equal(stack.module.pools().connections, 0);
    await stack.close(0);
  });

  it("what a listener throws is the process's, and the stack goes on", async () => {
    const s = await scene(), caught = new Promise((resolve) => process.setUncaughtExceptionCaptureCallback(resolve));
    s.peer.write("x");
    s.client.on("data", () => {
      throw new Error("mine");
    });
    assert.equal(((await caught) as Error).message, "mine");
    process.setUncaughtExceptionCaptureCallback(null);
    s.client.removeAllListeners("data");
    const more = once(s.peer, "data");
    s.client.write("y");
    assert.equal(String((await more)[0]), "y");
    await end(s);
  });
});

describe("a UDP socket has node:dgram's manners", () => {
  /** A socket of ours whose datagram nobody wanted, and the one that comes behind that news. */
  async function refused(...does: ("connect" | "listen")[]): Promise<string[]> {
    const { a, b } = await pair(), events: string[] = [], socket = a.udp({ port: 5000 }), peer = b.udp({ port: 5001 });
    if (does.includes("connect")) socket.connect(5001, B);
    socket.on("message", (data: Uint8Array) => events.push(Buffer.from(data).toString()));
    if (does.includes("listen")) socket.on("error", (e: StintError) => events.push(e.code));
    // Both arrive in one batch: the error first, then the datagram.
    socket.send(Buffer.from("to nobody"), 5999, B);
    await new Promise((resolve) => setImmediate(resolve));
    peer.send(Buffer.from("behind it"), 5000, A);
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.equal(a.counters().icmpInDestUnreachs, 1);
    await end({ a, b });
    return events;
  }

  it("without a peer it ignores that a port cannot be reached, "
      + "and the datagram behind the news is delivered", async () => {
    assert.deepEqual(await refused(), ["behind it"]);
  });

  it("with a peer it tells who listens", async () => {
    assert.deepEqual((await refused("connect", "listen")).sort(), ["REFUSED", "behind it"]);
  });

  it("with a peer, and nobody who listens, it does not end the process", async () => {
    assert.deepEqual(await refused("connect"), ["behind it"]);
  });

  it("with a peer takes nothing from others; address() tells the port; close() calls back", async () => {
    const { a, b } = await pair(), socket = a.udp(), peer = b.udp({ port: 53 }), other = b.udp({ port: 54 });
    const got: string[] = [];
    assert.ok(socket.address().port >= 49152);
    socket.connect(53, B).on("message", (data: Uint8Array) => got.push(String.fromCharCode(...data)));
    socket.send(Buffer.from("q"));
    const [, from] = await once(peer, "message") as [Buffer, { port: number; address: string }];
    for (const s of [other, peer]) s.send(Buffer.from(s === peer ? "yes" : "no"), from.port, from.address);
    await once(socket, "message");
    assert.deepEqual(got, ["yes"]);
    await new Promise<void>((resolve) => socket.close(() => resolve()));
    await end({ a, b });
  });
});

describe("a link that comes and goes", () => {
  it("tells \"down\" with the reason and \"up\"; connections go on", async () => {
    const s = await scene(), events: string[] = [];
    s.a.on("down", (why: Error) => events.push(why.message)).on("up", () => events.push("up"));
    const got = text(s.peer);
    s.client.write(pattern(50_000));
    s.cable.pull();
    s.client.end(pattern(50_000));
    setTimeout(() => s.cable.plug(), 300);
    await got;
    assert.deepEqual([s.peer.bytesRead, events], [100_000, ["the cable was pulled", "up"]]);
    await end(s);
  });

  it("makes the stack ask for its neighbours again, whom it knows until they answer", () => {
    const b = new Bench().accepted();
    b.advance(10);
    const before = b.stack.counters();
    b.stack.linkChanged();
    b.poll();
    const asked = b.stack.counters().arpOutRequests - before.arpOutRequests;
    assert.equal(asked, 1, "a question for the peer");
  });
});

/** What `http.Agent` connects with. */
function agent(stack: Stack, options: http.AgentOptions): http.Agent & { opened: number } {
  const made = Object.assign(new http.Agent(options), { opened: 0 });
  (made as unknown as { createConnection: unknown }).createConnection = (to: {
    host: string;
    port: number;
  }): Duplex => {
    made.opened++;
    return stack.createConnection({ host: to.host, port: Number(to.port), allowHalfOpen: false });
  };
  return made;
}

function get(options: http.RequestOptions, body?: Buffer): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    http.request(options, (response) => {
      text(response).then((t) => resolve({ status: response.statusCode!, body: t }), reject);
    }).on("error", reject).end(body);
  });
}

describe("Node's own programs over it", () => {
  for (const keepAlive of [true, false]) {
    it("node:http, server and client, "
        + `${keepAlive ? "one connection for all requests" : "a connection a request"}`, async () => {
      const { a, b } = await pair();
      const server = http.createServer((request, response) => {
        text(request).then(
          (body) => response.end(`${request.url} ${request.socket.remoteAddress} ${body.length}`), () => {},
        );
      });
      server.keepAliveTimeout = 2000;
      b.listen({ port: 80 }).on("connection", (c: Connection) => server.emit("connection", c));
      const through = agent(a, { keepAlive, maxSockets: 1, timeout: 5000 });
      for (let i = 0; i < 5; i++) {
        const { status, body } = await get(
          { host: B, port: 80, path: `/${i}`, method: "POST", agent: through }, Buffer.alloc(i * 50_000),
        );
        assert.deepEqual([status, body], [200, `/${i} ${A} ${i * 50_000}`]);
      }
      assert.equal(through.opened, keepAlive ? 1 : 5);
      // The server tells its time limit, the agent ends the idle connection before that, and the next request gets
      // another.
      if (keepAlive) {
        await new Promise((resolve) => setTimeout(resolve, 1500));
        assert.equal((await get({ host: B, port: 80, path: "/late", agent: through })).status, 200);
        assert.equal(through.opened, 2);
      }
      through.destroy();
      server.close();
      await end({ a, b });
    });
  }

  it("node:http without an agent, ten requests at once, and a server's time limit on a "
      + "client that says nothing", async () => {
    const { a, b } = await pair();
    const server = http.createServer((request, response) => response.end(request.url));
    server.headersTimeout = server.requestTimeout = 400;
    b.listen({ port: 80 }).on("connection", (c: Connection) => server.emit("connection", c));
    const createConnection = (): Socket => a.createConnection({ host: B, port: 80 }) as unknown as Socket;
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, i) => get({ host: B, port: 80, path: `/${i}`, createConnection })),
    );
    assert.deepEqual(answers.map((x) => x.body), Array.from({ length: 10 }, (_, i) => `/${i}`));
    server.setTimeout(200);
    const silent = await a.connect({ host: B, port: 80 });
    silent.resume();
    await once(silent, "end");
    silent.destroy();
    server.close();
    await end({ a, b });
  });

  it("node:tls, both sides, with back-pressure", async (t) => {
    if (!findProgram("openssl")) return t.skip("needs openssl; apt-get install openssl");
    const dir = mkdtempSync(join(tmpdir(), "stint-tls-"));
    succeeded(
      "openssl",
      [
        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1", "-subj",
        "/CN=stint", "-addext", "subjectAltName=DNS:stint.test", "-keyout", join(dir, "key"), "-out", join(dir, "cert"),
      ],
      { stdio: "ignore" },
    );
    const key = readFileSync(join(dir, "key")), cert = readFileSync(join(dir, "cert"));
    rmSync(dir, { recursive: true });
    const { a, b } = await pair();
    const server = tls.createServer({ key, cert }, (socket) => socket.pipe(socket));
    b.listen({ port: 443 }).on("connection", (c: Connection) => server.emit("connection", c));
    const socket = tls.connect({
      socket: a.createConnection({ host: B, port: 443 }), ca: cert, servername: "stint.test",
    });
    await once(socket, "secureConnect");
    assert.ok(socket.authorized);
    socket.end(Buffer.from(pattern(500_000)));
    let got = 0;
    for await (const chunk of socket) got += (chunk as Buffer).length;
    assert.equal(got, 500_000);
    server.close();
    await end({ a, b });
  });

  it("README's echo server, as a process of its own, outlives a reset", () => {
    const script = `
      import { Stack } from "./host/index.js";
      import { pair } from "./tests/harness/cable.js";
      const { a, b: stack } = await pair();
      (async () => {
        for await (const connection of stack.listen({ port: 7 })) connection.pipe(connection);
      })();
      const c = await a.connect({ host: "10.0.0.2", port: 7 });
      c.write(Buffer.alloc(100000));
      await new Promise((resolve) => setTimeout(resolve, 50));
      c.resetAndDestroy();
      await new Promise((resolve) => setTimeout(resolve, 50));
      await Promise.all([a.close(), stack.close()]);
      console.log("alive");`;
    const r = ran(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script]);
    assert.deepEqual([r.status, r.stdout.trim()], [0, "alive"], r.stderr);
  });
});
