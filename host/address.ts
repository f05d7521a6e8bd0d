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

export function formatMac(mac: number): string {
  return mac.toString(16).padStart(12, "0").match(/../g)!.join(":");
}
