/*
 * What happens to a connection once its descriptor is closed. The kernel goes on sending after a program's end; here
 * the stack ends with the program, so the end waits: until what was closed is acknowledged, for STINT_LINGER seconds at
 * most (60). What is lost then is said, and the status is EX_IOERR.
 */
#include "sockets.h"

#include <stdio.h>
#include <stdlib.h>

#include "endings.h"

enum { LINGER_S = 60, EX_IOERR = 74 };

static unsigned under_way;

void sweep_endings(void) { under_way = endings_sweep(); }

static void wait_for(const struct ending *e, int seconds) {
  for (int64_t until = now_ms() + (int64_t)seconds * 1000, left; e->busy && (left = until - now_ms()) > 0;) {
    if (turn(left < INT32_MAX ? (int)left : INT32_MAX, NULL, 0) < 0) break;
  }
}

void end_connection(struct socket *s) {
  if (s->linger.l_onoff && s->linger.l_linger == 0) {
    tcp_abort(s->handle);
    return;
  }
  const struct ending *e = ending_begin(s->handle);
  if (e != NULL && s->linger.l_onoff) wait_for(e, s->linger.l_linger);
}

int64_t last_datagram_ms;

/* A datagram may wait for its neighbour's answer. */
static void wait_for_datagrams(void) {
  enum { PATIENCE_MS = 200 };
  while (last_datagram_ms != 0 && now_ms() - last_datagram_ms < PATIENCE_MS)
    if (turn(PATIENCE_MS, NULL, 0) < 0) break;
}

static void at_end(void) {
  const char *text = getenv("STINT_LINGER");
  int64_t until = now_ms() + (int64_t)(text != NULL ? atoi(text) : LINGER_S) * 1000;
  endings_lost = 0;
  for (int i = 0; i < COUNT; i++) {
    if (sockets[i].kind == CONNECTION) end_connection(&sockets[i]);
    if (sockets[i].kind == LISTENER) tcp_close(sockets[i].handle);
    if (sockets[i].kind != FREE) release(&sockets[i]);
  }
  int there = turn(0, NULL, 0);
  for (int64_t left; there >= 0 && under_way > 0 && (left = until - now_ms()) > 0;) there = turn((int)left, NULL, 0);
  wait_for_datagrams();
  if (there >= 0 && under_way > 0) {
    endings_cut();
    /* The RSTs go out, and peers that missed something may ask again (RFC 5961 §3.2). */
    for (int64_t end = now_ms() + 50, left; (left = end - now_ms()) > 0;)
      if (turn((int)left, NULL, 0) < 0) break;
  }
  unsigned lost = endings_lost + (there < 0 ? under_way : 0);
  if (lost == 0) return;
  fflush(NULL);
  fprintf(stderr, "stint: %u closed connection%s ended before all was acknowledged%s\n", lost, lost == 1 ? "" : "s",
          there < 0 ? ": the link is gone" : "");
  _exit(EX_IOERR);
}

void end_with_program(void) {
  static bool registered;
  if (!registered) registered = atexit(at_end) == 0;
}
