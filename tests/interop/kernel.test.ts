/** The Linux kernel over TAP, under both runtimes. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { rmSync, statSync, writeFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { Lab, listening, PEER_IP, STACK_IP, STINT, complaints, lacks, sha256, type Up } from "./lab.js";

const MB = 1_000_000;
const BIG = 100 * MB;

for (const runtime of ["node", "wasmtime"] as const) {
  describe(`stint up under ${runtime}, the kernel over TAP`, () => {
    const needs = ["root", "tap", "ip", "socat", "curl", "nc", ...(runtime === "wasmtime" ? ["wasmtime"] : [])];
    let lab: Lab | undefined, up: Up | undefined, sum = "";

    before(async () => {
      let missing = false;
      lacks({ skip: () => (missing = true) } as never, ...needs);
      if (missing) return;
      lab = new Lab();
      sum = await sha256(lab.random("big", BIG));
      writeFileSync(lab.file("index.html"), "<h1>stint</h1>\n");
      up = await lab.up([
        "--link", "tap:tap0", "--ip", `${STACK_IP}/24`, "--runtime", runtime, "--http", "80", "--root", lab.dir,
        "--echo", "7", "--discard", "9", "--chargen", "19", "--connections", "256", "--ring", "131072", "--stats",
      ]);
    });
    after(() => lab?.close());

    const check = (name: string, body: (lab: Lab) => Promise<void>, ...more: string[]): void => {
      it(`${name} (${runtime})`, async (t) => {
        if (!lacks(t, ...needs, ...more)) await body(lab!);
      });
    };

    check("ping", async (lab) => {
      for (const size of ["0", "56", "1472"])
        assert.equal(lab.run("ping", ["-c", "2", "-i", "0.1", "-W", "2", "-s", size, STACK_IP]).status, 0);
    }, "ping");

    check("curl fetches 100 MB", async (lab) => {
      const r = await lab.sh(`curl -sS --max-time 60 -o ${lab.file("got")} http://${STACK_IP}/big`, 70);
      assert.equal(r.status, 0, r.err);
      assert.equal(await sha256(lab.file("got")), sum);
      rmSync(lab.file("got"));
    });

    check("HTTP: folder, 404, HEAD, several requests on a connection, bad requests", async (lab) => {
      const url = `http://${STACK_IP}`;
      assert.match((await lab.sh(`curl -sS ${url}/ ${url}/index.html`)).out, /^(<h1>stint<\/h1>\n){2}$/);
      assert.equal((await lab.sh(`curl -sS -o /dev/null -w %{http_code} ${url}/none`)).out, "404");
      assert.equal(
        (await lab.sh(`curl -sS -o /dev/null -w %{http_code} --path-as-is ${url}/../../etc/passwd`)).out, "404",
      );
      assert.match((await lab.sh(`curl -sS -I ${url}/big`)).out, /Content-Length: 100000000/);
      assert.equal((await lab.sh(`curl -sS -o /dev/null -w %{http_code} -X POST -d x ${url}/`)).out, "405");
      assert.match((await lab.sh(`printf 'nonsense\\r\\n\\r\\n' | nc -N ${STACK_IP} 80`)).out, /^HTTP\/1.1 400/);
    });

    check("100 MB through echo come back the same", async (lab) => {
      const r = await lab.sh(`nc -N ${STACK_IP} 7 < ${lab.file("big")} | sha256sum`, 90);
      assert.equal(r.out.split(" ")[0], sum, r.err);
    });

    check("100 MB into discard", async (lab) => {
      const r = await lab.sh(`nc -N ${STACK_IP} 9 < ${lab.file("big")}`, 90);
      assert.equal(r.status, 0, r.err);
    });

    check("chargen", async (lab) => {
      const r = await lab.sh(`nc ${STACK_IP} 19 </dev/null | head -c 20000`, 20);
      assert.equal(r.out.length, 20000);
      assert.equal(
        r.out.slice(0, 74), `${Array.from({ length: 72 }, (_, i) => String.fromCharCode(32 + i)).join("")}\r\n`,
      );
    });

    check("200 connections at a time", async (lab) => {
      lab.random("small", 200_000);
      const want = await sha256(lab.file("small"));
      const r = await lab.sh(
        `for i in $(seq 200); do (curl -sS --max-time 50 http://${STACK_IP}/small | sha256sum) & done | sort | uniq -c`,
        60,
      );
      assert.match(r.out.trim(), new RegExp(`^200 ${want}`), r.err);
    });

    check("a port where nobody listens is refused at once", async (lab) => {
      const r = await lab.sh(`curl -sS --max-time 5 http://${STACK_IP}:81/`);
      assert.equal(r.status, 7, "curl: connection refused");
    });

    check("SIGINT closes gracefully, and --stats prints the counters", async () => {
      assert.equal(await up!.stop(), 0, up!.err);
      assert.ok(up!.counter("tcpInSegs") > 100_000);
      assert.ok(up!.counter("tcpPassiveOpens") > 200);
    });
  });
}

describe("stint up --pcap", () => {
  for (const runtime of ["node", "wasmtime"] as const) {
    it(`writes a capture that tshark finds in order (${runtime})`, async (t) => {
      if (lacks(t, "root", "tap", "ip", "socat", "curl", "tshark", ...(runtime === "wasmtime" ? ["wasmtime"] : [])))
        return;
      const lab = new Lab();
      try {
        lab.random("file", 5 * MB);
        const up = await lab.up([
          "--link", "tap:tap0", "--ip", `${STACK_IP}/24`, "--runtime", runtime, "--http", "8000", "--root", lab.dir,
          "--pcap", lab.file("up.pcapng"),
        ]);
        for (let i = 0; i < 3; i++)
          assert.equal((await lab.sh(`curl -sS -o /dev/null http://${STACK_IP}:8000/file`)).status, 0);
        assert.equal(await up.stop(), 0);
        assert.ok(statSync(lab.file("up.pcapng")).size > 15 * MB);
        assert.deepEqual(complaints(lab.file("up.pcapng")), []);
      } finally {
        lab.close();
      }
    });
  }
});

describe("stint up on a bad link", () => {
  for (const [runtime, direction] of [["node", "down"], ["node", "up"], ["wasmtime", "down"]] as const) {
    it(`20 MB ${direction} with 2 % loss and 5 % reordering (${runtime})`, async (t) => {
      if (lacks(t, "root", "tap", "ip", "socat", "curl", "nc", ...(runtime === "wasmtime" ? ["wasmtime"] : []))) return;
      const lab = new Lab();
      try {
        const sum = await sha256(lab.random("file", 20 * MB));
        const relay = lab.start(process.execPath, [
          "--import", "tsx", "tests/interop/relay.ts", "tap0", "9001", "9002", "0.02", "0.05", "7",
        ]);
        await once(relay.stdout!, "data");
        await lab.up([
          "--link", "udp:9002,127.0.0.1:9001", "--ip", `${STACK_IP}/24`, "--runtime", runtime, "--http", "80", "--root",
          lab.dir, "--echo", "7", "--ring", "262144",
        ]);
        const r = direction === "down"
          ? await lab.sh(`curl -sS --max-time 110 http://${STACK_IP}/file | sha256sum`, 120)
          : await lab.sh(`nc -N ${STACK_IP} 7 < ${lab.file("file")} | sha256sum`, 120);
        assert.equal(r.out.split(" ")[0], sum, r.err);
      } finally {
        lab.close();
      }
    });
  }

  it("a link that is cut for ten seconds: the transfer resumes", async (t) => {
    if (lacks(t, "root", "tap", "ip", "socat", "curl")) return;
    const lab = new Lab();
    try {
      const sum = await sha256(lab.random("file", 30 * MB));
      const relay = lab.start(process.execPath, [
        "--import", "tsx", "tests/interop/relay.ts", "tap0", "9001", "9002", "0", "0", "7",
      ]);
      await once(relay.stdout!, "data");
      await lab.up(["--link", "udp:9002,127.0.0.1:9001", "--ip", `${STACK_IP}/24`, "--http", "80", "--root", lab.dir]);
      const fetched = lab.sh(
        `curl -sS --limit-rate 10M --max-time 100 http://${STACK_IP}/file | sha256sum; date +%s`,
        110,
      );
      await lab.connected(80);
      const start = Date.now();
      relay.kill("SIGUSR1");
      const r = await fetched;
      assert.equal(r.out.split(" ")[0], sum, r.err);
      assert.ok(Date.now() - start > 10_000, "the cut came during the transfer");
    } finally {
      lab.close();
    }
  });
});

describe("stint connect", () => {
  const connect = (lab: Lab, line: string): Promise<{ status: number | null; out: string; err: string }> =>
    lab.sh(`${line.replaceAll("CONNECT", `${STINT.join(" ")} connect --link tap:tap0 --ip ${STACK_IP}/24`)}`, 90);

  it("talks to a server of the kernel, both ways, with half-close", async (t) => {
    if (lacks(t, "root", "tap", "ip", "socat", "nc")) return;
    const lab = new Lab();
    try {
      const sum = await sha256(lab.random("file", 20 * MB));
      const r = await connect(
        lab,
        `socat -u TCP-LISTEN:40400,reuseaddr CREATE:${lab.file("got")} & ${listening(40400)}; `
          + `CONNECT ${PEER_IP} 40400 --pcap ${lab.file("c.pcapng")} < ${lab.file("file")}; wait`,
      );
      assert.equal(r.status, 0, r.err);
      assert.equal(await sha256(lab.file("got")), sum);
      const back = await connect(
        lab,
        `socat -u OPEN:${lab.file("file")} TCP-LISTEN:40401,reuseaddr & ${listening(40401)}; `
          + `CONNECT ${PEER_IP} 40401 </dev/null | sha256sum`,
      );
      assert.equal(back.out.split(" ")[0], sum, back.err);
      // The server answers only once it has seen the end of what it was sent.
      const half = await connect(
        lab,
        `socat TCP-LISTEN:40402,reuseaddr SYSTEM:'wc -c' & ${listening(40402)}; head -c 12345 ${lab.file("file")} | `
          + `CONNECT ${PEER_IP} 40402`,
      );
      assert.equal(half.out.trim(), "12345", half.err);
      if (!lacks(t, "tshark")) assert.deepEqual(complaints(lab.file("c.pcapng")), []);
    } finally {
      lab.close();
    }
  });

  it("says in one line that it was refused, timed out, or that nobody answers, with status 1", async (t) => {
    if (lacks(t, "root", "tap", "ip", "socat")) return;
    const lab = new Lab();
    try {
      const refused = await connect(lab, `CONNECT ${PEER_IP} 40403 </dev/null`);
      assert.deepEqual(
        [refused.status, refused.err.trim()], [1, `stint connect: ${PEER_IP} port 40403: connection refused`],
      );
      const nobody = await connect(lab, `CONNECT 10.9.0.99 80 </dev/null`);
      assert.equal(nobody.status, 1);
      assert.match(nobody.err, /^stint connect: 10\.9\.0\.99 port 80: .*does not answer\n$/);
      lab.run("nft", ["add", "table", "inet", "f"]);
      lab.run("nft", ["add", "chain", "inet", "f", "in", "{ type filter hook input priority 0 ; }"]);
      assert.equal(lab.run("nft", ["add", "rule", "inet", "f", "in", "tcp", "dport", "40404", "drop"]).status, 0);
      const silent = await connect(lab, `CONNECT ${PEER_IP} 40404 --timeout 2 </dev/null`);
      assert.equal(silent.status, 1);
      assert.match(silent.err, /timed out\n$/);
    } finally {
      lab.close();
    }
  });

  it("is reset when the peer's program is killed mid-transfer", async (t) => {
    if (lacks(t, "root", "tap", "ip", "socat", "nc")) return;
    const lab = new Lab();
    try {
      lab.random("file", 50 * MB);
      const r = await connect(
        lab,
        `nc -l 40405 > ${lab.file("part")} & P=$!; ${listening(40405)}; (while [ ! -s ${lab.file("part")} ]; `
          + `do sleep 0.01; done; kill -9 $P) & CONNECT ${PEER_IP} 40405 < <(cat ${lab.file("file")} - < <(sleep 3))`,
      );
      assert.equal(r.status, 1, r.err);
      assert.match(r.err, /reset by peer|closed/);
      assert.ok(statSync(lab.file("part")).size > 0);
    } finally {
      lab.close();
    }
  });
});
