/**
 * What a script needs before it runs: that all of its words are known, and the stack's configuration, which is fixed
 * once it is laid out.
 */
import { isDeepStrictEqual } from "node:util";
import { checkCall, numberOf } from "./calls.js";
import { configure } from "./command.js";
import type { Event, Script } from "./parse.js";
import { defaults, setting, Unsupported, type Dialect, type Settings } from "./system.js";
import { headersOf, linkMtu, versionOf, type Version } from "./version.js";
import { icmpNumbers, optionBytes } from "./wire.js";

export interface Plan {
  dialect: Dialect;
  version: Version;
  options: Settings;
  /** µs; undefined: the usual one. */
  toleranceUs: number | undefined;
  /** The link's MTU, as the script knows it. */
  mtu: number;
}

/** What a TCP header has room for, bytes. */
const OPTIONS_MAX = 40;
/** How often an out-of-window segment is answered, ms. */
const RATE_MS = 500;

/** The dialect that a script's words tell. */
function dialectOf(script: Script): Dialect {
  const commands = script.events.map((e) => (e.type === "command" ? e.text : ""));
  const text = [...script.init.map((i) => i.text), ...commands].join("\n");
  if (/net\.inet\.|sockstat|tcpdrop/.test(text)) return "freebsd";
  return script.options.has("ip_version") && !/defaults\.sh/.test(text) ? "freebsd" : "linux";
}

/** Throws an Unsupported for a word that is not known. */
export function plan(script: Script, asked: Dialect | undefined, askedVersion: Version | undefined): Plan {
  const dialect = asked ?? dialectOf(script), version = versionOf(script, askedVersion);
  const p: Plan = { dialect, version, options: defaults(dialect), toleranceUs: undefined, mtu: 1500 };
  scriptOptions(script, p);
  for (const e of script.events) checkEvent(e, version);
  p.mtu = linkMtu(script, version, p.options.mtu ?? 1500);
  if (version === "ipv6") p.options.mtu = p.mtu;
  stackWide(script, p);
  longPackets(script, p);
  for (const { text } of script.init) configure(text, p.options);
  const first = script.events.findIndex(begins), begun = first < 0 ? script.events.length : first;
  for (const e of script.events.slice(0, begun)) if (e.type === "command") configure(e.text, p.options);
  lateSettings(script, begun, p.options);
  p.options.pathMtuMin = Math.min(552, p.options.mtu ?? 1500);
  return p;
}

/** Whether an event is the first that needs the stack. */
function begins(e: Event): boolean {
  return e.type === "in" || e.type === "out" || e.type === "udp" || e.type === "icmp" ||
    (e.type === "call" && /^(connect|listen|send.*|writev?)$/.test(e.name));
}

function checkEvent(e: Event, version: Version): void {
  if (e.type === "other") throw new Unsupported(`line ${e.line}: ${e.what} packets`);
  if (e.type === "call") checkCall(e, version);
  if (e.type === "icmp") {
    const { type, code } = icmpNumbers(e.kind, e.code, version === "ipv6");
    if (type === undefined || code === undefined) throw new Unsupported(`line ${e.line}: icmp ${e.kind} ${e.code}`);
  }
  if (e.type !== "in" && e.type !== "out") return;
  const bytes = optionBytes(e.packet.options ?? []).length;
  if (bytes > OPTIONS_MAX) throw new Unsupported(`line ${e.line}: ${bytes} bytes of options`);
  for (const o of e.packet.options ?? []) {
    if (o.kind === "raw") throw new Unsupported(`line ${e.line}: the option ${o.text}`);
    if (o.kind === "fastopen" && o.experimental) {
      throw new Unsupported(`line ${e.line}: the experimental option of Fast Open`);
    }
  }
}

/** What a script says with "--". */
function scriptOptions({ options }: Script, p: Plan): void {
  const count = (name: string, least: number, most: number): number | undefined => {
    const text = options.get(name);
    if (text === undefined) return undefined;
    if (!/^\d+$/.test(text) || Number(text) < least || Number(text) > most) throw new Unsupported(`--${name}=${text}`);
    return Number(text);
  };
  for (const name of options.keys()) {
    if (!["ip_version", "mtu", "tolerance_usecs", "tcp_ts_tick_usecs"].includes(name)) {
      throw new Unsupported(`--${name}`);
    }
  }
  const mtu = count("mtu", 68, 65_535), tick = count("tcp_ts_tick_usecs", 0, 10_000_000);
  if (mtu !== undefined) p.options.mtu = mtu;
  p.toleranceUs = count("tolerance_usecs", 0, 3_600_000_000);
  if (tick === undefined || tick === 0 || tick === 1000) return;
  throw new Unsupported(`--tcp_ts_tick_usecs=${tick}: the clock of timestamps ticks every 1000 us`);
}

/**
 * Options of sockets that are the stack's here: the MSS to offer, and congestion control. They count from the start, so
 * they have to be said before they could show: the MSS before the first packet, congestion control before the first
 * text; and they have to be the same for all sockets.
 */
function stackWide(script: Script, { options, mtu, version }: Plan): void {
  const { events } = script, said = new Map<string, string | number>();
  const late = {
    TCP_MAXSEG: events.findIndex((e) =>
      e.type === "in" || e.type === "out" || (e.type === "call" && e.name === "connect")),
    TCP_CONGESTION: events.findIndex((e) => isText(e)),
  };
  events.forEach((e, i) => {
    if (e.type !== "call" || e.name !== "setsockopt" || e.args[2]?.kind !== "symbol") return;
    const name = e.args[2].name, value = e.args[3]?.kind === "list" ? e.args[3].items[0] : e.args[3];
    if (name !== "TCP_MAXSEG" && name !== "TCP_CONGESTION") return;
    if (name === "TCP_CONGESTION" && value?.kind !== "string") throw new Unsupported(`line ${e.line}: ${name}`);
    const what = value?.kind === "string" ? value.text : numberOf(value), known = said.get(name);
    const isLate = late[name] >= 0 && i > late[name];
    if (known !== undefined ? known !== what : isLate) {
      throw new Unsupported(`line ${e.line}: ${name} of one socket, or once the connection has begun`);
    }
    said.set(name, what);
    if (typeof what === "string") return setting(options, "net.ipv4.tcp_congestion_control", what);
    const most = mtu - headersOf(version);
    if (what < 88 || what > most) throw new Unsupported(`line ${e.line}: a TCP_MAXSEG of ${what}`);
    options.mss = what;
  });
}

/** Whether text is sent: before that, congestion control has had nothing to do. */
function isText(e: Event): boolean {
  return e.type === "call" ? /^(send.*|writev?)$/.test(e.name) : e.type === "out" && e.packet.length > 0;
}

/** Throws an Unsupported where a setting that is not to be had could have shown. `counted`: the stack's counters. */
export function doubts(options: Settings, script: Script, counted: (name: string) => number): void {
  const { invalidRateMs = RATE_MS, blackholeS = 0 } = options;
  const challenges = counted("TCPChallengeACK") + counted("TCPSYNChallenge");
  const skipped = counted("TCPACKSkippedChallenge");
  if (invalidRateMs !== RATE_MS && (skipped > 0 || (invalidRateMs > RATE_MS && challenges > 1))) {
    throw new Unsupported(`tcp_invalid_ratelimit=${invalidRateMs}: the limit is ${RATE_MS} ms`);
  }
  const fast = /"(MSG_FASTOPEN|TCP_FASTOPEN_CONNECT)"/;
  const opens = script.events.filter((e) => e.type === "call" && fast.test(JSON.stringify(e.args)));
  // The first gets the cookie; what happens to the second can only show with a third.
  if (blackholeS > 0 && opens.length > 2) {
    throw new Unsupported(`tcp_fastopen_blackhole_timeout_sec=${blackholeS}: Fast Open is not given up`);
  }
}

/**
 * A packet that is longer than the MTU comes as one packet, as from a network card that joins them: the stack then
 * takes packets of that size, and goes on sending by the MSS. Where the MTU could be seen otherwise, a segment comes as
 * several.
 */
function longPackets(script: Script, p: Plan): void {
  const { events } = script, headers = headersOf(p.version);
  const packets = events.flatMap((e) => (e.type === "in" ? [e.packet] : []));
  const datagrams = events.flatMap((e) => (e.type === "udp" && e.inbound ? [e.length + headers - 12] : []));
  const segments = packets.map((x) => x.length + headers + optionBytes(x.options ?? []).length);
  const longest = Math.max(0, ...datagrams, ...segments);
  if (longest <= p.mtu) return;
  const isSeen = packets.some((x) => x.options?.some((o) => o.kind === "mss" && o.value > p.mtu - headers)) ||
    events.some((e) => e.type === "icmp" || (e.type === "code" && e.text.includes("tcpi_pmtu")));
  const isLongDatagram = Math.max(0, ...datagrams) > p.mtu;
  if (isLongDatagram && (isSeen || longest > 65_535)) throw new Unsupported("a datagram that is longer than the MTU");
  if (isSeen || longest > 65_535) return;
  p.options.mss ??= p.mtu - headers;
  p.options.mtu = longest;
}

/**
 * Later settings may restore what was there before the script, at its end; in its middle they may only say what is so.
 */
function lateSettings({ events }: Script, begun: number, options: Settings): void {
  const last = events.findLastIndex((e) => e.type !== "command" && !(e.type === "call" && e.name === "close"));
  events.slice(begun).forEach((e, i) => {
    if (e.type !== "command") return;
    const then = structuredClone(options);
    configure(e.text, then);
    if (begun + i >= last || isDeepStrictEqual(then, options)) return;
    throw new Unsupported(`line ${e.line}: ${e.text.trim()} once the connection has begun`);
  });
}
