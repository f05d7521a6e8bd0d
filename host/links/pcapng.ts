/** Makes pcapng (draft-ietf-opsawg-pcapng), a format that Wireshark opens; in Node and in a browser. */

const SECTION = 0x0a0d0d0a, INTERFACE = 1, ENHANCED_PACKET = 6;
const LINKTYPE_ETHERNET = 1;
const OPTION_COMMENT = 1, OPTION_NAME = 2, OPTION_APPLICATION = 4;
const END = new Uint8Array(4);

/** One array of them all; nothing is put between. */
export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const p of parts) {
    out.set(p, at);
    at += p.length;
  }
  return out;
}

function option(code: number, text: string): Uint8Array {
  const value = new TextEncoder().encode(text);
  const out = new Uint8Array(4 + ((value.length + 3) & ~3));
  const view = new DataView(out.buffer);
  view.setUint16(0, code, true);
  view.setUint16(2, value.length, true);
  out.set(value, 4);
  return out;
}

function block(type: number, ...parts: Uint8Array[]): Uint8Array {
  const body = concat(parts), padded = (body.length + 3) & ~3, out = new Uint8Array(12 + padded);
  const view = new DataView(out.buffer);
  view.setUint32(0, type, true);
  view.setUint32(4, out.length, true);
  out.set(body, 8);
  view.setUint32(8 + padded, out.length, true);
  return out;
}

/** An Ethernet interface; they are numbered as they come. */
export function pcapngInterface(name: string): Uint8Array {
  const head = new Uint8Array(8);
  new DataView(head.buffer).setUint16(0, LINKTYPE_ETHERNET, true);
  return block(INTERFACE, head, option(OPTION_NAME, name), END);
}

/** The head of a file: a section, and one Ethernet interface a name. Times are in µs. */
export function pcapngHead(interfaces: string[]): Uint8Array {
  const section = new Uint8Array(16), view = new DataView(section.buffer);
  view.setUint32(0, 0x1a2b3c4d, true);
  view.setUint16(4, 1, true);
  view.setBigInt64(8, -1n, true);
  return concat([
    block(SECTION, section, option(OPTION_APPLICATION, "stint"), END), ...interfaces.map(pcapngInterface),
  ]);
}

/** One frame, seen on interface number `port` at `timeUs`. */
export function pcapngPacket(timeUs: number, frame: Uint8Array, port = 0, comment = ""): Uint8Array {
  const head = new Uint8Array(20), view = new DataView(head.buffer), time = Math.floor(timeUs);
  view.setUint32(0, port, true);
  view.setUint32(4, Math.floor(time / 2 ** 32), true);
  view.setUint32(8, time >>> 0, true);
  view.setUint32(12, frame.length, true);
  view.setUint32(16, frame.length, true);
  const data = new Uint8Array((frame.length + 3) & ~3);
  data.set(frame);
  return block(ENHANCED_PACKET, head, data, ...(comment ? [option(OPTION_COMMENT, comment), END] : []));
}
