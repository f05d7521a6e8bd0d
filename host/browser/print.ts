/** The tour on paper: one page with its six steps, each with the ladder of a run of its own. */
import { Analysis } from "../lab/analyze.js";
import { Lab } from "../lab/lab.js";
import { ladderSvg, LOW } from "../lab/ladder.js";
import { wholeLadder } from "../lab/story.js";
import { settingsOf, TOUR, tourScenario, type TourStep } from "../lab/tour.js";
import { $, make } from "./dom.js";
import type { Page } from "./page.js";

/** Segments of a figure at most: six figures share a page. */
const LINES = 8;

/** Makes the printed page when the browser is about to print, if the tour is open. */
export function printed(page: Page): void {
  addEventListener("beforeprint", () => {
    if (page.tour && $("print").childElementCount === 0)
      $("print").replaceChildren(
        make("h1", {}, "The handshake, in six steps"), ...TOUR.map((step, i) => printedStep(page, step, i + 1)),
      );
  });
}

function printedStep(page: Page, step: TourStep, n: number): HTMLElement {
  const settings = settingsOf(step, (name) => step.figure[name]);
  const lab = new Lab(page.module, tourScenario(n, settings)), analysis = new Analysis(), figure = make("div");
  lab.finish();
  for (const frame of lab.frames) analysis.take(frame);
  const { segments } = analysis, facts = step.facts({ lab, segments });
  // In a tree of its own: the picture's styles are for it alone.
  figure.attachShadow({ mode: "open" }).innerHTML =
    ladderSvg(wholeLadder(lab, segments, ""), LINES, LOW).replace(/@media\(.*?\}\}/, "")
    + "<style>svg{width:100%;height:auto;display:block}text.label{font-size:11px}</style>";
  return make(
    "section", {}, make("h2", {}, `${n}. ${step.title}`), make("p", {}, step.text.join(" ")),
    make("ol", {}, ...step.questions.map((q) => make("li", {}, q.ask))), figure,
    make("p", {}, facts.map(([name, value]) => `${name}: ${value}`).join("; ")),
  );
}
