// Segments that differ from the one before in nothing but their sequence number and their text. The first one is built
// field by field (output.ts); the others take its header, and its checksum goes on from there (RFC 1071 §2).

import { config } from "../config";
import { countBy, Mib } from "../core/counters";
import { foldSum, sumBytes } from "../core/checksum";
import { Seq } from "../core/seq";
import { ringReadSum } from "../buffers/ring";
import { slotNext, slotProduce, slotsFull } from "../buffers/slots";
import { TcpHeader } from "../wire/tcp";
import { ipHeadSize, ipPayload, ipRepeated, ipRing, ipSum } from "../ip/output";
import { Tcb, sendRing } from "./block/tcb";

/**
 * Sends up to `most` segments of `size` bytes from `seq` on, like the one that was handed over last:
 * without PSH or anything of its own. Returns how many; fewer when the slots are full, none when the
 * first one still waits for its neighbour.
 */
export function repeatLast(t: Tcb, seq: Seq, size: u32, most: u32): u32 {
  const ring = ipRing();
  if (ring == null) return 0;
  const before = ipHeadSize(), first = changetype<TcpHeader>(ipPayload()), from = ipPayload() - before;
  const header = first.headerSize, total = header + size;
  let frame = from;
  // The sum of everything but the checksum, the sequence number and the text; to take away is to add the complement.
  const common = sumBytes(changetype<usize>(first), header, ipSum(total)) +
    (0xffff - <u64>first.checksum) + (0xffffffff - <u64>load<u32>(changetype<usize>(first), 4));
  let behind = seq - t.sndUna, n: u32 = 0;
  for (; n < most && !slotsFull(ring); n++) {
    frame = slotNext(ring);
    const tcp = frame + before;
    // A little too much: the text covers it.
    for (let i: usize = 0; i < <usize>(before + header); i += 8) store<u64>(frame + i, load<u64>(from + i));
    const seqNow = bswap<u32>(seq);
    store<u32>(tcp, seqNow, 4);
    const text = ringReadSum(sendRing(t), config.sendRing, t.sndHead, behind, tcp + header, size);
    store<u16>(tcp, foldSum(common + <u64>seqNow + text), 16);
    slotProduce(ring, before + total);
    seq += size;
    behind += size;
  }
  ipRepeated(n, total, frame);
  countBy(Mib.tcpOutSegs, n);
  return n;
}
