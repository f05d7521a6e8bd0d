/** The connection under test as `tcpi_*` variables, and the assertions of a script's `%{ }%` over them. */
import { createContext, runInContext } from "node:vm";
import { FAST_OPEN, FLAG, type StackModule } from "../stack.js";
import { Failure } from "./failure.js";
import type { Socket } from "./sockets.js";
import { STATE_NAMES, Unsupported, type Dialect, type Settings } from "./system.js";

/** `socket`: the connection's, if there is one; `now`: the state of its four-tuple. */
export function view(stack: StackModule, socket: Socket | undefined, now: string, dialect: Dialect, options: Settings): Record<string, number> {
  const out: Record<string, number> = {};
  const number: Record<string, number> = Object.fromEntries([...new Set(Object.values(STATE_NAMES))].map((n, i) => [n, i]));
  for (const [name, state] of Object.entries(STATE_NAMES)) out[`TCPI_${name}`] = out[`TCP_${name}`] = number[state]!;
  out["tcpi_state"] = number[now] ?? -1;
  if (!socket) return out;
  const t = stack.info(socket.handle), mss = Math.max(1, t.mss);
  return {
    ...out, tcpi_snd_mss: t.mss, tcpi_advmss: options.mss ?? (options.mtu ?? 1500) - 40, tcpi_rcv_mss: t.mss, tcpi_snd_cwnd: dialect === "linux" ? Math.floor(t.cwnd / mss) : t.cwnd,
    tcpi_snd_ssthresh: t.ssthresh >= 0x3fffffff ? 2147483647 : dialect === "linux" ? Math.floor(t.ssthresh / mss) : t.ssthresh,
    tcpi_unacked: Math.ceil(((t.sndNxt - t.sndUna) >>> 0) / mss), tcpi_sacked: Math.ceil(t.sackedBytes / mss), tcpi_rtt: t.srttUs, tcpi_rttvar: t.rttvarUs,
    tcpi_rto: t.rtoUs, tcpi_backoff: t.retries, tcpi_retransmits: t.retries, tcpi_pmtu: t.pathMtu, tcpi_snd_wscale: t.sndScale, tcpi_rcv_wscale: t.rcvScale,
    tcpi_ca_state: t.flags & FLAG.loss ? 4 : t.flags & FLAG.recovery ? 3 : t.dupAcks > 0 ? 1 : 0, TCP_CA_Open: 0, TCP_CA_Disorder: 1, TCP_CA_CWR: 2,
    TCP_CA_Recovery: 3, TCP_CA_Loss: 4, tcpi_snd_wnd: t.sndWnd, tcpi_rcv_space: t.rcvWnd, tcpi_notsent_bytes: Math.max(0, t.sndSize - ((t.sndNxt - t.sndUna) >>> 0)),
    tcpi_options: (t.flags & FLAG.timestamps ? 1 : 0) | (t.flags & FLAG.sack ? 2 : 0) | (t.sndScale || t.rcvScale ? 4 : 0) | (t.fastOpen & FAST_OPEN.TAKEN ? 32 : 0), TCPI_OPT_TIMESTAMPS: 1, TCPI_OPT_SACK: 2, TCPI_OPT_WSCALE: 4, TCPI_OPT_SYN_DATA: 32,
  };
}

/** Carries out `assert` lines. Throws a Failure for the first that does not hold. */
export function assertions(text: string, line: number, view: Record<string, number>): void {
  for (const statement of text.split(/[\n;]/).map((x) => x.trim()).filter(Boolean)) {
    if (/^(print|import)\b/.test(statement) || statement.startsWith("#")) continue;
    const m = /^assert\s*\(?(.*)$/.exec(statement);
    if (!m) throw new Unsupported(`line ${line}: the code ${statement}`);
    let expression = statement.replace(/^assert\b/, "").trim();
    // What follows a comma outside of brackets is a message.
    let depth = 0;
    for (let i = 0; i < expression.length; i++) {
      if ("([".includes(expression[i]!)) depth++;
      if (")]".includes(expression[i]!)) depth--;
      if (expression[i] === "," && depth === 0) expression = expression.slice(0, i);
    }
    const missing = (expression.match(/[A-Za-z_]\w*/g) ?? []).find((n) => !(n in view) && !["and", "or", "not", "True", "False", "abs", "min", "max", "int"].includes(n));
    if (missing) throw new Unsupported(`line ${line}: ${missing} in %{ }%`);
    const js = expression.replace(/\band\b/g, "&&").replace(/\bor\b/g, "||").replace(/\bnot\b/g, "!");
    const context = createContext({ ...view, True: true, False: false, abs: Math.abs, min: Math.min, max: Math.max, int: Math.trunc });
    let holds: unknown;
    try {
      holds = runInContext(js, context, { timeout: 100 });
    } catch {
      throw new Unsupported(`line ${line}: the expression ${expression}`);
    }
    if (!holds) {
      const used = [...new Set(expression.match(/tcpi_\w+/g) ?? [])].map((n) => `${n} is ${view[n]}`).join(", ");
      throw new Failure(line, expression, used);
    }
  }
}
