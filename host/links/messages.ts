/**
 * Frames in the binary messages of a WebSocket, as two kinds of clients send them: one frame in each (`stint/browser`,
 * v86), or QEMU's stream of frames with their lengths, cut into messages anywhere (container2wasm).
 */
import { FormatError, type Link } from "./link.js";
import { Deframer, enframe } from "./stream.js";

/** A link whose messages are handed to it. */
export interface MessageLink extends Link {
  /** A message that has come. */
  take(message: Buffer): void;
}

const HEADER = 14, FRAME_MAX = 65_536 + HEADER;

/** Whether the first message begins a stream: with the length of a frame, of which it has all or nothing. */
function beginsStream(message: Buffer): boolean {
  if (message.length < 4) return false;
  const size = message.readUInt32BE(0);
  return size >= HEADER && size <= FRAME_MAX && (message.length === 4 || message.length === 4 + size);
}

/**
 * A link over messages. What the client speaks is known from its first message; until then it hears nothing. It is
 * closed with an error when it speaks something else.
 */
export function messageLink(send: (message: Uint8Array) => void, close: () => void): MessageLink {
  const deframer = new Deframer();
  let kind: "frames" | "stream" | undefined;
  const link: MessageLink = {
    send(frame) {
      if (kind !== undefined) send(kind === "stream" ? enframe(frame) : frame.slice());
    },
    take(message) {
      // Of a Buffer, `slice` is no copy; who takes frames does not expect that.
      const plain = (b: Uint8Array): Uint8Array => new Uint8Array(b.buffer, b.byteOffset, b.length);
      kind ??= beginsStream(message) ? "stream" : "frames";
      if (kind === "frames") {
        if (message.length >= HEADER && message.length <= FRAME_MAX) link.onFrame(plain(message));
        return;
      }
      try {
        deframer.push(message, (frame) => link.onFrame(plain(frame)));
      } catch (e) {
        if (!(e instanceof FormatError)) throw e;
        link.onClose(e);
        close();
      }
    },
    onFrame() {},
    onClose() {},
    close,
  };
  return link;
}
