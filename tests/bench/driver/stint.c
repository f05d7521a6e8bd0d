/*
 * stint: as a native library loaded twice (symbols a_… and b_…), or in one module with this, over its memory (imports
 * from "a" and "b").
 */
#include <stdlib.h>
#include <string.h>

#include <stint.h>

#include "subject.h"

#ifdef __wasm__
#define CALL(side, result, name, export, ...) \
  extern __attribute__((import_module(#side), import_name(#export))) result side##_##name(__VA_ARGS__);
#else
#define CALL(side, result, name, export, ...) extern result side##_##name(__VA_ARGS__);
#endif
#define CALLS(side) \
  CALL(side, int64_t, stint_layout_size, layoutSize, struct stint_config *) \
  CALL(side, int32_t, stint_init, init, struct stint_config *) \
  CALL(side, int32_t, stint_poll, poll, uint64_t) \
  CALL(side, void *, stint_control_block, controlBlock, void) \
  CALL(side, int32_t, stint_tcp_listen, tcp_listen, uint32_t, uint32_t, uint32_t) \
  CALL(side, int32_t, stint_tcp_accept, tcp_accept, int32_t) \
  CALL(side, int32_t, stint_tcp_connect, tcp_connect, uint32_t, uint32_t, uint32_t, uint32_t) \
  CALL(side, int32_t, stint_tcp_send, tcp_send, int32_t, const void *, uint32_t) \
  CALL(side, int32_t, stint_tcp_send_span, tcp_send_span, int32_t) \
  CALL(side, int32_t, stint_tcp_send_commit, tcp_send_commit, int32_t, uint32_t) \
  CALL(side, int32_t, stint_tcp_recv, tcp_recv, int32_t, void *, uint32_t) \
  CALL(side, int32_t, stint_tcp_recv_span, tcp_recv_span, int32_t) \
  CALL(side, int32_t, stint_tcp_recv_consume, tcp_recv_consume, int32_t, uint32_t) \
  CALL(side, uint64_t, stint_event_next, event_next, void) \
  CALL(side, int32_t, stint_tcp_close, tcp_close, int32_t)
CALLS(a)
CALLS(b)
#ifndef STINT_SMALL
#define CALLS6(side) \
  CALL(side, int32_t, stint_ip6_start, ip6_start, void *) \
  CALL(side, int32_t, stint_ip6_add, ip6_add, void *, uint32_t, void *) \
  CALL(side, uint32_t, stint_ip6_name, ip6_name, void *)
CALLS6(a)
CALLS6(b)
#endif
#define ON(side, name, ...) ((side) == CLIENT ? a_##name(__VA_ARGS__) : b_##name(__VA_ARGS__))

#ifdef __wasm__
static void *at(int side, uint32_t address) {
  (void)side;
  return (void *)(uintptr_t)address;
}
#else
extern void *a_stint_at(uint32_t), *b_stint_at(uint32_t);
static void *at(int side, uint32_t address) { return ON(side, stint_at, address); }
#endif

static struct stint_ring *control[2];
static uint8_t *slots_in[2], *slots_out[2];
static uint32_t *lengths_in[2], *lengths_out[2];
/* One port of the server's cannot have more clients than the client has ports: the next one is taken then. */
enum { PORTS = 16, OF_A_PORT = 8192 };
static int32_t listeners[PORTS];
static uint32_t connected, accepting;

static uint32_t ip_of(int side) { return 0x0a000001u + (uint32_t)side; }

static struct stint_config configuration(int side, uint32_t connections, uint32_t ring) {
  struct stint_config c;
  memset(&c, 0, sizeof c);
  c.size = sizeof c;
  c.mtu = 1500;
  c.ip = ip_of(side), c.prefix = 24;
  c.macHigh = 0x02000000, c.macLow = 1 + (uint32_t)side;
  c.connsMax = connections < 4 ? 4 : connections, c.halfOpenMax = 256, c.timeWaitMax = 256, c.listenersMax = PORTS,
  c.sendRing = c.recvRing = ring, c.rangesMax = 1024;
#ifdef STINT_SMALL
  c.sendersMax = 0;
  c.policy = STINT_POLICY_SACK | STINT_POLICY_WINDOW_SCALE;
#else
  c.sendersMax = 128;
  c.policy = STINT_POLICY_SACK | STINT_POLICY_WINDOW_SCALE | STINT_POLICY_RACK | STINT_POLICY_TLP | STINT_POLICY_PRR |
             STINT_POLICY_UNDO | STINT_POLICY_CUBIC | STINT_POLICY_HYSTART;
#endif
  c.rxSlots = c.txSlots = SLOTS, c.neighboursMax = 4;
  c.cookies = STINT_COOKIES_NEVER, c.windowScale = 255, c.initialWindow = 10;
  c.rtoInitialMs = 1000, c.rtoMinMs = 300, c.rtoMaxMs = 60000, c.userTimeoutMs = 300000, c.synTimeoutMs = 180000,
  c.delayedAckMs = 40;
  c.timeWaitMs = 60000, c.finWait2Ms = 60000, c.synAckMs = 1000, c.synAckRetries = 5, c.halfOpenMs = 63000,
  c.challengeMax = 10, c.icmpRate = 100;
  c.neighbourMs = 60000, c.keepIdleS = 7200, c.keepIntervalS = 75, c.keepProbes = 9, c.ttl = 64, c.pathMtuMin = 552;
  c.synBurst = 64, c.prefixBurst = 16;
  for (uint64_t i = 0, drawn = 1 + (uint64_t)side; i < 4; i++)
    (&c.entropy0)[i] = drawn = drawn * 6364136223846793005u + 1442695040888963407u;
  return c;
}

static void start(int side, uint32_t connections, uint32_t ring) {
  struct stint_config c = configuration(side, connections, ring);
#ifdef __wasm__
  int64_t size = ON(side, stint_layout_size, &c);
  char *arena = size < 0 ? NULL : malloc((size_t)size + 8);
  if (arena == NULL) fail("no memory");
  c.arenaBase = ((uint32_t)(uintptr_t)arena + 7) & ~7u;
  c.arenaSize = (uint32_t)size;
#endif
  if (ON(side, stint_init, &c) != 0) fail("stint does not start");
  struct stint_ring *r = control[side] = ON(side, stint_control_block);
  slots_in[side] = (uint8_t *)at(side, r[0].slots) + STINT_FRAME_OFFSET,
  slots_out[side] = (uint8_t *)at(side, r[1].slots) + STINT_FRAME_OFFSET;
  lengths_in[side] = at(side, r[0].lengths), lengths_out[side] = at(side, r[1].lengths);
}

#ifndef STINT_SMALL
static uint8_t addresses6[2][16] = {{0xfd, [15] = 1}, {0xfd, [15] = 2}};

/* Both have an address once duplicate address detection is over. */
static void start6(void) {
  for (int side = CLIENT; side <= SERVER; side++) {
    ON(side, stint_poll, 0);
    if (ON(side, stint_ip6_start, NULL) != 0 || ON(side, stint_ip6_add, addresses6[side], 64, NULL) != 0)
      fail("IPv6 does not begin");
  }
  for (uint64_t at = 0; at < SETTLED_US; at += 10000) {
    for (int side = CLIENT; side <= SERVER; side++) {
      subject_poll(side, at);
      subject_cross(side, SLOTS);
    }
  }
}
#endif

void subject_start(uint32_t connections, uint32_t ring) {
  start(CLIENT, connections, ring);
  start(SERVER, connections, ring);
#ifndef STINT_SMALL
  if (family == 6) start6();
#endif
}

void subject_listen(void) {
  for (uint32_t i = 0; i < PORTS; i++) {
    listeners[i] = b_stint_tcp_listen(0, PORT + i, 64);
    if (listeners[i] < 0) fail("stint does not listen");
  }
}

conn subject_connect(void) {
  uint32_t server = ip_of(SERVER);
#ifndef STINT_SMALL
  if (family == 6) server = a_stint_ip6_name(addresses6[SERVER]);
#endif
  int32_t c = a_stint_tcp_connect(0, 0, server, PORT + connected++ / OF_A_PORT % PORTS);
  if (c < 0) fail("stint does not connect");
  return c;
}

conn subject_accept(void) {
  int32_t c = b_stint_tcp_accept(listeners[accepting]);
  /* They come in the order in which they were opened. */
  if (c < 0) c = b_stint_tcp_accept(listeners[accepting = (accepting + 1) % PORTS]);
  return c < 0 ? 0 : c;
}

uint32_t subject_send(int side, conn c, const uint8_t *from, uint32_t size) {
  int32_t n = ON(side, stint_tcp_send, (int32_t)c, from, size);
  return n < 0 ? 0 : (uint32_t)n;
}

uint32_t subject_recv(int side, conn c, uint8_t *to, uint32_t size) {
  int32_t n = ON(side, stint_tcp_recv, (int32_t)c, to, size);
  return n < 0 ? 0 : (uint32_t)n;
}

uint32_t subject_send_in_place(int side, conn c, uint32_t size) {
  uint32_t done = 0;
  for (int32_t span; done < size && (span = ON(side, stint_tcp_send_span, (int32_t)c)) > 0;) {
    uint32_t n = size - done < (uint32_t)span ? size - done : (uint32_t)span;
    ON(side, stint_tcp_send_commit, (int32_t)c, n);
    done += n;
  }
  return done;
}

uint32_t subject_recv_in_place(int side, conn c) {
  uint32_t done = 0;
  for (int32_t span; (span = ON(side, stint_tcp_recv_span, (int32_t)c)) > 0;) {
    ON(side, stint_tcp_recv_consume, (int32_t)c, (uint32_t)span);
    done += (uint32_t)span;
  }
  return done;
}

void subject_close(int side, conn c) {
  if (ON(side, stint_tcp_close, (int32_t)c) != 0) fail("stint does not close");
}

/* A full table of TIME-WAIT records gives the oldest one up. */
void subject_recycle(int first, const conn *clients, const conn *servers, uint32_t n) {
  (void)first, (void)clients, (void)servers, (void)n;
}

void subject_poll(int side, uint64_t now_us) {
  ON(side, stint_poll, now_us);
  while (ON(side, stint_event_next) != 0) continue;
}

uint32_t subject_cross(int from, uint32_t max) {
  struct stint_ring *out = control[from] + 1, *in = control[1 - from];
  uint32_t n = 0;
  for (; n < max && out->head != out->tail && in->tail - in->head <= in->mask; n++) {
    uint32_t o = out->head & out->mask, i = in->tail & in->mask, size = lengths_out[from][o];
    memcpy(slots_in[1 - from] + i * in->stride, slots_out[from] + o * out->stride, size);
    lengths_in[1 - from][i] = size;
    out->head++;
    in->tail++;
  }
  return n;
}

uint32_t subject_bytes(void) {
  enum { MORE = 1000, RINGS = 128 };
  struct stint_config few = configuration(CLIENT, 1000, RINGS / 2),
                      many = configuration(CLIENT, 1000 + MORE, RINGS / 2);
  return (uint32_t)(a_stint_layout_size(&many) - a_stint_layout_size(&few)) / MORE - RINGS;
}

void subject_idle(void) {}
