// include/stint.h, and what the firmware needs to know: the border as C.

export const C = {
  i8: "int8_t", bool: "uint8_t", i32: "int32_t", u32: "uint32_t", i64: "int64_t", u64: "uint64_t", u16: "uint16_t",
  u8: "uint8_t", usize: "void *", Err: "int32_t", void: "void",
};

export const cName = (name) =>
  /^(tcp|udp|dhcp|m?dns)_/.test(name) ? name : `stint_${name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`)}`;

/** A comment of lines of at most 110 columns; `open`: how it begins. */
export function comment(text, indent = "", open = "/*") {
  const lines = [];
  let line = "";
  for (const word of text.split(/\s+/)) {
    if (line !== "" && indent.length + line.length + word.length > 106) {
      lines.push(line);
      line = "";
    }
    line += (line === "" ? "" : " ") + word;
  }
  lines.push(line);
  if (lines.length === 1) return [`${indent}${open} ${lines[0]} */`];
  return [`${indent}${open}`, ...lines.map((l) => `${indent} * ${l}`), `${indent} */`];
}

const table = (title, prefix, list) => [
  ...comment(title), "enum {",
  ...list.flatMap(({ name, value, text }) => [...(text ? comment(text, "  ") : []), `  ${prefix}${name} = ${value},`]),
  "};", "",
];
const struct = (title, name, fields) => [
  ...comment(title), `struct ${name} {`,
  ...fields.flatMap((f) => [...(f.text ? comment(f.text, "  ") : []), `  ${C[f.type]} ${f.name};`]), "};", "",
];

/** In a program's own symbols a call has no name that the program may have, too: `udp_open` is luasocket's. */
export const symbolName = (name) => cName(name) === name ? `stint_${name}` : cName(name);
const symbol = (name) => symbolName(name) === cName(name) ? "" : `\n    STINT_SYMBOL("${symbolName(name)}")`;

function declaration(f) {
  const parameters = f.parameters.map(([name, type]) => {
    if (f.name === "init" || f.name === "layoutSize") return "struct stint_config *config";
    return `${C[type]}${C[type].endsWith("*") ? "" : " "}${name}`;
  }).join(", ") || "void";
  const result = f.name === "configBlock" ? "struct stint_config *" : C[f.result];
  return [
    ...(f.text ? comment(f.text) : []),
    `STINT_IMPORT("${f.name}") ${result}${result.endsWith("*") ? "" : " "}${cName(f.name)}(${parameters})`
      + `${symbol(f.name)};`,
    "",
  ];
}

/** Which number of a configuration is out of its bounds: the module says STINT_ERR_CONFIG alone. */
function faults(b) {
  const bounded = b.config.filter((f) => f.least !== undefined);
  return [
    ...struct("A number of a configuration that is out of its bounds.", "stint_config_fault", []).slice(0, 2),
    "  const char *field;",
    "  uint32_t value, least, most;",
    "};",
    "",
    ...comment(
      "The first number of a configuration that is out of its bounds goes to `fault`. Returns whether there is one: "
        + "what stint_init refuses with STINT_ERR_CONFIG beside these are numbers that do not go together, "
        + "as the comments of the fields say. A caller who never asks pays nothing.",
    ),
    "static inline int stint_config_fault(const struct stint_config *config, struct stint_config_fault *fault) {",
    "  const struct stint_config_fault all[] = {",
    ...bounded.map((f) => `    {"${f.name}", config->${f.name}, ${f.least}u, ${f.most}u},`),
    '    {"size", config->size, sizeof *config, sizeof *config},',
    '    {"prefix", config->prefix, 0u, 32u},',
    "  };",
    "  for (unsigned i = 0; i < sizeof all / sizeof all[0]; i++) {",
    "    if (all[i].value >= all[i].least && all[i].value <= all[i].most) continue;",
    "    *fault = all[i];",
    "    return 1;",
    "  }",
    "  return 0;",
    "}",
    "",
  ];
}

/** Errors, events, states, options, policies, flags and counters, by name. */
function tables(b) {
  return [
    ...table("Errors: what calls return below 0.", "STINT_ERR_", b.errors.filter((e) => e.value < 0)),
    ...table("Events: bits in the lower half of stint_event_next.", "STINT_EVENT_", b.events),
    ...table("States, as stint_flow_state has them.", "STINT_STATE_", b.states),
    ...table("Options of tcp_set.", "STINT_OPTION_", b.options),
    ...table("Bits of stint_config.policy.", "STINT_POLICY_", b.policies),
    ...table("Values of stint_config.cookies.", "STINT_COOKIES_", b.cookies),
    ...table("Bits of stint_tcp_info.flags.", "STINT_FLAG_", b.flags.map((f) => ({ ...f, value: `${f.value}u` }))),
    ...table("Kinds of stint_tcp_info.timerKind.", "STINT_TIMER_", b.timers),
    ...table("Bits of stint_tcp_info.fastOpen.", "STINT_FAST_OPEN_", b.fastOpen),
    ...table("What stint_pool counts.", "STINT_POOL_", b.pools),
    ...table("Values of stint_ip6_info.state.", "STINT_IP6_", b.ip6States),
    ...table("Values of stint_ip6_info.origin.", "STINT_IP6_ORIGIN_", b.ip6Origins),
    ...table("Values of stint_lease.state.", "STINT_DHCP_", b.leaseStates),
    ...table("Values of stint_dhcp6.state.", "STINT_DHCP6_", b.lease6States),
    ...table("Values of stint_local_name.state.", "STINT_MDNS_", b.localStates),
    ...table(
      "Places of the counters behind stint_counters.", "STINT_COUNTER_", b.counters.map((c) => ({ ...c, text: "" })),
    ),
  ];
}

/** What a configuration starts from, as a function. */
function defaults(b) {
  return [
    ...comment(
      "Fills a configuration with the library's defaults. Addresses, MAC address, "
        + "arena and entropy are left to be set.",
    ),
    "static inline void stint_config_defaults(struct stint_config *config) {",
    "#ifdef __cplusplus",
    "  *config = stint_config();",
    "#else",
    "  static const struct stint_config none;",
    "  *config = none;",
    "#endif",
    "  config->size = sizeof *config;",
    ...b.config
      .filter((f) => f.default !== undefined && f.default !== 0)
      .map((f) => `  config->${f.name} = ${f.default}u;`),
    `  config->policy = ${b.policies.filter((p) => p.tags.on !== undefined).reduce((n, p) => n + p.value, 0)}u;`,
    "}",
    "",
  ];
}

/** What calls write. */
function records(b) {
  return [
    ...struct(`What tcp_info writes. \`version\` is STINT_TCP_INFO_VERSION.`, "stint_tcp_info", b.info.fields),
    `#define STINT_TCP_INFO_VERSION ${b.infoVersion}`,
    "",
    ...struct("What listener_info writes.", "stint_listener_info", b.listenerInfo.fields),
    ...struct("What dhcp_info writes.", "stint_lease", b.lease.fields),
    ...struct("What dns_info writes.", "stint_names", b.names.fields),
    ...struct("What sntp_info writes.", "stint_time", b.time.fields),
    ...struct("What dhcp6_info writes.", "stint_dhcp6", b.lease6.fields),
    ...struct("What mdns_info writes.", "stint_local_name", b.localName.fields),
    ...struct("What ip6_info writes.", "stint_ip6_info", b.ip6Info.fields),
    ...struct("Whom a datagram is from, as udp_recv writes it.", "stint_datagram_from", b.from.fields),
  ];
}

/** The two functions of an application. */
function application() {
  return [
    ...comment("What an application is, for the ready-made hosts (stint run, firmware, wasmtime): two functions."),
    "",
    ...comment(
      "app_start: the host has filled in addresses, MTU and entropy, and the library's defaults for the rest; "
        + "the application sets sizes and its arena, calls stint_init, listens, and returns 0 or an error. app_run: "
        + "called after every poll; returns not 0 when another poll may have something to send.",
    ),
    "#ifdef __wasm__",
    "#define STINT_APP(name) __attribute__((export_name(name)))",
    "#else",
    "#define STINT_APP(name)",
    "#endif",
    'STINT_APP("app_start") int32_t app_start(struct stint_config *config);',
    'STINT_APP("app_run") int32_t app_run(void);',
    "",
  ];
}

export function header(b) {
  return [
    ...comment("stint: a TCP/IP stack as a part of your program. Made by tools/border from the sources in assembly/."),
    "",
    ...comment(
      "Addresses and ports are in host order (10.0.0.2 is 0x0a000002). Times are in the unit that a name or comment "
        + "says. A handle is above 0; a result below 0 is an error (STINT_ERR_…). Memory that a call is given stays "
        + "yours; memory whose address a call returns is the stack's, and yours to read or write until the next call "
        + "for that connection. No call may be made from two threads at once.",
    ),
    "",
    ...comment(
      "Link with: stint link app.wasm -o out.wasm. Or natively with libstint.a (npm run native): "
        + "the stack's memory is then its own, and the arena that a configuration names is ignored.",
    ),
    "#ifndef STINT_H",
    "#define STINT_H",
    "",
    "#include <stdint.h>",
    "",
    "#ifdef __cplusplus",
    'extern "C" {',
    "#endif",
    "",
    "#ifdef __wasm__",
    '#define STINT_IMPORT(name) __attribute__((import_module("stint"), import_name(name)))',
    "#else",
    "#define STINT_IMPORT(name)",
    "#endif",
    ...comment("To the linker a call is named for the library: a program may have a function udp_open of its own."),
    "#ifdef __GNUC__",
    "#define STINT_TEXT_OF(x) #x",
    "#define STINT_TEXT(x) STINT_TEXT_OF(x)",
    "#define STINT_SYMBOL(name) __asm__(STINT_TEXT(__USER_LABEL_PREFIX__) name)",
    "#else",
    "#define STINT_SYMBOL(name)",
    "#endif",
    "",
    ...tables(b),
    ...struct("What stint_init is given. `init` checks it, and wipes its entropy.", "stint_config", b.configAll),
    ...defaults(b),
    ...faults(b),
    ...records(b),
    ...b.functions.flatMap(declaration),
    ...struct(
      "A ring of frame slots; two of them lie behind stint_control_block: to the stack, from the stack. "
        + "The producer writes a frame STINT_FRAME_OFFSET bytes into slot tail & mask, its length to lengths, "
        + "and adds 1 to tail; the consumer adds 1 to head. Addresses are the stack's: stint_at gives the pointer.",
      "stint_ring", b.ring.fields,
    ),
    `#define STINT_FRAME_OFFSET ${b.frameOffset}u`,
    "",
    "#ifdef __wasm__",
    "static inline void *stint_at(uint32_t address) {",
    "  return (void *)(uintptr_t)address;",
    "}",
    "#else",
    "void *stint_at(uint32_t address);",
    "#endif",
    "",
    ...application(),
    "#ifdef __cplusplus",
    "}",
    "#endif",
    "",
    "#endif",
    "",
  ].join("\n");
}

/** boards/runtime/border.h: places in the module's memory, for firmware that reads it through its own checks. */
export function firmwareHeader(b) {
  const places = (prefix, record) =>
    record.fields.map((f) => `#define ${prefix}${f.name.replace(/[A-Z]/g, (c) => `_${c}`).toUpperCase()} ${f.offset}u`);
  return [
    "/* Made by tools/border from the sources in assembly/: where the module's records have what. */",
    "#ifndef STINT_BORDER_H", "#define STINT_BORDER_H", "", "/* A ring of frame slots. */", ...places("RING_", b.ring),
    `#define RING_SIZE ${b.ring.size}u`, `#define FRAME_OFFSET ${b.frameOffset}u`, "", "/* What tcp_info writes. */",
    ...places("INFO_", b.info), "", "/* What the services ask the host for. */",
    ...places("REQUEST_", b.request), `#define REQUEST_BYTES ${b.request.size}u`,
    ...b.wants.map((w) => `#define WANT_${w.name} ${w.value}u`), "", "/* What ip6_info writes, and how often. */",
    ...places("IP6_", b.ip6Info), ...b.ip6States.map((s) => `#define IP6_${s.name} ${s.value}u`),
    ...b.ip6Origins.map((o) => `#define IP6_ORIGIN_${o.name} ${o.value}u`), `#define IP6_OWN_MOST ${b.ip6OwnMost}u`,
    "", "/* What pool counts. */", ...b.pools.map((p) => `#define POOL_${p.name} ${p.value}u`),
    "", "/* The states of RFC 9293, by their number. */", "#define STATE_NAMES \\",
    b.states.map((s) => `  "${s.name.replaceAll("_", "-")}"`).join(", \\\n"), "",
    `#define CONFIG_SIZE ${b.configSize}u`,
    `#define CONFIG_IP ${b.config.find((f) => f.name === "ip").offset}u`, `#define ENTROPY_AT ${b.entropy.offset}u`,
    `#define ENTROPY_SIZE ${b.entropy.size}u`, "", "#endif", "",
  ].join("\n");
}
