/* Arguments that cannot be, or that are rarely used. */
#include "posix.h"

static char text[64];

static void addresses(void) {
  struct sockaddr_in a = local(9);
  int fd = socket(AF_INET, SOCK_STREAM, 0), u = socket(AF_INET, SOCK_DGRAM, 0);
  const struct sockaddr *volatile null = NULL;
  say("connect to no address", connect(fd, null, sizeof a));
  say("connect to less than that", connect(fd, null, 0));
  say("bind to no address", bind(fd, null, sizeof a));
  say("bind to a long address", bind(fd, (struct sockaddr *)&a, 1000));
  say("connect of UDP to no address", connect(u, null, sizeof a));
  a.sin_family = AF_UNSPEC;
  say("bind to an address of no family", bind(fd, (struct sockaddr *)&a, sizeof a));
  a.sin_addr.s_addr = htonl(INADDR_ANY), a.sin_port = 0;
  say("bind to any address of no family", bind(fd, (struct sockaddr *)&a, sizeof a));
  printf("it has a port: %d\n", port_of(fd) > 0);
  a = local(9);
  a.sin_addr.s_addr = htonl(INADDR_BROADCAST);
  say("connect of UDP to everybody", connect(u, (struct sockaddr *)&a, sizeof a));
  close(fd), close(u);
}

static void sizes(void) {
  int f[2], n = 0;
  pair(f);
  struct sockaddr_in a;
  socklen_t size = (socklen_t)-1;
  say("getsockname of a negative size", getsockname(f[0], (struct sockaddr *)&a, &size));
  say("getpeername of a negative size", getpeername(f[0], (struct sockaddr *)&a, &size));
  size = 3;
  say("getsockname of 3 bytes", getsockname(f[0], (struct sockaddr *)&a, &size));
  printf("it has %d\n", (int)size);
  size = 0;
  say("getsockopt of 0 bytes", getsockopt(f[0], SOL_SOCKET, SO_TYPE, &n, &size));
  size = 2;
  say("getsockopt of 2 bytes", getsockopt(f[0], SOL_SOCKET, SO_TYPE, &n, &size));
  printf("%d, %d bytes\n", n, (int)size);
  size = sizeof n;
  say("getsockopt of another level", getsockopt(f[0], 12345, 1, &n, &size));
  say("setsockopt of another level", setsockopt(f[0], 12345, 1, &n, sizeof n));
  say("getsockopt of UDP's level", getsockopt(f[0], IPPROTO_UDP, 1, &n, &size));
  close(f[0]), close(f[1]);
  int u = socket(AF_INET, SOCK_DGRAM, 0);
  say("getsockopt of TCP's level", getsockopt(u, IPPROTO_TCP, TCP_NODELAY, &n, &size));
  say("setsockopt of TCP's level", setsockopt(u, IPPROTO_TCP, TCP_NODELAY, &n, sizeof n));
  close(u);
}

/* Whoever asks for the client's address in a wrong way has no connection. */
static void accepts(void) {
  int l = listener_on(0), c[2];
  struct sockaddr_in a = local(port_of(l)), from;
  socklen_t size = (socklen_t)-1;
  socklen_t *volatile null = NULL;
  for (int i = 0; i < 2; i++) {
    c[i] = socket(AF_INET, SOCK_STREAM, 0);
    connect(c[i], (struct sockaddr *)&a, sizeof a);
  }
  say("accept of a negative size", accept(l, (struct sockaddr *)&from, &size));
  say("accept of no size", accept(l, (struct sockaddr *)&from, null));
  non_blocking(l);
  say("accept", accept(l, NULL, NULL));
  for (int i = 0; i < 2; i++) {
    say("recv", recv(c[i], text, 1, 0));
    close(c[i]);
  }
  close(l);
}

static void files(void) {
  struct sockaddr_in a = local(9);
  socklen_t size = sizeof a;
  int n = 1;
  static const int fds[] = {0, -1, 1 << 20};
  for (int i = 0; i < 3; i++) {
    say("bind", bind(fds[i], (struct sockaddr *)&a, sizeof a));
    say("listen", listen(fds[i], 1));
    say("accept", accept(fds[i], NULL, NULL));
    say("connect", connect(fds[i], (struct sockaddr *)&a, sizeof a));
    say("shutdown", shutdown(fds[i], SHUT_RD));
    say("getsockname", getsockname(fds[i], (struct sockaddr *)&a, &size));
    say("getpeername", getpeername(fds[i], (struct sockaddr *)&a, &size));
    say("setsockopt", setsockopt(fds[i], SOL_SOCKET, SO_KEEPALIVE, &n, sizeof n));
    say("getsockopt", getsockopt(fds[i], SOL_SOCKET, SO_TYPE, &n, &(socklen_t){sizeof n}));
    say("send", send(fds[i], "x", 1, 0));
    say("recv", recv(fds[i], text, 1, 0));
  }
}

static void kinds(void) {
  say("a negative type", socket(AF_INET, -1, 0));
  say("a type of 11", socket(AF_INET, 11, 0));
  say("a negative protocol", socket(AF_INET, SOCK_STREAM, -1));
  say("a protocol of 300", socket(AF_INET, SOCK_STREAM, 300));
  say("a protocol of another type", socket(AF_INET, SOCK_DGRAM, IPPROTO_TCP));
#ifdef ESOCKTNOSUPPORT
  /* WASI has no word for it. */
  printf("a type of 0: %d\n", socket(AF_INET, 0, 0) < 0 && errno == ESOCKTNOSUPPORT);
  printf("SOCK_SEQPACKET: %d\n", socket(AF_INET, SOCK_SEQPACKET, 0) < 0 && errno == ESOCKTNOSUPPORT);
#else
  printf("a type of 0: %d\nSOCK_SEQPACKET: %d\n", socket(AF_INET, 0, 0) < 0, socket(AF_INET, SOCK_SEQPACKET, 0) < 0);
#endif
}

/* read and its kin do nothing where there is nothing to do; recv waits, and takes a datagram. */
static void nothing(void) {
  int f[2], u = socket(AF_INET, SOCK_DGRAM, 0);
  pair(f);
  struct iovec none[2] = {{text, 0}, {text, 0}};
  say("read of no bytes", read(f[0], text, 0));
  say("readv of no pieces", readv(f[0], none, 0));
  say("readv of empty pieces", readv(f[0], none, 2));
  say("writev of no pieces", writev(f[0], none, 0));
  close(f[1]);
  wait_for(f[0], POLLRDHUP);
  say("read of no bytes at the end", read(f[0], text, 0));
  close(f[0]);
  f[0] = socket(AF_INET, SOCK_STREAM, 0);
  say("read of no bytes of a fresh socket", read(f[0], text, 0));
  say("writev of no bytes of a fresh socket", writev(f[0], none, 2));
  close(f[0]);
  struct sockaddr_in a = local(0);
  bind(u, (struct sockaddr *)&a, sizeof a);
  a = local(port_of(u));
  connect(u, (struct sockaddr *)&a, sizeof a);
  say("writev of no bytes of UDP", writev(u, none, 2));
  usleep(20000);
  say_poll("it is no datagram", u, 0);
  say("write of no bytes of UDP", write(u, text, 0));
  say_poll("it is one", u, 1000);
  say("read of no bytes of UDP", read(u, text, 0));
  say_poll("it is still there", u, 0);
  say("recv of no bytes of UDP", recv(u, text, 0, 0));
  say_poll("it is taken", u, 0);
  close(u);
}

int main(void) {
  addresses();
  sizes();
  accepts();
  files();
  kinds();
  nothing();
  return 0;
}
