/** The packetdrill language (Google's and FreeBSD's dialect), for TCP and UDP over IPv4: text to events. */

import { preprocess, Reader, SyntaxError } from "./reader.js";

export { SyntaxError };

/** When an event happens, in seconds. */
export type When =
  | { kind: "absolute" | "relative"; at: number; until?: number }
  /** Outbound only: from … to, both absolute or both relative. */
  | { kind: "absolute-range" | "relative-range"; at: number; to: number }
  | { kind: "any" };

export type Value =
  | { kind: "number"; value: number }
  | { kind: "symbol"; name: string }
  | { kind: "string"; text: string }
  | { kind: "any" }
  | { kind: "list"; items: Value[] }
  | { kind: "struct"; fields: [string, Value][] }
  | { kind: "or"; items: Value[] }
  | { kind: "call"; name: string; args: Value[] };

export type Option =
  | { kind: "mss" | "wscale"; value: number }
  | { kind: "sackOK" | "nop" | "eol" }
  | { kind: "TS"; val: number; ecr: number }
  | { kind: "sack"; blocks: [number, number][] }
  /** The cookie in hexadecimal digits, or a name for one; null: a request. */
  | { kind: "fastopen"; cookie: string | null; experimental: boolean }
  | { kind: "raw"; text: string };

export interface IpFields {
  ecn?: string;
  /** DSCP and ECN as one octet. */
  tos?: number;
  ttl?: number;
}

export interface Packet extends IpFields {
  flags: string;
  start: number;
  end: number;
  length: number;
  ack?: number;
  win?: number;
  urgent?: number;
  /** undefined: none are allowed; null: `<...>`, unchecked. */
  options: Option[] | null | undefined;
}

/** The packet that an ICMP message is about. */
export type Quoted = { protocol: "tcp"; seq: number; length: number } | { protocol: "udp"; length: number };

export type Event = { line: number; when: When } & (
  | { type: "in"; packet: Packet }
  | { type: "out"; packet: Packet }
  | ({ type: "udp"; inbound: boolean; length: number } & IpFields)
  | { type: "icmp"; inbound: boolean; kind: string; code: string; mtu?: number; quoted?: Quoted }
  | { type: "call"; name: string; args: Value[]; result: Value; errno?: string }
  | { type: "command"; text: string }
  | { type: "code"; text: string }
  | { type: "other"; what: string }
);

export type Call = Event & { type: "call" };

export interface Script {
  file: string;
  options: Map<string, string>;
  /** Commands that run before the first event. */
  init: { line: number; text: string }[];
  events: Event[];
}

/** Values within values, at most: nobody writes more by hand. */
const DEPTH_MAX = 50;

const NUMBER = /-?(?:0x[0-9a-fA-F]+|\d+(?:\.\d+)?|\.\d+)/;

function when(r: Reader): When | null {
  if (r.take(/\*/)) return { kind: "any" };
  const start = r.take(/(\+?)\s*(\d+(?:\.(?!\.)\d*)?|\.\d+)/);
  if (!start) return null;
  const kind = start[1] === "+" ? "relative" : "absolute";
  const at = Number(start[2]);
  // The end is of the same kind as the beginning; a blocking call's may leave its "+" out.
  const end = (what: string, plus: string): number => {
    const m = r.need(/(\+?)\s*(\d+(?:\.\d*)?|\.\d+)/, what), to = Number(m[2]);
    if ((m[1] === "+") !== (kind === "relative") && plus !== m[1]) r.fail(`${what} of the same kind was expected`);
    if (to < at) r.fail(`${what} lies before its beginning`);
    return to;
  };
  if (r.take(/\.\.\./)) return { kind, at, until: end("the end of a blocking call", kind === "relative" ? "" : "-") };
  if (r.take(/~/)) return { kind: `${kind}-range`, at, to: end("the end of a range of time", "-") };
  return { kind, at };
}

function value(r: Reader): Value {
  if (++r.depth > DEPTH_MAX) r.fail(`values are nested more than ${DEPTH_MAX} deep`);
  const items = [single(r)];
  while (r.take(/\|/)) items.push(single(r));
  r.depth--;
  return items.length > 1 ? { kind: "or", items } : items[0]!;
}

function list(r: Reader, close: RegExp): Value[] {
  const items: Value[] = [];
  if (r.take(close)) return items;
  do items.push(value(r)); while (r.take(/,/));
  r.need(close, `"," or the end of a list`);
  return items;
}

function single(r: Reader): Value {
  if (r.take(/\.\.\./)) return { kind: "any" };
  if (r.take(/\[/)) return { kind: "list", items: list(r, /\]/) };
  if (r.take(/\{/)) {
    const named = /^\s*\.?[A-Za-z_]\w*\s*(?:\([^)\n]*\))?\s*=(?!=)/.test(r.text.slice(r.at, r.at + 200));
    if (!named) return { kind: "list", items: list(r, /\}/) };
    const fields: [string, Value][] = [];
    while (!r.take(/\}/)) {
      // A number in brackets says how large a list is: msg_iov(1)=[…].
      const [, name, size] = r.need(/\.?([A-Za-z_]\w*)\s*(?:\((\d+|\.\.\.)\)\s*)?=/, "a field") as unknown as [
        string, string, string | undefined,
      ];
      const v = value(r);
      if (/^\d/.test(size ?? "") && v.kind === "list" && v.items.length !== Number(size))
        r.fail(`${name} has ${v.items.length} items, not ${size}`);
      fields.push([name, v]);
      if (!r.take(/,/) && r.text.slice(r.at).trimStart()[0] !== "}") r.fail(`"," or the end of a struct was expected`);
    }
    return { kind: "struct", fields };
  }
  const string = r.take(/"((?:[^"\\\n]|\\.)*)"/);
  if (string) return { kind: "string", text: string[1]! };
  const number = r.take(NUMBER);
  if (number) return { kind: "number", value: Number(number[0]) };
  const name = r.need(/[A-Za-z_]\w*/, "a value")[0];
  if (r.take(/\(/)) return { kind: "call", name, args: list(r, /\)/) };
  return { kind: "symbol", name };
}

function options(r: Reader): Option[] | null {
  if (r.take(/\.\.\.\s*>/)) return null;
  const out: Option[] = [];
  while (!r.take(/>/)) {
    const name = r.need(/[A-Za-z]\w*/, "an option")[0];
    const number = (most: number): number => {
      const n = Number(r.need(/\d+/, "a number")[0]);
      return n <= most ? n : r.fail(`a number of at most ${most} was expected, not ${n}`);
    };
    switch (name) {
      case "mss": out.push({ kind: "mss", value: number(0xffff) }); break;
      case "wscale": out.push({ kind: "wscale", value: number(255) }); break;
      case "sackOK": case "nop": case "eol": out.push({ kind: name }); break;
      case "TS": {
        r.need(/val\b/, "val");
        const val = number(0xffffffff);
        r.need(/ecr\b/, "ecr");
        out.push({ kind: "TS", val, ecr: number(0xffffffff) });
        break;
      }
      case "sack": {
        const blocks: [number, number][] = [];
        for (let b = r.take(/(\d+):(\d+)/); b; b = r.take(/(\d+):(\d+)/)) {
          blocks.push([octets(r, b[1]!), octets(r, b[2]!)]);
        }
        out.push({ kind: "sack", blocks });
        break;
      }
      case "FO": case "FOEXP":
        out.push({ kind: "fastopen", cookie: r.take(/(?:[0-9a-fA-F]{2})+(?=\s*[,>])|[A-Z]\w*/)?.[0] ?? null,
          experimental: name === "FOEXP" });
        break;
      default: out.push({ kind: "raw", text: name + r.need(/[^,>]*/, "an option")[0] });
    }
    if (!r.take(/,/)) {
      r.need(/>/, `"," or ">"`);
      break;
    }
  }
  return out;
}

/** A number that a field of so many bits holds. */
function octets(r: Reader, text: string, most = 0xffffffff): number {
  const n = Number(text);
  return n <= most ? n : r.fail(`a number of at most ${most} was expected, not ${text}`);
}

function sequence(r: Reader): { start: number; end: number; length: number } {
  const m = r.need(/(\d+)\s*:\s*(\d+)\s*\(\s*(\d+)\s*\)/, "sequence numbers, like 1:1001(1000),");
  const start = octets(r, m[1]!), end = octets(r, m[2]!), length = Number(m[3]);
  if (((end - start) >>> 0) !== length) r.fail(`${start}:${end} are not ${length} bytes`);
  return { start, end, length };
}

/** Fields of the IP header: [ect0], [tos 0x20], (tos 0x20, ttl 64). */
function ipFields(r: Reader, p: IpFields): void {
  for (let open = r.take(/[[(]/); open; open = r.take(/[[(]/)) {
    do {
      const field = r.need(/(?:noecn|ect01|ect0|ect1|ce)\b|(tos|ttl)\s+(0x[0-9a-fA-F]+|\d+)\b/,
        "a field of the IP header");
      const name = (field[1] ?? "ecn") as "tos" | "ttl" | "ecn";
      if (p[name] !== undefined) r.fail(`${name} is there twice`);
      if (name === "ecn") p.ecn = field[0];
      else p[name] = octets(r, field[2]!, 255);
    } while (r.take(/,/));
    r.need(open[0] === "[" ? /\]/ : /\)/, open[0] === "[" ? `"]"` : `")"`);
  }
}

/** The length of a UDP datagram's payload: udp (1000). */
function datagramSize(r: Reader): number {
  return octets(r, r.need(/\(\s*(\d+)\s*\)/, "a datagram's length, like (1000),")[1]!, 65_507);
}

function packet(r: Reader, ip: IpFields): Packet {
  const p: Packet = { flags: "", start: 0, end: 0, length: 0, options: undefined, ...ip };
  p.flags = r.need(/[FSRPEWU.]+(?=\s+\d+\s*:)|-(?=\s+\d+\s*:)/,
    "flags of F, S, R, P, ., U, E and W, and sequence numbers,")[0].replace("-", "");
  if (new Set(p.flags).size < p.flags.length) r.fail("a flag is there twice");
  Object.assign(p, sequence(r));
  for (let field = r.take(/(ack|win|urg)\s+(\d+)\b/); field; field = r.take(/(ack|win|urg)\s+(\d+)\b/)) {
    const name = field[1] === "urg" ? "urgent" : (field[1] as "ack" | "win");
    if (p[name] !== undefined) r.fail(`${field[1]} is there twice`);
    p[name] = octets(r, field[2]!, name === "ack" ? 0xffffffff : 0xffff);
  }
  if (p.flags.includes(".") && p.ack === undefined) r.fail("the number that is acknowledged was expected");
  if (r.take(/</)) p.options = options(r);
  return p;
}

function icmp(r: Reader, inbound: boolean): Omit<Event & { type: "icmp" }, "line" | "when"> {
  const kind = r.need(/[a-z_]+\d*\b/, "an ICMP type")[0];
  const code = r.take(/(?!mtu\b)[a-z_]+\d*\b/)?.[0] ?? "";
  const mtu = r.take(/mtu\s+(\d+)\b/);
  const e: Omit<Event & { type: "icmp" }, "line" | "when"> = { type: "icmp", inbound, kind, code };
  if (mtu) e.mtu = octets(r, mtu[1]!, 0xffff);
  if (r.take(/\[/)) {
    if (r.take(/udp\b/)) {
      e.quoted = { protocol: "udp", length: datagramSize(r) };
    } else {
      const { start, length } = sequence(r);
      e.quoted = { protocol: "tcp", seq: start, length };
    }
    r.need(/\]/, `"]"`);
  }
  return e;
}

type Timeless<E> = E extends { type: "in" | "out" | "udp" | "icmp" | "other" } ? Omit<E, "line" | "when"> : never;
type OfWire = Timeless<Event>;

/** A packet behind its direction. */
function wire(r: Reader, inbound: boolean): OfWire {
  if (r.take(/icmp\b/)) return icmp(r, inbound);
  const ip: IpFields = {};
  ipFields(r, ip);
  if (inbound && ip.ecn === "ect01") {
    r.fail("ect01 is for packets that are sent: which of the two comes in has to be said");
  }
  if (r.take(/udp\b/)) return { type: "udp", inbound, length: datagramSize(r), ...ip };
  const other = r.take(/(ipv4|ipv6|gre|mpls|sctp|udplite|\d+\.\d+\.\d+\.\d+)\b[^\n]*/);
  if (other) return { type: "other", what: other[1]! };
  const p = packet(r, ip);
  if (inbound && p.options === null) r.fail("options of a packet that comes in have to be said");
  if (inbound && p.win === undefined) r.fail("the window of a packet that comes in has to be said");
  return { type: inbound ? "in" : "out", packet: p };
}

function event(r: Reader, line: number, time: When): Event {
  const direction = r.take(/[<>]/)?.[0];
  if (direction) {
    return { line, when: time, ...wire(r, direction === "<") };
  }
  if (r.take(/`/)) return { line, when: time, type: "command", text: r.until("`", "the command") };
  if (r.take(/%\{/)) return { line, when: time, type: "code", text: r.until("}%", "the code") };
  const name = r.need(/[a-z_]\w*/, "a packet, a system call, `a command` or %{ code }%")[0];
  r.need(/\(/, `"("`);
  const args = list(r, /\)/);
  r.need(/=/, `"= result"`);
  const result = value(r);
  const e: Event = { line, when: time, type: "call", name, args, result };
  const errno = r.takeHere(/E[A-Z0-9]+\b/);
  if (errno) e.errno = errno[0];
  // What the C library calls it is for the reader.
  r.takeHere(/\([^)\n]*\)/);
  return e;
}

/** Parses a script. Throws a SyntaxError that names file, line and column. */
export function parse(source: string, file: string, defines: Set<string>): Script {
  const r = new Reader(preprocess(source, defines, file), file);
  const script: Script = { file, options: new Map(), init: [], events: [] };
  for (let o = r.take(/--(\w+)(?:[ \t]*=[ \t]*([^\s]+))?/); o; o = r.take(/--(\w+)(?:[ \t]*=[ \t]*([^\s]+))?/)) {
    if (script.options.has(o[1]!)) r.fail(`--${o[1]} is there twice`);
    script.options.set(o[1]!, o[2] ?? "");
  }
  while (!r.done) {
    const { line } = r.position();
    const time = when(r);
    if (time === null && r.text[r.at] === "`" && script.events.length === 0) {
      r.at++;
      script.init.push({ line, text: r.until("`", "the command") });
      r.endOfLine();
      continue;
    }
    if (time === null && !/[<>`%a-z]/.test(r.text[r.at] ?? "")) r.fail("a time was expected, like +0.1");
    const e = event(r, line, time ?? { kind: "relative", at: 0 });
    const isOut = e.type === "out" || ((e.type === "icmp" || e.type === "udp") && !e.inbound);
    if (!isOut && (e.when.kind === "any" || e.when.kind.endsWith("range"))) {
      r.fail("only a packet that is sent may have such a time");
    }
    if (e.type !== "call" && "until" in e.when) r.fail("only a system call may take time");
    r.endOfLine();
    script.events.push(e);
  }
  if (script.events.length === 0) r.fail("an event was expected: a script without any shows nothing");
  return script;
}
