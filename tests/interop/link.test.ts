/**
 * One C application, unchanged: in Node, as a native program, as firmware, and under wasmtime through passt without
 * privileges.
 */
import assert from "node:assert/strict";
import { chmodSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { Lab, lacks, STINT, Up } from "./lab.js";
import { linkedStack } from "../../host/link/stack.js";
import { Random } from "../../host/random.js";
import { StackModule } from "../../host/stack.js";
import { arp, ip4, see, tcp, type Seen } from "../harness/codec.js";
import { library } from "../harness/kept.js";
import { environment, ran, said, started, succeeded } from "../harness/programs.js";

const LAYER = readdirSync("host/bsd").filter((f) => f.endsWith(".c")).map((f) => join("host/bsd", f));
const FLAGS = ["-O2", "-Wall", "-Wextra", "-Werror", "-mbulk-memory", "-Iinclude"];

/** Makes firmware of a program for a board, and boots it. */
async function firmware(lab: Lab, board: string, source: string, ...more: string[]): Promise<Up> {
  const app = lab.file("app.wasm"), linked = lab.file("linked.wasm");
  succeeded("clang", [
    "--target=wasm32", ...FLAGS, "-nostdlib", "-Wl,--no-entry", "-Wl,--export=__heap_base", "-Wl,-z,stack-size=2048",
    source, "-o", app,
  ]);
  succeeded(STINT[0]!, [STINT[1]!, "link", app, "-o", linked]);
  const up = new Up(
    lab.start(STINT[0]!, [
      "--import", "tsx", "tools/board.ts", board, "--app", linked, ...more, "--out", lab.file("firmware"), "--run",
      "--link", "tap:tap0", "--ip", "10.9.0.2/24",
    ]),
  );
  await up.ready;
  return up;
}

describe("an application with the stack inside", () => {
  it("in Node, on a TAP device: the kernel gets back what it sent", async (t) => {
    if (lacks(t, "root", "tap", "ip", "nc", "clang", "wasm-ld")) return;
    const lab = new Lab();
    try {
      succeeded("clang", [
        "--target=wasm32", ...FLAGS, "-nostdlib", "-Wl,--no-entry", "examples/c-posix/echo.c", "-o",
        lab.file("echo.wasm"),
      ]);
      succeeded(STINT[0]!, [STINT[1]!, "link", lab.file("echo.wasm"), "-o", lab.file("linked.wasm")]);
      const up = new Up(
        lab.start(STINT[0]!, [STINT[1]!, "run", lab.file("linked.wasm"), "--link", "tap:tap0", "--ip", "10.9.0.2/24"]),
      );
      await up.ready;
      const sent = lab.random("sent", 2_000_000);
      // nc of Debian ends when both sides have closed.
      const r = await lab.sh(`nc -N 10.9.0.2 7 < ${sent} > ${lab.file("got")}`, 60);
      assert.equal(r.status, 0, r.err);
      assert.ok(readFileSync(lab.file("got")).equals(readFileSync(sent)));
      assert.equal(await up.stop(), 0, up.err);
    } finally {
      lab.close();
    }
  });

  for (const [board, what, needs, more] of [
    ["posix", "as a native program", ["gcc"], []],
    [
      "lm3s6965evb", "as firmware for a Cortex-M3 in QEMU", ["arm-none-eabi-gcc", "qemu-system-arm"],
      ["--debug", "--seed", "1"],
    ],
  ] as const) {
    it(`${what}: the same source`, async (t) => {
      if (lacks(t, "root", "tap", "ip", "nc", "clang", "wasm-ld", ...needs)) return;
      const lab = new Lab();
      try {
        const up = await firmware(lab, board, "examples/c-posix/echo.c", ...more);
        const sent = lab.random("sent", 30_000);
        const r = await lab.sh(`nc -N 10.9.0.2 7 < ${sent} > ${lab.file("got")}`, 60);
        assert.equal(r.status, 0, r.err);
        assert.ok(readFileSync(lab.file("got")).equals(readFileSync(sent)));
        await up.stop();
      } finally {
        lab.close();
      }
    });
  }

  it("a program for a board (examples/board/quote.c)", async (t) => {
    if (lacks(t, "root", "tap", "ip", "nc", "clang", "wasm-ld", "arm-none-eabi-gcc", "qemu-system-arm"))
      return;
    const lab = new Lab();
    try {
      const up = await firmware(lab, "lm3s6965evb", "examples/board/quote.c", "--debug", "--seed", "1");
      for (let i = 0; i < 5; i++) {
        const r = await lab.sh("nc -N 10.9.0.2 17 < /dev/null", 30);
        assert.deepEqual([r.status, /^Be conservative .* from others\.\r\n$/.test(r.out)], [0, true], r.out + r.err);
      }
      await up.stop();
    } finally {
      lab.close();
    }
  });

  it("with the native library, its host compiled natively too", async (t) => {
    if (lacks(t, "root", "tap", "ip", "nc", "gcc")) return;
    const lab = new Lab();
    try {
      const stack = library("-O3");
      succeeded("gcc", [
        "-O2", "-Wall", "-Wextra", "-Werror", "-DRING=32768", `-I${dirname(stack)}`, "examples/c-posix/echo.c",
        "host/posix/host.c", stack, "-o", lab.file("echo"),
      ]);
      const server = lab.start(process.execPath, [
        "--import", "tsx", "tests/interop/bridge.ts", "tap:tap0", lab.file("echo"), "10.9.0.2", "24",
      ]);
      await said(server, "ready");
      const sent = lab.random("sent", 2_000_000);
      const r = await lab.sh(`nc -N 10.9.0.2 7 < ${sent} > ${lab.file("got")}`, 60);
      assert.equal(r.status, 0, r.err);
      assert.ok(readFileSync(lab.file("got")).equals(readFileSync(sent)));
    } finally {
      lab.close();
    }
  });

  it("a program with BSD sockets, recompiled: an HTTP server, and a client, "
      + "under wasmtime on a TAP device", async (t) => {
    if (lacks(t, "root", "tap", "ip", "nc", "curl", "clang", "wasm-ld", "wasmtime")) return;
    const lab = new Lab();
    try {
      const sockets = ["-ftls-model=local-exec", "-DSTINT_SOCKETS", "-Iinclude/bsd", ...LAYER, "host/posix/host.c"];
      succeeded("clang", [
        "--target=wasm32-wasi", ...FLAGS, ...sockets, "examples/c-bsd/httpd.c", "-o", lab.file("httpd.wasm"),
      ]);
      succeeded(STINT[0]!, [STINT[1]!, "link", "--dynamic", lab.file("httpd.wasm"), "-o", lab.file("linked")]);
      const program = (...args: string[]): string[] => [
        "--import", "tsx", "tests/interop/bridge.ts", "tap:tap0", "wasmtime", "run", "--env", "STINT_IP=10.9.0.2/24",
        "--preload", `stint=${lab.file("linked")}/stint.wasm`, `${lab.file("linked")}/app.wasm`, ...args,
      ];
      const server = lab.start(process.execPath, program("80"));
      await said(server, "ready");
      const got = await lab.sh(
        "curl -sS -m 20 http://10.9.0.2/hello http://10.9.0.2/again && curl -sS -m 20 -o /dev/null -w "
          + "'%{http_code}' -d x http://10.9.0.2/",
      );
      assert.equal(got.out, "you asked for /hello\nyou asked for /again\n405", got.err);
      const over = new Promise((done) => server.once("exit", done));
      server.kill("SIGTERM");
      await over;
      // The client: nobody listens; then somebody does.
      const refused = await lab.sh(`${process.execPath} ${program("8080", "10.9.0.1", "/x").join(" ")}`);
      assert.match(refused.err, /connect: Connection refused/);
      assert.equal(refused.status, 1);
      lab.start("bash", ["-c", "printf 'HTTP/1.0 200 OK\\r\\n\\r\\nfrom the kernel' | nc -l -N -p 8080"]);
      await lab.listens(8080);
      const answer = await lab.sh(`${process.execPath} ${program("8080", "10.9.0.1", "/x").join(" ")}`);
      assert.match(answer.err, /from the kernel/);
      assert.equal(answer.status, 0);
    } finally {
      lab.close();
    }
  });

  it("under wasmtime, through passt, as an unprivileged user", async (t) => {
    if (lacks(t, "passt", "socat", "nc", "setpriv", "timeout", "pkill", "clang", "wasm-ld", "wasmtime")) return;
    const dir = mkdtempSync(join(tmpdir(), "stint-link-passt-"));
    const port = 18095;
    const file = (name: string): string => join(dir, name);
    try {
      chmodSync(dir, 0o777);
      succeeded("clang", [
        "--target=wasm32-wasi", ...FLAGS, "-ftls-model=local-exec", `-DPORT=${port}`, "-DRING=32768",
        "examples/c-posix/echo.c", "host/posix/host.c", "-o", file("app.wasm"),
      ]);
      succeeded(STINT[0]!, [STINT[1]!, "link", "--dynamic", file("app.wasm"), "-o", file("linked")]);
      cpSync(ran("bash", ["-c", "command -v wasmtime"]).stdout.trim(), file("wasmtime"), { dereference: true });
      writeFileSync(file("sent"), new Random(3).bytes(500_000));
      writeFileSync(file("go"), `cd ${dir}
passt --foreground --ipv4-only --socket ${dir}/socket --address 10.0.2.15 --netmask 255.255.255.0 \\
  --gateway 10.0.2.2 --mtu 1500 --no-dhcp --no-ndp --no-dhcpv6 --no-ra --dns none --search none \\
  --udp-ports none --tcp-ports ${port} &
while [ ! -S socket ]; do sleep 0.1; done
app="linked/app.wasm 10.0.2.15 24 10.0.2.2"
exec socat UNIX-CONNECT:socket EXEC:"./wasmtime run --preload stint=linked/stint.wasm $app"
`);
      succeeded("chmod", ["-R", "a+rX", dir]);
      const drop =
        process.getuid?.() === 0
          ? ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--inh-caps=-all"]
          : ["setpriv"];
      const child = started(drop[0]!, [...drop.slice(1), "bash", file("go")], {
        env: environment({ HOME: dir, TMPDIR: dir }), detached: true, stdio: ["ignore", "pipe", "pipe"],
      });
      let words = "";
      child.stderr!.on("data", (d: Buffer) => (words += d.toString()));
      try {
        await said(child, "ready");
        const r = ran("bash", ["-c", `timeout 30 nc -N 127.0.0.1 ${port} < ${file("sent")} > ${file("got")}`]);
        assert.equal(r.status, 0, r.stderr + words);
        assert.ok(readFileSync(file("got")).equals(readFileSync(file("sent"))), words);
      } finally {
        try {
          process.kill(-child.pid!, "SIGKILL");
        } catch { /* it is gone */ }
        ran("pkill", ["-f", `passt.*${dir}`]);
      }
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });
});

/** 1,000 SYNs a second; every tenth one's sender is there and answers, after `rttMs`. How many of 100 are served. */
function served(bytes: Uint8Array, rttMs: number): number {
  const module = new WebAssembly.Module(bytes as Uint8Array<ArrayBuffer>);
  const memory = new WebAssembly.Memory({ initial: 64 });
  const b = new StackModule(
    module,
    {
      ip: "10.0.0.1/24", gateway: "10.0.0.2", connsMax: 128, halfOpenMax: 64, sendRing: 512, recvRing: 512,
      arenaBase: 65536, arenaSize: 60 * 65536, policy: { announce: false },
    },
    WebAssembly.Module.imports(module).length > 0 ? { env: { memory } } : {},
  );
  const listener = b.listen(80, 128), mac = [2, 0, 10, 0, 0, 2], us = ip4("10.0.0.1");
  const due = new Map<number, Uint8Array>();
  b.pushFrame(arp(1, { mac, ip: ip4("10.0.0.2") }, { mac: [0, 0, 0, 0, 0, 0], ip: us }));
  for (let ms = 0; ms < 1000 + rttMs; ms++) {
    if (ms < 1000)
      b.pushFrame(tcp({ src: ip4("198.18.0.0") + ms * 256, dst: us }, { flags: "S", seq: 7, sport: 1000, dport: 80 }));
    const ack = due.get(ms);
    if (ack) b.pushFrame(ack);
    b.poll(1_000_000 + ms * 1000);
    b.drainFrames((f) => {
      const s: Seen = see(f.slice());
      if (s.kind === "tcp" && s.flags === "SA" && ms % 10 === 0)
        due.set(
          ms + rttMs,
          tcp({ src: s.ip.dst, dst: us }, { flags: "A", seq: 8, ack: (s.seq + 1) >>> 0, sport: 1000, dport: 80 }),
        );
    });
  }
  let n = 0;
  while (b.accept(listener) !== 0) n++;
  return n;
}

describe("a flood of SYNs", () => {
  it("takes nobody's turn from a client of what `stint link` links", () => {
    for (const which of ["small", "whole"] as const) assert.equal(served(linkedStack(which), 300), 100, which);
  });

  it("in the small build without cookies takes it from whoever answers later than the records last", () => {
    const stack = readFileSync("build/stint.wasm");
    assert.equal(served(stack, 40), 100);
    // 64 records, and nothing that comes after the last SYN.
    assert.ok(served(stack, 300) <= 7);
  });
});
