/** The component under wasmtime: composed with an application, and the kernel as its peer. */
import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { applicationOf, component, run, sockets } from "../../tools/component.js";
import { Lab, lacks, missing } from "./lab.js";
import { said, succeeded } from "../harness/programs.js";

describe("the component under wasmtime", () => {
  it("composed with an echo server: the kernel gets back what it sent, four times at once; "
      + "who asks wrongly is told", async (t) => {
    if (lacks(t, "root", "tap", "ip", "nc", "clang", "wasm-ld", "wasmtime", "wac")) return;
    const lab = new Lab();
    try {
      await component(lab.file("stint"));
      writeFileSync(
        lab.file("echo.wasm"),
        await applicationOf("examples/component/echo.c", "examples/component/echo.wit", "echo", lab.file("stint")),
      );
      succeeded("wac", [
        "plug", lab.file("echo.wasm"), "--plug", `${lab.file("stint")}/stint.wasm`, "-o", lab.file("composed.wasm"),
      ]);
      const wrong = await lab.sh(`wasmtime run ${lab.file("composed.wasm")} 10.9.0.256/24 < /dev/null`);
      assert.match(wrong.err, /usage: echo ADDRESS\/PREFIX/);
      assert.equal(wrong.status, 1);
      const server = lab.start(process.execPath, [
        "--import", "tsx", "tests/interop/bridge.ts", "tap:tap0", "wasmtime", "run", lab.file("composed.wasm"),
        "10.9.0.2/24",
      ]);
      await said(server, "ready");
      const sent = lab.random("sent", 500_000);
      const one = (i: number): string => `nc -N 10.9.0.2 7 < ${sent} > ${lab.file(`got${i}`)} & `;
      const r = await lab.sh(`${[0, 1, 2, 3].map(one).join("")} wait`, 60);
      assert.equal(r.status, 0, r.err);
      for (let i = 0; i < 4; i++)
        assert.ok(readFileSync(lab.file(`got${i}`)).equals(readFileSync(sent)), `connection ${i}`);
    } finally {
      lab.close();
    }
  });
});

describe("wasi:sockets over stint: CPython's http.server and urllib, which know nothing of it", () => {
  const NEEDS = [
    "root", "tap", "ip", "nc", "curl", "clang", "wasm-ld", "wasmtime", "wac", "componentize-py", "python3",
  ];
  const PYTHON = "examples/component/python";
  let lab: Lab | undefined;
  const app = (...args: string[]): string[] => [
    "--import", "tsx", "tests/interop/bridge.ts", "tap:tap0", "wasmtime", "run", ...args,
  ];
  const composed = (): string => lab!.file("composed.wasm");

  before(async () => {
    if (missing(...NEEDS) !== undefined) return;
    lab = new Lab();
    await sockets(lab.file("sockets.wasm"));
    await run(lab.file("run.wasm"));
    succeeded("componentize-py", [
      "-q", "-d", `${PYTHON}/app.wit`, "-w", "app", "componentize", "-p", PYTHON, "app", "-o", lab.file("app.wasm"),
    ]);
    succeeded("wac", ["plug", lab.file("run.wasm"), "--plug", lab.file("app.wasm"), "-o", lab.file("whole.wasm")]);
    succeeded("wac", ["plug", lab.file("whole.wasm"), "--plug", lab.file("sockets.wasm"), "-o", composed()]);
  });
  after(() => lab?.close());

  it("serves files to curl, one of 10 MB, and eight at once", async (t) => {
    if (lacks(t, ...NEEDS)) return;
    const sent = lab!.random("sent", 10_000_000);
    const server = lab!.start(
      process.execPath, app("--env", "STINT_IP=10.9.0.2/24", "--dir", `${lab!.dir}::/`, composed(), "serve", "8080"),
    );
    await said(server, "Serving HTTP");
    const r = await lab!.sh(
      `curl -sf -m 30 http://10.9.0.2:8080/sent -o ${lab!.file("got")}; for i in 1 2 3 4 5 6 7 8; `
        + `do curl -sf -m 30 -o /dev/null -w "%{http_code} " http://10.9.0.2:8080/ & done; wait; `
        + "curl -s -m 10 -o /dev/null -w %{http_code} http://10.9.0.2:8080/nothing",
      90,
    );
    assert.equal(r.out, `${"200 ".repeat(8)}404`);
    assert.ok(readFileSync(lab!.file("got")).equals(readFileSync(sent)));
    server.kill();
  });

  it(
    "a program that closes and ends: all that it sent arrives; without a peer that takes it, "
      + "it is said that it did not",
    async (t) => {
      if (lacks(t, ...NEEDS)) return;
      for (const size of [30_000, 300_000]) {
        const got = lab!.sh(`nc -l -N 10.9.0.1 9000 < /dev/null > ${lab!.file("got")}`);
        await lab!.listens(9000);
        const r = await lab!.sh(
          `${process.execPath} `
            + `${app("--env", "STINT_IP=10.9.0.2/24", composed(), "send", "10.9.0.1", "9000", String(size)).join(" ")}`,
          60,
        );
        assert.equal(r.status, 0, r.err);
        await got;
        assert.ok(
          readFileSync(lab!.file("got")).equals(Buffer.from(Array.from({ length: size }, (_, i) => i % 251))),
          `${readFileSync(lab!.file("got")).length} of ${size} bytes`,
        );
      }
      // It is accepted by the kernel, and then nothing of it is: the peer goes without having read.
      const reset = lab!.start("python3", [
        "-c",
        "import socket, struct\ns = socket.create_server(('10.9.0.1', 9001))\ns.setsockopt(socket.SOL_SOCKET, "
          + "socket.SO_RCVBUF, 4096)\nc, _ = s.accept()\nimport time\ntime.sleep(2)\nc.setsockopt(socket.SOL_SOCKET, "
          + "socket.SO_LINGER, struct.pack('ii', 1, 0))\nc.close()",
      ]);
      await lab!.listens(9001);
      const r = await lab!.sh(
        `${process.execPath} `
          + `${app("--env", "STINT_IP=10.9.0.2/24", composed(), "send", "10.9.0.1", "9001", "60000").join(" ")}`,
        60,
      );
      assert.match(r.err, /a closed connection ended before all was acknowledged/);
      assert.equal(r.status, 1);
      reset.kill();
    },
  );

  /** Two peers with small buffers, at `port` and the next one. They read after a time, each to the end, into a file. */
  const peers = async (port: number, seconds: number): Promise<ChildProcess> => {
    const script = [
      "import socket, time", "peers = [socket.socket() for _ in range(2)]", "for i, peer in enumerate(peers):",
      "  peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)", `  peer.bind(('10.9.0.1', ${port} + i))`,
      "  peer.listen()", "connections = [peer.accept()[0] for peer in peers]", `time.sleep(${seconds})`,
      "for i, connection in enumerate(connections):",
      `  with open('${lab!.dir}/from%d' % (${port} + i), 'wb') as file:`,
      "    while data := connection.recv(65536): file.write(data)", "print('read')",
    ];
    const child = lab!.start("python3", ["-c", script.join("\n")]);
    await lab!.listens(port + 1);
    return child;
  };
  /** The program that returns with bytes for both of them, of one socket that is open and one closed just before. */
  const leave = (port: number, ...more: string[]): ReturnType<Lab["sh"]> => {
    const args = app("--env", "STINT_IP=10.9.0.2/24", ...more, composed(), "leave", "10.9.0.1", `${port}`, `${LEFT}`);
    return lab!.sh(`${process.execPath} ${args.join(" ")}`, 60);
  };
  /** What the send buffer takes at once, and a peer's does not. */
  const LEFT = 60_000;

  it("a program that returns with bytes unsent: all of them arrive, from sockets open and just closed", async (t) => {
    if (lacks(t, ...NEEDS)) return;
    const reading = await peers(9010, 1), read = said(reading, "read"), r = await leave(9010);
    assert.deepEqual([r.status, /ended before/.test(r.err)], [0, false], r.err);
    await read;
    const sent = Buffer.from(Array.from({ length: LEFT }, (_, i) => i % 251));
    for (const got of [9010, 9011].map((port) => readFileSync(lab!.file(`from${port}`)))) {
      assert.ok(got.equals(sent), `${got.length} of ${LEFT} bytes`);
    }
  });

  it("a program that returns with bytes that no peer takes ends after "
      + "STINT_LINGER seconds, and tells it", async (t) => {
    if (lacks(t, ...NEEDS)) return;
    const deaf = await peers(9020, 120), r = await leave(9020, "--env", "STINT_LINGER=1");
    deaf.kill();
    assert.equal(r.status, 1, r.err);
    assert.equal(r.err.split("a closed connection ended before all was acknowledged").length, 2, r.err);
    assert.match((await leave(9020, "--env", "STINT_LINGER=256")).err, /STINT_LINGER is no number of seconds/);
  });

  it("UDP: sends the kernel's datagrams back, up to what a frame carries; asks a peer, and is told that none is "
      + "there", async (t) => {
    if (lacks(t, ...NEEDS)) return;
    const echo = ["--env", "STINT_IP=10.9.0.2/24", composed(), "echo", "0.0.0.0", "5000"];
    const server = lab!.start(process.execPath, app(...echo));
    await said(server, "echo at ('0.0.0.0', 5000)");
    // One at a time, and once more what is lost: the neighbour is asked for first.
    const ask = [
      "import socket", "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)", "s.connect(('10.9.0.2', 5000))",
      "def there_and_back(data):", "  s.settimeout(1)", "  for _ in range(60):", "    s.send(data)",
      "    try:", "      while (back := s.recv(65536)) != data: pass", "      return back",
      "    except TimeoutError: pass",
      "print([len(there_and_back(i.to_bytes(2, 'big') + bytes(n))) for i, n in enumerate([0, 1, 1000, 1470] * 50)])",
    ];
    const r = await lab!.sh(`python3 -c "${ask.join("\n")}"`, 70);
    assert.deepEqual(JSON.parse(r.out), Array.from({ length: 50 }, () => [2, 3, 1002, 1472]).flat(), r.err);
    server.kill();
    const reply = [
      "import socket", "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)", "s.bind(('10.9.0.1', 5001))",
      "print('bound', flush=True)", "data, place = s.recvfrom(100)", "s.sendto(data + b', too', place)",
    ];
    const peer = lab!.start("python3", ["-c", reply.join("\n")]);
    await said(peer, "bound");
    const asked = (port: number): ReturnType<Lab["sh"]> => {
      const args = app("--env", "STINT_IP=10.9.0.2/24", composed(), "ask", "10.9.0.1", String(port), "hello");
      return lab!.sh(`${process.execPath} ${args.join(" ")}`, 60);
    };
    const good = await asked(5001);
    assert.match(good.err, /hello, too from \('10.9.0.1', 5001\)/);
    assert.match((await asked(5002)).err, /ConnectionRefusedError/);
  });

  it("IPv6: serves files to curl and datagrams to the kernel, and gets from it; "
      + "the peer is given as an address", async (t) => {
    if (lacks(t, ...NEEDS)) return;
    const sent = lab!.random("sent6", 300_000);
    const env = ["--env", "STINT_IP=10.9.0.2/24", "--env", "STINT_IP6=fd00:9::2/64"];
    succeeded("ip", ["-n", lab!.name, "addr", "add", "fd00:9::1/64", "dev", "tap0", "nodad"]);
    const served = ["--dir", `${lab!.dir}::/`, composed(), "serve", "::", "8200"];
    const server = lab!.start(process.execPath, app(...env, ...served));
    await said(server, "Serving HTTP");
    const got = await lab!.sh(`curl -sf -m 30 -g "http://[fd00:9::2]:8200/sent6" -o ${lab!.file("got6")}`, 60);
    assert.equal(got.status, 0, got.err);
    assert.ok(readFileSync(lab!.file("got6")).equals(readFileSync(sent)));
    server.kill();
    const echo = lab!.start(process.execPath, app(...env, composed(), "echo", "::", "5000"));
    await said(echo, "echo at ('::', 5000");
    const ask = [
      "import socket", "s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)", "s.connect(('fd00:9::2', 5000))",
      "s.settimeout(1)", "for _ in range(60):", "  s.send(bytes(1452))", "  try:", "    print(len(s.recv(65536)))",
      "    break", "  except TimeoutError: pass",
    ];
    assert.equal((await lab!.sh(`python3 -c "${ask.join("\n")}"`, 70)).out, "1452\n");
    echo.kill();
    writeFileSync(lab!.file("answer6"), "HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\nsix\n");
    lab!.start("sh", ["-c", `nc -6 -l fd00:9::1 8201 < ${lab!.file("answer6")}`]);
    await lab!.listens(8201);
    const args = app(...env, composed(), "get", "http://[fd00:9::1]:8201/x");
    const good = await lab!.sh(`${process.execPath} ${args.join(" ")}`, 60);
    assert.deepEqual([good.status, good.err.includes("six")], [0, true], good.err);
  });

  it("names: gets from a server by its name, which dnsmasq knows; what nobody knows is said", async (t) => {
    if (lacks(t, ...NEEDS, "dnsmasq")) return;
    const dns = lab!.start("dnsmasq", [
      "--keep-in-foreground", "--no-resolv", "--no-hosts", "--no-daemon", "--log-queries", "--user=root", "--pid-file",
      "--conf-file=/dev/null", "--listen-address=10.9.0.1", "--bind-interfaces",
      "--address=/web.test/10.9.0.1", "--local=/test/",
    ]);
    await said(dns, "started");
    writeFileSync(lab!.file("named"), "HTTP/1.0 200 OK\r\nContent-Length: 6\r\n\r\nnamed\n");
    lab!.start("sh", ["-c", `nc -l 10.9.0.1 8100 < ${lab!.file("named")}`]);
    await lab!.listens(8100);
    const get = (url: string): ReturnType<Lab["sh"]> => {
      const args = app("--env", "STINT_IP=10.9.0.2/24", "--env", "STINT_DNS=10.9.0.1", composed(), "get", url);
      return lab!.sh(`${process.execPath} ${args.join(" ")}`, 60);
    };
    const good = await get("http://web.test:8100/x");
    assert.deepEqual([good.status, good.err.includes("named")], [0, true], good.err);
    assert.match((await get("http://nobody.test:8100/x")).err, /nobody.test.*\[Errno -2\]|nobody.test.*not known/);
    dns.kill();
  });

  it("gets from a server of the kernel's; is told of a refused port and of no route; "
      + "without an address it says how to give one", async (t) => {
    if (lacks(t, ...NEEDS)) return;
    const get = (url: string, ...env: string[]): Promise<{ status: number | null; err: string }> =>
      lab!.sh(`${process.execPath} ${app(...env.flatMap((e) => ["--env", e]), composed(), "get", url).join(" ")}`, 60);
    writeFileSync(lab!.file("answer"), "HTTP/1.0 200 OK\r\nContent-Length: 6\r\n\r\nhello\n");
    lab!.start("sh", ["-c", `nc -l 10.9.0.1 8000 < ${lab!.file("answer")}`]);
    await lab!.listens(8000);
    const good = await get("http://10.9.0.1:8000/x", "STINT_IP=10.9.0.2/24");
    assert.deepEqual([good.status, good.err.includes("hello")], [0, true], good.err);
    const refused = await get("http://10.9.0.1:81/x", "STINT_IP=10.9.0.2/24");
    assert.match(refused.err, /Connection refused/);
    assert.match((await get("http://10.8.0.1:81/x", "STINT_IP=10.9.0.2/24")).err, /unreachable/);
    assert.match((await get("http://name.example/x", "STINT_IP=10.9.0.2/24")).err, /name.example/);
    const none = await get("http://10.9.0.1:8000/x");
    assert.deepEqual([none.status, /set STINT_IP=ADDRESS\/PREFIX/.test(none.err)], [1, true], none.err);
    assert.match((await get("http://10.9.0.1:8000/x", "STINT_IP=10.9.0.2")).err, /set STINT_IP=ADDRESS\/PREFIX/);
  });
});
