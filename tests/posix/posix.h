/*
 * What the programs here share. Each prints what its calls return; over the kernel's sockets and over the stack's it
 * must print the same.
 */
#ifndef POSIX_H
#define POSIX_H
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static inline const char *error_name(int error) {
  static char text[16];
  switch (error) {
#define NAME(e) \
  case e: return #e
    NAME(EBADF);
    NAME(EINTR);
    NAME(EINVAL);
    NAME(ENOTCONN);
    NAME(EISCONN);
    NAME(EAGAIN);
    NAME(EADDRINUSE);
    NAME(EADDRNOTAVAIL);
    NAME(ECONNREFUSED);
    NAME(ECONNRESET);
    NAME(ECONNABORTED);
    NAME(ETIMEDOUT);
    NAME(EPIPE);
    NAME(EALREADY);
    NAME(EINPROGRESS);
    NAME(EOPNOTSUPP);
    NAME(EAFNOSUPPORT);
    NAME(EPROTONOSUPPORT);
    NAME(ENOPROTOOPT);
    NAME(ENOTSOCK);
    NAME(EDESTADDRREQ);
    NAME(EMSGSIZE);
    NAME(EACCES);
    NAME(EFAULT);
    NAME(EDOM);
    NAME(ENETUNREACH);
    NAME(EHOSTUNREACH);
    NAME(ENOBUFS);
    NAME(EMFILE);
    NAME(ENOTTY);
    NAME(ENETDOWN);
    NAME(ENOSPC);
#undef NAME
    default: snprintf(text, sizeof text, "%d", error); return text;
  }
}

static inline long say(const char *what, long result) {
  if (result < 0) printf("%s: %s\n", what, error_name(errno));
  else printf("%s: %ld\n", what, result);
  return result;
}

static inline void say_bits(const char *what, int bits) {
  printf("%s:%s%s%s%s%s%s%s\n", what, bits & POLLIN ? " IN" : "", bits & POLLOUT ? " OUT" : "",
         bits & POLLERR ? " ERR" : "", bits & POLLHUP ? " HUP" : "", bits & POLLNVAL ? " NVAL" : "",
         bits & POLLRDHUP ? " RDHUP" : "", bits & POLLPRI ? " PRI" : "");
}

/* What poll says of a socket within `ms`, asked for everything. */
static inline void say_poll(const char *what, int fd, int ms) {
  struct pollfd p = {.fd = fd, .events = POLLIN | POLLOUT | POLLRDHUP | POLLPRI};
  int n = poll(&p, 1, ms);
  if (n < 0) say(what, n);
  else say_bits(what, p.revents);
}

static inline void wait_for(int fd, int events) {
  struct pollfd p = {.fd = fd, .events = (short)events};
  poll(&p, 1, 2000);
}

static inline void say_error(const char *what, int fd) {
  int error = -1;
  socklen_t size = sizeof error;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) say(what, -1);
  else printf("%s: SO_ERROR %s\n", what, error == 0 ? "0" : error_name(error));
}

static inline struct sockaddr_in local(int port) {
  struct sockaddr_in a = {.sin_family = AF_INET,
                          .sin_port = htons((uint16_t)port),
                          .sin_addr = {htonl(INADDR_LOOPBACK)}};
  return a;
}

static inline int port_of(int fd) {
  struct sockaddr_in a = {0};
  socklen_t size = sizeof a;
  return getsockname(fd, (struct sockaddr *)&a, &size) == 0 ? ntohs(a.sin_port) : -1;
}

static inline int listener_on(int port) {
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in a = local(port);
  if (bind(fd, (struct sockaddr *)&a, sizeof a) != 0 || listen(fd, 8) != 0) {
    say("listener", -1);
    exit(1);
  }
  return fd;
}

/* A connection between two sockets of this program: [0] connected, [1] was accepted. */
static inline void pair(int fds[2]) {
  int listener = listener_on(0);
  struct sockaddr_in a = local(port_of(listener));
  fds[0] = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(fds[0], (struct sockaddr *)&a, sizeof a) != 0 || (fds[1] = accept(listener, NULL, NULL)) < 0) {
    say("pair", -1);
    exit(1);
  }
  close(listener);
}

static inline void non_blocking(int fd) { fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK); }

static inline long now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000L + t.tv_nsec / 1000000;
}

/* Whether a call took its time and not much more: the clock's grain below, the machine's other work above. */
static inline void say_took(const char *what, long began, long ms) {
  long took = now_ms() - began;
  if (took >= ms - 10 && took < ms + 1500) printf("%s: about %ld ms\n", what, ms);
  else printf("%s: %ld ms, not %ld\n", what, took, ms);
}

/* A port where nobody is. */
static inline int nobody(int type) {
  int fd = socket(AF_INET, type, 0);
  struct sockaddr_in a = local(0);
  bind(fd, (struct sockaddr *)&a, sizeof a);
  int port = port_of(fd);
  close(fd);
  return port;
}
#endif
