/** The project's own scripts, each a test; and what the runner says of scripts that it cannot run, or that are none. */
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { runScript } from "../../host/cli/packetdrill.js";
import type { How, Outcome } from "../../host/packetdrill/run.js";

const FOLDER = "tests/packetdrill";
const files = readdirSync(FOLDER, { recursive: true, encoding: "utf8" }).filter((f) => f.endsWith(".pkt")).sort();
const OPEN = readFileSync(join(FOLDER, "reset/exact.pkt"), "utf8").split("\n").slice(0, 9).join("\n");
/** What these say there is in IPv4 alone: IPv6 has counterparts, in scripts of their own. */
const OF_IPV4 = [
  "icmp/mtu-larger.pkt", "icmp/mtu-too-small.pkt", "icmp/mtu.pkt", "icmp/numbers-that-do-not-fit.pkt", "icmp/soft.pkt",
  "icmp/unreachable-established.pkt", "open/dscp.pkt",
];
/** On modules of other builds, which are slower, scripts run as they are, and no more. */
const IS_LIBRARY = process.env["STINT_MODULE"] === undefined;
const scratch = mkdtempSync(join(tmpdir(), "stint-pkt-"));
after(() => rmSync(scratch, { recursive: true }));
const run = (text: string, how: How = {}): Outcome => {
  const file = join(scratch, "script.pkt");
  writeFileSync(file, text);
  return runScript(file, new Set(["STANDARD"]), how);
};
const passes = (o: Outcome): void => assert.equal(
  o.result, "passed", `line ${o.line}: expected ${o.expected}, but ${o.got}\n${o.packets?.join("\n")}`,
);

describe("scripts", () => {
  for (const file of files) {
    const text = readFileSync(join(FOLDER, file), "utf8"), title = text.split("\n")[0]!.replace(/^\/\/ /, "");
    it(`${file}: ${title}`, () => passes(runScript(join(FOLDER, file), new Set(["STANDARD"]))));
    if (!IS_LIBRARY || /^--ip_version/m.test(text)) continue;
    it(`${file}, over IPv6: ${title}`, () => {
      const o = runScript(join(FOLDER, file), new Set(["STANDARD"]), { version: "ipv6" });
      if (OF_IPV4.includes(file)) assert.equal(o.result, "unsupported");
      else passes(o);
    });
  }
});

describe("--ip_version", () => {
  const open6 = OPEN.replace("<mss 1460>", "<mss 1440>");

  it("is the script's, unless another is asked for", () => {
    passes(run(`--ip_version=ipv6\n${open6}\n`));
    assert.equal(run(`--ip_version=ipv6\n${OPEN}\n`).result, "failed");
    passes(run(`--ip_version=ipv6\n${OPEN}\n`, { version: "ipv4" }));
    passes(run(`--ip_version=ipv4-mapped-ipv6\n${OPEN}\n`));
    assert.match(run(`--ip_version=ipv5\n${OPEN}\n`).got!, /--ip_version=ipv5/);
  });

  it("gives a script for IPv4 a link that is as much wider as the header of IPv6 is longer", () => {
    passes(run(`${OPEN}\n`, { version: "ipv6" }));
    passes(run(`--ip_version=ipv4\n--mtu=1300\n${OPEN.replace("<mss 1460>", "<mss 1260>")}\n`, { version: "ipv6" }));
    assert.match(run(`--mtu=1259\n${OPEN}\n`, { version: "ipv6" }).got!, /--mtu=1259.*1279/);
    assert.match(run(`--mtu=65516\n${OPEN}\n`, { version: "ipv6" }).got!, /--mtu=65516.*65536/);
    assert.match(run(`--ip_version=ipv6\n--mtu=1279\n${OPEN}\n`).got!, /--mtu=1279/);
  });

  it("has sockets and options of its family alone", () => {
    const family = (name: string): string => OPEN.replace("socket(...", `socket(${name}`);
    const option = (words: string): string => OPEN.replace("+0 bind", `+0 setsockopt(3, ${words}, 4) = 0\n+0 bind`);
    const tos = option("IPPROTO_IP, IP_TOS, [0x48]"), alone = option("IPPROTO_IPV6, IPV6_V6ONLY, [1]");
    const tclass = option("IPPROTO_IPV6, IPV6_TCLASS, [0x48]"), shared = option("SOL_IPV6, IPV6_V6ONLY, [0]");
    const wrong = option("IPPROTO_IP, IPV6_TCLASS, [0x48]");
    for (const [version, good, bad] of [
      ["ipv4", [family("AF_INET"), tos], [family("AF_INET6"), tclass, shared, alone, wrong]],
      ["ipv4-mapped-ipv6", [family("AF_INET6"), tos, shared], [family("AF_INET"), tclass, alone, wrong]],
      ["ipv6", [family("AF_INET6"), tclass, shared, alone], [family("AF_INET"), tos, wrong]],
    ] as const) {
      for (const text of good) passes(run(`${text}\n`, { version }));
      for (const text of bad) assert.equal(run(`${text}\n`, { version }).result, "unsupported", `${version}: ${text}`);
    }
  });

  it("reads ICMP's words as those of the packets", () => {
    const told = (words: string): string => `${OPEN}\n+0 write(4, ..., 100) = 100\n+0 > P. 1:101(100) ack 1\n` +
      `+0 < icmp ${words} [1:101(100)]\n`;
    for (const [words, isSix] of [
      ["unreachable frag_needed mtu 1400", false], ["packet_too_big mtu 1400", true],
      ["unreachable host_unreachable", false], ["unreachable no_route", true],
      ["unreachable admin_prohibited", true], ["time_exceeded ttl_exceeded", false],
      ["time_exceeded exceeded_hop_limit", true], ["parameter_problem unknown_option", true],
    ] as const) {
      passes(run(told(words), { version: isSix ? "ipv6" : "ipv4" }));
      assert.equal(run(told(words), { version: isSix ? "ipv4" : "ipv6" }).result, "unsupported", words);
    }
  });
});

describe("the runner", () => {
  it("fails a script whose packet does not come, comes otherwise, or comes at another time", () => {
    for (const [line, what] of [
      ["+0 > . 1:1(0) ack 1", /nothing was sent/],
      ["+0 write(4, ..., 10) = 10\n+0 > . 1:11(10) ack 1", /flags/],
      ["+0 write(4, ..., 10) = 10\n+0 > P. 1:12(11) ack 1", /10 bytes/],
      ["+0 write(4, ..., 10) = 10\n+0 > P. 1:11(10) ack 2", /acknowledgment number 1/],
      ["+0 write(4, ..., 10) = 10\n+0 > P. 1:11(10) ack 1 win 5", /window/],
      ["+0 write(4, ..., 10) = 10\n+0 > P. 1:11(10) ack 1 <nop,nop,TS val 1 ecr 1>", /options/],
      ["+0 write(4, ..., 10) = 10\n+.1 > P. 1:11(10) ack 1", /it was sent at/],
      ["+0 read(4, ..., 10) = 5", /returned -1 EAGAIN/],
      ["+0 %{ assert tcpi_state == TCPI_CLOSE_WAIT }%", /tcpi_state is/],
    ] as const) {
      const o = run(`${OPEN}\n${line}\n`);
      assert.equal(o.result, "failed", line);
      assert.match(o.got!, what);
    }
  });

  it("names file, line and column of a syntax error", () => {
    for (const [text, where] of [
      ["0 socket(...\n", ":2:1:"], ["+0 > X\n", ":1:6:"], ["0 close(3) = 0\n+0 < . 1:2 ack 1\n", ":2:"],
      ["#ifdef A\n", ":2:1:"],
    ] as const) {
      const o = run(text);
      assert.equal(o.result, "failed");
      assert.ok(o.got!.includes("syntax error") && o.got!.includes(where), o.got);
    }
  });

  it("does not pass what it cannot run", () => {
    for (const line of [
      "+0 `reboot`", "+0 `sysctl -w net.ipv4.tcp_fastopen=519`", "+.1 < S 0:0(0) win 1000 <FOEXP,nop,nop>",
      "+0 < sctp (10)", "+0 splice(4, 5, 10) = 10", "+0 %{ assert tcpi_unheard_of == 1 }%",
    ]) {
      assert.equal(run(`${OPEN}\n${line}\n`).result, "unsupported", line);
    }
  });

  it("takes the branch of #ifdef that is asked for", () => {
    assert.equal(run(`${OPEN}\n#ifdef STANDARD\n+0 close(4) = 0\n#else\n+0 close(4) = 7\n#endif\n`).result, "passed");
    assert.equal(run(`${OPEN}\n#ifdef OTHER\n+0 close(4) = 7\n#else\n+0 close(4) = 0\n#endif\n`).result, "passed");
  });

  it("lets blocking calls return when they should, and not at another time", () => {
    assert.equal(run(`${OPEN}\n+0...0.100 read(4, ..., 10) = 5\n+.1 < P. 1:6(5) ack 1 win 30000\n`).result, "passed");
    assert.equal(run(`${OPEN}\n+0...0.200 read(4, ..., 10) = 5\n+.1 < P. 1:6(5) ack 1 win 30000\n`).result, "failed");
    assert.equal(run(`${OPEN}\n+0...0.200 read(4, ..., 10) = 5\n`).result, "failed");
  });
});
