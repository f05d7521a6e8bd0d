/**
 * What the lab's page hears of a live stack, over a WebSocket: binary messages with frames, and text with the rest,
 * as JSON.
 */
import type { Frame } from "./analyze.js";

/** What a stack says of one of its connections. Windows in bytes. */
export interface Told {
  /** Its own end and the peer's, as the analysis names them: "10.0.0.1:49160". */
  names: [string, string];
  cwnd: number;
  ssthresh: number;
  srttMs: number;
  rtoMs: number;
}

/** A message of text. */
export interface News {
  /** What the frames pass: "tap:tap0". */
  link?: string;
  /** The connections at a time, µs since 1970. */
  timeUs?: number;
  told?: Told[];
  /** Frames that were left out since the last news: the page was too slow. */
  missed?: number;
}

/** Where in a frame's head its time is, µs since 1970, and its size; and how long the head is. */
const TIME = 0, SIZE = 8, HEAD = 12;

/** A message with frames. */
export function packFrames(frames: readonly Pick<Frame, "timeUs" | "bytes">[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(frames.reduce((sum, { bytes }) => sum + HEAD + bytes.length, 0));
  const view = new DataView(out.buffer);
  let at = 0;
  for (const { timeUs, bytes } of frames) {
    view.setFloat64(at + TIME, timeUs, true);
    view.setUint32(at + SIZE, bytes.length, true);
    out.set(bytes, at + HEAD);
    at += HEAD + bytes.length;
  }
  return out;
}

/** The frames of a message. Throws a RangeError where it is cut short. */
export function unpackFrames(message: ArrayBuffer): Frame[] {
  const view = new DataView(message), frames: Frame[] = [];
  for (let at = 0; at < message.byteLength;) {
    const timeUs = view.getFloat64(at + TIME, true), size = view.getUint32(at + SIZE, true);
    frames.push({ timeUs, bytes: new Uint8Array(message, at + HEAD, size) });
    at += HEAD + size;
  }
  return frames;
}
