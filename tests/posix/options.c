/* Options: what they are at first, what they may be, and that those of a listener are its connections'. */
#include "posix.h"

static const struct {
  const char *name;
  int level, option, values[5];
} options[] = {
    {"SO_REUSEADDR", SOL_SOCKET, SO_REUSEADDR, {1, 0, 7, -1, 0}},
    {"SO_KEEPALIVE", SOL_SOCKET, SO_KEEPALIVE, {1, 0, 7, -1, 0}},
    {"SO_BROADCAST", SOL_SOCKET, SO_BROADCAST, {1, 0, 7, -1, 0}},
    {"SO_OOBINLINE", SOL_SOCKET, SO_OOBINLINE, {1, 0, 7, -1, 0}},
    {"TCP_NODELAY", IPPROTO_TCP, TCP_NODELAY, {1, 0, 7, -1, 0}},
    {"TCP_KEEPIDLE", IPPROTO_TCP, TCP_KEEPIDLE, {1, 0, 32767, 32768, 100}},
    {"TCP_KEEPINTVL", IPPROTO_TCP, TCP_KEEPINTVL, {1, 0, 32767, 32768, 20}},
    {"TCP_KEEPCNT", IPPROTO_TCP, TCP_KEEPCNT, {1, 0, 127, 128, 5}},
    {"TCP_USER_TIMEOUT", IPPROTO_TCP, TCP_USER_TIMEOUT, {1, 0, 60000, -1, 7000}},
    {"IP_TOS", IPPROTO_IP, IP_TOS, {0x10, 0xff, 0x100, -1, 0xb8}},
    {"IP_TTL", IPPROTO_IP, IP_TTL, {1, 0, 255, 256, 33}},
};
enum { COUNT = sizeof options / sizeof options[0] };

static void say_option(const char *what, int fd, int i) {
  int n = -99;
  socklen_t size = sizeof n;
  if (getsockopt(fd, options[i].level, options[i].option, &n, &size) < 0) say(what, -1);
  else printf("%s %s %d, %d bytes\n", what, options[i].name, n, (int)size);
}

static void numbers(int fd) {
  for (int i = 0; i < COUNT; i++) {
    say_option("at first", fd, i);
    for (int k = 0; k < 5; k++) {
      printf("%d ", options[i].values[k]);
      say("setsockopt", setsockopt(fd, options[i].level, options[i].option, &options[i].values[k], sizeof(int)));
      say_option("now", fd, i);
    }
  }
}

static void small_and_wrong(int fd) {
  unsigned char c = 9;
  int n = 1;
  socklen_t size = 1;
  say("IP_TTL of one byte", setsockopt(fd, IPPROTO_IP, IP_TTL, &c, 1));
  say("IP_TTL into one byte", getsockopt(fd, IPPROTO_IP, IP_TTL, &c, &size));
  printf("%d %d\n", c, (int)size);
  say("TCP_NODELAY of one byte", setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &c, 1));
  size = 2;
  say("SO_TYPE into two bytes", getsockopt(fd, SOL_SOCKET, SO_TYPE, &n, &size));
  printf("%d\n", (int)size);
  say("IP_TOS of nothing", setsockopt(fd, IPPROTO_IP, IP_TOS, &c, 0));
  say("IP_TTL of nothing", setsockopt(fd, IPPROTO_IP, IP_TTL, &c, 0));
  volatile socklen_t negative = (socklen_t)-1;
  say("less than nothing", setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &n, negative));
  size = negative;
  say("into less than nothing", getsockopt(fd, SOL_SOCKET, SO_TYPE, &n, &size));
  say("SO_TYPE cannot be set", setsockopt(fd, SOL_SOCKET, SO_TYPE, &n, sizeof n));
  say("SO_ERROR cannot be set", setsockopt(fd, SOL_SOCKET, SO_ERROR, &n, sizeof n));
  say("an option that there is not", setsockopt(fd, SOL_SOCKET, 12345, &n, sizeof n));
  say("a level that there is not", setsockopt(fd, 12345, 1, &n, sizeof n));
  size = sizeof n;
  say("nor to ask for", getsockopt(fd, SOL_SOCKET, 12345, &n, &size));
}

static int get(int fd, int level, int option) {
  int n = -99;
  socklen_t size = sizeof n;
  return getsockopt(fd, level, option, &n, &size) < 0 ? -1 : n;
}

static void structures(int fd) {
  struct linger l = {9, 9};
  struct timeval t = {9, 9};
  socklen_t size = sizeof l;
  say("SO_LINGER", getsockopt(fd, SOL_SOCKET, SO_LINGER, &l, &size));
  printf("%d %d %d\n", l.l_onoff, l.l_linger, (int)size);
  l = (struct linger){5, 3};
  say("set it", setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof l));
  say("half of it", setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(int)));
  size = sizeof l;
  getsockopt(fd, SOL_SOCKET, SO_LINGER, &l, &size);
  printf("%d %d\n", l.l_onoff, l.l_linger);
  size = sizeof t;
  say("SO_RCVTIMEO", getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, &size));
  printf("%ld %ld %d\n", (long)t.tv_sec, (long)t.tv_usec, size == sizeof t);
  t = (struct timeval){2, 500000};
  say("set it", setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t));
  say("SO_SNDTIMEO", setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &(struct timeval){1, 0}, sizeof t));
  t = (struct timeval){0, 0};
  size = sizeof t;
  getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, &size);
  printf("%ld %ld\n", (long)t.tv_sec, (long)t.tv_usec);
  t = (struct timeval){-1, 0};
  say("less than no time", setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t));
  t = (struct timeval){9, 9};
  size = sizeof t;
  getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, &size);
  printf("%ld %ld\n", (long)t.tv_sec, (long)t.tv_usec);
  t = (struct timeval){0, 1000000};
  say("a million µs", setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t));
  printf("a stream: %d, of AF_INET: %d, TCP: %d\n", get(fd, SOL_SOCKET, SO_TYPE) == SOCK_STREAM,
         get(fd, SOL_SOCKET, SO_DOMAIN) == AF_INET, get(fd, SOL_SOCKET, SO_PROTOCOL) == IPPROTO_TCP);
  printf("buffers: %d %d\n", get(fd, SOL_SOCKET, SO_SNDBUF) > 0, get(fd, SOL_SOCKET, SO_RCVBUF) > 0);
}

/* Options that are taken for hints, and those that are only to be asked for. */
static void hints(int fd) {
  int on = 1, both[2];
  say("SO_REUSEPORT", setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on));
  say("TCP_CORK", setsockopt(fd, IPPROTO_TCP, TCP_CORK, &on, sizeof on));
  printf("%d %d\n", get(fd, SOL_SOCKET, SO_REUSEPORT), get(fd, IPPROTO_TCP, TCP_CORK));
  on = 0;
  say("not any more", setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on));
  say("not any more", setsockopt(fd, IPPROTO_TCP, TCP_CORK, &on, sizeof on));
  printf("%d %d\n", get(fd, SOL_SOCKET, SO_REUSEPORT), get(fd, IPPROTO_TCP, TCP_CORK));
  say("TCP_QUICKACK", setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on));
  say("half of it", setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &on, 2));
  on = 1;
  say("SO_RCVLOWAT", setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &on, sizeof on));
  printf("%d %d\n", get(fd, SOL_SOCKET, SO_RCVLOWAT), get(fd, SOL_SOCKET, SO_SNDLOWAT));
  say("SO_SNDLOWAT cannot be set", setsockopt(fd, SOL_SOCKET, SO_SNDLOWAT, &on, sizeof on));
  say("socketpair", socketpair(AF_INET, SOCK_STREAM, 0, both));
}

/* The name of a congestion control. */
static void congestion(int fd) {
  char name[32] = "";
  socklen_t size = sizeof name;
  say("cubic", setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "cubic", 5));
  say("TCP_CONGESTION", getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &size));
  printf("%s, %d bytes\n", name, (int)size);
  size = 3;
  say("three bytes of it", getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &size));
  printf("%.3s, %d bytes\n", name, (int)size);
  int unknown = setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "tortoise", 8) < 0 && errno == ENOENT;
  printf("one that there is not: %s\n", unknown ? "ENOENT" : "otherwise");
  say("of nothing", setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "cubic", 0));
}

static void say_all(const char *what, int fd) {
  for (int i = 0; i < COUNT; i++) say_option(what, fd, i);
  struct linger l = {0, 0};
  struct timeval t = {0, 0};
  socklen_t size = sizeof l;
  getsockopt(fd, SOL_SOCKET, SO_LINGER, &l, &size);
  size = sizeof t;
  getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, &size);
  printf("%s: linger %d %d, time-out %ld %ld\n", what, l.l_onoff, l.l_linger, (long)t.tv_sec, (long)t.tv_usec);
}

int main(void) {
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  numbers(fd);
  small_and_wrong(fd);
  structures(fd);
  hints(fd);
  congestion(fd);
  /* The listener's are its connections'. */
  struct sockaddr_in a = local(0);
  bind(fd, (struct sockaddr *)&a, sizeof a);
  listen(fd, 2);
  int client = socket(AF_INET, SOCK_STREAM, 0), on = 1, ttl = 77;
  setsockopt(client, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(client, IPPROTO_IP, IP_TTL, &ttl, sizeof ttl);
  a = local(port_of(fd));
  say("connect", connect(client, (struct sockaddr *)&a, sizeof a));
  int peer = accept(fd, NULL, NULL);
  say_all("accepted", peer);
  printf("connected: %d %d %d\n", get(client, SOL_SOCKET, SO_KEEPALIVE), get(client, IPPROTO_TCP, TCP_NODELAY),
         get(client, IPPROTO_IP, IP_TTL));
  int u = socket(AF_INET, SOCK_DGRAM, 0);
  say("TCP_NODELAY of UDP", setsockopt(u, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
  int tos = 0x13;
  setsockopt(u, IPPROTO_IP, IP_TOS, &tos, sizeof tos);
  printf("IP_TOS of UDP: %d\n", get(u, IPPROTO_IP, IP_TOS));
  return 0;
}
