/** A small bound of every scenario, and the question why two steps are not enough. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { explore, isKnown, type Explored } from "./run.js";
import { SCENARIOS, TWO_STEPS } from "./scenarios.js";
import { exploreModule } from "./side.js";

describe("every interleaving", () => {
  const module = exploreModule();

  for (const scenario of SCENARIOS) {
    it(`${scenario.name}: ${scenario.what}`, () => {
      const e: Explored = explore(module, scenario, scenario.attacks ? 1000 : 4000);
      assert.equal(e.violation, undefined, e.violation && `${e.violation.what}\n${e.violation.schedule.join("\n")}`);
      for (const t of e.transitions.keys()) {
        const [from, to] = t.split("→") as [string, string];
        assert.ok(isKnown(from, to), `a transition that RFC 9293 does not have: ${t}`);
      }
      assert.ok(e.states >= 1000 && e.quiescent > 0);
    });
  }

  for (const scenario of SCENARIOS) {
    it(`${scenario.name}, over IPv6: what is found over IPv4, state for state`, () => {
      const [six, four] = ([6, 4] as const).map((family) => {
        const e = explore(module, { ...scenario, family }, scenario.attacks ? 200 : 1000), why = e.violation;
        assert.equal(why, undefined, why && `${why.what}\n${why.schedule.join("\n")}`);
        return { states: e.states, moves: e.moves, depth: e.depth, quiescent: e.quiescent, seen: [...e.transitions] };
      });
      assert.deepEqual(six, four);
    });
  }

  it("two steps are not enough: one old SYN, and the server has a connection that nobody asked for", () => {
    const e = explore(module, TWO_STEPS, 1000);
    assert.equal(e.violation?.what, "the server is ESTABLISHED, and the client never asked for it");
    assert.deepEqual(e.violation?.schedule, ["delivered: the client's old SYN seq=12345 ack=0 len=0"]);
  });

  // The attacker bites: each of these three leaves a check of RFC 5961 out.
  for (const [policy, form, what] of [
    ["rstInWindow", "a RST in the window", /^the connection was lost/],
    ["synResets", "a SYN in the window", /^the connection was lost/],
    ["oldAcks", "text with an ACK of long ago", /^data that was not sent/],
  ] as const) it(`the attacker is noticed where ${policy} leaves RFC 5961 out`, () => {
    const attacked = SCENARIOS.find((s) => s.name === "attacked")!;
    const attacks = { count: 1, forms: [form] };
    const e = explore(module, { ...attacked, attacks, policy: { [policy]: true } }, 1000);
    assert.match(e.violation?.what ?? "nothing was noticed", what);
    assert.match(e.violation!.schedule.at(-1)!, /an attacker's segment/);
  });

  it("a schedule replays: the same states in the same number", () => {
    const counts = [0, 1].map(() => explore(module, SCENARIOS[2]!, 1500)).map((e) => [e.states, e.moves, e.quiescent]);
    assert.deepEqual(counts[0], counts[1]);
  });

  it("an old segment with text, its numbers out of the window, is never delivered", () => {
    const close = SCENARIOS.find((s) => s.name === "close")!;
    const old = [{ from: 0, segment: () => ({ flags: "PA", seq: 0, ack: 0, data: Uint8Array.of(1) }) }];
    assert.equal(explore(module, { ...close, old }, 1000).violation, undefined);
  });
});
