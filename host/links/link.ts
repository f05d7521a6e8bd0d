import type { FrameBatches } from "./frames.js";

/** A link moves Ethernet frames and nothing else. */
export interface Link {
  /** Sends a frame; the bytes are copied before the call returns. */
  send(frame: Uint8Array): void;
  /** Called for each frame that arrives; the bytes are the callee's until it returns. */
  onFrame: (frame: Uint8Array) => void;
  /**
   * Called when the link has lost its device, with why, and when it has one again. Until then frames are dropped, as on
   * a cable that was pulled. A link that cannot come back does without it.
   */
  onChange?: (up: boolean, why?: Error) => void;
  /** Called once when the link is gone for good: with an error, or without one when the other side closed. */
  onClose: (error?: Error) => void;
  /** Ends it, once. Nothing is sent or received afterwards. */
  close(): void;
  /**
   * A link that reads and writes frames in the module's slots has this. Whoever sets its `onReady` calls it in the
   * place of `send`, and `onFrame` is not called.
   * @internal
   */
  batches?: FrameBatches | undefined;
  /** From now on it does not keep the process alive. A link that never does does without it. */
  unref?(): void;
}

/** A link that could not be opened: one clear line that says what to do. */
export class LinkError extends Error {
  /** "LinkError". */
  override name = "LinkError";
}

/** The other side speaks something else than frames; opening the link again would not help. */
export class FormatError extends LinkError {}
