/** A link with somebody who looks on. */
import type { Link } from "./link.js";

/**
 * The same link; `see` is shown each frame as it passes, either way. It is the caller's for the call alone. `closed` is
 * called when the link is closed.
 */
export function tapped(link: Link, see: (frame: Uint8Array) => void, closed: () => void = () => {}): Link {
  const tap: Link = {
    send(frame) {
      see(frame);
      link.send(frame);
    },
    onFrame: () => {},
    onClose: () => {},
    get onChange() {
      return link.onChange!;
    },
    set onChange(heard) {
      link.onChange = heard;
    },
    close() {
      link.close();
      closed();
    },
    unref: () => link.unref?.(),
  };
  link.onFrame = (frame) => {
    see(frame);
    tap.onFrame(frame);
  };
  link.onClose = (error) => tap.onClose(error);
  return tap;
}
