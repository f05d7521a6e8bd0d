/** The command: what it prints, what it exits with, what it says when the user gets something wrong. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync } from "node:fs";
import { createSocket } from "node:dgram";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { complaints, lacks } from "../interop/lab.js";
import { ran } from "../harness/programs.js";

const dir = mkdtempSync(join(tmpdir(), "stint-cli-"));

function stint(...args: string[]): { status: number | null; out: string; err: string } {
  const r = ran(process.execPath, ["build/stint.js", ...args]);
  return { status: r.status, out: r.stdout, err: r.stderr };
}

interface Handshake {
  client: { iss: number; irs: number; states: string[] };
  server: { iss: number; irs: number; states: string[] };
  segments: {
    time_us: number;
    from: string;
    flags: string[];
    seq: number;
    ack: number;
    len: number;
    window: number;
    options: { kind: string }[];
  }[];
}
const handshake = (...args: string[]): Handshake => JSON.parse(stint("handshake", "--json", ...args).out) as Handshake;

describe("stint handshake", () => {
  it("tells both sides' numbers and states, and the three segments", () => {
    const { client, server, segments } = handshake("--seed", "9");
    assert.deepEqual(client.states, ["CLOSED", "SYN-SENT", "ESTABLISHED"]);
    assert.deepEqual(server.states, ["CLOSED", "LISTEN", "SYN-RECEIVED", "ESTABLISHED"]);
    assert.deepEqual([client.irs, server.irs], [server.iss, client.iss]);
    assert.deepEqual(
      segments.map((s) => [s.from, s.flags.join(), s.len]),
      [["client", "SYN", 0], ["server", "SYN,ACK", 0], ["client", "ACK", 0]],
    );
    const [syn, synAck, ack] = segments as [
      Handshake["segments"][0], Handshake["segments"][0], Handshake["segments"][0],
    ];
    assert.deepEqual([syn.seq, synAck.seq, synAck.ack], [client.iss, server.iss, (client.iss + 1) >>> 0]);
    assert.deepEqual([ack.seq, ack.ack], [(client.iss + 1) >>> 0, (server.iss + 1) >>> 0]);
    assert.ok(syn.options.some((o) => o.kind === "mss"));
  });

  it("replays a seed, and differs without one", () => {
    assert.deepEqual(handshake("--seed", "9"), handshake("--seed", "9"));
    assert.notEqual(handshake().client.iss, handshake().client.iss);
  });

  it("--data-on-ack, --simultaneous and --loss", () => {
    assert.ok(handshake("--data-on-ack").segments[2]!.len > 0);
    for (const side of ["client", "server"] as const) {
      assert.deepEqual(handshake("--simultaneous")[side].states, ["CLOSED", "SYN-SENT", "SYN-RECEIVED", "ESTABLISHED"]);
    }
    for (let seed = 1; seed < 6; seed++)
      assert.equal(handshake("--loss", "50", "--seed", String(seed)).client.states.at(-1), "ESTABLISHED");
  });

  it("draws a ladder", () => {
    const { out, status } = stint("handshake", "--seed", "9");
    assert.equal(status, 0);
    for (const word of ["SYN-SENT", "SYN-RECEIVED", "ESTABLISHED", "SYN, ACK", "relative 1", "window", "MSS=1460"])
      assert.ok(out.includes(word), word);
  });
});

interface Flood {
  runs: {
    defence: string;
    honest_attempted: number;
    honest_connected: number;
    connect_ms_p50: number;
    connect_ms_p99: number;
    syn_ns: number;
    memory_bytes_before: number;
    memory_bytes_peak: number;
  }[];
}

describe("stint flood", () => {
  const flood = (...args: string[]): Flood["runs"] =>
    (JSON.parse(stint("flood", "--json", "--seconds", "6", ...args).out) as Flood).runs;
  const share = (r: Flood["runs"][0]): number => r.honest_connected / r.honest_attempted;

  it("shows the problem and each of its remedies", () => {
    const runs = flood();
    assert.deepEqual(runs.map((r) => r.defence), ["none", "timeout", "rate", "cookies", "balance", "all"]);
    const [none, timeout, rate, cookies, balance, all] = runs as [
      Flood["runs"][0], Flood["runs"][0], Flood["runs"][0], Flood["runs"][0], Flood["runs"][0], Flood["runs"][0],
    ];
    assert.ok(share(none) < 0.05, "without a defence nobody gets in");
    assert.ok(share(timeout) > 0.15 && share(timeout) < 0.9, "shorter time-outs help some");
    for (const r of [rate, cookies, balance, all]) assert.equal(share(r), 1, r.defence);
    for (const r of [rate, cookies]) assert.ok(r.connect_ms_p99 <= 2 * 10, `${r.defence}: ${r.connect_ms_p99} ms`);
    // While the router has not noticed that a server is dead, a SYN can be lost: one retransmission.
    for (const r of [balance, all])
      assert.ok(r.connect_ms_p50 === 10 && r.connect_ms_p99 <= 1010, `${r.defence}: ${r.connect_ms_p99} ms`);
    for (const r of runs) assert.ok(r.memory_bytes_peak === r.memory_bytes_before && r.syn_ns > 0);
  });

  it("shows what rate limits cannot do: an attacker from everywhere", () => {
    const [rate] = flood("--defence", "rate", "--networks", "0");
    assert.ok(share(rate!) < 0.1);
    const [cookies] = flood("--defence", "cookies", "--networks", "0", "--rate", "10000");
    assert.equal(share(cookies!), 1);
  });

  it("replays a seed, draws a table and writes a plot", () => {
    const strip = (runs: Flood["runs"]): object[] => runs.map(({ syn_ns: _, ...r }) => r);
    assert.deepEqual(strip(flood("--seed", "5")), strip(flood("--seed", "5")));
    const plot = join(dir, "flood.svg");
    const { out, status } = stint("flood", "--seconds", "3", "--plot", plot);
    assert.equal(status, 0);
    for (const name of ["none", "timeout", "rate", "cookies", "balance", "all"])
      assert.match(out, new RegExp(`^${name} .*constant`, "m"));
    assert.match(readFileSync(plot, "utf8"), /^<svg[^>]*>[\s\S]*cookies[\s\S]*<\/svg>$/);
  });
});

describe("stint demo", () => {
  it("moves data both ways through loss, verifies it, closes down to TIME-WAIT, "
      + "and writes a capture that tshark finds in order", (t) => {
    const pcap = join(dir, "demo.pcapng");
    const { out, status } = stint("demo", "--mib", "2", "--seed", "5", "--pcap", pcap);
    assert.equal(status, 0, out);
    assert.equal(out.match(/SHA-256 [0-9a-f]{64} matches/g)?.length, 2);
    assert.match(out, /client: CLOSED → SYN-SENT → ESTABLISHED → FIN-WAIT-1 → FIN-WAIT-2 → TIME-WAIT/);
    assert.match(out, /server: CLOSED → LISTEN → SYN-RECEIVED → ESTABLISHED → CLOSE-WAIT → LAST-ACK → CLOSED/);
    assert.ok(Number(/(\d+) lost/.exec(out)![1]) > 0);
    if (!lacks(t, "tshark")) assert.deepEqual(complaints(pcap), []);
  });
});

describe("what the user gets wrong", () => {
  const wrong = (want: RegExp, ...args: string[]): void => {
    const { status, out, err } = stint(...args);
    assert.equal(status, 2, `${args.join(" ")}: ${out}${err}`);
    assert.match(err, want);
    assert.equal(err.trim().split("\n").length, 1, `one line: ${err}`);
  };
  const up = ["up", "--ip", "10.0.0.2/24", "--link"];

  it("is one line and status 2", () => {
    wrong(/unknown option '--bogus'/, ...up, "stream:/x", "--bogus");
    wrong(/unknown command/, "nonsense");
    wrong(/no address with a prefix/, "up", "--link", "passt", "--ip", "10.0.0.2");
    wrong(/no IPv4 address/, ...up, "stream:/x", "--gateway", "10.0.0.300");
    wrong(/from 1 to 65535/, ...up, "stream:/x", "--echo", "0");
    wrong(/is no link/, ...up, "carrier-pigeon");
    wrong(/no UDP link/, ...up, "udp:1");
    wrong(/there is no such socket/, ...up, "stream:/nonexistent");
    wrong(/there is no device/, ...up, "tap:none-such");
    wrong(/is no TAP device/, ...up, "tap:lo");
    wrong(/there is no network device none-such; there are: /, ...up, "if:none-such");
    wrong(/lo is no Ethernet device/, ...up, "if:lo");
    wrong(/"..\/x" is no name of a network device/, ...up, "if:../x");
    wrong(/needs --root/, ...up, "stream:/x", "--http", "80");
    wrong(/a name is up to 63 letters, digits and hyphens/, ...up, "stream:/x", "--name", "a_b");
    wrong(/--name needs --runtime node and --workers 1/, ...up, "stream:/x", "--workers", "2", "--name", "lamp");
    wrong(/--last-ip is for a stack without --ip/, ...up, "stream:/x", "--last-ip", "10.0.0.3");
    wrong(/--gateway needs --ip/, "up", "--link", "stream:/x", "--gateway", "10.0.0.3");
    wrong(/there is no folder/, ...up, "stream:/x", "--http", "80", "--root", "/nonexistent");
    wrong(/cannot share a port/, ...up, "stream:/x", "--echo", "7", "--discard", "7");
    wrong(/percentage/, "handshake", "--loss", "101");
    wrong(/no such file|ENOENT/, "handshake", "--pcap", "/nonexistent/x");
    wrong(/there is no file/, "packetdrill", "/nonexistent");
  });

  it("a socket that is in use, and one on which nobody listens", async () => {
    const udp = createSocket("udp4");
    await new Promise<void>((resolve) => udp.bind(0, "127.0.0.1", resolve));
    wrong(/it is in use/, ...up, `udp:${udp.address().port},127.0.0.1:9`);
    udp.close();
    const path = join(dir, "dead");
    // A socket file without a listener, as a program that was killed leaves behind.
    ran(process.execPath, [
      "-e", `require("net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`,
    ]);
    wrong(/nobody listens/, ...up, `stream:${path}`);
  });

  it("a program that is missing", () => {
    const r = ran(process.execPath, ["build/stint.js", ...up, "passt"], { env: { PATH: "/nonexistent" } });
    assert.equal(r.status, 2);
    assert.match(r.stderr, /needs passt/);
  });

  it("every command has --help", () => {
    for (const command of ["handshake", "up", "connect", "demo", "packetdrill"]) {
      const { status, out } = stint(command, "--help");
      assert.equal(status, 0);
      assert.match(out, /Usage: stint /);
    }
  });
});
