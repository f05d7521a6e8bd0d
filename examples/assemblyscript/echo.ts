// An echo server from AssemblyScript source: `import … from "stint/assembly"` compiles the stack into this module.
import { Config } from "stint/assembly/config";
import { Event } from "stint/assembly/core/events";
import {
  event_next, init, tcp_accept, tcp_close, tcp_listen, tcp_recv_at, tcp_recv_consume, tcp_recv_size, tcp_recv_span,
  tcp_send_at, tcp_send_commit, tcp_send_room, tcp_send_span,
} from "stint/assembly";

// What the host calls beside app_start and app_run.
export { configBlock, layoutSize, poll, controlBlock, counters } from "stint/assembly";

const ARENA_SIZE: u32 = 64 * 1024;

export function app_start(block: usize): i32 {
  const config = changetype<Config>(block);
  // From the heap: what a module has of static data counts as the stack's own, and an arena there is refused.
  config.arenaBase = <u32>heap.alloc(ARENA_SIZE);
  config.arenaSize = ARENA_SIZE;
  config.connsMax = 4;
  config.halfOpenMax = config.timeWaitMax = 8;
  config.listenersMax = 1;
  config.sendRing = config.recvRing = 2048;
  config.rxSlots = config.txSlots = 4;
  config.loopSlots = 0;
  config.rangesMax = 16;
  config.sendersMax = 0;
  config.neighboursMax = 4;
  config.udpMax = 0;
  config.reassemblyMax = 0;
  const result = init(block);
  if (result < 0) return result;
  const listener = tcp_listen(0, 7, 4);
  return listener < 0 ? listener : 0;
}

function echo(connection: i32): void {
  for (;;) {
    const size = min(tcp_recv_span(connection), tcp_send_span(connection));
    if (size <= 0) break;
    memory.copy(tcp_send_at(connection), tcp_recv_at(connection), size);
    tcp_send_commit(connection, size);
    tcp_recv_consume(connection, size);
  }
  // The peer has closed, and everything went back; or it is over, and what is left to read goes nowhere.
  if (tcp_recv_size(connection) == 0 || tcp_send_room(connection) < 0) tcp_close(connection);
}

export function app_run(): i32 {
  let did = 0;
  for (let e = event_next(); e != 0; e = event_next()) {
    const handle = <i32>(e >> 32);
    if ((<u32>e & Event.ACCEPT) != 0) {
      for (let c = tcp_accept(handle); c > 0; c = tcp_accept(handle)) echo(c);
    } else {
      echo(handle);
    }
    did = 1;
  }
  return did;
}
