/* Options of sockets, and what fcntl and ioctl do with them. */
#include "sockets.h"

#include <fcntl.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/time.h>

/* How long data may stay unacknowledged where TCP_USER_TIMEOUT is 0: the host's setting. */
enum { USUAL_TIMEOUT_MS = 300000, NOT_THE_STACKS = -1 };
/* As on Linux half of the buffer, so that the window never closes before there is enough. */
enum { LOW_WATER_MAX = STINT_HOST_RING / 2 };

/*
 * Numbers: where each is found, its bounds, the stack's option. A flag is 0 or 1 when it is asked for. KEEP_ALIVE is
 * last, since it starts a timer by the others.
 */
static const struct option {
  int level, name;
  enum number number;
  int least, most;
  bool flag;
  int stack;
} numbers[] = {
    {SOL_SOCKET, SO_REUSEADDR, REUSE_ADDRESS, INT32_MIN, INT32_MAX, true, NOT_THE_STACKS},
    {SOL_SOCKET, SO_REUSEPORT, REUSE_PORT, INT32_MIN, INT32_MAX, true, NOT_THE_STACKS},
    {SOL_SOCKET, SO_BROADCAST, BROADCAST, INT32_MIN, INT32_MAX, true, NOT_THE_STACKS},
    {SOL_SOCKET, SO_OOBINLINE, INLINE, INT32_MIN, INT32_MAX, true, NOT_THE_STACKS},
    {SOL_SOCKET, SO_RCVLOWAT, LOW_WATER, INT32_MIN, INT32_MAX, false, NOT_THE_STACKS},
    {IPPROTO_TCP, TCP_NODELAY, NO_DELAY, INT32_MIN, INT32_MAX, true, STINT_OPTION_NO_DELAY},
    {IPPROTO_TCP, TCP_CORK, CORK, INT32_MIN, INT32_MAX, true, NOT_THE_STACKS},
    {IPPROTO_TCP, TCP_KEEPIDLE, KEEP_IDLE, 1, 32767, false, STINT_OPTION_KEEP_IDLE},
    {IPPROTO_TCP, TCP_KEEPINTVL, KEEP_INTERVAL, 1, 32767, false, STINT_OPTION_KEEP_INTERVAL},
    {IPPROTO_TCP, TCP_KEEPCNT, KEEP_COUNT, 1, 127, false, STINT_OPTION_KEEP_PROBES},
    {IPPROTO_TCP, TCP_USER_TIMEOUT, USER_TIMEOUT, 0, INT32_MAX, false, STINT_OPTION_USER_TIMEOUT},
    {IPPROTO_TCP, TCP_CONGESTION, CONGESTION, 0, 2, false, STINT_OPTION_CONGESTION},
    {IPPROTO_IP, IP_TOS, TOS, INT32_MIN, INT32_MAX, false, STINT_OPTION_TOS},
    {IPPROTO_IP, IP_TTL, TTL, -1, 255, false, STINT_OPTION_TTL},
    {IPPROTO_IPV6, IPV6_TCLASS, TRAFFIC_CLASS, -1, 255, false, STINT_OPTION_TOS},
    {IPPROTO_IPV6, IPV6_UNICAST_HOPS, HOPS, -1, 255, false, STINT_OPTION_TTL},
    {IPPROTO_IPV6, IPV6_V6ONLY, SIX_ONLY, INT32_MIN, INT32_MAX, true, NOT_THE_STACKS},
    {SOL_SOCKET, SO_KEEPALIVE, KEEP_ALIVE, INT32_MIN, INT32_MAX, true, STINT_OPTION_KEEP_ALIVE},
};
enum { OPTIONS = sizeof numbers / sizeof numbers[0] };

static const struct option *find(const struct socket *s, int level, int name) {
  if ((level == IPPROTO_TCP && s->kind == DATAGRAM) || (level == IPPROTO_IPV6 && !s->six)) return NULL;
  for (int i = 0; i < OPTIONS; i++)
    if (numbers[i].level == level && numbers[i].name == name) return &numbers[i];
  return NULL;
}

/* What the stack takes for a value of the caller's. */
static uint32_t for_stack(const struct option *o, int value) {
  if (o->number == USER_TIMEOUT && value == 0) return USUAL_TIMEOUT_MS;
  /* One unanswered probe must not end a connection (RFC 9293 §3.8.4, MUST-29). */
  if (o->number == KEEP_COUNT && value == 1) return 2;
  return (uint32_t)value;
}

/* Whether the option is for packets of the other family. A listener of AF_INET6 has those of IPv6. */
static bool is_of_other_family(const struct socket *s, const struct option *o) {
  bool six = s->kind == CONNECTION ? !is_mapped(&s->peer) : s->six;
  return o->level == (six ? IPPROTO_IP : IPPROTO_IPV6);
}

static void hand_over(const struct socket *s, const struct option *o) {
  if (is_of_other_family(s, o)) return;
  /* A listener has what it can: the rest is its connections'. */
  if (o->stack != NOT_THE_STACKS && (s->kind == CONNECTION || s->kind == LISTENER))
    tcp_set(s->handle, (uint32_t)o->stack, for_stack(o, s->number[o->number]));
}

void apply_options(const struct socket *s) {
  for (int i = 0; i < OPTIONS; i++)
    if (s->is_set & 1u << numbers[i].number) hand_over(s, &numbers[i]);
}

static int set_number(struct socket *s, const struct option *o, const void *value, socklen_t size) {
  int n;
  if (o->number == TOS && size == 0) n = 0;
  else if (o->level == IPPROTO_IP && size >= 1 && size < sizeof n) n = *(const unsigned char *)value;
  else if (size < sizeof n) return fail(EINVAL);
  else memcpy(&n, value, sizeof n);
  bool hops = o->number == TTL || o->number == HOPS;
  if (n < o->least || n > o->most || (hops && n == 0)) return fail(EINVAL);
  /* Whom it would be for is settled once there is a port. */
  if (o->number == SIX_ONLY && s->own.port != 0) return fail(EINVAL);
  if (o->flag) n = n != 0;
  if (hops && n == -1) n = 64;
  if (o->number == TRAFFIC_CLASS && n == -1) n = 0;
  /* Datagrams go out with 64; a program that wants another TTL relies on it. */
  if (hops && n != 64 && s->kind == DATAGRAM) return fail(ENOPROTOOPT);
  /* A byte; the bits of ECN are TCP's own. */
  if (o->number == TOS || o->number == TRAFFIC_CLASS) n &= s->kind == DATAGRAM ? 0xff : 0xfc;
  if (o->number == LOW_WATER) n = n < 0 || n > LOW_WATER_MAX ? LOW_WATER_MAX : n == 0 ? 1 : n;
  s->number[o->number] = n;
  s->is_set |= 1u << o->number;
  hand_over(s, o);
  return 0;
}

/* Names of congestion controls, by the stack's numbers: 0 is what the host has. */
static const char *const congestions[] = {"cubic", "cubic", "bbr"};
enum { NAME_MAX_SIZE = 16 };

static int set_congestion(struct socket *s, const struct option *o, const void *value, socklen_t size) {
  char name[NAME_MAX_SIZE] = "";
  if (size < 1) return fail(EINVAL);
  memcpy(name, value, size < sizeof name ? size : sizeof name - 1);
  int n = strcmp(name, congestions[1]) == 0 ? 1 : strcmp(name, congestions[2]) == 0 ? 2 : 0;
  /* A build without it says so of a connection. */
  if (n == 0 || (n == 2 && s->kind == CONNECTION && tcp_set(s->handle, STINT_OPTION_CONGESTION, (uint32_t)n) != 0))
    return fail(ENOENT);
  s->number[o->number] = n;
  s->is_set |= 1u << o->number;
  return 0;
}

static int set_timeout(int *ms, const void *value, socklen_t size) {
  struct timeval t;
  if (size < sizeof t) return fail(EINVAL);
  memcpy(&t, value, sizeof t);
  if (t.tv_usec < 0 || t.tv_usec >= 1000000) return fail(EDOM);
  int64_t all = t.tv_sec < 0 ? -1 : (int64_t)t.tv_sec * 1000 + (t.tv_usec + 999) / 1000;
  *ms = t.tv_sec > INT32_MAX / 1000 - 1 ? 0 : (int)all;
  return 0;
}

int stint_bsd_setsockopt(int fd, int level, int name, const void *value, socklen_t size) {
  struct socket *s = socket_of(fd);
  if (s == NULL) return no_socket(fd);
  const struct option *o = find(s, level, name);
  if (size > INT32_MAX) return fail(EINVAL);
  if (value == NULL) return fail(EFAULT);
  if (o != NULL) return o->number == CONGESTION ? set_congestion(s, o, value, size) : set_number(s, o, value, size);
  if (level == IPPROTO_TCP && s->kind != DATAGRAM && name == TCP_QUICKACK) return size < sizeof(int) ? fail(EINVAL) : 0;
  if (level != SOL_SOCKET) return fail(ENOPROTOOPT);
  if (size < sizeof(int)) return fail(EINVAL);
  switch (name) {
    case SO_RCVTIMEO: return set_timeout(&s->receive_ms, value, size);
    case SO_SNDTIMEO: return set_timeout(&s->send_ms, value, size);
    case SO_LINGER:
      if (size < sizeof s->linger) return fail(EINVAL);
      memcpy(&s->linger, value, sizeof s->linger);
      s->linger.l_onoff = s->linger.l_onoff != 0;
      return 0;
    /* Rings have the size that they have; a wish is taken for a hint. */
    case SO_SNDBUF:
    case SO_RCVBUF: return 0;
    default: return fail(ENOPROTOOPT);
  }
}

/* Whether there are options of the level at all. */
static bool is_level(const struct socket *s, int level) {
  return level == IPPROTO_IP || level == (s->kind == DATAGRAM ? IPPROTO_UDP : IPPROTO_TCP) ||
         (s->six && level == IPPROTO_IPV6);
}

static int give(void *value, socklen_t *size, const void *from, socklen_t have) {
  if (*size > have) *size = have;
  memcpy(value, from, *size);
  return 0;
}

static int give_number(void *value, socklen_t *size, int n) { return give(value, size, &n, sizeof n); }

static int give_timeout(void *value, socklen_t *size, int ms) {
  if (ms < 0) ms = 0;
  struct timeval t = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
  return give(value, size, &t, sizeof t);
}

int stint_bsd_getsockopt(int fd, int level, int name, void *value, socklen_t *size) {
  struct socket *s = socket_of(fd);
  if (s == NULL) return no_socket(fd);
  if (value == NULL || size == NULL) return fail(EFAULT);
  if (*size > INT32_MAX) return fail(EINVAL);
  const struct option *o = find(s, level, name);
  bool stream = s->kind != DATAGRAM;
  if (o != NULL) {
    int n = s->number[o->number];
    if (o->number == CONGESTION) {
      char name[NAME_MAX_SIZE] = "";
      strcpy(name, congestions[n]);
      return give(value, size, name, sizeof name);
    }
    /* A byte is enough for options of IP. */
    if (level == IPPROTO_IP && *size >= 1 && *size < sizeof n) {
      *(unsigned char *)value = (unsigned char)n;
      *size = 1;
      return 0;
    }
    return give_number(value, size, n);
  }
  if (level == IPPROTO_TCP && stream) {
    struct tcp_info info;
    switch (name) {
      case TCP_QUICKACK: return give_number(value, size, 1);
      case TCP_MAXSEG: return give_number(value, size, segment_size(s));
      case TCP_INFO: tell_info(s, &info); return give(value, size, &info, sizeof info);
      default: break;
    }
  }
  if (level != SOL_SOCKET) return fail(is_level(s, level) ? ENOPROTOOPT : EOPNOTSUPP);
  switch (name) {
    case SO_ERROR:
      turn(0, NULL, 0);
      if (!stream) datagram_fetch(s);
      return give_number(value, size, take_error(s));
    case SO_TYPE: return give_number(value, size, stream ? SOCK_STREAM : SOCK_DGRAM);
    case SO_DOMAIN: return give_number(value, size, s->six ? AF_INET6 : AF_INET);
    case SO_PROTOCOL: return give_number(value, size, stream ? IPPROTO_TCP : IPPROTO_UDP);
    case SO_ACCEPTCONN: return give_number(value, size, s->kind == LISTENER);
    case SO_SNDBUF:
    case SO_RCVBUF: return give_number(value, size, stream ? STINT_HOST_RING : STINT_HOST_UDP_RING);
    case SO_SNDLOWAT: return give_number(value, size, 1);
    case SO_LINGER: return give(value, size, &s->linger, sizeof s->linger);
    case SO_RCVTIMEO: return give_timeout(value, size, s->receive_ms);
    case SO_SNDTIMEO: return give_timeout(value, size, s->send_ms);
    default: return fail(ENOPROTOOPT);
  }
}

int stint_bsd_fcntl(int fd, int command, ...) {
  va_list list;
  va_start(list, command);
  long argument = va_arg(list, long);
  va_end(list);
  struct socket *s = socket_of(fd);
  if (s == NULL) return is_vacant(fd) ? fail(EBADF) : fcntl(fd, command, argument);
  switch (command) {
    case F_GETFL: return O_RDWR | (s->nonblock ? O_NONBLOCK : 0);
    case F_SETFL: s->nonblock = (argument & O_NONBLOCK) != 0; return 0;
    case F_GETFD: return s->cloexec ? FD_CLOEXEC : 0;
    case F_SETFD: s->cloexec = (argument & FD_CLOEXEC) != 0; return 0;
    default: return fail(EINVAL);
  }
}

#ifdef __wasm__
int stint_bsd_ioctl(int fd, int request, ...) {
#else
int stint_bsd_ioctl(int fd, unsigned long request, ...) {
#endif
  va_list list;
  va_start(list, request);
  void *argument = va_arg(list, void *);
  va_end(list);
  struct socket *s = socket_of(fd);
  if (s == NULL) return is_vacant(fd) ? fail(EBADF) : ioctl(fd, request, argument);
  if (request == FIONBIO) {
    s->nonblock = *(const int *)argument != 0;
    return 0;
  }
  if (request != FIONREAD) return fail(ENOTTY);
  if (s->kind == LISTENER) return fail(EINVAL);
  turn(0, NULL, 0);
  if (s->kind == DATAGRAM) datagram_fetch(s);
  *(int *)argument = s->kind != DATAGRAM ? stream_waiting(s) : s->held > 0 ? s->held : 0;
  return 0;
}
