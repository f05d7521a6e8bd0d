import { parseCidr, parseIp, parseMac } from "./address.js";

/** Bits of the configuration's `policy` (assembly/config.ts). */
export const POLICY = {
  timestamps: 1,
  sack: 2,
  windowScaling: 4,
  rstEndsTimeWait: 8,
  synFin: 16,
  rstOnOverflow: 32,
  pushBursts: 64,
  announce: 128,
  noDelay: 256,
  broadcastEcho: 512,
  blackhole: 1024,
  eagerWindow: 2048,
} as const;

export type PolicyName = keyof typeof POLICY;

/** The numbers of the configuration block, in its order; all are u32. Meaning, unit and cost stand in assembly/config.ts. */
export const CONFIG_FIELDS = [
  "size", "arenaBase", "arenaSize", "memoryBytes",
  "macHigh", "macLow", "ip", "prefix", "gateway", "mtu",
  "connsMax", "halfOpenMax", "timeWaitMax", "listenersMax", "sendRing", "recvRing", "rangesMax", "rxSlots", "txSlots", "loopSlots",
  "reassemblyMax", "reassemblyBytes", "neighboursMax", "udpMax", "udpRing", "appBytes",
  "policy", "cookies", "windowScale", "mss", "initialWindow", "rtoInitialMs", "rtoMinMs", "rtoMaxMs", "userTimeoutMs", "synTimeoutMs",
  "delayedAckMs", "timeWaitMs", "finWait2Ms", "synAckMs", "synAckRetries", "halfOpenMs", "challengeMax", "icmpRate", "neighbourMs",
  "keepIdleS", "keepIntervalS", "keepProbes", "ttl", "pathMtuMin",
] as const;

export type ConfigField = (typeof CONFIG_FIELDS)[number];

/** What a desktop host starts from: generous rings, RFC time-outs. */
const DEFAULTS: Record<Exclude<ConfigField, "size" | "macHigh" | "macLow" | "ip" | "prefix" | "gateway" | "policy">, number> = {
  arenaBase: 0, arenaSize: 0, memoryBytes: 0, mtu: 1500,
  connsMax: 64, halfOpenMax: 256, timeWaitMax: 256, listenersMax: 8, sendRing: 65536, recvRing: 65536, rangesMax: 2048,
  rxSlots: 64, txSlots: 64, loopSlots: 8, reassemblyMax: 4, reassemblyBytes: 65512 & ~7, neighboursMax: 64, udpMax: 8, udpRing: 16384,
  appBytes: 0,
  cookies: 1, windowScale: 255, mss: 0, initialWindow: 10, rtoInitialMs: 1000, rtoMinMs: 1000, rtoMaxMs: 60_000,
  userTimeoutMs: 300_000, synTimeoutMs: 180_000, delayedAckMs: 40, timeWaitMs: 60_000, finWait2Ms: 60_000, synAckMs: 1000,
  synAckRetries: 5, halfOpenMs: 63_000, challengeMax: 10, icmpRate: 100, neighbourMs: 60_000, keepIdleS: 7200, keepIntervalS: 75,
  keepProbes: 9, ttl: 64, pathMtuMin: 552,
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
  /** 32 bytes; by default from the host's generator. Give them only to replay a run. */
  entropy?: Uint8Array;
}

const POLICY_DEFAULT: readonly PolicyName[] = ["timestamps", "sack", "windowScaling", "announce"];

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
  numbers.pathMtuMin = Math.min(numbers.pathMtuMin, numbers.mtu);
  return numbers;
}
