// An echo server for `stint link`: it declares the stack's calls as imports, as C does, and has none of its source.
// @ts-ignore: decorator
@external("stint", "configBlock") declare function configBlock(): usize;
// @ts-ignore: decorator
@external("stint", "init") declare function init(block: usize): i32;
// @ts-ignore: decorator
@external("stint", "tcp_listen") declare function tcp_listen(ip: u32, port: u32, backlog: u32): i32;
// @ts-ignore: decorator
@external("stint", "tcp_accept") declare function tcp_accept(listener: i32): i32;
// @ts-ignore: decorator
@external("stint", "tcp_recv") declare function tcp_recv(handle: i32, dst: usize, size: u32): i32;
// @ts-ignore: decorator
@external("stint", "tcp_send") declare function tcp_send(handle: i32, src: usize, size: u32): i32;
// @ts-ignore: decorator
@external("stint", "tcp_close") declare function tcp_close(handle: i32): i32;
// @ts-ignore: decorator
@external("stint", "event_next") declare function event_next(): u64;

const ARENA: usize = memory.data(160 * 1024, 8), BUFFER: usize = memory.data(256);
const HELLO: usize = memory.data<u8>([104, 101, 108, 108, 111, 10]);
/** Words of the configuration, as include/stint.h has them. */
const ARENA_BASE = 4, ARENA_SIZE = 8, CONNS_MAX = 40, SEND_RING = 56, RECV_RING = 60;
const ACCEPT: u32 = 2;
const AGAIN: i32 = -5;

export function app_start(block: usize): i32 {
  store<u32>(block + ARENA_BASE, <u32>ARENA);
  store<u32>(block + ARENA_SIZE, 160 * 1024);
  store<u32>(block + CONNS_MAX, 8);
  store<u32>(block + SEND_RING, 2048);
  store<u32>(block + RECV_RING, 2048);
  // The library's defaults are a desktop's.
  for (let word: usize = 64; word < 108; word += 4) store<u32>(block + word, LIMITS[<i32>((word - 64) >> 2)]);
  const result = init(block);
  if (result < 0) return result;
  const listener = tcp_listen(0, 7, 4);
  return listener < 0 ? listener : 0;
}

/**
 * rangesMax, sendersMax, rxSlots, txSlots, loopSlots, reassemblyMax, reassemblyBytes,
 * neighboursMax, udpMax, udpRing, prefixBuckets.
 */
const LIMITS: StaticArray<u32> = [64, 0, 8, 8, 0, 0, 0, 4, 0, 0, 0];

export function app_run(): i32 {
  let did = 0;
  for (let e = event_next(); e != 0; e = event_next()) {
    const handle = <i32>(e >> 32);
    if ((<u32>e & ACCEPT) != 0) {
      for (let c = tcp_accept(handle); c > 0; c = tcp_accept(handle)) tcp_send(c, HELLO, 6);
    } else {
      // 0: the peer has closed; below 0, but for AGAIN: it is over.
      let n = tcp_recv(handle, BUFFER, 256);
      while (n > 0) n = tcp_recv(handle, BUFFER, 256);
      if (n != AGAIN) tcp_close(handle);
    }
    did = 1;
  }
  return did;
}
