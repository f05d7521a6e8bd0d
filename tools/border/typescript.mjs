// host/module/layout.ts: the border as TypeScript.
import { comment } from "./c.mjs";

const camel = (name) => name.toLowerCase().replace(/_(\w)/g, (_, c) => c.toUpperCase());
const nameOf = (member) => member.tags.as ?? camel(member.name);

/** Lines of at most 110 columns with `items`, between `open` and `close`. */
function wrapped(open, items, close) {
  const lines = [];
  let line = " ";
  for (const item of items) {
    if (line.length + item.length > 108) {
      lines.push(line);
      line = " ";
    }
    line += ` ${item},`;
  }
  lines.push(line);
  return [open, ...lines, close].join("\n");
}

const object = (name, members, key) =>
  wrapped(`export const ${name} = {`, members.map((m) => `${key(m)}: ${m.value}`), "} as const;");
/** As `object`, for readers of the library: a line for each member, with what it means. */
const told = (name, members, key) =>
  [
    `export const ${name} = {`,
    ...members.flatMap((m) => [...(m.text ? comment(m.text, "  ", "/**") : []), `  ${key(m)}: ${m.value},`]),
    "} as const;",
  ].join("\n");
/** The fields of a record as an interface of numbers. */
const numbers = (name, fields) =>
  [
    `export interface ${name} {`,
    ...fields.flatMap((f) => [...(f.text ? comment(f.text, "  ", "/**") : []), `  ${f.name}: number;`]),
    "}",
  ].join("\n");
const list = (name, items) => wrapped(`export const ${name} = [`, items.map((i) => JSON.stringify(i)), "] as const;");
const TYPES = { bool: "u8", usize: "u32", Seq: "u32", Micros: "u64" };
/** Where fields lie, and their types, where that is another than u32. */
const fields = (name, record) =>
  wrapped(
    `export const ${name} = {`,
    record.fields.map((f) => {
      const type = TYPES[f.type] ?? f.type;
      return `${f.name}: { at: ${f.offset}${type === "u32" ? "" : `, type: "${type}"`} }`;
    }), "} as const;",
  );
/** What a call writes: where its fields lie, the same as numbers, and its size. */
const written = (call, name, text, type, record) => [
  `/** What \`${call}\` writes. */`, fields(name, record), `/** ${text} */`, numbers(`${type}Numbers`, record.fields),
  `export const ${name}_SIZE = ${record.size};`,
];
const offsets = (name, record) =>
  wrapped(`export const ${name} = {`, record.fields.map((f) => `${f.name}: ${f.offset}`), "} as const;");

/** Numbers of the configuration for which there is no default. */
const SET_BY_HOST = new Set(["size", "macHigh", "macLow", "ip", "prefix", "gateway", "policy"]);

/** Its text, with the default beside it. */
const withDefault = (f) =>
  f.default === undefined ? f : { ...f, text: `${f.text}${f.text ? " " : ""}By default ${f.default}.` };

const RESULTS = { i64: "bigint", u64: "bigint", void: "void" };
const ARGUMENTS = { i64: "bigint", u64: "bigint" };

/** What is known of addresses, names and the time. */
function clients(b) {
  return [
    "/** What `dhcp_info` writes. */", fields("LEASE", { fields: b.lease.fields.filter((f) => f.name !== "pad") }),
    "/** The same fields as numbers. */",
    numbers("LeaseNumbers", b.lease.fields.filter((f) => f.name !== "pad")),
    `export const LEASE_SIZE = ${b.lease.size};`,
    "/** How far DHCP is, by `LEASE.state`. */", list("LEASE_STATES", b.leaseStates.map((s) => s.name)),
    ...written("dns_info", "NAMES", "What the resolver has, and did.", "Names", b.names),
    ...written("sntp_info", "TIME", "What is known of the time.", "Time", b.time),
    ...written("dhcp6_info", "DHCP6", "What the DHCPv6 client did.", "Dhcp6", b.lease6),
    "/** How far DHCPv6 is, by `DHCP6.state`. */", list("LEASE6_STATES", b.lease6States.map((s) => s.name)),
    "/** What `mdns_info` writes. */", fields("LOCAL_NAME", b.localName),
    "/** What the host's own name is, and did. */", numbers("LocalNameNumbers", b.localName.fields),
    `export const LOCAL_NAME_SIZE = ${b.localName.size};`,
    "/** How far the own name in .local is, by `LOCAL_NAME.state`. */",
    list("LOCAL_STATES", b.localStates.map((s) => s.name)),
  ];
}

export function layout(b) {
  const calls = b.functions.map((f) => {
    const parameters = f.parameters.map(([name, type]) => `${name}: ${ARGUMENTS[type] ?? "number"}`).join(", ");
    // Not for the types of the package: stint.h has the same words there.
    const text = f.text ? comment(f.text, "  ", "/*") : [];
    return [...text, `  ${f.name}(${parameters}): ${RESULTS[f.result] ?? "number"};`].join("\n");
  });
  const bounds = b.config.filter((f) => f.least !== undefined).map((f) => `${f.name}: [${f.least}, ${f.most}]`);
  const defaults = b.config.filter((f) => !SET_BY_HOST.has(f.name)).map((f) => `${f.name}: ${f.default ?? 0}`);
  return `${[
    "// Made by tools/border from the sources in assembly/: all that crosses the border of the module.\n"
      + "// Nothing else in host/, tests/ and tools/ names an offset, a bit or a number of it.",
    "/** Errors: what calls return below 0. */", told("ERR", b.errors, (m) => m.name),
    "/** Bits of an event. */", told("EVENT", b.events, (m) => m.name),
    "/** The states of RFC 9293 §3.3.2, by their number. */",
    list("STATES", b.states.map((s) => s.name.replaceAll("_", "-"))),
    "/** Options of a connection or a listener. */", told("OPTION", b.options, nameOf),
    "/** Bits of the configuration's `policy`. */", told("POLICY", b.policies, nameOf),
    `/** The bits that are set by default. */\nexport const POLICY_DEFAULT = `
      + `${b.policies.filter((p) => p.tags.on !== undefined).reduce((n, p) => n + p.value, 0)};`,
    "/** Values of the configuration's `cookies`. */", told("COOKIES", b.cookies, nameOf),
    "/** The counters, in their order. */", list("COUNTERS", b.counters.map((c) => c.name)),
    "/** Bits of `TcpInfo.flags`. */", object("FLAG", b.flags, nameOf),
    "/** Kinds of `TcpInfo.timerKind`. */", object("TIMER", b.timers, (m) => m.name),
    "/** Bits of `TcpInfo.fastOpen`. */", object("FAST_OPEN", b.fastOpen, (m) => m.name),
    "/** The services of build/stint-app.wasm. */", object("SERVICES", b.services, (m) => m.name.toLowerCase()),
    "/** The numbers of the configuration block, in its order, a u32 each; "
      + "behind them lies the entropy. */", list("CONFIG_FIELDS", b.config.map((f) => f.name)),
    "/** The same numbers, and what each means. */",
    numbers("ConfigNumbers", b.config.map(withDefault)),
    "/** Least and greatest value of each, as the module's table of bounds has them. */",
    wrapped("export const CONFIG_BOUNDS = {", bounds, "} as const;"),
    "/** What a desktop host starts from: generous rings, the RFCs' time-outs. */",
    wrapped("export const CONFIG_DEFAULTS = {", defaults, "} as const;"),
    `export const CONFIG_SIZE = ${b.configSize}, ENTROPY_AT = ${b.entropy.offset}, ENTROPY_SIZE = ${b.entropy.size};`,
    `/** Bytes behind \`configBlock\` that the host may use. */\nexport const BLOCK_SIZE = ${b.blockSize};`,
    "/** A ring of frame slots; two of them lie behind `controlBlock`: "
      + "to the stack, from the stack. */", offsets("SLOT_RING", b.ring),
    `export const SLOT_RING_SIZE = ${b.ring.size};`,
    `/** Bytes before the frame in a slot. */\nexport const FRAME_OFFSET = ${b.frameOffset};`,
    "/** What `tcp_info` writes. */", fields("TCP_INFO", b.info),
    "/** The same fields as numbers. */",
    numbers("TcpInfoNumbers", b.info.fields.filter((f) => f.name !== "version" && f.name !== "ports")),
    `export const TCP_INFO_VERSION = ${b.infoVersion}, TCP_INFO_SIZE = ${b.info.size};`,
    "/** What `listener_info` writes. */", offsets("LISTENER_INFO", b.listenerInfo),
    ...clients(b),
    "/** What `ip6_info` writes. */", fields("IP6_INFO", b.ip6Info), `export const IP6_INFO_SIZE = ${b.ip6Info.size};`,
    "/** Values of `IP6_INFO.state`. */", object("IP6_STATE", b.ip6States, (m) => m.name),
    "/** Where an address is from, by `IP6_INFO.origin`. */",
    list("IP6_ORIGINS", b.ip6Origins.map((o) => o.name.toLowerCase().replaceAll("_", "-"))),
    `/** From here on, an IPv6 address's name. */\nexport const IP6_NAMES = 0x${b.ip6Names.toString(16)};`,
    "/** What `pool` counts. */", object("POOL", b.pools, nameOf),
    "/** Whom a datagram is from, as `udp_recv` writes it. */", offsets("DATAGRAM_FROM", b.from),
    "/** What the services ask the host for. */", offsets("REQUEST", b.request),
    `export const REQUEST_SIZE = ${b.request.size};`,
    "/** Values of `REQUEST.want`. */", object("WANT", b.wants, (m) => m.name),
    "/** What the module exports; include/stint.h says what each does. */",
    `export interface Calls {\n${calls.join("\n")}\n}`,
  ].join("\n\n").replace(/\*\/\n\n/g, "*/\n")}\n`;
}
