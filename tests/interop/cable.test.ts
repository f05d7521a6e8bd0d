/**
 * Cables that are pulled, helpers that are killed, peers that are started again, processes that are stopped: every
 * transfer that was under way completes, or ends with one clear error within its limit. STINT_CABLE_MINUTE=1: a process
 * stands still for a minute, not for three seconds.
 */
import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server as NetServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { openStream, Stack, streamLink, type Connection, type Link } from "../../host/index.js";
import { pattern } from "../harness/bench.js";
import { Pending } from "../harness/cable.js";
import { Lab, lacks, PEER_IP, sha256, signalled, STACK_IP, STINT, Up } from "./lab.js";
import { LIMIT_MS, PORTS } from "./transfers.js";
import { ran, said, started, until } from "../harness/programs.js";

const MB = 1 << 20;
const STOPPED_MS = process.env["STINT_CABLE_MINUTE"] === "1" ? 60_000 : 3000;
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** The process and all that it started, by the program's name. */
function descendants(pid: number, name: string): number[] {
  const children = ran("pgrep", ["-P", String(pid)]).stdout.split("\n").filter(Boolean).map(Number);
  return [pid, ...children].flatMap((p) => {
    const own = p === pid ? [] : descendants(p, name);
    return [...own, ...(nameOf(p).startsWith(name) ? [p] : [])];
  });
}

/** Empty: it has ended. */
function nameOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, "utf8").trim();
  } catch {
    return "";
  }
}

/** What takes the device: socat, or the command itself (koffi). */
const BY_SOCAT = "tap:tap0,socat", BY_ITSELF = "tap:tap0";
const KILLED = "socat is killed";

const EVENTS: Record<string, (lab: Lab, up: Up) => Promise<void>> = {
  "the device is down for two seconds": async (lab) => {
    lab.run("ip", ["link", "set", "tap0", "down"]);
    await sleep(2000);
    lab.run("ip", ["link", "set", "tap0", "up"]);
  },
  "the device is made anew": async (lab) => {
    lab.run("ip", ["link", "del", "tap0"]);
    await sleep(1000);
    lab.run("ip", ["tuntap", "add", "dev", "tap0", "mode", "tap"]);
    lab.run("ip", ["addr", "add", `${PEER_IP}/24`, "dev", "tap0"]);
    lab.run("ip", ["link", "set", "tap0", "up"]);
  },
  [KILLED]: async (_, up) => {
    const found = descendants(up.child.pid!, "socat");
    assert.ok(found.length > 0, "socat runs");
    signalled(found, "SIGKILL");
  },
  "stint is stopped": async (_, up) => {
    const pid = descendants(up.child.pid!, "node")[0] ?? up.child.pid!;
    process.kill(pid, "SIGSTOP");
    await sleep(STOPPED_MS);
    process.kill(pid, "SIGCONT");
  },
};

for (const runtime of ["node", "wasmtime"] as const) {
  const linkFor = (event: string): string => (event === KILLED || runtime === "wasmtime" ? BY_SOCAT : BY_ITSELF);
  describe(`stint up on a TAP device under ${runtime}`, { concurrency: 4 }, () => {
    for (const [name, happens] of Object.entries(EVENTS)) {
      it(`${name}: a download, an upload and a new connection (${runtime}, ${linkFor(name)})`, async (t) => {
        if (
          lacks(t, "root", "tap", "ip", "socat", "curl", "nc", "pgrep", ...(runtime === "wasmtime" ? ["wasmtime"] : []))
        )
          return;
        const lab = new Lab();
        try {
          const sum = await sha256(lab.random("file", 8 * MB));
          const up = await lab.up([
            "--link", linkFor(name), "--ip", `${STACK_IP}/24`, "--http", "80", "--root", lab.dir, "--echo", "7",
            "--runtime", runtime,
          ]);
          // Three states: bytes to us, bytes from us, both directions closing; and a handshake while nobody is there.
          const down = lab.held(`http://${STACK_IP}/file`), go = lab.file("go");
          const both = lab.sh(
            `(until [ -e ${go} ]; do sleep 0.02; done; `
              + `for i in 1 2 3 4 5 6 7 8; do head -c 1048576 ${lab.file("file")}; sleep 0.3; done) `
              + `| timeout 90 nc -N ${STACK_IP} 7 | wc -c`,
            100,
          );
          await Promise.all([down.begun(), lab.connected(7)]);
          writeFileSync(go, "");
          await sleep(500);
          const happened = happens(lab, up);
          await sleep(200);
          const finished = down.finish();
          const fresh = lab.sh(
            `for i in $(seq 20); do curl -sS --connect-timeout 10 --max-time 60 http://${STACK_IP}/file 2>/dev/null | `
              + `sha256sum | grep ${sum} && break; sleep 0.5; done`,
            100,
          );
          await happened;
          const [a, b, c] = await Promise.all([finished, both, fresh]);
          assert.equal(a.sum, sum, a.err + up.err);
          assert.equal(b.out.trim(), String(8 * MB), b.err + up.err);
          assert.equal(c.out.split(" ")[0], sum, c.err + up.err);
          if (name !== "stint is stopped") assert.match(up.err, /^link down: .+\n(.|\n)*link up$/m);
          assert.equal(await up.stop(), 0, up.err);
        } finally {
          lab.close();
        }
      });
    }
  });
}

// Six transfers at once, each in another state, on each link, and what may happen to it.

type Where = "tap" | "passt" | "stream";

interface Finished { ended: Record<string, string[]>; left: string[]; fresh: string }

/** A program of transfers.ts that says "ready", hears "over", and says how all ended. */
class Told {
  #said = "";
  #complains = "";

  constructor(readonly child: ChildProcess) {
    child.stdout!.on("data", (d: Buffer) => (this.#said += d));
    child.stderr!.on("data", (d: Buffer) => (this.#complains += d));
  }

  async says(what: RegExp): Promise<RegExpExecArray> {
    await until(
      `${what} is said`, () => what.test(this.#said) || this.child.exitCode !== null, LIMIT_MS + 90_000,
    ).catch(() => {});
    const m = what.exec(this.#said);
    assert.ok(m, `${what} was not said: ${this.#said}\n${this.#complains}`);
    return m;
  }

  async finish(): Promise<Finished> {
    this.child.stdin!.write("over\n");
    return JSON.parse((await this.says(/^\{.*\}$/m))[0]) as Finished;
  }
}

/** What can be done to a cable and to all that hangs on it. */
interface Scene {
  lab: Lab;
  killHelper(): Promise<void> | void;
  restartPeer(): Promise<void>;
  /** What stands still when the stack does. */
  stack(): number[];
  /** How long the other side bears that, if it is not for as long as TCP does. */
  patienceMs?: number;
}

/** Kernel sockets of the peer, in the lab's namespace; and a program of the library's. */
class Transfers implements Scene {
  readonly lab = new Lab();
  readonly #link: string;
  readonly patienceMs?: number;
  #peer: ChildProcess | undefined;
  #wire: ChildProcess | undefined;
  #told!: Told;

  constructor(readonly where: Where, act: string) {
    this.#link = { tap: linkFor(act), passt: "passt:host-loopback", stream: `stream:${this.lab.file("wire")}` }[where];
    // passt resets a connection whose data is acknowledged by nobody, however often it repeats itself.
    if (where === "passt") this.patienceMs = 3000;
  }

  #program(...args: string[]): ChildProcess {
    return this.lab.start(process.execPath, ["--import", "tsx", ...args]);
  }

  /**
   * Keeps two transfers from going on: the SYN of one of ours, and the SYN-ACK of one of theirs, unless passt answers
   * itself.
   */
  hold(): void {
    holdBack(this.lab, [
      `tcp dport ${PORTS.connecting}`, ...(this.where === "passt" ? [] : [`tcp sport ${PORTS.synReceived}`]),
    ]);
  }

  async #startPeer(): Promise<void> {
    const [at, reaches] = this.where === "passt" ? ["127.0.0.1", "127.0.0.1"] : [PEER_IP, STACK_IP];
    this.#peer = this.#program("tests/interop/transfers.ts", "peer", at, reaches);
    await said(this.#peer, "serving");
  }

  async #startWire(): Promise<void> {
    this.#wire = this.#program("tests/interop/wire.ts", this.lab.file("wire"), "tap0");
    await said(this.#wire, "wired");
  }

  async start(): Promise<void> {
    // passt wants a way to the world.
    if (this.where === "passt") this.lab.run("ip", ["route", "add", "default", "via", STACK_IP, "dev", "tap0"]);
    this.hold();
    await Promise.all([this.#startPeer(), ...(this.where === "stream" ? [this.#startWire()] : [])]);
    this.#told = new Told(this.#program("tests/interop/transfers.ts", "stack", this.#link, PEER_IP));
    await this.#told.says(/^ready$/m);
  }

  async killHelper(): Promise<void> {
    if (this.where !== "stream")
      return signalled(running(this.#told.child, this.where === "tap" ? "socat" : "passt"), "SIGKILL");
    signalled(running(this.#wire!, "node"), "SIGKILL");
    await this.#startWire();
  }

  async restartPeer(): Promise<void> {
    signalled(running(this.#peer!, "node"), "SIGKILL");
    await this.#startPeer();
  }

  stack(): number[] {
    return running(this.#told.child, "node");
  }

  finish(): Promise<Finished> {
    return this.#told.finish();
  }
}

/** `stint up` on TAP, and clients that are sockets of the kernel's. */
class Served implements Scene {
  readonly lab = new Lab();
  up!: Up;
  #sum = "";
  #told!: Told;

  constructor(readonly runtime: "node" | "wasmtime", readonly act: string) {}

  async start(): Promise<void> {
    this.#sum = await sha256(this.lab.random("file", 8 * MB));
    this.up = await this.lab.up([
      "--link", linkFor(this.act), "--ip", `${STACK_IP}/24`, "--runtime", this.runtime, "--http", "80", "--root",
      this.lab.dir,
      "--echo", "7", "--discard", "9", "--chargen", "19",
    ]);
    holdBack(this.lab, ["tcp sport 19"]);
    await this.#connect();
  }

  async #connect(): Promise<void> {
    this.#told = new Told(
      this.lab.start(process.execPath, [
        "--import", "tsx", "tests/interop/transfers.ts", "clients", STACK_IP, this.#sum,
      ]),
    );
    await this.#told.says(/^ready$/m);
  }

  killHelper(): void {
    signalled(running(this.up.child, "socat"), "SIGKILL");
  }

  async restartPeer(): Promise<void> {
    signalled(running(this.#told.child, "node"), "SIGKILL");
    await this.#connect();
  }

  stack(): number[] {
    return running(this.up.child, this.runtime);
  }

  finish(): Promise<Finished> {
    return this.#told.finish();
  }
}

/** Drops what comes for the kernel and is like one of these. */
function holdBack(lab: Lab, what: string[]): void {
  const rules = [
    "add table ip hold", "add chain ip hold i { type filter hook input priority 0; }",
    ...what.map((w) => `add rule ip hold i ${w} drop`),
  ];
  const { status, err } = lab.run("nft", [rules.join("; ")]);
  assert.equal(status, 0, err);
}

function running(child: ChildProcess, name: string): number[] {
  const found = descendants(child.pid!, name);
  assert.ok(found.length > 0, `${name} runs`);
  return found;
}

const HELPER = "the helper is killed";
/** Only a link with a helper can lose it. */
const linkFor = (act: string): string => (act === HELPER ? BY_SOCAT : BY_ITSELF);

const ACTS: Record<string, (scene: Scene) => Promise<void>> = {
  "the cable is pulled": async ({ lab }) => {
    lab.run("ip", ["link", "set", "tap0", "down"]);
    await sleep(1200);
    lab.run("ip", ["link", "set", "tap0", "up"]);
  },
  [HELPER]: async (scene) => {
    await scene.killHelper();
    await sleep(500);
  },
  "the peer is started again": (scene) => scene.restartPeer(),
  "the process is stopped": async (scene) => {
    const pids = scene.stack();
    signalled(pids, "SIGSTOP");
    await sleep(scene.patienceMs ?? STOPPED_MS);
    signalled(pids, "SIGCONT");
  },
};
/** passt has no cable. */
const ACTS_OF: Record<Where, string[]> = {
  tap: Object.keys(ACTS),
  passt: Object.keys(ACTS).filter((name) => name !== "the cable is pulled"),
  stream: Object.keys(ACTS),
};
/** What nobody can go on with: the kernel has forgotten its connections, or passt has. */
const BREAKS: Record<Where, string[]> = {
  tap: ["the peer is started again"], passt: [HELPER, "the peer is started again"],
  stream: ["the peer is started again"],
};
/** One clear error, and no other. */
const CLEAR = ["RESET", "TIMED_OUT"];
/** A peer that is killed says FIN for itself, as long as it has read everything. */
const ENDED = [...CLEAR, "SHORT", "ok"];

describe("six states of a transfer", { concurrency: 4 }, () => {
  for (const link of ["tap", "passt", "stream"] as const) {
    for (const name of ACTS_OF[link]) {
      it(`${link}, ${name}: each completes, or ends with one clear error, and nothing is left pending`, async (t) => {
        if (lacks(t, "root", "tap", "ip", "nft", "pgrep", link === "passt" ? "passt" : "socat")) return;
        const transfers = new Transfers(link, name);
        try {
          await transfers.start();
          await ACTS[name]!(transfers);
          release(transfers.lab);
          const { ended, left, fresh } = await transfers.finish();
          const say = JSON.stringify({ ...ended, write: undefined }), isBroken = BREAKS[link].includes(name);
          assert.deepEqual(left, [], say);
          assert.equal(fresh, "ok", say);
          for (const state of ["sending", "receiving", "halfway"]) {
            assert.equal(ended[state]!.length, 1, state);
            assert.ok((isBroken ? ENDED : ["ok"]).includes(ended[state]![0]!), `${state}: ${say}`);
          }
          if (isBroken) assert.ok(CLEAR.includes(ended["sending"]![0]!), say);
          for (const state of ["timeWait", "connecting", "synReceived"])
            assert.deepEqual(ended[state], ["ok"], `${state}: ${say}`);
        } finally {
          transfers.lab.close();
        }
      });
    }
  }

  // What else happens to it under Node is above.
  const matrix = [...Object.keys(ACTS).map((name) => ["wasmtime", name]), ["node", "the peer is started again"]];
  for (const [runtime, name] of matrix as ["node" | "wasmtime", string][]) {
    it(`stint up --runtime ${runtime}, ${name}: each completes, and nothing is left open`, async (t) => {
      if (lacks(t, "root", "tap", "ip", "nft", "pgrep", "socat", ...(runtime === "wasmtime" ? ["wasmtime"] : [])))
        return;
      const served = new Served(runtime, name);
      try {
        await served.start();
        await ACTS[name]!(served);
        release(served.lab);
        const { ended, left, fresh } = await served.finish(), say = JSON.stringify(ended);
        assert.deepEqual(left, [], say);
        const states = ["sending", "receiving", "halfway", "timeWait", "synReceived", "idle"];
        assert.deepEqual(states.map((state) => ended[state]), states.map(() => ["ok"]), say);
        assert.equal(fresh, "ok", say);
        assert.equal(await served.up.stop(), 0, served.up.err);
      } finally {
        served.lab.close();
      }
    });
  }
});

function release(lab: Lab): void {
  lab.run("nft", ["delete", "table", "ip", "hold"]);
}

/** The other side of a stream link: a stack that serves, and can be started again. */
class StreamPeer {
  #server: NetServer | undefined;
  #socket: Socket | undefined;
  #stack: Stack | undefined;

  constructor(readonly path: string, readonly keep: boolean) {}

  async start(): Promise<void> {
    this.#server = createServer((socket) => {
      this.#socket = socket.on("error", () => {});
      const link = streamLink(socket, socket, () => socket.destroy());
      if (this.#stack && this.keep) Object.assign(this.#between, { inner: link });
      else this.#between = between(link);
      link.onFrame = (frame) => this.#between.onFrame(frame);
      link.onClose = () => {};
      if (!this.#stack || !this.keep) void this.#open();
    });
    this.#server.listen(this.path);
    await once(this.#server, "listening");
  }

  #between: Link & { inner: Link } = between(undefined as never);

  async #open(): Promise<void> {
    this.#stack = await Stack.open({ link: this.#between, ip: `${PEER_IP}/24` });
    this.#stack.listen({ port: 7 }).on("connection", (c: Connection) => c.pipe(c));
  }

  /** The process that held the socket is gone; and its stack with it, which would go on to send until its R2. */
  stop(): void {
    this.#socket?.destroy();
    this.#server?.close();
    rmSync(this.path, { force: true });
    if (this.keep) return;
    void this.#stack?.close(0);
    this.#stack = undefined;
  }

  async end(): Promise<void> {
    this.stop();
    await this.#stack?.close(0);
  }
}

function between(inner: Link): Link & { inner: Link } {
  return { inner, send(frame) { this.inner.send(frame); }, onFrame() {}, onClose() {}, close() {} };
}

describe("a stream link whose other side is started again", { concurrency: 2 }, () => {
  for (const keep of [true, false]) {
    it(
      keep ? "the connections go on" : "and has forgotten all: each connection ends with RESET, and the next one works",
      async () => {
        const dir = mkdtempSync(join(tmpdir(), "stint-cable-"));
        const peer = new StreamPeer(join(dir, "s"), keep);
        const pending = new Pending();
        await peer.start();
        const stack = await Stack.open({ link: await openStream(peer.path), ip: `${STACK_IP}/24` });
        const events: string[] = [];
        stack.on("down", () => events.push("down")).on("up", () => events.push("up"));
        try {
          await sleep(50);
          const before = await stack.connect({ host: PEER_IP, port: 7 });
          before.on("error", () => {});
          let got = 0;
          before.on("data", (d: Buffer) => (got += d.length));
          before.write(pattern(MB), pending.callback("write"));
          pending.promise("close", once(before, "close", { signal: AbortSignal.timeout(30_000) }));
          await sleep(100);
          peer.stop();
          before.write(pattern(MB), pending.callback("write in between"));
          before.end(pending.callback("end"));
          const during = stack.connect({ host: PEER_IP, port: 7 });
          pending.promise("connect", during);
          await sleep(700);
          await peer.start();
          (await during).destroy();
          assert.deepEqual(await pending.settled(20_000), []);
          assert.deepEqual(events, ["down", "up"]);
          if (keep) assert.equal(got, 2 * MB);
          else assert.equal((before.errored as { code?: string } | null)?.code, "RESET");
          const after = await stack.connect({ host: PEER_IP, port: 7 });
          after.end("still here");
          assert.equal(String((await once(after, "data"))[0]), "still here");
          after.destroy();
        } finally {
          await stack.close(0);
          await peer.end();
          rmSync(dir, { recursive: true });
        }
      },
    );
  }
});

describe("stint connect", { concurrency: 3 }, () => {
  const start = (
    lab: Lab,
    ...args: string[]
  ): { child: ChildProcess; ended: Promise<number | null>; err: () => string } => {
    const child = lab.start(STINT[0]!, [
      STINT[1]!, "connect", PEER_IP, "40410", "--link", "tap:tap0", "--ip", `${STACK_IP}/24`, ...args,
    ]);
    let err = "";
    child.stderr!.on("data", (d: Buffer) => (err += d));
    child.stdout!.resume();
    return { child, ended: once(child, "close").then(([status]) => status as number | null), err: () => err };
  };

  it("waits until a slow reader has the last bytes", async (t) => {
    if (lacks(t, "root", "tap", "ip", "socat", "python3")) return;
    const lab = new Lab();
    try {
      // It says at once that it will send nothing, and reads 200,000 bytes from a small window.
      const reader = lab.sh(`python3 -c "
import socket, time
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(('${PEER_IP}', 40410)); s.listen(); c, _ = s.accept(); c.shutdown(socket.SHUT_WR); n = 0
while True:
    time.sleep(0.1); d = c.recv(4096); n += len(d)
    if not d: break
print(n)"`, 200);
      await lab.listens(40410);
      const c = start(lab);
      c.child.stdin!.end(pattern(200_000));
      assert.equal(await c.ended, 0, c.err());
      assert.equal((await reader).out.trim(), "200000");
    } finally {
      lab.close();
    }
  });

  it("says that bytes were lost, with status 1, when the reader does not take them in time", async (t) => {
    if (lacks(t, "root", "tap", "ip", "socat", "python3")) return;
    const lab = new Lab();
    try {
      lab.start("python3", ["-c", `
import socket, time
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
s.bind(('${PEER_IP}', 40410)); s.listen(); c, _ = s.accept(); c.shutdown(socket.SHUT_WR); time.sleep(600)`]);
      await lab.listens(40410);
      const c = start(lab, "--linger", "1");
      c.child.stdin!.end(pattern(200_000));
      assert.equal(await c.ended, 1);
      assert.match(c.err(), /the last bytes are lost/);
    } finally {
      lab.close();
    }
  });

  it("tells the peer of Ctrl-C, and finishes its capture", async (t) => {
    if (lacks(t, "root", "tap", "ip", "socat", "nc", "tshark")) return;
    const lab = new Lab();
    try {
      const peer = lab.sh(`nc -l ${PEER_IP} 40410 | wc -c`, 200);
      await lab.listens(40410);
      const c = start(lab, "--pcap", lab.file("c.pcapng"));
      c.child.stdin!.write(pattern(1000));
      await lab.connected(40410);
      const has = (): boolean => /bytes_received:1000\b/.test(lab.run("ss", ["-Htni", "sport", "=", ":40410"]).out);
      await until("what was typed is there", has);
      c.child.kill("SIGINT");
      assert.equal(await c.ended, 130, c.err());
      assert.equal((await peer).out.trim(), "1000", "the peer heard of the end");
      const r = ran("tshark", ["-r", lab.file("c.pcapng"), "-Y", `ip.src == ${STACK_IP} && tcp.flags.fin == 1`]);
      assert.equal(r.status, 0, r.stderr);
      assert.ok(r.stdout.trim().length > 0, "the capture has the FIN");
    } finally {
      lab.close();
    }
  });
});

describe("stint up that is asked to end", { concurrency: 3 }, () => {
  /** Takes 100 bytes of an endless answer, then nothing. `ended`: what became of the connection. */
  const stuck = async (lab: Lab): Promise<{ ended: Promise<string> }> => {
    const told = lab.sh(`python3 -c "
import socket, select
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
s.connect(('${STACK_IP}', 19)); s.recv(100, socket.MSG_WAITALL); open('${lab.file("stuck")}', 'w')
p = select.poll(); p.register(s, 0); p.poll(100000); print(s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))"`, 200);
    await until("it is stuck", () => existsSync(lab.file("stuck")), 90_000);
    return { ended: told.then(({ out, err }) => out.trim() + err) };
  };

  for (const how of [["--runtime", "node"], ["--runtime", "wasmtime"], ["--workers", "2"]]) {
    it("finishes its answers, resets what is stuck after --linger and ends with "
        + `status 1: ${how.join(" ")}`, async (t) => {
      if (lacks(t, "root", "tap", "ip", "socat", "curl", "python3", ...(how[1] === "wasmtime" ? ["wasmtime"] : [])))
        return;
      const lab = new Lab();
      try {
        const sum = await sha256(lab.random("file", MB));
        const up = await lab.up([
          "--link", "tap:tap0", "--ip", `${STACK_IP}/24`, "--http", "80", "--root", lab.dir, "--chargen", "19",
          "--discard", "9", "--linger", "10", "--ring", "65536", ...how,
        ]);
        const held = lab.held(`http://${STACK_IP}/file`), { ended } = await stuck(lab);
        await held.begun();
        const stopped = up.stop();
        await lab.refused(9);
        const finished = await held.finish();
        assert.equal(finished.sum, sum, finished.err);
        assert.equal(await stopped, 1, up.err);
        assert.match(up.err, /^stint up: 1 connection was cut off: not acknowledged within 10 s$/m);
        assert.equal(await ended, "104", "ECONNRESET");
      } finally {
        lab.close();
      }
    });

    it(`waits for nobody when it is asked twice: ${how.join(" ")}`, async (t) => {
      if (lacks(t, "root", "tap", "ip", "socat", "python3", ...(how[1] === "wasmtime" ? ["wasmtime"] : []))) return;
      const lab = new Lab();
      try {
        const up = await lab.up([
          "--link", "tap:tap0", "--ip", `${STACK_IP}/24`, "--chargen", "19", "--discard", "9", "--linger", "300",
          ...how,
        ]);
        const { ended } = await stuck(lab);
        signalled(descendants(up.child.pid!, "node"), "SIGINT");
        await lab.refused(9);
        assert.equal(up.child.exitCode, null, "it lingers");
        assert.equal(await up.stop(), 130, up.err);
        assert.match(up.err, /^stint up: 1 connection was cut off: it was asked to end twice$/m);
        assert.equal(await ended, "104", "ECONNRESET");
      } finally {
        lab.close();
      }
    });
  }
});

describe("files that change while they are served", { concurrency: 2 }, () => {
  for (const runtime of ["node", "wasmtime"]) {
    it(`an answer goes on from the file that it began with, or is reset: ${runtime}`, async (t) => {
      if (lacks(t, "root", "tap", "ip", "socat", "curl", ...(runtime === "wasmtime" ? ["wasmtime"] : []))) return;
      const lab = new Lab(), url = (name: string): string => `http://${STACK_IP}/${name}`;
      try {
        const names = ["replaced", "deleted", "shortened"], old = await sha256(lab.random("replaced", 3 * MB));
        lab.run("cp", [lab.file("replaced"), lab.file("deleted")]);
        // More than its reader's kernel takes in before it is shortened.
        lab.random("shortened", 48 * MB);
        const changed = await sha256(lab.random("other", 2 * MB));
        const up = await lab.up([
          "--link", "tap:tap0", "--ip", `${STACK_IP}/24`, "--http", "80", "--root", lab.dir, "--runtime", runtime,
          "--ring", "65536",
        ]);
        const answers = names.map((n) => lab.held(url(n)));
        await Promise.all(answers.map((answer) => answer.begun()));
        lab.run("mv", [lab.file("other"), lab.file("replaced")]);
        lab.run("rm", [lab.file("deleted")]);
        lab.run("truncate", ["-s", "1000", lab.file("shortened")]);
        const [replaced, deleted, shortened] = await Promise.all(answers.map((answer) => answer.finish()));
        assert.deepEqual([replaced!.sum, deleted!.sum], [old, old], `${replaced!.err}${deleted!.err}`);
        assert.notEqual(shortened!.status, 0, "what cannot be completed is no success");
        const next = await lab.sh(
          `curl -sS ${url("replaced")} | sha256sum; curl -s -o /dev/null -w '%{http_code}\\n' ${url("deleted")}; `
            + `curl -sS ${url("shortened")} | wc -c`,
        );
        assert.deepEqual(next.out.trim().split(/\s+-?\s*/), [changed, "404", "1000"], next.err);
        assert.equal(await up.stop(), 0, up.err);
      } finally {
        lab.close();
      }
    });
  }
});

describe("a link that comes back", { concurrency: 3 }, () => {
  const MAC = "02:00:5e:10:00:07";
  for (const how of [["--runtime", "node"], ["--runtime", "wasmtime"], ["--workers", "2"]]) {
    it(`tells the stack, which announces its address anew: ${how.join(" ")}`, async (t) => {
      if (lacks(t, ...(how[1] === "wasmtime" ? ["wasmtime"] : []))) return;
      const dir = mkdtempSync(join(tmpdir(), "stint-cable-")), path = join(dir, "s");
      let socket: Socket | undefined, announced = 0;
      const server = createServer((s) => {
        socket = s.on("error", () => {});
        streamLink(s, s, () => s.destroy()).onFrame = (frame) => {
          // ARP whose sender and target are the same address (RFC 5227 §2.3), from the MAC address that was asked for.
          const f = Buffer.from(frame), isMac = f.toString("hex", 6, 12) === MAC.replaceAll(":", "");
          if (isMac && f.readUInt16BE(12) === 0x0806 && f.subarray(28, 32).equals(f.subarray(38, 42))) announced++;
        };
      }).listen(path);
      await once(server, "listening");
      const up = new Up(
        started(STINT[0]!, [
          STINT[1]!, "up", "--link", `stream:${path}`, "--ip", `${STACK_IP}/24`, "--mac", MAC, "--echo", "7", ...how,
        ]),
      );
      try {
        await up.ready;
        await until("it announces its address when it starts", () => announced > 0);
        const before = announced;
        socket!.destroy();
        await until("it announces its address anew", () => announced > before);
        assert.match(up.err, /^link down: .+\nlink up$/m);
        up.child.kill("SIGINT");
        assert.equal(await up.ended, 0, up.err);
      } finally {
        up.child.kill("SIGKILL");
        server.close();
        socket?.destroy();
        rmSync(dir, { recursive: true });
      }
    });
  }
});
