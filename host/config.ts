import { parseCidr, parseIp, parseMac } from "./address.js";
import { CONFIG_DEFAULTS, CONFIG_FIELDS, POLICY, POLICY_DEFAULT, type ConfigNumbers } from "./module/layout.js";

export { CONFIG_FIELDS, POLICY };

/** The name of a policy (`POLICY`). */
export type PolicyName = keyof typeof POLICY;

/** The name of a number of the configuration (docs/reference/configuration.md). */
export type ConfigField = (typeof CONFIG_FIELDS)[number];

/**
 * The configuration as the library takes it: every number of the block, and the readable forms of addresses and policy.
 */
export interface StackOptions extends Partial<Omit<ConfigNumbers, "size" | "ip" | "gateway" | "policy">> {
  /** "10.0.0.2/24"; without it the stack has no address until it is given one, or the network gives it one. */
  ip?: string | undefined;
  /** "10.0.0.1"; without it only the subnet is reachable. */
  gateway?: string;
  /** "02:00:00:00:00:01"; by default made from the address, or at random where there is none. */
  mac?: string;
  /** What the stack does and does not; by default as docs/reference/configuration.md has it. */
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

/** The fields of a MAC address. */
export function macWords(mac: number): { macHigh: number; macLow: number } {
  return { macHigh: Math.floor(mac / 65536), macLow: mac % 65536 };
}

/** The configuration block's numbers for these options. */
export function configNumbers(options: StackOptions): Record<ConfigField, number> {
  const { ip, prefix } = options.ip === undefined ? { ip: 0, prefix: 0 } : parseCidr(options.ip);
  const own = ip || crypto.getRandomValues(new Uint32Array(1))[0]!;
  const mac = options.mac === undefined ? 0x020000000000 + own : parseMac(options.mac);
  let policy = POLICY_DEFAULT as number;
  for (const [name, on] of Object.entries(options.policy ?? {})) {
    const bit = POLICY[name as PolicyName];
    if (bit === undefined) throw new RangeError(`policy has no "${name}"; there are ${Object.keys(POLICY).join(", ")}`);
    policy = on ? policy | bit : policy & ~bit;
  }
  const numbers: Record<ConfigField, number> = {
    ...CONFIG_DEFAULTS,
    size: 0,
    ...macWords(mac),
    ip,
    prefix,
    gateway: options.gateway === undefined ? 0 : parseIp(options.gateway),
    policy,
  };
  for (const field of CONFIG_FIELDS) {
    const given = (options as unknown as Record<string, unknown>)[field];
    if (typeof given === "number") numbers[field] = given;
  }
  if (options.group !== undefined)
    Object.assign(numbers, groupNumbers(options.group), { policy: policy | POLICY.group });
  numbers.pathMtuMin = Math.min(numbers.pathMtuMin, numbers.mtu);
  return numbers;
}

function groupNumbers({ key, clockOffsetUs }: Group): Partial<Record<ConfigField, number>> {
  if (key.length !== 16) throw new RangeError("a group's key is 16 bytes");
  const view = new DataView(key.buffer, key.byteOffset, 16);
  const offset = BigInt.asUintN(64, BigInt(Math.round(clockOffsetUs)));
  const word = (i: number): number => view.getUint32(i * 4, true);
  return {
    groupKey0: word(0), groupKey1: word(1), groupKey2: word(2), groupKey3: word(3),
    clockOffsetLow: Number(offset & 0xffffffffn), clockOffsetHigh: Number(offset >> 32n),
  };
}

