// IPv6 of the command: its options, its beginning, and its addresses as they come and go.

import { configBlock } from "../../assembly/services/app";
import { ip6_add, ip6_start } from "../../assembly/api/ip6";
import { ip6_temporary } from "../../assembly/api/temporary";
import { Err } from "../../assembly/core/error";
import { nameBytes, OWN_MAX } from "../../assembly/address/names";
import { Origin, Own, ownAt } from "../../assembly/ip/interface6";
import { IPV6_MTU_MIN } from "../../assembly/wire/ipv6";
import { address6, sayAddress6 } from "./address6";
import { decimal, hexadecimal, isText, stopped, usage } from "./arguments";
import { say, sayEnd } from "./wasi";

/** Addresses that `--ip6` gives. */
const GIVEN_MAX: u32 = 6;
const GIVEN: usize = memory.data(96);
const PREFIXES: usize = memory.data(6);
const ROUTER: usize = memory.data(16);
const SECRET: usize = memory.data(16);
/** What was told of each place: the address, and whether it can be used. */
const TOLD: usize = memory.data(224, 8);
const IS_TOLD: usize = memory.data(14);

let given: u32 = 0;
let hasRouter: bool = false;
let hasSecret: bool = false;
/** `--ipv6`, `--no-ipv6` and `--temporary`. */
let asked: bool = false;
let refused: bool = false;
let temporary: bool = false;

/** Takes an option without a value. Returns false: it is another one. */
export function ip6Flag(name: usize): bool {
  if (isText(name, "--ipv6")) asked = true;
  else if (isText(name, "--no-ipv6")) refused = true;
  else if (isText(name, "--temporary")) temporary = true;
  else return false;
  return true;
}

export function isIp6Option(name: usize): bool {
  return isText(name, "--ip6") || isText(name, "--gateway6") || isText(name, "--ip6-secret");
}

/** Neither multicast, nor :: or ::1. */
function isHost(at: usize): bool {
  return load<u8>(at) != 255 && (load<u64>(at) != 0 || (load<u64>(at, 8) & ~(1 << 56)) != 0);
}

export function ip6Option(name: usize, value: usize): void {
  if (isText(name, "--ip6-secret")) {
    hexadecimal(value, SECRET, 16);
    hasSecret = true;
  } else if (isText(name, "--gateway6")) {
    const end = address6(value, ROUTER);
    if (end == 0 || load<u8>(end) != 0) usage("is no IPv6 address; write it like 2001:db8::2", value);
    if (!isHost(ROUTER)) usage("is no host's address", value);
    hasRouter = true;
  } else {
    if (given == GIVEN_MAX) usage("is one --ip6 too many", value);
    const end = address6(value, GIVEN + (<usize>given << 4)), at = end + 1;
    const prefix = end != 0 && load<u8>(end) == 47 ? decimal(at) : 129;
    if (prefix > 128 || stopped() == at || load<u8>(stopped()) != 0) {
      usage("is no IPv6 address with a prefix; write it like fd00::2/64", value);
    }
    const address = GIVEN + (<usize>given << 4);
    if (!isHost(address)) usage("is no host's address", value);
    for (let i: u32 = 0; i < given; i++) if (isSame(GIVEN + (<usize>i << 4), address)) usage("is given twice", value);
    store<u8>(PREFIXES + given, <u8>prefix);
    given++;
  }
}

/** Options that do not go together end the program. */
export function ip6Check(mtu: u32): void {
  if (hasRouter && given == 0) usage("--gateway6 needs --ip6");
  for (let i: u32 = 0; hasRouter && i < given; i++) {
    if (isSame(ROUTER, GIVEN + (<usize>i << 4))) usage("--gateway6 is the stack's own address");
  }
  if (refused && (asked || temporary || given != 0)) usage("--no-ipv6 goes with no other option of IPv6");
  if (mtu >= IPV6_MTU_MIN) return;
  if (asked || temporary || given != 0) usage("IPv6 needs a link with an MTU of 1280 bytes");
  refused = true;
}

/** Begins IPv6 on a stack that was polled once. */
export function ip6Begin(): void {
  if (refused) return;
  // The module reads from its own block, and from nowhere else among our data.
  const at = configBlock(), router = at + 16;
  memory.copy(at, SECRET, 16);
  assert(ip6_start(hasSecret ? at : 0) == Err.OK);
  if (temporary) assert(ip6_temporary(1) == Err.OK);
  for (let i: u32 = 0; i < given; i++) {
    memory.copy(at, GIVEN + (<usize>i << 4), 16);
    memory.copy(router, ROUTER, 16);
    assert(ip6_add(at, load<u8>(PREFIXES + i), i == 0 && hasRouter ? router : 0) == Err.OK);
  }
}

function tell(at: usize, lost: bool): void {
  say("address ");
  sayAddress6(at);
  if (lost) say(" lost");
  sayEnd();
}

function isSame(at: usize, other: usize): bool {
  return load<u64>(at) == load<u64>(other) && load<u64>(at, 8) == load<u64>(other, 8);
}

/** Tells of addresses that can be used now, and of those that cannot any longer. To be called after each poll. */
export function ip6Tell(): void {
  for (let i: u32 = 0; i < OWN_MAX; i++) {
    const a = ownAt(i), told = TOLD + (<usize>i << 4), was = load<u8>(IS_TOLD + i) != 0;
    const is = a.state == <u8>Own.VALID && a.origin != <u8>Origin.LOOPBACK;
    if (!is && !was) continue;
    if (is && was && isSame(told, nameBytes(a.name))) continue;
    if (was) tell(told, true);
    store<u8>(IS_TOLD + i, is ? 1 : 0);
    if (!is) continue;
    memory.copy(told, nameBytes(a.name), 16);
    tell(told, false);
  }
}
