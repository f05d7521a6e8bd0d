/** The lab's guided tour without its page: what each step's stacks do answers its questions, and nothing else does. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Analysis } from "../../host/lab/analyze.js";
import { Lab } from "../../host/lab/lab.js";
import { labelOf, ladderSvg, LOW } from "../../host/lab/ladder.js";
import type { UserAct } from "../../host/lab/scenario.js";
import { wholeLadder } from "../../host/lab/story.js";
import { settingsOf, TOUR, tourScenario, type Seen } from "../../host/lab/tour.js";
import { loadModule } from "../../host/module.js";

/** The n-th step with these settings, at its end. */
function walked(n: number, chosen: Record<string, string> = {}, seed = 1, acts: UserAct[] = []): Seen {
  const settings = settingsOf(TOUR[n - 1]!, (name) => chosen[name]);
  const lab = new Lab(loadModule("stint.simd"), tourScenario(n, settings), seed, "", acts);
  lab.finish();
  return seenOf(lab);
}
function seenOf(lab: Lab): Seen {
  const analysis = new Analysis();
  for (const frame of lab.frames) analysis.take(frame);
  return { lab, segments: analysis.segments };
}
/** Which questions of a step a run answers, by their place. */
const answered = (n: number, seen: Seen): number[] =>
  TOUR[n - 1]!.questions.flatMap((q, i) => (q.answer(seen) === null ? [] : [i]));

/** By step: what answers which questions; the first choices come first. */
const RUNS: [chosen: Record<string, string>, questions: number[]][][] = [
  [
    [{}, []], [{ bits: "" }, [2]], [{ bits: "SYN", seq: "4999" }, [0]], [{ bits: "SYN", seq: "5000" }, []],
    [{ bits: "ACK", seq: "4999" }, [1]], [{ bits: "SYN ACK" }, [1]], [{ bits: "FIN" }, [2]], [{ bits: "RST" }, [2]],
  ],
  [
    [{}, []], [{ write: "late" }, []], [{ write: "soon" }, [0]], [{ lost: "first" }, [1]], [{ lost: "second" }, [1]],
    [{ lost: "third" }, [1]], [{ lost: "third", write: "soon" }, [1]],
  ],
  [
    [{}, [1]], [{ messages: "2" }, [0]], [{ messages: "2", rst: "lost" }, [0]], [{ rst: "lost" }, [1]],
    [{ client: "opens" }, [1, 2]], [{ client: "opens", messages: "2" }, [0, 2]],
  ],
  [
    [{}, []], [{ open: "both" }, [0]], [{ answer: "two" }, [1]], [{ lost: "third" }, [2]],
  ],
  [
    [{}, []], [{ rate: "1" }, []], [{ rate: "3" }, [0, 1]], [{ rate: "20" }, [0]], [{ rate: "2", places: "4" }, [0, 1]],
    [{ rate: "5", places: "64" }, []],
  ],
  [
    [{}, []], [{ remedy: "table" }, [0]], [{ remedy: "oldest" }, [0]], [{ remedy: "timeout" }, [0]],
    [{ remedy: "limit" }, []], [{ remedy: "cookies" }, [0]], [{ remedy: "none", path: "100" }, []],
    [{ remedy: "oldest", path: "100" }, [1]], [{ remedy: "timeout", path: "100" }, [1]],
    [{ remedy: "table", path: "100" }, [0]], [{ remedy: "cookies", path: "100" }, [0, 2]],
  ],
];

describe("the guided tour", () => {
  for (const [i, step] of TOUR.entries()) {
    it(`step ${i + 1}, ${step.title}: its questions are answered by what the stacks do`, () => {
      // A flood is a thousand frames.
      const seeds = i < 4 ? 3 : 1;
      for (const [chosen, questions] of RUNS[i]!)
        for (let seed = 1; seed <= seeds; seed++) {
          const seen = walked(i + 1, chosen, seed);
          assert.deepEqual(answered(i + 1, seen), questions, `${JSON.stringify(chosen)}, seed ${seed}`);
        }
      const found = new Set(RUNS[i]!.flatMap(([, questions]) => questions));
      assert.equal(found.size, step.questions.length, "each question has an answer");
    });
  }

  it("nothing is answered while the first message is on its way", () => {
    for (const [i, step] of TOUR.entries()) {
      const lab = new Lab(loadModule("stint.simd"), tourScenario(i + 1, settingsOf(step, () => null)));
      while (lab.frames.length === 0) assert.ok(lab.next());
      assert.deepEqual(answered(i + 1, seenOf(lab)), [], step.title);
      assert.ok(!lab.isOver && lab.flights.length > 0);
    }
  });

  it("what the reader does by hand answers as well: a third message that is dropped", () => {
    const lab = walked(2).lab;
    lab.goTo(0);
    while (lab.frames.length < 3) assert.ok(lab.next());
    lab.user({ act: "fate", flight: 2, fate: "drop" });
    lab.finish();
    assert.deepEqual(answered(2, seenOf(lab)), [1]);
    const answer = TOUR[1]!.questions[1]!.answer(seenOf(lab))!;
    assert.match(answer, /^ACK was lost\. The server sent SYN, ACK again at 1030 ms/);
  });

  it("what the reader forges, spoils or unplugs answers nothing about the stacks", () => {
    const wrong = (n: number, chosen: Record<string, string>, step: number, ...acts: unknown[]): void => {
      const seen = walked(n, chosen, 1, acts.map((a) => ({ ...(a as UserAct), step })));
      assert.deepEqual(answered(n, seen), [], JSON.stringify([n, chosen, acts]));
    };
    const first = (chosen: Record<string, string>): number => {
      const lab = new Lab(loadModule("stint.simd"), tourScenario(1, settingsOf(TOUR[0]!, (name) => chosen[name])));
      while (lab.frames.length === 0) assert.ok(lab.next());
      return lab.step;
    };
    const forged = (from: string, to: string, ...flags: string[]): unknown =>
      ({ act: "action", action: { do: "segment", from, to, fields: { flags, seq: 7, ack: 5000, absolute: true } } });
    const onItsWay = first({});
    wrong(1, {}, onItsWay, { act: "fate", flight: 0, fate: "corrupt" });
    wrong(1, {}, onItsWay, { act: "edit", flight: 0, fields: { flags: ["FIN"], seq: 1, absolute: true } });
    wrong(1, {}, onItsWay, { act: "edit", flight: 0, fields: { flags: ["SYN"], seq: 4999, absolute: true } });
    wrong(1, {}, onItsWay, forged("server", "client", "RST"));
    wrong(1, {}, onItsWay, forged("server", "client", "SYN", "ACK"));
    // The RST is for the second one, not for the SYN.
    wrong(1, {}, onItsWay, forged("client", "server", "ACK"));
    for (const rate of ["0", "1"]) wrong(5, { rate }, 1, { act: "action", action: { do: "link", up: false } });
  });

  it("steps go back to identical memories, with thought experiments and old segments", () => {
    for (const [n, chosen] of [[3, { messages: "2" }], [4, { answer: "two" }]] as const) {
      const { lab } = walked(n, chosen), end = lab.step, print = lab.fingerprint();
      lab.goTo(3);
      lab.goTo(end);
      assert.equal(lab.fingerprint(), print);
    }
  });

  it("a link's settings are taken where they make sense", () => {
    const of = (n: number, text: string): Record<string, string> => {
      const q = new URLSearchParams(text);
      return settingsOf(TOUR[n - 1]!, (name) => q.get(name));
    };
    assert.deepEqual(of(1, "bits=&seq=4999"), { bits: "", seq: "4999" });
    assert.deepEqual(of(1, "bits=SYN+FIN&seq=4294967295"), { bits: "SYN FIN", seq: "4294967295" });
    for (const wrong of ["bits=URG", "bits=SYN++FIN", "bits=%00<script>", "seq=4294967296", "seq=1e3", "seq="])
      assert.deepEqual(of(1, wrong), { bits: "SYN", seq: "1000" }, wrong);
    assert.deepEqual(of(1, "seq=-1"), { bits: "SYN", seq: "1000" });
    assert.deepEqual(of(3, "messages=2&rst=eaten"), { messages: "2", client: "gone", rst: "arrives" });
  });

  it("RFC 9293 §3.5, figure 8: an old SYN, a RST, and the new connection after all", () => {
    const seen = walked(3, { client: "opens" }), old = seen.segments.findIndex((s) => s!.fate === "old duplicate");
    assert.deepEqual(
      seen.segments.slice(old).map((s) => `${s!.tcp.source} ${labelOf(s!)}`),
      ["10.0.0.1 SYN", "10.0.0.2 SYN, ACK", "10.0.0.1 RST", "10.0.0.2 SYN, ACK", "10.0.0.1 ACK"],
    );
    const [copy, answer, rst] = seen.segments.slice(old).map((s) => s!.tcp);
    assert.equal(copy!.seq, seen.segments[0]!.tcp.seq, "it is the same SYN");
    assert.deepEqual([answer!.ack, rst!.seq], [copy!.seq + 1, copy!.seq + 1]);
  });

  it("RFC 9293 §3.5, figure 7: both open at once, with four messages", () => {
    assert.deepEqual(
      walked(4, { open: "both" }).segments.slice(0, 4).map((s) => labelOf(s!)), ["SYN", "SYN", "SYN, ACK", "SYN, ACK"],
    );
  });

  it("each step has a figure for paper, which says how much it leaves out", () => {
    for (const [i, step] of TOUR.entries()) {
      const seen = walked(i + 1, step.figure), svg = ladderSvg(wholeLadder(seen.lab, seen.segments, ""), 8, LOW);
      assert.equal((svg.match(/class="label"/g) ?? []).length, Math.min(8, seen.segments.length), step.title);
      assert.equal(svg.includes("more segments"), seen.segments.length > 8);
      assert.equal(svg.includes("SYN-RECEIVED"), i < 4);
      for (const [name, value] of step.facts(seen)) assert.ok(name !== "" && value !== "" && value !== "–", name);
    }
  });

  it("sentences have 25 words at most", () => {
    const texts = TOUR.flatMap((step, i) => [
      ...step.text, ...step.questions.map((q) => q.ask),
      ...RUNS[i]!.flatMap(([chosen]) => {
        const seen = walked(i + 1, chosen);
        return step.questions.flatMap((q) => q.answer(seen) ?? []);
      }),
    ]);
    for (const sentence of texts.flatMap((t) => t.split(/(?<=[.?!:]) /)))
      assert.ok(sentence.split(" ").length <= 25, sentence);
  });
});
