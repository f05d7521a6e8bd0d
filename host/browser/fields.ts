/** The fields of a frame, in the headers' own layout: what each is, what it says, and why. */
import { formatIp } from "../address.js";
import { formatIp6 } from "../address6.js";
import { FLAGS, formatOption, tcpAt } from "../decode.js";
import {
  bytesOf, ETHERNET, get, IP_AT, IP_FLAG, IPV4, ipv4Size, IPV6, SIZE, TCP, tcpSize, typeOf, type Field as Place,
} from "../headers.js";
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

/** Notes a field of the header at `at`, in bytes from the beginning of the frame. */
type Add = (
  layer: Field["layer"], at: number, where: Pick<Place, "bit" | "bits">, name: string, value: string | number,
  says: string,
) => void;

const hex = (n: number, digits = 4): string => `0x${n.toString(16).padStart(digits, "0")}`;
/** Bytes of data that are shown. */
const SHOWN = 80;
const KIND_OF_SERVICE =
  "Kind of service, and in the last two bits whether routers may mark congestion in place of dropping (RFC 3168).";
/** So many bytes, from a header's byte `from` on. */
const bytes = (from: number, n: number): { bit: number; bits: number } => ({ bit: from * 8, bits: n * 8 });

/** The fields of a frame, in the headers' own layout: what each is, what it says, and why. */
export function fieldsOf(frame: Uint8Array, s: Segment): Field[] {
  const out: Field[] = [], at = tcpAt(frame), size = tcpSize(frame, at), t = s.tcp;
  const add: Add = (layer, header, { bit, bits }, name, value, says) =>
    out.push({ layer, at: header * 8 + bit, bits, name, value: String(value), says });
  addEthernet(frame, add);
  if (get(frame, IP_AT, IPV4.version) === 6) addIpv6(frame, at, add);
  else addIpv4(frame, add);
  addTcp(frame, s, at, add);
  if (size > SIZE.tcp) addTcpOptions(s, at, size - SIZE.tcp, add);
  if (t.len === 0) return out;
  const text = new TextDecoder("latin1").decode(t.payload.subarray(0, SHOWN)).replace(/[^ -~]/g, "·");
  add("Data", at, bytes(size, t.len), "data", `${t.len} bytes`, `"${text}${t.len > SHOWN ? "…" : ""}"`);
  return out;
}

function addEthernet(frame: Uint8Array, add: Add): void {
  const mac = (of: Place): string => [...bytesOf(frame, 0, of)].map((b) => hex(b, 2).slice(2)).join(":");
  add(
    "Ethernet", 0, ETHERNET.dst, "destination", mac(ETHERNET.dst),
    "Whose network card takes the frame: on this wire, the other host's, or the router's.",
  );
  add("Ethernet", 0, ETHERNET.src, "source", mac(ETHERNET.src), "The sender's network card.");
  add("Ethernet", 0, ETHERNET.type, "type", hex(typeOf(frame)), "What the frame carries: 0x0800 is IPv4, 0x86dd IPv6.");
}

function addIpv4(frame: Uint8Array, add: Add): void {
  const size = ipv4Size(frame, IP_AT), of = (name: keyof typeof IPV4): number => get(frame, IP_AT, IPV4[name]);
  const says = (field: keyof typeof IPV4, name: string, value: string | number, why: string): void =>
    add("IPv4", IP_AT, IPV4[field], name, value, why);
  says("version", "version", of("version"), "IPv4.");
  says("ihl", "IHL", of("ihl"), "Length of this header in words of 4 bytes: 5 without options.");
  says("tos", "DSCP, ECN", hex(of("tos"), 2), KIND_OF_SERVICE);
  says("total", "total length", of("total"), `Bytes of the packet: ${size} of IPv4, the rest TCP.`);
  says(
    "id", "identification", of("id"),
    "To put fragments together; 0 here, since nothing may be fragmented (RFC 6864).",
  );
  says(
    "flags", "flags", of("flags") === IP_FLAG.dont ? "DF" : of("flags"),
    "DF: do not fragment; a router that cannot carry it says so, and the path's MTU is learned (RFC 1191).",
  );
  says("offset", "fragment offset", of("offset"), "Where the fragment lies; 0: it is whole.");
  says("ttl", "TTL", of("ttl"), "Routers that it may still pass.");
  says("protocol", "protocol", of("protocol"), "6 is TCP.");
  says("sum", "checksum", hex(of("sum")), "Of this header (RFC 1071).");
  says("src", "source", formatIp(of("src")), "The sending host.");
  says("dst", "destination", formatIp(of("dst")), "The receiving host.");
  const more = size - SIZE.ipv4;
  if (more > 0) add("IPv4", IP_AT, bytes(SIZE.ipv4, more), "options", `${more} bytes`, "IP options.");
}

function addIpv6(frame: Uint8Array, tcp: number, add: Add): void {
  const more = tcp - IP_AT - SIZE.ipv6, of = (name: keyof typeof IPV6): number => get(frame, IP_AT, IPV6[name]);
  const says = (field: keyof typeof IPV6, name: string, value: string | number, why: string): void =>
    add("IPv6", IP_AT, IPV6[field], name, value, why);
  says("version", "version", of("version"), "IPv6.");
  says("tos", "traffic class", hex(of("tos"), 2), KIND_OF_SERVICE);
  says(
    "label", "flow label", hex(of("label"), 5),
    "Packets with the same label are one flow, so that routers keep them on one way (RFC 6437); 0: none.",
  );
  says("length", "payload length", of("length"), "Bytes behind this header.");
  says("next", "next header", of("next"), "6 is TCP.");
  says("hops", "hop limit", of("hops"), "Routers that it may still pass.");
  says("src", "source", formatIp6(bytesOf(frame, IP_AT, IPV6.src)), "The sending host.");
  says("dst", "destination", formatIp6(bytesOf(frame, IP_AT, IPV6.dst)), "The receiving host.");
  const what = "What IPv6 has in place of options.";
  if (more > 0) add("IPv6", IP_AT, bytes(SIZE.ipv6, more), "extension headers", `${more} bytes`, what);
}

function addTcp(frame: Uint8Array, s: Segment, at: number, add: Add): void {
  const size = tcpSize(frame, at), t = s.tcp;
  const says = (field: keyof typeof TCP, name: string, value: string | number, why: string): void =>
    add("TCP", at, TCP[field], name, value, why);
  const syn = t.flags.includes("SYN"), ack = t.flags.includes("ACK");
  const who = s.from === 0 ? "client" : "server", other = s.from === 0 ? "server" : "client";
  says(
    "sport", "source port", t.srcPort,
    s.from === 0 ? "Of the client: picked when it opened." : "Of the server: where it listens.",
  );
  says("dport", "destination port", t.dstPort, "Together with both addresses, these two name the connection.");
  says(
    "seq", "sequence number", `${t.seq} (${s.seq >>> 0})`,
    syn
      ? `The ${who}'s initial sequence number, random (RFC 6528). The SYN takes this number; `
        + "the first byte of data has the next."
      : `The first byte of this segment is number ${s.seq >>> 0}, counted from the ${who}'s initial number.`,
  );
  says(
    "ack", "acknowledgment number", ack ? `${t.ack} (${s.ack >>> 0})` : t.ack,
    !ack
      ? "Not used: ACK is not set."
      : s.ack === 1
        ? `= the ${other}'s initial number + 1: its SYN has arrived.`
        : `The next byte that the ${who} expects: everything before ${s.ack >>> 0} has arrived.`,
  );
  says("offset", "data offset", size / 4, `The header has ${size} bytes: 20, and ${size - SIZE.tcp} of options.`);
  says("reserved", "reserved", get(frame, at, TCP.reserved), "For the future: 0.");
  for (const [i, f] of [...FLAGS].reverse().entries())
    add(
      "TCP", at, { bit: TCP.flags.bit + i, bits: 1 }, f, t.flags.includes(f) ? 1 : 0,
      `${f}: ${FLAG_SAYS[f]}.${t.flags.includes(f) ? " Set." : " Not set."}`,
    );
  says(
    "window", "window", t.window,
    syn
      ? "Room for so many bytes; never scaled in a SYN (RFC 7323)."
      : "Room for so many bytes from the acknowledgment number on, in units that the SYN's window scale named.",
  );
  says("sum", "checksum", hex(get(frame, at, TCP.sum)), "Of header, data, addresses, protocol and length.");
  says(
    "urgent", "urgent pointer", t.urgent,
    t.flags.includes("URG") ? "Urgent data ends here." : "Not used: URG is not set.",
  );
}

function addTcpOptions(s: Segment, at: number, size: number, add: Add): void {
  const options = s.tcp.options.filter((o) => o.kind !== "nop").map((o) => formatOption(o)).join(", ");
  add(
    "TCP", at, bytes(SIZE.tcp, size), "options", options,
    "MSS: the largest segment that may be sent to it. WS: how far its windows are shifted. SACK: it can say what lies "
      + "beyond a gap, and what does. TSval, TSecr: its clock, and the echo of the other's.",
  );
}
