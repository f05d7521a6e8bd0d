/** Calls of an application of a stack that is fuzzed, out of choices: good ones, and misuse. */
import { ERR } from "../../host/errors.js";
import { OPTION, type Exports } from "../../host/stack.js";
import { type Choices } from "./choices.js";
import { Broken } from "./holds.js";
import { call6 } from "./six.js";
import { LISTENING, PEER, type Subject } from "./subject.js";

const CODES = new Set<number>(Object.values(ERR)), OPTIONS = Object.keys(OPTION).length;
/** Bytes of the scratch memory that a datagram may fill; whom it is from comes behind them. */
const ROOM = 200;

/** One call. It returns what it should, or one of the errors. */
export function call(s: Subject, c: Choices): void {
  const x = s.exports, h = c.below(8) ? s.handle : c.u32() | 0, scratch = s.scratch;
  const r = called(s, c, x, h, scratch);
  if (r < 0 && !CODES.has(r)) throw new Broken(`a call returned ${r}, which is no error`);
}

function called(s: Subject, c: Choices, x: Exports, h: number, scratch: number): number {
  if (s.speaks !== "" && !c.below(4)) return call6(s, c, () => bad(s, c));
  switch (c.below(24)) {
    case 20: case 21: case 22: case 23: return s.clients.call(c, x, s.u8, scratch, () => bad(s, c));
    case 0: case 1: return sendSome(s, h, c.u16() % 5000);
    case 2: case 3: return x.tcp_recv_consume(h, Math.max(0, Math.min(x.tcp_recv_span(h), c.u16())));
    case 4: return x.tcp_shutdown(h);
    case 5: return x.tcp_close(h);
    case 6: return x.tcp_abort(h);
    case 7: return x.tcp_set(h, c.below(OPTIONS + 1), c.below(2) === 0 ? c.below(4) : c.u16());
    case 8: {
      const accepted = x.tcp_accept(s.listener);
      if (accepted > 0) s.handle = accepted;
      return accepted;
    }
    case 9: {
      const made = x.tcp_connect(
        0, c.below(2) ? 0 : 50000 + c.below(4), c.below(3) ? PEER | 0 : c.u32() | 0,
        c.below(2) ? s.sport : c.u16(),
      );
      if (made > 0) s.handle = made;
      return made;
    }
    case 10: return x.tcp_listen(0, LISTENING + c.below(3), c.below(4));
    case 11: return x.udp_send(s.udp, PEER | 0, c.u16(), scratch, c.u8());
    case 12: return x.udp_recv(s.udp, scratch, ROOM, scratch + ROOM);
    case 13: return x.tcp_info(h, c.below(2) ? scratch : bad(s, c));
    case 14: return x.tcp_send(h, c.u32() | 0, c.u32() | 0);
    case 15: return x.tcp_peek(h, c.below(2) ? scratch : bad(s, c), c.u8());
    case 16: return x.tcp_urgent(h);
    case 17: return x.tune(c.u8(), c.below(2) ? c.u8() : c.u32() | 0);
    case 18: return x.tcp_send_commit(h, c.u32() | 0);
    default: return x.tcp_recv_consume(h, c.u32() | 0);
  }
}

/** A pointer that no caller may give: into the stack's own memory, or beyond all. */
function bad(s: Subject, c: Choices): number {
  return c.below(2) ? s.exports.controlBlock() + (c.u16() % s.stack.arenaBytes) : c.u32() | 0x80000000;
}

function sendSome(s: Subject, h: number, size: number): number {
  const span = s.exports.tcp_send_span(h);
  return span <= 0 ? 0 : s.exports.tcp_send_commit(h, Math.min(span, size));
}
