/** Firmware sizes: the budgets of the smallest board. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { buildFirmware, type FirmwareOptions, type Report } from "../../tools/board/firmware.js";
import { lacks } from "../interop/lab.js";
import { ran } from "../harness/programs.js";

function size(name: string, options: Partial<FirmwareOptions> = {}): Report {
  const out = mkdtempSync(join(tmpdir(), "stint-firmware-"));
  const { report } = buildFirmware(name, {
    ip: "10.0.0.2/24", services: ["echo", "discard", "chargen", "http"], ...options, out,
  });
  rmSync(out, { recursive: true });
  return report;
}

describe("w5500-evb-pico", () => {
  it("its driver does what the data sheet wants, against a model of the chip's registers", (t) => {
    if (lacks(t, "gcc")) return;
    const dir = mkdtempSync(join(tmpdir(), "stint-w5500-")), out = join(dir, "test");
    const flags = [
      "-std=c11", "-Wall", "-Wextra", "-Werror", "-fsanitize=address,undefined", "-fno-sanitize-recover=all",
      "-Iboards/drivers",
    ];
    const built = ran("gcc", [...flags, "tests/boards/w5500.c", "boards/drivers/w5500.c", "-o", out]);
    assert.equal(built.status, 0, built.stderr);
    const r = ran(out);
    rmSync(dir, { recursive: true });
    assert.equal(r.status, 0, r.stdout + r.stderr);
    assert.ok(r.stdout.split("\n").filter((l) => l.startsWith("ok ")).length >= 16);
  });

  it("its image has the boot ROM's checksum, and whole UF2 blocks", (t) => {
    if (lacks(t, "wasm2c", "arm-none-eabi-gcc")) return;
    const dir = mkdtempSync(join(tmpdir(), "stint-firmware-"));
    const r = ran(process.execPath, ["--import", "tsx", "tools/board.ts", "w5500-evb-pico", "--out", dir]);
    assert.equal(r.status, 0, r.stderr);
    const image = readFileSync(join(dir, "firmware.bin")), uf2 = readFileSync(join(dir, "firmware.uf2"));
    rmSync(dir, { recursive: true });
    // CRC-32/MPEG-2 of a text and its own checksum is 0.
    let crc = 0xffffffff;
    const checked = Buffer.concat([image.subarray(0, 252), Buffer.from([...image.subarray(252, 256)].reverse())]);
    for (const b of checked) {
      crc ^= b << 24;
      for (let i = 0; i < 8; i++) crc = crc & 0x80000000 ? (crc << 1) ^ 0x04c11db7 : crc << 1;
    }
    assert.equal(crc, 0);
    // The vector table behind it: a stack in RAM, a reset handler in flash, with the Thumb bit.
    assert.equal(image.readUInt32LE(256) >>> 24, 0x20);
    assert.equal(image.readUInt32LE(260) >>> 24, 0x10);
    assert.equal(image.readUInt32LE(260) & 1, 1);
    assert.equal(uf2.length, Math.ceil(image.length / 256) * 512);
    for (let i = 0; i < uf2.length / 512; i++) {
      const at = (n: number): number => uf2.readUInt32LE(i * 512 + n);
      assert.deepEqual([at(0), at(4), at(8), at(12), at(16), at(20), at(24), at(28), at(508)],
        [0x0a324655, 0x9e5d5157, 0x2000, 0x10000000 + i * 256, 256, i, uf2.length / 512, 0xe48bff56, 0x0ab16f30]);
      assert.deepEqual(
        uf2.subarray(i * 512 + 32, i * 512 + 32 + Math.min(256, image.length - i * 256)),
        image.subarray(i * 256, (i + 1) * 256),
      );
    }
  });
});

describe("firmware budgets, lm3s6965evb", () => {
  const KIB = 1024;

  it("40 KiB of flash for Ethernet, ARP, IPv4, ICMP, TCP and echo; 40 KiB of RAM for 8 connections, 24 for 4", (t) => {
    if (lacks(t, "wasm2c", "arm-none-eabi-gcc")) return;
    const eight = size("lm3s6965evb", { services: ["echo"] });
    const four = size("lm3s6965evb", { services: ["echo"], connections: 4 });
    assert.ok(eight.flash_bytes <= 40 * KIB, `${eight.flash_bytes} bytes of flash`);
    assert.ok(eight.ram_bytes <= 40 * KIB, `${eight.ram_bytes} bytes of RAM for 8`);
    assert.ok(four.ram_bytes <= 24 * KIB, `${four.ram_bytes} bytes of RAM for 4`);
    assert.ok(eight.linear_bytes < eight.ram_bytes && eight.stack_bytes > 0 && eight.bytes_per_connection > 2 * 1460);
    // Everything that the demo firmware serves fits the board too.
    assert.ok(size("lm3s6965evb").ram_bytes <= 40 * KIB);
  });
});
