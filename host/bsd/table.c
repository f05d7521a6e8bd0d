/* The table of sockets, and a turn of the host wherever a call has to wait. */
#include "sockets.h"

#ifndef __wasm__
#include <signal.h>
#endif
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>

struct socket sockets[COUNT];

int fail(int error) {
  errno = error;
  return -1;
}

int error_of(int32_t result) {
  switch (result) {
    case STINT_ERR_HANDLE: return EBADF;
    case STINT_ERR_ARGUMENT: return EINVAL;
    case STINT_ERR_STATE: return ENOTCONN;
    case STINT_ERR_FULL: return ENOBUFS;
    case STINT_ERR_AGAIN: return EAGAIN;
    case STINT_ERR_IN_USE: return EADDRINUSE;
    case STINT_ERR_REFUSED: return ECONNREFUSED;
    case STINT_ERR_RESET: return ECONNRESET;
    case STINT_ERR_TIMED_OUT: return ETIMEDOUT;
    case STINT_ERR_UNREACHABLE: return EHOSTUNREACH;
    case STINT_ERR_CLOSED: return EPIPE;
    case STINT_ERR_ABORTED: return ECONNABORTED;
    case STINT_ERR_SIZE: return EMSGSIZE;
    default: return EIO;
  }
}

struct socket *socket_of(int fd) {
  for (int i = 0; i < COUNT; i++)
    if (sockets[i].fd == fd && sockets[i].kind != FREE) return &sockets[i];
  return NULL;
}

#ifdef __wasm__
bool is_vacant(int fd) { return fd >= FIRST && fd < FIRST + COUNT && socket_of(fd) == NULL; }
static int hold(int i) { return FIRST + i; }
static void let_go(int fd) { (void)fd; }
#else
bool is_vacant(int fd) {
  (void)fd;
  return false;
}
/* It is a socket for fstat; to what is not in include/bsd it is one without a peer. */
static int hold(int i) {
  (void)i;
  return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}
static void let_go(int fd) { close(fd); }
#endif

int no_socket(int fd) { return fail(!is_vacant(fd) && fcntl(fd, F_GETFL) >= 0 ? ENOTSOCK : EBADF); }

int fresh(bool six) {
  for (int i = 0; i < COUNT; i++) {
    if (sockets[i].kind != FREE) continue;
    int fd = hold(i);
    if (fd < 0) return -1;
    sockets[i] = (struct socket){
        .kind = FRESH,
        .fd = fd,
        .six = six,
        .held = -1,
        .number = {
            [KEEP_IDLE] = 7200, [KEEP_INTERVAL] = 75, [KEEP_COUNT] = 9, [TTL] = 64, [HOPS] = 64, [LOW_WATER] = 1}};
    set_any(&sockets[i].own, six);
    set_any(&sockets[i].peer, six);
    return fd;
  }
  return fail(EMFILE);
}

void release(struct socket *s) {
  free(s->text);
  s->text = NULL;
  s->kind = FREE;
  let_go(s->fd);
}

/* The connection is over: why, as the kernel tells it. After the peer's FIN a reset is EPIPE (Linux's tcp_reset). */
static void connection_over(struct socket *s) {
  if (s->over) return;
  s->over = true;
  int32_t why = tcp_send_room(s->handle);
  if (why >= 0 || why == STINT_ERR_CLOSED || why == STINT_ERR_STATE || why == STINT_ERR_AGAIN) return;
  s->error = why == STINT_ERR_RESET && s->ended ? EPIPE : error_of(why);
  if (!s->connected && s->error == ECONNRESET) s->error = ECONNREFUSED;
}

/* Text for who has shut both ways: the peer is told, as by the kernel (RFC 1122 §4.2.2.13). */
static void refuse_text(struct socket *s) {
  struct stint_tcp_info info;
  if (s->over || !s->shut_read || !s->shut_write || tcp_info(s->handle, &info) < 0) return;
  if (info.rcvNxt - s->end_of_interest <= (s->ended ? 1 : 0)) return;
  tcp_abort(s->handle);
  s->over = true;
  s->error = ECONNRESET;
}

static void on_event(struct socket *s, uint32_t bits) {
  if (bits & STINT_EVENT_CONNECTED) s->connected = true;
  if (bits & STINT_EVENT_END) s->ended = true;
  if (bits & STINT_EVENT_READABLE) refuse_text(s);
  if (bits & STINT_EVENT_CLOSED) connection_over(s);
}

int turn(int wait_ms, struct pollfd *also, unsigned count) {
  int result = stint_host_turn(wait_ms, also, count);
  for (uint64_t e = stint_event_next(); e != 0; e = stint_event_next()) {
    for (int i = 0; i < COUNT; i++) {
      struct socket *s = &sockets[i];
      if (s->kind == CONNECTION && s->handle == (int32_t)(e >> 32)) on_event(s, (uint32_t)e);
    }
  }
  sweep_endings();
  return result;
}

int take_error(struct socket *s) {
  int error = s->error;
  s->error = 0;
  return error;
}

int64_t now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/*
 * Whether a signal ends a call that waits: always one with a time limit, another one if its handler was installed
 * without SA_RESTART. Which signal it was nobody tells: of several that are handled in both ways it may be any.
 */
static bool is_ended_by_signal(int limit_ms) {
  bool ends = limit_ms > 0;
#ifdef SA_RESTART
  for (int i = 1; i < NSIG && !ends; i++) {
    struct sigaction a;
    if (sigaction(i, NULL, &a) != 0 || a.sa_handler == SIG_DFL || a.sa_handler == SIG_IGN) continue;
    ends = (a.sa_flags & SA_RESTART) == 0;
  }
#endif
  return ends;
}

bool again(struct patience *p, const struct socket *s, int flags, int limit_ms) {
  bool at_once = s->nonblock || limit_ms < 0 || (flags & MSG_DONTWAIT) != 0;
  int64_t left = -1;
  if (!p->begun) {
    p->begun = true;
    p->until = limit_ms > 0 ? now_ms() + limit_ms : -1;
  }
  if (!p->tried) {
    /* What has arrived already may be enough. */
    p->tried = true;
    if (turn(0, NULL, 0) >= 0 || at_once) return true;
  } else {
    if (p->until >= 0) left = p->until - now_ms();
    if (at_once || (p->until >= 0 && left <= 0)) {
      errno = EAGAIN;
      return false;
    }
    int there = turn((int)left, NULL, 0);
    if (there > 0 && is_ended_by_signal(limit_ms)) {
      errno = EINTR;
      return false;
    }
    if (there >= 0) return true;
  }
  errno = ENETDOWN;
  return false;
}

/* All addresses of both families. */
static bool is_everywhere(const struct socket *s, const struct place *p) {
  return !is_mapped(p) && is_any(p) && !s->number[SIX_ONLY];
}

/* Whether a packet could be for both. */
static bool overlap(const struct socket *s, const struct place *p, const struct socket *o) {
  if (is_everywhere(s, p) || is_everywhere(o, &o->own)) return true;
  if (is_mapped(p) != is_mapped(&o->own)) return false;
  return is_any(p) || is_any(&o->own) || same_ip(p, &o->own);
}

bool is_taken(const struct socket *s, const struct place *p, bool stream) {
  for (int i = 0; i < COUNT; i++) {
    const struct socket *o = &sockets[i];
    if (o == s || o->kind == FREE || o->own.port != p->port || (o->kind != DATAGRAM) != stream) continue;
    if (!overlap(s, p, o)) continue;
    bool both = s->number[REUSE_ADDRESS] && o->number[REUSE_ADDRESS];
    if (o->kind == LISTENER || !both) return true;
  }
  return false;
}

int choose_port(struct socket *s, bool stream) {
  enum { LOW = 32768, HIGH = 60999, TRIES = 256 };
  for (int i = 0; s->own.port == 0 && i < TRIES; i++) {
    uint16_t random;
    if (getentropy(&random, sizeof random) != 0) return EADDRINUSE;
    struct place p = s->own;
    p.port = (uint16_t)(LOW + random % (HIGH - LOW + 1));
    if (!is_taken(s, &p, stream)) s->own.port = p.port;
  }
  return s->own.port == 0 ? EADDRINUSE : 0;
}
