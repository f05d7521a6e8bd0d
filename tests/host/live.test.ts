/** `stint lab`, as it was built: its page, the frames of a live stack, and who gets to see neither. */
import assert from "node:assert/strict";
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import http, { type IncomingHttpHeaders } from "node:http";
import net from "node:net";
import { after, describe, it } from "node:test";
import { WebSocket } from "ws";
import { analyze, type Connection, type Frame } from "../../host/lab/analyze.js";
import { packFrames, unpackFrames, type News, type Told } from "../../host/lab/live.js";
import { ran, said, started } from "../harness/programs.js";
import { freeTcpPort } from "../interop/lab.js";

const children: ChildProcessWithoutNullStreams[] = [];
after(() => children.forEach((child) => child.kill("SIGKILL")));

interface Serving { url: string; port: number; child: ChildProcessWithoutNullStreams }

/** Starts `stint lab`. Returns where a browser goes, and its port. */
async function lab(...options: string[]): Promise<Serving> {
  const child = started(process.execPath, ["build/stint.js", "lab", "--port", "0", ...options]);
  children.push(child);
  const url = /ready: (\S+)/.exec(await said(child, options.length === 0 ? /ready: \S+\n/ : /ready 1/))![1]!;
  return { url, port: Number(new URL(url).port), child };
}

async function asked(
  url: string, headers: Record<string, string> = {}, method = "GET",
): Promise<{ status: number; text: string; headers: IncomingHttpHeaders }> {
  const request = http.request(url, { headers, method }).end();
  const [response] = (await once(request, "response")) as [http.IncomingMessage];
  let text = "";
  for await (const chunk of response) text += String(chunk);
  return { status: response.statusCode!, text, headers: response.headers };
}

const socketUrl = (url: string): string => url.replace("http:", "ws:").replace("?live=", "live?token=");
const originOf = (url: string): string => new URL(url).origin;

async function refused(url: string, headers: { origin?: string; host?: string }): Promise<number> {
  const { origin, ...others } = headers;
  const socket = new WebSocket(url, { ...(origin === undefined ? {} : { origin }), headers: others });
  socket.on("error", () => {});
  const [, response] = (await once(socket, "unexpected-response")) as [unknown, { statusCode: number }];
  socket.terminate();
  return response.statusCode;
}

/** A page that watches: what it has heard so far. */
class Watching {
  readonly frames: Frame[] = [];
  readonly told: Told[] = [];
  link = "";
  readonly socket: WebSocket;

  constructor(url: string) {
    this.socket = new WebSocket(socketUrl(url), { origin: originOf(url) });
    this.socket.on("message", (data: Buffer, isBinary) => {
      if (isBinary) {
        this.frames.push(...unpackFrames(Uint8Array.from(data).buffer));
        return;
      }
      const news = JSON.parse(data.toString()) as News;
      this.link = news.link ?? this.link;
      this.told.push(...(news.told ?? []));
    });
  }

  /** Waits for what its frames have to be. */
  async until(what: (connections: Connection[]) => boolean): Promise<Connection[]> {
    for (;;) {
      const found = analyze(this.frames);
      if (what(found)) return found;
      await once(this.socket, "message");
    }
  }
}

/** A connection of this machine to the stack behind NAT, which echoes. */
async function echoed(port: number, text: string): Promise<net.Socket> {
  const socket = net.connect(port, "127.0.0.1");
  socket.write(text);
  assert.equal(String((await once(socket, "data"))[0]), text);
  return socket;
}

describe("frames in a message", () => {
  it("come out as they went in, of any size", () => {
    const sizes = [0, 1, 14, 1514, 65_549];
    const frames = sizes.map((n, i) => ({ timeUs: 1e15 + i + 0.25, bytes: new Uint8Array(n).fill(i) }));
    assert.deepEqual(unpackFrames(packFrames(frames).buffer), frames);
    assert.deepEqual(unpackFrames(packFrames([]).buffer), []);
  });

  it("are refused where they are cut short", () => {
    const whole = packFrames([{ timeUs: 1, bytes: new Uint8Array(60) }]);
    for (const n of [1, 11, 12, 71]) assert.throws(() => unpackFrames(whole.slice(0, n).buffer), RangeError);
  });
});

describe("stint lab", () => {
  it("serves its page and nothing else, to who means this machine", async () => {
    const { url, port, child } = await lab();
    assert.equal(url, `http://127.0.0.1:${port}/`);
    const page = await asked(url);
    assert.equal(page.status, 200);
    assert.match(page.text, /<title>The handshake lab/);
    assert.doesNotMatch(page.text, /connect-src/);
    assert.equal(page.headers["referrer-policy"], "no-referrer");
    assert.equal((await asked(`${url}index.html`)).status, 200);
    assert.equal((await asked(`${url}../package.json`)).status, 404);
    assert.equal((await asked(url, {}, "POST")).status, 405);
    assert.equal((await asked(url, { Host: `evil.example:${port}` })).status, 421);
    assert.equal((await asked(url, { Origin: "http://evil.example" })).status, 421);
    assert.equal(await refused(`ws://127.0.0.1:${port}/live?token=x`, { origin: originOf(url) }), 404);
    child.kill("SIGINT");
    assert.equal((await once(child, "exit"))[0], 0);
  });

  it("says what is of no use without a stack, and is not ready with a link that is none", () => {
    const run = (...args: string[]): [string, string, number | null] => {
      const { stdout, stderr, status } = ran(process.execPath, ["build/stint.js", "lab", "--port", "0", ...args]);
      return [stdout, stderr, status];
    };
    assert.deepEqual(run("--echo", "7"), ["", "stint: --echo needs --link, the stack to watch\n", 2]);
    const [ready, why, status] = run("--link", "bogus");
    assert.equal(ready, "");
    assert.match(why, /^stint: .*bogus/);
    assert.notEqual(status, 0);
  });

  it("says in a line what is wrong with a port", async () => {
    const taken = net.createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const { port } = taken.address() as net.AddressInfo;
    const run = ran(process.execPath, ["build/stint.js", "lab", "--port", String(port)]);
    assert.match(run.stderr, new RegExp(`^stint: cannot listen on port ${port}: .*; --port takes another one\n$`));
    assert.notEqual(run.status, 0);
    assert.match(ran(process.execPath, ["build/stint.js", "lab", "--port", "70000"]).stderr, /from 0 to 65535/);
    taken.close();
  });
});

describe("stint lab --link", () => {
  it("shows each frame to who knows the token, from the first one on, and what the stack says of itself", async () => {
    const echo = await freeTcpPort(), { url, child } = await lab("--link", "nat", "--echo", String(echo));
    const early = new Watching(url);
    await once(early.socket, "open");
    const socket = await echoed(echo, "seen");
    const is = (c: Connection): boolean => c.segments.some((s) => s.tcp.len === 4 && s.from === 1);
    const [connection] = await early.until((all) => all.some(is));
    assert.equal(early.link, "nat");
    assert.ok(connection!.complete);
    assert.deepEqual(connection!.segments.slice(0, 3).map((s) => s.tcp.flags), [["SYN"], ["SYN", "ACK"], ["ACK"]]);
    while (early.told.length === 0) await once(early.socket, "message");
    assert.deepEqual([...early.told[0]!.names].sort(), [...connection!.names].sort());
    assert.ok(early.told[0]!.cwnd > 0 && early.told[0]!.rtoMs > 0);
    const late = new Watching(url);
    await late.until((all) => all.some(is));
    socket.end();
    const closed = (c: Connection): boolean => c.segments.filter((s) => s.tcp.flags.includes("FIN")).length === 2;
    await Promise.all([early, late].map((w) => w.until((all) => all.some(closed))));
    // It ends although pages are open, and tells them.
    child.kill("SIGINT");
    await Promise.all([once(early.socket, "close"), once(late.socket, "close"), once(child, "exit")]);
    assert.equal(child.exitCode, 0);
  });

  it("shows nothing to others", async () => {
    const { url, port } = await lab("--link", "nat"), origin = originOf(url), socket = socketUrl(url);
    assert.equal((await asked(`http://127.0.0.1:${port}/`)).status, 401);
    assert.equal((await asked(`${url}x`)).status, 401);
    assert.equal((await asked(url, { Host: `evil.example:${port}` })).status, 421);
    const page = await asked(url);
    assert.equal(page.status, 200);
    assert.match(page.text, /default-src 'none'; connect-src 'self';/);
    assert.equal(await refused(`${socket}x`, { origin }), 401);
    assert.equal(await refused(socket.replace(/token=.*/, ""), { origin }), 401);
    assert.equal(await refused(socket, { origin: "http://evil.example" }), 403);
    assert.equal(await refused(socket, {}), 403);
    assert.equal(await refused(socket, { origin, host: `evil.example:${port}` }), 403);
    assert.equal(await refused(socket.replace("/live", "/"), { origin }), 404);
    const eight = Array.from({ length: 8 }, () => new Watching(url));
    await Promise.all(eight.map((w) => once(w.socket, "open")));
    assert.equal(await refused(socket, { origin }), 503);
    eight.forEach((w) => w.socket.close());
  });

  it("ends although some who were refused do not go", async () => {
    const { port, child } = await lab("--link", "nat");
    const held = await Promise.all(Array.from({ length: 20 }, async () => {
      const socket = net.connect({ port, host: "127.0.0.1", allowHalfOpen: true });
      const head = ["GET /live HTTP/1.1", `Host: 127.0.0.1:${port}`, "Connection: Upgrade", "Upgrade: websocket"];
      socket.write(`${head.join("\r\n")}\r\n\r\n`);
      assert.match(String((await once(socket, "data"))[0]), /^HTTP\/1\.1 403 /);
      return socket;
    }));
    child.kill("SIGINT");
    assert.equal((await once(child, "exit"))[0], 0);
    held.forEach((socket) => socket.destroy());
  });

  it("is not closed by a page that says what it likes", async () => {
    const { url, child } = await lab("--link", "nat"), page = new Watching(url);
    await once(page.socket, "open");
    page.socket.on("error", () => {});
    page.socket.send("x".repeat(100_000));
    await once(page.socket, "close");
    const other = new Watching(url);
    await once(other.socket, "open");
    assert.equal(child.exitCode, null);
  });
});
