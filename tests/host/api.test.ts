/** The module's interface against callers that get it wrong (bad-input 37), its tables, and the library on top. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, it } from "node:test";
import { Bench, PEER, STACK, pattern } from "../harness/bench.js";
import { entropyOf } from "../harness/entropy.js";
import { Stack, StackModule, Wire, loadModule, type Connection, type Link } from "../../host/index.js";
import { CONFIG_FIELDS, configNumbers, type ConfigField } from "../../host/config.js";
import { Random } from "../../host/random.js";
import { ERR } from "../../host/errors.js";
import { EVENT, OPTION } from "../../host/stack.js";
import { udp as datagram } from "../harness/codec.js";
import {
  BLOCK_SIZE, CONFIG_SIZE, DHCP6_SIZE, ENTROPY_SIZE, IP6_INFO_SIZE, LEASE_SIZE, LOCAL_NAME_SIZE, NAMES_SIZE,
  TCP_INFO_SIZE, TIME_SIZE,
} from "../../host/module/layout.js";

/** Exports that take no pointers. */
const WITHOUT = new Set([
  "configBlock", "poll", "controlBlock", "counters", "countersCount", "pool", "tune", "event_next", "tcp_listen",
  "tcp_accept", "tcp_connect", "tcp_send_room", "tcp_send_at", "tcp_send_span", "tcp_send_commit", "tcp_recv_size",
  "tcp_recv_at", "tcp_recv_span", "tcp_recv_consume", "tcp_urgent", "tcp_urgent_left", "tcp_shutdown", "tcp_close",
  "tcp_abort", "tcp_set", "flow_state", "link_changed", "udp_open", "udp_close", "udp_ttl", "udp_connect",
  "set_address", "dhcp_stop", "dns_servers", "dns_server_add", "ip6_stop", "ip6_temporary", "mdns_stop",
  "sntp_start", "sntp_server_add", "sntp_stop", "sntp_utc", "link_local_start", "link_local_stop", "dhcp6_stop",
  "ip_source",
]);

describe("handles", () => {
  it("refuse what is stale, invented, or of another kind", () => {
    const b = new Bench().accepted();
    const x = b.stack.exports;
    const udp = b.stack.udpOpen(5);
    for (const handle of [0, -1, 1, 0x7fffffff, -0x80000000, b.handle + (1 << 10), b.listener, udp]) {
      assert.equal(x.tcp_send(handle, 0, 0), ERR.HANDLE, `send ${handle}`);
      assert.equal(x.tcp_recv_size(handle), ERR.HANDLE);
      assert.equal(x.tcp_info(handle, x.configBlock()), ERR.HANDLE);
    }
    for (const handle of [b.handle, udp, 0, 77]) assert.equal(x.tcp_accept(handle), ERR.HANDLE);
    for (const handle of [b.handle, b.listener]) assert.equal(x.udp_send(handle, PEER, 1, 0, 0), ERR.HANDLE);
    b.stack.close(b.handle);
    assert.equal(x.tcp_close(b.handle), ERR.HANDLE, "closed twice");
    assert.equal(x.tcp_abort(b.handle), ERR.HANDLE);
    assert.equal(x.tcp_shutdown(b.handle), ERR.HANDLE);
  });

  it("of a listener that was closed, and of the next one in its place: no event of before names them", () => {
    const b = new Bench(), first = b.stack.listen(8080, 4), told: number[] = [];
    b.send({ flags: "S", seq: 0 });
    b.expect("SA");
    assert.ok(b.stack.pushFrame(b.make({ flags: "A", seq: 1, ack: 1 })), "there is a slot");
    b.stack.poll(b.nowUs);
    b.stack.close(first);
    const second = b.stack.listen(8080, 4);
    b.stack.drainEvents((handle) => told.push(handle));
    assert.deepEqual(told.filter((handle) => handle === first || handle === second), []);
  });

  it("differ from one use of a place to the next", () => {
    const b = new Bench({ connsMax: 1 });
    const seen = new Set<number>();
    for (let i = 0; i < 1000; i++) {
      const handle = b.stack.connect(PEER, 80, 50000);
      assert.ok(!seen.has(handle));
      seen.add(handle);
      b.stack.abort(handle);
      b.poll();
    }
  });
});

describe("pointers and lengths", () => {
  it("must lie in memory and outside the arena", () => {
    const b = new Bench().accepted();
    const x = b.stack.exports, size = x.memory.buffer.byteLength;
    for (const [at, n] of [
      [size, 1], [size - 1, 2], [0xffffffff, 1], [0, 0xffffffff], [x.controlBlock(), 4], [x.counters() - 1, 2],
    ] as const) {
      assert.equal(x.tcp_send(b.handle, at, n), ERR.ARGUMENT, `${at} ${n}`);
      assert.equal(x.tcp_recv(b.handle, at, n), ERR.ARGUMENT);
    }
    assert.equal(x.tcp_info(b.handle, size - 100), ERR.ARGUMENT);
    assert.equal(x.tcp_send(b.handle, x.configBlock(), 200), 200);
    assert.equal(x.tcp_send_commit(b.handle, 70000), ERR.ARGUMENT);
    assert.equal(x.tcp_recv_consume(b.handle, 1), ERR.AGAIN);
  });

  it("of every export: nothing is 0, in the module's own data, in the arena, or beyond the memory; "
      + "and then nothing happens", () => {
    const module = loadModule();
    const b = new Bench({ udpMax: 1 }).accepted();
    const x = b.stack.exports, top = x.memory.buffer.byteLength;
    b.send({ flags: "PA", seq: 1, ack: 1, data: pattern(100) });
    const udp = b.stack.udpOpen(53), block = x.configBlock(), base = x.controlBlock() - CONFIG_SIZE;
    const named = x.ip6_name(block);
    for (let i = 0; i < 2; i++) b.frame(datagram({ src: PEER, dst: STACK }, 9, 53, pattern(100)));
    /** How many bytes each call is asked to read or to write; and the call, with a pointer. */
    const calls: Record<string, [size: number, call: (at: number) => number]> = {
      layoutSize: [CONFIG_SIZE, (at) => Number(x.layoutSize(at))],
      init: [CONFIG_SIZE, (at) => x.init(at)],
      tcp_send: [64, (at) => x.tcp_send(b.handle, at, 64)],
      tcp_recv: [64, (at) => x.tcp_recv(b.handle, at, 64)],
      tcp_peek: [64, (at) => x.tcp_peek(b.handle, at, 64)],
      tcp_info: [TCP_INFO_SIZE, (at) => x.tcp_info(b.handle, at)],
      listener_info: [16, (at) => x.listener_info(b.listener, at)],
      udp_send: [64, (at) => x.udp_send(udp, PEER, 9, at, 64)],
      udp_recv: [64, (at) => x.udp_recv(udp, at, 64, 0)],
      dhcp_info: [LEASE_SIZE, (at) => x.dhcp_info(at)],
      dhcp_domain: [64, (at) => x.dhcp_domain(at, 64)],
      "udp_recv, from": [8, (at) => (at === 0 ? ERR.ARGUMENT : x.udp_recv(udp, block, 64, at))],
      dns_info: [NAMES_SIZE, (at) => x.dns_info(at)],
      dns_lookup: [63, (at) => (at === block ? 0 : x.dns_lookup(at, 63, block, 4))],
      "dns_lookup, addresses": [16, (at) => (at === block ? 0 : x.dns_lookup(block, 8, at, 4))],
      dns_lookup6: [63, (at) => (at === block ? 0 : x.dns_lookup6(at, 63, block, 4))],
      "dns_lookup6, addresses": [64, (at) => (at === block ? 0 : x.dns_lookup6(block, 8, at, 4))],
      mdns_start: [63, (at) => (at === block ? 0 : x.mdns_start(at, 63))],
      mdns_info: [LOCAL_NAME_SIZE, (at) => x.mdns_info(at)],
      mdns_name: [64, (at) => x.mdns_name(at, 64)],
      sntp_info: [TIME_SIZE, (at) => x.sntp_info(at)],
      dhcp6_info: [DHCP6_SIZE, (at) => x.dhcp6_info(at)],
      ip6_start: [16, (at) => (at === 0 ? ERR.ARGUMENT : x.ip6_start(at))],
      ip6_add: [16, (at) => (at === block ? 0 : x.ip6_add(at, 64, 0))],
      "ip6_add, router": [16, (at) => (at === 0 ? ERR.ARGUMENT : at === block ? 0 : x.ip6_add(block, 64, at))],
      ip6_remove: [16, (at) => (at === block ? 0 : x.ip6_remove(at))],
      ip6_info: [IP6_INFO_SIZE, (at) => x.ip6_info(0, at)],
      ip6_router: [16, (at) => (at === block ? 0 : x.ip6_router(0, at))],
      ip6_name: [16, (at) => (x.ip6_name(at) === 0 ? ERR.ARGUMENT : 0)],
      ip6_bytes: [16, (at) => x.ip6_bytes(named, at)],
      // The last, since it takes the address away.
      dhcp_start: [63, (at) => x.dhcp_start(0, at, 63)],
    };
    for (const { name, kind } of WebAssembly.Module.exports(module))
      assert.ok(kind !== "function" || WITHOUT.has(name) !== name in calls, `${name} is in one of the two lists`);
    for (const [name, [size, call]] of Object.entries(calls)) {
      const bad = [
        0, 1, 8, block - 1, block - size, block + BLOCK_SIZE - size + 1, base - 1, base, base + 1, base + 4096,
        base + b.stack.arenaBytes - 1, base - size + 1, top - size + 1, top - 1, top, top + 1, 2 ** 31, 2 ** 32 - size,
        2 ** 32 - 1,
      ];
      const before = Buffer.from(x.memory.buffer.slice(0));
      for (const at of bad) {
        // The wider of these ranges may lie in the block.
        if (at >= block && at + size <= block + BLOCK_SIZE) continue;
        assert.equal(call(at), ERR.ARGUMENT, `${name} at ${at}`);
      }
      assert.ok(before.equals(Buffer.from(x.memory.buffer)), `${name} changed something`);
    }
    for (const [name, [, call]] of Object.entries(calls))
      if (!/^(layoutSize|init)/.test(name)) assert.ok(call(block) >= 0, `${name} in the block`);
  });

  it("ports, addresses and options are checked", () => {
    const b = new Bench();
    const x = b.stack.exports;
    for (const args of [
      [0, 0, PEER, 0], [0, 0, PEER, 65536], [0, 70000, PEER, 80], [5, 0, PEER, 80],
    ] as [number, number, number, number][])
      assert.equal(x.tcp_connect(...args), ERR.ARGUMENT);
    assert.equal(x.tcp_listen(0, 0, 1), ERR.ARGUMENT);
    assert.equal(x.tcp_listen(0, 80, 0), ERR.ARGUMENT);
    assert.equal(x.udp_open(65536), ERR.ARGUMENT);
    const h = b.stack.connect(PEER, 80), unknown = Object.keys(OPTION).length;
    assert.equal(x.tcp_set(h, unknown, 1), ERR.ARGUMENT);
    assert.equal(x.tcp_set(h, OPTION.ttl, 0), ERR.ARGUMENT);
    assert.equal(x.tcp_set(h, OPTION.tos, 256), ERR.ARGUMENT);
  });
});

describe("init", () => {
  const code = (options: object): string => {
    try {
      new StackModule(loadModule(), { ip: "10.0.0.1/24", ...options });
      return "OK";
    } catch (e) {
      return (e as { code: string }).code;
    }
  };

  it("refuses a configuration that cannot be", () => {
    for (const bad of [
      { mtu: 127 }, { mtu: 65536 }, { connsMax: 0 }, { sendRing: 63 }, { sendRing: 1001 }, { rxSlots: 3 },
      { txSlots: 0 }, { loopSlots: 3 }, { neighboursMax: 5 }, { cookies: 3 }, { windowScale: 15 }, { rtoMinMs: 0 },
      { delayedAckMs: 500 }, { keepProbes: 1 }, { ttl: 0 }, { mac: "01:00:00:00:00:01" }, { ip: "127.0.0.1/8" },
      { ip: "224.0.0.1/8" }, { reassemblyBytes: 7 }, { halfOpenMax: 70000 }, { gateway: "127.0.0.1" },
      { gateway: "0.1.2.3" }, { gateway: "224.0.0.1" }, { gateway: "239.1.2.3" }, { gateway: "255.255.255.255" },
    ])
      assert.equal(code(bad), "CONFIG", JSON.stringify(bad));
  });

  it("refuses what cannot be entropy, and takes whatever else", () => {
    const bytes = (byte: (i: number) => number): Uint8Array => Uint8Array.from({ length: 32 }, (_, i) => byte(i));
    const words = (size: 2 | 4 | 8, from: bigint, step: bigint): Uint8Array =>
      bytes((i) => Number(((from + step * BigInt(Math.floor(i / size))) >> BigInt(8 * (i % size))) & 255n));
    const refused = [
      bytes(() => 0), bytes(() => 255), bytes(() => 7), bytes((i) => i), bytes((i) => 255 - i),
      bytes((i) => 250 + 3 * i), bytes((i) => i >> 1), bytes((i) => i >> 3), words(2, 0xfffen, 1n), words(4, 1n, 1n),
      words(4, 0xffff_fffen, 0x1234_5678n), words(8, 0xffff_ffff_ffff_ffffn, 1n), words(8, 5n, 0x0123_4567_89ab_cdefn),
    ];
    // A source that said nothing in three words of eight, wherever, or filled them up; or said half of it twice.
    const without = (words: number[], fill: number): Uint8Array => {
      const good = entropyOf(3);
      return bytes((i) => (words.includes(i >> 2) ? fill : good[i]!));
    };
    for (let a = 0; a < 8; a++)
      for (let b = 0; b < a; b++)
        for (let c = 0; c < b; c++) for (const fill of [0, 255]) refused.push(without([a, b, c], fill));
    refused.push(bytes((i) => entropyOf(3)[i & 15]!), bytes((i) => entropyOf(3)[i & 7]!));
    for (let step = 0; step < 256; step++) refused.push(bytes((i) => 5 + step * i));
    const made = (options: object): string =>
      code({
        connsMax: 1, sendRing: 64, recvRing: 64, udpMax: 0, reassemblyMax: 0, rxSlots: 1, txSlots: 1, ...options,
      });
    for (const entropy of refused) assert.equal(made({ entropy }), "ENTROPY", Buffer.from(entropy).toString("hex"));
    for (const word of [0, 1, 5, 7]) assert.equal(made({ entropy: without([word], 0) }), "OK", `all but word ${word}`);
    for (let seed = 0; seed < 50; seed++) assert.equal(made({ entropy: entropyOf(seed) }), "OK");
    const random = new Random(1);
    for (let n = 0; n < 500; n++) assert.equal(made({ entropy: bytes(() => random.below(256)) }), "OK", `draw ${n}`);
  });

  it("every bit of the entropy counts", () => {
    const key = (entropy: Uint8Array): number => {
      const b = new Bench({ entropy });
      b.stack.connect(PEER, 80, 50000);
      b.poll();
      return b.next().seq;
    };
    const seen = new Set([key(entropyOf(3))]);
    for (let bit = 0; bit < 256; bit++) {
      const entropy = entropyOf(3);
      entropy[bit >> 3]! ^= 1 << (bit & 7);
      seen.add(key(entropy));
    }
    assert.ok(seen.size >= 256, `${seen.size} of 257 are different`);
  });

  it("refuses an arena where it must not be, and a block that is not in memory or would be wiped", () => {
    const at = (
      change: (set: (field: ConfigField, value: number) => void, block: number, top: number) => number | void,
    ): number => {
      const x = new WebAssembly.Instance(loadModule()).exports as unknown as StackModule["exports"];
      x.memory.grow(64);
      const block = x.configBlock(), top = x.memory.buffer.byteLength;
      const numbers = {
        ...configNumbers({ ip: "10.0.0.1/24" }), arenaBase: 1 << 20, arenaSize: 1 << 28, connsMax: 1, size: CONFIG_SIZE,
      };
      Object.assign(numbers, {
        reassemblyMax: 0, udpMax: 0, sendRing: 1024, recvRing: 1024, rxSlots: 2, txSlots: 2, rangesMax: 8,
      });
      const place = change((field, value) => { numbers[field] = value; }, block, top) ?? block;
      const view = new DataView(x.memory.buffer);
      if (place !== 0 && place + CONFIG_SIZE <= top) {
        CONFIG_FIELDS.forEach((field, i) => view.setUint32(place + i * 4, numbers[field], true));
        new Uint8Array(x.memory.buffer, place + numbers.size - ENTROPY_SIZE, ENTROPY_SIZE).set(entropyOf(1));
      }
      const data = Buffer.from(x.memory.buffer.slice(0, block)), result = x.init(place);
      assert.ok(
        result === 0 || data.equals(Buffer.from(x.memory.buffer.slice(0, block))), "the module's data is as it was",
      );
      return result;
    };
    assert.equal(at(() => {}), 0);
    for (const arenaBase of [8, 16, 64, 256, 320])
      assert.equal(at((set) => set("arenaBase", arenaBase)), ERR.NO_MEMORY, `arena at ${arenaBase}`);
    assert.equal(at((set) => set("arenaBase", (1 << 20) + 4)), ERR.NO_MEMORY, "not aligned");
    assert.equal(at((set) => set("arenaSize", 1000)), ERR.NO_MEMORY, "too small");
    assert.equal(at((set, _, top) => set("arenaBase", top - 4096)), ERR.NO_MEMORY, "beyond the memory");
    assert.equal(at((set) => set("arenaBase", 0xfffffff8)), ERR.NO_MEMORY, "at the end of what there can be");
    for (const more of [1, 65_536, 2 ** 31])
      assert.equal(at((set, _, top) => set("memoryBytes", top + more)), ERR.NO_MEMORY, "more memory than there is");
    assert.equal(at((set, _, top) => set("memoryBytes", top)), 0);
    assert.equal(at((set) => set("memoryBytes", 1 << 20)), ERR.NO_MEMORY, "less memory than the arena takes");
    for (const place of [0, 8, -1, 2 ** 31])
      assert.equal(at(() => place >>> 0), ERR.ARGUMENT, `block at ${place}`);
    const late = BLOCK_SIZE - CONFIG_SIZE + 1;
    assert.equal(at((_, block) => block + late), ERR.ARGUMENT, "a block that ends in other data");
    assert.equal(at((_s, _b, top) => top - 100), ERR.ARGUMENT, "a block that ends beyond the memory");
    for (const place of [(1 << 20) - 200, 1 << 20, (1 << 20) + 5000])
      assert.equal(at(() => place), ERR.ARGUMENT, "a block that the arena would cover");
    assert.equal(at(() => (1 << 20) - CONFIG_SIZE), 0, "a block beside it");
    assert.equal(
      at((set) => {
        set("arenaBase", 0);
        return 1 << 19;
      }),
      0,
      "a block behind the arena at its usual place",
    );
    assert.equal(at((set) => { set("arenaBase", 0); return 4096; }), ERR.ARGUMENT, "a block within it");
    assert.equal(code({ arenaBase: 4096, arenaSize: 1000 }), "NO_MEMORY");
    assert.equal(code({ arenaBase: 65536, arenaSize: 1 << 16, connsMax: 64 }), "NO_MEMORY");
    assert.equal(code({ connsMax: 100000, sendRing: 1 << 20 }), "NO_MEMORY");
  });

  it("what lies between the tables and the application's bytes is the stack's own; what lies behind is not", () => {
    for (let appBytes = 0; appBytes < 10; appBytes++) {
      const options = { ip: "10.0.0.1/24", entropy: entropyOf(1), connsMax: 1, listenersMax: 1, appBytes };
      const size = new StackModule(loadModule(), options).arenaBytes, base = 1 << 17;
      const m = new StackModule(loadModule(), { ...options, arenaBase: base, arenaSize: size });
      const socket = m.udpOpen(5), x = m.exports, end = base + size, app = end - ((appBytes + 7) & ~7);
      x.memory.grow(1);
      const takes = (at: number): boolean => x.udp_send(socket, PEER, 1, at, 1) !== ERR.ARGUMENT;
      assert.equal(size % 8, 0, "whole words");
      for (let at = app - 8; at < app; at++) assert.equal(takes(at), false, `${app - at} before ${appBytes}`);
      assert.ok(takes(app) && takes(end), `from ${appBytes} on`);
    }
  });

  it("wipes the entropy", () => {
    const entropy = entropyOf(5);
    const m = new StackModule(loadModule(), { ip: "10.0.0.1/24", entropy });
    assert.equal(Buffer.from(m.memory).indexOf(Buffer.from(entropy.subarray(16))), -1);
  });

  it("calls before it are refused", () => {
    const x = new WebAssembly.Instance(loadModule()).exports as unknown as StackModule["exports"];
    assert.equal(x.poll(1n), ERR.NOT_INIT);
    assert.equal(x.tcp_listen(0, 80, 1), ERR.NOT_INIT);
    assert.equal(x.tcp_connect(0, 0, PEER, 80), ERR.NOT_INIT);
    assert.ok(x.tcp_send(5, 0, 0) < 0);
    assert.equal(x.event_next(), 0n);
    assert.equal(x.controlBlock(), 0);
  });
});

describe("the same inputs give the same outputs", () => {
  it("bit for bit", () => {
    const run = (): string => {
      const b = new Bench().accepted();
      b.write(30000);
      b.advance(5000);
      b.stack.close(b.handle);
      b.advance(100_000);
      return Buffer.concat(b.all.map((s) => s.raw)).toString("base64");
    };
    assert.equal(run(), run());
  });
});

/** Two stacks of the library on a wire that is driven by real time. */
function pair(): [Link, Link] {
  const make = (): Link => ({ send: () => {}, onFrame: () => {}, onClose: () => {}, close() { this.onClose(); } });
  const a = make(), b = make();
  const cross = (from: Link, to: Link): void => {
    from.send = (frame) => {
      const copy = frame.slice();
      setImmediate(() => to.onFrame(copy));
    };
  };
  cross(a, b);
  cross(b, a);
  return [a, b];
}

describe("the library", () => {
  const open = async (): Promise<[Stack, Stack]> => {
    const [a, b] = pair();
    return Promise.all([Stack.open({ link: a, ip: "10.0.0.1/24" }), Stack.open({ link: b, ip: "10.0.0.2/24" })]);
  };

  it("connects, listens, and moves data with back-pressure", async () => {
    const [a, b] = await open();
    const server = b.listen({ port: 7 });
    void (async () => {
      for await (const c of server) c.pipe(c);
    })();
    const c = await a.connect({ host: "10.0.0.2", port: 7 });
    assert.equal(c.remoteAddress, "10.0.0.2");
    const sent = Buffer.from(pattern(1_000_000));
    c.end(sent);
    const got: Buffer[] = [];
    for await (const chunk of c) got.push(chunk as Buffer);
    assert.ok(Buffer.concat(got).equals(sent));
    server.close();
    await Promise.all([a.close(), b.close()]);
  });

  it("rejects with the reason", async () => {
    const [a, b] = await open();
    await assert.rejects(a.connect({ host: "10.0.0.2", port: 9 }), { code: "REFUSED" });
    await assert.rejects(a.connect({ host: "192.0.2.1", port: 9 }), { code: "UNREACHABLE" });
    await assert.rejects(a.connect({ host: "10.0.0.77", port: 9, timeoutMs: 50 }), { code: "TIMED_OUT" });
    const server = b.listen({ port: 7 });
    assert.throws(() => b.listen({ port: 7 }), { code: "IN_USE" });
    const [c, d] = await Promise.all([a.connect({ host: "10.0.0.2", port: 7 }), server.accept()]);
    d!.reset();
    const [error] = await once(c, "error");
    assert.equal((error as { code: string }).code, "RESET");
    await Promise.all([a.close(), b.close()]);
  });

  it("half-closes: data still comes after end()", async () => {
    const [a, b] = await open();
    const server = b.listen({ port: 7 });
    const [c, d] = await Promise.all([a.connect({ host: "10.0.0.2", port: 7 }), server.accept()]);
    c.end("question");
    const parts: Buffer[] = [];
    d!.on("data", (chunk: Buffer) => parts.push(chunk));
    await once(d!, "end");
    assert.equal(Buffer.concat(parts).toString(), "question");
    d!.end("answer");
    const [answer] = await once(c, "data");
    assert.equal(String(answer), "answer");
    await Promise.all([a.close(), b.close()]);
  });

  it("sends a request with the SYN, to a server that takes it, from the second time on", async () => {
    const [a, b] = await open();
    b.listen({ port: 7, fastOpen: true }).on("connection", (c: Connection) => c.pipe(c));
    for (let i = 0; i < 3; i++) {
      const c = await a.connect({ host: "10.0.0.2", port: 7, fastOpen: true, data: pattern(5000, i) });
      c.end();
      const got: Buffer[] = [];
      for await (const chunk of c) got.push(chunk as Buffer);
      assert.deepEqual(new Uint8Array(Buffer.concat(got)), pattern(5000, i));
    }
    assert.equal(a.counters().TCPFastOpenActive, 2);
    assert.equal(b.counters().TCPFastOpenPassive, 2);
    await Promise.all([a.close(), b.close()]);
  });

  it("asks nothing of a connection that was let go of while its events are told", async () => {
    const [a, b] = await open();
    const server = b.listen({ port: 7 });
    const [c] = await Promise.all([a.connect({ host: "10.0.0.2", port: 7 }), server.accept()]);
    c.on("urgent", () => c.destroy());
    c.handleEvent(EVENT.URGENT | EVENT.SOFT_ERROR | EVENT.CLOSED);
    assert.ok(c.destroyed);
    server.close();
    await Promise.all([a.close(), b.close()]);
  });

  it("sends and receives datagrams", async () => {
    const [a, b] = await open();
    const server = b.udp({ port: 53 }), client = a.udp();
    server.on("message", (data: Uint8Array, from: { address: string; port: number }) =>
      server.send(data, from.port, from.address),
    );
    client.send(pattern(100), 53, "10.0.0.2");
    const [data] = await once(client, "message");
    assert.deepEqual(data, pattern(100));
    await Promise.all([a.close(), b.close()]);
  });
});

describe("two stacks on the virtual wire", () => {
  it("come to rest when there is nothing to do", () => {
    const wire = new Wire(1);
    for (const ip of ["10.0.0.1/24", "10.0.0.2/24"]) wire.attach(new StackModule(loadModule(), { ip }));
    wire.run(() => false, 10e6);
    assert.equal(wire.inFlight, 0);
    void STACK;
  });
});
