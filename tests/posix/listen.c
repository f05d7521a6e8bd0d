/* bind, listen and accept. */
#include "posix.h"

static int bound(uint32_t ip, int port, int reuse) {
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in a = local(port);
  a.sin_addr.s_addr = htonl(ip);
  if (reuse) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof reuse);
  if (say("bind", bind(fd, (struct sockaddr *)&a, sizeof a)) == 0) return fd;
  close(fd);
  return -1;
}

static void say_name(int fd) {
  struct sockaddr_in a;
  socklen_t size = sizeof a;
  say("getsockname", getsockname(fd, (struct sockaddr *)&a, &size));
  printf("%s, a port: %d\n", inet_ntoa(a.sin_addr), a.sin_port != 0);
}

static int accepting(int fd) {
  int on = -1;
  socklen_t size = sizeof on;
  getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &size);
  return on;
}

/* A connection has its port to itself, also one that the stack chose or that came to a listener. */
static void ports_of_connections(void) {
  int l = listener_on(0), port = port_of(l), c = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in a = local(port);
  say("connect", connect(c, (struct sockaddr *)&a, sizeof a));
  int p = accept(l, NULL, NULL);
  close(l);
  bound(INADDR_LOOPBACK, port_of(c), 0);
  bound(INADDR_LOOPBACK, port, 0);
  bound(INADDR_LOOPBACK, port, 1);
  bound(INADDR_ANY, port, 0);
  bound(0x7f000002, port, 0);
  int on = 1;
  setsockopt(p, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  l = bound(INADDR_LOOPBACK, port, 1);
  say("listen beside its connection", listen(l, 1));
  close(c), close(p), close(l);
}

int main(void) {
  int a = bound(INADDR_LOOPBACK, 0, 0);
  say_name(a);
  struct sockaddr_in any = local(0);
  say("bind again", bind(a, (struct sockaddr *)&any, sizeof any));
  say("a short address", bind(a, (struct sockaddr *)&any, 3));
  say("accept before listen", accept(a, NULL, NULL));
  printf("accepting: %d\n", accepting(a));
  say("listen", listen(a, 4));
  printf("accepting: %d\n", accepting(a));
  say("listen again", listen(a, 9));
  say("recv of a listener", recv(a, &a, 1, 0));
  say("send to a listener", send(a, "x", 1, MSG_NOSIGNAL));
  say_poll("nobody yet", a, 0);
  int port = port_of(a);
  bound(INADDR_LOOPBACK, port, 0);
  bound(INADDR_LOOPBACK, port, 1);
  bound(INADDR_ANY, port, 0);
  bound(0x01020304, 0, 0);

  /* Nobody called bind. */
  int b = socket(AF_INET, SOCK_STREAM, 0);
  say("listen without bind", listen(b, 1));
  say_name(b);

  /* Both may have the port as long as nobody listens. */
  int c = bound(INADDR_LOOPBACK, 0, 1), d = bound(INADDR_LOOPBACK, port_of(c), 1);
  say("the first listens", listen(c, 1));
  say("the second", listen(d, 1));

  non_blocking(a);
  say("accept of nobody", accept(a, NULL, NULL));
  int client = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in to = local(port);
  say("connect", connect(client, (struct sockaddr *)&to, sizeof to));
  say_poll("somebody", a, 1000);
  say("accept4 with a flag that there is not", accept4(a, NULL, NULL, 1));
  int peer = accept4(a, NULL, NULL, SOCK_NONBLOCK);
  printf("accepted: %d, non-blocking: %d\n", peer >= 0, (fcntl(peer, F_GETFL) & O_NONBLOCK) != 0);
  say("close", close(a));
  say_poll("the connection stays", peer, 0);
  say("connect to what was closed", connect(b, (struct sockaddr *)&to, sizeof to));
  int e = socket(AF_INET, SOCK_STREAM, 0);
  say("connect to what was closed", connect(e, (struct sockaddr *)&to, sizeof to));
  int u = socket(AF_INET, SOCK_DGRAM, 0);
  say("listen of UDP", listen(u, 1));
  say("accept of UDP", accept(u, NULL, NULL));
  ports_of_connections();
  return 0;
}
