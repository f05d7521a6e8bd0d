/** Frames of a live stack (`stint lab --link`), shown as they pass. */
import type { Frame } from "../lab/analyze.js";
import { unpackFrames, type News, type Told } from "../lab/live.js";
import { Capture, keyOf } from "./capture.js";
import { $, make } from "./dom.js";
import type { Page } from "./page.js";

/** Samples of a connection that are kept; when there are more, every second one goes. */
const SAMPLES_MAX = 1000;
/** Connections of which samples are kept. */
const SAMPLED_MAX = 500;
/** Frames that wait while the reader pauses; the older ones go. */
const WAITING_MAX = 50_000;
/** Between two pictures, ms; and how many times as long as the last one took, at least. */
const EVERY_MS = 200, SHARE = 4;

class Live {
  readonly capture: Capture;
  #waiting: Frame[] = [];
  #isStale = true;
  #isOver = false;
  #missed = 0;
  /** How many of those the reader has been told of. */
  #toldOf = 0;
  #restUntil = 0;

  constructor(private readonly page: Page, link: string) {
    this.capture = new Capture(link, { isLive: true });
    const scenario = $<HTMLSelectElement>("scenario");
    scenario.prepend(make("option", { value: "live" }, `Live: ${link}`));
    // Before the page's own, which knows scenarios only.
    scenario.addEventListener("change", (e) => {
      if (scenario.value !== "live") return;
      e.stopImmediatePropagation();
      this.show();
    }, { capture: true });
    setInterval(() => this.#tick(), EVERY_MS);
  }

  get #isShown(): boolean {
    return this.page.capture === this.capture;
  }

  show(): void {
    this.page.watch(this.capture);
    $<HTMLSelectElement>("scenario").value = "live";
    if (this.#isOver) return this.ended();
    this.page.play();
    this.page.say("Frames are shown as they pass. Pause to look at them.");
  }

  frames(frames: Frame[]): void {
    for (const frame of frames) this.#waiting.push(frame);
    const over = this.#waiting.length - WAITING_MAX;
    if (over > 0) this.#waiting = this.#waiting.slice(over);
    this.#missed += Math.max(0, over);
    this.#isStale = true;
  }

  news({ told = [], timeUs = 0, missed = 0 }: News): void {
    for (const one of told) this.#sample(one, timeUs);
    this.#missed += missed;
    if (told.length > 0 || missed > 0) this.#isStale = true;
  }

  ended(): void {
    this.#isOver = true;
    if (!this.#isShown) return;
    this.#draw();
    this.page.pause();
    this.page.say("The stack has ended, or went out of reach. What was seen stays.");
  }

  #sample({ names, ...numbers }: Told, timeUs: number): void {
    const key = keyOf(...names), { samples } = this.capture, of = samples.get(key) ?? [];
    of.push({ step: of.length, timeUs, ...numbers });
    samples.set(key, of.length > SAMPLES_MAX ? of.filter((_, i) => i % 2 === 0) : of);
    if (samples.size > SAMPLED_MAX) samples.delete(samples.keys().next().value!);
  }

  #tick(): void {
    const now = performance.now();
    if (!this.#isStale || !this.#isShown || !this.page.playing || now < this.#restUntil) return;
    this.#draw();
    this.#restUntil = now + SHARE * (performance.now() - now);
  }

  #draw(): void {
    const { page, capture } = this, before = capture.frames.length, count = this.#waiting.length;
    const shown = capture.connection?.names.join();
    capture.take(this.#waiting);
    this.#waiting = [];
    this.#isStale = false;
    // With the older half the numbers of segments went; or another connection is the newest.
    const isCut = capture.frames.length < before + count;
    if (isCut || capture.connection?.names.join() !== shown) page.selected = -1;
    page.retell();
    page.show();
    if (isCut) page.say("These were too many frames to keep: the older half went. The newest connection is shown.");
    if (this.#missed > this.#toldOf) page.say(`${this.#missed} frames were too many for this page, and are not in it.`);
    this.#toldOf = this.#missed;
  }
}

/** Goes live if the page's address has the token of a stack. Whoever served the page has the frames. */
export function live(page: Page): void {
  const token = new URLSearchParams(location.search).get("live");
  if (token === null) return;
  const socket = new WebSocket(`ws://${location.host}/live?token=${encodeURIComponent(token)}`);
  socket.binaryType = "arraybuffer";
  let shown: Live | undefined;
  socket.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => {
    if (typeof data !== "string") return shown?.frames(unpackFrames(data));
    const news = JSON.parse(data) as News;
    if (news.link !== undefined) {
      shown = new Live(page, news.link);
      shown.show();
    }
    shown?.news(news);
  };
  socket.onclose = () => {
    if (shown) shown.ended();
    else page.say("No live stack answers here: the link is old, its stack has ended, or too many pages watch it.");
  };
}
