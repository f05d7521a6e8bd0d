/** The project's own scripts, each a test; and what the runner says of scripts that it cannot run, or that are none. */
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { runScript } from "../../host/cli/packetdrill.js";

const FOLDER = "tests/packetdrill";
const files = readdirSync(FOLDER, { recursive: true, encoding: "utf8" }).filter((f) => f.endsWith(".pkt")).sort();
const run = (text: string): ReturnType<typeof runScript> => {
  const file = join(mkdtempSync(join(tmpdir(), "stint-pkt-")), "script.pkt");
  writeFileSync(file, text);
  return runScript(file, new Set(["STANDARD"]));
};

describe("scripts", () => {
  for (const file of files) {
    const title = readFileSync(join(FOLDER, file), "utf8").split("\n")[0]!.replace(/^\/\/ /, "");
    it(`${file}: ${title}`, () => {
      const o = runScript(join(FOLDER, file), new Set(["STANDARD"]));
      assert.equal(
        o.result, "passed", `line ${o.line}: expected ${o.expected}, but ${o.got}\n${o.packets?.join("\n")}`,
      );
    });
  }
});

const OPEN = readFileSync(join(FOLDER, "reset/exact.pkt"), "utf8").split("\n").slice(0, 9).join("\n");

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
