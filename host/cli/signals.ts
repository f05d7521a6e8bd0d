/** Requests to end: Ctrl-C, `kill`, and a terminal that closes. */

/**
 * Calls `stop` at each of them, so that peers are told of the end. A terminal that closes may say so twice, by the
 * system and by the shell: that is one request.
 */
export function whenAsked(stop: () => void): void {
  process.on("SIGINT", stop).on("SIGTERM", stop);
  let closed = false;
  process.on("SIGHUP", () => {
    if (!closed) stop();
    closed = true;
  });
}
