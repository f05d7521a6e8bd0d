/** The packetdrill language (Google's and FreeBSD's dialect), for TCP over IPv4: text to events. */

export class SyntaxError extends Error {
  constructor(readonly file: string, readonly line: number, readonly column: number, what: string) {
    super(`${file}:${line}:${column}: ${what}`);
  }
}

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

export interface Packet {
  flags: string;
  start: number;
  end: number;
  length: number;
  ack?: number;
  win?: number;
  urgent?: number;
  /** undefined: none are allowed; null: `<...>`, unchecked. */
  options: Option[] | null | undefined;
  ecn?: string;
  /** DSCP and ECN as one octet. */
  tos?: number;
  ttl?: number;
}

export type Event = { line: number; when: When } & (
  | { type: "in"; packet: Packet }
  | { type: "out"; packet: Packet }
  | { type: "icmp"; inbound: boolean; kind: string; code: string; mtu?: number; quoted?: Packet }
  | { type: "call"; name: string; args: Value[]; result: Value; errno?: string }
  | { type: "command"; text: string }
  | { type: "code"; text: string }
  | { type: "other"; what: string }
);

export interface Script {
  file: string;
  options: Map<string, string>;
  /** Commands that run before the first event. */
  init: { line: number; text: string }[];
  events: Event[];
}

/** Blanks out comments and the branches of #ifdef that are not taken; lines and columns stay. Strings, commands and code are left as they are. */
function preprocess(text: string, given: Set<string>, file: string): string {
  const blank = (s: string): string => s.replace(/[^\n]/g, " "), defines = new Set(given);
  const kept: { at: number; text: string }[] = [];
  // What may hold something that looks like a comment stands aside, as marks of the same length.
  const aside = /\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*|(?<=^|\s)#(?!\s*(?:ifn?def|if|elif|else|endif|define|undef|include)\b).*|`[^`]*`|%\{[\s\S]*?\}%|"(?:[^"\\\n]|\\.)*"/gm;
  text = text.replace(aside, (s: string, at: number) => {
    if (s.startsWith("/") || s.startsWith("#")) return blank(s);
    kept.push({ at, text: s });
    return s.replace(/[^\n]/g, "\u0001");
  });
  const taken: { now: boolean; any: boolean }[] = [];
  const lines = text.split("\n").map((line, i) => {
    const directive = /^\s*#\s*(ifdef|ifndef|if|elif|else|endif|define|undef|include)\b(.*)$/.exec(line);
    const isTaken = taken.every((t) => t.now);
    if (directive) {
      const [, word, rest] = directive as unknown as [string, string, string];
      const needs = /^(ifdef|ifndef|define|undef)$/.test(word) ? /^\s*(\w+)\s*$/ : /^(if|elif)$/.test(word) ? /^\s*(?:defined\s*(?:\(\s*)?)(\w+)\s*\)?\s*$/ : /^()\s*$/;
      const name = needs.exec(rest)?.[1];
      if (name === undefined || word === "include") throw new SyntaxError(file, i + 1, 1, `#${word}${rest} is not understood`);
      const top = taken.at(-1);
      if (word === "ifdef" || word === "if") taken.push({ now: defines.has(name), any: defines.has(name) });
      else if (word === "ifndef") taken.push({ now: !defines.has(name), any: !defines.has(name) });
      else if (word === "define" || word === "undef") isTaken && (word === "define" ? defines.add(name) : defines.delete(name));
      else if (!top) throw new SyntaxError(file, i + 1, 1, `#${word} without #ifdef`);
      else if (word === "else") [top.now, top.any] = [!top.any, true];
      else if (word === "elif") [top.now, top.any] = [!top.any && defines.has(name), top.any || defines.has(name)];
      else taken.pop();
      return blank(line);
    }
    return isTaken ? line : blank(line);
  });
  if (taken.length > 0) throw new SyntaxError(file, lines.length, 1, "#ifdef without #endif");
  let out = lines.join("\n");
  for (const k of kept) if (out[k.at] === "\u0001") out = out.slice(0, k.at) + k.text + out.slice(k.at + k.text.length);
  return out;
}

/** Values within values, at most: nobody writes more by hand. */
const DEPTH_MAX = 50;

class Reader {
  at = 0;
  depth = 0;
  constructor(readonly text: string, readonly file: string) {}

  position(at = this.at): { line: number; column: number } {
    const before = this.text.slice(0, at).split("\n");
    return { line: before.length, column: before.at(-1)!.length + 1 };
  }

  fail(what: string): never {
    const { line, column } = this.position();
    throw new SyntaxError(this.file, line, column, what);
  }

  space(): void {
    while (/\s/.test(this.text[this.at] ?? "")) this.at++;
  }

  get done(): boolean {
    this.space();
    return this.at >= this.text.length;
  }

  /** Takes what matches here, after white space; or nothing. */
  take(pattern: RegExp): RegExpExecArray | null {
    const before = this.at;
    this.space();
    const sticky = new RegExp(pattern.source, `${pattern.flags.replace("y", "")}y`);
    sticky.lastIndex = this.at;
    const m = sticky.exec(this.text);
    this.at = m ? this.at + m[0].length : before;
    return m;
  }

  /** As `take`, on this line. */
  takeHere(pattern: RegExp): RegExpExecArray | null {
    return /^[ \t]*\n/.test(this.text.slice(this.at, this.at + 200)) ? null : this.take(pattern);
  }

  need(pattern: RegExp, what: string): RegExpExecArray {
    const m = this.take(pattern);
    if (m) return m;
    this.space();
    return this.fail(`${what} was expected, not "${this.text.slice(this.at, this.at + 20).split("\n")[0]}"`);
  }

  /** Nothing may follow on this line. */
  endOfLine(): void {
    while (/[ \t\r]/.test(this.text[this.at] ?? "")) this.at++;
    if (this.at < this.text.length && this.text[this.at] !== "\n") this.need(/(?!.)/, "the end of the line");
  }

  /** Up to a closing mark. */
  until(mark: string, what: string): string {
    const end = this.text.indexOf(mark, this.at);
    if (end < 0) this.fail(`${what} does not end`);
    const body = this.text.slice(this.at, end);
    this.at = end + mark.length;
    return body;
  }
}

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
  const first = single(r);
  r.depth--;
  if (!r.take(/\|/)) return first;
  const items = [first];
  do items.push(single(r)); while (r.take(/\|/));
  return { kind: "or", items };
}

function list(r: Reader, close: RegExp): Value[] {
  const items: Value[] = [];
  while (!r.take(close)) {
    items.push(value(r));
    if (!r.take(/,/)) {
      r.need(close, `"," or the end of a list`);
      break;
    }
  }
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
      const name = r.need(/\.?([A-Za-z_]\w*)\s*(?:\((?:\d+|\.\.\.)\)\s*)?=/, "a field")[1]!;
      fields.push([name, value(r)]);
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
        for (let b = r.take(/(\d+):(\d+)/); b; b = r.take(/(\d+):(\d+)/)) blocks.push([octets(r, b[1]!), octets(r, b[2]!)]);
        out.push({ kind: "sack", blocks });
        break;
      }
      case "FO": case "FOEXP":
        out.push({ kind: "fastopen", cookie: r.take(/(?:[0-9a-fA-F]{2})+(?=\s*[,>])|[A-Z]\w*/)?.[0] ?? null, experimental: name === "FOEXP" });
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
function ipFields(r: Reader, p: Packet): void {
  for (let open = r.take(/[[(]/); open; open = r.take(/[[(]/)) {
    do {
      const field = r.need(/(?:noecn|ect01|ect0|ect1|ce)\b|(tos|ttl)\s+(0x[0-9a-fA-F]+|\d+)\b/, "a field of the IP header");
      const name = (field[1] ?? "ecn") as "tos" | "ttl" | "ecn";
      if (p[name] !== undefined) r.fail(`${name} is there twice`);
      if (name === "ecn") p.ecn = field[0];
      else p[name] = octets(r, field[2]!, 255);
    } while (r.take(/,/));
    r.need(open[0] === "[" ? /\]/ : /\)/, open[0] === "[" ? `"]"` : `")"`);
  }
}

function packet(r: Reader): Packet {
  const p: Packet = { flags: "", start: 0, end: 0, length: 0, options: undefined };
  ipFields(r, p);
  p.flags = r.need(/[FSRPEWU.]+(?=\s+\d+\s*:)|-(?=\s+\d+\s*:)/, "flags of F, S, R, P, ., U, E and W, and sequence numbers,")[0].replace("-", "");
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
    e.quoted = { flags: "", options: null, ...sequence(r) };
    r.need(/\]/, `"]"`);
  }
  return e;
}

function event(r: Reader, line: number, time: When): Event {
  const direction = r.take(/[<>]/)?.[0];
  if (direction) {
    if (r.take(/icmp\b/)) return { line, when: time, ...icmp(r, direction === "<") };
    const other = r.take(/(udp|ipv4|ipv6|gre|mpls|sctp|udplite|\d+\.\d+\.\d+\.\d+)\b[^\n]*/);
    if (other) return { line, when: time, type: "other", what: other[1]! };
    return { line, when: time, type: direction === "<" ? "in" : "out", packet: packet(r) };
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
  for (let o = r.take(/--(\w+)(?:[ \t]*=[ \t]*([^\s]+))?/); o; o = r.take(/--(\w+)(?:[ \t]*=[ \t]*([^\s]+))?/)) script.options.set(o[1]!, o[2] ?? "");
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
    if (e.type !== "out" && e.type !== "icmp" && (e.when.kind === "any" || e.when.kind.endsWith("range"))) {
      r.fail("only a packet that is sent may have such a time");
    }
    r.endOfLine();
    script.events.push(e);
  }
  return script;
}
