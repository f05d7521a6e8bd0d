/** DHCP: the client's state machine (RFC 2131 §4.4), and its messages. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { SMALL } from "../harness/bench.js";
import { arp, be, BROADCAST, ip4, MAC_PEER, MAC_STACK, see } from "../harness/codec.js";
import { address, END, isDhcp, option, readDhcp, TYPE } from "../harness/dhcp.js";
import { entropyOf } from "../harness/entropy.js";
import { Net, SERVER, OFFERED, EVERYBODY, HOUR, minute, probesOf } from "../harness/dhcp-net.js";

if (!SMALL) {
  describe("RFC 2131 §4.4.1: from INIT to BOUND", () => {
    it("2131-10 2131-9 2131-1 2132-6 2132-7: DISCOVER goes from 0.0.0.0 port 68 to everybody's port 67, "
        + "with a cookie, an identifier and a size of 576 at least", () => {
      const net = new Net(), m = net.message(TYPE.DISCOVER);
      assert.deepEqual(
        [m.frame.ip.src, m.frame.ip.dst, m.frame.dport, m.op, m.ciaddr, m.secs], [0, EVERYBODY, 67, 1, 0, 0],
      );
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

    it("2131-5 2131-16 2131-21 2131-15: REQUEST has the offer's number, address and server, ciaddr 0, "
        + "and the list and identifier of the DISCOVER", () => {
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
      net.reply(TYPE.ACK, net.requesting(), {
        options: [
          ...address(51, HOUR), ...address(1, ip4("255.255.255.0")), ...address(3, SERVER, ip4("10.0.0.3")),
          ...address(6, SERVER, ip4("9.9.9.9")), ...option(15, ...[..."example.test"].map((c) => c.charCodeAt(0))),
          ...option(26, 5, 0), ...address(28, ip4("10.0.0.255")), ...address(42, ip4("10.0.0.9")), END,
        ],
      });
      assert.deepEqual([net.lease.state, net.stack.ownAddress()], ["PROBING", 0]);
      net.advance(400);
      const { lease } = net;
      assert.deepEqual(
        [
          lease.state, lease.ip, lease.prefix, lease.gateway, lease.server, lease.dns, lease.domain, lease.mtu,
          lease.broadcast, lease.ntp, lease.leaseS, net.told,
        ],
        [
          "BOUND", OFFERED, 24, SERVER, SERVER, [SERVER, ip4("9.9.9.9")], "example.test", 1280, ip4("10.0.0.255"),
          [ip4("10.0.0.9")], HOUR, 1,
        ],
      );
      assert.deepEqual(probesOf(net.out).map((s) => s.ip.dst), [OFFERED, OFFERED, OFFERED]);
      assert.equal(net.out.filter((s) => s.kind === "arp" && s.ip.src === OFFERED && s.ip.dst === OFFERED).length, 1);
    });

    it("2131-11 2131-12: sends again after about 4, 8, 16, 32 and 64 s, each a second more or less, "
        + "and two clients do not share numbers", () => {
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
        assert.deepEqual(
          [m.ciaddr, m.options.get(50), m.options.get(54), m.frame.ip.src, m.frame.ip.dst],
          [0, be(4, OFFERED), be(4, SERVER), 0, EVERYBODY],
        );
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
    it("2131-22 2131-18: at T1, half of the lease, it asks its server alone, with ciaddr, "
        + "and names neither server nor address", () => {
      const net = new Net().bound();
      net.advance(HOUR * 500 - 5000);
      net.quiet();
      net.advance(5000);
      const m = net.message(TYPE.REQUEST);
      assert.deepEqual(
        [m.frame.ip.src, m.frame.ip.dst, m.ciaddr, m.options.has(50), m.options.has(54)],
        [OFFERED, SERVER, OFFERED, false, false],
      );
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
        if (net.out.length > 0)
          net.frame(arp(2, { mac: MAC_PEER, ip: SERVER }, { mac: MAC_STACK, ip: OFFERED }, MAC_STACK));
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
      assert.deepEqual(
        [m.ip.src, m.ip.dst, r.ciaddr, r.options.has(50), r.options.has(54), net.lease.state],
        [OFFERED, EVERYBODY, OFFERED, false, false, "REBINDING"],
      );
      net.reply(TYPE.ACK, r, { server: other });
      assert.deepEqual([net.lease.state, net.lease.server], ["BOUND", other]);
    });

    it("T1 and T2 are the server's if they can be", () => {
      for (const [t1, t2, renews, rebinds] of [
        [100, 200, 100, 200], [200, 100, 1800, 3150], [100, 4000, 1800, 3150], [0, 200, 1800, 3150],
      ] as const) {
        const { lease } = new Net().bound([
          ...address(51, HOUR), ...address(1, ip4("255.255.255.0")), ...address(58, t1), ...address(59, t2), END,
        ]);
        assert.deepEqual([Math.round(lease.renewMs / 1000), Math.round(lease.rebindMs / 1000)], [renews, rebinds]);
      }
    });

    it("4.4.5: who could not ask for want of a slot asks with the next poll, whatever that is about", () => {
      const n = new Net({ txSlots: 2 }).bound(minute()), { stack } = n, requests: boolean[] = [];
      n.advance(29_000);
      // Two answers take both slots, and nobody takes them out; then half of the lease is over.
      const asks = arp(1, { mac: MAC_PEER, ip: SERVER }, { mac: MAC_STACK, ip: OFFERED });
      for (let i = 0; i < 2; i++) stack.pushFrame(asks);
      stack.poll(n.nowUs);
      stack.poll(n.nowUs + 2e6);
      const sent = (): number => stack.drainFrames((f) => void requests.push(isDhcp(see(f.slice()))));
      sent();
      stack.poll(n.nowUs + 2e6 + 1);
      sent();
      assert.deepEqual(requests, [false, false, true]);
    });

    it("2131-8: a lease for ever is never renewed", () => {
      const net = new Net().bound([...address(51, 0xffffffff), ...address(1, ip4("255.255.255.0")), END]);
      net.advance(400 * 86_400_000);
      net.quiet();
      assert.deepEqual([net.lease.state, net.lease.endsMs], ["BOUND", Infinity]);
    });

    it("2131-24: when the lease is over without an answer the address goes at once, "
        + "connections with it by name, and the search begins", () => {
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

    it("its time counts from the request: one that was over before its ACK came is none, "
        + "and one that is over while the address is probed neither", () => {
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
      assert.deepEqual(
        [close.lease.state, close.lease.endsMs, close.told, close.stack.ownAddress()], ["SELECTING", Infinity, 0, 0],
      );
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
      const net = new Net({}, { start: false });
      net.stack.dhcpStart(OFFERED);
      net.poll();
      return net;
    };

    it("2131-7 2131-17: REQUEST to everybody with the address, ciaddr 0, and no server", () => {
      const net = again(), m = net.message(TYPE.REQUEST);
      assert.deepEqual(
        [m.frame.ip.src, m.frame.ip.dst, m.ciaddr, m.options.get(50), m.options.has(54)],
        [0, EVERYBODY, 0, be(4, OFFERED), false],
      );
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

    it("the link changed: it asks whether its address is good there, keeps connections while it does, "
        + "and goes on if nobody says no", () => {
      const net = new Net().bound(), handle = net.stack.connect(SERVER, 9, 50000);
      net.poll();
      net.out = [];
      net.stack.linkChanged();
      net.poll();
      const m = net.message(TYPE.REQUEST);
      assert.deepEqual(
        [net.lease.state, m.options.get(50), m.options.has(54), m.ciaddr, net.stack.ownAddress()],
        ["REBOOTING", be(4, OFFERED), false, 0, OFFERED],
      );
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
      net.reply(TYPE.ACK, net.requesting(), {
        options: [...minute().slice(0, -1), ...address(6, SERVER), ...option(15, 97), END],
      });
      net.advance(50);
      net.stack.linkChanged();
      net.poll();
      const { state, server, dns, domain, leaseS, endsMs, renewMs, rebindMs } = net.lease;
      assert.deepEqual(
        [state, server, dns, domain, leaseS, endsMs, renewMs, rebindMs, net.stack.ownAddress()],
        ["SELECTING", 0, [], "", 0, Infinity, Infinity, Infinity, 0],
      );
      net.out = [];
      net.advance(2000);
      assert.deepEqual(probesOf(net.out), []);
    });

    it("while it asks for one that it had: it asks again", () => {
      const net = new Net({}, { start: false });
      net.stack.dhcpStart(OFFERED);
      net.poll();
      net.message(TYPE.REQUEST);
      net.stack.linkChanged();
      net.poll();
      assert.deepEqual(net.message(TYPE.REQUEST).options.get(50), be(4, OFFERED));
    });
  });

  describe("RFC 2131 §4.4.6: the lease is given back", () => {
    it("2131-26 dhcp_stop tells the server alone, from the address and with what it needs, "
        + "and then the address goes", () => {
      const net = new Net().bound(), handle = net.stack.connect(SERVER, 9, 50000);
      net.poll();
      net.out = [];
      // Nothing was polled for long.
      net.nowUs += 100_000_000;
      net.stack.dhcpStop();
      assert.equal(net.lease.state, "RELEASING");
      net.poll();
      const m = net.message(TYPE.RELEASE);
      assert.deepEqual(
        [m.frame.ip.src, m.frame.ip.dst, m.frame.dstMac, m.ciaddr, m.secs, [...m.options.keys()].sort((a, b) => a - b)],
        [OFFERED, SERVER, MAC_PEER, OFFERED, 0, [53, 54, 61]],
      );
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
}
