/** poll() and epoll of a script: which sockets are ready, and for what. */
import { FLAG, type StackModule } from "../stack.js";
import { Failure } from "./failure.js";
import type { Call, Value } from "./parse.js";
import { numberOf } from "./calls.js";
import type { Datagrams } from "./datagrams.js";
import type { Result, Socket } from "./socket.js";
import { SYMBOLS } from "./system.js";

const IN = 1, OUT = 4, ERR = 8, HUP = 16, RDNORM = 0x40, WRNORM = 0x100, RDHUP = 0x2000;
const EDGE = 1 << 31, ONCE = 1 << 30;
/** Names of what an event carries back. */
const DATA = ["fd", "u32", "u64", "ptr", "data"];

/** One socket that an epoll watches. */
interface Watch {
  events: number;
  data: number;
  /** What was there when it was reported last: an edge is something new. */
  told: string;
  spent: boolean;
}

const field = (v: Value, ...names: string[]): number =>
  (v.kind === "struct" ? numberOf(v.fields.find(([n]) => names.includes(n))?.[1]) : NaN);
const items = (v: Value | undefined): Value[] => (v === undefined ? [] : v.kind === "list" ? v.items : [v]);

/** Calls return `null` where they would block: the runner asks again whenever something has happened. */
export class Readiness {
  #epolls = new Map<number, Map<number, Watch>>();

  constructor(readonly stack: StackModule, readonly sockets: Map<number, Socket>, readonly datagrams: Datagrams) {}

  /**
   * What a socket is ready for, in the bits of poll(), which are those of epoll; and a text that changes whenever there
   * is something new.
   */
  #of(s: Socket): { bits: number; news: string } {
    if (s.kind === "listener") {
      const waiting = this.stack.listenerInfo(s.handle).toAccept;
      return { bits: waiting > 0 ? IN | RDNORM : 0, news: String(waiting) };
    }
    if (s.kind === "datagram") {
      const size = this.datagrams.next(s);
      const bits = OUT | WRNORM | (size === undefined ? 0 : IN | RDNORM) | (s.error === 0 ? 0 : ERR);
      return { bits, news: `${bits} ${this.datagrams.received(s)}` };
    }
    if (s.kind === "new") return { bits: OUT | HUP, news: "" };
    const have = this.stack.receivable(s.handle), t = this.stack.info(s.handle);
    let bits = 0;
    if (have >= 0) bits |= IN | RDNORM;
    if (this.stack.sendRoom(s.handle) > 0 && !["SYN-SENT", "SYN-RECEIVED"].includes(t.stateName)) bits |= OUT | WRNORM;
    if (t.flags & FLAG.finReceived) bits |= RDHUP;
    if (s.error !== 0) bits |= ERR | HUP | IN | OUT;
    else if (t.stateName === "CLOSED" || t.stateName === "TIME-WAIT") bits |= HUP;
    return { bits, news: `${bits} ${t.rcvNxt} ${bits & OUT ? "" : t.sndUna}` };
  }

  #expect(e: Call, what: string, want: Value | undefined, got: number): void {
    if (want && want.kind !== "any" && numberOf(want) !== got) {
      throw new Failure(e.line, `${what} ${numberOf(want)}`, `it is ${got}`);
    }
  }

  /** poll(): throws a Failure where `revents` are not those of the script. */
  poll(e: Call): Result | null {
    const all = items(e.args[0]).map((item) => {
      const fd = field(item, "fd"), s = this.sockets.get(fd);
      if (!s && fd >= 0) throw new Failure(e.line, `poll of socket ${fd}`, "there is no such socket");
      return { item, revents: s ? this.#of(s).bits & (field(item, "events") | ERR | HUP) : 0 };
    });
    const ready = all.filter((a) => a.revents !== 0).length;
    if (ready === 0 && numberOf(e.args[2]) !== 0) return null;
    for (const { item, revents } of all) {
      if (item.kind === "struct") this.#expect(e, "revents", item.fields.find(([n]) => n === "revents")?.[1], revents);
    }
    return { value: ready };
  }

  /** epoll_create(): the descriptor is the one that the script expects. */
  epollCreate(e: Call): Result {
    const fd = numberOf(e.result);
    this.#epolls.set(fd, new Map());
    return { value: fd };
  }

  /** epoll_ctl(): EBADF without such an epoll or socket, EEXIST and ENOENT as on Linux. */
  epollControl(e: Call): Result {
    const watched = this.#epolls.get(numberOf(e.args[0])), op = numberOf(e.args[1]), fd = numberOf(e.args[2]);
    const what = e.args[3];
    if (!watched || !this.sockets.has(fd)) return { value: -1, errno: "EBADF" };
    const add = op === SYMBOLS["EPOLL_CTL_ADD"];
    if (add === watched.has(fd)) return { value: -1, errno: add ? "EEXIST" : "ENOENT" };
    if (op === SYMBOLS["EPOLL_CTL_DEL"]) watched.delete(fd);
    else {
      const data = what ? field(what, ...DATA) : 0;
      watched.set(fd, { events: what ? field(what, "events") : 0, data, told: "", spent: false });
    }
    return { value: 0 };
  }

  /** epoll_wait(epfd, {events=…, fd=…} or a list of them, maxevents, timeout). */
  epollWait(e: Call): Result | null {
    const watched = this.#epolls.get(numberOf(e.args[0]));
    if (!watched) return { value: -1, errno: "EBADF" };
    const ready: { watch: Watch; bits: number; news: string }[] = [];
    for (const [fd, watch] of watched) {
      const s = this.sockets.get(fd);
      if (!s || watch.spent) continue;
      const { bits, news } = this.#of(s), wanted = bits & (watch.events | ERR | HUP);
      if (wanted !== 0 && !((watch.events & EDGE) !== 0 && watch.told === news)) {
        ready.push({ watch, bits: wanted, news });
      }
    }
    if (ready.length === 0) return numberOf(e.args[3]) === 0 ? { value: 0 } : null;
    const told = ready.slice(0, Math.max(1, numberOf(e.args[2])));
    for (const { watch, news } of told) {
      watch.told = news;
      if (watch.events & ONCE) watch.spent = true;
    }
    items(e.args[1]).forEach((want, i) => {
      const got = told[i];
      if (want.kind !== "struct") return;
      if (!got) throw new Failure(e.line, "one more event", `there are ${told.length}`);
      this.#expect(e, "events", want.fields.find(([n]) => n === "events")?.[1], got.bits);
      this.#expect(e, "data", want.fields.find(([n]) => DATA.includes(n))?.[1], got.watch.data);
    });
    return { value: told.length };
  }

  /** Closes an epoll, or forgets a socket that is closed. Returns whether it was an epoll. */
  close(fd: number): boolean {
    for (const watched of this.#epolls.values()) watched.delete(fd);
    return this.#epolls.delete(fd);
  }
}

/** How long a call may wait by its own words, ms; undefined: as long as it takes. */
export function timeoutOf(e: Call): number | undefined {
  const isEpoll = e.name === "epoll_wait" || e.name === "epoll_pwait";
  const ms = e.name === "poll" ? numberOf(e.args[2]) : isEpoll ? numberOf(e.args[3]) : -1;
  return ms < 0 ? undefined : ms;
}
