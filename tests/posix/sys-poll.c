/* <sys/poll.h> alone leads to poll, too: luasocket waits by it. */
#define _GNU_SOURCE
#include <sys/poll.h>

#include "posix.h"

int main(void) {
  struct sockaddr_in to = local(1);
  struct pollfd p = {.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), .events = POLLIN | POLLOUT};
  char c;
  say("connect", connect(p.fd, (struct sockaddr *)&to, sizeof to));
  say("poll", poll(&p, 1, -1));
  printf("refused: %d\n", (p.revents & POLLERR) != 0);
  say("recv of nothing", recv(p.fd, &c, 0, 0));
  say("recv", recv(p.fd, &c, 1, 0));
  int f[2];
  pair(f);
  p = (struct pollfd){.fd = f[0], .events = POLLIN};
  say("poll at once", poll(&p, 1, 0));
  say("send", send(f[1], "x", 1, 0));
  say("poll", poll(&p, 1, -1));
  say("recv", recv(f[0], &c, 1, 0));
  say("poll", poll(&p, 1, 0));
  say("close", close(f[0]) + close(f[1]));
  return 0;
}
