/**
 * examples/https-get, an HTTPS client with Mbed TLS, over the stack with nginx: under wasmtime, as a native program,
 * and over the kernel's sockets, where it prints the same. No root is needed.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { createSecureContext, TLSSocket } from "node:tls";
import { environment, ran, started } from "../harness/programs.js";
import { build, type Name, type Over } from "./c-build.js";
import { Authority } from "./certificates.js";
import { lacks } from "./lab.js";
import { HOST, open, READY, Running, underWasmtime } from "./over-nat.js";
import { Recipes, Server } from "./servers.js";

const scratch = mkdtempSync(join(tmpdir(), "stint-tls-")), CA = "authority.pem";
const NEEDS = ["mbedtls", "gcc", "nginx", "openssl"];
after(async () => {
  await Promise.all([...open].map((what) => what.stop()));
  rmSync(scratch, { recursive: true, force: true });
});

/** nginx, with a certificate for each name. All trust `authority`. */
let serving: Promise<number> | undefined;
function served(): Promise<number> {
  serving ??= (async () => {
    const authority = new Authority(scratch, "authority"), another = new Authority(scratch, "another");
    const nginx = new Server(new Recipes(scratch).nginx(
      { ...authority.issue("stint.test"), name: "stint.test" },
      { ...authority.issue("rsa.test", { rsa: true }), name: "rsa.test" },
      { ...authority.issue("expired.test", { days: -1 }), name: "expired.test" },
      { ...authority.issue("elsewhere.test"), name: "wrong.test" },
      { ...another.issue("unknown.test"), name: "unknown.test" },
    ));
    open.add({ stop: () => nginx.stop() });
    return (await nginx.start()).port;
  })();
  return serving;
}

interface Printed {
  status: unknown;
  /** What it said. */
  said: string;
  /** What the server answered. */
  got: string;
}

const made = new Map<string, Promise<string>>();
function compiled(name: Name, over: Over): Promise<string> {
  const key = `${name}-${over}`, program = made.get(key) ?? build(name, over, scratch);
  made.set(key, program);
  return program;
}

/** `small`: the program that was compiled with TLS_SMALL, over the kernel's sockets. */
async function get(how: Over | "small", ...args: string[]): Promise<Printed> {
  const over = how === "small" ? "kernel" : how;
  const program = await compiled(how === "small" ? "https-get-small" : "https-get", over);
  if (over === "kernel") {
    const child = started(program, ["-c", CA, "-a", "127.0.0.1", ...args], { cwd: scratch, env: environment() });
    let said = "", got = "";
    child.stdout.on("data", (data: Buffer) => (got += data));
    child.stderr.on("data", (data: Buffer) => (said += data));
    const [status] = await once(child, "close") as [number];
    return { status, said, got };
  }
  const own = ["-c", CA, "-a", HOST, ...args], pipes = over === "wasi";
  const running = new Running(pipes ? underWasmtime(program, own, ["--dir", "."]) : [program, ...own], {
    pipes, cwd: scratch,
  });
  const status = await running.ended();
  // Under wasmtime frames have standard output, and all that is printed goes to standard error.
  return { status, said: running.err.replace(READY, ""), got: running.out };
}

/** What the server was told, as often as it answered. */
const told = (printed: string): string[] => [...printed.matchAll(/^X-TLS: (.*)\r$/gm)].map(([, text]) => text!);
const REFUSED: [name: string, why: string][] = [
  ["expired.test", "The certificate validity has expired"],
  ["wrong.test", "The certificate Common Name (CN) does not match with the expected CN"],
  ["unknown.test", "The certificate is not correctly signed by the trusted CA"],
];

function describeOver(over: Over, what: string, needs: readonly string[]): void {
  describe(what, () => {
    for (const [version, options] of [["TLSv1.3", []], ["TLSv1.2", ["-2"]]] as const) {
      it(`${version}: one connection, and one that resumes it, with SNI and ALPN`, async (t) => {
        if (lacks(t, ...needs)) return;
        const port = await served(), url = `https://stint.test:${port}/hello`;
        const { status, said, got } = await get(over, ...options, "-n", "2", url), all = said + got;
        assert.equal(status, 0, said);
        assert.deepEqual(told(all), [".", "r"].map((how) => `${version} ${how} stint.test http/1.1`));
        assert.equal([...all.matchAll(/\r\n\r\nhello\n/g)].length, 2);
        assert.match(said, new RegExp(`^${version} TLS\\S+ http/1\\.1$`, "m"));
      });
    }

    it("a certificate of RSA, and 360 KB", async (t) => {
      if (lacks(t, ...needs)) return;
      const port = await served();
      const { status, said, got } = await get(over, `https://rsa.test:${port}/many.txt`), all = said + got;
      assert.equal(status, 0, said);
      assert.match(all, /^X-TLS: TLSv1\.3 \. rsa\.test http\/1\.1\r$/m);
      assert.ok(all.endsWith(`\r\n\r\n${"one of many lines\n".repeat(20_000)}`));
    });

    for (const [name, why] of REFUSED) {
      it(`refuses ${name}`, async (t) => {
        if (lacks(t, ...needs)) return;
        const line = `https-get: the certificate of ${name} is refused: ${why}\n`;
        assert.deepEqual(await get(over, `https://${name}:${await served()}/`), { status: 1, said: line, got: "" });
      });
    }
  });
}

describeOver("wasi", "HTTPS under wasmtime", [...NEEDS, "clang", "wasm-ld", "wasmtime"]);
describeOver("stint", "HTTPS natively", NEEDS);
describeOver("kernel", "HTTPS over the kernel's sockets", NEEDS);

describe("HTTPS with TLS_SMALL", () => {
  it("one connection, and one that resumes it; no RSA", async (t) => {
    if (lacks(t, ...NEEDS)) return;
    const port = await served(), { status, said, got } = await get("small", "-n", "2", `https://stint.test:${port}/`);
    assert.equal(status, 0, said);
    assert.deepEqual(told(got), [".", "r"].map((how) => `TLSv1.2 ${how} stint.test http/1.1`));
    assert.deepEqual(await get("small", `https://rsa.test:${port}/`), {
      status: 1, got: "",
      said: "https-get: handshake: SSL - A fatal alert message was received from our peer\n",
    });
  });
});

describe("HTTPS with servers that fail", () => {
  /** Serves what `serve` does, to the native program. */
  async function failing(serve: (socket: Socket) => void, ...options: string[]): Promise<Printed> {
    const server = createServer((socket) => serve(socket.on("error", () => {})));
    await once(server.listen(0, "127.0.0.1"), "listening");
    open.add({ stop: () => server.close() });
    return get("stint", ...options, `https://stint.test:${(server.address() as AddressInfo).port}/`);
  }

  it("says in one line that the server speaks no TLS", async (t) => {
    if (lacks(t, ...NEEDS)) return;
    await served();
    assert.deepEqual(await failing((socket) => socket.end("220 hello\r\n")), {
      status: 1, said: "https-get: handshake: SSL - An invalid SSL record was received\n", got: "",
    });
  });

  it("says in one line that the server reset the connection", async (t) => {
    if (lacks(t, ...NEEDS)) return;
    await served();
    const { status, said, got } = await failing((socket) => socket.once("data", () => socket.resetAndDestroy()));
    assert.deepEqual([status, said, got], [1, "https-get: handshake: Connection reset by peer\n", ""]);
  });

  it("refuses a certificate that is no server's", async (t) => {
    if (lacks(t, ...NEEDS)) return;
    await served();
    const { key, cert } = new Authority(scratch, "clients").issue("stint.test", { usage: "clientAuth" });
    const files = { key: readFileSync(key), cert: readFileSync(cert) };
    const { status, said } = await failing((socket) => {
      new TLSSocket(socket, { isServer: true, secureContext: createSecureContext(files) }).on("error", () => {});
    }, "-c", "clients.pem");
    assert.equal(status, 1);
    assert.match(said, /^https-get: the certificate of stint\.test is refused: .*[Ee]xtended[^\n]*\n$/);
  });

  it("says in one line what cannot be asked, or printed", async (t) => {
    if (lacks(t, ...NEEDS)) return;
    const port = await served(), url = `https://stint.test:${port}/hello`;
    const wrong = [["-n", "0", url], ["-n", "x", url], ...["\r\nX: y", "#part", " b"].map((more) => [url + more])];
    for (const args of [...wrong, ["http://x/"]]) {
      const { status, said } = await get("kernel", ...args);
      assert.deepEqual([status, said.split(":")[0]], [2, "usage"], args.join(" "));
    }
    const program = await compiled("https-get", "kernel");
    const { stderr, status } = ran("sh", ["-c", `"$0" -c "$1" -a 127.0.0.1 "$2" > /dev/full`, program, CA, url], {
      cwd: scratch,
    });
    assert.equal(status, 1);
    assert.match(stderr, /\nhttps-get: standard output: No space left on device\n$/);
  });

  it("does not take an answer for whole that TLS did not end", async (t) => {
    if (lacks(t, ...NEEDS)) return;
    await served();
    const [key, cert] = ["key", "pem"].map((kind) => readFileSync(join(scratch, `authority-stint.test.${kind}`)));
    const { status, said, got } = await failing((socket) => {
      const tls = new TLSSocket(socket, { isServer: true, secureContext: createSecureContext({ key, cert }) });
      tls.on("error", () => {}).once("data", () => tls.write("half", () => socket.end()));
    });
    assert.match(said, /\nhttps-get: receive: SSL - The connection indicated an EOF\n$/);
    assert.deepEqual([status, got], [1, "half"]);
  });
});
