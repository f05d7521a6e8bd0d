/**
 * `node --import tsx tests/bench/mqtt-tls.ts`: what examples/mqtt-tls costs a board, with mosquitto on this machine:
 * flash and RAM; of the heap and of the C stack what was used at most; instructions of TLS alone, as QEMU counts them,
 * for a handshake and for one that resumes a session. It needs what tests/interop/mqtt-tls.test.ts needs.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { environment, succeeded } from "../harness/programs.js";
import { build } from "../interop/c-build.js";
import { Authority } from "../interop/certificates.js";
import { described, Lamp, make, ports, TimeServer, type Made } from "../interop/lamp.js";
import { Recipes, Server } from "../interop/servers.js";

const scratch = mkdtempSync(join(tmpdir(), "stint-mqtt-")), authority = new Authority(scratch, "authority");
/** Whose a file of the linker's map is. */
const OWNERS: [what: string, files: RegExp][] = [
  ["Mbed TLS", /objects-\w+\/(?!stint)/], ["the stack", /stint(_port)?\.o$/], ["C library", /\.a\(/],
  ["program, driver", /./],
];

/** Bytes of flash by whose they are. */
function flashOf(elf: string): string {
  const [, map = ""] = readFileSync(join(dirname(elf), "firmware.map"), "utf8").split("Linker script and memory map");
  const bytes = new Map(OWNERS.map(([what]) => [what, 0]));
  for (const [, size, file] of map.matchAll(/^ \.(?:text|rodata|data|vectors)\S*\s+0x\w+\s+0x(\w+) (\S+)$/gm)) {
    const [what] = OWNERS.find(([, files]) => files.test(file!))!;
    bytes.set(what, bytes.get(what)! + parseInt(size!, 16));
  }
  return [...bytes].map(([what, n]) => `${what} ${n}`).join(", ");
}

/** A tick of hal_ticks takes so long; an instruction 64 ns. */
const INSTRUCTION_NS = 64;
const [port] = await ports(1) as [number];
const broker = new Server(new Recipes(scratch).mosquitto({
  port, ...authority.issue("broker.test"), authority: authority.cert,
}));
const clock = await new TimeServer().start(), own = authority.issue("lamp", { usage: "clientAuth" });
try {
  await broker.start();
  const publish = await build("mosquitto_pub", "kernel", scratch);
  for (const board of ["mps2-an385", "lm3s6965evb"]) {
    const made: Made = { board, id: board, authority: authority.cert, own, port, time: clock.port };
    const { printed, elf: plain } = await make(scratch, made), flash = flashOf(plain);
    const { elf } = await make(scratch, { ...made, measure: true });
    const lamp = new Lamp(board, elf, { counted: true });
    try {
      const measured = /ticks (\d+), heap (\d+) in (\d+), C stack left (\d+)/;
      const whole = await lamp.says(measured);
      await lamp.says(/mqtt: connected/);
      succeeded(publish, ["-h", "127.0.0.1", "-p", `${broker.port}`, "-i", board, "-t", "a", "-m", "b"], {
        env: environment(),
      });
      const resumed = await lamp.says(measured, 2);
      const { nsPerTick } = described(board);
      const millions = ([, ticks]: RegExpExecArray): string =>
        (Number(ticks) * nsPerTick / INSTRUCTION_NS / 1e6).toFixed(1);
      console.log(`${board}: ${printed.split("\n")[0]}`);
      console.log(`  flash: ${flash}`);
      console.log(`  a handshake ${millions(whole)} million instructions, resumed ${millions(resumed)} million`);
      console.log(`  heap at most ${resumed[2]} bytes in ${resumed[3]} pieces, C stack left ${resumed[4]}`);
    } finally {
      await lamp.stop();
    }
  }
} finally {
  clock.stop();
  await broker.stop();
  rmSync(scratch, { recursive: true, force: true });
}
