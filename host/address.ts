/** Addresses in text, as numbers: an IPv4 address is 32 bits, unsigned; a MAC address 48. */

/** "10.0.0.2" → 0x0a000002. Throws a RangeError with one clear line. */
export function parseIp(text: string): number {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (!parts || parts.slice(1).some((p) => Number(p) > 255)) {
    throw new RangeError(`"${text}" is no IPv4 address; write it like 10.0.0.2`);
  }
  return parts.slice(1).reduce((n, p) => n * 256 + Number(p), 0);
}

/** Whether a text is an IPv4 address. */
export function isIp(text: string): boolean {
  try {
    return parseIp(text) >= 0;
  } catch {
    return false;
  }
}

/** 0x0a000001 → "10.0.0.1". */
export function formatIp(ip: number): string {
  return [24, 16, 8, 0].map((s) => (ip >>> s) & 255).join(".");
}

/** "10.0.0.2/24" → address and prefix. */
export function parseCidr(text: string): { ip: number; prefix: number } {
  const [address = "", bits, more] = text.split("/");
  if (bits === undefined || more !== undefined || !/^\d{1,2}$/.test(bits) || Number(bits) > 32) {
    throw new RangeError(`"${text}" is no address with a prefix; write it like 10.0.0.2/24`);
  }
  return { ip: parseIp(address), prefix: Number(bits) };
}

/** "02:00:00:00:00:01" → its 48 bits. */
export function parseMac(text: string): number {
  if (!/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(text)) {
    throw new RangeError(`"${text}" is no MAC address; write it like 02:00:00:00:00:01`);
  }
  return parseInt(text.replaceAll(":", ""), 16);
}

/** 48 bits → "02:00:00:00:00:01". */
export function formatMac(mac: number): string {
  return mac.toString(16).padStart(12, "0").match(/../g)!.join(":");
}

/** What is wrong with an address for a host with this prefix; undefined: nothing (RFC 1122 §3.2.1.3, RFC 3021). */
export function addressFault(ip: number, prefix: number): string | undefined {
  const net = ip >>> 24, host = prefix >= 32 ? 0 : ip % 2 ** (32 - prefix);
  if (net === 0) return "an address of 0.0.0.0/8, which means this network and no host";
  if (net === 127) return "a loopback address, which no network carries";
  if (net >= 224) return net < 240 ? "a multicast address, and no host's" : "an address of 240.0.0.0/4, and no host's";
  if (prefix > 30) return undefined;
  if (host === 0) return "the address of the network itself, and no host's";
  return host === 2 ** (32 - prefix) - 1 ? "the broadcast address of its network, and no host's" : undefined;
}

/**
 * Throws a RangeError for an own address that cannot be one, or a router that cannot be reached with it: one outside of
 * the network, but for a network of one address, whose router is always elsewhere.
 */
export function checkAddresses(own: string, gateway: string | undefined): void {
  const { ip, prefix } = parseCidr(own), fault = addressFault(ip, prefix);
  if (fault !== undefined) throw new RangeError(`the address ${own} is ${fault}`);
  if (gateway === undefined) return;
  const router = parseIp(gateway), routerFault = addressFault(router, prefix), size = 2 ** (32 - prefix);
  if (router === ip) throw new RangeError(`the gateway ${gateway} is the stack's own address`);
  if (Math.floor(router / size) !== Math.floor(ip / size) && prefix < 32) {
    throw new RangeError(`the gateway ${gateway} is outside of the network of ${own}, and could not be reached`);
  }
  if (routerFault !== undefined) throw new RangeError(`the gateway ${gateway} is ${routerFault}`);
}
