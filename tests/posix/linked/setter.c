/*
 * `setter connect ADDRESS PORT` or `setter listen PORT`: sets options first, has a connection then, and waits for the
 * other end. A listener asks for one probe.
 */
#include "../posix.h"

int main(int argc, char **argv) {
  int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1, ttl = 33, tos = 0x48, second = 1, probes = argc == 4 ? 3 : 1;
  setsockopt(fd, IPPROTO_IP, IP_TTL, &ttl, sizeof ttl);
  setsockopt(fd, IPPROTO_IP, IP_TOS, &tos, sizeof tos);
  setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &second, sizeof second);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &second, sizeof second);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  struct sockaddr_in a = {.sin_family = AF_INET};
  if (argc == 4 && strcmp(argv[1], "connect") == 0) {
    a.sin_port = htons((uint16_t)atoi(argv[3]));
    if (inet_pton(AF_INET, argv[2], &a.sin_addr) != 1 || connect(fd, (struct sockaddr *)&a, sizeof a) != 0) return 3;
  } else if (argc == 3 && strcmp(argv[1], "listen") == 0) {
    a.sin_port = htons((uint16_t)atoi(argv[2]));
    if (bind(fd, (struct sockaddr *)&a, sizeof a) != 0 || listen(fd, 1) != 0) return 4;
    puts("listens");
    fflush(stdout);
    fd = accept(fd, NULL, NULL);
  } else {
    return 2;
  }
  /* The peer is silent until keep-alive gives it up. */
  char c;
  if (recv(fd, &c, 1, 0) == 0) return 5;
  printf("recv: %s\n", error_name(errno));
  return 0;
}
