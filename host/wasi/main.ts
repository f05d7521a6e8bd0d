// The command for wasmtime: the stack and its services over stdin and stdout, which carry frames (4 bytes of length, most significant
// first, then the frame), so words go to stderr. Two lengths that no frame has are words of the host's: 2^32 − 1 asks to close
// everything and end, 2^32 − 2 says that the link was away and is there again.
//
//   socat UNIX-CONNECT:$PASST_SOCKET EXEC:"wasmtime run build/stint-wasi.wasm up --ip 10.0.0.2/24 --gateway 10.0.0.1 --http 80"

import {
  configBlock, controlBlock, counters, init, poll, pool, serviceAnswer, serviceRequest, servicesBytes, servicesIdle, servicesRun,
  servicesStop, servicesWait, serviceStart,
} from "../../assembly/services/app";
import { link_changed } from "../../assembly/index";
import { IDLE_S, Service } from "../../assembly/services/layout";
import { Config, Policy } from "../../assembly/config";
import { SlotRing, slotConsume, slotFirst, slotFirstSize, slotNext, slotProduce, slotsFull, slotsUsed } from "../../assembly/buffers/slots";
import { Mib } from "../../assembly/core/counters";
import { address, argument, argumentsCount, argumentsRead, decimal, hexadecimal, isText, number, stopped, usage } from "./arguments";
import { fileLength, filePiece } from "./files";
import { configDefaults } from "./defaults";
import { nowUs, wallUs, proc_exit, random_get, readInput, say, sayEnd, sayNumber, waitInput, writeOutput } from "./wasi";

/** What has come in, up to IN_MAX, and what goes out. */
const IN_MAX: u32 = 1 << 17;
/** In the place of a frame's length. */
const CLOSE: u32 = u32.MAX_VALUE;
const LINK_UP: u32 = u32.MAX_VALUE - 1;
const IN: usize = memory.data(131072, 8);
const OUT_MAX: u32 = 1 << 17;
const OUT: usize = memory.data(131072, 8);
/** How long connections have to end, µs. */
const CLOSING_US: u64 = 3_000_000;

let inUsed: u32 = 0;
let stats: bool = false;
/** Seconds that a connection may be idle. */
let idle: u32 = IDLE_S;
let closing: u64 = 0;
/** Ports by service. */
const PORTS: usize = memory.data(20);

function readArguments(c: Config): void {
  argumentsRead();
  if (argumentsCount() < 2 || !isText(argument(1), "up")) usage("usage: up --ip A.B.C.D/N [--gateway A] [--echo PORT] [--discard PORT] [--chargen PORT] [--http PORT] [--connections N] [--ring BYTES] [--mtu BYTES] [--group-key HEX] [--idle S] [--set WORD=N] [--stats]");
  for (let i: u32 = 2; i < argumentsCount(); i++) {
    const name = argument(i);
    if (isText(name, "--stats")) {
      stats = true;
      continue;
    }
    if (i + 1 >= argumentsCount()) usage("wants a value", name);
    const value = argument(++i);
    if (isText(name, "--ip")) {
      c.ip = address(value);
      if (load<u8>(stopped()) != 47) usage("has no prefix; write it like 10.0.0.2/24", value);
      const at = stopped() + 1, prefix = decimal(at);
      if (stopped() == at || load<u8>(stopped()) != 0 || prefix > 32) usage("has no prefix; write it like 10.0.0.2/24", value);
      c.prefix = <u32>prefix;
    } else if (isText(name, "--gateway")) {
      c.gateway = address(value);
    } else if (isText(name, "--mtu")) {
      c.mtu = number(value, 576, 9216);
    } else if (isText(name, "--connections")) {
      c.connsMax = number(value, 1, 100000);
    } else if (isText(name, "--ring")) {
      c.sendRing = c.recvRing = (number(value, 2048, 1 << 24) + 3) & ~3;
    } else if (isText(name, "--idle")) {
      idle = number(value, 0, 65534);
    } else if (isText(name, "--group-key")) {
      hexadecimal(value, changetype<usize>(c) + offsetof<Config>("groupKey0"), 16);
      c.policy |= Policy.GROUP;
      const offset = wallUs() - nowUs();
      c.clockOffsetLow = <u32>offset;
      c.clockOffsetHigh = <u32>(offset >> 32);
    } else if (isText(name, "--set")) {
      // A word of the configuration by its number: the command `stint` knows the names.
      const word = decimal(value);
      if (load<u8>(stopped()) != 61 || word >= <u64>(offsetof<Config>("entropy0") >> 2)) usage("is no word=number of the configuration", value);
      store<u32>(changetype<usize>(c) + (<usize>word << 2), number(stopped() + 1, 0, u32.MAX_VALUE));
    } else if (isText(name, "--echo")) {
      store<u32>(PORTS, number(value, 1, 65535), Service.ECHO * 4);
    } else if (isText(name, "--discard")) {
      store<u32>(PORTS, number(value, 1, 65535), Service.DISCARD * 4);
    } else if (isText(name, "--chargen")) {
      store<u32>(PORTS, number(value, 1, 65535), Service.CHARGEN * 4);
    } else if (isText(name, "--http")) {
      store<u32>(PORTS, number(value, 1, 65535), Service.HTTP * 4);
    } else {
      usage("is no option of this command", name);
    }
  }
  if (c.ip == 0) usage("--ip A.B.C.D/N is missing");
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
    say("stint: the stack cannot start with this configuration, error ");
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
      if (closing == 0) {
        closing = nowUs() + CLOSING_US;
        servicesStop();
      }
      at += 4;
      continue;
    }
    if (size == LINK_UP) {
      link_changed();
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
    memory.copy(slotNext(ring), IN + at + 4, min(size, ring.stride - 2));
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
    assert(size <= ring.stride - 2);
    if (at + 4 + size > OUT_MAX) {
      if (!writeOutput(OUT, at)) proc_exit(0);
      at = 0;
    }
    store<u32>(OUT + at, bswap<u32>(size));
    memory.copy(OUT + at + 4, slotFirst(ring), size);
    at += 4 + size;
    slotConsume(ring);
  }
  if (at != 0 && !writeOutput(OUT, at)) proc_exit(0);
}

/** Answers what the services want of the files. Returns whether there was anything. */
function answerRequests(): bool {
  let did = false;
  // Not without end: frames want their turn too.
  for (let n = 0; n < 64; n++) {
    const r = serviceRequest();
    if (r == 0) break;
    const path = load<u32>(r, 8), size = load<u32>(r, 12);
    const room = load<u32>(r, 20);
    if (load<u32>(r) == 1) serviceAnswer(fileLength(path, size, room != 0, r + 32));
    else serviceAnswer(filePiece(path, size, load<u64>(r, 32), load<u64>(r, 24), load<u32>(r, 16), room));
    did = true;
  }
  return did;
}

function end(): void {
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
  proc_exit(0);
}

export function _start(): void {
  const c = changetype<Config>(configBlock());
  start(c);
  // The address is announced first: who reads "ready" may connect at once, through something that has to have heard of us.
  poll(nowUs());
  putFrames();
  say("ready");
  for (let s: u32 = 1; s <= <u32>Service.HTTP; s++) {
    const port = load<u32>(PORTS + (s << 2));
    if (port == 0) continue;
    say(s == <u32>Service.ECHO ? " echo:" : s == <u32>Service.DISCARD ? " discard:" : s == <u32>Service.CHARGEN ? " chargen:" : " http:");
    sayNumber(port);
  }
  sayEnd();
  for (;;) {
    const waiting = takeFrames();
    let wait = <i64>servicesWait(poll(nowUs()));
    if (servicesRun()) wait = 0;
    if (answerRequests()) wait = 0;
    if (waiting) wait = 0;
    putFrames();
    if (closing != 0) {
      if (pool(0) == 0 || nowUs() >= closing) end();
      if (wait < 0 || wait > 10_000) wait = 10_000;
    }
    if (!waitInput(wait)) continue;
    if (inUsed == IN_MAX) continue;
    const n = readInput(IN + inUsed, IN_MAX - inUsed);
    if (n == 0) end();
    if (n > 0) inUsed += n;
  }
}
