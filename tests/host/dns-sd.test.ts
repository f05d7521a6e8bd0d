/** Services on the link (RFC 6763, RFC 6762): `stack.publish`, `stack.browse`, and what they say and hear. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { once } from "node:events";
import { describe, it } from "node:test";
import { read, TYPE, write, type Message, type Name, type Rr } from "../../host/net/mdns-message.js";
import { checkInstance, nextInstance, readText, typeName, writeText } from "../../host/net/service-text.js";
import { Stack, type FoundService, type OpenOptions, type ServiceOptions } from "../../host/net.js";
import type { Link } from "../../host/links/link.js";
import { arp, ip4, MAC_PEER, see, udp } from "../harness/codec.js";
import { until } from "../harness/programs.js";

const GROUP = ip4("224.0.0.251"), GROUP_MAC = [1, 0, 0x5e, 0, 0, 0xfb], PEER = ip4("10.0.0.9");
const TYPE_NAME: Name = ["_http", "_tcp", "local"], META: Name = ["_services", "_dns-sd", "_udp", "local"];
const NONE = new Uint8Array(0);

/** A wire on which everybody hears everybody else, and the test all of it. */
class Wire {
  readonly ends: Link[] = [];
  readonly frames: Uint8Array[] = [];

  end(): Link {
    const end: Link = { onFrame: () => {}, onClose: () => {}, close: () => {}, send: (frame) => this.say(frame, end) };
    this.ends.push(end);
    return end;
  }

  say(frame: Uint8Array, from?: Link): void {
    const copy = frame.slice();
    this.frames.push(copy);
    for (const other of this.ends) if (other !== from) setImmediate(() => other.onFrame(copy));
  }

  open(n: number, more: Partial<OpenOptions> = {}): Promise<Stack> {
    return Stack.open({ link: this.end(), ip: `10.0.0.${n}/24`, connsMax: 4, ...more });
  }

  /** Somebody else says something to all, or to one. */
  tell(data: Uint8Array, { port = 5353, dst = GROUP, dstMac = GROUP_MAC } = {}): void {
    this.say(udp({ src: PEER, dst, dstMac, ttl: 255 }, port, 5353, data));
  }

  /** Messages about services, with where they went. */
  messages(): (Message & { dst: number; dport: number; size: number })[] {
    return this.frames.map((f) => see(f)).flatMap((s) => {
      if (s.kind !== "udp" || s.ip.src === PEER || s.sport !== 5353) return [];
      const message = read(s.data);
      assert.ok(message, "it can be read");
      if (s.dport === 5353) assert.equal(s.ip.ttl, 255);
      return [{ ...message, dst: s.ip.dst, dport: s.dport, size: s.data.length }];
    });
  }

  /** Answers in which a record is that fits. */
  answers(fits: (rr: Rr) => boolean): ReturnType<Wire["messages"]> {
    return this.messages().filter((m) => m.response && m.answers.some(fits));
  }
}

const SERVICE: ServiceOptions = { name: "Lamp", type: "_http._tcp", port: 80, text: { path: "/on", dim: true } };
const instance = (name: string): Name => [name, ...TYPE_NAME];
const of = (type: number, ttl?: number) => (rr: Rr): boolean =>
  rr.type === type && (ttl === undefined || rr.ttl === ttl);
const ask = (name: Name, type: number, more: Partial<Message> & { unicast?: boolean } = {}): Buffer =>
  write({ questions: [{ name, type, unicast: more.unicast ?? false }], ...more });
const srv = (name: string, port = 80, host = "other.local"): Rr => ({
  name: instance(name), type: TYPE.SRV, ttl: 120, unique: true, data: Buffer.from([0, 0, 0, 0, 0, port]),
  target: host.split("."),
});
const ptr = (name: string, ttl = 4500): Rr =>
  ({ name: TYPE_NAME, type: TYPE.PTR, ttl, unique: false, data: NONE, target: instance(name) });

/** A stack that publishes, settled; its test ends it. */
async function published(
  more: Partial<ServiceOptions>, test: (wire: Wire, stack: Stack, name: () => string) => Promise<void>,
): Promise<void> {
  const wire = new Wire(), stack = await wire.open(1, { localName: "lamp" });
  try {
    const service = await stack.publish({ ...SERVICE, ...more });
    await until("it is announced twice", () => wire.answers(of(TYPE.SRV)).length >= 2);
    // Records go to all once a second at most.
    await new Promise((resolve) => setTimeout(resolve, 1100));
    wire.frames.length = 0;
    await test(wire, stack, () => service.name);
  } finally {
    await stack.close(0);
  }
}

describe("messages of services", { concurrency: true }, () => {
  it("6763-1: types, names and texts that can be none are refused", () => {
    for (const type of ["http._tcp", "_http", "_http._sctp", "_http._tcp.local", "_-a._tcp", "_1._tcp", "_._tcp",
      `_${"a".repeat(16)}._tcp`, "_a.b._tcp", ""])
      assert.throws(() => typeName(type), RangeError, type);
    assert.deepEqual(typeName("_Http._TCP"), ["_Http", "_TCP", "local"]);
    for (const name of ["", "a\nb", "\x7f", "é".repeat(32)]) assert.throws(() => checkInstance(name), RangeError);
    checkInstance("é".repeat(31));
    assert.throws(() => writeText({ "a=b": "c" }), RangeError);
    assert.throws(() => writeText({ "": "c" }), RangeError);
    assert.throws(() => writeText({ ä: "c" }), RangeError);
    assert.throws(() => writeText({ a: "b".repeat(254) }), RangeError);
    const many = Object.fromEntries(Array.from({ length: 6 }, (_, i) => [`k${i}`, "v".repeat(220)]));
    assert.throws(() => writeText(many), RangeError);
  });

  it("6763-2: texts of 0, 255 and more bytes; what is no string ends them", () => {
    assert.deepEqual([...writeText({})], [0], "there is no empty TXT record");
    const text = { path: "/a=b", dim: true, empty: "", long: "v".repeat(250) } as const;
    assert.deepEqual({ ...readText(writeText(text)) }, text);
    assert.equal(writeText({ long: "v".repeat(250) })[0], 255);
    for (const data of [[], [0], [1], [255, 97], [3, 61, 97, 98]])
      assert.deepEqual({ ...readText(Uint8Array.from(data)) }, {}, String(data));
    const twice = Buffer.from("\x03a=1\x03A=2\x0b__proto__=x\x01b", "latin1");
    assert.deepEqual(Object.entries(readText(twice)), [["a", "1"], ["__proto__", "x"], ["b", true]]);
  });

  it("6763-3: the next name has a number, and no more than 63 bytes", () => {
    assert.equal(nextInstance("Lamp"), "Lamp (2)");
    assert.equal(nextInstance("Lamp (9)"), "Lamp (10)");
    assert.equal(nextInstance("Lamp (x)"), "Lamp (x) (2)");
    const long = nextInstance("é".repeat(31));
    assert.ok(Buffer.byteLength(long) <= 63 && long.endsWith("é (2)"), long);
  });

  it("names with dots and of all sizes come back; pointers that lead nowhere, or on and on, are none", () => {
    const questions = [["a.b", "c\\d", "é", "x".repeat(63)], [], ["A", "c\\d"]].map((name) =>
      ({ name, type: TYPE.SRV, unicast: true }));
    const rr = srv("x".repeat(63));
    const back = read(write({ response: true, questions, answers: [rr, rr], additionals: [ptr("Lamp")] }))!;
    assert.deepEqual(back.questions, questions);
    assert.deepEqual(back.answers[1]!.target, rr.target);
    const head = (...rest: number[]): Buffer => Buffer.from([0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...rest]);
    for (const bad of [[0xc0, 12], [0xc0, 14, 0, 0], [64], [0x80, 0], [5, 97], [0xc0], []])
      assert.equal(read(head(...bad, 0, 1, 0, 1)), undefined, String(bad));
    const long = Array.from({ length: 5 }, () => [63, ...Array<number>(63).fill(97)]).flat();
    assert.equal(read(head(...long, 0, 0, 1, 0, 1)), undefined, "a name of 320 bytes");
    const whole = write({ response: true, answers: [srv("Lamp"), ptr("Lamp")] });
    for (let size = 0; size < whole.length; size++) assert.equal(read(whole.subarray(0, size)), undefined, `${size}`);
    for (let at = 0; at < whole.length; at++) {
      for (const byte of [0, 0x3f, 0x7f, 0xc0, 0xff]) {
        const bad = Buffer.from(whole);
        bad[at] = byte;
        read(bad);
      }
    }
  });
});

describe("stack.publish", { concurrency: true }, () => {
  it("6763-4: three probes with SRV and TXT, then two announcements, a second apart; SRV leads to the host's name",
    async () => {
      const wire = new Wire(), stack = await wire.open(1, { localName: "lamp" });
      try {
        const service = await stack.publish({ ...SERVICE, subtypes: ["_printer"] });
        assert.deepEqual([service.name, service.settled, stack.localName], ["Lamp", true, "lamp.local"]);
        await until("two announcements", () => wire.answers(of(TYPE.SRV)).length >= 2);
        const probes = wire.messages().filter((m) => m.questions.some((q) => q.name[0] === "Lamp"));
        assert.equal(probes.length, 3);
        for (const p of probes) {
          assert.deepEqual(p.questions, [{ name: instance("Lamp"), type: TYPE.ANY, unicast: true }]);
          assert.deepEqual(p.authorities.map((rr) => [rr.type, rr.unique]), [[TYPE.SRV, false], [TYPE.TXT, false]]);
        }
        const [told] = wire.answers(of(TYPE.SRV)), find = (type: number): Rr[] => told!.answers.filter(of(type));
        const [where] = find(TYPE.SRV);
        assert.deepEqual([where!.target, [...where!.data]], [["lamp", "local"], [0, 0, 0, 0, 0, 80]]);
        assert.deepEqual({ ...readText(find(TYPE.TXT)[0]!.data) }, SERVICE.text);
        assert.deepEqual(find(TYPE.PTR).map((rr) => [rr.name, rr.target, rr.unique]), [
          [TYPE_NAME, instance("Lamp"), false], [["_printer", "_sub", ...TYPE_NAME], instance("Lamp"), false],
          [META, TYPE_NAME, false],
        ]);
        assert.deepEqual(told!.answers.map((rr) => rr.ttl), [120, 4500, 4500, 4500, 4500]);
      } finally {
        await stack.close(0);
      }
      const [last] = wire.answers(of(TYPE.SRV, 0));
      const ended = last?.answers.map((rr) => [rr.type, rr.ttl]);
      assert.deepEqual(ended, [[33, 0], [16, 0], [12, 0], [12, 0]], "taken back");
    });

  it("6763-5: a type is answered with its instance, SRV and TXT beside; the meta-query with the type", () =>
    published({ subtypes: ["_printer"] }, async (wire) => {
      wire.tell(ask(["_HTTP", "_tcp", "LOCAL"], TYPE.PTR));
      await until("the pointer", () => wire.answers(of(TYPE.PTR)).length === 1);
      const [m] = wire.answers(of(TYPE.PTR));
      assert.deepEqual([m!.answers.map((rr) => rr.target), m!.dst], [[instance("Lamp")], GROUP]);
      assert.deepEqual(m!.additionals.map((rr) => rr.type), [TYPE.SRV, TYPE.TXT]);
      wire.tell(ask(META, TYPE.PTR));
      await until("the type", () => wire.answers((rr) => rr.name[1] === "_dns-sd").length === 1);
      wire.tell(ask(["_printer", "_sub", ...TYPE_NAME], TYPE.PTR));
      await until("the subtype", () => wire.answers((rr) => rr.name[1] === "_sub").length === 1);
    }));

  it("6762-6: what is known for half of its time is not repeated; RFC 6762 §6.1: what there is not is said", () =>
    published({}, async (wire) => {
      wire.tell(ask(TYPE_NAME, TYPE.PTR, { answers: [ptr("Lamp", 2250)] }));
      wire.tell(ask(instance("Lamp"), 1));
      await until("there is no address", () => wire.answers(of(TYPE.NSEC)).length === 1);
      assert.deepEqual([...wire.answers(of(TYPE.NSEC))[0]!.answers[0]!.data.slice(-7)], [0, 5, 0, 0, 0x80, 0, 0x40]);
      await new Promise((resolve) => setTimeout(resolve, 200));
      assert.equal(wire.answers(of(TYPE.PTR)).length, 0);
      wire.tell(ask(TYPE_NAME, TYPE.PTR, { answers: [ptr("Lamp", 2249)] }));
      await until("less than half is too little", () => wire.answers(of(TYPE.PTR)).length === 1);
    }));

  it("6762-5, 6762-2: an old resolver, and who welcomes it, is answered alone; a stranger's message is nobody's", () =>
    published({}, async (wire) => {
      wire.say(arp(1, { mac: MAC_PEER, ip: PEER }, { mac: [0, 0, 0, 0, 0, 0], ip: ip4("10.0.0.1") }));
      wire.tell(ask(instance("Lamp"), TYPE.SRV, { id: 77 }), { port: 4000 });
      await until("the old one", () => wire.messages().some((m) => m.dport === 4000));
      const old = wire.messages().find((m) => m.dport === 4000)!;
      assert.deepEqual([old.id, old.dst, old.answers.map((rr) => [rr.ttl, rr.unique])], [77, PEER, [[10, false]]]);
      assert.deepEqual(old.questions, [{ name: instance("Lamp"), type: TYPE.SRV, unicast: false }]);
      wire.tell(ask(instance("Lamp"), TYPE.SRV, { unicast: true }));
      await until("the new one", () => wire.messages().some((m) => m.dst === PEER && m.dport === 5353));
      assert.equal(wire.answers(of(TYPE.SRV)).filter((m) => m.dst === GROUP).length, 0);
      // Malformed, and of others: nothing is said, nothing is lost.
      const strange = [NONE, Buffer.alloc(12, 255), ask(instance("Other"), TYPE.ANY), ask([], TYPE.ANY)];
      for (const bad of strange) wire.tell(bad);
      wire.tell(ask(instance("Lamp"), TYPE.TXT));
      await until("it still answers", () => wire.answers(of(TYPE.TXT)).length === 1);
    }));

  it("6762-8: somebody has the name: the next one is taken; 6762-11: a conflict later is a new probe", async () => {
    const wire = new Wire(), stack = await wire.open(1, { localName: "lamp" });
    try {
      const answering = setInterval(() => {
        const asked = wire.messages().some((m) => m.questions.some((q) => q.name[0] === "Lamp"));
        if (asked) wire.tell(write({ response: true, answers: [srv("LAMP")] }));
      }, 20);
      const service = await stack.publish(SERVICE);
      clearInterval(answering);
      assert.equal(service.name, "Lamp (2)");
      await until("two announcements", () => wire.answers(of(TYPE.SRV)).length >= 2);
      wire.frames.length = 0;
      wire.tell(write({ response: true, answers: [{ ...srv("Lamp (2)"), ttl: 0 }] }));
      wire.tell(write({ response: true, answers: [srv("Lamp (2)")] }));
      await until("it asks again", () => wire.messages().some((m) => m.questions[0]?.name[0] === "Lamp (2)"));
      const named = once(service, "name");
      wire.tell(write({ response: true, answers: [srv("Lamp (2)")] }));
      assert.deepEqual(await named, ["Lamp (3)"]);
    } finally {
      await stack.close(0);
    }
  });

  it("6762-9: of two that probe at the same time, whose record comes later has the name", async () => {
    const wire = new Wire(), stack = await wire.open(1, { localName: "lamp" });
    try {
      const publishing = stack.publish(SERVICE);
      const isAsked = (): boolean => wire.messages().some((m) => m.questions.some((q) => q.name[0] === "Lamp"));
      await until("a probe", isAsked);
      const began = performance.now();
      const probe = (port: number): Buffer => ask(instance("Lamp"), TYPE.ANY, { authorities: [srv("Lamp", port)] });
      wire.tell(probe(255));
      await publishing;
      assert.ok(performance.now() - began >= 1000, "the loser waits for a second");
    } finally {
      await stack.close(0);
    }
  });

  it("6762-15: a long text and its records fit into packets; what cannot is refused", async () => {
    const text = Object.fromEntries(Array.from({ length: 5 }, (_, i) => [`k${i}`, "v".repeat(240)]));
    const subtypes = Array.from({ length: 20 }, (_, i) => `_kind-${i}`);
    await published({ text, subtypes, name: "n".repeat(63) }, async (wire, stack) => {
      wire.tell(ask(TYPE_NAME, TYPE.PTR));
      await until("the pointer", () => wire.answers((rr) => rr.type === TYPE.PTR).length >= 1);
      assert.ok(wire.messages().every((m) => m.size <= 1452));
      await assert.rejects(stack.publish({ ...SERVICE, text, name: "N".repeat(63) }), { code: "IN_USE" });
    });
    const wire = new Wire(), small = await wire.open(1, { localName: "lamp", mtu: 576 });
    await assert.rejects(small.publish({ ...SERVICE, text }), RangeError);
    await small.close(0);
    const nameless = await new Wire().open(1);
    await assert.rejects(nameless.publish(SERVICE), { code: "STATE" });
    assert.throws(() => nameless.browse("http"), RangeError);
    nameless.udp({ port: 5353 });
    assert.throws(() => nameless.browse("_http._tcp"), { code: "IN_USE" });
    await nameless.close(0);
  });
});

describe("stack.browse", { concurrency: true }, () => {
  it("6763-6: finds what another stack publishes, what it says, and when it goes; connect takes its host", async () => {
    const wire = new Wire(), lamp = await wire.open(1, { localName: "lamp" }), other = await wire.open(2);
    try {
      const browser = other.browse("_http._tcp"), up = once(browser, "up") as Promise<[FoundService]>;
      const name = "Küche. Lampe";
      const [service, [found]] = await Promise.all([lamp.publish({ ...SERVICE, name }), up]);
      assert.deepEqual({ ...found, text: { ...found.text } }, { ...SERVICE, name, host: "lamp.local" });
      assert.deepEqual(browser.services, [found]);
      const late = other.browse("_http._tcp");
      assert.deepEqual((await once(late, "up"))[0], found, "who comes later asks");
      const server = lamp.listen({ port: 80 });
      const connection = await other.connect({ host: found.host, port: found.port });
      assert.equal((await server.accept())?.remoteAddress, "10.0.0.2");
      connection.destroy();
      const down = once(browser, "down");
      service.close();
      assert.deepEqual(await down, [found]);
      assert.deepEqual(browser.services, []);
    } finally {
      await lamp.close(0);
      await other.close(0);
    }
  });

  it("6763-7: no TXT record is an empty one; others' types, and a flood of names, are not kept", async () => {
    const wire = new Wire(), stack = await wire.open(2);
    try {
      const browser = stack.browse("_http._tcp"), found: FoundService[] = [];
      browser.on("up", (service: FoundService) => found.push(service));
      await until("it asks", () => wire.messages().some((m) => m.questions[0]?.type === TYPE.PTR));
      const stray: Rr = { ...ptr("x"), target: ["x", "_ipp", "_tcp", "local"] };
      wire.tell(write({ response: true, answers: [stray, ptr("Bare"), srv("Bare", 9, "bare.local")] }));
      await until("it is found", () => found.length === 1, 20_000);
      const [{ name, host, port, text }] = found as [FoundService];
      assert.deepEqual([name, host, port, { ...text }], ["Bare", "bare.local", 9, {}]);
      for (let i = 0; i < 400; i += 10)
        wire.tell(write({ response: true, answers: Array.from({ length: 10 }, (_, j) => ptr(`flood ${i + j}`)) }));
      for (let i = 0; i < 400; i += 10)
        wire.tell(write({ response: true, answers: Array.from({ length: 10 }, (_, j) => srv(`flood ${i + j}`)) }));
      await until("the first ones are found", () => found.length > 100, 30_000);
      await new Promise((resolve) => setTimeout(resolve, 300));
      assert.ok(found.length <= 256, `${found.length}`);
    } finally {
      await stack.close(0);
    }
  });
});
