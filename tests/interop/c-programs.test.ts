/**
 * C programs that nobody here wrote, over host/bsd and unchanged, with real peers. They are compiled from the sources
 * of Debian's packages (c-build.ts, tools/c-programs.sh). Each runs over NAT to this machine, whose loopback is
 * 10.0.2.2: frames go over descriptor 3, and what the program prints is its own. No root is needed.
 */
import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type Server as NetServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { completed, said, until } from "../harness/programs.js";
import { build, sources, type Name, type Over } from "./c-build.js";
import { lacks } from "./lab.js";
import { HOST, LIMIT_MS, open, READY, Running, underWasmtime } from "./over-nat.js";
import { freePort, Recipes, Server, type Recipe } from "./servers.js";

const NEEDS = ["c-programs", "gcc"];
const scratch = mkdtempSync(join(tmpdir(), "stint-c-")), recipes = new Recipes(scratch);
after(async () => {
  await Promise.all([...open].map((what) => what.stop()));
  rmSync(scratch, { recursive: true, force: true });
});

/** Each is compiled once. */
const made = new Map<string, Promise<string>>();
function compiled(name: Name, over: Over): Promise<string> {
  const key = `${name}-${over}`, program = made.get(key) ?? build(name, over, scratch);
  made.set(key, program);
  return program;
}

async function serve(recipe: Recipe): Promise<Server> {
  const server = new Server(recipe);
  open.add({ stop: () => server.stop("SIGKILL") });
  return server.start();
}

/** Runs a program to its end, which has to be a good one. Returns what it printed. */
async function run(name: Name, args: string[], { input = "", status = 0, err = READY } = {}): Promise<string> {
  const running = new Running([await compiled(name, "stint"), ...args], { cwd: scratch });
  running.child.stdin!.end(input);
  assert.equal(await running.ended(), status, `${name}: ${running.out}\n${running.err}`);
  assert.equal(running.err, err, name);
  return running.out;
}

/** The same under wasmtime, where what it prints goes to standard error. */
async function runWasi(name: Name, args: string[]): Promise<string> {
  const at = await compiled(name, "wasi");
  const running = new Running(underWasmtime(at, args), { pipes: true, cwd: scratch });
  assert.equal(await running.ended(), 0, `${name}: ${running.err}`);
  return running.err.replace(READY, "");
}

const WASI = ["c-programs", "clang", "wasm-ld", "wasmtime"];
/** What nginx has. */
const MANY = "one of many lines\n".repeat(20_000);

/** What hiredis' example prints. */
const EXAMPLE = [
  "PING: PONG", "SET: OK", "SET (binary API): OK", "GET foo: hello world", "INCR counter: 1", "INCR counter: 2",
  ...[9, 8, 7, 6, 5, 4, 3, 2, 1, 0].map((i) => `${9 - i}) element-${i}`), "",
].join("\n");

describe("clients in C", () => {
  it("hiredis' example, with Redis", async (t) => {
    if (lacks(t, ...NEEDS, "redis-server")) return;
    const { port } = await serve(recipes.redis());
    assert.equal(await run("hiredis", [HOST, `${port}`]), EXAMPLE);
  });

  it("redis-cli, with Redis", async (t) => {
    if (lacks(t, ...NEEDS, "redis-server")) return;
    const { port } = await serve(recipes.redis()), cli = ["-h", HOST, "-p", `${port}`];
    assert.equal(await run("redis-cli", [...cli, "set", "key", "4321"]), "OK\n");
    assert.equal(await run("redis-cli", [...cli, "-x", "set", "large"], { input: MANY }), "OK\n");
    assert.equal(await run("redis-cli", [...cli, "get", "large"]), `${MANY}\n`);
    const inserts = Array.from({ length: 2000 }, (_, i) => `SET many:${i} ${i}\r\n`).join("");
    assert.match(await run("redis-cli", [...cli, "--pipe"], { input: inserts }), /errors: 0, replies: 2000/);
    const script = ["dbsize", "get key", "incr key", "nonsense"].join("\n");
    assert.match(await run("redis-cli", cli, { input: script }), /^2002\n4321\n4322\nERR unknown command/);
  });

  it("mosquitto_pub and mosquitto_sub, with Mosquitto", async (t) => {
    if (lacks(t, ...NEEDS, "mosquitto")) return;
    const broker = await serve(recipes.mosquitto()), to = ["-h", HOST, "-p", `${broker.port}`];
    // The broker keeps them for who subscribes.
    for (const qos of ["0", "1", "2"])
      await run("mosquitto_pub", [...to, "-t", `a/${qos}`, "-r", "-q", qos, "-m", `QoS ${qos}`]);
    const file = join(scratch, "message");
    writeFileSync(file, MANY);
    await run("mosquitto_pub", [...to, "-t", "b", "-r", "-q", "2", "-f", file]);
    const few = await run("mosquitto_sub", [...to, "-t", "a/#", "-q", "2", "-v", "-C", "3"]);
    assert.deepEqual(few.trim().split("\n").sort(), ["a/0 QoS 0", "a/1 QoS 1", "a/2 QoS 2"]);
    assert.equal(await run("mosquitto_sub", [...to, "-t", "b", "-q", "2", "-C", "1"]), `${MANY}\n`);
  });

  it("curl, with nginx", async (t) => {
    if (lacks(t, ...NEEDS, "nginx")) return;
    const { port } = await serve(recipes.nginx()), at = `http://${HOST}:${port}`;
    const quiet = ["-sS", "--no-progress-meter"];
    assert.equal(await run("curl", [...quiet, `${at}/many.txt`]), MANY);
    assert.equal(await run("curl", [...quiet, "-L", `${at}/moved`, "-w", "%{num_redirects}\n"]), "hello\n1\n");
    // Three by one connection, then many at a time by several.
    const each = ["-w", "%{http_code} %{num_connects}\n", "-o", "/dev/null"];
    const three = [`${at}/hello`, `${at}/none`, `${at}/away`].flatMap((url) => [...each, url]);
    assert.equal(await run("curl", [...quiet, ...three]), "200 1\n404 0\n503 0\n");
    const twelve = Array.from({ length: 12 }, () => ["-o", "/dev/null", `${at}/many.txt`]).flat();
    assert.equal(
      await run("curl", [...quiet, "-Z", "--parallel-max", "6", "-w", "%{size_download}\n", ...twelve]),
      `${MANY.length}\n`.repeat(12),
    );
    const file = join(scratch, "upload");
    writeFileSync(file, MANY.repeat(4));
    assert.equal(await run("curl", [...quiet, "-T", file, `${at}/put`, "-w", "%{http_code}"]), "201");
    assert.equal(await run("curl", [...quiet, `${at}/put`]), MANY.repeat(4));
    const nobody = await freePort();
    await run("curl", ["-s", `http://${HOST}:${nobody}/`], { status: 7 });
  });

  it("Lua with luasocket, with nginx and a datagram's echo", async (t) => {
    if (lacks(t, ...NEEDS, "nginx")) return;
    const { port } = await serve(recipes.nginx()), echo = createSocket("udp4");
    echo.on("message", (text, from) => echo.send(text, from.port, from.address));
    await new Promise<void>((resolve) => echo.bind(0, "127.0.0.1", resolve));
    open.add({ stop: () => echo.close() });
    const from = join(sources, "lua-socket/src");
    // Debian has these files in folders that Lua looks in.
    const script = `package.path = "${from}/?.lua"
      package.preload["socket.core"] = package.loadlib("", "luaopen_socket_core")
      package.preload["mime.core"] = package.loadlib("", "luaopen_mime_core")
      for _, name in ipairs { "http", "url", "headers" } do
        package.preload["socket." .. name] = loadfile("${from}/" .. name .. ".lua")
      end
      local socket, http, ltn12 = require "socket", require "socket.http", require "ltn12"
      local body, code = http.request("http://${HOST}:${port}/many.txt")
      print(#body, code)
      print((select(2, http.request { method = "PUT", url = "http://${HOST}:${port}/lua",
        source = ltn12.source.string(body), headers = { ["content-length"] = #body } })))
      print(http.request("http://${HOST}:${port}/lua") == body)
      print(socket.connect("${HOST}", ${await freePort()}))
      local udp = socket.udp()
      udp:settimeout(60)
      print(udp:sendto("over UDP", "${HOST}", ${echo.address().port}))
      print(udp:receivefrom())
      local server = socket.bind("*", 0)
      local client = socket.connect("127.0.0.1", (select(2, server:getsockname())))
      local peer = server:accept()
      print(#socket.select({ peer }, nil, 0))
      client:send("a line\\n")
      print(#socket.select({ peer, server }, nil, 60), peer:receive())
      peer:settimeout(0.01)
      print(peer:receive())
    `;
    const printed = await run("lua", ["-e", script]);
    assert.deepEqual(printed.trim().split("\n"), [
      `${MANY.length}\t200`, "201", "true", "nil\tconnection refused", "8.0",
      `over UDP\t${HOST}\t${echo.address().port}`, "0", "1\ta line\tnil\tnil", "nil\ttimeout",
    ]);
  });

  it("iperf3, with iperf3 over the kernel's sockets", async (t) => {
    if (lacks(t, ...NEEDS)) return;
    const server = await serve({
      program: await compiled("iperf3", "kernel"), args: (p) => ["-s", "--forceflush", "-p", `${p}`],
      says: "Server listening",
    });
    for (const how of [[], ["-R"], ["-u", "-b", "1M"], ["-P", "3"]]) {
      const printed = await run("iperf3", ["-c", HOST, "-p", `${server.port}`, "-t", "1", "-J", ...how]);
      const { end, error } = JSON.parse(printed) as { end: Record<string, Record<string, number>>; error?: string };
      const sum = end["sum_received"] ?? end["sum"];
      assert.ok(error === undefined && sum!["bytes"]! > 0, `${how.join(" ")}: ${printed}`);
    }
  });

  it("netcat", async (t) => {
    if (lacks(t, ...NEEDS)) return;
    const { port } = await answering();
    assert.equal(await run("netcat", [HOST, `${port}`], { input: `${MANY}\n` }), `${MANY}\n`.toUpperCase());
  });
});

/** A server that answers what it was sent, in capitals, once an empty line has come: this netcat sends no FIN. */
async function answering(): Promise<{ port: number }> {
  const server: NetServer = createServer((socket) => {
    let text = "";
    socket.setEncoding("utf8").on("error", () => {}).on("data", (data: string) => {
      text += data;
      if (text.endsWith("\n\n")) socket.end(text.toUpperCase());
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  open.add({ stop: () => server.close() });
  return server.address() as { port: number };
}

describe("servers in C", () => {
  it("netcat -l", async (t) => {
    if (lacks(t, ...NEEDS)) return;
    const port = await freePort();
    const command = [await compiled("netcat", "stint"), "-v", "-n", "-l", "-p", `${port}`];
    const server = new Running(command, { port, cwd: scratch });
    await said(server.child, "listening on");
    server.child.stdin!.write("hello from netcat\n");
    const client = connect(port, "127.0.0.1"), chunk = await once(client, "data") as [Buffer];
    assert.equal(`${chunk[0]}`, "hello from netcat\n");
    client.end(MANY);
    assert.equal(await server.ended(), 0, server.err);
    assert.equal(server.out, MANY);
  });

  it("libmicrohttpd's file server, with curl", async (t) => {
    if (lacks(t, ...NEEDS, "curl")) return;
    const port = await freePort(), seconds = LIMIT_MS / 1000;
    writeFileSync(join(scratch, "many.txt"), MANY);
    const command = [await compiled("fileserver", "stint"), `${port}`, `${seconds}`];
    const server = new Running(command, { port, cwd: scratch });
    const at = `http://127.0.0.1:${port}`, curl = (...args: string[]): Promise<string> => completed("curl", args);
    await until("the server answers", () => curl("-sS", `${at}/none`).then(() => true, () => false), LIMIT_MS);
    assert.equal(await curl("-sS", `${at}/many.txt`), MANY);
    const each = ["-w", "%{http_code} %{num_connects}\n", "-o", "/dev/null"];
    const three = [`${at}/many.txt`, `${at}/none`, `${at}/many.txt`].flatMap((url) => [...each, url]);
    assert.equal(await curl("-sS", ...three), "200 1\n404 0\n200 0\n");
    const many = Array.from({ length: 20 }, () => ["-o", "/dev/null", `${at}/many.txt`]).flat();
    const sizes = await curl("-sS", "-Z", "--parallel-max", "8", "-w", "%{size_download}\n", ...many);
    assert.equal(sizes, `${MANY.length}\n`.repeat(20));
    await server.stop();
    assert.equal(server.err, READY);
  });
});

describe("C programs under wasmtime", () => {
  it("hiredis' example, with Redis", async (t) => {
    if (lacks(t, ...WASI, "redis-server")) return;
    const { port } = await serve(recipes.redis());
    assert.equal(await runWasi("hiredis", [HOST, `${port}`]), EXAMPLE);
  });

  it("mosquitto_pub, with Mosquitto", async (t) => {
    if (lacks(t, ...WASI, "mosquitto")) return;
    const broker = await serve(recipes.mosquitto()), to = ["-h", HOST, "-p", `${broker.port}`, "-t", "a"];
    const printed = await runWasi("mosquitto_pub", [...to, "-q", "2", "-m", "hello", "-d"]);
    assert.match(printed, /sending PUBLISH[^]*received PUBREC[^]*sending PUBREL[^]*received PUBCOMP/);
  });
});
