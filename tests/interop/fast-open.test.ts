/** TCP Fast Open (RFC 7413) with the Linux kernel over TAP, both ways. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { describe, it } from "node:test";
import { Lab, PEER_IP, STACK_IP, lacks } from "./lab.js";

/** A namespace whose kernel does Fast Open on both sides, for sockets that ask for it. */
async function fastLab(): Promise<Lab> {
  const lab = new Lab();
  await lab.sh("echo 3 > /proc/sys/net/ipv4/tcp_fastopen");
  return lab;
}

describe("TCP Fast Open with the kernel", () => {
  for (const runtime of ["node", "wasmtime"] as const) {
    it(`curl's requests come in SYNs, from the second connection on (${runtime})`, async (t) => {
      if (lacks(t, "root", "tap", "ip", "curl", ...(runtime === "wasmtime" ? ["wasmtime"] : []))) return;
      const lab = await fastLab();
      try {
        writeFileSync(lab.file("index.html"), "<h1>stint</h1>\n");
        const up = await lab.up([
          "--link", "tap:tap0", "--ip", `${STACK_IP}/24`, "--runtime", runtime, "--http", "80", "--root", lab.dir,
          "--fast-open", "16", "--stats",
        ]);
        for (let i = 0; i < 5; i++)
          assert.equal((await lab.sh(`curl -sS --tcp-fastopen http://${STACK_IP}/`)).out, "<h1>stint</h1>\n");
        assert.equal(await up.stop(), 0, up.err);
        assert.equal(up.counter("TCPFastOpenCookieReqd"), 1);
        assert.equal(up.counter("TCPFastOpenPassive"), 4);
        assert.equal(up.counter("tcpPassiveOpens"), 5);
      } finally {
        lab.close();
      }
    });
  }

  it("our text comes in SYNs, from the second connection on, and longer text behind it", async (t) => {
    if (lacks(t, "root", "tap", "ip", "socat")) return;
    for (const [port, size] of [[7001, 1000], [7002, 50_000]] as const) {
      const lab = await fastLab();
      try {
        // TCP_FASTOPEN is option 23 of IPPROTO_TCP; a queue of 16.
        lab.start("socat", [`TCP-LISTEN:${port},reuseaddr,fork,setsockopt-listen=6:23:x10000000`, "EXEC:cat"]);
        await lab.listens(port);
        const client = lab.start(process.execPath, [
          "--import", "tsx", "tests/interop/fast-open.ts", PEER_IP, String(port), "4", String(size),
        ]);
        let out = "", err = "";
        client.stdout!.on("data", (d: Buffer) => (out += d));
        client.stderr!.on("data", (d: Buffer) => (err += d));
        await once(client, "close");
        assert.equal(out, `${`got ${size}\n`.repeat(4)}active 3 failed 0\n`, err);
        assert.match((await lab.sh("nstat -az TcpExtTCPFastOpenPassive")).out, /TCPFastOpenPassive\s+3\b/);
      } finally {
        lab.close();
      }
    }
  });

  it("a kernel that does not take it is spared", async (t) => {
    if (lacks(t, "root", "tap", "ip", "socat")) return;
    const lab = new Lab();
    try {
      lab.start("socat", ["TCP-LISTEN:7001,reuseaddr,fork", "EXEC:cat"]);
      await lab.listens(7001);
      const { out, err } = await lab.sh(
        `${process.execPath} --import tsx tests/interop/fast-open.ts ${PEER_IP} 7001 3 100`,
      );
      assert.equal(out, `${"got 100\n".repeat(3)}active 0 failed 1\n`, err);
    } finally {
      lab.close();
    }
  });
});
