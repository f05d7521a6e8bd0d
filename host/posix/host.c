/*
 * A host for an application (stint.h: app_start, app_run) under WASI, or natively: frames over standard input and
 * output, each behind its length in 4 bytes, most significant first, as passt and QEMU have them. With STINT_LINK_FD=N
 * over descriptor N, a stream or a listening socket, of which the first to connect is the link: standard input and
 * output are the program's own then. Under WASI, where frames have them, what the program prints goes to standard
 * error, and its standard input is at its end. STINT_LINK_FD=none: no link, and only 127.0.0.1 and the own address.
 *
 * docs/guide/wasmtime.md has the lines that compile, link and start a program with it.
 */
#define STINT_NO_BSD_NAMES
#ifndef _DEFAULT_SOURCE
#define _DEFAULT_SOURCE
#endif
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <stint.h>

#ifdef __wasi__
#include <sys/uio.h>
#include <wasi/api.h>
#endif

/*
 * No frame is longer that the stack makes, and none that passes on a link; a longer length means that what comes is no
 * frames.
 */
enum { FRAME_MAX = 2048, LENGTH_MAX = 65535 + 18, ALSO_MAX = 256 };

static int link_in = 0, link_out = 1;
/* Whether STINT_LINK_FD names a descriptor. */
static bool link_named;
/* Why the link is gone; NULL: it is there. */
static const char *gone;
static bool failed;
/* A signal has ended the last wait. */
static bool interrupted;

static void lose(const char *why) {
  if (gone == NULL) fprintf(stderr, "stint: %s\n", why);
  gone = why;
  failed = true;
}

#ifdef __wasi__
/*
 * These stand in the place of the C library's, which its streams call too: descriptors that carry frames are not the
 * program's.
 */

static ssize_t result_of(__wasi_errno_t error, size_t done) {
  errno = error == __WASI_ERRNO_NOTCAPABLE ? EBADF : error;
  return error != 0 ? -1 : (ssize_t)done;
}

static ssize_t write_to(int fd, const struct iovec *iov, int count) {
  size_t done = 0;
  __wasi_errno_t error = __wasi_fd_write(fd, (const __wasi_ciovec_t *)(const void *)iov, (size_t)count, &done);
  return result_of(error, done);
}

ssize_t writev(int fd, const struct iovec *iov, int count) {
  return write_to(fd == 1 && link_out == 1 ? 2 : fd, iov, count);
}

ssize_t write(int fd, const void *data, size_t size) {
  return writev(fd, &(struct iovec){(void *)(uintptr_t)data, size}, 1);
}

static ssize_t read_from(int fd, const struct iovec *iov, int count) {
  size_t done = 0;
  __wasi_errno_t error = __wasi_fd_read(fd, (const __wasi_iovec_t *)(const void *)iov, (size_t)count, &done);
  return result_of(error, done);
}

ssize_t readv(int fd, const struct iovec *iov, int count) {
  return fd == 0 && link_in == 0 ? 0 : read_from(fd, iov, count);
}

ssize_t read(int fd, void *data, size_t size) { return readv(fd, &(struct iovec){data, size}, 1); }

static ssize_t link_write(const void *data, size_t size) {
  return write_to(link_out, &(struct iovec){(void *)(uintptr_t)data, size}, 1);
}
static ssize_t link_read(void *data, size_t size) { return read_from(link_in, &(struct iovec){data, size}, 1); }
#else
static ssize_t link_write(const void *data, size_t size) { return write(link_out, data, size); }
static ssize_t link_read(void *data, size_t size) { return read(link_in, data, size); }
#endif

/* The end of the other side is no error. */
static void end(void) { gone = gone != NULL ? gone : "the other side has ended"; }

static uint64_t now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static uint32_t address(const char *text) {
  unsigned a, b, c, d;
  int end = 0;
  if (sscanf(text, "%3u.%3u.%3u.%3u%n", &a, &b, &c, &d, &end) != 4 || (a | b | c | d) > 255 || text[end] != 0) {
    fprintf(stderr, "an address is written a.b.c.d, not %s\n", text);
    exit(2);
  }
  return a << 24 | b << 16 | c << 8 | d;
}

/* What the library starts from, with the tables of a small program: one that wants more says so itself. */
static void defaults(struct stint_config *c) {
  stint_config_defaults(c);
  c->connsMax = 4, c->halfOpenMax = 8, c->timeWaitMax = 8, c->listenersMax = 1, c->sendRing = c->recvRing = 2048,
  c->rangesMax = 16;
  c->rxSlots = c->txSlots = 4, c->neighboursMax = 4;
  c->sendersMax = c->loopSlots = c->reassemblyMax = c->reassemblyBytes = c->udpMax = c->udpRing = 0;
  c->prefixBuckets = c->fastOpenCookies = 0;
  c->policy = STINT_POLICY_TIMESTAMPS | STINT_POLICY_SACK | STINT_POLICY_WINDOW_SCALE | STINT_POLICY_ANNOUNCE;
}

/* The descriptor may not block, as where standard input and output are one socket: then it is waited for. */
static void write_all(const unsigned char *data, size_t size) {
  while (size > 0 && gone == NULL) {
    ssize_t n = link_write(data, size);
    if (n < 0 && errno == EPIPE) end();
    else if (n < 0 && errno != EAGAIN && errno != EINTR) lose("frames cannot be written to the link");
    if (n < 0) {
      struct pollfd output = {.fd = link_out, .events = POLLOUT};
      poll(&output, 1, 10);
      continue;
    }
    data += n, size -= (size_t)n;
  }
}

static void send_frames(struct stint_ring *out) {
  for (; out->head != out->tail; out->head++) {
    uint32_t slot = out->head & out->mask, size = ((uint32_t *)stint_at(out->lengths))[slot];
    unsigned char frame[4 + FRAME_MAX] = {(unsigned char)(size >> 24), (unsigned char)(size >> 16),
                                          (unsigned char)(size >> 8), (unsigned char)size};
    if (size > FRAME_MAX) {
      fprintf(stderr, "stint: a frame of %u bytes is not sent: this host carries %d at most\n", (unsigned)size,
              FRAME_MAX);
      continue;
    }
    memcpy(frame + 4, stint_at(out->slots + slot * out->stride + STINT_FRAME_OFFSET), size);
    if (link_out >= 0) write_all(frame, 4 + size);
  }
}

/* Bytes of a frame that is too long, still to come: they are read and dropped. */
static size_t skip;

/*
 * One frame begins at `b`; `have` bytes of it and what follows are here. Returns how many are done with; 0: it is not
 * whole yet, or there is no room.
 */
static size_t take_frame(struct stint_ring *in, const unsigned char *b, size_t have) {
  size_t size = (size_t)b[0] << 24 | (size_t)b[1] << 16 | (size_t)b[2] << 8 | b[3], whole = 4 + size;
  if (size > LENGTH_MAX) {
    lose("what comes from the link is no stream of frames: a length of 4 bytes, most significant first, before each");
    return 0;
  }
  bool fits = size <= in->stride - STINT_FRAME_OFFSET;
  if ((fits && have < whole) || in->tail - in->head > in->mask) return 0;
  uint32_t slot = in->tail & in->mask;
  if (fits) memcpy(stint_at(in->slots + slot * in->stride + STINT_FRAME_OFFSET), b + 4, size);
  /* A frame longer than a slot is dropped and counted by the stack, which is told its length alone. */
  ((uint32_t *)stint_at(in->lengths))[slot] = (uint32_t)size;
  in->tail++;
  if (have >= whole) return whole;
  skip = whole - have;
  return have;
}

/* Takes whole frames out of what was read. Returns how much is left. */
static size_t take_frames(struct stint_ring *in, unsigned char *buffer, size_t have) {
  size_t done = skip < have ? skip : have;
  skip -= done;
  while (have - done >= 4 && gone == NULL) {
    size_t n = take_frame(in, buffer + done, have - done);
    if (n == 0) break;
    done += n;
  }
  memmove(buffer, buffer + done, have - done);
  return have - done;
}

/* Where frames go: STINT_LINK_FD. It is known before the program's first line, which goes where its others go. */
__attribute__((constructor(101))) static void choose_link(void) {
  const char *text = getenv("STINT_LINK_FD");
  if (text == NULL) return;
  link_named = strcmp(text, "none") != 0;
  if (!link_named) {
    link_in = link_out = -1;
    return;
  }
  char *rest;
  long fd = strtol(text, &rest, 10);
  if (*text == 0 || *rest != 0 || fd < 0 || fd > 1023) {
    fprintf(stderr, "STINT_LINK_FD is the number of a descriptor, or none, not %s\n", text);
    exit(2);
  }
  link_in = link_out = (int)fd;
}

/* A descriptor that listens: the first to connect is the link. */
static void open_link(void) {
  if (!link_named) return;
  int fd = link_in, connected = accept(fd, NULL, NULL);
  while (connected < 0 && errno == EAGAIN) {
    struct pollfd listener = {.fd = fd, .events = POLLIN};
    poll(&listener, 1, 1000);
    connected = accept(fd, NULL, NULL);
  }
  if (connected >= 0) link_in = link_out = connected;
}

/*
 * The address of the interface on the link: STINT_MAC; else it is made from the address, so that it stays, or drawn
 * where there is none yet.
 */
static void choose_mac(struct stint_config *c, uint32_t random) {
  const char *text = getenv("STINT_MAC");
  unsigned m[6];
  uint32_t low = c->ip != 0 ? c->ip : random;
  c->macHigh = 0x02000000 | low >> 16;
  c->macLow = low & 0xffff;
  if (text == NULL) return;
  int end = 0, count = sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%n", &m[0], &m[1], &m[2], &m[3], &m[4], &m[5], &end);
  /* sscanf takes blanks and signs, too; the lowest bit of the first byte makes a group's address. */
  bool digits_only = text[strspn(text, "0123456789abcdefABCDEF:")] == 0;
  if (count != 6 || text[end] != 0 || !digits_only || (m[0] & 1) != 0 ||
      (m[0] | m[1] | m[2] | m[3] | m[4] | m[5]) == 0) {
    fprintf(stderr, "STINT_MAC is one interface's, written as 02:00:00:00:00:01, not %s\n", text);
    exit(2);
  }
  c->macHigh = m[0] << 24 | m[1] << 16 | m[2] << 8 | m[3];
  c->macLow = m[4] << 8 | m[5];
}

/* Starts the stack, or the application that has it, at `ip`; NULL: at none yet. Returns 0 or an error. */
static int32_t begin(const char *ip, uint32_t prefix, const char *gateway, int32_t (*start)(struct stint_config *)) {
  struct stint_config *config = stint_config_block();
  if (config == NULL) {
    fprintf(stderr, "stint: 8 GiB of addresses cannot be reserved for the stack; ulimit -v is too small\n");
    exit(71);
  }
  open_link();
  defaults(config);
  config->ip = ip != NULL ? address(ip) : 0;
  config->prefix = ip != NULL ? prefix : 0;
  config->gateway = ip != NULL && gateway != NULL ? address(gateway) : 0;
  uint64_t entropy[4];
  uint32_t random;
  if (getentropy(entropy, sizeof entropy) != 0 || getentropy(&random, sizeof random) != 0) return STINT_ERR_ENTROPY;
  choose_mac(config, random);
  config->entropy0 = entropy[0], config->entropy1 = entropy[1], config->entropy2 = entropy[2],
  config->entropy3 = entropy[3];
  int32_t result = start(config);
  if (result >= 0 && ip != NULL) fprintf(stderr, "ready %s\n", ip);
  return result;
}

/* Waits for frames, and for others' descriptors; then takes in what has come. Returns −1 when the link is gone. */
static int wait_and_read(int ms, struct pollfd *also, unsigned count, unsigned char *buffer, size_t *have,
                         size_t room) {
  struct pollfd fds[1 + ALSO_MAX];
  unsigned n = 0, links = link_in >= 0 && gone == NULL;
  if (links) fds[n++] = (struct pollfd){.fd = link_in, .events = POLLIN};
  for (unsigned i = 0; i < count && i < ALSO_MAX; i++) {
    bool taken = also[i].fd == link_in;
    /* What carries frames is at its end for the program. */
    if (taken) ms = 0;
    fds[n++] = (struct pollfd){.fd = taken ? -1 : also[i].fd, .events = also[i].events};
  }
  /* Nothing could ever happen. */
  if (n == 0 && ms < 0) return -1;
  int found = poll(fds, n, ms);
  interrupted = found < 0 && errno == EINTR;
  for (unsigned i = 0; i < count && i < ALSO_MAX; i++)
    also[i].revents = also[i].fd == link_in ? POLLIN : found > 0 ? fds[links + i].revents : 0;
  if (found <= 0 || !links || fds[0].revents == 0) return gone != NULL ? -1 : 0;
  ssize_t got = link_read(buffer + *have, room - *have);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
  if (got < 0) lose("frames cannot be read from the link");
  if (got <= 0) {
    end();
    return -1;
  }
  *have += (size_t)got;
  return 0;
}

/*
 * Moves frames and time until there is nothing to do, then waits for up to `wait_ms` for more, or for one of `count`
 * others. Returns −1 when the link is gone, and 1 when a signal has ended the wait.
 */
static int turn(int wait_ms, int32_t (*run)(void), struct pollfd *also, unsigned count) {
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
  if (wait_and_read(wait_ms < 0                ? due
                    : due < 0 || wait_ms < due ? wait_ms
                                               : due,
                    also, count, buffer, &have, sizeof buffer) < 0)
    return -1;
  have = take_frames(in, buffer, have);
  stint_poll(now_us());
  send_frames(out);
  return gone != NULL ? -1 : interrupted;
}

#ifdef STINT_SOCKETS
/* For programs with BSD sockets (host/bsd); they have a main of their own. */
#include "../bsd/host.h"

int32_t stint_host_begin(const char *ip, uint32_t prefix, const char *gateway,
                         int32_t (*start)(struct stint_config *)) {
  return begin(ip, prefix, gateway, start);
}

bool stint_host_has_link(void) { return link_in >= 0; }

uint32_t stint_host_ip(const char *text) { return address(text); }

int stint_host_turn(int wait_ms, struct pollfd *also, unsigned count) { return turn(wait_ms, NULL, also, count); }
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
  while (turn(-1, app_run, NULL, 0) >= 0) continue;
  return failed ? 1 : 0;
}
#endif
