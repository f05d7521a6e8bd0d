/** The fields of a frame, in the headers' own layout: what each is, what it says, and why. */
import { formatIp } from "../address.js";
import { formatIp6 } from "../address6.js";
import { FLAGS, formatOption, tcpAt } from "../decode.js";
import type { Segment } from "../lab/analyze.js";

export interface Field {
  layer: "Ethernet" | "IPv4" | "IPv6" | "TCP" | "Data";
  name: string;
  value: string;
  /** In bits from the frame's first. */
  at: number;
  bits: number;
  says: string;
}

const FLAG_SAYS: Record<string, string> = {
  SYN: "synchronize: the sequence number is an initial one", ACK: "the acknowledgment number counts",
  FIN: "the sender has nothing more to send", RST: "the connection is over, or there is none",
  PSH: "the last data for now", URG: "the urgent pointer counts",
  ECE: "the network marked congestion, or offers to (RFC 3168)", CWR: "the sender slowed down (RFC 3168)",
};

/** Notes a field: bits at a place, in bits from the beginning of the frame. */
type Add = (
  layer: Field["layer"], at: number, bits: number, name: string, value: string | number, says: string,
) => void;

const hex = (n: number, digits = 4): string => `0x${n.toString(16).padStart(digits, "0")}`;
const viewOf = (frame: Uint8Array): DataView => new DataView(frame.buffer, frame.byteOffset, frame.length);
/** Bytes before the header of IPv4, or IPv6. */
const IPV4_AT = 14;

/** The fields of a frame, in the headers' own layout: what each is, what it says, and why. */
export function fieldsOf(frame: Uint8Array, s: Segment): Field[] {
  const out: Field[] = [], at = tcpAt(frame), size = (frame[at + 12]! >> 4) * 4, t = s.tcp;
  const add: Add = (layer, at, bits, name, value, says) =>
    out.push({ layer, at, bits, name, value: String(value), says });
  addEthernet(frame, add);
  if (frame[IPV4_AT]! >> 4 === 6) addIpv6(frame, at, add);
  else addIpv4(frame, add);
  addTcp(frame, s, add);
  if (size > 20) addTcpOptions(s, (at + 20) * 8, size - 20, add);
  if (t.len === 0) return out;
  const text = new TextDecoder("latin1").decode(t.payload.subarray(0, 80)).replace(/[^ -~]/g, "·");
  add("Data", (at + size) * 8, t.len * 8, "data", `${t.len} bytes`, `"${text}${t.len > 80 ? "…" : ""}"`);
  return out;
}

function addEthernet(frame: Uint8Array, add: Add): void {
  const mac = (at: number): string => [...frame.subarray(at, at + 6)].map((b) => hex(b, 2).slice(2)).join(":");
  add(
    "Ethernet", 0, 48, "destination", mac(0),
    "Whose network card takes the frame: on this wire, the other host's, or the router's.",
  );
  add("Ethernet", 48, 48, "source", mac(6), "The sender's network card.");
  const type = hex(viewOf(frame).getUint16(12));
  add("Ethernet", 96, 16, "type", type, "What the frame carries: 0x0800 is IPv4, 0x86dd IPv6.");
}

function addIpv4(frame: Uint8Array, add: Add): void {
  const view = viewOf(frame), ip = IPV4_AT, I = ip * 8, ihl = (frame[ip]! & 15) * 4, total = view.getUint16(ip + 2);
  add("IPv4", I, 4, "version", frame[ip]! >> 4, "IPv4.");
  add("IPv4", I + 4, 4, "IHL", frame[ip]! & 15, "Length of this header in words of 4 bytes: 5 without options.");
  add(
    "IPv4", I + 8, 8, "DSCP, ECN", hex(frame[ip + 1]!, 2),
    "Kind of service, and in the last two bits whether routers may mark congestion in place of dropping (RFC 3168).",
  );
  add("IPv4", I + 16, 16, "total length", total, `Bytes of the packet: ${ihl} of IPv4, the rest TCP.`);
  add(
    "IPv4", I + 32, 16, "identification", view.getUint16(ip + 4),
    "To put fragments together; 0 here, since nothing may be fragmented (RFC 6864).",
  );
  add(
    "IPv4", I + 48, 3, "flags", frame[ip + 6]! >> 5 === 2 ? "DF" : String(frame[ip + 6]! >> 5),
    "DF: do not fragment; a router that cannot carry it says so, and the path's MTU is learned (RFC 1191).",
  );
  add(
    "IPv4", I + 51, 13, "fragment offset", view.getUint16(ip + 6) & 0x1fff, "Where the fragment lies; 0: it is whole.",
  );
  add("IPv4", I + 64, 8, "TTL", frame[ip + 8]!, "Routers that it may still pass.");
  add("IPv4", I + 72, 8, "protocol", frame[ip + 9]!, "6 is TCP.");
  add("IPv4", I + 80, 16, "checksum", hex(view.getUint16(ip + 10)), "Of this header (RFC 1071).");
  add("IPv4", I + 96, 32, "source", formatIp(view.getUint32(ip + 12)), "The sending host.");
  add("IPv4", I + 128, 32, "destination", formatIp(view.getUint32(ip + 16)), "The receiving host.");
  if (ihl > 20) add("IPv4", I + 160, (ihl - 20) * 8, "options", `${ihl - 20} bytes`, "IP options.");
}

function addIpv6(frame: Uint8Array, tcp: number, add: Add): void {
  const view = viewOf(frame), ip = IPV4_AT, I = ip * 8, more = tcp - ip - 40, length = view.getUint16(ip + 4);
  add("IPv6", I, 4, "version", frame[ip]! >> 4, "IPv6.");
  add(
    "IPv6", I + 4, 8, "traffic class", hex((view.getUint16(ip) >> 4) & 255, 2),
    "Kind of service, and in the last two bits whether routers may mark congestion in place of dropping (RFC 3168).",
  );
  add(
    "IPv6", I + 12, 20, "flow label", hex(view.getUint32(ip) & 0xfffff, 5),
    "Packets with the same label are one flow, so that routers keep them on one way (RFC 6437); 0: none.",
  );
  add("IPv6", I + 32, 16, "payload length", length, "Bytes behind this header.");
  add("IPv6", I + 48, 8, "next header", frame[ip + 6]!, "6 is TCP.");
  add("IPv6", I + 56, 8, "hop limit", frame[ip + 7]!, "Routers that it may still pass.");
  add("IPv6", I + 64, 128, "source", formatIp6(frame.subarray(ip + 8, ip + 24)), "The sending host.");
  add("IPv6", I + 192, 128, "destination", formatIp6(frame.subarray(ip + 24, ip + 40)), "The receiving host.");
  if (more > 0)
    add("IPv6", I + 320, more * 8, "extension headers", `${more} bytes`, "What IPv6 has in place of options.");
}

function addTcp(frame: Uint8Array, s: Segment, add: Add): void {
  const view = viewOf(frame), at = tcpAt(frame), T = at * 8, size = (frame[at + 12]! >> 4) * 4, t = s.tcp;
  const syn = t.flags.includes("SYN"), ack = t.flags.includes("ACK");
  const who = s.from === 0 ? "client" : "server", other = s.from === 0 ? "server" : "client";
  add(
    "TCP", T, 16, "source port", t.srcPort,
    s.from === 0 ? "Of the client: picked when it opened." : "Of the server: where it listens.",
  );
  add("TCP", T + 16, 16, "destination port", t.dstPort, "Together with both addresses, these two name the connection.");
  add(
    "TCP", T + 32, 32, "sequence number", `${t.seq} (${s.seq >>> 0})`,
    syn
      ? `The ${who}'s initial sequence number, random (RFC 6528). The SYN takes this number; `
        + "the first byte of data has the next."
      : `The first byte of this segment is number ${s.seq >>> 0}, counted from the ${who}'s initial number.`,
  );
  add(
    "TCP", T + 64, 32, "acknowledgment number", ack ? `${t.ack} (${s.ack >>> 0})` : t.ack,
    !ack
      ? "Not used: ACK is not set."
      : s.ack === 1
        ? `= the ${other}'s initial number + 1: its SYN has arrived.`
        : `The next byte that the ${who} expects: everything before ${s.ack >>> 0} has arrived.`,
  );
  add("TCP", T + 96, 4, "data offset", size / 4, `The header has ${size} bytes: 20, and ${size - 20} of options.`);
  add("TCP", T + 100, 4, "reserved", frame[at + 12]! & 15, "For the future: 0.");
  for (const [i, f] of [...FLAGS].reverse().entries())
    add(
      "TCP", T + 104 + i, 1, f, t.flags.includes(f) ? 1 : 0,
      `${f}: ${FLAG_SAYS[f]}.${t.flags.includes(f) ? " Set." : " Not set."}`,
    );
  add(
    "TCP", T + 112, 16, "window", t.window,
    syn
      ? "Room for so many bytes; never scaled in a SYN (RFC 7323)."
      : "Room for so many bytes from the acknowledgment number on, in units that the SYN's window scale named.",
  );
  add("TCP", T + 128, 16, "checksum", hex(view.getUint16(at + 16)), "Of header, data, addresses, protocol and length.");
  add(
    "TCP", T + 144, 16, "urgent pointer", t.urgent,
    t.flags.includes("URG") ? "Urgent data ends here." : "Not used: URG is not set.",
  );
}

function addTcpOptions(s: Segment, at: number, size: number, add: Add): void {
  const options = s.tcp.options.filter((o) => o.kind !== "nop").map((o) => formatOption(o)).join(", ");
  add(
    "TCP", at, size * 8, "options", options,
    "MSS: the largest segment that may be sent to it. WS: how far its windows are shifted. SACK: it can say what lies "
      + "beyond a gap, and what does. TSval, TSecr: its clock, and the echo of the other's.",
  );
}
