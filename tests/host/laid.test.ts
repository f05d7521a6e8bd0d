/** Firmware that was laid out when it was built does what a stack does that lays itself out. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import binaryen from "binaryen";
import { boardOf, firmwareModule, type FirmwareModule, type FirmwareOptions } from "../../tools/board/firmware.js";
import { LaidBeside } from "../harness/laid.js";

const ALL: FirmwareOptions["services"] = ["echo", "discard", "chargen", "http"], IP = "10.0.0.2/24";
const MAC = "02:00:0a:00:00:01", SEEDS = 4, STEPS = 2000;

/** Boards, and what they are built for. */
const BUILT: [string, FirmwareOptions][] = [
  ["lm3s6965evb", { ip: IP, services: ["echo"], connections: 4 }],
  ["lm3s6965evb", { ip: IP, services: ALL }],
  ["w5500-evb-pico", { mac: MAC, services: ALL }],
  ["lm3s6965evb", { mac: MAC, ipv6: true, services: ALL }],
];

function made(board: string, options: FirmwareOptions): FirmwareModule & { modules: Uint8Array[] } {
  const dir = mkdtempSync(join(tmpdir(), "stint-laid-"));
  try {
    const module = firmwareModule(dir, boardOf(board), { ...options, names: true });
    return { ...module, modules: [readFileSync(module.whole), readFileSync(module.called)] };
  } finally {
    rmSync(dir, { recursive: true });
  }
}

describe("firmware that is laid out when it is built, beside the module with init", () => {
  for (const [board, options] of BUILT) {
    const title = `${board}, ${options.services.join(" ")}${options.ip ? "" : ", DHCP"}${options.ipv6 ? ", IPv6" : ""}`;
    it(`sends, returns and keeps the same, ${SEEDS * STEPS} steps of frames, calls and time: ${title}`, () => {
      const { laid, modules: [whole, called] } = made(board, options);
      const sums = { segments: 0, accepted: 0, sent: 0, errors: 0 };
      for (let seed = 1; seed <= SEEDS; seed++) {
        const beside = new LaidBeside(whole!, called!, laid!, seed);
        beside.run(STEPS);
        sums.segments += beside.counter("tcpInSegs");
        sums.sent += beside.counter("tcpOutSegs");
        sums.accepted += beside.counter("tcpPassiveOpens");
        sums.errors += beside.counter("tcpInErrs");
      }
      console.error(`${title}: ${JSON.stringify(sums)}`);
      assert.ok(sums.segments > 500 && sums.sent > 300 && sums.accepted > 20 && sums.errors > 5, JSON.stringify(sums));
    });
  }

  it("is found by something that can fail: a number that was folded wrongly", () => {
    const { laid, modules: [whole, called] } = made(...BUILT[0]!), m = binaryen.readBinary(called!);
    const text = m.emitText(), ring = /\(i32\.const 1460\)/g;
    m.dispose();
    assert.match(text, ring);
    const wrong = binaryen.parseText(text.replace(ring, "(i32.const 1452)")), bytes = wrong.emitBinary();
    wrong.dispose();
    assert.throws(() => new LaidBeside(whole!, bytes, laid!, 1).run(STEPS), /^Error: seed 1, step \d+: /);
  });
});
