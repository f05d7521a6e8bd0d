/** Time limits of any length, and signals: what a caller may say of when to give up. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Link } from "../../host/links/link.js";
import { Stack } from "../../host/net.js";
import { Timer, TIMER_MAX } from "../../host/timer.js";

/** A link with nobody on it. */
class Silent implements Link {
  onFrame: (frame: Uint8Array) => void = () => {};
  onClose: (error?: Error) => void = () => {};
  send(): void {}
  close(): void {}
}

/** How a promise ended within `ms`: "resolved", what it was rejected with, or "pending". */
const settled = (promise: Promise<unknown>, ms: number): Promise<unknown> =>
  Promise.race([
    promise.then(() => "resolved", (e: unknown) => e),
    new Promise((resolve) => setTimeout(() => resolve("pending"), ms)),
  ]);

const open = async (): Promise<Stack> => {
  const stack = await Stack.open({ link: new Silent(), ip: "10.0.0.1/24", connsMax: 4 });
  stack.setServers(["10.0.0.2"]);
  return stack;
};

/** No neighbour, and no server, answers. */
const HOSTS = ["10.0.0.9", "a.test"];

describe("a time limit beyond 2^31 − 1 ms, the most that a timer of Node counts", () => {
  for (const timeoutMs of [Infinity, 2 ** 31, 1e15]) {
    it(`of ${timeoutMs} ms is as long as it says: Stack.open, connect by address and by name, setTimeout`, async () => {
      const link = new Silent(), opened = Stack.open({ link, connsMax: 4, dhcp: { timeoutMs } }), stack = await open();
      const pending = HOSTS.map((host) => stack.connect({ host, port: 80, timeoutMs }));
      const connection = stack.createConnection({ host: "10.0.0.9", port: 80 });
      let told = 0;
      connection.on("error", () => {}).setTimeout(timeoutMs, () => told++);
      const how = await Promise.all([opened, ...pending].map((p: Promise<unknown>) => settled(p, 100)));
      assert.deepEqual(how, ["pending", "pending", "pending"]);
      assert.deepEqual([told, connection.timeout], [0, timeoutMs]);
      link.onClose();
      await assert.rejects(opened);
      await stack.close(0);
      for (const p of pending) await assert.rejects(p, { code: "ABORTED" });
    });
  }

  it("ends when it is over, begins anew when it is told, and lets the process end if it may", (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    let told = 0;
    const timer = new Timer(2 * TIMER_MAX + 5, () => told++);
    t.mock.timers.tick(TIMER_MAX);
    t.mock.timers.tick(TIMER_MAX);
    t.mock.timers.tick(4);
    timer.refresh();
    t.mock.timers.tick(TIMER_MAX);
    t.mock.timers.tick(TIMER_MAX);
    t.mock.timers.tick(4);
    assert.equal(told, 0);
    t.mock.timers.tick(1);
    assert.equal(told, 1);
    const cleared = new Timer(10, () => told++);
    cleared.clear();
    t.mock.timers.tick(20);
    assert.equal(told, 1);
  });
});

describe("a signal", () => {
  for (const reason of [undefined, "enough", new Error("mine")]) {
    for (const before of [true, false]) {
      const when = `${String(reason)}, aborted ${before ? "before" : "after"} the call`;
      it(`ends connect, by name and by address, and accept with one AbortError: reason ${when}`, async () => {
        for (const host of [...HOSTS, "accept"]) {
          const stack = await open(), controller = new AbortController(), { signal } = controller;
          if (before) controller.abort(reason);
          const accepts = host === "accept";
          const to = { host, port: 80, signal };
          const call = accepts ? stack.listen({ port: 7 }).accept({ signal }) : stack.connect(to);
          const ends = settled(call, 1000);
          if (!before) setImmediate(() => controller.abort(reason));
          const e = await ends as Error & { code: string };
          await stack.close(0);
          assert.ok(e instanceof Error, `${host}: ${String(e)}`);
          assert.deepEqual([e.name, e.code, e.cause], ["AbortError", "ABORT_ERR", signal.reason], host);
        }
      });
    }
  }
});
