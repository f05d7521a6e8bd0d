/** A stack in two threads on one TAP device, and the kernel as its peer. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { formatIp } from "../../host/address.js";
import { decodeTcp } from "../../host/decode.js";
import { readCapture } from "../../host/links/read-capture.js";
import { Lab, lacks, STACK_IP } from "./lab.js";

/**
 * How the connections in a capture ended: with a FIN from both ends; or reset by the stack before that. One that is
 * over answers what the kernel sends again with a RST (RFC 9293 §3.10.7.1).
 */
function ends(path: string): { inOrder: number; reset: string[] } {
  const fins = new Map<string, Set<string>>(), reset: string[] = [];
  for (const { bytes } of readCapture(readFileSync(path)).frames) {
    const s = decodeTcp(bytes);
    if (!s) continue;
    const mine = formatIp(s.src) === STACK_IP, key = mine ? `${s.dstPort} ${s.srcPort}` : `${s.srcPort} ${s.dstPort}`;
    if (s.flags.includes("FIN")) fins.set(key, (fins.get(key) ?? new Set()).add(mine ? "stack" : "kernel"));
    if (mine && s.flags.includes("RST") && fins.get(key)?.size !== 2) reset.push(key);
  }
  return { inOrder: [...fins.values()].filter((by) => by.size === 2).length, reset };
}

describe("two threads, one address", () => {
  it("serve 200 connections at once, large and small, answer ping, and end in order", async (t) => {
    if (lacks(t, "root", "tap", "ip", "curl", "nc", "ping")) return;
    const lab = new Lab();
    try {
      lab.random("big", 20_000_000);
      lab.random("small", 1000);
      const up = await lab.up([
        "--link", "tap:tap0", "--ip", `${STACK_IP}/24`, "--workers", "2", "--http", "80", "--root", lab.dir, "--echo",
        "7", "--connections", "256", "--stats", "--pcap", lab.file("up.pcapng"),
      ]);
      const small = await lab.sh(
        `for i in $(seq 200); do (curl -sS --max-time 50 http://${STACK_IP}/small | sha256sum) & done | sort | uniq -c`,
        60,
      );
      assert.match(small.out.trim(), /^200 [0-9a-f]{64}/, small.err);
      const big = await lab.sh(
        `for i in 1 2 3 4; do (curl -sS --max-time 50 http://${STACK_IP}/big | sha256sum) & done | sort | uniq -c; `
          + `sha256sum < ${lab.file("big")}`,
        60,
      );
      const sums = big.out.match(/[0-9a-f]{64}/g) ?? [];
      assert.ok(/^ *4 /.test(big.out) && sums.length === 2 && sums[0] === sums[1], big.out + big.err);
      const echo = await lab.sh(`nc -N ${STACK_IP} 7 < ${lab.file("big")} > ${lab.file("got")}`, 60);
      assert.equal(echo.status, 0, echo.err);
      assert.ok(readFileSync(lab.file("got")).equals(readFileSync(lab.file("big"))));
      assert.equal((await lab.sh(`ping -c 3 -i 0.2 -W 1 ${STACK_IP}`)).status, 0);
      assert.equal(await up.stop(), 0, up.err);
      assert.equal(up.counter("tcpPassiveOpens"), 205);
      for (const name of [
        "TCPAbortOnData", "TCPAbortOnClose", "TCPAbortOnTimeout", "tcpEstabResets", "tcpAttemptFails",
      ])
        assert.equal(up.counter(name), 0, name);
      assert.deepEqual(ends(lab.file("up.pcapng")), { inOrder: 205, reset: [] });
    } finally {
      lab.close();
    }
  });

  it("says what does not go together", async (t) => {
    if (lacks(t, "root", "tap", "ip")) return;
    const lab = new Lab();
    try {
      await assert.rejects(
        lab.up(["--link", "tap:tap0", "--ip", `${STACK_IP}/24`, "--workers", "65"]),
        /--workers is a number from 1 to 64/,
      );
      await assert.rejects(
        lab.up(["--link", "tap:tap0", "--ip", `${STACK_IP}/24`, "--workers", "2", "--runtime", "wasmtime"]),
        /--workers needs --runtime node/,
      );
    } finally {
      lab.close();
    }
  });
});
