/** IPv6 in the library: two stacks on one link, from addresses to sockets. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, describe, it, mock } from "node:test";
import { Watch6 } from "../../host/cli/ip6.js";
import type { Link } from "../../host/links/link.js";
import { Stack, type OpenOptions } from "../../host/net.js";
import { Forming } from "../../host/net/ip6.js";
import dns from "../../host/node/dns.js";
import net from "../../host/node/net.js";
import type { StintError } from "../../host/errors.js";
import type { Dhcp6Stack } from "../../host/dhcp6.js";
import type { Ip6Address } from "../../host/stack.js";
import { ALL_NODES, ip6, macOf, nd, routerAdvertisement, see6, udp6 } from "../harness/codec6.js";
import { A, AAAA, QNAME, readQuery, record, response } from "../harness/dns.js";
import { Cable, pair } from "../harness/cable.js";
import { ip4, MAC_PEER, see } from "../harness/codec.js";
import { dhcpAnswer, isDhcp } from "../harness/dhcp.js";
import { message6, option6, SERVER_ID, TYPE6 } from "../harness/dhcp6.js";
import { until } from "../harness/programs.js";

interface From { address: string; family: string; port: number }
type Dialled = ReturnType<typeof net.connect>;

const SECRET = new Uint8Array(16).fill(3);

/** A stack, which begins at once, and the other end of its link. */
function opened(options: Partial<OpenOptions>): [stack: Promise<Stack>, far: Link] {
  const [near, far] = new Cable().ends;
  return [Stack.open({ link: near, connsMax: 8, ...options }), far];
}

const both = (): ReturnType<typeof pair> => pair({ connsMax: 8, ipv6: { secret: SECRET } });

/** Every address has passed duplicate address detection. */
const ready = (...stacks: Stack[]): Promise<void> =>
  until("every address is ready", () => stacks.every((s) => s.addresses().every((x) => x.ready)));

describe("IPv6 of a stack", () => {
  let a: Stack, b: Stack;
  before(async () => {
    ({ a, b } = await both());
  });
  after(async () => {
    await Promise.all([a.close(0), b.close(0)]);
  });

  it("connects once duplicate address detection has passed, and tells the addresses as texts", async () => {
    const ready = a.addresses().filter((x) => x.ready);
    assert.deepEqual(ready.map((x) => x.address), ["10.0.0.1"], "IPv6 is not ready at once");
    const server = b.listen({ port: 7, host: "::" }), changed = once(a, "address");
    const [client, accepted] = await Promise.all([a.connect({ host: "fd00::2", port: 7 }), server.accept()]);
    await changed;
    assert.deepEqual(server.address(), { address: "::", family: "IPv6", port: 7 });
    assert.deepEqual([client.remoteAddress, client.remoteFamily, client.remotePort], ["fd00::2", "IPv6", 7]);
    assert.deepEqual(client.address(), { address: "fd00::1", family: "IPv6", port: client.localPort });
    assert.deepEqual([accepted!.remoteAddress, accepted!.localAddress], ["fd00::1", "fd00::2"]);
    client.end("over IPv6");
    let text = "";
    for await (const chunk of accepted!) text += String(chunk);
    assert.equal(text, "over IPv6");
    accepted!.end();
    await once(client.resume(), "close");
    assert.equal(client.remoteAddress, "fd00::2", "it stays known after the end");
    const four = await Promise.all([a.connect({ host: "10.0.0.2", port: 7 }), server.accept()]);
    assert.deepEqual(four.map((c) => c!.remoteFamily), ["IPv4", "IPv4"], "the same listener takes both");
    const mapped = await a.connect({ host: "::ffff:10.0.0.2", port: 7 });
    assert.equal(mapped.remoteAddress, "10.0.0.2", "what stands for an IPv4 address is that address");
    for (const c of [...four, mapped]) c!.destroy();
    server.close();
  });

  it("lists every address, with where it is from", async () => {
    await ready(a);
    const six = a.addresses().filter((x) => x.family === "IPv6");
    assert.deepEqual(six.map((x) => x.origin).sort(), ["fixed", "link-local"]);
    assert.ok(six.every((x) => x.ready), JSON.stringify(six));
    assert.ok(six.some((x) => x.address === "fd00::1" && x.prefix === 64), JSON.stringify(six));
    const four = { address: "10.0.0.1", family: "IPv4", prefix: 24, origin: "fixed", ready: true };
    assert.deepEqual(a.addresses()[0], four);
  });

  it("connects to a link-local address, whose zone means nothing", async () => {
    await ready(a, b);
    const local = b.addresses().find((x) => x.origin === "link-local")!.address;
    const server = b.listen({ port: 8, host: local });
    const [client, accepted] = await Promise.all([a.connect({ host: `${local}%tap0`, port: 8 }), server.accept()]);
    assert.equal(client.remoteAddress, local);
    assert.match(accepted!.remoteAddress!, /^fe80::/);
    assert.equal(server.address()!.address, local);
    client.destroy();
    accepted!.destroy();
    server.close();
  });

  it("is refused, and finds no way, as over IPv4", async () => {
    const code = (e: StintError): string => e.code;
    assert.equal(await a.connect({ host: "fd00::2", port: 9 }).catch(code), "REFUSED");
    assert.equal(await a.connect({ host: "2001:db8::9", port: 9 }).catch(code), "UNREACHABLE");
    const nobody = a.connect({ host: "fd00::99", port: 9, failFast: true, timeoutMs: 8000 });
    assert.equal(await nobody.catch(code), "UNREACHABLE");
    assert.equal(await a.connect({ host: "ff02::1", port: 9 }).catch(code), "ARGUMENT");
    assert.throws(() => a.listen({ port: 9, host: "fd00::99" }), { code: "ARGUMENT" });
  });

  it("sends and takes datagrams, and filters those of a peer", async () => {
    const one = a.udp(), two = b.udp({ port: 53 });
    two.on("message", (data: Uint8Array, from: From) => void two.send(data, from.port, from.address));
    const got: [string, string, string][] = [];
    one.on("message", (data: Uint8Array, from: From) =>
      got.push([String(Buffer.from(data)), from.address, from.family]),
    );
    one.send(Buffer.from("six"), 53, "fd00:0::2");
    await once(one, "message");
    one.send(Buffer.from("four"), 53, "10.0.0.2");
    await once(one, "message");
    assert.deepEqual(got, [["six", "fd00::2", "IPv6"], ["four", "10.0.0.2", "IPv4"]]);
    one.connect(53, "fd00:0:0::2");
    assert.deepEqual(one.remoteAddress(), { address: "fd00::2", family: "IPv6", port: 53 });
    one.send(Buffer.from("peer"));
    await once(one, "message");
    two.send(Buffer.from("stranger"), one.port, "10.0.0.1");
    two.send(Buffer.from("again"), one.port, "fd00::1");
    await once(one, "message");
    assert.deepEqual(got.slice(2).map(([text]) => text), ["peer", "again"], "only the peer's");
    one.close();
    const refused = a.udp();
    refused.connect(54, "fd00::2");
    refused.send(Buffer.from("nobody"));
    const [error] = await once(refused, "error").catch((e: unknown) => [e]) as [StintError];
    assert.equal(error.code, "REFUSED", "an ICMPv6 error is told");
    refused.close();
    two.close();
  });
});

describe("IPv6 of stint/net", () => {
  it("listens, connects and tells families, and waits for the own address", async () => {
    const { a, b } = await both(), server = net.createServer({ stack: b }, (socket) => {
      socket.end([socket.remoteAddress, socket.remoteFamily, socket.localAddress].join(" "));
    });
    server.listen({ port: 80, host: "::" });
    await once(server, "listening");
    assert.deepEqual(server.address(), { address: "::", family: "IPv6", port: 80 });
    const socket = net.connect({ port: 80, host: "fd00::2", localAddress: "::", stack: a });
    let text = "";
    for await (const chunk of socket) text += String(chunk);
    assert.equal(text, "fd00::1 IPv6 fd00::2");
    const code = async (options: object): Promise<unknown> => {
      const socket = net.connect({ port: 81, host: "fd00::2", stack: a, ...options });
      return ((await once(socket, "error")) as [{ code: string }])[0].code;
    };
    const failing = new Promise<string>((resolve) =>
      net.createServer({ stack: b }).on("error", (e: { code: string }) => resolve(e.code)).listen(82, "fd00::77"),
    );
    assert.deepEqual(
      [await code({}), await code({ localAddress: "fd00::77" }), await code({ host: "2001:db8::1" }), await failing],
      ["ECONNREFUSED", "EADDRNOTAVAIL", "EHOSTUNREACH", "EADDRNOTAVAIL"],
    );
    server.close();
    await Promise.all([a.close(0), b.close(0)]);
  });
});

describe("The own address that a connection leaves from", () => {
  let a: Stack, b: Stack;
  before(async () => {
    const { ends } = new Cable(), open = (end: Link, ip: string, ...addresses: string[]): Promise<Stack> =>
      Stack.open({ link: end, ip, connsMax: 8, ipv6: { secret: SECRET, addresses } });
    [a, b] = await Promise.all([
      open(ends[0], "10.0.0.1/24", "fd00::1/64", "fd00::11/64"), open(ends[1], "10.0.0.2/24", "fd00::2/64"),
    ]);
  });
  after(async () => {
    await Promise.all([a.close(0), b.close(0)]);
  });

  it("is the one that connect() is told, also before it is ready", async () => {
    assert.equal(a.isOwn("fd00::11"), false, "it is not ready yet");
    const server = b.listen({ port: 7 });
    for (const [localAddress, from] of [["fd00::11", "fd00::11"], ["fd00:0::1", "fd00::1"]] as const) {
      const to = { host: "fd00::2", port: 7, localAddress };
      const [client, peer] = await Promise.all([a.connect(to), server.accept()]);
      assert.deepEqual([client.localAddress, peer!.remoteAddress], [from, from]);
      client.destroy();
    }
    for (const [host, localAddress] of [
      ["10.0.0.2", "10.0.0.1"], ["::ffff:10.0.0.2", "10.0.0.1"], ["10.0.0.2", "::ffff:10.0.0.1"],
    ] as const) {
      const [client] = await Promise.all([a.connect({ host, port: 7, localAddress }), server.accept()]);
      assert.equal(client.localAddress, "10.0.0.1");
      client.destroy();
    }
    server.close();
  });

  it("may be ::1, as a server's may, and leads to this host alone", async () => {
    const server = net.createServer({ stack: a }, (socket) => socket.end(`${socket.remoteAddress}`));
    await once(server.listen(81, "::1"), "listening");
    let text = "";
    const socket = net.connect({ port: 81, host: "::1", localAddress: "::1", stack: a });
    for await (const chunk of socket) text += String(chunk);
    assert.equal(text, "::1");
    server.close();
    assert.deepEqual(["127.0.0.1", "::1", "128.0.0.1", "127.1", "lamp"].map((x) => a.isOwn(x)),
      [true, true, false, false, false]);
    await assert.rejects(a.connect({ host: "fd00::2", port: 7, localAddress: "::1" }), { code: "ARGUMENT" });
  });

  it("is refused when nobody here has it, or it is of another family than the peer's", async () => {
    await ready(a, b);
    const why = (host: string, localAddress: string): Promise<string> =>
      a.connect({ host, port: 7, localAddress }).then(() => "connected", (e: StintError) => `${e.code}: ${e.message}`);
    assert.match(await why("fd00::2", "fd00::12"), /^UNREACHABLE: .*fd00::12: it is not an address of this stack/);
    assert.match(await why("fd00::2", "10.0.0.1"), /^UNREACHABLE: .*10.0.0.1 to fd00::2: they are of two families/);
    assert.match(await why("10.0.0.2", "127.0.0.1"), /^ARGUMENT/);
    for (const wrong of ["lamp", "", "127.foo", null, 5, {}, ["10.0.0.1"]])
      for (const host of ["10.0.0.2", "somewhere.test"])
        assert.match(await why(host, wrong as string), /^undefined: localAddress is no address: /);
  });

  it("is the localAddress of a socket of stint/net", async () => {
    const server = net.createServer({ stack: b }, (socket) => socket.end(socket.remoteAddress)).listen(80);
    await once(server, "listening");
    const dial = (localAddress: string, host = "fd00::2"): Dialled =>
      net.connect({ port: 80, host, localAddress, stack: a });
    for (const own of ["fd00::1", "fd00::11"]) {
      let text = "";
      for await (const chunk of dial(own)) text += String(chunk);
      assert.equal(text, own);
    }
    const code = async (socket: Dialled): Promise<string> =>
      ((await once(socket, "error")) as [{ code: string }])[0].code;
    assert.deepEqual(
      [
        await code(dial("fd00::77")), await code(dial("10.0.0.1")), await code(dial("fd00::1", "10.0.0.2")),
        await code(dial("127.0.0.1", "10.0.0.2")),
      ],
      ["EADDRNOTAVAIL", "EINVAL", "EINVAL", "EINVAL"],
    );
    server.close();
  });
});

describe("IPv6 that begins", () => {
  it("takes an address that a router tells of, without DHCP", async () => {
    const [open, far] = opened({ dhcp: false, ipv6: { temporary: true } }), stack = await open, router = ip6("fe80::1");
    const options = [...nd.source(MAC_PEER), ...nd.prefix(ip6("2001:db8:1::"))];
    const advertise = (): void => far.send(Uint8Array.from([
      ...macOf(ALL_NODES), ...routerAdvertisement(router, options).slice(6),
    ]));
    advertise();
    await stack.settled("2001:db8:1::5");
    await ready(stack);
    const [own] = stack.addresses().filter((x) => x.origin === "prefix");
    assert.ok(own && own.address.startsWith("2001:db8:1:"), JSON.stringify(stack.addresses()));
    assert.equal(stack.addresses().filter((x) => x.origin === "temporary").length, 1);
    assert.equal(stack.address, "0.0.0.0");
    await stack.close(0);
    await stack.settled("2001:db8:1::5");
  });

  /**
   * A stack, and what makes its router tell of itself: a DNS server, which knows an address of each family. `by`
   * "dhcp": its server tells of that one, once the addresses are ready.
   */
  async function routed(by = "router"): Promise<{ stack: Stack; advertise: () => void }> {
    const [open, far] = opened({ ip: "10.0.0.1/24", ipv6: true }), stack = await open, router = ip6("fe80::1");
    const options = [...nd.source(MAC_PEER), ...nd.prefix(ip6("2001:db8:1::"))];
    if (by === "router") options.push(...nd.rdnss(600, router));
    const flags = by === "dhcp" ? 0x40 : 0;
    far.onFrame = (frame) => {
      const seen = see6(frame);
      if (by === "dhcp" && seen?.next === 17 && seen.payload[3] === (547 & 255)) {
        const xid = (seen.payload[9]! << 16) | (seen.payload[10]! << 8) | seen.payload[11]!, { src, payload } = seen;
        const id = [...payload.slice(16, 26)], found = [...option6(1, id), ...option6(2, SERVER_ID)];
        const reply = message6(TYPE6.REPLY, xid, [...found, ...option6(23, [...router])]);
        const answer = udp6({ src: router, dst: src }, 547, 546, reply), mac = frame.slice(6, 12);
        void ready(stack).then(() => far.send(Uint8Array.from([...mac, ...answer.slice(6)])));
      }
      if (seen?.next !== 17 || seen.payload[3] !== 53) return;
      const query = readQuery(seen.payload.slice(8)), answers = query.type === AAAA
        ? [record(QNAME, AAAA, 60, [...ip6("2001:db8:1::9")])]
        : [record(QNAME, A, 60, [10, 0, 0, 9])];
      const port = (seen.payload[0]! << 8) | seen.payload[1]!;
      const answer = udp6({ src: router, dst: seen.src }, 53, port, response(query, { answers }));
      far.send(Uint8Array.from([...frame.slice(6, 12), ...answer.slice(6)]));
    };
    const advertise = (): void => far.send(Uint8Array.from([
      ...macOf(ALL_NODES), ...routerAdvertisement(router, options, { flags }).slice(6),
    ]));
    return { stack, advertise };
  }

  /** A stack that a router has told of its prefix, on a link whose DHCP server waits until it is let go. */
  async function routedFirst(): Promise<{ stack: Stack; release: () => void; asked: (ip: string) => boolean }> {
    const [open, far] = opened({ ipv6: true }), router = ip6("fe80::1"), seen: Uint8Array[] = [];
    let released = false;
    const serve = (frame: Uint8Array): void => {
      const reply = dhcpAnswer(frame, ip4("10.0.0.2"), () => ip4("10.0.0.70"));
      if (reply !== undefined) far.send(reply);
    };
    far.onFrame = (frame) => {
      seen.push(frame);
      if (released) serve(frame);
    };
    const options = [...nd.source(MAC_PEER), ...nd.prefix(ip6("2001:db8:1::"))];
    far.send(Uint8Array.from([...macOf(ALL_NODES), ...routerAdvertisement(router, options).slice(6)]));
    const release = (): void => {
      released = true;
      serve(seen.find((frame) => isDhcp(see(frame.slice())))!);
    };
    const asked = (ip: string): boolean => seen.map((frame) => see(frame.slice())).some(
      (s) => s.kind === "arp" && s.op === 1 && s.ip.dst === ip4(ip) && s.ip.src === ip4("10.0.0.70"),
    );
    return { stack: await open, release, asked };
  }

  it("is open with a router's address, and what needs one of IPv4 waits for DHCP, the DNS servers, too", async () => {
    const { stack, release, asked } = await routedFirst();
    assert.deepEqual(stack.addresses().map((x) => x.family), ["IPv6", "IPv6"], "before DHCP has said anything");
    assert.deepEqual([stack.isAwaited("10.0.0.9"), stack.isAwaited("::ffff:10.0.0.9")], [true, true]);
    assert.deepEqual([stack.isAwaited("127.0.0.1"), stack.isAwaited("2001:db8:1::9")], [false, false]);
    const code = (e: { code: string }): string => e.code;
    const late = stack.connect({ host: "10.0.0.9", port: 7, timeoutMs: 20 }).catch(code);
    assert.equal(await late, "TIMED_OUT", "not UNREACHABLE");
    const connecting = stack.connect({ host: "10.0.0.9", port: 7 }).catch(code), looking = stack.serversSettled();
    release();
    await looking;
    assert.deepEqual(stack.getServers(), ["10.0.0.2"]);
    await until("it asks for the neighbour", () => asked("10.0.0.9"));
    assert.equal(stack.isAwaited("10.0.0.9"), false);
    await stack.close(0);
    assert.equal(await connecting, "ABORTED");
  });

  it("looks names up once a router tells of a DNS server, and finds both families then", async () => {
    const { stack, advertise } = await routed(), found = stack.lookup("a.test");
    setTimeout(advertise, 100);
    assert.deepEqual(await found, ["2001:db8:1::9", "10.0.0.9"]);
    assert.deepEqual(stack.getServers(), ["fe80::1"]);
    await stack.close(0);
    await assert.rejects(stack.lookup("b.test"), { code: "ABORTED" });
  });

  it("looks names up once DHCPv6 tells of a DNS server, after the addresses are ready", async () => {
    const { stack, advertise } = await routed("dhcp");
    advertise();
    assert.deepEqual(await stack.lookup("a.test"), ["2001:db8:1::9", "10.0.0.9"]);
    assert.deepEqual(stack.getServers(), ["fe80::1"]);
    await stack.close(0);
  });

  it("dns.resolve waits for it, too, and for the own address; cancel() does not", async () => {
    const { stack, advertise } = await routed(), code = (e: { code: string }): string => e.code;
    const [one, other] = [new dns.promises.Resolver({ stack }), new dns.promises.Resolver({ stack })];
    other.setServers(["fe80::1"]);
    const began = performance.now(), cancelled = [one, other].map((r) => r.resolve4("a.test").catch(code));
    for (const resolver of [one, other]) setTimeout(() => resolver.cancel(), 20);
    assert.deepEqual(await Promise.all(cancelled), ["ECANCELLED", "ECANCELLED"]);
    assert.ok(performance.now() - began < 500, "at once");
    const found = [one.resolve6("a.test"), other.resolve4("a.test")];
    advertise();
    assert.deepEqual(await Promise.all(found), [["2001:db8:1::9"], ["10.0.0.9"]]);
    await stack.close(0);
  });

  it("8981-6: waits for the temporary address, from which connections are opened, and so does who serves", () => {
    const known: Partial<Ip6Address>[] = [], module = { ip6Addresses: () => known } as unknown as Dhcp6Stack;
    const forming = new Forming(module), watch = new Watch6(module, () => {});
    const has = (...own: [origin: Ip6Address["origin"], text: string, ready: boolean][]): unknown[] => {
      known.splice(0, Infinity, ...own.map(([origin, text, ready]) => ({ origin, bytes: ip6(text), ready })));
      return [forming.isAwaited("2001:db8::1"), forming.isAwaited("fe80::1"), forming.serves(), watch.look()];
    };
    const whole = "2001:db8::7", brief = "2001:db8::8", next = "2001:db8::9";
    assert.deepEqual(has(["link-local", "fe80::7", true]), [true, false, false, undefined]);
    const both = has(["prefix", whole, false], ["temporary", brief, true]);
    assert.deepEqual(both, [false, false, true, brief], "the other one need not be ready");
    const local = has(["temporary", "fd00::8", true], ["temporary", brief, false]);
    assert.deepEqual(local.slice(0, 3), [true, false, true], "another prefix may serve better");
    const early = has(["prefix", whole, true], ["temporary", brief, false]), { length } = forming.told();
    assert.deepEqual(early, [true, false, false, undefined]);
    assert.deepEqual(has(["prefix", whole, true]), [false, false, true, whole], "somebody else has it, and the next");
    assert.ok(forming.told().length < length, "and that is told");
    assert.deepEqual(has(["prefix", whole, true], ["temporary", brief, true]), [false, false, true, whole]);
    const following = has(["prefix", whole, true], ["temporary", brief, true], ["temporary", next, false]);
    assert.deepEqual(following, [false, false, true, whole], "nor is the one that follows awaited");
  });

  it("is waited for no longer than it takes, though a timer may be early by a part of a millisecond", async () => {
    mock.timers.enable({ apis: ["setTimeout"] });
    try {
      const forming = new Forming({ ip6Addresses: () => [] } as unknown as Dhcp6Stack);
      let over = false;
      void forming.until("2001:db8::1").then(() => (over = true));
      mock.timers.tick(4400);
      await Promise.resolve();
      assert.equal(over, false);
      mock.timers.tick(200);
      await Promise.resolve();
      assert.ok(over);
    } finally {
      mock.timers.reset();
    }
  });

  it("does not wait where nothing is to come, or the stack is closed", async () => {
    const [open] = opened({ ip: "10.0.0.1/24" }), stack = await open;
    assert.equal(stack.hasIp6, false);
    const began = performance.now();
    assert.equal(await stack.connect({ host: "fd00::2", port: 7 }).catch((e: StintError) => e.code), "UNREACHABLE");
    assert.ok(performance.now() - began < 1000, "at once");
    await stack.close(0);
    const [forming] = opened({ ip: "10.0.0.1/24", ipv6: true }), other = await forming;
    const waiting = other.connect({ host: "fe80::2", port: 7 }).catch((e: StintError) => e.code);
    await other.close(0);
    assert.equal(await waiting, "ABORTED");
  });

  it("can be given up by a signal, or by the time", async () => {
    const [open] = opened({ ip: "10.0.0.1/24", ipv6: true }), stack = await open, stop = new AbortController();
    const code = (e: { code: string }): string => e.code;
    const aborted = stack.connect({ host: "fd00::2", port: 7, signal: stop.signal }).catch(code);
    stop.abort();
    assert.equal(await aborted, "ABORT_ERR");
    assert.equal(await stack.connect({ host: "fd00::2", port: 7, timeoutMs: 20 }).catch(code), "TIMED_OUT");
    await stack.close(0);
  });

  it("refuses options that cannot be, in one line", async () => {
    for (const [options, why] of [
      [{ ipv6: true, mtu: 1000 }, /^IPv6 needs a link with an MTU of 1280 bytes; this one has 1000$/],
      [{ ipv6: { secret: new Uint8Array(8) } }, /16 bytes/],
      [{ ipv6: { gateway: "fe80::1" } }, /needs an address/],
      [{ ipv6: { addresses: ["fd00::1"] } }, /no IPv6 address with a prefix/],
      [{ ipv6: { addresses: ["ff02::1/64"] } }, /multicast/],
    ] as const) {
      const [open] = opened({ ip: "10.0.0.1/24", ...options });
      await assert.rejects(open, (e: Error) => why.test(e.message) && !e.message.includes("\n"), why.source);
    }
    await assert.rejects(opened({ dhcp: false })[0], /reaches nobody/);
    const [open] = opened({ ip: "10.0.0.1/24", ipv6: { addresses: ["fd00::1/64", "fd00::1/64"] } });
    await assert.rejects(open, { code: "IN_USE" });
  });
});

