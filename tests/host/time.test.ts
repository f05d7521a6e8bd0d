/** The time of day in the library: `setTimeServers`, `time` and the "time" event, in virtual time. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Stack, Switch, VirtualTime, type SocketAddress } from "../../host/index.js";
import { ntpAnswer } from "../harness/ntp.js";

/** When the clock of a world began, µs since 1970. */
const BEGAN_US = 1_795_737_600_000_000;

describe("a stack that asks for the time", () => {
  it("knows it from the first answer on, also between polls", async () => {
    const clock = new VirtualTime(), lan = new Switch({ clock }), utc = (): number => BEGAN_US + clock.nowUs();
    const entropy = (n: number): Uint8Array => Uint8Array.from({ length: 32 }, (_, i) => (i * i * 31 + n) & 255);
    const port = { delayUs: 20_000 };
    const server = await Stack.open({ link: lan.port(port), ip: "10.0.0.1/24", clock, entropy: entropy(1) });
    const client = await Stack.open({ link: lan.port(port), ip: "10.0.0.2/24", clock, entropy: entropy(2) });
    const socket = server.udp({ port: 123 });
    socket.on("message", (data: Uint8Array, { address, port: from }: SocketAddress) => {
      const answer = ntpAnswer({ originate: [...data.subarray(40, 48)], received: utc(), sent: utc() });
      socket.send(answer, from, address);
    });
    const told: Date[] = [];
    client.on("time", (time: Date) => told.push(time));
    assert.equal(client.time, undefined);
    client.setTimeServers(["10.0.0.1"]);
    assert.ok(await clock.run(() => told.length === 1, 10e6), "an answer comes within 10 s");
    const wrongMs = (time: Date): number => Math.abs(time.getTime() - utc() / 1000);
    assert.ok(wrongMs(told[0]!) <= 20, told[0]!.toISOString());
    await clock.run(() => false, clock.nowUs() + 30e6);
    assert.ok(wrongMs(client.time!) <= 20, client.time!.toISOString());
    assert.throws(() => client.setTimeServers(["time.test"]), RangeError);
    for (const servers of [["0.0.0.0"], ["10.0.0.1", "0.0.0.0"]]) {
      const refused = { code: "ARGUMENT", message: /0\.0\.0\.0 is no time server/ };
      assert.throws(() => client.setTimeServers(servers), refused);
    }
    await Promise.all([client.close(0), server.close(0)]);
    lan.close();
  });
});
