/** Firmware sizes: the budgets of the smallest board. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { buildFirmware, type FirmwareOptions, type Report } from "../../tools/board/firmware.js";
import { boardModule } from "../../tools/board/module.js";
import { prepareRuntime } from "../../tools/board/runtimes.js";
import { ToolError } from "../../tools/translate/error.mjs";
import { lacks } from "../interop/lab.js";
import { ran } from "../harness/programs.js";
import { ServiceBench } from "../harness/services.js";

function size(name: string, options: Partial<FirmwareOptions> = {}): Report {
  const out = mkdtempSync(join(tmpdir(), "stint-firmware-"));
  const { report } = buildFirmware(name, {
    ip: "10.0.0.2/24", services: ["echo", "discard", "chargen", "http"], ...options, out,
  });
  rmSync(out, { recursive: true });
  return report;
}

/** As tests/interop/boards has them: each module is made once. */
const SERVED = { ip: "10.9.0.2/24", gateway: "10.9.0.1" };

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
    if (lacks(t, "arm-none-eabi-gcc")) return;
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

describe("firmware with wasm3", () => {
  const EMPTY = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0);
  const prepared = (bytes: Uint8Array, flags: string[]): unknown => {
    const dir = mkdtempSync(join(tmpdir(), "stint-firmware-")), wasm = join(dir, "x.wasm");
    writeFileSync(wasm, bytes);
    try {
      return prepareRuntime("wasm3", wasm, dir, { compiler: "none", flags, ram: 2 ** 20, memory: 65_536 });
    } finally {
      rmSync(dir, { recursive: true });
    }
  };

  it("is refused for a module that is not valid, and a processor without tail calls", () => {
    // A function of the type section that is not there.
    const invalid = Uint8Array.of(...EMPTY, 3, 2, 1, 0);
    assert.throws(() => prepared(invalid, []), (e) => e instanceof ToolError && /not a valid module/.test(e.message));
    assert.throws(
      () => prepared(EMPTY, ["-mcpu=cortex-m0plus"]),
      (e) => e instanceof ToolError && /needs tail calls/.test(e.message),
    );
  });

  it("takes at most 80 KiB of flash on mps2-an385, and 270 KiB of RAM beside the linear memory", (t) => {
    if (lacks(t, "arm-none-eabi-gcc", "wasm3")) return;
    const { flash_bytes, ram_bytes, linear_bytes } = size("mps2-an385", { ...SERVED, runtime: "wasm3" });
    assert.ok(flash_bytes <= 80 * 1024, `${flash_bytes} bytes of flash`);
    assert.ok(ram_bytes - linear_bytes <= 270 * 1024, `${ram_bytes - linear_bytes} bytes of RAM`);
    assert.throws(
      () => size("lm3s6965evb", { ...SERVED, runtime: "wasm3" }),
      /^Error: lm3s6965evb has 65536 bytes of RAM, this needs \d+ more/,
    );
  });
});

describe("clients that vanish, and the module of lm3s6965evb, in virtual time", () => {
  const dir = mkdtempSync(join(tmpdir(), "stint-firmware-")), SEATS = 8;
  let module: WebAssembly.Module;
  before(() => {
    const options: FirmwareOptions = { ip: "10.0.0.2/24", services: ["echo", "discard", "chargen", "http"] };
    module = new WebAssembly.Module(readFileSync(boardModule(dir, options)));
  });
  after(() => rmSync(dir, { recursive: true }));
  const bench = (): ServiceBench =>
    new ServiceBench({ module, connsMax: SEATS, halfOpenMax: 8, sendRing: 1460, recvRing: 1460, rxSlots: 2 });

  it("take their places for the idle limit and no longer, whatever they had begun", () => {
    const b = bench();
    const lost = [
      b.open("echo"), b.open("echo").write("x"), b.open("discard"), b.open("discard").write("x"),
      b.open("chargen", 0), b.open("http"), b.open("http").write("GET / HT"), b.open("echo", 1000),
    ];
    for (const p of lost) p.gone = true;
    // Unread bytes, and an answer that is never acknowledged.
    for (let n = 0; n < 4; n++) lost[7]!.write(new Uint8Array(1000));
    assert.equal(b.inUse, SEATS);
    b.advance(59_000);
    assert.ok(b.inUse >= 6, "the limit is a minute, of all that wait for nothing");
    b.advance(60_000 + 31_000);
    assert.equal(b.inUse, 0);
  });

  it("make room for whoever comes, and the busy ones stay", () => {
    const b = bench(), busy = [b.open("echo")];
    const lost = Array.from({ length: SEATS - 1 }, () => b.open("echo").write("x"));
    for (const p of lost) p.gone = true;
    const pass = (ms: number): void => {
      for (let left = ms; left > 0; left -= 200) {
        b.advance(200);
        for (const p of busy) p.write("y");
      }
    };
    pass(1200);
    for (let n = 1; n < SEATS; n++) {
      const late = b.open("echo").write("hello");
      for (let i = 0; i < 3 && late.got.length === 0; i++) {
        pass(200);
        late.again("hello");
      }
      assert.equal(late.got.toString(), "hello", `client ${n}`);
      busy.push(late);
    }
    // Nobody is left who could give way.
    const refused = b.open("echo").write("hello");
    pass(5000);
    refused.again("hello");
    assert.deepEqual([refused.got.length, busy.filter((p) => p.reset).length, b.inUse], [0, 0, SEATS]);
    assert.match(busy[0]!.got.toString(), /^y{30,}$/);
  });
});

describe("firmware budgets, lm3s6965evb", () => {
  const KIB = 1024;

  it("32 KiB of flash for Ethernet, ARP, IPv4, ICMP, TCP and echo; 40 KiB of RAM for 8 connections, 24 for 4", (t) => {
    if (lacks(t, "arm-none-eabi-gcc")) return;
    const eight = size("lm3s6965evb", { services: ["echo"] });
    const four = size("lm3s6965evb", { services: ["echo"], connections: 4 });
    assert.ok(eight.flash_bytes <= 32 * KIB, `${eight.flash_bytes} bytes of flash`);
    assert.ok(eight.ram_bytes <= 40 * KIB, `${eight.ram_bytes} bytes of RAM for 8`);
    assert.ok(four.ram_bytes <= 24 * KIB, `${four.ram_bytes} bytes of RAM for 4`);
    assert.ok(eight.linear_bytes < eight.ram_bytes && eight.stack_bytes > 0 && eight.bytes_per_connection > 2 * 1460);
    // The module itself, interpreted, with all services.
    if (!lacks(t, "gcc")) {
      const { flash_bytes } = size("lm3s6965evb", { ...SERVED, runtime: "inplace" });
      assert.ok(flash_bytes <= 66 * KIB, `${flash_bytes} bytes of flash with the interpreter`);
    }
    // Everything that the demo firmware serves fits the board too.
    assert.ok(size("lm3s6965evb", SERVED).ram_bytes <= 40 * KIB);
  });
});
