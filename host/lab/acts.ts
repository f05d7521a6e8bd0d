/** What the user of the lab did, as a link carries it: nothing in it but what the page writes. */
import { FLAGS } from "../decode.js";
import type { Action, UserAct } from "./scenario.js";
import type { SegmentFields } from "./segment-frame.js";

/** What the page keeps of one visit, and lets a link bring. */
const ACTS_MAX = 1000;
/** Steps of a lab: those that `finish` takes at most. */
export const STEPS_MAX = 100_000;
/** Characters of one text; bytes that are sent at once. */
const TEXT_MAX = 1400, BYTES_MAX = 100_000;
/** Of floods and of clients that keep coming: so many a second, for so long. */
const PER_SECOND_MAX = 1000, LASTS_MAX_MS = 60_000;

type Check = (x: unknown) => boolean;
/** For each field of a record, what may stand there. */
type Checks<T> = { [K in keyof T]-?: Check };
/** The action that is named so. */
type Named<D, A = Action> = A extends { do: unknown } ? (D extends A["do"] ? A : never) : never;

const within = (least: number, most: number): Check => (x) =>
  Number.isSafeInteger(x) && (x as number) >= least && (x as number) <= most;
const maybe = (check: Check): Check => (x) => x === undefined || check(x);
const oneOf = (...all: readonly string[]): Check => (x) => all.includes(x as string);
const isFlag: Check = (x) => typeof x === "boolean";
const isText: Check = (x) => typeof x === "string" && x.length <= TEXT_MAX;
const isPort = within(1, 65_535), isCount = within(0, STEPS_MAX);

/** Whether `x` is an object with these fields. */
function fits<T>(x: unknown, checks: Checks<T>): boolean {
  return typeof x === "object" && x !== null
    && Object.entries<Check>(checks).every(([name, check]) => check((x as Record<string, unknown>)[name]));
}

const SEGMENT: Checks<SegmentFields> = {
  flags: maybe((x) => Array.isArray(x) && x.length <= FLAGS.length && x.every(oneOf(...FLAGS))),
  // Relative numbers may lie before the first one.
  seq: maybe(within(-(2 ** 32), 2 ** 32 - 1)), ack: maybe(within(-(2 ** 32), 2 ** 32 - 1)),
  absolute: maybe(isFlag), window: maybe(within(0, 65_535)), text: maybe(isText),
  srcPort: maybe(within(0, 65_535)), dstPort: maybe(within(0, 65_535)),
};
const isSegment: Check = (x) => fits(x, SEGMENT);

const OF_A_HOST = { do: isText, host: isText };
const ACTIONS: { [D in Action["do"]]: Checks<Named<D>> } = {
  listen: { ...OF_A_HOST, port: maybe(isPort), backlog: maybe(within(1, 65_535)) },
  connect: { ...OF_A_HOST, to: isText, port: maybe(isPort), from: maybe(isPort) },
  send: { ...OF_A_HOST, text: maybe(isText), bytes: maybe(within(0, BYTES_MAX)) },
  close: OF_A_HOST, abort: OF_A_HOST, "stop reading": OF_A_HOST, "read again": OF_A_HOST, restart: OF_A_HOST,
  link: { do: isText, up: isFlag },
  segment: { do: isText, from: isText, to: isText, fields: isSegment, old: maybe(isFlag) },
  replay: { do: isText, frame: isCount },
  flood: { do: isText, to: isText, perSecond: within(1, PER_SECOND_MAX), ms: within(0, LASTS_MAX_MS) },
  clients: { ...OF_A_HOST, to: isText, everyMs: within(1, LASTS_MAX_MS), ms: within(0, LASTS_MAX_MS) },
};

function isAction(x: unknown): boolean {
  const named = (x as { do?: unknown } | null | undefined)?.do;
  return typeof named === "string" && Object.hasOwn(ACTIONS, named)
    && fits(x, ACTIONS[named as Action["do"]] as Checks<unknown>);
}

const ACTS: { [K in UserAct["act"]]: Checks<Extract<UserAct, { act: K }>> } = {
  action: { step: isCount, act: isText, action: isAction },
  fate: { step: isCount, act: isText, flight: isCount, fate: oneOf("drop", "duplicate", "delay", "corrupt") },
  edit: { step: isCount, act: isText, flight: isCount, fields: isSegment },
};

function isUserAct(x: unknown): x is UserAct {
  const act = (x as { act?: unknown } | null | undefined)?.act;
  return typeof act === "string" && Object.hasOwn(ACTS, act) && fits(x, ACTS[act as UserAct["act"]] as Checks<unknown>);
}

/** What a user did, from the text that a link carries: base64 of JSON. Throws an Error for what is none. */
export function actsOf(text: string): UserAct[] {
  let acts: unknown;
  try {
    acts = JSON.parse(atob(text));
  } catch {
    acts = undefined;
  }
  if (!Array.isArray(acts) || acts.length > ACTS_MAX || !acts.every(isUserAct))
    throw new Error("its acts are not what the page writes");
  return acts;
}

/** The hosts that an act names. */
export function hostsOf(act: UserAct): string[] {
  if (act.act !== "action") return [];
  const { host, from, to } = act.action as { host?: string; from?: unknown; to?: string };
  return [host, from, to].filter((name) => typeof name === "string");
}
