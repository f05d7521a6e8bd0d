/** A service that a stack publishes on its link (RFC 6763 §4 to §7, RFC 6762 §6 to §10). */
import { Buffer } from "node:buffer";
import { EventEmitter } from "node:events";
import { Timer } from "../timer.js";
import {
  isAlike, isSame, keyOf, nameBytes, portData, TYPE, write, type Message, type Name, type Rr,
} from "./mdns-message.js";
import { MDNS_PORT, type From, type Listener, type Multicast } from "./multicast.js";
import { checkInstance, nextInstance, typeName, writeText, type ServiceText } from "./service-text.js";

/** What `Stack.publish` takes. */
export interface ServiceOptions {
  /** How people know it: "Lamp in the hall". 1 to 63 bytes. Others may have it: then a number follows. */
  name: string;
  /** "_http._tcp". */
  type: string;
  /** Its port, 1 to 65,535. */
  port: number;
  /** What it says of itself: 255 bytes for each key and value, 1,300 in all. */
  text?: ServiceText;
  /** "_printer": narrower kinds of the type, by which it is found as well (RFC 6763 §7.1). */
  subtypes?: readonly string[];
}

/** RFC 6762 §10: seconds that records with a host's name live, and others; of an old resolver's (§6.7), less. */
const HOST_TTL_S = 120, TTL_S = 4500, LEGACY_TTL_S = 10;
/** §8.1: so many probes, so far apart, ms. */
const PROBES = 3, PROBE_MS = 250;
/** §8.2: who is beaten waits, ms. */
const BEATEN_MS = 1000;
/** §8.1: so many conflicts within so long, and each further attempt waits, ms. */
const CONFLICTS = 15, CONFLICTS_MS = 10_000, PATIENCE_MS = 5000;
/** §8.3: so often is it made known; §6: a record goes to all so long after the last time, to defend it sooner, ms. */
const ANNOUNCEMENTS = 2, APART_MS = 1000, DEFENCE_MS = 250;
/** §6, §7.2: answers that others may have, too, wait for so long, or where more is to come, ms: at least, by chance. */
const SHARED_MS = [20, 100] as const, MORE_MS = [400, 100] as const;

/** Bytes for a host's name that is not known yet. */
const HOST_ROOM = 72;

/** RFC 4034 §4.1.2: TXT and SRV, as NSEC's bitmap has them. */
const TXT_AND_SRV = [0, 5, 0, 0, 0x80, 0, 0x40];

/** A record of ours: when all heard it last, and when they are to hear it; and of whom more may come. */
interface Own {
  rr: Rr;
  lastMs: number;
  dueMs: number;
  asker: string | undefined;
}

const chance = ([least, more]: readonly [number, number]): number => least + Math.random() * more;

/** Compares records as §8.2.1 has it: below 0, 0, above 0. */
function compare(a: Rr, b: Rr): number {
  const bytes = ({ data, target }: Rr): Buffer => Buffer.concat(target ? [data, nameBytes(target)] : [data]);
  return a.type - b.type || Buffer.compare(bytes(a), bytes(b));
}

/**
 * A service on the link; `Stack.publish` makes it.
 *
 * Events: "name" (the new one) when somebody else has the name and another one is settled; "close".
 */
export class PublishedService extends EventEmitter implements Listener {
  /** How others see it: as it was given, or with a number. */
  name: string;
  #state: "waiting" | "probing" | "settled" | "ended" = "waiting";
  readonly #type: Name;
  readonly #subtypes: Name[];
  readonly #head: Buffer;
  readonly #text: Buffer;
  #own: Own[] = [];
  #probes = 0;
  #announcements = 0;
  #conflicts: number[] = [];
  #timer: Timer | undefined;
  #told: string | undefined;

  /** @internal */
  constructor(
    /** @internal */
    readonly group: Multicast, options: ServiceOptions,
  ) {
    super();
    const { name, type, port, text = {}, subtypes = [] } = options;
    checkInstance(name);
    if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new RangeError("a port is from 1 to 65535");
    for (const subtype of subtypes) checkInstance(subtype);
    this.name = name.normalize("NFC");
    this.#type = typeName(type);
    this.#subtypes = subtypes.map((subtype) => [subtype, "_sub", ...this.#type]);
    this.#head = portData(port);
    this.#text = writeText(text);
    if (this.#question(this.#records()).length + HOST_ROOM > group.room)
      throw new RangeError(`the service's text does not fit into a packet of ${group.room} bytes`);
    group.join(this);
    this.begin();
  }

  /** Whether it is known under its name. */
  get settled(): boolean {
    return this.#state === "settled";
  }

  /** @internal Whether it is the service that these options ask for. */
  isCalled({ name, type }: ServiceOptions): boolean {
    return isSame(this.#instance, [name.normalize("NFC"), ...typeName(type)]);
  }

  /** @internal The host has a name, or another one; or the link may lead elsewhere: it is looked for anew. */
  begin(): void {
    if (this.#state === "ended") return;
    this.#timer?.clear();
    if (this.group.hostName === undefined) this.#state = "waiting";
    else this.#probe(Math.random() * PROBE_MS);
  }

  /** Takes it back: others are told. */
  close(): void {
    if (this.#state === "ended") return;
    if (this.#state === "settled") {
      // What belongs to a type, others may have, too.
      const mine = this.#own.filter(({ rr }) => rr.type !== TYPE.NSEC && rr.name[1] !== "_dns-sd");
      const ended = mine.map((own) => ({ ...own, rr: { ...own.rr, ttl: 0 } }));
      this.#own = [];
      for (const answer of this.#answers(ended)) this.group.all(answer);
    }
    this.#state = "ended";
    this.#timer?.clear();
    this.group.leave(this);
    this.emit("close");
  }

  /** @internal */
  end(): void {
    this.close();
  }

  /** The host, as it will be called or is. */
  get #target(): Name {
    return (this.group.hostName ?? "").split(".");
  }

  get #instance(): Name {
    return [this.name, ...this.#type];
  }

  #records(): Rr[] {
    const name = this.#instance, none = new Uint8Array(0), target = this.#target;
    const absent = Buffer.concat([nameBytes(name), Buffer.from(TXT_AND_SRV)]);
    const pointer = (owner: Name, to: Name): Rr =>
      ({ name: owner, type: TYPE.PTR, ttl: TTL_S, unique: false, data: none, target: to });
    return [
      { name, type: TYPE.SRV, ttl: HOST_TTL_S, unique: true, data: this.#head, target },
      { name, type: TYPE.TXT, ttl: TTL_S, unique: true, data: this.#text },
      // RFC 6762 §6.1: there is nothing else of this name. The next name is the own one.
      { name, type: TYPE.NSEC, ttl: HOST_TTL_S, unique: true, data: absent },
      pointer(this.#type, name), ...this.#subtypes.map((subtype) => pointer(subtype, name)),
      // RFC 6763 §9: which types there are.
      pointer(["_services", "_dns-sd", "_udp", "local"], this.#type),
    ];
  }

  // Probing.

  #probe(ms: number): void {
    this.#state = "probing";
    this.#probes = 0;
    this.#own = this.#records().map((rr) => ({ rr, lastMs: -Infinity, dueMs: Infinity, asker: undefined }));
    this.#after(ms, () => this.#sendProbe());
  }

  #sendProbe(): void {
    if (this.#probes++ === PROBES) return this.#settle();
    this.group.all(this.#question(this.#own.map(({ rr }) => rr)));
    this.#after(PROBE_MS, () => this.#sendProbe());
  }

  /** Asks whether somebody has the name, and says what we would do with it (§8.2). */
  #question(own: Rr[]): Buffer {
    const authorities = own.filter((rr) => rr.type === TYPE.SRV || rr.type === TYPE.TXT);
    return write({ questions: [{ name: this.#instance, type: TYPE.ANY, unicast: true }], authorities });
  }

  #settle(): void {
    this.#state = "settled";
    this.#announcements = ANNOUNCEMENTS;
    const isNew = this.#told !== this.name, had = this.#told;
    this.#told = this.name;
    this.#announce();
    if (had === undefined) this.emit("settled");
    else if (isNew) this.emit("name", this.name);
  }

  #announce(): void {
    this.#announcements--;
    const kinds = this.#own.filter(({ rr }) => rr.type !== TYPE.NSEC);
    this.#schedule(kinds, 0, APART_MS);
  }

  /** Somebody has the name: another one is tried, or, `again`, it is looked for anew. */
  #conflict({ again }: { again: boolean }): void {
    const now = performance.now();
    this.#conflicts = [...this.#conflicts.filter((ms) => now - ms < CONFLICTS_MS), now].slice(-CONFLICTS);
    if (!again) this.name = nextInstance(this.name);
    this.#probe(this.#conflicts.length === CONFLICTS ? PATIENCE_MS : Math.random() * PROBE_MS);
  }

  #after(ms: number, tell: () => void): void {
    this.#timer?.clear();
    this.#timer = new Timer(Math.max(1, ms), tell);
    this.#timer.unref();
  }

  // What comes.

  /** @internal */
  hear(message: Message, from: From): void {
    if (this.#state !== "probing" && this.#state !== "settled") return;
    if (message.response) {
      if (from.port === MDNS_PORT) this.#claimed(message);
    } else if (this.#state === "probing") {
      this.#contested(message);
    } else {
      this.#asked(message, from);
    }
  }

  /** §8.1, §9: somebody says that he has our name. */
  #claimed({ answers, authorities, additionals }: Message): void {
    const others = [...answers, ...authorities, ...additionals].filter((rr) =>
      rr.type !== 0 && rr.ttl > 0 && isSame(rr.name, this.#instance) && !this.#own.some((own) => isAlike(own.rr, rr)));
    if (others.length === 0) return;
    if (this.#state === "settled") {
      if (others.some((rr) => rr.type === TYPE.SRV || rr.type === TYPE.TXT)) this.#conflict({ again: true });
    } else if (this.#probes > 0) {
      // What came before the first probe may be about somebody who is gone.
      this.#conflict({ again: false });
    }
  }

  /** §8.2: somebody wants the name at the same time. Whose records come later has it. */
  #contested({ authorities }: Message): void {
    if (this.#probes === 0) return;
    const theirs = authorities.filter((rr) => isSame(rr.name, this.#instance)).sort(compare);
    const own = this.#own.map(({ rr }) => rr).filter((rr) => rr.type === TYPE.SRV || rr.type === TYPE.TXT);
    const ours = own.sort(compare);
    if (theirs.length === 0) return;
    const i = theirs.findIndex((rr, at) => ours[at] === undefined || compare(rr, ours[at]) !== 0);
    if (i >= 0 && (ours[i] === undefined || compare(theirs[i]!, ours[i]) > 0)) this.#probe(BEATEN_MS);
  }

  #asked(message: Message, from: From): void {
    const { questions, answers, authorities } = message;
    const isKnown = ({ rr }: Own): boolean => answers.some((known) => isAlike(known, rr) && known.ttl >= rr.ttl / 2);
    if (questions.length === 0) {
      // §7.2: who asked before says what else he knows.
      for (const own of this.#own) if (own.asker === from.address && isKnown(own)) own.dueMs = Infinity;
      return;
    }
    const wanted = this.#own.filter((own) => questions.some((q) => this.#isAnswer(own.rr, q.name, q.type)));
    const unknown = wanted.filter((own) => !isKnown(own));
    if (unknown.length === 0) return;
    if (from.port !== MDNS_PORT) {
      if (questions.length === 1) this.#answerOld(message, unknown, from);
      return;
    }
    const isProbe = authorities.some((rr) => isSame(rr.name, this.#instance));
    const now = performance.now(), isWelcome = questions.every((q) => q.unicast);
    // §5.4: to him alone, unless all have not heard of it for a quarter of its time.
    const alone = isWelcome && unknown.every((own) => isProbe || now - own.lastMs < own.rr.ttl * 250);
    if (alone) for (const answer of this.#answers(unknown)) this.group.one(answer, from);
    if (alone && !isProbe) return;
    const wait = message.more ? chance(MORE_MS) : unknown.every((own) => own.rr.unique) ? 0 : chance(SHARED_MS);
    if (message.more) for (const own of unknown) own.asker = from.address;
    this.#schedule(unknown, isProbe ? 0 : wait, isProbe ? DEFENCE_MS : APART_MS);
  }

  /** §6.7: as a server of DNS does. */
  #answerOld({ id, questions }: Message, wanted: Own[], from: From): void {
    const answers = wanted.map(({ rr }) => rr).filter((rr) => rr.type !== TYPE.NSEC)
      .map((rr) => ({ ...rr, ttl: Math.min(rr.ttl, LEGACY_TTL_S) }));
    if (answers.length > 0) this.group.one(write({ id, response: true, questions, answers }, { legacy: true }), from);
  }

  #isAnswer(rr: Rr, name: Name, type: number): boolean {
    if (type === 0 || !isSame(rr.name, name)) return false;
    if (rr.type === TYPE.NSEC) return type !== TYPE.SRV && type !== TYPE.TXT && type !== TYPE.ANY;
    return type === rr.type || type === TYPE.ANY;
  }

  // Sending.

  /** All are to hear of these after `waitMs`, and `apartMs` after the last time at the earliest. */
  #schedule(wanted: Own[], waitMs: number, apartMs: number): void {
    const now = performance.now();
    for (const own of wanted) own.dueMs = Math.min(own.dueMs, Math.max(now + waitMs, own.lastMs + apartMs));
    this.#arm();
  }

  #arm(): void {
    const next = Math.min(...this.#own.map((own) => own.dueMs));
    if (next < Infinity) this.#after(next - performance.now(), () => this.#sendDue());
  }

  #sendDue(): void {
    const now = performance.now(), due = this.#own.filter((own) => own.dueMs <= now + 1);
    for (const answer of this.#answers(due)) this.group.all(answer);
    for (const own of due) Object.assign(own, { lastMs: now, dueMs: Infinity, asker: undefined });
    if (this.#announcements > 0) this.#announce();
    else this.#arm();
  }

  /** Answers, as many messages as there have to be; none is longer than the link takes (§17). */
  #answers(due: Own[]): Buffer[] {
    if (due.length === 0) return [];
    const answers = due.map(({ rr }) => rr), alone = write({ response: true, answers });
    // RFC 6763 §12.1: with a pointer goes what it leads to.
    const isPointed = answers.some((rr) => rr.target && keyOf(rr.target) === keyOf(this.#instance));
    const more = this.#own.filter((own) => isPointed && !due.includes(own)).map(({ rr }) => rr);
    const additionals = more.filter((rr) => rr.type === TYPE.SRV || rr.type === TYPE.TXT);
    const whole = write({ response: true, answers, additionals });
    if (whole.length <= this.group.room) return [whole];
    const half = Math.ceil(due.length / 2);
    if (alone.length <= this.group.room || half === due.length) return [alone];
    return [...this.#answers(due.slice(0, half)), ...this.#answers(due.slice(half))];
  }
}
