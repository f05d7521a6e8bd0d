/** `stint explain` on what the Linux kernel says to itself. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { decodeTcp } from "../../host/decode.js";
import { readCapture } from "../../host/links/read-capture.js";
import { lacks } from "./lab.js";
import { ran, started, until } from "../harness/programs.js";

/** FINs in a capture that is being written. */
function fins(file: string): number {
  try {
    return readCapture(readFileSync(file)).frames.filter(({ bytes }) => decodeTcp(bytes)?.flags.includes("FIN")).length;
  } catch {
    return 0;
  }
}

describe("stint explain", () => {
  it("shows the right connections of a capture that was made on the kernel's loopback", async (t) => {
    if (lacks(t, "root", "tshark")) return;
    const dir = mkdtempSync(join(tmpdir(), "stint-explain-")), file = join(dir, "lo.pcapng");
    const server = createServer((s) => s.end("the answer\n"));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    const capture = started("tshark", ["-i", "lo", "-f", `tcp port ${port}`, "-w", file, "-q"], { stdio: "ignore" });
    await until("the capture has begun", () => existsSync(file) && statSync(file).size > 0);
    await new Promise((r) => setTimeout(r, 1000));
    for (let i = 0; i < 2; i++) {
      const s = connect(port, "127.0.0.1");
      s.resume();
      await once(s, "close");
    }
    server.close();
    await until("the capture has both ends of both connections", () => fins(file) === 4);
    capture.kill("SIGINT");
    await once(capture, "exit");
    const out = ran(process.execPath, ["build/stint.js", "explain", file, "--json"]);
    assert.equal(out.status, 0, out.stderr);
    const { connections } = JSON.parse(out.stdout) as {
      connections: {
        server: string;
        complete: boolean;
        segments: { flags: string[]; len: number; seq: number; ack: number; states: string[] }[];
      }[];
    };
    assert.equal(connections.length, 2);
    for (const c of connections) {
      assert.equal(c.server, `127.0.0.1:${port}`);
      assert.ok(c.complete);
      assert.deepEqual(
        c.segments.slice(0, 3).map((s) => [s.flags.join(), s.seq, s.ack]),
        [["SYN", 0, 0], ["SYN,ACK", 0, 1], ["ACK", 1, 1]],
      );
      assert.equal(c.segments.reduce((n, s) => n + s.len, 0), "the answer\n".length);
      assert.ok(c.segments.at(-1)!.states.includes("TIME-WAIT") || c.segments.at(-1)!.states.includes("CLOSED"));
    }
    rmSync(dir, { recursive: true });
  });
});
