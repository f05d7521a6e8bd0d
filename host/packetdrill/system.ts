/** What a script's `sysctl` lines and other commands mean for the stack's configuration, and what its symbols stand for. */
import type { StackOptions } from "../config.js";

export class Unsupported extends Error {}

/** Linux as Google's scripts know it, or FreeBSD. */
export type Dialect = "linux" | "freebsd";

/** Bits of `fastOpen`, as Linux has them: connections that a socket opens, listeners that ask for it, all listeners. */
export const FAST_OPEN = { client: 1, server: 2, everyListener: 0x400 } as const;

/** The stack's configuration, and what a host adds to it. */
export type Settings = Partial<StackOptions> & { fastOpen?: number };

/** What the dialect's host is like before any command. */
export function defaults(dialect: Dialect): Settings {
  return dialect === "freebsd"
    ? {
      // 65,536 bytes, rounded up to whole segments of 1460 as FreeBSD does once the MSS is known.
      recvRing: 65700, sendRing: 65536, windowScale: 6, rtoInitialMs: 1000, rtoMinMs: 230, delayedAckMs: 40,
      policy: { announce: false, synFin: false, eagerWindow: true, ecn: true, rack: false, quickAcks: false },
    }
    : {
      recvRing: 1 << 20, sendRing: 1 << 20, windowScale: 8, rtoInitialMs: 1000, rtoMinMs: 200,
      // Linux acknowledges at once while a connection is young, which is what these scripts see.
      delayedAckMs: 0, policy: { announce: false, pushBursts: true, eagerWindow: true, ecn: true }, fastOpen: 0x403,
    };
}

type Setter = (options: Settings, value: number) => void;
const policy = (name: keyof NonNullable<StackOptions["policy"]>, not = false): Setter =>
  (o, v) => (o.policy = { ...o.policy, [name]: (v !== 0) !== not });

const ecn: Setter = (o, v) => (o.policy = { ...o.policy, ecn: v !== 0, ecnOffer: v === 1 });

/** Settings that have a counterpart here. */
const SETTINGS: Record<string, Setter> = {
  "net.inet.tcp.rfc1323": (o, v) => (o.policy = { ...o.policy, timestamps: v === 1 || v === 3, windowScaling: v === 1 || v === 2 }),
  "net.inet.tcp.sack.enable": policy("sack"),
  "net.inet.tcp.drop_synfin": policy("synFin", true),
  "net.inet.tcp.blackhole": (o, v) => (o.policy = { ...o.policy, blackhole: v !== 0 }),
  "net.inet.tcp.delacktime": (o, v) => (o.delayedAckMs = Math.min(v, 499)),
  "net.inet.tcp.recvspace": (o, v) => (o.recvRing = v === 65536 ? 65700 : (v + 3) & ~3),
  "net.inet.tcp.sendspace": (o, v) => (o.sendRing = (v + 3) & ~3),
  "net.inet.tcp.initcwnd_segments": (o, v) => (o.initialWindow = Math.min(Math.max(v, 1), 64)),
  "net.inet.tcp.mssdflt": () => {},
  // FreeBSD offers the scale that its largest socket buffer needs.
  "kern.ipc.maxsockbuf": (o, v) => {
    o.windowScale = 0;
    while (o.windowScale < 14 && 65535 * 2 ** o.windowScale < v) o.windowScale++;
  },
  "net.inet.tcp.rexmit_min": (o, v) => (o.rtoMinMs = Math.max(v, 1)),
  "net.inet.tcp.rexmit_initial": (o, v) => (o.rtoInitialMs = Math.max(v, 1)),
  // 0: off; 1: offered and accepted; 2: accepted.
  "net.ipv4.tcp_ecn": ecn,
  "net.inet.tcp.ecn.enable": ecn,
  // Bit 0: RACK; without it RFC 6675.
  "net.ipv4.tcp_recovery": (o, v) => (o.policy = { ...o.policy, rack: (v & 1) !== 0 }),
  "net.ipv4.tcp_early_retrans": policy("tlp"),
  "net.ipv4.tcp_frto": policy("undo"),
  "net.ipv4.tcp_timestamps": policy("timestamps"),
  "net.ipv4.tcp_sack": policy("sack"),
  "net.ipv4.tcp_window_scaling": policy("windowScaling"),
  "net.ipv4.tcp_fastopen": (o, v) => {
    // Text without a cookie, sent or taken.
    if ((v & 0x204) !== 0) throw new Unsupported(`sysctl net.ipv4.tcp_fastopen=${v}: there is no Fast Open without a cookie`);
    o.fastOpen = v;
  },
  "net.inet.tcp.fastopen.server_enable": (o, v) => (o.fastOpen = (o.fastOpen ?? 0) & ~FAST_OPEN.server | (v !== 0 ? FAST_OPEN.server : 0)),
  "net.inet.tcp.fastopen.client_enable": (o, v) => (o.fastOpen = (o.fastOpen ?? 0) & ~FAST_OPEN.client | (v !== 0 ? FAST_OPEN.client : 0)),
};

/** Values of other settings that describe what this stack does anyway; any other value is not to be had. */
const GIVEN: Record<string, number[]> = {
  "net.inet.tcp.insecure_rst": [0], "net.inet.tcp.insecure_syn": [0], "net.inet.tcp.icmp_may_rst": [1],
  "net.inet.tcp.rexmit_drop_options": [0], "net.inet.tcp.rexmit_slop": [200], "net.inet.tcp.nolocaltimewait": [0, 1],
  "net.inet.tcp.keepinit": [75000], "net.inet.tcp.fastopen.acceptany": [0],
  "net.inet.tcp.tso": [0, 1], "net.inet.tcp.path_mtu_discovery": [1], "net.inet.tcp.syncookies": [0, 1], "net.inet.tcp.syncookies_only": [0],
  "net.ipv4.tcp_fack": [0], "net.ipv4.tcp_dsack": [1],
};

/** Settings of things that this stack does not have, and that change nothing on the wire. */
const NOTHING = /^(net\.inet\.tcp\.(hostcache\.\w+|.*autoinc|recvbuf_\w+|sendbuf_\w+|functions_default|msl|log_debug|cc\.algorithm)|net\.ipv4\.(tcp_(rmem|wmem|mem|no_metrics_save|moderate_rcvbuf|autocorking|tso_win_divisor|min_tso_segs|invalid_ratelimit|notsent_lowat|limit_output_bytes|slow_start_after_idle|thin_\w+|fin_timeout|fastopen_\w+|synack_retries|syn_retries)|route\.flush)|net\.core\.\w+)$/;

function congestionControl(options: Settings, name: string): void {
  if (name !== "cubic" && name !== "reno") throw new Unsupported(`there is no congestion control "${name}"; there are cubic and reno`);
  options.policy = { ...options.policy, cubic: name === "cubic", hystart: name === "cubic" };
}

/** Carries out a command of a script, as far as it is one for the configuration. Returns false if it is not. */
export function configure(command: string, options: Settings): boolean {
  const lines = command.split(/[\n;]|&&/).map((l) => l.trim()).filter(Boolean);
  let all = true;
  for (const line of lines) {
    const set = /^sysctl\s+(?:-[a-z]+\s+)*"?([\w.]+)\s*=\s*"?([^"\n]*?)"?(?:\s*>.*)?$/.exec(line);
    if (set) {
      const [, name, value] = set as unknown as [string, string, string];
      const setter = SETTINGS[name], given = GIVEN[name];
      if (name === "net.ipv4.tcp_congestion_control") congestionControl(options, value);
      else if (setter) setter(options, Number(value));
      else if (given ? !given.includes(Number(value)) : !NOTHING.test(name)) throw new Unsupported(`sysctl ${name}=${value} has no counterpart`);
    } else if (/(^|\/)(defaults|set_sysctls)\.(sh|py)\b/.test(line) || /^(sleep|echo|true|sync|ip route flush|ip tcp_metrics|tc |ethtool|kldload|kldunload)/.test(line)) {
      // The dialect's defaults are set already; the others change nothing here.
    } else {
      all = false;
    }
  }
  return all;
}

/** Symbols with a value of their own; the rest only have names. */
export const SYMBOLS: Record<string, number> = {
  SHUT_RD: 0, SHUT_WR: 1, SHUT_RDWR: 2, O_RDONLY: 0, O_WRONLY: 1, O_RDWR: 2, O_NONBLOCK: 0x800, F_GETFL: 3, F_SETFL: 4,
  MSG_PEEK: 2, MSG_DONTWAIT: 0x40, MSG_OOB: 1, MSG_WAITALL: 0x100, MSG_NOSIGNAL: 0, MSG_MORE: 0, MSG_EOR: 0, MSG_FASTOPEN: 0x20000000, SOL_SOCKET: 1, SOL_TCP: 6, IPPROTO_TCP: 6,
  IPPROTO_IP: 0, SOL_IP: 0, POLLIN: 1, POLLPRI: 2, POLLOUT: 4, POLLERR: 8, POLLHUP: 16, POLLRDHUP: 0x2000, POLLRDNORM: 0x40, POLLWRNORM: 0x100,
  EPOLLIN: 1, EPOLLPRI: 2, EPOLLOUT: 4, EPOLLERR: 8, EPOLLHUP: 16, EPOLLRDHUP: 0x2000, EPOLLRDNORM: 0x40, EPOLLWRNORM: 0x100, EPOLLONESHOT: 1 << 30, EPOLLET: 1 << 31,
  EPOLL_CTL_ADD: 1, EPOLL_CTL_DEL: 2, EPOLL_CTL_MOD: 3, EPOLL_CLOEXEC: 0x80000,
};

/** States as they are called in `sockstat` and in `tcpi_state`, by RFC name. */
export const STATE_NAMES: Record<string, string> = {
  CLOSED: "CLOSED", LISTEN: "LISTEN", SYN_SENT: "SYN-SENT", SYN_RCVD: "SYN-RECEIVED", SYN_RECEIVED: "SYN-RECEIVED", SYN_RECV: "SYN-RECEIVED",
  ESTABLISHED: "ESTABLISHED", CLOSE_WAIT: "CLOSE-WAIT", FIN_WAIT_1: "FIN-WAIT-1", FIN_WAIT1: "FIN-WAIT-1", FIN_WAIT_2: "FIN-WAIT-2",
  FIN_WAIT2: "FIN-WAIT-2", CLOSING: "CLOSING", LAST_ACK: "LAST-ACK", TIME_WAIT: "TIME-WAIT",
};

export const ERRNO: Record<string, string> = {
  HANDLE: "EBADF", ARGUMENT: "EINVAL", STATE: "ENOTCONN", FULL: "ENOBUFS", AGAIN: "EAGAIN", IN_USE: "EADDRINUSE", REFUSED: "ECONNREFUSED",
  RESET: "ECONNRESET", TIMED_OUT: "ETIMEDOUT", UNREACHABLE: "EHOSTUNREACH", CLOSED: "EPIPE", ABORTED: "ECONNABORTED",
};
