/**
 * Programs that nobody here wrote, unchanged, over the stack: clients of databases and brokers with the real servers,
 * and servers with real clients. Each runs over the kernel's sockets first, then with `node --import stint/register`
 * over NAT to this machine (`nat:host-loopback`), and has to print the same and to end by itself. No root is needed.
 * The programs are in `programs/`.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { homedir, tmpdir, userInfo } from "node:os";
import { join, resolve } from "node:path";
import { after, before, describe, it, type TestContext } from "node:test";
import { findProgram } from "../../host/programs.js";
import { completed, environment, started, succeeded } from "../harness/programs.js";
import { freePort, OTHER, Recipes, Server, type Recipe } from "./servers.js";

const PROGRAMS = "tests/interop/programs", LIMIT_MS = 120_000;
const { STINT_CACHE, XDG_CACHE_HOME } = process.env;
const cache = STINT_CACHE ?? join(XDG_CACHE_HOME ?? join(homedir(), ".cache"), "stint");
/** Where `npm run setup` puts the packages, and the lock that it installed them by. */
const packages = join(cache, "programs", "node_modules"), installed = join(cache, "programs", "installed.json");
const isInstalled = existsSync(installed)
  && readFileSync(installed, "utf8") === readFileSync(join(PROGRAMS, "package-lock.json"), "utf8");

const scratch = mkdtempSync(join(tmpdir(), "stint-programs-")), home = join(scratch, "home");
const recipes = new Recipes(scratch), open = new Set<Server>();
const [key, cert] = [join(scratch, "key.pem"), join(scratch, "cert.pem")];

/** Skips a test where something is missing. */
function lacks(t: TestContext, ...needs: string[]): boolean {
  const missing = needs.filter((name) => findProgram(name) === undefined);
  if (!isInstalled) missing.push("tests/interop/programs/package.json");
  if (missing.length > 0) t.skip(`needs ${missing.join(" and ")}; npm run setup unpacks them`);
  return missing.length > 0;
}

before(() => {
  if (!isInstalled) return;
  cpSync(PROGRAMS, home, { recursive: true });
  const modules = join(home, "node_modules");
  mkdirSync(modules);
  for (const name of readdirSync(packages)) symlinkSync(join(packages, name), join(modules, name));
  for (const name of ["axios", "nodemailer", "ws"]) {
    rmSync(join(modules, name), { force: true });
    symlinkSync(resolve("node_modules", name), join(modules, name));
  }
  symlinkSync(resolve("."), join(modules, "stint"));
  if (!findProgram("openssl")) return;
  succeeded("openssl", [
    "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
    "-subj", "/CN=stint.test", "-addext", "subjectAltName=DNS:stint.test", "-keyout", key, "-out", cert,
  ]);
});
after(async () => {
  await Promise.all([...open].map((server) => server.stop("SIGKILL")));
  rmSync(scratch, { recursive: true, force: true });
});

async function serve(recipe: Recipe): Promise<Server> {
  const server = new Server(recipe);
  open.add(server);
  return server.start();
}

type Over = "kernel" | "stint";

/** Runs a program to its end. When it asks for it, its server is restarted. */
async function run(name: string, over: Over, server: Server, env: NodeJS.ProcessEnv = {}): Promise<string> {
  const ours = over === "stint"
    ? { HOST: "10.0.2.2", STINT_LINK: "nat:host-loopback" }
    : { HOST: "127.0.0.1" };
  const child = started(process.execPath, [...(over === "stint" ? ["--import", "stint/register"] : []), name], {
    cwd: home, env: environment({ PORT: `${server.port}`, CERT: cert, KEY: key, ...ours, ...env }),
    timeout: LIMIT_MS, killSignal: "SIGKILL",
  });
  let out = "", err = "", restarted: Promise<unknown> | undefined;
  child.stdout.on("data", (data: Buffer) => {
    out += data;
    if (/^restart$/m.test(out)) restarted ??= server.restart().then(() => child.stdin.write("\n"));
  });
  child.stderr.on("data", (data: Buffer) => (err += data));
  child.stdin.on("error", () => {});
  const status = await new Promise((ended) => child.once("close", (code, signal) => ended(code ?? signal)));
  await restarted;
  assert.equal(status, 0, `${name} over ${over}:\n${out}\n${err}`);
  assert.equal(err, "", `${name} over ${over}`);
  assert.match(out, /^done\n$/m);
  return out;
}

/** The same over the stack as over the kernel's sockets. */
async function same(name: string, server: Server, env: NodeJS.ProcessEnv = {}): Promise<string> {
  const expected = await run(name, "kernel", server, env);
  assert.equal(await run(name, "stint", server, env), expected);
  return expected;
}

/** One of our programs as a server, on the kernel's sockets or behind NAT on the stack. */
function program(name: string, over: Over): Recipe {
  return {
    program: process.execPath,
    args: () => [...(over === "stint" ? ["--import", "stint/register"] : []), join(home, name)],
    cwd: home, says: "ready",
    envFor: (port) => ({
      PORT: `${port}`, CERT: cert, KEY: key,
      ...(over === "stint" ? { STINT_LINK: "nat:host-loopback", STINT_PORTS: `${port}` } : {}),
    }),
  };
}

describe("clients, with real servers", () => {
  it("ioredis with Redis", async (t) => {
    if (lacks(t, "redis-server")) return;
    await same("redis.mjs", await serve(recipes.redis()));
  });

  it("pg with PostgreSQL", async (t) => {
    if (lacks(t, "postgres", "initdb")) return;
    await same("pg.mjs", await serve(recipes.postgres()));
  });

  it("mysql2 with MariaDB", async (t) => {
    if (lacks(t, "mariadbd")) return;
    await same("mysql.mjs", await serve(recipes.mariadb()));
  });

  it("mqtt with Mosquitto", async (t) => {
    if (lacks(t, "mosquitto")) return;
    await same("mqtt.mjs", await serve(recipes.mosquitto()));
  });

  it("ssh2 with OpenSSH", async (t) => {
    if (lacks(t, "sshd", "ssh-keygen")) return;
    const [own, theirs] = ["client", "host"].map((name) => join(scratch, name));
    for (const file of [own!, theirs!]) succeeded("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", file]);
    const server = await serve(recipes.sshd(readFileSync(theirs!, "utf8"), readFileSync(`${own}.pub`, "utf8")));
    const user = process.getuid?.() === 0 ? OTHER.name : userInfo().username;
    await same("ssh.mjs", server, { KEY: own, USER_NAME: user });
  });

  it("http.Agent({ keepAlive: true }) and axios with nginx", async (t) => {
    if (lacks(t, "nginx")) return;
    await same("http.mjs", await serve(recipes.nginx()));
  });

  it("undici with nginx", async (t) => {
    if (lacks(t, "nginx")) return;
    await same("undici.mjs", await serve(recipes.nginx()));
  });

  it("node:tls, node:https and node:http2 with nginx", async (t) => {
    if (lacks(t, "nginx", "openssl")) return;
    await same("tls.mjs", await serve(recipes.nginx({ key, cert })));
  });

  it("ws with a server of ws", async (t) => {
    if (lacks(t)) return;
    await run("ws.mjs", "kernel", await serve(program("ws-server.mjs", "kernel")));
    await run("ws.mjs", "stint", await serve(program("ws-server.mjs", "kernel")));
  });

  it("nodemailer with smtp-server", async (t) => {
    if (lacks(t, "openssl")) return;
    await same("mail.mjs", await serve(program("mail-server.mjs", "kernel")));
  });
});

describe("servers, with clients on the kernel's sockets", () => {
  it("ws", async (t) => {
    if (lacks(t)) return;
    await run("ws.mjs", "kernel", await serve(program("ws-server.mjs", "stint")));
  });

  it("aedes, with mqtt", async (t) => {
    if (lacks(t)) return;
    await run("mqtt.mjs", "kernel", await serve(program("mqtt-server.mjs", "stint")));
  });

  it("smtp-server, with nodemailer", async (t) => {
    if (lacks(t, "openssl")) return;
    await run("mail.mjs", "kernel", await serve(program("mail-server.mjs", "stint")));
  });

  it("node:http, node:https and node:http2, with curl", async (t) => {
    if (lacks(t, "curl", "openssl")) return;
    const printed: string[] = [];
    for (const over of ["kernel", "stint"] as const) printed.push(await curled(over));
    assert.equal(printed[1], printed[0]);
  });
});

async function curled(over: Over): Promise<string> {
  const ports = [await freePort(), await freePort(), await freePort()];
  const server = program("web-server.mjs", over);
  const envFor = (): NodeJS.ProcessEnv => ({
    ...server.envFor!(0), PORTS: ports.join(","), STINT_PORTS: ports.join(","),
  });
  const web = await serve({ ...server, envFor });
  const file = join(scratch, "megabyte");
  const out: string[] = [];
  for (const [i, options] of [[], ["--http1.1"], ["--http2"]].entries()) {
    const scheme = i === 0 ? "http" : "https", at = `${scheme}://stint.test:${ports[i]}`;
    const to = ["-sS", "--cacert", cert, "--resolve", `stint.test:${ports[i]}:127.0.0.1`, ...options];
    const curl = (...args: string[]): Promise<string> => completed("curl", [...to, ...args]);
    await curl("-o", file, `${at}/large`);
    const large = readFileSync(file);
    out.push(`${large.length} ${createHash("sha256").update(large).digest("hex")}`);
    out.push(await curl("-T", file, `${at}/put`, "-w", "%{http_version} %{num_connects}\n"));
    // Three with one connection.
    const each = ["-w", "%{http_code} %{num_connects}\n"];
    out.push(await curl(`${at}/1`, ...each, `${at}/2`, `${at}/3`));
    const same = [...Array(10).keys()].flatMap(() => ["-o", "/dev/null", `${at}/same`]);
    out.push(await curl("-Z", "-w", "%{http_code}\n", ...same));
  }
  out.push(await completed("curl", ["-sS", `http://127.0.0.1:${ports[0]}/end`]));
  assert.equal(await web.ended(), 0);
  return out.join("");
}
