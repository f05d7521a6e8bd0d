/** `stint/browser`: the library for pages and workers, here over the channels and streams that Node has, too. */
import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import { brotliCompressSync } from "node:zlib";
import { WebSocket, WebSocketServer } from "ws";
import {
  channelLink, LinkError, Stack, StintError, webSocketLink, type Connection, type Link,
} from "../../host/web/index.js";
import type { Family6 } from "../../host/web/family6.js";
import { ip6 } from "../../host/web/ip6/index.js";
import { loadModule } from "../../host/module.js";

const A = "10.0.0.1", B = "10.0.0.2";
const bytes = (n: number): Uint8Array => Uint8Array.from({ length: n }, (_, i) => (i * 7) & 255);

/** Two stacks at the ends of a message channel. */
async function pair(more: { recvRing?: number } = {}): Promise<{ a: Stack; b: Stack; end(): Promise<void> }> {
  const { port1, port2 } = new MessageChannel(), module = loadModule();
  const a = await Stack.open({ module, link: channelLink(port1), ip: `${A}/24`, ...more });
  const b = await Stack.open({ module, link: channelLink(port2), ip: `${B}/24`, ...more });
  return { a, b, end: async () => void (await Promise.all([a.close(0), b.close(0)])) };
}

async function all(connection: Connection): Promise<Uint8Array> {
  return new Uint8Array(await new Response(connection.readable).arrayBuffer());
}

async function send(connection: Connection, data: Uint8Array): Promise<void> {
  const writer = connection.writable.getWriter();
  await writer.write(data);
  await writer.close();
}

const code = (name: string) => (e: unknown): boolean => e instanceof StintError && e.code === name;

describe("stint/browser: connections", () => {
  it("carry bytes both ways as Web Streams, and end in order", async () => {
    const { a, b, end } = await pair({ recvRing: 4096 });
    const server = b.listen({ port: 7 }), data = bytes(300_000);
    const echo = (async () => {
      for await (const c of server) await c.readable.pipeTo(c.writable);
    })();
    const c = await a.connect({ host: B, port: 7 });
    assert.deepEqual([c.remoteAddress, c.remotePort, c.localAddress], [B, 7, A]);
    assert.equal(c.info().stateName, "ESTABLISHED");
    const [, got] = await Promise.all([send(c, data), all(c)]);
    assert.deepEqual(Buffer.from(got), Buffer.from(data));
    await c.closed;
    server.close();
    await echo;
    await end();
  });

  it("do not take what nobody reads: the writer waits", async () => {
    const { a, b, end } = await pair({ recvRing: 4096 }), server = b.listen({ port: 7 });
    const c = await a.connect({ host: B, port: 7 }), peer = (await server.accept())!;
    let done = false;
    const writer = c.writable.getWriter(), written = writer.write(bytes(1_000_000)).then(() => (done = true));
    while (peer.info().rcvSize < 4096) await new Promise((resolve) => setTimeout(resolve, 1));
    assert.equal(done, false);
    assert.ok(peer.info().rcvSize <= 4096);
    void writer.close();
    assert.equal((await all(peer)).length, 1_000_000);
    await written;
    await end();
  });

  it("that nobody accepts are refused; a reset, an abort and a lost stack end streams and promises", async () => {
    const { a, b, end } = await pair(), server = b.listen({ port: 7 });
    await assert.rejects(a.connect({ host: B, port: 8 }), code("REFUSED"));
    const reset = await a.connect({ host: B, port: 7 }), peer = (await server.accept())!;
    const read = reset.readable.getReader().read(), closed = reset.closed;
    peer.abort();
    await assert.rejects(read, code("RESET"));
    await assert.rejects(closed, code("RESET"));
    await assert.rejects(reset.writable.getWriter().write(bytes(1)), code("RESET"));
    const left = await a.connect({ host: B, port: 7 }), reading = left.readable.getReader().read();
    assert.ok(await server.accept());
    const accepting = server.accept();
    await a.close(0);
    await assert.rejects(reading, code("ABORTED"));
    await assert.rejects(a.connect({ host: B, port: 7 }), code("ABORTED"));
    // The other end of the channel is closed, too.
    await assert.rejects(accepting, code("UNREACHABLE"));
    await assert.rejects(b.closed, code("UNREACHABLE"));
    await assert.rejects(server.accept(), code("UNREACHABLE"));
    await end();
  });

  it("close() sends what was written, and throws away what comes", async () => {
    const { a, b, end } = await pair(), server = b.listen({ port: 7 });
    const c = await a.connect({ host: B, port: 7 }), peer = (await server.accept())!;
    const writer = c.writable.getWriter(), written = writer.write(bytes(50_000)), closed = c.close();
    assert.equal((await all(peer)).length, 50_000);
    await send(peer, bytes(100));
    await Promise.all([written, closed, peer.closed]);
    await end();
  });

  it("AbortSignal ends the attempt, and the connection", async () => {
    const { a, b, end } = await pair(), server = b.listen({ port: 7 });
    await assert.rejects(a.connect({ host: B, port: 7, signal: AbortSignal.abort() }), { name: "AbortError" });
    const nobody = new AbortController(), trying = a.connect({ host: "10.0.0.77", port: 7, signal: nobody.signal });
    setImmediate(() => nobody.abort());
    await assert.rejects(trying, { name: "AbortError" });
    const later = new AbortController(), c = await a.connect({ host: B, port: 7, signal: later.signal });
    const peer = (await server.accept())!;
    later.abort();
    await assert.rejects(c.closed, { name: "AbortError" });
    await assert.rejects(peer.readable.getReader().read(), code("RESET"));
    await end();
  });

  it("take Uint8Array alone", async () => {
    const { a, b, end } = await pair();
    b.listen({ port: 7 });
    const c = await a.connect({ host: B, port: 7 });
    await assert.rejects(c.writable.getWriter().write("text" as never), TypeError);
    await end();
  });
});

describe("stint/browser: datagrams, names, links", () => {
  it("sends and hears datagrams", async () => {
    const { a, b, end } = await pair(), server = b.udp({ port: 53 }), client = a.udp();
    const reader = server.readable.getReader(), heard = reader.read();
    await client.send(bytes(1400), { host: B, port: 53 });
    const { value } = await heard;
    assert.deepEqual([value!.address, value!.port, value!.data.length], [A, client.port, 1400]);
    // An answer to what came: its own bytes go, whatever else stands beside the address.
    const answered = client.readable.getReader().read();
    await server.send(bytes(3), { ...value!, host: value!.address });
    assert.deepEqual([...(await answered).value!.data], [...bytes(3)]);
    const ended = reader.read();
    server.close();
    assert.equal((await ended).done, true);
    await assert.rejects(client.send(new Uint8Array(70_000), { host: B, port: 53 }), code("SIZE"));
    await assert.rejects(client.send(bytes(1), { host: "nowhere", port: 53 }), RangeError);
    client.close();
    await assert.rejects(client.send(bytes(1), { host: B, port: 53 }), code("HANDLE"));
    await end();
  });

  it("a name without a server, a stack without an address: an error by name", async () => {
    const { a, end } = await pair();
    await assert.rejects(a.lookup("example.test"), code("UNREACHABLE"));
    assert.deepEqual(await a.lookup("10.9.8.7"), ["10.9.8.7"]);
    await end();
    const { port1 } = new MessageChannel();
    const opened = Stack.open({ module: loadModule(), link: channelLink(port1), timeoutMs: 20 });
    await assert.rejects(opened, code("TIMED_OUT"));
    port1.close();
  });

  it("a link that closes ends the stack", async () => {
    const link: Link = { send() {}, onFrame() {}, onClose() {}, close() {} };
    const stack = await Stack.open({ module: loadModule(), link, ip: `${A}/24` });
    const waiting = stack.listen({ port: 7 }).accept(), closed = stack.closed;
    link.onClose();
    await assert.rejects(waiting, code("UNREACHABLE"));
    await assert.rejects(closed, code("UNREACHABLE"));
  });

  it("the module comes by fetch, whatever the server says it is; what is not there is said in one line", async () => {
    const wasm = readFileSync("build/stint.wasm");
    const server = createServer((request, response) => {
      const type = request.url === "/a.wasm" ? "application/wasm" : "application/octet-stream";
      if (request.url === "/c.wasm") response.writeHead(404).end();
      else response.writeHead(200, { "content-type": type }).end(wasm);
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const open = (path: string): Promise<Stack> =>
      Stack.open({ module: fetch(url + path), link: channelLink(new MessageChannel().port1), ip: `${A}/24` });
    try {
      for (const path of ["/a.wasm", "/b.wasm"]) await (await open(path)).close(0);
      await assert.rejects(open("/c.wasm"), /^Error: cannot load the module: .*\/c\.wasm is 404/);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  it("a WebSocket carries frames, and its end ends the stack", async (t) => {
    // Node 20 has none of its own.
    const before = Object.getOwnPropertyDescriptor(globalThis, "WebSocket");
    Object.defineProperty(globalThis, "WebSocket", { value: WebSocket, configurable: true, writable: true });
    t.after(() => {
      if (before) Object.defineProperty(globalThis, "WebSocket", before);
      else Reflect.deleteProperty(globalThis, "WebSocket");
    });
    const relay = new WebSocketServer({ port: 0, host: "127.0.0.1" });
    relay.on("connection", (from) => from.on("message", (frame: Buffer) => {
      for (const to of relay.clients) if (to !== from) to.send(frame);
    }));
    await once(relay, "listening");
    const url = `ws://127.0.0.1:${(relay.address() as AddressInfo).port}`, module = loadModule();
    const a = await Stack.open({ module, link: await webSocketLink(url), ip: `${A}/24` });
    const b = await Stack.open({ module, link: await webSocketLink(url), ip: `${B}/24` });
    const server = b.listen({ port: 7 }), c = await a.connect({ host: B, port: 7 }), peer = (await server.accept())!;
    const [, got] = await Promise.all([send(c, bytes(50_000)), all(peer)]);
    assert.equal(got.length, 50_000);
    const closed = a.closed;
    for (const client of relay.clients) client.terminate();
    await assert.rejects(closed, LinkError);
    await assert.rejects(b.closed, LinkError);
    relay.close();
    await once(relay, "close");
    await assert.rejects(webSocketLink(url), LinkError);
  });

  it("drops messages that are no frames", async () => {
    const { port1, port2 } = new MessageChannel();
    const stack = await Stack.open({ module: loadModule(), link: channelLink(port1), ip: `${A}/24` });
    for (const what of ["text", 5, null, {}, new Uint8Array(0), new Uint8Array(100_000)]) port2.postMessage(what);
    await new Promise((resolve) => setTimeout(resolve, 10));
    await stack.close(0);
  });
});

describe("stint/ip6", () => {
  it("TCP and UDP to link-local and fixed addresses, without any of IPv4", async () => {
    const { port1, port2 } = new MessageChannel(), module = loadModule();
    const [a, b] = await Promise.all(([[port1, "fd00::1/64"], [port2, "fd00::2/64"]] as const).map(([port, own]) =>
      Stack.open({ module, link: channelLink(port), dhcp: false, ipv6: ip6({ addresses: [own] }) })));
    const server = b!.listen({ port: 7 }), udp = b!.udp({ port: 9 }), reader = udp.readable.getReader();
    // `connect` waits until an address is there that nobody else has; a refusal is an answer.
    await Promise.all(([[a!, "fd00::2"], [b!, "fd00::1"]] as const).map(([stack, host]) =>
      assert.rejects(stack.connect({ host, port: 8 }), code("REFUSED"))));
    while ([a!, b!].some((stack) => stack.addresses6.length < 2)) await new Promise((done) => setTimeout(done, 10));
    assert.ok(a!.addresses6.includes("fd00::1") && a!.addresses6.some((x) => x.startsWith("fe80::")));
    assert.equal(a!.address, "0.0.0.0");
    const local = b!.addresses6.find((x) => x.startsWith("fe80::"))!;
    for (const [to, from] of [["fd00::2", /^fd00::1$/], [local, /^fe80::/]] as const) {
      const c = await a!.connect({ host: to, port: 7 }), peer = (await server.accept())!;
      assert.deepEqual([c.remoteAddress, peer.localAddress], [to, to]);
      assert.match(peer.remoteAddress, from);
      const [, got] = await Promise.all([send(c, bytes(100_000)), all(peer)]);
      assert.deepEqual(Buffer.from(got), Buffer.from(bytes(100_000)));
      c.abort();
    }
    const other = a!.udp();
    await other.send(bytes(3), { host: "fd00::2", port: 9 });
    const { value } = await reader.read();
    assert.deepEqual([value!.address, value!.port, [...value!.data]], ["fd00::1", other.port, [...bytes(3)]]);
    await assert.rejects(a!.connect({ host: "fd00::2", port: 8 }), code("REFUSED"));
    // Over IPv4 there is no way.
    await assert.rejects(a!.connect({ host: "10.0.0.1", port: 7 }), code("UNREACHABLE"));
    await Promise.all([a!.close(0), b!.close(0)]);
  });

  it("says that a secret of another size is none", async () => {
    const link = channelLink(new MessageChannel().port1), ipv6 = ip6({ secret: new Uint8Array(15) });
    await assert.rejects(Stack.open({ module: loadModule(), link, dhcp: false, ipv6 }), /secret is 16 bytes/);
  });

  it("a signal ends the wait for an own address at once", async () => {
    const { port1, port2 } = new MessageChannel(), wait = new AbortController();
    const ipv6 = ip6({ addresses: ["fd00::1/64"] });
    const stack = await Stack.open({ module: loadModule(), link: channelLink(port1), dhcp: false, ipv6 });
    const gone = stack.connect({ host: "fd00::2", port: 7, signal: wait.signal }).catch((e: unknown) => e);
    // It waits by then; no timer of the stack has had a turn.
    for (let i = 0; i < 50; i++) await Promise.resolve();
    wait.abort(new Error("not now"));
    assert.equal((await gone as Error).message, "not now");
    assert.deepEqual(stack.addresses6, [], "there is none yet");
    await stack.close(0);
    port2.close();
  });

  it("is for one stack, and for modules that have it; without it an IPv6 address is none", async () => {
    const { port1, port2 } = new MessageChannel(), ipv6 = ip6();
    const a = await Stack.open({ module: loadModule(), link: channelLink(port1), dhcp: false, ipv6 });
    await assert.rejects(Stack.open({ module: loadModule(), link: channelLink(port2), dhcp: false, ipv6 }), RangeError);
    await a.close(0);
    const { port1: port3, port2: port4 } = new MessageChannel(), small = readFileSync("build/stint.wasm");
    const link = channelLink(port3);
    await assert.rejects(Stack.open({ module: small, link, ip: `${A}/24`, ipv6: ip6() }), /the module has no IPv6/);
    for (const ipv6 of [true, {}] as unknown as Family6[])
      await assert.rejects(Stack.open({ module: small, link, ip: `${A}/24`, ipv6 }), /ipv6 is what ip6\(\) gives/);
    const four = await Stack.open({ module: loadModule(), link: channelLink(port4), ip: `${A}/24` });
    await assert.rejects(four.connect({ host: "fd00::2", port: 7 }));
    assert.deepEqual(four.addresses6, []);
    await four.close(0);
  });

  it("asks for no module of Node's, and is 1.5 KB at most as browsers get it (brotli)", () => {
    const text = readFileSync("build/ip6.js", "utf8");
    assert.doesNotMatch(text, /node:|\brequire\(|\bprocess\./);
    const carried = brotliCompressSync(text).length;
    assert.ok(carried > 500 && carried <= 1_500, `${carried} bytes`);
  });
});

describe("stint/browser: the file", () => {
  it("asks for no module of Node's, and is 13 KB at most as browsers get it (brotli)", () => {
    const text = readFileSync("build/browser.js", "utf8");
    assert.doesNotMatch(text, /node:|\brequire\(|\bprocess\./);
    assert.ok(statSync("build/browser.js").size > 5000);
    const carried = brotliCompressSync(text).length;
    assert.ok(carried <= 13_000, `${carried} bytes`);
  });
});
