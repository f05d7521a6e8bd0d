/** Services that are found on the link (RFC 6763 §4, RFC 6762 §5.2, §7.1, §10). */
import { EventEmitter } from "node:events";
import { Timer } from "../timer.js";
import {
  isSame, keyOf, portOf, TYPE, write, type Message, type Name, type Question, type Rr,
} from "./mdns-message.js";
import { MDNS_PORT, type From, type Listener, type Multicast } from "./multicast.js";
import { readText, typeName, type ServiceText } from "./service-text.js";

/** A service that was found. */
export interface FoundService {
  /** How people know it. */
  name: string;
  /** "_http._tcp". */
  type: string;
  /** "lamp.local": what `connect` and `lookup` take. */
  host: string;
  /** Where it listens. */
  port: number;
  /** What it says of itself. */
  text: ServiceText;
}

/** RFC 6762 §5.2: the first question comes after so long, ms: at least, by chance; others ever more seldom. */
const FIRST_MS = [20, 100] as const, SECOND_MS = 1000, APART_MAX_MS = 3_600_000;
/** What an instance says is asked for so often, so far apart, ms. */
const RESOLVES = 3, RESOLVE_MS = 1000;
/** §5.2: a record is asked for again when so much of its time is over; §10.1: who leaves is there for a second. */
const REFRESH = [0.8, 0.85, 0.9, 0.95], LEAVES_MS = 1000;
/** Services of a type that are known; more are not heard. */
const FOUND_MAX = 256;
/** Answers that go with a question, at most: so many fit into a packet. */
const KNOWN_MAX = 16;

interface Entry {
  pointer: Rr;
  /** When it was heard, and until when it counts. */
  heardMs: number;
  untilMs: number;
  /** How often it was asked for again. */
  refreshed: number;
  srv?: Rr;
  txt?: Rr;
  /** How often SRV and TXT were asked for, and when they are next. */
  resolves: number;
  resolveMs: number;
  told?: FoundService;
}

/**
 * Looks for services of a type until it is closed; `Stack.browse` makes it.
 *
 * Events: "up" (a FoundService) when one is found, and again when it says something else; "down" (what was told last)
 * when it is gone; "close".
 */
export class ServiceBrowser extends EventEmitter implements Listener {
  readonly #name: Name;
  readonly #found = new Map<string, Entry>();
  #timer: Timer | undefined;
  #askMs: number;
  #apartMs = SECOND_MS;
  #isFirst = true;
  #closed = false;

  /** @internal */
  constructor(
    /** @internal */
    readonly group: Multicast,
    /** What it looks for: "_http._tcp". */
    readonly type: string,
  ) {
    super();
    this.#name = typeName(type);
    this.#askMs = performance.now() + FIRST_MS[0] + Math.random() * FIRST_MS[1];
    group.join(this);
    this.#arm();
  }

  /** Those that are there now. */
  get services(): FoundService[] {
    return [...this.#found.values()].flatMap(({ told }) => told ?? []);
  }

  /** Looks no more. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#timer?.clear();
    this.group.leave(this);
    this.emit("close");
  }

  /** @internal The link may lead elsewhere: it is asked anew. */
  begin(): void {
    this.#apartMs = SECOND_MS;
    this.#isFirst = true;
    this.#askMs = performance.now() + FIRST_MS[0];
    this.#arm();
  }

  /** @internal */
  end(): void {
    this.close();
  }

  #arm(): void {
    this.#timer?.clear();
    if (this.#closed) return;
    const times = [...this.#found.values()].flatMap((e) => [e.untilMs, e.resolveMs, refreshMs(e)]);
    const next = Math.min(this.#askMs, ...times);
    this.#timer = new Timer(Math.max(1, next - performance.now()), () => this.#due());
    this.#timer.unref();
  }

  #due(): void {
    const now = performance.now(), isUnicast = this.#isFirst, questions: Question[] = [];
    for (const [key, entry] of this.#found) if (now >= entry.untilMs) this.#lost(key, entry);
    const stale = [...this.#found.values()].filter((e) => now >= refreshMs(e));
    for (const entry of stale) entry.refreshed++;
    if (now >= this.#askMs || stale.length > 0) {
      questions.push({ name: this.#name, type: TYPE.PTR, unicast: isUnicast });
      this.#isFirst = false;
    }
    if (now >= this.#askMs) {
      this.#askMs = now + this.#apartMs;
      this.#apartMs = Math.min(2 * this.#apartMs, APART_MAX_MS);
    }
    for (const entry of this.#found.values()) {
      if (now < entry.resolveMs) continue;
      const name = entry.pointer.target!, isOver = ++entry.resolves > RESOLVES;
      entry.resolveMs = isOver ? Infinity : now + RESOLVE_MS;
      if (isOver) {
        // RFC 6763 §6.1: no TXT record is as good as an empty one.
        entry.txt ??= { name, type: TYPE.TXT, ttl: 0, unique: true, data: new Uint8Array(0) };
        this.#tell(entry);
        continue;
      }
      if (!entry.srv) questions.push({ name, type: TYPE.SRV, unicast: false });
      if (!entry.txt) questions.push({ name, type: TYPE.TXT, unicast: false });
    }
    this.#ask(questions);
    this.#arm();
  }

  /** §7.1: with a question goes what is known for half of its time at least. */
  #ask(questions: Question[]): void {
    const now = performance.now();
    const left = ({ pointer, heardMs }: Entry): number => Math.floor(pointer.ttl - (now - heardMs) / 1000);
    const known = [...this.#found.values()].filter((e) => left(e) > e.pointer.ttl / 2).slice(0, KNOWN_MAX);
    const answers = known.map((e) => ({ ...e.pointer, ttl: left(e) }));
    for (let at = 0; at < questions.length; at += KNOWN_MAX) {
      const some = questions.slice(at, at + KNOWN_MAX);
      this.group.all(write({ questions: some, answers: some.some((q) => q.type === TYPE.PTR) ? answers : [] }));
    }
  }

  #lost(key: string, { told }: Entry): void {
    this.#found.delete(key);
    if (told) this.emit("down", told);
  }

  /** @internal */
  hear({ response, answers, authorities, additionals }: Message, { port }: From): void {
    if (!response || port !== MDNS_PORT) return;
    const all = [...answers, ...authorities, ...additionals], touched = new Set<Entry>();
    for (const rr of all) if (rr.type === TYPE.PTR && isSame(rr.name, this.#name)) this.#pointed(rr);
    for (const rr of all) {
      const entry = this.#found.get(keyOf(rr.name));
      if (!entry || rr.ttl === 0 || (rr.type !== TYPE.SRV && rr.type !== TYPE.TXT)) continue;
      if (rr.type === TYPE.SRV && rr.target) entry.srv = copied(rr);
      if (rr.type === TYPE.TXT) entry.txt = copied(rr);
      touched.add(entry);
    }
    for (const entry of touched) this.#tell(entry);
    this.#arm();
  }

  #pointed(rr: Rr): void {
    const target = rr.target!, key = keyOf(target), now = performance.now(), entry = this.#found.get(key);
    // An instance of this type, on this link.
    if (target.length !== this.#name.length + 1 || !isSame(target.slice(1), this.#name)) return;
    if (rr.ttl === 0) {
      if (entry) entry.untilMs = Math.min(entry.untilMs, now + LEAVES_MS);
      return;
    }
    const heard = { pointer: copied(rr), heardMs: now, untilMs: now + rr.ttl * 1000, refreshed: 0 };
    if (entry) Object.assign(entry, heard);
    else if (this.#found.size < FOUND_MAX)
      this.#found.set(key, { ...heard, resolves: 0, resolveMs: now + FIRST_MS[0] + Math.random() * FIRST_MS[1] });
  }

  /** Tells of a service whose records have come, if they say something new. */
  #tell(entry: Entry): void {
    const { srv, txt, pointer } = entry;
    if (!srv || !txt) return;
    entry.resolveMs = Infinity;
    const found: FoundService = {
      name: pointer.target![0]!, type: this.type, host: srv.target!.join("."),
      port: portOf(srv), text: readText(txt.data),
    };
    if (JSON.stringify(found) === JSON.stringify(entry.told)) return;
    entry.told = found;
    this.emit("up", found);
  }
}

/** When a service's record is asked for again. */
function refreshMs({ pointer, heardMs, refreshed }: Entry): number {
  const part = REFRESH[refreshed];
  return part === undefined ? Infinity : heardMs + part * pointer.ttl * 1000;
}

/** A record whose data is not that of the message, which goes. */
function copied(rr: Rr): Rr {
  return { ...rr, data: rr.data.slice() };
}
