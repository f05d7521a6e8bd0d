/** DNS over TCP: what does not fit into a datagram, from servers that do well, and from others. In virtual time. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Wire } from "../../host/links/loopback.js";
import type { Datagram, StackModule } from "../../host/stack.js";
import { SMALL } from "../harness/bench.js";
import { be, ip4 } from "../harness/codec.js";
import { hex6, ip6 } from "../harness/codec6.js";
import { A, AAAA, QNAME, readQuery, record, response, type Query, type Response } from "../harness/dns.js";
import { entropyOf } from "../harness/entropy.js";
import { Polled } from "../harness/polled.js";

const SECOND = 1e6, CUT = 0x8380, SERVER = ip4("10.0.0.2"), OTHER = ip4("10.0.0.3"), HOST = ip4("93.184.216.34");
const HOST6 = ip6("2001:db8:9::80");

/** What a server does with the connection of a question: bytes that it sends, then perhaps how it ends. */
interface Does { bytes?: number[]; then?: "close" | "abort" }

const address = (n = 0): number[] => record(QNAME, A, 60, be(4, HOST + n));
const framed = (message: Uint8Array | number[]): number[] => [...be(2, message.length), ...message];
const answered = (q: Query, r: Response = { answers: [address()] }): Does => ({ bytes: framed(response(q, r)) });

const make = (n: number, more: object = {}): StackModule => Polled.stack({
  ip: `10.0.0.${n}/24`, entropy: entropyOf(n), connsMax: 4, halfOpenMax: 4, timeWaitMax: 4,
  policy: { announce: false }, ...more,
});

/** A server that answers over UDP that there is more, and over TCP what a test says. */
class Server {
  readonly udp: number;
  readonly listener: number;
  /** Questions over UDP, and over TCP; connections that came. */
  asked: Query[] = [];
  streamed: Query[] = [];
  conns: number[] = [];
  /** From which port the last question over UDP came. */
  port = 0;
  /** Bytes of each connection that are no whole question yet. */
  #got = new Map<number, number[]>();
  #to = new Map<number, number[]>();
  #then = new Map<number, Does["then"]>();
  #shut = new Set<number>();

  constructor(readonly stack: StackModule, public does: (q: Query) => Does = answered, public isSilent = false) {
    this.udp = stack.udpOpen(53);
    this.listener = stack.listen(53);
  }

  /** How a connection of its is: ended in order, or not. */
  state(i: number): string {
    return this.stack.info(this.conns[i]!).stateName;
  }

  /** What came; an ICMP error is nothing. */
  #datagram(): Datagram | null {
    try {
      return this.stack.udpReceive(this.udp);
    } catch {
      return null;
    }
  }

  turn(): boolean {
    let changed = false;
    for (let d: Datagram | null; (d = this.#datagram()) !== null; changed = true) {
      const q = readQuery(d.data);
      this.asked.push(q);
      this.port = d.port;
      this.stack.udpSend(this.udp, d.ip, d.port, response(q, { flags: CUT }));
    }
    if (this.isSilent) return changed;
    for (let h = this.stack.accept(this.listener); h > 0; h = this.stack.accept(this.listener)) this.conns.push(h);
    for (const h of this.conns) if (this.#serve(h)) changed = true;
    return changed;
  }

  #end(h: number): number {
    this.#shut.add(h);
    return h;
  }

  #serve(h: number): boolean {
    const got = this.#got.get(h) ?? [], before = got.length;
    while (this.stack.receivable(h) > 0) got.push(...this.stack.receive(h)!);
    this.#got.set(h, got);
    const length = got.length < 2 ? Infinity : got[0]! * 256 + got[1]!, to = this.#to.get(h) ?? [];
    if (got.length >= 2 + length) {
      const q = readQuery(Uint8Array.from(got.splice(0, 2 + length)).slice(2));
      this.streamed.push(q);
      const { bytes = [], then } = this.does(q);
      to.push(...bytes);
      this.#then.set(h, then);
    }
    this.#to.set(h, to);
    if (to.length > 0) to.splice(0, this.stack.send(h, Uint8Array.from(to)));
    const then = to.length === 0 ? this.#then.get(h) : undefined;
    this.#then.delete(h);
    if ((then === "close" || this.stack.receivable(h) === 0) && !this.#shut.has(h)) this.stack.shutdown(this.#end(h));
    if (then === "abort") this.stack.exports.tcp_abort(h);
    if (then === "abort") this.conns.splice(this.conns.indexOf(h), 1);
    return got.length !== before || then !== undefined;
  }
}

class Net {
  readonly wire = new Wire(1, 1_000_000);
  readonly client: StackModule;
  readonly servers: Server[];
  /** Events of sockets that the application never opened. */
  strange = 0;
  told = 0;

  constructor(does: (q: Query) => Does = answered, servers = 1, more: object = {}) {
    this.client = make(1, more);
    this.servers = Array.from({ length: servers }, (_, i) => new Server(make(2 + i), does));
    this.wire.attach(this.client, { delayUs: 1000 });
    for (const s of this.servers) this.wire.attach(s.stack, { delayUs: 1000 });
    this.wire.onPolled = (port) => {
      if (port > 0) return this.servers[port - 1]!.turn();
      this.client.drainEvents((handle) => {
        if (handle === 0) this.told++;
        else this.strange++;
      });
      return false;
    };
    this.client.dnsServers([SERVER, OTHER].slice(0, servers));
  }

  get server(): Server {
    return this.servers[0]!;
  }

  pass(seconds: number): void {
    this.wire.run(() => false, this.wire.nowUs + seconds * SECOND);
  }

  lookup(name = "a.test"): number[] | undefined | string {
    try {
      return this.client.lookup(name);
    } catch (e) {
      return (e as { code: string }).code;
    }
  }

  /** Looks a name up, and waits for what comes of it. Returns that, and how many seconds it took. */
  find(name = "a.test"): [number[] | undefined | string, number] {
    const from = this.wire.nowUs;
    let found = this.lookup(name);
    for (let told = this.told; found === undefined; told = this.told, found = this.lookup(name))
      assert.ok(this.wire.run(() => this.told > told, from + 200 * SECOND), "it has no end");
    return [found, Math.round((this.wire.nowUs - from) / SECOND)];
  }

  /** Nothing is left of the connections. */
  isClean(): void {
    assert.deepEqual([this.client.pools().connections, this.strange, this.client.resolver().asking], [0, 0, 0]);
  }
}

if (!SMALL) {
  describe("RFC 7766: DNS over TCP", () => {
    it("1035-6 7766-1 7766-2: a cut answer is asked for over TCP, of the same server, with a length before it", () => {
      const net = new Net(), sizes: number[] = [];
      net.wire.onSend = ({ from, frame }) => {
        // Text of a segment of ours.
        if (from === 0 && frame[12] === 8 && frame[23] === 6) sizes.push(frame[16]! * 256 + frame[17]! - 20
          - (frame[46]! >> 4) * 4);
      };
      assert.deepEqual(net.find()[0], [HOST]);
      const { asked, streamed } = net.server;
      assert.deepEqual([asked.length, streamed.length], [1, 1]);
      assert.deepEqual([streamed[0]!.flags, streamed[0]!.counts, streamed[0]!.type], [0x0100, [1, 0, 0, 0], A]);
      assert.equal(streamed[0]!.name.toLowerCase(), "a.test");
      assert.ok(streamed[0]!.id !== asked[0]!.id || streamed[0]!.name !== asked[0]!.name, "it is another question");
      assert.deepEqual(sizes.filter((n) => n > 0), [2 + 12 + 8 + 4], "length and question leave together");
      const { sent, taken, streamed: over, noConnection, dropped } = net.client.resolver();
      assert.deepEqual([sent, taken, over, noConnection, dropped], [2, 2, 1, 0, 0]);
      assert.equal(net.told, 1);
      net.pass(1);
      assert.deepEqual(net.lookup(), [HOST], "it is remembered");
      assert.equal(net.server.asked.length, 1);
    });

    it("7766-3: the connection ends in order when the answer is there, and is nobody's handle", () => {
      const net = new Net();
      net.find();
      net.pass(1);
      net.isClean();
      assert.equal(net.server.state(0), "CLOSED");
      assert.equal(net.server.stack.info(net.server.conns[0]!).error, 0);
    });

    it("over IPv6 as over IPv4", () => {
      const net = new Net((q) => answered(q, { answers: [record(QNAME, AAAA, 60, [...HOST6])] }));
      for (const stack of [net.client, net.server.stack]) stack.ip6Start(new Uint8Array(16).fill(7));
      net.pass(3);
      net.client.dnsServers([net.server.stack.ip6Addresses().find((a) => a.origin === "link-local")!.bytes]);
      assert.equal(net.client.lookup6("a.test"), undefined);
      net.pass(1);
      assert.deepEqual(net.client.lookup6("a.test")!.map(hex6), [hex6(HOST6)]);
      assert.deepEqual([net.server.streamed[0]!.type, net.client.resolver().streamed], [AAAA, 1]);
      net.pass(1);
      net.isClean();
    });

    it("7766-4: names that wait go over the one connection, one after the other; another server has another", () => {
      const net = new Net(answered, 2);
      for (const name of ["a.test", "b.test", "c.test"]) net.lookup(name);
      for (const name of ["a.test", "b.test", "c.test"]) assert.deepEqual(net.find(name)[0], [HOST], name);
      net.pass(1);
      assert.deepEqual(net.servers.map((s) => [s.streamed.length, s.conns.length]), [[3, 1], [0, 0]]);
      net.isClean();
    });

    it("7766-7: a server may close after each answer: whose turn comes then has a connection of its own", () => {
      const net = new Net((q) => ({ ...answered(q), then: "close" })), names = ["a.test", "b.test", "c.test", "d.test"];
      for (const name of names) net.lookup(name);
      for (const name of names) assert.deepEqual(net.find(name)[0], [HOST], name);
      net.pass(1);
      const { asked, streamed, conns } = net.server;
      assert.deepEqual([asked.length, streamed.length, conns.length], [4, 4, 4]);
      net.isClean();
    });

    it("an answer may come in pieces, and be longer than the rings", () => {
      const all = Array.from({ length: 60 }, (_, i) => address(i));
      const net = new Net((q) => answered(q, { answers: all }), 1, { sendRing: 64, recvRing: 64 });
      const long = ["a", "b", "c"].map((l) => l.repeat(60)).join(".");
      assert.deepEqual(net.find(long)[0], [HOST, HOST + 1, HOST + 2, HOST + 3]);
      net.pass(1);
      net.isClean();
    });

    const WRONG: Record<string, (q: Query) => Does> = {
      "another number": (q) => answered(q, { id: q.id ^ 1, answers: [address()] }),
      "another question": (q) => answered(q, { question: [...q.question.slice(0, -4), 0, AAAA, 0, 1] }),
      "other letters": (q) => answered(q, {
        question: q.question.map((c) => (c > 64 && c < 123 ? c ^ 32 : c)), answers: [address()],
      }),
      "that there is still more": (q) => answered(q, { flags: CUT, answers: [address()] }),
      "no length": () => ({ bytes: [0, 0] }),
      "a length below a header": () => ({ bytes: framed(new Uint8Array(11)) }),
      "more than there is room for": () => ({ bytes: framed(new Uint8Array(4097)) }),
      "nothing, and closes": () => ({ then: "close" }),
      "half of it, and closes": (q) => ({ bytes: answered(q).bytes!.slice(0, 20), then: "close" }),
      "one byte, and resets": () => ({ bytes: [0], then: "abort" }),
      "nothing at all": () => ({}),
      "half of it, and then nothing": (q) => ({ bytes: answered(q).bytes!.slice(0, 20) }),
    };
    for (const [what, does] of Object.entries(WRONG)) {
      it(`7766-5: a server that says ${what}: the next one is asked, and then there is one clear error`, () => {
        const net = new Net(does, 2);
        net.servers[1]!.does = answered;
        const [found, took] = net.find();
        // Whoever closes has said that nothing follows: nobody waits for more.
        assert.deepEqual([found, took <= (/closes|resets/.test(what) ? 0 : 9)], [[HOST], true], `${took} s`);
        assert.equal(net.servers[1]!.streamed.length, 1);
        net.pass(1);
        net.isClean();
        const alone = new Net(does), [failed, after] = alone.find();
        assert.deepEqual([failed, after <= 25, alone.server.asked.length], ["SIZE", true, 3], `${after} s`);
        alone.pass(1);
        alone.isClean();
      });
    }

    it("a server without TCP, by a RST or in silence", () => {
      const net = new Net();
      net.server.isSilent = true;
      net.server.stack.exports.tcp_close(net.server.listener);
      assert.deepEqual(net.find(), ["SIZE", 0]);
      const deaf = new Net();
      deaf.wire.decide = ({ from, frame }) => (from === 1 && frame[23] === 6 ? "drop" : undefined);
      assert.deepEqual(deaf.find(), ["SIZE", 24]);
      deaf.pass(1);
      deaf.isClean();
    });

    it("7766-6: no connection is free: it is counted, and SIZE; what is there goes on", () => {
      const net = new Net(answered, 1, { connsMax: 1 });
      const listener = net.server.stack.listen(7), own = net.client.connect(SERVER, 7);
      net.wire.run(() => net.client.info(own).stateName === "ESTABLISHED", 10 * SECOND);
      net.strange = 0;
      assert.deepEqual(net.find(), ["SIZE", 0]);
      const { noConnection, streamed } = net.client.resolver();
      assert.deepEqual([noConnection, streamed, net.client.info(own).stateName], [3, 0, "ESTABLISHED"]);
      assert.ok(net.server.stack.accept(listener) > 0);
    });

    it("the answer over UDP counts no more once it is asked over TCP", () => {
      const net = new Net(() => ({}));
      net.lookup();
      net.wire.run(() => net.server.streamed.length > 0, 3 * SECOND);
      const { server } = net, late = response(server.asked[0]!, { answers: [address(9)] });
      server.stack.udpSend(server.udp, ip4("10.0.0.1"), server.port, late);
      net.pass(0.1);
      assert.deepEqual([net.lookup(), net.client.resolver().taken], [undefined, 1]);
    });

    it("another address, or other servers: the connection is gone, and it is asked anew", () => {
      for (const change of ["address", "servers"]) {
        const net = new Net(() => ({}), 2);
        net.servers[1]!.does = answered;
        net.lookup();
        net.wire.run(() => net.server.streamed.length > 0, 3 * SECOND);
        if (change === "address") net.client.setAddress(ip4("10.0.0.9"), 24);
        else net.client.dnsServers([OTHER]);
        // Before the next poll, too, nobody hears of a connection that is not the application's.
        net.client.drainEvents((handle) => void (net.strange += handle === 0 ? 0 : 1));
        assert.deepEqual(net.find()[0], [HOST], change);
        net.pass(1);
        net.isClean();
      }
    });

    it("a server's name that goes away takes its connection with it", () => {
      const net = new Net(() => ({}));
      net.lookup();
      net.wire.run(() => net.server.streamed.length > 0, 3 * SECOND);
      net.client.dnsServers([]);
      assert.deepEqual(net.find(), ["NO_ANSWER", 1]);
      net.isClean();
    });
  });
}
