/** DHCP: what a hostile server may say, and an interface that has no address yet. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { SMALL } from "../harness/bench.js";
import { arp, be, ip4, MAC_PEER, tcp, udp } from "../harness/codec.js";
import { address, dhcpFrame, END, option, TYPE, type Message, type Reply } from "../harness/dhcp.js";
import { Net, SERVER, OFFERED, EVERYBODY, HOUR } from "../harness/dhcp-net.js";

if (!SMALL) {
  describe("a server that lies, or another host that does", () => {
    const offered = (
      m: Message, more: Partial<Reply> & { server?: number }, change: (net: Net) => void = () => {},
    ): Net => {
      const net = new Net();
      change(net);
      const mine = net.message(TYPE.DISCOVER);
      net.reply(TYPE.OFFER, { ...mine, ...m }, more);
      return net;
    };
    const good = [...address(51, HOUR), ...address(1, ip4("255.255.255.0"))];

    it("2131-20 2132-1 2132-2 2132-3 2132-4 2132-5: what does not fit, or is not well-formed, "
        + "is dropped and counted", () => {
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
        "overload of a field that does not end": {
          options: [...good, ...option(52, 1), END],
          file: Array.from({ length: 128 }, () => 7),
        },
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
      const net = new Net();
      const m = net.message(TYPE.DISCOVER);
      const r: Reply = {
        xid: m.xid, yiaddr: OFFERED, options: [...option(53, 2), ...address(54, SERVER), ...good, END],
      };
      net.frame(dhcpFrame(SERVER, EVERYBODY, r, 66));
      const frame = dhcpFrame(SERVER, EVERYBODY, r);
      frame[40]! ^= 1;
      net.frame(frame);
      net.frame(dhcpFrame(SERVER, EVERYBODY, r).slice(0, 100));
      net.quiet();
      assert.equal(net.lease.dropped, 2);
    });

    it("while it requests, nobody but the chosen server may agree or refuse, "
        + "and only the address that was offered", () => {
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
      assert.deepEqual(
        [net.lease.state, net.stack.ownAddress(), net.lease.dropped, net.told], ["BOUND", OFFERED, 12, 0],
      );
    });

    it("2131-13: options in file and sname count; a domain that is no name is ignored, "
        + "and so are addresses that are nobody's", () => {
      const net = new Net();
      net.reply(TYPE.ACK, net.requesting(), {
        options: [...good, ...option(52, 3), END], file: [...address(6, 0, ip4("127.0.0.1"), SERVER), END],
        sname: [...option(15, 97, 32, 10, 98), ...address(3, SERVER), END],
      });
      net.advance(400);
      assert.deepEqual([net.lease.dns, net.lease.gateway, net.lease.domain], [[SERVER], SERVER, ""]);
    });

    it("RFC 3442: with classless routes, routers do not count", () => {
      const router = ip4("10.0.0.5");
      const routes = [...option(121, 24, 10, 9, 9, ...be(4, ip4("10.0.0.8")), 0, ...be(4, router)), END];
      assert.equal(new Net().bound([...good, ...address(3, SERVER), ...routes]).lease.gateway, router);
      assert.equal(
        new Net().bound([...good, ...option(121, 24, 10, 9, 9, ...be(4, router)), ...address(3, SERVER), END]).lease
          .gateway,
        0,
      );
    });

    it("without a mask the address's class says it", () => {
      assert.equal(new Net().bound([...address(51, HOUR), END]).lease.prefix, 8);
    });
  });

  describe("an interface without an address", () => {
    it("answers nothing, and sends nothing but DHCP", () => {
      const net = new Net({}, { start: false }), me = ip4("10.0.0.1");
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
      const net = new Net({}, { start: false });
      net.stack.listen(80, 4);
      const handle = net.stack.connect(ip4("127.0.0.1"), 80);
      net.poll();
      assert.equal(net.stack.info(handle).stateName, "ESTABLISHED");
      net.stack.setAddress(OFFERED, 24);
      net.poll();
      assert.equal(net.stack.info(handle).stateName, "ESTABLISHED");
    });

    it("set_address gives, changes and removes one; connections of the one before end by name, half-open ones vanish, "
        + "and what waits is dropped", () => {
      const net = new Net({}, { start: false }), other = ip4("10.1.0.9");
      net.stack.setAddress(OFFERED, 24, SERVER);
      net.poll();
      assert.deepEqual([net.stack.ownAddress(), net.told], [OFFERED, 1]);
      const listener = net.stack.listen(80, 4);
      net.frame(arp(1, { mac: MAC_PEER, ip: SERVER }, { mac: [0, 0, 0, 0, 0, 0], ip: OFFERED }));
      net.frame(tcp({ src: SERVER, dst: OFFERED }, { flags: "S", seq: 1, sport: 9, dport: 80 }));
      const active = net.stack.connect(SERVER, 7);
      const waits = net.stack.connect(ip4("10.0.0.50"), 7);
      const socket = net.stack.udpOpen(0);
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

    it("RFC 1122 §3.2.1.3 (g): when an address goes, what 127/8 has to do with it ends, "
        + "and nothing of 127/8 stands on the wire", () => {
      const local = ip4("127.0.0.1");
      for (const polls of [0, 1, 2, 3, 4, 5, 20])
        for (const [from, to] of [[local, OFFERED], [OFFERED, local]] as const)
          for (const ends of [false, true]) {
            const sizes = { loopSlots: 2, mtu: 576, sendRing: 65536, recvRing: 65536 };
            const net = new Net(sizes, { start: false }), { stack } = net;
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
            const frames = net.out.filter(
              (s) => s.kind !== "arp" && [s.ip.src, s.ip.dst].some((ip) => ip >>> 24 === 127),
            );
            assert.deepEqual(frames.map((s) => [s.kind, s.flags]), [], `${polls} polls`);
            assert.equal(stack.pools().halfOpenFree, 4);
            assert.ok(!over || ends);
            if (!over) assert.throws(() => stack.send(handle, Uint8Array.of(1)), { code: "NO_ADDRESS" });
          }
    });

    it("RFC 1122 §3.2.1.3 (g): from 127/8 a connection goes to ourselves only", () => {
      const net = new Net({}, { start: false });
      net.stack.setAddress(OFFERED, 24, SERVER);
      for (const to of [SERVER, ip4("10.9.9.9")])
        assert.throws(() => net.stack.connect(to, 80, 0, ip4("127.0.0.1")), { code: "ARGUMENT" });
      for (const to of [OFFERED, ip4("127.0.0.2")]) assert.ok(net.stack.connect(to, 80, 0, ip4("127.0.0.1")) > 0);
    });

    it("misuse is refused by name", () => {
      const net = new Net({ mtu: 500 }, { start: false });
      for (const [ip, prefix, gateway] of [
        [0, 24, 0], [0, 0, SERVER], [EVERYBODY, 24, 0], [ip4("127.0.0.1"), 8, 0], [OFFERED, 33, 0],
        [OFFERED, 24, OFFERED], [ip4("10.0.0.255"), 24, 0],
      ] as const) {
        assert.throws(() => net.stack.setAddress(ip, prefix, gateway), { code: "ARGUMENT" });
      }
      assert.throws(() => net.stack.dhcpStart(), { code: "SIZE" });
      const other = new Net({}, { start: false });
      assert.throws(() => other.stack.dhcpStart(ip4("224.0.0.1")), { code: "ARGUMENT" });
      assert.throws(() => other.stack.dhcpStart(0, "x".repeat(64)), { code: "ARGUMENT" });
      other.stack.dhcpStart(0, "x".repeat(63));
      other.poll();
      assert.equal(other.message(TYPE.DISCOVER).options.get(12)!.length, 63);
    });
  });
}
