/**
 * A stack with IPv6 on a link with a hostile neighbour, drawn from a seed: tables of one to four places, or any
 * configuration, every kind of message with right and wrong parts, fragments, calls in between, and time that jumps.
 */
import { POLICY, type StackOptions } from "../../host/config.js";
import { StintError } from "../../host/errors.js";
import { loadModule } from "../../host/module.js";
import { Random } from "../../host/random.js";
import { rest } from "../../host/rest.js";
import { StackModule } from "../../host/stack.js";
import { be, MAC_PEER } from "./codec.js";
import {
  advertisement, ALL_NODES, icmp6, ip6, ipv6, nd, NONE6, redirect, routerAdvertisement, see6, solicitation, sum6, udp6,
  type Seen6,
} from "./codec6.js";
import { drawConfig, exactly } from "./configs.js";
import { entropyOf } from "./entropy.js";

const ROUTER = ip6("fe80::1"), ALERT = [58, 0, 5, 2, 0, 0, 0, 0];
const STEPS_US = [0, 100, 1000, 50_000, 300_000, 1_100_000, 5_000_000];
/** Bytes that an arena may take. */
const ARENA_MAX = 2_000_000;
/** Numbers that may change while the stack runs. */
const TUNED = ["policy", "cookies", "mss", "icmpRate", "challengeMax", "synAckRetries", "pathMtuMin", "fastOpenMax"];
const VALUES = [0, 1, 3, 100, 1300, POLICY.ecn | POLICY.pacing | POLICY.sack, 2 ** 29 - 1];

/** Every second one is drawn from the whole space, in an arena that is as large as asked. */
function options(r: Random, seed: number): StackOptions {
  const usual = { ...small(r), entropy: entropyOf(seed) };
  for (let n = 0; n < 50 && seed % 2 === 0; n++) {
    const { mtu, listenersMax, udpMax } = usual;
    try {
      const drawn = { ...usual, ...drawConfig(r), mtu: r.below(3) === 0 ? 65535 : mtu!, listenersMax, udpMax };
      const { memoryBytes: _, ...exact } = exactly(loadModule(), drawn as StackOptions);
      if (exact.arenaSize! <= ARENA_MAX) return exact;
    } catch (e) {
      if (!(e instanceof StintError)) throw e;
    }
  }
  return usual;
}

function small(r: Random): Partial<StackOptions> {
  const pick = <T>(a: readonly T[]): T => a[r.below(a.length)]!, few = (): number => 1 + r.below(4);
  return {
    ip: "10.0.0.1/24", connsMax: few(), halfOpenMax: few(), timeWaitMax: few(),
    neighboursMax: 4, reassemblyMax: r.below(3), reassemblyBytes: 2048, listenersMax: 2, udpMax: 2, udpRing: 2048,
    rxSlots: 8, txSlots: pick([4, 8, 64]), loopSlots: pick([0, 2, 8]), sendRing: 2048, recvRing: 2048,
    cookies: r.below(3), mtu: pick([1280, 1500]), icmpRate: pick([1, 100]),
  };
}

export class Drawn6 {
  readonly stack: StackModule;
  readonly #r: Random;
  readonly #handles: number[] = [];
  /** Segments that the stack sent last: what answers them fits. */
  #sent: Seen6[] = [];
  #nowUs = 1_000_000;

  constructor(seed: number) {
    this.#r = new Random(seed);
    this.stack = new StackModule(loadModule(), options(this.#r, seed));
    this.#poll();
    this.stack.ip6Start(new Uint8Array(16).fill(3));
    this.#handles.push(this.stack.listen(80, 4), this.stack.udpOpen(53));
    this.#poll();
  }

  /** `count` frames, with calls and time between them. Throws what the module does, or an Error for what it sent. */
  run(count: number): void {
    const r = this.#r;
    for (let i = 0; i < count; i++) {
      const frame = this.#damaged(this.#frame());
      if (frame.length <= this.stack.mtu + 14) this.stack.pushFrame(frame);
      this.#call();
      if (r.below(3) !== 0) this.#poll();
      this.#nowUs += r.below(200) === 0 ? 70_000_000 : this.#pick(STEPS_US);
      if (r.below(3) === 0) this.#poll();
    }
  }

  #pick<T>(of: readonly T[]): T {
    return of[this.#r.below(of.length)]!;
  }

  #poll(): void {
    rest(() => this.stack.poll(this.#nowUs), () => {
      this.stack.drainFrames((f) => this.#look(see6(f.slice())));
      this.stack.drainEvents(() => {});
    });
  }

  /** What the stack sends has a right sum; of a fragment, the whole has. */
  #look(seen: Seen6 | null): void {
    if (seen === null) return;
    const isPart = seen.headers.length !== 0 && seen.type !== 131 && seen.type !== 143;
    if (!seen.sumOk && !isPart) throw new Error(`a wrong sum was sent: ${JSON.stringify([seen.next, seen.type])}`);
    if (seen.next === 6) this.#sent = [...this.#sent.slice(-7), seen];
  }

  // Addresses.

  #own(): Uint8Array {
    const own = this.stack.ip6Addresses().map((a) => a.bytes);
    return own.length === 0 || this.#r.below(8) === 0 ? this.#address() : this.#pick(own);
  }

  #address(): Uint8Array {
    const r = this.#r, hexOf = (n: number): string => n.toString(16);
    const own = this.stack.ip6Addresses().map((a) => a.bytes);
    return this.#pick([
      ...own, ...own, ROUTER, ip6("2001:db8:1::2"), ip6(`2001:db8:1::${hexOf(1 + r.below(64))}`),
      ip6(`2001:db8:${r.below(9)}::${1 + r.below(9)}`), ALL_NODES, NONE6, ip6("::1"), ip6("ff02::1:ff00:1"),
    ]);
  }

  // Frames.

  #frame(): Uint8Array {
    const r = this.#r, src = this.#address(), dst = this.#own();
    switch (r.below(15)) {
      case 0: return this.#router();
      case 1: return solicitation(src, this.#own());
      case 2: return solicitation(NONE6, this.#own(), r.below(2) === 0 ? [] : nd.nonce([0, 0, 0, 0, 0, 1]));
      case 3: return advertisement(src, dst, this.#address(), r.below(8));
      case 4: return icmp6({ src, dst }, 128, 0, 7, new Uint8Array(r.below(1200)).fill(7));
      case 5:
        if (r.below(3) === 0) return this.#answer();
        return udp6({ src, dst }, r.below(100), this.#pick([53, 54, 0]), new Uint8Array(r.below(900)));
      case 6: case 7: case 8: return this.#segment(src, dst);
      case 9: return this.#error();
      case 10: return this.#fragment(src, dst);
      case 11: return this.#headers(src, dst);
      case 12: return this.#fragments(src, dst);
      case 13: {
        const to = this.#address(), target = r.below(3) === 0 ? to : ip6(`fe80::${r.below(9) + 1}`);
        return redirect(r.below(4) === 0 ? src : ROUTER, dst, to, target, r.below(2) === 0 ? [] : nd.target(MAC_PEER));
      }
      default: return this.#query();
    }
  }

  /** An answer to the question that was sent last; or to none. */
  #answer(): Uint8Array {
    const r = this.#r, asked = this.#sent.findLast((s) => s.next === 17 && s.payload[3] === 53);
    if (!asked) return udp6({ src: this.#address(), dst: this.#own() }, 53, 1024, new Uint8Array(40));
    const question = [...asked.payload.slice(20)], id = [...asked.payload.slice(8, 10)], records = r.below(6);
    const one = (): number[] => {
      const size = this.#pick([16, 16, 16, 4, 15]), type = this.#pick([28, 28, 28, 1, 5]);
      return [0xc0, 12, ...be(2, type), 0, 1, ...be(4, this.#pick([0, 60, 86400])), ...be(2, size),
        ...this.#address().slice(0, size)];
    };
    const answers = Array.from({ length: records }, one).flat();
    const head = [...id, ...be(2, this.#pick([0x8180, 0x8180, 0x8380, 0x8183])), 0, 1, ...be(2, records), 0, 0, 0, 0];
    const message = Uint8Array.from([...head, ...question, ...answers]);
    const ip = { src: asked.dst, dst: asked.src };
    return udp6(ip, 53, (asked.payload[0]! << 8) | asked.payload[1]!, message);
  }

  #router(): Uint8Array {
    const r = this.#r, src = r.below(4) === 0 ? ip6(`fe80::${r.below(9) + 1}`) : ROUTER;
    const prefix = nd.prefix(ip6(`2001:db8:${r.below(12)}::`), {
      valid: this.#pick([0, 5, 3600, 0xffffffff]), preferred: this.#pick([0, 5, 3600]),
      bits: this.#pick([64, 64, 48, 128]), flags: this.#pick([0xc0, 0x80, 0x40]),
    });
    const mtu = r.below(4) === 0 ? nd.mtu(this.#pick([0, 1280, 1400, 9000])) : [];
    const servers = Array.from({ length: r.below(5) }, () => this.#address());
    const rdnss = r.below(3) === 0 ? nd.rdnss(this.#pick([0, 5, 600, 0xffffffff]), ...servers) : [];
    return routerAdvertisement(src, [...(r.below(2) === 0 ? [] : nd.source(MAC_PEER)), ...prefix, ...mtu, ...rdnss], {
      lifetime: this.#pick([0, 5, 1800, 65535]), flags: r.below(256),
    });
  }

  /** A segment of its own, or one that fits what the stack has just sent. */
  #segment(src: Uint8Array, dst: Uint8Array): Uint8Array {
    const r = this.#r, last = this.#sent.length > 0 && r.below(2) === 0 ? this.#pick(this.#sent) : undefined;
    const v = last && new DataView(last.payload.buffer), ip = last ? { src: last.dst, dst: last.src } : { src, dst };
    const bytes = Uint8Array.from([
      ...be(2, v ? v.getUint16(2) : 1000 + r.below(9)), ...be(2, v ? v.getUint16(0) : 80),
      ...be(4, v ? (v.getUint32(8) + r.below(3)) >>> 0 : r.u32()),
      ...be(4, v ? (v.getUint32(4) + r.below(3)) >>> 0 : r.u32()),
      0x50, this.#pick([2, 16, 18, 24, 4, 17, 16, 16]), ...be(2, r.below(65536)), 0, 0, 0, 0,
      ...(r.below(3) === 0 ? new Uint8Array(r.below(600)).fill(9) : []),
    ]);
    bytes.set(be(2, sum6(ip, 6, bytes)), 16);
    return ipv6({ ...ip, next: 6 }, bytes);
  }

  /** An error about what the stack sent, or did not. */
  #error(): Uint8Array {
    const r = this.#r, other = see6(udp6({ src: this.#own(), dst: this.#address() }, 53, 2, new Uint8Array(9)))!;
    const about = this.#sent.length > 0 ? this.#pick(this.#sent) : other;
    const quoted = ipv6({ src: about.src, dst: about.dst, next: about.next }, about.payload).slice(14);
    const rest = this.#pick([0, 600, 1280, 1400, 0xffffffff]);
    const part = quoted.slice(0, 48 + r.below(quoted.length));
    return icmp6({ src: this.#address(), dst: about.src }, 1 + r.below(4), r.below(6), rest, part.slice(0, 1200));
  }

  #fragment(src: Uint8Array, dst: Uint8Array): Uint8Array {
    const r = this.#r, body = Uint8Array.from({ length: 8 * (1 + r.below(40)) }, () => r.below(256));
    const offset = this.#pick([0, 0, 8, 64, 320, 1200, 65528]) | r.below(2);
    const headers = [this.#pick([17, 6, 58, 60, 44]), 0, ...be(2, offset), ...be(4, r.below(3))];
    return ipv6({ src, dst, next: 44, headers }, body);
  }

  /** A datagram in two fragments; the second is returned. */
  #fragments(src: Uint8Array, dst: Uint8Array): Uint8Array {
    const whole = udp6({ src, dst }, 9, 53, new Uint8Array(1000)).slice(54), id = be(4, this.#r.u32());
    const part = (from: number, to: number, more: number): Uint8Array =>
      ipv6({ src, dst, next: 44, headers: [17, 0, ...be(2, from | more), ...id] }, whole.slice(from, to));
    this.stack.pushFrame(part(0, 504, 1));
    return part(504, whole.length, 0);
  }

  #headers(src: Uint8Array, dst: Uint8Array): Uint8Array {
    const r = this.#r, option = this.#pick([0, 1, 5, 0x5e, 0x9e, 0xde, r.below(256)]);
    const headers = [58, 0, option, this.#pick([4, 0, 3, 9]), 0, 0, 0, 0];
    const next = this.#pick([0, 60, 43, 44, 51, 135]);
    return ipv6({ src, dst, next, headers }, icmp6({ src, dst }, 128, 0, 1).slice(54));
  }

  #query(): Uint8Array {
    const r = this.#r, ip = { src: ROUTER, dst: ALL_NODES };
    const sources = new Uint8Array(this.#pick([16, 20, 40]));
    const body = Uint8Array.from([130, 0, 0, 0, ...be(2, r.below(65536)), 0, 0, ...sources]);
    body.set(be(2, sum6(ip, 58, body)), 2);
    return ipv6({ ...ip, next: 0, hops: 1, headers: ALERT }, body);
  }

  /** One frame in five has wrong bytes, often under a right sum; one in twenty is cut. */
  #damaged(frame: Uint8Array): Uint8Array {
    const r = this.#r;
    if (r.below(5) === 0) {
      for (let n = 1 + r.below(4); n > 0; n--) {
        frame[14 + r.below(frame.length - 14)] = this.#pick([0, 1, 255, r.below(256)]);
      }
      if (r.below(3) !== 0 && frame.length > 58 && frame[20] === 58) {
        frame.set([0, 0], 56);
        const ip = { src: frame.slice(22, 38), dst: frame.slice(38, 54) };
        frame.set(be(2, sum6(ip, 58, frame.slice(54))), 56);
      }
    }
    return r.below(20) === 0 ? frame.slice(0, 14 + r.below(frame.length - 13)) : frame;
  }

  // Calls.

  /** One call in two frames or so, with whatever handle there is: one that fails says so by name. */
  #call(): void {
    const r = this.#r, s = this.stack, handle = this.#pick(this.#handles);
    const calls: (() => unknown)[] = [
      () => this.#handles.push(s.connect(s.ip6Name(this.#address()), 80 + r.below(2))),
      () => this.#handles.push(s.listen(80 + r.below(3), 2, r.below(2) === 0 ? 0 : s.ip6Name(this.#own()))),
      () => s.close(handle),
      () => s.udpSend(handle, s.ip6Name(this.#address()), 9, new Uint8Array(r.below(1400))),
      () => s.udpReceive(handle),
      () => this.#handles.push(s.accept(handle) || handle),
      () => s.send(handle, new Uint8Array(r.below(900))),
      () => s.receive(handle),
      () => s.abort(handle),
      () => s.ip6Remove(this.#own()),
      () => s.lookup6(`n${r.below(20)}.test`),
      () => s.lookup(`n${r.below(20)}.test`),
      () => s.dnsServers(this.#pick([[], [], [this.#address()], [this.#address(), this.#address()]])),
      () => s.ip6Add(ip6(`fd00::${r.below(9) + 1}`), this.#pick([64, 128, 0]), r.below(2) === 0 ? undefined : ROUTER),
      () => (r.below(4) === 0 ? (s.ip6Stop(), s.ip6Start()) : undefined),
      () => s.linkChanged(),
      () => s.tune({ [this.#pick(TUNED)]: r.below(2) === 0 ? this.#pick(VALUES) : r.below(2 ** 29) }),
      () => {
        const [ip, prefix, router] = this.#pick([[0x0a000001, 24, 0], [0, 0, 0], [0x0a000005, 24, 0x0a000001]]);
        s.setAddress(ip, prefix, router);
      },
      () => (r.below(2) === 0 ? s.dhcpStart(0, "x") : s.dhcpStop()),
      () => s.shutdown(handle),
      () => s.setOption(handle, this.#pick(["noDelay", "keepAlive", "ttl", "fastOpen"] as const), r.below(3)),
      () => s.udpConnect(handle, r.below(2) === 0 ? 0 : s.ip6Name(this.#address()), r.below(100)),
    ];
    try {
      calls[r.below(2 * calls.length)]?.();
    } catch (e) {
      if (!(e instanceof StintError)) throw e;
    }
  }
}
