/*
 * The link: frames over standard input and output, each behind its length in 4 bytes, most significant first;
 * addresses, routers, DNS servers and the end's patience from the environment.
 */
#include "wasi.h"

typedef struct {
  uint32_t word[4];
} answer;
IMPORT(CLI("environment"), "get-environment") void host_environment(answer *);
IMPORT(CLI("stdin"), "get-stdin") int32_t host_stdin(void);
IMPORT(CLI("stdout"), "get-stdout") int32_t host_stdout(void);
IMPORT(CLI("stderr"), "get-stderr") int32_t host_stderr(void);
IMPORT(STREAMS, "[method]input-stream.read") void host_read(int32_t, uint64_t, answer *);
IMPORT(STREAMS, "[method]input-stream.subscribe") int32_t host_read_ready(int32_t);
IMPORT(STREAMS, "[method]output-stream.blocking-write-and-flush")
void host_write_blocking(int32_t, const void *, uint32_t, answer *);
IMPORT(POLL, "poll") void host_poll(const int32_t *, uint32_t, answer *);
IMPORT(POLL, "[resource-drop]pollable") void host_pollable_drop(int32_t);
IMPORT(CLOCK, "now") uint64_t host_now(void);
IMPORT(CLOCK, "subscribe-duration") int32_t host_timer(uint64_t);
IMPORT("wasi:random/random@" WASI_VERSION, "get-random-u64") uint64_t host_random(void);

enum { ARENA = 16 << 20, SLOTS = 64, CONNECTIONS = 64, RING = 65536, MTU = 1500, CHUNK = 4096 };

static _Alignas(8) unsigned char arena[ARENA];
static int32_t standard_input, standard_output, input_ready;
static enum { UNTRIED, UP, FAILED } state;
static int32_t next_us;
/* Duplicate address detection, and a router's answer before it, have so long. */
static const uint64_t SETTLE_NS = 6000000000;
uint32_t linger_s = 60, own_ip;
int has_six;
/* Bytes that were read and are no whole frame yet. */
static unsigned char input[1 << 16];
static uint32_t have;

uint64_t random_u64(void) { return host_random(); }

void say_bytes(const char *text, uint32_t size) {
  answer a;
  host_write_blocking(host_stderr(), text, size, &a);
}

int numbers(const char *text, uint32_t size, const char *between, uint32_t *to) {
  uint32_t n = 0, digits = 0;
  to[0] = 0;
  for (uint32_t i = 0; i < size; i++) {
    if (text[i] >= '0' && text[i] <= '9') {
      to[n] = to[n] * 10 + (uint32_t)(text[i] - '0');
      if (++digits > 3 || to[n] > 255) return 0;
    } else {
      if (digits == 0 || between[n] == 0 || text[i] != between[n]) return 0;
      to[++n] = digits = 0;
    }
  }
  return digits != 0 && between[n] == 0;
}

static int same(const char *a, const char *b, uint32_t size) {
  while (size != 0 && *a == *b) a++, b++, size--;
  return size == 0;
}

/* The value of an environment variable, by its name. */
static const char *variable(const answer *environment, const char *name, uint32_t *size) {
  const uint32_t *pair = at(environment->word[0]), length = (uint32_t)__builtin_strlen(name);
  for (uint32_t i = 0; i < environment->word[1]; i++, pair += 4) {
    if (pair[1] != length || !same(at(pair[0]), name, length)) continue;
    *size = pair[3];
    return at(pair[2]);
  }
  return 0;
}

/* Up to three servers with commas between; 0: it is not so, or one is no host's address. */
static int servers(const char *text, uint32_t size) {
  for (uint32_t from = 0;;) {
    uint32_t end = from;
    struct place p;
    while (end < size && text[end] != ',') end++;
    if (!read_ip(text + from, end - from, &p) || dns_server_add(place_name(&p)) != 0) return 0;
    if (end == size) return 1;
    from = end + 1;
  }
}

static uint32_t length_until(const char *text, uint32_t size, char last) {
  uint32_t n = 0;
  while (n < size && text[n] != last) n++;
  return n;
}

/* STINT_IP6: ADDRESS/PREFIX, or "auto": what routers say. 0: it is not so. */
static int begin_six(const answer *environment) {
  uint32_t size = 0, router_size = 0, prefix;
  struct place own, router;
  const char *text = variable(environment, "STINT_IP6", &size);
  const char *gateway = variable(environment, "STINT_GATEWAY6", &router_size);
  if (text == 0) return 1;
  has_six = 1;
  if (stint_ip6_start(0) != 0) return 0;
  if (size == 4 && same(text, "auto", size)) return gateway == 0;
  const uint32_t n = length_until(text, size, '/');
  if (n == size || !read_ip(text, n, &own) || !own.six || !numbers(text + n + 1, size - n - 1, "", &prefix)) return 0;
  if (gateway != 0 && (!read_ip(gateway, router_size, &router) || !router.six)) return 0;
  return stint_ip6_add(own.bytes, prefix, gateway == 0 ? 0 : router.bytes) == 0;
}

/* 0: it is not to be had; it has said why. */
static int start(void) {
  answer environment;
  uint32_t size = 0, ip[5], gateway[4] = {0};
  host_environment(&environment);
  const char *text = variable(&environment, "STINT_IP", &size);
  if (text == 0 || !numbers(text, size, ".../", ip) || ip[4] > 32) {
    say("stint: no address; set STINT_IP=ADDRESS/PREFIX, as 10.0.0.2/24\n");
    return 0;
  }
  text = variable(&environment, "STINT_GATEWAY", &size);
  if (text != 0 && !numbers(text, size, "...", gateway)) {
    say("stint: STINT_GATEWAY is no address\n");
    return 0;
  }
  text = variable(&environment, "STINT_LINGER", &size);
  if (text != 0 && !numbers(text, size, "", &linger_s)) {
    say("stint: STINT_LINGER is no number of seconds; 255 are the most\n");
    return 0;
  }
  struct stint_config *c = stint_config_block();
  stint_config_defaults(c);
  c->arenaBase = address_of(arena), c->arenaSize = sizeof arena;
  c->ip = own_ip = ip[0] << 24 | ip[1] << 16 | ip[2] << 8 | ip[3], c->prefix = ip[4], c->mtu = MTU;
  c->gateway = gateway[0] << 24 | gateway[1] << 16 | gateway[2] << 8 | gateway[3];
  c->macHigh = 0x02000000 | ip[0] << 8 | ip[1], c->macLow = ip[2] << 8 | ip[3];
  c->connsMax = CONNECTIONS, c->sendRing = c->recvRing = RING;
  c->halfOpenMax = 256, c->timeWaitMax = 256, c->listenersMax = 16, c->rangesMax = 1024, c->sendersMax = CONNECTIONS;
  c->rxSlots = c->txSlots = SLOTS, c->loopSlots = 16, c->reassemblyMax = 2, c->reassemblyBytes = 65520,
  c->neighboursMax = 32;
  c->udpMax = DATAGRAM_SOCKETS, c->udpRing = DATAGRAM_RING;
  c->prefixBuckets = c->fastOpenCookies = 0;
  c->entropy0 = host_random(), c->entropy1 = host_random(), c->entropy2 = host_random(), c->entropy3 = host_random();
  if (stint_init(c) != 0) {
    say("stint: the address is none that a host can have\n");
    return 0;
  }
  if (!begin_six(&environment)) {
    say("stint: set STINT_IP6=ADDRESS/PREFIX, as fd00::2/64, and STINT_GATEWAY6=ADDRESS; or STINT_IP6=auto\n");
    return 0;
  }
  text = variable(&environment, "STINT_DNS", &size);
  if (text != 0 && !servers(text, size)) {
    say("stint: STINT_DNS is no address of a host; three are the most, with commas between\n");
    return 0;
  }
  standard_input = host_stdin(), standard_output = host_stdout(), input_ready = host_read_ready(standard_input);
  return 1;
}

int link_up(void) {
  if (state == UNTRIED) state = start() ? UP : FAILED;
  if (state == UP) link_pump();
  return state == UP;
}

/* Whether each address of ours but link-local ones can be used, and there is one. */
static int is_settled(void) {
  struct stint_ip6_info info;
  int there = 0;
  for (uint32_t i = 0; stint_ip6_info(i, &info) == 0; i++) {
    if (info.state != STINT_IP6_VALID) return 0;
    there |= info.origin != STINT_IP6_ORIGIN_LOOPBACK && info.origin != STINT_IP6_ORIGIN_LINK_LOCAL;
  }
  return there;
}

int link_six(void) {
  static int waited;
  if (!has_six) return 0;
  const uint64_t until = host_now() + SETTLE_NS;
  for (link_pump(); !waited && link_there() && !is_settled(); link_pump()) {
    const uint64_t now = host_now();
    if (now >= until) {
      say("stint: no IPv6 address: it is another host's, or no router tells of one\n");
      break;
    }
    int32_t limit = host_timer(until - now);
    int32_t wait[3] = {limit};
    link_wait(wait, 1);
    host_pollable_drop(limit);
  }
  waited = 1;
  return 1;
}

int link_there(void) { return state == UP; }

static unsigned char *slot(const struct stint_ring *ring, uint32_t index) {
  return (unsigned char *)stint_at(ring->slots + (index & ring->mask) * ring->stride) + STINT_FRAME_OFFSET;
}

/* Whole frames go into the ring, as far as there is room. */
static void frames_in(void) {
  struct stint_ring *in = stint_control_block();
  uint32_t done = 0;
  while (have - done >= 4 && in->tail - in->head <= in->mask) {
    const unsigned char *b = input + done;
    const uint32_t size = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
    if (size > sizeof input - 4) {
      say("stint: standard input is no stream of frames\n");
      state = FAILED;
      return;
    }
    if (have - done - 4 < size) break;
    /* What is longer than a slot is none that could be sent to us: the stack counts it. */
    if (size <= in->stride - STINT_FRAME_OFFSET) __builtin_memcpy(slot(in, in->tail), b + 4, size);
    ((uint32_t *)stint_at(in->lengths))[in->tail & in->mask] = size;
    in->tail++;
    done += 4 + size;
  }
  __builtin_memmove(input, input + done, have - done);
  have -= done;
}

/* Whether an Ethernet frame of ours has a datagram; ours have no tags, no options of IP, and no fragments. */
static int is_datagram(const unsigned char *frame) {
  enum { TYPE = 12, PROTOCOL = 23, NEXT_HEADER = 20, UDP = 17 };
  const uint32_t type = (uint32_t)frame[TYPE] << 8 | frame[TYPE + 1];
  return (type == 0x0800 && frame[PROTOCOL] == UDP) || (type == 0x86dd && frame[NEXT_HEADER] == UDP);
}

static void frames_out(void) {
  static unsigned char frames[CHUNK];
  struct stint_ring *out = (struct stint_ring *)stint_control_block() + 1;
  uint32_t size = 0;
  answer written;
  while (out->head != out->tail) {
    const uint32_t n = ((uint32_t *)stint_at(out->lengths))[out->head & out->mask];
    if (size + 4 + n > sizeof frames) {
      host_write_blocking(standard_output, frames, size, &written);
      size = 0;
    }
    frames[size] = frames[size + 1] = 0, frames[size + 2] = (unsigned char)(n >> 8),
    frames[size + 3] = (unsigned char)n;
    __builtin_memcpy(frames + size + 4, slot(out, out->head), n);
    if (is_datagram(frames + size + 4)) datagram_out();
    size += 4 + n;
    out->head++;
  }
  if (size != 0) host_write_blocking(standard_output, frames, size, &written);
}

/* Who sends without end does not keep the caller for ever: what is left is there for the next call. */
enum { ROUNDS = 64 };

void link_pump(void) {
  for (int round = 0; round < ROUNDS && state == UP; round++) {
    answer a;
    host_read(standard_input, sizeof input - have, &a);
    if ((a.word[0] & 0xff) == 0) {
      __builtin_memcpy(input + have, at(a.word[1]), a.word[2]);
      have += a.word[2];
      forget_lists();
    } else {
      state = FAILED;
    }
    const uint32_t had = have;
    if (state == UP) frames_in();
    next_us = stint_poll(host_now() / 1000);
    socket_polled();
    frames_out();
    if (had == have && next_us != 0) return;
  }
}

void link_again(int32_t us) {
  if (next_us < 0 || next_us > us) next_us = us;
}

void link_wait(int32_t *pollables, uint32_t n) {
  answer a;
  int32_t timer = 0;
  if (state == UP) {
    pollables[n++] = input_ready;
    if (next_us >= 0) pollables[n++] = timer = host_timer((uint64_t)next_us * 1000);
  }
  if (n != 0) host_poll(pollables, n, &a);
  if (timer != 0) host_pollable_drop(timer);
  forget_lists();
}
