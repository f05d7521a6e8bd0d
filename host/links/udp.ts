/** Frames over UDP: one datagram is one frame (QEMU `-netdev dgram`, socat). */
import { createSocket } from "node:dgram";
import { LinkError, type Link } from "./link.js";

const BUFFER = 4 << 20;

/** A link over UDP. */
export interface UdpLink extends Link {
  /** The port that it has, also if the kernel drew it. */
  readonly localPort: number;
}

/**
 * Binds 127.0.0.1:`localPort` (0: one that the kernel draws) and talks to `host`:`port`. The kernel lets in what comes
 * from there alone.
 */
export function openUdp(localPort: number, host: string, port: number): Promise<UdpLink> {
  return new Promise((resolve, reject) => {
    const socket = createSocket("udp4");
    let closed = false;
    const link = {
      localPort,
      send(frame: Uint8Array) {
        if (!closed) socket.send(frame.slice(), () => {});
      },
      onFrame: (_: Uint8Array) => {},
      onClose: (_?: Error) => {},
      close() {
        if (closed) return;
        closed = true;
        socket.close();
      },
      unref() {
        socket.unref();
      },
    };
    socket.once("error", (e: NodeJS.ErrnoException) => {
      socket.close();
      reject(
        new LinkError(`cannot use UDP port ${localPort}: ${e.code === "EADDRINUSE" ? "it is in use" : e.message}`),
      );
    });
    socket.on("message", (frame) => link.onFrame(frame));
    socket.once("connect", () => {
      socket.removeAllListeners("error");
      // A datagram to a port that is not open yet is told with an error; the frame is lost, as it would be on a wire.
      socket.on("error", () => {});
      for (const set of [() => socket.setRecvBufferSize(BUFFER), () => socket.setSendBufferSize(BUFFER)]) {
        try {
          set();
        } catch { /* the system's limit stays */ }
      }
      link.localPort = socket.address().port;
      resolve(link);
    });
    socket.bind(localPort, "127.0.0.1", () => socket.connect(port, host));
  });
}
