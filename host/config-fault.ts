/** Why a configuration is refused: the field, its value, what it may be. The module says CONFIG or NO_MEMORY alone. */
import { addressFault, formatIp, formatMac } from "./address.js";
import { CONFIG_BOUNDS, COOKIES, POLICY } from "./module/layout.js";

type Numbers = Readonly<Record<string, number>>;
/** A field, whether its number is right, and what it must be. */
type Rule = [field: string, isRight: (n: number, c: Numbers) => boolean, want: (c: Numbers) => string];

const isPower = (n: number): boolean => Number.isInteger(Math.log2(n));
const all = (fields: string[], isRight: Rule[1], want: string): Rule[] =>
  fields.map((field) => [field, isRight, () => want]);

/** What fields must be beyond their bounds, in the order in which they are looked at. */
const RULES: Rule[] = [
  ...all(["sendRing", "recvRing", "udpRing"], (n) => n % 4 === 0, "a multiple of 4"),
  ["udpRing", (n, c) => c["udpMax"] === 0 || n >= 64, () => "at least 64 where udpMax is not 0"],
  ["reassemblyBytes", (n) => n % 8 === 0 && n <= 65_520, () => "a multiple of 8 up to 65520"],
  ...all(["rxSlots", "txSlots", "neighboursMax"], isPower, "a power of two"),
  ["loopSlots", (n) => n === 0 || (n !== 1 && isPower(n)), () => "0, or a power of two from 2 on"],
  ["prefixBuckets", (n) => n === 0 || isPower(n), () => "0, or a power of two"],
  ["cookies", (n) => n <= COOKIES.always, () => `a number from 0 to ${COOKIES.always}`],
  ["delayedAckMs", (n) => n < 500, () => "below 500 (RFC 9293 §3.8.6.3)"],
  ["windowScale", (n, c) => n === 255 || (n <= 14 && c["recvRing"]! >= 2 ** n),
    (c) => `255, or up to 14 with 2^windowScale no more than recvRing, ${c["recvRing"]}`],
  ["prefixRate", (n, c) => n === 0 || c["prefixBuckets"] !== 0, () => "0 where prefixBuckets is 0"],
  ["mss", (n, c) => n <= c["mtu"]! - 40, (c) => `at most mtu − 40, ${c["mtu"]! - 40}`],
  ["pathMtuMin", (n, c) => n <= c["mtu"]!, (c) => `at most mtu, ${c["mtu"]}`],
  ["rtoMaxMs", (n, c) => n >= Math.max(c["rtoMinMs"]!, c["rtoInitialMs"]!),
    (c) => `at least rtoMinMs, ${c["rtoMinMs"]}, and rtoInitialMs, ${c["rtoInitialMs"]}`],
];

/** What a small build does not have. */
const LEFT_OUT: [field: string, isSet: (n: number) => boolean][] = [
  ["cookies", (n) => n === COOKIES.always], ["policy", (n) => (n & POLICY.group) !== 0],
  ["synRate", (n) => n !== 0], ["prefixRate", (n) => n !== 0],
];

/** What is wrong with these numbers, in words; undefined: nothing that can be told from outside. */
export function configFault(c: Numbers): string | undefined {
  const is = (field: string, want: string): string => `${field} is ${c[field]}; it must be ${want}`;
  for (const [field, [least, most]] of Object.entries(CONFIG_BOUNDS)) {
    const n = c[field]!;
    if (!Number.isInteger(n) || n < least || n > most) return is(field, `a number from ${least} to ${most}`);
  }
  for (const [field, isRight, want] of RULES) if (!isRight(c[field]!, c)) return is(field, want(c));
  const fault = interfaceFault(c);
  if (fault !== undefined) return fault;
  const left = LEFT_OUT.find(([field, isSet]) => isSet(c[field]!));
  return left === undefined ? undefined : `${left[0]} is ${c[left[0]]}, for which this build has no code`;
}

/** What is wrong with the interface's addresses. */
function interfaceFault(c: Numbers): string | undefined {
  const { macHigh = 0, macLow = 0, ip = 0, prefix = 0, gateway = 0 } = c;
  if (macLow > 0xffff) return `macLow is ${macLow}; it must be a number from 0 to 65535`;
  const mac = formatMac(macHigh * 65536 + macLow);
  if (macHigh === 0 && macLow === 0) return `mac is ${mac}, which is nobody's`;
  if (macHigh & 0x01000000) return `mac is ${mac}, an address of a group: its first byte must be even`;
  if (prefix > 32) return `prefix is ${prefix}; it must be a number from 0 to 32`;
  if (ip === 0 && prefix === 0 && gateway === 0) return undefined;
  const fault = addressFault(ip, prefix);
  if (fault !== undefined) return `ip is ${formatIp(ip)}/${prefix}, ${fault}`;
  if (gateway === ip) return `gateway is ${formatIp(ip)}, the stack's own address`;
  const router = gateway === 0 ? undefined : addressFault(gateway, 32);
  return router === undefined ? undefined : `gateway is ${formatIp(gateway)}, ${router}`;
}

/** A number of bytes, as people say it. */
function amount(bytes: number): string {
  const [power, unit] = bytes >= 2 ** 30 ? [30, "GiB"] : bytes >= 2 ** 20 ? [20, "MiB"] : [10, "KiB"];
  return `${(bytes / 2 ** power).toFixed(1)} ${unit}`;
}

/** Why there is no room for a stack of `bytes` (undefined: more than there can be), and what would make it smaller. */
export function memoryFault(c: Numbers, bytes?: number): string {
  const { connsMax = 0, sendRing = 0, recvRing = 0, arenaBase = 0, arenaSize = 0 } = c;
  const rings = `rings of ${sendRing} (sendRing) and ${recvRing} bytes (recvRing)`;
  const taken = bytes === undefined ? "more than 4.0 GiB" : amount(bytes);
  const needs = `${connsMax} connections (connsMax) with ${rings} take ${taken}`;
  if (arenaBase === 0) return `${needs}, and a module has 4 GiB at most: fewer connections, or smaller rings`;
  if (bytes === undefined || arenaSize < bytes) return `${needs}; arenaSize is ${arenaSize}`;
  return `arenaBase is ${arenaBase}; it must be a multiple of 8, above the module's data and within its memory`;
}
