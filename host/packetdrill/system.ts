/**
 * What a script's `sysctl` lines and other commands mean for the stack's configuration, and what its symbols stand for.
 */
import type { StackOptions } from "../config.js";

/** A script asks for what this stack or this runner does not have. Its outcome is "unsupported", no failure. */
export class Unsupported extends Error {}

/** Linux as Google's scripts know it, or FreeBSD. */
export type Dialect = "linux" | "freebsd";

/** Bits of `fastOpen`, as Linux has them: connections that a socket opens, listeners that ask for it, all listeners. */
export const FAST_OPEN = { client: 1, server: 2, everyListener: 0x400 } as const;

/** The stack's configuration, and what a host adds to it. */
export type Settings = Partial<StackOptions> & {
  fastOpen?: number;
  /** The longest queue that `listen` may ask for. */
  backlogMax?: number;
  /** What is not to be had, and has no effect unless something happens that the runner looks for (`Doubts`). */
  invalidRateMs?: number;
  blackholeS?: number;
};

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
/** The least and the greatest value that has a meaning here, and the meaning. */
type Setting = [number, number, Setter];
const policy = (name: keyof NonNullable<StackOptions["policy"]>, most = 1): Setting =>
  [0, most, (o, v) => (o.policy = { ...o.policy, [name]: v !== 0 })];
const policyUnless = (name: keyof NonNullable<StackOptions["policy"]>): Setting =>
  [0, 1, (o, v) => (o.policy = { ...o.policy, [name]: v === 0 })];

// 0: off; 1: offered and accepted; 2: accepted. More is Accurate ECN.
const ecn: Setting = [0, 2, (o, v) => (o.policy = { ...o.policy, ecn: v !== 0, ecnOffer: v === 1 })];
const fastOpenBit = (bit: number): Setting =>
  [0, 1, (o, v) => (o.fastOpen = (o.fastOpen ?? 0) & ~bit | (v !== 0 ? bit : 0))];
const keep = (name: "keepIdleS" | "keepIntervalS" | "keepProbes", unit: number, least: number, most: number): Setting =>
  [least * unit, most * unit, (o, v) => {
    if (v % unit !== 0) throw new Unsupported("keep-alive times are whole seconds");
    o[name] = v / unit;
  }];

/** Settings that have a counterpart here. */
const SETTINGS: Record<string, Setting> = {
  "net.inet.tcp.rfc1323": [0, 3, (o, v) => {
    o.policy = { ...o.policy, timestamps: v === 1 || v === 3, windowScaling: v === 1 || v === 2 };
  }],
  "net.inet.tcp.sack.enable": policy("sack"),
  "net.inet.tcp.drop_synfin": policyUnless("synFin"),
  "net.inet.tcp.blackhole": policy("blackhole"),
  // RFC 5961 turned off: what the alternative does.
  "net.inet.tcp.insecure_rst": policy("rstInWindow"),
  "net.inet.tcp.insecure_syn": policy("synResets"),
  "net.inet.tcp.insecure_ack": policy("oldAcks"),
  "net.inet.tcp.delacktime": [0, 499, (o, v) => (o.delayedAckMs = v)],
  "net.inet.tcp.recvspace": [1024, 1 << 20, (o, v) => (o.recvRing = v === 65536 ? 65700 : (v + 3) & ~3)],
  "net.inet.tcp.sendspace": [1024, 1 << 20, (o, v) => (o.sendRing = (v + 3) & ~3)],
  "net.inet.tcp.initcwnd_segments": [1, 64, (o, v) => (o.initialWindow = v)],
  // FreeBSD offers the scale that its largest socket buffer needs.
  "kern.ipc.maxsockbuf": [1, 2 ** 40, (o, v) => {
    o.windowScale = 0;
    while (o.windowScale < 14 && 65535 * 2 ** o.windowScale < v) o.windowScale++;
  }],
  "net.inet.tcp.rexmit_min": [1, 60_000, (o, v) => (o.rtoMinMs = v)],
  "net.inet.tcp.rexmit_initial": [1, 60_000, (o, v) => (o.rtoInitialMs = v)],
  "net.inet.tcp.msl": [1, 120_000, (o, v) => (o.timeWaitMs = 2 * v)],
  "net.inet.tcp.keepidle": keep("keepIdleS", 1000, 1, 32_767),
  "net.inet.tcp.keepintvl": keep("keepIntervalS", 1000, 1, 32_767),
  "net.inet.tcp.keepcnt": keep("keepProbes", 1, 2, 127),
  "net.ipv4.tcp_keepalive_time": keep("keepIdleS", 1, 1, 32_767),
  "net.ipv4.tcp_keepalive_intvl": keep("keepIntervalS", 1, 1, 32_767),
  "net.ipv4.tcp_keepalive_probes": keep("keepProbes", 1, 2, 127),
  "net.ipv4.tcp_ecn": ecn,
  "net.inet.tcp.ecn.enable": ecn,
  // RACK; without it RFC 6675. The other bits change its reordering window.
  "net.ipv4.tcp_recovery": policy("rack"),
  // 3 and 4 have the loss probe; what the others were for is gone.
  "net.ipv4.tcp_early_retrans": [0, 4, (o, v) => (o.policy = { ...o.policy, tlp: v > 2 })],
  "net.ipv4.tcp_frto": policy("undo", 2),
  "net.ipv4.tcp_timestamps": policy("timestamps", 2),
  "net.ipv4.tcp_sack": policy("sack"),
  "net.ipv4.tcp_window_scaling": policy("windowScaling"),
  "net.ipv4.tcp_fastopen": [0, 0x7ff, (o, v) => {
    // Text without a cookie, sent or taken.
    if ((v & ~0x403) !== 0) {
      throw new Unsupported(`sysctl net.ipv4.tcp_fastopen=${v}: there is no Fast Open without a cookie`);
    }
    o.fastOpen = v;
  }],
  "net.core.somaxconn": [1, 65_535, (o, v) => (o.backlogMax = v)],
  "net.ipv4.tcp_invalid_ratelimit": [0, 60_000, (o, v) => (o.invalidRateMs = v)],
  "net.ipv4.tcp_fastopen_blackhole_timeout_sec": [0, 1 << 30, (o, v) => (o.blackholeS = v)],
  "net.inet.tcp.fastopen.server_enable": fastOpenBit(FAST_OPEN.server),
  "net.inet.tcp.fastopen.client_enable": fastOpenBit(FAST_OPEN.client),
};

/** Values of other settings that describe what this stack does anyway; any other value is not to be had. */
const GIVEN: Record<string, string[]> = {
  "net.inet.tcp.icmp_may_rst": ["1"], "net.inet.tcp.rexmit_drop_options": ["0"], "net.inet.tcp.rexmit_slop": ["200"],
  "net.inet.tcp.nolocaltimewait": ["0", "1"], "net.inet.tcp.keepinit": ["75000"],
  "net.inet.tcp.fastopen.acceptany": ["0"],
  "net.inet.tcp.mssdflt": ["536"], "net.inet.tcp.log_debug": ["0", "1"], "net.inet.tcp.tso": ["0", "1"],
  "net.inet.tcp.path_mtu_discovery": ["1"], "net.inet.tcp.syncookies": ["0", "1"],
  "net.inet.tcp.syncookies_only": ["0"],
  "net.inet.tcp.functions_default": ["freebsd"], "net.inet.tcp.hostcache.enable": ["0", "1"],
  "net.inet.tcp.hostcache.purgenow": ["0", "1"], "net.inet.tcp.recvbuf_auto": ["0", "1"],
  "net.inet.tcp.sendbuf_auto": ["0", "1"],
  "net.ipv4.tcp_fack": ["0"], "net.ipv4.tcp_dsack": ["1"], "net.ipv4.tcp_rfc1337": ["1"],
  "net.ipv4.tcp_slow_start_after_idle": ["1"],
  "net.ipv4.tcp_synack_retries": ["5"], "net.ipv4.tcp_fin_timeout": ["60"], "net.ipv4.tcp_thin_linear_timeouts": ["0"],
  "net.ipv4.tcp_no_metrics_save": ["0", "1"],
  "net.ipv4.tcp_autocorking": ["0", "1"], "net.ipv4.tcp_moderate_rcvbuf": ["0", "1"],
  "net.ipv4.route.flush": ["0", "1"],
};

/** How a host joins segments for its network card, tunes buffers or keeps a cache: not to be seen in packets. */
const NOTHING = [
  /^net\.inet\.tcp\.(autorcvbuf_\w+|recvbuf_(inc|max)|sendbuf_(inc|max)|hostcache\.(expire|prune))$/,
  /^net\.ipv4\.tcp_(tso_win_divisor|min_tso_segs|limit_output_bytes)$/,
];
const NUMBERS = /^(\d+|\$\(\([\d*+ ]+\)\))(\s+(\d+|\$\(\([\d*+ ]+\)\)))*$/;

/** The numbers of a setting, with the shell's products and sums. */
function numbers(value: string): number[] {
  if (!NUMBERS.test(value)) return [];
  const product = (text: string): number => text.split("*").reduce((all, n) => all * Number(n), 1);
  return [...value.matchAll(/\$\(\(([^)]*)\)\)|\d+/g)]
    .map(([all, sum]) => (sum ?? all).split("+").reduce((total, part) => total + product(part), 0));
}

/** Linux offers the scale that its largest receive buffer needs, and a window of half of it at most. */
function receiveBuffer(options: Settings, most: number): boolean {
  if (most < 1 << 18) return false;
  options.windowScale = Math.min(14, Math.max(0, Math.floor(Math.log2(most)) - 15));
  options.recvRing = Math.min(1 << 20, Math.floor(most / 8) * 4);
  return true;
}

/** Sizes of buffers. A smaller first size than Linux has would show: its memory has an overhead, this one none. */
const BUFFERS: Record<string, (options: Settings, sizes: number[]) => boolean> = {
  "net.ipv4.tcp_rmem": (o, [, first = 0, most = 0]) => first >= 87_380 && receiveBuffer(o, most),
  "net.ipv4.tcp_wmem": (_, [, first = 0, most = 0]) => first >= 16_384 && most >= 1 << 20,
  // Pages of all connections together.
  "net.ipv4.tcp_mem": (_, [, , most = 0]) => most >= 4096,
  // They bound SO_RCVBUF and SO_SNDBUF, which no script may set.
  "net.core.rmem_max": (_, [most = 0]) => most > 0 && most <= 6_291_456,
  "net.core.wmem_max": (_, [most = 0]) => most > 0,
  "net.core.rmem_default": (_, [size = 0]) => size >= 65_536,
  "net.core.wmem_default": (_, [size = 0]) => size >= 65_536,
};
/** What a setting would need that the stack cannot be asked for. */
const REASONS: [RegExp, string][] = [
  [/challenge_ack|abc_/, ": limits of RFC 5961 and RFC 3465 cannot be turned off"],
];

function congestionControl(options: Settings, name: string): void {
  const cubic = name === "cubic";
  if (!cubic && name !== "reno" && name !== "newreno") {
    throw new Unsupported(`there is no congestion control "${name}"; there are cubic and reno`);
  }
  options.policy = { ...options.policy, cubic, hystart: cubic };
}

/** One setting of a host's. Throws an Unsupported for what it has no counterpart for. */
export function setting(options: Settings, name: string, value: string): void {
  if (name === "net.ipv4.tcp_congestion_control" || name === "net.inet.tcp.cc.algorithm") {
    congestionControl(options, value);
    return;
  }
  const known = Object.hasOwn(SETTINGS, name) ? SETTINGS[name] : undefined;
  if (known) {
    const [least, most, set] = known, n = /^\d+$/.test(value) ? Number(value) : NaN;
    if (!(n >= least && n <= most)) throw new Unsupported(`sysctl ${name}=${value}: from ${least} to ${most} is known`);
    set(options, n);
    return;
  }
  if (Object.hasOwn(BUFFERS, name)) {
    const sizes = numbers(value);
    if (sizes.length === (name.startsWith("net.ipv4") ? 3 : 1) && BUFFERS[name]!(options, sizes)) return;
    throw new Unsupported(`sysctl ${name}=${value}: sockets here have no buffers of other sizes`);
  }
  const isNothing = NOTHING.some((n) => n.test(name)) && NUMBERS.test(value);
  if (Object.hasOwn(GIVEN, name) ? GIVEN[name]!.includes(value) : isNothing) return;
  const why = REASONS.find(([which]) => which.test(name))?.[1] ?? " has no counterpart";
  throw new Unsupported(`sysctl ${name}=${value}${why}`);
}

/** Symbols with a value of their own; the rest only have names. */
export const SYMBOLS: Record<string, number> = {
  SHUT_RD: 0, SHUT_WR: 1, SHUT_RDWR: 2, O_RDONLY: 0, O_WRONLY: 1, O_RDWR: 2, O_NONBLOCK: 0x800, F_GETFL: 3, F_SETFL: 4,
  MSG_PEEK: 2, MSG_DONTWAIT: 0x40, MSG_OOB: 1, MSG_NOSIGNAL: 0, MSG_FASTOPEN: 0x20000000,
  SOCK_STREAM: 1, SOCK_DGRAM: 2, SOCK_NONBLOCK: 0x800, SOCK_CLOEXEC: 0x80000,
  IPPROTO_TCP: 6, IPPROTO_UDP: 17, IPPROTO_IP: 0, IP_PMTUDISC_WANT: 1, IP_PMTUDISC_DO: 2,
  IPV6_PMTUDISC_WANT: 1, IPV6_PMTUDISC_DO: 2,
  POLLIN: 1, POLLPRI: 2, POLLOUT: 4, POLLERR: 8, POLLHUP: 16, POLLRDHUP: 0x2000, POLLRDNORM: 0x40, POLLWRNORM: 0x100,
  EPOLLIN: 1, EPOLLPRI: 2, EPOLLOUT: 4, EPOLLERR: 8, EPOLLHUP: 16, EPOLLRDHUP: 0x2000, EPOLLRDNORM: 0x40,
  EPOLLWRNORM: 0x100,
  EPOLLONESHOT: 1 << 30, EPOLLET: 1 << 31,
  EPOLL_CTL_ADD: 1, EPOLL_CTL_DEL: 2, EPOLL_CTL_MOD: 3, EPOLL_CLOEXEC: 0x80000,
};

/** States as they are called in `sockstat` and in `tcpi_state`, by RFC name. */
export const STATE_NAMES: Record<string, string> = {
  CLOSED: "CLOSED", LISTEN: "LISTEN", SYN_SENT: "SYN-SENT", SYN_RCVD: "SYN-RECEIVED", SYN_RECEIVED: "SYN-RECEIVED",
  SYN_RECV: "SYN-RECEIVED",
  ESTABLISHED: "ESTABLISHED", CLOSE_WAIT: "CLOSE-WAIT", FIN_WAIT_1: "FIN-WAIT-1", FIN_WAIT1: "FIN-WAIT-1",
  FIN_WAIT_2: "FIN-WAIT-2", FIN_WAIT2: "FIN-WAIT-2", CLOSING: "CLOSING", LAST_ACK: "LAST-ACK", TIME_WAIT: "TIME-WAIT",
};

export const ERRNO: Record<string, string> = {
  HANDLE: "EBADF", ARGUMENT: "EINVAL", STATE: "ENOTCONN", FULL: "ENOBUFS", AGAIN: "EAGAIN", IN_USE: "EADDRINUSE",
  REFUSED: "ECONNREFUSED",
  RESET: "ECONNRESET", TIMED_OUT: "ETIMEDOUT", UNREACHABLE: "EHOSTUNREACH", CLOSED: "EPIPE", ABORTED: "ECONNABORTED",
};
