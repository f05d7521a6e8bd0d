/*
 * One work, on one subject, over and over:  driver WORK SECONDS [NAME VALUE]…
 *
 *   bulk            connections ring ack_every in_place   GB/s one way
 *   connections     others parallel                       opened, closed and recycled a second
 *   round-trips     others                                one byte there and one back, a second
 *   memory                                                bytes of an idle connection, its rings not counted
 *   startup                                               µs from nothing to the first connection accepted, both ends
 *
 * Prints one figure a line, for each slice of a tenth of a second, after the first ones, in which compilers and caches
 * warm up.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "subject.h"

static uint64_t now = 1000000;

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
  subject_recycle(clients, servers, parallel);
}

/* One byte from `from` to the other side. */
__attribute__((noinline)) static void one_way(int from, conn a, conn b) {
  uint8_t byte = 0x55, got = 0;
  if (subject_send(from, a, &byte, 1) != 1) fail("no room for a byte");
  poll(from);
  if (subject_cross(from, SLOTS) == 0) fail("a byte was not sent");
  poll(1 - from);
  if (subject_recv(1 - from, b, &got, 1) != 1 || got != byte) fail("a byte was lost");
}

static uint32_t parameter(int argc, char **argv, const char *name, uint32_t otherwise) {
  for (int i = 3; i + 1 < argc; i += 2) {
    if (strcmp(argv[i], name) == 0) return (uint32_t)strtoul(argv[i + 1], NULL, 10);
  }
  return otherwise;
}

int main(int argc, char **argv) {
  if (argc < 3) fail("usage: driver WORK SECONDS [NAME VALUE]…");
  const char *work = argv[1];
  const double limit = atof(argv[2]), slice = 0.1, warm = limit / 4;
  const uint32_t others = parameter(argc, argv, "others", 0), ring = parameter(argc, argv, "ring", 65536),
                 ack_every = parameter(argc, argv, "ack_every", 2);
  const uint32_t parallel = parameter(argc, argv, "parallel", 1), in_place = parameter(argc, argv, "in_place", 0);
  const int is_bulk = strcmp(work, "bulk") == 0, is_connections = strcmp(work, "connections") == 0;
  if (parallel > 64) fail("parallel is 64 at most");
  if (strcmp(work, "startup") == 0) {
    conn c, s;
    const double began = seconds();
    subject_start(4, ring);
    subject_listen();
    open_all(1, &c, &s);
    printf("%.6g\n", (seconds() - began) * 1e6);
    return 0;
  }
  if (strcmp(work, "memory") == 0) {
    subject_start(4, ring);
    printf("%u\n", (unsigned)subject_bytes());
    return 0;
  }
  if (!is_bulk && !is_connections && strcmp(work, "round-trips") != 0) fail("there is no such work");
  subject_start(others + (is_connections ? 2 * parallel : 2), ring);
  subject_listen();
  conn client = 0, server = 0;
  /* Alone first, so that both know the other's MAC address. */
  connections(1);
  open_others(others);
  if (!is_connections) open_all(1, &client, &server);
  const double began = seconds();
  for (double at = began; at - began < limit;) {
    uint64_t done = 0;
    double end = at;
    for (; end - at < slice; end = seconds()) {
      if (is_bulk) {
        const uint32_t bytes = 1 << 22;
        bulk(client, server, bytes, ack_every, (int)in_place);
        done += bytes;
      } else if (is_connections) {
        for (int i = 0; i < 32; i++) connections(parallel);
        done += 32 * parallel;
      } else {
        for (int i = 0; i < CHUNK; i++) {
          one_way(CLIENT, client, server);
          one_way(SERVER, server, client);
        }
        done += CHUNK;
      }
    }
    if (at - began >= warm) printf("%.6g\n", (double)done / (end - at) / (is_bulk ? 1e9 : 1));
    at = end;
  }
  return 0;
}
