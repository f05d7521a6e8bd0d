/*
 * `hurry ADDRESS PORT [usual]`: sets TCP_NODELAY and TCP_USER_TIMEOUT before it connects; if it is "usual", a time-out
 * of 0 takes that back. It writes twice, and says when the peer, which answers nothing, is given up.
 */
#include "../posix.h"

int main(int argc, char **argv) {
  int fd = socket(AF_INET, SOCK_STREAM, 0), on = argc == 3, ms = 1500, none = 0;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof ms);
  if (!on) setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &none, sizeof none);
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[2]))};
  if (inet_pton(AF_INET, argv[1], &a.sin_addr) != 1 || connect(fd, (struct sockaddr *)&a, sizeof a) != 0) return 3;
  if (write(fd, "0123456789", 10) != 10 || write(fd, "0123456789", 10) != 10) return 4;
  struct timespec before, after;
  clock_gettime(CLOCK_MONOTONIC, &before);
  struct timeval patience = {.tv_sec = 4};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  char c;
  ssize_t n = recv(fd, &c, 1, 0);
  const char *why = n < 0 ? error_name(errno) : "";
  clock_gettime(CLOCK_MONOTONIC, &after);
  printf("recv: %s after %ld ms\n", why,
         (long)(after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000);
  fflush(stdout);
  _exit(0);
}
