/** The guided tour: where one is, what one may change, the questions, and what the runs so far came to. */
import { settingsOf, TOUR, type Choice, type Seen, type Settings, type TourStep } from "../lab/tour.js";
import { $, make } from "./dom.js";
import { toggle } from "./hands.js";
import type { Page } from "./page.js";

/** What was found, by step: answers, and what runs came to, by what was chosen. It is kept while the page is open. */
const found = TOUR.map(() => ({ answers: [] as (string | null)[], runs: new Map<string, [string, string][]>() }));
/** The step that the panel was made for. */
let shown = -1;

/** Shows the step of the tour that is open; without one, the way to it. */
export function tour(page: Page): void {
  const step = page.tour?.step ?? 0;
  document.body.classList.toggle("tour", page.tour !== null);
  if (step !== shown) {
    shown = step;
    const nav = places(page);
    $("tour").replaceChildren(...(page.tour ? [nav, ...body(page, TOUR[step - 1]!)] : [...invitation(), nav]));
  }
  if (!page.tour) return;
  for (const choice of TOUR[step - 1]!.choices) say(choice, page.tour.settings[choice.name]!);
}

function invitation(): Node[] {
  return [
    make("h2", { id: "tour-h", tabIndex: -1 }, "Guided tour"),
    make("p", {}, "Is TCP new to you? Six steps lead through its handshake. You answer questions by doing."),
  ];
}

/** Links to all steps; answered ones have a mark. */
function places(page: Page): HTMLElement {
  const list = TOUR.map((step, i) => {
    const link = make("a", { href: `#tour=${i + 1}`, title: step.title }, String(i + 1));
    link.onclick = () => {
      // The browser goes nowhere, but the reader wants to begin again.
      if (location.hash === link.hash) page.fromUrl();
    };
    if (i + 1 === page.tour?.step) link.ariaCurrent = "step";
    return make("li", {}, link);
  });
  return make("nav", { ariaLabel: "Steps of the guided tour" }, make("ol", { className: "steps" }, ...list));
}

function body(page: Page, step: TourStep): Node[] {
  const n = TOUR.indexOf(step) + 1;
  const run = make("button", { type: "button", id: "tour-run", className: "main", onclick: () => {
    const speed = matchMedia("(prefers-reduced-motion: reduce)").matches ? "Infinity" : step.speed;
    $<HTMLSelectElement>("speed").value = speed;
    if (!page.playing) toggle(page);
  } }, "▶ Run it");
  const way = (to: number, id: string, text: string): Node[] =>
    TOUR[to - 1] ? [make("a", { id, href: `#tour=${to}` }, `${text}: ${TOUR[to - 1]!.title}`)] : [];
  return [
    make("h2", { id: "tour-h", tabIndex: -1 }, `Step ${n} of ${TOUR.length}: ${step.title}`),
    ...step.text.map((t) => make("p", {}, t)),
    make(
      "fieldset", {}, make("legend", { className: "sr" }, "Change the run"),
      ...step.choices.map((choice) => control(page, choice)), run,
    ),
    make("h3", {}, "Find out"),
    make(
      "ol", { className: "questions", ariaLive: "polite" },
      ...step.questions.map((q) => make("li", {}, q.ask, make("p", { className: "answer" }))),
    ),
    make("div", { id: "runs" }),
    make("div", { className: "ways" }, ...way(n - 1, "tour-back", "Back"), ...way(n + 1, "tour-next", "Next")),
  ];
}

// What can be changed

const idOf = (choice: Choice, value = ""): string => `tour-${choice.name}${value && `-${value}`}`;

function control(page: Page, choice: Choice): HTMLElement {
  const onchange = (): void => {
    const { step } = page.tour!;
    page.openTour(step, settingsOf(TOUR[step - 1]!, (name) => said(TOUR[step - 1]!.choices, name)));
    history.replaceState(null, "", page.url({ isBrief: true }));
  };
  const { label, values, kind } = choice;
  if (kind === "bits")
    return make(
      "span", { role: "group", ariaLabel: label }, `${label}: `,
      ...values.map(([value]) =>
        make("label", {}, make("input", { type: "checkbox", id: idOf(choice, value), onchange }), ` ${value} `)),
    );
  return make(
    "label", {}, `${label} `,
    kind === "number"
      ? make("input", { id: idOf(choice), type: "number", min: "0", max: "4294967295", onchange })
      : make(
        "select", { id: idOf(choice), onchange },
        ...values.map(([value, text]) => make("option", { value }, text)),
      ),
  );
}

/** What the controls say of a choice. */
function said(choices: readonly Choice[], name: string): string {
  const choice = choices.find((c) => c.name === name)!;
  if (choice.kind !== "bits") return $<HTMLInputElement | HTMLSelectElement>(idOf(choice)).value;
  return choice.values.filter(([v]) => $<HTMLInputElement>(idOf(choice, v)).checked).map(([v]) => v).join(" ");
}

function say(choice: Choice, value: string): void {
  if (choice.kind !== "bits") $<HTMLInputElement | HTMLSelectElement>(idOf(choice)).value = value;
  else for (const [v] of choice.values) $<HTMLInputElement>(idOf(choice, v)).checked = value.split(" ").includes(v);
}

// What came of it

/** Reads from what the stacks have done whether questions are answered, and says so. */
export function answers(page: Page): void {
  if (!page.tour) return;
  const { step: n, settings } = page.tour, step = TOUR[n - 1]!, { answers: known, runs } = found[n - 1]!;
  const seen: Seen = { lab: page.lab, segments: page.segments() };
  step.questions.forEach((q, i) => {
    known[i] = q.answer(seen) ?? known[i] ?? null;
    const p = $("tour").querySelectorAll(".answer")[i]!, text = known[i] === null ? "" : `✓ ${known[i]}`;
    // What has not changed is not announced again.
    if (p.textContent !== text) p.textContent = text;
  });
  const links = $("tour").querySelectorAll(".steps a");
  links.forEach((link, i) => {
    const isDone = TOUR[i]!.questions.every((_, k) => found[i]!.answers[k]);
    const text = `${i + 1}${isDone ? " ✓" : ""}`;
    if (link.textContent !== text) link.textContent = text;
    link.ariaLabel = `Step ${i + 1}: ${TOUR[i]!.title}${isDone ? ", answered" : ""}`;
  });
  if (page.lab.isOver) runs.set(nameOf(step, settings, page.lab.acts.length > 0), step.facts(seen));
  table(step, runs);
}

/** A run's name: what was chosen. */
function nameOf(step: TourStep, settings: Settings, byHand: boolean): string {
  const names = step.choices.map(({ name, kind, values }) => {
    const value = settings[name]!;
    return kind === "one" ? values.find(([v]) => v === value)![1] : value || "no bit";
  });
  return [...names, ...(byHand ? ["by hand"] : [])].join("; ");
}

function table(step: TourStep, runs: ReadonlyMap<string, [string, string][]>): void {
  const box = $("runs");
  if (box.childElementCount === 0 && runs.size === 0) return;
  const facts = [...runs.values()][0]?.map(([name]) => name) ?? [];
  const head = [step.choices.map((c) => c.label).join("; "), ...facts].map((t) => make("th", { scope: "col" }, t));
  box.replaceChildren(make(
    "table", {}, make("caption", {}, "Your runs"), make("tr", {}, ...head),
    ...[...runs].map(([name, values]) =>
      make("tr", {}, make("th", { scope: "row" }, name), ...values.map(([, value]) => make("td", {}, value)))),
  ));
}
