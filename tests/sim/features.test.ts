/**
 * Every feature that can be left out of a build (assembly/features.ts), alone, and all of them: the module compiles,
 * carries text both ways through a bad wire, closes in order, and says of what is not there that it is not there.
 */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { parseIp } from "../../host/address.js";
import { Wire } from "../../host/links/loopback.js";
import { Random } from "../../host/random.js";
import { completed } from "../harness/programs.js";
import { StackModule } from "../../host/stack.js";
import { pattern } from "../harness/bench.js";

const source = readFileSync("assembly/features.ts", "utf8");
const FEATURES = [...source.matchAll(/\b(STINT_NO_\w+)/g)].map(([, name]) => name!);
const SIZE = 100_000, PORT = 7, MINUTE_US = 60e6;
const dir = mkdtempSync(join(tmpdir(), "stint-features-"));
after(() => rmSync(dir, { recursive: true }));

/** These are of the services alone. */
const SERVICES = ["STINT_NO_HTTP", "STINT_NO_MEASURING"];

/** A module without these features. It is not optimized, which would take longer than all else. */
async function without(
  features: readonly string[], entry = "index", target = "stint.simd",
): Promise<WebAssembly.Module> {
  const out = join(dir, `${entry.replace("/", "-")}.wasm`), uses = features.flatMap((f) => ["--use", `${f}=NaN`]);
  const from = `assembly/${entry}.ts`;
  await completed("node_modules/.bin/asc", [from, "--target", target, "-O0", ...uses, "--outFile", out]);
  return new WebAssembly.Module(readFileSync(out));
}

/** One end: sends all of `text`, reads to the peer's FIN. */
class End {
  handle = -1;
  sent = 0;
  ended = false;
  readonly got: Uint8Array[] = [];

  constructor(readonly stack: StackModule, readonly text: Uint8Array) {}

  /** What an application does in its turn. Returns whether it changed something. */
  turn(): boolean {
    if (this.handle < 0 || this.stack.info(this.handle).stateName === "SYN-SENT") return false;
    let changed = false;
    if (this.sent < this.text.length) {
      const n = this.stack.send(this.handle, this.text.subarray(this.sent));
      this.sent += n;
      changed = n > 0;
      if (this.sent === this.text.length) this.stack.shutdown(this.handle);
    }
    for (let data; !this.ended && (data = this.stack.receive(this.handle)) !== null; changed = true) {
      if (data.length === 0) this.ended = true;
      else this.got.push(data);
    }
    return changed;
  }
}

/** A connection through loss, duplication and reordering, all from `seed`. */
function talk(module: WebAssembly.Module, seed: number): void {
  const wire = new Wire(seed, 1_000_000), bad = { delayUs: 10_000, loss: 0.03, duplicate: 0.02, reorder: 0.1 };
  const make = (n: number): StackModule => new StackModule(module, {
    ip: `10.0.0.${n}/24`, entropy: new Random(16 * seed + n).bytes(32), connsMax: 4, sendRing: 16_384, recvRing: 16_384,
  });
  const client = new End(make(1), pattern(SIZE)), server = new End(make(2), pattern(SIZE).reverse());
  wire.attach(client.stack, bad);
  wire.attach(server.stack, bad);
  const listener = server.stack.listen(PORT);
  client.handle = client.stack.connect(parseIp("10.0.0.2"), PORT);
  wire.onPolled = (port) => {
    if (port === 0) return client.turn();
    if (server.handle < 0) server.handle = server.stack.accept(listener) || -1;
    return server.turn();
  };
  assert.ok(wire.run(() => client.ended && server.ended, 5 * MINUTE_US), `seed ${seed}: it did not end`);
  assert.ok(Buffer.concat(client.got).equals(server.text), `seed ${seed}: what the client got`);
  assert.ok(Buffer.concat(server.got).equals(client.text), `seed ${seed}: what the server got`);
}

/** Fast Open is there, or is said not to be. */
function asksForFastOpen(module: WebAssembly.Module, there: boolean): void {
  const stack = new StackModule(module, { ip: "10.0.0.1/24", connsMax: 1 });
  const listener = stack.listen(PORT);
  const ask = (): void => stack.setOption(listener, "fastOpen", true);
  if (there) ask();
  else assert.throws(ask, { code: "ARGUMENT", message: "cannot set fastOpen: this module was built without it" });
}

/** Who has no UDP is told so, and nothing is written where its sockets would be. */
function opensNoUdp(module: WebAssembly.Module): void {
  const stack = new StackModule(module, { ip: "10.0.0.1/24", connsMax: 1 });
  assert.throws(() => stack.udpOpen(PORT), { code: "FULL" });
}

/** An IPv6 address that is there is told of by handle 0, whatever other clients there are. */
function tellsOfIp6(module: WebAssembly.Module): void {
  const stack = new StackModule(module, { ip: "10.0.0.1/24", connsMax: 1 }), told = new Set<number>();
  stack.ip6Start();
  for (let us = 1_000_000; us < 4_000_000; us += 100_000) {
    stack.poll(us);
    stack.drainFrames(() => {});
    stack.drainEvents((handle) => told.add(handle));
  }
  assert.deepEqual([...told], [0]);
}

describe("a build without", () => {
  const alone = FEATURES.map((f): [string, string[]] => [f, [f]]);
  const builds = [...alone, ["all of them", FEATURES] as const];
  assert.ok(FEATURES.length > 15);

  for (const [name, features] of builds) {
    it(name, async () => {
      if (SERVICES.some((f) => features.includes(f))) {
        const services = await without(features, "services/app", "stint-app");
        assert.deepEqual(WebAssembly.Module.imports(services), []);
        if (SERVICES.includes(name)) return;
      }
      const module = await without(features);
      for (let seed = 1; seed <= 5; seed++) talk(module, seed);
      asksForFastOpen(module, !features.includes("STINT_NO_FAST_OPEN"));
      if (features.includes("STINT_NO_UDP")) opensNoUdp(module);
      if (name === "STINT_NO_DHCP") tellsOfIp6(await without(features, "whole"));
    });
  }
});
