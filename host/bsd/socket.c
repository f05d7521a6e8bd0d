/* BSD sockets over the stack's calls: from socket to close. docs/bsd-sockets.md has what each call does. */
#include "sockets.h"

/* WASI has no such error. */
#ifndef ESOCKTNOSUPPORT
#define ESOCKTNOSUPPORT EPROTONOSUPPORT
#endif
/* How many types and protocols Linux has numbers for. */
enum { TYPES = 11, PROTOCOLS = 263 };

int stint_bsd_socket(int domain, int type, int protocol) {
  int kind = type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (domain != AF_INET && !(HAS_IPV6 && domain == AF_INET6)) return fail(EAFNOSUPPORT);
  if (kind < 0 || kind >= TYPES || protocol < 0 || protocol >= PROTOCOLS) return fail(EINVAL);
  if (kind == SOCK_RAW) return fail(EPROTONOSUPPORT);
  if (kind != SOCK_STREAM && kind != SOCK_DGRAM) return fail(ESOCKTNOSUPPORT);
  if (protocol != 0 && protocol != (kind == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP)) return fail(EPROTONOSUPPORT);
  if (start_stack() < 0) return fail(ENETDOWN);
  end_with_program();
  int fd = fresh(domain == AF_INET6);
  if (fd < 0) return -1;
  struct socket *s = socket_of(fd);
  s->nonblock = (type & SOCK_NONBLOCK) != 0, s->cloexec = (type & SOCK_CLOEXEC) != 0;
  if (kind == SOCK_DGRAM) s->kind = DATAGRAM;
  return fd;
}

int stint_bsd_socketpair(int domain, int type, int protocol, int fds[2]) {
  (void)domain, (void)type, (void)protocol, (void)fds;
  return fail(EOPNOTSUPP);
}

int stint_bsd_bind(int fd, const struct sockaddr *address, socklen_t size) {
  struct socket *s = socket_of(fd);
  if (s == NULL) return no_socket(fd);
  struct place p;
  if (read_loose_place(s, address, size, &p) != 0) return -1;
  if (address->sa_family == AF_UNSPEC && !is_any(&p)) return fail(EAFNOSUPPORT);
  if (s->bound || s->connected || (s->kind != FRESH && s->kind != DATAGRAM) || (s->kind == DATAGRAM && s->handle != 0))
    return fail(EINVAL);
  if (s->six && is_mapped(&p) && s->number[SIX_ONLY]) return fail(EINVAL);
  bool stream = s->kind != DATAGRAM, chosen = p.port != 0;
  if (!is_any(&p) && !is_own(&p)) return fail(EADDRNOTAVAIL);
  if (chosen && is_taken(s, &p, stream)) return fail(EADDRINUSE);
  s->own = p;
  int error = choose_port(s, stream);
  if (error != 0) return fail(error);
  s->bound = true;
  s->port_is_kept = chosen;
  if (stream || datagram_bind(s) == 0) return 0;
  s->bound = false;
  set_any(&s->own, s->six);
  s->own.port = 0;
  return -1;
}

int stint_bsd_listen(int fd, int backlog) {
  struct socket *s = socket_of(fd);
  if (s == NULL) return no_socket(fd);
  if (s->kind == DATAGRAM) return fail(EOPNOTSUPP);
  /* The backlog of a listener stays what it was. */
  if (s->kind == LISTENER) return 0;
  if (s->kind != FRESH) return fail(EINVAL);
  int error = choose_port(s, true);
  if (error != 0) return fail(error);
  uint32_t most = backlog < 0 || backlog > BACKLOG_MAX ? BACKLOG_MAX : backlog == 0 ? 1 : (uint32_t)backlog;
  int32_t result = tcp_listen(listening_number(&s->own, !s->number[SIX_ONLY]), s->own.port, most);
  if (result < 0) return fail(error_of(result));
  s->handle = result;
  s->kind = LISTENER;
  apply_options(s);
  return 0;
}

/* Who is at the other end, and what happened before anybody asked. */
static void look(struct socket *s) {
  struct stint_tcp_info info;
  if (tcp_info(s->handle, &info) < 0) return;
  set_place(&s->peer, info.rip, (uint16_t)(info.ports >> 16));
  set_place(&s->own, info.lip, (uint16_t)info.ports);
  uint32_t state = info.state;
  s->ended = state == STINT_STATE_CLOSE_WAIT || tcp_recv_size(s->handle) == 0;
  if (state != STINT_STATE_CLOSED) return;
  s->over = true;
  int32_t why = tcp_recv_size(s->handle);
  if (why < 0 && why != STINT_ERR_AGAIN && why != STINT_ERR_STATE) s->error = error_of(why);
}

int stint_bsd_accept4(int fd, struct sockaddr *address, socklen_t *size, int flags) {
  struct socket *l = socket_of(fd);
  if (l == NULL) return no_socket(fd);
  if (l->kind == DATAGRAM) return fail(EOPNOTSUPP);
  if (l->kind != LISTENER || (flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) != 0) return fail(EINVAL);
  int32_t handle;
  for (struct patience p = {0}; (handle = tcp_accept(l->handle)) == STINT_ERR_AGAIN;)
    if (!again(&p, l, 0, l->receive_ms)) return -1;
  if (handle < 0) return fail(error_of(handle));
  int connection = fresh(l->six);
  if (connection < 0) {
    tcp_abort(handle);
    return -1;
  }
  struct socket *s = socket_of(connection);
  s->kind = CONNECTION;
  s->handle = handle;
  s->connected = s->told = true;
  s->nonblock = (flags & SOCK_NONBLOCK) != 0, s->cloexec = (flags & SOCK_CLOEXEC) != 0;
  /* What was set on the listener is the connection's, but for O_NONBLOCK. */
  memcpy(s->number, l->number, sizeof s->number);
  s->is_set = l->is_set;
  s->linger = l->linger, s->receive_ms = l->receive_ms, s->send_ms = l->send_ms;
  look(s);
  apply_options(s);
  if (tell_place(s, &s->peer, address, size) == 0) return connection;
  int error = errno;
  stint_bsd_close(connection);
  return fail(error);
}

int stint_bsd_accept(int fd, struct sockaddr *address, socklen_t *size) {
  return stint_bsd_accept4(fd, address, size, 0);
}

/* Gives up a connection that did not come about: the socket may connect again. */
static void unconnect(struct socket *s) {
  tcp_close(s->handle);
  s->kind = FRESH;
  s->handle = 0;
  s->connected = s->told = s->over = s->ended = s->shut_read = s->shut_write = false;
  set_any(&s->peer, s->six);
  s->peer.port = 0;
  if (!s->bound) set_any(&s->own, s->six);
  if (!s->port_is_kept) s->own.port = 0;
}

static int start_connect(struct socket *s, struct place *to) {
  if (s->six && is_mapped(to) && s->number[SIX_ONLY]) return fail(ENETUNREACH);
  /* As the kernel has it, nowhere is here. */
  if (is_any(to)) set_here(to);
  if (to->port == 0) return fail(ECONNREFUSED);
  /* As the kernel has it, who asks for one of 127/8 comes from 127.0.0.1. */
  uint32_t from = is_any(&s->own) ? 0 : number_of(&s->own);
  if (from == 0 && is_mapped(to) && is_here(to)) from = INADDR_LOOPBACK;
  int32_t handle = tcp_connect(from, s->own.port, number_of(to), to->port);
  if (handle == STINT_ERR_UNREACHABLE || handle == STINT_ERR_ARGUMENT) return fail(ENETUNREACH);
  if (handle == STINT_ERR_IN_USE) return fail(EADDRNOTAVAIL);
  if (handle < 0) return fail(error_of(handle));
  s->kind = CONNECTION;
  s->handle = handle;
  s->peer = *to;
  look(s);
  apply_options(s);
  return 0;
}

int stint_bsd_connect(int fd, const struct sockaddr *address, socklen_t size) {
  struct socket *s = socket_of(fd);
  if (s == NULL) return no_socket(fd);
  if (s->kind == DATAGRAM) return datagram_connect(s, address, size);
  struct place to;
  if (read_place(s, address, size, &to) != 0) return -1;
  if (s->kind == LISTENER || (s->kind == CONNECTION && s->told)) return fail(EISCONN);
  bool first = s->kind == FRESH;
  if (first) {
    if (start_connect(s, &to) != 0) return -1;
    turn(0, NULL, 0);
    if (s->nonblock) return fail(EINPROGRESS);
  } else if (s->nonblock && !s->connected && !s->over) {
    return fail(EALREADY);
  }
  for (struct patience p = {0}; !s->connected && !s->over;) {
    if (again(&p, s, 0, s->send_ms)) continue;
    return errno != EAGAIN ? -1 : fail(first ? EINPROGRESS : EALREADY);
  }
  if (s->connected) {
    s->told = true;
    return 0;
  }
  /* An error that SO_ERROR has told already is ECONNABORTED here (Linux's inet_stream_connect). */
  int error = take_error(s);
  unconnect(s);
  return fail(error != 0 ? error : ECONNABORTED);
}

static int shut_listener(struct socket *s) {
  tcp_close(s->handle);
  s->kind = FRESH;
  s->handle = 0;
  if (!s->port_is_kept) s->own.port = 0;
  return 0;
}

int stint_bsd_shutdown(int fd, int how) {
  struct socket *s = socket_of(fd);
  if (s == NULL) return no_socket(fd);
  if (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR) return fail(EINVAL);
  if (s->kind == LISTENER) return how == SHUT_WR ? 0 : shut_listener(s);
  if (s->kind == CONNECTION && !s->connected && !s->over) {
    /* As the kernel has it, this gives the attempt up. */
    unconnect(s);
    s->error = ECONNRESET;
    return 0;
  }
  bool early = s->kind == FRESH || (s->kind == DATAGRAM && !s->connected);
  if (!early && (!s->connected || s->over)) return fail(ENOTCONN);
  if (how != SHUT_WR) s->shut_read = true;
  bool ends = how != SHUT_RD && !s->shut_write;
  if (ends) s->shut_write = true;
  /* As the kernel has it, what is not connected will be shut once it is, and this is an error. */
  if (early) return fail(ENOTCONN);
  if (s->kind != CONNECTION) return 0;
  if (ends) {
    tcp_shutdown(s->handle);
    turn(0, NULL, 0);
  }
  struct stint_tcp_info info;
  if (s->shut_read && s->shut_write && tcp_info(s->handle, &info) >= 0) s->end_of_interest = info.rcvNxt;
  return 0;
}

int stint_bsd_close(int fd) {
  struct socket *s = socket_of(fd);
  if (s == NULL) return is_vacant(fd) ? fail(EBADF) : close(fd);
  if (s->kind == CONNECTION) end_connection(s);
  else if (s->kind == LISTENER) tcp_close(s->handle);
  else if (s->kind == DATAGRAM && s->handle != 0) {
    /* What is queued leaves first. */
    turn(0, NULL, 0);
    udp_close(s->handle);
  }
  release(s);
  turn(0, NULL, 0);
  return 0;
}

int stint_bsd_getsockname(int fd, struct sockaddr *address, socklen_t *size) {
  const struct socket *s = socket_of(fd);
  if (s == NULL) return no_socket(fd);
  return address == NULL ? fail(EFAULT) : tell_place(s, &s->own, address, size);
}

int stint_bsd_getpeername(int fd, struct sockaddr *address, socklen_t *size) {
  const struct socket *s = socket_of(fd);
  if (s == NULL) return no_socket(fd);
  if (!s->connected || s->over) return fail(ENOTCONN);
  return address == NULL ? fail(EFAULT) : tell_place(s, &s->peer, address, size);
}
