/* BSD sockets over the stack's calls: a small table of descriptors, and a turn of the host wherever a call has to wait. */
#define STINT_NO_BSD_NAMES
#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "host.h"

/* Descriptors of files lie below. */
enum { FIRST = 64, COUNT = 64, BACKLOG_MAX = 128 };

enum kind { FREE, FRESH, LISTENER, CONNECTION };

static struct socket {
  enum kind kind;
  int32_t handle;
  /* Host order. */
  uint32_t ip;
  uint16_t port;
  uint32_t peer_ip;
  uint16_t peer_port;
  bool nonblock;
  bool connected;
  /* An error that SO_ERROR has not told yet. */
  int error;
} sockets[COUNT];

static int fail(int error) {
  errno = error;
  return -1;
}

static int error_of(int32_t result) {
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
    default: return EIO;
  }
}

static struct socket *of(int fd) { return fd >= FIRST && fd < FIRST + COUNT && sockets[fd - FIRST].kind != FREE ? &sockets[fd - FIRST] : NULL; }

static int fresh(void) {
  for (int i = 0; i < COUNT; i++) {
    if (sockets[i].kind != FREE) continue;
    sockets[i] = (struct socket){.kind = FRESH};
    return FIRST + i;
  }
  return fail(EMFILE);
}

/* One turn; events tell which connects are done. */
static int turn(int wait_ms) {
  int result = stint_host_turn(wait_ms);
  for (uint64_t e = stint_event_next(); e != 0; e = stint_event_next()) {
    for (int i = 0; i < COUNT; i++) {
      struct socket *s = &sockets[i];
      if (s->kind != CONNECTION || s->handle != (int32_t)(e >> 32)) continue;
      if ((uint32_t)e & STINT_EVENT_CONNECTED) s->connected = true;
      if (((uint32_t)e & STINT_EVENT_CLOSED) && !s->connected && s->error == 0) {
        int32_t why = tcp_recv_size(s->handle);
        s->error = why < 0 ? error_of(why) : ECONNREFUSED;
      }
    }
  }
  return result;
}

/* Waits for a turn, for a call that would block. Returns whether it may try again. */
static bool again(const struct socket *s, int flags) {
  if (s->nonblock || (flags & MSG_DONTWAIT) != 0) {
    turn(0);
    errno = EAGAIN;
    return false;
  }
  if (turn(-1) >= 0) return true;
  errno = ENETDOWN;
  return false;
}

int stint_socket(int domain, int type, int protocol) {
  if (domain != AF_INET) return fail(EAFNOSUPPORT);
  if ((type & ~SOCK_NONBLOCK) != SOCK_STREAM || (protocol != 0 && protocol != IPPROTO_TCP)) return fail(EPROTONOSUPPORT);
  if (stint_host_start() < 0) return fail(ENETDOWN);
  int fd = fresh();
  if (fd >= 0) of(fd)->nonblock = (type & SOCK_NONBLOCK) != 0;
  return fd;
}

static const struct sockaddr_in *address_of(const struct sockaddr *address, socklen_t size) {
  return address != NULL && size >= sizeof(struct sockaddr_in) && address->sa_family == AF_INET ? (const struct sockaddr_in *)(const void *)address : NULL;
}

int stint_bind(int fd, const struct sockaddr *address, socklen_t size) {
  struct socket *s = of(fd);
  const struct sockaddr_in *a = address_of(address, size);
  if (s == NULL) return fail(EBADF);
  if (a == NULL || s->kind != FRESH) return fail(EINVAL);
  s->ip = ntohl(a->sin_addr.s_addr);
  s->port = ntohs(a->sin_port);
  return 0;
}

int stint_listen(int fd, int backlog) {
  struct socket *s = of(fd);
  if (s == NULL) return fail(EBADF);
  if (s->kind != FRESH) return fail(EINVAL);
  int32_t result = tcp_listen(s->ip, s->port, (uint32_t)(backlog < 1 ? 1 : backlog > BACKLOG_MAX ? BACKLOG_MAX : backlog));
  if (result < 0) return fail(error_of(result));
  s->handle = result;
  s->kind = LISTENER;
  return 0;
}

static void tell_peer(const struct socket *s, struct sockaddr *address, socklen_t *size) {
  if (address == NULL || size == NULL) return;
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(s->peer_port), .sin_addr = {htonl(s->peer_ip)}};
  memcpy(address, &a, *size < sizeof a ? *size : sizeof a);
  *size = sizeof a;
}

/* Who is at the other end: the TCB begins with the peer's address, ours, and the ports. */
static void look(struct socket *s) {
  uint32_t tcb[64];
  if (tcp_info(s->handle, tcb) < 0) return;
  s->peer_ip = tcb[0], s->ip = tcb[1], s->peer_port = (uint16_t)(tcb[2] >> 16), s->port = (uint16_t)tcb[2];
}

int stint_accept(int fd, struct sockaddr *address, socklen_t *size) {
  struct socket *l = of(fd);
  if (l == NULL) return fail(EBADF);
  if (l->kind != LISTENER) return fail(EINVAL);
  for (;;) {
    int32_t handle = tcp_accept(l->handle);
    if (handle > 0) {
      int connection = fresh();
      if (connection < 0) {
        tcp_abort(handle);
        return -1;
      }
      struct socket *s = of(connection);
      s->kind = CONNECTION;
      s->handle = handle;
      s->connected = true;
      look(s);
      tell_peer(s, address, size);
      return connection;
    }
    if (handle != STINT_ERR_AGAIN) return fail(error_of(handle));
    if (!again(l, 0)) return -1;
  }
}

int stint_connect(int fd, const struct sockaddr *address, socklen_t size) {
  struct socket *s = of(fd);
  const struct sockaddr_in *a = address_of(address, size);
  if (s == NULL) return fail(EBADF);
  if (a == NULL) return fail(EAFNOSUPPORT);
  if (s->kind == CONNECTION && s->connected) return fail(EISCONN);
  if (s->kind == CONNECTION && s->error == 0 && s->nonblock) return fail(EALREADY);
  if (s->kind == FRESH) {
    int32_t handle = tcp_connect(s->ip, s->port, ntohl(a->sin_addr.s_addr), ntohs(a->sin_port));
    if (handle < 0) return fail(error_of(handle));
    s->kind = CONNECTION;
    s->handle = handle;
    look(s);
    if (s->nonblock) {
      turn(0);
      return fail(EINPROGRESS);
    }
  }
  while (!s->connected && s->error == 0) if (!again(s, 0)) return -1;
  if (s->connected) return 0;
  int error = s->error;
  s->error = 0;
  return fail(error);
}

ssize_t stint_send(int fd, const void *data, size_t size, int flags) {
  struct socket *s = of(fd);
  if (s == NULL) return fail(EBADF);
  if (s->kind != CONNECTION) return fail(ENOTCONN);
  size_t sent = 0;
  while (sent < size) {
    int32_t n = tcp_send(s->handle, (void *)(uintptr_t)((const char *)data + sent), (uint32_t)(size - sent));
    if (n > 0) {
      sent += (size_t)n;
      continue;
    }
    if (n < 0 && n != STINT_ERR_AGAIN) return sent > 0 ? (ssize_t)sent : fail(error_of(n));
    if (sent > 0 && (s->nonblock || (flags & MSG_DONTWAIT) != 0)) break;
    if (!again(s, flags)) return sent > 0 ? (ssize_t)sent : -1;
  }
  turn(0);
  return (ssize_t)sent;
}

ssize_t stint_recv(int fd, void *data, size_t size, int flags) {
  struct socket *s = of(fd);
  if (s == NULL) return fail(EBADF);
  if (s->kind != CONNECTION) return fail(ENOTCONN);
  for (;;) {
    int32_t n = (flags & MSG_PEEK) != 0 ? tcp_peek(s->handle, data, (uint32_t)size) : tcp_recv(s->handle, data, (uint32_t)size);
    if (n >= 0) {
      turn(0);
      return n;
    }
    if (n != STINT_ERR_AGAIN) return fail(error_of(n));
    if (!again(s, flags)) return -1;
  }
}

int stint_shutdown(int fd, int how) {
  struct socket *s = of(fd);
  if (s == NULL) return fail(EBADF);
  if (s->kind != CONNECTION) return fail(ENOTCONN);
  /* What still arrives after SHUT_RD is read and thrown away by whoever calls recv. */
  int32_t result = how == SHUT_RD ? 0 : tcp_shutdown(s->handle);
  turn(0);
  return result < 0 ? fail(error_of(result)) : 0;
}

int stint_close(int fd) {
  struct socket *s = of(fd);
  if (s == NULL) return fd >= FIRST && fd < FIRST + COUNT ? fail(EBADF) : close(fd);
  if (s->kind != FRESH) tcp_close(s->handle);
  s->kind = FREE;
  turn(0);
  return 0;
}

ssize_t stint_read(int fd, void *data, size_t size) { return of(fd) != NULL ? stint_recv(fd, data, size, 0) : read(fd, data, size); }
ssize_t stint_write(int fd, const void *data, size_t size) { return of(fd) != NULL ? stint_send(fd, data, size, 0) : write(fd, data, size); }

static short ready(const struct socket *s, short wanted) {
  short events = 0;
  if (s->kind == LISTENER) {
    uint32_t info[4];
    if (stint_listener_info(s->handle, info) >= 0 && info[1] != 0) events |= POLLIN;
  } else if (s->kind == CONNECTION) {
    int32_t have = tcp_recv_size(s->handle);
    if (s->error != 0 || (have < 0 && have != STINT_ERR_AGAIN && s->connected)) events |= POLLERR | POLLHUP;
    if (s->connected && (have >= 0)) events |= POLLIN;
    if (s->connected && tcp_send_room(s->handle) > 0) events |= POLLOUT;
  }
  return events & (wanted | POLLERR | POLLHUP);
}

static int64_t now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int stint_poll_sockets(struct pollfd *fds, nfds_t n, int timeout_ms) {
  int64_t until = now_ms() + timeout_ms;
  for (;;) {
    turn(0);
    int found = 0;
    for (nfds_t i = 0; i < n; i++) {
      struct socket *s = of(fds[i].fd);
      fds[i].revents = s == NULL ? POLLNVAL : ready(s, fds[i].events);
      if (fds[i].revents != 0) found++;
    }
    int64_t left = timeout_ms < 0 ? -1 : until - now_ms();
    if (found > 0 || timeout_ms == 0 || (timeout_ms > 0 && left <= 0)) return found;
    if (turn((int)left) < 0) return fail(ENETDOWN);
  }
}

int stint_setsockopt(int fd, int level, int name, const void *value, socklen_t size) {
  struct socket *s = of(fd);
  if (s == NULL) return fail(EBADF);
  if (value == NULL || size < sizeof(int)) return fail(EINVAL);
  uint32_t option, number = (uint32_t) * (const int *)value;
  if (level == SOL_SOCKET && name == SO_REUSEADDR) return 0;
  if (level == SOL_SOCKET && name == SO_KEEPALIVE) option = STINT_OPTION_KEEP_ALIVE;
  else if (level == IPPROTO_TCP && name == TCP_NODELAY) option = STINT_OPTION_NO_DELAY;
  else if (level == IPPROTO_TCP && name == TCP_KEEPIDLE) option = STINT_OPTION_KEEP_IDLE;
  else if (level == IPPROTO_TCP && name == TCP_KEEPINTVL) option = STINT_OPTION_KEEP_INTERVAL;
  else if (level == IPPROTO_TCP && name == TCP_KEEPCNT) option = STINT_OPTION_KEEP_PROBES;
  else if (level == IPPROTO_TCP && name == TCP_USER_TIMEOUT) option = STINT_OPTION_USER_TIMEOUT;
  else return fail(ENOPROTOOPT);
  /* Of a socket that is not connected yet there is nothing to set: options belong to connections here. */
  if (s->kind != CONNECTION) return s->kind == FRESH || s->kind == LISTENER ? 0 : fail(ENOTCONN);
  int32_t result = tcp_set(s->handle, option, number);
  return result < 0 ? fail(error_of(result)) : 0;
}

int stint_getsockopt(int fd, int level, int name, void *value, socklen_t *size) {
  struct socket *s = of(fd);
  if (s == NULL) return fail(EBADF);
  if (level != SOL_SOCKET || name != SO_ERROR) return fail(ENOPROTOOPT);
  if (value == NULL || size == NULL || *size < sizeof(int)) return fail(EINVAL);
  *(int *)value = s->error;
  *size = sizeof(int);
  s->error = 0;
  return 0;
}

int stint_getsockname(int fd, struct sockaddr *address, socklen_t *size) {
  struct socket *s = of(fd), own;
  if (s == NULL) return fail(EBADF);
  own = *s;
  own.peer_ip = s->ip, own.peer_port = s->port;
  tell_peer(&own, address, size);
  return 0;
}

int stint_getpeername(int fd, struct sockaddr *address, socklen_t *size) {
  struct socket *s = of(fd);
  if (s == NULL) return fail(EBADF);
  if (s->kind != CONNECTION) return fail(ENOTCONN);
  tell_peer(s, address, size);
  return 0;
}

int stint_nonblock(int fd, int on) {
  struct socket *s = of(fd);
  if (s == NULL) return fail(EBADF);
  s->nonblock = on != 0;
  return 0;
}

int inet_pton(int family, const char *text, void *address) {
  unsigned a, b, c, d;
  char more;
  if (family != AF_INET) return fail(EAFNOSUPPORT);
  if (sscanf(text, "%3u.%3u.%3u.%3u%c", &a, &b, &c, &d, &more) != 4 || (a | b | c | d) > 255) return 0;
  uint32_t ip = htonl(a << 24 | b << 16 | c << 8 | d);
  memcpy(address, &ip, sizeof ip);
  return 1;
}

const char *inet_ntop(int family, const void *address, char *text, socklen_t size) {
  const unsigned char *b = address;
  if (family != AF_INET) {
    errno = EAFNOSUPPORT;
    return NULL;
  }
  if ((size_t)snprintf(text, size, "%u.%u.%u.%u", b[0], b[1], b[2], b[3]) < size) return text;
  errno = ENOSPC;
  return NULL;
}
