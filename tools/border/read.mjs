// What crosses the border of the module, read from the one place where each part is declared: the sources in assembly/.
// Nothing else may name an offset, a flag, a number of an error or the order of the counters; `tools/border/run.mjs`
// makes all of that from what is read here.
import { readdirSync, readFileSync } from "node:fs";
import { posix } from "node:path";
import ts from "typescript";

const parsed = new Map();

function file(path) {
  if (!parsed.has(path))
    parsed.set(path, ts.createSourceFile(path, readFileSync(path, "utf8"), ts.ScriptTarget.Latest, true));
  return parsed.get(path);
}

/** The documentation comment of a node on one line, its tags apart: { text, tags }. */
function documentation(node) {
  const comments = ts.getLeadingCommentRanges(node.getSourceFile().text, node.getFullStart()) ?? [];
  const last = comments.at(-1);
  const raw = last === undefined ? "" : node.getSourceFile().text.slice(last.pos, last.end);
  if (!raw.startsWith("/**")) return { text: "", tags: {} };
  const flat = raw.slice(3, -2).replace(/\n\s*\* ?/g, " ").trim(), tags = {};
  const text = flat.replace(/\s*@(\w+) ([^@]*)/g, (_, tag, value) => {
    tags[tag] = value.trim();
    return "";
  });
  return { text: text.trim(), tags };
}

function declared(path, name) {
  const found = file(path).statements.find((s) => s.name?.text === name);
  if (found === undefined) throw new Error(`${path} declares no ${name}`);
  return found;
}

/** Members of a const enum: [{ name, value, text }]. */
function members(path, name) {
  let next = 0;
  return declared(path, name).members.map((m) => {
    const value = m.initializer === undefined ? next : Number(new Function(`return ${m.initializer.getText()}`)());
    next = value + 1;
    return { name: m.name.text, value, ...documentation(m) };
  });
}

const WIDTH = { bool: 1, u8: 1, i8: 1, u16: 2, u32: 4, i32: 4, usize: 4, u64: 8, Seq: 4, Micros: 8 };

/** The file that declares what `path` calls `name`: itself, or one that it imports from. */
function homeOf(path, name) {
  const from = file(path).statements.find(
    (s) => ts.isImportDeclaration(s) && s.importClause?.namedBindings?.elements?.some((e) => e.name.text === name),
  );
  return from === undefined ? path : `${posix.join(posix.dirname(path), from.moduleSpecifier.text)}.ts`;
}

/**
 * Fields of an unmanaged class, those of its parent first: { fields: [{ name, type, offset, width, text, tags }], size
 * }.
 */
export function record(path, name) {
  const node = declared(path, name), parent = node.heritageClauses?.[0]?.types[0].expression.text;
  const fields = parent === undefined ? [] : record(homeOf(path, parent), parent).fields.slice();
  const own = node.members
    .filter(ts.isPropertyDeclaration)
    .map((m) => ({ name: m.name.text, type: m.type.getText(), ...documentation(m) }));
  let at = parent === undefined ? 0 : fields.at(-1).offset + fields.at(-1).width;
  for (const f of own) {
    const width = WIDTH[f.type];
    if (width === undefined) throw new Error(`${path}: ${name}.${f.name} has the type ${f.type}`);
    at = Math.ceil(at / width) * width;
    fields.push({ ...f, offset: at, width });
    at += width;
  }
  return { fields, size: at };
}

/** A constant number. */
function constant(path, name) {
  for (const s of file(path).statements) {
    if (!ts.isVariableStatement(s)) continue;
    for (const d of s.declarationList.declarations)
      if (d.name.text === name) return Number(new Function(`return ${d.initializer.getText()}`)());
  }
  throw new Error(`${path} declares no ${name}`);
}

/**
 * Constants below a folder that are limits of their own, by the tag that says what happens beyond them:
 * [{ path, name, value, text, full }].
 */
function fixed(folder) {
  return readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((f) => f.endsWith(".ts")).sort()
    .map((f) => posix.join(folder, f)).filter((path) => readFileSync(path, "utf8").includes("@full "))
    .flatMap((path) => file(path).statements.filter(ts.isVariableStatement).flatMap((s) => {
      const { text, tags } = documentation(s), { name, initializer } = s.declarationList.declarations[0];
      const { full } = tags;
      return full === undefined ? [] : [{ path, name: name.text, value: initializer.getText(), text, full }];
    }));
}

/** Functions that a module exports: [{ name, text, parameters: [[name, type]], result }]. */
function functions(path) {
  return file(path)
    .statements.filter(
      (s) => ts.isFunctionDeclaration(s) && s.modifiers?.some((m) => m.kind === ts.SyntaxKind.ExportKeyword),
    )
    .map((s) => ({
      name: s.name.text,
      ...documentation(s),
      parameters: s.parameters.map((p) => [p.name.text, p.type.getText()]),
      result: s.type.getText(),
    }));
}

/** The numbers of a table `memory.data<T>([…])`. */
function table(path, name) {
  for (const s of file(path).statements) {
    if (!ts.isVariableStatement(s)) continue;
    for (const d of s.declarationList.declarations)
      if (d.name.text === name) return d.initializer.arguments[0].elements.map((e) => Number(e.getText()));
  }
  throw new Error(`${path} has no table ${name}`);
}

/** The configuration's numbers with their bounds and defaults. */
function configuration(fields) {
  const bounds = table("assembly/config.ts", "BOUNDS"), first = fields.findIndex((f) => f.name === "mtu");
  if (fields.findIndex((f) => f.name === "firstByteMs") - first + 1 !== bounds.length / 2)
    throw new Error("assembly/config.ts: BOUNDS has not a pair for each number from mtu to firstByteMs");
  return fields.map((f, i) => {
    const at = 2 * (i - first), given = f.tags.default === undefined ? {} : { default: Number(f.tags.default) };
    return at < 0 || at >= bounds.length
      ? { ...f, ...given }
      : { ...f, ...given, least: bounds[at], most: 2 ** bounds[at + 1] - 1 };
  });
}

/**
 * What is wrong with the table `COPIED` of `info.ts`, by the text of its numbers, three for each run: fields of a run
 * have the TCB's names, widths and places; what no run has, `written` has: the names that `info` sets itself.
 */
export function copiedWrong(fields, tcb, numbers, end, written) {
  const wrong = [], told = new Set(written), at = (text) => /"(\w+)"/.exec(text)?.[1];
  if (numbers.length !== end) wrong.push(`COPIED has ${numbers.length} numbers, and COPIED_END is ${end}`);
  for (let i = 0; i < numbers.length; i += 3) {
    const first = fields.find((f) => f.name === at(numbers[i])), from = tcb.find((f) => f.name === at(numbers[i + 1]));
    const behind = fields.findIndex((f) => f.name === at(numbers[i + 2].split(" - ")[0]));
    for (const f of fields.slice(fields.indexOf(first), behind < 0 ? fields.length : behind)) {
      const own = tcb.find((c) => c.name === f.name);
      told.add(f.name);
      if (own?.width !== f.width || own.offset - from.offset !== f.offset - first.offset)
        wrong.push(`the TCB has no ${f.name} where the run from ${from.name} on copies it from`);
    }
  }
  return [...wrong, ...fields.filter((f) => !told.has(f.name)).map((f) => `nothing writes TcpInfo.${f.name}`)];
}

/** `TcpInfo`, which the table in the same file and the lines of `info` write whole. */
function info() {
  const path = "assembly/api/info.ts", { fields, size } = record(path, "TcpInfo");
  const { fields: tcb } = record("assembly/tcp/block/tcb.ts", "Tcb");
  const copied = file(path).statements.filter(ts.isVariableStatement)
    .find((s) => s.declarationList.declarations[0].name.text === "COPIED").declarationList.declarations[0];
  const written = [...declared(path, "info").getText().matchAll(/\bi\.(\w+) = /g)].map((m) => m[1]);
  const numbers = copied.initializer.arguments[0].elements.map((e) => e.getText());
  const [wrong] = copiedWrong(fields, tcb, numbers, constant(path, "COPIED_END"), written);
  if (wrong !== undefined) throw new Error(`${path}: ${wrong}`);
  return { fields, size };
}

const camel = (name) => name.toLowerCase().replace(/_(\w)/g, (_, c) => c.toUpperCase());
const named = (list) => list.map((m) => ({ ...m, camel: m.tags.as ?? camel(m.name) }));

/** The whole border. */
export function border() {
  const config = record("assembly/config.ts", "Config");
  return {
    errors: members("assembly/core/error.ts", "Err"),
    events: members("assembly/core/events.ts", "Event"),
    states: members("assembly/tcp/block/state.ts", "State"),
    options: named(members("assembly/api/tcp.ts", "TcpOption").filter((o) => o.name !== "COUNT")),
    policies: named(members("assembly/config.ts", "Policy")),
    cookies: members("assembly/config.ts", "Cookies"),
    counters: members("assembly/core/counters.ts", "Mib").filter((c) => c.name !== "COUNT"),
    flags: members("assembly/tcp/block/tcb.ts", "Has"),
    timers: members("assembly/tcp/block/timers.ts", "Timer"),
    fastOpen: members("assembly/tcp/block/tcb.ts", "FastOpen"),
    services: members("assembly/services/layout.ts", "Service").filter(
      (s) => s.name !== "NONE" && s.name !== "CLOSING",
    ),
    config: configuration(config.fields.filter((f) => f.type === "u32")),
    configAll: config.fields,
    entropy: { offset: config.fields.find((f) => f.name === "entropy0").offset, size: 32 },
    configSize: config.size,
    blockSize: constant("assembly/config.ts", "BLOCK_SIZE"),
    ring: record("assembly/buffers/slots.ts", "SlotRing"),
    frameOffset: constant("assembly/config.ts", "FRAME_OFFSET"),
    tcb: record("assembly/tcp/block/tcb.ts", "Tcb"),
    info: info(),
    infoVersion: constant("assembly/api/info.ts", "INFO_VERSION"),
    listenerInfo: record("assembly/api/info.ts", "ListenerInfo"),
    names: record("assembly/clients/dns.ts", "Names"),
    time: record("assembly/clients/sntp.ts", "Time"),
    lease6: record("assembly/nd/dhcp6-state.ts", "Lease6"),
    lease6States: members("assembly/nd/dhcp6-state.ts", "State6"),
    localName: record("assembly/clients/mdns.ts", "LocalName"),
    localStates: members("assembly/clients/mdns.ts", "LocalState"),
    lease: record("assembly/clients/dhcp-state.ts", "Lease"),
    pools: members("assembly/api/info.ts", "Pool"),
    ip6States: members("assembly/ip/interface6.ts", "Own").filter((s) => s.name !== "FREE"),
    ip6Origins: members("assembly/ip/interface6.ts", "Origin"),
    ip6Names: constant("assembly/address/names.ts", "FIRST"),
    ip6OwnMost: constant("assembly/address/names.ts", "OWN_PLACES"),
    ip6Info: record("assembly/api/ip6.ts", "Ip6Info"),
    leaseStates: members("assembly/clients/dhcp-state.ts", "State"),
    from: record("assembly/udp/udp.ts", "DatagramFrom"),
    request: record("assembly/services/layout.ts", "Request"),
    wants: members("assembly/services/layout.ts", "Want"),
    fixed: fixed("assembly"),
    functions: [
      ...functions("assembly/index.ts"), ...functions("assembly/api/udp.ts").filter((f) => f.name.startsWith("udp_")),
      ...functions("assembly/api/clients.ts"), ...functions("assembly/api/names.ts"),
      ...functions("assembly/api/time.ts"), ...functions("assembly/api/link-local.ts"),
      ...functions("assembly/api/temporary.ts"), ...functions("assembly/api/dhcp6.ts"),
      ...functions("assembly/api/source.ts"),
      ...functions("assembly/api/ip6.ts"),
    ],
  };
}
