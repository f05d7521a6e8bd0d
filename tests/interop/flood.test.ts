/** SYN floods from hping3, and four nodes behind one address, with the Linux kernel as client and router. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Lab, STACK_IP, lacks, type Up } from "./lab.js";
import { succeeded } from "../harness/programs.js";

const SMALL = 10_000;

for (const runtime of ["node", "wasmtime"] as const) {
  const needs = [
    "root", "tap", "ip", "socat", "curl", "hping3", "sysctl", ...(runtime === "wasmtime" ? ["wasmtime"] : []),
  ];

  describe(`a flood against stint up under ${runtime}`, () => {
    let lab: Lab | undefined, up: Up | undefined;
    before(async () => {
      let missing = false;
      lacks({ skip: () => (missing = true) } as never, ...needs);
      if (missing) return;
      lab = new Lab();
      writeFileSync(lab.file("small"), "x".repeat(SMALL));
      // The answers to spoofed addresses go to the kernel, which has no way on.
      up = await lab.up([
        "--link", "tap:tap0", "--ip", `${STACK_IP}/24`, "--gateway", "10.9.0.1", "--runtime", runtime, "--http", "80",
        "--root", lab.dir, "--stats",
      ]);
    });
    after(() => lab?.close());

    const fetch = async (seconds: number): Promise<number> => {
      const r = await lab!.sh(
        `curl -sS --max-time ${seconds} -o /dev/null -w %{size_download} http://${STACK_IP}/small`,
        seconds + 5,
      );
      return r.status === 0 ? Number(r.out) : -1;
    };

    it(`20 of 20 curls succeed within 5 s each under 10,000 SYNs a second (${runtime})`, async (t) => {
      if (lacks(t, ...needs)) return;
      const hping = lab!.start("hping3", ["-q", "-S", "-p", "80", "--rand-source", "-i", "u100", STACK_IP]);
      await sleep(1000);
      for (let i = 0; i < 20; i++) assert.equal(await fetch(5), SMALL, `curl ${i}`);
      hping.kill("SIGINT");
    });

    it(`stays up under --flood and serves within 5 s of its end (${runtime})`, async (t) => {
      if (lacks(t, ...needs)) return;
      const hping = lab!.start("hping3", ["-q", "-S", "-p", "80", "--rand-source", "--flood", STACK_IP]);
      await sleep(5000);
      hping.kill("SIGINT");
      assert.equal(await fetch(5), SMALL);
      assert.equal(await up!.stop(), 0);
      assert.ok(up!.counter("SyncookiesSent") > 10_000, `${up!.counter("SyncookiesSent")} cookies`);
      assert.ok(up!.counter("tcpPassiveOpens") <= 25, "nobody but curl has a connection");
    });
  });

  describe(`four nodes behind one address under ${runtime}`, () => {
    const SERVICE = "10.99.0.1", KEY = "000102030405060708090a0b0c0d0e0f";
    let lab: Lab | undefined, client: string;
    const nodes: Up[] = [];
    const ip = (...args: string[]): void => void succeeded("ip", args);

    before(async () => {
      let missing = false;
      lacks({ skip: () => (missing = true) } as never, ...needs, "nft");
      if (missing) return;
      // The lab's namespace is the router; the clients live in one of their own, so that the router's hash sees their
      // flows.
      lab = new Lab();
      client = `${lab.name}-c`;
      writeFileSync(lab.file("small"), "x".repeat(SMALL));
      ip("netns", "add", client);
      ip("link", "add", "c0", "netns", client, "type", "veth", "peer", "name", "r0", "netns", lab.name);
      for (const [ns, dev, address] of [[client, "c0", "10.98.0.2/24"], [lab.name, "r0", "10.98.0.1/24"]] as const) {
        ip("-n", ns, "addr", "add", address, "dev", dev);
        ip("-n", ns, "link", "set", dev, "up");
      }
      ip("-n", client, "route", "add", "default", "via", "10.98.0.1");
      const sysctl = [
        "ip_forward=1", "fib_multipath_hash_policy=1", "conf.all.rp_filter=0", "conf.default.rp_filter=0",
        "conf.r0.rp_filter=0", "conf.all.ignore_routes_with_linkdown=1", "conf.default.ignore_routes_with_linkdown=1",
      ];
      for (const s of sysctl) lab.run("sysctl", ["-qw", `net.ipv4.${s}`]);
      ip("-n", lab.name, "route", "add", "blackhole", "default");
      for (let i = 1; i <= 4; i++) {
        ip("-n", lab.name, "tuntap", "add", "dev", `node${i}`, "mode", "tap");
        ip("-n", lab.name, "addr", "add", "10.99.0.254/32", "dev", `node${i}`);
        ip("-n", lab.name, "link", "set", `node${i}`, "up");
        lab.run("sysctl", [
          "-qw", `net.ipv4.conf.node${i}.rp_filter=0`, `net.ipv4.conf.node${i}.ignore_routes_with_linkdown=1`,
        ]);
        nodes.push(await lab.up([
          "--link", `tap:node${i}`, "--ip", `${SERVICE}/24`, "--gateway", "10.99.0.254", "--runtime", runtime, "--http",
          "80", "--root", lab.dir, "--group-key", KEY, "--stats",
        ]));
      }
      ip("-n", lab.name, "route", "add", SERVICE, ...[1, 2, 3, 4].flatMap((i) => ["nexthop", "dev", `node${i}`]));
    });
    after(() => {
      if (!lab) return;
      try {
        for (const pid of succeeded("ip", ["netns", "pids", client]).split("\n"))
          if (pid) process.kill(Number(pid), "SIGKILL");
        ip("netns", "del", client);
      } catch { /* it is gone */ }
      lab.close();
    });

    /** Connect time of one new client, s. */
    const connect = async (): Promise<{ status: number | null; seconds: number; size: number }> => {
      const r = await lab!.sh(
        `ip netns exec ${client} curl -sS --max-time 5 -o /dev/null -w '%{time_connect} %{size_download}' `
          + `http://${SERVICE}/small`,
        10,
      );
      const [seconds, size] = r.out.split(" ").map(Number) as [number, number];
      return { status: r.status, seconds, size };
    };

    it(`a handshake whose SYN-ACK came from one node is completed by another (${runtime})`, async (t) => {
      if (lacks(t, ...needs, "nft")) return;
      // The nodes and the router get to know each other's addresses.
      await Promise.all(Array.from({ length: 24 }, connect));
      // Nothing but SYNs gets through to node 1: a client that it answered believes to be connected, and repeats its
      // request.
      lab!.run("nft", ["add table ip t; add chain ip t f { type filter hook forward priority 0; }; " +
        "add rule ip t f oifname node1 tcp flags & (syn|ack) != syn drop"]);
      const clients = Array.from({ length: 24 }, () =>
        lab!.sh(
          `ip netns exec ${client} curl -sS --max-time 15 -o /dev/null -w '%{time_connect} %{time_total} `
            + `%{size_download}' http://${SERVICE}/small`,
          20,
        ),
      );
      await sleep(1500);
      const [first] = nodes.splice(0, 1);
      first!.child.kill("SIGKILL");
      let taken = 0;
      for (const r of await Promise.all(clients)) {
        const [connected, total, size] = r.out.split(" ").map(Number) as [number, number, number];
        assert.deepEqual([r.status, size], [0, SMALL], r.err);
        // It was connected, and its request had to wait for another node.
        if (total - connected > 0.3) taken++;
      }
      assert.ok(taken > 0, "at least one of 24 flows had begun at the first node");
      lab!.run("nft", ["delete table ip t"]);
    });

    it("in mid-flood one of them dies, and no new client waits for longer than one SYN "
        + `retransmission (${runtime})`, async (t) => {
      if (lacks(t, ...needs, "nft")) return;
      const hping = lab!.start("ip", [
        "netns", "exec", client, "hping3", "-q", "-S", "-p", "80", "--rand-source", "-i", "u500", SERVICE,
      ]);
      const end = Date.now() + 5000;
      let died = Infinity;
      const results: { status: number | null; seconds: number; size: number; began: number }[] = [];
      const loops = Array.from({ length: 3 }, async () => {
        // A busy machine takes its time to start a client: on until there were enough of them.
        while (Date.now() < end || (results.filter((r) => r.began > died).length <= 20 && Date.now() < end + 25_000)) {
          const began = Date.now();
          results.push({ ...(await connect()), began });
        }
      });
      await sleep(1500);
      died = Date.now();
      const [dead] = nodes.splice(0, 1);
      dead!.child.kill("SIGKILL");
      await Promise.all(loops);
      hping.kill("SIGINT");
      // What the dead node had accepted dies with it; a client that began after that must not notice more than a lost
      // SYN.
      const later = results.filter((r) => r.began > died);
      assert.ok(later.length > 20, `${later.length} clients`);
      for (const r of later) assert.deepEqual([r.status, r.size, r.seconds < 1.3], [0, SMALL, true], JSON.stringify(r));
      for (const node of nodes) assert.equal(await node.stop(), 0);
      assert.ok(nodes.reduce((n, u) => n + u.counter("SyncookiesRecv"), 0) > 0, "some were completed by their cookie");
    });
  });
}
