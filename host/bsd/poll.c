/* poll and select, over sockets and other descriptors at once. */
#include "sockets.h"

#include <stdlib.h>
#include <sys/time.h>

int stint_bsd_ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout, const sigset_t *mask);

/* The host waits for a link and so many others. */
enum { OTHERS_MAX = 256 };

static short stream_ready(const struct socket *s) {
  if (s->kind == LISTENER) {
    struct stint_listener_info info;
    return stint_listener_info(s->handle, &info) >= 0 && info.toAccept != 0 ? POLLIN | POLLRDNORM : 0;
  }
  /* Not connected yet (Linux's tcp_poll). */
  if (s->kind != FRESH && !s->connected && !s->over) return 0;
  bool fresh = s->kind == FRESH, no_more = s->over || s->ended || s->shut_read;
  bool no_way = fresh || s->over || s->shut_write;
  short bits = 0;
  if (no_more || stream_waiting(s) >= s->number[LOW_WATER]) bits |= POLLIN | POLLRDNORM;
  if (no_more) bits |= POLLRDHUP;
  if (no_way || tcp_send_room(s->handle) > 0) bits |= POLLOUT | POLLWRNORM;
  if (fresh || (no_more && no_way)) bits |= POLLHUP;
  if (s->error != 0) bits |= POLLERR;
  return bits;
}

static short datagram_ready(struct socket *s) {
  datagram_fetch(s);
  short bits = POLLOUT | POLLWRNORM;
  if (s->held >= 0 || s->shut_read) bits |= POLLIN | POLLRDNORM;
  if (s->shut_read) bits |= POLLRDHUP;
  if (s->shut_read && s->shut_write) bits |= POLLHUP;
  if (s->error != 0) bits |= POLLERR;
  return bits;
}

short ready(struct socket *s, short wanted) {
  return (s->kind == DATAGRAM ? datagram_ready(s) : stream_ready(s)) & (wanted | POLLERR | POLLHUP);
}

/* Looks at all: sockets here, `others` as the host left them. Returns how many are ready. */
static int look(struct pollfd *fds, nfds_t n, const struct pollfd *others) {
  int found = 0;
  unsigned other = 0;
  for (nfds_t i = 0; i < n; i++) {
    struct socket *s = socket_of(fds[i].fd);
    if (fds[i].fd < 0) fds[i].revents = 0;
    else if (s != NULL) fds[i].revents = ready(s, fds[i].events);
    else if (is_vacant(fds[i].fd)) fds[i].revents = POLLNVAL;
    else fds[i].revents = others[other++].revents;
    if (fds[i].revents != 0) found++;
  }
  return found;
}

int stint_bsd_poll(struct pollfd *fds, nfds_t n, int timeout_ms) {
  struct pollfd others[OTHERS_MAX];
  unsigned count = 0;
  bool any = false;
  for (nfds_t i = 0; i < n; i++) {
    bool ours = socket_of(fds[i].fd) != NULL;
    any = any || ours;
    if (fds[i].fd < 0 || ours || is_vacant(fds[i].fd)) continue;
    if (count == OTHERS_MAX) return fail(EINVAL);
    others[count++] = (struct pollfd){.fd = fds[i].fd, .events = fds[i].events};
  }
  /* Before the first socket there is no stack. */
  if (!any && own_address() == 0) return poll(fds, n, timeout_ms);
  int64_t until = now_ms() + timeout_ms;
  int there = turn(0, others, count);
  for (;;) {
    int found = look(fds, n, others);
    int64_t left = timeout_ms < 0 ? -1 : until - now_ms();
    if (found > 0 || timeout_ms == 0 || (timeout_ms > 0 && left <= 0)) return found;
    if (there != 0) return fail(there < 0 ? ENETDOWN : EINTR);
    there = turn((int)left, others, count);
  }
}

/* What select's sets ask for, as poll does. Returns how many, or −1: a descriptor is none. */
static int from_sets(struct pollfd *fds, int n, const fd_set *r, const fd_set *w, const fd_set *e) {
  int count = 0;
  for (int fd = 0; fd < n; fd++) {
    short events = 0;
    if (r != NULL && FD_ISSET(fd, r)) events |= POLLIN;
    if (w != NULL && FD_ISSET(fd, w)) events |= POLLOUT;
    if (e != NULL && FD_ISSET(fd, e)) events |= POLLPRI;
    if (events == 0) continue;
    if (is_vacant(fd)) return fail(EBADF);
    fds[count++] = (struct pollfd){.fd = fd, .events = events};
  }
  return count;
}

static int to_sets(const struct pollfd *fds, int count, fd_set *r, fd_set *w, fd_set *e) {
  int found = 0;
  if (r != NULL) FD_ZERO(r);
  if (w != NULL) FD_ZERO(w);
  if (e != NULL) FD_ZERO(e);
  for (int i = 0; i < count; i++) {
    const short bits = fds[i].revents;
    if ((fds[i].events & POLLIN) && (bits & (POLLIN | POLLHUP | POLLERR))) FD_SET(fds[i].fd, r), found++;
    if ((fds[i].events & POLLOUT) && (bits & (POLLOUT | POLLERR))) FD_SET(fds[i].fd, w), found++;
    if ((fds[i].events & POLLPRI) && (bits & POLLPRI)) FD_SET(fds[i].fd, e), found++;
  }
  return found;
}

int stint_bsd_select(int n, fd_set *r, fd_set *w, fd_set *e, struct timeval *timeout) {
  static struct pollfd fds[FD_SETSIZE];
  if (n < 0 || (timeout != NULL && (timeout->tv_sec < 0 || timeout->tv_usec < 0))) return fail(EINVAL);
  int count = from_sets(fds, n < FD_SETSIZE ? n : FD_SETSIZE, r, w, e), ms = -1;
  if (count < 0) return -1;
  int64_t until = 0;
  if (timeout != NULL) {
    int64_t all = (int64_t)timeout->tv_sec * 1000 + (timeout->tv_usec + 999) / 1000;
    ms = all > INT32_MAX ? INT32_MAX : (int)all;
    until = now_ms() + ms;
  }
  if (stint_bsd_poll(fds, (nfds_t)count, ms) < 0) return -1;
  for (int i = 0; i < count; i++)
    if (fds[i].revents & POLLNVAL) return fail(EBADF);
  if (timeout != NULL) {
    /* As Linux has it: what is left. */
    int64_t left = until - now_ms();
    timeout->tv_sec = left > 0 ? (time_t)(left / 1000) : 0;
    timeout->tv_usec = left > 0 ? (suseconds_t)(left % 1000 * 1000) : 0;
  }
  return to_sets(fds, count, r, w, e);
}

static bool is_time(const struct timespec *t) { return t->tv_sec >= 0 && t->tv_nsec >= 0 && t->tv_nsec < 1000000000; }

/* Masks of signals are not looked at. */
int stint_bsd_pselect(int n, fd_set *r, fd_set *w, fd_set *e, const struct timespec *timeout, const sigset_t *mask) {
  (void)mask;
  if (timeout == NULL) return stint_bsd_select(n, r, w, e, NULL);
  if (!is_time(timeout)) return fail(EINVAL);
  struct timeval t = {.tv_sec = timeout->tv_sec, .tv_usec = (suseconds_t)((timeout->tv_nsec + 999) / 1000)};
  return stint_bsd_select(n, r, w, e, &t);
}

int stint_bsd_ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout, const sigset_t *mask) {
  (void)mask;
  if (timeout == NULL) return stint_bsd_poll(fds, n, -1);
  if (!is_time(timeout)) return fail(EINVAL);
  int64_t ms = (int64_t)timeout->tv_sec * 1000 + (timeout->tv_nsec + 999999) / 1000000;
  return stint_bsd_poll(fds, n, ms > INT32_MAX ? INT32_MAX : (int)ms);
}
