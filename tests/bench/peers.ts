/**
 * `npm run bench -- bulk bulk-zero-copy connections round-trips messages accept-close idle memory startup`: the same
 * work on stint and its peers, interleaved.
 */
import { readFileSync } from "node:fs";
import { parseIp } from "../../host/address.js";
import { SynFrame } from "../../host/lab/frames.js";
import { StackModule } from "../../host/stack.js";
import { interleaved, ratio, summary, type Row } from "./measure.js";
import { figures, subjects, v8Command, type Subject } from "./subjects.js";
import { succeeded } from "../harness/programs.js";

interface Work {
  work: string;
  driver: string;
  unit: string;
  params: Record<string, number>;
  /** The parameters that the report names. */
  shown: string[];
  who: (name: string) => boolean;
}

const all = (_name: string): boolean => true;
/** Works that are about the driver's own ways: acknowledgments at a given rate, in place, a start without a network. */
const driven = (name: string): boolean => name !== "gvisor-go";
/**
 * Peers look through a list for every packet: with 100,000 connections a round would take minutes, and lwIP has 16,384
 * ports.
 */
const scales = (name: string): boolean => name.startsWith("stint");

function works(quick: boolean): Work[] {
  const bulk = (ack: number, inPlace: number): Work => ({
    work: inPlace ? "bulk-zero-copy" : "bulk", driver: "bulk", unit: "GB/s",
    params: { connections: 1, ack_every: ack, in_place: inPlace }, who: ack === 2 && inPlace === 0 ? all : driven,
    shown: ["connections", "ack_every"],
  });
  const connections = (others: number, parallel: number, who = all): Work => ({
    work: "connections", driver: "connections", unit: "/s",
    params: { connections: others, others, parallel, ring: others > 1000 ? 512 : 2048 }, who,
    shown: ["connections", "parallel"],
  });
  const trips = (others: number): Work => ({
    work: "round-trips", driver: "round-trips", unit: "/s", params: { connections: others + 1, others, ring: 2048 },
    who: all, shown: ["connections"],
  });
  const both = (name: string): boolean => driven(name) && name !== "lwip-debian";
  const messages = (others: number, request: number, answer: number): Work => ({
    work: "messages", driver: "messages", unit: "ns", who: driven,
    params: { connections: others + 1, others, request, answer, ring: 8192 },
    shown: ["connections", "request", "answer"],
  });
  const idle = (others: number, who = both): Work => ({
    work: "idle", driver: "idle", unit: "/s", params: { connections: others + 1, others, ring: 512 }, who,
    shown: ["connections"],
  });
  const sizes = [[1, 1], [64, 64], [64, 1024], [256, 4096], [1024, 1]] as const;
  return [
    ...(quick ? [messages(31, 64, 1024)] : [0, 31, 999].flatMap((n) => sizes.map(([r, a]) => messages(n, r, a)))),
    {
      work: "accept-close", driver: "accept-close", unit: "/s", who: driven,
      params: { connections: 32, others: 32, request: 64, answer: 1024, ring: 8192 },
      shown: ["connections", "request", "answer"],
    },
    idle(0), ...(quick ? [] : [idle(99_999, scales)]),
    bulk(2, 0), ...(quick ? [] : [bulk(32, 0)]), bulk(2, 1), connections(10, 1), connections(32, 1), connections(0, 32),
    ...(quick ? [] : [connections(1000, 1), connections(100_000, 1, scales)]), trips(0), trips(999),
    { work: "memory", driver: "memory", unit: "bytes", params: {}, shown: [], who: driven },
    { work: "startup", driver: "startup", unit: "µs", params: {}, shown: [], who: driven },
  ];
}

/**
 * The speeds that nothing can exceed, natively and in V8: copying, summing, and the way of each byte (copy; copy and
 * sum; copy; sum and copy; copy).
 */
export function calibration(): Record<string, number> {
  const out: Record<string, number> = {};
  succeeded("gcc", ["-O3", "-mavx2", "tests/bench/driver/calibrate.c", "-o", "build/bench/calibrate"]);
  succeeded(
    "clang",
    [
      "--target=wasm32-wasi", "-O3", "-msimd128", "-mbulk-memory", "tests/bench/driver/calibrate.c", "-o",
      "build/bench/calibrate.wasm",
    ],
    { stdio: "ignore" },
  );
  for (const [where, command] of [
    ["native", ["build/bench/calibrate"]], ["v8", v8Command("build/bench/calibrate.wasm")],
  ] as const) {
    const [copy, sum, way] = succeeded(command[0], command.slice(1)).trim().split(" ").map(Number);
    Object.assign(out, {
      [`${where}_memcpy_gb_s`]: copy, [`${where}_checksum_gb_s`]: sum, [`${where}_bulk_limit_gb_s`]: way,
    });
  }
  return out;
}

let made: Subject[] | undefined;

/** Subjects that could not be made, and why, a line each. */
export const leftOut: string[] = [];

/** The subjects, made once; for a short run, not all of them; `only`: those alone. */
export function everybody(quick = false, only?: readonly string[]): Subject[] {
  const missing = (line: string): void => {
    leftOut.push(line);
    console.error(`bench: ${line}`);
  };
  return (made ??= subjects(quick, missing, only));
}

/** The rows of one work: each subject has its turn in every round. */
export function benchPeers(name: string, quick: boolean): Row[] {
  const rows: Row[] = [], seconds = quick ? 0.8 : 1.5;
  for (const work of works(quick).filter((w) => w.work === name)) {
    // Of messages, the 99th percentile stands in a row of its own.
    const worst: Record<string, number[]> = {};
    const turns = Object.fromEntries(
      everybody()
        .filter((s) => work.who(s.name))
        .map((s) => [s.name, () => {
          const lines = figures(s, work.driver, seconds, work.params), second = lines.map((line) => line[1]!);
          if (lines[0]!.length > 1) (worst[s.name] ??= []).push(summary(second).median);
          return summary(lines.map((line) => line[0]!)).median;
        }]),
    );
    const measured = interleaved(turns, quick ? 5 : 7, 0);
    const tails = Object.fromEntries(Object.entries(worst).map(([n, values]) => [n, { ...summary(values), values }]));
    for (const [part, of] of [["p50", measured], ["p99", tails]] as const) {
      const peers = Object.entries(of).filter(([n]) => !n.startsWith("stint"));
      for (const [subject, m] of Object.entries(of)) {
        rows.push({
          work: work.work,
          subject,
          params: {
            ...Object.fromEntries(work.shown.map((k) => [k, work.params[k]!])),
            ...(work.work === "messages" ? { of: part } : {}),
          },
          ...m,
          unit: work.unit,
          ratios: subject.startsWith("stint") ? Object.fromEntries(peers.map(([n, p]) => [n, ratio(m, p)])) : {},
        });
      }
    }
  }
  // A crowd beside it must not cost anything.
  for (const row of rows.filter((r) => r.work === "connections" && r.params["connections"] === 100_000)) {
    const few = rows.find(
      (r) =>
        r.work === "connections"
        && r.subject === row.subject
        && r.params["connections"] === 10
        && r.params["parallel"] === 1,
    );
    if (few) row.ratios["10 connections"] = row.median / few.median;
  }
  return rows;
}

/** What a connection takes from the pools while it has something in flight, beside the bytes of an idle one. */
export function benchBusy(): Row[] {
  const bytes = (sendersMax: number, rangesMax: number): number =>
    new StackModule(new WebAssembly.Module(readFileSync("build/stint.simd.wasm")), {
      ip: "10.0.0.1/24", connsMax: 4, sendersMax, rangesMax,
    }).arenaBytes;
  const least = bytes(100, 100);
  return [
    {
      work: "memory", subject: "stint-v8-simd", params: { part: "busy: loss recovery" },
      median: (bytes(1100, 100) - least) / 1000, unit: "bytes", spread: 0, ratios: {},
    },
    {
      work: "memory", subject: "stint-v8-simd",
      params: { part: "busy: each time at which something was sent, each hole" },
      median: (bytes(100, 1100) - least) / 1000, unit: "bytes", spread: 0, ratios: {},
    },
  ];
}

/** From the module's bytes to the first SYN-ACK, in V8. */
export function benchStartup(quick: boolean): Row[] {
  const mac = Uint8Array.of(2, 0, 0, 0, 0, 2);
  const ip = "10.0.0.2";
  const files = { "stint-v8": "build/stint.wasm", "stint-v8-simd": "build/stint.simd.wasm" };
  const syn = new SynFrame(mac, parseIp(ip), 80).from(parseIp("10.0.0.1"), 1024, 1);
  const once = (file: string) => (): number => {
    const bytes = readFileSync(file), began = process.hrtime.bigint();
    const stack = new StackModule(new WebAssembly.Module(bytes), {
      ip: `${ip}/24`, mac: "02:00:00:00:00:02", cookies: 0, connsMax: 4, reassemblyMax: 0,
    });
    stack.listen(80);
    let answers = 0;
    for (let t = 1; answers === 0 && t < 10; t++) {
      stack.pushFrame(syn);
      stack.poll(t * 1000);
      // Its first answer is the question who we are.
      stack.drainFrames((frame) => {
        if (frame[13] === 6) {
          const reply = new Uint8Array(frame.slice(0, 42));
          reply.set(frame.subarray(6, 12), 0);
          reply.set([2, 0, 0, 0, 0, 1], 6);
          reply[21] = 2;
          reply.set(frame.subarray(22, 32), 32);
          reply.set([2, 0, 0, 0, 0, 1, 10, 0, 0, 1], 22);
          stack.pushFrame(reply);
        } else if (frame[47] === 0x12) answers++;
      });
    }
    if (answers === 0) throw new Error("no SYN-ACK");
    return Number(process.hrtime.bigint() - began) / 1000;
  };
  const measured = interleaved(
    Object.fromEntries(Object.entries(files).map(([n, f]) => [n, once(f)])), quick ? 11 : 41,
  );
  return Object.entries(measured).map(([subject, m]) => ({
    work: "startup", subject, params: { from: "the module's bytes to the first SYN-ACK" }, ...m, unit: "µs", ratios: {},
  }));
}
