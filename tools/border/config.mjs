// include/stint_config.h: every number of a configuration as a macro, and what a stack in C is compiled with.
import { comment } from "./c.mjs";

/** What a device has in place of the library's defaults. */
const DEVICE = {
  connsMax: 8, halfOpenMax: 8, timeWaitMax: 8, listenersMax: 4, sendRing: 1460, recvRing: 1460, rangesMax: 16,
  sendersMax: 0, rxSlots: 4, txSlots: 4, loopSlots: 0, reassemblyMax: 0, reassemblyBytes: 0, neighboursMax: 4,
  udpMax: 2, udpRing: 2048, prefixBuckets: 16, fastOpenCookies: 0, fastOpenMax: 0,
};

const macro = (name) => `STINT_${name.replace(/[A-Z]/g, (c) => `_${c}`).toUpperCase()}`;
const guarded = (name, value) => [`#ifndef ${name}`, `#define ${name} ${value}`.trim(), "#endif", ""];

/** The numbers that have a default, with their macros. */
const numbers = (b) => b.config.filter((f) => f.default !== undefined).map((f) => ({ ...f, macro: macro(f.name) }));

export function configHeader(b) {
  return [
    ...comment(
      "The numbers of a stack for a device: what each costs, and what happens when it is full. Made by tools/border. "
        + "Define a macro before this file, or on the compiler's command line, to have another number.",
    ),
    "#ifndef STINT_CONFIG_H", "#define STINT_CONFIG_H", "",
    "#include \"stint.h\"", "",
    ...comment(
      "The next three are what stint.c is compiled with. STINT_TRAP: the stack in use is broken, and `why` says how; "
        + "it may reset the device, or leave by longjmp and create the stack anew. If it returns, the program hangs.",
    ),
    "#ifndef STINT_TRAP", "#define STINT_TRAP(why) __builtin_trap()", "#endif", "",
    ...comment(
      "Bytes for what passes through the stack on its way to a pointer of yours: the largest datagram, or peek.",
    ),
    ...guarded("STINT_SCRATCH", "2048u"),
    ...comment("_Thread_local, where threads have stacks of their own: the stack in use is a thread's then."),
    ...guarded("STINT_THREAD", ""),
    ...comment("Bytes of the memory of stint_create beside the arena (stint_layout_size)."),
    ...guarded("STINT_OVERHEAD", "(8192u + STINT_SCRATCH)"),
    ...numbers(b).flatMap((f) => [
      ...comment(`${f.text} ${f.least === undefined ? "" : `From ${f.least} to ${f.most}.`}`.trim()),
      ...guarded(f.macro, `${DEVICE[f.name] ?? f.default}u`),
    ]),
    ...comment("Bits of STINT_POLICY_… in stint.h."),
    ...guarded("STINT_POLICY", `${b.policies.reduce((n, p) => n + (p.tags.on === undefined ? 0 : p.value), 0)}u`),
    ...comment("Fills a configuration with these numbers. Addresses, MAC address and entropy are left to be set."),
    "static inline void stint_config_numbers(struct stint_config *config) {",
    "  stint_config_defaults(config);",
    ...numbers(b).map((f) => `  config->${f.name} = ${f.macro};`),
    "  config->policy = STINT_POLICY;",
    "}", "", "#endif", "",
  ].join("\n");
}

/** What stint.h of the amalgamation has besides. */
export function instancesDeclared() {
  return [
    ...comment(
      "A stack. There may be several in a program, each in memory of its own; calls go to the one in use "
        + "(of the thread, with STINT_THREAD of stint_config.h).",
    ),
    "struct stint;", "",
    ...comment(
      "Makes a stack in `size` bytes of memory: STINT_OVERHEAD of stint_config.h, and what stint_layout_size says of "
        + "its configuration. It is in use then. NULL: too few. The memory stays yours: forget the stack, and it ends.",
    ),
    "struct stint *stint_create(void *memory, uint32_t size);", "",
    ...comment("The stack that calls go to from here on."),
    "void stint_use(struct stint *stack);", "", "",
  ].join("\n");
}
