/** `nat()`: a gateway to the host's sockets. The servers are this process's own, on the loopback. */
import assert from "node:assert/strict";
import { createSocket, type Socket as Datagrams } from "node:dgram";
import { once } from "node:events";
import http from "node:http";
import net, { type AddressInfo, type Server, type Socket } from "node:net";
import { describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import {
  LinkError, nat, openLink, Stack, Switch, type Connection, type Link, type NatLink, type NatOptions,
} from "../../host/index.js";
import { DhcpServer } from "../../host/links/nat/dhcp.js";
import { Flows } from "../../host/links/nat/flows.js";
import { readPacket } from "../../host/links/nat/packet.js";
import { ip4, MAC_PEER, see, tcp, udp } from "../harness/codec.js";
import { A, QNAME, readQuery, record, response } from "../harness/dns.js";
import { address, END, option, readDhcp } from "../harness/dhcp.js";
import { environment, started, until } from "../harness/programs.js";

const GATEWAY = "10.0.2.2", DNS = "10.0.2.3";

const bytes = async (from: AsyncIterable<unknown>): Promise<Buffer> => {
  const all: Buffer[] = [];
  for await (const chunk of from) all.push(chunk as Buffer);
  return Buffer.concat(all);
};

/** A server of the host's kernel. */
async function serve(heard: (socket: Socket) => void): Promise<{ port: number; server: Server }> {
  const server = net.createServer({ allowHalfOpen: true }, (s) => heard(s.on("error", () => {})));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { port: (server.address() as AddressInfo).port, server };
}

async function datagrams(heard: (socket: Datagrams, data: Buffer, port: number) => void): Promise<Datagrams> {
  const socket = createSocket("udp4");
  socket.on("message", (data, { port }) => heard(socket, data, port)).bind(0, "127.0.0.1");
  await once(socket, "listening");
  return socket;
}

/** A stack behind a gateway, for as long as `use` takes. */
async function behind(options: NatOptions, use: (stack: Stack, link: NatLink) => Promise<void>): Promise<void> {
  const link = nat(options);
  await link.ready;
  const stack = await Stack.open({ link, ip: "10.0.2.15/24", gateway: GATEWAY });
  try {
    await use(stack, link);
  } finally {
    await stack.close(0);
  }
}

describe("nat(): addresses", () => {
  it("come by DHCP, with the router and the DNS server; each station has its own, and keeps it", async () => {
    const lan = new Switch();
    lan.connect(nat());
    const open = (mac: string): Promise<Stack> => Stack.open({ link: lan.port(), mac });
    const [a, b] = await Promise.all([open("02:00:00:00:00:0a"), open("02:00:00:00:00:0b")]);
    assert.deepEqual([a.address, b.address].sort(), ["10.0.2.15", "10.0.2.16"]);
    assert.deepEqual([a.getServers(), a.lease().prefix], [[DNS], 24]);
    const had = a.address;
    await a.close(0);
    const again = await open("02:00:00:00:00:0a");
    assert.equal(again.address, had);
    await Promise.all([again.close(0), b.close(0)]);
    lan.close();
  });

  it("of a station that asks for another's are refused, as RFC 2131 §4.3.2 says", () => {
    const server = new DhcpServer({ gateway: ip4(GATEWAY), dns: ip4(DNS), far: ip4("10.0.2.254"), prefix: 24 });
    const ask = (n: number, options: number[]): { type: number; ip: number } | undefined => {
      const data = new Uint8Array(300);
      data.set([1, 1, 6, 0, 0, 0, 0, n]);
      data.set([2, 0, 0, 0, 0, n], 28);
      data.set([99, 130, 83, 99, ...options, END], 236);
      const answer = server.answer(Buffer.concat([Buffer.alloc(7), data]).subarray(7)), m = answer && readDhcp(answer);
      return m && { type: m.options.get(53)![0]!, ip: m.yiaddr };
    };
    const discover = option(53, 1), request = option(53, 3), wants = (ip: string): number[] => address(50, ip4(ip));
    // A part of a larger buffer is as good.
    assert.deepEqual(ask(1, discover), { type: 2, ip: ip4("10.0.2.15") });
    assert.deepEqual(ask(1, [...request, ...wants("10.0.2.15")]), { type: 5, ip: ip4("10.0.2.15") });
    assert.deepEqual(ask(2, [...request, ...wants("10.0.2.15")]), { type: 6, ip: 0 });
    for (const taken of [GATEWAY, DNS, "10.0.2.254", "10.0.2.255", "10.0.2.0", "10.0.3.9"])
      assert.equal(ask(3, [...request, ...wants(taken)])?.type, 6, taken);
    assert.deepEqual(ask(4, [...request, ...wants("10.0.2.99")]), { type: 5, ip: ip4("10.0.2.99") });
    assert.equal(ask(5, [...request, ...wants("10.0.2.50"), ...address(54, ip4("10.0.2.1"))]), undefined);
    assert.equal(ask(1, option(53, 7)), undefined);
    assert.deepEqual(ask(6, [...request, ...wants("10.0.2.15")]), { type: 5, ip: ip4("10.0.2.15") });
    // A network that is full: eight addresses, of which six are hosts', three of them the gateway's.
    const small = new DhcpServer({ gateway: ip4("10.0.0.1"), dns: ip4("10.0.0.2"), far: ip4("10.0.0.6"), prefix: 29 });
    const offers = [1, 2, 3, 4].map((n) => {
      const data = new Uint8Array(300);
      data.set([1, 1, 6]);
      data.set([2, 0, 0, 0, 0, n], 28);
      data.set([99, 130, 83, 99, ...discover, END], 236);
      const answer = small.answer(data);
      return answer && readDhcp(answer).yiaddr % 256;
    });
    assert.deepEqual([...offers].sort(), [3, 4, 5, undefined]);
    for (let size = 0; size < 300; size++) {
      const cut = new Uint8Array(size).fill(1);
      assert.equal(new DhcpServer(server.net).answer(cut), undefined);
    }
  });

  it("that cannot be are refused with the reason", () => {
    assert.throws(() => nat({ gateway: "10.0.2.0/24" }), /no host of its network/);
    assert.throws(() => nat({ gateway: "10.0.2.255/24" }), /no host of its network/);
    assert.throws(() => nat({ gateway: "10.0.2.1/30" }), /8 to 29 bits/);
  });
});

describe("nat(): TCP", () => {
  it("carries bytes and ends both ways", async () => {
    const { port, server } = await serve((s) => s.pipe(s));
    await behind({ hostLoopback: true }, async (stack) => {
      const sent = Buffer.alloc(3_000_000, "0123456789abcdef_");
      const all = await Promise.all([1, 2, 3].map(async () => {
        const c = await stack.connect({ host: GATEWAY, port });
        assert.equal(c.remoteAddress, GATEWAY);
        c.end(sent);
        return bytes(c);
      }));
      for (const got of all) assert.ok(got.equals(sent));
    });
    server.close();
  });

  it("keeps one side open when the other has ended", async () => {
    const { port, server } = await serve((s) => s.on("end", () => void s.end("after the end")).resume());
    await behind({ hostLoopback: true }, async (stack) => {
      const c = await stack.connect({ host: GATEWAY, port });
      c.end("x");
      assert.equal(String(await bytes(c)), "after the end");
    });
    server.close();
  });

  it("hands resets on, both ways", async () => {
    const sockets: Socket[] = [];
    const { port, server } = await serve((s) => void sockets.push(s));
    await behind({ hostLoopback: true }, async (stack) => {
      const c = await stack.connect({ host: GATEWAY, port });
      await until("the server has it", () => sockets.length === 1);
      const failed = once(c, "error");
      sockets[0]!.resetAndDestroy();
      assert.equal(((await failed)[0] as { code: string }).code, "RESET");
      const d = await stack.connect({ host: GATEWAY, port });
      await until("the server has that, too", () => sockets.length === 2);
      const reset = once(sockets[1]!, "error");
      d.resetAndDestroy();
      assert.equal(((await reset)[0] as { code: string }).code, "ECONNRESET");
    });
    server.close();
  });

  it("refuses what the host refuses, and whom nobody may reach", async () => {
    const { port, server } = await serve((s) => s.end());
    await behind({ hostLoopback: true }, async (stack) => {
      const closed = await serve(() => {});
      await new Promise((done) => closed.server.close(done));
      await assert.rejects(stack.connect({ host: GATEWAY, port: closed.port }), { code: "REFUSED" });
    });
    const asked: string[] = [];
    const allow = (host: string, to: number): boolean => {
      asked.push(`${host}:${to}`);
      return false;
    };
    await behind({ allow }, async (stack) => {
      for (const host of [GATEWAY, DNS, "192.0.2.1"])
        await assert.rejects(stack.connect({ host, port }), { code: "REFUSED" }, host);
    });
    assert.deepEqual(asked, [`192.0.2.1:${port}`]);
    server.close();
  });

  it("never reaches the host's loopback, nor its link, by a guest that sends to 127/8, 0/8 or 169.254/16", async () => {
    let reached = 0;
    const { port, server } = await serve(() => reached++), link = nat({ hostLoopback: true }), seen: string[] = [];
    await link.ready;
    link.onFrame = (frame) => {
      const s = see(frame.slice());
      if (s.kind === "tcp") seen.push(s.flags);
    };
    const nobodys = [
      "127.0.0.1", "0.0.0.0", "127.1.2.3", "169.254.169.254", "255.255.255.255", "224.0.0.1", "240.0.0.1",
    ];
    for (const to of nobodys)
      link.send(tcp({ src: ip4("10.0.2.15"), dst: ip4(to) }, { flags: "S", seq: 1, sport: 4000, dport: port }));
    await until("all were refused", () => seen.length === nobodys.length);
    assert.ok(seen.every((flags) => /R/.test(flags)), seen.join(" "));
    assert.equal(reached, 0);
    link.close();
    server.close();
  });

  it("takes no more connections at a time than it is told", async () => {
    const { port, server } = await serve(() => {});
    await behind({ hostLoopback: true, connections: 2 }, async (stack) => {
      const [a] = await Promise.all([1, 2].map(() => stack.connect({ host: GATEWAY, port })));
      await assert.rejects(stack.connect({ host: GATEWAY, port, timeoutMs: 300 }), { code: "TIMED_OUT" });
      a!.resetAndDestroy();
      // The SYN that is sent again finds room.
      await stack.connect({ host: GATEWAY, port });
    });
    server.close();
  });

  it("tells a guest that the host cannot reach somebody", async () => {
    const frames: Uint8Array[] = [], guest = ip4("10.0.2.15"), far = ip4("192.0.2.1");
    const flows = new Flows({
      ip: ip4(GATEWAY), mac: Uint8Array.from(MAC_PEER), farMac: Uint8Array.from(MAC_PEER), port: 1, connectionsMax: 4,
      toGuest: (frame) => void frames.push(frame), toStack() {}, isRefed: () => true,
      // TCP has no broadcasts.
      reach: () => ({ host: "255.255.255.255", port: 9 }),
    });
    const syn = tcp({ src: guest, dst: far }, { flags: "S", seq: 7, sport: 4000, dport: 9 });
    flows.fromGuest(readPacket(syn)!);
    await until("the guest was told", () => frames.length === 1);
    const s = see(frames[0]!.slice());
    assert.ok(s.kind === "icmp" || (s.kind === "tcp" && /R/.test(s.flags)));
    flows.close();
  });

  it("drops what is broken: sums, lengths and parts", () => {
    const good = tcp({ src: 1, dst: 2 }, { flags: "S", seq: 7, sport: 4, dport: 9 });
    assert.ok(readPacket(good));
    for (const [at, to] of [[14, 0x44], [14, 0x65], [16, 9], [20, 0x20], [24, 0], [12, 0x86]] as const) {
      const bad = good.slice();
      assert.notEqual(bad[at], to);
      bad[at] = to;
      assert.equal(readPacket(bad), undefined, `byte ${at}`);
    }
    for (let size = 0; size < 54; size++) assert.equal(readPacket(good.slice(0, size)), undefined);
  });
});

describe("nat(): ports of the host", () => {
  it("lead to the stack", async () => {
    const forward = [{ port: 0, to: 7 }, { port: 0, to: 9, guest: "10.0.2.15" }];
    await behind({ forward }, async (stack, link) => {
      stack.listen({ port: 7 }).on("connection", (c: Connection) => c.pipe(c));
      const socket = net.connect({ port: link.ports[0]!, host: "127.0.0.1", allowHalfOpen: true });
      socket.end("to and fro");
      assert.equal(String(await bytes(socket)), "to and fro");
      // Nobody listens on 9.
      const [e] = (await once(net.connect(link.ports[1]!, "127.0.0.1"), "error")) as [NodeJS.ErrnoException];
      assert.equal(e.code, "ECONNRESET");
    });
  });

  it("wait for a stack that is not there yet", async () => {
    const link = nat({ forward: [{ port: 0, to: 7 }] });
    await link.ready;
    const socket = net.connect(link.ports[0]!, "127.0.0.1");
    await once(socket, "connect");
    const stack = await Stack.open({ link, ip: "10.0.2.20/24" });
    stack.listen({ port: 7 }).on("connection", (c: Connection) => c.end("here I am"));
    assert.equal(String(await bytes(socket)), "here I am");
    await stack.close(0);
  });

  it("that are taken are told", async () => {
    const { port, server } = await serve(() => {}), link = nat({ forward: [port] });
    const closed = new Promise((told) => (link.onClose = told));
    await assert.rejects(link.ready, { name: "LinkError", message: new RegExp(`^cannot forward port ${port} of `) });
    assert.ok(await closed instanceof LinkError);
    await assert.rejects(openLink("nat", { ip: undefined, prefix: 0, gateway: undefined, ports: [port] }), LinkError);
    server.close();
  });

  it("and the words of a link are known", async () => {
    const to = { ip: "192.168.7.9", prefix: 24, gateway: "192.168.7.1", ports: [0] };
    const { port, server } = await serve((s) => s.end("hello"));
    const link: Link = await openLink("nat:host-loopback", to);
    const stack = await Stack.open({ link, ip: "192.168.7.9/24", gateway: "192.168.7.1" });
    assert.equal(String(await bytes(await stack.connect({ host: "192.168.7.1", port }))), "hello");
    await stack.close(0);
    server.close();
    assert.throws(() => openLink("nat:somewhere", to), /"nat:somewhere" is no link/);
  });
});

describe("nat(): UDP", () => {
  it("goes to and fro, and what no frame holds comes in pieces", async () => {
    const big = Buffer.alloc(5000, "0123456789");
    const server = await datagrams((s, data, port) => s.send(data.length === 1 ? big : data, port, "127.0.0.1"));
    await behind({ hostLoopback: true }, async (stack) => {
      const socket = stack.udp(), { port } = server.address();
      const ask = async (data: string): Promise<[Buffer, { address: string; port: number }]> => {
        const answer = once(socket, "message");
        socket.send(Buffer.from(data), port, GATEWAY);
        const [got, from] = await answer as [Uint8Array, { address: string; port: number }];
        return [Buffer.from(got), from];
      };
      const [data, from] = await ask("ping");
      assert.deepEqual([String(data), from.address, from.port], ["ping", GATEWAY, port]);
      assert.ok(big.equals((await ask("?"))[0]));
    });
    server.close();
  });

  it("is heard from nobody whom the guest has not spoken to", async () => {
    let behindPort = 0;
    const server = await datagrams((s, data, port) => {
      behindPort = port;
      s.send(data, port, "127.0.0.1");
    });
    const stranger = await datagrams(() => {});
    await behind({ hostLoopback: true }, async (stack) => {
      const socket = stack.udp(), heard: string[] = [];
      socket.on("message", (data: Uint8Array) => heard.push(Buffer.from(data).toString()));
      socket.send(Buffer.from("1"), server.address().port, GATEWAY);
      await until("the server has answered", () => heard.length === 1);
      await new Promise((sent) => stranger.send("stranger", behindPort, "127.0.0.1", sent));
      socket.send(Buffer.from("2"), server.address().port, GATEWAY);
      await until("the server has answered again", () => heard.length === 2);
      assert.deepEqual(heard, ["1", "2"]);
    });
    server.close();
    stranger.close();
  });

  it("is refused where TCP is", async () => {
    await behind({}, async (stack) => {
      const socket = stack.udp(), refused = once(socket, "error");
      socket.connect(9, GATEWAY);
      socket.send(Buffer.from("x"));
      assert.equal(((await refused)[0] as { code: string }).code, "REFUSED");
    });
  });

  it("with a wrong sum is dropped", async () => {
    const heard: string[] = [], server = await datagrams((_, data) => void heard.push(String(data)));
    const link = nat({ hostLoopback: true }), { port } = server.address();
    const say = (text: string): Uint8Array =>
      udp({ src: ip4("10.0.2.15"), dst: ip4(GATEWAY) }, 4000, port, Buffer.from(text));
    const bad = say("bad");
    bad[bad.length - 1]! ^= 1;
    link.send(bad);
    link.send(say("good"));
    await until("the good one has come", () => heard.length > 0);
    assert.deepEqual(heard, ["good"]);
    link.close();
    server.close();
  });
});

describe("nat(): DNS", () => {
  it("asks the host's servers, the next one where the first does not answer", async () => {
    const deaf = await datagrams(() => {});
    const server = await datagrams((s, data, port) => {
      s.send(response(readQuery(data), { answers: [record(QNAME, A, 60, [192, 0, 2, 7])] }), port, "127.0.0.1");
    });
    const servers = [deaf, server].map((s) => `127.0.0.1:${s.address().port}`);
    const stack = await Stack.open({ link: nat({ servers }) });
    assert.deepEqual(await stack.lookup("example.test"), ["192.0.2.7"]);
    await stack.close(0);
    deaf.close();
    server.close();
  });
});

describe("stint connect --link nat", () => {
  it("reaches a server of the host", async () => {
    const { port, server } = await serve((s) => s.pipe(s));
    const args = ["build/stint.js", "connect", "--link", "nat:host-loopback", GATEWAY, String(port)];
    const child = started(process.execPath, args);
    child.stdin.end("to and fro");
    assert.equal(String(await bytes(child.stdout)), "to and fro");
    server.close();
  });
});

describe("node --import stint/register, with STINT_LINK=nat", () => {
  it("runs a program as it is against a server of the host, and lets it end", async () => {
    const web = http.createServer((request, response) => response.end(`page ${request.url}`)).listen(0, "127.0.0.1");
    await once(web, "listening");
    const program = `
      import http from "node:http";
      const agent = new http.Agent({ keepAlive: true }), ports = new Set();
      const get = (path) => new Promise((done, fail) => {
        http.get({ host: "10.0.2.2", port: ${(web.address() as AddressInfo).port}, path, agent }, async (response) => {
          ports.add(response.socket.localPort);
          let text = "";
          for await (const chunk of response) text += chunk;
          done(text);
        }).on("error", fail);
      });
      for (const path of ["/1", "/2", "/3"]) console.log(await get(path));
      console.log("connections", ports.size);
      agent.destroy();`;
    const register = pathToFileURL("build/register.js").href;
    const child = started(process.execPath, ["--import", register, "--input-type=module", "--eval", program], {
      env: environment({ STINT_LINK: "nat:host-loopback" }),
    });
    const ended = once(child, "exit");
    assert.equal(String(await bytes(child.stdout)), "page /1\npage /2\npage /3\nconnections 1\n");
    assert.deepEqual(await ended, [0, null]);
    web.close();
  });
});
