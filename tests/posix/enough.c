/* SO_RCVLOWAT: how much there must be before somebody is told. */
#include "posix.h"

static char text[64];

static int low_water(int fd) {
  int n = -1;
  socklen_t size = sizeof n;
  return getsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &n, &size) < 0 ? -1 : n;
}

static void set(int fd, int n) { say("SO_RCVLOWAT", setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &n, sizeof n)); }

/* Gives what was sent the time to arrive. */
static void put(int fd, const char *what) {
  send(fd, what, strlen(what), 0);
  usleep(20000);
}

static void polls(int a, int b) {
  fd_set r;
  struct timeval brief = {0, 50000};
  set(b, 10);
  printf("%d\n", low_water(b));
  put(a, "12345");
  say_poll("five of ten", b, 50);
  FD_ZERO(&r);
  FD_SET(b, &r);
  say("select", select(b + 1, &r, NULL, NULL, &brief));
  put(a, "67890");
  say_poll("ten of ten", b, 1000);
  say("recv does not wait for more than is asked for", recv(b, text, 4, 0));
  say_poll("six of ten", b, 0);
  set(b, 6);
  say_poll("six of six", b, 0);
  set(b, 7);
  say("recv MSG_DONTWAIT takes what there is", recv(b, text, sizeof text, MSG_DONTWAIT));
  say("recv MSG_DONTWAIT of nothing", recv(b, text, sizeof text, MSG_DONTWAIT));
}

static void calls(int a, int b) {
  struct timeval t = {0, 100000}, none = {0, 0};
  struct iovec in[2] = {{text, 2}, {text + 10, 40}};
  struct pollfd p = {.fd = b, .events = POLLIN};
  set(b, 8);
  put(a, "abc");
  setsockopt(b, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
  long began = now_ms();
  say("recv MSG_PEEK", recv(b, text, sizeof text, MSG_PEEK));
  say_took("recv", began, 100);
  began = now_ms();
  say("recv", recv(b, text, sizeof text, 0));
  say_took("recv", began, 100);
  put(a, "abc");
  began = now_ms();
  say("readv", readv(b, in, 2));
  say_took("readv", began, 100);
  put(a, "abcdefgh");
  began = now_ms();
  say("readv of enough", readv(b, in, 2));
  say_took("readv", began, 0);
  setsockopt(b, SOL_SOCKET, SO_RCVTIMEO, &none, sizeof none);
  put(a, "abc");
  say("poll of too little", poll(&p, 1, 0));
  shutdown(a, SHUT_WR);
  say("poll at the end", poll(&p, 1, 1000));
  say("recv of the last", recv(b, text, sizeof text, 0));
  say("recv at the end", recv(b, text, sizeof text, 0));
}

int main(void) {
  int f[2], listener, n = 5;
  pair(f);
  polls(f[0], f[1]);
  calls(f[0], f[1]);
  close(f[0]), close(f[1]);
  /* It is its connections', and what is not one is 1. */
  listener = listener_on(0);
  set(listener, 9);
  f[0] = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in a = local(port_of(listener));
  say("connect", connect(f[0], (struct sockaddr *)&a, sizeof a));
  f[1] = accept(listener, NULL, NULL);
  printf("accepted: %d, connected: %d\n", low_water(f[1]), low_water(f[0]));
  set(f[1], 0);
  printf("0 is %d\n", low_water(f[1]));
  set(f[1], -1);
  printf("-1 is a lot: %d\n", low_water(f[1]) > 10000);
  say("half a number", setsockopt(f[1], SOL_SOCKET, SO_RCVLOWAT, &n, 2));
  /* A datagram is one, whatever it has. */
  int u = socket(AF_INET, SOCK_DGRAM, 0);
  a = local(0);
  bind(u, (struct sockaddr *)&a, sizeof a);
  a = local(port_of(u));
  set(u, 100);
  sendto(u, "x", 1, 0, (struct sockaddr *)&a, sizeof a);
  say_poll("a datagram", u, 1000);
  say("recv", recv(u, text, sizeof text, 0));
  return 0;
}
