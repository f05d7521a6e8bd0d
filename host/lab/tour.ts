/**
 * The guided tour of the handshake, in six steps. A step is a scenario that follows from what the reader chose, and
 * questions. No answer stands here: each is read from what the stacks did.
 */
import { FLAGS, type FlagName } from "../decode.js";
import type { StackOptions } from "../config.js";
import { isForeign, type Segment } from "./analyze.js";
import type { Lab } from "./lab.js";
import { labelOf, plural } from "./ladder.js";
import type { Fault, HostPlan, Scenario } from "./scenario.js";

/** What the reader chose, by the names of the choices. */
export type Settings = Readonly<Record<string, string>>;

/** Something that the reader can change. The first of `values` is the one to begin with. */
export interface Choice {
  name: string;
  label: string;
  /** Control bits (any of `values`, or none), a number, or one of `values`. */
  kind: "bits" | "number" | "one";
  values: readonly (readonly [value: string, label: string])[];
}

/** A run of a step's scenario, as far as it has come. */
export interface Seen {
  lab: Lab;
  /** By frame, as Analysis has them. */
  segments: readonly (Segment | null)[];
}

/** A question. `answer` is the sentence that proves it answered, with what the stacks did; null: not yet. */
export interface Question { ask: string; answer(seen: Seen): string | null }

export interface TourStep {
  title: string;
  text: string[];
  choices: Choice[];
  /** Of the page, to begin with. */
  speed: string;
  scenario(settings: Settings): Pick<Scenario, "script" | "lastsMs"> & Partial<Scenario>;
  questions: Question[];
  /** What a run came to, to be compared with others. */
  facts(seen: Seen): [name: string, value: string][];
  /** What the printed figure shows, where it differs from the first choices. */
  figure: Settings;
}

const CLIENT: HostPlan = { name: "client", ip: "10.0.0.1" }, SERVER: HostPlan = { name: "server", ip: "10.0.0.2" };
const LISTEN = { atMs: 0, do: "listen", host: "server" } as const;
const CONNECT = { atMs: 10, do: "connect", host: "client", to: "server" } as const;
const one = (name: string, label: string, values: Choice["values"]): Choice => ({ name, label, kind: "one", values });

// What was seen

const all = (seen: Seen): Segment[] => seen.segments.filter((s) => s !== null);
/** What a host sent itself: a forged segment answers no question about it. */
const sentBy = (seen: Seen, host: string): Segment[] => {
  const ip = seen.lab.hosts[seen.lab.host(host)]!.ip;
  return all(seen).filter((s) => s.tcp.source === ip && !isForeign(s.fate));
};
const has = (s: Segment, flag: FlagName): boolean => s.tcp.flags.includes(flag);
const ms = (seen: Seen, us: number): string => `${Math.round((us - seen.lab.startUs) / 1000)} ms`;
/** The states of a host, in their order, each once. */
const states = (seen: Seen, host: string): { timeUs: number; state: string }[] =>
  seen.lab.changes
    .filter((c) => c.host === seen.lab.host(host))
    .filter((c, i, list) => c.state !== list[i - 1]?.state);
const stateAt = (seen: Seen, host: string, us: number): string | undefined =>
  states(seen, host).findLast((c) => c.timeUs <= us)?.state;
/** When both ends were ESTABLISHED for the first time; undefined: they never were. */
function openedUs(seen: Seen): number | undefined {
  const firsts = ["client", "server"].map((h) => states(seen, h).find((c) => c.state === "ESTABLISHED")?.timeUs);
  return firsts.includes(undefined) ? undefined : Math.max(...(firsts as number[]));
}
/** How many messages had been sent by then, and how long it took. */
function cost(seen: Seen): { messages: number; ms: number } | undefined {
  const at = openedUs(seen), frames = all(seen);
  if (at === undefined) return undefined;
  return {
    messages: frames.filter((s) => s.timeUs < at).length, ms: Math.round((at - frames[0]!.timeUs) / 1000),
  };
}
const costFacts = (seen: Seen): [string, string][] => {
  const c = cost(seen);
  return [["messages until both are ESTABLISHED", c ? String(c.messages) : "–"], ["time", c ? `${c.ms} ms` : "–"]];
};
const bits = (s: Segment): string => s.tcp.flags.length > 0 ? labelOf(s) : "no bit at all";

// The steps

const HEADER: TourStep = {
  title: "Header fields and control bits",
  text: [
    "A TCP segment begins with a header. It names two ports, and numbers the bytes that it carries.",
    "Eight control bits say what the segment is for. Four of them begin and end connections: SYN, ACK, FIN and RST.",
    "Here you make a segment in the client's name. The server listens, and its stack answers you.",
    "Choose an arrow. The inspector then explains each field of its header.",
  ],
  speed: "0.1",
  choices: [
    { name: "bits", label: "Control bits", kind: "bits", values: ["SYN", "ACK", "FIN", "RST"].map((f) => [f, f]) },
    { name: "seq", label: "Sequence number", kind: "number", values: [["1000", ""]] },
  ],
  scenario: (s) => ({
    lastsMs: 900,
    script: [LISTEN, {
      atMs: 10, do: "segment", from: "client", to: "server",
      fields: {
        flags: FLAGS.filter((f) => s["bits"]!.split(" ").includes(f)), seq: Number(s["seq"]) >>> 0, absolute: true,
      },
    }],
  }),
  questions: [
    {
      ask: "Make the server answer with SYN and ACK, and with acknowledgment number 5000.",
      answer(seen) {
        const found = sentBy(seen, "server").find((s) => has(s, "SYN") && has(s, "ACK") && s.tcp.ack === 5000);
        const asked = all(seen).find((s) => s !== found && has(s, "SYN"));
        return found && asked && asked.tcp.seq + 1 === found.tcp.ack
          ? `Your SYN had number ${asked.tcp.seq}. The server expects ${found.tcp.ack} next: a SYN takes one number.`
          : null;
      },
    },
    {
      ask: "Find bits that the server answers with a RST.",
      answer(seen) {
        const found = sentBy(seen, "server").find((s) => has(s, "RST"));
        const [asked, ...more] = all(seen).filter((s) => s.timeUs < (found?.timeUs ?? 0));
        return found && asked && more.length === 0
          ? `You sent ${bits(asked)}. The server knows no such connection, and sent ${bits(found)}.`
          : null;
      },
    },
    {
      ask: "Find bits that the server does not answer at all.",
      answer(seen) {
        const asked = all(seen)[0];
        if (!asked || !seen.lab.isOver || asked.arrivesUs === null || sentBy(seen, "server").length > 0) return null;
        // What arrived is what was sent.
        if (asked.fate === "corrupted" || asked.fate === "edited") return null;
        return `You sent ${bits(asked)}. It arrived at ${ms(seen, asked.arrivesUs!)}, and the server said nothing.`;
      },
    },
  ],
  facts(seen) {
    const answer = sentBy(seen, "server")[0];
    return [["the server answered", answer ? bits(answer) : "nothing"]];
  },
  figure: {},
};

const LOST: Record<string, Fault> = {
  first: { from: "client", what: "any", nth: 1, fate: "drop" },
  second: { from: "server", what: "any", nth: 1, fate: "drop" },
  third: { from: "client", what: "any", nth: 2, fate: "drop" },
};

const THREE: TourStep = {
  title: "Three messages, and data in the third",
  text: [
    "Each end numbers its bytes from a random number on. It tells the other end this number, "
      + "and wants to hear that it arrived.",
    "The SYN tells the client's number. The SYN, ACK confirms it, and tells the server's. The ACK confirms that one.",
    "The client is ESTABLISHED after the second message. So its third message may carry data.",
  ],
  speed: "0.1",
  choices: [
    one("write", "The client's application writes “hello”", [
      ["no", "never"], ["late", "100 ms after it began"], ["soon", "1 ms after it began"],
    ]),
    one("lost", "The network loses", [
      ["", "nothing"], ["first", "the first message"], ["second", "the second message"],
      ["third", "the third message"],
    ]),
  ],
  scenario: (s) => ({
    lastsMs: 2500,
    script: [LISTEN, CONNECT, ...(s["write"] === "no" ? [] : [
      { atMs: s["write"] === "soon" ? 11 : 110, do: "send", host: "client", text: "hello\n" } as const,
    ])],
    faults: LOST[s["lost"]!] ? [LOST[s["lost"]!]!] : [],
  }),
  questions: [
    {
      ask: "Let the third message carry the data. How soon does the server have it?",
      answer(seen) {
        const [syn] = all(seen), third = sentBy(seen, "client").find((s) => !has(s, "SYN"));
        if (!syn || !third || third.tcp.len === 0 || !third.arrivesUs || third.arrivesUs > seen.lab.nowUs) return null;
        const trips = (third.arrivesUs - syn.timeUs) / (third.arrivesUs - third.timeUs);
        return `The server had ${plural(third.tcp.len, "byte")} after ${trips.toFixed(0)} trips over the network, `
          + `${Math.round((third.arrivesUs - syn.timeUs) / 1000)} ms.`;
      },
    },
    {
      ask: "Lose one of the three. Do both ends become ESTABLISHED all the same?",
      answer(seen) {
        const lost = all(seen).find((s) => s.arrivesUs === null), at = openedUs(seen);
        const again = all(seen).find((s) => s.marks.includes("retransmission"));
        if (!lost || at === undefined || !again || lost.timeUs > at) return null;
        const who = again.tcp.source === CLIENT.ip ? "client" : "server";
        return `${bits(lost)} was lost. The ${who} sent ${bits(again)} again at ${ms(seen, again.timeUs)}. `
          + `Both were ESTABLISHED at ${ms(seen, at)}.`;
      },
    },
  ],
  facts: costFacts,
  figure: { write: "soon" },
};

/** The SYN that comes once more, if it has. */
const replayed = (seen: Seen): Segment | undefined => all(seen).find((s) => s.fate === "old duplicate");

const TWO: TourStep = {
  title: "Why two messages are not enough",
  text: [
    "A client has connected and left. The network has kept a copy of its SYN, and delivers it now.",
    "The server cannot see that this SYN is old. With two messages it would be ESTABLISHED at once.",
    "The client can see it: the SYN, ACK confirms a number that it does not use. "
      + "It answers with a RST (RFC 9293, figure 8).",
  ],
  speed: "0.1",
  choices: [
    one("messages", "The server waits for", [["3", "three messages, as in TCP"], ["2", "two: a thought experiment"]]),
    one("client", "When the old SYN comes, the client", [["gone", "has no connection"], ["opens", "opens a new one"]]),
    one("rst", "The client's RST", [["arrives", "arrives"], ["lost", "is lost"]]),
  ],
  scenario: (s) => {
    const opens = s["client"] === "opens", faults: Fault[] = [];
    if (opens) faults.push({ from: "client", what: "SYN", nth: 2, fate: "delay", delayMs: 100 });
    if (s["rst"] === "lost") faults.push({ from: "client", what: "any", nth: opens ? 5 : 4, fate: "drop" });
    return {
      lastsMs: 2500, faults,
      hosts: [CLIENT, s["messages"] === "2" ? { ...SERVER, habit: "trusts" } : SERVER],
      script: [
        LISTEN, CONNECT, { atMs: 120, do: "abort", host: "client" },
        ...(opens ? [{ ...CONNECT, atMs: 299 }] : []), { atMs: 300, do: "replay", frame: 0 },
      ],
    };
  },
  questions: [
    {
      ask: "Let two messages be enough. Is the server ESTABLISHED with a client that has no connection?",
      answer(seen) {
        const old = replayed(seen);
        if (!old) return null;
        const from = states(seen, "server").find((c) => c.timeUs > old.timeUs && c.state === "ESTABLISHED");
        const client = from && stateAt(seen, "client", from.timeUs);
        return client && client !== "ESTABLISHED"
          ? `At ${ms(seen, from.timeUs)} the server was ESTABLISHED, and the client ${client}. `
            + "The server's application got a connection that nobody had opened."
          : null;
      },
    },
    {
      ask: "With three messages: what takes the server back to LISTEN?",
      answer(seen) {
        const old = replayed(seen);
        if (!old) return null;
        const after = states(seen, "server").filter((c) => c.timeUs > old.timeUs);
        const [first, second] = after, rst = sentBy(seen, "client").find(
          (s) => has(s, "RST") && s.timeUs > old.timeUs && s.arrivesUs === second?.timeUs,
        );
        return first?.state === "SYN-RECEIVED" && second?.state === "LISTEN" && rst
          ? `The old SYN made the server SYN-RECEIVED at ${ms(seen, first.timeUs)}. `
            + `The client's RST arrived at ${ms(seen, second.timeUs)}, and no application noticed.`
          : null;
      },
    },
    {
      ask: "Let the client open a new connection meanwhile. Does the old SYN harm it?",
      answer(seen) {
        const old = replayed(seen), anew = sentBy(seen, "client").findLast((s) => has(s, "SYN") && s !== old);
        if (!old || !anew || !seen.lab.isOver || anew.tcp.seq === old.tcp.seq) return null;
        const end = ["client", "server"].map((h) => states(seen, h).at(-1)!);
        return end.every((c) => c.state === "ESTABLISHED")
          ? `No. The client's number was ${anew.tcp.seq}, and the old one ${old.tcp.seq}. `
            + `Both ends were ESTABLISHED at ${ms(seen, Math.max(...end.map((c) => c.timeUs)))}.`
          : null;
      },
    },
  ],
  facts(seen) {
    const old = replayed(seen)?.timeUs ?? Infinity;
    return ["client", "server"].map((h) => {
      const after = states(seen, h).filter((c) => c.timeUs > old).map((c) => c.state);
      return [`the ${h} went through`, [stateAt(seen, h, old), ...after].join(", ")];
    });
  },
  figure: {},
};

const FOUR: TourStep = {
  title: "Why four messages are not needed",
  text: [
    "Two numbers have to be told, and both have to be confirmed. That makes four: SYN, ACK, SYN, ACK.",
    "The server has both of its messages ready at once. So one segment carries its ACK and its SYN.",
    "If both ends open at once, no end answers the other, and four messages cross (RFC 9293, figure 7).",
    "A confirmation of the last ACK would not help. Whoever sends the last message never knows that it arrived.",
  ],
  speed: "0.1",
  choices: [
    one("open", "Who opens", [["client", "the client"], ["both", "both at once"]]),
    one("answer", "The server's ACK and SYN", [["one", "in one segment"], ["two", "in two segments"]]),
    one("lost", "The network loses", [["", "nothing"], ["third", "the client's second message"]]),
  ],
  scenario: (s) => ({
    lastsMs: 2500,
    hosts: [CLIENT, s["answer"] === "two" ? { ...SERVER, habit: "splits" } : SERVER],
    script: s["open"] === "client" ? [LISTEN, CONNECT] : [
      { ...CONNECT, from: 49160, port: 80 },
      { atMs: 10, do: "connect", host: "server", to: "client", from: 80, port: 49160 },
    ],
    faults: LOST[s["lost"]!] ? [LOST[s["lost"]!]!] : [],
  }),
  questions: [
    {
      ask: "Make a handshake in which both ends are ESTABLISHED after exactly four messages.",
      answer(seen) {
        const c = cost(seen);
        return c?.messages === 4
          ? `${all(seen).slice(0, 4).map(bits).join("; ")}: four messages in ${c.ms} ms, and both are ESTABLISHED.`
          : null;
      },
    },
    {
      ask: "Send the server's ACK and SYN in two segments. What does it cost?",
      answer(seen) {
        const c = cost(seen), sent = sentBy(seen, "server");
        const apart = sent.some((s) => has(s, "SYN")) && !sent.some((s) => has(s, "SYN") && has(s, "ACK"));
        return c && apart
          ? `${c.messages} messages and ${c.ms} ms. The client took the bare SYN for one that crossed its own.`
          : null;
      },
    },
    {
      ask: "Lose the last of three messages. Is a fourth kind of message needed to repair it?",
      answer(seen) {
        const lost = sentBy(seen, "client").find((s) => !has(s, "SYN") && s.arrivesUs === null), at = openedUs(seen);
        const again = sentBy(seen, "server").find((s) => s.marks.includes("retransmission"));
        return lost && again && at !== undefined
          ? `No. The server sent ${bits(again)} again at ${ms(seen, again.timeUs)}, and the client its ACK. `
            + `Both were ESTABLISHED at ${ms(seen, at)}.`
          : null;
      },
    },
  ],
  facts: costFacts,
  figure: { open: "both" },
};

/** Nobody sends anything but SYNs here, and each step of the lab keeps the stacks' memories. */
const SMALL_RINGS = { sendRing: 1024, recvRing: 1024 };

/** An attack on a table of so many places; an honest client comes every 250 ms. */
function attacked(perSecond: number, places: number, options: Partial<StackOptions> = {}): ReturnType<
  TourStep["scenario"]
> {
  return {
    lastsMs: 8000,
    hosts: [
      { ...CLIENT, options: { connsMax: 32, ...SMALL_RINGS } },
      {
        ...SERVER,
        options: {
          halfOpenMax: places, cookies: 0, halfOpenMs: 60_000, synAckRetries: 5, connsMax: 32, ...SMALL_RINGS,
          policy: { keepHalfOpen: true }, ...options,
        },
      },
    ],
    script: [
      { ...LISTEN, backlog: places },
      ...(perSecond > 0 ? [{ atMs: 100, do: "flood", to: "server", perSecond, ms: 6000 } as const] : []),
      { atMs: 200, do: "clients", host: "client", to: "server", everyMs: 250, ms: 6000 },
    ],
  };
}
const isDone = ({ lab }: Seen): boolean => lab.isOver && lab.served.began > 0;
/** Whether most honest clients stayed out because all places were taken: a cable without its plug is no attack. */
const isShut = (seen: Seen): boolean => {
  const { lab } = seen, { connected, began, held } = lab.served;
  return isDone(seen) && connected * 2 < began && held >= lab.hosts[lab.host("server")]!.options!.halfOpenMax!;
};
const allIn = ({ lab }: Seen): boolean => lab.served.connected === lab.served.began;
const inOf = ({ lab }: Seen): string => `${lab.served.connected} of ${lab.served.began} honest clients`;
const floodFacts = (seen: Seen): [string, string][] => [
  ["forged SYNs", String(seen.lab.served.spoofed)],
  ["honest clients connected", `${seen.lab.served.connected} of ${seen.lab.served.began}`],
  ["places taken at most", String(seen.lab.served.held)],
];

const FLOOD: TourStep = {
  title: "The SYN flood",
  text: [
    "The server keeps a place for each half-open connection, from the SYN to the third message.",
    "An attacker sends SYNs from addresses that it invented. Nobody there answers, so each place stays taken for long.",
    "An honest client comes every 250 ms. The server drops its SYN when all places are taken.",
  ],
  speed: "1",
  choices: [
    one("rate", "Forged SYNs a second", ["0", "1", "2", "3", "5", "20", "100"].map((n) => [n, n])),
    one("places", "Places in the server's table", ["8", "4", "16", "64"].map((n) => [n, n])),
  ],
  scenario: (s) => attacked(Number(s["rate"]), Number(s["places"])),
  questions: [
    {
      ask: "Keep more than half of the honest clients out.",
      answer: (seen) => isShut(seen)
        ? `${plural(seen.lab.served.spoofed, "forged SYN")} took ${seen.lab.served.held} places. `
          + `Only ${inOf(seen)} connected.`
        : null,
    },
    {
      ask: "Do the same with 20 forged SYNs at most.",
      answer: (seen) => isShut(seen) && seen.lab.served.spoofed <= 20
        ? `${plural(seen.lab.served.spoofed, "SYN")} in six seconds were enough. Only ${inOf(seen)} connected.`
        : null,
    },
  ],
  facts: floodFacts,
  figure: { rate: "5" },
};

const KEEP = { keepHalfOpen: true };
const REMEDIES: Record<string, [label: string, places: number, options: Partial<StackOptions>]> = {
  none: ["none", 8, {}],
  table: ["a table of 1024 places", 1024, {}],
  oldest: ["the oldest makes room", 8, { policy: {} }],
  timeout: ["a time-out of 60 ms", 8, { synAckMs: 60, synAckRetries: 0, halfOpenMs: 60 }],
  limit: ["a limit on the rate of SYNs", 8, { policy: { ...KEEP, synSilence: true }, synRate: 20, synBurst: 4 }],
  cookies: ["SYN cookies", 8, { cookies: 1 }],
};

const REMEDY: TourStep = {
  title: "Remedies",
  text: [
    "The attack goes on with 100 forged SYNs a second. Choose what the server does about it.",
    "A larger table costs memory. A time-out, or room made by the oldest, punishes clients that are far away.",
    "A limit on the rate drops SYNs of everybody alike.",
    "A SYN cookie is a number computed from the SYN and a secret. The server keeps nothing: the ACK brings it back.",
  ],
  speed: "10",
  choices: [
    one("remedy", "The server's remedy", Object.entries(REMEDIES).map(([name, [label]]) => [name, label])),
    one("path", "The way to the server takes", [["20", "20 ms"], ["100", "100 ms"]]),
  ],
  scenario: (s) => {
    const [, places, options] = REMEDIES[s["remedy"]!] ?? REMEDIES["none"]!;
    return { ...attacked(100, places, options), delayMs: Number(s["path"]) };
  },
  questions: [
    {
      ask: "Let every honest client in.",
      answer: (seen) => isDone(seen) && allIn(seen)
        ? `${inOf(seen)} connected, among ${plural(seen.lab.served.spoofed, "forged SYN")}.`
        : null,
    },
    {
      ask: "Take the long way, 100 ms. Find a remedy that worked before, and does so no more.",
      answer(seen) {
        const [syn] = all(seen), { lab } = seen, c = lab.stacks[lab.host("server")]!.counters();
        if (!isDone(seen) || allIn(seen) || !syn?.arrivesUs || syn.arrivesUs - syn.timeUs < 100_000) return null;
        if (c["TCPHalfOpenEvicted"] + c["TCPHalfOpenExpired"] === 0) return null;
        return `The server gave up half-open connections before their ACK could arrive. ${inOf(seen)} connected.`;
      },
    },
    {
      ask: "Take the long way, and let every client in with 8 places at most.",
      answer(seen) {
        const [syn] = all(seen), { lab } = seen, c = lab.stacks[lab.host("server")]!.counters();
        if (!isDone(seen) || !allIn(seen) || !syn?.arrivesUs || syn.arrivesUs - syn.timeUs < 100_000) return null;
        return lab.served.held <= 8
          ? `${inOf(seen)} connected, with ${plural(lab.served.held, "place")}. The server sent `
            + `${plural(c["SyncookiesSent"], "cookie")}, and ${c["SyncookiesRecv"]} came back.`
          : null;
      },
    },
  ],
  facts: floodFacts,
  figure: { remedy: "cookies" },
};

export const TOUR: readonly TourStep[] = [HEADER, THREE, TWO, FOUR, FLOOD, REMEDY];

/** A step's settings: what `said` has of them, where it makes sense, and the first choices. */
export function settingsOf(step: TourStep, said: (name: string) => string | null | undefined): Settings {
  return Object.fromEntries(step.choices.map(({ name, kind, values }) => {
    const value = said(name) ?? null, first = values[0]![0];
    const known = (one: string): boolean => values.some(([v]) => v === one);
    const fits = value !== null && (
      kind === "number" ? /^\d{1,10}$/.test(value) && Number(value) < 2 ** 32
        : kind === "bits" ? value === "" || value.split(" ").every(known) : known(value)
    );
    return [name, fits ? value : first];
  }));
}

/** The scenario of the tour's n-th step, from 1. */
export function tourScenario(n: number, settings: Settings): Scenario {
  const step = TOUR[n - 1]!;
  return {
    name: `tour-${n}`, title: step.title, sentence: step.title, explanation: [], ends: {},
    ...step.scenario(settings),
  };
}
