/** Frames that the page did not make: those of a file, or those of a live stack, as they come. */
import { Analysis, type Connection, type Frame } from "../lab/analyze.js";
import type { Sample } from "./plots.js";

/** Frames of a live stack that are kept; when there are more, the older half goes. */
const LIVE_MAX = 50_000;
/** In the place of a connection's number: whichever began last. */
export const NEWEST = -1;

/** What is shown in the place of the lab. */
export class Capture {
  frames: Frame[] = [];
  connections: Connection[] = [];
  /** The number of the connection that is shown, or NEWEST. */
  chosen: number;
  #analysis = new Analysis();
  /** What a live stack says of its connections, by `keyOf` its two ends. */
  readonly samples = new Map<string, Sample[]>();

  readonly isLive: boolean;

  constructor(readonly name: string, { isLive = false } = {}) {
    this.isLive = isLive;
    this.chosen = isLive ? NEWEST : 0;
  }

  /** More frames, in the order of the wire. */
  take(frames: readonly Frame[]): void {
    for (const frame of frames) this.frames.push(frame);
    if (this.isLive && this.frames.length > LIVE_MAX) {
      this.frames = this.frames.slice(-LIVE_MAX / 2);
      this.#analysis = new Analysis();
      for (const frame of this.frames) this.#analysis.take(frame);
      this.chosen = NEWEST;
    } else for (const frame of frames) this.#analysis.take(frame);
    this.connections = this.#analysis.connections();
  }

  /** The connection that is shown; none, where none has been seen. */
  get connection(): Connection | undefined {
    return this.connections.at(this.chosen);
  }

  /** What its own stack said of the connection that is shown. */
  get told(): readonly Sample[] {
    return (this.connection && this.samples.get(keyOf(...this.connection.names))) ?? [];
  }
}

/** One name for a connection, whichever end opened it. */
export function keyOf(one: string, other: string): string {
  return one < other ? `${one} ${other}` : `${other} ${one}`;
}
