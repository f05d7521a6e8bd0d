/** DHCP: the client's state machine (RFC 2131 §4.4), its messages, and what a hostile server may say. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Lease } from "../../host/stack.js";
import type { StackOptions } from "../../host/config.js";
import { SMALL } from "../harness/bench.js";
import { arp, be, BROADCAST, ip4, MAC_PEER, MAC_STACK, tcp, udp, type Seen } from "../harness/codec.js";
import { address, dhcpFrame, END, isDhcp, option, readDhcp, TYPE, type Message, type Reply } from "../harness/dhcp.js";
import { entropyOf } from "../harness/entropy.js";
import { Polled } from "../harness/polled.js";

const SERVER = ip4("10.0.0.2"), OFFERED = ip4("10.0.0.77"), EVERYBODY = 0xffffffff, HOUR = 3600;
const MAC = MAC_STACK.map((b) => b.toString(16).padStart(2, "0")).join(":");

/** A client, and a network with nothing on it but what the test says. */
class Net extends Polled {
  constructor(options: Partial<StackOptions> = {}, start = true) {
    super(Polled.stack({
      mac: MAC, entropy: entropyOf(3), connsMax: 4, halfOpenMax: 4, timeWaitMax: 4, ...options,
    }));
    if (start) this.stack.dhcpStart(0, "lamp");
    this.poll();
  }

  /** The next message of the client, its type and its frame. */
  message(type: number): Message & { frame: Seen } {
    const i = this.out.findIndex(isDhcp);
    assert.ok(i >= 0, "a message of the client was expected");
    const [frame] = this.out.splice(0, i + 1).slice(-1), m = readDhcp(frame!.data);
    assert.ok(frame!.sumOk && frame!.ip.sumOk && frame!.sport === 68);
    assert.deepEqual(m.options.get(53), [type]);
    return { ...m, frame: frame! };
  }

  quiet(): void {
    assert.deepEqual(this.out.filter(isDhcp).map((s) => readDhcp(s.data).options.get(53)), []);
  }

  reply(type: number, m: Message, more: Partial<Reply> & { server?: number } = {}, dst = EVERYBODY): void {
    const { server = SERVER, options, ...rest } = more;
    this.frame(dhcpFrame(server, dst, {
      xid: m.xid, yiaddr: type === TYPE.NAK ? 0 : OFFERED,
      options: [...option(53, type), ...address(54, server), ...(options ?? [...address(51, HOUR), ...address(1, ip4("255.255.255.0")), ...address(3, SERVER), END])], ...rest,
    }));
  }

  get lease(): Lease {
    return this.stack.lease();
  }

  /** Up to a REQUEST for the address that was offered. */
  requesting(): Message {
    this.reply(TYPE.OFFER, this.message(TYPE.DISCOVER));
    return this.message(TYPE.REQUEST);
  }

  /** Up to BOUND, with these options in the ACK. */
  bound(options?: number[]): this {
    this.reply(TYPE.ACK, this.requesting(), options === undefined ? {} : { options });
    this.advance(400);
    assert.equal(this.lease.state, "BOUND");
    // Whoever is asked is there.
    this.frame(arp(1, { mac: MAC_PEER, ip: SERVER }, { mac: [0, 0, 0, 0, 0, 0], ip: OFFERED }));
    this.out = [];
    this.told = 0;
    return this;
  }
}

/** A lease of a minute. */
const minute = (): number[] => [...address(51, 60), ...address(1, ip4("255.255.255.0")), END];
const probesOf = (out: Seen[]): Seen[] => out.filter((s) => s.kind === "arp" && s.op === 1 && s.ip.src === 0);

if (!SMALL) {
  describe("RFC 2131 §4.4.1: from INIT to BOUND", () => {
    it("2131-10 2131-9 2131-1 2132-6 2132-7: DISCOVER goes from 0.0.0.0 port 68 to everybody's port 67, with a cookie, an identifier and a size of 576 at least", () => {
      const net = new Net(), m = net.message(TYPE.DISCOVER);
      assert.deepEqual([m.frame.ip.src, m.frame.ip.dst, m.frame.dport, m.op, m.ciaddr, m.secs], [0, EVERYBODY, 67, 1, 0, 0]);
      assert.deepEqual(m.frame.dstMac, BROADCAST);
      assert.deepEqual(m.chaddr, MAC_STACK);
      // RFC 4361 §6.1: 255, an IAID, a DUID of type 3.
      assert.deepEqual(m.options.get(61), [255, 0, 0, 0, 1, 0, 3, 0, 1, ...MAC_STACK]);
      assert.deepEqual(m.options.get(55), [1, 121, 3, 6, 15, 26, 28, 42]);
      const [high, low] = m.options.get(57)!;
      assert.ok(high! * 256 + low! >= 576);
      assert.deepEqual(m.options.get(12), [..."lamp"].map((c) => c.charCodeAt(0)));
      assert.equal(m.frame.data.length >= 300, true);
      assert.equal(net.stack.ownAddress(), 0);
    });

    it("2131-14 2131-2: asks for no broadcast, and takes an answer to the address that is not its own yet", () => {
      const net = new Net(), m = net.message(TYPE.DISCOVER);
      assert.equal(m.flags, 0);
      net.reply(TYPE.OFFER, m, {}, OFFERED);
      net.message(TYPE.REQUEST);
    });

    it("2131-5 2131-16 2131-21 2131-15: REQUEST has the offer's number, address and server, ciaddr 0, and the list and identifier of the DISCOVER", () => {
      const net = new Net(), d = net.message(TYPE.DISCOVER);
      net.advance(2500);
      net.reply(TYPE.OFFER, d);
      const r = net.message(TYPE.REQUEST);
      assert.deepEqual([r.xid, r.ciaddr, r.secs], [d.xid, 0, d.secs]);
      assert.deepEqual(r.options.get(50), be(4, OFFERED));
      assert.deepEqual(r.options.get(54), be(4, SERVER));
      for (const same of [55, 57, 61, 12]) assert.deepEqual(r.options.get(same), d.options.get(same));
      assert.deepEqual([r.frame.ip.src, r.frame.ip.dst], [0, EVERYBODY]);
    });

    it("uses the address after three probes that nobody answers, and announces it", () => {
      const net = new Net();
      net.reply(TYPE.ACK, net.requesting(), { options: [
        ...address(51, HOUR), ...address(1, ip4("255.255.255.0")), ...address(3, SERVER, ip4("10.0.0.3")), ...address(6, SERVER, ip4("9.9.9.9")), ...option(15, ...[..."example.test"].map((c) => c.charCodeAt(0))),
        ...option(26, 5, 0), ...address(28, ip4("10.0.0.255")), ...address(42, ip4("10.0.0.9")), END,
      ] });
      assert.deepEqual([net.lease.state, net.stack.ownAddress()], ["PROBING", 0]);
      net.advance(400);
      const { lease } = net;
      assert.deepEqual(
        [lease.state, lease.ip, lease.prefix, lease.gateway, lease.server, lease.dns, lease.domain, lease.mtu, lease.broadcast, lease.ntp, lease.leaseS, net.told],
        ["BOUND", OFFERED, 24, SERVER, SERVER, [SERVER, ip4("9.9.9.9")], "example.test", 1280, ip4("10.0.0.255"), [ip4("10.0.0.9")], HOUR, 1],
      );
      assert.deepEqual(probesOf(net.out).map((s) => s.ip.dst), [OFFERED, OFFERED, OFFERED]);
      assert.equal(net.out.filter((s) => s.kind === "arp" && s.ip.src === OFFERED && s.ip.dst === OFFERED).length, 1);
    });

    it("2131-11 2131-12: sends again after about 4, 8, 16, 32 and 64 s, each a second more or less, and two clients do not share numbers", () => {
      const times = (seed: number): { at: number[]; xid: number } => {
        const net = new Net({ entropy: entropyOf(seed) }), start = net.nowUs, at: number[] = [];
        let xid = 0;
        for (let s = 0; s < 200; s += 0.05) {
          net.advance(50);
          for (const m of net.out.filter(isDhcp)) {
            at.push((net.nowUs - start) / 1e6);
            xid = readDhcp(m.data).xid;
          }
          net.out = [];
        }
        return { at, xid };
      };
      const first = times(1), second = times(2);
      const gaps = first.at.map((t, i) => t - (first.at[i - 1] ?? 0)).slice(1);
      [4, 8, 16, 32, 64].forEach((s, i) => assert.ok(Math.abs(gaps[i]! - s) <= 1.1, `${i}: ${gaps[i]}`));
      assert.ok(first.at.length >= 6);
      assert.notDeepEqual(first.at, second.at);
      assert.notEqual(first.xid, second.xid);
    });

    it("begins anew when nobody answers the REQUEST", () => {
      const net = new Net(), r = net.requesting();
      net.advance(62_500);
      assert.deepEqual(net.out.filter(isDhcp).map((s) => readDhcp(s.data).options.get(53)![0]), [3, 3, 3, 1]);
      assert.notEqual(readDhcp(net.out.filter(isDhcp).at(-1)!.data).xid, r.xid);
    });

    it("2131-3 2131-4: somebody has the address: DECLINE with address and server, and a pause of 10 s", () => {
      for (const heard of [
        arp(2, { mac: MAC_PEER, ip: OFFERED }, { mac: MAC_STACK, ip: 0 }, MAC_STACK),
        // Another host that probes for it, too (RFC 5227 §2.1.1).
        arp(1, { mac: MAC_PEER, ip: 0 }, { mac: [0, 0, 0, 0, 0, 0], ip: OFFERED }),
      ]) {
        const net = new Net();
        net.reply(TYPE.ACK, net.requesting());
        net.frame(heard);
        const m = net.message(TYPE.DECLINE);
        assert.deepEqual([m.ciaddr, m.options.get(50), m.options.get(54), m.frame.ip.src, m.frame.ip.dst], [0, be(4, OFFERED), be(4, SERVER), 0, EVERYBODY]);
        net.advance(9000);
        net.quiet();
        net.advance(1100);
        net.message(TYPE.DISCOVER);
        assert.deepEqual([net.lease.declined, net.stack.ownAddress()], [1, 0]);
      }
    });

    it("its own probe that comes back, and ARP about others, are no conflict", () => {
      const net = new Net();
      net.reply(TYPE.ACK, net.requesting());
      net.frame(arp(1, { mac: MAC_STACK, ip: 0 }, { mac: [0, 0, 0, 0, 0, 0], ip: OFFERED }));
      net.frame(arp(1, { mac: MAC_PEER, ip: SERVER }, { mac: [0, 0, 0, 0, 0, 0], ip: ip4("10.0.0.9") }));
      net.advance(400);
      assert.equal(net.lease.state, "BOUND");
    });

    it("2131-6: a NAK sends it back to DISCOVER; the third in a row waits", () => {
      const net = new Net();
      net.reply(TYPE.NAK, net.requesting(), { options: [END] });
      net.reply(TYPE.NAK, net.requesting(), { options: [END] });
      net.quiet();
      net.advance(5100);
      net.reply(TYPE.NAK, net.requesting(), { options: [END] });
      net.advance(6900);
      net.quiet();
      net.advance(2200);
      net.message(TYPE.DISCOVER);
      assert.equal(net.lease.refused, 3);
    });
  });

  describe("RFC 2131 §4.4.5: renewal", () => {
    it("2131-22 2131-18: at T1, half of the lease, it asks its server alone, with ciaddr, and names neither server nor address", () => {
      const net = new Net().bound();
      net.advance(HOUR * 500 - 5000);
      net.quiet();
      net.advance(5000);
      const m = net.message(TYPE.REQUEST);
      assert.deepEqual([m.frame.ip.src, m.frame.ip.dst, m.ciaddr, m.options.has(50), m.options.has(54)], [OFFERED, SERVER, OFFERED, false, false]);
      assert.equal(net.lease.state, "RENEWING");
      net.reply(TYPE.ACK, m, {}, OFFERED);
      assert.deepEqual([net.lease.state, net.lease.ip, Math.round(net.lease.endsMs / 1000)], ["BOUND", OFFERED, HOUR]);
      assert.deepEqual(probesOf(net.out), []);
    });

    it("2131-23: waits for half of what is left between tries, 60 s at least", () => {
      const net = new Net().bound(), at: number[] = [], start = net.nowUs;
      for (let s = 0; s < HOUR * 0.87; s++) {
        net.advance(1000);
        for (const m of net.out.filter(isDhcp)) {
          assert.equal(m.ip.dst, SERVER);
          at.push((net.nowUs - start) / 1e6);
        }
        net.out = net.out.filter((f) => f.kind === "arp" && f.ip.dst === SERVER);
        if (net.out.length > 0) net.frame(arp(2, { mac: MAC_PEER, ip: SERVER }, { mac: MAC_STACK, ip: OFFERED }, MAC_STACK));
        net.out = [];
      }
      const want = [1800, 2475, 2812, 2981, 3065, 3125];
      assert.equal(at.length, want.length, at.join(" "));
      want.forEach((s, i) => assert.ok(Math.abs(at[i]! - s) < 5, at.join(" ")));
    });

    it("2131-22: at T2, seven eighths, it asks everybody; another server's ACK is taken", () => {
      const net = new Net().bound(), other = ip4("10.0.0.3");
      net.advance(HOUR * 875);
      const m = net.out.filter(isDhcp).at(-1)!, r = readDhcp(m.data);
      assert.deepEqual([m.ip.src, m.ip.dst, r.ciaddr, r.options.has(50), r.options.has(54), net.lease.state], [OFFERED, EVERYBODY, OFFERED, false, false, "REBINDING"]);
      net.reply(TYPE.ACK, r, { server: other });
      assert.deepEqual([net.lease.state, net.lease.server], ["BOUND", other]);
    });

    it("T1 and T2 are the server's if they can be", () => {
      for (const [t1, t2, renews, rebinds] of [[100, 200, 100, 200], [200, 100, 1800, 3150], [100, 4000, 1800, 3150], [0, 200, 1800, 3150]] as const) {
        const { lease } = new Net().bound([...address(51, HOUR), ...address(1, ip4("255.255.255.0")), ...address(58, t1), ...address(59, t2), END]);
        assert.deepEqual([Math.round(lease.renewMs / 1000), Math.round(lease.rebindMs / 1000)], [renews, rebinds]);
      }
    });

    it("2131-8: a lease for ever is never renewed", () => {
      const net = new Net().bound([...address(51, 0xffffffff), ...address(1, ip4("255.255.255.0")), END]);
      net.advance(400 * 86_400_000);
      net.quiet();
      assert.deepEqual([net.lease.state, net.lease.endsMs], ["BOUND", Infinity]);
    });

    it("2131-24: when the lease is over without an answer the address goes at once, connections with it by name, and the search begins", () => {
      const net = new Net().bound();
      const listener = net.stack.listen(80, 4);
      net.advance(HOUR * 1000 - 1500);
      assert.equal(net.stack.ownAddress(), OFFERED);
      const late = net.stack.connect(SERVER, 11, 50002);
      net.poll();
      net.out = [];
      net.advance(2000);
      assert.equal(net.stack.ownAddress(), 0);
      assert.ok(net.told >= 1);
      assert.throws(() => net.stack.receive(late), { code: "NO_ADDRESS" });
      assert.ok(net.stack.listenerInfo(listener).backlog === 4, "the listener is still there");
      assert.throws(() => net.stack.connect(SERVER, 9), { code: "UNREACHABLE" });
      net.message(TYPE.DISCOVER);
    });

    it("2131-24: it ends in time although the link changed just before", () => {
      for (const before of [100, 3000, 5000, 25_000]) {
        const net = new Net().bound(minute());
        net.advance(60_000 - 400 - before);
        net.stack.linkChanged();
        net.poll();
        net.advance(before - 50);
        assert.equal(net.stack.ownAddress(), OFFERED, `${before} ms before the end`);
        net.advance(100);
        assert.deepEqual([net.stack.ownAddress(), net.lease.endsMs], [0, Infinity], `${before} ms before the end`);
        net.message(TYPE.REQUEST);
        net.advance(1);
        assert.equal(net.lease.state, "SELECTING");
      }
    });

    it("2131-24: it ends in time although the link comes and goes", () => {
      const net = new Net().bound(minute());
      for (let s = 3; s < 60; s += 3) {
        net.advance(3000);
        net.stack.linkChanged();
        net.poll();
        assert.equal(net.stack.ownAddress(), OFFERED, `after ${s} s`);
      }
      net.advance(3000);
      assert.equal(net.stack.ownAddress(), 0);
    });

    it("its time counts from the request: one that was over before its ACK came is none, and one that is over while the address is probed neither", () => {
      const late = new Net(), m = late.requesting();
      late.advance(3000);
      late.told = 0;
      late.reply(TYPE.ACK, m, { options: [...address(51, 2), END] });
      assert.deepEqual([late.lease.state, late.lease.dropped, late.lease.endsMs], ["REQUESTING", 1, Infinity]);
      late.advance(400);
      assert.equal(late.told, 0);
      const close = new Net(), r = close.requesting();
      close.advance(1900);
      close.told = 0;
      close.reply(TYPE.ACK, r, { options: [...address(51, 2), END] });
      assert.equal(close.lease.state, "PROBING");
      close.advance(400);
      assert.deepEqual([close.lease.state, close.lease.endsMs, close.told, close.stack.ownAddress()], ["SELECTING", Infinity, 0, 0]);
    });

    it("an ACK that comes with its end does not make it longer", () => {
      const net = new Net().bound(minute());
      net.advance(60_000 - 400 - 2000);
      const m = readDhcp(net.out.filter(isDhcp).at(-1)!.data);
      net.nowUs += 2_000_000;
      net.reply(TYPE.ACK, m, { options: minute() });
      assert.equal(net.stack.ownAddress(), 0);
    });

    it("2131-25: a NAK while renewing takes the address away at once", () => {
      const net = new Net().bound();
      net.advance(HOUR * 500);
      net.reply(TYPE.NAK, net.message(TYPE.REQUEST), { options: [END] }, OFFERED);
      assert.equal(net.stack.ownAddress(), 0);
      net.message(TYPE.DISCOVER);
    });
  });

  describe("RFC 2131 §3.2: an address that it had", () => {
    const again = (): Net => {
      const net = new Net({}, false);
      net.stack.dhcpStart(OFFERED);
      net.poll();
      return net;
    };

    it("2131-7 2131-17: REQUEST to everybody with the address, ciaddr 0, and no server", () => {
      const net = again(), m = net.message(TYPE.REQUEST);
      assert.deepEqual([m.frame.ip.src, m.frame.ip.dst, m.ciaddr, m.options.get(50), m.options.has(54)], [0, EVERYBODY, 0, be(4, OFFERED), false]);
      net.reply(TYPE.ACK, m);
      net.advance(400);
      assert.deepEqual([net.lease.state, net.lease.ip], ["BOUND", OFFERED]);
    });

    it("refused, or without an answer, it looks for another", () => {
      const refused = again();
      refused.reply(TYPE.NAK, refused.message(TYPE.REQUEST), { options: [END] });
      refused.message(TYPE.DISCOVER);
      const alone = again();
      alone.advance(14_000);
      assert.deepEqual(alone.out.filter(isDhcp).map((s) => readDhcp(s.data).options.get(53)![0]), [3, 3, 1]);
    });

    it("the link changed: it asks whether its address is good there, keeps connections while it does, and goes on if nobody says no", () => {
      const net = new Net().bound(), handle = net.stack.connect(SERVER, 9, 50000);
      net.poll();
      net.out = [];
      net.stack.linkChanged();
      net.poll();
      const m = net.message(TYPE.REQUEST);
      assert.deepEqual([net.lease.state, m.options.get(50), m.options.has(54), m.ciaddr, net.stack.ownAddress()], ["REBOOTING", be(4, OFFERED), false, 0, OFFERED]);
      net.reply(TYPE.ACK, m);
      assert.deepEqual([net.lease.state, net.lease.endsMs], ["BOUND", HOUR * 1000]);
      assert.equal(net.stack.info(handle).stateName, "SYN-SENT");
      net.stack.linkChanged();
      net.advance(40_000);
      assert.deepEqual([net.lease.state, net.stack.ownAddress()], ["BOUND", OFFERED]);
    });
  });

  describe("the link changes before there is an address", () => {
    it("while it is probed: nothing is left of the lease that was not begun", () => {
      const net = new Net();
      net.reply(TYPE.ACK, net.requesting(), { options: [...minute().slice(0, -1), ...address(6, SERVER), ...option(15, 97), END] });
      net.advance(50);
      net.stack.linkChanged();
      net.poll();
      const { state, server, dns, domain, leaseS, endsMs, renewMs, rebindMs } = net.lease;
      assert.deepEqual([state, server, dns, domain, leaseS, endsMs, renewMs, rebindMs, net.stack.ownAddress()], ["SELECTING", 0, [], "", 0, Infinity, Infinity, Infinity, 0]);
      net.out = [];
      net.advance(2000);
      assert.deepEqual(probesOf(net.out), []);
    });

    it("while it asks for one that it had: it asks again", () => {
      const net = new Net({}, false);
      net.stack.dhcpStart(OFFERED);
      net.poll();
      net.message(TYPE.REQUEST);
      net.stack.linkChanged();
      net.poll();
      assert.deepEqual(net.message(TYPE.REQUEST).options.get(50), be(4, OFFERED));
    });
  });

  describe("RFC 2131 §4.4.6: the lease is given back", () => {
    it("2131-26 dhcp_stop tells the server alone, from the address and with what it needs, and then the address goes", () => {
      const net = new Net().bound(), handle = net.stack.connect(SERVER, 9, 50000);
      net.poll();
      net.out = [];
      // Nothing was polled for long.
      net.nowUs += 100_000_000;
      net.stack.dhcpStop();
      assert.equal(net.lease.state, "RELEASING");
      net.poll();
      const m = net.message(TYPE.RELEASE);
      assert.deepEqual([m.frame.ip.src, m.frame.ip.dst, m.frame.dstMac, m.ciaddr, m.secs, [...m.options.keys()].sort((a, b) => a - b)], [OFFERED, SERVER, MAC_PEER, OFFERED, 0, [53, 54, 61]]);
      assert.deepEqual(m.options.get(54), be(4, SERVER));
      assert.deepEqual([net.lease.state, net.stack.ownAddress(), net.told, net.lease.endsMs], ["OFF", 0, 1, Infinity]);
      assert.throws(() => net.stack.receive(handle), { code: "NO_ADDRESS" });
      net.out = [];
      net.advance(HOUR * 2000);
      assert.deepEqual(net.out, []);
    });

    it("it waits for a neighbour, for a second; what comes meanwhile changes nothing", () => {
      for (const answers of [true, false]) {
        const net = new Net(), far = ip4("10.0.0.9");
        net.reply(TYPE.OFFER, net.message(TYPE.DISCOVER), { server: far });
        const m = net.message(TYPE.REQUEST);
        net.reply(TYPE.ACK, m, { server: far });
        net.advance(400);
        net.told = 0;
        net.stack.dhcpStop();
        net.stack.dhcpStop();
        net.poll();
        net.stack.linkChanged();
        net.poll();
        net.reply(TYPE.NAK, m, { server: far });
        assert.deepEqual([net.lease.state, net.stack.ownAddress(), net.told], ["RELEASING", OFFERED, 0]);
        net.out = [];
        net.advance(900);
        net.quiet();
        if (answers) {
          net.frame(arp(2, { mac: MAC_PEER, ip: far }, { mac: MAC_STACK, ip: OFFERED }, MAC_STACK));
          assert.equal(net.message(TYPE.RELEASE).frame.ip.dst, far);
        } else {
          net.advance(200);
          net.quiet();
        }
        assert.deepEqual([net.lease.state, net.stack.ownAddress(), net.told], ["OFF", 0, 1]);
      }
    });

    it("without a lease nobody is told; dhcp_start goes on at once", () => {
      const net = new Net();
      net.out = [];
      net.stack.dhcpStop();
      net.advance(10_000);
      assert.deepEqual([net.lease.state, net.out.length], ["OFF", 0]);
      const again = new Net().bound();
      again.stack.dhcpStop();
      again.stack.dhcpStart(OFFERED);
      again.poll();
      assert.deepEqual(again.message(TYPE.REQUEST).options.get(50), be(4, OFFERED));
    });
  });

  describe("a server that lies, or another host that does", () => {
    const offered = (m: Message, more: Partial<Reply> & { server?: number }, change: (net: Net) => void = () => {}): Net => {
      const net = new Net();
      change(net);
      const mine = net.message(TYPE.DISCOVER);
      net.reply(TYPE.OFFER, { ...mine, ...m }, more);
      return net;
    };
    const good = [...address(51, HOUR), ...address(1, ip4("255.255.255.0"))];

    it("2131-20 2132-1 2132-2 2132-3 2132-4 2132-5: what does not fit, or is not well-formed, is dropped and counted", () => {
      const bad: Record<string, Partial<Reply> & { server?: number }> = {
        "another number": { xid: 1 },
        "another client": { chaddr: MAC_PEER },
        "a request": { op: 1 },
        "no cookie": { cookie: [1, 2, 3, 4] },
        "other hardware": { htype: 6 },
        "a length beyond the packet": { options: [...good, 12, 200, 1, END] },
        "no length": { options: [...good, 12] },
        "no end": { options: good },
        "a mask of length 0": { options: [...address(51, HOUR), 1, 0, END] },
        "a mask with holes": { options: [...address(51, HOUR), ...address(1, ip4("255.0.255.0")), END] },
        "routers of length 5": { options: [...good, ...option(3, 1, 2, 3, 4, 5), END] },
        "DNS servers of length 0": { options: [...good, 6, 0, END] },
        "DNS servers of length 6": { options: [...good, ...option(6, 1, 2, 3, 4, 5, 6), END] },
        "a lease of 3 bytes": { options: [...option(51, 0, 0, 1), END] },
        "no lease": { options: [END] },
        "a lease of 0 s": { options: [...address(51, 0), END] },
        "a type of two bytes": { options: [...good, ...option(53, 2, 2), END] },
        "T1 of one byte": { options: [...good, ...option(58, 1), END] },
        "an MTU of 67": { options: [...good, ...option(26, 0, 67), END] },
        "overload of 0": { options: [...good, ...option(52, 0), END] },
        "overload of a field that does not end": { options: [...good, ...option(52, 1), END], file: Array.from({ length: 128 }, () => 7) },
        "somebody else's identifier": { options: [...good, ...option(61, 1, ...MAC_PEER), END] },
        "classless routes cut off": { options: [...good, ...option(121, 24, 10, 0, 0, 10, 0, 0), END] },
        "a classless route of 33 bits": { options: [...good, ...option(121, 33, 1, 2, 3, 4, 5, 10, 0, 0, 2), END] },
        "nobody's address": { yiaddr: 0 },
        "a loopback address": { yiaddr: ip4("127.0.0.1") },
        "a group's address": { yiaddr: ip4("224.0.0.1") },
        "the broadcast address": { yiaddr: ip4("10.0.0.255"), options: [...good, END] },
        "a server that is none": { options: [...good, ...address(54, 0), END] },
      };
      for (const [what, more] of Object.entries(bad)) {
        const net = offered({} as Message, more);
        net.quiet();
        assert.deepEqual([net.lease.state, net.lease.dropped, net.stack.ownAddress()], ["SELECTING", 1, 0], what);
      }
      const net = offered({} as Message, { options: [...good, ...option(200), ...option(12, 65), 0, 0, END] });
      net.message(TYPE.REQUEST);
    });

    it("from another port, or with a wrong checksum, it is dropped", () => {
      const net = new Net(), m = net.message(TYPE.DISCOVER), r: Reply = { xid: m.xid, yiaddr: OFFERED, options: [...option(53, 2), ...address(54, SERVER), ...good, END] };
      net.frame(dhcpFrame(SERVER, EVERYBODY, r, 66));
      const frame = dhcpFrame(SERVER, EVERYBODY, r);
      frame[40]! ^= 1;
      net.frame(frame);
      net.frame(dhcpFrame(SERVER, EVERYBODY, r).slice(0, 100));
      net.quiet();
      assert.equal(net.lease.dropped, 2);
    });

    it("while it requests, nobody but the chosen server may agree or refuse, and only the address that was offered", () => {
      const net = new Net(), r = net.requesting();
      net.reply(TYPE.ACK, r, { server: ip4("10.0.0.3") });
      net.reply(TYPE.NAK, r, { server: ip4("10.0.0.3"), options: [END] });
      net.reply(TYPE.ACK, r, { yiaddr: OFFERED + 1 });
      net.reply(TYPE.OFFER, r);
      net.reply(TYPE.REQUEST, r);
      assert.deepEqual([net.lease.state, net.lease.dropped], ["REQUESTING", 5]);
      net.reply(TYPE.ACK, r);
      assert.equal(net.lease.state, "PROBING");
    });

    it("once bound, what nobody asked for changes nothing", () => {
      const net = new Net().bound();
      for (const type of [TYPE.OFFER, TYPE.ACK, TYPE.NAK]) {
        for (let xid = 0; xid < 4; xid++) net.reply(type, { xid } as Message);
      }
      assert.deepEqual([net.lease.state, net.stack.ownAddress(), net.lease.dropped, net.told], ["BOUND", OFFERED, 12, 0]);
    });

    it("2131-13: options in file and sname count; a domain that is no name is ignored, and so are addresses that are nobody's", () => {
      const net = new Net();
      net.reply(TYPE.ACK, net.requesting(), {
        options: [...good, ...option(52, 3), END], file: [...address(6, 0, ip4("127.0.0.1"), SERVER), END], sname: [...option(15, 97, 32, 10, 98), ...address(3, SERVER), END],
      });
      net.advance(400);
      assert.deepEqual([net.lease.dns, net.lease.gateway, net.lease.domain], [[SERVER], SERVER, ""]);
    });

    it("RFC 3442: with classless routes, routers do not count", () => {
      const router = ip4("10.0.0.5"), routes = [...option(121, 24, 10, 9, 9, ...be(4, ip4("10.0.0.8")), 0, ...be(4, router)), END];
      assert.equal(new Net().bound([...good, ...address(3, SERVER), ...routes]).lease.gateway, router);
      assert.equal(new Net().bound([...good, ...option(121, 24, 10, 9, 9, ...be(4, router)), ...address(3, SERVER), END]).lease.gateway, 0);
    });

    it("without a mask the address's class says it", () => {
      assert.equal(new Net().bound([...address(51, HOUR), END]).lease.prefix, 8);
    });
  });

  describe("an interface without an address", () => {
    it("answers nothing, and sends nothing but DHCP", () => {
      const net = new Net({}, false), me = ip4("10.0.0.1");
      const socket = net.stack.udpOpen(5000);
      net.stack.listen(80, 4);
      net.frame(arp(1, { mac: MAC_PEER, ip: SERVER }, { mac: [0, 0, 0, 0, 0, 0], ip: me }));
      net.frame(arp(1, { mac: MAC_PEER, ip: SERVER }, { mac: [0, 0, 0, 0, 0, 0], ip: 0 }));
      net.frame(arp(1, { mac: MAC_PEER, ip: 0 }, { mac: [0, 0, 0, 0, 0, 0], ip: 0 }));
      for (const dst of [me, 0, EVERYBODY, ip4("10.255.255.255")]) {
        net.frame(tcp({ src: SERVER, dst }, { flags: "S", seq: 1, sport: 9, dport: 80 }));
        net.frame(udp({ src: SERVER, dst }, 9, 5000, new Uint8Array(4)));
        net.frame(udp({ src: SERVER, dst }, 67, 68, new Uint8Array(300)));
        net.frame(udp({ src: SERVER, dst, frag: 0x2000 }, 67, 68, new Uint8Array(300)));
      }
      assert.throws(() => net.stack.connect(SERVER, 80), { code: "UNREACHABLE" });
      assert.throws(() => net.stack.udpSend(socket, EVERYBODY, 9, new Uint8Array(1)), { code: "UNREACHABLE" });
      net.advance(5000);
      assert.deepEqual(net.out, []);
      assert.equal(net.stack.udpReceive(socket), null);
    });

    it("talks to itself by 127/8", () => {
      const net = new Net({}, false);
      net.stack.listen(80, 4);
      const handle = net.stack.connect(ip4("127.0.0.1"), 80);
      net.poll();
      assert.equal(net.stack.info(handle).stateName, "ESTABLISHED");
      net.stack.setAddress(OFFERED, 24);
      net.poll();
      assert.equal(net.stack.info(handle).stateName, "ESTABLISHED");
    });

    it("set_address gives, changes and removes one; connections of the one before end by name, half-open ones vanish, and what waits is dropped", () => {
      const net = new Net({}, false), other = ip4("10.1.0.9");
      net.stack.setAddress(OFFERED, 24, SERVER);
      net.poll();
      assert.deepEqual([net.stack.ownAddress(), net.told], [OFFERED, 1]);
      const listener = net.stack.listen(80, 4);
      net.frame(arp(1, { mac: MAC_PEER, ip: SERVER }, { mac: [0, 0, 0, 0, 0, 0], ip: OFFERED }));
      net.frame(tcp({ src: SERVER, dst: OFFERED }, { flags: "S", seq: 1, sport: 9, dport: 80 }));
      const active = net.stack.connect(SERVER, 7), waits = net.stack.connect(ip4("10.0.0.50"), 7), socket = net.stack.udpOpen(0);
      net.stack.udpSend(socket, ip4("10.0.0.60"), 9, new Uint8Array(8));
      net.poll();
      assert.equal(net.stack.pools().halfOpenFree, 3);
      // The same address with another gateway changes nothing for connections.
      net.stack.setAddress(OFFERED, 16, ip4("10.0.0.3"));
      assert.equal(net.stack.info(active).stateName, "SYN-SENT");
      net.stack.udpSend(socket, SERVER, 9, new Uint8Array(8));
      net.stack.setAddress(0);
      net.out = [];
      net.advance(10_000);
      assert.deepEqual(net.out.map((s) => s.kind), []);
      for (const handle of [active, waits]) assert.throws(() => net.stack.receive(handle), { code: "NO_ADDRESS" });
      assert.equal(net.stack.pools().halfOpenFree, 4);
      net.stack.setAddress(other, 24, ip4("10.1.0.1"));
      net.poll();
      net.frame(arp(1, { mac: MAC_PEER, ip: ip4("10.1.0.1") }, { mac: [0, 0, 0, 0, 0, 0], ip: other }));
      net.out = [];
      net.frame(tcp({ src: SERVER, dst: other }, { flags: "S", seq: 1, sport: 9, dport: 80 }));
      assert.deepEqual(net.out.map((s) => [s.flags, s.ip.src]), [["SA", other]]);
      assert.equal(net.stack.listenerInfo(listener).halfOpen, 1);
    });

    it("RFC 1122 §3.2.1.3 (g): when an address goes, what 127/8 has to do with it ends, and nothing of 127/8 stands on the wire", () => {
      const local = ip4("127.0.0.1");
      for (const polls of [0, 1, 2, 3, 4, 5, 20]) for (const [from, to] of [[local, OFFERED], [OFFERED, local]] as const) for (const ends of [false, true]) {
        const net = new Net({ loopSlots: 2, mtu: 576, sendRing: 65536, recvRing: 65536 }, false), { stack } = net;
        stack.setAddress(OFFERED, 24, SERVER);
        net.poll();
        net.frame(arp(1, { mac: MAC_PEER, ip: SERVER }, { mac: [0, 0, 0, 0, 0, 0], ip: OFFERED }));
        const listener = stack.listen(80, 4), handle = stack.connect(to, 80, 1234, from), socket = stack.udpOpen(0);
        // The address goes in the middle of the handshake, of data, of the end; some is on the way.
        for (let i = 0; i < polls; i++) {
          stack.poll(net.nowUs);
          if (i === 3) stack.send(handle, new Uint8Array(60_000));
          if (ends && i === 4) stack.shutdown(handle);
          const peer = stack.accept(listener);
          if (peer > 0 && ends) stack.shutdown(peer);
        }
        stack.udpSend(socket, to, 9, Uint8Array.of(1));
        stack.poll(net.nowUs);
        const over = ["TIME-WAIT", "CLOSED"].includes(stack.info(handle).stateName);
        stack.setAddress(OFFERED + 1, 24, SERVER);
        net.out = [];
        net.frame(arp(1, { mac: MAC_PEER, ip: OFFERED }, { mac: [0, 0, 0, 0, 0, 0], ip: OFFERED + 1 }));
        net.advance(130_000);
        const frames = net.out.filter((s) => s.kind !== "arp" && [s.ip.src, s.ip.dst].some((ip) => ip >>> 24 === 127));
        assert.deepEqual(frames.map((s) => [s.kind, s.flags]), [], `${polls} polls`);
        assert.equal(stack.pools().halfOpenFree, 4);
        assert.ok(!over || ends);
        if (!over) assert.throws(() => stack.send(handle, Uint8Array.of(1)), { code: "NO_ADDRESS" });
      }
    });

    it("RFC 1122 §3.2.1.3 (g): from 127/8 a connection goes to ourselves only", () => {
      const net = new Net({}, false);
      net.stack.setAddress(OFFERED, 24, SERVER);
      for (const to of [SERVER, ip4("10.9.9.9")]) assert.throws(() => net.stack.connect(to, 80, 0, ip4("127.0.0.1")), { code: "ARGUMENT" });
      for (const to of [OFFERED, ip4("127.0.0.2")]) assert.ok(net.stack.connect(to, 80, 0, ip4("127.0.0.1")) > 0);
    });

    it("misuse is refused by name", () => {
      const net = new Net({ mtu: 500 }, false);
      for (const [ip, prefix, gateway] of [[0, 24, 0], [0, 0, SERVER], [EVERYBODY, 24, 0], [ip4("127.0.0.1"), 8, 0], [OFFERED, 33, 0], [OFFERED, 24, OFFERED], [ip4("10.0.0.255"), 24, 0]] as const) {
        assert.throws(() => net.stack.setAddress(ip, prefix, gateway), { code: "ARGUMENT" });
      }
      assert.throws(() => net.stack.dhcpStart(), { code: "SIZE" });
      const other = new Net({}, false);
      assert.throws(() => other.stack.dhcpStart(ip4("224.0.0.1")), { code: "ARGUMENT" });
      assert.throws(() => other.stack.dhcpStart(0, "x".repeat(64)), { code: "ARGUMENT" });
      other.stack.dhcpStart(0, "x".repeat(63));
      other.poll();
      assert.equal(other.message(TYPE.DISCOVER).options.get(12)!.length, 63);
    });
  });
}
