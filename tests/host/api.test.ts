/** The module's interface against callers that get it wrong (bad-input 37), its tables, and the library on top. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, it } from "node:test";
import { Bench, PEER, STACK, pattern } from "../harness/bench.js";
import { Stack, StackModule, Wire, loadModule, type Connection, type Link } from "../../host/index.js";
import { EVENT } from "../../host/stack.js";

describe("handles", () => {
  it("refuse what is stale, invented, or of another kind", () => {
    const b = new Bench().accepted();
    const x = b.stack.exports;
    const udp = b.stack.udpOpen(5);
    for (const handle of [0, -1, 1, 0x7fffffff, -0x80000000, b.handle + (1 << 10), b.listener, udp]) {
      assert.equal(x.tcp_send(handle, 0, 0), -1, `send ${handle}`);
      assert.equal(x.tcp_recv_size(handle), -1);
      assert.equal(x.tcp_info(handle, x.configBlock()), -1);
    }
    for (const handle of [b.handle, udp, 0, 77]) assert.equal(x.tcp_accept(handle), -1);
    for (const handle of [b.handle, b.listener]) assert.equal(x.udp_send(handle, PEER, 1, 0, 0), -1);
    b.stack.close(b.handle);
    assert.equal(x.tcp_close(b.handle), -1, "closed twice");
    assert.equal(x.tcp_abort(b.handle), -1);
    assert.equal(x.tcp_shutdown(b.handle), -1);
  });

  it("differ from one use of a place to the next", () => {
    const b = new Bench({ connsMax: 1 });
    const seen = new Set<number>();
    for (let i = 0; i < 1000; i++) {
      const handle = b.stack.connect(PEER, 80, 50000);
      assert.ok(!seen.has(handle));
      seen.add(handle);
      b.stack.abort(handle);
      b.poll();
    }
  });
});

describe("pointers and lengths", () => {
  it("must lie in memory and outside the arena", () => {
    const b = new Bench().accepted();
    const x = b.stack.exports, size = x.memory.buffer.byteLength;
    for (const [at, n] of [[size, 1], [size - 1, 2], [0xffffffff, 1], [0, 0xffffffff], [x.controlBlock(), 4], [x.counters() - 8, 16]] as const) {
      assert.equal(x.tcp_send(b.handle, at, n), -2, `${at} ${n}`);
      assert.equal(x.tcp_recv(b.handle, at, n), -2);
    }
    assert.equal(x.tcp_info(b.handle, size - 100), -2);
    assert.equal(x.tcp_send(b.handle, x.configBlock(), 200), 200);
    assert.equal(x.tcp_send_commit(b.handle, 70000), -2);
    assert.equal(x.tcp_recv_consume(b.handle, 1), -5);
  });

  it("ports, addresses and options are checked", () => {
    const b = new Bench();
    const x = b.stack.exports;
    for (const args of [[0, 0, PEER, 0], [0, 0, PEER, 65536], [0, 70000, PEER, 80], [5, 0, PEER, 80]] as [number, number, number, number][]) assert.equal(x.tcp_connect(...args), -2);
    assert.equal(x.tcp_listen(0, 0, 1), -2);
    assert.equal(x.tcp_listen(0, 80, 0), -2);
    assert.equal(x.udp_open(65536), -2);
    const h = b.stack.connect(PEER, 80);
    assert.equal(x.tcp_set(h, 99, 1), -2);
    assert.equal(x.tcp_set(h, 7, 0), -2);
    assert.equal(x.tcp_set(h, 6, 256), -2);
  });
});

describe("init", () => {
  const code = (options: object): string => {
    try {
      new StackModule(loadModule(), { ip: "10.0.0.1/24", ...options } as never);
      return "OK";
    } catch (e) {
      return (e as { code: string }).code;
    }
  };

  it("refuses a configuration that cannot be", () => {
    for (const bad of [
      { mtu: 67 }, { mtu: 65536 }, { connsMax: 0 }, { sendRing: 63 }, { sendRing: 1001 }, { rxSlots: 3 }, { txSlots: 0 }, { loopSlots: 3 },
      { neighboursMax: 5 }, { cookies: 3 }, { windowScale: 15 }, { rtoMinMs: 0 }, { delayedAckMs: 500 }, { keepProbes: 1 }, { ttl: 0 },
      { mac: "01:00:00:00:00:01" }, { ip: "127.0.0.1/8" }, { ip: "224.0.0.1/8" }, { reassemblyBytes: 7 }, { halfOpenMax: 70000 },
    ]) assert.equal(code(bad), "CONFIG", JSON.stringify(bad));
    assert.equal(code({ entropy: new Uint8Array(32) }), "ENTROPY");
    assert.equal(code({ arenaBase: 4096, arenaSize: 1000 }), "NO_MEMORY");
    assert.equal(code({ arenaBase: 60000, arenaSize: 1 << 30, connsMax: 64 }), "NO_MEMORY");
    assert.equal(code({ connsMax: 100000, sendRing: 1 << 20 }), "NO_MEMORY");
  });

  it("wipes the entropy", () => {
    const entropy = Uint8Array.from({ length: 32 }, (_, i) => 200 + i % 50);
    const m = new StackModule(loadModule(), { ip: "10.0.0.1/24", entropy });
    assert.equal(Buffer.from(m.memory).indexOf(Buffer.from(entropy.subarray(16))), -1);
  });

  it("calls before it are refused", () => {
    const x = new WebAssembly.Instance(loadModule()).exports as unknown as StackModule["exports"];
    assert.equal(x.poll(1n), -12);
    assert.equal(x.tcp_listen(0, 80, 1), -12);
    assert.equal(x.tcp_connect(0, 0, PEER, 80), -12);
    assert.ok(x.tcp_send(5, 0, 0) < 0);
    assert.equal(x.event_next(), 0n);
    assert.equal(x.controlBlock(), 0);
  });
});

describe("the same inputs give the same outputs", () => {
  it("bit for bit", () => {
    const run = (): string => {
      const b = new Bench().accepted();
      b.write(30000);
      b.advance(5000);
      b.stack.close(b.handle);
      b.advance(100_000);
      return Buffer.concat(b.all.map((s) => s.raw)).toString("base64");
    };
    assert.equal(run(), run());
  });
});

/** Two stacks of the library on a wire that is driven by real time. */
function pair(): [Link, Link] {
  const make = (): Link => ({ send: () => {}, onFrame: () => {}, onClose: () => {}, close() { this.onClose(); } });
  const a = make(), b = make();
  const cross = (from: Link, to: Link): void => {
    from.send = (frame) => {
      const copy = frame.slice();
      setImmediate(() => to.onFrame(copy));
    };
  };
  cross(a, b);
  cross(b, a);
  return [a, b];
}

describe("the library", () => {
  const open = async (): Promise<[Stack, Stack]> => {
    const [a, b] = pair();
    return Promise.all([Stack.open({ link: a, ip: "10.0.0.1/24" }), Stack.open({ link: b, ip: "10.0.0.2/24" })]);
  };

  it("connects, listens, and moves data with back-pressure", async () => {
    const [a, b] = await open();
    const server = b.listen({ port: 7 });
    void (async () => {
      for await (const c of server) c.pipe(c);
    })();
    const c = await a.connect({ host: "10.0.0.2", port: 7 });
    assert.equal(c.remoteAddress, "10.0.0.2");
    const sent = Buffer.from(pattern(1_000_000));
    c.end(sent);
    const got: Buffer[] = [];
    for await (const chunk of c) got.push(chunk as Buffer);
    assert.ok(Buffer.concat(got).equals(sent));
    server.close();
    await Promise.all([a.close(), b.close()]);
  });

  it("rejects with the reason", async () => {
    const [a, b] = await open();
    await assert.rejects(a.connect({ host: "10.0.0.2", port: 9 }), { code: "REFUSED" });
    await assert.rejects(a.connect({ host: "192.0.2.1", port: 9 }), { code: "UNREACHABLE" });
    await assert.rejects(a.connect({ host: "10.0.0.77", port: 9, timeoutMs: 50 }), { code: "TIMED_OUT" });
    const server = b.listen({ port: 7 });
    assert.throws(() => b.listen({ port: 7 }), { code: "IN_USE" });
    const [c, d] = await Promise.all([a.connect({ host: "10.0.0.2", port: 7 }), server.accept()]);
    d!.reset();
    const [error] = await once(c, "error");
    assert.equal((error as { code: string }).code, "RESET");
    await Promise.all([a.close(), b.close()]);
  });

  it("half-closes: data still comes after end()", async () => {
    const [a, b] = await open();
    const server = b.listen({ port: 7 });
    const [c, d] = await Promise.all([a.connect({ host: "10.0.0.2", port: 7 }), server.accept()]);
    c.end("question");
    const parts: Buffer[] = [];
    d!.on("data", (chunk: Buffer) => parts.push(chunk));
    await once(d!, "end");
    assert.equal(Buffer.concat(parts).toString(), "question");
    d!.end("answer");
    const [answer] = await once(c, "data");
    assert.equal(String(answer), "answer");
    await Promise.all([a.close(), b.close()]);
  });

  it("sends a request with the SYN, to a server that takes it, from the second time on", async () => {
    const [a, b] = await open();
    b.listen({ port: 7, fastOpen: true }).on("connection", (c: Connection) => c.pipe(c));
    for (let i = 0; i < 3; i++) {
      const c = await a.connect({ host: "10.0.0.2", port: 7, fastOpen: true, data: pattern(5000, i) });
      c.end();
      const got: Buffer[] = [];
      for await (const chunk of c) got.push(chunk as Buffer);
      assert.deepEqual(new Uint8Array(Buffer.concat(got)), pattern(5000, i));
    }
    assert.equal(a.counters().TCPFastOpenActive, 2);
    assert.equal(b.counters().TCPFastOpenPassive, 2);
    await Promise.all([a.close(), b.close()]);
  });

  it("asks nothing of a connection that was let go of while its events are told", async () => {
    const [a, b] = await open();
    const server = b.listen({ port: 7 });
    const [c] = await Promise.all([a.connect({ host: "10.0.0.2", port: 7 }), server.accept()]);
    c.on("urgent", () => c.destroy());
    c.handleEvent(EVENT.URGENT | EVENT.SOFT_ERROR | EVENT.CLOSED);
    assert.ok(c.destroyed);
    server.close();
    await Promise.all([a.close(), b.close()]);
  });

  it("sends and receives datagrams", async () => {
    const [a, b] = await open();
    const server = b.udp({ port: 53 }), client = a.udp();
    server.on("message", (data: Uint8Array, from: { address: string; port: number }) => server.send(data, from.port, from.address));
    client.send(pattern(100), 53, "10.0.0.2");
    const [data] = await once(client, "message");
    assert.deepEqual(data, pattern(100));
    await Promise.all([a.close(), b.close()]);
  });
});

describe("two stacks on the virtual wire", () => {
  it("come to rest when there is nothing to do", () => {
    const wire = new Wire(1);
    for (const ip of ["10.0.0.1/24", "10.0.0.2/24"]) wire.attach(new StackModule(loadModule(), { ip }));
    wire.run(() => false, 10e6);
    assert.equal(wire.inFlight, 0);
    void STACK;
  });
});
