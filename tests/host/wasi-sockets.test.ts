/** wasi:sockets over the stack, in Node and in virtual time, with a scripted peer: what each call tells whom. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it, type TestContext } from "node:test";
import { arp, icmp, ip4, MAC_PEER, MAC_STACK, see, udp } from "../harness/codec.js";
import { advertisement, ALL_NODES, hex6, ip6, see6 } from "../harness/codec6.js";
import { A, AAAA, CNAME, labels, QNAME, readQuery, record, response } from "../harness/dns.js";
import {
  WasiHost, wasiSockets, type Incoming, type Ip, type Lookup, type Place, type TcpSocket, type UdpSocket, type Wasi,
} from "../harness/wasi-host.js";
import { lacks } from "../interop/lab.js";

const dir = mkdtempSync(join(tmpdir(), "stint-wasi-sockets-"));
after(() => rmSync(dir, { recursive: true }));
let made: ReturnType<typeof wasiSockets> | undefined;

const STACK = ip4("10.0.0.1"), PEER = ip4("10.0.0.2"), STRANGER = ip4("10.0.0.3");
const at = (ip: string, port: number): Place => ({ tag: "ipv4", val: { port, address: ip.split(".").map(Number) } });
const SIX: Place = { tag: "ipv6", val: { port: 7, flowInfo: 0, address: [0, 0, 0, 0, 0, 0, 0, 1], scopeId: 0 } };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (data: Uint8Array): string => new TextDecoder().decode(data);

/** A neighbour that says where it is, and leaves the rest to `more`. */
function neighbour(more: (frame: Uint8Array) => Uint8Array[] = () => []): (frame: Uint8Array) => Uint8Array[] {
  return (frame) => {
    const seen = see(frame);
    if (seen.kind !== "arp") return more(frame);
    return seen.op === 1 && (seen.ip.dst === PEER || seen.ip.dst === STRANGER)
      ? [arp(2, { mac: MAC_PEER, ip: seen.ip.dst }, { mac: MAC_STACK, ip: STACK }, MAC_STACK)]
      : [];
  };
}

interface World { host: WasiHost; wasi: Wasi; network: object }

async function world(t: TestContext, more: Record<string, string> = {}): Promise<World | undefined> {
  if (lacks(t, "clang", "wasm-ld")) return undefined;
  made ??= wasiSockets(dir);
  const host = new WasiHost({ STINT_IP: "10.0.0.1/24", ...more }, neighbour());
  const wasi = await (await made)(host.imports(), host.memories);
  return { host, wasi, network: wasi.instanceNetwork.instanceNetwork() };
}

/** What the call fails with. */
function code(call: () => unknown): string {
  try {
    call();
  } catch (e) {
    const { payload = e } = e as { payload?: unknown };
    if (typeof payload !== "string") throw e;
    return payload;
  }
  return "ok";
}

function bound({ wasi, network }: World, ip = "0.0.0.0", port = 0, family = "ipv4"): UdpSocket {
  const socket = wasi.udpCreateSocket.createUdpSocket(family);
  socket.startBind(network, at(ip, port));
  socket.finishBind();
  return socket;
}
const port = (socket: UdpSocket): number => socket.localAddress().val.port;
const datagrams = (host: WasiHost): ReturnType<typeof see>[] =>
  host.frames.map((f) => see(f)).filter((s) => s.kind === "udp");
const heard = (from: Incoming): [string, Place][] => from.receive(9n).map((d) => [text(d.data), d.remoteAddress]);

describe("wasi:sockets/udp over the stack", () => {
  it("sends to a neighbour it has to ask for, and takes its answer; waiting ends when there is one", async (t) => {
    const w = await world(t);
    if (w === undefined) return;
    const socket = bound(w), [incoming, outgoing] = socket.stream();
    assert.ok(port(socket) >= 49152);
    assert.deepEqual(socket.localAddress(), at("0.0.0.0", port(socket)));
    assert.equal(incoming.subscribe().ready(), false);
    assert.deepEqual(heard(incoming), []);
    w.host.peer = neighbour((frame) => {
      const s = see(frame);
      return [udp({ src: PEER, dst: STACK }, s.dport, s.sport, bytes(`${text(s.data)}, too`))];
    });
    assert.ok(outgoing.checkSend() >= 1n);
    assert.equal(outgoing.send([{ data: bytes("hello"), remoteAddress: at("10.0.0.2", 7) }]), 1n);
    incoming.subscribe().block();
    assert.deepEqual(heard(incoming), [["hello, too", at("10.0.0.2", 7)]]);
    assert.deepEqual(heard(incoming), []);
    const [sent] = datagrams(w.host);
    assert.deepEqual([sent!.ip.src, sent!.ip.dst, sent!.sport, sent!.dport], [STACK, PEER, port(socket), 7]);
  });

  it("tells what is wrong with a call, and goes on", async (t) => {
    const w = await world(t);
    if (w === undefined) return;
    const socket = w.wasi.udpCreateSocket.createUdpSocket("ipv4"), { network } = w;
    assert.equal(code(() => socket.stream()), "invalid-state");
    assert.equal(code(() => socket.localAddress()), "invalid-state");
    assert.equal(code(() => socket.remoteAddress()), "invalid-state");
    assert.equal(code(() => socket.finishBind()), "not-in-progress");
    assert.equal(code(() => socket.startBind(network, SIX)), "invalid-argument");
    assert.equal(code(() => socket.startBind(network, at("10.0.0.9", 5))), "address-not-bindable");
    assert.equal(code(() => socket.startBind(network, at("255.255.255.255", 5))), "address-not-bindable");
    assert.equal(code(() => socket.setUnicastHopLimit(0)), "invalid-argument");
    assert.equal(code(() => socket.setReceiveBufferSize(0n)), "invalid-argument");
    assert.equal(code(() => socket.setSendBufferSize(0n)), "invalid-argument");
    socket.startBind(network, at("10.0.0.1", 500));
    assert.equal(code(() => socket.localAddress()), "invalid-state");
    assert.equal(code(() => socket.startBind(network, at("10.0.0.1", 501))), "invalid-state");
    assert.equal(code(() => socket.stream()), "invalid-state");
    socket.finishBind();
    assert.equal(code(() => socket.finishBind()), "not-in-progress");
    const other = w.wasi.udpCreateSocket.createUdpSocket("ipv4");
    assert.equal(code(() => other.startBind(network, at("0.0.0.0", 500))), "address-in-use");
    // It is as it was.
    other.startBind(network, at("0.0.0.0", 501));
    for (const [place, why] of [
      [at("0.0.0.0", 7), "invalid-argument"], [at("10.0.0.2", 0), "invalid-argument"], [SIX, "invalid-argument"],
      [at("240.0.0.1", 7), "remote-unreachable"],
    ] as const) {
      assert.equal(code(() => socket.stream(place)), why);
      const [, outgoing] = socket.stream();
      assert.equal(code(() => outgoing.send([{ data: bytes("x"), remoteAddress: place }])), why);
    }
    const [, outgoing] = socket.stream(), to = at("10.0.0.2", 7);
    assert.equal(code(() => outgoing.send([{ data: bytes("x") }])), "invalid-argument");
    const send = (place: Place, size = 1): string =>
      code(() => outgoing.send([{ data: new Uint8Array(size), remoteAddress: place }]));
    assert.equal(send(at("10.8.0.1", 7)), "remote-unreachable");
    assert.equal(send(at("224.0.0.1", 7)), "remote-unreachable");
    assert.equal(send(to, 1473), "datagram-too-large");
    assert.equal(send(to, 1472), "ok");
    // Those before the first error are sent, and only their number is told.
    const one = { data: bytes("x"), remoteAddress: to };
    assert.equal(outgoing.send([one, one, { data: new Uint8Array(9000), remoteAddress: to }, one]), 2n);
    assert.equal(outgoing.send([]), 0n);
    assert.equal(outgoing.send(Array.from({ length: 100 }, () => one)), outgoing.checkSend());
    assert.equal(datagrams(w.host).filter((d) => d.data.length === 1).length, 2 + Number(outgoing.checkSend()));
  });

  it("with one peer, hears and sends to it alone; a stranger is told that nobody is there", async (t) => {
    const w = await world(t);
    if (w === undefined) return;
    const socket = bound(w), from = (ip: number, said: string): void =>
      w.host.frame(udp({ src: ip, dst: STACK }, 7, port(socket), bytes(said)));
    const [open] = socket.stream();
    from(STRANGER, "early");
    from(PEER, "mine");
    // It is held for who has everybody's, and is nobody's afterwards.
    assert.equal(open.subscribe().ready(), true);
    const [incoming, outgoing] = socket.stream(at("10.0.0.2", 7));
    assert.deepEqual(socket.remoteAddress(), at("10.0.0.2", 7));
    assert.deepEqual(socket.localAddress(), at("10.0.0.1", port(socket)));
    from(STRANGER, "late");
    assert.deepEqual(heard(incoming), [["mine", at("10.0.0.2", 7)]]);
    assert.deepEqual(heard(incoming), []);
    assert.equal(incoming.subscribe().ready(), false);
    assert.equal(w.host.frames.map((f) => see(f)).filter((s) => s.kind === "icmp" && s.ip.dst === STRANGER).length, 1);
    const send = (place?: Place): string =>
      code(() => outgoing.send([{ data: bytes("x"), ...(place && { remoteAddress: place }) }]));
    assert.deepEqual([send(), send(at("10.0.0.2", 7))], ["ok", "ok"]);
    assert.deepEqual([send(at("10.0.0.2", 8)), send(at("10.0.0.3", 7))], ["invalid-argument", "invalid-argument"]);
    const [again] = socket.stream();
    assert.equal(code(() => socket.remoteAddress()), "invalid-state");
    from(STRANGER, "later");
    assert.deepEqual(heard(again), [["later", at("10.0.0.3", 7)]]);
  });

  it("streams that are not the latest ones are of no use, and are told so", async (t) => {
    const w = await world(t);
    if (w === undefined) return;
    const socket = bound(w), [incoming, outgoing] = socket.stream(), [latest] = socket.stream();
    assert.equal(incoming.subscribe().ready(), true);
    assert.equal(latest.subscribe().ready(), false);
    assert.equal(code(() => incoming.receive(1n)), "invalid-state");
    assert.equal(code(() => outgoing.checkSend()), "invalid-state");
    assert.equal(code(() => outgoing.send([])), "invalid-state");
    assert.equal(code(() => latest.receive(0n)), "ok");
  });

  it("a peer without such a port: who has one peer is told, once; who has many is not", async (t) => {
    const w = await world(t);
    if (w === undefined) return;
    const socket = bound(w);
    w.host.peer = neighbour((frame) => [icmp({ src: PEER, dst: STACK }, 3, 3, 0, frame.slice(14, 42))]);
    const ask = (place?: Place): Incoming => {
      const [incoming, outgoing] = socket.stream(place);
      outgoing.send([{ data: bytes("x"), remoteAddress: at("10.0.0.2", 7) }]);
      return incoming;
    };
    ask();
    assert.deepEqual(heard(ask()), []);
    const incoming = ask(at("10.0.0.2", 7));
    assert.equal(incoming.subscribe().ready(), true);
    assert.equal(code(() => incoming.receive(1n)), "connection-refused");
    assert.deepEqual(heard(incoming), []);
    const [, outgoing] = socket.stream(at("10.0.0.2", 7));
    assert.equal(outgoing.send([{ data: bytes("x") }]), 1n);
    assert.equal(code(() => (outgoing.checkSend(), outgoing.send([{ data: bytes("x") }]))), "connection-refused");
  });

  it("as many sockets as there are; what is dropped is free again, with its port", async (t) => {
    const w = await world(t);
    if (w === undefined) return;
    const create = (): UdpSocket => w.wasi.udpCreateSocket.createUdpSocket("ipv4");
    for (let round = 0; round < 3; round++) {
      const all: UdpSocket[] = Array.from({ length: 32 }, (_, i) => bound(w, "0.0.0.0", 1000 + i));
      assert.equal(code(create), "new-socket-limit");
      const streams = all.map((s) => s.stream());
      for (const socket of all) socket[Symbol.dispose]();
      // Their streams still work.
      assert.equal(code(create), "new-socket-limit");
      assert.equal(streams[0]![1].send([{ data: bytes("x"), remoteAddress: at("10.0.0.2", 7) }]), 1n);
      for (const stream of streams.flat()) stream[Symbol.dispose]();
    }
    assert.equal(code(() => w.wasi.udpCreateSocket.createUdpSocket("ipv6")), "not-supported");
  });

  it("what is bound to 127.0.0.1 talks to this host alone", async (t) => {
    const w = await world(t);
    if (w === undefined) return;
    const inner = bound(w, "127.0.0.1", 600), outer = bound(w, "10.0.0.1", 601);
    const [incoming, outgoing] = inner.stream(), [outerIn, outerOut] = outer.stream();
    const send = (place: Place): string => code(() => outgoing.send([{ data: bytes("x"), remoteAddress: place }]));
    assert.equal(send(at("10.0.0.2", 7)), "invalid-argument");
    w.host.frame(udp({ src: PEER, dst: STACK }, 7, 600, bytes("from outside")));
    w.host.frame(udp({ src: ip4("127.0.0.1"), dst: STACK }, 7, 600, bytes("forged")));
    outerOut.send([{ data: bytes("inside"), remoteAddress: at("10.0.0.1", 600) }]);
    assert.deepEqual(heard(incoming), []);
    assert.equal(send(at("127.0.0.1", 600)), "ok");
    assert.deepEqual(heard(incoming), [["x", at("127.0.0.1", 600)]]);
    assert.equal(send(at("127.0.0.1", 601)), "ok");
    assert.deepEqual(heard(outerIn), []);
  });

  it("a datagram that waits for its neighbour leaves before the program ends; it is given a second", async (t) => {
    const w = await world(t);
    if (w === undefined) return;
    const answers = neighbour();
    let asked = 0;
    w.host.peer = (frame) => see(frame).kind === "arp" && ++asked < 2 ? [] : answers(frame);
    const leave = (): void => {
      const socket = bound(w), [incoming, outgoing] = socket.stream();
      outgoing.send([{ data: bytes("last"), remoteAddress: at("10.0.0.2", 7) }]);
      for (const part of [incoming, outgoing, socket]) part[Symbol.dispose]();
    };
    leave();
    assert.equal(datagrams(w.host).length, 1);
    const silent = await world(t), began = silent!.host.now;
    silent!.host.peer = () => [];
    const socket = bound(silent!), [, outgoing] = socket.stream();
    outgoing.send([{ data: bytes("last"), remoteAddress: at("10.0.0.2", 7) }]);
    silent!.wasi.ending.finish();
    assert.deepEqual([datagrams(silent!.host).length, silent!.host.now - began], [0, 1_000_000_000n]);
    // The sockets of a program that has ended are of no use.
    assert.equal(code(() => outgoing.send([])), "invalid-state");
  });

  it("lists that are longer than permitted make the memory no larger each time", async (t) => {
    const w = await world(t);
    if (w === undefined) return;
    const [, outgoing] = bound(w).stream(), one = { data: new Uint8Array(1400), remoteAddress: at("10.0.0.2", 7) };
    const send = (): bigint => outgoing.send(Array.from({ length: 400 }, () => one));
    const size = (): number => w.host.memories.reduce((sum, m) => sum + m.buffer.byteLength, 0);
    // Once there is room for all of it, there is.
    for (let n = 0; n < 2; n++) send();
    const enough = size();
    assert.ok(enough > 0);
    for (let n = 0; n < 3; n++) send();
    assert.equal(size(), enough);
  });

  it("who sends frames without end keeps no call for ever", async (t) => {
    const w = await world(t);
    if (w === undefined) return;
    const [incoming] = bound(w).stream();
    w.host.endless = udp({ src: PEER, dst: STACK }, 7, 9, bytes("to nobody"));
    assert.deepEqual(heard(incoming), []);
    assert.equal(incoming.subscribe().ready(), false);
  });

  it("sockets that are opened and closed, with streams and questions that outlive them, leave nothing", async (t) => {
    const w = await world(t);
    if (w === undefined) return;
    for (let n = 0; n < 40; n++) {
      const socket = bound(w), old = socket.stream(), [incoming, outgoing] = socket.stream();
      for (const part of [socket, ...old, incoming.subscribe(), incoming, outgoing]) part[Symbol.dispose]();
    }
    const all = Array.from({ length: 32 }, () => bound(w));
    assert.equal(code(() => bound(w)), "new-socket-limit");
    assert.equal(new Set(all.map(port)).size, 32);
  });

  it("when the link is gone, every stream says so", async (t) => {
    const w = await world(t);
    if (w === undefined) return;
    const [incoming, outgoing] = bound(w).stream();
    w.host.isCut = true;
    incoming.subscribe().block();
    assert.equal(code(() => incoming.receive(1n)), "remote-unreachable");
    assert.equal(code(() => outgoing.checkSend()), "remote-unreachable");
    assert.equal(code(() => w.wasi.udpCreateSocket.createUdpSocket("ipv4")), "access-denied");
  });

  it("the hop limit is the one that was set, before and after the socket is bound", async (t) => {
    const w = await world(t);
    if (w === undefined) return;
    const socket = w.wasi.udpCreateSocket.createUdpSocket("ipv4");
    socket.setUnicastHopLimit(3);
    socket.startBind(w.network, at("0.0.0.0", 0));
    socket.finishBind();
    const [, outgoing] = socket.stream(at("10.0.0.2", 7));
    outgoing.send([{ data: bytes("x") }]);
    socket.setUnicastHopLimit(255);
    outgoing.send([{ data: bytes("x") }]);
    assert.deepEqual(datagrams(w.host).map((d) => d.ip.ttl), [3, 255]);
    assert.equal(socket.unicastHopLimit(), 255);
  });
});

describe("wasi:sockets/tcp over the stack", () => {
  it("a socket bound to any port has one of its own, before it listens and afterwards", async (t) => {
    const w = await world(t);
    if (w === undefined) return;
    const sockets = Array.from({ length: 10 }, () => {
      const socket = w.wasi.tcpCreateSocket.createTcpSocket("ipv4");
      socket.startBind(w.network, at("0.0.0.0", 0));
      socket.finishBind();
      return socket;
    });
    const ports = sockets.map((s) => s.localAddress().val.port);
    assert.ok(ports.every((p) => p >= 49152), String(ports));
    assert.equal(new Set(ports).size, 10);
    for (const socket of sockets) {
      socket.startListen();
      socket.finishListen();
    }
    assert.deepEqual(sockets.map((s) => s.localAddress().val.port), ports);
    const unbound = w.wasi.tcpCreateSocket.createTcpSocket("ipv4");
    assert.equal(code(() => unbound.localAddress()), "invalid-state");
  });
});

/** A DNS server: names of which it knows addresses; what ends in .silent is not answered. */
function resolver(known: Record<string, string[]>, asked: string[] = []): ReturnType<typeof neighbour> {
  return neighbour((frame) => {
    const s = see(frame);
    if (s.kind !== "udp" || s.dport !== 53) return [];
    const q = readQuery(s.data), name = q.name.toLowerCase();
    asked.push(name);
    if (name.endsWith(".silent")) return [];
    const alias = name === "alias.test" ? labels("web.test") : undefined;
    const ips = known[alias ? "web.test" : name];
    const answers = [
      ...(alias ? [record(QNAME, CNAME, 60, alias)] : []),
      ...(ips ?? []).map((ip) => record(alias ?? QNAME, A, 60, ip.split(".").map(Number))),
    ];
    const hasSix = name === "six.test" || name === "web.test";
    const six = hasSix ? [record(QNAME, AAAA, 60, [...ip6("fd00::9")])] : [];
    const isKnown = ips !== undefined || name === "six.test";
    const said = response(q, { answers: q.type === A ? answers : six, flags: isKnown ? 0x8180 : 0x8183 });
    return [udp({ src: PEER, dst: STACK }, 53, s.sport, said)];
  });
}

describe("wasi:sockets/ip-name-lookup over the stack", () => {
  const ip = (...val: number[]): Ip => ({ tag: "ipv4", val });
  const all = (lookup: Lookup): Ip[] => {
    const found: Ip[] = [];
    lookup.subscribe().block();
    for (let next = lookup.resolveNextAddress(); next !== undefined; next = lookup.resolveNextAddress())
      found.push(next);
    return found;
  };

  it("asks the server of STINT_DNS: every address of a name, and of its alias; before, there is none", async (t) => {
    const w = await world(t, { STINT_DNS: "10.0.0.2" });
    if (w === undefined) return;
    const { resolveAddresses } = w.wasi.ipNameLookup, asked: string[] = [];
    const lookup = resolveAddresses(w.network, "Web.test");
    assert.equal(code(() => lookup.resolveNextAddress()), "would-block");
    w.host.peer = resolver({ "web.test": ["10.1.0.1", "10.1.0.2"] }, asked);
    assert.deepEqual(all(lookup), [ip(10, 1, 0, 1), ip(10, 1, 0, 2)]);
    assert.equal(lookup.resolveNextAddress(), undefined);
    assert.deepEqual(all(resolveAddresses(w.network, "alias.test")), [ip(10, 1, 0, 1), ip(10, 1, 0, 2)]);
    // It is remembered.
    assert.deepEqual(all(resolveAddresses(w.network, "web.test")), [ip(10, 1, 0, 1), ip(10, 1, 0, 2)]);
    assert.deepEqual(asked.filter((name) => name === "web.test").length, 1);
  });

  it("tells why there is no address", async (t) => {
    const w = await world(t, { STINT_DNS: "10.0.0.2" });
    if (w === undefined) return;
    const { resolveAddresses } = w.wasi.ipNameLookup;
    w.host.peer = resolver({ "none.test": [] });
    const why = (name: string): string => code(() => all(resolveAddresses(w.network, name)));
    for (const unknown of ["unknown.test", "notlocalhost"]) assert.equal(why(unknown), "name-unresolvable");
    assert.equal(why("none.test"), "name-unresolvable");
    assert.equal(why("is.silent"), "temporary-resolver-failure");
    for (const wrong of ["", ".", "a..test", "x".repeat(64), `${"label.".repeat(60)}test`])
      assert.equal(code(() => resolveAddresses(w.network, wrong)), "invalid-argument", wrong);
    const deaf = await world(t);
    assert.equal(
      code(() => all(deaf!.wasi.ipNameLookup.resolveAddresses(deaf!.network, "web.test"))),
      "temporary-resolver-failure",
    );
    deaf!.host.isCut = true;
    assert.equal(code(() => deaf!.wasi.ipNameLookup.resolveAddresses(deaf!.network, "a.test")), "access-denied");
  });

  it("addresses and localhost need no server; 16 lookups at once, and what is dropped is free again", async (t) => {
    const w = await world(t, { STINT_DNS: "10.0.0.2" });
    if (w === undefined) return;
    const { resolveAddresses } = w.wasi.ipNameLookup, asked: string[] = [];
    w.host.peer = resolver({ "web.test": ["10.1.0.1"] }, asked);
    assert.deepEqual(all(resolveAddresses(w.network, "192.0.2.255")), [ip(192, 0, 2, 255)]);
    assert.deepEqual(all(resolveAddresses(w.network, "LocalHost")), [ip(127, 0, 0, 1)]);
    for (const name of ["localhost.", "web.localhost", "a.b.LOCALHOST."]) {
      const lookup = resolveAddresses(w.network, name);
      assert.deepEqual(all(lookup), [ip(127, 0, 0, 1)], name);
      lookup[Symbol.dispose]();
    }
    assert.deepEqual(asked, []);
    const open = Array.from({ length: 14 }, (_, i) => resolveAddresses(w.network, `${i}.silent`));
    assert.equal(code(() => resolveAddresses(w.network, "web.test")), "out-of-memory");
    for (const lookup of open) lookup[Symbol.dispose]();
    // The resolver is still at the others: it has places for 16, and this one waits for the third.
    const three = ["web.test", "a.silent", "b.silent"].map((name) => resolveAddresses(w.network, name));
    assert.deepEqual(all(three[0]!), [ip(10, 1, 0, 1)]);
    assert.equal(code(() => all(three[2]!)), "temporary-resolver-failure");
  });

  it("STINT_DNS may be three servers; what is none is said", async (t) => {
    for (const wrong of ["10.0.0.256", "10.0.0.2,", "10.0.0.2,10.0.0.3,10.0.0.4,10.0.0.5", "name.test", "224.0.0.1"]) {
      const w = await world(t, { STINT_DNS: wrong });
      if (w === undefined) return;
      assert.equal(code(() => w.wasi.udpCreateSocket.createUdpSocket("ipv4")), "access-denied");
      assert.match(w.host.said, /STINT_DNS is no address/);
    }
    const w = await world(t, { STINT_DNS: "10.0.0.9,10.0.0.8,10.0.0.2" });
    w!.host.peer = resolver({ "web.test": ["10.1.0.1"] });
    assert.deepEqual(all(w!.wasi.ipNameLookup.resolveAddresses(w!.network, "web.test")), [ip(10, 1, 0, 1)]);
  });
});

describe("wasi:sockets over IPv6", () => {
  const six = (port: number, ...end: number[]): Place => ({
    tag: "ipv6",
    val: { port, flowInfo: 0, address: [0xfd00, ...Array<number>(7 - end.length).fill(0), ...end], scopeId: 0 },
  });
  const ANY: Place = { tag: "ipv6", val: { port: 0, flowInfo: 0, address: Array<number>(8).fill(0), scopeId: 0 } };
  const HERE: Place = { tag: "ipv6", val: { ...ANY.val, address: [0, 0, 0, 0, 0, 0, 0, 1] } };
  const MAPPED: Place = { tag: "ipv6", val: { ...HERE.val, address: [0, 0, 0, 0, 0, 0xffff, 0x0a00, 1] } };
  const on = (place: Place, number: number): Place => ({ ...place, val: { ...place.val, port: number } }) as Place;
  const SIX_ENV = { STINT_IP6: "fd00::1/64" };
  interface Socket { startBind(network: object, local: Place): void; finishBind(): void }
  const begun = <S extends Socket>(w: World, socket: S, place: Place): S => {
    socket.startBind(w.network, place);
    socket.finishBind();
    return socket;
  };

  /** Two components, and what one says is heard by the other one, too. */
  async function two(t: TestContext): Promise<[World, World] | undefined> {
    const a = await world(t, SIX_ENV);
    if (a === undefined) return undefined;
    const b = (await world(t, { STINT_IP: "10.0.0.2/24", STINT_IP6: "fd00::2/64" }))!;
    a.host.peer = (frame) => (b.host.frame(frame), []);
    b.host.peer = (frame) => (a.host.frame(frame), []);
    return [a, b];
  }
  const udp6 = (w: World): UdpSocket => w.wasi.udpCreateSocket.createUdpSocket("ipv6");
  const tcp6 = (w: World): TcpSocket => w.wasi.tcpCreateSocket.createTcpSocket("ipv6");
  /** Each in turn gets what came. */
  const turns = (...all: World[]): void => {
    for (let i = 0; i < 8; i++)
      for (const { wasi } of all) wasi.udpCreateSocket.createUdpSocket("ipv4")[Symbol.dispose]();
  };

  it("a datagram there and back, and a connection; the addresses are those of IPv6", async (t) => {
    const both = await two(t);
    if (both === undefined) return;
    const [a, b] = both, here = begun(a, udp6(a), six(500, 1)), there = begun(b, udp6(b), on(ANY, 600));
    assert.equal(here.addressFamily(), "ipv6");
    assert.deepEqual(here.localAddress(), six(500, 1));
    const [incoming, outgoing] = here.stream(six(600, 2)), [heardThere, saidThere] = there.stream();
    assert.equal(outgoing.send([{ data: bytes("hello") }]), 1n);
    turns(a, b);
    assert.deepEqual(heard(heardThere), [["hello", six(500, 1)]]);
    assert.equal(saidThere.send([{ data: bytes("too"), remoteAddress: six(500, 1) }]), 1n);
    turns(a, b);
    assert.deepEqual(heard(incoming), [["too", six(600, 2)]]);
    there.stream(six(500, 1));
    assert.deepEqual(there.localAddress(), six(600, 2));
    const listener = begun(b, tcp6(b), on(ANY, 80)), client = tcp6(a);
    listener.startListen();
    listener.finishListen();
    client.startConnect(a.network, six(80, 2));
    turns(a, b);
    const [, output] = client.finishConnect(), [server, input] = listener.accept();
    assert.deepEqual([client.remoteAddress(), server.localAddress()], [six(80, 2), six(80, 2)]);
    assert.deepEqual(server.remoteAddress(), client.localAddress());
    assert.equal(server.addressFamily(), "ipv6");
    output.write(bytes("over IPv6"));
    turns(a, b);
    assert.equal(text(input.read(100n)), "over IPv6");
  });

  it("tells what is wrong with a call", async (t) => {
    const w = await world(t, SIX_ENV);
    if (w === undefined) return;
    for (const make of [udp6, tcp6]) {
      const socket = make(w), bind = (place: Place): string => code(() => socket.startBind(w.network, place));
      assert.equal(bind(at("10.0.0.1", 7)), "invalid-argument");
      assert.equal(bind(MAPPED), "invalid-argument");
      assert.equal(bind(six(7, 5)), "address-not-bindable");
      assert.equal(bind(six(7, 1)), "ok");
    }
    const stream = begun(w, udp6(w), ANY);
    const connect = (place: Place): string => code(() => tcp6(w).startConnect(w.network, place));
    for (const call of [connect, (place: Place) => code(() => stream.stream(place))]) {
      assert.equal(call(at("10.0.0.2", 7)), "invalid-argument");
      assert.equal(call(on(ANY, 7)), "invalid-argument");
      assert.equal(call(six(0, 2)), "invalid-argument");
      assert.equal(call(on(MAPPED, 7)), "invalid-argument");
    }
    const far = { ...six(7), val: { ...six(7).val, address: [0x2001, 0, 0, 0, 0, 0, 0, 1] } } as Place;
    assert.equal(connect(far), "remote-unreachable");
    const four = w.wasi.tcpCreateSocket.createTcpSocket("ipv4");
    assert.equal(code(() => four.startBind(w.network, at("255.255.255.255", 80))), "address-not-bindable");
    assert.equal(code(() => four.startConnect(w.network, at("248.0.0.1", 80))), "remote-unreachable");
    assert.equal(code(() => four.startConnect(w.network, six(80, 2))), "invalid-argument");
  });

  it("each family has its own; a socket for IPv6 hears nothing of IPv4", async (t) => {
    const w = await world(t, SIX_ENV);
    if (w === undefined) return;
    const socket = begun(w, udp6(w), on(ANY, 500)), [incoming] = socket.stream();
    w.host.frame(udp({ src: PEER, dst: STACK }, 7, 500, bytes("IPv4")));
    assert.deepEqual(heard(incoming), []);
    const inner = begun(w, udp6(w), on(HERE, 501)), [heardInside, saidInside] = inner.stream();
    assert.equal(code(() => saidInside.send([{ data: bytes("x"), remoteAddress: six(7, 2) }])), "invalid-argument");
    assert.equal(saidInside.send([{ data: bytes("inside"), remoteAddress: on(HERE, 501) }]), 1n);
    assert.deepEqual(heard(heardInside), [["inside", on(HERE, 501)]]);
    const listen = (tcp: TcpSocket, place: Place): void => {
      begun(w, tcp, place).startListen();
      tcp.finishListen();
    };
    listen(tcp6(w), on(ANY, 80));
    listen(w.wasi.tcpCreateSocket.createTcpSocket("ipv4"), at("0.0.0.0", 80));
  });

  it("names have addresses of both families, those of IPv6 first; one of them is enough", async (t) => {
    const w = await world(t, { ...SIX_ENV, STINT_DNS: "10.0.0.2" });
    if (w === undefined) return;
    w.host.peer = resolver({ "web.test": ["10.1.0.1"], "four.test": ["10.1.0.2"] });
    const all = (name: string): Ip[] => {
      const lookup = w.wasi.ipNameLookup.resolveAddresses(w.network, name), found: Ip[] = [];
      lookup.subscribe().block();
      for (let next = lookup.resolveNextAddress(); next !== undefined; next = lookup.resolveNextAddress())
        found.push(next);
      return found;
    };
    const nine: Ip = { tag: "ipv6", val: [0xfd00, 0, 0, 0, 0, 0, 0, 9] };
    const four = (...val: number[]): Ip => ({ tag: "ipv4", val });
    assert.deepEqual(all("web.test"), [nine, four(10, 1, 0, 1)]);
    assert.deepEqual(all("six.test"), [nine]);
    assert.deepEqual(all("four.test"), [four(10, 1, 0, 2)]);
    assert.equal(code(() => all("unknown.test")), "name-unresolvable");
    assert.deepEqual(all("localhost"), [{ tag: "ipv6", val: [0, 0, 0, 0, 0, 0, 0, 1] }, four(127, 0, 0, 1)]);
    for (const [said, val] of [
      ["::", []], ["::1", [1]], ["fd00::9", [0xfd00, 0, 0, 0, 0, 0, 0, 9]],
      ["1:2:3:4:5:6:7:8", [1, 2, 3, 4, 5, 6, 7, 8]],
      ["FE80::", [0xfe80, 0, 0, 0, 0, 0, 0, 0]], ["1:2::7:8", [1, 2, 0, 0, 0, 0, 7, 8]],
      ["::ffff:10.0.0.1", [0xffff, 0x0a00, 1]], ["1:2:3:4:5:6:1.2.3.4", [1, 2, 3, 4, 5, 6, 0x102, 0x304]],
      ["1:2:3:4:5:6:7::", [1, 2, 3, 4, 5, 6, 7, 0]], ["::2:3:4:5:6:7:8", [0, 2, 3, 4, 5, 6, 7, 8]],
    ] as const)
      assert.deepEqual(all(said), [{ tag: "ipv6", val: [...Array<number>(8 - val.length).fill(0), ...val] }], said);
    for (const wrong of [
      ":", ":::", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "12345::", "::1.2.3", "1:", ":1", "::g",
      "1:2:3:4:5:6:7:1.2.3.4", "1:2:3:4::5:6:7:8", "1.2.3.4::", "::1:",
    ])
      assert.notEqual(code(() => all(wrong)), "ok", wrong);
  });

  it("RFC 4862 §5.4.4: who claims the address has it; an advertisement that is none changes nothing", async (t) => {
    // Flags: override alone; and with solicited, which is never sent to a group (RFC 4861 §7.1.2).
    for (const [flags, bindable] of [[1, "address-not-bindable"], [3, "ok"]] as const) {
      const w = await world(t, SIX_ENV), own = ip6("fd00::1");
      if (w === undefined) return;
      let asked = 0;
      w.host.peer = (frame) => {
        const seen = see6(frame);
        if (seen?.type !== 135 || hex6(seen.data.slice(0, 16)) !== hex6(own)) return [];
        asked++;
        return [advertisement(own, ALL_NODES, own, flags)];
      };
      assert.equal(code(() => begun(w, udp6(w), six(7, 1))), bindable);
      assert.equal(asked, 1);
      assert.equal(w.host.said.includes("no IPv6 address: it is another host's"), bindable !== "ok");
    }
  });

  it("without STINT_IP6 there is none; what is wrong with it is said, and that no router tells of one", async (t) => {
    const none = await world(t);
    if (none === undefined) return;
    assert.equal(code(() => udp6(none)), "not-supported");
    assert.equal(code(() => tcp6(none)), "not-supported");
    for (const wrong of ["fd00::1", "fd00::1/129", "10.0.0.1/24", "ff02::1/64", "::/0", "auto/64", "fd00::1/"]) {
      const w = (await world(t, { STINT_IP6: wrong }))!;
      assert.equal(code(() => udp6(w)), "access-denied", wrong);
      assert.match(w.host.said, /set STINT_IP6=ADDRESS\/PREFIX/, wrong);
    }
    const router = (await world(t, { STINT_IP6: "fd00::1/64", STINT_GATEWAY6: "10.0.0.2" }))!;
    assert.equal(code(() => udp6(router)), "access-denied");
    // No router tells of one: the link-local address is there all the same.
    const alone = (await world(t, { STINT_IP6: "auto" }))!, began = alone.host.now;
    assert.equal(code(() => begun(alone, udp6(alone), six(7, 1))), "address-not-bindable");
    assert.match(alone.host.said, /no IPv6 address/);
    assert.equal(alone.host.now - began, 6_000_000_000n);
    assert.equal(code(() => begun(alone, udp6(alone), ANY)), "ok");
  });
});
