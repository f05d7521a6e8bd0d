/** The own name in .local: `Stack.open({ localName })`, look-ups by other stacks, and `stint up --name`. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { Link } from "../../host/links/link.js";
import { streamLink } from "../../host/links/stream.js";
import { Stack, type OpenOptions } from "../../host/net.js";
import { ip4, see } from "../harness/codec.js";
import { dhcpAnswer } from "../harness/dhcp.js";
import { started } from "../harness/programs.js";

/** A wire on which everybody hears everybody else. */
class Wire {
  readonly ends: End[] = [];
  readonly frames: Uint8Array[] = [];

  end(): End {
    const end = new End(this);
    this.ends.push(end);
    return end;
  }
}

class End implements Link {
  onFrame: (frame: Uint8Array) => void = () => {};
  onClose: (error?: Error) => void = () => {};
  closed = false;

  constructor(readonly wire: Wire) {}

  send(frame: Uint8Array): void {
    const copy = frame.slice();
    this.wire.frames.push(copy);
    for (const other of this.wire.ends) if (other !== this) setImmediate(() => other.closed || other.onFrame(copy));
  }

  close(): void {
    this.closed = true;
  }
}

const open = (wire: Wire, n: number, more: Partial<OpenOptions> = {}): Promise<Stack> =>
  Stack.open({ link: wire.end(), ip: `10.0.0.${n}/24`, connsMax: 4, ...more });

/** Messages of mDNS on the wire whose records have no time to live: somebody took a name back. */
const goodbyes = (wire: Wire): number =>
  wire.frames.map((f) => see(f)).filter((s) => s.kind === "udp" && s.sport === 5353 && s.data[2] === 0x84
    && Buffer.from(s.data).includes(Buffer.from([0, 1, 0x80, 1, 0, 0, 0, 0, 0, 4]))).length;

describe("Stack.open({ localName })", () => {
  it("tells when the name is settled; others find the stack by it, and hear when it goes", async () => {
    const wire = new Wire(), lamp = await open(wire, 1, { localName: "Lamp" }), named = once(lamp, "name");
    assert.equal(lamp.localName, undefined);
    const other = await open(wire, 2);
    try {
      assert.deepEqual(await named, ["lamp.local"]);
      assert.deepEqual([lamp.localName, other.localName], ["lamp.local", undefined]);
      assert.deepEqual(await other.lookup("LAMP.local."), ["10.0.0.1"]);
      const server = lamp.listen({ port: 7 }), connection = await other.connect({ host: "lamp.local", port: 7 });
      assert.equal((await server.accept())?.remoteAddress, "10.0.0.2");
      connection.destroy();
      assert.equal(goodbyes(wire), 0);
    } finally {
      await lamp.close(0);
      await other.close(0);
    }
    assert.equal(goodbyes(wire), 1);
  });

  it("who comes second gets another name", async () => {
    const wire = new Wire(), first = await open(wire, 1, { localName: "lamp" });
    await once(first, "name");
    const second = await open(wire, 2, { localName: "lamp" });
    try {
      assert.deepEqual(await once(second, "name"), ["lamp-2.local"]);
      assert.equal(first.localName, "lamp.local");
      assert.deepEqual(await first.lookup("lamp-2.local"), ["10.0.0.2"]);
    } finally {
      await first.close(0);
      await second.close(0);
    }
  });

  it("a DHCP server hears the name, unless it is told another one", async () => {
    for (const [dhcp, told] of [[{}, "lamp"], [{ name: "sensor" }, "sensor"]] as const) {
      const link = new End(new Wire()), names: boolean[] = [];
      const send = (frame: Uint8Array): void => {
        const reply = dhcpAnswer(frame, ip4("10.0.0.2"), () => ip4("10.0.0.70"));
        if (reply === undefined) return;
        names.push(Buffer.from(frame).includes(Buffer.from([12, told.length, ...Buffer.from(told)])));
        setImmediate(() => link.onFrame(reply));
      };
      const stack = await Stack.open({ link: Object.assign(link, { send }), connsMax: 4, localName: "lamp", dhcp });
      await stack.close(0);
      assert.ok(names.length >= 2 && names.every((x) => x));
    }
  });

  it("what can be no host's name is ARGUMENT, and the link is closed", async () => {
    for (const localName of ["", "lamp.local", "a_b", "-a", "a".repeat(64)]) {
      const link = new Wire().end();
      await assert.rejects(Stack.open({ link, ip: "10.0.0.1/24", localName }), { code: "ARGUMENT" });
      assert.ok(link.closed);
    }
  });
});

describe("stint up --name", () => {
  it("with --ip: says the name when it is settled; others find it, and hear when it goes", async () => {
    const dir = mkdtempSync(join(tmpdir(), "stint-name-")), path = join(dir, "socket"), server = createServer();
    server.listen(path);
    const up = started(process.execPath, [
      "build/stint.js", "up", "--link", `stream:${path}`, "--ip", "10.0.0.2/24", "--echo", "7", "--name", "lamp",
    ]);
    let err = "";
    try {
      const gone = once(up, "exit").then(([status]) => assert.fail(`it ended with status ${status}: ${err}`));
      gone.catch(() => {});
      up.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()));
      const [socket] = (await Promise.race([once(server, "connection"), gone])) as [Socket];
      const stack = await Stack.open({
        link: streamLink(socket, socket, () => socket.destroy()), ip: "10.0.0.1/24", connsMax: 4,
      });
      await new Promise<void>((resolve) => {
        up.once("exit", resolve);
        const look = (): void => {
          if (/^name lamp\.local$/m.test(err)) resolve();
        };
        up.stderr.on("data", look);
        look();
      });
      assert.match(err, /^name lamp\.local$/m);
      assert.deepEqual(await stack.lookup("lamp.local", { family: 4 }), ["10.0.0.2"]);
      up.kill("SIGTERM");
      await once(up, "exit");
      await stack.close(0);
    } finally {
      up.kill("SIGKILL");
      server.close();
      rmSync(dir, { recursive: true });
    }
  });
});
