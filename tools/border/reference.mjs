// docs/reference: the border as pages for readers.

const cell = (text) => text.replaceAll("|", "\\|");
const row = (...cells) => `| ${cells.map((c) => cell(String(c))).join(" | ")} |`;
const rows = (head, body) => [row(...head), row(...head.map(() => "---")), ...body].join("\n");
const MADE = "<!-- Made by `npm run border` from the sources in assembly/. -->";

/** Fields without a text of their own belong to the one before. */
function described(fields) {
  return fields.map((f) => ({ ...f, text: f.text === "" ? "As above." : f.text }));
}

/** What has a name in AssemblyScript and C, and another one in TypeScript. */
const named = (entry, value) => row(`\`${entry.name}\``, `\`${entry.camel}\``, value, entry.text);

export function configuration(b) {
  const numbers = described(b.config).map((f) =>
    row(`\`${f.name}\``, f.least ?? "", f.most ?? "", f.default ?? "", f.text),
  );
  return `${MADE}

# Configuration

A host writes these numbers into the block at \`configBlock()\` (\`struct stint_config\` in C, options of
\`Stack.open\` in TypeScript), and calls \`init\`. Each is a u32. \`layoutSize\` tells how many bytes of
memory they take together. A number out of its bounds is refused with CONFIG.

"Least" and "most" are what the table of bounds allows. What a text says beside it is checked as well. The
default is the library's and the command's; a C program gets it from \`stint_config_defaults\`.

${rows(["name", "least", "most", "default", "meaning, cost, and what happens when it is full"], numbers)}

Behind the numbers lie ${b.entropy.size} bytes of entropy. \`init\` refuses what cannot be entropy, and wipes it.

## Policy

Bits of \`policy\`.

${rows(["name", "in TypeScript", "bit", "meaning"], b.policies.map((p) => named(p, `2^${Math.log2(p.value)}`)))}

## Cookies

Values of \`cookies\`.

${rows(["name", "value", "meaning"], b.cookies.map((p) => row(`\`${p.name}\``, p.value, p.text)))}
`;
}

export function errorsAndEvents(b) {
  const errors = b.errors.filter((e) => e.value < 0);
  return `${MADE}

# Errors, events, states and options

## Errors

A call that cannot do what it was asked returns a number below 0.

${rows(["name", "value", "meaning"], errors.map((e) => row(`\`${e.name}\``, e.value, e.text)))}

## Events

Bits in the lower half of what \`event_next\` returns; the handle is in the upper half.

${rows(["name", "bit", "meaning"], b.events.map((e) => row(`\`${e.name}\``, e.value, e.text)))}

## States

${rows(["name", "value"], b.states.map((e) => row(`\`${e.name}\``, e.value)))}

## Options of \`tcp_set\`

${rows(["name", "in TypeScript", "value", "meaning"], b.options.map((o) => named(o, o.value)))}
`;
}

export function counters(b) {
  return `${MADE}

# Counters

\`counters()\` is the address of ${b.counters.length} u32, in this order. Each wraps at 2^32.
Names of IP and ICMP are those of RFC 4293, of TCP those of RFC 4022, of UDP those of RFC 4113;
the others are Linux's, where it has them.

${rows(["place", "name", "meaning"], b.counters.map((c) => row(c.value, `\`${c.name}\``, c.text)))}
`;
}

export function records(b) {
  const fields = (record) =>
    rows(
      ["offset", "name", "type", "meaning"],
      described(record.fields).map((f) => row(f.offset, `\`${f.name}\``, f.type, f.text)),
    );
  return `${MADE}

# Records

What calls write, and what lies in memory for the host. All numbers are little-endian.

## The ring of frame slots

Two of them lie behind \`controlBlock()\`: the ring to the stack, then the ring from it. 
A frame begins ${b.frameOffset} bytes into its slot.

${fields(b.ring)}

## What \`tcp_info\` writes

Version ${b.infoVersion}, ${b.info.size} bytes.

${fields(b.info)}

## What \`listener_info\` writes

${fields(b.listenerInfo)}

## What \`dhcp_info\` writes

${fields({ fields: b.lease.fields.filter((f) => f.name !== "pad") })}

## What \`dns_info\` writes

${fields(b.names)}

## What \`sntp_info\` writes

${fields(b.time)}

## What \`dhcp6_info\` writes

${fields(b.lease6)}

## What \`mdns_info\` writes

${fields(b.localName)}

## What \`ip6_info\` writes

${fields(b.ip6Info)}

## What \`pool\` counts

${rows(["which", "name", "meaning"], b.pools.map((p) => row(p.value, `\`${p.name}\``, p.text)))}

## What \`udp_recv\` writes of the sender

${fields(b.from)}
`;
}

/** What a text of the configuration says of the time when the limit is reached, and the text before it. */
function reached(text) {
  const found = /^(.*?) (?:Full|Above|Longer|None left[^:]*): (.*)$/.exec(text);
  return found === null ? undefined : { what: found[1], then: found[2] };
}

/** `1 << 20` as a number; a board's beside it, where it has one of its own. */
function amount(value) {
  const evaluated = (text) => Number(new Function(`return ${text}`)()).toLocaleString("en-US");
  const own = /^BOARD \? (.*) : (.*)$/.exec(value);
  return own === null ? evaluated(value) : `${evaluated(own[2])}; on boards ${evaluated(own[1])}`;
}

export function limits(b) {
  const configured = b.config.flatMap((f) => {
    const limit = reached(f.text), seen = f.tags.seen?.split(", ").map((name) => `\`${name}\``).join(", ") ?? "";
    if (limit === undefined) return [];
    return [row(`\`${f.name}\``, f.default ?? "", f.most ?? "", limit.what, limit.then, seen)];
  });
  const constants = b.fixed.map((f) =>
    row(f.text.replace(/\.$/, ""), amount(f.value), f.full, `\`${f.name}\` in \`${f.path}\``));
  return `${MADE}

# Limits

The stack takes its memory once. All that it keeps has a limit, and something happens when it is reached.

## Those that the configuration sets

[configuration.md](configuration.md) has all numbers of the configuration, these among them, with their bounds.
FULL, AGAIN and UNREACHABLE are what a call returns ([errors](errors-and-events.md#errors)).

${rows(["name", "default", "most", "what it counts, and costs", "when it is reached", "counted as"], configured)}

A counter counts how often that happened ([counters.md](counters.md)). Where none is named, the call's result tells,
or the peer's window.

## Those that are fixed

${rows(["what", "most", "when it is reached", "constant"], constants)}
`;
}

const TYPES = { usize: "address", Err: "error" };

export function calls(b) {
  const list = b.functions.map(
    (f) =>
      `### \`${f.name}(${f.parameters.map(([name, type]) => `${name}: ${TYPES[type] ?? type}`).join(", ")}): `
        + `${TYPES[f.result] ?? f.result}\`\n\n${f.text}`,
  );
  return `${MADE}

# Calls

What the module exports. C programs find the same calls in \`include/stint.h\`. 
A call that takes a pointer and a length checks that both lie in memory and outside of the stack's own arena,
else it returns ARGUMENT. A handle that is none returns HANDLE.

${list.join("\n\n")}
`;
}
