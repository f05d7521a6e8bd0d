/** What other users of the machine, and the network, cannot do to a running `stint up`. */
import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createSocket } from "node:dgram";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { openUdp } from "../../host/links/udp.js";
import { Lab, lacks, STACK_IP, STINT, Up, freeTcpPort, freeUdpPort } from "./lab.js";
import { ran, started, until } from "../harness/programs.js";

/** A child process by its name, of those of `pid` and theirs. */
function childOf(pid: number, name: string): number | undefined {
  const kids = ran("pgrep", ["-P", String(pid)]).stdout.trim().split("\n").filter(Boolean).map(Number);
  for (const kid of kids) {
    if (readFileSync(`/proc/${kid}/comm`, "utf8").trim() === name) return kid;
    const found = childOf(kid, name);
    if (found !== undefined) return found;
  }
  return undefined;
}
const uidOf = (pid: number): number => Number(/^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]);

describe("UDP links", () => {
  it("frames from anybody but the peer are not let in", async () => {
    const peer = createSocket("udp4"), other = createSocket("udp4"), got: string[] = [];
    await new Promise<void>((resolve) => peer.bind(0, "127.0.0.1", resolve));
    const link = await openUdp(0, "127.0.0.1", peer.address().port);
    link.onFrame = (f) => void got.push(Buffer.from(f).toString());
    const send = (socket: typeof peer, text: string): Promise<unknown> =>
      new Promise((resolve) => socket.send(text, link.localPort, "127.0.0.1", resolve));
    await send(other, "forged");
    await send(peer, "true");
    await until("the peer's frame has come", () => got.length > 0);
    await sleep(50);
    link.close();
    peer.close();
    other.close();
    assert.deepEqual(got, ["true"]);
  });
});

describe("a TAP link", () => {
  it("lets no frame in from other programs, on neither of its ports", async (t) => {
    if (lacks(t, "root", "tap", "ip", "socat", "curl")) return;
    const lab = new Lab();
    try {
      lab.random("small", 100);
      const up = await lab.up(["--link", "tap:tap0,socat", "--ip", `${STACK_IP}/24`, "--echo", "7", "--stats"]);
      const ports = [...lab.run("ss", ["-Hnua"]).out.matchAll(/127\.0\.0\.1:(\d+) +127\.0\.0\.1:\d+/g)].map(
        (m) => m[1]!,
      );
      assert.equal(new Set(ports).size, 2, "both sockets are connected");
      const before = Number(lab.run("cat", ["/sys/class/net/tap0/statistics/rx_packets"]).out);
      // ARP from nowhere: the stack would count it, the device would hand it on.
      const script = `const s = require("dgram").createSocket("udp4"), f = Buffer.alloc(60, 255);
        let n = 0;
        const sent = () => { if (++n === 100) s.close(); };
        for (const port of [${ports.join()}]) for (let i = 0; i < 50; i++) s.send(f, port, "127.0.0.1", sent);`;
      lab.run(process.execPath, ["-e", script]);
      await sleep(300);
      assert.ok(
        Number(lab.run("cat", ["/sys/class/net/tap0/statistics/rx_packets"]).out) - before < 20,
        "nothing of it reached the device",
      );
      await up.stop();
      assert.equal(up.counter("ifInUnknownProtos"), 0, "nothing of it reached the stack");
    } finally {
      lab.close();
    }
  });

  it("--user: neither the command nor its socat are root once the link is open; "
      + "it still serves and ends", async (t) => {
    if (lacks(t, "root", "tap", "ip", "socat", "curl", "pgrep", "id")) return;
    const lab = new Lab();
    try {
      chmodSync(lab.dir, 0o755);
      writeFileSync(lab.file("page"), "a page");
      const up = await lab.up([
        "--link", "tap:tap0,socat", "--ip", `${STACK_IP}/24`, "--http", "80", "--root", lab.dir, "--user", "nobody",
      ]);
      const pid = childOf(up.child.pid!, "node") ?? up.child.pid!, socat = childOf(pid, "socat")!;
      const nobody = Number(ran("id", ["-u", "nobody"]).stdout);
      assert.deepEqual([uidOf(pid), uidOf(socat)], [nobody, nobody]);
      assert.match(readFileSync(`/proc/${pid}/status`, "utf8"), /^CapEff:\s+0+$/m);
      assert.equal((await lab.sh(`curl -sS --max-time 10 http://${STACK_IP}/page`)).out, "a page");
      assert.equal(await up.stop(), 0, up.err);
      await until("socat has ended, too", () => !existsSync(`/proc/${socat}`));
    } finally {
      lab.close();
    }
  });
});

describe("a TAP link without a helper", () => {
  it("has no port and no other process; --user: the command is not root once the link is open", async (t) => {
    if (lacks(t, "root", "tap", "ip", "curl", "pgrep", "id")) return;
    const lab = new Lab();
    try {
      chmodSync(lab.dir, 0o755);
      writeFileSync(lab.file("page"), "a page");
      const up = await lab.up([
        "--link", "tap:tap0", "--ip", `${STACK_IP}/24`, "--http", "80", "--root", lab.dir, "--user", "nobody",
      ]);
      const pid = childOf(up.child.pid!, "node") ?? up.child.pid!;
      assert.equal(lab.run("ss", ["-Hnua"]).out, "");
      assert.equal(ran("pgrep", ["-P", String(pid)]).stdout, "");
      assert.equal(uidOf(pid), Number(ran("id", ["-u", "nobody"]).stdout));
      assert.match(readFileSync(`/proc/${pid}/status`, "utf8"), /^CapEff:\s+0+$/m);
      assert.equal((await lab.sh(`curl -sS --max-time 10 http://${STACK_IP}/page`)).out, "a page");
      assert.equal(await up.stop(), 0, up.err);
    } finally {
      lab.close();
    }
  });
});

describe("--user", () => {
  it("a user that is not there is refused with one line", (t) => {
    if (lacks(t, "root", "id")) return;
    const r = ran(process.execPath, [
      STINT[1]!, "up", "--link", "tap:none", "--ip", "10.0.0.2/24", "--user", "nosuchuser",
    ]);
    assert.deepEqual([r.status, r.stderr], [2, "stint: --user: there is no user nosuchuser\n"]);
  });
});

describe("one bad frame or a full disk does not end the server", () => {
  for (const runtime of ["node", "wasmtime"] as const) {
    it(`an empty datagram on a UDP link (${runtime})`, async (t) => {
      if (runtime === "wasmtime" && lacks(t, "wasmtime")) return;
      const peer = createSocket("udp4");
      await new Promise<void>((resolve) => peer.bind(0, "127.0.0.1", resolve));
      const port = await freeUdpPort();
      const up = new Up(
        started(STINT[0]!, [
          STINT[1]!, "up", "--link", `udp:${port},127.0.0.1:${peer.address().port}`, "--ip", "10.0.0.2/24", "--echo",
          "7", "--runtime", runtime,
        ]),
      );
      try {
        await up.ready;
        for (let i = 0; i < 3; i++) peer.send(Buffer.alloc(0), port, "127.0.0.1");
        await sleep(1000);
        assert.equal(up.child.exitCode, null, up.err);
        // It is alive: a question to its address is answered.
        const answered = new Promise<boolean>((resolve) => {
          peer.on("message", (m) => m[12] === 8 && m[13] === 6 && m[21] === 2 && resolve(true));
          setTimeout(() => resolve(false), 30_000).unref();
        });
        peer.send(
          Buffer.from(
            "ffffffffffff0200000000010806000108000604000102000000000" + "10a0000010000000000000a000002", "hex",
          ),
          port,
          "127.0.0.1",
        );
        assert.equal(await answered, true);
      } finally {
        up.child.kill("SIGINT");
        await up.ended;
        peer.close();
      }
    });
  }

  it("a capture on a full disk: one line, and the server goes on", async () => {
    const peer = createSocket("udp4");
    await new Promise<void>((resolve) => peer.bind(0, "127.0.0.1", resolve));
    const link = `udp:${await freeUdpPort()},127.0.0.1:${peer.address().port}`;
    const up = new Up(
      started(STINT[0]!, [
        STINT[1]!, "up", "--link", link, "--ip", "10.0.0.2/24", "--echo", "7", "--pcap", "/dev/full",
      ]),
    );
    await up.ready;
    up.child.kill("SIGINT");
    assert.equal(await up.ended, 0, up.err);
    peer.close();
    assert.match(up.err, /^stint: the capture \/dev\/full ends here: ENOSPC[^\n]*\n$/);
  });
});

describe("a passt link", () => {
  it("binds 127.0.0.1, and its router's address does not reach the host's "
      + "loopback; both can be asked for", async (t) => {
    if (lacks(t, "passt", "curl", "ip")) return;
    const dir = mkdtempSync(join(tmpdir(), "stint-passt-bind-")), port = await freeTcpPort();
    writeFileSync(join(dir, "page"), "a page");
    try {
      for (const [link, all] of [["passt", false], ["passt:everywhere", true]] as const) {
        const up = new Up(
          started(STINT[0]!, [
            STINT[1]!, "up", "--link", link, "--ip", "10.0.2.15/24", "--gateway", "10.0.2.2", "--http", String(port),
            "--root", dir,
          ]),
        );
        try {
          await up.ready;
          const r = ran("curl", ["-sS", "--max-time", "10", `http://127.0.0.1:${port}/page`]);
          assert.equal(r.stdout, "a page", r.stderr + up.err);
          const listens = ran("ss", ["-Hlnt", `sport = :${port}`]).stdout;
          assert.equal(listens.includes(`127.0.0.1:${port}`), !all, listens);
        } finally {
          up.child.kill("SIGINT");
          await up.ended;
        }
      }
      const server = createServer((s) => s.end("secret")).listen(port, "127.0.0.1");
      // Long where an answer has to come; where none may, the peer that answered has shown how soon it would.
      const ask = (link: string, timeoutS: number): Promise<string> => new Promise((resolve) => {
        const child = started(
          STINT[0]!,
          [
            STINT[1]!, "connect", "10.0.2.2", String(port), "--link", link, "--ip", "10.0.2.15/24", "--gateway",
            "10.0.2.2", "--timeout", String(timeoutS),
          ],
          { stdio: ["pipe", "pipe", "ignore"], timeout: 60_000 },
        );
        let out = "";
        // passt of Debian 12 hands no FIN on once it has had ours.
        child.stdout!.on("data", (d: Buffer) => {
          if ((out += d) === "secret") child.stdin!.end();
        });
        child.once("close", () => resolve(out));
      });
      assert.equal(await ask("passt:host-loopback", 30), "secret");
      assert.equal(await ask("passt", 3), "");
      server.close();
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });
});
