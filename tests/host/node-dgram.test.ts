/**
 * `stint/dgram` against the manners of `node:dgram`, between two stacks. Node's own tests of it run over it as well:
 * tests/node-suite.
 */
import assert from "node:assert/strict";
import { type EventEmitter, once } from "node:events";
import { after, before, describe, it } from "node:test";
import dgram, { type RemoteInfo, type Socket, type SocketOptions } from "../../host/node/dgram.js";
import { type Stack, StintError } from "../../host/index.js";
import { A, B, type Cable, pair, Pending } from "../harness/cable.js";
import { until } from "../harness/programs.js";

type Failure = NodeJS.ErrnoException & { address?: string; port?: number };

let a: Stack, b: Stack, cable: Cable;
before(async () => {
  ({ a, b, cable } = await pair({ udpMax: 32, udpRing: 4096 }));
  dgram.use(b);
});
after(() => Promise.all([a.close(0), b.close(0)]));

const open: Socket[] = [];
after(() => {
  for (const socket of open) if (socket.listenerCount("close") >= 0) void socket[Symbol.asyncDispose]();
});
/** A socket, by default on `b`. */
const make = (options: Partial<SocketOptions> = {}): Socket => {
  const socket = dgram.createSocket({ type: "udp4", ...options });
  open.push(socket);
  return socket;
};
async function bound(options: Partial<SocketOptions> = {}, port = 0, address?: string): Promise<Socket> {
  const socket = make(options);
  socket.bind(port, address);
  await once(socket, "listening");
  return socket;
}
const received = async (socket: Socket): Promise<[text: string, from: RemoteInfo]> => {
  const [data, from] = (await once(socket, "message")) as [Buffer, RemoteInfo];
  assert.ok(Buffer.isBuffer(data), "a Buffer");
  return [data.toString(), from];
};
const failure = async (socket: EventEmitter): Promise<Failure> => (await once(socket, "error"))[0] as Failure;
const sent = (socket: Socket, ...args: unknown[]): Promise<unknown> =>
  new Promise((resolve) => socket.send(...args, (error: Error | null, n: number) => resolve(error ?? n)));
const closed = (...sockets: Socket[]): Promise<unknown> =>
  Promise.all(sockets.map((socket) => new Promise<void>((done) => socket.close(done))));
const code = (name: string): { code: string } => ({ code: name });

describe("stint/dgram: datagrams", () => {
  it("send takes buffers, texts, views and lists, with and without a place in them", async () => {
    const to = await bound(),
      { port } = to.address(),
      from = make({ stack: a });
    const forms: [unknown[], string][] = [
      [["text", port, B], "text"],
      [[Buffer.from("buffer"), port, B], "buffer"],
      [[Buffer.from("a part of it"), 2, 4, port, B], "part"],
      [["a part of text", 2, 4, port, B], "part"],
      [[new Uint16Array([0x4141, 0x4242]), port, B], "AABB"],
      [[new DataView(new ArrayBuffer(2)), port, B], "\0\0"],
      [[["one, ", Buffer.from("two")], port, B], "one, two"],
      [[[], port, B], ""],
    ];
    for (const [args, text] of forms) {
      const [told, [got, { address, family, size }]] = await Promise.all([sent(from, ...args), received(to)]);
      assert.deepEqual([told, got, address, family, size], [text.length, text, A, "IPv4", text.length]);
    }
    await closed(to, from);
  });

  it("an address is 127.0.0.1 where none is given, and what goes there stays there", async () => {
    const here = await bound({}, 0, "127.0.0.1"),
      { port } = here.address(),
      from = make();
    from.send("here", port);
    assert.equal((await received(here))[0], "here");
    // The same port from elsewhere is not the loopback's.
    const heard: string[] = [];
    here.on("message", (data: Buffer) => heard.push(data.toString()));
    const away = make({ stack: a });
    await sent(away, "from away", port, B);
    await sent(from, "once more", port, "127.0.0.1");
    await new Promise((done) => setTimeout(done, 20));
    assert.deepEqual(heard, ["once more"]);
    await closed(here, from, away);
  });

  it("more than the ring holds waits, in its order, and each sender is told", async () => {
    const to = await bound(),
      { port } = to.address(),
      from = await bound({ stack: a }),
      got: number[] = [];
    to.on("message", (data: Buffer) => got.push(data.readUInt16BE(0)));
    const told = await Promise.all(
      Array.from({ length: 40 }, (_, i) => {
        const data = Buffer.alloc(500);
        data.writeUInt16BE(i);
        const done = sent(from, data, port, B);
        return done;
      }),
    );
    assert.deepEqual(new Set(told), new Set([500]));
    assert.equal(from.getSendQueueCount(), 0);
    assert.deepEqual(got, [...got].sort((x, y) => x - y));
    await closed(to, from);
  });

  it("setTTL sets the time to live of what goes out, and no other socket's", async () => {
    const to = await bound(),
      from = await bound({ stack: a }),
      other = await bound({ stack: a });
    assert.equal(from.setTTL(7), 7);
    const ttls = async (socket: Socket): Promise<number> => {
      cable.frames.length = 0;
      socket.send("x", to.address().port, B);
      await received(to);
      // RFC 791: protocol 17 at octet 9, the time to live before it.
      return cable.frames.find((f) => f[12] === 8 && f[13] === 0 && f[23] === 17)![22]!;
    };
    assert.deepEqual([await ttls(from), await ttls(other)], [7, 64]);
    for (const ttl of [0, 256, -1]) assert.throws(() => from.setTTL(ttl), code("EINVAL"));
    assert.throws(() => make().setTTL(3), code("EBADF"));
    assert.throws(() => make().setTTL(300), code("EINVAL"), "which is looked at first, as by Node");
    await closed(to, from, other);
  });

  it("setBroadcast lets datagrams go to everybody, and nothing else does", async () => {
    const to = await bound({}, 5005),
      from = await bound({ stack: a });
    for (const everybody of ["255.255.255.255", "10.0.0.255"]) {
      from.setBroadcast(false);
      assert.equal(((await sent(from, "all", 5005, everybody)) as Failure).code, "EACCES");
      from.setBroadcast(true);
      const [[text]] = await Promise.all([received(to), sent(from, "all", 5005, everybody)]);
      assert.equal(text, "all");
    }
    await closed(to, from);
  });
});

describe("stint/dgram: connect", () => {
  it("a socket with a peer needs no address, hears no one else, and lets go of it", async () => {
    const to = await bound(),
      { port } = to.address(),
      from = make({ stack: a });
    from.connect(port, B);
    await once(from, "connect");
    assert.deepEqual(from.remoteAddress(), { address: B, family: "IPv4", port });
    assert.equal(from.address().address, A);
    from.send("to the peer");
    const [text, { port: own }] = await received(to);
    assert.equal(text, "to the peer");
    const heard: string[] = [];
    from.on("message", (data: Buffer) => heard.push(data.toString()));
    const stranger = await bound();
    await sent(stranger, "from a stranger", own, A);
    await sent(to, "from the peer", own, A);
    await new Promise((done) => setTimeout(done, 20));
    assert.deepEqual(heard, ["from the peer"]);
    assert.throws(() => from.send("x", 0, 1, port, B), code("ERR_SOCKET_DGRAM_IS_CONNECTED"));
    assert.throws(() => from.connect(port, B), code("ERR_SOCKET_DGRAM_IS_CONNECTED"));
    from.disconnect();
    assert.throws(() => from.disconnect(), code("ERR_SOCKET_DGRAM_NOT_CONNECTED"));
    assert.throws(() => from.remoteAddress(), code("ERR_SOCKET_DGRAM_NOT_CONNECTED"));
    await closed(to, from, stranger);
  });

  it("tells ECONNREFUSED where nobody is", async () => {
    const from = make({ stack: a });
    from.connect(9, B);
    await once(from, "connect");
    from.send("anybody?");
    const e = await failure(from);
    assert.deepEqual([e.code, e.syscall, e.errno], ["ECONNREFUSED", "recvmsg", -111]);
    assert.ok(e.cause instanceof StintError, "the stack's own is its cause");
    await closed(from);
  });

  it("… and does not end a process that does not listen for errors: anybody can forge them", async () => {
    const from = make({ stack: a }), { icmpInDestUnreachs } = a.counters();
    from.connect(9, B);
    await once(from, "connect");
    from.send("anybody?");
    await until("the ICMP error", () => a.counters().icmpInDestUnreachs > icmpInDestUnreachs);
    // What is told of it is told before this, or never.
    await sent(from, "again");
    await closed(from);
  });
});

describe("stint/dgram: errors", () => {
  it("EADDRINUSE and EADDRNOTAVAIL at bind; bind may be tried again", async () => {
    const first = await bound(),
      { port } = first.address(),
      second = make();
    second.bind(port);
    const e = await failure(second);
    assert.deepEqual([e.code, e.syscall, e.port], ["EADDRINUSE", "bind", port]);
    assert.equal(e.message, `bind EADDRINUSE 0.0.0.0:${port}`);
    second.bind(0, "192.0.2.1");
    assert.equal((await failure(second)).message, "bind EADDRNOTAVAIL 192.0.2.1");
    second.bind();
    await once(second, "listening");
    assert.throws(() => second.bind(), code("ERR_SOCKET_ALREADY_BOUND"));
    await closed(first, second);
  });

  it("EMSGSIZE for what does not fit into a frame, and EAFNOSUPPORT for IPv6", async () => {
    const from = make({ stack: a });
    assert.equal(await sent(from, Buffer.alloc(1472), 9, B), 1472);
    for (const size of [1473, 65507, 300_000]) {
      const e = (await sent(from, Buffer.alloc(size), 9, B)) as Failure;
      assert.deepEqual([e.code, e.syscall, e.address, e.port], ["EMSGSIZE", "send", B, 9], `${size} bytes`);
    }
    const six = make({ type: "udp6" });
    six.bind(0, "::1");
    assert.equal((await failure(six)).message, "bind EAFNOSUPPORT ::1");
    await closed(from, six);
  });

  it("a name that is not there is told to the callback, or as an error", async () => {
    const from = make({ stack: a });
    const e = (await sent(from, "x", 9, "host.test")) as Failure;
    assert.deepEqual([e.code, e.syscall], ["EAI_AGAIN", "getaddrinfo"]);
    from.send("x", 9, "host.test");
    assert.equal((await failure(from)).code, "EAI_AGAIN");
    await closed(from);
  });

  it("misuse throws at once, with Node's codes", async () => {
    assert.throws(() => dgram.createSocket("udp5" as never), code("ERR_SOCKET_BAD_TYPE"));
    const socket = await bound();
    for (const port of [0, -1, 65536]) assert.throws(() => socket.send("x", port, B), code("ERR_SOCKET_BAD_PORT"));
    assert.throws(() => socket.send(7, 9, B), code("ERR_INVALID_ARG_TYPE"));
    assert.throws(() => socket.send("text", 3, 2, 9, B), code("ERR_BUFFER_OUT_OF_BOUNDS"));
    assert.throws(() => make().address(), code("EBADF"));
    assert.throws(() => socket.addMembership("224.0.0.114"), code("EOPNOTSUPP"));
    await closed(socket);
    for (const call of ["address", "close", "remoteAddress"] as const)
      assert.throws(() => socket[call](), code("ERR_SOCKET_DGRAM_NOT_RUNNING"), call);
  });
});

describe("stint/dgram: the end", () => {
  it("a signal closes, before and after", async () => {
    const later = new AbortController(),
      socket = await bound({ signal: later.signal });
    later.abort();
    await once(socket, "close");
    await once(make({ signal: AbortSignal.abort() }), "close");
  });

  it("close while it binds is a close, and its port is free again", async () => {
    const socket = make();
    socket.bind(5006);
    socket.close();
    await once(socket, "close");
    await closed(await bound({}, 5006));
  });

  it("ends with its stack", async () => {
    const two = await pair(),
      socket = await bound({ stack: two.a });
    await Promise.all([once(socket, "close"), two.a.close(0)]);
    await two.b.close(0);
  });
});

describe("stint/dgram: a socket that cannot be bound, since its stack was closed", () => {
  it("tells every callback that waited for it, and dispose() ends", async () => {
    const ends = await pair({ udpMax: 4, udpRing: 4096 }), pending = new Pending(), socket = make({ stack: ends.b });
    const other = make({ stack: ends.b }), third = make({ stack: ends.b });
    await Promise.all([ends.a.close(0), ends.b.close(0)]);
    for (const s of [socket, other, third]) s.on("error", pending.callback("error"));
    socket.send("x", 9, A, pending.callback("send"));
    socket.send("x", 9, "localhost", pending.callback("send by name"));
    socket.close(() => pending.callback("close")());
    other.connect(9, A, pending.callback("connect"));
    third.send("x", 9, A);
    pending.promise("dispose", third[Symbol.asyncDispose]());
    assert.deepEqual(await pending.settled(8000), []);
    const { ended } = pending;
    assert.deepEqual(["send", "send by name", "close", "connect", "dispose"].map((name) => ended.get(name)), [
      ["ECONNABORTED"], ["ECONNABORTED"], ["ok"], ["ECONNABORTED"], ["ok"],
    ]);
    assert.deepEqual(ended.get("error")?.length, 3);
  });
});
