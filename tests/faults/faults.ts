/**
 * Faults to be put into the module, one at a time. Each replaces a piece of text that occurs once in all of `assembly`,
 * in whatever file it is by now; a piece that is not found any more, or found twice, is an error, so that a fault
 * cannot quietly stop being one.
 */
export interface Fault {
  name: string;
  /** What kind of mistake it is. */
  kind:
    | "bound"
    | "off by one"
    | "leak"
    | "count"
    | "order"
    | "checksum"
    | "compare"
    | "timer"
    | "limit"
    | "key"
    | "endless"
    | "numbers";
  find: string;
  put: string;
}

export const FAULTS: Fault[] = [
  // Bounds
  {
    name: "text has a place wherever it lies", kind: "bound", find: "return gap <= free && seg.size <= free - gap;",
    put: "return gap <= gap + free;",
  },
  {
    name: "text in a SYN-ACK is not cut to the window",
    kind: "bound",
    find: "  // The segment was not held against a window, since there was none: now there is.\n  trimToWindow(t);",
    put: "",
  },
  { name: "text beyond the window is not cut", kind: "bound", find: "if (seg.size > size) seg.size = size;", put: "" },
  {
    name: "a ring is written beyond its end", kind: "off by one", find: "memory.copy(base + offset, src, first);",
    put: "memory.copy(base + offset, src, first + 1);",
  },
  {
    name: "a ring's wrap forgets a byte", kind: "off by one", find: "return offset < size ? offset : offset - size;",
    put: "return offset < size ? offset : offset - size + 1;",
  },
  {
    name: "the send ring takes more than there is room for", kind: "bound",
    find: "const room = config.sendRing - t.sndSize;", put: "const room = config.sendRing - t.sndSize + 8;",
  },
  {
    name: "what is committed is not checked", kind: "bound", find: "  if (size > <u32>span) return Err.ARGUMENT;\n",
    put: "",
  },
  {
    name: "what is consumed is not checked", kind: "bound", find: "  if (size > <u32>have) return Err.ARGUMENT;\n",
    put: "",
  },
  {
    name: "frames that are too long are taken", kind: "bound", find: "if (size < ETHERNET_SIZE || left > config.mtu) {",
    put: "if (size < ETHERNET_SIZE) {",
  },
  {
    name: "the size of a TCP option is not held against the header", kind: "bound",
    find: "if (size < 2 || at + size > end) return;", put: "if (size < 2) return;",
  },
  {
    name: "a TCP option of length 0 is walked for ever", kind: "endless",
    find: "if (size < 2 || at + size > end) return;", put: "if (at + size > end) return;",
  },
  {
    name: "a UDP record goes in where there is no room", kind: "bound",
    find: "if (size > config.udpRing || q.size + padded(ip, size) > config.udpRing) return false;",
    put: "if (size > config.udpRing) return false;",
  },
  {
    name: "fragments beyond the buffer are taken", kind: "bound",
    find: "offset + size > min(config.reassemblyBytes, REASSEMBLY_MAX)",
    put: "offset > min(config.reassemblyBytes, REASSEMBLY_MAX)",
  },
  {
    name: "the window promises more than there is room for", kind: "bound",
    find: "return up <= free && up <= <u32>65535 << t.rcvScale ? up : wnd & ~(unit - 1);",
    put: "return up <= <u32>65535 << t.rcvScale ? up : wnd & ~(unit - 1);",
  },
  {
    name: "a SACK block beyond SND.NXT is believed", kind: "bound",
    find: "if (!seqLt(start, end) || seqLt(t.sndNxt, end) || seqLt(start, t.sndUna) || seqLe(end, seg.ack)) {",
    put: "if (!seqLt(start, end) || seqLt(start, t.sndUna) || seqLe(end, seg.ack)) {",
  },
  {
    name: "one listens at an index beyond the table", kind: "off by one",
    find: "if (i < config.connsMax || i >= config.connsMax + config.listenersMax) return null;",
    put: "if (i < config.connsMax || i > config.connsMax + config.listenersMax) return null;",
  },

  // Order of checks, comparisons
  {
    name: "an ACK of what was never sent counts", kind: "bound",
    find: "return !seqLt(t.sndNxt, seg.ack) && (isInsecure", put: "return (isInsecure",
  },
  {
    name: "an old ACK moves SND.UNA back", kind: "compare", find: "if (seqLt(t.sndUna, seg.ack)) {\n    advance(",
    put: "if (t.sndUna != seg.ack) {\n    advance(",
  },
  {
    name: "sequence numbers are compared as numbers", kind: "compare",
    find: "return seqLe(iss, old) ? old + 0x10000 : iss;", put: "return iss <= old ? old + 0x10000 : iss;",
  },
  {
    name: "any RST in the window resets", kind: "order",
    find: "  if (seg.seq != t.rcvNxt && !isInsecure(Policy.RST_IN_WINDOW)) {\n    challenge(t);\n    return;\n  }\n  "
      + "if (t.state == <u8>State.SYN_RECEIVED) {",
    put: "  if (t.state == <u8>State.SYN_RECEIVED) {",
  },
  {
    name: "a wrong ACK completes a handshake", kind: "order",
    find: "    if (!acksSyn(t)) {\n      resetSegment();\n      return;\n    }\n", put: "",
  },
  {
    name: "a wrong ACK completes a half-open handshake", kind: "order", find: "if (seg.ack != h.iss + 1) {",
    put: "if (seg.ack == h.iss) {",
  },
  {
    name: "any cookie is good", kind: "order", find: "if (mac(low, seg.seq - 1) != (cookie & ~15)) return 0;", put: "",
  },
  {
    name: "the prediction does not look at the sequence number", kind: "order",
    find: "if (seq != t.rcvNxt || text > t.rcvAdv - seq ||", put: "if (text > t.rcvAdv - t.rcvNxt ||",
  },
  {
    name: "an old timestamp is taken", kind: "order",
    find: "return isStampOld(tsVal, t.tsRecent) && clock.ms - t.tsRecentAt <= TS_RECENT_MS;", put: "return false;",
  },
  {
    name: "a FIN counts before the text in front of it", kind: "order",
    find: "if (fin && seqLt(t.rcvNxt, at)) {\n    receiveEarlyFin(t);",
    put: "if (fin && seqLt(t.rcvNxt, at)) {\n    t.rcvNxt++;\n    finArrives(t);",
  },
  {
    name: "text after a FIN is taken", kind: "order",
    find: "  if (tcbHas(t, Has.FIN_RECEIVED)) {\n    if (fin) ackNow(t);\n    return;\n  }\n", put: "",
  },
  {
    name: "a fragment that contradicts is taken", kind: "order",
    find: "return known == last - first && memory.compare(payload + offset, from, size) == 0;", put: "return true;",
  },
  {
    name: "reassembly counts, and does not look where the hole is", kind: "order",
    find: "for (let u = first; u < last; u++) known += <u32>isMarked(d, u);", put: "",
  },

  // Checksums
  {
    name: "the sum of a segment is not checked", kind: "checksum",
    find: "foldSum(sumBytes(changetype<usize>(tcp), size, sumBetween(ip.src, ip.dst, PROTO_TCP, size))) != 0) {",
    put: "size == 0) {",
  },
  {
    name: "the prediction does not check the sum", kind: "checksum", find: "if (foldSum(sum) != 0) return false;",
    put: "",
  },
  {
    name: "the sum of an IP header is not checked", kind: "checksum",
    find: "ip.isValid(size) && ip.checksumOk ? optionsSay(ip)", put: "ip.isValid(size) ? optionsSay(ip)",
  },
  {
    name: "the sum of an ICMP message is not checked", kind: "checksum",
    find: "if (!Icmp.isValid(size) || foldSum(sumBytes(changetype<usize>(icmp), size, 0)) != 0) {",
    put: "if (!Icmp.isValid(size)) {",
  },
  {
    name: "an echo reply goes out without a sum", kind: "checksum",
    find: "icmp.checksum = foldSum(sumBytes(changetype<usize>(icmp), size, 0));", put: "",
  },

  // Leaks and counts
  {
    name: "ranges of a connection that ends are lost", kind: "leak",
    find: "  t.outOfOrder = rangesClear(t.outOfOrder);\n  recoveryEnds(t);",
    put: "  t.outOfOrder = 0;\n  recoveryEnds(t);",
  },
  {
    name: "ranges below the edge are lost", kind: "leak",
    find: "    const next = rangeNext(head, n);\n    rangesRelease(head);\n    head = next;\n  }\n  return head;",
    put: "    head = rangeNext(head, n);\n  }\n  return head;",
  },
  {
    name: "a range is given back twice", kind: "leak", find: "  s.count--;\n  rangesRelease(i);",
    put: "  s.count--;\n  rangesRelease(i);\n  rangesRelease(i);",
  },
  {
    name: "the block of a sender that ends is lost", kind: "leak",
    find: "  s.next = pool.free;\n  pool.free = t.sender;\n", put: "",
  },
  {
    name: "a half-open record is not given back", kind: "leak",
    find: "  h.bits = 0;\n  poolGive(pool, changetype<usize>(h));", put: "  h.bits = 0;",
  },
  {
    name: "a connection that nobody accepted keeps its place in the queue", kind: "count",
    find: "  l.acceptCount--;\n", put: "",
  },
  {
    name: "who stood behind one that left the accept queue does not hear of it", kind: "count",
    find: "  else tcbAt(next - 1).acceptPrev = prev;\n", put: "",
  },
  {
    name: "a half-open record that goes is still counted", kind: "count", find: "listenerAt(h.listener).halfOpen--;",
    put: "",
  },
  {
    name: "a reassembly slot that is free is still counted", kind: "count", find: "  d.due = 0;\n  state.busy--;",
    put: "  d.due = 0;",
  },
  {
    name: "an entry that is asked for is counted twice", kind: "count",
    find: "if (e.requests == 0 && status.asking++ == 0) status.due = e.due;",
    put: "if (status.asking++ == 0) status.due = e.due;",
  },
  {
    name: "a Fast Open that ends is still pending", kind: "count",
    find: "  if (!isOpenedFast(t)) return;\n  pending.count--;", put: "  if (!isOpenedFast(t)) return;",
  },
  {
    name: "a connection stays in the table when it ends", kind: "leak",
    find: "    if (IPV6) nameKeep(t.rip);\n    demuxRemove(tcbIndex(t));", put: "    if (IPV6) nameKeep(t.rip);",
  },
  {
    name: "the block of a closed connection stays", kind: "leak",
    find: "  if (tcbHas(t, Has.ORPHAN)) release(t);\n  else tell(t, Event.CLOSED);", put: "  tell(t, Event.CLOSED);",
  },

  // Timers, limits, keys, endless exchanges
  {
    name: "nothing is sent again after a time-out", kind: "timer",
    find: "  else loseAll(t);\n  tcbSet(t, Has.RETRANSMIT_ONE);", put: "  tcbSet(t, Has.RETRANSMIT_ONE);",
  },
  {
    name: "the retransmission timer is not armed", kind: "timer",
    find: "if (!probeArm(t)) armTimer(t, Timer.RETRANSMIT, t.rto);\n}\n\n/** New data was acknowledged",
    put: "}\n\n/** New data was acknowledged",
  },
  {
    name: "no timer watches over a closed window", kind: "timer",
    find: "else if (unsent(t) != 0 || finDue(t)) persistArm(t);", put: "",
  },
  { name: "a time-out never grows", kind: "timer", find: "t.rto = min(t.rto << 1, config.rtoMaxMs * 1000);", put: "" },
  {
    name: "an orphan in FIN-WAIT-2 waits for ever", kind: "timer",
    find: "if (config.finWait2Ms != 0) armIdle(t, afterMs(config.finWait2Ms));", put: "",
  },
  {
    name: "TIME-WAIT does not end", kind: "timer",
    find: "  heapArm(owner, afterMs(config.timeWaitMs));\n  count(Mib.TW);", put: "  count(Mib.TW);",
  },
  {
    name: "challenge ACKs have no limit", kind: "limit", find: "if (<u32>t.challenges >= most) {",
    put: "if (most == 0) {",
  },
  {
    name: "what is old is answered without limit", kind: "endless",
    find: "if (answerTake(t, min<u32>(config.challengeMax + PROBES, 255))) ackNow(t);", put: "ackNow(t);",
  },
  {
    name: "a RST is answered with a RST", kind: "endless",
    find: "if (segIs(RST) || (POLICIES && (config.policy & Policy.BLACKHOLE) != 0)) return;",
    put: "if (POLICIES && (config.policy & Policy.BLACKHOLE) != 0) return;",
  },
  {
    name: "the frames to ourselves are never done", kind: "endless",
    find: "    frameInput(slotFirst(loop), slotFirstSize(loop), Link.LOOP);\n    slotConsume(loop);",
    put: "    frameInput(slotFirst(loop), slotFirstSize(loop), Link.LOOP);",
  },
  {
    name: "the table of connections is hashed without a key", kind: "key",
    find: "  if (layoutCommits()) randomKey(changetype<Key>(table));", put: "",
  },
  {
    name: "the table of neighbours is hashed without a key", kind: "key",
    find: "if (layoutCommits()) randomKey(status);", put: "",
  },
  {
    name: "rates of SYNs are hashed without a key", kind: "key",
    find: "if (layoutCommits()) randomKey(key);", put: "",
  },
  {
    name: "initial sequence numbers have no secret", kind: "key",
    find: "if (layoutCommits()) randomKey(changetype<Key>(secret));", put: "",
  },
  {
    name: "the length of a datagram is written without its header", kind: "numbers",
    find: "ip.totalSize = Ipv4.SIZE + size;", put: "ip.totalSize = size;",
  },
  {
    name: "what is acknowledged leaves the ring one byte late", kind: "off by one", find: "  t.sndHead += bytes;\n",
    put: "  t.sndHead += bytes - 1;\n",
  },
  {
    name: "the last segment of a SYN's text is counted twice",
    kind: "numbers",
    find: "  t.rcvSize += text;\n  // The promise",
    put: "  t.rcvSize += text + 1;\n  // The promise",
  },
  {
    name: "the clock takes a time below zero", kind: "timer", find: "if (<i64>nowUs < <i64>clock.us) return;",
    put: "if (nowUs < clock.us) return;",
  },
  {
    name: "a datagram waits for a slot to itself that there is not", kind: "endless",
    find: "      if ((DHCP || IPV6) && (!isReachable(dst) ||",
    put: "      if (!ipHasSlot(dst)) return true;\n      if ((DHCP || IPV6) && (!isReachable(dst) ||",
  },
  {
    name: "a neighbour without a way holds up the questions for others", kind: "endless",
    find: "known && nextHop6(e.ip) == e.ip ? e.ip", put: "known ? e.ip",
  },
  {
    name: "a router that does not answer is asked for ever", kind: "order",
    find: "r.order = (++interface6.silences << 2) | (r.order & 3);", put: "r.order &= 3;",
  },
  {
    name: "a question begins anew for ever", kind: "endless", find: "if (e.count++ < ANEW_MAX) begin(e);",
    put: "if (true) begin(e);",
  },
  {
    name: "a router ends what the host has said", kind: "order", find: "if (r.until != NEVER || end == NEVER) {",
    put: "if (true) {",
  },
  {
    name: "any hop limit of routers is believed", kind: "limit", find: "if (hops >= config.ttl)", put: "if (hops != 0)",
  },
  {
    name: "a router that has no place is taken, as the host is told", kind: "limit",
    find: "  if (free == null || end <= clock.us) return false;\n  free.name = nameKeep(name);",
    put: "  if (free == null || end <= clock.us) return true;\n  free.name = nameKeep(name);",
  },
  {
    name: "routers' prefixes take the host's places", kind: "limit",
    find: "origin == Origin.PREFIX ? OWN_PLACES - FORMED_MAX", put: "origin == Origin.PREFIX ? 0",
  },
  {
    name: "a name at hand has no flows", kind: "compare", find: "  if (IPV6) rip = nameSettled(rip);\n", put: "",
  },
];
