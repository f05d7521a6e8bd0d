/**
 * Whether the fuzzer still bites: for each way of making a frame, how it can be told from outside that the stack took
 * one in. A generator whose segments all fall at the first check finds nothing, and looks exactly like one that has
 * nothing to find.
 */
import { COUNTERS, type Counter } from "../../host/counters.js";
import { FLAG, LEASE6_STATES, LEASE_STATES, STATES, TCP_INFO } from "../../host/module/layout.js";
import { lease6Field, leaseField, namesField, timeField, type Told } from "./clients.js";

/** A frame as it was made; of TCP its flags and bytes of text. */
export interface Made {
  kind: string;
  flags: string;
  size: number;
}

/** What can be seen of the stack from outside. */
export interface Look extends Told {
  counters: Uint32Array;
  /** The connection under attack, if there is one. */
  tcb: DataView | undefined;
  halfOpenFree: number;
}

type Flag = keyof typeof FLAG;
type State = (typeof STATES)[number];

/** The numbers of `tcp_info` that have 32 bits: only a name that is there, and as wide, can be asked for. */
export type Field = {
  [F in keyof typeof TCP_INFO]: "type" extends keyof (typeof TCP_INFO)[F] ? never : F;
}[keyof typeof TCP_INFO];

function field(tcb: DataView, name: Field): number {
  return tcb.getUint32(TCP_INFO[name].at, true);
}

/** One frame, and what it did. */
class Seen {
  constructor(readonly made: Made, readonly before: Look, readonly after: Look) {}

  moved(name: Counter): boolean {
    const i = COUNTERS.indexOf(name);
    return this.after.counters[i] !== this.before.counters[i];
  }

  is(flags: string): boolean {
    return this.made.kind === "tcp" && this.made.flags === flags;
  }

  with(flag: string): boolean {
    return this.made.kind === "tcp" && this.made.flags.includes(flag);
  }

  /** How far a number of the connection moved; 0 where there is none. */
  by(name: Field): number {
    const { before, after } = this;
    return before.tcb && after.tcb ? (field(after.tcb, name) - field(before.tcb, name)) | 0 : 0;
  }

  /** Whether a flag is set after, and was not before. */
  gained(name: Flag): boolean {
    const mask = FLAG[name], flags = (l: Look): number => (l.tcb ? field(l.tcb, "flags") : 0);
    return (
      this.before.tcb !== undefined
      && this.after.tcb !== undefined
      && (flags(this.after) & mask) !== 0
      && (flags(this.before) & mask) === 0
    );
  }

  had(name: Flag): boolean {
    return this.before.tcb !== undefined && (field(this.before.tcb, "flags") & FLAG[name]) !== 0;
  }

  went(from: State, to: State): boolean {
    const state = (l: Look): number => (l.tcb ? l.tcb.getUint8(TCP_INFO.state.at) : -1);
    return state(this.before) === STATES.indexOf(from) && state(this.after) === STATES.indexOf(to);
  }

  /** Whether the DHCP client went from one state to another, for a message of a server. */
  leased(from: (typeof LEASE_STATES)[number], to: (typeof LEASE_STATES)[number]): boolean {
    const { made, before, after } = this;
    const at = (t: Told): string | undefined => LEASE_STATES[leaseField(t, "state")];
    return made.kind === "dhcp" && at(before) === from && at(after) === to;
  }

  /** How far a number of the clients moved. */
  lease(name: "taken" | "dropped" | "refused" | "declined"): number {
    return leaseField(this.after, name) - leaseField(this.before, name);
  }

  names(name: "taken" | "dropped" | "asking"): number {
    return namesField(this.after, name) - namesField(this.before, name);
  }

  time(name: "taken" | "dropped" | "kisses"): number {
    return timeField(this.after, name) - timeField(this.before, name);
  }

  /** Whether the DHCPv6 client went from one state to another, for a message of a server. */
  leased6(from: (typeof LEASE6_STATES)[number], to: (typeof LEASE6_STATES)[number]): boolean {
    const { made, before, after } = this;
    const at = (t: Told): string | undefined => LEASE6_STATES[lease6Field(t, "state")];
    return made.kind === "dhcp6" && at(before) === from && at(after) === to;
  }

  lease6(name: "taken" | "dropped" | "refused"): number {
    return this.made.kind === "dhcp6" ? lease6Field(this.after, name) - lease6Field(this.before, name) : 0;
  }

  text(): boolean {
    return this.made.kind === "tcp" && this.made.size > 0 && this.by("rcvNxt") > 0 && this.by("rcvSize") > 0;
  }
}

/** Each way, and whether a frame was taken in that way. */
const WAYS: Record<string, (s: Seen) => boolean> = {
  "ARP request": (s) => s.made.kind === "arp" && s.moved("arpInRequests"),
  "ARP reply": (s) => s.made.kind === "arp" && s.moved("arpInReplies"),
  "ARP of somebody with our address": (s) => s.moved("arpConflicts"),
  "datagram for a socket": (s) => s.made.kind === "udp" && s.moved("udpInDatagrams"),
  "datagram for nobody": (s) => s.made.kind === "udp" && s.moved("udpNoPorts"),
  "echo request": (s) => s.made.kind === "icmp" && s.moved("icmpOutEchoReps"),
  "ICMP error that lowers a path MTU": (s) => s.made.kind === "icmp" && s.moved("TCPPathMtu"),
  "ICMP error that ends an attempt": (s) => s.made.kind === "icmp" && s.moved("tcpAttemptFails"),
  "ICMP error that a connection notes": (s) =>
    s.made.kind === "icmp"
    && s.before.tcb !== undefined
    && s.after.tcb !== undefined
    && s.after.tcb.getInt8(TCP_INFO.softError.at) !== s.before.tcb.getInt8(TCP_INFO.softError.at),
  "fragments of a datagram": (s) => s.made.kind === "fragment" && s.moved("ipReasmOKs") && s.moved("udpInDatagrams"),
  "fragments of an echo request": (s) =>
    s.made.kind === "fragment" && s.moved("ipReasmOKs") && s.moved("icmpOutEchoReps"),
  "fragments of a segment": (s) =>
    s.made.kind === "fragment" && s.moved("ipReasmOKs") && s.moved("tcpInSegs") && !s.moved("tcpInErrs"),
  "SYN": (s) => s.is("S") && s.after.halfOpenFree < s.before.halfOpenFree,
  "SYN that asks for ECN": (s) => s.is("SEW") && s.after.halfOpenFree < s.before.halfOpenFree,
  "SYN that a cookie answers": (s) => s.with("S") && s.moved("SyncookiesSent"),
  "SYN that meets ours": (s) => s.with("S") && s.went("SYN-SENT", "SYN-RECEIVED"),
  "SYN for a four-tuple in TIME-WAIT": (s) => s.with("S") && s.moved("TWRecycled"),
  "SYN-ACK": (s) => s.is("SA") && s.went("SYN-SENT", "ESTABLISHED"),
  "SYN-ACK with text": (s) => s.is("SA") && s.made.size > 0 && s.went("SYN-SENT", "ESTABLISHED") && s.by("rcvSize") > 0,
  "SYN-ACK after SYNs that met": (s) => s.is("SA") && s.went("SYN-RECEIVED", "ESTABLISHED"),
  "ACK that completes a handshake": (s) =>
    s.with("A") && s.moved("tcpPassiveOpens") && !s.moved("SyncookiesRecv") && !s.moved("TCPFastOpenPassive"),
  "ACK that returns a cookie": (s) => s.with("A") && s.moved("SyncookiesRecv"),
  "SYN with a Fast Open cookie": (s) => s.with("S") && s.moved("TCPFastOpenPassive"),
  "SYN that asks for a Fast Open cookie": (s) => s.with("S") && s.moved("TCPFastOpenCookieReqd"),
  "SYN-ACK for text in our SYN": (s) => s.with("S") && s.moved("TCPFastOpenActive"),
  "text in order, with timestamps": (s) => s.text() && s.had("timestamps"),
  "text in order, without timestamps": (s) => s.text() && !s.had("timestamps"),
  "text out of order, with timestamps": (s) => s.made.size > 0 && s.moved("TCPOFOQueue") && s.had("timestamps"),
  "text out of order, without timestamps": (s) => s.made.size > 0 && s.moved("TCPOFOQueue") && !s.had("timestamps"),
  "text that fills a gap": (s) => s.text() && s.by("rcvSize") > s.made.size,
  "ACK of something new, with timestamps": (s) => s.with("A") && s.by("sndUna") > 0 && s.had("timestamps"),
  "ACK of something new, without timestamps": (s) => s.with("A") && s.by("sndUna") > 0 && !s.had("timestamps"),
  "SACK": (s) => s.with("A") && s.by("sackedBytes") > 0,
  "window": (s) => s.with("A") && s.by("sndWnd") > 0,
  "window of nothing": (s) => s.with("A") && s.by("sndWnd") < 0 && field(s.after.tcb!, "sndWnd") === 0,
  "FIN": (s) => s.with("F") && s.gained("finReceived"),
  "FIN beyond a gap": (s) => s.with("F") && s.gained("finEarly"),
  "ACK of our FIN": (s) => s.with("A") && s.went("FIN-WAIT-1", "FIN-WAIT-2"),
  "RST": (s) => s.with("R") && s.moved("tcpEstabResets"),
  "RST that refuses": (s) => s.with("R") && s.moved("tcpAttemptFails"),
  "URG": (s) => s.with("U") && s.gained("urgentIn"),
  "congestion mark": (s) => s.made.kind === "tcp" && s.moved("InCEPkts"),
  "DHCP: an offer": (s) => s.leased("SELECTING", "REQUESTING"),
  "DHCP: an ACK": (s) => s.leased("REQUESTING", "PROBING"),
  "DHCP: an ACK that renews": (s) => s.leased("RENEWING", "BOUND"),
  "DHCP: an ACK of any server": (s) => s.leased("REBINDING", "BOUND"),
  "DHCP: an ACK for the address that it had": (s) => s.leased("REBOOTING", "BOUND"),
  "DHCP: a refusal": (s) => s.made.kind === "dhcp" && s.lease("refused") > 0,
  "DHCP: what is none": (s) => s.made.kind === "dhcp" && s.lease("dropped") > 0,
  "ARP of somebody with the address that DHCP probes": (s) => s.made.kind === "arp" && s.lease("declined") > 0,
  "DNS: an answer": (s) => s.made.kind === "dns" && s.names("taken") > 0 && s.names("asking") < 0,
  "DNS: an answer of no use": (s) => s.made.kind === "dns" && s.names("taken") > 0 && s.names("asking") === 0,
  "DNS: what is none": (s) => s.made.kind === "dns" && s.names("dropped") > 0 && s.names("taken") === 0,
  "DNS: an answer over TCP": (s) => s.made.kind === "stream" && s.names("taken") > 0 && s.names("asking") < 0,
  "DNS: an answer over TCP of no use": (s) => s.made.kind === "stream" && s.names("dropped") > 0,
  "DNS: the end of a connection without an answer": (s) => s.made.kind === "stream" && s.moved("tcpAttemptFails"),
  "ARP of somebody with an address of 169.254/16": (s) => s.made.kind === "arp" && s.moved("arpConflicts"),
  "SNTP: the time": (s) => s.made.kind === "ntp" && s.time("taken") > 0,
  "SNTP: a wish to be left alone": (s) => s.made.kind === "ntp" && s.time("kisses") > 0,
  "SNTP: what is none": (s) => s.made.kind === "ntp" && s.time("dropped") > 0,
  "DHCPv6: an Advertise": (s) =>
    s.leased6("SOLICITING", "REQUESTING") || (s.leased6("SOLICITING", "SOLICITING") && s.lease6("taken") > 0),
  "DHCPv6: a Reply with an address": (s) => s.leased6("REQUESTING", "BOUND"),
  "DHCPv6: a Reply that renews": (s) => s.leased6("RENEWING", "BOUND"),
  "DHCPv6: a Reply of any server": (s) => s.leased6("REBINDING", "BOUND"),
  "DHCPv6: a Reply to what is given back": (s) => s.leased6("RELEASING", "OFF"),
  "DHCPv6: a Reply with what else there is": (s) => s.leased6("INFORMING", "INFORMED"),
  "DHCPv6: a refusal": (s) => s.lease6("refused") > 0,
  "DHCPv6: what is none": (s) => s.lease6("dropped") > 0,
  "IPv6: an echo request": (s) => s.made.kind === "six" && s.moved("icmpOutEchoReps"),
  "IPv6: a datagram for a socket": (s) => s.made.kind === "six" && s.moved("udpInDatagrams"),
  "IPv6: text": (s) => s.made.kind === "six" && s.by("rcvSize") > 0,
  "IPv6: ACK of something new": (s) => s.made.kind === "six" && s.by("sndUna") > 0,
  "IPv6: fragments": (s) => s.made.kind === "six" && s.moved("ipReasmOKs"),
  "IPv6: an error that lowers a path MTU": (s) => s.made.kind === "six" && s.moved("TCPPathMtu"),
  "mDNS: what is answered": (s) => s.made.kind === "local" && s.moved("udpOutDatagrams"),
  "echo of a congestion mark": (s) => s.with("E") && s.moved("TCPECNReductions"),
};

/** Counts what was taken in, by way. */
export class Ledger {
  readonly taken = new Map<string, number>(Object.keys(WAYS).map((w) => [w, 0]));

  note(made: Made, before: Look, after: Look): void {
    const seen = new Seen(made, before, after);
    for (const [way, took] of Object.entries(WAYS)) if (took(seen)) this.taken.set(way, this.taken.get(way)! + 1);
  }

  /** Ways in which nothing was taken in. */
  get never(): string[] {
    return [...this.taken].filter(([, n]) => n === 0).map(([w]) => w);
  }
}
