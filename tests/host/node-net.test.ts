/**
 * `stint/net` against the manners of `node:net`: what Node's own tests of `net` cover, as far as it applies to a
 * stack without IPv6, paths and handles. tests/host/node-programs.test.ts runs programs over it.
 */
import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { after, before, describe, it } from "node:test";
import net, { type Server, Socket } from "../../host/node/net.js";
import { type Stack, StintError } from "../../host/index.js";
import { A, B, pair } from "../harness/cable.js";

type Failure = NodeJS.ErrnoException & { address?: string; port?: number; hostname?: string };

let a: Stack, b: Stack;
before(async () => {
  ({ a, b } = await pair({ connsMax: 64, listenersMax: 32 }));
  // Servers are on `b`, where nothing else is said; clients say that they are on `a`.
  net.use(b);
});
after(() => Promise.all([a.close(0), b.close(0)]));

const listening = async (server: Server, ...at: [number?, string?]): Promise<number> => {
  server.listen(at[0] ?? 0, at[1] ?? B);
  await once(server, "listening");
  return server.address()!.port;
};
const dial = (port: number, more = {}): Socket => net.connect({ port, host: B, stack: a, ...more });
const failure = async (from: Socket | Server): Promise<Failure> => (await once(from, "error"))[0] as Failure;
const text = async (from: AsyncIterable<Uint8Array>): Promise<string> => {
  let all = "";
  for await (const chunk of from) all += Buffer.from(chunk).toString("latin1");
  return all;
};
/** A server, a client, and the server's end of it. */
async function trio(server = {}, client = {}): Promise<{ server: Server; client: Socket; peer: Socket; port: number }> {
  const s = net.createServer(server),
    port = await listening(s),
    c = dial(port, client);
  const [[peer]] = await Promise.all([once(s, "connection") as Promise<[Socket]>, once(c, "connect")]);
  return { server: s, client: c, peer, port };
}
async function ended({ server, client, peer }: { server: Server; client: Socket; peer: Socket }): Promise<void> {
  client.destroy();
  peer.destroy();
  await new Promise((resolve) => server.close(resolve));
}
const soon = (ms = 20): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe("stint/net: errors", () => {
  it("ECONNREFUSED has errno, syscall, address and port, and the stack's own beside it", async () => {
    const e = await failure(dial(9));
    assert.deepEqual([e.code, e.errno, e.syscall, e.address, e.port], ["ECONNREFUSED", -111, "connect", B, 9]);
    assert.equal(e.message, `connect ECONNREFUSED ${B}:9`);
    assert.ok(e.cause instanceof StintError && e.cause.code === "REFUSED");
  });

  it("EHOSTUNREACH where no neighbour answers and no route leads", async () => {
    const far = await failure(net.connect({ port: 80, host: "192.0.2.1", stack: a }));
    assert.deepEqual([far.code, far.syscall, far.address], ["EHOSTUNREACH", "connect", "192.0.2.1"]);
    const near = await failure(net.connect({ port: 80, host: "10.0.0.77", stack: a }));
    assert.deepEqual([near.code, near.address, near.port], ["EHOSTUNREACH", "10.0.0.77", 80]);
  });

  it("EADDRINUSE, and EADDRNOTAVAIL for an address that is not the stack's", async () => {
    const first = net.createServer(),
      port = await listening(first),
      second = net.createServer().listen(port, B);
    const e = await failure(second);
    assert.deepEqual([e.code, e.errno, e.syscall, e.address, e.port], ["EADDRINUSE", -98, "listen", B, port]);
    assert.equal(e.message, `listen EADDRINUSE: address already in use ${B}:${port}`);
    assert.equal((await failure(net.createServer().listen(0, "192.0.2.1"))).code, "EADDRNOTAVAIL");
    // A server that could not listen may try another port.
    second.listen(0);
    await once(second, "listening");
    await Promise.all([first, second].map((s) => new Promise((resolve) => s.close(resolve))));
  });

  it("ECONNRESET by the peer, at a reader and at a writer", async () => {
    const t = await trio();
    t.peer.resetAndDestroy();
    const e = await failure(t.client);
    assert.deepEqual([e.code, e.errno, e.syscall, e.message], ["ECONNRESET", -104, "read", "read ECONNRESET"]);
    const [hadError] = await once(t.client, "close");
    assert.equal(hadError, true);
    await ended(t);
  });

  it("ENOTFOUND for a name without an IPv6 address, and EAI_AGAIN where no server can be asked", async () => {
    const six = await failure(net.connect({ port: 80, host: "host.test", family: 6, stack: a }));
    assert.deepEqual(
      [six.code, six.errno, six.syscall, six.hostname],
      ["ENOTFOUND", -3008, "getaddrinfo", "host.test"],
    );
    const e = await failure(net.connect({ port: 80, host: "host.test", stack: a }));
    assert.deepEqual([e.code, e.errno, e.syscall, e.hostname], ["EAI_AGAIN", -3001, "getaddrinfo", "host.test"]);
    assert.equal(e.message, "getaddrinfo EAI_AGAIN host.test");
  });

  it("ENETUNREACH for IPv6 and for addresses that are no host's; ECONNREFUSED for port 0", async () => {
    for (const host of ["::1", "224.0.0.1", "255.255.255.255"]) {
      assert.equal((await failure(net.connect({ port: 80, host, stack: a }))).code, "ENETUNREACH", host);
    }
    assert.equal((await failure(dial(0))).code, "ECONNREFUSED");
  });

  it("misuse throws at once, with Node's codes", () => {
    const s = new Socket({ stack: a }),
      code = (name: string) => ({ code: name });
    assert.throws(() => s.connect({} as never), code("ERR_MISSING_ARGS"));
    for (const port of [-1, 65536, 1.5, NaN, "x1"]) {
      assert.throws(() => net.connect({ port, host: B }), code("ERR_SOCKET_BAD_PORT"), String(port));
    }
    for (const port of [true, {}, [], null, () => {}])
      assert.throws(() => net.connect({ port: port as never }), code("ERR_INVALID_ARG_TYPE"));
    assert.throws(() => net.connect({ port: 1, host: 7 as never }), code("ERR_INVALID_ARG_TYPE"));
    assert.throws(() => net.connect({ port: 1, localAddress: "here" }), code("ERR_INVALID_IP_ADDRESS"));
    assert.throws(() => net.connect({ port: 1, localPort: "7" as never }), code("ERR_INVALID_ARG_TYPE"));
    assert.throws(() => net.connect({ port: 1, host: "x.test", lookup: 1 as never }), code("ERR_INVALID_ARG_TYPE"));
    assert.throws(() => new Socket({ objectMode: true } as never), code("ERR_INVALID_ARG_VALUE"));
    for (const port of [-1, 65536, "99999"])
      assert.throws(() => net.createServer().listen(port), code("ERR_SOCKET_BAD_PORT"));
    for (const port of [{}, true, false, { host: B }])
      assert.throws(() => net.createServer().listen(port as never), code("ERR_INVALID_ARG_VALUE"));
    assert.throws(() => net.createServer("path" as never), code("ERR_INVALID_ARG_TYPE"));
    for (const ms of ["100", null, undefined, {}])
      assert.throws(() => s.setTimeout(ms as never), code("ERR_INVALID_ARG_TYPE"));
    for (const ms of [-1, Infinity, NaN]) assert.throws(() => s.setTimeout(ms), code("ERR_OUT_OF_RANGE"));
    assert.throws(() => s.setTimeout(10, "x" as never), code("ERR_INVALID_ARG_TYPE"));
  });
});

describe("stint/net: who writes is told as by node:net", () => {
  const code = (e?: Error | null): string => (e as Failure | undefined)?.code ?? "-";
  const closed = (s: Socket): Promise<void> => new Promise((resolve) => s.once("close", () => resolve()));

  it("not within destroy(), and that the stream was destroyed", async () => {
    for (const why of [undefined, new Error("enough")]) {
      const t = await trio({ pauseOnConnect: true }), told: string[] = [];
      t.client.on("error", () => {});
      for (const [what, size] of [["big", 1 << 22], ["small", 1]] as const)
        t.client.write(Buffer.alloc(size), (e: Error | null) => told.push(`${what} ${code(e)}`));
      await soon();
      t.client.destroy(why);
      told.push("after");
      await closed(t.client);
      assert.deepEqual(told.slice(0, 2), ["after", "big ERR_STREAM_DESTROYED"]);
      assert.match(told[2]!, why ? /^small / : /^small ERR_STREAM_DESTROYED$/);
      await ended(t);
    }
  });

  it("behind \"close\", if the socket was connecting, and not within destroy()", async () => {
    const told: string[] = [], refused = dial(9), given = dial(9);
    for (const [name, s] of [["refused", refused], ["given up", given]] as const) {
      s.on("error", () => {}).on("close", () => told.push(`${name} close`));
      s.write("x", (e: Error | null) => told.push(`${name} ${code(e)}`));
    }
    given.destroy();
    assert.equal(told.length, 0);
    await closed(refused);
    await soon();
    const about = (name: string): string[] => told.filter((text) => text.startsWith(name));
    for (const name of ["refused", "given up"])
      assert.deepEqual(about(name), [`${name} close`, `${name} ERR_SOCKET_CLOSED_BEFORE_CONNECTION`]);
  });

  it("EPIPE by the next write, of a peer that ended and reset then", async () => {
    const t = await trio({}, { allowHalfOpen: true }), told: string[] = [];
    t.client.resume();
    t.peer.destroy();
    await once(t.client, "end");
    t.client.write("one", (e: Error | null) => told.push(code(e)));
    await soon(50);
    assert.equal(t.client.destroyed, false);
    t.client.write("two", (e: Error | null) => told.push(code(e)));
    const e = await failure(t.client);
    assert.deepEqual([e.code, e.syscall, told], ["EPIPE", "write", ["-", "EPIPE"]]);
    await ended(t);
  });

  it("a `lookup` has the options that Node gives it, and a server's host is a text", async () => {
    const asked: unknown[] = [];
    for (const more of [{}, { family: 4 }, { family: "IPv6" }, { hints: 8 }]) {
      const lookup = (_: string, options: { family: unknown; hints: number }, found: (e: Error) => void): void => {
        asked.push([options.family, options.hints]);
        found(Object.assign(new Error("none"), { code: "ENOTFOUND" }));
      };
      await failure(net.connect({ port: 1, host: "x.test", stack: a, lookup, ...more } as never));
    }
    assert.deepEqual(asked, [[undefined, 32], [4, 0], [6, 0], [undefined, 8]]);
    assert.throws(() => net.createServer().listen({ port: 0, host: 5 as never }), { code: "ERR_INVALID_ARG_TYPE" });
  });
});

describe("stint/net: a socket", () => {
  it("emits lookup, connect and ready in this order, and is connecting and pending until then", async () => {
    const server = net.createServer((c) => c.end()),
      port = await listening(server),
      socket = new Socket({ stack: a }),
      told: string[] = [];
    assert.deepEqual(
      [socket.pending, socket.connecting, socket.readyState, socket.address()],
      [true, false, "open", {}],
    );
    for (const name of ["lookup", "connect", "ready"]) socket.on(name, () => told.push(name));
    const same = socket.connect(
      { port, host: "peer.test", lookup: (_name, _options, answer) => answer(null, B, 4) },
      () => told.push("callback"),
    );
    assert.equal(same, socket);
    assert.deepEqual(
      [socket.pending, socket.connecting, socket.readyState, socket.remoteAddress],
      [true, true, "opening", undefined],
    );
    await once(socket, "ready");
    assert.deepEqual(told, ["lookup", "connect", "callback", "ready"]);
    assert.deepEqual([socket.pending, socket.connecting, socket.readyState], [false, false, "open"]);
    await once(socket.resume(), "close");
    assert.deepEqual([socket.pending, socket.readyState, socket.destroyed], [true, "closed", true]);
    await new Promise((resolve) => server.close(resolve));
  });

  it("tells its lookup's host, address and family, and takes a list of addresses", async () => {
    const server = net.createServer((c) => c.end()),
      port = await listening(server),
      seen: unknown[][] = [];
    const list = [
      { address: "10.0.0.1", family: 4 },
      { address: "::2", family: 6 },
      { address: B, family: 4 },
    ];
    const socket = net.connect({ port, host: "many.test", stack: a, lookup: (_n, _o, answer) => answer(null, list) });
    socket.on("lookup", (...args: unknown[]) => seen.push(args));
    await once(socket, "connect");
    assert.deepEqual(seen, [
      [null, "10.0.0.1", 4, "many.test"],
      [null, "::2", 6, "many.test"],
      [null, B, 4, "many.test"],
    ]);
    assert.deepEqual(socket.autoSelectFamilyAttemptedAddresses, [`10.0.0.1:${port}`, `::2:${port}`, `${B}:${port}`]);
    socket.destroy();
    const none = net.connect({ port: 9, host: "many.test", stack: a, lookup: (_n, _o, answer) => answer(null, list) });
    const e = (await failure(none)) as unknown as AggregateError & { code: string };
    assert.ok(e instanceof AggregateError && e.code === "ECONNREFUSED" && e.errors.length === 3);
    await new Promise((resolve) => server.close(resolve));
  });

  it("hands on an error of its lookup, and refuses an answer that is no address", async () => {
    const why = Object.assign(new Error("no"), { code: "ENOTFOUND" });
    const socket = net.connect({ port: 9, host: "x.test", stack: a, lookup: (_n, _o, answer) => answer(why, "") });
    assert.deepEqual((await Promise.all([once(socket, "lookup"), failure(socket)])).flat(), [
      why,
      undefined,
      undefined,
      "x.test",
      why,
    ]);
    for (const address of ["nonsense", undefined, 7]) {
      const bad = net.connect({
        port: 9,
        host: "x.test",
        stack: a,
        lookup: (_n, _o, answer) => answer(null, address as never, 4),
      });
      assert.equal((await failure(bad)).code, "ERR_INVALID_IP_ADDRESS");
    }
  });

  it("that asks for localhost reaches its own stack, and nobody is asked for the name", async () => {
    const server = net.createServer({ stack: a }, (c) => c.end(c.remoteAddress)),
      port = (server.listen(0, "localhost"), await once(server, "listening"), server.address()!.port);
    assert.equal(await text(net.connect({ port, stack: a })), "127.0.0.1");
    assert.equal(server.address()!.address, "127.0.0.1");
    // What listens on the loopback alone is closed to the network.
    assert.equal((await failure(net.connect({ port, host: A }))).code, "ECONNREFUSED");
    await new Promise((resolve) => server.close(resolve));
  });

  it("knows both ends, also after its close", async () => {
    const t = await trio(),
      { client, peer, port } = t;
    const names = (): unknown[] => [
      client.remoteAddress,
      client.remotePort,
      client.remoteFamily,
      client.localAddress,
      client.localFamily,
    ];
    assert.deepEqual(names(), [B, port, "IPv4", A, "IPv4"]);
    assert.deepEqual(client.address(), { address: A, family: "IPv4", port: client.localPort });
    assert.deepEqual(
      [peer.remoteAddress, peer.remotePort, peer.localAddress, peer.localPort],
      [A, client.localPort, B, port],
    );
    client.destroy();
    await once(client, "close");
    assert.deepEqual(names(), [B, port, "IPv4", A, "IPv4"]);
    await ended(t);
  });

  it("takes localPort and its own localAddress, and no other's", async () => {
    const server = net.createServer((c) => c.end(String(c.remotePort))),
      port = await listening(server);
    assert.equal(await text(dial(port, { localPort: 5000, localAddress: A })), "5000");
    assert.equal((await failure(dial(port, { localAddress: "10.0.0.9" }))).code, "EADDRNOTAVAIL");
    // undici 7 says null where it says nothing, and Node's own takes that.
    assert.match(await text(dial(port, { localPort: null as never, localAddress: null as never })), /^\d+$/);
    await new Promise((resolve) => server.close(resolve));
  });

  it("writes what was written before the handshake, in order, in all encodings, and ends", async () => {
    const server = net.createServer((c) => c.pipe(c)),
      port = await listening(server),
      socket = dial(port),
      told: string[] = [];
    socket.write("one", () => told.push("one"));
    assert.ok(socket.write(new Uint8Array([32])));
    socket.write("74776f", "hex", () => told.push("two"));
    socket.end(" three", () => told.push("end"));
    assert.equal(socket.bytesWritten, 13);
    assert.equal(await text(socket), "one two three");
    assert.deepEqual([told, socket.bytesRead, socket.bytesWritten], [["one", "two", "end"], 13, 13]);
    await new Promise((resolve) => server.close(resolve));
  });

  it("moves much, both ways at once, and tells when a writer may go on", async () => {
    const server = net.createServer((c) => c.pipe(c)),
      port = await listening(server),
      socket = dial(port),
      piece = Buffer.alloc(100_000, "abcdefg");
    let got = 0,
      sent = 0,
      waits = 0;
    socket.on("data", (chunk: Buffer) => (got += chunk.length));
    const more = (): void => {
      while (sent < 50) {
        sent++;
        if (!socket.write(piece)) {
          waits++;
          return void socket.once("drain", more);
        }
      }
      socket.end();
    };
    more();
    await once(socket, "end");
    assert.deepEqual([got, socket.bytesRead, socket.bytesWritten], [5e6, 5e6, 5e6]);
    assert.ok(waits > 10);
    await new Promise((resolve) => server.close(resolve));
  });

  it("puts what was corked into one piece", async () => {
    const t = await trio({}, { noDelay: true });
    t.client.cork();
    for (const word of ["a", "b", "c"]) t.client.write(word);
    t.client.uncork();
    assert.equal(String((await once(t.peer, "data"))[0]), "abc");
    await ended(t);
  });

  it("with allowHalfOpen goes on when the peer has ended; without, it ends, too", async () => {
    const t = await trio({ allowHalfOpen: true });
    t.client.end("question");
    let asked = "";
    t.peer.on("data", (chunk: Buffer) => (asked += chunk.toString()));
    await once(t.peer, "end");
    await soon();
    assert.equal(asked, "question");
    assert.deepEqual([t.peer.writable, t.peer.readyState, t.client.destroyed], [true, "writeOnly", false]);
    t.peer.end("answer");
    assert.equal(await text(t.client), "answer");
    await ended(t);
    const u = await trio();
    u.client.resume();
    u.peer.end();
    await Promise.all([once(u.client, "close"), once(u.peer, "close")]);
    assert.equal(u.client.destroyed && u.peer.destroyed, true);
    await ended(u);
  });

  it("notices the end though nobody reads; writes after it fail with EPIPE", async () => {
    const t = await trio();
    t.peer.end();
    await once(t.client, "end");
    await soon();
    const told = new Promise<unknown>((resolve) => t.client.write("late", resolve));
    assert.equal(((await told) as Failure).code, "EPIPE");
    await ended(t);
  });

  it("end and destroy before connect; end without connect; a write without connect", async () => {
    const server = net.createServer((c) => c.resume()),
      port = await listening(server);
    const early = dial(port);
    early.end();
    await once(early.resume(), "close");
    const gone = dial(port);
    let word: Failure | undefined;
    gone.write("x", (e: unknown) => (word = e as Failure));
    gone.destroy();
    assert.deepEqual(await once(gone, "close"), [false]);
    assert.equal(word?.code, "ERR_SOCKET_CLOSED_BEFORE_CONNECTION");
    const idle = new Socket({ stack: a }),
      finished = once(idle, "finish");
    idle.end();
    await finished;
    const lone = new Socket({ stack: a });
    lone.write("x");
    assert.equal((await failure(lone)).code, "ERR_SOCKET_CLOSED");
    await new Promise((resolve) => server.close(resolve));
  });

  it("connects once more after its close", async () => {
    const server = net.createServer((c) => c.end("hello")),
      port = await listening(server),
      socket = new Socket({ stack: a });
    for (let i = 0; i < 3; i++) {
      socket.connect(port, B);
      assert.equal(String((await once(socket, "data"))[0]), "hello");
      await once(socket, "close");
      assert.equal(socket.bytesRead, 5);
    }
    socket.connect(9, B);
    assert.equal((await failure(socket)).code, "ECONNREFUSED");
    await new Promise((resolve) => server.close(resolve));
  });

  it("tells time-outs while it is idle, while it connects, and never connected; and goes on", async () => {
    const t = await trio(),
      start = performance.now();
    let n = 0;
    assert.equal(
      t.client.setTimeout(60, () => n++),
      t.client,
    );
    assert.equal(t.client.timeout, 60);
    await soon(40);
    t.client.write("x");
    await soon(40);
    assert.equal(n, 0, "a write begins it anew");
    await once(t.client, "timeout");
    assert.ok(performance.now() - start >= 95);
    assert.equal(t.client.destroyed, false);
    t.client.setTimeout(0);
    await soon(80);
    assert.equal(n, 1);
    const lone = new Socket({ stack: a }).setTimeout(10);
    await Promise.all([
      once(lone, "timeout"),
      once(
        net.connect({ port: 9, host: "10.0.0.99", timeout: 10, stack: a }).on("error", () => {}),
        "timeout",
      ),
    ]);
    await ended(t);
  });

  it("destroySoon writes first; resetAndDestroy does not, and waits for the handshake", async () => {
    const t = await trio(),
      read = text(t.peer),
      big = Buffer.alloc(600_000, "x");
    t.client.write(big);
    t.client.destroySoon();
    assert.equal((await read).length, big.length);
    await ended(t);
    const server = net.createServer(),
      port = await listening(server),
      accepted = once(server, "connection") as Promise<[Socket]>,
      early = dial(port);
    assert.equal(early.resetAndDestroy(), early);
    const [peer] = await accepted;
    assert.equal((await failure(peer)).code, "ECONNRESET");
    assert.equal((await failure(new Socket({ stack: a }).resetAndDestroy())).code, "ERR_SOCKET_CLOSED");
    early.resetAndDestroy();
    await new Promise((resolve) => server.close(resolve));
  });

  it("is destroyed once, with one close", async () => {
    const t = await trio();
    let closes = 0;
    t.client.on("close", () => closes++);
    t.client.destroy();
    t.client.destroy();
    await soon();
    assert.equal(closes, 1);
    await ended(t);
  });

  it("takes what a stream takes, and tells what waits", async () => {
    const t = await trio(),
      code = (name: string) => ({ code: name });
    for (const wrong of [undefined, 7, true, {}, []]) {
      assert.throws(() => t.client.write(wrong), code("ERR_INVALID_ARG_TYPE"));
    }
    assert.throws(() => t.client.write(null), code("ERR_STREAM_NULL_VALUES"));
    t.client.write("");
    t.client.write("e4", "hex");
    t.client.write("\u00e4", "latin1");
    assert.equal(t.client.bufferSize, t.client.writableLength);
    assert.deepEqual([...((await once(t.peer, "data"))[0] as Buffer)].slice(0, 1), [0xe4]);
    // The first error is told, and no other.
    const errors: string[] = [];
    t.client.on("error", (e: Error) => errors.push(e.message));
    t.client.destroy(new Error("first")).destroy(new Error("second"));
    await new Promise((closed) => t.client.on("close", closed));
    assert.deepEqual(errors, ["first"]);
    assert.equal(t.client.write("late"), false);
    await ended(t);
  });

  it("is ended by an AbortSignal, before and after the handshake", async () => {
    const server = net.createServer((c) => c.resume()),
      port = await listening(server);
    for (const when of ["at once", "connecting", "connected"]) {
      const control = new AbortController();
      if (when === "at once") control.abort();
      const socket = dial(port, { signal: control.signal });
      if (when === "connected") await once(socket, "connect");
      const told = failure(socket);
      control.abort();
      assert.equal((await told).name, "AbortError", when);
    }
    await new Promise((resolve) => server.close(resolve));
  });

  it("remembers noDelay and keepAlive until there is a connection, and returns itself", async () => {
    const server = net.createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: 5000 }, (c) => c.resume()),
      port = await listening(server);
    const socket = new Socket({ stack: a });
    for (const same of [socket.setNoDelay(), socket.setKeepAlive(true, 1000), socket.ref(), socket.unref()])
      assert.equal(same, socket);
    socket.connect(port, B);
    await once(socket, "connect");
    socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });

  it("pauses and resumes while it connects, and reads into a buffer of the caller's", async () => {
    const server = net.createServer((c) => c.end("abcdefgh")),
      port = await listening(server),
      pieces: string[] = [],
      buffer = Buffer.alloc(3);
    const slow = dial(port).pause();
    let n = 0;
    slow.on("data", () => n++);
    await once(slow, "connect");
    await soon();
    assert.equal(n, 0);
    assert.equal(await text(slow.resume()), "abcdefgh");
    const socket: Socket = dial(port, {
      onread: {
        buffer,
        callback(bytes: number, from: Buffer) {
          pieces.push(from.toString("latin1", 0, bytes));
          if (pieces.length === 1) setTimeout(() => socket.resume(), 20);
          return pieces.length !== 1;
        },
      },
    });
    await once(socket, "end");
    assert.deepEqual(pieces, ["abc", "def", "gh"]);
    await new Promise((resolve) => server.close(resolve));
  });

  it("ends with its stack, with one side open, too", async () => {
    for (const reads of [true, false]) {
      const other = await pair();
      const server = net.createServer({ stack: other.b, allowHalfOpen: true });
      const port = await listening(server);
      const client = net.connect({ port, host: B, stack: other.a, allowHalfOpen: true });
      const [peer] = (await once(server, "connection")) as [Socket];
      if (reads) peer.resume();
      client.end("x");
      await (reads ? once(peer, "end") : once(client, "finish"));
      const closed = Promise.all([
        once(server, "close"),
        once(peer.resume(), "close"),
        once(client.on("error", () => {}).resume(), "close"),
      ]);
      server.close();
      await Promise.all([other.b.close(0), other.a.close(0)]);
      await closed;
    }
  });

  it("ends with its stack", async () => {
    const other = await pair();
    const server = net.createServer({ stack: other.b }),
      port = await listening(server),
      client = net.connect({ port, host: B, stack: other.a });
    const [peer] = (await once(server, "connection")) as [Socket];
    const closed = Promise.all([
      once(server, "close"),
      once(peer, "close"),
      once(
        client.on("error", () => {}),
        "close",
      ),
    ]);
    await Promise.all([other.b.close(0), other.a.close(0)]);
    await closed;
    assert.equal(server.listening, false);
    assert.equal((await failure(net.createServer({ stack: other.b }).listen(1))).code, "ECONNABORTED");
    assert.equal((await failure(net.connect({ port: 1, host: B, stack: other.a }))).code, "ECONNABORTED");
  });
});

describe("stint/net: a server", () => {
  it("tells its address at once on a stack that is open, and is listening until it is closed", async () => {
    const server = net.createServer().listen();
    assert.equal(server.listening, true);
    assert.deepEqual({ ...server.address(), port: 0 }, { address: "0.0.0.0", family: "IPv4", port: 0 });
    await once(server, "listening");
    assert.throws(() => server.listen(), { code: "ERR_SERVER_ALREADY_LISTEN" });
    assert.equal(server.close(), server);
    assert.deepEqual([server.listening, server.address()], [false, null]);
    await once(server, "close");
    assert.equal(
      ((await new Promise<unknown>((tell) => server.close(tell))) as Failure).code,
      "ERR_SERVER_NOT_RUNNING",
    );
  });

  it("takes port, host, backlog, options and callbacks in each form", async () => {
    const forms: ((done: () => void) => Server)[] = [
      (done) => net.createServer().listen(done),
      (done) => net.createServer().listen(0, done),
      (done) => net.createServer().listen("0", done),
      (done) => net.createServer().listen(0, 5, done),
      (done) => net.createServer().listen(0, B, done),
      (done) => net.createServer().listen(0, "localhost", 5, done),
      (done) => net.createServer().listen({ port: 0, host: B, backlog: 1 }, done),
      (done) => net.createServer().listen({ port: null }, done),
      (done) => net.createServer().listen(null, done),
      (done) => net.createServer().listen(undefined, done),
      (done) => new net.Server().listen({ port: undefined }, done),
      (done) => net.createServer(null).listen({ port: 0, host: "::" }, done),
    ];
    for (const form of forms) {
      let server!: Server;
      await new Promise<void>((done) => (server = form(done)));
      await new Promise((resolve) => server.close(resolve));
    }
  });

  it("waits for a stack that is not open yet, and may be closed before it is", async () => {
    const stack = Promise.resolve(b),
      server = net.createServer({ stack }).listen(0);
    assert.equal(server.address(), null);
    await once(server, "listening");
    assert.ok(server.address()!.port > 0);
    await new Promise((resolve) => server.close(resolve));
    const never = net.createServer({ stack }).listen(0, () => assert.fail("it was closed"));
    never.close();
    await soon();
    assert.equal(never.listening, false);
    const broken = Promise.reject(new Error("no link"));
    broken.catch(() => {});
    assert.equal((await failure(net.createServer({ stack: broken }).listen(0))).message, "no link");
    assert.equal((await failure(net.connect({ port: 1, host: A, stack: broken }))).message, "no link");
  });

  it("counts its connections, drops those above maxConnections, and takes more when some have gone", async () => {
    const server = net.createServer((c) => c.resume()),
      port = await listening(server);
    server.maxConnections = 1;
    const first = dial(port);
    await once(server, "connection");
    const [[drop]] = await Promise.all([
      once(server, "drop") as Promise<[Record<string, unknown>]>,
      once(dial(port).resume(), "close"),
    ]);
    assert.deepEqual(
      [drop["localAddress"], drop["localPort"], drop["remoteAddress"], drop["localFamily"]],
      [B, port, A, "IPv4"],
    );
    assert.equal(await new Promise((tell) => server.getConnections((_e, n) => tell(n))), 1);
    first.end();
    await once(first.resume(), "close");
    await soon();
    const [[next]] = await Promise.all([
      once(server, "connection") as Promise<[Socket]>,
      once(
        dial(port).on("error", () => {}),
        "connect",
      ),
    ]);
    next.destroy();
    await new Promise((resolve) => server.close(resolve));
  });

  it("keeps no callback of a listen that is over, and takes any value for one at its close", async () => {
    const server = net.createServer();
    for (let i = 0; i < 2; i++) {
      await new Promise<void>((done) => server.listen(0, done));
      assert.equal(server.listenerCount("listening"), 0);
      server.close("no function" as never);
      await once(server, "close");
    }
    // Closed while its host's address was looked for.
    server.listen({ port: 0, host: "localhost" }, () => assert.fail("it was closed"));
    server.close();
    await soon();
    assert.equal(server.listening, false);
  });

  it("ends a connection whose listener rejects", async () => {
    EventEmitter.captureRejections = true;
    const server = net.createServer();
    EventEmitter.captureRejections = false;
    const why = new Error("not today"),
      port = await listening(server);
    // eslint-disable-next-line @typescript-eslint/no-misused-promises
    server.on("connection", async (socket: Socket) => {
      socket.on("error", (e: Error) => assert.equal(e, why));
      throw why;
    });
    await once(dial(port).resume(), "close");
    await new Promise((resolve) => server.close(resolve));
  });

  it("closes when its connections have, and lets them go on until then", async () => {
    const t = await trio(),
      told: string[] = [];
    t.server.close(() => told.push("closed"));
    t.client.write("still here");
    assert.equal(String((await once(t.peer, "data"))[0]), "still here");
    assert.deepEqual(told, []);
    assert.equal((await failure(dial(t.port))).code, "ECONNREFUSED");
    t.client.end();
    await once(t.server, "close");
    assert.deepEqual(told, ["closed"]);
    assert.equal(t.peer.server, t.server);
  });

  it("with pauseOnConnect reads nothing until it is asked to", async () => {
    const server = net.createServer({ pauseOnConnect: true }),
      port = await listening(server),
      client = dial(port);
    client.end("held back");
    const [peer] = (await once(server, "connection")) as [Socket];
    let n = 0;
    peer.on("data", () => n++);
    await soon();
    assert.deepEqual([n, peer.bytesRead < 10], [0, true]);
    peer.resume();
    await once(peer, "end");
    assert.equal(n, 1);
    client.destroy();
    await new Promise((resolve) => server.close(resolve));
  });

  it("stops for its signal, and is disposed of", async () => {
    const control = new AbortController(),
      server = net.createServer().listen({ port: 0, signal: control.signal });
    await once(server, "listening");
    control.abort();
    await once(server, "close");
    const aborted = net.createServer().listen({ port: 0, signal: AbortSignal.abort() });
    await once(aborted, "close");
    const disposed = net.createServer().listen();
    await disposed[Symbol.asyncDispose]();
    await disposed[Symbol.asyncDispose]();
    assert.equal(disposed.listening, false);
  });

  it("is told why the stack of use() could not be opened", async () => {
    net.use(Promise.reject(new Error("none")));
    assert.equal((await failure(net.connect(1, B))).message, "none");
    assert.equal((await failure(net.createServer().listen(1))).message, "none");
    net.use(b);
  });
});

describe("stint/net: the module", () => {
  it("has what node:net has", async () => {
    const node = await import("node:net"),
      ours = await import("../../host/node/net.js");
    // Of Windows, of the kernel's handles, and of the command line.
    const without = new Set(["_createServerHandle", "_normalizeArgs", "_setSimultaneousAccepts", "module.exports"]);
    assert.deepEqual(
      Object.keys(node).filter((name) => !(name in ours) && !without.has(name)),
      [],
    );
    assert.deepEqual(
      Object.keys(node.default).filter((name) => !(name in net) && !without.has(name)),
      [],
    );
    assert.deepEqual([net.isIP("10.0.0.1"), net.isIPv4("::1"), net.isIPv6("::1")], [4, false, true]);
  });
});
