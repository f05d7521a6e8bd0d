/** Firmware sizes: the budgets of the smallest board. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { lacks } from "../interop/lab.js";

interface Report {
  board: string;
  flash_bytes: number;
  ram_bytes: number;
  linear_bytes: number;
  stack_bytes: number;
  bytes_per_connection: number;
}

function size(name: string, ...args: string[]): Report {
  const dir = mkdtempSync(join(tmpdir(), "stint-firmware-"));
  const r = spawnSync(process.execPath, ["--import", "tsx", "tools/board.ts", name, "--json", "--out", dir, ...args], { encoding: "utf8" });
  rmSync(dir, { recursive: true });
  assert.equal(r.status, 0, r.stderr);
  return JSON.parse(r.stdout) as Report;
}

describe("firmware budgets, lm3s6965evb", () => {
  const KIB = 1024;

  it("40 KB of flash for Ethernet, ARP, IPv4, ICMP, TCP and echo; 40 KiB of RAM for 8 connections, 24 for 4", (t) => {
    if (lacks(t, "wasm2c", "arm-none-eabi-gcc")) return;
    const eight = size("lm3s6965evb", "--services", "echo"), four = size("lm3s6965evb", "--services", "echo", "--connections", "4");
    assert.ok(eight.flash_bytes <= 40 * KIB, `${eight.flash_bytes} bytes of flash`);
    assert.ok(eight.ram_bytes <= 40 * KIB, `${eight.ram_bytes} bytes of RAM for 8`);
    assert.ok(four.ram_bytes <= 24 * KIB, `${four.ram_bytes} bytes of RAM for 4`);
    assert.ok(eight.linear_bytes < eight.ram_bytes && eight.stack_bytes > 0 && eight.bytes_per_connection > 2 * 1460);
    // Everything that the demo firmware serves fits the board too.
    assert.ok(size("lm3s6965evb").ram_bytes <= 40 * KIB);
  });
});
