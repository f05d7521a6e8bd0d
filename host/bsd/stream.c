/* What a TCP socket sends and receives. */
#include "sockets.h"

#ifndef __wasm__
#include <signal.h>
#endif

int broken_pipe(int flags) {
#ifndef __wasm__
  if ((flags & MSG_NOSIGNAL) == 0) raise(SIGPIPE);
#else
  /* WASI has no signals: as if SIGPIPE were ignored. */
  (void)flags;
#endif
  return fail(EPIPE);
}

/* The stack's calls take sizes of 32 bits. */
static uint32_t at_most(size_t size) { return size > INT32_MAX ? INT32_MAX : (uint32_t)size; }

/* Why nothing can be sent: an error is told once, afterwards the pipe is broken. */
static int cannot_send(struct socket *s, int flags) {
  int error = take_error(s);
  return error != 0 && error != EPIPE ? fail(error) : broken_pipe(flags);
}

ssize_t stream_send_part(struct socket *s, const void *data, size_t size, int flags, struct patience *p) {
  if (s->kind != CONNECTION) return cannot_send(s, flags);
  size_t sent = 0;
  for (;;) {
    if (s->over || s->shut_write || s->error != 0) return sent > 0 ? (ssize_t)sent : cannot_send(s, flags);
    if (s->connected) {
      int32_t n =
          sent == size ? 0 : tcp_send(s->handle, (void *)(uintptr_t)((const char *)data + sent), at_most(size - sent));
      if (n > 0) {
        sent += (size_t)n;
        p->tried = false;
      }
      if (sent == size) break;
    }
    if (!again(p, s, flags, s->send_ms)) {
      if (sent > 0) break;
      return -1;
    }
  }
  if ((flags & MSG_OOB) != 0 && sent > 0) tcp_urgent(s->handle);
  /* More follows at once, so that it need not wait for an answer to this (Nagle). */
  if ((flags & MSG_MORE) == 0) turn(0, NULL, 0);
  return (ssize_t)sent;
}

ssize_t stream_send(struct socket *s, const void *data, size_t size, int flags) {
  return stream_send_part(s, data, size, flags, &(struct patience){0});
}

int stream_waiting(const struct socket *s) {
  int32_t have = s->kind == CONNECTION ? tcp_recv_size(s->handle) : 0;
  return have > 0 ? have : 0;
}

/* Nothing is to be had and nothing will come: an error, or the end. */
static bool is_at_end(const struct socket *s) {
  return s->over || s->shut_read || s->error != 0 || tcp_recv_size(s->handle) == 0;
}

/*
 * How much there must be before a call returns: SO_RCVLOWAT, or all; and as on Linux, one byte even if none is asked
 * for.
 */
static uint32_t enough(const struct socket *s, size_t size, int flags) {
  size_t least = (flags & MSG_WAITALL) != 0 ? size : (size_t)s->number[LOW_WATER];
  if (least > size) least = size;
  if (least == 0) return 1;
  return (flags & MSG_PEEK) != 0 && least > STINT_HOST_RING ? STINT_HOST_RING : at_most(least);
}

/* Takes up to `size` bytes, or looks at them; MSG_TRUNC leaves the caller's memory as it is. Returns how many. */
static int32_t take(const struct socket *s, void *data, uint32_t got, size_t size, int flags) {
  static unsigned char nowhere[4096];
  bool peek = (flags & MSG_PEEK) != 0;
  if ((flags & MSG_TRUNC) == 0)
    return peek ? tcp_peek(s->handle, data, at_most(size)) : tcp_recv(s->handle, (char *)data + got, at_most(size));
  if (peek) {
    size_t have = (size_t)stream_waiting(s);
    return (int32_t)(have < size ? have : size);
  }
  int32_t all = 0;
  for (int32_t n = 1; n > 0 && size > 0 && stream_waiting(s) > 0; all += n, size -= (size_t)n)
    if ((n = tcp_recv(s->handle, nowhere, size < sizeof nowhere ? (uint32_t)size : sizeof nowhere)) < 0) return n;
  return all;
}

/* Takes what is there into the pieces, behind the first `got` bytes of them. Returns how much, or an error. */
static int32_t take_pieces(const struct socket *s, const struct iovec *iov, size_t count, size_t got, int flags) {
  int32_t sum = 0;
  for (size_t i = 0; i < count; got -= got < iov[i].iov_len ? got : iov[i].iov_len, i++) {
    size_t room = got < iov[i].iov_len ? iov[i].iov_len - got : 0;
    if (room == 0 || stream_waiting(s) == 0) continue;
    int32_t n = take(s, iov[i].iov_base, (uint32_t)got, room, flags);
    if (n < 0) return sum > 0 ? sum : n;
    sum += n;
    got += (size_t)n;
  }
  return sum;
}

ssize_t stream_receive_pieces(struct socket *s, const struct iovec *iov, size_t count, size_t size, int flags) {
  if (s->kind != CONNECTION) return s->kind == FRESH && s->shut_read ? 0 : fail(ENOTCONN);
  if ((flags & MSG_OOB) != 0) return fail(EINVAL);
  uint32_t want = enough(s, size, flags), got = 0;
  bool peek = (flags & MSG_PEEK) != 0;
  for (struct patience p = {0}; got < want;) {
    uint32_t have = (uint32_t)stream_waiting(s);
    if (peek ? have >= want || (have > 0 && is_at_end(s)) : have > 0) {
      int32_t n = take_pieces(s, iov, count, got, flags);
      if (n < 0) return fail(error_of(n));
      got += (uint32_t)n;
      if (peek || size == 0) break;
      p.tried = false;
      continue;
    }
    if (is_at_end(s)) {
      if (got > 0) break;
      int error = tcp_recv_size(s->handle) == 0 ? 0 : take_error(s);
      return error != 0 ? fail(error) : 0;
    }
    if (!again(&p, s, flags, s->receive_ms)) {
      if (got > 0 || (peek && have > 0 && (got = (uint32_t)take_pieces(s, iov, count, 0, flags)) > 0)) break;
      return -1;
    }
  }
  /* The window that was opened is told. */
  if (got > 0 && !peek) turn(0, NULL, 0);
  return (ssize_t)got;
}

ssize_t stream_receive(struct socket *s, void *data, size_t size, int flags) {
  return stream_receive_pieces(s, &(struct iovec){data, size}, 1, size, flags);
}
