/* UDP sockets. One datagram at a time is held here, so that it can be looked at before it is taken. */
#include "sockets.h"

#include <stdlib.h>

int datagram_bind(struct socket *s) {
  if (s->handle != 0) return 0;
  bool chosen = s->own.port == 0;
  for (int tries = 0; tries < 16; tries++) {
    int error = choose_port(s, false);
    if (error != 0) return fail(error);
    int32_t handle = udp_open(s->own.port);
    if (handle > 0) {
      s->handle = handle;
      return 0;
    }
    if (handle != STINT_ERR_IN_USE || !chosen) return fail(error_of(handle));
    s->own.port = 0;
  }
  return fail(EADDRINUSE);
}

/* The peer is forgotten, and the port with it unless bind named it. */
static int dissolve(struct socket *s) {
  s->connected = false;
  set_any(&s->peer, s->six);
  s->peer.port = 0;
  if (!s->bound) set_any(&s->own, s->six);
  if (s->port_is_kept) return 0;
  if (s->handle != 0) udp_close(s->handle);
  s->handle = 0, s->held = -1;
  s->own.port = 0;
  return 0;
}

/* An IPv4 address, where IPV6_V6ONLY says that there are none. */
static bool is_barred(const struct socket *s, const struct place *p) {
  return s->six && is_mapped(p) && s->number[SIX_ONLY];
}

/* Whether the socket is to have a datagram of this sender: one of another family, or of no peer, it is not. */
static bool is_for(const struct socket *s, const struct place *from) {
  if (s->connected && (from->port != s->peer.port || !same_ip(from, &s->peer))) return false;
  return s->six ? !is_barred(s, from) : is_mapped(from);
}

int datagram_connect(struct socket *s, const struct sockaddr *address, socklen_t size) {
  if (address != NULL && size >= sizeof address->sa_family && address->sa_family == AF_UNSPEC) return dissolve(s);
  struct place to;
  if (read_place(s, address, size, &to) != 0) return -1;
  if (is_barred(s, &to)) return fail(address->sa_family == AF_INET ? EAFNOSUPPORT : ENETUNREACH);
  if (is_broadcast(&to) && !s->number[BROADCAST]) return fail(EACCES);
  if (datagram_bind(s) != 0) return -1;
  /* What came before is not for the socket that has a peer: of errors nobody is told. */
  turn(0, NULL, 0);
  datagram_fetch(s);
  if (is_any(&to)) set_here(&to);
  s->peer = to;
  if (!s->bound || is_any(&s->own)) set_source(&to, &s->own);
  s->connected = true;
  s->error = 0;
  return 0;
}

void datagram_fetch(struct socket *s) {
  if (s->handle == 0 || s->held >= 0) return;
  if (s->text == NULL && (s->text = malloc(DATAGRAM_MAX)) == NULL) return;
  for (;;) {
    struct stint_datagram_from from;
    int32_t n = udp_recv(s->handle, s->text, DATAGRAM_MAX, &from);
    /* "Port unreachable" is for a socket with a peer; anybody could send it to another. */
    if (n == STINT_ERR_REFUSED) {
      if (s->connected) s->error = ECONNREFUSED;
      continue;
    }
    if (n < 0) return;
    set_place(&s->held_from, from.ip, (uint16_t)from.port);
    if (!is_for(s, &s->held_from)) continue;
    s->held = n;
    return;
  }
}

ssize_t datagram_send(struct socket *s, const void *data, size_t size, int flags, const struct sockaddr *to,
                      socklen_t to_size) {
  struct place at = s->peer;
  if ((flags & MSG_OOB) != 0) return fail(EOPNOTSUPP);
  if (to != NULL) {
    if (read_loose_place(s, to, to_size, &at) != 0) return -1;
    if (is_barred(s, &at)) return fail(ENETUNREACH);
    if (is_any(&at)) set_here(&at);
    if (at.port == 0) return fail(EINVAL);
  } else if (!s->connected) {
    return fail(EDESTADDRREQ);
  }
  if (s->shut_write) return broken_pipe(flags);
  if (size > DATAGRAM_MAX) return fail(EMSGSIZE);
  if (is_broadcast(&at) && !s->number[BROADCAST]) return fail(EACCES);
  datagram_fetch(s);
  if (s->error != 0) return fail(take_error(s));
  if (datagram_bind(s) != 0) return -1;
  /* As the kernel has it, a peer's port may be 0; nobody is there. */
  if (at.port == 0) return (ssize_t)size;
  for (struct patience p = {0};;) {
    int32_t result = udp_send(s->handle, number_of(&at), at.port, (void *)(uintptr_t)data, (uint32_t)size);
    if (result == STINT_ERR_UNREACHABLE) return fail(ENETUNREACH);
    if (result < 0 && result != STINT_ERR_AGAIN) return fail(error_of(result));
    if (result >= 0) break;
    if (!again(&p, s, flags, s->send_ms)) return -1;
  }
  turn(0, NULL, 0);
  last_datagram_ms = now_ms();
  return (ssize_t)size;
}

ssize_t datagram_receive(struct socket *s, void *data, size_t size, int *flags, struct sockaddr *from,
                         socklen_t *from_size) {
  int asked = *flags;
  *flags = 0;
  for (struct patience p = {0};;) {
    datagram_fetch(s);
    if (s->error != 0) return fail(take_error(s));
    if (s->held >= 0) break;
    if (s->shut_read && !s->nonblock && (asked & MSG_DONTWAIT) == 0) return 0;
    if (!again(&p, s, asked, s->receive_ms)) return -1;
  }
  size_t whole = (size_t)s->held, n = whole < size ? whole : size;
  if (n > 0) memcpy(data, s->text, n);
  if (n < whole) *flags = MSG_TRUNC;
  int told = tell_place(s, &s->held_from, from, from_size);
  if ((asked & MSG_PEEK) == 0) s->held = -1;
  if (told != 0) return -1;
  return (ssize_t)((asked & MSG_TRUNC) != 0 ? whole : n);
}
