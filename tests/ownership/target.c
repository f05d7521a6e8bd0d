/*
 * The stack under libFuzzer and AddressSanitizer, which is told whose memory is what (assembly/core/own.ts). An input
 * is a configuration out of the whole space of config.ts, with an arena as large as asked and not a byte more, and then
 * frames, calls and time. What is made of it knows enough of TCP for connections to open: the stack's sequence numbers
 * and timestamps are followed, checksums are right unless they are spoilt. The peer of some inputs speaks IPv6.
 *
 * STINT_FRAMES in the environment: as many frames, and the program ends well.
 */
#include <sanitizer/asan_interface.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MEMORY_SIZE (4u << 20)
#include "wasm.h"

u8 wasm_memory[MEMORY_SIZE] __attribute__((aligned(4096)));

static u64 native_sum(u32 at, u32 size) {
  const u8 *from = wasm_memory + at;
  u64 sum = 0;
  for (; size >= 4; size -= 4, from += 4) {
    u32 x;
    memcpy(&x, from, 4);
    sum += x;
  }
  if (size >= 2) {
    sum += (u64)from[0] | (u64)from[1] << 8;
    from += 2;
  }
  return size & 1 ? sum + *from : sum;
}

static u64 native_copy_sum(u32 to, u32 from, u32 size) {
  memcpy(wasm_memory + to, wasm_memory + from, size);
  return native_sum(from, size);
}

/* The module's own tables, which a caller may name, lie at the beginning. */
static u32 data_end;
static void native_own_allow(u32 at, u32 size) { ASAN_UNPOISON_MEMORY_REGION(wasm_memory + at, size); }
static void native_own_forbid(u32 at, u32 size) {
  if (at < data_end) return;
  ASAN_POISON_MEMORY_REGION(wasm_memory + at, size);
}
static void native_own_begin(u32 at, u32 size, u32 data) {
  (void)at, (void)size;
  data_end = data;
  ASAN_POISON_MEMORY_REGION(wasm_memory, MEMORY_SIZE);
  ASAN_UNPOISON_MEMORY_REGION(wasm_memory + 16, data - 16);
}

#include "module.c"

#include "bounds.h"
#include "stint.h"

_Noreturn void wasm_trap(enum wasm_trap why) {
  static const char *const words[] = {"", "an access out of bounds", "an assertion that does not hold",
                                      "a division by zero"};
  fprintf(stderr, "stint: %s\n", words[why]);
  abort();
}
_Noreturn void trap_bounds(void) { wasm_trap(TRAP_OUT_OF_BOUNDS); }

/* The host's own accesses to the stack's memory: it may touch what the stack may not. */
#define HOST __attribute__((no_sanitize("address"), noinline))
HOST static u32 peek(u32 at) {
  u32 x = 0;
  for (u32 i = 0; i < 4; i++) x |= (u32)((volatile u8 *)wasm_memory)[at + i] << 8 * i;
  return x;
}
HOST static void poke(u32 at, u32 x) {
  for (u32 i = 0; i < 4; i++) ((volatile u8 *)wasm_memory)[at + i] = (u8)(x >> 8 * i);
}
typedef volatile u64 wide __attribute__((aligned(1), may_alias));
HOST static void copy(u8 *to, const u8 *from, u32 size) {
  for (; size >= 8; size -= 8, to += 8, from += 8) *(wide *)to = *(const wide *)from;
  for (; size > 0; size--) *(volatile u8 *)to++ = *(const volatile u8 *)from++;
}
static void put(u32 at, const u8 *from, u32 size) { copy(wasm_memory + at, from, size); }
static void get(u8 *to, u32 at, u32 size) { copy(to, wasm_memory + at, size); }

/* The input, out of which every choice is made; beyond its end everything is 0. */
static const u8 *input;
static size_t left;
static u32 u8_(void) { return left == 0 ? 0 : (left--, *input++); }
static u32 u16_(void) { return u8_() << 8 | u8_(); }
static u32 u32_(void) { return u16_() << 16 | u16_(); }
static u32 below(u32 n) { return u8_() % n; }

/* Figures, printed at the end, and after so many frames. */
#define TOLD_EVERY 10000000u
static u64 frames, frames_max = UINT64_MAX, inputs, refused, accepted, largest, to_ourselves, leases, names, accepted6,
                   mdns_starts;
static void figures(void) {
  fprintf(stderr,
          "ownership: %llu frames, %llu inputs, %llu configurations refused, %llu connections accepted, "
          "%llu of them from ourselves, %llu fragments at an end of 65,516 bytes or more, "
          "%llu leases renewed, %llu names answered, %llu connections accepted over IPv6, %llu own names begun\n",
          (unsigned long long)frames, (unsigned long long)inputs, (unsigned long long)refused,
          (unsigned long long)accepted, (unsigned long long)to_ourselves, (unsigned long long)largest,
          (unsigned long long)leases, (unsigned long long)names, (unsigned long long)accepted6,
          (unsigned long long)mdns_starts);
}

/* The arena begins somewhere; callers' memory lies far behind it. */
#define SCRATCH (MEMORY_SIZE - 0x30000u)
#define SCRATCH_SIZE 0x20000u
#define ARENA_MAX (SCRATCH - 0x20000u)
#define STACK_IP 0x0a000001u
#define PEER_IP 0x0a000002u
#define CONNS 4u
#define SIZE_MAX_FRAME 65600u

/* What a peer knows of a connection. */
struct conn {
  u32 sport, dport;
  u32 seq, ack, ts;
  u32 mss;
  int32_t handle;
};

static struct conn conns[CONNS];
static u64 now;
static int32_t listener, udp;
static u32 control, mtu;
/* Whether the last open was to ourselves; whether the peer speaks IPv6. */
static u32 alone, six;
static u8 frame[SIZE_MAX_FRAME + 64];

/* Configurations */

/* Small tables, so that they run out. Everything from `mtu` to `firstByteMs`. */
static const struct stint_config USUAL = {
    .macHigh = 0x02000000,
    .macLow = 1,
    .ip = STACK_IP,
    .prefix = 24,
    .gateway = 0x0a0000fe,
    .mtu = 1500,
    .connsMax = 4,
    .halfOpenMax = 4,
    .timeWaitMax = 3,
    .listenersMax = 2,
    .sendRing = 4096,
    .recvRing = 4096,
    .rangesMax = 24,
    .sendersMax = 3,
    .rxSlots = 8,
    .txSlots = 8,
    .loopSlots = 4,
    .reassemblyMax = 2,
    .reassemblyBytes = 4096,
    .neighboursMax = 8,
    .udpMax = 2,
    .udpRing = 2048,
    .prefixBuckets = 16,
    .fastOpenCookies = 3,
    .policy = 0x03ff8047,
    .cookies = 1,
    .windowScale = 255,
    .initialWindow = 10,
    .rtoInitialMs = 1000,
    .rtoMinMs = 300,
    .rtoMaxMs = 60000,
    .userTimeoutMs = 100000,
    .synTimeoutMs = 180000,
    .delayedAckMs = 40,
    .timeWaitMs = 60000,
    .finWait2Ms = 60000,
    .synAckMs = 1000,
    .synAckRetries = 5,
    .halfOpenMs = 60000,
    .challengeMax = 10,
    .icmpRate = 100,
    .neighbourMs = 60000,
    .keepIdleS = 7200,
    .keepIntervalS = 75,
    .keepProbes = 9,
    .ttl = 64,
    .pathMtuMin = 552,
    .synBurst = 10,
    .prefixBurst = 10,
    .fastOpenMax = 2,
};

/* The largest that is taken, and the payload from which on a total length would not fit into 16 bits. */
#define REASSEMBLY_MOST 65520u
#define REASSEMBLY_WRAPS 65516u

/* A number of the space that has a least value and so many bits. */
static u32 drawn(u32 least, u32 bits, u32 usual) {
  u32 top = bits == 0 ? 0 : (u32)((1ull << bits) - 1);
  switch (u8_() & 15) {
    case 8: return least;
    case 9: return least + 1;
    case 10: return top;
    case 11: return least + below(16);
    case 12: return u32_() & top >> below(bits + 1);
    case 13: return 1u << below(bits + 1);
    case 14: return usual + below(16);
    case 15: return usual - below(16);
    default: return usual;
  }
}

static u32 power(u32 x, u32 least) {
  while ((x & (x - 1)) != 0) x &= x - 1;
  return x < least ? least : x;
}

/* Most numbers are made to fit together, for what is refused tests little. */
static void fit(struct stint_config *c) {
  u32 *words = &c->mtu;
  for (u32 i = 0; i < BOUNDS_COUNT; i++) {
    u32 top = bounds[i].bits == 0 ? 0 : (u32)((1ull << bounds[i].bits) - 1);
    if (words[i] > top) words[i] = top;
    if (words[i] < bounds[i].least) words[i] = bounds[i].least;
  }
  c->sendRing &= ~3u, c->recvRing &= ~3u, c->udpRing &= ~3u, c->reassemblyBytes &= ~7u;
  if (c->udpMax != 0 && c->udpRing < 64) c->udpRing = 64;
  c->rxSlots = power(c->rxSlots, 1), c->txSlots = power(c->txSlots, 1), c->loopSlots = power(c->loopSlots, 0),
  c->neighboursMax = power(c->neighboursMax, 4);
  if (c->loopSlots == 1) c->loopSlots = 2;
  c->prefixBuckets = power(c->prefixBuckets, 0);
  if (c->prefixBuckets == 0) c->prefixRate = 0;
  if (c->mss > c->mtu - 40) c->mss = c->mtu - 40;
  if (c->pathMtuMin > c->mtu) c->pathMtuMin = c->mtu;
  if (c->rtoMaxMs < c->rtoMinMs) c->rtoMaxMs = c->rtoMinMs;
  if (c->rtoMaxMs < c->rtoInitialMs) c->rtoMaxMs = c->rtoInitialMs;
  if (c->delayedAckMs > 499) c->delayedAckMs = 499;
  /* The ring is a unit of the window at least. */
  if (c->windowScale > 14) c->windowScale = 255;
  while (c->windowScale < 15 && c->recvRing >> c->windowScale == 0) c->windowScale--;
  if (c->cookies > 2) c->cookies = 1;
  if (c->reassemblyBytes > REASSEMBLY_MOST) c->reassemblyBytes = REASSEMBLY_MOST;
  if (c->appBytes > 4096) c->appBytes = 4096;
  if (c->prefix > 32) c->prefix = 24;
  /* An address that is the subnet's own broadcast, or the gateway's, is nobody's. */
  if (c->gateway == c->ip) c->gateway = 0;
}

/* What is too large for the memory here: tables and rings get smaller until it is not. */
static void shrink(struct stint_config *c) {
  u32 *sizes[] = {&c->connsMax,      &c->halfOpenMax, &c->timeWaitMax,   &c->sendRing,     &c->recvRing,
                  &c->rangesMax,     &c->sendersMax,  &c->rxSlots,       &c->txSlots,      &c->loopSlots,
                  &c->neighboursMax, &c->udpRing,     &c->prefixBuckets, &c->listenersMax, &c->udpMax};
  const u32 most[] = {8, 64, 64, 16384, 16384, 256, 16, 8, 8, 4, 64, 16384, 256, 16, 8};
  for (u32 i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    if (*sizes[i] > most[i]) *sizes[i] = most[i];
  }
  if (c->reassemblyMax > 4) c->reassemblyMax = 4;
}

static void configure(struct stint_config *c) {
  *c = USUAL;
  u32 words[sizeof *c / 4], how = u8_();
  /* What takes several numbers at once. */
  if ((how & 6) == 6) c->reassemblyBytes = REASSEMBLY_MOST - (how >> 3 & 3) * 8, c->reassemblyMax = 1 + (how >> 5 & 1);
  if ((how & 0x86) == 0x86) c->mtu = 65535;
  if ((how & 6) == 4) c->prefix = 30 + (how >> 3 & 3), c->gateway = how & 0x20 ? PEER_IP : 0;
  if ((how & 6) == 2) c->clockOffsetLow = how * 0x01010101u, c->clockOffsetHigh = how & 8 ? ~0u : 0;
  memcpy(words, c, sizeof *c);
  if (how & 1) {
    /* Few of them, or all. */
    u32 often = below(4);
    for (u32 i = 0; i < BOUNDS_COUNT; i++) {
      if (often == 0 || u8_() % (often * 4) == 0)
        words[BOUNDS_FIRST + i] = drawn(bounds[i].least, bounds[i].bits, words[BOUNDS_FIRST + i]);
    }
    memcpy(c, words, sizeof *c);
    if (u8_() % 8 != 0) fit(c);
  }
}

/* Starts the stack with the configuration. Returns whether it was taken. */
static int start(struct stint_config *c, u32 base) {
  u32 block = module_configBlock();
  ASAN_UNPOISON_MEMORY_REGION(wasm_memory, MEMORY_SIZE);
  put(block, (u8 *)c, sizeof *c);
  s64 size = (s64)module_layoutSize(block);
  if (size > (s64)ARENA_MAX || size == STINT_ERR_NO_MEMORY) {
    shrink(c);
    put(block, (u8 *)c, sizeof *c);
    size = (s64)module_layoutSize(block);
  }
  if (size < 0 || size > (s64)ARENA_MAX) return 0;
  c->arenaBase = base;
  c->arenaSize = (u32)size;
  put(block, (u8 *)c, sizeof *c);
  if ((s32)module_init(block) != 0) return 0;
  control = module_controlBlock();
  mtu = c->mtu;
  return 1;
}

static void complete(struct stint_config *c) {
  c->size = sizeof *c;
  c->memoryBytes = MEMORY_SIZE - 256;
  for (u32 i = 0; i < 32; i++) ((u8 *)&c->entropy0)[i] = (u8)(i * 37 + i * i * 11 + 5);
}

/* Lays the stack out. A configuration that is refused ends nothing, or most inputs would be short. */
static void begin(void) {
  struct stint_config c;
  u32 where = u8_(), base = 0x2000 + 8 * (where % 64);
  configure(&c);
  complete(&c);
  if (!start(&c, base)) {
    refused++;
    c = USUAL;
    complete(&c);
    if (!start(&c, base)) abort();
  }
  six = where >= 192 && mtu >= 1280;
}

/* Frames */

static void w16(u8 *at, u32 x) { at[0] = (u8)(x >> 8), at[1] = (u8)x; }
static void w32(u8 *at, u32 x) { w16(at, x >> 16), w16(at + 2, x); }
static u32 r16(const u8 *at) { return (u32)at[0] << 8 | at[1]; }
static u32 r32(const u8 *at) { return r16(at) << 16 | r16(at + 2); }

static u32 sum(const u8 *at, u32 size, u32 from) {
  u64 s = from;
  for (u32 i = 0; i + 1 < size; i += 2) s += r16(at + i);
  if (size & 1) s += (u32)at[size - 1] << 8;
  while (s >> 16) s = (s & 0xffff) + (s >> 16);
  return (u32)s;
}

/* An address of the other family, which ends with the IPv4 one. */
static const u8 PREFIX[12] = {0x20, 0x01, 0x0d, 0xb8, 0, 1};
static u8 *address6(u8 *at, u32 ip) {
  memcpy(at, PREFIX, 12);
  w32(at + 12, ip);
  return at + 16;
}

static u32 pseudo6(const u8 *addresses, u32 protocol, u32 size) { return sum(addresses, 32, protocol + size); }

static u32 pseudo(u32 src, u32 dst, u32 protocol, u32 size) {
  u8 both[32];
  address6(address6(both, src), dst);
  if (six) return pseudo6(both, protocol, size);
  return sum((u8[]){0}, 0, (src >> 16) + (src & 0xffff) + (dst >> 16) + (dst & 0xffff) + protocol + size);
}

static void poll_(void);
static void seen_client(const u8 *f, u32 size);

static void count_frame(void) {
  if (++frames % TOLD_EVERY == 0) figures();
  if (frames < frames_max) return;
  figures();
  _exit(0);
}

/* ICMP's echoes and errors, as ICMPv6 has them: the whole message is there, and its sum is made anew. */
static void icmp6(u8 *d, u32 size, const u8 *addresses) {
  static const u8 types[] = {129, 1, 1, 1, 2, 1, 1, 1, 128, 1, 1, 3, 4};
  if (size < 8) return;
  u32 is_error = d[0] != 0 && d[0] != 8;
  d[0] = d[0] < sizeof types ? types[d[0]] : 4;
  if (is_error && size >= 8 + 48) {
    u8 *q = d + 8, upper[8];
    memcpy(upper, q + 20, 8);
    u32 protocol = q[9];
    memset(q, 0, 48);
    q[0] = 0x60, w16(q + 4, 60), q[6] = (u8)protocol, q[7] = 64;
    memcpy(q + 8, addresses + 16, 16), memcpy(q + 24, addresses, 16), memcpy(q + 40, upper, 8);
  }
  w16(d + 2, 0);
  w16(d + 2, ~sum(d, size, pseudo6(addresses, 58, size)));
}

/* An IPv4 packet in the frame becomes one of IPv6, if it fits: options a header of options, a part a Fragment header.
 */
static u32 to_six(u32 size) {
  if (!six || size < 34 || r16(frame + 12) != 0x0800) return size;
  u8 old[60], *h = frame + 14;
  u32 header = (u32)(h[0] & 15) * 4, payload = size - 14 - header, more = header - 20, at = 54;
  memcpy(old, h, header);
  u32 fragment = r16(old + 6), part = (fragment & 0x3fff) != 0, extra = (more == 0 ? 0 : (more + 9) & ~7u) + 8 * part;
  if (payload + 40 + extra > mtu) return size;
  memmove(frame + at + extra, frame + 14 + header, payload);
  memset(h, 0, 40 + extra);
  h[0] = 0x60, w16(h + 4, payload + extra), h[7] = old[8];
  address6(address6(h + 8, r32(old + 12)), r32(old + 16));
  u32 next = old[9] == 1 ? 58 : old[9];
  u8 *named = h + 6;
  if (more != 0) {
    *named = old[20] & 1 ? 0 : 60, named = frame + at;
    frame[at + 1] = (u8)(((more + 9) >> 3) - 1);
    memcpy(frame + at + 2, old + 20, more);
    at += (more + 9) & ~7u;
  }
  if (part) {
    *named = 44, named = frame + at;
    w16(frame + at + 2, (fragment & 0x1fff) << 3 | (fragment >> 13 & 1)), w32(frame + at + 4, r16(old + 4));
    at += 8;
  }
  *named = (u8)next;
  w16(frame + 12, 0x86dd);
  if (next == 58 && !part) icmp6(frame + at, payload, h + 8);
  /* Over IPv6 a datagram has a sum. */
  if (next == 17 && !part && payload >= 8 && r16(frame + at + 6) == 0)
    w16(frame + at + 6, ~sum(frame + at, payload, pseudo6(h + 8, 17, payload)));
  return at + payload;
}

/* Gives the frame of `size` bytes to the stack. */
static void push(u32 size) {
  size = to_six(size);
  /* What is beyond the end of the input spoils nothing. */
  u32 how = u8_();
  if (how >= 0xfc) size = u16_() % (size + 1);
  else if (how >= 0xf6 && size > 14) frame[14 + (how & 1 ? u8_() : u16_()) % (size - 14)] ^= (u8)(1 + u8_());
  struct stint_ring in;
  get((u8 *)&in, control, sizeof in);
  if (in.tail - in.head > in.mask) return;
  /* What a host cannot put into a slot it does not put there. */
  if (size > mtu + 14) size = mtu + 14;
  count_frame();
  put(in.slots + (in.tail & in.mask) * in.stride + STINT_FRAME_OFFSET, frame, size);
  poke(in.lengths + 4 * (in.tail & in.mask), size);
  poke(control + offsetof(struct stint_ring, tail), in.tail + 1);
  if (how % 8 != 5) poll_();
}

static void ethernet(u32 type) {
  static const u8 to[] = {2, 0, 0, 0, 0, 1}, from[] = {2, 0, 0, 0, 0, 2};
  memcpy(frame, to, 6);
  memcpy(frame + 6, from, 6);
  w16(frame + 12, type);
}

/* An IP header before `size` bytes of payload. Returns the size of its options, too. */
static void ip(u32 src, u32 dst, u32 protocol, u32 size, u32 id, u32 fragment, u32 options) {
  ethernet(0x0800);
  u8 *h = frame + 14;
  memset(h, 0, 20 + options);
  h[0] = (u8)(0x45 + options / 4);
  w16(h + 2, 20 + options + size);
  w16(h + 4, id);
  w16(h + 6, fragment);
  h[8] = 64;
  h[9] = (u8)protocol;
  w32(h + 12, src);
  w32(h + 16, dst);
  for (u32 i = 0; i < options; i++) h[20 + i] = (u8)u8_();
  w16(h + 10, ~sum(h, 20 + options, 0));
}

static void arp(u32 op, u32 from, u32 target) {
  ethernet(0x0806);
  u8 *a = frame + 14;
  w16(a, 1), w16(a + 2, 0x0800), a[4] = 6, a[5] = 4, w16(a + 6, op);
  memcpy(a + 8, frame + 6, 6);
  a[13] = (u8)from;
  w32(a + 14, from);
  memset(a + 18, 0, 6);
  w32(a + 24, target);
  push(14 + 28);
}

/* A message of neighbour discovery, of `size` bytes that lie behind an IPv6 header in the frame. */
static void discovery(u32 from, const u8 *to, u32 size, u32 hops) {
  u8 *h = frame + 14;
  ethernet(0x86dd);
  if (to[0] == 0xff) w16(frame, 0x3333), memcpy(frame + 2, to + 12, 4);
  memset(h, 0, 24);
  h[0] = 0x60, w16(h + 4, size), h[6] = 58, h[7] = (u8)hops;
  /* From the link-local address of a router, from nobody, or from a neighbour. */
  if (from == 0) h[8] = 0xfe, h[9] = 0x80, h[23] = 1;
  else if (from != ~0u) address6(h + 8, from);
  memcpy(h + 24, to, 16);
  w16(frame + 56, 0);
  w16(frame + 56, ~sum(frame + 54, size, pseudo6(h + 8, 58, size)));
  push(54 + size);
}

static const u8 ALL_NODES[16] = {0xff, 2, [15] = 1};

/* One option that makes sense, or nearly. */
static u32 discovery_option(u8 *at) {
  u32 kind = (const u32[]){1, 2, 3, 5, 14, 25}[below(6)], size = kind == 3 ? 4 : kind == 25 ? 1 + 2 * below(4) : 1;
  memset(at, 0, 8 * size);
  at[0] = (u8)kind, at[1] = (u8)(u8_() % 16 ? size : u8_());
  if (kind < 3) memcpy(at + 2, frame + 6, 6), at[7] = (u8)u8_();
  if (kind == 3) {
    at[2] = (u8)(u8_() % 4 ? 64 : u8_()), at[3] = (u8)u8_();
    w32(at + 4, (const u32[]){3600, 5, 0, ~0u}[below(4)]), w32(at + 8, (const u32[]){1800, 5, 0, ~0u}[below(4)]);
    memcpy(at + 16, PREFIX, 6), at[21] = (u8)below(16);
  }
  if (kind == 5) w32(at + 4, (const u32[]){1280, 1500, 0, 65535}[below(4)]);
  for (u32 i = 8; kind == 25 && i + 16 <= 8 * size; i += 16) address6(at + i, PEER_IP + below(4));
  if (kind == 25) w32(at + 4, (const u32[]){600, 5, 0, ~0u}[below(4)]);
  return 8 * size;
}

static void neighbours(void) {
  u8 *m = frame + 54, to[16];
  u32 how = u8_(), type = (const u32[]){134, 134, 135, 136, 130, 137, 133, 143}[how & 7], size = type == 134 ? 16 : 24;
  ethernet(0x86dd);
  memset(m, 0, 28);
  m[0] = (u8)type;
  if (type == 134) m[4] = (u8)u8_(), m[5] = (u8)u8_(), w16(m + 6, (const u32[]){1800, 5, 0, 65535}[below(4)]);
  else if (type == 136) m[4] = (u8)(u8_() << 5);
  else if (type == 130) w16(m + 4, u16_()), size = how & 8 ? 24 : 28;
  if (type == 135 || type == 136) address6(m + 8, how & 16 ? STACK_IP : PEER_IP + below(8));
  if (type != 130) {
    for (u32 n = below(5); n > 0; n--) size += discovery_option(m + size);
  }
  address6(to, STACK_IP);
  discovery(how & 32   ? PEER_IP + below(8)
            : how & 64 ? ~0u
                       : 0,
            how & 128 ? to : ALL_NODES, size, u8_() % 8 ? (type == 130 ? 1 : 255) : u8_());
}

enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16, URG = 32, ECE = 64, CWR = 128 };

/* Options that make sense, at `at`: their size, a multiple of 4. */
static u32 options(u8 *at, struct conn *c, u32 flags) {
  u32 n = 0, with = u8_();
  if (flags & SYN) {
    if (with & 1)
      at[n] = 2, at[n + 1] = 4, w16(at + n + 2, c->mss = (const u32[]){1460, 536, 48, 0, 65535, 100, 8, 1}[below(8)]),
      n += 4;
    if (with & 2) at[n] = 4, at[n + 1] = 2, n += 2;
    if (with & 4) at[n] = 3, at[n + 1] = 3, at[n + 2] = (u8)below(16), n += 3;
    if (with & 16) {
      u32 size = below(16);
      at[n] = 34, at[n + 1] = (u8)(2 + size);
      for (u32 i = 0; i < size; i++) at[n + 2 + i] = (u8)i;
      n += 2 + size;
    }
  } else if ((with & 0xc0) == 0xc0) {
    u32 blocks = below(4);
    at[n] = 5, at[n + 1] = (u8)(2 + 8 * blocks), n += 2;
    for (u32 i = 0; i < blocks; i++, n += 8) {
      u32 start = c->ack - u16_() % 4096;
      w32(at + n, start), w32(at + n + 4, start + u16_() % 4096);
    }
  }
  if ((with & 8) && n <= 30)
    at[n] = 8, at[n + 1] = 10, w32(at + n + 2, (u32)(now >> 10)), w32(at + n + 6, c->ts), n += 10;
  while (n & 3) at[n++] = 1;
  return n > 40 ? 40 : n;
}

/* A segment of the connection's, as it is or nearly. */
static void segment(struct conn *c, u32 flags, u32 seq, u32 ack, u32 size) {
  u8 *t = frame + 34;
  u32 n = options(t + 20, c, flags);
  if (size > SIZE_MAX_FRAME - 100) size = SIZE_MAX_FRAME - 100;
  u32 head = six ? 60 : 40;
  if (size + n + head > mtu) size = mtu < n + head ? 0 : mtu - n - head;
  w16(t, c->sport), w16(t + 2, c->dport), w32(t + 4, seq), w32(t + 8, ack);
  t[12] = (u8)((20 + n) << 2), t[13] = (u8)flags;
  w16(t + 14, u8_() % 4 == 0 ? u16_() : 65535);
  w16(t + 16, 0);
  w16(t + 18, flags & URG ? u16_() : 0);
  memset(t + 20 + n, 0x5a, size);
  ip(PEER_IP, STACK_IP, 6, 20 + n + size, 0, 0x4000, 0);
  w16(t + 16, ~sum(t, 20 + n + size, pseudo(PEER_IP, STACK_IP, 6, 20 + n + size)));
  push(54 + n + size);
}

/* What the stack sent: a peer that follows. */
static void seen(const u8 *f, u32 size) {
  if (size >= 42 && r16(f + 12) == 0x0806 && r16(f + 20) == 1 && r32(f + 38) != STACK_IP) {
    if (u8_() % 16 != 15) arp(2, r32(f + 38), STACK_IP);
    return;
  }
  if (size >= 86 && r16(f + 12) == 0x86dd && f[20] == 58 && f[54] == 135 && f[22] != 0) {
    u8 to[16];
    memcpy(to, f + 22, 16);
    if (u8_() % 16 == 15) return;
    memset(frame + 54, 0, 32);
    frame[54] = 136, frame[58] = 0x60, memcpy(frame + 62, f + 62, 16), frame[78] = 2, frame[79] = 1;
    memcpy(frame + 80, (const u8[]){2, 0, 0, 0, 0, 2}, 6);
    discovery(r32(f + 74), to, 32, 255);
    return;
  }
  if (size >= 54 && r16(f + 12) == 0x0800 && f[23] == 17) seen_client(f, size);
  u32 is6 = size >= 74 && r16(f + 12) == 0x86dd && f[20] == 6;
  if (!is6 && (size < 54 || r16(f + 12) != 0x0800 || f[23] != 6)) return;
  const u8 *t = f + (is6 ? 54 : 34);
  u32 header = (u32)(t[12] >> 4) * 4, text = (is6 ? r16(f + 18) : r16(f + 16) - 20u) - header;
  for (u32 i = 0; i < CONNS; i++) {
    struct conn *c = &conns[i];
    if (r16(t) != c->dport || r16(t + 2) != c->sport) continue;
    if (t[13] & SYN) c->ack = r32(t + 4) + 1;
    else if (r32(t + 4) == c->ack) c->ack += text + (t[13] & FIN);
    for (u32 o = 20; o + 10 <= header;) {
      if (t[o] == 8) c->ts = r32(t + o + 2);
      o += t[o] == 1 ? 1 : t[o] == 0 ? 64 : t[o + 1] < 2 ? 64 : t[o + 1];
    }
  }
}

/* Moves the stack on until it rests, or has had enough turns. */
static void poll_(void) {
  for (u32 turn = 0; turn < 8; turn++) {
    s32 wait = (s32)module_poll(now);
    struct stint_ring out;
    const u32 ring = control + sizeof out;
    get((u8 *)&out, ring, sizeof out);
    for (; out.head != out.tail; out.head++) {
      static u8 sent[SIZE_MAX_FRAME];
      u32 size = peek(out.lengths + 4 * (out.head & out.mask));
      if (size > mtu + 14) abort();
      get(sent, out.slots + (out.head & out.mask) * out.stride + STINT_FRAME_OFFSET,
          size < sizeof sent ? size : sizeof sent);
      poke(ring + offsetof(struct stint_ring, head), out.head + 1);
      seen(sent, size);
    }
    u64 e;
    for (u32 i = 0; i < 64 && (e = module_event_next()) != 0; i++) {
      if ((e & STINT_EVENT_ACCEPT) != 0 && u8_() % 8 != 7) {
        s32 h = (s32)module_tcp_accept((u32)(e >> 32));
        if (h > 0) conns[below(CONNS)].handle = h, accepted++, to_ourselves += alone, accepted6 += six;
      }
    }
    if (wait != 0) return;
  }
}

/* A datagram in fragments, of which some may be missing, or come twice, or in another order. */
static void fragments(void) {
  static u8 whole[65536];
  u32 size = (const u32[]){16, 64, 600, 2000, 4096, 65480, 65496, 65512}[below(8)] + below(24),
      piece = 8 * (1 + u8_() % 255), id = u8_() & 3;
  u32 protocol = (const u32[]){17, 6, 1, 99}[below(4)];
  if (size > 65535) size = 65535;
  if (piece + 20 > mtu) piece = (mtu - 20) & ~7u;
  if (size / piece > 60) piece = ((size / 60) + 8) & ~7u;
  if (piece + 20 > mtu) piece = (mtu - 20) & ~7u;
  memset(whole, 0x77, size);
  struct conn *c = &conns[below(CONNS)];
  if (protocol == 17 && size >= 8) {
    w16(whole, 4000), w16(whole + 2, 5353), w16(whole + 4, u8_() % 4 ? size : u16_()), w16(whole + 6, 0);
    if (six) w16(whole + 6, ~sum(whole, size, pseudo(PEER_IP, STACK_IP, 17, size)));
  } else if (protocol == 6 && size >= 20) {
    w16(whole, c->sport), w16(whole + 2, c->dport), w32(whole + 4, c->seq), w32(whole + 8, c->ack);
    whole[12] = 0x50, whole[13] = (u8)(ACK | (u8_() & SYN)), w16(whole + 14, 65535), w32(whole + 16, 0);
    w16(whole + 16, ~sum(whole, size, pseudo(PEER_IP, STACK_IP, 6, size)));
  } else if (protocol == 1 && size >= 8) {
    whole[0] = 8, whole[1] = 0, w16(whole + 2, 0);
    if (six) whole[0] = 128;
    w16(whole + 2, ~sum(whole, size, six ? pseudo(PEER_IP, STACK_IP, 58, size) : 0));
  }
  u32 skip = u8_(), last = u8_() % 16 == 15;
  if (size >= REASSEMBLY_WRAPS && skip % 4 != 3) largest++;
  /* One beyond the end comes first, as long as one that will be missing. */
  if (skip % 8 == 7) {
    memcpy(frame + 34, whole, piece);
    ip(PEER_IP, STACK_IP, protocol, piece, id, ((size + 7) >> 3) + below(4) * piece / 8 | 0x2000u, 0);
    push(34 + piece);
  }
  for (u32 at = 0, i = 0; at < size; at += piece, i++) {
    u32 n = size - at < piece ? size - at : piece, more = at + n < size;
    if (skip % 4 == 3 && i == skip / 4 % 64) continue;
    memcpy(frame + 34, whole + at, n);
    ip(PEER_IP, STACK_IP, protocol, n, id, at >> 3 | (more || last ? 0x2000u : 0), 0);
    push(34 + n);
  }
  /* One more, somewhere. */
  if (u8_() % 2) {
    u32 n = 8 * (1 + below(8)), at = u16_() & 0x1fff;
    if (n + 20 > mtu) n = 8;
    memset(frame + 34, 0x33, n);
    ip(PEER_IP, STACK_IP, protocol, n, id, at | (u8_() & 1 ? 0x2000u : 0), 0);
    push(34 + n);
  }
}

static void datagram(void) {
  u32 size = (const u32[]){0, 1, 40, 500, 1472, 9000}[below(6)] + below(8), optional = u8_() % 8 ? 0 : 4 * below(11);
  u8 *d = frame + 34 + optional;
  if (size + 28 + optional > mtu) size = mtu - 28 - optional > mtu ? 0 : mtu - 28 - optional;
  u32 kind = below(4);
  memset(d, 0x11, 8 + size);
  if (kind == 0) {
    d[0] = 8, d[1] = 0, w16(d + 2, 0);
  } else if (kind == 1) {
    /* An error that quotes a segment of the stack's. */
    struct conn *c = &conns[below(CONNS)];
    if (size < 28) size = mtu < 56 + optional ? 0 : 28;
    d[0] = (const u8[]){3, 11, 12, 4}[below(4)], d[1] = (u8)below(16), w32(d + 4, u16_());
    if (size >= 28) {
      memset(d + 8, 0, 28);
      d[8] = 0x45, w16(d + 10, 60), d[17] = (u8)(u8_() % 4 ? 6 : 17), w32(d + 20, STACK_IP), w32(d + 24, PEER_IP);
      w16(d + 28, c->dport), w16(d + 30, c->sport), w32(d + 32, c->ack - u8_());
    }
    w16(d + 2, 0);
  }
  if (kind < 2) {
    ip(PEER_IP, STACK_IP, 1, 8 + size, 0, 0x4000, optional);
    w16(d + 2, ~sum(d, 8 + size, 0));
  } else {
    w16(d, u8_() % 4 ? 4000 : 0), w16(d + 2, 5353), w16(d + 4, u8_() % 8 ? 8 + size : u16_()), w16(d + 6, 0);
    ip(PEER_IP, STACK_IP, kind == 3 ? u8_() : 17, 8 + size, 0, 0x4000, optional);
  }
  push(14 + 20 + optional + 8 + size);
}

/* DHCP and DNS: what the stack asked last, and answers to it. */

static struct {
  u32 type, xid, id, port, server, size;
  u8 question[300];
} asked;

/* A datagram of `size` bytes, which lie in the frame. */
static void answer(u32 src, u32 dst, u32 sport, u32 dport, u32 size) {
  u8 *d = frame + 34;
  w16(d, sport), w16(d + 2, dport), w16(d + 4, 8 + size), w16(d + 6, 0);
  ip(src, dst, 17, 8 + size, 0, 0x4000, 0);
  if (dst == ~0u) memset(frame, 0xff, 6);
  if (dst >> 28 == 14) memcpy(frame, (const u8[]){1, 0, 0x5e, 0, 0, (u8)dst}, 6);
  w16(d + 6, ~sum(d, 8 + size, pseudo(src, dst, 17, 8 + size)));
  if (r16(d + 6) == 0) w16(d + 6, 0xffff);
  push(42 + size);
}

static u32 addresses(u8 *at, u32 kind, u32 first) {
  u32 count = 1 + below(4) % 3;
  at[0] = (u8)kind, at[1] = (u8)(4 * count), w32(at + 2, first);
  for (u32 i = 1; i < count; i++) w32(at + 2 + 4 * i, u8_() & 1 ? PEER_IP : u32_());
  return 2 + 4 * count;
}

/* An option that says something, or does not. */
static u32 dhcp_option(u8 *at) {
  u32 kind = (const u32[]){3, 6, 42, 15, 26, 52, 58, 59, 61, 121, 1, 0, 255}[below(13)], size = below(20);
  if (kind == 255) kind = u8_();
  if (kind == 3 || kind == 6 || kind == 42) return addresses(at, kind, PEER_IP);
  at[0] = (u8)kind;
  if (kind == 0) return 1;
  if (u8_() % 4) size = kind == 26 ? 2 : kind == 52 ? 1 : kind == 58 || kind == 59 || kind == 1 ? 4 : size;
  at[1] = (u8)size;
  for (u32 i = 0; i < size; i++) at[2 + i] = kind == 15 ? 'a' : (u8)u8_();
  if (kind == 52 && size == 1) at[2] = (u8)(1 + below(3));
  if (u8_() % 16 == 15) at[1] = (u8)u8_();
  return 2 + size;
}

static void dhcp(void) {
  u8 *m = frame + 42, *o = m + 240;
  u32 how = u8_(), type = asked.type == 1 ? 2 : 5, server = how & 1 ? u32_() : PEER_IP,
      given = how & 2 ? u32_() : STACK_IP;
  if (how & 4) type = (const u32[]){2, 5, 6, 6}[below(4)];
  memset(m, 0, 240);
  m[0] = 2, m[1] = 1, m[2] = 6, w32(m + 4, how & 8 ? u32_() : asked.xid), w32(m + 16, type == 6 ? 0 : given);
  memcpy(m + 28, (const u8[]){2, 0, 0, 0, 0, 1}, 6);
  w32(m + 236, 0x63825363);
  if (how & 16) dhcp_option(m + 44), dhcp_option(m + 108), m[108 + 60] = 255;
  *o++ = 53, *o++ = 1, *o++ = (u8)type;
  *o++ = 54, *o++ = 4, w32(o, server), o += 4;
  *o++ = 51, *o++ = 4, w32(o, (const u32[]){60, 3600, 0, ~0u}[below(4)]), o += 4;
  *o++ = 1, *o++ = 4, w32(o, 0xffffff00), o += 4;
  for (u32 n = below(4); n > 0; n--) o += dhcp_option(o);
  if (u8_() % 16 != 15) *o++ = 255;
  answer(how & 32 ? u32_() : server, how & 64 ? STACK_IP : ~0u, 67, 68, (u32)(o - m));
}

static u32 put_name(u8 *at) {
  switch (below(8)) {
    case 4: at[0] = 1, at[1] = (u8)('a' + below(3)), at[2] = 0xc0, at[3] = (u8)u8_(); return 4;
    case 5: at[0] = (u8)(0xc0 | u8_()), at[1] = (u8)u8_(); return 2;
    case 6: at[0] = (u8)u8_(), memset(at + 1, 'a', 70), at[71] = 0; return 72;
    case 7: memcpy(at, asked.question, asked.size < 4 ? 0 : asked.size - 4); return asked.size < 4 ? 0 : asked.size - 4;
    default: at[0] = 0xc0, at[1] = 12; return 2;
  }
}

static void dns(void) {
  u8 *m = frame + 42, *r = m + 12 + asked.size;
  u32 how = u8_(), count = below(4), more = how & 1 ? below(3) : 0;
  w16(m, how & 2 ? u16_() : asked.id);
  w16(m + 2, how & 4 ? (const u32[]){0x8183, 0x8182, 0x8380, 0x0100}[below(4)] : 0x8180);
  w16(m + 4, 1), w16(m + 6, how & 8 ? u8_() : count), w16(m + 8, more), w16(m + 10, 0);
  memcpy(m + 12, asked.question, asked.size);
  if ((how & 0x30) == 0x30 && asked.size > 0) m[12 + u8_() % asked.size] ^= (u8)u8_();
  for (u32 i = 0; i < count + more; i++) {
    r += put_name(r);
    u32 type = (const u32[]){1, 1, 5, 6, 28}[below(5)], size;
    w16(r, type), w16(r + 2, 1), w32(r + 4, (const u32[]){60, 0, ~0u, 86401}[below(4)]);
    u8 *data = r + 10;
    memset(data, 0, 22);
    if (type == 5) size = put_name(data);
    else if (type == 6) size = 22;
    else w32(data, 0xc6336400 + u8_()), size = 4;
    w16(r + 8, u8_() % 16 == 15 ? u16_() : size);
    r = data + size;
  }
  u32 size = (u32)(r - m);
  if (u8_() % 16 == 15) size = u16_() % (size + 1);
  answer(how & 64 ? u32_() : asked.server, STACK_IP, 53, how & 128 ? u16_() : asked.port, size);
}

/* A name in .local: ours, nearly ours, another one, one that is none. */
static u32 local_name(u8 *at) {
  static const char *const labels[] = {"lamp", "LAMP", "lamp-2", "other"};
  u32 which = below(8), size;
  if (which >= 4) return which == 7 ? put_name(at) : (at[0] = 0xc0, at[1] = 12, 2u);
  size = (u32)strlen(labels[which]);
  at[0] = (u8)size, memcpy(at + 1, labels[which], size), memcpy(at + 1 + size, "\5local", 7);
  return size + 8;
}

/* Multicast DNS: questions, answers and probes of others. */
static void mdns(void) {
  u8 *m = frame + 42, *r = m + 12;
  u32 how = u8_(), questions = below(3), answers = below(4), authorities = how & 1 ? below(3) : 0;
  w16(m, how & 2 ? u16_() : 0), w16(m + 2, how & 4 ? 0x8400 : how & 8 ? u16_() : 0);
  w16(m + 4, questions), w16(m + 6, how & 16 ? u8_() : answers), w16(m + 8, authorities), w16(m + 10, 0);
  for (u32 i = 0; i < questions; i++, r += 4) {
    r += local_name(r);
    w16(r, (const u32[]){1, 28, 255, 12, 47}[below(5)]), w16(r + 2, u8_() & 1 ? 0x8001 : 1);
  }
  for (u32 i = 0; i < answers + authorities; i++) {
    u32 type = (const u32[]){1, 28, 12, 47, 16}[below(5)], size = type == 28 ? 16 : 4;
    r += local_name(r);
    w16(r, type), w16(r + 2, u8_() & 1 ? 0x8001 : 1), w32(r + 4, (const u32[]){120, 0, 1, ~0u}[below(4)]);
    memset(r + 10, 0, 16);
    if (type == 12 || type == 47) size = local_name(r + 10);
    else w32(r + 10, u8_() & 1 ? STACK_IP : PEER_IP + below(4));
    w16(r + 8, u8_() % 16 == 15 ? u16_() : size);
    r += 10 + size;
  }
  u32 size = (u32)(r - m);
  if (u8_() % 16 == 15) size = u16_() % (size + 1);
  answer(how & 32 ? u32_() : PEER_IP, how & 64 ? STACK_IP : 0xe00000fb, how & 128 ? u16_() : 5353, 5353, size);
}

/* What the clients sent. */
static void seen_client(const u8 *f, u32 size) {
  u32 dport = r16(f + 36);
  if (dport == 67 && size > 42 + 243) {
    /* The type is the first option. */
    asked.type = f[42 + 242], asked.xid = r32(f + 46);
    if (asked.type == 3 && r32(f + 42 + 12) != 0) leases++;
  }
  if (dport == 53 && size > 54 && r16(f + 38) >= 20 && r16(f + 38) - 20 <= sizeof asked.question) {
    asked.id = r16(f + 42), asked.port = r16(f + 34), asked.server = r32(f + 30);
    asked.size = r16(f + 38) - 20;
    memcpy(asked.question, f + 54, asked.size);
  }
}

/* Calls */

static u32 pointer_(void) {
  switch (below(8)) {
    case 0: return u32_();
    case 1: return control + u16_();
    case 2: return MEMORY_SIZE - 256 - below(64);
    default: return SCRATCH + below(8);
  }
}

/* The address as calls take it: of IPv6 its name. */
static u32 named(u32 ip) {
  u8 at[16];
  if (!six || ip >> 24 != STACK_IP >> 24) return ip;
  address6(at, ip);
  put(SCRATCH + SCRATCH_SIZE - 64, at, 16);
  return module_ip6_name(SCRATCH + SCRATCH_SIZE - 64);
}

static u32 length_(void) { return (const u32[]){0, 1, 64, 1000, 5000, 60000}[below(6)] + below(8); }

static void client_call(u32 which) {
  static const char *const texts[] = {"a.test", "b.c.d.test", "A.TEST", "10.0.0.2", "a..b", "."};
  switch (which % 11) {
    case 0:
    case 1: module_dhcp_start(u8_() & 1 ? STACK_IP : 0, pointer_(), below(70)); break;
    case 2: module_dhcp_stop(); break;
    case 3: module_dhcp_info(pointer_()); break;
    case 4: module_dhcp_domain(pointer_(), length_()); break;
    case 5: module_dns_servers(u8_() % 4 ? PEER_IP : u32_(), u8_() & 1 ? PEER_IP + 1 : 0, 0); break;
    case 6: module_dns_info(pointer_()); break;
    case 7: module_link_changed(); break;
    case 8: module_set_address(u8_() % 4 ? STACK_IP : u32_(), 24, u8_() & 1 ? PEER_IP : 0); break;
    default: {
      const char *text = texts[below(6)];
      u32 size = (u32)strlen(text);
      if (u8_() % 16 == 15) {
        module_dns_lookup(pointer_(), length_(), pointer_(), below(6));
        break;
      }
      put(SCRATCH, (const u8 *)text, size);
      names += (s32)module_dns_lookup(SCRATCH, size, SCRATCH + 1000, below(6)) > 0;
      break;
    }
  }
}

static void mdns_call(void) {
  static const char *const names[] = {"lamp", "other.local", "-bad-", "lamp.local"};
  const char *name = names[below(4)];
  u32 size = (u32)strlen(name);
  put(SCRATCH, (const u8 *)name, size);
  switch (below(8)) {
    case 0: module_mdns_stop(); break;
    case 1: module_mdns_info(pointer_()); break;
    case 2: module_mdns_name(pointer_(), length_()); break;
    case 3: module_mdns_start(pointer_(), below(70)); break;
    case 4: module_dns_lookup(SCRATCH, size, SCRATCH + 1000, below(6)); break;
    default: mdns_starts += module_mdns_start(SCRATCH, size) == 0; break;
  }
}

static void call6(u32 which) {
  u32 at = SCRATCH + SCRATCH_SIZE - 64;
  named(u8_() & 1 ? STACK_IP + below(4) : PEER_IP + below(4));
  switch (which) {
    case 0: module_ip6_remove(at); break;
    case 1: module_ip6_add(at, u8_() & 1 ? 64 : u8_(), u8_() & 1 ? at : 0); break;
    case 2: u8_() & 3 ? module_ip6_temporary(below(2)) : module_ip6_stop(); break;
    case 3: module_ip6_start(u8_() & 1 ? at : 0); break;
    case 4: module_ip6_info(below(9), pointer_()); break;
    case 5: module_ip6_router(below(5), pointer_()); break;
    case 6: module_ip6_bytes(u8_() & 1 ? u32_() : 0xf8000000u + u8_(), pointer_()); break;
    case 7: u8_() & 1 ? module_sntp_server_add(module_ip6_name(at)) : module_dns_server_add(module_ip6_name(at)); break;
    case 8: module_udp_connect((u32)udp, u8_() & 1 ? module_ip6_name(at) : 0, u16_()); break;
    default: module_ip6_name(pointer_()); break;
  }
}

static void call(void) {
  u32 client = left == 0 ? 0 : *input;
  if (client >= 234) {
    u8_();
    client_call(client - 234);
    return;
  }
  if (six && client >= 224) {
    u8_();
    call6(client - 224);
    return;
  }
  if (client == 223) {
    u8_();
    mdns_call();
    return;
  }
  struct conn *c = &conns[below(CONNS)];
  u32 h = u8_() % 16 ? (u32)c->handle : u32_(), which = below(26), to = STACK_IP;
  switch (which) {
    case 0: listener = (int32_t)module_tcp_listen(u8_() & 1 ? named(STACK_IP) : 0, 8080 + below(2), below(6)); break;
    case 1:
    case 2: {
      u32 lport = 50000 + below(16), rport = 40000 + below(4), how = u8_();
      /* To a listener of our own, under either of our addresses, or to the very port that it comes from. */
      alone = how % 4 == 0;
      if (alone) rport = how & 8 ? 8080 + (how >> 4 & 1) : lport;
      if (alone && how & 4) to = 0x7f000001;
      s32 made = (s32)module_tcp_connect(0, lport, named(alone ? to : PEER_IP), rport);
      if (made > 0) c->handle = made, c->dport = lport, c->sport = rport;
      break;
    }
    case 3:
    case 4:
    case 5: module_tcp_send(h, pointer_(), length_()); break;
    case 6:
    case 7: module_tcp_recv(h, pointer_(), length_()); break;
    case 8: module_tcp_peek(h, pointer_(), length_()); break;
    case 9: module_tcp_recv_consume(h, length_()); break;
    case 10: module_tcp_send_commit(h, length_()); break;
    case 11: module_tcp_shutdown(h); break;
    case 12: module_tcp_close(u8_() % 8 ? h : (u32)listener); break;
    case 13: module_tcp_abort(h); break;
    case 14: module_tcp_set(u8_() % 4 ? h : (u32)listener, below(16), u8_() & 1 ? u16_() : 1); break;
    case 15: module_tcp_info(h, pointer_()); break;
    case 16: module_listener_info((u32)listener, pointer_()); break;
    case 17: udp = (int32_t)module_udp_open(u8_() % 4 ? 5353 : u16_()); break;
    case 18:
    case 19:
      to = named(u8_() % 4 ? PEER_IP : STACK_IP);
      module_udp_send((u32)udp, to, u8_() % 4 ? 4000 : 5353, pointer_(), length_());
      break;
    case 20:
    case 21: module_udp_recv((u32)udp, pointer_(), length_(), u8_() & 1 ? pointer_() : SCRATCH + 100000); break;
    case 22: module_udp_close((u32)udp); break;
    case 23: module_tcp_urgent(h); break;
    case 24: module_tune(BOUNDS_FIRST + u8_() % BOUNDS_COUNT, u8_() & 1 ? u8_() : u32_()); break;
    default:
      module_tcp_recv_size(h), module_tcp_send_room(h), module_flow_state(STACK_IP, c->dport, PEER_IP, c->sport);
      break;
  }
}

/* One step of the peer on a connection. */
static void peer(struct conn *c) {
  u32 size = (const u32[]){0, 1, 10, 100, 536, 1460, 9000, 60000}[below(8)], flags = u8_();
  switch (below(10)) {
    case 0: {
      /* An open that is complete at once. */
      c->sport = 40000 + below(4), c->dport = u8_() & 1 ? 8080 : c->dport, c->seq = u8_() & 1 ? 1000 : u32_();
      segment(c, SYN | (u8_() % 16 ? 0 : (ECE | CWR)), c->seq, 0, u8_() % 8 ? 0 : size);
      c->seq++;
      segment(c, ACK, c->seq, c->ack, 0);
      break;
    }
    case 1: segment(c, SYN | ACK, c->seq++, c->ack, u8_() & 1 ? size : 0); break;
    case 2: segment(c, SYN, c->seq++, 0, u8_() & 1 ? size : 0); break;
    case 3:
    case 4:
      segment(c, ACK | (flags & PSH), c->seq, c->ack, size);
      c->seq += size;
      break;
    case 5: segment(c, ACK, c->seq + (u16_() & 0x3fff), c->ack, size); break;
    case 6: segment(c, ACK, c->seq, c->ack - u8_() * 16, 0); break;
    case 7: segment(c, FIN | ACK, c->seq, c->ack, size), c->seq += u8_() & 1; break;
    case 8: segment(c, RST | (flags & ACK), c->seq + (u8_() % 4 ? 0 : u8_()), c->ack, 0); break;
    default: segment(c, flags, c->seq + (u8_() & 1 ? u32_() : u8_()) - 16, c->ack + u8_() - 16, size); break;
  }
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv) {
  (void)argc, (void)argv;
  module_fill();
  atexit(figures);
  if (getenv("STINT_FRAMES")) frames_max = strtoull(getenv("STINT_FRAMES"), 0, 10);
  return 0;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);
int LLVMFuzzerTestOneInput(const u8 *data, size_t size) {
  input = data;
  left = size;
  inputs++;
  begin();
  now = 1000000;
  memset(&asked, 0, sizeof asked);
  for (u32 i = 0; i < CONNS; i++) conns[i] = (struct conn){.sport = 40000 + i, .dport = 8080, .seq = 1000};
  poll_();
  arp(1, PEER_IP, STACK_IP);
  if (six) {
    named(STACK_IP);
    module_ip6_start(0);
    module_ip6_add(SCRATCH + SCRATCH_SIZE - 64, 64, 0);
    for (u32 i = 0; i < 4; i++, now += 700000) poll_();
  }
  put(SCRATCH, (const u8 *)"lamp", 4);
  if (size & 1) mdns_starts += module_mdns_start(SCRATCH, 4) == 0;
  listener = (int32_t)module_tcp_listen(0, 8080, 4);
  udp = (int32_t)module_udp_open(5353);
  for (u32 step = 0; step < 300 && left > 0; step++) {
    u32 what = u8_();
    if (what >= 0xf0) {
      /* What is asked is answered, or somebody says so. */
      if (six && what & 8) neighbours();
      else if (what & 1) dns();
      else dhcp();
      continue;
    }
    if (what >= 0xed) {
      mdns();
      continue;
    }
    switch (what % 16) {
      case 0:
        if (six) neighbours();
        else arp(1 + below(3), PEER_IP + below(8), STACK_IP);
        break;
      case 1: datagram(); break;
      case 2: fragments(); break;
      case 3:
        now += (const u32[]){1, 1000, 40000, 300000, 1000000, 5000000, 70000000, 4000000000u}[below(8)];
        poll_();
        break;
      case 4:
      case 5:
      case 6: call(); break;
      case 7: poll_(); break;
      default: peer(&conns[below(CONNS)]); break;
    }
  }
  /* What was lent for the last calls is given back, or the next input's memory would be taken for it. */
  module_poll(now);
  return 0;
}
