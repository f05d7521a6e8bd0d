/** Cables, peers and hosts that fail while a connection closes, in each of its states, in virtual time. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ERR } from "../../host/errors.js";
import { parseIp } from "../../host/address.js";
import { Wire } from "../../host/links/loopback.js";
import { loadModule } from "../../host/module.js";
import { EVENT, StackModule } from "../../host/stack.js";
import { entropyOf } from "../harness/entropy.js";

const SECOND = 1e6, SIZE = 5000, PORT = 7000, text = new Uint8Array(SIZE).fill(7);

const make = (n: number, seed: number): StackModule => new StackModule(loadModule(), {
  ip: `10.0.0.${n}/24`, entropy: entropyOf(seed), connsMax: 2, policy: { announce: false },
});

/** One end of a connection: it reads all, and notes how it ended. */
class End {
  handle = 0;
  got = 0;
  isRead = false;
  ended: number | undefined;

  constructor(readonly stack: StackModule) {}

  get state(): string {
    return this.handle === 0 ? "CLOSED" : this.stack.info(this.handle).stateName;
  }

  polled(listener: number): boolean {
    this.stack.drainEvents((handle, bits) => {
      if (bits & EVENT.ACCEPT) this.handle = this.stack.accept(listener);
      if (handle === this.handle && bits & EVENT.CLOSED) this.ended = this.stack.info(handle).error;
    });
    if (this.handle === 0 || this.isRead) return false;
    const before = this.got;
    while (this.stack.receivable(this.handle) > 0) this.got += this.stack.receive(this.handle)!.length;
    return this.got > before;
  }
}

/** Two ends of a connection that is open. */
class Pair {
  readonly wire = new Wire(1, SECOND);
  readonly a = new End(make(1, 1));
  b = new End(make(2, 2));
  isCut = false;
  #listener: number;

  constructor() {
    for (const e of [this.a, this.b]) this.wire.attach(e.stack, { delayUs: 10_000 });
    this.wire.reaches = () => !this.isCut;
    this.wire.onPolled = (port) => (port === 0 ? this.a.polled(0) : this.b.polled(this.#listener));
    this.#listener = this.b.stack.listen(PORT, 2);
    this.a.handle = this.a.stack.connect(parseIp("10.0.0.2"), PORT);
    this.until(() => this.b.state === "ESTABLISHED" && this.a.state === "ESTABLISHED");
  }

  until(done: () => boolean): void {
    assert.ok(this.wire.run(done, this.wire.nowUs + 100 * SECOND), `it stands still: ${this.a.state}, ${this.b.state}`);
  }

  pass(seconds: number): void {
    this.wire.run(() => false, this.wire.nowUs + seconds * SECOND);
  }

  mend(): void {
    this.isCut = false;
    for (const e of [this.a, this.b]) e.stack.linkChanged();
  }

  /** The peer is there again, and has forgotten all. */
  restartPeer(): void {
    this.b = new End(make(2, 3));
    this.wire.ports[1]!.stack = this.b.stack;
    this.wire.ports[1]!.wakeUs = this.wire.nowUs;
    this.#listener = this.b.stack.listen(PORT, 2);
  }

  closeBoth(): void {
    for (const e of [this.a, this.b]) if (["ESTABLISHED", "CLOSE-WAIT"].includes(e.state)) e.stack.shutdown(e.handle);
  }
}

/** How our end comes to a state, with the cable cut; what is sent then is lost. `sends`: it has text on the way. */
const STATES: Record<string, { sends: boolean; reach: (p: Pair) => void }> = {
  "FIN-WAIT-1": { sends: true, reach: (p) => {
    p.isCut = true;
    p.a.stack.send(p.a.handle, text);
    p.a.stack.shutdown(p.a.handle);
  } },
  "CLOSING": { sends: false, reach: (p) => {
    p.closeBoth();
    p.until(() => p.a.state === "CLOSING");
    p.isCut = true;
  } },
  "CLOSE-WAIT": { sends: true, reach: (p) => {
    p.b.stack.shutdown(p.b.handle);
    p.until(() => p.a.state === "CLOSE-WAIT");
    p.isCut = true;
    p.a.stack.send(p.a.handle, text);
  } },
  "LAST-ACK": { sends: true, reach: (p) => {
    STATES["CLOSE-WAIT"]!.reach(p);
    p.a.stack.shutdown(p.a.handle);
  } },
};

const ACTS: Record<string, (p: Pair) => void> = {
  "the cable is pulled for 2 s": (p) => p.pass(2),
  "the cable is pulled for a minute": (p) => p.pass(60),
  "the process is stopped for a minute": (p) => {
    p.isCut = false;
    p.wire.ports[0]!.pausedUntilUs = p.wire.nowUs + 60 * SECOND;
    p.pass(60);
  },
  "the peer is started again": (p) => {
    p.pass(1);
    p.restartPeer();
  },
};

for (const [state, { sends, reach }] of Object.entries(STATES)) {
  describe(`RFC 9293 §3.3.2: ${state} with a cable that is pulled`, () => {
    for (const [what, act] of Object.entries(ACTS)) {
      const isBroken = what === "the peer is started again";
      it(`${what}: it ${isBroken ? "ends by its RST" : "completes"}, and nothing is left`, () => {
        const p = new Pair();
        reach(p);
        p.pass(0.005);
        assert.equal(p.a.state, state);
        act(p);
        p.mend();
        p.closeBoth();
        const over = (e: End): boolean => e.stack.pools().connections === 0 || e.ended !== undefined;
        // As long as a retransmission timer has grown in a minute.
        p.until(() => {
          p.closeBoth();
          return over(p.a) && (isBroken || over(p.b));
        });
        if (!isBroken) assert.deepEqual([p.a.ended ?? 0, p.b.ended ?? 0, p.b.got], [0, 0, sends ? SIZE : 0]);
        // In CLOSING both sides have all: the RST ends what is over (§3.10.7.4, second).
        else assert.equal(p.a.ended, state === "CLOSING" ? ERR.OK : ERR.RESET, "one clear error");
        p.a.stack.close(p.a.handle);
        p.pass(70);
        assert.equal(p.a.stack.pools().connections, 0);
      });
    }
  });
}
