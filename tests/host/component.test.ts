/** The component, in Node: two instances with frames carried between them, errors, and resources. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it, type TestContext } from "node:test";
import { pathToFileURL } from "node:url";
import { Random } from "../../host/random.js";
import { component } from "../../tools/component.js";
import { entropyOf } from "../harness/entropy.js";
import { lacks } from "../interop/lab.js";

interface Address { address: number; port: number }
interface Stream {
  state(): string;
  remote(): Address;
  send(data: Uint8Array): number;
  receive(max: number): Uint8Array;
  shutdown(): void;
  abort(): void;
  setNoDelay(on: boolean): void;
  setKeepAlive(on: boolean): void;
  [Symbol.dispose](): void;
}
interface Net {
  stack: {
    start(c: object, entropy: bigint[]): void;
    poll(now: bigint): number | undefined;
    frameIn(frame: Uint8Array): boolean;
    frameOut(): Uint8Array | undefined;
  };
  tcp: {
    TcpListener: { listen(port: number, backlog: number): { accept(): Stream; [Symbol.dispose](): void } };
    TcpStream: { connect(remote: Address): Stream };
  };
  udp: {
    UdpSocket: {
      bind(port: number): {
        send(remote: Address, data: Uint8Array): void;
        receive(): { remote: Address; data: Uint8Array };
        [Symbol.dispose](): void;
      };
    };
  };
}

const dir = mkdtempSync(join(tmpdir(), "stint-component-"));
after(() => rmSync(dir, { recursive: true }));
let made: Promise<() => Promise<Net>> | undefined;

/** Instances of the component. */
async function instances(): Promise<() => Promise<Net>> {
  return (made ??= (async () => {
    await component(dir);
    const { instantiate } = (await import(pathToFileURL(join(dir, "stint.js")).href)) as {
      instantiate(core: (path: string) => Promise<WebAssembly.Module>, imports: object): Promise<Net>;
    };
    return () => instantiate((path) => WebAssembly.compile(readFileSync(join(dir, path))), {});
  })());
}

const configuration = (host: number): object => ({
  address: 0x0a000000 + host, prefix: 24, gateway: 0, mac: 0x020000000000n + BigInt(host), mtu: 1500, connections: 8,
  ring: 16384,
});
const entropy = (host: number): bigint[] => [...new BigUint64Array(entropyOf(host).buffer)];
const code = (name: string) => (e: unknown): true => {
  assert.equal((e as { payload?: string }).payload ?? e, name);
  return true;
};

async function pair(t: TestContext): Promise<{ a: Net; b: Net; turn: () => void } | undefined> {
  if (lacks(t, "clang", "wasm-ld")) return undefined;
  const make = await instances(), [a, b] = [await make(), await make()];
  a.stack.start(configuration(1), entropy(1));
  b.stack.start(configuration(2), entropy(2));
  let now = 1_000_000n;
  const cross = (from: Net, to: Net): number => {
    let n = 0;
    for (let frame = from.stack.frameOut(); frame !== undefined; frame = from.stack.frameOut(), n++)
      assert.ok(to.stack.frameIn(frame));
    return n;
  };
  const turn = (): void => {
    for (let moved = 1; moved > 0; now += 10n) {
      a.stack.poll(now);
      moved = cross(a, b);
      b.stack.poll(now);
      moved += cross(b, a);
    }
    now += 1000n;
  };
  return { a, b, turn };
}

describe("the component", () => {
  it("carries a connection between two instances, there and back, to its end", async (t) => {
    const p = await pair(t);
    if (!p) return;
    const listener = p.b.tcp.TcpListener.listen(7, 4);
    const client = p.a.tcp.TcpStream.connect({ address: 0x0a000002, port: 7 });
    assert.equal(client.state(), "syn-sent");
    assert.throws(() => listener.accept(), code("again"));
    p.turn();
    assert.equal(client.state(), "established");
    assert.deepEqual(client.remote(), { address: 0x0a000002, port: 7 });
    const server = listener.accept();
    const data = new Random(1).bytes(300_000);
    const there: Uint8Array[] = [], back: Uint8Array[] = [];
    assert.equal(server.remote().address, 0x0a000001);
    client.setNoDelay(true);
    server.setKeepAlive(true);
    let sent = 0;
    const take = (s: Stream): Uint8Array | null => {
      try {
        return s.receive(1 << 20);
      } catch (e) {
        code("again")(e);
        return null;
      }
    };
    for (let rounds = 0; Buffer.concat(back).length < data.length; rounds++) {
      assert.ok(rounds < 10_000, "it stands still");
      if (sent < data.length) {
        try {
          sent += client.send(data.subarray(sent, sent + 10_000));
        } catch (e) {
          code("again")(e);
        }
      }
      p.turn();
      for (let got = take(server); got !== null; got = take(server)) {
        there.push(got.slice());
        assert.equal(server.send(got), got.length);
        p.turn();
        for (let echo = take(client); echo !== null; echo = take(client)) back.push(echo.slice());
      }
    }
    assert.ok(Buffer.concat(there).equals(data));
    assert.ok(Buffer.concat(back).equals(data));
    client.shutdown();
    p.turn();
    assert.equal(server.receive(10).length, 0, "the peer has closed");
    assert.equal(server.state(), "close-wait");
    // Dropped: closed.
    server[Symbol.dispose]();
    p.turn();
    assert.equal(client.state(), "time-wait");
    client[Symbol.dispose]();
    assert.throws(() => client.state(), "a dropped resource is gone");
    listener[Symbol.dispose]();
    const refused = p.a.tcp.TcpStream.connect({ address: 0x0a000002, port: 7 });
    p.turn();
    assert.throws(() => refused.receive(1), code("refused"));
  });

  for (const how of ["dropped", "shut down, and dropped when all was acknowledged"] as const) {
    it(`sends what was written to the end when the stream is ${how}, however slowly the peer reads`, async (t) => {
      const p = await pair(t);
      if (!p) return;
      const listener = p.b.tcp.TcpListener.listen(7, 4);
      const client = p.a.tcp.TcpStream.connect({ address: 0x0a000002, port: 7 });
      p.turn();
      const server = listener.accept(), data = new Random(3).bytes(200_000);
      // Both rings are full: what was sent and is not read, and what is not sent yet.
      let sent = 0;
      for (let n = 0; n < 10; n++, p.turn())
        try {
          sent += server.send(data.subarray(sent, sent + 10_000));
        } catch (e) {
          code("again")(e);
        }
      assert.ok(sent > 30_000, `${sent} bytes are under way`);
      if (how === "dropped") server[Symbol.dispose]();
      else server.shutdown();
      const got: Buffer[] = [];
      for (let turns = 0, isOver = false; !isOver; turns++) {
        assert.ok(turns < 20_000, `after ${Buffer.concat(got).length} of ${sent} bytes it stands still`);
        // A hundred bytes each 10 ms, or a pause of a second.
        for (let ms = turns % 50 === 0 ? 1000 : 10; ms > 0; ms--) p.turn();
        const isAcknowledged = how !== "dropped" && server.state() !== "fin-wait1";
        try {
          const piece = client.receive(turns % 7 === 0 ? 1460 : 100);
          isOver = piece.length === 0;
          got.push(Buffer.from(piece));
        } catch (e) {
          code("again")(e);
        }
        if (isAcknowledged) assert.ok(sent - Buffer.concat(got).length <= 16384, "the peer has all of the rest");
      }
      assert.ok(Buffer.concat(got).equals(Buffer.from(data.subarray(0, sent))), "every byte, in order");
      if (how !== "dropped") {
        assert.equal(server.state(), "fin-wait2");
        server[Symbol.dispose]();
      }
      client[Symbol.dispose]();
    });
  }

  it("carries datagrams, and says what does not fit", async (t) => {
    const p = await pair(t);
    if (!p) return;
    const server = p.b.udp.UdpSocket.bind(53), client = p.a.udp.UdpSocket.bind(0), data = new Random(2).bytes(1400);
    client.send({ address: 0x0a000002, port: 53 }, data);
    p.turn();
    const got = server.receive();
    assert.equal(got.remote.address, 0x0a000001);
    assert.ok(Buffer.from(got.data).equals(data));
    server.send(got.remote, Uint8Array.of(1, 2, 3));
    p.turn();
    assert.deepEqual([...client.receive().data], [1, 2, 3]);
    assert.throws(() => client.receive(), code("again"));
    assert.throws(() => client.send({ address: 0x0a000002, port: 53 }, new Uint8Array(1473)), code("size"));
    assert.throws(() => p.b.udp.UdpSocket.bind(53), code("in-use"));
  });

  it("refuses what it must: calls before the start, no entropy, no room, a list that is too long", async (t) => {
    if (lacks(t, "clang", "wasm-ld")) return;
    const make = await instances(), net = await make();
    assert.equal(net.stack.poll(1n), undefined);
    assert.equal(net.stack.frameIn(new Uint8Array(60)), false);
    assert.equal(net.stack.frameOut(), undefined);
    assert.throws(() => net.tcp.TcpListener.listen(7, 1), code("not-init"));
    assert.throws(() => net.stack.start(configuration(1), [0n, 0n, 0n, 0n]), code("entropy"));
    assert.throws(() => net.stack.start({ ...configuration(1), prefix: 33 }, entropy(1)), code("config"));
    assert.throws(() => net.stack.start({ ...configuration(1), connections: 100_000 }, entropy(1)), code("no-memory"));
    net.stack.start(configuration(1), entropy(1));
    // Frames that are none; as many as there is room for.
    let taken = 0;
    while (net.stack.frameIn(new Uint8Array(taken * 100))) taken++;
    assert.equal(taken, 64);
    net.stack.poll(1n);
    assert.ok(net.stack.frameIn(new Uint8Array(60)));
    const fresh = await make();
    fresh.stack.start(configuration(1), entropy(1));
    assert.throws(() => fresh.stack.frameIn(new Uint8Array(70_000)), WebAssembly.RuntimeError);
  });
});
