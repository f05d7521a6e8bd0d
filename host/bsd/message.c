/* Sending and receiving, by all their names. A file that is no socket goes to the C library. */
#include "sockets.h"

#include <stdlib.h>

ssize_t stint_bsd_sendto(int fd, const void *data, size_t size, int flags, const struct sockaddr *to,
                         socklen_t to_size) {
  struct socket *s = socket_of(fd);
  if (s == NULL) return no_socket(fd);
  return s->kind == DATAGRAM ? datagram_send(s, data, size, flags, to, to_size) : stream_send(s, data, size, flags);
}

ssize_t stint_bsd_send(int fd, const void *data, size_t size, int flags) {
  return stint_bsd_sendto(fd, data, size, flags, NULL, 0);
}

ssize_t stint_bsd_write(int fd, const void *data, size_t size) {
  return socket_of(fd) != NULL ? stint_bsd_sendto(fd, data, size, 0, NULL, 0) : write(fd, data, size);
}

ssize_t stint_bsd_recvfrom(int fd, void *data, size_t size, int flags, struct sockaddr *from, socklen_t *from_size) {
  struct socket *s = socket_of(fd);
  if (s == NULL) return no_socket(fd);
  if (s->kind == DATAGRAM) return datagram_receive(s, data, size, &flags, from, from_size);
  ssize_t n = stream_receive(s, data, size, flags);
  /* A stream has no sender of its own. */
  if (n >= 0 && from != NULL && from_size != NULL) *from_size = 0;
  return n;
}

ssize_t stint_bsd_recv(int fd, void *data, size_t size, int flags) {
  return stint_bsd_recvfrom(fd, data, size, flags, NULL, NULL);
}

ssize_t stint_bsd_read(int fd, void *data, size_t size) {
  if (socket_of(fd) == NULL) return read(fd, data, size);
  /* As on Linux, recv of no bytes waits for one, and takes a datagram; read does neither. */
  return size == 0 ? 0 : stint_bsd_recvfrom(fd, data, size, 0, NULL, NULL);
}

/* What the pieces have in all; −1: too many, or too much. */
static ssize_t total(const struct iovec *iov, size_t count) {
  size_t sum = 0;
  for (size_t i = 0; i < count; i++) {
    if (iov[i].iov_len > INT32_MAX - sum) return fail(EINVAL);
    sum += iov[i].iov_len;
  }
  return (ssize_t)sum;
}

static ssize_t send_pieces(struct socket *s, const struct iovec *iov, size_t count, int flags,
                           const struct sockaddr *to, socklen_t to_size) {
  ssize_t size = total(iov, count), sent = 0;
  if (size < 0) return -1;
  if (s->kind == DATAGRAM) {
    if (size > DATAGRAM_MAX) return fail(EMSGSIZE);
    unsigned char *all = malloc((size_t)size + 1);
    if (all == NULL) return fail(ENOBUFS);
    for (size_t i = 0; i < count; sent += (ssize_t)iov[i++].iov_len)
      if (iov[i].iov_len > 0) memcpy(all + sent, iov[i].iov_base, iov[i].iov_len);
    sent = datagram_send(s, all, (size_t)size, flags, to, to_size);
    free(all);
    return sent;
  }
  if (size == 0) return stream_send(s, "", 0, flags);
  struct patience p = {0};
  for (size_t i = 0; i < count; i++) {
    if (iov[i].iov_len == 0) continue;
    bool last = sent + (ssize_t)iov[i].iov_len == size;
    ssize_t n = stream_send_part(s, iov[i].iov_base, iov[i].iov_len, last ? flags : flags | MSG_MORE, &p);
    if (n < 0) return sent > 0 ? sent : -1;
    sent += n;
    if ((size_t)n < iov[i].iov_len) break;
  }
  return sent;
}

static void scatter(const struct iovec *iov, size_t count, const unsigned char *from, size_t size) {
  for (size_t i = 0; i < count && size > 0; i++) {
    size_t n = iov[i].iov_len < size ? iov[i].iov_len : size;
    if (n > 0) memcpy(iov[i].iov_base, from, n);
    from += n, size -= n;
  }
}

static ssize_t receive_pieces(struct socket *s, const struct iovec *iov, size_t count, int *flags,
                              struct sockaddr *from, socklen_t *from_size) {
  ssize_t size = total(iov, count), got;
  if (size < 0) return -1;
  bool stream = s->kind != DATAGRAM, thrown = stream && (*flags & MSG_TRUNC) != 0;
  if (stream && from != NULL) *from_size = 0;
  if (stream && (*flags & MSG_PEEK) == 0) {
    got = stream_receive_pieces(s, iov, count, (size_t)size, *flags);
    *flags = 0;
    return got;
  }
  size_t room = (size_t)(size < DATAGRAM_MAX ? size : DATAGRAM_MAX);
  unsigned char *all = malloc(room + 1);
  if (all == NULL) return fail(ENOBUFS);
  if (stream) {
    got = stream_receive(s, all, room, *flags);
    *flags = 0;
  } else {
    got = datagram_receive(s, all, room, flags, from, from_size);
  }
  if (got > 0 && !thrown) scatter(iov, count, all, (size_t)got < room ? (size_t)got : room);
  free(all);
  return got;
}

ssize_t stint_bsd_sendmsg(int fd, const struct msghdr *m, int flags) {
  struct socket *s = socket_of(fd);
  if (s == NULL) return no_socket(fd);
  if ((size_t)m->msg_iovlen > IOV_COUNT_MAX) return fail(EMSGSIZE);
  /* What an address, a TTL or a TOS of one datagram would be for is not there, and not passed over. */
  if (s->kind == DATAGRAM && m->msg_controllen > 0 && m->msg_control != NULL) return fail(EINVAL);
  return send_pieces(s, m->msg_iov, (size_t)m->msg_iovlen, flags, m->msg_name, m->msg_namelen);
}

ssize_t stint_bsd_recvmsg(int fd, struct msghdr *m, int flags) {
  struct socket *s = socket_of(fd);
  if (s == NULL) return no_socket(fd);
  if ((size_t)m->msg_iovlen > IOV_COUNT_MAX) return fail(EMSGSIZE);
  ssize_t n = receive_pieces(s, m->msg_iov, (size_t)m->msg_iovlen, &flags, m->msg_name, &m->msg_namelen);
  if (n >= 0) m->msg_flags = flags, m->msg_controllen = 0;
  return n;
}

ssize_t stint_bsd_writev(int fd, const struct iovec *iov, int count) {
  struct socket *s = socket_of(fd);
  if (s == NULL) return writev(fd, iov, count);
  ssize_t size = count < 0 || count > IOV_COUNT_MAX ? fail(EINVAL) : total(iov, (size_t)count);
  return size <= 0 ? size : send_pieces(s, iov, (size_t)count, 0, NULL, 0);
}

ssize_t stint_bsd_readv(int fd, const struct iovec *iov, int count) {
  struct socket *s = socket_of(fd);
  int flags = 0;
  if (s == NULL) return readv(fd, iov, count);
  ssize_t size = count < 0 || count > IOV_COUNT_MAX ? fail(EINVAL) : total(iov, (size_t)count);
  return size <= 0 ? size : receive_pieces(s, iov, (size_t)count, &flags, NULL, NULL);
}
