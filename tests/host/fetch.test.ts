/** `stint/fetch`: HTTP over a page's stack. The servers are Node's own, and some that say what no server should. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import { Duplex } from "node:stream";
import { after, before, describe, it } from "node:test";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { createFetch, type FetchOptions } from "../../host/web/fetch/index.js";
import { channelLink, Stack, StintError, type Connection } from "../../host/web/index.js";
import { loadModule } from "../../host/module.js";

const A = "10.0.0.1", B = "10.0.0.2";
const bytes = (n: number): Uint8Array<ArrayBuffer> => Uint8Array.from({ length: n }, (_, i) => (i * 7) & 255);
const octets = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0));
let a: Stack, b: Stack, port = 1000;

before(async () => {
  const { port1, port2 } = new MessageChannel(), module = loadModule();
  a = await Stack.open({ module, link: channelLink(port1), ip: `${A}/24`, connsMax: 64 });
  b = await Stack.open({ module, link: channelLink(port2), ip: `${B}/24`, connsMax: 64 });
});
after(() => Promise.all([a.close(0), b.close(0)]));

async function all(from: AsyncIterable<unknown>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of from) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

interface Site {
  at: string;
  fetch: ReturnType<typeof createFetch>;
  /** Connections that came, and those that are open. */
  count: { all: number; open: number };
  end(): void;
}

/** A server whose connections are handed to `serve`. */
function site(serve: (connection: Connection, i: number) => void, options?: FetchOptions): Site {
  const server = b.listen({ port: ++port }), count = { all: 0, open: 0 }, fetch = createFetch(a, options);
  void (async () => {
    for await (const connection of server) {
      count.open++;
      connection.closed.catch(() => {}).finally(() => count.open--);
      serve(connection, count.all++);
    }
  })();
  const end = (): void => {
    fetch.close();
    server.close();
  };
  return { at: `http://${B}:${port}`, fetch, count, end };
}

/** The same, by Node's own server. */
function web(listener: RequestListener, options?: FetchOptions): Site {
  const http = createServer(listener);
  return site((connection) => {
    const socket = Duplex.fromWeb(connection as never, { allowHalfOpen: true });
    socket.on("error", () => {});
    http.emit("connection", socket);
  }, options);
}

/** A server that answers each connection's first bytes with `text`, and closes it then if that is said. */
function raw(
  text: string | ((i: number) => string), { closes = true, ...options }: FetchOptions & { closes?: boolean } = {},
): Site {
  return site((connection, i) => void (async () => {
    const reader = connection.readable.getReader(), writer = connection.writable.getWriter();
    await reader.read();
    await writer.write(octets(typeof text === "string" ? text : text(i)));
    if (closes) await writer.close();
    reader.releaseLock();
    await connection.readable.cancel();
  })().catch(() => {}), options);
}

const failed = (words: RegExp) => (e: unknown): boolean => e instanceof TypeError && words.test(e.message);

describe("stint/fetch: requests and answers", () => {
  it("gives the platform's own Response, and keeps the connection", async () => {
    const { at, fetch, count, end } = web((request, response) => {
      response.setHeader("set-cookie", ["a=1", "b=2"]);
      response.end(JSON.stringify({ url: request.url, host: request.headers.host }));
    });
    for (let i = 0; i < 5; i++) {
      const response = await fetch(`${at}/tea?n=${i}#part`);
      assert.ok(response instanceof Response && response.ok);
      assert.deepEqual([response.status, response.statusText, response.url], [200, "OK", `${at}/tea?n=${i}`]);
      assert.equal(response.redirected, false);
      assert.deepEqual(response.headers.getSetCookie(), ["a=1", "b=2"]);
      assert.deepEqual(await response.json(), { url: `/tea?n=${i}`, host: at.slice(7) });
    }
    assert.equal(count.all, 1);
    end();
  });

  it("sends text, bytes and forms with their length, and a stream in chunks", async () => {
    const { at, fetch, count, end } = web((request, response) => {
      const { "content-length": length, "transfer-encoding": coding, "content-type": type } = request.headers;
      void all(request).then((body) => {
        response.writeHead(201, { "x-said": [request.method, length, coding, type].join() });
        response.end(body);
      });
    });
    const said = async (init: RequestInit): Promise<string[]> => {
      const response = await fetch(at, init);
      return [response.headers.get("x-said")!, await response.text()];
    };
    assert.deepEqual(await said({ method: "POST", body: "tea" }), ["POST,3,,text/plain;charset=UTF-8", "tea"]);
    const form = new URLSearchParams({ a: "1" });
    assert.deepEqual(await said({ method: "POST", body: form }),
      ["POST,3,,application/x-www-form-urlencoded;charset=UTF-8", "a=1"]);
    assert.deepEqual(await said({ method: "PUT" }), ["PUT,0,,", ""]);
    assert.deepEqual(await said({ method: "DELETE" }), ["DELETE,,,", ""]);
    const pieces = ["one ", "", "two"].map(octets);
    const body = new ReadableStream({
      pull: (c) => (pieces.length > 0 ? c.enqueue(pieces.shift()) : c.close()),
    });
    assert.deepEqual(await said({ method: "POST", body }), ["POST,,chunked,", "one two"]);
    const large = bytes(1_000_000), response = await fetch(new Request(at, { method: "PUT", body: large }));
    assert.deepEqual(Buffer.from(await response.arrayBuffer()), Buffer.from(large));
    assert.equal(count.all, 1);
    end();
  });

  it("reads bodies with a length, in chunks with trailers, to the end, and none", async () => {
    const { at, fetch, count, end } = web(({ url, method }, response) => {
      if (url === "/length") response.end("body");
      else if (url === "/end") response.writeHead(200, { connection: "close" }).end("to the end");
      else if (url === "/none") response.writeHead(204).end();
      else if (url === "/old") response.writeHead(304).end();
      else {
        response.writeHead(200, { trailer: "x-sum" });
        for (const piece of ["one ", method!, " three"]) response.write(piece);
        response.addTrailers({ "x-sum": "1" });
        response.end();
      }
    });
    const read = async (path: string, method = "GET"): Promise<[number, string, boolean]> => {
      const response = await fetch(`${at}/${path}`, { method });
      return [response.status, await response.text(), response.body === null];
    };
    assert.deepEqual(await read("length"), [200, "body", false]);
    assert.deepEqual(await read("chunks"), [200, "one GET three", false]);
    assert.deepEqual(await read("none"), [204, "", true]);
    assert.deepEqual(await read("old"), [304, "", true]);
    assert.deepEqual(await read("length", "HEAD"), [200, "", true]);
    assert.equal(count.all, 1);
    assert.deepEqual(await read("end"), [200, "to the end", false]);
    assert.deepEqual(await read("length"), [200, "body", false]);
    assert.equal(count.all, 2);
    end();
  });

  it("unpacks gzip and deflate; what is broken in them is a TypeError", async () => {
    const plain = Buffer.alloc(100_000, "many words "), packed = gzipSync(plain);
    const { at, fetch, end } = web(({ url, headers }, response) => {
      assert.equal(headers["accept-encoding"], "gzip, deflate");
      const coding = url === "/deflate" ? "deflate" : "gzip";
      response.writeHead(200, { "content-encoding": coding });
      response.end(url === "/deflate" ? deflateSync(plain) : url === "/short" ? packed.subarray(0, 60) : packed);
    });
    for (const path of ["gzip", "deflate"])
      assert.deepEqual(Buffer.from(await (await fetch(`${at}/${path}`)).arrayBuffer()), plain, path);
    await assert.rejects((await fetch(`${at}/short`)).text(), TypeError);
    end();
  });

  it("follows redirects as browsers do", async () => {
    const { at, fetch, end } = web((request, response) => {
      const [, status, to = ""] = request.url!.split("/", 3) as [string, string, string?];
      void all(request).then((body) => {
        if (Number(status) > 0) response.writeHead(Number(status), { location: `/${to}` }).end("moved");
        else if (status === "loop") response.writeHead(302, { location: "/loop" }).end();
        else if (status === "away") response.writeHead(302, { location: "https://stint.test/" }).end();
        else response.end([request.method, body, request.headers["content-type"]].join());
      });
    });
    const to = async (path: string, init?: RequestInit): Promise<[string, string, boolean]> => {
      const response = await fetch(`${at}/${path}`, init);
      return [await response.text(), response.url.slice(at.length), response.redirected];
    };
    const post = { method: "POST", body: "tea" };
    assert.deepEqual(await to("302/x#part"), ["GET,,", "/x", true]);
    for (const status of [301, 302, 303]) assert.deepEqual(await to(`${status}/x`, post), ["GET,,", "/x", true]);
    for (const status of [307, 308])
      assert.deepEqual(await to(`${status}/x`, post), ["POST,tea,text/plain;charset=UTF-8", "/x", true]);
    assert.deepEqual(await to("302/x", { method: "PUT", body: "tea" }),
      ["PUT,tea,text/plain;charset=UTF-8", "/x", true]);
    assert.deepEqual(await to("302/x", { redirect: "manual" }), ["moved", "/302/x", false]);
    await assert.rejects(to("302/x", { redirect: "error" }), failed(/leads elsewhere/));
    await assert.rejects(to("loop"), failed(/more than 20/));
    await assert.rejects(to("away"), failed(/leads to https:/));
    const body = new ReadableStream({ start: (c) => c.close() });
    await assert.rejects(to("307/x", { method: "POST", body }), failed(/cannot be sent again/));
    end();
  });

  it("has so many connections to an origin, and no more", async () => {
    let most = 0;
    const made: Site = web((_request, response) => {
      most = Math.max(most, made.count.open);
      setImmediate(() => response.end("x"));
    }, { connections: 3 });
    const { at, fetch, count, end } = made;
    const texts = await Promise.all([...Array(20).keys()].map(async () => (await fetch(at)).text()));
    assert.deepEqual([texts.join(""), most, count.all], ["x".repeat(20), 3, 3]);
    end();
  });
});

describe("stint/fetch: ends", () => {
  it("by the signal: before, while connecting, before the answer, in the body", async () => {
    let asked: IncomingMessage | undefined;
    const { at, fetch, count, end } = web((request, response) => {
      asked = request;
      if (request.url === "/body") response.write("first");
    });
    const why = new Error("enough"), is = (e: unknown): boolean => e === why;
    await assert.rejects(fetch(at, { signal: AbortSignal.abort(why) }), is);
    const silent = new AbortController(), lost = fetch("http://10.0.0.99/", { signal: silent.signal });
    setImmediate(() => silent.abort(why));
    await assert.rejects(lost, is);
    const first = new AbortController(), waits = fetch(at, { signal: first.signal });
    while (!asked) await new Promise(setImmediate);
    first.abort(why);
    await assert.rejects(waits, is);
    const second = new AbortController(), response = await fetch(`${at}/body`, { signal: second.signal });
    const reader = response.body!.getReader();
    assert.deepEqual(Buffer.from((await reader.read()).value!).toString(), "first");
    const next = reader.read();
    second.abort(why);
    await assert.rejects(next, is);
    while (count.open > 0) await new Promise(setImmediate);
    end();
  });

  it("by who reads: a body that is cancelled ends its connection", async () => {
    const { at, fetch, count, end } = web((_request, response) => void response.write("first"));
    await (await fetch(at)).body!.cancel();
    while (count.open > 0 || count.all === 0) await new Promise(setImmediate);
    end();
  });

  it("with a TypeError, whose cause tells what the stack says", async () => {
    const { fetch, at, end } = web(() => {});
    const refused = (await fetch(`http://${B}:9/`).catch((e: unknown) => e)) as TypeError;
    assert.ok(refused instanceof TypeError && refused.cause instanceof StintError);
    assert.equal(refused.cause.code, "REFUSED");
    await assert.rejects(fetch("https://10.0.0.2/"), failed(/for http:, not for https:/));
    for (const url of ["no url", "http://a:b@10.0.0.2/"]) await assert.rejects(fetch(url), TypeError);
    const body = new ReadableStream({ pull: (c) => c.enqueue("text") });
    await assert.rejects(fetch(at, { method: "POST", body }), failed(/pieces of Uint8Array/));
    const fails = new ReadableStream({ pull: () => Promise.reject(new Error("no more tea")) });
    await assert.rejects(fetch(at, { method: "POST", body: fails }), failed(/no more tea/));
    end();
    await assert.rejects(fetch(at), failed(/is closed/));
  });

  it("asks again where a connection ended that had waited, unless what is asked is no idempotent request", async () => {
    const answer = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx";
    // The second request is heard, and the connection ends without an answer.
    const { at, fetch, count, end } = site((connection) => void (async () => {
      const reader = connection.readable.getReader(), writer = connection.writable.getWriter();
      await reader.read();
      await writer.write(octets(answer));
      await reader.read();
      connection.abort();
    })().catch(() => {}));
    const ask = async (init?: RequestInit): Promise<string> => (await fetch(at, init)).text();
    assert.deepEqual([await ask(), await ask(), count.all], ["x", "x", 2]);
    await assert.rejects(ask({ method: "POST" }), failed(/reset by peer/));
    assert.equal(count.all, 2);
    end();
  });

  it("drops a connection whose server says more than it was asked", async () => {
    const twice = `${OK}Content-Length: 1\r\n\r\nx${OK}`, { at, fetch, count, end } = raw(twice, { closes: false });
    for (let i = 0; i < 3; i++) assert.equal(await (await fetch(at)).text(), "x");
    assert.equal(count.all, 3);
    end();
  });

  const OK = "HTTP/1.1 200 OK\r\n", CHUNKED = `${OK}Transfer-Encoding: chunked\r\n`;
  for (const [what, text, words] of [
    ["no HTTP", "SSH-2.0-x\r\n\r\n", /is no answer in HTTP/], ["HTTP/2", "HTTP/2.0 200 OK\r\n\r\n", /is no answer/],
    ["nothing", "", /ended in the middle/], ["half a head", `${OK}Content-Le`, /ended in the middle/],
    ["a folded field", `${OK}A: 1\r\n 2\r\n\r\n`, /is no header field/],
    ["a field without a colon", `${OK}tea\r\n\r\n`, /is no header field/],
    ["a space before the colon", `${OK}Content-Length : 1\r\n\r\nx`, /./],
    ["two lengths", `${OK}Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx`, /is no length/],
    ["a length below zero", `${OK}Content-Length: -1\r\n\r\n`, /is no length/],
    ["a length and chunks", `${CHUNKED}Content-Length: 1\r\n\r\n0\r\n\r\n`, /transfer coding/],
    ["a coding of its own", `${OK}Transfer-Encoding: tea\r\n\r\n`, /transfer coding "tea"/],
    ["chunks in HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", /transfer coding/],
    ["status 101", "HTTP/1.1 101 X\r\n\r\n", /status 101/], ["status 700", "HTTP/1.1 700 X\r\n\r\n", /status 700/],
    ["a head without end", `${OK}A: ${"x".repeat(70_000)}`, /too long/],
    ["fields without end", `${OK}${"A: x\r\n".repeat(12_000)}`, /too long/],
    ["interim answers without end", "HTTP/1.1 100 Go on\r\n\r\n".repeat(20), /without end/],
  ] as const) {
    it(`with a TypeError at a head that is wrong: ${what}`, async () => {
      const { at, fetch, count, end } = raw(text);
      await assert.rejects(fetch(at), failed(words));
      while (count.open > 0) await new Promise(setImmediate);
      end();
    });
  }

  for (const [what, text, words] of [
    ["short of its length", `${OK}Content-Length: 5\r\n\r\nxx`, /ended in the middle/],
    ["no size of a chunk", `${CHUNKED}\r\ntea\r\n`, /is no size/],
    ["a size too large to be one", `${CHUNKED}\r\n${"f".repeat(13)}\r\n`, /is no size/],
    ["a chunk beyond its size", `${CHUNKED}\r\n1\r\nxy\r\n0\r\n\r\n`, /longer than|too long/],
    ["a size that LF alone ends", `${CHUNKED}\r\n1\nx\r\n0\r\n\r\n`, /in LF alone/],
    ["a chunk that LF alone ends", `${CHUNKED}\r\n1\r\nx\n0\r\n\r\n`, /in LF alone/],
    ["a last chunk that LF alone ends", `${CHUNKED}\r\n0\n\r\n`, /in LF alone/],
    ["no last chunk", `${CHUNKED}\r\n1\r\nx\r\n`, /ended in the middle/],
    ["a trailer that is no field", `${CHUNKED}\r\n0\r\ntea\r\n\r\n`, /is no header field/],
  ] as const) {
    it(`with a TypeError in a body that is wrong: ${what}`, async () => {
      const { at, fetch, count, end } = raw(text), response = await fetch(at);
      await assert.rejects(response.text(), failed(words));
      while (count.open > 0) await new Promise(setImmediate);
      end();
    });
  }

  it("leaves interim answers out, and takes a length that is said twice", async () => {
    const interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n";
    const { at, fetch, end } = raw(`${interim}${OK}Content-Length: 1\r\nContent-Length: 1\r\n\r\nx`);
    const response = await fetch(at);
    assert.deepEqual([response.status, response.headers.get("link"), await response.text()], [200, null, "x"]);
    end();
  });

  it("ends connections that waited for long enough, and all that wait when it is closed", async () => {
    const short = web((_request, response) => void response.end("x"), { idleMs: 1 });
    await (await short.fetch(short.at)).text();
    while (short.count.open > 0) await new Promise((resolve) => setTimeout(resolve, 1));
    short.end();
    const long = web((_request, response) => void response.end("x"));
    await (await long.fetch(long.at)).text();
    assert.equal(long.count.open, 1);
    long.fetch.close();
    while (long.count.open > 0) await new Promise((resolve) => setTimeout(resolve, 1));
    long.end();
  });
});

describe("stint/fetch: no connection is lost to its origin", () => {
  const OK = "HTTP/1.1 200 OK\r\n", options = { connections: 1 };
  const gone = async (count: { open: number }): Promise<void> => {
    while (count.open > 0) await new Promise(setImmediate);
  };

  it("by an answer that the platform's Response does not take", async () => {
    const { at, fetch, count, end } = raw("HTTP/1.1 200 \x01\0\r\nContent-Length: 0\r\n\r\n", options);
    for (let i = 0; i < 3; i++) await assert.rejects(fetch(at), failed(/is no answer/));
    assert.equal(count.all, 3);
    await gone(count);
    end();
  });

  it("by a redirect that is not followed", async () => {
    for (const to of ["https://10.0.0.2/", "http://a:b@10.0.0.2/", "http://[", "ftp:x"]) {
      const text = `HTTP/1.1 302 Found\r\nLocation: ${to}\r\nContent-Length: 5\r\n\r\nmoved`;
      const { at, fetch, count, end } = raw(text, { closes: false, ...options });
      for (let i = 0; i < 3; i++) await assert.rejects(fetch(at), TypeError);
      for (let i = 0; i < 3; i++) await assert.rejects(fetch(at, { redirect: "error" }), TypeError);
      await gone(count);
      end();
    }
  });

  it("by a signal, while nobody reads the body; what was read ahead is not told then", async () => {
    const part = `${OK}Content-Length: 100000\r\n\r\n${"x".repeat(40_000)}`;
    const { at, fetch, count, end } = raw(part, { closes: false, ...options });
    const why = new Error("enough");
    for (let i = 0; i < 3; i++) {
      const stopper = new AbortController(), response = await fetch(at, { signal: stopper.signal });
      stopper.abort(why);
      await gone(count);
      await assert.rejects(response.text(), (e) => e === why);
    }
    end();
  });

  it("by a short body that nobody reads; it is told when somebody asks, but for a signal", async () => {
    const { at, fetch, count, end } = web(({ url }, response) => {
      if (url === "/chunks") response.write("x");
      response.end(url === "/none" ? "" : "x".repeat(1000));
    }, options);
    const all: Response[] = [], stopper = new AbortController(), why = new Error("enough");
    for (const path of ["none", "length", "chunks", "none"])
      all.push(await fetch(`${at}/${path}`, { signal: stopper.signal }));
    assert.equal(count.all, 1);
    assert.deepEqual([await all[0]!.text(), (await all[1]!.text()).length, count.all], ["", 1000, 1]);
    stopper.abort(why);
    await assert.rejects(all[2]!.text(), (e) => e === why);
    end();
  });

  /** A stack's `connect` that tells each signal it is given. */
  const dialer = (told: (signal: AbortSignal, i: number) => void) => {
    let dials = 0;
    const connect: Stack["connect"] = (to) => {
      told(to.signal!, ++dials);
      return a.connect(to);
    };
    return { connect };
  };

  it("nor had twice: who had to wait for his turn keeps others out", async () => {
    let dials = 0, third: Promise<Response> | undefined;
    const fetch = createFetch(dialer((_signal, i) => (dials = i)), options);
    const { at, end } = web((request, response) => void (async () => {
      if (request.url === "/2") {
        third = fetch(`${at}/3`);
        for (let i = 0; i < 5; i++) await new Promise(setImmediate);
        assert.equal(dials, 2);
      }
      response.writeHead(200, { connection: "close" }).end("x");
    })());
    const texts = [1, 2].map(async (i) => (await fetch(`${at}/${i}`)).text());
    assert.deepEqual([...await Promise.all(texts), await (await third!).text(), dials], ["x", "x", "x", 3]);
    fetch.close();
    end();
  });

  it("nor made, where a signal said no between two requests", async () => {
    const stopper = new AbortController(), why = new Error("enough");
    let dials = 0;
    // The first connection ends since its answer leads elsewhere.
    const fetch = createFetch(dialer((signal, i) => {
      dials = i;
      signal.addEventListener("abort", () => stopper.abort(why));
    }), options);
    const { at, end } = raw("HTTP/1.1 302 Found\r\nLocation: http://10.0.0.99/\r\n\r\n", { closes: false });
    await assert.rejects(fetch(at, { signal: stopper.signal }), (e) => e === why);
    assert.equal(dials, 1);
    fetch.close();
    end();
  });

  it("nor a stream that was to be sent: it is cancelled when nobody wants it any more", async () => {
    const { at, fetch, count, end } = raw(`${OK}Content-Length: 0\r\n\r\n`, { closes: false, ...options });
    const told: unknown[] = [], why = new Error("enough");
    const stream = (): ReadableStream => new ReadableStream({
      start: (c) => c.enqueue(octets("some")), pull: () => new Promise(() => {}), cancel: (e) => void told.push(e),
    });
    // Answered, refused, stopped before it began.
    for (let i = 1; i < 3; i++) {
      await (await fetch(at, { method: "POST", body: stream() })).text();
      await gone(count);
      assert.equal(told.length, i);
    }
    await assert.rejects(fetch(`http://${B}:9/`, { method: "POST", body: stream() }), TypeError);
    await assert.rejects(
      fetch(at, { method: "POST", body: stream(), signal: AbortSignal.abort(why) }), (e) => e === why,
    );
    const stopper = new AbortController();
    const endless = new Request(at, { method: "POST", body: stream(), duplex: "half" } as RequestInit);
    const waits = fetch(endless, { signal: stopper.signal });
    stopper.abort(why);
    await assert.rejects(waits, (e) => e === why);
    assert.equal(told.length, 4);
    const locked = stream();
    locked.getReader();
    await assert.rejects(fetch(at, { method: "POST", body: locked }), failed(/read by somebody else/));
    assert.equal(count.all, 2);
    end();
  });

  it("nor bytes, where a reader gives the memory of a piece away", async () => {
    const { at, fetch, end } = raw(`${OK}Transfer-Encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n`);
    const { port1, port2 } = new MessageChannel(), pieces: string[] = [];
    for await (const piece of (await fetch(at)).body as unknown as AsyncIterable<Uint8Array<ArrayBuffer>>) {
      pieces.push(Buffer.from(piece).toString());
      port1.postMessage(piece, [piece.buffer]);
    }
    assert.deepEqual(pieces, ["one", "two"]);
    port1.close();
    port2.close();
    end();
  });
});

it("stint/fetch: numbers that make no sense, and what it does not do, are refused at once", async () => {
  for (const options of [{ connections: 0 }, { connections: NaN }, { idleMs: -1 }, { idleMs: Infinity }])
    assert.throws(() => createFetch(a, options), RangeError);
  const { at, fetch, end } = web((_request, response) => void response.end("x"));
  await assert.rejects(fetch(at, { integrity: "sha256-AAAA" }), failed(/integrity/));
  const request = new Request(at, { signal: AbortSignal.abort() });
  assert.equal(await (await fetch(request, { signal: null })).text(), "x");
  end();
});

it("stint/fetch: the file asks for nothing, and is small", () => {
  const file = readFileSync("build/fetch.js", "utf8");
  assert.doesNotMatch(file, /\bimport\b|\brequire\b|node:/);
  assert.ok(brotliCompressSync(file).length < 4096, `${brotliCompressSync(file).length} bytes`);
});
