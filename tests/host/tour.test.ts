/** The lab's guided tour without its page: what each step's stacks do answers its questions, and nothing else does. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Analysis } from "../../host/lab/analyze.js";
import { Lab } from "../../host/lab/lab.js";
import type { UserAct } from "../../host/lab/scenario.js";
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
        for (let seed = 1; seed <= seeds; seed++)
          assert.deepEqual(answered(i + 1, walked(i + 1, chosen, seed)), questions, `${JSON.stringify(chosen)} ${seed}`);
      const found = new Set(RUNS[i]!.flatMap(([, questions]) => questions));
      assert.equal(found.size, step.questions.length, "each question has an answer");
    });
  }
});
