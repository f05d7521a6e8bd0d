/*
 * A host for an application (stint.h: app_start, app_run) under WASI: frames over standard input and output, each behind its length in 4
 * bytes, most significant first, as passt and QEMU have them.
 *
 *   clang --target=wasm32-wasi -O2 -mbulk-memory -ftls-model=local-exec -Iinclude host/examples/echo.c host/examples/wasi.c -o app.wasm
 *   stint link --dynamic app.wasm -o linked
 *   socat UNIX-CONNECT:$PASST_SOCKET EXEC:"wasmtime run --preload stint=linked/stint.wasm linked/app.wasm 10.0.2.15 24 10.0.2.2"
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <stint.h>

enum { FRAME_MAX = 2048 };

static uint64_t now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static uint32_t address(const char *text) {
  unsigned a, b, c, d;
  if (sscanf(text, "%u.%u.%u.%u", &a, &b, &c, &d) != 4 || (a | b | c | d) > 255) {
    fprintf(stderr, "an address is written a.b.c.d, not %s\n", text);
    exit(2);
  }
  return a << 24 | b << 16 | c << 8 | d;
}

/* What the library starts from (host/config.ts). */
static void defaults(struct stint_config *c) {
  c->size = sizeof *c;
  c->mtu = 1500;
  c->connsMax = 4, c->halfOpenMax = 8, c->timeWaitMax = 8, c->listenersMax = 1, c->sendRing = c->recvRing = 2048, c->rangesMax = 16;
  c->rxSlots = c->txSlots = 4, c->neighboursMax = 4;
  c->policy = STINT_POLICY_TIMESTAMPS | STINT_POLICY_SACK | STINT_POLICY_WINDOW_SCALE | STINT_POLICY_ANNOUNCE;
  c->cookies = STINT_COOKIES_NEVER, c->windowScale = 255, c->initialWindow = 10;
  c->rtoInitialMs = 1000, c->rtoMinMs = 300, c->rtoMaxMs = 60000, c->userTimeoutMs = 300000, c->synTimeoutMs = 180000, c->delayedAckMs = 40;
  c->timeWaitMs = 60000, c->finWait2Ms = 60000, c->synAckMs = 1000, c->synAckRetries = 5, c->halfOpenMs = 63000, c->challengeMax = 10, c->icmpRate = 100;
  c->neighbourMs = 60000, c->keepIdleS = 7200, c->keepIntervalS = 75, c->keepProbes = 9, c->ttl = 64, c->pathMtuMin = 552;
  c->synBurst = 64, c->prefixBurst = 16, c->cookieRate = 1000;
}

/* Standard output may not block, where it is one socket with standard input: then it is waited for. */
static void write_all(const unsigned char *data, size_t size) {
  while (size > 0) {
    ssize_t n = write(1, data, size);
    if (n < 0 && errno != EAGAIN && errno != EINTR) exit(1);
    if (n < 0) {
      struct pollfd output = {.fd = 1, .events = POLLOUT};
      poll(&output, 1, 10);
      continue;
    }
    data += n, size -= (size_t)n;
  }
}

static void send_frames(struct stint_ring *out) {
  for (; out->head != out->tail; out->head++) {
    uint32_t slot = out->head & out->mask, size = ((uint32_t *)stint_at(out->lengths))[slot];
    unsigned char frame[4 + FRAME_MAX] = {(unsigned char)(size >> 24), (unsigned char)(size >> 16), (unsigned char)(size >> 8), (unsigned char)size};
    if (size > FRAME_MAX) exit(1);
    memcpy(frame + 4, stint_at(out->slots + slot * out->stride + STINT_FRAME_OFFSET), size);
    write_all(frame, 4 + size);
  }
}

/* Takes whole frames out of what was read. Returns how much is left. */
static size_t take_frames(struct stint_ring *in, unsigned char *buffer, size_t have) {
  size_t at_byte = 0;
  while (have - at_byte >= 4) {
    unsigned char *b = buffer + at_byte;
    size_t size = (size_t)b[0] << 24 | (size_t)b[1] << 16 | (size_t)b[2] << 8 | b[3];
    if (size > FRAME_MAX) exit(1);
    if (have - at_byte - 4 < size || in->tail - in->head > in->mask) break;
    uint32_t slot = in->tail & in->mask;
    if (size <= in->stride - STINT_FRAME_OFFSET) memcpy(stint_at(in->slots + slot * in->stride + STINT_FRAME_OFFSET), b + 4, size);
    ((uint32_t *)stint_at(in->lengths))[slot] = (uint32_t)size;
    in->tail++;
    at_byte += 4 + size;
  }
  memmove(buffer, buffer + at_byte, have - at_byte);
  return have - at_byte;
}

/* Starts the stack, or the application that has it, at `ip`. Returns 0 or an error. */
static int32_t begin(const char *ip, uint32_t prefix, const char *gateway, int32_t (*start)(struct stint_config *)) {
  struct stint_config *config = stint_config_block();
  defaults(config);
  config->ip = address(ip);
  config->prefix = prefix;
  config->gateway = gateway != NULL ? address(gateway) : 0;
  config->macHigh = 0x02000000 | config->ip >> 16;
  config->macLow = config->ip & 0xffff;
  uint64_t entropy[4];
  if (getentropy(entropy, sizeof entropy) != 0) return STINT_ERR_ENTROPY;
  config->entropy0 = entropy[0], config->entropy1 = entropy[1], config->entropy2 = entropy[2], config->entropy3 = entropy[3];
  int32_t result = start(config);
  if (result >= 0) fprintf(stderr, "ready %s\n", ip);
  return result;
}

/* Moves frames and time until there is nothing to do, then waits for up to `wait_ms` for more. Returns −1 when the link is gone. */
static int turn(int wait_ms, int32_t (*run)(void)) {
  static unsigned char buffer[16 * FRAME_MAX];
  static size_t have = 0;
  struct stint_ring *in = stint_control_block(), *out = in + 1;
  int32_t wait, did;
  size_t had;
  do {
    had = have;
    have = take_frames(in, buffer, have);
    wait = stint_poll(now_us());
    did = run != NULL ? run() : 0;
    send_frames(out);
  } while (wait == 0 || did != 0 || have != had);
  int due = wait < 0 ? -1 : wait / 1000 + 1;
  struct pollfd input = {.fd = 0, .events = POLLIN};
  if (poll(&input, 1, wait_ms < 0 ? due : due < 0 || wait_ms < due ? wait_ms : due) > 0) {
    ssize_t n = read(0, buffer + have, sizeof buffer - have);
    if (n <= 0) return -1;
    have += (size_t)n;
    have = take_frames(in, buffer, have);
    stint_poll(now_us());
    send_frames(out);
  }
  return 0;
}

#ifdef STINT_SOCKETS
/* For programs with BSD sockets (host/bsd/socket.c); they have a main of their own. */
#include "../bsd/host.h"

static _Alignas(8) unsigned char arena[4 << 20];

static int32_t start(struct stint_config *c) {
  c->arenaBase = (uint32_t)(uintptr_t)arena;
  c->arenaSize = sizeof arena;
  c->connsMax = 32, c->halfOpenMax = c->timeWaitMax = 64, c->listenersMax = 8, c->sendRing = c->recvRing = 32768, c->rangesMax = 512, c->rxSlots = c->txSlots = 32, c->loopSlots = 16;
  c->neighboursMax = 32;
  return stint_init(c);
}

int32_t stint_host_start(void) {
  static int32_t started = 1;
  if (started != 1) return started;
  const char *text = getenv("STINT_IP");
  char ip[32] = "";
  unsigned prefix = 24;
  if (text == NULL || sscanf(text, "%31[0-9.]/%u", ip, &prefix) < 1 || prefix > 32) {
    fprintf(stderr, "set STINT_IP to the own address and prefix, as 10.0.2.15/24\n");
    exit(2);
  }
  return started = begin(ip, prefix, getenv("STINT_GATEWAY"), start);
}

int stint_host_turn(int wait_ms) { return turn(wait_ms, NULL); }
#else
int main(int argc, char **argv) {
  if (argc < 3) {
    fprintf(stderr, "usage: ADDRESS PREFIX [GATEWAY]\n");
    return 2;
  }
  int32_t result = begin(argv[1], (uint32_t)atoi(argv[2]), argc > 3 ? argv[3] : NULL, app_start);
  if (result < 0) {
    fprintf(stderr, "the application does not start: error %d\n", (int)result);
    return 1;
  }
  while (turn(-1, app_run) == 0);
  return 0;
}
#endif
