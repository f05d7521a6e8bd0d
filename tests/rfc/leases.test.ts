/** Leases from a network that says anything at any time, while link, caller and others do anything, too: from seeds. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Random } from "../../host/random.js";
import { LEASE_STATES } from "../../host/module/layout.js";
import type { Lease } from "../../host/stack.js";
import { SMALL } from "../harness/bench.js";
import { arp, ip4, MAC_PEER, MAC_STACK } from "../harness/codec.js";
import { address, dhcpFrame, END, isDhcp, option, readDhcp, TYPE, type Message } from "../harness/dhcp.js";
import { entropyOf } from "../harness/entropy.js";
import { Polled } from "../harness/polled.js";

const SERVER = ip4("10.0.0.2"), OWN = ip4("10.0.0.77"), LOCAL = ip4("127.0.0.1"), EVERYBODY = 0xffffffff;
const IPS = [
  "10.0.0.77", "10.0.0.78", "10.0.0.255", "0.0.0.0", "255.255.255.255", "127.0.0.1", "224.0.0.1", "10.0.0.2",
].map(ip4);
const MASKS = ["255.255.255.0", "0.0.0.0", "255.255.255.255", "255.255.255.254", "128.0.0.0", "255.0.255.0"].map(ip4);
const TIMES = [0, 1, 2, 3, 60, 3600, 0x7fffffff, 0xfffffffe, 0xffffffff];
const WITHOUT = ["INIT", "SELECTING", "REQUESTING", "PROBING", "OFF"];

/** What all seeds together have come to. */
interface Reached { states: Set<string>; declined: number; refused: number; addresses: number }

class Wild extends Polled {
  readonly #random: Random;
  readonly #reached: Reached;
  /** What the client said last. */
  #last: Message | undefined;

  constructor(seed: number, reached: Reached) {
    const random = new Random(seed), one = <T>(...of: T[]): T => of[random.below(of.length)]!;
    const mac = MAC_STACK.map((b) => b.toString(16).padStart(2, "0")).join(":");
    super(Polled.stack({
      mac, entropy: entropyOf(seed & 127), connsMax: 4, halfOpenMax: 4, timeWaitMax: 4,
      txSlots: one(2, 4, 64), neighboursMax: one(4, 64), loopSlots: one(0, 2, 8),
    }));
    this.#random = random;
    this.#reached = reached;
  }

  #one<T>(...of: T[]): T {
    return of[this.#random.below(of.length)]!;
  }

  #often(one: number): boolean {
    return this.#random.below(one) !== 0;
  }

  #maybe(one: number, ...bytes: number[]): number[] {
    return this.#often(one) ? [] : bytes;
  }

  /** A reply that may be well-formed and wanted, or neither. */
  #reply(): Uint8Array {
    const good = this.#often(3), last = this.#last, wanted = last?.options.get(50), some = this.#random.bytes(40);
    const time = (): number => this.#one(...TIMES);
    const server = good ? SERVER : this.#one(...IPS);
    const asked = wanted === undefined ? OWN : Buffer.from(wanted).readUInt32BE();
    const offer = last?.options.get(53)?.[0] === TYPE.DISCOVER ? TYPE.OFFER : TYPE.ACK;
    const options = [
      ...option(53, good ? this.#one(offer, offer, offer, TYPE.ACK, TYPE.NAK) : this.#random.below(12)),
      ...address(54, server), ...address(51, good ? this.#one(1, 2, 10, 60, 3600) : time()),
      ...this.#maybe(4, ...address(58, time())), ...this.#maybe(4, ...address(59, time())),
      ...this.#maybe(2, ...address(1, good ? MASKS[0]! : this.#one(...MASKS))),
      ...this.#maybe(2, ...address(3, this.#one(...IPS))),
      ...this.#maybe(3, ...address(6, ...IPS.slice(this.#random.below(8)))),
      ...this.#maybe(6, ...option(121, ...some.slice(this.#random.below(40)))),
      ...this.#maybe(8, ...option(52, some[0]! & 7)), ...this.#maybe(20, some[1]!, some[2]!),
      ...this.#maybe(20, ...option(61, ...some.slice(20))),
      ...(this.#often(8) ? [END] : []),
    ];
    const frame = dhcpFrame(server, this.#one(EVERYBODY, OWN), {
      xid: this.#often(20) ? last?.xid ?? 0 : this.#random.u32(), options,
      yiaddr: good ? this.#one(asked, this.stack.ownAddress()) : this.#one(...IPS),
    });
    return this.#often(20) ? frame : frame.slice(0, 14 + this.#random.below(frame.length - 14));
  }

  /** Something happens. */
  #happens(): void {
    const { stack } = this, what = this.#random.below(64), name = "x".repeat(this.#random.below(64));
    const call = (does: () => void): void => {
      try {
        does();
      } catch (e) {
        assert.notEqual((e as { code?: string }).code, undefined, String(e));
      }
    };
    if (what < 32) stack.pushFrame(this.#reply());
    else if (what < 38) {
      const sender = { mac: this.#one(MAC_PEER, MAC_STACK), ip: this.#often(8) ? OWN : this.#one(...IPS) };
      stack.pushFrame(arp(this.#one(1, 2), sender, { mac: [0, 0, 0, 0, 0, 0], ip: this.#one(...IPS) }));
    } else if (what < 41) stack.linkChanged();
    else if (what === 42) stack.dhcpStop();
    else if (what < 45) stack.dhcpStart(this.#one(0, OWN), name);
    else if (what < 50) call(() => stack.lookup(`n${this.#random.below(30)}.test`));
    else if (what < 56) {
      const to = this.#one(SERVER, OWN, LOCAL), from = this.#one(0, LOCAL, stack.ownAddress());
      call(() => stack.connect(to, 80, 0, from));
    } else if (what === 56) call(() => stack.listen(80));
  }

  /** What must hold whenever the stack is at rest. */
  #check(): void {
    const lease: Lease = this.stack.lease(), { state, ip } = lease;
    this.#reached.states.add(state);
    assert.equal(lease.endsMs > 0, true, `${state}: the lease is over, and not ended`);
    if (WITHOUT.includes(state)) assert.equal(ip, 0, `an address in ${state}`);
    else if (state !== "REBOOTING") assert.notEqual(ip, 0, `no address in ${state}`);
    if (ip === 0 && state !== "PROBING") assert.equal(lease.endsMs, Infinity, `a lease without an address in ${state}`);
    if (ip !== 0) {
      assert.ok(![0, 127].includes(ip >>> 24) && ip < ip4("224.0.0.0") && lease.prefix <= 32 && lease.gateway !== ip);
    }
    for (const s of this.out.splice(0)) {
      if (s.kind !== "arp") assert.ok([s.ip.src, s.ip.dst].every((a) => a >>> 24 !== 127), "127/8 on the wire");
      if (isDhcp(s)) this.#last = readDhcp(s.data);
    }
  }

  override poll(): void {
    super.poll();
    this.#check();
  }

  run(steps: number): void {
    this.stack.dhcpStart(this.#one(0, OWN), "lamp");
    for (let i = 0; i < steps; i++) {
      this.#happens();
      this.poll();
      this.advance(this.#one(0, 0, 0, 1, 50, 150, 150, 1000, 5000, 40_000));
    }
    const { declined, refused } = this.stack.lease();
    this.#reached.declined += declined;
    this.#reached.refused += refused;
    this.#reached.addresses += this.told;
  }
}

if (!SMALL) {
  describe("RFC 2131 §4.4: whatever the network says", () => {
    it("random: it comes to rest, has an address with a lease only and no longer, and nothing of 127/8 leaves", () => {
      const first = Number(process.env["LEASE_SEED"] ?? 1), count = Number(process.env["LEASES"] ?? 30);
      const reached: Reached = { states: new Set(), declined: 0, refused: 0, addresses: 0 };
      for (let seed = first; seed < first + count; seed++) {
        try {
          new Wild(seed, reached).run(200);
        } catch (e) {
          throw new Error(`LEASE_SEED=${seed} LEASES=1`, { cause: e });
        }
      }
      if (count < 30) return;
      assert.deepEqual([...reached.states].sort(), [...LEASE_STATES].sort());
      const { declined, refused, addresses } = reached;
      assert.ok(declined > 0 && refused > 20 && addresses > 20, JSON.stringify({ declined, refused, addresses }));
    });
  });
}
