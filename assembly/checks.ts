// What must hold between two polls, in the build `stint.checks` (STINT_CHECKS): whatever is counted up in one place and
// down in another is counted anew from its table, every list is walked both ways, and positions lie where they may. It
// costs time in proportion to the tables, so no other build has it. Each check is a function of its own, so that a trap
// names it. Nothing here changes what the network can see.

import { config } from "./config";
import { DNS, FAST_OPEN, IPV6, RACK, REASSEMBLY, REDIRECTS, SNTP, UDP } from "./features";
import { entryAt, places, queue, QUEUED } from "./core/events";
import { Seq, seqLe, seqLt } from "./core/seq";
import { CLIENTS } from "./clients/owners";
import * as heap from "./buffers/heap";
import { LIST_MAX, pool as rangePool, rangeAt } from "./buffers/ranges";
import { Pool, poolAt, poolBase } from "./buffers/pool";
import { SlotRing, slotsUsed } from "./buffers/slots";
import {
  Address, isName, nameFind, nameBytes, namesInUse, namesKept, namesMost, noName, OWN_MAX, REDIRECTS_MAX,
  RESOLVERS_MAX, ROUTERS_MAX, TIME_SERVERS_MAX,
} from "./address/names";
import { neighbourAt, status } from "./arp/neighbours";
import { given } from "./clients/dns";
import { timeServerAt } from "./clients/sntp";
import { Own, ownAt, resolverAt, routerAt } from "./ip/interface6";
import { redirectDst, redirectHop } from "./ip/redirects";
import { slotAt, state as reassembly } from "./ip/reassembly";
import { Queue, received, toSend, udpAt } from "./udp/udp";
import { Has, List, Tcb, blocked, pool as tcbPool, tcbAt, tcbHas, work } from "./tcp/block/tcb";
import { State, isOpenedFast } from "./tcp/block/state";
import { demuxFind, halfOpenBase, listenerBase, mask, tags, timeWaitBase } from "./tcp/block/demux";
import { pending } from "./tcp/open/fast-open";
import { listenerAt, listenerIndex } from "./tcp/open/listener";
import { hasSender, isIdle, pool as senderPool, senderAt, senderOf } from "./tcp/block/sender";
import { pool as halfOpenPool, halfOpenAt, halfOpenInUse } from "./tcp/block/half-open-record";
import { pool as timeWaitPool, timeWaitAt } from "./tcp/block/time-wait-record";
import { Sent } from "./tcp/loss/sent";

/**
 * Ranges on lists of connections and senders; owners of four-tuples; names that are kept:
 * counted while their tables are walked.
 */
let onLists: u32 = 0;
let owning: u32 = 0;
let keeping: u32 = 0;

/** Every check. `rx` and `tx`: the host's rings, `loop`: our own. */
export function checkAll(rx: SlotRing, tx: SlotRing, loop: SlotRing): void {
  onLists = owning = 0;
  checkSlots(rx, config.rxSlots);
  checkSlots(tx, config.txSlots);
  checkSlots(loop, config.loopSlots);
  // What the host claims of its rings is its own business.
  assert(slotsUsed(loop) <= config.loopSlots);
  checkTcbs();
  checkWorkLists();
  checkListeners();
  checkHalfOpen();
  checkTimeWait();
  checkDemux();
  checkSenders();
  checkRanges();
  checkHeap();
  checkEvents();
  checkNeighbours();
  if (IPV6) checkNames();
  if (REASSEMBLY) checkReassembly();
  if (UDP) checkUdp();
}

function checkSlots(ring: SlotRing, count: u32): void {
  assert(ring.mask == (count == 0 ? 0 : count - 1));
}

/** The free records are as many as the pool says, each is one of the table, none is there twice. */
function checkPool(p: Pool, count: u32): void {
  let n: u32 = 0;
  for (let at = p.free; at != 0; at = load<usize>(at)) {
    assert(at >= poolBase(p) && at < poolAt(p, count));
    assert(((at - poolBase(p)) & ((1 << p.shift) - 1)) == 0);
    assert(n++ < count);
  }
  assert(n == p.freeCount);
}

function isFree(t: Tcb): bool {
  return t.state == <u8>State.CLOSED && t.flags == 0;
}

function checkTcbs(): void {
  checkPool(tcbPool, config.connsMax);
  let used: u32 = 0, fast: u32 = 0;
  for (let i: u32 = 0; i < config.connsMax; i++) {
    const t = tcbAt(i);
    if (isFree(t)) continue;
    used++;
    if (FAST_OPEN && isOpenedFast(t)) fast++;
    checkRings(t);
    onLists += checkOrder(t.sacked) + checkOrder(t.outOfOrder);
    if (hasSender(t)) assert(senderOf(t).owner == i + 1);
    if (tcbHas(t, Has.DETACHED)) continue;
    owning++;
    assert(demuxFind(t.lip, t.rip, t.ports) == i);
    checkWindow(t);
  }
  assert(used + tcbPool.freeCount == config.connsMax);
  if (FAST_OPEN) assert(pending.count == fast);
}

function checkRings(t: Tcb): void {
  assert(t.sndHead < config.sendRing && t.sndSize <= config.sendRing);
  assert(t.rcvHead < config.recvRing && t.rcvSize <= config.recvRing);
}

/** What was promised has room, and what came early lies within it. */
function checkWindow(t: Tcb): void {
  assert(t.sndNxt - t.sndUna <= t.sndSize + 2);
  if (t.state == <u8>State.SYN_SENT) return;
  assert(t.rcvAdv - t.rcvNxt <= config.recvRing - t.rcvSize);
  for (let i = t.outOfOrder; i != 0; i = rangeAt(i).next) {
    const r = rangeAt(i);
    assert(seqLe(t.rcvNxt, r.start) && seqLe(r.end, t.rcvAdv + 1));
  }
}

/** The ranges of a list are in order, and do not touch. Returns how many there are. */
function checkOrder(head: u16): u32 {
  let n: u32 = 0, last: Seq = 0;
  for (let i = head; i != 0; i = rangeAt(i).next) {
    const r = rangeAt(i);
    assert(<u32>i <= config.rangesMax && seqLt(r.start, r.end));
    assert(n == 0 || seqLt(last, r.start));
    assert(n++ < LIST_MAX);
    last = r.end;
  }
  return n;
}

function checkWorkLists(): void {
  let onWork: u32 = 0, waiting: u32 = 0;
  for (let i: u32 = 0; i < config.connsMax; i++) {
    const t = tcbAt(i);
    assert((t.flags & (Has.WORK | Has.BLOCKED)) != (Has.WORK | Has.BLOCKED));
    if (tcbHas(t, Has.WORK)) onWork++;
    if (tcbHas(t, Has.BLOCKED)) waiting++;
  }
  checkWorkList(work, Has.WORK, onWork);
  checkWorkList(blocked(), Has.BLOCKED, waiting);
}

function checkWorkList(list: List, flag: Has, count: u32): void {
  let prev: u32 = 0, n: u32 = 0;
  for (let i = list.first; i != 0; i = tcbAt(i - 1).workNext) {
    assert(i <= config.connsMax && n++ < count);
    assert(tcbHas(tcbAt(i - 1), flag) && tcbAt(i - 1).workPrev == prev);
    prev = i;
  }
  assert(n == count && list.last == prev);
}

function checkListeners(): void {
  let queued: u32 = 0, waiting: u32 = 0;
  for (let i: u32 = 0; i < config.connsMax; i++) if (tcbHas(tcbAt(i), Has.UNACCEPTED)) waiting++;
  for (let i: u32 = 0; i < config.listenersMax; i++) {
    const l = listenerAt(i);
    if (l.port == 0) continue;
    let n: u32 = 0, last: u32 = 0;
    for (let c = l.acceptFirst; c != 0; c = tcbAt(c - 1).acceptNext) {
      assert(c <= config.connsMax && n++ < l.acceptCount);
      const t = tcbAt(c - 1);
      assert(tcbHas(t, Has.UNACCEPTED) && <u32>t.listener == listenerIndex(l) && t.acceptPrev == last);
      last = c;
    }
    assert(n == l.acceptCount && n <= l.backlog && l.acceptLast == last);
    queued += n;
  }
  assert(queued == waiting);
}

function checkHalfOpen(): void {
  checkPool(halfOpenPool, config.halfOpenMax);
  let used: u32 = 0;
  for (let i: u32 = 0; i < config.halfOpenMax; i++) {
    const h = halfOpenAt(i), owner = halfOpenBase() + i;
    assert(halfOpenInUse(h) == (heap.heapDeadline(owner) != u64.MAX_VALUE));
    if (!halfOpenInUse(h)) continue;
    used++;
    assert(demuxFind(h.lip, h.rip, h.ports) == owner);
    assert(<u32>h.listener < config.listenersMax && listenerAt(h.listener).port != 0);
  }
  assert(used + halfOpenPool.freeCount == config.halfOpenMax);
  for (let l: u32 = 0; l < config.listenersMax; l++) if (listenerAt(l).port != 0) checkHalfOpenCount(l);
  owning += used;
}

function checkHalfOpenCount(listener: u32): void {
  let n: u32 = 0;
  for (let i: u32 = 0; i < config.halfOpenMax; i++) {
    if (halfOpenInUse(halfOpenAt(i)) && <u32>halfOpenAt(i).listener == listener) n++;
  }
  assert(listenerAt(listener).halfOpen == n);
}

/** A record is in use while its timer runs. */
function checkTimeWait(): void {
  checkPool(timeWaitPool, config.timeWaitMax);
  let used: u32 = 0;
  for (let i: u32 = 0; i < config.timeWaitMax; i++) {
    const owner = timeWaitBase() + i, w = timeWaitAt(i);
    if (heap.heapDeadline(owner) == u64.MAX_VALUE) continue;
    used++;
    assert(demuxFind(w.lip, w.rip, w.ports) == owner);
  }
  assert(used + timeWaitPool.freeCount == config.timeWaitMax);
  owning += used;
}

/** As many places of the table are taken as there are owners of four-tuples. */
function checkDemux(): void {
  let n: u32 = 0;
  for (let i: u32 = 0; i <= mask; i++) if (load<u8>(tags + i) != 0) n++;
  assert(n == owning);
}

function checkSenders(): void {
  if (!RACK) return;
  let n: u32 = 0;
  for (let i = senderPool.free; i != 0; i = senderAt(i).next) {
    assert(<u32>i <= config.sendersMax && n++ < config.sendersMax);
    assert(senderAt(i).owner == 0);
  }
  for (let i: u32 = 1; i <= config.sendersMax; i++) {
    const s = senderAt(<u16>i);
    if (s.owner == 0) continue;
    n++;
    assert(s.owner <= config.connsMax && <u32>tcbAt(s.owner - 1).sender == i);
    // A block that others may take is one whose connection has nothing in flight, and the other way round.
    const t = tcbAt(s.owner - 1);
    assert(isIdle(s) == (t.sndUna == t.sndNxt));
    checkScoreboard(s.first, s.last, s.count, s.sacked, s.lost);
    onLists += s.count;
  }
  assert(n == config.sendersMax);
}

function checkScoreboard(first: u16, last: u16, count: u32, sacked: u32, lost: u32): void {
  let n: u32 = 0, before: u16 = 0, bytesSacked: u32 = 0, bytesLost: u32 = 0;
  for (let i = first; i != 0; i = rangeAt(i).next) {
    const r = rangeAt(i);
    assert(<u32>i <= config.rangesMax && n++ < count);
    assert(seqLt(r.start, r.end) && (before == 0 || seqLe(rangeAt(before).end, r.start)));
    if ((<u32>r.bits & Sent.SACKED) != 0) bytesSacked += r.end - r.start;
    if ((<u32>r.bits & Sent.LOST) != 0) bytesLost += r.end - r.start;
    before = i;
  }
  assert(n == count && before == last);
  assert(bytesSacked == sacked && bytesLost == lost);
}

/** Every range is free, or on one list. */
function checkRanges(): void {
  let n: u32 = 0;
  for (let i = rangePool.free; i != 0; i = rangeAt(i).next) {
    assert(<u32>i <= config.rangesMax && n++ < config.rangesMax);
  }
  assert(n == rangePool.freeCount);
  assert(n + onLists == config.rangesMax);
}

function checkHeap(): void {
  const count = heap.heapCount(), owners = listenerBase() + config.listenersMax + CLIENTS;
  for (let place: u32 = 0; place < count; place++) {
    const owner = load<u32>(heap.owners + (place << 2));
    assert(owner < owners && load<u32>(heap.places + (owner << 2)) == place);
    const parent = place == 0 ? 0 : (place - 1) >> 2;
    assert(load<u64>(heap.deadlines + (<usize>parent << 3)) <= load<u64>(heap.deadlines + (<usize>place << 3)));
  }
  let armed: u32 = 0;
  for (let owner: u32 = 0; owner < owners; owner++) if (load<u32>(heap.places + (owner << 2)) != heap.NOWHERE) armed++;
  assert(armed == count);
}

function checkEvents(): void {
  let queued: u32 = 0, n: u32 = 0, last: u32 = 0;
  for (let i: u32 = 0; i < places; i++) if ((load<u32>(entryAt(i)) & QUEUED) != 0) queued++;
  for (let i = queue.first; i != 0; i = load<u32>(entryAt(i - 1), 4)) {
    assert(i <= places && n++ < queued);
    assert((load<u32>(entryAt(i - 1)) & QUEUED) != 0);
    last = i;
  }
  assert(n == queued && queue.last == last);
}

/** Each name that somebody keeps is found by its address, and is kept as often as there are records with it. */
function checkNames(): void {
  keeping = 0;
  for (let i: u32 = 0; i < OWN_MAX; i++) if (ownAt(i).state != <u8>Own.FREE) checkName(ownAt(i).name);
  for (let i: u32 = 0; i < ROUTERS_MAX; i++) checkName(routerAt(i).name);
  for (let i: u32 = 0; i < RESOLVERS_MAX; i++) {
    checkName(resolverAt(i).name);
    if (DNS) checkName(load<u32>(given + (i << 2)));
  }
  for (let i: u32 = 0; SNTP && i < TIME_SERVERS_MAX; i++) checkName(timeServerAt(i));
  for (let i: u32 = 0; REDIRECTS && i < REDIRECTS_MAX; i++) {
    checkName(redirectDst(i));
    checkName(redirectHop(i));
  }
  for (let i: u32 = 0; i < config.neighboursMax; i++) checkName(neighbourAt(i).ip);
  for (let i: u32 = 0; i < config.listenersMax; i++) {
    // One on all addresses of IPv6 keeps none.
    if (listenerAt(i).ip != noName()) checkName(listenerAt(i).ip);
  }
  for (let i: u32 = 0; i < config.reassemblyMax; i++) if (slotAt(i).due != 0) checkPair(slotAt(i).src, slotAt(i).dst);
  checkNamesOfFlows();
  assert(namesInUse() <= namesMost() && namesKept() == keeping);
}

function checkNamesOfFlows(): void {
  for (let i: u32 = 0; i < config.halfOpenMax; i++) {
    if (halfOpenInUse(halfOpenAt(i))) checkPair(halfOpenAt(i).lip, halfOpenAt(i).rip);
  }
  for (let i: u32 = 0; i < config.timeWaitMax; i++) {
    if (heap.heapDeadline(timeWaitBase() + i) != u64.MAX_VALUE) checkPair(timeWaitAt(i).lip, timeWaitAt(i).rip);
  }
  for (let i: u32 = 0; i < config.connsMax; i++) {
    const t = tcbAt(i);
    if (isFree(t)) continue;
    // A block that serves its handle alone tells who the peer was.
    if (tcbHas(t, Has.DETACHED)) checkName(t.rip);
    else checkPair(t.lip, t.rip);
  }
}

function checkPair(a: Address, b: Address): void {
  checkName(a);
  checkName(b);
}

function checkName(name: Address): void {
  if (!isName(name)) return;
  assert(nameFind(nameBytes(name)) == name);
  keeping++;
}

function checkNeighbours(): void {
  let asking: u32 = 0;
  for (let i: u32 = 0; i < config.neighboursMax; i++) if (neighbourAt(i).requests != 0) asking++;
  assert(status.asking == asking);
}

function checkReassembly(): void {
  let busy: u32 = 0;
  for (let i: u32 = 0; i < config.reassemblyMax; i++) {
    const d = slotAt(i);
    if (d.due == 0) continue;
    busy++;
    assert(d.total <= config.reassemblyBytes && d.beyond <= config.reassemblyBytes);
    assert(d.total == 0 || d.beyond < d.total);
  }
  assert(reassembly.busy == busy);
}

function checkUdp(): void {
  for (let i: u32 = 0; i < config.udpMax; i++) {
    const s = udpAt(i);
    if (s.port == 0) continue;
    checkQueue(toSend(s));
    checkQueue(received(s));
  }
}

function checkQueue(q: Queue): void {
  assert(q.head < config.udpRing && q.size <= config.udpRing);
  assert(((q.head | q.size) & 3) == 0);
}
