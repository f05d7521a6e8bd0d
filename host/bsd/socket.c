/* BSD sockets over the stack's calls: from socket to close. docs/bsd-sockets.md has what each call does. */
#include "sockets.h"

int stint_bsd_socket(int domain, int type, int protocol) {
  int kind = type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (domain != AF_INET) return fail(EAFNOSUPPORT);
  if (kind == SOCK_RAW) return fail(EPROTONOSUPPORT);
  if (kind != SOCK_STREAM && kind != SOCK_DGRAM) return fail(EINVAL);
  if (protocol != 0 && protocol != (kind == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP)) return fail(EPROTONOSUPPORT);
  if (stint_host_start() < 0) return fail(ENETDOWN);
  end_with_program();
  int fd = fresh();
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
  if (s == NULL) return fail(EBADF);
  const struct sockaddr_in *a = address_of(address, size);
  if (a == NULL) return -1;
  if (s->bound || s->connected || (s->kind != FRESH && s->kind != DATAGRAM) || (s->kind == DATAGRAM && s->handle != 0))
    return fail(EINVAL);
  uint32_t ip = ntohl(a->sin_addr.s_addr);
  uint16_t port = ntohs(a->sin_port);
  bool stream = s->kind != DATAGRAM;
  if (ip != 0 && ip >> 24 != 127 && ip != stint_host_address()) return fail(EADDRNOTAVAIL);
  if (port != 0 && is_taken(s, ip, port, stream)) return fail(EADDRINUSE);
  s->ip = ip;
  s->port = port;
  int error = choose_port(s, stream);
  if (error != 0) return fail(error);
  s->bound = true;
  s->port_is_kept = port != 0;
  if (stream || datagram_bind(s) == 0) return 0;
  s->bound = false;
  s->ip = 0, s->port = 0;
  return -1;
}

int stint_bsd_listen(int fd, int backlog) {
  struct socket *s = socket_of(fd);
  if (s == NULL) return fail(EBADF);
  if (s->kind == DATAGRAM) return fail(EOPNOTSUPP);
  /* The backlog of a listener stays what it was. */
  if (s->kind == LISTENER) return 0;
  if (s->kind != FRESH) return fail(EINVAL);
  int error = choose_port(s, true);
  if (error != 0) return fail(error);
  uint32_t most = backlog < 0 || backlog > BACKLOG_MAX ? BACKLOG_MAX : backlog == 0 ? 1 : (uint32_t)backlog;
  int32_t result = tcp_listen(s->ip, s->port, most);
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
  s->peer_ip = info.rip, s->ip = info.lip, s->peer_port = (uint16_t)(info.ports >> 16), s->port = (uint16_t)info.ports;
  uint32_t state = info.state;
  s->ended = state == STINT_STATE_CLOSE_WAIT || tcp_recv_size(s->handle) == 0;
  if (state != STINT_STATE_CLOSED) return;
  s->over = true;
  int32_t why = tcp_recv_size(s->handle);
  if (why < 0 && why != STINT_ERR_AGAIN && why != STINT_ERR_STATE) s->error = error_of(why);
}

int stint_bsd_accept4(int fd, struct sockaddr *address, socklen_t *size, int flags) {
  struct socket *l = socket_of(fd);
  if (l == NULL) return fail(EBADF);
  if (l->kind == DATAGRAM) return fail(EOPNOTSUPP);
  if (l->kind != LISTENER || (flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) != 0) return fail(EINVAL);
  int32_t handle;
  for (struct patience p = {0}; (handle = tcp_accept(l->handle)) == STINT_ERR_AGAIN;)
    if (!again(&p, l, 0, l->receive_ms)) return -1;
  if (handle < 0) return fail(error_of(handle));
  int connection = fresh();
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
  tell_address(s->peer_ip, s->peer_port, address, size);
  return connection;
}

int stint_bsd_accept(int fd, struct sockaddr *address, socklen_t *size) {
  return stint_bsd_accept4(fd, address, size, 0);
}

/* Gives up a connection that did not come about: the socket may connect again. */
static void unconnect(struct socket *s) {
  tcp_close(s->handle);
  s->kind = FRESH;
  s->handle = 0;
  s->connected = s->told = s->over = s->ended = false;
  s->peer_ip = 0, s->peer_port = 0;
  if (!s->bound) s->ip = 0;
  if (!s->port_is_kept) s->port = 0;
}

static int start_connect(struct socket *s, const struct sockaddr_in *a) {
  uint32_t ip = ntohl(a->sin_addr.s_addr);
  uint16_t port = ntohs(a->sin_port);
  /* As the kernel has it, nowhere is here. */
  if (ip == INADDR_ANY) ip = INADDR_LOOPBACK;
  if (port == 0) return fail(ECONNREFUSED);
  /* As the kernel has it, who asks for one of 127/8 comes from 127.0.0.1. */
  int32_t handle = tcp_connect(s->ip == 0 && ip >> 24 == 127 ? INADDR_LOOPBACK : s->ip, s->port, ip, port);
  if (handle == STINT_ERR_UNREACHABLE || handle == STINT_ERR_ARGUMENT) return fail(ENETUNREACH);
  if (handle == STINT_ERR_IN_USE) return fail(EADDRNOTAVAIL);
  if (handle < 0) return fail(error_of(handle));
  s->kind = CONNECTION;
  s->handle = handle;
  s->peer_ip = ip, s->peer_port = port;
  look(s);
  apply_options(s);
  return 0;
}

int stint_bsd_connect(int fd, const struct sockaddr *address, socklen_t size) {
  struct socket *s = socket_of(fd);
  if (s == NULL) return fail(EBADF);
  if (s->kind == DATAGRAM) return datagram_connect(s, address, size);
  const struct sockaddr_in *a = address_of(address, size);
  if (a == NULL) return -1;
  if (s->kind == LISTENER || (s->kind == CONNECTION && s->told)) return fail(EISCONN);
  bool first = s->kind == FRESH;
  if (first) {
    if (start_connect(s, a) != 0) return -1;
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
  if (!s->port_is_kept) s->port = 0;
  return 0;
}

int stint_bsd_shutdown(int fd, int how) {
  struct socket *s = socket_of(fd);
  if (s == NULL) return fail(EBADF);
  if (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR) return fail(EINVAL);
  if (s->kind == LISTENER) return how == SHUT_WR ? 0 : shut_listener(s);
  if (s->kind == CONNECTION && !s->connected && !s->over) {
    /* As the kernel has it, this gives the attempt up. */
    unconnect(s);
    s->error = ECONNRESET;
    return 0;
  }
  if (!s->connected || s->over) return fail(ENOTCONN);
  if (how != SHUT_WR) s->shut_read = true;
  bool ends = how != SHUT_RD && !s->shut_write;
  if (ends) s->shut_write = true;
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
  if (s == NULL) return fd >= FIRST && fd < FIRST + COUNT ? fail(EBADF) : close(fd);
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
  if (s == NULL) return fail(EBADF);
  tell_address(s->ip, s->port, address, size);
  return 0;
}

int stint_bsd_getpeername(int fd, struct sockaddr *address, socklen_t *size) {
  const struct socket *s = socket_of(fd);
  if (s == NULL) return fail(EBADF);
  if (!s->connected || s->over) return fail(ENOTCONN);
  tell_address(s->peer_ip, s->peer_port, address, size);
  return 0;
}
