/** IPv6 addresses in text (RFC 4291 §2.2), as their 16 bytes; and addresses of either kind. */
import { formatIp, isIp, parseIp } from "./address.js";

/** Bytes, and words of 16 bits, of an address. */
const SIZE = 16, WORDS = 8;

function fault(text: string): RangeError {
  return new RangeError(`"${text}" is no IPv6 address; write it like 2001:db8::2`);
}

/** Words of one side of "::"; undefined: they are none. Four decimal numbers may stand for the last two. */
function words(text: string, isLast: boolean): number[] | undefined {
  if (text === "") return [];
  const out: number[] = [], parts = text.split(":"), decimal = /^(\d|[1-9]\d\d?)(\.(\d|[1-9]\d\d?)){3}$/;
  for (const [i, part] of parts.entries()) {
    if (/^[0-9a-f]{1,4}$/i.test(part)) out.push(parseInt(part, 16));
    else if (isLast && i === parts.length - 1 && decimal.test(part) && isIp(part))
      out.push(parseIp(part) >>> 16, parseIp(part) & 0xffff);
    else return undefined;
  }
  return out;
}

/**
 * "2001:db8::2" → its bytes. A zone ("fe80::1%eth0", RFC 4007 §11) is read and means nothing: a stack has one
 * interface. Throws a RangeError with one clear line.
 */
export function parseIp6(text: string): Uint8Array {
  const [address = "", zone, more] = text.split("%"), halves = address.split("::");
  if (zone === "" || more !== undefined || halves.length > 2) throw fault(text);
  const [front, back] = halves.map((half, i) => words(half, i === halves.length - 1) ?? [NaN]) as [number[], number[]?];
  if ([...front, ...back ?? []].includes(NaN)) throw fault(text);
  const left = WORDS - front.length - (back?.length ?? 0);
  // "::" stands for one word at least (RFC 4291 §2.2 has "one or more groups of 16 bits of zeros").
  if (halves.length === 1 ? left !== 0 : left < 1) throw fault(text);
  return Uint8Array.from([...front, ...Array<number>(left).fill(0), ...back ?? []].flatMap((w) => [w >> 8, w & 255]));
}

/** Whether a text is an IPv6 address. */
export function isIp6(text: string): boolean {
  if (!text.includes(":")) return false;
  try {
    return parseIp6(text).length === SIZE;
  } catch {
    return false;
  }
}

/** The IPv4 address in ::ffff:0:0/96 (RFC 4291 §2.5.5.2); undefined: it is another address. */
export function mappedIp(bytes: Uint8Array): number | undefined {
  const isMapped = bytes[10] === 255 && bytes[11] === 255 && bytes.subarray(0, 10).every((b) => b === 0);
  return isMapped ? new DataView(bytes.buffer, bytes.byteOffset, SIZE).getUint32(12) : undefined;
}

/** The bytes as text, in the form of RFC 5952. */
export function formatIp6(bytes: Uint8Array): string {
  const mapped = mappedIp(bytes);
  if (mapped !== undefined) return `::ffff:${formatIp(mapped)}`;
  const all = Array.from({ length: WORDS }, (_, i) => (bytes[2 * i]! << 8) | bytes[2 * i + 1]!);
  // The longest run of zeros, the first of them, of two at least (§4.2).
  let at = -1, run = 1;
  for (let i = 0; i < WORDS; i++) {
    let n = 0;
    while (i + n < WORDS && all[i + n] === 0) n++;
    if (n > run) [at, run] = [i, n];
  }
  const text = (part: number[]): string => part.map((w) => w.toString(16)).join(":");
  return at < 0 ? text(all) : `${text(all.slice(0, at))}::${text(all.slice(at + run))}`;
}

/** "fd00::2/64" → its bytes, and the prefix. */
export function parseCidr6(text: string): { bytes: Uint8Array; prefix: number } {
  const [address = "", bits, more] = text.split("/");
  if (bits === undefined || more !== undefined || !/^\d{1,3}$/.test(bits) || Number(bits) > 128) {
    throw new RangeError(`"${text}" is no IPv6 address with a prefix; write it like fd00::2/64`);
  }
  return { bytes: parseIp6(address), prefix: Number(bits) };
}

/** fe80::/10: on the link alone. */
export function isLinkLocal(bytes: Uint8Array): boolean {
  return bytes[0] === 0xfe && (bytes[1]! & 0xc0) === 0x80;
}

/** What is wrong with an IPv6 address for a host or a router; undefined: nothing. */
export function addressFault6(bytes: Uint8Array): string | undefined {
  if (bytes[0] === 255) return "a multicast address, and no host's";
  if (mappedIp(bytes) !== undefined) return "an IPv4 address in the form of an IPv6 one";
  if (bytes.subarray(0, SIZE - 1).some((b) => b !== 0) || bytes[SIZE - 1]! > 1) return undefined;
  const isNone = bytes[SIZE - 1] === 0;
  return isNone ? "the unspecified address, and no host's" : "the loopback address, which no network carries";
}

/** Throws a RangeError for own addresses with prefixes that cannot be some, or a router that cannot. */
export function checkAddresses6(own: readonly string[], gateway: string | undefined): void {
  for (const text of own) {
    const why = addressFault6(parseCidr6(text).bytes);
    if (why !== undefined) throw new RangeError(`the address ${text} is ${why}`);
  }
  if (gateway === undefined) return;
  const why = addressFault6(parseIp6(gateway)), plain = formatIp6(parseIp6(gateway));
  if (why !== undefined) throw new RangeError(`the gateway ${gateway} is ${why}`);
  if (own.some((text) => formatIp6(parseCidr6(text).bytes) === plain)) {
    throw new RangeError(`the gateway ${gateway} is the stack's own address`);
  }
}

/** Whether a text is an address of either kind. */
export function isAddress(text: string): boolean {
  return isIp(text) || isIp6(text);
}

/** The family of an address that is valid: what has a colon is of IPv6. */
export function familyOf(address: string): "IPv4" | "IPv6" {
  return address.includes(":") ? "IPv6" : "IPv4";
}

/** "10.0.0.2:80", "[fd00::2]:80". */
export function endpoint(address: string, port: number): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/** What of a stack turns addresses into numbers, and back. */
interface Namer {
  readonly hasIp6: boolean;
  ip6Name(address: Uint8Array): number;
  ip6Bytes(name: number): Uint8Array | null;
}

/** The number that stands for an address of either kind in the next call of a stack. */
export function addressNumber(stack: Namer, text: string): number {
  if (!text.includes(":")) return parseIp(text);
  const bytes = parseIp6(text), mapped = mappedIp(bytes);
  if (mapped !== undefined) return mapped;
  if (!stack.hasIp6) throw new RangeError(`${text}: this module was built without IPv6`);
  return stack.ip6Name(bytes);
}

/** The address that a number of the stack's last call stands for, as text. */
export function addressText(stack: Namer, number: number): string {
  const bytes = stack.ip6Bytes(number);
  return bytes === null ? formatIp(number) : formatIp6(bytes);
}
