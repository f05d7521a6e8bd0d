/** Links for pages and workers: each message is one Ethernet frame. */
import { LinkError, type Link } from "../links/link.js";

/** What sends and receives messages: a MessagePort, a BroadcastChannel, a Worker. */
export interface Channel {
  /** Sends a frame to the other end, or to all other tabs. */
  postMessage(message: unknown): void;
  /** Hears of messages, and of the other end's close. */
  addEventListener(type: string, listener: (event: Event) => void): void;
  /** Hears of them no more. */
  removeEventListener(type: string, listener: (event: Event) => void): void;
  /** A MessagePort hands nothing over before it was called. */
  start?(): void;
  /** Ends the channel; called when the stack closes. */
  close?(): void;
  /** In Node: a process may end although the channel is open. */
  unref?(): void;
}

/** A frame out of a message; undefined: it is none. */
function frameOf(data: unknown): Uint8Array | undefined {
  if (data instanceof Uint8Array) return data;
  return data instanceof ArrayBuffer ? new Uint8Array(data) : undefined;
}

/**
 * Frames between tabs (BroadcastChannel), or between a page and its workers (MessagePort). What is no Uint8Array or
 * ArrayBuffer is dropped.
 */
export function channelLink(channel: Channel): Link {
  const heard = (event: Event): void => {
    const frame = frameOf((event as MessageEvent).data);
    if (frame) link.onFrame(frame);
  };
  // A MessagePort tells that its other end was closed; engines that do not know that say nothing.
  const gone = (): void => link.onClose();
  const link: Link = {
    send: (frame) => channel.postMessage(frame.slice()),
    onFrame() {},
    onClose() {},
    close() {
      channel.removeEventListener("message", heard);
      channel.removeEventListener("close", gone);
      channel.close?.();
    },
    ...(channel.unref ? { unref: () => channel.unref!() } : {}),
  };
  channel.addEventListener("message", heard);
  channel.addEventListener("close", gone);
  channel.start?.();
  return link;
}

/** Bytes that may wait in a WebSocket; frames beyond are dropped, as on a cable that is full. */
const WAITING_MAX = 1 << 20;

/**
 * Frames in the binary messages of a WebSocket, one each, as v86's relays have them. Resolves when it is open; rejects
 * with a LinkError.
 */
export function webSocketLink(url: string | URL): Promise<Link> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url);
    socket.binaryType = "arraybuffer";
    const link: Link = {
      send(frame) {
        if (socket.readyState === WebSocket.OPEN && socket.bufferedAmount < WAITING_MAX) socket.send(frame.slice());
      },
      onFrame() {},
      onClose() {},
      close: () => socket.close(),
    };
    socket.onmessage = ({ data }) => {
      const frame = frameOf(data);
      if (frame) link.onFrame(frame);
    };
    socket.onopen = () => {
      socket.onclose = ({ code }) => link.onClose(code === 1000 ? undefined : new LinkError(`${url} closed: ${code}`));
      resolve(link);
    };
    // What went wrong is told by the end that follows.
    socket.onerror = () => {};
    socket.onclose = ({ code }) => reject(new LinkError(`cannot open ${url}: ${code}`));
  });
}
