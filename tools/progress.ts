/** Progress of long work, on stderr where that is a terminal: what is done, how fast, how long it takes yet. */
import { cursorTo, clearLine } from "node:readline";
import { Presets, SingleBar } from "cli-progress";

/** Where it is shown: stderr, or what a test looks at. */
type Screen = NodeJS.WriteStream;

/** How often it is drawn anew, a second. */
const FPS = 4;

export class Progress {
  readonly #bar: SingleBar | undefined;
  readonly #began = performance.now();

  /** `what`: the things that are counted; `total`: how many there are, Infinity where there is no end. */
  constructor(readonly what: string, readonly total: number, readonly screen: Screen = process.stderr) {
    if (!screen.isTTY) return;
    const isBounded = Number.isFinite(total);
    const format = isBounded
      ? "  {bar} {percentage}% {value}/{total} {what}, {rate} a second, {eta_formatted} left"
      : "  {value} {what}, {rate} a second";
    this.#bar = new SingleBar({
      format, stream: screen, fps: FPS, barsize: 24, etaBuffer: 20, hideCursor: null, clearOnComplete: true,
      linewrap: false,
    }, Presets.shades_classic);
    this.#bar.start(isBounded ? total : Number.MAX_SAFE_INTEGER, 0, { what, rate: "–" });
  }

  /** So many are done. */
  at(done: number): void {
    const rate = (1000 * done) / (performance.now() - this.#began);
    const rounded = rate >= 100 ? Math.round(rate) : Number(rate.toPrecision(2));
    this.#bar?.update(Math.min(done, this.total), { rate: rounded });
  }

  /** Prints a line of results, which stays; the bar goes on below it. */
  say(line: string): void {
    this.#clear();
    console.log(line);
  }

  /** Nothing of it stays. */
  stop(): void {
    this.#bar?.stop();
    this.#clear();
  }

  #clear(): void {
    if (this.#bar === undefined) return;
    cursorTo(this.screen, 0);
    clearLine(this.screen, 1);
  }
}
