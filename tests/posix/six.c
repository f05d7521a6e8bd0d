/* Sockets of AF_INET6, to peers of both families. */
#include "posix.h"

static struct sockaddr_in6 local6(int port) {
  struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
  a.sin6_addr = in6addr_loopback;
  return a;
}

/* An address of IPv4 in the form of IPv6. */
static struct sockaddr_in6 mapped(const char *ip, int port) {
  struct sockaddr_in6 a = local6(port);
  char text[64];
  snprintf(text, sizeof text, "::ffff:%s", ip);
  inet_pton(AF_INET6, text, &a.sin6_addr);
  return a;
}

static int port6(int fd) {
  struct sockaddr_in6 a = {0};
  socklen_t size = sizeof a;
  return getsockname(fd, (struct sockaddr *)&a, &size) == 0 ? ntohs(a.sin6_port) : -1;
}

static void say_place(const char *what, const struct sockaddr_in6 *a, socklen_t size) {
  char text[64] = "";
  inet_ntop(AF_INET6, &a->sin6_addr, text, sizeof text);
  printf("%s: %s, a port: %d, scope %d, %d bytes, AF_INET6: %d\n", what, text, a->sin6_port != 0, (int)a->sin6_scope_id,
         (int)size, a->sin6_family == AF_INET6);
}

static void say_names(int fd) {
  struct sockaddr_in6 a;
  socklen_t size = sizeof a;
  memset(&a, 0, sizeof a);
  if (say("getsockname", getsockname(fd, (struct sockaddr *)&a, &size)) == 0) say_place("own", &a, size);
  size = sizeof a;
  memset(&a, 0, sizeof a);
  if (say("getpeername", getpeername(fd, (struct sockaddr *)&a, &size)) == 0) say_place("peer", &a, size);
}

static int get(int fd, int level, int option) {
  int n = -99;
  socklen_t size = sizeof n;
  return getsockopt(fd, level, option, &n, &size) < 0 ? -1 : n;
}

static long set(int fd, int level, int option, int n) { return setsockopt(fd, level, option, &n, sizeof n); }

static int bound(const struct sockaddr_in6 *a, int only, int type) {
  int fd = socket(AF_INET6, type, 0);
  if (only >= 0) set(fd, IPPROTO_IPV6, IPV6_V6ONLY, only);
  if (bind(fd, (const struct sockaddr *)a, sizeof *a) == 0) return fd;
  say("bind", -1);
  close(fd);
  return -1;
}

static long to6(int fd, struct sockaddr_in6 a) { return connect(fd, (struct sockaddr *)&a, sizeof a); }

static void one_way(int from, int to) {
  char text[16] = "";
  say("send", send(from, "hello", 5, 0));
  say("recv", recv(to, text, sizeof text, 0));
  puts(text);
}

/* Who accepts on `a`; whether ::1 and 127.0.0.1 get there, and what each is called. */
static void reach(const char *what, struct sockaddr_in6 a, int only) {
  printf("-- %s\n", what);
  int l = bound(&a, only, SOCK_STREAM);
  say("listen", listen(l, 4));
  say_names(l);
  for (int four = 0; four < 2; four++) {
    int c = socket(AF_INET6, SOCK_STREAM, 0);
    if (say(four ? "from IPv4" : "from IPv6", to6(c, four ? mapped("127.0.0.1", port6(l)) : local6(port6(l)))) == 0) {
      struct sockaddr_in6 from;
      socklen_t size = sizeof from;
      int p = accept(l, (struct sockaddr *)&from, &size);
      say_place("accepted", &from, size);
      say_names(c);
      say_names(p);
      one_way(c, p);
      one_way(p, c);
      close(p);
    }
    close(c);
  }
  close(l);
}

/* Sockets of both families on one port. */
static void side_by_side(void) {
  puts("-- side by side");
  struct sockaddr_in6 any = local6(0);
  any.sin6_addr = in6addr_any;
  int six = bound(&any, 1, SOCK_STREAM), four = socket(AF_INET, SOCK_STREAM, 0), port = port6(six);
  struct sockaddr_in a = local(port), from;
  socklen_t size = sizeof from;
  a.sin_addr.s_addr = htonl(INADDR_ANY);
  say("0.0.0.0 beside :: of IPv6 alone", bind(four, (struct sockaddr *)&a, sizeof a));
  say("listen", listen(six, 2));
  say("listen", listen(four, 2));
  int c = socket(AF_INET, SOCK_STREAM, 0), d = socket(AF_INET6, SOCK_STREAM, 0);
  a = local(port);
  say("connect", connect(c, (struct sockaddr *)&a, sizeof a));
  say("connect", to6(d, local6(port)));
  int p = accept(four, (struct sockaddr *)&from, &size);
  printf("%s, %d bytes\n", inet_ntoa(from.sin_addr), (int)size);
  int q = accept(six, NULL, NULL);
  one_way(c, p);
  one_way(q, d);
  close(six);
  int e = socket(AF_INET6, SOCK_STREAM, 0);
  say("IPv6 is closed, IPv4 is not", to6(e, local6(port)));
  close(c), close(d), close(e), close(p), close(q), close(four);
}

static void taken(void) {
  puts("-- who has a port");
  struct sockaddr_in6 any = local6(0), here = local6(0);
  any.sin6_addr = in6addr_any;
  int six = bound(&any, 0, SOCK_STREAM), four = socket(AF_INET, SOCK_STREAM, 0);
  say("listen", listen(six, 2));
  struct sockaddr_in a = local(port6(six));
  say("127.0.0.1 beside :: of both", bind(four, (struct sockaddr *)&a, sizeof a));
  here.sin6_port = any.sin6_port = htons((uint16_t)port6(six));
  bound(&here, -1, SOCK_STREAM);
  bound(&any, 1, SOCK_STREAM);
  close(six);
  here.sin6_port = 0;
  six = bound(&here, -1, SOCK_STREAM);
  a = local(port6(six));
  say("127.0.0.1 beside ::1", bind(four, (struct sockaddr *)&a, sizeof a));
  struct sockaddr_in6 m = mapped("127.0.0.1", port6(six));
  bound(&m, -1, SOCK_STREAM);
  m = mapped("127.0.0.9", port6(six));
  int other = bound(&m, -1, SOCK_STREAM);
  printf("::ffff:127.0.0.9: %d\n", other >= 0);
  close(six), close(four), close(other);
}

static void wrong(void) {
  puts("-- what is wrong");
  struct sockaddr_in6 a = local6(80);
  struct sockaddr_in four = local(80);
  int fd = socket(AF_INET6, SOCK_STREAM, 0);
  say_names(fd);
  say("a short address", bind(fd, (struct sockaddr *)&four, sizeof four));
  say("without a scope", connect(fd, (struct sockaddr *)&a, 23));
  a.sin6_family = AF_INET;
  say("of another family", bind(fd, (struct sockaddr *)&a, sizeof a));
  say("of another family", connect(fd, (struct sockaddr *)&a, sizeof a));
  a = local6(0);
  inet_pton(AF_INET6, "2001:db8::77", &a.sin6_addr);
  say("not ours", bind(fd, (struct sockaddr *)&a, sizeof a));
  set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
  a = mapped("127.0.0.1", 80);
  say("IPv4 where there is none", bind(fd, (struct sockaddr *)&a, sizeof a));
  say("IPv4 where there is none", to6(fd, a));
  int none = nobody(SOCK_STREAM);
  say("nobody is there", to6(fd, local6(none)));
  say("port 0", to6(fd, local6(0)));
  close(fd);
  int l = socket(AF_INET6, SOCK_STREAM, 0);
  say("listen without bind", listen(l, 1));
  fd = socket(AF_INET6, SOCK_STREAM, 0);
  a = local6(port6(l));
  a.sin6_addr = in6addr_any;
  say(":: is here", to6(fd, a));
  say_names(fd);
  close(fd), close(l);
  say("a type that there is not", socket(AF_INET6, 77, 0));
  say("a protocol of another type", socket(AF_INET6, SOCK_DGRAM, IPPROTO_TCP));
}

static void options(void) {
  static const struct {
    const char *name;
    int option, values[6];
  } all[] = {{"IPV6_UNICAST_HOPS", IPV6_UNICAST_HOPS, {1, 255, 256, -1, -2, 33}},
             {"IPV6_TCLASS", IPV6_TCLASS, {0x10, 0xff, 0x100, -1, -2, 0xb8}},
             {"IPV6_V6ONLY", IPV6_V6ONLY, {1, 0, 7, -1, 0, 1}}};
  puts("-- options");
  int fd = socket(AF_INET6, SOCK_STREAM, 0), four = socket(AF_INET, SOCK_STREAM, 0);
  printf("of AF_INET6: %d\n", get(fd, SOL_SOCKET, SO_DOMAIN) == AF_INET6);
  for (int i = 0; i < 3; i++) {
    printf("%s at first: %d\n", all[i].name, get(fd, IPPROTO_IPV6, all[i].option));
    for (int k = 0; k < 6; k++) {
      printf("%d ", all[i].values[k]);
      say("setsockopt", set(fd, IPPROTO_IPV6, all[i].option, all[i].values[k]));
      printf("%d\n", get(fd, IPPROTO_IPV6, all[i].option));
    }
    say("half of it", setsockopt(fd, IPPROTO_IPV6, all[i].option, &fd, 2));
    say("of AF_INET", set(four, IPPROTO_IPV6, all[i].option, 1));
  }
  say("IP_TTL", set(fd, IPPROTO_IP, IP_TTL, 44));
  printf("%d beside %d\n", get(fd, IPPROTO_IP, IP_TTL), get(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS));
  set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
  struct sockaddr_in6 a = local6(0);
  say("bind", bind(fd, (struct sockaddr *)&a, sizeof a));
  say("IPV6_V6ONLY of what is bound", set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1));
  say("listen", listen(fd, 1));
  int c = socket(AF_INET6, SOCK_STREAM, 0);
  to6(c, local6(port6(fd)));
  int p = accept(fd, NULL, NULL);
  printf("accepted: %d %d\n", get(p, IPPROTO_IPV6, IPV6_UNICAST_HOPS), get(p, IPPROTO_IPV6, IPV6_TCLASS));
  close(c), close(p), close(fd), close(four);
}

static long send_to(int fd, struct sockaddr_in6 a, const char *text) {
  return sendto(fd, text, strlen(text), 0, (struct sockaddr *)&a, sizeof a);
}

/* What comes, and from where, by recvmsg. */
static void say_datagram(int fd) {
  char text[32] = "";
  struct sockaddr_in6 from;
  struct iovec in = {text, sizeof text - 1};
  struct msghdr m = {.msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &in, .msg_iovlen = 1};
  memset(&from, 0, sizeof from);
  if (say("recvmsg", recvmsg(fd, &m, 0)) >= 0) say_place(text, &from, m.msg_namelen);
}

static void datagrams(void) {
  puts("-- datagrams");
  struct sockaddr_in6 any = local6(0);
  any.sin6_addr = in6addr_any;
  int a = bound(&any, -1, SOCK_DGRAM), b = socket(AF_INET6, SOCK_DGRAM, 0), four = socket(AF_INET, SOCK_DGRAM, 0);
  struct sockaddr_in to4 = local(port6(a));
  say("to ::1", send_to(b, local6(port6(a)), "over IPv6"));
  say_datagram(a);
  say("to ::ffff:127.0.0.1", send_to(b, mapped("127.0.0.1", port6(a)), "over IPv4"));
  say_datagram(a);
  say("of AF_INET", sendto(four, "AF_INET", 7, 0, (struct sockaddr *)&to4, sizeof to4));
  say_datagram(a);
  say("an address of AF_INET", sendto(b, "both", 4, 0, (struct sockaddr *)&to4, sizeof to4));
  say_datagram(a);
  say("a short address", sendto(b, "x", 1, 0, (struct sockaddr *)&any, 23));
  say("connect", to6(b, local6(port6(a))));
  say_names(b);
  say("send", send(b, "connected", 9, 0));
  say_datagram(a);
  say("what another sends", send_to(a, local6(port6(b)), "from the peer"));
  say("is not heard", sendto(four, "x", 1, MSG_DONTWAIT, (struct sockaddr *)&to4, sizeof to4));
  say_datagram(b);
  say_datagram(a);
  close(b);
  b = socket(AF_INET6, SOCK_DGRAM, 0);
  set(b, IPPROTO_IPV6, IPV6_V6ONLY, 1);
  say("IPv4 where there is none", send_to(b, mapped("127.0.0.1", port6(a)), "x"));
  say("connect to it", to6(b, mapped("127.0.0.1", port6(a))));
  say("of AF_INET", connect(b, (struct sockaddr *)&to4, sizeof to4));
  int none = nobody(SOCK_DGRAM);
  say("connect to nobody", to6(b, local6(none)));
  say("send", send(b, "x", 1, 0));
  say_poll("refused", b, 1000);
  say("recv", recv(b, &none, 1, MSG_DONTWAIT));
  close(a), close(b), close(four);
}

int main(void) {
  struct sockaddr_in6 any = local6(0);
  any.sin6_addr = in6addr_any;
  reach("all of both", any, 0);
  reach("all of IPv6", any, 1);
  reach("::1", local6(0), -1);
  reach("::ffff:127.0.0.1", mapped("127.0.0.1", 0), 0);
  reach("::ffff:0.0.0.0", mapped("0.0.0.0", 0), 0);
  side_by_side();
  taken();
  wrong();
  options();
  datagrams();
  return 0;
}
