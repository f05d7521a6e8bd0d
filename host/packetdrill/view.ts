/** The connection under test as `tcpi_*` variables, and the assertions of a script's `%{ }%` over them. */
import { FAST_OPEN, FLAG, type StackModule } from "../stack.js";
import { ExpressionError, holds } from "./expression.js";
import { Failure } from "./failure.js";
import type { Socket } from "./socket.js";
import { STATE_NAMES, Unsupported, type Dialect, type Settings } from "./system.js";

/** What the stack counts a path's MTU with, over either IP. */
const IPV4_HEADERS = 40;

type Info = ReturnType<StackModule["info"]>;

/** What a view is made of. */
export interface Seen {
  stack: StackModule;
  /** The connection's socket, if there is one. */
  socket: Socket | undefined;
  /** The state of its four-tuple. */
  now: string;
  dialect: Dialect;
  options: Settings;
  /** Bytes of the headers of IP and TCP. */
  headers: number;
  /**
   * What the packets showed: whether the flight is still out that ECN slowed down, and how many segments are out that
   * were sent again.
   */
  isReducing: boolean;
  repeats: number;
}

/** Numbers that scripts know by a name. */
function constants(): Record<string, number> {
  const out: Record<string, number> = {
    TCP_CA_Open: 0, TCP_CA_Disorder: 1, TCP_CA_CWR: 2, TCP_CA_Recovery: 3, TCP_CA_Loss: 4,
    TCPI_OPT_TIMESTAMPS: 1, TCPI_OPT_SACK: 2, TCPI_OPT_WSCALE: 4, TCPI_OPT_SYN_DATA: 32,
  };
  const numbers = stateNumbers();
  for (const [name, state] of Object.entries(STATE_NAMES)) out[`TCPI_${name}`] = out[`TCP_${name}`] = numbers[state]!;
  return out;
}

function stateNumbers(): Record<string, number> {
  return Object.fromEntries([...new Set(Object.values(STATE_NAMES))].map((name, i) => [name, i]));
}

/** Linux's state of congestion control. */
function congestionState(t: Info, isReducing: boolean): number {
  if (t.flags & FLAG.loss) return 4;
  if (t.flags & FLAG.recovery) return 3;
  return isReducing ? 2 : t.dupAcks > 0 || t.sackedBytes > 0 ? 1 : 0;
}

/** The variables of a script's assertions. */
export function view(seen: Seen): Record<string, number> {
  const { stack, socket, now, dialect, options, headers, isReducing, repeats } = seen;
  const out = { ...constants(), tcpi_state: stateNumbers()[now] ?? -1 };
  if (!socket) return out;
  const t = stack.info(socket.handle), mss = Math.max(1, t.mss), flight = (t.sndNxt - t.sndUna) >>> 0;
  // RFC 6675's pipe counts what is lost only if it was sent again. A loss probe is sent again without a loss.
  const away = Math.ceil(Math.max(0, flight - t.sackedBytes - t.pipe) / mss);
  const isLossy = (t.flags & (FLAG.recovery | FLAG.loss)) !== 0;
  // Linux counts segments, FreeBSD bytes.
  const counted = (bytes: number): number => (dialect === "linux" ? Math.floor(bytes / mss) : bytes);
  const bits = (t.flags & FLAG.timestamps ? 1 : 0) | (t.flags & FLAG.sack ? 2 : 0) | (t.sndScale || t.rcvScale ? 4 : 0);
  return {
    ...out, tcpi_retrans: repeats, tcpi_lost: away + (isLossy ? repeats : 0), tcpi_snd_mss: t.mss,
    tcpi_advmss: options.mss ?? (options.mtu ?? 1500) - headers, tcpi_snd_cwnd: counted(t.cwnd),
    tcpi_snd_ssthresh: t.ssthresh >= 0x3fffffff ? 2147483647 : counted(t.ssthresh),
    tcpi_unacked: Math.ceil(flight / mss), tcpi_sacked: Math.ceil(t.sackedBytes / mss), tcpi_rtt: t.srttUs,
    tcpi_rttvar: t.rttvarUs, tcpi_pmtu: t.pathMtu + headers - IPV4_HEADERS,
    tcpi_rto: t.rtoUs, tcpi_backoff: t.retries, tcpi_retransmits: t.retries,
    tcpi_snd_wscale: t.sndScale, tcpi_rcv_wscale: t.rcvScale, tcpi_ca_state: congestionState(t, isReducing),
    tcpi_snd_wnd: t.sndWnd, tcpi_notsent_bytes: Math.max(0, t.sndSize - flight),
    tcpi_options: bits | (t.fastOpen & FAST_OPEN.TAKEN ? 32 : 0),
  };
}

/** Python's modules that have no effect by being there. */
const MODULES = ["sys", "os", "time", "math", "socket", "struct", "re"];

/** Whether a line is Python's `import` of a known module, or a whole `print` of texts, numbers and known names. */
function saysOnly(statement: string, view: Record<string, number>): boolean {
  const module = /^import\s+(\w+)$/.exec(statement)?.[1];
  if (module !== undefined) return MODULES.includes(module);
  const text = /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/g;
  const said = /^print\s*\((.*)\)$/.exec(statement)?.[1]?.replace(text, "0");
  if (said === undefined || !/^[\w\s.,%()+*/-]*$/.test(said)) return false;
  const names = said.match(/[A-Za-z_]\w*/g) ?? [];
  return names.every((name) => Object.hasOwn(view, name) || name === "str" || name === "repr");
}

/** Carries out `assert` lines. Throws a Failure for the first that does not hold. */
export function assertions(text: string, line: number, view: Record<string, number>): void {
  for (const statement of text.split(/[\n;]/).map((x) => x.replace(/(^|\s)#.*/, "").trim()).filter(Boolean)) {
    if (saysOnly(statement, view)) continue;
    const m = /^assert\b(.*)$/.exec(statement);
    if (!m) throw new Unsupported(`line ${line}: the code ${statement}`);
    try {
      if (holds(m[1]!, view)) continue;
    } catch (e) {
      if (!(e instanceof ExpressionError)) throw e;
      throw new Unsupported(`line ${line}: ${e.message} in %{ }%`);
    }
    const used = [...new Set(statement.match(/tcpi_\w+/g) ?? [])].map((n) => `${n} is ${view[n]}`).join(", ");
    throw new Failure(line, m[1]!.trim(), used);
  }
}
