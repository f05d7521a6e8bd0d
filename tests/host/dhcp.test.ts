/** `Stack.open` without an address: the network gives one, or there is one clear error. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, it } from "node:test";
import { type StintError } from "../../host/errors.js";
import type { Link } from "../../host/links/link.js";
import { Stack, Switch, VirtualTime } from "../../host/index.js";
import { ip4 } from "../harness/codec.js";
import { dhcpAnswer, TYPE } from "../harness/dhcp.js";

const SERVER = ip4("10.0.0.2");

/** A link with a DHCP server on it that gives what `give` says: 0 is a refusal; undefined: silence. */
class Network implements Link {
  onFrame: (frame: Uint8Array) => void = () => {};
  onClose: (error?: Error) => void = () => {};
  onChange: (up: boolean, why?: Error) => void = () => {};
  closed = false;
  asked: (number | undefined)[] = [];

  constructor(public give: (requested: number | undefined) => number | undefined) {}

  send(frame: Uint8Array): void {
    const reply = dhcpAnswer(frame, SERVER, (type, wanted) => {
      if (type === TYPE.REQUEST) this.asked.push(wanted);
      return this.give(wanted);
    });
    if (reply !== undefined) setImmediate(() => this.onFrame(reply));
  }

  close(): void {
    this.closed = true;
  }
}

describe("Stack.open without an address", () => {
  it("resolves with the one that the network gives, and tells of another one", async () => {
    const network = new Network(() => ip4("10.0.0.70"));
    const stack = await Stack.open({ link: network, connsMax: 4, dhcp: { name: "lamp" } });
    try {
      assert.equal(stack.address, "10.0.0.70");
      assert.deepEqual([stack.lease().dns, stack.lease().state, stack.lease().prefix], [[SERVER], "BOUND", 24]);
      const failed = once(stack.createConnection({ host: "10.0.0.9", port: 80 }), "error") as Promise<[StintError]>;
      network.give = (wanted) => (wanted === ip4("10.0.0.70") ? 0 : ip4("10.0.0.71"));
      const gone = once(stack, "address") as Promise<[string]>;
      network.onChange(true);
      assert.deepEqual(await gone, ["0.0.0.0"]);
      assert.equal((await failed)[0].code, "NO_ADDRESS");
      network.give = () => ip4("10.0.0.71");
      assert.deepEqual(await once(stack, "address"), ["10.0.0.71"]);
      assert.equal(stack.address, "10.0.0.71");
    } finally {
      await stack.close(0);
    }
  });

  it("asks first for the one that it had", async () => {
    const network = new Network((wanted) => wanted);
    const stack = await Stack.open({ link: network, connsMax: 4, dhcp: { address: "10.0.0.33" } });
    assert.deepEqual([stack.address, network.asked], ["10.0.0.33", [ip4("10.0.0.33")]]);
    await stack.close(0);
  });

  it("rejects after the time limit, and the link is closed", async () => {
    const network = new Network(() => undefined);
    await assert.rejects(Stack.open({ link: network, connsMax: 4, dhcp: { timeoutMs: 50 } }), {
      code: "TIMED_OUT", message: /no DHCP server gave an address within 0\.05 s/,
    });
    assert.ok(network.closed);
  });

  it("with linkLocal gives itself one where no server answers, and reaches who else has one", async () => {
    const clock = new VirtualTime(), lan = new Switch({ clock }), stacks: Stack[] = [];
    const opened = [1, 2].map(async (n) => {
      const options = { mac: `02:00:00:00:00:0${n}`, connsMax: 4, dhcp: { linkLocal: true, timeoutMs: Infinity } };
      stacks.push(await Stack.open({ link: lan.port(), clock, ...options }));
    });
    assert.ok(await clock.run(() => stacks.length === 2, 60e6), "within a minute");
    await Promise.all(opened);
    const [a, b] = stacks as [Stack, Stack];
    assert.match(a.address, /^169\.254\.\d+\.\d+$/);
    assert.notEqual(a.address, b.address);
    assert.deepEqual(a.addresses().map((x) => [x.address, x.prefix, x.origin]), [[a.address, 16, "link-local"]]);
    const server = a.listen({ port: 7 });
    let accepted = false;
    server.on("connection", () => (accepted = true));
    const connection = b.createConnection({ host: a.address, port: 7 });
    assert.ok(await clock.run(() => accepted, clock.nowUs() + 10e6));
    connection.destroy();
    await Promise.all([a.close(0), b.close(0)]);
    lan.close();
  });

  it("rejects when the link closes, and for a name that is too long", async () => {
    const network = new Network(() => undefined), opened = Stack.open({ link: network, connsMax: 4 });
    setImmediate(() => network.onClose(new Error("unplugged")));
    await assert.rejects(opened, /unplugged/);
    await assert.rejects(
      Stack.open({ link: new Network(() => undefined), connsMax: 4, dhcp: { name: "x".repeat(64) } }),
      { code: "ARGUMENT" },
    );
  });

  it("with a fixed address asks nobody", async () => {
    const network = new Network(() => 0), stack = await Stack.open({ link: network, ip: "10.0.0.5/24", connsMax: 4 });
    assert.equal(stack.address, "10.0.0.5");
    assert.deepEqual(network.asked, []);
    await stack.close(0);
  });
});
