/**
 * `npm run explore [-- --scenario NAME] [--states N] [--family 6] [--workers N] [--dot FILE] [--json]`: every
 * interleaving of the real module, breadth first, within the bounds of each scenario; as many scenarios at a time as
 * there are workers, one a processor. Reports states, transitions, depth, and whether the space was closed; ends with
 * the question why two handshakes are not enough.
 */
import { writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { isMainThread, parentPort, workerData } from "node:worker_threads";
import { Progress } from "../../tools/progress.js";
import { workerOf } from "../harness/worker.js";
import { SCENARIOS, TWO_STEPS } from "./scenarios.js";
import { agree, check, recovers, survives } from "./properties.js";
import { type Scenario } from "./scenario.js";
import { exploreModule } from "./side.js";
import { Violation, World, type Move, type State } from "./world.js";

export interface Explored {
  name: string;
  states: number;
  moves: number;
  depth: number;
  /** Whether every state within the bounds was seen. */
  closed: boolean;
  quiescent: number;
  seconds: number;
  transitions: Map<string, number>;
  reached: Set<string>;
  violation?: { what: string; schedule: string[] };
}

/** A set of 64-bit keys with a number for each: open addressing, in two typed arrays. */
class Visited {
  #keys: BigUint64Array;
  #mask: number;
  size = 0;

  constructor(bits = 16) {
    this.#keys = new BigUint64Array(1 << bits);
    this.#mask = (1 << bits) - 1;
  }

  /** Returns whether the key is new. */
  add(key: bigint): boolean {
    if (key === 0n) key = 1n;
    if (this.size * 2 > this.#mask) this.#grow();
    for (let i = Number(key & 0x3fffffffn) & this.#mask; ; i = (i + 1) & this.#mask) {
      const had = this.#keys[i]!;
      if (had === key) return false;
      if (had !== 0n) continue;
      this.#keys[i] = key;
      this.size++;
      return true;
    }
  }

  #grow(): void {
    const old = this.#keys;
    this.#keys = new BigUint64Array(old.length * 2);
    this.#mask = this.#keys.length - 1;
    this.size = 0;
    for (const key of old) if (key !== 0n) this.add(key);
  }
}

/** How a state was reached: the number of the one before, and the move. */
interface Step {
  from: number;
  move: Move | undefined;
}

export function explore(module: WebAssembly.Module, scenario: Scenario, statesMax: number): Explored {
  const world = new World(module, scenario), visited = new Visited(), steps: Step[] = [{ from: -1, move: undefined }];
  const began = performance.now();
  const result: Explored = {
    name: scenario.name, states: 1, moves: 0, depth: 0, closed: true, quiescent: 0, seconds: 0,
    transitions: world.transitions, reached: world.reached,
  };
  for (const s of world.sides) world.reached.add(s.state());
  const start = world.save();
  const schedule = (step: Step): string[] => {
    const moves: Move[] = [];
    for (let s: Step | undefined = step; s?.move; s = steps[s.from]) moves.unshift(s.move);
    world.load(start);
    return moves.map((move) => {
      const words = world.say(move);
      try {
        world.make(move);
      } catch { /* the last one may be what it is all about */ }
      return words;
    });
  };
  visited.add(world.key());
  let level: { state: State; id: number }[] = [{ state: start, id: 0 }];
  search: while (level.length > 0) {
    const next: typeof level = [];
    for (const { state, id } of level) {
      world.load(state);
      const moves = world.moves();
      // Nothing is under way and nothing will happen by itself: does what is left fit together?
      if (state.flights.length === 0) {
        result.quiescent++;
        const wrong = recovered(world);
        if (wrong !== undefined) {
          result.violation = { what: `cannot recover: ${wrong}`, schedule: schedule(steps[id]!) };
          break search;
        }
      }
      for (const move of moves) {
        world.load(state);
        result.moves++;
        const agreed = move.kind === "attack" && agree(world);
        try {
          world.make(move);
          check(world);
          if (move.kind === "attack") endures(world, agreed);
        } catch (e) {
          if (!(e instanceof Violation || e instanceof WebAssembly.RuntimeError)) throw e;
          result.violation = { what: e.message, schedule: schedule({ from: id, move }) };
          break search;
        }
        if (!visited.add(world.key())) continue;
        if (result.states >= statesMax) {
          result.closed = false;
          continue;
        }
        steps.push({ from: id, move });
        next.push({ state: world.save(), id: result.states++ });
      }
    }
    if (next.length > 0) result.depth++;
    level = next;
  }
  if (result.violation) result.closed = false;
  result.seconds = (performance.now() - began) / 1000;
  return result;
}

/** Every attack has to be survived, whatever comes next; that changes the state. */
function endures(world: World, agreed: boolean): void {
  const after = world.save(), wrong = survives(world, agreed);
  world.load(after);
  if (wrong !== undefined) throw new Violation(wrong);
}

function recovered(world: World): string | undefined {
  try {
    return recovers(world);
  } catch (e) {
    if (!(e instanceof Violation)) throw e;
    return e.message;
  }
}

/**
 * The transitions of RFC 9293, figure 5 and §3.10. A RST, ABORT or time-out leads from anywhere to CLOSED; a passive
 * side's CLOSED is LISTEN.
 */
const RFC: Record<string, string[]> = {
  CLOSED: ["LISTEN", "SYN-SENT"], LISTEN: ["SYN-RECEIVED", "SYN-SENT"], "SYN-SENT": ["SYN-RECEIVED", "ESTABLISHED"],
  "SYN-RECEIVED": ["ESTABLISHED", "FIN-WAIT-1", "LISTEN"], ESTABLISHED: ["FIN-WAIT-1", "CLOSE-WAIT"],
  "FIN-WAIT-1": ["FIN-WAIT-2", "CLOSING", "TIME-WAIT"], "FIN-WAIT-2": ["TIME-WAIT"], "CLOSE-WAIT": ["LAST-ACK"],
  CLOSING: ["TIME-WAIT"], "LAST-ACK": [], "TIME-WAIT": [],
};

/**
 * Whether a transition is one of the RFC's, or two or three of them at once: a segment can acknowledge, and close, and
 * be answered.
 */
export function isKnown(from: string, to: string, steps = 3): boolean {
  if (to === "CLOSED" || to === "LISTEN") return true;
  const at = from === "LISTEN" ? [...RFC["LISTEN"]!, ...RFC["CLOSED"]!] : RFC[from] ?? [];
  return at.includes(to) || (steps > 1 && at.some((s) => isKnown(s, to, steps - 1)));
}

/** The diagram that was reached, as DOT; what the RFC has and was not reached is grey. */
function diagram(all: Explored[]): string {
  const seen = new Map<string, number>();
  for (const e of all) for (const [t, n] of e.transitions) seen.set(t, (seen.get(t) ?? 0) + n);
  const lines = [...seen].map(([t, n]) => {
    const [from, to] = t.split("→") as [string, string];
    return `  "${from}" -> "${to}" [label="${n}"${(RFC[from] ?? []).includes(to) ? "" : ' style=dashed'}];`;
  });
  for (const [from, tos] of Object.entries(RFC))
    for (const to of tos)
      if (!seen.has(`${from}→${to}`))
        lines.push(`  "${from}" -> "${to}" [color=grey fontcolor=grey label="not reached"];`);
  return `digraph reached {\n  node [shape=box fontname=monospace];\n${lines.join("\n")}\n}\n`;
}

/** MiB that a worker's states may take. */
const HEAP_MB = 8192;

/** Explores the scenarios, `workers` at a time; tells of each as it is done. */
async function inParallel(
  module: WebAssembly.Module, chosen: Scenario[], family: 4 | 6, states: number, workers: number,
  onDone: (e: Explored) => void,
): Promise<Explored[]> {
  const todo = chosen.map((s) => s.name), all = new Map<string, Explored>();
  const one = async (): Promise<void> => {
    for (let name = todo.shift(); name !== undefined; name = todo.shift()) {
      const explored = await new Promise<Explored>((resolve, reject) => {
        workerOf(import.meta.url, { explore: { module, name, states, family } }, { maxOldGenerationSizeMb: HEAP_MB })
          .once("message", resolve)
          .once("error", reject);
      });
      all.set(name, explored);
      onDone(explored);
    }
  };
  await Promise.all(Array.from({ length: workers }, one));
  return chosen.map((s) => all.get(s.name)!);
}

/** What was explored, on one line. */
function line(e: Explored, { bounds }: Scenario): string {
  const numbers = `${String(e.states).padStart(8)} states ${String(e.moves).padStart(9)} moves`;
  return `${e.name.padEnd(20)} ${numbers}, depth ${String(e.depth).padStart(3)}, `
    + `${e.closed ? "closed" : "not closed"} within ${bounds.drops} drops, ${bounds.duplicates} duplicates, `
    + `${bounds.timers} timers${bounds.reorder ? ", reordering" : ""}; ${e.quiescent} at rest; `
    + `${e.seconds.toFixed(1)} s`;
}

const steps = (v: NonNullable<Explored["violation"]>): string =>
  v.schedule.map((s, i) => `  ${i + 1}. ${s}`).join("\n");

async function main(): Promise<void> {
  const value = (name: string): string | undefined => {
    const i = process.argv.indexOf(name);
    return i > 0 ? process.argv[i + 1] : undefined;
  };
  const states = Number(value("--states") ?? "200000");
  const only = value("--scenario");
  const json = process.argv.includes("--json");
  const chosen = SCENARIOS.filter((s) => only === undefined || s.name === only);
  if (chosen.length === 0 || !Number.isInteger(states) || states < 1) {
    console.error(`explore: --states takes a number; --scenario one of ${SCENARIOS.map((s) => s.name).join(", ")}`);
    process.exitCode = 2;
    return;
  }
  const family = value("--family") ?? "4";
  if (family !== "4" && family !== "6") {
    console.error("explore: --family takes 4 or 6");
    process.exitCode = 2;
    return;
  }
  const workers = Number(value("--workers") ?? availableParallelism());
  if (!Number.isInteger(workers) || workers < 1) {
    console.error("explore: --workers takes a number");
    process.exitCode = 2;
    return;
  }
  const module = exploreModule(), began = performance.now();
  const bar = new Progress("scenarios", chosen.length);
  let done = 0;
  const tell = (e: Explored): void => {
    bar.at(++done);
    if (!json) bar.say(line(e, chosen.find((s) => s.name === e.name)!));
    if (!e.violation) return;
    process.exitCode = 1;
    console.error(`${e.name}: ${e.violation.what}\n${steps(e.violation)}`);
  };
  const all = await inParallel(module, chosen, family === "6" ? 6 : 4, states, Math.min(workers, chosen.length), tell);
  bar.stop();
  for (const e of all) for (const t of e.transitions.keys()) {
    const [from, to] = t.split("→") as [string, string];
    if (isKnown(from, to)) continue;
    console.error(`${e.name}: a transition that RFC 9293 does not have: ${t}`);
    process.exitCode = 1;
  }
  const reached = new Set(all.flatMap((e) => [...e.reached]));
  const missing = Object.keys(RFC).filter((s) => !reached.has(s));
  const two = only === undefined ? explore(module, TWO_STEPS, 10_000) : undefined;
  if (two && !two.violation) process.exitCode = 1;
  if (json) {
    console.log(JSON.stringify({
      scenarios: all.map((e) => ({ ...e, transitions: Object.fromEntries(e.transitions), reached: [...e.reached] })),
      unreached: missing,
      two_steps: two?.violation,
    }));
  } else {
    const total = all.reduce((n, e) => n + e.states, 0), seconds = (performance.now() - began) / 1000;
    console.log(
      `${total} states in ${seconds.toFixed(0)} s (${Math.round(total / seconds)} a second); `
        + `states of RFC 9293 that were not reached: ${missing.join(", ") || "none"}`,
    );
    const why = two?.violation && `${steps(two.violation)}\n  → ${two.violation.what}`;
    if (why) console.log(`\nWhy two steps are not enough, the shortest schedule:\n${why}`);
  }
  const dot = value("--dot");
  if (dot !== undefined) writeFileSync(dot, diagram(all));
}

/** What a worker is given. */
interface Mine { module: WebAssembly.Module; name: string; states: number; family: 4 | 6 }

const mine = (workerData as { explore?: Mine } | null)?.explore;
if (!isMainThread && mine) {
  const scenario = SCENARIOS.find((s) => s.name === mine.name)!;
  parentPort!.postMessage(explore(mine.module, { ...scenario, family: mine.family }, mine.states));
} else if (process.argv[1]?.endsWith("explore/run.ts")) {
  await main();
}
