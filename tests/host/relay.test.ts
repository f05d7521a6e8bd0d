/** `stint relay`, as it was built: browsers' stacks and others on one network, and who may not come. */
import assert from "node:assert/strict";
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import net, { type AddressInfo } from "node:net";
import { after, before, describe, it } from "node:test";
import { WebSocket } from "ws";
import { Stack as NodeStack, type Connection, type Link } from "../../host/index.js";
import { messageLink, type MessageLink } from "../../host/links/messages.js";
import { Deframer, enframe } from "../../host/links/stream.js";
import { loadModule } from "../../host/module.js";
import { Stack, webSocketLink } from "../../host/web/index.js";
import { ran, said, started, until } from "../harness/programs.js";

// Browsers have it, and newer versions of Node.
Object.assign(globalThis, { WebSocket });

const children: ChildProcessWithoutNullStreams[] = [];
after(() => children.forEach((child) => child.kill("SIGKILL")));

/** A relay on a free port, and its address with the token. */
async function relay(...options: string[]): Promise<{ url: string; child: ChildProcessWithoutNullStreams }> {
  const child = started(process.execPath, ["build/stint.js", "relay", "--listen", "0", ...options]);
  children.push(child);
  return { url: /ready (\S+)/.exec(await said(child, /ready \S+\n/))![1]!, child };
}

/** What a client is told that may not come. */
async function refused(url: string, origin?: string): Promise<number> {
  const socket = new WebSocket(url, origin === undefined ? {} : { origin });
  socket.on("error", () => {});
  const [, response] = (await once(socket, "unexpected-response")) as [unknown, { statusCode: number }];
  socket.terminate();
  return response.statusCode;
}

async function come(url: string, origin?: string): Promise<WebSocket> {
  const socket = new WebSocket(url, origin === undefined ? {} : { origin });
  await once(socket, "open");
  return socket;
}

const text = async (from: AsyncIterable<unknown>): Promise<string> => {
  let all = "";
  for await (const chunk of from) all += new TextDecoder().decode(chunk as Uint8Array);
  return all;
};

/** A link as container2wasm has it: QEMU's stream, cut into messages of any size. */
async function streamOver(url: string): Promise<Link> {
  const socket = await come(url), deframer = new Deframer();
  const link: Link = {
    send(frame) {
      const bytes = enframe(frame);
      socket.send(bytes.subarray(0, 4));
      for (let at = 4; at < bytes.length; at += 33) socket.send(bytes.subarray(at, at + 33));
    },
    onFrame() {},
    onClose() {},
    close: () => socket.close(),
  };
  socket.on("message", (data: Buffer) => deframer.push(data, (frame) => link.onFrame(frame)));
  return link;
}

describe("stint relay", () => {
  let url = "", child: ChildProcessWithoutNullStreams;
  before(async () => ({ url, child } = await relay()));

  it("is a network of its own: clients get addresses, reach each other, and nobody else", async () => {
    const module = loadModule();
    const a = await Stack.open({ module, link: await webSocketLink(url) });
    const b = await NodeStack.open({ link: await streamOver(url) });
    b.listen({ port: 7 }).on("connection", (c: Connection) => c.pipe(c));
    const c = await a.connect({ host: b.address, port: 7 }), writer = c.writable.getWriter();
    const sent = "0123456789".repeat(5000), got = text(c.readable as unknown as AsyncIterable<unknown>);
    await writer.write(new TextEncoder().encode(sent));
    await writer.close();
    assert.ok(await got === sent);
    for (const host of ["10.0.2.2", "192.0.2.1"])
      await assert.rejects(a.connect({ host, port: 8001 }), (e: { code?: string }) => e.code === "REFUSED");
    await Promise.all([a.close(0), b.close(0)]);
  });

  it("takes nobody without the token, or who asks for a page", async () => {
    assert.equal(await refused(url.replace(/\?.*/, "")), 401);
    assert.equal(await refused(`${url}x`), 401);
    assert.equal((await fetch(url.replace("ws:", "http:"))).status, 426);
  });

  it("outlives what asks for no address that there can be", async () => {
    for (const path of ["//", "http://[", "/%"]) {
      const socket = net.connect(Number(new URL(url).port), "127.0.0.1");
      socket.on("error", () => {});
      socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`);
      assert.match(String((await once(socket, "data"))[0]), /^HTTP\/1.1 401 /, path);
      socket.destroy();
    }
    assert.equal(child.exitCode, null);
  });

  it("ends with its clients", async () => {
    const socket = await come(url), gone = once(socket, "close"), ended = once(child, "exit");
    child.kill("SIGTERM");
    assert.deepEqual([(await gone)[0], (await ended)[0]], [1001, 0]);
  });

  it("takes pages of one origin, and so many clients, where it is told so", async () => {
    const { url: at } = await relay("--token", "known", "--origin", "https://a.test", "--clients", "1");
    assert.match(at, /\?token=known$/);
    assert.equal(await refused(at, "https://b.test"), 403);
    assert.equal(await refused(at), 403);
    const first = await come(at, "https://a.test");
    assert.equal(await refused(at, "https://a.test"), 503);
    first.close();
    await once(first, "close");
    await until("there is room again", async () => {
      const socket = new WebSocket(at, { origin: "https://a.test" });
      const isIn = await new Promise<boolean>((resolve) => {
        socket.once("open", () => resolve(true)).once("error", () => resolve(false));
      });
      socket.terminate();
      return isIn;
    });
  });

  it("leads to the host's network, and keeps clients apart, with --link and --isolated", async () => {
    const server = net.createServer((s) => s.on("error", () => {}).end("the host")).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { url: at } = await relay("--link", "nat:host-loopback", "--isolated", "--no-token"), module = loadModule();
    const [a, b] = await Promise.all([1, 2].map(async () => Stack.open({ module, link: await webSocketLink(at) })));
    const c = await a!.connect({ host: "10.0.2.2", port: (server.address() as AddressInfo).port });
    assert.equal(await text(c.readable as unknown as AsyncIterable<unknown>), "the host");
    b!.listen({ port: 7 });
    const to = b!.address;
    await assert.rejects(a!.connect({ host: to, port: 7, signal: AbortSignal.timeout(300) }));
    await Promise.all([a!.close(0), b!.close(0)]);
    server.close();
  });

  it("drops what is beyond a client's rate", async () => {
    const { url: at } = await relay("--no-token", "--frames", "1");
    const [loud, other, ear] = await Promise.all([come(at), come(at), come(at)]), heard: number[] = [];
    const say = (from: number): Uint8Array => Uint8Array.from([...Array(6).fill(255), 2, 0, 0, 0, 0, from, 0x88, 0xb5]);
    ear.on("message", (data: Buffer) => {
      if (data[12] === 0x88) heard.push(data[11]!);
    });
    // What a client speaks is known once it has spoken.
    ear.send(say(3));
    ear.ping();
    await once(ear, "pong");
    for (let i = 0; i < 300; i++) loud.send(say(1));
    loud.ping();
    await once(loud, "pong");
    other.send(say(2));
    await until("the other is heard", () => heard.includes(2));
    const loudly = heard.filter((from) => from === 1).length;
    assert.ok(loudly >= 1 && loudly < 300, `${loudly} of 300 passed in so short a time`);
  });

  it("says what is wrong with its options", () => {
    const says = (...args: string[]): [number | null, string] => {
      const { status, stderr } = ran(process.execPath, ["build/stint.js", "relay", ...args]);
      return [status, stderr];
    };
    const wrong: [string[], RegExp][] = [
      [["--isolated"], /^stint: --isolated needs --link: there would be nobody to reach\n$/],
      [["--listen", "here"], /write it as PORT or HOST:PORT/],
      [["--listen", "65536"], /write it as PORT or HOST:PORT/],
      [["--link", "wire"], /^stint: "wire" is no link; write tap:NAME/],
      [["--listen", "192.0.2.1:8001"], /^stint: cannot listen on port 8001 of 192.0.2.1: /],
    ];
    for (const [args, words] of wrong) {
      const [status, told] = says(...args);
      assert.equal(status, 2, args.join(" "));
      assert.match(told, words);
    }
  });
});

describe("frames in messages", () => {
  const frame = Uint8Array.from({ length: 60 }, (_, i) => i + 1), stream = enframe(frame);
  function client(): { got: Uint8Array[]; sent: Uint8Array[]; closed: string[]; link: MessageLink } {
    const got: Uint8Array[] = [], sent: Uint8Array[] = [], closed: string[] = [];
    const link = messageLink((m) => void sent.push(m), () => void closed.push("closed"));
    link.onFrame = (f) => void got.push(f.slice());
    return { got, sent, closed, link };
  }

  it("are told apart by the first message: a frame, or a length, with a frame or without", () => {
    for (const [first, rest] of [[stream, undefined], [stream.subarray(0, 4), stream.subarray(4)]] as const) {
      const { got, sent, link } = client();
      link.send(frame);
      link.take(first);
      if (rest) link.take(rest);
      link.take(Buffer.concat([stream, stream.subarray(0, 30)]));
      link.take(stream.subarray(30));
      link.send(frame);
      assert.deepEqual(got, [frame, frame, frame]);
      assert.deepEqual(sent.map((m) => [...m]), [[...stream]], "and nothing before it was known");
    }
    const { got, sent, link } = client();
    link.take(Buffer.from(frame));
    link.take(Buffer.from(frame.subarray(0, 13)));
    link.take(Buffer.alloc(65_551));
    link.send(frame);
    assert.deepEqual([got, sent], [[frame], [frame]]);
  });

  it("end with a client that speaks something else", () => {
    const { closed, link } = client(), errors: unknown[] = [];
    link.onClose = (e) => errors.push(e);
    link.take(stream);
    link.take(Buffer.from("GET / HTTP/1.1\r\n"));
    assert.deepEqual([closed, errors.length], [["closed"], 1]);
  });
});
