/** Names of both families, and which of their addresses is taken (RFC 8305). */
import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, describe, it, mock } from "node:test";
import { AbortError, StintError } from "../../host/errors.js";
import type { Stack } from "../../host/net.js";
import { firstOf, inTurn, type Attempt } from "../../host/net/eyeballs.js";
import { HostNames } from "../../host/net/names.js";
import dgram from "../../host/node/dgram.js";
import dns from "../../host/node/dns.js";
import net from "../../host/node/net.js";
import type { StackModule } from "../../host/stack.js";
import { pair } from "../harness/cable.js";
import { be, ip4 } from "../harness/codec.js";
import { ip6 } from "../harness/codec6.js";
import { A, AAAA, QNAME, readQuery, record, response, soa } from "../harness/dns.js";
import { until } from "../harness/programs.js";

/** Lets promises that are settled tell so. */
const turns = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) await Promise.resolve();
};

/** Attempts by address, which the test opens and fails. */
class Attempts {
  readonly begun: string[] = [];
  readonly cancelled: string[] = [];
  readonly #ends = new Map<string, { open: (to: string) => void; fail: (why: Error) => void }>();

  readonly begin = (address: string): Attempt<string> => {
    this.begun.push(address);
    const opened = new Promise<string>((open, fail) => this.#ends.set(address, { open, fail }));
    return { opened, cancel: () => void this.cancelled.push(address) };
  };

  async open(address: string): Promise<void> {
    this.#ends.get(address)!.open(address);
    await turns();
  }

  async fail(address: string): Promise<void> {
    this.#ends.get(address)!.fail(new Error(address));
    await turns();
  }
}

/** Runs `test` with timers of its own. */
function timed(test: () => Promise<void>): () => Promise<void> {
  return async () => {
    mock.timers.enable({ apis: ["setTimeout"] });
    try {
      await test();
    } finally {
      mock.timers.reset();
    }
  };
}

describe("happy eyeballs", () => {
  it("takes both families in turn, that of the first address first", () => {
    assert.deepEqual(inTurn(["6::1", "6::2", "6::3", "1.1.1.1"]), ["6::1", "1.1.1.1", "6::2", "6::3"]);
    assert.deepEqual(inTurn(["1.1.1.1", "6::1", "2.2.2.2"]), ["1.1.1.1", "6::1", "2.2.2.2"]);
    assert.deepEqual(inTurn([]), []);
  });

  it("begins the next attempt after 250 ms; the first that opens is taken, others are cancelled", timed(async () => {
    const attempts = new Attempts(), found = firstOf(["6::1", "1.1.1.1", "6::2"], attempts.begin);
    assert.deepEqual(attempts.begun, ["6::1"]);
    mock.timers.tick(249);
    assert.deepEqual(attempts.begun, ["6::1"]);
    mock.timers.tick(1);
    assert.deepEqual(attempts.begun, ["6::1", "1.1.1.1"]);
    await attempts.open("1.1.1.1");
    assert.equal(await found, "1.1.1.1");
    mock.timers.tick(10_000);
    assert.deepEqual([attempts.begun, attempts.cancelled], [["6::1", "1.1.1.1"], ["6::1"]]);
    await attempts.fail("6::1");
  }));

  it("begins the next attempt at once when one fails, and tells why the last one did", timed(async () => {
    const attempts = new Attempts(), found = firstOf(["6::1", "1.1.1.1", "6::2"], attempts.begin);
    const failed = assert.rejects(found, /6::1/);
    mock.timers.tick(250);
    await attempts.fail("1.1.1.1");
    assert.deepEqual(attempts.begun, ["6::1", "1.1.1.1", "6::2"]);
    await attempts.fail("6::2");
    await attempts.fail("6::1");
    await failed;
    assert.deepEqual(attempts.cancelled, []);
  }));
});

/** Both families of a name, after so many milliseconds: addresses, or an error's name. */
async function found(four: [ms: number, what: string], six: [ms: number, what: string]): Promise<[string, number]> {
  let now = 0;
  const at = <T>([ms, what]: [number, string], parsed: (text: string) => T) => (): T[] | undefined => {
    if (now < ms) return undefined;
    if (what.startsWith("N")) throw new StintError(what as "NO_IPV4");
    return [parsed(what)];
  };
  const names = new HostNames({ lookup: at(four, ip4), lookup6: at(six, ip6) } as unknown as StackModule);
  let end: string | undefined;
  names.find("a.test", [6, 4]).then((all) => (end = all.join(" ")), (e: StintError) => (end = e.code));
  for (; end === undefined && now < 10_000; now += 10) {
    mock.timers.tick(now === 0 ? 0 : 10);
    names.look();
    await turns();
  }
  return [end ?? "pending", now];
}

describe("names of both families", () => {
  it("are those of IPv6, then those of IPv4; who is late is waited for 50 ms", timed(async () => {
    assert.deepEqual(await found([0, "1.1.1.1"], [0, "6::1"]), ["6::1 1.1.1.1", 10]);
    assert.deepEqual(await found([0, "1.1.1.1"], [40, "6::1"]), ["6::1 1.1.1.1", 50]);
    assert.deepEqual(await found([0, "1.1.1.1"], [9000, "6::1"]), ["1.1.1.1", 60]);
    assert.deepEqual(await found([9000, "1.1.1.1"], [0, "6::1"]), ["6::1", 60]);
  }));

  it("of one that has none, the other is waited for; of both, the error tells most", timed(async () => {
    assert.deepEqual(await found([0, "NO_IPV4"], [5000, "6::1"]), ["6::1", 5010]);
    assert.deepEqual(await found([3000, "1.1.1.1"], [0, "NO_ANSWER"]), ["1.1.1.1", 3010]);
    assert.deepEqual(await found([0, "NO_IPV4"], [10, "NO_IPV6"]), ["NOT_FOUND", 20]);
    assert.deepEqual(await found([0, "NO_IPV4"], [10, "NO_ANSWER"]), ["NO_ANSWER", 20]);
    assert.deepEqual(await found([0, "NOT_FOUND"], [10, "NO_IPV6"]), ["NOT_FOUND", 20]);
  }));
});

/** The names that the second stack's server knows. */
const KNOWN: Record<string, { four?: string; six?: string }> = {
  "both.test": { four: "10.0.0.2", six: "2001:db8::2" },
  "astray.test": { four: "10.0.0.2", six: "2001:db8::99" },
  "unique.test": { four: "10.0.0.2", six: "fd00::2" },
  "six.test": { six: "2001:db8::2" },
};

/** A stack, and another one on its link, which serves DNS over IPv6, and TCP. */
async function served(): Promise<[Stack, Stack]> {
  const { a, b } = await pair({ connsMax: 8, ipv6: {}, prefix6: "2001:db8::" });
  await until("addresses are ready", () => [a, b].every((s) => s.addresses().every((x) => x.ready)));
  const dns = b.udp({ port: 53 });
  dns.on("message", (data: Uint8Array, from: { address: string; port: number }) => {
    const query = readQuery(data), known = KNOWN[query.name.toLowerCase()] ?? {}, { four, six } = known;
    const is6 = query.type === AAAA;
    const answers = is6
      ? six === undefined ? [] : [record(QNAME, AAAA, 60, [...ip6(six)])]
      : four === undefined ? [] : [record(QNAME, A, 60, be(4, ip4(four)))];
    dns.send(response(query, { answers, authorities: [soa(60, 60)] }), from.port, from.address);
  });
  b.listen({ port: 7 });
  a.setServers(["2001:db8::2"]);
  return [a, b];
}

describe("node's modules over both families", () => {
  let a: Stack, b: Stack;
  before(async () => {
    [a, b] = await served();
    dns.use(a);
  });
  after(() => Promise.all([a.close(0), b.close(0)]));

  it("net.connect goes on to the next address after its time, and tells which it tried", async () => {
    const options = { port: 7, host: "astray.test", stack: a, autoSelectFamilyAttemptTimeout: 100 };
    const began = performance.now(), socket = net.connect(options);
    await once(socket, "connect");
    assert.ok(performance.now() - began < 1500, "the time of one attempt");
    assert.deepEqual(
      [socket.remoteAddress, socket.autoSelectFamilyAttemptedAddresses], ["10.0.0.2", ["2001:db8::99:7", "10.0.0.2:7"]],
    );
    socket.destroy();
    await once(socket, "close");
    const refused = net.connect({ port: 8, host: "astray.test", stack: a });
    const [error] = (await once(refused, "error")) as [AggregateError & { code: string }];
    assert.deepEqual(error.errors.map((e: { code: string }) => e.code), ["ETIMEDOUT", "ECONNREFUSED"]);
    const given = net.connect({ port: 7, host: "astray.test", stack: a, family: 4 });
    await once(given, "connect");
    assert.deepEqual(given.autoSelectFamilyAttemptedAddresses, ["10.0.0.2:7"]);
    given.destroy();
  });

  it("tells of each attempt, its failure and its time-out as Node does; the next connect begins anew", async () => {
    const socket = new net.Socket({ stack: a }), told: unknown[][] = [];
    for (const event of ["connectionAttempt", "connectionAttemptFailed", "connectionAttemptTimeout"])
      socket.on(event, (address: string, port: number, family: number, error?: Error & { code: string }) => {
        told.push([event.slice(17) || "begins", address, port, family, ...(error ? [error.code] : [])]);
      });
    socket.connect({ port: 8, host: "astray.test", autoSelectFamilyAttemptTimeout: 50 });
    await once(socket, "error");
    await once(socket, "close");
    assert.deepEqual(told.splice(0), [
      ["begins", "2001:db8::99", 8, 6], ["Timeout", "2001:db8::99", 8, 6],
      ["begins", "10.0.0.2", 8, 4], ["Failed", "10.0.0.2", 8, 4, "ECONNREFUSED"],
    ]);
    socket.connect({ port: 7, host: "10.0.0.2" });
    await once(socket, "connect");
    assert.deepEqual(told, [["begins", "10.0.0.2", 7, 4]]);
    assert.deepEqual(socket.autoSelectFamilyAttemptedAddresses, ["10.0.0.2:7"]);
    socket.destroy();
    const left = net.connect({ port: 8, host: "10.0.0.2", stack: a }), errors: Error[] = [];
    left.on("connectionAttemptFailed", () => left.destroy()).on("error", (e) => errors.push(e));
    await once(left, "close");
    assert.deepEqual(errors, [], "who destroys it there hears of no error");
  });

  it("a socket that is destroyed while it tries an address leaves no timer behind", async () => {
    const armed: (NodeJS.Timeout & { _destroyed?: boolean })[] = [], real = globalThis.setTimeout;
    const LONG_MS = 1e6;
    mock.method(globalThis, "setTimeout", ((tell: () => void, ms = 0) => {
      const timer = real(tell, ms);
      if (ms >= LONG_MS) armed.push(timer);
      return timer;
    }) as typeof setTimeout);
    try {
      for (const host of ["astray.test", "2001:db8::99"]) {
        const socket = net.connect({ port: 7, host, stack: a, autoSelectFamilyAttemptTimeout: LONG_MS });
        await until("it is at it", () => socket.autoSelectFamilyAttemptedAddresses?.length === 1);
        socket.destroy();
        await once(socket, "close");
      }
      const left = armed.filter((timer) => timer._destroyed !== true);
      for (const timer of left) clearTimeout(timer);
      assert.equal(left.length, 0);
    } finally {
      mock.restoreAll();
    }
  });

  it("a socket of dgram's udp4 takes IPv4 addresses of names", async () => {
    const got = once(b.udp({ port: 54 }), "message");
    const socket = dgram.createSocket({ type: "udp4", stack: a });
    socket.send("four", 54, "both.test");
    const [data, from] = (await got) as [Uint8Array, { address: string }];
    assert.deepEqual([String(Buffer.from(data)), from.address], ["four", "10.0.0.1"]);
    await new Promise<void>((resolve) => socket.close(resolve));
  });

  it("dns.lookup has both families, in the order that is asked for; dns.resolve asks over IPv6", async () => {
    const all = async (options: object, name = "both.test"): Promise<string[]> =>
      (await dns.promises.lookup(name, { all: true, ...options })).map(({ address }) => address);
    assert.deepEqual(await all({}), ["2001:db8::2", "10.0.0.2"]);
    assert.deepEqual(await all({ order: "ipv4first" }), ["10.0.0.2", "2001:db8::2"]);
    assert.deepEqual(await all({}, "unique.test"), ["10.0.0.2", "fd00::2"]);
    assert.deepEqual(await all({ order: "ipv6first" }, "unique.test"), ["fd00::2", "10.0.0.2"]);
    assert.deepEqual(await all({ verbatim: false }), ["10.0.0.2", "2001:db8::2"]);
    assert.deepEqual(await all({ family: 6 }), ["2001:db8::2"]);
    assert.deepEqual(await dns.promises.lookup("both.test", { family: 4 }), { address: "10.0.0.2", family: 4 });
    const resolver = new dns.promises.Resolver();
    resolver.setServers(["2001:db8::2"]);
    assert.deepEqual(await resolver.resolve6("both.test"), ["2001:db8::2"]);
  });
});

describe("connect by name over both families", () => {
  it("takes IPv6, goes on to IPv4 where IPv6 leads nowhere, and leaves nothing behind", async () => {
    const [a, b] = await served();
    try {
      assert.deepEqual(a.getServers(), ["2001:db8::2"]);
      assert.deepEqual(await a.lookup("both.test"), ["2001:db8::2", "10.0.0.2"]);
      assert.deepEqual(await a.lookup("both.test", { family: 4 }), ["10.0.0.2"]);
      assert.deepEqual(await a.lookup("six.test"), ["2001:db8::2"]);
      await assert.rejects(a.lookup("six.test", { family: 4 }), { code: "NO_IPV4" });
      await assert.rejects(a.lookup("none.test"), { code: "NOT_FOUND" });
      const six = await a.connect({ host: "both.test", port: 7 });
      assert.equal(six.remoteAddress, "2001:db8::2");
      const began = performance.now(), four = await a.connect({ host: "astray.test", port: 7 });
      assert.equal(four.remoteAddress, "10.0.0.2");
      assert.ok(performance.now() - began < 2000, "the time of one attempt, not of a time-out");
      await until("only two are open", () => a.module.pools().connections === 2);
      await assert.rejects(a.connect({ host: "both.test", port: 8 }), { code: "REFUSED" });
      const over = new AbortController(), left = a.connect({ host: "astray.test", port: 9, signal: over.signal });
      over.abort();
      await assert.rejects(left, AbortError);
    } finally {
      await Promise.all([a.close(0), b.close(0)]);
    }
  });
});
