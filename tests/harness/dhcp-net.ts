/** A DHCP client, and a network with nothing on it but what a test says. */
import assert from "node:assert/strict";
import type { Lease } from "../../host/stack.js";
import type { StackOptions } from "../../host/config.js";
import { arp, ip4, MAC_PEER, MAC_STACK, type Seen } from "./codec.js";
import { address, dhcpFrame, END, isDhcp, option, readDhcp, TYPE, type Message, type Reply } from "./dhcp.js";
import { entropyOf } from "./entropy.js";
import { Polled } from "./polled.js";

export const SERVER = ip4("10.0.0.2"), OFFERED = ip4("10.0.0.77"), EVERYBODY = 0xffffffff, HOUR = 3600;
const MAC = MAC_STACK.map((b) => b.toString(16).padStart(2, "0")).join(":");

/** A client, and a network with nothing on it but what the test says. */
export class Net extends Polled {
  constructor(options: Partial<StackOptions> = {}, { start = true } = {}) {
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
    this.frame(
      dhcpFrame(server, dst, {
        xid: m.xid,
        yiaddr: type === TYPE.NAK ? 0 : OFFERED,
        options: [
          ...option(53, type), ...address(54, server),
          ...(options ?? [...address(51, HOUR), ...address(1, ip4("255.255.255.0")), ...address(3, SERVER), END]),
        ],
        ...rest,
      }),
    );
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
export const minute = (): number[] => [...address(51, 60), ...address(1, ip4("255.255.255.0")), END];
export const probesOf = (out: Seen[]): Seen[] => out.filter((s) => s.kind === "arp" && s.op === 1 && s.ip.src === 0);
