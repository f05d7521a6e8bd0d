/** Scenes that the fuzzer starts from: real exchanges with a stack, up to a point. */
import { POLICY } from "../../host/config.js";
import { Restless } from "../../host/rest.js";
import { arp, be, MAC_PEER, opt, tcp, udp } from "../harness/codec.js";
import { address, dhcpFrame, END, option, TYPE } from "../harness/dhcp.js";
import { ntpAnswer } from "../harness/ntp.js";
import { A, QNAME, record } from "../harness/dns.js";
import { Broken } from "./holds.js";
import { makeLeases6 } from "./leases6.js";
import { makeLocal, makeSix } from "./six.js";
import { LISTENING, OTHER, PEER, STACK, UDP_PORT, type Scene, type Subject } from "./subject.js";

/** Keeps every scene that the configuration allows. */
export function makeScenes(s: Subject): void {
  s.poll();
  s.push(arp(1, { mac: MAC_PEER, ip: PEER }, { mac: [0, 0, 0, 0, 0, 0], ip: STACK }));
  s.poll();
  s.listener = s.stack.listen(LISTENING, 3);
  maybe(s, "a UDP socket", () => (s.udp = s.stack.udpOpen(UDP_PORT)));
  s.save("LISTEN");
  const fresh = s.snapshot("");
  const options = [...opt.mss(1460), ...opt.sackOk(), ...opt.ts(1000, 0), ...opt.nop(), ...opt.ws(4)];
  maybe(s, "with all options", () => makeStates(s, fresh, "with all options", options));
  maybe(s, "without options", () => makeStates(s, fresh, "without options", []));
  maybe(s, "recoveries", () => makeRecoveries(s, fresh));
  maybe(s, "fast opens", () => makeFastOpens(s, fresh));
  maybe(s, "congestion marks", () => makeMarked(s, fresh));
  maybe(s, "limits", () => makeLimits(s, fresh));
  maybe(s, "DHCP", () => makeLeases(s, fresh));
  maybe(s, "DNS", () => makeNames(s, fresh));
  maybe(s, "DNS over TCP", () => makeStreams(s, fresh));
  maybe(s, "an address of 169.254/16", () => makeSelfGiven(s, fresh));
  maybe(s, "SNTP", () => makeTimes(s, fresh));
  maybe(s, "active opens", () => {
    s.restore(fresh);
    s.handle = s.stack.connect(PEER, 40000, 50000);
    s.dport = 50000;
    s.poll();
    s.save("SYN-SENT");
    s.send({ flags: "S", seq: 77 });
    s.save("simultaneous open");
  });
  maybe(s, "self", () => {
    // A connection of the stack with itself, which goes through the loop slots.
    s.restore(fresh);
    s.handle = s.stack.connect(STACK, LISTENING);
    s.poll();
    s.stack.send(s.handle, new Uint8Array(3000));
    s.poll();
    s.save("connected to itself");
  });
  maybe(s, "IPv6", () => makeSix(s, fresh));
  maybe(s, "DHCPv6", () => makeLeases6(s, fresh));
  maybe(s, "names of the link", () => makeLocal(s, fresh));
  s.restore(fresh);
  for (let i = 0; i < 8; i++) {
    s.sport = 41000 + i;
    s.send({ flags: "S", seq: 5000, opts: i < 4 ? [] : [...options] });
    if (i === 3) s.save("flooded without options");
  }
  s.save("flooded");
}

/**
 * Scenes that a configuration may not allow: tables that are too small, policies that are off. The fixed one allows
 * them all.
 */
function maybe(s: Subject, what: string, make: () => void): void {
  try {
    make();
  } catch (e) {
    const isFault = e instanceof Broken || e instanceof Restless || e instanceof WebAssembly.RuntimeError;
    if (s.config === 0 || isFault) throw e;
    s.missing.push(what);
  }
}

function makeStates(s: Subject, fresh: Scene, name: string, opts: number[]): void {
  s.restore(fresh);
  s.send({ flags: "S", seq: 1000, opts: [...opts] });
  s.save(`SYN-RECEIVED ${name}`);
  const synAck = s.lastTcp(), tsVal = s.lastTsVal();
  s.send({ flags: "A", seq: 1001, ack: synAck + 1, opts: tsVal ? opt.ts(1001, tsVal) : [] });
  s.handle = s.stack.accept(s.listener);
  if (s.handle === 0) throw new Error("the scene's handshake failed");
  s.save(`ESTABLISHED ${name}`);
  const established = s.snapshot("");
  s.stack.send(s.handle, new Uint8Array(3500));
  s.poll();
  s.save(`data in flight ${name}`);
  s.time(300_000);
  s.save(`after a time-out ${name}`);
  s.restore(established);
  const ack = synAck + 1, ts = tsVal ? opt.ts(1002, tsVal) : [];
  s.send({ flags: "A", seq: 1501, ack, data: new Uint8Array(300), opts: ts });
  s.send({ flags: "A", seq: 2501, ack, data: new Uint8Array(300), opts: ts });
  s.save(`out of order ${name}`);
  s.restore(established);
  s.stack.shutdown(s.handle);
  s.poll();
  s.save(`FIN-WAIT-1 ${name}`);
  s.send({ flags: "A", seq: 1001, ack: synAck + 2, opts: ts });
  s.save(`FIN-WAIT-2 ${name}`);
  s.send({ flags: "FA", seq: 1001, ack: synAck + 2, opts: ts });
  s.save(`TIME-WAIT ${name}`);
  s.restore(established);
  s.send({ flags: "FA", seq: 1001, ack, opts: ts });
  s.save(`CLOSE-WAIT ${name}`);
  s.stack.shutdown(s.handle);
  s.poll();
  s.save(`LAST-ACK ${name}`);
  s.restore(established);
  s.stack.setOption(s.handle, "keepAlive", true);
  s.save(`keep-alive ${name}`);
  s.stack.send(s.handle, new Uint8Array(4000));
  s.send({ flags: "A", seq: 1001, ack, win: 0, opts: ts });
  s.time(2_000_000);
  s.save(`zero window ${name}`);
  s.restore(established);
  s.stack.close(s.handle);
  s.poll();
  s.save(`closed by its application ${name}`);
}

/** Tables that are full, and rates that are used up. */
function makeLimits(s: Subject, fresh: Scene): void {
  const { stack } = s, flood = (n: number): void => {
    for (let i = 0; i < n; i++) {
      s.sport = 42000 + i;
      s.send({ flags: "S", seq: 5000 });
    }
  };
  const never = { cookies: 0 };
  const limits = {
    "cookies off": never,
    "cookies off, old records stay": { ...never, policy: stack.configured("policy") | POLICY.keepHalfOpen },
    "few SYNs a second": { ...never, synRate: 1, synBurst: 1 }, "few cookies a second": { cookieRate: 1 },
  };
  for (const [name, numbers] of Object.entries(limits)) {
    s.restore(fresh);
    stack.tune(numbers);
    flood(5);
    if (numbers !== never && "cookieRate" in numbers)
      for (let i = 0; i < 12; i++) s.send({ flags: "A", seq: 5001, ack: 1 });
    s.save(`flooded, ${name}`);
  }
  // Three wait to be accepted, and a fourth has answered only with a SYN.
  s.restore(fresh);
  for (let i = 0; i < 4; i++) {
    s.sport = 43000 + i;
    s.send({ flags: "S", seq: 1000 });
    if (i < 3) s.send({ flags: "A", seq: 1001, ack: s.lastTcp() + 1 });
  }
  s.save("a full accept queue");
  // Two records in TIME-WAIT, and a connection that will be the third.
  s.restore(fresh);
  for (let i = 0; i < 3; i++) {
    s.sport = 44000 + i;
    s.send({ flags: "S", seq: 1000 });
    const synAck = s.lastTcp();
    s.send({ flags: "A", seq: 1001, ack: synAck + 1 });
    s.handle = stack.accept(s.listener);
    stack.shutdown(s.handle);
    s.poll();
    s.send({ flags: "A", seq: 1001, ack: synAck + 2 });
    if (i < 2) {
      s.send({ flags: "FA", seq: 1001, ack: synAck + 2 });
      stack.close(s.handle);
      s.poll();
    }
  }
  s.save("FIN-WAIT-2, and no room in TIME-WAIT");
}

/** A connection whose segments carry congestion marks (RFC 3168). */
function makeMarked(s: Subject, fresh: Scene): void {
  s.restore(fresh);
  s.stack.tune({ policy: s.stack.configured("policy") | POLICY.ecn });
  s.send({ flags: "SEW", seq: 1000, opts: [...opt.mss(100), ...opt.sackOk()] });
  s.send({ flags: "A", seq: 1001, ack: s.lastTcp() + 1 });
  s.handle = s.stack.accept(s.listener);
  if (s.handle === 0) throw new Error("the scene's handshake failed");
  s.stack.send(s.handle, new Uint8Array(2000));
  s.poll();
  s.save("ECN");
}

/** A lease from its first message to its last one, for the address that the stack has in all other scenes, too. */
function makeLeases(s: Subject, fresh: Scene): void {
  const answer = (): void => {
    const a = s.clients.asked, type = a.type === TYPE.DISCOVER ? TYPE.OFFER : TYPE.ACK;
    s.push(
      dhcpFrame(PEER, 0xffffffff, {
        xid: a.xid,
        yiaddr: STACK,
        options: [
          ...option(53, type), ...address(54, PEER), ...address(51, 60), ...address(1, 0xffffff00),
          ...address(6, PEER), END,
        ],
      }),
    );
    s.poll();
  };
  s.restore(fresh);
  s.stack.dhcpStart(0, "lamp");
  s.poll();
  s.save("DHCP looks for a server");
  answer();
  s.save("DHCP asks for an address");
  answer();
  s.save("DHCP probes an address");
  for (let i = 0; i < 4; i++) s.time(100_000);
  if (s.stack.lease().state !== "BOUND") throw new Error("the scene's lease failed");
  s.push(arp(1, { mac: MAC_PEER, ip: PEER }, { mac: [0, 0, 0, 0, 0, 0], ip: STACK }));
  s.poll();
  s.save("DHCP has an address");
  const bound = s.snapshot("");
  s.exports.link_changed();
  s.poll();
  s.save("DHCP asks for the address that it had");
  s.restore(bound);
  s.time(31_000_000);
  s.save("DHCP renews");
  s.time(25_000_000);
  s.save("DHCP asks any server");
  s.restore(bound);
  s.stack.dhcpStop();
  s.save("DHCP gives its address back");
}

/** Questions to one server and to two, and as many as there may be. */
function makeNames(s: Subject, fresh: Scene): void {
  const ask = (name: string): void => {
    if (s.stack.lookup(name) !== undefined) throw new Error("the scene's name is known");
    s.poll();
  };
  for (const servers of [[PEER], [PEER, OTHER]]) {
    s.restore(fresh);
    s.stack.dnsServers(servers);
    ask("a.test");
    s.save(`DNS asks ${servers.length}`);
  }
  const { id, port, question } = s.clients.asked;
  const message = [
    ...be(2, id), 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0, ...question, ...record(QNAME, A, 60, be(4, OTHER)),
  ];
  s.push(udp({ src: PEER, dst: STACK }, 53, port, Uint8Array.from(message)));
  s.poll();
  if (s.stack.lookup("a.test")?.[0] !== OTHER) throw new Error("the scene's name failed");
  s.save("DNS knows");
  for (let i = 1; i < 16; i++) ask(`${i}.test`);
  s.save("DNS asks as much as it can");
}

/** A question over TCP: the connection is asked for; it is there, and the question was sent. */
function makeStreams(s: Subject, fresh: Scene): void {
  s.restore(fresh);
  s.stack.dnsServers([PEER, OTHER]);
  for (const name of ["a.test", "b.test"]) s.stack.lookup(name);
  s.poll();
  const { id, port, question } = s.clients.asked;
  const cut = Uint8Array.from([...be(2, id), 0x83, 0x80, 0, 1, 0, 0, 0, 0, 0, 0, ...question]);
  s.push(udp({ src: s.clients.asked.server, dst: STACK }, 53, port, cut));
  s.poll();
  const { stream } = s.clients.asked;
  if (stream.port === 0) throw new Error("the scene's name was not asked for over TCP");
  s.save("DNS connects");
  const ports = { sport: 53, dport: stream.port };
  s.push(tcp({ src: stream.server, dst: STACK }, { ...ports, flags: "SA", seq: 7000, ack: stream.next }));
  s.poll();
  if (s.clients.asked.stream.question.length === 0) throw new Error("the scene's question did not come");
  s.save("DNS asks over TCP");
}

/** An address of 169.254/16: looked for, and had. */
function makeSelfGiven(s: Subject, fresh: Scene): void {
  s.restore(fresh);
  s.stack.setAddress(0);
  s.stack.linkLocalStart();
  s.time(1_000_000);
  if (s.clients.asked.selfGiven === 0) throw new Error("the scene's address was not looked for");
  s.save("looks for an address of 169.254/16");
  for (let n = 0; n < 8; n++) s.time(1_000_000);
  if (s.stack.ownAddress() === 0) throw new Error("the scene's address is not there");
  s.save("an address of 169.254/16");
}

/** Questions for the time, to one server and to two, and one that was answered. */
function makeTimes(s: Subject, fresh: Scene): void {
  for (const servers of [[PEER], [PEER, OTHER]]) {
    s.restore(fresh);
    s.stack.sntpStart(servers);
    s.time(2_000_000);
    if (s.clients.asked.timePort === 0) throw new Error("the scene's time was not asked for");
    s.save(`SNTP asks ${servers.length}`);
  }
  const { timePort, originate } = s.clients.asked, now = 1_795_737_600_000_000;
  s.push(udp({ src: PEER, dst: STACK }, 123, timePort, ntpAnswer({ originate, received: now, sent: now })));
  s.poll();
  if (s.stack.time().stratum === 0) throw new Error("the scene's time failed");
  s.save("SNTP knows");
}

/** Text in SYNs (RFC 7413): taken, answered, sent, sent in vain. */
function makeFastOpens(s: Subject, fresh: Scene): void {
  s.restore(fresh);
  s.stack.setOption(s.listener, "fastOpen", true);
  s.send({ flags: "S", seq: 900, opts: opt.fastOpen() });
  const at = s.sent.findLast((f) => f[23] === 6)!, option = at.indexOf(34, 54);
  s.cookie = [...at.subarray(option + 2, option + 10)];
  s.send({ flags: "R", seq: 901 });
  s.save("LISTEN for Fast Open");
  s.send({
    flags: "S", seq: 1000, opts: [...opt.mss(1460), ...opt.sackOk(), ...opt.fastOpen(s.cookie)],
    data: new Uint8Array(300),
  });
  s.handle = s.stack.accept(s.listener);
  if (s.handle === 0) throw new Error("the scene's Fast Open failed");
  s.save("opened fast");
  s.stack.send(s.handle, new Uint8Array(4000));
  s.poll();
  s.save("opened fast, and answered");
  s.stack.tune({ fastOpenMax: 1 });
  s.sport++;
  s.save("opened fast, and no other may");
  s.restore(fresh);
  for (const answers of [false, true]) {
    s.dport = answers ? 50002 : 50001;
    s.handle = s.stack.connect(PEER, 40000, s.dport);
    s.stack.setOption(s.handle, "fastOpen", true);
    s.stack.send(s.handle, new Uint8Array(2000));
    s.poll();
    s.save(answers ? "SYN-SENT with text" : "SYN-SENT with a request");
    if (!answers) {
      s.send({
        flags: "SA", seq: 77, ack: s.lastTcp() + 1,
        opts: [...opt.mss(1460), ...opt.fastOpen([1, 2, 3, 4, 5, 6, 7, 8])],
      });
      s.stack.abort(s.handle);
      s.poll();
    }
  }
  s.restore(fresh);
}

/** ACKs of so many bytes of text from `first` on, with options and SACK blocks. */
function acksFrom(s: Subject, first: number, options: number[]): (n: number, ...blocks: [number, number][]) => void {
  return (n, ...blocks) => {
    const sacks = blocks.map(([a, b]) => [(first + a) >>> 0, (first + b) >>> 0] as [number, number]);
    const opts = [...options, ...(sacks.length > 0 ? opt.sack(...sacks) : [])];
    s.send({ flags: "A", seq: 1001, ack: first + n, opts });
  };
}

/**
 * Small segments, so that many are in flight: some of them arrived, some are lost, some were sent twice; paced and
 * not.
 */
function makeRecoveries(s: Subject, fresh: Scene): void {
  for (const [name, timestamps, sack] of [
    ["with timestamps", true, true], ["without timestamps", false, true], ["without SACK", true, false],
  ] as const) {
    s.restore(fresh);
    s.send({
      flags: "S", seq: 1000,
      opts: [...opt.mss(100), ...(sack ? opt.sackOk() : []), ...(timestamps ? opt.ts(1000, 0) : [])],
    });
    const synAck = s.lastTcp(), tsVal = s.lastTsVal(), ts = timestamps ? opt.ts(1001, tsVal) : [];
    const ack = acksFrom(s, synAck + 1, ts);
    /** A segment every 10 ms. */
    const steadily = (from: number, to: number): void => {
      for (let n = from; n <= to; n += 88) {
        s.time(10_000);
        ack(n);
      }
    };
    ack(0);
    s.handle = s.stack.accept(s.listener);
    s.stack.send(s.handle, new Uint8Array(4000));
    s.time(1000);
    steadily(88, 880);
    s.save(`slow start ${name}`);
    s.time(20_000);
    if (!sack) {
      ack(880);
      ack(880);
      s.save(`two duplicate ACKs ${name}`);
      s.time(15_000);
      ack(880);
      s.save(`fast recovery ${name}`);
      continue;
    }
    ack(880, [968, 1056], [1144, 1232]);
    s.save(`a gap ${name}`);
    const gap = s.snapshot("");
    s.time(15_000);
    ack(880, [968, 1056], [1144, 1408]);
    s.save(`fast recovery ${name}`);
    s.time(10_000);
    ack(1408);
    s.save(`recovered ${name}`);
    steadily(1496, 2376);
    s.save(`congestion avoidance ${name}`);
    s.restore(gap);
    s.time(400_000);
    s.save(`a time-out after a gap ${name}`);
    s.restore(gap);
    s.stack.tune({ policy: s.stack.configured("policy") | POLICY.pacing });
    s.time(5000);
    s.save(`paced ${name}`);
    s.restore(gap);
    s.stack.setOption(s.handle, "congestion", 2);
    steadily(1408, 2376);
    s.save(`BBR ${name}`);
  }
}
