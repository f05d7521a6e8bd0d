/** `stint demo`, the main job of `npm start`: handshake, 16 MiB each way through a bad wire, and the close. */
import { createHash, randomInt } from "node:crypto";
import { SingleBar, Presets } from "cli-progress";
import type { Command } from "commander";
import { Pair, type Side } from "../lab/pair.js";
import { loadModule } from "../module.js";
import { Random } from "../random.js";
import type { StackModule } from "../stack.js";
import { parseCount, within } from "./arguments.js";
import { ladderText } from "../lab/ladder.js";

const CHUNK = 1 << 16;
const LOSS = 0.02, REORDER = 0.02;

/** One direction: bytes from a generator, hashed on both ends. */
class Transfer {
  readonly sentHash = createHash("sha256");
  readonly gotHash = createHash("sha256");
  #left: number;
  got = 0;
  #random: Random;
  #chunk: Uint8Array = new Uint8Array(0);

  constructor(readonly size: number, seed: number) {
    this.#left = size;
    this.#random = new Random(seed);
  }

  /** Queues what fits; true: it did something. */
  feed(stack: StackModule, socket: number): boolean {
    if (this.#chunk.length === 0) {
      if (this.#left === 0) return false;
      this.#chunk = this.#random.bytes(Math.min(CHUNK, this.#left));
      this.sentHash.update(this.#chunk);
      this.#left -= this.#chunk.length;
    }
    const n = stack.send(socket, this.#chunk);
    this.#chunk = this.#chunk.subarray(n);
    return n > 0;
  }

  take(stack: StackModule, socket: number): boolean {
    if (stack.receivable(socket) <= 0) return false;
    const data = stack.receive(socket)!;
    this.gotHash.update(data);
    this.got += data.length;
    return true;
  }

  get done(): boolean {
    return this.got >= this.size;
  }
}

/** A bar on a terminal, a plain line elsewhere. */
function progress(total: number): { update(n: number): void; stop(): void } {
  if (process.stdout.isTTY) {
    const bar = new SingleBar(
      { format: "  {bar} {percentage}% | {value}/{total} KiB", hideCursor: true }, Presets.shades_classic,
    );
    bar.start(Math.round(total / 1024), 0);
    return { update: (n) => bar.update(Math.round(n / 1024)), stop: () => bar.stop() };
  }
  let next = 0.25;
  return {
    update(n) {
      if (n / total < next) return;
      console.log(`  ${Math.round(next * 100)} % of ${Math.round(total / 1024)} KiB`);
      next += 0.25;
    },
    stop() {},
  };
}

/** `stint demo`: exit code 1 if bytes came wrong or not at all. */
export function addDemo(program: Command): void {
  program
    .command("demo")
    .description("handshake, 16 MiB each way through loss and reordering, and the close; all in virtual time")
    .option("--seed <n>", "replay a run", parseCount)
    .option("--mib <n>", "MiB each way, 1 to 1024", within(1, 1024), 16)
    .option("--pcap <file>", "where the frames go", "handshake.pcapng")
    .action((options: { seed?: number; mib: number; pcap: string }) => {
      const seed = options.seed ?? randomInt(2 ** 31);
      process.exitCode = demo(seed, options.mib << 20, options.pcap) ? 0 : 1;
    });
}

function demo(seed: number, size: number, pcap: string): boolean {
  const tty = process.stdout.isTTY;
  const pair = new Pair(loadModule(), { seed, pcap, stack: { sendRing: 1 << 18, recvRing: 1 << 18 } });
  console.log("The three-way handshake (times are virtual; the wire takes 1 ms):\n");
  const opened = pair.open();
  for (const line of ladderText(pair.ladder(), { colour: tty, absolute: true }).flat()) console.log(line);
  if (!opened) return false;

  console.log(
    `\n${size >> 20} MiB each way, the wire losing ${LOSS * 100} % and reordering ${REORDER * 100} % of the frames:`,
  );
  pair.recording = false;
  for (const port of pair.wire.ports) Object.assign(port.out, { loss: LOSS, reorder: REORDER });
  const up = new Transfer(size, seed + 1), down = new Transfer(size, seed + 2);
  const bar = progress(2 * size);
  pair.onPolled = (side: Side) => {
    const [stack, socket, out, into] = side === "client"
      ? [pair.client, pair.clientSocket, up, down] as const
      : [pair.server, pair.serverSocket, down, up] as const;
    let did = into.take(stack, socket);
    while (out.feed(stack, socket)) did = true;
    bar.update(up.got + down.got);
    return did;
  };
  const startUs = pair.nowUs, started = performance.now();
  pair.wire.ports.forEach((p) => (p.wakeUs = pair.wire.nowUs));
  const moved = pair.wire.run(() => up.done && down.done, pair.wire.nowUs + 3600e6);
  bar.stop();
  const virtualS = (pair.nowUs - startUs) / 1e6, realS = (performance.now() - started) / 1e3;
  let verified = moved;
  for (const [name, t] of [["client → server", up], ["server → client", down]] as const) {
    const sent = t.sentHash.digest("hex"), got = t.gotHash.digest("hex");
    verified &&= sent === got;
    console.log(`  ${name}: SHA-256 ${got} ${sent === got ? "matches" : `DIFFERS from ${sent}`}`);
  }
  const retransmitted = pair.client.counters().tcpRetransSegs + pair.server.counters().tcpRetransSegs;
  console.log(`  ${pair.segmentsSeen} segments, ${pair.lost} lost, ${retransmitted} retransmitted; ` +
    `${virtualS.toFixed(1)} s of virtual time in ${realS.toFixed(1)} s`);

  console.log("\nThe close, the client first:\n");
  pair.onPolled = () => false;
  for (const port of pair.wire.ports) Object.assign(port.out, { loss: 0, reorder: 0 });
  pair.settle();
  pair.recording = true;
  const first = pair.segments.length;
  const closed = pair.close();
  for (const line of ladderText(pair.ladder(first), { colour: tty, explain: false, absolute: true }).flat())
    console.log(line);
  pair.finish();
  console.log("\nStates:");
  for (const line of pair.stateLines()) console.log(line);
  console.log(`
Everything is in ${pcap}: open it in Wireshark, or run  tshark -r ${pcap} | head
What to try next:
  npx stint handshake --loss 30 --seed 1   a handshake that has to repeat itself
  npx stint handshake --simultaneous        both hosts open at once
  npx stint handshake --data-on-ack --json  data in the third segment, for a program to read
  npx stint up --help                       the same stack on a real network: TAP, passt, QEMU
  npx stint doctor                          which of these ways this machine has
  npm test                                  what is checked, and how
Replay this run with: npx stint demo --seed ${seed}`);
  return verified && closed;
}
