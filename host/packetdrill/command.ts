/**
 * A script's shell commands: settings of the host, and questions about the connection's state. Nothing is run, and
 * nothing is passed over.
 */
import { setting, STATE_NAMES, Unsupported, type Settings } from "./system.js";

/** What a command asks: how many connections are in a state. */
export interface Count {
  state: string;
  count: number;
}

export type Step =
  | { kind: "setting"; name: string; value: string }
  | { kind: "count"; what: Count }
  | { kind: "nothing" | "drop" };

const QUOTED = /"([^"]*)"|'([^']*)'/g;

/** The words of a text as a shell has them: quotes, comments and the ends of commands. */
function words(text: string): string[][] {
  const out: string[][] = [[]];
  const part = /\\\n|[ \t\r]+|(#[^\n]*)|(\n|;|&&)|((?:"[^"]*"|'[^']*'|\$\(\([^)]*\)\)|>&\d|\\.|[^\s;&"'\\])+)|(.)/gy;
  for (const [, comment, end, word, other] of text.matchAll(part)) {
    if (other !== undefined) throw new Unsupported(`the command ${text.trim()}`);
    if (end !== undefined) out.push([]);
    else if (comment === undefined && word !== undefined) out.at(-1)!.push(word.replace(QUOTED, "$1$2"));
  }
  return out.filter((c) => c.length > 0);
}

const assignment = (word: string): { name: string; value: string } | undefined => {
  const m = /^(?:\/proc\/sys\/)?([\w./]+)=(.*)$/s.exec(word);
  return m ? { name: m[1]!.replaceAll("/", "."), value: m[2]!.trim() } : undefined;
};

/** Programs that list connections, with options that do not change what is found. */
const SOURCES = [
  /^sockstat( -4| -s| -l| -c| -n| -P tcp| -p \d+)*$/, /^netstat( -a| -n| -t| -an| -ant| -f inet| -p tcp)*$/,
  /^ss( -a| -n| -t| -ant?| -tan?)*$/,
];

/** `sockstat … | grep -c STATE | grep N` and the like; undefined: it is none. */
function count(command: string[]): Count | undefined {
  const stages = command.join(" ").split(/\s*\|\s*/);
  if (!SOURCES.some((s) => s.test(stages[0]!))) return undefined;
  const [what, number] = stages.slice(-2).map((s) => /^grep (?:-[cqw] )*:?(\w+)$/.exec(s)?.[1]);
  const between = stages.slice(1, -2).every((s) => /^grep (packetdrill?|:?8080)$/.test(s));
  if (!what || !/^\d+$/.test(number ?? "") || !between || !/ -c /.test(stages.at(-2)!)) return undefined;
  if (!Object.hasOwn(STATE_NAMES, what)) throw new Unsupported(`the state ${what}`);
  return { state: STATE_NAMES[what]!, count: Number(number) };
}

/** Commands that change nothing on the wire of a script, or that this stack's defaults have carried out already. */
const NOTHING = [
  /^(\.{1,2}\/)*(common\/)?(defaults\.sh|set_sysctls\.py)$/, /^(true|sync)$/, /^echo( [\w.:-]+)*$/,
  /^ip route flush (cache|table all)$/, /^ip tcp_metrics flush( all)?$/,
  /^ethtool -K \w+( (tso|gso|gro|lro|sg|tx|rx) (on|off))+$/,
  /^tc qdisc (replace|add) dev tun0 root (handle 1: )?(pfifo|fq|fq_codel|noqueue)$/, /^kldload( -n)? (tcp|cc)_\w+$/,
];

/** What a command's lines are for. Throws an Unsupported for one that is not known. */
export function steps(text: string): Step[] {
  return words(text).flatMap((all): Step[] => {
    const command = all.filter((w) => !/^(2>&1|[12]?>\/dev\/null|>\/tmp\/\S+)$/.test(w));
    const unknown = new Unsupported(`the command ${command.join(" ")}`);
    const [first, ...args] = command as [string, ...string[]];
    if (first === "sysctl" || /^(\.{1,2}\/)*(common\/)?set_sysctls\.py$/.test(first)) {
      const settings = args.filter((w) => first !== "sysctl" || !/^-[wqen]+$/.test(w)).map(assignment);
      if (first === "sysctl" && settings.length === 0) throw unknown;
      return settings.map((s) => {
        if (!s) throw unknown;
        return { kind: "setting", ...s };
      });
    }
    if (first === "tcpdrop" && (args.length === 0 || /^-s [A-Z_]+$/.test(args.join(" ")) || args[0] === "-a")) {
      const state = args[0] === "-s" ? args[1]! : undefined;
      if (state !== undefined && !Object.hasOwn(STATE_NAMES, state)) throw new Unsupported(`the state ${state}`);
      return [{ kind: "drop" }];
    }
    const asked = count(command);
    if (asked) return [{ kind: "count", what: asked }];
    if (!NOTHING.some((n) => n.test(command.join(" ")))) throw unknown;
    return [{ kind: "nothing" }];
  });
}

/** Carries out the settings of a command. */
export function configure(text: string, options: Settings): void {
  for (const s of steps(text)) if (s.kind === "setting") setting(options, s.name, s.value);
}
