/**
 * Programs over `stint/net`: Node's own protocols and some packages, within this process, and whole programs that
 * know nothing of the stack, with `node --import stint/register`. Those are built: build/register.js.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import http from "node:http";
import http2 from "node:http2";
import https from "node:https";
import kernel from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Duplex } from "node:stream";
import tls from "node:tls";
import dgram, { type RemoteInfo } from "../../host/node/dgram.js";
import net, { type Server, type Socket } from "../../host/node/net.js";
import { findProgram } from "../../host/programs.js";
import { Stack, streamLink, type Link } from "../../host/index.js";
import { A, B, pair } from "../harness/cable.js";
import { QNAME, readQuery, record, response } from "../harness/dns.js";
import { environment, started, succeeded } from "../harness/programs.js";

const scratch = mkdtempSync(join(tmpdir(), "stint-node-"));
after(() => rmSync(scratch, { recursive: true }));

const text = async (from: AsyncIterable<unknown>): Promise<string> => {
  let all = "";
  for await (const chunk of from) all += String(chunk);
  return all;
};

const OPENSSL = findProgram("openssl") ? undefined : "needs openssl; apt-get install openssl";
let made: { key: string; cert: string } | undefined;
/** A key, and a certificate for stint.test. */
function certificate(): { key: string; cert: string } {
  const [key, cert] = [join(scratch, "key.pem"), join(scratch, "cert.pem")];
  if (!made) {
    succeeded("openssl", [
      "req",
      "-x509",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:prime256v1",
      "-nodes",
      "-days",
      "1",
      "-subj",
      "/CN=stint.test",
      "-addext",
      `subjectAltName=DNS:stint.test,IP:${A},IP:${B}`,
      "-keyout",
      key,
      "-out",
      cert,
    ]);
    made = { key: readFileSync(key, "utf8"), cert: readFileSync(cert, "utf8") };
  }
  return made;
}

/** A server of Node's own kind behind one of ours. */
async function serve(
  node: { emit(name: "connection", socket: Socket): boolean },
  stack: Stack,
  port = 0,
): Promise<Server> {
  const server = net
    .createServer({ stack, allowHalfOpen: true }, (socket) => void node.emit("connection", socket))
    .listen(port);
  await once(server, "listening");
  return server;
}

interface Answer {
  status: number | undefined;
  body: string;
  local: number | undefined;
}
function get(module: typeof http | typeof https, options: https.RequestOptions, body?: string): Promise<Answer> {
  return new Promise((done, fail) => {
    module
      .request(options, (response) => {
        const local = response.socket.localPort;
        text(response).then((got) => done({ status: response.statusCode, body: got, local }), fail);
      })
      .on("error", fail)
      .end(body);
  });
}

/** As much of a server for SMTP (RFC 5321, RFC 3207) as takes one letter. */
function smtp(socket: Duplex, letters: string[], { greets = true } = {}): void {
  let input = "",
    letter = false;
  if (greets) socket.write("220 stint.test\r\n");
  const answer = (line: string): void => {
    if (letter) {
      letter = line !== ".";
      if (letter) letters.push(`${line}\r\n`);
      else socket.write("250 taken\r\n");
    } else if (line === "STARTTLS") {
      socket.removeAllListeners("data");
      socket.write("220 go on\r\n");
      smtp(new tls.TLSSocket(socket, { isServer: true, ...certificate() }), letters, { greets: false });
    } else if (line === "DATA") {
      letter = true;
      socket.write("354 go on\r\n");
    } else if (line === "QUIT") socket.end("221 bye\r\n");
    else socket.write(line.startsWith("EHLO") && greets ? "250-stint.test\r\n250 STARTTLS\r\n" : "250 yes\r\n");
  };
  socket.on("data", (chunk: Buffer) => {
    const lines = (input + chunk.toString()).split("\r\n");
    input = lines.pop()!;
    for (const line of lines) answer(line);
  });
}

describe("over stint/net, in one process", () => {
  let a: Stack, b: Stack;
  before(async () => ({ a, b } = await pair({ connsMax: 64 })));
  after(() => Promise.all([a.close(0), b.close(0)]));
  const dial = (options: object): never => net.connect({ ...options, stack: a }) as never;

  it("node:http, with createConnection, and with an agent that keeps its connection", async () => {
    const web = http.createServer((request, response) => {
      void text(request).then((body) => response.end(`${request.method} ${request.url} ${body}`));
    });
    const server = await serve(web, b),
      { port } = server.address()!;
    const once_ = await get(http, { host: B, port, path: "/one", createConnection: dial, method: "POST" }, "body");
    assert.deepEqual([once_.status, once_.body], [200, "POST /one body"]);
    const agent = new http.Agent({ keepAlive: true, maxSockets: 2 });
    (agent as unknown as { createConnection: typeof dial }).createConnection = dial;
    const ports = new Set<number | undefined>();
    for (let i = 0; i < 5; i++) {
      const { body, local } = await get(http, { host: B, port, path: `/${i}`, agent });
      assert.equal(body, `GET /${i} `);
      ports.add(local);
      await new Promise(setImmediate);
    }
    assert.equal(ports.size, 1, "one connection for all");
    const many = await Promise.all([...Array(8).keys()].map((i) => get(http, { host: B, port, path: `/${i}`, agent })));
    assert.deepEqual(
      many.map(({ body }) => body),
      [...Array(8).keys()].map((i) => `GET /${i} `),
    );
    assert.ok(new Set(many.map(({ local }) => local)).size <= 2);
    // What waits in the agent closes when the server's time for it is over.
    web.keepAliveTimeout = 20;
    agent.destroy();
    await new Promise((closed) => server.close(closed));
    await assert.rejects(get(http, { host: B, port, createConnection: dial }), {
      code: "ECONNREFUSED",
      address: B,
      port,
    });
  });

  it("node:http, whose server's keepAliveTimeout ends connections that wait", async () => {
    const web = http.createServer((_request, response) => response.end("x")),
      server = await serve(web, b),
      { port } = server.address()!;
    web.keepAliveTimeout = 30;
    const socket = net.connect({ host: B, port, stack: a });
    socket.write("GET / HTTP/1.1\r\nHost: stint.test\r\n\r\n");
    assert.match(await text(socket), /^HTTP\/1.1 200 OK\r\n[^]*Connection: keep-alive/);
    await new Promise((closed) => server.close(closed));
  });

  it("node:https, node:tls and node:http2, both sides", async (t) => {
    if (OPENSSL) return t.skip(OPENSSL);
    const { key, cert } = certificate(),
      to = { host: B, servername: "stint.test", ca: cert };
    const web = await serve(
      https.createServer({ key, cert }, (request, response) => response.end(`secure ${request.url}`)),
      b,
    );
    const { port } = web.address()!,
      agent = new https.Agent({ keepAlive: true });
    (agent as unknown as { createConnection: unknown }).createConnection = (o: object) =>
      tls.connect({ ...o, socket: dial({ host: B, port }) });
    for (const path of ["/1", "/2"])
      assert.equal((await get(https, { ...to, port, path, agent })).body, `secure ${path}`);
    agent.destroy();
    const echo = await serve(
      tls.createServer({ key, cert }, (socket) => socket.pipe(socket)),
      b,
    );
    const socket = tls.connect({ ...to, socket: dial({ host: B, port: echo.address()!.port }) });
    socket.end(Buffer.alloc(300_000, "tls"));
    assert.equal((await text(socket)).length, 300_000);
    const h2 = http2.createSecureServer({ key, cert }, (request, response) => response.end(`two ${request.url}`)),
      two = await serve(h2, b);
    const session = http2.connect("https://stint.test", {
      ca: cert,
      createConnection: () =>
        tls.connect({ ...to, ALPNProtocols: ["h2"], socket: dial({ host: B, port: two.address()!.port }) }),
    });
    assert.equal(await text(session.request({ ":path": "/x" })), "two /x");
    session.close();
    await Promise.all([web, echo, two].map((server) => new Promise((closed) => server.close(closed))));
  });

  it("node:tls tells of a connection that fails", async () => {
    const inner = dial({ host: B, port: 9 }) as Socket,
      [e] = (await once(inner, "error")) as [NodeJS.ErrnoException];
    assert.equal(e.code, "ECONNREFUSED");
  });
});

describe("node --import stint/register", () => {
  /** The peer: what programs talk to, at 10.0.0.1. */
  let peer: Stack, hub: kernel.Server;
  const path = join(scratch, "link"),
    home = join(scratch, "program"),
    open = new Set<kernel.Socket>();

  before(async () => {
    // A program of somebody's, with stint installed.
    mkdirSync(join(home, "node_modules"), { recursive: true });
    symlinkSync(resolve("."), join(home, "node_modules", "stint"));
    for (const name of ["axios", "nodemailer", "ws"]) {
      symlinkSync(resolve("node_modules", name), join(home, "node_modules", name));
    }
    const link: Link = { send() {}, onFrame() {}, onClose() {}, close() {} };
    hub = kernel
      .createServer((socket) => {
        open.add(socket);
        const now = streamLink(socket, socket, () => socket.destroy());
        now.onFrame = (frame) => link.onFrame(frame);
        link.send = (frame) => now.send(frame);
      })
      .listen(path);
    peer = await Stack.open({ link, ip: `${A}/24` });
  });
  after(async () => {
    await peer.close(0);
    for (const socket of open) socket.destroy();
    hub.close();
  });

  interface Run {
    status: number | null;
    out: string;
    err: string;
  }
  function run(name: string, program: string, env: NodeJS.ProcessEnv = {}, said?: (out: string) => void): Promise<Run> {
    writeFileSync(join(home, name), program);
    const child = started(process.execPath, ["--import", "stint/register", name], {
      cwd: home,
      env: environment({ STINT_LINK: `stream:${path}`, STINT_IP: `${B}/24`, ...env }),
      timeout: 20_000,
    });
    let out = "",
      err = "";
    child.stdout.on("data", (chunk: Buffer) => {
      out += chunk.toString();
      said?.(out);
    });
    child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()));
    return new Promise((done) => child.on("close", (status) => done({ status, out, err })));
  }
  const prints = (r: Run, out: string): void => assert.deepEqual([r.status, r.out, r.err], [0, out, ""]);

  it("runs a client with require, which ends by itself, with its last bytes delivered", async () => {
    const got: Promise<string>[] = [],
      server = net.createServer({ stack: peer }, (socket) => got.push(text(socket))).listen(5001);
    const r = await run(
      "client.cjs",
      `
      const net = require("net"), { connect } = require("node:net");
      const socket = connect(5001, "${A}", () => {
        console.log(socket instanceof net.Socket, socket.localAddress);
        socket.end("x".repeat(100000));
      });
    `,
    );
    prints(r, `true ${B}\n`);
    assert.equal((await got[0]!).length, 100_000);
    await new Promise((closed) => server.close(closed));
  });

  it("gives dgram and dns, by require and by import, on the stack", async () => {
    const echo = dgram.createSocket({ type: "udp4", stack: peer });
    echo.on("message", (data: Buffer, from: RemoteInfo) => echo.send(data, from.port, from.address)).bind(5003);
    // A server that knows one name (RFC 1035).
    const names = dgram.createSocket({ type: "udp4", stack: peer }, (data: Buffer, from: RemoteInfo) => {
      const query = readQuery(data),
        answers = query.type === 1 ? [record(QNAME, 1, 60, [10, 0, 0, 1])] : [];
      names.send(response(query, { answers }), from.port, from.address);
    });
    names.bind(53);
    const body = `
      const socket = dgram.createSocket("udp4");
      socket.once("message", (data, from) => {
        console.log(String(data), from.address);
        dns.lookup("peer.test", (e, address) => {
          console.log(e, address);
          promises.resolve4("peer.test").then(([first]) => console.log(first, socket.close() === socket));
        });
      });
      socket.send("hello", 5003, "peer.test");`;
    const required = `const dgram = require("dgram"), dns = require("node:dns");
      const promises = require("dns/promises");${body}`;
    const imported = `import dgram from "node:dgram";
      import dns from "dns";
      import promises from "node:dns/promises";${body}`;
    for (const [name, text_] of [["udp.cjs", required], ["udp.mjs", imported]] as const) {
      prints(await run(name, text_, { STINT_DNS: A }), `hello ${A}\nnull ${A}\n${A} true\n`);
    }
    echo.close();
    names.close();
  });

  it("runs a client and a server with import, over http and https, on the stack and not on the kernel", async (t) => {
    if (OPENSSL) return t.skip(OPENSSL);
    const { key, cert } = certificate();
    const web = http.createServer((request, response) => response.end(`for ${request.socket.remoteAddress}`));
    const secure = https.createServer({ key, cert }, (request, response) => response.end(`secure ${request.url}`));
    const servers = [await serve(web, peer, 80), await serve(secure, peer, 443)];
    const asked: Promise<unknown>[] = [];
    const dial = (port: number) => (): never => net.connect({ host: B, port, stack: peer }) as never;
    const r = await run(
      "both.mjs",
      `
      import http from "node:http";
      import https, { get } from "https";
      import { readFileSync } from "node:fs";
      import { isIP } from "net";
      const [key, cert] = ["key", "cert"].map((name) => readFileSync("../" + name + ".pem"));
      const text = async (from) => { let all = ""; for await (const chunk of from) all += chunk; return all; };
      const ask = (module, url, more = {}) => new Promise((done, fail) => {
        module.get(url, more, (r) => text(r).then(done)).on("error", fail);
      });
      const agent = new http.Agent({ keepAlive: true });
      console.log(isIP("${A}"), await ask(http, "http://${A}/"), await ask(http, "http://${A}/", { agent }));
      console.log(await ask(https, "https://${A}/page", { ca: cert }));
      console.log((await ask(https, "https://${A}:9/", { ca: cert }).catch((e) => e)).code);
      let left = 2;
      const over = () => {
        if (--left > 0) return;
        plain.close(() => console.log("closed", plain.listening));
        secure.close();
      };
      const plain = http.createServer((q, response) => response.end("plain " + q.socket.remoteAddress, over));
      const secure = https.createServer({ key, cert }, (q, response) => response.end("tls", over));
      plain.keepAliveTimeout = secure.keepAliveTimeout = 10;
      plain.listen(8080, () => secure.listen(8443, () => console.log("ready", plain.listening, plain.address().port)));
    `,
      {},
      (out) => {
        if (!out.includes("ready") || asked.length > 0) return;
        asked.push(get(http, { host: B, port: 8080, createConnection: dial(8080) }));
        asked.push(
          get(https, {
            host: B,
            servername: "stint.test",
            ca: cert,
            createConnection: () => tls.connect({ socket: dial(8443)(), servername: "stint.test", ca: cert }),
          }),
        );
      },
    );
    prints(r, `4 for ${B} for ${B}\nsecure /page\nECONNREFUSED\nready true 8080\nclosed false\n`);
    assert.deepEqual(
      ((await Promise.all(asked)) as Answer[]).map(({ body }) => body),
      [`plain ${A}`, "tls"],
    );
    await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))));
  });

  it("runs axios, over http and https, with an agent that keeps its connection", async (t) => {
    if (OPENSSL) return t.skip(OPENSSL);
    const ports = new Set<number | undefined>();
    const answer: http.RequestListener = (request, response) => {
      ports.add(request.socket.remotePort);
      void text(request).then((body) => response.end(JSON.stringify({ path: request.url, body })));
    };
    const servers = [
      await serve(http.createServer(answer), peer, 80),
      await serve(https.createServer(certificate(), answer), peer, 443),
    ];
    prints(
      await run(
        "axios.mjs",
        `
      import axios from "axios";
      import http from "node:http";
      import https from "node:https";
      import { readFileSync } from "node:fs";
      const httpAgent = new http.Agent({ keepAlive: true });
      const httpsAgent = new https.Agent({ ca: readFileSync("../cert.pem"), keepAlive: true });
      const client = axios.create({ httpAgent, httpsAgent });
      console.log(JSON.stringify((await client.get("http://${A}/plain")).data));
      console.log(JSON.stringify((await client.post("http://${A}/post", { a: 1 })).data));
      console.log(JSON.stringify((await client.get("https://${A}/secure")).data));
      console.log(await client.get("http://${A}:9/").catch((e) => e.code));
    `,
      ),
      [
        '{"path":"/plain","body":""}',
        '{"path":"/post","body":"{\\"a\\":1}"}',
        '{"path":"/secure","body":""}',
        "ECONNREFUSED\n",
      ].join("\n"),
    );
    assert.equal(ports.size, 2, "one connection for each agent");
    await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))));
  });

  it("runs ws, both sides", async () => {
    prints(
      await run(
        "ws.mjs",
        `
      import { WebSocket, WebSocketServer } from "ws";
      const server = new WebSocketServer({ port: 8080 });
      server.on("connection", (socket) => socket.on("message", (data, binary) => socket.send(data, { binary })));
      const client = new WebSocket("ws://${B}:8080/");
      client.on("open", () => client.send("x".repeat(100000)));
      client.on("message", (data) => { console.log(data.length); client.close(1000, "enough"); });
      client.on("close", (code, why) => { console.log(code, String(why)); server.close(); });
    `,
      ),
      "100000\n1000 enough\n",
    );
  });

  it("runs nodemailer, whose letter a server takes, with STARTTLS", async (t) => {
    if (OPENSSL) return t.skip(OPENSSL);
    const letters: string[] = [];
    const server = net.createServer({ stack: peer }, (socket) => smtp(socket, letters)).listen(25);
    const r = await run(
      "mail.mjs",
      `
      import { createTransport } from "nodemailer";
      const transport = createTransport({
        host: "${A}", port: 25, requireTLS: true, tls: { rejectUnauthorized: false },
      });
      const letter = { from: "a@stint.test", to: "b@stint.test", subject: "tea", text: "At five." };
      const sent = await transport.sendMail(letter);
      console.log(sent.response, sent.accepted.join());
    `,
    );
    prints(r, "250 taken b@stint.test\n");
    assert.match(letters.join(""), /^Subject: tea\r$[^]*^At five\.\r$/m);
    await new Promise((closed) => server.close(closed));
  });

  it("tells once of a node:tls connection that is refused, or whose certificate is nobody's", async (t) => {
    if (OPENSSL) return t.skip(OPENSSL);
    const web = https.createServer(certificate());
    const secure = net.createServer({ stack: peer }, (socket) => web.emit("connection", socket)).listen(8443);
    const r = await run(
      "failing.mjs",
      `
      import tls from "node:tls";
      for (const port of [9, 8443]) {
        const socket = tls.connect({ host: "${A}", port, servername: "stint.test" }), told = [];
        socket.on("error", (e) => told.push(e.code, socket.destroyed, socket.errored === e));
        await new Promise((closed) => socket.on("close", (hadError) => closed(told.push(hadError))));
        console.log(told.join());
      }
    `,
    );
    prints(r, "ECONNREFUSED,true,true,true\nDEPTH_ZERO_SELF_SIGNED_CERT,true,true,true\n");
    await new Promise((closed) => secure.close(closed));
  });

  it("lets a program end whose sockets and servers are unref'd, and not one with a server", async () => {
    prints(
      await run(
        "unref.mjs",
        `
      import net from "net";
      net.createServer().listen(7, () => console.log("up")).unref();
    `,
      ),
      "up\n",
    );
    const until = Date.now();
    prints(
      await run(
        "ref.mjs",
        `
      import net from "net";
      const server = net.createServer().listen(7);
      setTimeout(() => server.close(() => console.log("down")), 300).unref();
    `,
      ),
      "down\n",
    );
    assert.ok(Date.now() - until > 300);
  });

  it("leaves paths, child processes and standard streams to the kernel", async () => {
    prints(
      await run(
        "kernel.cjs",
        `
      const http = require("http"), { spawn } = require("child_process");
      const server = http.createServer((q, r) => r.end("path")).listen("./own.sock", () => {
        http.get({ socketPath: "./own.sock", path: "/x", agent: false }, (r) => {
          r.on("data", (d) => console.log(String(d))).on("end", () => server.close());
        });
      });
      spawn(process.execPath, ["-p", "'child'"]).stdout.on("data", (d) => console.log(String(d).trim()));
    `,
      ).then((r) => ({ ...r, out: r.out.trim().split("\n").sort().join(" ") })),
      "child path",
    );
  });

  it("says in one line what is wrong with the environment", async () => {
    for (const [env, line] of [
      [{ STINT_LINK: undefined }, "there is no stack"],
      [{ STINT_LINK: "cord:1" }, 'stint: "cord:1" is no link'],
      [{ STINT_IP: "10.0.0.2" }, '"10.0.0.2" is no address with a prefix'],
      [{ STINT_PORTS: "x" }, "STINT_PORTS"],
    ] as const) {
      const r = await run("none.mjs", "console.log('ran')", env);
      assert.deepEqual([r.status, r.out, r.err.trim().split("\n").length], [1, "", 1], r.err);
      assert.ok(r.err.includes(line), r.err);
    }
  });
});
