// The command for wasmtime: the stack and its services over stdin and stdout, which carry frames (4 bytes of length,
// most significant first, then the frame), so words go to stderr. Three lengths that no frame has are words of the
// host's: 2^32 − 1 asks to close everything and end, 2^32 − 2 says that the link was away and is there again, 2^32 − 3
// that the host goes on. Whoever said that once has to say it every few seconds: without, it was stopped, and time
// stands still here, too.
//
//   socat UNIX-CONNECT:/tmp/passt.sock \
//     EXEC:"wasmtime run build/stint-wasi.wasm up --ip 10.0.0.2/24 --gateway 10.0.0.1 --http 80"

import {
  configBlock, controlBlock, counters, init, poll, pool, serviceAnswer, serviceRequest, servicesBytes, servicesCut,
  servicesIdle, servicesLeft, servicesRun, servicesStop, servicesWait, serviceStart,
} from "../../assembly/services/app";
import { link_changed } from "../../assembly/index";
import { dhcp6_stop } from "../../assembly/api/dhcp6";
import { IDLE_S, Request, Service, Want } from "../../assembly/services/layout";
import { Config, FRAME_OFFSET, isHost, Policy } from "../../assembly/config";
import { Err } from "../../assembly/core/error";
import {
  SlotRing, slotConsume, slotFirst, slotFirstSize, slotNext, slotProduce, slotsFull, slotsUsed,
} from "../../assembly/buffers/slots";
import { Mib } from "../../assembly/core/counters";
import { Pool } from "../../assembly/api/info";
import {
  address, argument, argumentsCount, argumentsRead, decimal, hexadecimal, isText, number, startsWith, stopped, usage,
  usageOf,
} from "./arguments";
import { fileLength, filePiece } from "./files";
import { ip6Begin, ip6Check, ip6Flag, ip6Option, ip6Tell, isIp6Option } from "./ip6";
import { configDefaults, configLeast, configMost, configName } from "./defaults";
import {
  nowUs, wallUs, proc_exit, random_get, readInput, say, sayEnd, sayNumber, waitInput, writeOutput,
} from "./wasi";

/** What has come in, up to IN_MAX, and what goes out. */
const IN_MAX: u32 = 1 << 17;
/** In the place of a frame's length. */
const CLOSE: u32 = u32.MAX_VALUE;
const LINK_UP: u32 = u32.MAX_VALUE - 1;
const BEAT: u32 = u32.MAX_VALUE - 2;
/** After so long without a word of a host that beats it stands still, µs. */
const STILL_US: u64 = 6_000_000;
const IN: usize = memory.data(131072, 8);
const OUT_MAX: u32 = 1 << 17;
const OUT: usize = memory.data(131072, 8);
/** How long peers that have everything have to close their side too, µs. */
const CLOSING_US: u64 = 3_000_000;
const SECOND_US: u64 = 1_000_000;
/** How long the last frames have to be answered by peers that missed something (RFC 5961 §3.2), µs. */
const FLUSH_US: u64 = 50_000;

let inUsed: u32 = 0;
/** Whether the host beats; and when it was heard last, µs. */
let beats: bool = false;
let heard: u64 = 0;
let stats: bool = false;
/** Seconds that a connection may be idle. */
let idle: u32 = IDLE_S;
/**
 * Seconds that connections have at the end to take what is left for them; and until
 * when, µs, 0: nobody has asked for the end.
 */
let linger: u32 = 60;
let closing: u64 = 0;
/** Since when peers have all that was for them, µs; 0: they have not. */
let told: u64 = 0;
/** How many connections were cut off; and until when their peers may ask for more, µs. */
let cut: u32 = 0;
let flush: u64 = 0;
/** Ports by service. */
const PORTS: usize = memory.data(20);

/** What `--help` says, a line each. */
function help(): void {
  line("usage: wasmtime run stint-wasi.wasm up --ip A.B.C.D/N [options] < frames > frames");
  line("the stack with its services; a frame is 4 bytes of length, most significant first, and its bytes");
  line("  --ip A.B.C.D/N       own address and prefix");
  line("  --gateway A.B.C.D    default router");
  line("  --no-ipv6            IPv4 alone; by default IPv6 is on, with addresses that routers tell of");
  line("  --ip6 ADDRESS/N      an own IPv6 address and its prefix, beside those; may be repeated");
  line("  --gateway6 ADDRESS   default router of IPv6, beside those that make themselves known");
  line("  --temporary          connect from temporary IPv6 addresses, which change each day (RFC 8981)");
  line("  --ip6-secret HEX     16 bytes; with the same ones the IPv6 addresses are the same each time");
  line("  --echo PORT          echo (RFC 862)");
  line("  --discard PORT       discard (RFC 863)");
  line("  --chargen PORT       character generator (RFC 864)");
  line("  --http PORT          the files of the first --dir that wasmtime is given, over HTTP/1.1");
  line("  --connections N      connections at a time, 1 to 100000; 64");
  line("  --ring BYTES         send and receive ring of each, 2048 to 16777216; 65536");
  line("  --mtu BYTES          largest packet of the link, 576 to 9216; 1500");
  line("  --idle SECONDS       end connections that say and take nothing for so long; 0: none");
  line("  --linger SECONDS     at the end, connections have so long to take what is left for them; 60");
  line("  --group-key HEX      16 bytes that the members of a group behind one address share");
  line("  --set NAME=N         a number of the configuration; may be repeated");
  line("  --stats              say the counters at the end");
  proc_exit(0);
}

function line(text: string): void {
  say(text);
  sayEnd();
}

function isHelp(i: u32): bool {
  return isText(argument(i), "--help") || isText(argument(i), "-h");
}

function readArguments(c: Config): void {
  argumentsRead();
  for (let i: u32 = 1; i < argumentsCount(); i++) if (isHelp(i)) help();
  if (argumentsCount() < 2) usage("a command is missing; --help says what there is");
  if (!isText(argument(1), "up")) usage("is no command; the only one is up, and --help says more", argument(1));
  for (let i: u32 = 2; i < argumentsCount(); i++) {
    const name = argument(i);
    if (isText(name, "--stats")) {
      stats = true;
      continue;
    }
    if (ip6Flag(name)) continue;
    if (!isOption(name)) usage("is no option of this command; --help names them", name);
    if (i + 1 >= argumentsCount()) usage("wants a value", name);
    readOption(c, name, argument(++i));
  }
  if (c.ip == 0) usage("--ip A.B.C.D/N is missing");
  checkAddresses(c);
  ip6Check(c.mtu);
}

/** Options with a value. */
function isOption(name: usize): bool {
  return isText(name, "--ip") || isText(name, "--gateway") || isText(name, "--mtu") || isText(name, "--connections") ||
    isText(name, "--ring") || isText(name, "--idle") || isText(name, "--linger") || isText(name, "--group-key") ||
    isText(name, "--set") || isIp6Option(name) || serviceOf(name) != 0;
}

/** The service whose port an option gives; 0: none. */
function serviceOf(name: usize): u32 {
  if (isText(name, "--echo")) return Service.ECHO;
  if (isText(name, "--discard")) return Service.DISCARD;
  if (isText(name, "--chargen")) return Service.CHARGEN;
  return isText(name, "--http") ? Service.HTTP : 0;
}

function readOption(c: Config, name: usize, value: usize): void {
  const service = serviceOf(name);
  if (service != 0) {
    store<u32>(PORTS + (service << 2), number(value, 1, 65535));
  } else if (isText(name, "--ip")) {
    c.ip = address(value);
    const at = stopped() + 1, prefix = load<u8>(stopped()) == 47 ? decimal(at) : 33;
    if (stopped() == at || load<u8>(stopped()) != 0 || prefix > 32) {
      usage("has no prefix; write it like 10.0.0.2/24", value);
    }
    c.prefix = <u32>prefix;
  } else if (isText(name, "--gateway")) {
    c.gateway = address(value);
    if (load<u8>(stopped()) != 0) usage("is no IPv4 address; write it like 10.0.0.2", value);
  } else if (isIp6Option(name)) {
    ip6Option(name, value);
  } else if (isText(name, "--mtu")) {
    c.mtu = number(value, 576, 9216);
  } else if (isText(name, "--connections")) {
    c.connsMax = number(value, 1, 100000);
  } else if (isText(name, "--ring")) {
    c.sendRing = c.recvRing = (number(value, 2048, 1 << 24) + 3) & ~3;
  } else if (isText(name, "--idle")) {
    idle = number(value, 0, 65534);
  } else if (isText(name, "--linger")) {
    linger = number(value, 0, 3600);
  } else if (isText(name, "--set")) {
    readSetting(c, value);
  } else {
    hexadecimal(value, changetype<usize>(c) + offsetof<Config>("groupKey0"), 16);
    c.policy |= Policy.GROUP;
    const offset = wallUs() - nowUs();
    c.clockOffsetLow = <u32>offset;
    c.clockOffsetHigh = <u32>(offset >> 32);
  }
}

/** A number of the configuration by its name, or by its word's number, as the command `stint` has it. */
function readSetting(c: Config, value: usize): void {
  const words = <u32>offsetof<Config>("entropy0") >> 2, first = load<u8>(value);
  let word: u64 = words, at = value;
  if (first >= 48 && first <= 57) {
    word = decimal(value);
    at = stopped();
  } else {
    while (load<u8>(at) != 61 && load<u8>(at) != 0) at++;
    for (let w: u32 = 0; w < words && word == words; w++) {
      const name = configName(w);
      if (name.length != 0 && startsWith(value, name) && <usize>name.length == at - value) word = w;
    }
  }
  if (load<u8>(at) != 61 || word >= words) {
    usage("is no number of the configuration; write it as name=number, like synRate=100", value);
  }
  const w = <u32>word, least = configLeast(w), most = configMost(w), n = decimal(at + 1);
  if (stopped() == at + 1 || load<u8>(stopped()) != 0 || n < <u64>least || n > <u64>most) {
    usageOf(configName(w), at + 1, least, most);
  }
  store<u32>(changetype<usize>(c) + (<usize>w << 2), <u32>n);
}

/** Addresses that cannot be one host's, and a router that cannot be reached with ours. */
function checkAddresses(c: Config): void {
  const mask = <u32>(<u64>0xffffffff >> c.prefix), isNet = c.prefix < 31;
  if (!isHost(c.ip, c.prefix) || (isNet && (c.ip & mask) == 0)) {
    usage("--ip is no host's address: the network's own, its broadcast address, loopback or multicast");
  }
  if (c.gateway == 0) return;
  if (c.gateway == c.ip) usage("--gateway is the stack's own address");
  if (c.prefix < 32 && (c.gateway ^ c.ip) > mask) usage("--gateway is outside of the network of --ip");
  if (!isHost(c.gateway, c.prefix) || (isNet && (c.gateway & mask) == 0)) usage("--gateway is no host's address");
}

function start(c: Config): void {
  configDefaults(c);
  readArguments(c);
  if ((c.macHigh | c.macLow) == 0) {
    // A locally administered address, made from the IP address, as under Node.
    c.macHigh = 0x02000000 | (c.ip >> 16);
    c.macLow = c.ip & 0xffff;
  }
  c.pathMtuMin = min<u32>(c.pathMtuMin, c.mtu);
  c.appBytes = servicesBytes(c.connsMax);
  random_get(changetype<usize>(c) + offsetof<Config>("entropy0"), 32);
  const result = init(changetype<usize>(c));
  if (result < 0) {
    if (result == Err.NO_MEMORY) {
      usage("the rings of so many connections do not fit into 4 GiB: fewer --connections, or a smaller --ring");
    }
    if (result == Err.CONFIG) {
      usage("the numbers do not go together; docs/reference/configuration.md says what each must be");
    }
    say("stint: the stack cannot start, error ");
    sayNumber(-result);
    sayEnd();
    proc_exit(2);
  }
  servicesIdle(idle);
  for (let s: u32 = 1; s <= <u32>Service.HTTP; s++) {
    const port = load<u32>(PORTS + (s << 2));
    if (port != 0 && serviceStart(s, port, 128) < 0) usage("two services cannot share a port");
  }
}

function rx(): SlotRing {
  return changetype<SlotRing>(controlBlock());
}

function tx(): SlotRing {
  return changetype<SlotRing>(controlBlock() + offsetof<SlotRing>());
}

/** Moves whole frames from the input to the ring. Returns whether some had to wait. */
function takeFrames(): bool {
  let at: u32 = 0;
  let full = false;
  const ring = rx();
  while (inUsed - at >= 4) {
    const size = bswap<u32>(load<u32>(IN + at));
    if (size == CLOSE) {
      // A second time: at once.
      if (closing == 0) {
        closing = nowUs() + <u64>linger * SECOND_US;
        servicesStop();
      } else {
        closing = 1;
      }
      at += 4;
      continue;
    }
    if (size == LINK_UP) {
      link_changed();
      at += 4;
      continue;
    }
    if (size == BEAT) {
      beats = true;
      at += 4;
      continue;
    }
    if (size > 65536) {
      say("stint: the input is no stream of frames");
      sayEnd();
      proc_exit(1);
    }
    if (inUsed - at < 4 + size) break;
    if (slotsFull(ring)) {
      full = true;
      break;
    }
    // A frame too long for its slot is dropped by the stack, which looks at its length.
    memory.copy(slotNext(ring), IN + at + 4, min(size, ring.stride - FRAME_OFFSET));
    slotProduce(ring, size);
    at += 4 + size;
  }
  memory.copy(IN, IN + at, inUsed - at);
  inUsed -= at;
  return full;
}

/** Writes all frames of the ring to the output, in one piece if they fit. */
function putFrames(): void {
  const ring = tx();
  let at: u32 = 0;
  // Whatever has become of the memory, no more is written than there can be.
  assert(slotsUsed(ring) <= ring.mask + 1);
  for (let n = slotsUsed(ring); n > 0; n--) {
    const size = slotFirstSize(ring);
    assert(size <= ring.stride - FRAME_OFFSET);
    if (at + 4 + size > OUT_MAX) {
      if (!writeOutput(OUT, at)) end(false);
      at = 0;
    }
    store<u32>(OUT + at, bswap<u32>(size));
    memory.copy(OUT + at + 4, slotFirst(ring), size);
    at += 4 + size;
    slotConsume(ring);
  }
  if (at != 0 && !writeOutput(OUT, at)) end(false);
}

/** Answers what the services want of the files. Returns whether there was anything. */
function answerRequests(): bool {
  let did = false;
  // Not without end: frames want their turn too.
  for (let n = 0; n < 64; n++) {
    const at = serviceRequest();
    if (at == 0) break;
    const r = changetype<Request>(at);
    if (r.want == <u32>Want.LENGTH) {
      serviceAnswer(fileLength(r.path, r.pathSize, r.size != 0, at + offsetof<Request>("tag")));
    } else {
      serviceAnswer(filePiece(r.path, r.pathSize, r.tag, r.offset, r.data, r.size));
    }
    did = true;
  }
  return did;
}

/** Whether there is nobody to wait for any longer. */
function isOver(): bool {
  const now = nowUs();
  if (pool(Pool.CONNECTIONS) == 0 || now >= closing) return true;
  if (servicesLeft() != 0) told = 0;
  else if (told == 0) told = now;
  return told != 0 && now >= told + CLOSING_US;
}

/** Resets what is left, which frames tell as long as there is an output, and ends. */
function end(hasOutput: bool): void {
  if (closing == 0) servicesStop();
  cut = servicesCut();
  poll(nowUs());
  if (hasOutput) putFrames();
  if (stats) {
    for (let i: u32 = 0; i < <u32>Mib.COUNT; i++) {
      const n = load<u32>(counters() + (i << 2));
      if (n == 0) continue;
      say("counter ");
      sayNumber(i);
      say(" ");
      sayNumber(n);
      sayEnd();
    }
  }
  if (cut == 0) proc_exit(0);
  say("cut off ");
  sayNumber(cut);
  sayEnd();
  proc_exit(1);
}

/**
 * How long to wait for a host that beats, of `wait` µs; −1: until it is heard. One that stands still brings nothing and
 * takes nothing: nobody is idle in the meantime, and what is due then is late, as in a process that was stopped.
 */
function untilStill(wait: i64): i64 {
  const now = nowUs(), still = heard + STILL_US;
  if (now < still) return wait < 0 ? <i64>(still - now) : min(wait, <i64>(still - now));
  // From now on it is late.
  servicesWait(0);
  return -1;
}

export function _start(): void {
  const c = changetype<Config>(configBlock());
  start(c);
  // The address is announced first: who reads "ready" may connect at once,
  // through something that has to have heard of us.
  poll(nowUs());
  ip6Begin();
  poll(nowUs());
  putFrames();
  say("ready");
  for (let s: u32 = 1; s <= <u32>Service.HTTP; s++) {
    const port = load<u32>(PORTS + (s << 2));
    if (port == 0) continue;
    say(s == <u32>Service.ECHO ? " echo:" : s == <u32>Service.DISCARD ? " discard:" :
      s == <u32>Service.CHARGEN ? " chargen:" : " http:");
    sayNumber(port);
  }
  sayEnd();
  for (;;) {
    const waiting = takeFrames();
    let wait = <i64>servicesWait(poll(nowUs()));
    if (flush == 0) ip6Tell();
    if (servicesRun()) wait = 0;
    if (answerRequests()) wait = 0;
    if (waiting) wait = 0;
    putFrames();
    if (closing != 0) {
      if (flush == 0 && isOver()) {
        cut = servicesCut();
        // Whoever gave an address hears of the end with the next poll.
        dhcp6_stop();
        flush = nowUs() + (cut != 0 ? FLUSH_US : 0);
        continue;
      }
      if (flush != 0 && nowUs() >= flush) end(true);
      if (wait < 0 || wait > 10_000) wait = 10_000;
    }
    if (!waitInput(beats && !waiting ? untilStill(wait) : wait)) continue;
    if (inUsed == IN_MAX) continue;
    const n = readInput(IN + inUsed, IN_MAX - inUsed);
    if (n == 0) end(true);
    if (n <= 0) continue;
    heard = nowUs();
    inUsed += n;
  }
}
