/** `stint handshake`: the three-way handshake of two stacks, as a ladder or as JSON. */
import { InvalidArgumentError, type Command } from "commander";
import { randomInt } from "node:crypto";
import { Pair } from "../lab/pair.js";
import { loadModule } from "../module.js";
import { ladderText } from "../lab/ladder.js";
import { parseCount, parseNumber } from "./arguments.js";

function percent(text: string): number {
  const n = parseNumber(text);
  if (n < 0 || n > 100) throw new InvalidArgumentError("a share is a percentage from 0 to 100.");
  return n;
}

interface Options {
  json?: boolean;
  pcap?: string;
  seed?: number;
  loss: number;
  dataOnAck?: boolean;
  simultaneous?: boolean;
}

/** `stint handshake`: exit code 1 if the connection did not open, as it may with `--loss`. */
export function addHandshake(program: Command): void {
  program
    .command("handshake")
    .description("show the three-way handshake of two stacks on a virtual wire")
    .option("--json", "print one JSON object")
    .option("--pcap <file>", "write the frames to a pcapng file")
    .option("--seed <n>", "replay a run: initial sequence numbers, losses", parseCount)
    .option("--loss <percent>", "share of frames that the wire loses", percent, 0)
    .option("--data-on-ack", "the client's first data rides on the third segment")
    .option("--simultaneous", "both hosts open at the same time")
    .action((options: Options) => {
      const seed = options.seed ?? randomInt(2 ** 31);
      const pair = new Pair(loadModule(), {
        seed,
        impairment: { loss: options.loss / 100 },
        simultaneous: options.simultaneous ?? false,
        ...(options.pcap === undefined ? {} : { pcap: options.pcap }),
      });
      const early = options.dataOnAck ? new TextEncoder().encode("hello with the third segment\n") : new Uint8Array(0);
      const ok = pair.open(early);
      // What is still on its way belongs to the picture: the ACK of early data.
      if (ok && early.length > 0) pair.settle(200_000);
      pair.finish();
      if (options.json) {
        const side = (name: "client" | "server", peer: "client" | "server"): object =>
          ({ iss: pair.issOf(name), irs: pair.issOf(peer), states: pair.statesOf(name) });
        const segments = pair.segments.map(({ arrives_us, fate, ...s }) => ({
          ...s, lost: arrives_us === null, ...(fate ? { fate } : {}),
        }));
        console.log(
          JSON.stringify({ seed, client: side("client", "server"), server: side("server", "client"), segments }),
        );
      } else {
        for (const line of ladderText(pair.ladder(), {
          colour: process.stdout.isTTY, absolute: true, columns: Math.min(process.stdout.columns ?? 100, 110),
        }).flat())
          console.log(line);
        console.log("\nStates:");
        for (const line of pair.stateLines()) console.log(line);
        console.log(`\nReplay it with --seed ${seed}.`);
      }
      if (!ok) {
        const what = pair.segments.length === 0
          ? "not even a SYN was sent, since no ARP request was answered"
          : "the handshake did not complete";
        console.error(`stint handshake: ${what} within 200 s of virtual time; try less loss`);
        process.exitCode = 1;
      }
    });
}
