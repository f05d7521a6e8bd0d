/**
 * What each system call's arguments may be. What is not listed here is not understood, and no script passes with it.
 */
import type { Call, Value } from "./parse.js";
import { SYMBOLS, Unsupported } from "./system.js";
import type { Version } from "./version.js";

type Shape = (v: Value) => boolean;

const any: Shape = (v) => v.kind === "any";
const number: Shape = (v) => v.kind === "number" && Number.isInteger(v.value);
const either = (...shapes: Shape[]): Shape => (v) => shapes.some((s) => s(v));
const joined = (v: Value): Value[] => (v.kind === "or" ? v.items : [v]);
/** One of these names, or several joined by "|". */
const names = (...all: string[]): Shape => (v) => joined(v).every((i) => i.kind === "symbol" && all.includes(i.name));
const flags = (...all: string[]): Shape => either(names(...all), (v) => v.kind === "number" && v.value === 0);
const boxed = (shape: Shape): Shape => (v) => v.kind === "list" && v.items.length === 1 && shape(v.items[0]!);
const fields = (shapes: Record<string, Shape>): Shape => (v) => {
  if (v.kind !== "struct" || new Set(v.fields.map(([n]) => n)).size < v.fields.length) return false;
  return v.fields.every(([n, f]) => Object.hasOwn(shapes, n) && shapes[n]!(f));
};
const listOf = (shape: Shape): Shape => (v) => v.kind === "list" && v.items.length > 0 && v.items.every(shape);
const call = (name: string, shape: Shape): Shape => (v) =>
  v.kind === "call" && v.name === name && v.args.length === 1 && shape(v.args[0]!);

/** How many bytes. */
const length: Shape = (v) => number(v) && v.kind === "number" && v.value >= 0 && v.value < 2 ** 31;
const size = either(any, number, call("sizeof", (v) => v.kind === "symbol"));
const pair: Shape = (v) => v.kind === "list" && v.items.length === 2 && any(v.items[0]!) && length(v.items[1]!);
const iovec = either(pair, fields({ iov_base: any, iov_len: length }));
const message = fields({
  msg_name: any, msg_namelen: any, msg_iov: listOf(iovec), msg_iovlen: number, msg_flags: flags(),
});
const polled = ["IN", "PRI", "OUT", "ERR", "HUP", "RDHUP", "RDNORM", "WRNORM"];
const pollBits = flags(...polled.map((n) => `POLL${n}`));
const epollBits = flags(...polled.map((n) => `EPOLL${n}`), "EPOLLET", "EPOLLONESHOT");
const watch = fields({ events: epollBits, fd: number, u32: number, u64: number, ptr: number, data: number });
const watched = either(any, watch, listOf(watch));
const sending = flags("MSG_DONTWAIT", "MSG_OOB", "MSG_NOSIGNAL", "MSG_FASTOPEN");
const receiving = flags("MSG_PEEK", "MSG_DONTWAIT", "MSG_NOSIGNAL");
const accepting = flags("SOCK_NONBLOCK", "SOCK_CLOEXEC");
const requests = names("FIONBIO", "SIOCINQ", "FIONREAD", "SIOCOUTQ", "TIOCOUTQ", "SIOCOUTQNSD");
const written = either(number, any, (v) => v.kind === "symbol" && /^E[A-Z]+$/.test(v.name));
const TYPES = ["SOCK_STREAM", "SOCK_DGRAM"];
/** A socket's type, once, and flags. */
const type: Shape = (v) => names(...TYPES, "SOCK_NONBLOCK", "SOCK_CLOEXEC")(v)
  && joined(v).filter(names(...TYPES)).length === 1;
const protocol = either(names("IPPROTO_TCP"), names("IPPROTO_UDP"), flags());
/** The level and the name are for `checkOption`. */
const option: Shape[] = [number, () => true, () => true];

/** Shapes of a call's arguments; the last `optional` of them may be absent. */
const CALLS: Record<string, { args: Shape[]; optional?: number }> = {
  socket: { args: [either(any, names("AF_INET", "PF_INET", "AF_INET6", "PF_INET6")), type, protocol] },
  bind: { args: [number, any, any] }, listen: { args: [number, number] }, connect: { args: [number, any, any] },
  accept: { args: [number, any, any] }, accept4: { args: [number, any, any, accepting] },
  read: { args: [number, any, length] }, readv: { args: [number, listOf(iovec), number] },
  recv: { args: [number, any, length, receiving] }, recvfrom: { args: [number, any, length, receiving, any, any] },
  recvmsg: { args: [number, message, receiving] },
  write: { args: [number, any, length] }, writev: { args: [number, listOf(iovec), number] },
  send: { args: [number, any, length, sending] }, sendto: { args: [number, any, length, sending, any, any] },
  sendmsg: { args: [number, message, sending] },
  close: { args: [number] }, shutdown: { args: [number, names("SHUT_RD", "SHUT_WR", "SHUT_RDWR")] },
  fcntl: { args: [number, names("F_GETFL", "F_SETFL"), either(flags("O_RDWR", "O_NONBLOCK"), number)], optional: 1 },
  ioctl: { args: [number, requests, boxed(number)] },
  setsockopt: { args: [...option, () => true, size] },
  getsockopt: { args: [...option, boxed(written), either(boxed(size), size)] },
  poll: { args: [listOf(fields({ fd: number, events: pollBits, revents: pollBits })), number, number] },
  epoll_create: { args: [number] }, epoll_create1: { args: [flags("EPOLL_CLOEXEC")] },
  epoll_ctl: { args: [number, names("EPOLL_CTL_ADD", "EPOLL_CTL_DEL", "EPOLL_CTL_MOD"), number, either(any, watch)] },
  epoll_wait: { args: [number, watched, number, number] },
  epoll_pwait: { args: [number, watched, number, number, any], optional: 1 },
};

const SOCKET = ["SOL_SOCKET"], TCP = ["SOL_TCP", "IPPROTO_TCP"], IP = ["IPPROTO_IP", "SOL_IP"];
const IP6 = ["IPPROTO_IPV6", "SOL_IPV6"];
const between = (least: number, most: number): Shape => (v) =>
  number(v) && v.kind === "number" && v.value >= least && v.value <= most;
const text = (...all: string[]): Shape => (v) => v.kind === "string" && all.includes(v.text);
const isInt = (...shapes: Shape[]): Shape => either(...shapes, boxed(either(...shapes)));

/** Options of sockets: their level, and what they may be set to; without: they can only be asked for. */
const OPTIONS: Record<string, { level: string[]; set?: Shape }> = {
  TCP_NODELAY: { level: TCP, set: isInt(between(0, 1)) }, TCP_MAXSEG: { level: TCP, set: isInt(number) },
  TCP_QUICKACK: { level: TCP, set: isInt(between(1, 1)) },
  TCP_KEEPIDLE: { level: TCP, set: isInt(between(1, 32_767)) },
  TCP_KEEPINTVL: { level: TCP, set: isInt(between(1, 32_767)) },
  // The stack never ends a connection after a single probe.
  TCP_KEEPCNT: { level: TCP, set: isInt(between(2, 127)) },
  TCP_USER_TIMEOUT: { level: TCP, set: isInt(between(0, 2 ** 31 - 1)) },
  TCP_FASTOPEN: { level: TCP, set: isInt(between(0, 65_535)) },
  TCP_FASTOPEN_CONNECT: { level: TCP, set: isInt(between(0, 1)) },
  TCP_CONGESTION: { level: TCP, set: isInt(text("cubic", "reno", "newreno")) },
  TCP_LOG: { level: TCP, set: isInt(number) }, SO_KEEPALIVE: { level: SOCKET, set: isInt(between(0, 1)) },
  SO_REUSEADDR: { level: SOCKET, set: isInt(number) }, SO_REUSEPORT: { level: SOCKET, set: isInt(number) },
  SO_DEBUG: { level: SOCKET, set: isInt(number) },
  SO_ERROR: { level: SOCKET }, SO_RCVBUF: { level: SOCKET },
  IP_TOS: { level: IP, set: isInt(between(0, 255)) }, IP_TTL: { level: IP, set: isInt(between(1, 255)) },
  // Packets say "don't fragment", and the path's MTU is followed.
  IP_MTU_DISCOVER: { level: IP, set: isInt(names("IP_PMTUDISC_WANT"), names("IP_PMTUDISC_DO")) },
  IPV6_TCLASS: { level: IP6, set: isInt(between(0, 255)) },
  IPV6_UNICAST_HOPS: { level: IP6, set: isInt(between(1, 255)) },
  IPV6_MTU_DISCOVER: { level: IP6, set: isInt(names("IPV6_PMTUDISC_WANT"), names("IPV6_PMTUDISC_DO")) },
  // Only the remote side's address family is on the wire.
  IPV6_V6ONLY: { level: IP6, set: isInt(between(0, 1)) },
};

/** Throws an Unsupported where a call names another family than its sockets have, or its packets. */
function checkFamily(e: Call, version: Version): void {
  const [family, level, name] = e.args as [Value, Value | undefined, Value | undefined];
  const isOther = e.name === "socket" && !any(family) &&
    !names(...(version === "ipv4" ? ["AF_INET", "PF_INET"] : ["AF_INET6", "PF_INET6"]))(family);
  const isOption = e.name.endsWith("sockopt") && level !== undefined && name !== undefined;
  // RFC 3493 §5.3: a socket that takes IPv6 alone has no mapped addresses.
  const isOnly = isOption && version === "ipv4-mapped-ipv6" && names("IPV6_V6ONLY")(name) &&
    numberOf(e.args[3]) !== 0;
  const ofPackets = version === "ipv6" ? names(...IP) : (v: Value) => names(...IP6)(v) && !isMapped(version, name!);
  if (isOther || isOnly || (isOption && ofPackets(level)))
    throw new Unsupported(`line ${e.line}: ${e.name} of another family than --ip_version=${version}`);
}

const isMapped = (version: Version, name: Value): boolean =>
  version === "ipv4-mapped-ipv6" && names("IPV6_V6ONLY", "IPV6_MTU_DISCOVER")(name);

function checkOption(e: Call): void {
  const [, level, name, value, length] = e.args as [Value, Value, Value, Value, Value];
  const known = name.kind === "symbol" && Object.hasOwn(OPTIONS, name.name) ? OPTIONS[name.name] : undefined;
  const said = name.kind === "symbol" ? name.name : "an option's number";
  if (!known || level.kind !== "symbol" || !known.level.includes(level.name)) {
    throw new Unsupported(`line ${e.line}: ${e.name} ${said}${known ? " at another level" : ""}`);
  }
  const bytes = length.kind === "list" ? length.items[0]! : length;
  const isSized = bytes.kind !== "number" || bytes.value === 4 || said === "TCP_CONGESTION";
  if (e.name === "getsockopt") {
    if (!isSized) throw new Unsupported(`line ${e.line}: getsockopt ${said} of another size`);
    return;
  }
  if (!known.set?.(value) || !isSized) throw new Unsupported(`line ${e.line}: setsockopt ${said} to such a value`);
}

/** A negative result has a name, another one has none; calls that make a descriptor say which. */
function checkResult(e: Call): void {
  const { result, errno } = e, fails = result.kind === "number" && result.value < 0;
  const isNamed = /^(socket|accept4?|epoll_create1?)$/.test(e.name);
  const isFlags = e.name === "fcntl" && flags("O_RDWR", "O_NONBLOCK")(result);
  const known = number(result) || (any(result) && !isNamed) || isFlags;
  if (!known || (errno !== undefined && !fails)) throw new Unsupported(`line ${e.line}: such a result of ${e.name}`);
}

/** How many pieces a call says that it has, and how many there are. */
function checkPieces(e: Call): void {
  const [, list, count] = e.args as [Value, Value, Value];
  const field = (name: string): Value | undefined =>
    list.kind === "struct" ? list.fields.find(([n]) => n === name)?.[1] : undefined;
  const isList = list.kind === "list", pieces = isList ? list : field("msg_iov");
  const said = isList ? count : field("msg_iovlen");
  if (said && pieces?.kind === "list" && pieces.items.length !== numberOf(said))
    throw new Unsupported(`line ${e.line}: ${e.name} of another number of pieces`);
}

/** A socket's type and its protocol go together. */
function checkProtocol(e: Call): void {
  const isDatagram = joined(e.args[1]!).some(names("SOCK_DGRAM")), not = isDatagram ? "IPPROTO_TCP" : "IPPROTO_UDP";
  if (names(not)(e.args[2]!)) throw new Unsupported(`line ${e.line}: a socket of such a type for ${not}`);
}

/** Throws an Unsupported for a call that has a word in it that is not understood. */
export function checkCall(e: Call, version: Version): void {
  const known = Object.hasOwn(CALLS, e.name) ? CALLS[e.name] : undefined;
  if (!known) throw new Unsupported(`line ${e.line}: the system call ${e.name}`);
  const { args, optional = 0 } = known;
  if (e.args.length > args.length || e.args.length < args.length - optional) {
    throw new Unsupported(`line ${e.line}: ${e.name} with ${e.args.length} arguments`);
  }
  if (e.name.endsWith("sockopt")) checkOption(e);
  const wrong = e.args.findIndex((a, i) => !args[i]!(a));
  if (wrong >= 0) throw new Unsupported(`line ${e.line}: argument ${wrong + 1} of ${e.name}`);
  const [first, second] = e.args;
  if (e.name === "poll" && first!.kind === "list" && first!.items.length !== numberOf(second)) {
    throw new Unsupported(`line ${e.line}: poll of another number of sockets`);
  }
  if (/^(readv|writev|(send|recv)msg)$/.test(e.name)) checkPieces(e);
  if (e.name === "socket") checkProtocol(e);
  checkFamily(e, version);
  checkResult(e);
}

/** What a value of a script is as a number; nothing: 0. */
export function numberOf(v: Value | undefined): number {
  if (!v) return 0;
  if (v.kind === "number") return v.value;
  if (v.kind === "symbol" && Object.hasOwn(SYMBOLS, v.name)) return SYMBOLS[v.name]!;
  if (v.kind === "or") return v.items.reduce((n, i) => n | numberOf(i), 0);
  if (v.kind === "list" && v.items.length === 1) return numberOf(v.items[0]);
  throw new Unsupported(v.kind === "symbol" || v.kind === "call" ? `the word ${v.name}` : "a value that is no number");
}
