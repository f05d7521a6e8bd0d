/** The connection under test as `tcpi_*` variables, and the assertions of a script's `%{ }%` over them. */
import { FAST_OPEN, FLAG, type StackModule } from "../stack.js";
import { ExpressionError, holds } from "./expression.js";
import { Failure } from "./failure.js";
import type { Socket } from "./sockets.js";
import { STATE_NAMES, Unsupported, type Dialect, type Settings } from "./system.js";

/** `socket`: the connection's, if there is one; `now`: the state of its four-tuple; `seen`: what the packets showed: the flight that ECN slowed down is still out; how many segments are out that were sent again. */
export function view(stack: StackModule, socket: Socket | undefined, now: string, dialect: Dialect, options: Settings, seen: { reducing: boolean; repeats: number }): Record<string, number> {
  const out: Record<string, number> = {};
  const number: Record<string, number> = Object.fromEntries([...new Set(Object.values(STATE_NAMES))].map((n, i) => [n, i]));
  for (const [name, state] of Object.entries(STATE_NAMES)) out[`TCPI_${name}`] = out[`TCP_${name}`] = number[state]!;
  out["tcpi_state"] = number[now] ?? -1;
  if (!socket) return out;
  const t = stack.info(socket.handle), mss = Math.max(1, t.mss);
  // RFC 6675's pipe counts what is lost only if it was sent again. A loss probe is sent again without a loss.
  const away = Math.ceil(Math.max(0, ((t.sndNxt - t.sndUna) >>> 0) - t.sackedBytes - t.pipe) / mss), recovers = (t.flags & (FLAG.recovery | FLAG.loss)) !== 0;
  return {
    ...out, tcpi_retrans: seen.repeats, tcpi_lost: away + (recovers ? seen.repeats : 0), tcpi_snd_mss: t.mss, tcpi_advmss: options.mss ?? (options.mtu ?? 1500) - 40, tcpi_snd_cwnd: dialect === "linux" ? Math.floor(t.cwnd / mss) : t.cwnd,
    tcpi_snd_ssthresh: t.ssthresh >= 0x3fffffff ? 2147483647 : dialect === "linux" ? Math.floor(t.ssthresh / mss) : t.ssthresh,
    tcpi_unacked: Math.ceil(((t.sndNxt - t.sndUna) >>> 0) / mss), tcpi_sacked: Math.ceil(t.sackedBytes / mss), tcpi_rtt: t.srttUs, tcpi_rttvar: t.rttvarUs,
    tcpi_rto: t.rtoUs, tcpi_backoff: t.retries, tcpi_retransmits: t.retries, tcpi_pmtu: t.pathMtu, tcpi_snd_wscale: t.sndScale, tcpi_rcv_wscale: t.rcvScale,
    tcpi_ca_state: t.flags & FLAG.loss ? 4 : t.flags & FLAG.recovery ? 3 : seen.reducing ? 2 : t.dupAcks > 0 || t.sackedBytes > 0 ? 1 : 0, TCP_CA_Open: 0, TCP_CA_Disorder: 1, TCP_CA_CWR: 2,
    TCP_CA_Recovery: 3, TCP_CA_Loss: 4, tcpi_snd_wnd: t.sndWnd, tcpi_notsent_bytes: Math.max(0, t.sndSize - ((t.sndNxt - t.sndUna) >>> 0)),
    tcpi_options: (t.flags & FLAG.timestamps ? 1 : 0) | (t.flags & FLAG.sack ? 2 : 0) | (t.sndScale || t.rcvScale ? 4 : 0) | (t.fastOpen & FAST_OPEN.TAKEN ? 32 : 0), TCPI_OPT_TIMESTAMPS: 1, TCPI_OPT_SACK: 2, TCPI_OPT_WSCALE: 4, TCPI_OPT_SYN_DATA: 32,
  };
}

/** Carries out `assert` lines. Throws a Failure for the first that does not hold. */
export function assertions(text: string, line: number, view: Record<string, number>): void {
  for (const statement of text.split(/[\n;]/).map((x) => x.replace(/(^|\s)#.*/, "").trim()).filter(Boolean)) {
    if (/^print\s*\(|^import\s+\w+$/.test(statement)) continue;
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
