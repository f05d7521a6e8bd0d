/* Time limits, poll and select. */
#include "posix.h"

/* A descriptor that is none. A number that is written here could be one that was inherited. */
static int closed(void) {
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  close(fd);
  return fd;
}

static void time_outs(int a, int b) {
  char c;
  static char text[4000000];
  struct timeval t = {0, 100000}, none = {0, 0};
  say("SO_RCVTIMEO", setsockopt(a, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t));
  long began = now_ms();
  say("recv", recv(a, &c, 1, 0));
  say_took("recv", began, 100);
  send(b, "ab", 2, 0);
  began = now_ms();
  say("recv MSG_WAITALL of more than comes", recv(a, text, 10, MSG_WAITALL));
  say_took("recv", began, 100);
  setsockopt(a, SOL_SOCKET, SO_RCVTIMEO, &none, sizeof none);
  say("SO_SNDTIMEO", setsockopt(a, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t));
  /* More than the rings of both, so that it cannot all be sent. */
  began = now_ms();
  long n = 0, sent = 0;
  while ((n = send(a, text, sizeof text, 0)) > 0) sent += n;
  printf("some was sent: %d\n", sent > 0);
  say("send when nobody reads", n);
  int l = listener_on(0);
  setsockopt(l, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
  began = now_ms();
  say("accept of nobody", accept(l, NULL, NULL));
  say_took("accept", began, 100);
  close(l);
}

static void polls(int a, int b) {
  struct pollfd p[3] = {{.fd = -1, .events = POLLIN, .revents = 77},
                        {.fd = a, .events = POLLIN},
                        {.fd = closed(), .events = POLLIN}};
  long began = now_ms();
  say("poll with fd -1 alone", poll(p, 1, 100));
  say_took("poll", began, 100);
  printf("revents %d\n", p[0].revents);
  began = now_ms();
  say("poll with fd -1 and a socket", poll(p, 2, 100));
  say_took("poll", began, 100);
  began = now_ms();
  say("poll of nothing", poll(NULL, 0, 50));
  say_took("poll", began, 50);
  say("poll of a descriptor that is none", poll(p, 3, -1));
  say_bits("it", p[2].revents);
  send(b, "x", 1, 0);
  say("poll without end", poll(p, 2, -1));
  say_bits("the socket", p[1].revents);
  p[1].events = 0;
  say("asked for nothing", poll(p, 2, 0));
  p[1].events = POLLIN | POLLOUT;
  say("both ways", poll(p, 2, 0));
  say_bits("the socket", p[1].revents);
}

static void selects(int a, int b) {
  fd_set r, w, e;
  struct timeval t = {0, 100000};
  char c[8];
  FD_ZERO(&r);
  FD_ZERO(&w);
  FD_ZERO(&e);
  FD_SET(b, &r);
  long began = now_ms();
  say("select", select(b + 1, &r, NULL, NULL, &t));
  say_took("select", began, 100);
  printf("in the set: %d\n", FD_ISSET(b, &r) != 0);
  send(a, "yz", 2, 0);
  FD_SET(b, &r);
  FD_SET(b, &w);
  FD_SET(b, &e);
  FD_SET(a, &w);
  int n = a > b ? a : b;
  say("select of three", select(n + 1, &r, &w, &e, NULL));
  printf("%d %d %d %d\n", FD_ISSET(b, &r) != 0, FD_ISSET(b, &w) != 0, FD_ISSET(b, &e) != 0, FD_ISSET(a, &w) != 0);
  recv(b, c, sizeof c, 0);
  FD_ZERO(&r);
  int none = closed();
  FD_SET(none, &r);
  say("select of a descriptor that is none", select(none + 1, &r, NULL, NULL, NULL));
  t = (struct timeval){0, 20000};
  began = now_ms();
  say("select as a clock", select(0, NULL, NULL, NULL, &t));
  say_took("select", began, 20);
  struct timespec brief = {0, 30000000};
  struct pollfd p = {.fd = b, .events = POLLIN};
  FD_ZERO(&r);
  FD_SET(b, &r);
  began = now_ms();
  say("pselect", pselect(b + 1, &r, NULL, NULL, &brief, NULL));
  say_took("pselect", began, 30);
  began = now_ms();
  say("ppoll", ppoll(&p, 1, &brief, NULL));
  say_took("ppoll", began, 30);
  say("select of less than none", select(-1, NULL, NULL, NULL, &t));
  say("select of more than there can be", select(FD_SETSIZE + 10, NULL, NULL, NULL, &(struct timeval){0, 0}));
  say("select for less than no time", select(0, NULL, NULL, NULL, &(struct timeval){0, -1}));
  say("ppoll for less than no time", ppoll(&p, 1, &(struct timespec){-1, 0}, NULL));
  say("ppoll for no time that there is", ppoll(&p, 1, &(struct timespec){0, 1000000000}, NULL));
  say("pselect for no time that there is", pselect(0, NULL, NULL, NULL, &(struct timespec){0, -1}, NULL));
  close(a);
  FD_ZERO(&r);
  FD_SET(b, &r);
  say("select at the end", select(b + 1, &r, NULL, NULL, NULL));
  say("recv", recv(b, c, sizeof c, 0));
}

int main(void) {
  int f[2];
  pair(f);
  time_outs(f[0], f[1]);
  close(f[0]), close(f[1]);
  pair(f);
  polls(f[0], f[1]);
  close(f[0]), close(f[1]);
  pair(f);
  selects(f[0], f[1]);
  close(f[1]);
  return 0;
}
