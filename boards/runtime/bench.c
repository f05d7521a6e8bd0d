/*
 * What the stack costs, in ticks of hal_ticks: a peer inside the firmware opens connections and moves segments of 1460
 * bytes. It ends by itself. Under QEMU's -icount ticks are instructions, and repeatable (npm run board -- NAME
 * --bench).
 */
#include "firmware.h"

enum { HANDSHAKES = 64, SEGMENTS = 256, MSS = 1460, ECHO = 7, DISCARD = 9 };
enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16 };

static uint8_t frame[1514 + 2] __attribute__((aligned(4)));
static uint32_t client, server;
static uint32_t seq, ack;
static uint16_t port = 40000;

static void put16(uint8_t *at, uint32_t v) {
  at[0] = (uint8_t)(v >> 8);
  at[1] = (uint8_t)v;
}

static void put32(uint8_t *at, uint32_t v) {
  put16(at, v >> 16);
  put16(at + 2, v);
}

static uint32_t get32(const uint8_t *at) {
  return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static uint32_t sum(const uint8_t *at, uint32_t size, uint32_t s) {
  for (uint32_t i = 0; i < size; i += 2) s += (uint32_t)at[i] << 8 | (i + 1 < size ? at[i + 1] : 0);
  return s;
}

static uint32_t fold(uint32_t s) {
  s = (s & 0xffff) + (s >> 16);
  s = (s & 0xffff) + (s >> 16);
  return ~s & 0xffff;
}

/* A segment from the client, behind two bytes of padding. Returns the frame's length. */
static uint32_t segment(uint16_t to, uint32_t flags, uint32_t text) {
  uint8_t *eth = frame + 2, *ip = eth + 14, *tcp = ip + 20;
  uint32_t options = (flags & SYN) != 0 ? 4 : 0, size = 20 + options + text;
  memset(frame, 0, 2 + 14 + 20 + 24);
  memmove(eth, stint_mac, 6);
  eth[6] = 2;
  eth[11] = 1;
  put16(eth + 12, 0x0800);
  ip[0] = 0x45;
  put16(ip + 2, 20 + size);
  ip[6] = 0x40;
  ip[8] = 64;
  ip[9] = 6;
  put32(ip + 12, client);
  put32(ip + 16, server);
  put16(ip + 10, fold(sum(ip, 20, 0)));
  put16(tcp, port);
  put16(tcp + 2, to);
  put32(tcp + 4, seq);
  put32(tcp + 8, (flags & ACK) != 0 ? ack : 0);
  tcp[12] = (uint8_t)((20 + options) << 2);
  tcp[13] = (uint8_t)flags;
  put16(tcp + 14, 65535);
  if (options != 0) put32(tcp + 20, 0x02040000 | MSS);
  put16(tcp + 16, fold(sum(tcp, size, sum(ip + 12, 8, 6 + size))));
  seq += text + ((flags & (SYN | FIN)) != 0 ? 1 : 0);
  return 34 + size;
}

/* Puts the frame into the ring, polls, and runs the services. Returns the ticks that it took. */
static uint32_t turn(uint32_t size) {
  /* An interpreter takes longer than a watchdog waits. */
  static uint32_t turns;
  if (++turns % 32 == 0) hal_idle(hal_now_us() + 10);
  if (size != 0) module_frame_in(frame + 2, size);
  uint32_t began = hal_ticks();
  module_turn();
  return hal_ticks() - began;
}

/* Takes the frames that came out; `ack` follows them. Returns the number of segments with text. */
static uint32_t take(void) {
  uint32_t segments = 0, size;
  const uint8_t *out;
  while ((out = module_frame_out(&size)) != NULL) {
    if (size < 54 || out[12] != 8 || out[13] != 0 || out[23] != 6) continue;
    const uint8_t *ip = out + 14, *tcp = ip + 20;
    uint32_t text = ((uint32_t)ip[2] << 8 | ip[3]) - 20 - (uint32_t)(tcp[12] >> 4) * 4;
    ack = get32(tcp + 4) + text + ((tcp[13] & (SYN | FIN)) != 0 ? 1 : 0);
    if (text != 0) segments++;
  }
  return segments;
}

/* Opens a connection. Returns the ticks for the two segments that come in and the one that goes out. */
static uint32_t connect_to(uint16_t to) {
  port++;
  seq = 1000;
  uint32_t ticks = turn(segment(to, SYN, 0));
  take();
  ticks += turn(segment(to, ACK, 0));
  take();
  return ticks;
}

static void result(const char *what, uint32_t ticks, uint32_t count) {
  say("bench ");
  say(what);
  say(" ");
  say_number(ticks);
  say(" ");
  say_number(count);
  say("\n");
}

_Noreturn void bench(void) {
  server = STINT_IP;
  client = server ^ 3;
  /* The client asks for the server's address, so each knows the other's. */
  memset(frame, 0, sizeof frame);
  uint8_t *arp = frame + 2 + 14;
  memset(frame + 2, 0xff, 6);
  frame[8] = 2;
  frame[13] = 1;
  put16(frame + 14, 0x0806);
  put32(arp, 0x00010800);
  put32(arp + 4, 0x06040001);
  arp[8] = 2;
  arp[13] = 1;
  put32(arp + 14, client);
  put32(arp + 24, server);
  turn(42);
  take();

  uint32_t ticks = 0;
  for (int i = 0; i < HANDSHAKES; i++) {
    ticks += connect_to(ECHO);
    turn(segment(ECHO, RST | ACK, 0));
    take();
  }
  result("handshake", ticks, HANDSHAKES);

  connect_to(DISCARD);
  ticks = 0;
  for (int i = 0; i < SEGMENTS; i++) {
    ticks += turn(segment(DISCARD, ACK | PSH, MSS));
    take();
  }
  result("received", ticks, SEGMENTS);
  turn(segment(DISCARD, RST | ACK, 0));

  /* An application that has its text in the ring already: sending it, and taking in its acknowledgment. */
  connect_to(ECHO);
  uint32_t sent = 0;
  ticks = 0;
  while (sent < SEGMENTS) {
    module_queue(MSS);
    ticks += turn(0);
    sent += take();
    ticks += turn(segment(ECHO, ACK, 0));
    sent += take();
  }
  result("sent", ticks, sent);
  hal_exit(0);
}
