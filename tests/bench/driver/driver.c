/*
 * One work, on one subject, over and over:  driver WORK SECONDS [NAME VALUE]…
 *
 *   bulk            connections ring ack_every in_place   GB/s one way
 *   connections     others parallel                       opened, closed and recycled a second
 *   round-trips     others                                one byte there and one back, a second
 *   messages        others request answer                 a request and its answer, on each connection in turn: ns,
 *                                                         the median and the 99th percentile, of means of 8
 *   accept-close    others request answer                 opened, asked, answered, closed by the server, recycled
 *   idle            others                                polls of both sides with nothing due, a second
 *   memory                                                bytes of an idle connection, its rings not counted
 *   startup                                               µs from nothing to the first connection accepted, both ends
 *
 * Prints one figure a line, for each slice of a tenth of a second, after the first ones, in which compilers and caches
 * warm up. With `count N` it does the work N times and says nothing: for callgrind, which collects in `work`.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "subject.h"

/* Before this time a subject may settle what it needs time for. */
static uint64_t now = SETTLED_US;
uint32_t family = 4;

_Noreturn void fail(const char *why) {
  fprintf(stderr, "bench: %s\n", why);
  exit(1);
}

static double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void poll(int side) { subject_poll(side, now++); }

/* Frames and ACKs go to and fro until none is left. */
static void settle(void) {
  for (uint32_t crossed = 1, rounds = 0; crossed != 0; rounds++) {
    if (rounds == 10000) fail("it does not settle");
    poll(CLIENT);
    crossed = subject_cross(CLIENT, SLOTS);
    poll(SERVER);
    crossed += subject_cross(SERVER, SLOTS);
  }
}

/* `n` connections at once, both ends. */
static void open_all(uint32_t n, conn *clients, conn *servers) {
  for (uint32_t i = 0; i < n; i++) clients[i] = subject_connect();
  settle();
  for (uint32_t i = 0; i < n; i++) {
    servers[i] = subject_accept();
    if (servers[i] == 0) fail("a connection was not established");
  }
}

enum { CHUNK = 256 };

/* Connections that stay as they are. */
static void open_others(uint32_t n) {
  conn clients[32], servers[32];
  for (uint32_t i = 0; i < n; i += 32) open_all(n - i < 32 ? n - i : 32, clients, servers);
}

/* Moves `total` bytes. The server is polled, and its application reads, after every `ack_every` segments. */
static void bulk(conn client, conn server, uint64_t total, uint32_t ack_every, int in_place) {
  static uint8_t from[65536], to[65536];
  uint64_t sent = 0, received = 0;
  uint32_t idle = 0;
  while (received < total) {
    uint64_t had = received;
    uint32_t want = total - sent < sizeof from ? (uint32_t)(total - sent) : (uint32_t)sizeof from;
    if (want != 0)
      sent += in_place ? subject_send_in_place(CLIENT, client, want) : subject_send(CLIENT, client, from, want);
    poll(CLIENT);
    while (subject_cross(CLIENT, ack_every) != 0) {
      poll(SERVER);
      received += in_place ? subject_recv_in_place(SERVER, server) : subject_recv(SERVER, server, to, sizeof to);
    }
    if (received == had) poll(SERVER);
    subject_cross(SERVER, SLOTS);
    if (received != had) {
      idle = 0;
      continue;
    }
    if (++idle > 1000) fail("the bulk transfer stands still");
    now += 50000;
    subject_idle();
  }
}

__attribute__((noinline)) static void connections(uint32_t parallel) {
  conn clients[64], servers[64];
  open_all(parallel, clients, servers);
  for (uint32_t i = 0; i < parallel; i++) subject_close(CLIENT, clients[i]);
  settle();
  for (uint32_t i = 0; i < parallel; i++) subject_close(SERVER, servers[i]);
  settle();
  subject_recycle(CLIENT, clients, servers, parallel);
}

/* One byte from `from` to the other side. */
static void one_way(int from, conn a, conn b) {
  uint8_t byte = 0x55, got = 0;
  if (subject_send(from, a, &byte, 1) != 1) fail("no room for a byte");
  poll(from);
  if (subject_cross(from, SLOTS) == 0) fail("a byte was not sent");
  poll(1 - from);
  if (subject_recv(1 - from, b, &got, 1) != 1 || got != byte) fail("a byte was lost");
}

enum { MOST = 1024, TOGETHER = 8 };
static conn clients[MOST], servers[MOST];

/* `size` bytes from `from` to the other side. */
static void message(int from, conn a, conn b, uint32_t size) {
  static uint8_t text[65536], to[65536];
  uint32_t sent = 0, got = 0;
  for (uint32_t rounds = 0; got < size; rounds++) {
    if (rounds == 1000) fail("a message stands still");
    if (sent < size) sent += subject_send(from, a, text, size - sent);
    poll(from);
    subject_cross(from, SLOTS);
    poll(1 - from);
    const uint32_t more = subject_recv(1 - from, b, to, sizeof to);
    got += more;
    if (got == size) break;
    poll(1 - from);
    if (subject_cross(1 - from, SLOTS) != 0 || more != 0) continue;
    /* What Nagle holds back goes out when a delayed ACK comes. */
    now += 50000;
    subject_idle();
  }
}

static void exchange(conn client, conn server, uint32_t request, uint32_t answer) {
  message(CLIENT, client, server, request);
  message(SERVER, server, client, answer);
}

/* As HTTP/1.0 does. */
static void accept_close(uint32_t request, uint32_t answer) {
  conn client, server;
  open_all(1, &client, &server);
  exchange(client, server, request, answer);
  subject_close(SERVER, server);
  settle();
  subject_close(CLIENT, client);
  settle();
  subject_recycle(SERVER, &client, &server, 1);
}

struct parameters {
  uint32_t others, ring, ack_every, parallel, in_place, request, answer, count;
};
enum kind { BULK, CONNECTIONS, ROUND_TRIPS, MESSAGES, ACCEPT_CLOSE, IDLE, KINDS };
static const char *const names[KINDS] = {"bulk", "connections", "round-trips", "messages", "accept-close", "idle"};

/* Does it once; returns how many of its units that is. */
__attribute__((noinline)) static uint64_t work(enum kind kind, const struct parameters *p) {
  static uint32_t next;
  switch (kind) {
    case BULK: bulk(clients[0], servers[0], 1 << 22, p->ack_every, (int)p->in_place); return 1 << 22;
    case CONNECTIONS: connections(p->parallel); return p->parallel;
    case ROUND_TRIPS:
      one_way(CLIENT, clients[0], servers[0]);
      one_way(SERVER, servers[0], clients[0]);
      return 1;
    case MESSAGES:
      next = next < p->others ? next + 1 : 0;
      exchange(clients[next], servers[next], p->request, p->answer);
      return 1;
    case ACCEPT_CLOSE: accept_close(p->request, p->answer); return 1;
    default:
      poll(CLIENT);
      poll(SERVER);
      return 1;
  }
}

static uint32_t parameter(int argc, char **argv, const char *name, uint32_t otherwise) {
  for (int i = 3; i + 1 < argc; i += 2) {
    if (strcmp(argv[i], name) == 0) return (uint32_t)strtoul(argv[i + 1], NULL, 10);
  }
  return otherwise;
}

static int in_order(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* Costs of exchanges, in ns, over a slice; returns when it ended. */
static double costs(const struct parameters *p, double at, double slice, int counts) {
  static double cost[1 << 20];
  uint32_t n = 0;
  double last = at;
  for (; last - at < slice && n < 1 << 20; n++) {
    for (int i = 0; i < TOGETHER; i++) work(MESSAGES, p);
    const double now_s = seconds();
    cost[n] = (now_s - last) / TOGETHER * 1e9;
    last = now_s;
  }
  qsort(cost, n, sizeof cost[0], in_order);
  if (counts) printf("%.6g %.6g\n", cost[n / 2], cost[n - 1 - n / 100]);
  return seconds();
}

static void measure(enum kind kind, const struct parameters *p, double limit) {
  const double slice = 0.1, warm = limit / 4, began = seconds();
  const int chunk = kind == BULK ? 1 : kind == CONNECTIONS || kind == ACCEPT_CLOSE ? 32 : 256;
  for (double at = began; at - began < limit;) {
    const int counts = at - began >= warm;
    if (kind == MESSAGES) {
      at = costs(p, at, slice, counts);
      continue;
    }
    uint64_t done = 0;
    double end = at;
    for (; end - at < slice; end = seconds()) {
      for (int i = 0; i < chunk; i++) done += work(kind, p);
    }
    if (counts) printf("%.6g\n", (double)done / (end - at) / (kind == BULK ? 1e9 : 1));
    at = end;
  }
}

int main(int argc, char **argv) {
  if (argc < 3) fail("usage: driver WORK SECONDS [NAME VALUE]…");
  const struct parameters p = {
      .others = parameter(argc, argv, "others", 0),
      .ring = parameter(argc, argv, "ring", 65536),
      .ack_every = parameter(argc, argv, "ack_every", 2),
      .parallel = parameter(argc, argv, "parallel", 1),
      .in_place = parameter(argc, argv, "in_place", 0),
      .request = parameter(argc, argv, "request", 1),
      .answer = parameter(argc, argv, "answer", 1),
      .count = parameter(argc, argv, "count", 0),
  };
  family = parameter(argc, argv, "family", 4);
  if (p.parallel > 64) fail("parallel is 64 at most");
  if (strcmp(argv[1], "startup") == 0) {
    const double began = seconds();
    subject_start(4, p.ring);
    subject_listen();
    open_all(1, clients, servers);
    printf("%.6g\n", (seconds() - began) * 1e6);
    return 0;
  }
  if (strcmp(argv[1], "memory") == 0) {
    subject_start(4, p.ring);
    printf("%u\n", (unsigned)subject_bytes());
    return 0;
  }
  enum kind kind = BULK;
  while (kind < KINDS && strcmp(argv[1], names[kind]) != 0) kind++;
  if (kind == KINDS) fail("there is no such work");
  const int opens = kind == CONNECTIONS || kind == ACCEPT_CLOSE;
  subject_start(p.others + (opens ? 2 * p.parallel : 2), p.ring);
  subject_listen();
  /* Alone first, so that both know the other's MAC address. */
  connections(1);
  if (kind == MESSAGES) {
    if (p.others >= MOST) fail("too many connections");
    /* One after the other: which server's is which client's. */
    for (uint32_t i = 1; i <= p.others; i++) open_all(1, clients + i, servers + i);
  } else open_others(p.others);
  if (!opens) open_all(1, clients, servers);
  if (p.count == 0) measure(kind, &p, atof(argv[2]));
  for (uint32_t i = 0; i < p.count; i++) work(kind, &p);
  return 0;
}
