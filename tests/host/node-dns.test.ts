/** `stint/dns` against the manners of `node:dns`, with a DNS server on the other stack. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import dgram, { type RemoteInfo } from "../../host/node/dgram.js";
import dns from "../../host/node/dns.js";
import { question, readAnswer } from "../../host/node/dns-message.js";
import net from "../../host/node/net.js";
import type { Stack } from "../../host/index.js";
import { A, pair } from "../harness/cable.js";
import { be, ip4 } from "../harness/codec.js";
import { CNAME, labels, QNAME, type Query, readQuery, record, response, soa } from "../harness/dns.js";

const TYPE = { A: 1, NS: 2, SOA: 6, PTR: 12, MX: 15, TXT: 16, AAAA: 28, SRV: 33, NAPTR: 35, CAA: 257 };
const string = (text: string): number[] => [text.length, ...Buffer.from(text)];
const six = [...be(4, 0x20010db8), ...be(4, 0), ...be(4, 0), ...be(4, 1)];

/** What the server has under a name, by the type that is asked for. */
const ZONE: Record<string, Record<number, number[][]>> = {
  "host.test": {
    [TYPE.A]: ["192.0.2.1", "192.0.2.2"].map((ip) => record(QNAME, TYPE.A, 300, be(4, ip4(ip)))),
    [TYPE.AAAA]: [record(QNAME, TYPE.AAAA, 60, six)],
    [TYPE.MX]: [record(QNAME, TYPE.MX, 9, [...be(2, 10), ...labels("mail.host.test")])],
    [TYPE.TXT]: [record(QNAME, TYPE.TXT, 9, [...string("one"), ...string("two")])],
    [TYPE.SRV]: [record(QNAME, TYPE.SRV, 9, [...be(2, 1), ...be(2, 2), ...be(2, 5060), ...labels("sip.test")])],
    [TYPE.NS]: [record(QNAME, TYPE.NS, 9, [...string("ns"), ...QNAME])],
    [TYPE.SOA]: [soaRecord()],
    [TYPE.NAPTR]: [
      record(QNAME, TYPE.NAPTR, 9, [
        ...be(2, 1), ...be(2, 2), ...string("s"), ...string("SIP+D2U"), 0, ...labels("x.test"),
      ]),
    ],
    [TYPE.CAA]: [record(QNAME, TYPE.CAA, 9, [0, ...string("issue"), ...Buffer.from("ca.test")])],
  },
  // The answer has the alias first, and the address of somebody else.
  "alias.test": {
    [TYPE.A]: [
      record(QNAME, CNAME, 9, labels("host.test")),
      record(labels("other.test"), TYPE.A, 9, be(4, ip4("192.0.2.66"))),
      record(labels("host.test"), TYPE.A, 9, be(4, ip4("192.0.2.1"))),
    ],
    [CNAME]: [record(QNAME, CNAME, 9, labels("host.test"))],
  },
  "1.2.0.192.in-addr.arpa": { [TYPE.PTR]: [record(QNAME, TYPE.PTR, 9, labels("host.test"))] },
  "1.0.0.10.in-addr.arpa": { [TYPE.PTR]: [record(QNAME, TYPE.PTR, 9, labels("gate.test"))] },
  "long.test": { [TYPE.TXT]: Array.from({ length: 9 }, () => record(QNAME, TYPE.TXT, 9, string("x".repeat(200)))) },
};
function soaRecord(): number[] {
  const numbers = [1, 2, 3, 4, 5].flatMap((n) => be(4, n));
  return record(QNAME, TYPE.SOA, 9, [...labels("ns.host.test"), ...labels("root.host.test"), ...numbers]);
}

/** Names that the server treats in a way of its own: RCODEs of RFC 1035 §4.1.1. */
const RCODE: Record<string, number> = { "formerr.test": 1, "servfail.test": 2, "notimp.test": 4, "refused.test": 5 };
let asked: Query[] = [];
function answer(query: Query, most: number): Uint8Array | undefined {
  const name = query.name.toLowerCase(),
    rcode = RCODE[name] ?? (ZONE[name] ? 0 : 3),
    answers = ZONE[name]?.[query.type] ?? [];
  asked.push(query);
  if (name === "silent.test") return undefined;
  if (name === "wild.test") return response(query, { flags: 0x8180, counts: [1, 9, 0, 0] });
  const authorities = answers.length === 0 ? [soa(1, 1)] : [],
    whole = response(query, { flags: 0x8180 | rcode, answers, authorities });
  return whole.length <= most ? whole : response(query, { flags: 0x8380 });
}

let a: Stack, b: Stack;
const over: (() => unknown)[] = [];
before(async () => {
  ({ a, b } = await pair());
  net.use(b);
  const server = dgram.createSocket({ type: "udp4", stack: a }, (data: Buffer, { address, port }: RemoteInfo) => {
    const said = answer(readQuery(data), 512);
    if (said) server.send(said, port, address);
  });
  server.bind(53);
  const long = net.createServer({ stack: a }, (socket) => {
    socket.once("data", (data: Buffer) => {
      const said = answer(readQuery(data.subarray(2)), 65535)!;
      socket.end(Buffer.concat([Buffer.from(be(2, said.length)), said]));
    });
  });
  long.listen(53);
  over.push(() => server.close(), () => long.close());
  dns.setServers([A]);
});
after(async () => {
  for (const end of over) end();
  await Promise.all([a.close(0), b.close(0)]);
});
const quick = (): InstanceType<typeof dns.promises.Resolver> => new dns.promises.Resolver({ timeout: 250, tries: 2 });
const rejects = (promise: Promise<unknown>, code: string, syscall?: string): Promise<void> =>
  assert.rejects(promise, (e: NodeJS.ErrnoException) => {
    assert.equal(e.code, code);
    if (syscall !== undefined) assert.equal(e.syscall, syscall);
    return true;
  });

describe("stint/dns: lookup", () => {
  it("gives one address, or all, by callback and by promise", async () => {
    const one = await new Promise((done) => dns.lookup("host.test", (...args) => done(args)));
    assert.deepEqual(one, [null, "192.0.2.1", 4]);
    const all = [{ address: "192.0.2.1", family: 4 }, { address: "192.0.2.2", family: 4 }];
    assert.deepEqual(await dns.promises.lookup("host.test", { all: true }), all);
    assert.deepEqual(await promisify(dns.lookup as unknown as (name: string) => void)("host.test"), all[0]);
    assert.deepEqual(await dns.promises.lookup("::1"), { address: "::1", family: 6 });
    assert.deepEqual(await dns.promises.lookup("localhost"), { address: "127.0.0.1", family: 4 });
  });

  it("ENOTFOUND for a name that is not there, or has no address of the family", async () => {
    await rejects(dns.promises.lookup("nobody.test"), "ENOTFOUND", "getaddrinfo");
    await rejects(dns.promises.lookup("host.test", { family: 6 }), "ENOTFOUND", "getaddrinfo");
    await rejects(dns.promises.lookup("servfail.test"), "EAI_AGAIN", "getaddrinfo");
  });

  it("lookupService knows the name of an address, and of a port", async () => {
    assert.deepEqual(await dns.promises.lookupService(A, 443), { hostname: "gate.test", service: "https" });
    assert.deepEqual(await dns.promises.lookupService("10.0.0.9", 1), { hostname: "10.0.0.9", service: "1" });
  });

  it("dns.lookup that somebody replaces is what connections ask", async () => {
    const own = dns.lookup,
      names: string[] = [];
    const server = net.createServer({ stack: a }, (socket) => socket.end()).listen(7000);
    Object.assign(dns, {
      lookup: (name: string, options: unknown, found: (e: null, all: object[]) => void) => {
        names.push(name);
        found(null, [{ address: A, family: 4 }]);
      },
    });
    try {
      const socket = net.connect(7000, "somewhere.test").resume();
      await new Promise((done) => socket.once("close", done));
      assert.deepEqual([names, socket.remoteAddress], [["somewhere.test"], A]);
    } finally {
      Object.assign(dns, { lookup: own });
      server.close();
    }
  });
});

describe("stint/dns: resolve", () => {
  it("each type, in Node's form", async () => {
    const p = dns.promises;
    assert.deepEqual(await p.resolve("host.test"), ["192.0.2.1", "192.0.2.2"]);
    assert.deepEqual(await p.resolve4("host.test", { ttl: true }), [
      { address: "192.0.2.1", ttl: 300 },
      { address: "192.0.2.2", ttl: 300 },
    ]);
    assert.deepEqual(await p.resolve6("host.test"), ["2001:db8::1"]);
    assert.deepEqual(await p.resolveMx("host.test"), [{ exchange: "mail.host.test", priority: 10 }]);
    assert.deepEqual(await p.resolveTxt("host.test"), [["one", "two"]]);
    assert.deepEqual(await p.resolveSrv("host.test"), [{ name: "sip.test", port: 5060, priority: 1, weight: 2 }]);
    assert.deepEqual(await p.resolveNs("host.test"), ["ns.host.test"]);
    assert.deepEqual(await p.resolveCname("alias.test"), ["host.test"]);
    assert.deepEqual(await p.resolveCaa("host.test"), [{ critical: 0, issue: "ca.test" }]);
    assert.deepEqual(await p.resolveNaptr("host.test"), [
      { flags: "s", service: "SIP+D2U", regexp: "", replacement: "x.test", order: 1, preference: 2 },
    ]);
    const start = { nsname: "ns.host.test", hostmaster: "root.host.test" },
      numbers = { serial: 1, refresh: 2, retry: 3, expire: 4, minttl: 5 };
    assert.deepEqual(await p.resolveSoa("host.test"), { ...start, ...numbers });
    assert.deepEqual(await p.resolve("host.test", "MX"), await p.resolveMx("host.test"));
    const back = await new Promise((done) => dns.resolve("host.test", "TXT", (...args: unknown[]) => done(args)));
    assert.deepEqual(back, [null, [["one", "two"]]]);
  });

  it("addresses of an alias, and not those of others that stand beside", async () => {
    assert.deepEqual(await dns.promises.resolve4("alias.test"), ["192.0.2.1"]);
  });

  it("names of addresses", async () => {
    assert.deepEqual(await dns.promises.reverse("192.0.2.1"), ["host.test"]);
    await rejects(dns.promises.reverse("192.0.2.9"), "ENOTFOUND", "getHostByAddr");
    await rejects(dns.promises.reverse("2001:db8::1"), "ENOTFOUND", "getHostByAddr");
    const last = asked.at(-1)!;
    assert.equal(last.name, `1${".0".repeat(23)}.8.b.d.0.1.0.0.2.ip6.arpa`);
    await rejects(dns.promises.reverse("no address"), "EINVAL", "getHostByAddr");
  });

  it("what is too long for a datagram, over TCP", async () => {
    assert.equal((await dns.promises.resolveTxt("long.test")).length, 9);
  });

  it("Node's codes, of what the server says and of what it does not", async () => {
    const r = quick();
    r.setServers([A]);
    const codes = { formerr: "EFORMERR", servfail: "ESERVFAIL", notimp: "ENOTIMP", refused: "EREFUSED" };
    for (const [name, code] of Object.entries(codes)) await rejects(r.resolve4(`${name}.test`), code, "queryA");
    await rejects(r.resolve4("nobody.test"), "ENOTFOUND", "queryA");
    await rejects(r.resolveMx("alias.test"), "ENODATA", "queryMx");
    await rejects(r.resolve4("wild.test"), "EBADRESP", "queryA");
    await rejects(r.resolve4(`${"x".repeat(64)}.test`), "EBADNAME", "queryA");
    asked = [];
    await rejects(r.resolve4("silent.test"), "ETIMEOUT", "queryA");
    assert.equal(asked.length, 2, "as often as it was told to try");
    // Nobody is at that port: ICMP says so, and nobody waits.
    r.setServers([`${A}:5300`]);
    await rejects(r.resolve4("host.test"), "ECONNREFUSED", "queryA");
  });

  it("nobody is asked for a name in .onion (RFC 7686)", async () => {
    asked = [];
    await rejects(dns.promises.resolve4("x.onion"), "ENOTFOUND", "queryA");
    await rejects(dns.promises.lookup("x.onion"), "ENOTFOUND", "getaddrinfo");
    assert.deepEqual(asked, []);
  });

  it("the next server, where the first does not know or is not there", async () => {
    const r = quick();
    r.setServers([`${A}:5300`, A]);
    assert.deepEqual(await r.resolve4("host.test"), ["192.0.2.1", "192.0.2.2"]);
  });

  it("an answer counts if it is to this question, from this server", async () => {
    // Whoever is not the server, or does not know the number, is not heard.
    const liar = dgram.createSocket({ type: "udp4", stack: a }, (data: Buffer, { address, port }: RemoteInfo) => {
      const query = readQuery(data),
        answers = [record(QNAME, TYPE.A, 9, be(4, ip4("192.0.2.66")))];
      liar.send(response({ ...query, id: query.id ^ 1 }, { answers }), port, address);
      liar.send(response(query, { question: [...labels("other.test"), 0, 1, 0, 1], answers }), port, address);
    });
    liar.bind(5301);
    const r = quick();
    r.setServers([`${A}:5301`]);
    await rejects(r.resolve4("host.test"), "ETIMEOUT");
    liar.close();
  });

  it("cancel ends what is open", async () => {
    const r = quick();
    r.setServers([A]);
    const silent = r.resolve4("silent.test");
    await new Promise(setImmediate);
    r.cancel();
    await rejects(silent, "ECANCELLED", "queryA");
  });

  it("forty at once, over one socket", async () => {
    const all = await Promise.all(Array.from({ length: 40 }, () => dns.promises.resolve4("host.test")));
    assert.equal(all.length, 40);
  });
});

describe("stint/dns: servers", () => {
  it("are told as they were set, with ports", () => {
    const r = quick();
    assert.deepEqual(r.getServers(), [A], "the stack's");
    r.setServers(["10.0.0.7", "10.0.0.8:5353", "::1", "[2001:db8::1]:54"]);
    assert.deepEqual(r.getServers(), ["10.0.0.7", "10.0.0.8:5353", "::1", "[2001:db8::1]:54"]);
    for (const bad of ["host.test", "10.0.0", "[10.0.0.1]:5", ""])
      assert.throws(() => r.setServers([bad]), { code: "ERR_INVALID_IP_ADDRESS" }, bad);
    assert.throws(() => r.setServers("10.0.0.1" as never), { code: "ERR_INVALID_ARG_TYPE" });
  });

  it("lookup's are those that its stack can ask: none of IPv6 where that has not begun", async () => {
    try {
      dns.setServers(["fd00::1", "fd00::2", "fd00::3", A]);
      assert.deepEqual([dns.getServers().length, b.getServers()], [4, [A]]);
      dns.setServers(["fd00::1"]);
      assert.deepEqual(b.getServers(), [A], "with none of them, it asks whom it asked");
      net.use(Promise.resolve(b));
      dns.setServers(["fd00::1"]);
      await Promise.resolve();
      assert.deepEqual(b.getServers(), [A]);
    } finally {
      net.use(b);
      dns.setServers([A]);
    }
  });

  it("misuse throws at once, with Node's codes", () => {
    const code = (name: string): { code: string } => ({ code: name });
    assert.throws(() => dns.lookup("host.test", undefined as never), code("ERR_INVALID_ARG_TYPE"));
    assert.throws(() => dns.promises.lookup("host.test", { family: 5 }), code("ERR_INVALID_ARG_VALUE"));
    assert.throws(() => dns.promises.lookup("host.test", { hints: 1 << 20 }), code("ERR_INVALID_ARG_VALUE"));
    assert.throws(() => dns.resolve("host.test", "HINFO", () => {}), code("ERR_INVALID_ARG_VALUE"));
    assert.throws(() => dns.resolve4(7 as never, () => {}), code("ERR_INVALID_ARG_TYPE"));
    assert.throws(() => new dns.Resolver({ timeout: "1" as never }), code("ERR_INVALID_ARG_TYPE"));
    assert.throws(() => new dns.Resolver({ tries: 0 }), code("ERR_OUT_OF_RANGE"));
  });
});

describe("stint/dns: what a server can make of an answer", () => {
  const asked = question("a.test", TYPE.A)!;
  const read = (answers: number[][]): ReturnType<typeof readAnswer> => {
    const head = [...asked.subarray(0, 2), 0x81, 0x80, 0, 1, ...be(2, answers.length), 0, 0, 0, 0];
    return readAnswer(Buffer.from([...head, ...asked.subarray(12), ...answers.flat()]), asked);
  };

  it("pointers to pointers without end are no name", () => {
    // The first record begins behind the question, at 24; its data at 36 are pointers, each to the one before.
    const chain = Array.from({ length: 8000 }, (_, i) => be(2, 0xc000 | (i === 0 ? 12 : 34 + 2 * i))).flat();
    const last = be(2, 0xc000 | (34 + chain.length));
    const far = Array.from({ length: 3000 }, () => record(last, TYPE.TXT, 9, []));
    assert.throws(() => read([record(QNAME, 99, 9, chain), ...far]), RangeError);
    const near = record(be(2, 0xc000 | 134), TYPE.A, 9, [1, 2, 3, 4]);
    assert.deepEqual(read([record(QNAME, 99, 9, chain), near]).records, [
      { owner: "a.test", type: TYPE.A, ttl: 9, data: "1.2.3.4" },
    ]);
  });

  it("thousands of aliases, the last one first, are followed in a moment", () => {
    const letter = (i: number): number => 97 + (Math.floor(i) % 26);
    const name = (i: number): number[] => [3, letter(i / 676), letter(i / 26), letter(i), 0];
    const many = 4000, owner = (i: number): number[] => (i === 0 ? QNAME : name(i));
    const aliases = Array.from({ length: many }, (_, i) => record(owner(many - 1 - i), CNAME, 9, name(many - i)));
    const began = performance.now();
    const { records } = read([record(name(many), TYPE.A, 9, [1, 2, 3, 4]), ...aliases]);
    assert.deepEqual(records.map((r) => r.data), ["1.2.3.4"]);
    assert.ok(performance.now() - began < 300, `${performance.now() - began} ms`);
  });
});
