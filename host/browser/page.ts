/** The handshake lab's page: what is shown, how time goes, links to it, and captures. */
import { Analysis, type Frame, type Segment } from "../lab/analyze.js";
import { Lab } from "../lab/lab.js";
import { actsOf, STEPS_MAX } from "../lab/acts.js";
import type { Scenario, UserAct } from "../lab/scenario.js";
import { plural } from "../lab/ladder.js";
import { SCENARIOS, scenarioNamed } from "../lab/scenarios.js";
import { settingsOf, TOUR, tourScenario, type Settings } from "../lab/tour.js";
import { pcapngHead, pcapngPacket, concat } from "../links/pcapng.js";
import { CaptureError, readCapture } from "../links/read-capture.js";
import { LadderCanvas, type Picture } from "./canvas.js";
import { Capture } from "./capture.js";
import { $, make } from "./dom.js";
import type { Sample } from "./plots.js";

/** Frames of a file that are read at most; a page has only so much memory. */
const CAPTURE_MAX = 400_000;

/** What stands on the page: pieces that know it, while it knows none of them. */
export interface Pieces {
  /** Called once, to connect buttons and keys. */
  begin(page: Page): void;
  /** Called when a scenario has been opened. */
  opened(page: Page): void;
  /** Called when there is more in the capture. */
  grown(page: Page): void;
  /** What the ladder shows. */
  picture(page: Page): Picture;
  /** Called whenever something else is to be seen. */
  draw(page: Page): void;
}

const seedSaid = (): number => Number($<HTMLInputElement>("seed").value) || 1;

/** What is shown: a lab, or a capture in its place. Pieces read it and call it; it redraws them. */
export class Page {
  lab!: Lab;
  analysis = new Analysis();
  /** What was analysed: to notice that frames were changed or taken back. */
  #read: readonly unknown[] = [];
  samples: Sample[] = [];
  playing = false;
  selected = -1;
  field = -1;
  capture: Capture | null = null;
  /** The step of the guided tour that is open, from 1, and what the reader chose there. */
  tour: { step: number; settings: Settings } | null = null;
  readonly ladder = new LadderCanvas($<HTMLCanvasElement>("ladder"), $("scroll"), $("spacer"));
  #debtMs = 0;
  #lastFrame = 0;
  #shownStep = -1;

  constructor(readonly module: WebAssembly.Module, readonly pieces: Pieces) {
    const choose = $<HTMLSelectElement>("scenario");
    choose.append(make("option", { value: "tour" }, "Guided tour"));
    for (const s of SCENARIOS) choose.append(make("option", { value: s.name }, s.title));
    pieces.begin(this);
    this.ladder.onPick = (frame) => this.select(frame);
    this.fromUrl();
    addEventListener("hashchange", () => {
      if (location.hash === this.url()) return;
      this.fromUrl();
      // Who followed a link reads on where it leads.
      if (this.tour) $("tour-h").focus();
    });
    requestAnimationFrame((t) => this.#tick(t));
  }

  // What is shown

  /** Begins a scenario, and leaves a capture. Throws a RangeError where no scenario has this name. */
  open(name: string, variant?: string, seed = seedSaid(), acts: UserAct[] = []): void {
    const scenario = scenarioNamed(name);
    this.tour = null;
    this.#begin(scenario, variant ?? Object.keys(scenario.variants ?? {})[0] ?? "", seed, acts);
    $<HTMLSelectElement>("scenario").value = name;
  }

  /** Opens a step of the guided tour, from 1. Throws a RangeError where there is none. */
  openTour(step: number, settings?: Settings, seed = seedSaid(), acts: UserAct[] = []): void {
    const found = TOUR[step - 1];
    if (!found) throw new RangeError(`the tour has steps 1 to ${TOUR.length}`);
    this.tour = { step, settings: settings ?? settingsOf(found, () => null) };
    this.#begin(tourScenario(step, this.tour.settings), "", seed, acts);
    $<HTMLSelectElement>("scenario").value = "tour";
  }

  /** The lab is at its first message then: nobody wants to see an empty field. */
  #begin(scenario: Scenario, variant: string, seed: number, acts: UserAct[]): void {
    const variants = Object.keys(scenario.variants ?? {});
    this.capture = null;
    this.lab = new Lab(this.module, scenario, seed, variant, acts);
    $<HTMLInputElement>("seed").value = String(seed);
    $("variant-label").hidden = variants.length === 0;
    $("variant").replaceChildren(
      ...variants.map((v) => make("option", { value: v, selected: v === this.lab.variant }, v)),
    );
    $("sentence").textContent = scenario.sentence;
    $("explanation").replaceChildren(...this.lab.scenario.explanation.map((p) => make("p", {}, p)));
    $("why").hidden = this.tour !== null;
    this.samples = [];
    this.pieces.opened(this);
    this.pause();
    while (this.lab.frames.length === 0 && this.next());
    this.selected = this.lab.frames.length > 0 ? 0 : -1;
    this.field = -1;
    this.show();
    this.say("The first message is on its way. Press play, or go step by step.");
  }

  /** One line in the place that screen readers announce. */
  say(text: string): void {
    $("status").textContent = text;
  }

  /** The frames' segments, read as far as they are known. */
  segments(): (Segment | null)[] {
    if (this.capture) return [];
    const { frames } = this.lab, n = this.analysis.segments.length;
    const same =
      n <= frames.length
      && (n === 0 || (this.#read[n - 1] === frames[n - 1] && this.#read[0] === frames[0] && this.#unchanged(n)));
    if (!same) this.analysis = new Analysis();
    for (let i = this.analysis.segments.length; i < frames.length; i++) this.analysis.take(frames[i]!);
    this.#read = [...frames];
    return this.analysis.segments;
  }

  #unchanged(n: number): boolean {
    // Only what is still on its way, or was so a moment ago, can have been changed.
    for (let i = Math.max(0, n - 200); i < n; i++) if (this.#read[i] !== this.lab.frames[i]) return false;
    return true;
  }

  /** The segment that was chosen; null: none, or a frame without TCP. */
  current(): Segment | null {
    if (this.capture) return this.capture.connection?.segments[this.selected] ?? null;
    return this.segments()[this.selected] ?? null;
  }

  /** Draws all of it anew. `follow`: the ladder scrolls to its end. */
  show({ follow = true } = {}): void {
    this.ladder.show(this.pieces.picture(this), follow && (this.capture?.isLive ?? true));
    this.#list();
    this.pieces.draw(this);
    this.#shownStep = this.lab.step;
    const over = this.capture === null && this.lab.isOver;
    $<HTMLCanvasElement>("ladder").setAttribute(
      "aria-label", `Ladder diagram, ${this.ladder.picture.arrows.length} segments${over ? ", at its end" : ""}`,
    );
  }

  #list(): void {
    if (!$<HTMLDetailsElement>("list-box").open) return;
    const { arrows } = this.ladder.picture, from = Math.max(0, arrows.length - 300);
    // Who is in the list stays at the same line of it.
    const at = Array.from($("list").children).findIndex((line) => line.contains(document.activeElement));
    $<HTMLOListElement>("list").start = from + 1;
    $("list").replaceChildren(
      ...arrows
        .slice(from)
        .map((a) =>
          make(
            "li",
            {},
            Object.assign(
              make(
                "button", { onclick: () => this.select(a.frame) },
                `${((a.timeUs - this.ladder.picture.startUs) / 1000).toFixed(1)} ms `
                  + `${this.ladder.picture.columns[a.from]}: ${a.label}, `
                  + `${a.numbers}${a.endUs === null ? ", lost" : ""}`,
              ),
              { ariaCurrent: String(a.frame === this.selected) },
            ),
          ),
        ),
    );
    if (at >= 0) $("list").children[at]?.querySelector("button")?.focus();
  }

  /** Chooses a frame by its number and scrolls to it; −1: none. */
  select(frame: number): void {
    this.selected = frame;
    this.field = -1;
    this.show({ follow: false });
    this.ladder.reveal(frame);
  }

  // The ends

  // Time

  #sample(): void {
    const { lab } = this, info = lab.inspect(0)[0]?.info;
    if (this.samples.length > 0 && this.samples.at(-1)!.step >= lab.step)
      this.samples = this.samples.filter((s) => s.step < lab.step);
    if (info)
      this.samples.push({
        step: lab.step, timeUs: lab.nowUs, cwnd: info.cwnd, ssthresh: info.ssthresh, srttMs: info.srttUs / 1000,
        rtoMs: info.rtoUs / 1000,
      });
  }

  /** One step of the lab, without drawing. Returns whether anything happened; a capture has no steps. */
  next(): boolean {
    if (this.capture || this.lab.isOver) return false;
    const did = this.lab.next();
    this.#sample();
    return did;
  }

  /** What the user does now; what had been done after this step is forgotten. */
  act(act: Parameters<Lab["user"]>[0]): void {
    this.lab.user(act);
    this.#sample();
    this.show();
  }

  /** Starts the clock. `#tick` lets time pass, as fast as the page's speed says. */
  play(): void {
    this.#clock("❙❙ Pause", { playing: true });
  }

  /** Stops the clock. */
  pause(): void {
    this.#clock("▶ Play", { playing: false });
  }

  #clock(button: string, { playing }: { playing: boolean }): void {
    this.playing = playing;
    $("play").textContent = button;
    $("play").ariaPressed = String(playing);
    this.#debtMs = 0;
  }

  #tick(now: number): void {
    const passed = Math.min(100, now - this.#lastFrame);
    this.#lastFrame = now;
    if (this.playing && !this.capture) {
      const speed = Number($<HTMLSelectElement>("speed").value), until = performance.now() + 12;
      if (speed === Infinity) while (performance.now() < until && this.next());
      else {
        this.#debtMs += passed * speed;
        while (
          performance.now() < until
          && this.lab.nextUs <= this.lab.nowUs + this.#debtMs * 1000
          && !this.lab.isOver
        ) {
          this.#debtMs -= Math.max(0, (this.lab.nextUs - this.lab.nowUs) / 1000);
          this.next();
        }
        // Long silences are cut short.
        if (this.lab.nextUs - this.lab.nowUs > 2e6 * speed && this.#debtMs > 700 * speed) this.next();
      }
      if (this.lab.isOver) {
        this.pause();
        this.say(`The end. ${this.lab.frames.length} segments in ${this.lab.timeMs.toFixed(0)} ms.`);
      }
      if (this.#shownStep !== this.lab.step) this.show();
    }
    requestAnimationFrame((t) => this.#tick(t));
  }

  /** Stops the clock, and goes to a step, backwards as well. Steps before 0 are 0. */
  goTo(step: number): void {
    this.pause();
    this.lab.goTo(Math.max(0, step));
    this.samples = this.samples.filter((s) => s.step <= this.lab.step);
    if (this.selected >= this.lab.frames.length) this.selected = -1;
    this.show();
    this.say(`Step ${this.lab.step}, ${this.lab.timeMs.toFixed(1)} ms.`);
  }

  // Links

  /**
   * The fragment of a link that leads here: scenario, seed, step, variant, and what the user did. `isBrief`: to where
   * it begins.
   */
  url({ isBrief = false } = {}): string {
    const { lab, tour } = this, q = new URLSearchParams();
    if (tour) {
      q.set("tour", String(tour.step));
      const first = settingsOf(TOUR[tour.step - 1]!, () => null);
      for (const [name, value] of Object.entries(tour.settings)) if (value !== first[name]) q.set(name, value);
    } else q.set("scenario", lab.scenario.name);
    if (!isBrief || lab.seed !== 1) q.set("seed", String(lab.seed));
    if (!isBrief) q.set("step", String(lab.step));
    if (lab.variant) q.set("variant", lab.variant);
    if (!isBrief && lab.acts.length > 0) q.set("acts", btoa(JSON.stringify(lab.acts)));
    return `#${q}`;
  }

  /** Opens what the page's link names, and the handshake if it names nothing. */
  fromUrl(): void {
    const q = new URLSearchParams(location.hash.slice(1)), seed = Number(q.get("seed")) || 1;
    try {
      const acts = actsOf(q.get("acts") ?? btoa("[]")), tour = q.get("tour");
      if (tour !== null) {
        const step = TOUR[Number(tour) - 1];
        this.openTour(Number(tour), step && settingsOf(step, (name) => q.get(name)), seed, acts);
      } else this.open(q.get("scenario") ?? SCENARIOS[0]!.name, q.get("variant") ?? undefined, seed, acts);
      if (!q.has("step")) return;
      const step = Number(q.get("step"));
      if (!(step >= 0 && step <= STEPS_MAX)) throw new Error("there is no such step");
      if (step < this.lab.step) this.goTo(step);
      while (this.lab.step < step && this.lab.next()) this.#sample();
      this.show();
    } catch (e) {
      this.open(SCENARIOS[0]!.name);
      this.say(`This link leads nowhere: ${(e as Error).message}`);
    }
  }

  // Captures

  /** Shows a capture (pcap, pcapng) in the place of the lab. What is wrong with it stands in the status line. */
  read(name: string, bytes: Uint8Array): void {
    try {
      const { frames, warnings } = readCapture(bytes), capture = new Capture(name);
      capture.take(frames.slice(0, CAPTURE_MAX));
      if (capture.connections.length === 0) throw new CaptureError(`there is no TCP in its ${frames.length} frames`);
      this.pause();
      this.watch(capture);
      this.say(
        [
          ...warnings,
          ...(frames.length > CAPTURE_MAX
            ? [`only the first ${CAPTURE_MAX} of ${frames.length} frames are shown`]
            : []),
        ].join("; ") || `${name} is open.`,
      );
    } catch (e) {
      if (!(e instanceof CaptureError)) throw e;
      this.say(`${name}: ${e.message}.`);
    }
  }

  /** Shows frames that the page did not make, in the place of the lab: those of a file, or of a live stack. */
  watch(capture: Capture): void {
    this.capture = capture;
    this.tour = null;
    // None of the list; a live stack says that it is.
    $<HTMLSelectElement>("scenario").value = "";
    this.pieces.opened(this);
    $("why").hidden = false;
    this.selected = -1;
    this.retell();
    this.show({ follow: false });
  }

  /** Says anew what there is in the capture: more of it has come. */
  retell(): void {
    const { name, frames, connections } = this.capture!;
    $("sentence").textContent =
      `${name}: ${plural(frames.length, "frame")}, ${plural(connections.length, "connection")}`;
    this.pieces.grown(this);
  }

  /** Offers the frames that are shown as a pcapng file; the lab's with the fate of each as a comment. */
  save(): void {
    const frames: readonly Frame[] = this.capture?.frames ?? this.lab.frames;
    const blob = new Blob(
      [
        concat([
          pcapngHead(["wire"]), ...frames.map((f) => pcapngPacket(f.timeUs, f.bytes, 0, f.fate ?? "")),
        ]) as Uint8Array<ArrayBuffer>,
      ],
      { type: "application/octet-stream" },
    );
    const name = this.capture ? "capture" : this.lab.scenario.name;
    const a = make("a", { href: URL.createObjectURL(blob), download: `${name}.pcapng` });
    a.click();
    setTimeout(() => URL.revokeObjectURL(a.href), 1000);
    this.say(`${plural(frames.length, "frame")} saved as ${a.download}.`);
  }
}
