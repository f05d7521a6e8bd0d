import { parseCidr, parseIp, parseMac } from "./address.js";
import { CONFIG_FIELDS, POLICY } from "./module/layout.js";

export { CONFIG_FIELDS, POLICY };

export type PolicyName = keyof typeof POLICY;

export type ConfigField = (typeof CONFIG_FIELDS)[number];

/** What a desktop host starts from: generous rings, RFC time-outs. */
const DEFAULTS: Record<Exclude<ConfigField, "size" | "macHigh" | "macLow" | "ip" | "prefix" | "gateway" | "policy">, number> = {
  arenaBase: 0, arenaSize: 0, memoryBytes: 0, mtu: 1500,
  connsMax: 64, halfOpenMax: 256, timeWaitMax: 256, listenersMax: 8, sendRing: 65536, recvRing: 65536, rangesMax: 4096, sendersMax: 64,
  rxSlots: 64, txSlots: 64, loopSlots: 8, reassemblyMax: 4, reassemblyBytes: 65520, neighboursMax: 64, udpMax: 8, udpRing: 16384,
  prefixBuckets: 256, fastOpenCookies: 16, appBytes: 0,
  cookies: 1, windowScale: 255, mss: 0, initialWindow: 10, rtoInitialMs: 1000, rtoMinMs: 300, rtoMaxMs: 60_000,
  userTimeoutMs: 300_000, synTimeoutMs: 180_000, delayedAckMs: 40, timeWaitMs: 60_000, finWait2Ms: 60_000, synAckMs: 1000,
  synAckRetries: 5, halfOpenMs: 63_000, challengeMax: 10, icmpRate: 100, neighbourMs: 60_000, keepIdleS: 7200, keepIntervalS: 75,
  keepProbes: 9, ttl: 64, pathMtuMin: 552, synRate: 0, synBurst: 64, prefixRate: 0, prefixBurst: 16, cookieRate: 1000, fastOpenMax: 16, firstByteMs: 0,
  groupKey0: 0, groupKey1: 0, groupKey2: 0, groupKey3: 0, clockOffsetLow: 0, clockOffsetHigh: 0,
};

/** The configuration as the library takes it: every number of the block, and the readable forms of addresses and policy. */
export interface StackOptions extends Partial<Omit<Record<ConfigField, number>, "size" | "ip" | "gateway" | "policy">> {
  /** "10.0.0.2/24" */
  ip: string;
  /** "10.0.0.1"; without it only the subnet is reachable. */
  gateway?: string;
  /** "02:00:00:00:00:01"; by default made from the address. */
  mac?: string;
  policy?: Partial<Record<PolicyName, boolean>>;
  /** A group of stacks behind one address, each of which can complete a handshake that another began. */
  group?: Group;
  /** 32 bytes; by default from the host's generator. Give them only to replay a run. */
  entropy?: Uint8Array;
}

/** What the members of a group have in common. */
export interface Group {
  /** 16 bytes of secret. */
  key: Uint8Array;
  /** The group's clock less the clock that this stack is polled with, µs. */
  clockOffsetUs: number;
}

const POLICY_DEFAULT: readonly PolicyName[] = ["timestamps", "sack", "windowScaling", "announce", "rack", "tlp", "prr", "undo", "cubic", "hystart", "quickAcks"];

/** The configuration block's numbers for these options. */
export function configNumbers(options: StackOptions): Record<ConfigField, number> {
  const { ip, prefix } = parseCidr(options.ip);
  const mac = options.mac === undefined ? 0x020000000000 + ip : parseMac(options.mac);
  let policy = POLICY_DEFAULT.reduce((bits, name) => bits | POLICY[name], 0);
  for (const [name, on] of Object.entries(options.policy ?? {})) {
    const bit = POLICY[name as PolicyName];
    if (bit === undefined) throw new RangeError(`no such policy: ${name}`);
    policy = on ? policy | bit : policy & ~bit;
  }
  const numbers: Record<ConfigField, number> = {
    ...DEFAULTS,
    size: 0,
    macHigh: Math.floor(mac / 65536),
    macLow: mac % 65536,
    ip,
    prefix,
    gateway: options.gateway === undefined ? 0 : parseIp(options.gateway),
    policy,
  };
  for (const field of CONFIG_FIELDS) {
    const given = (options as unknown as Record<string, unknown>)[field];
    if (typeof given === "number") numbers[field] = given;
  }
  if (options.group !== undefined) Object.assign(numbers, groupNumbers(options.group), { policy: policy | POLICY.group });
  numbers.pathMtuMin = Math.min(numbers.pathMtuMin, numbers.mtu);
  return numbers;
}

function groupNumbers({ key, clockOffsetUs }: Group): Partial<Record<ConfigField, number>> {
  if (key.length !== 16) throw new RangeError("a group's key is 16 bytes");
  const view = new DataView(key.buffer, key.byteOffset, 16), offset = BigInt.asUintN(64, BigInt(Math.round(clockOffsetUs)));
  const word = (i: number): number => view.getUint32(i * 4, true);
  return {
    groupKey0: word(0), groupKey1: word(1), groupKey2: word(2), groupKey3: word(3),
    clockOffsetLow: Number(offset & 0xffffffffn), clockOffsetHigh: Number(offset >> 32n),
  };
}

