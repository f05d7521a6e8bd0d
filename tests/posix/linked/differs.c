/*
 * What docs/bsd-sockets.md says is not as on Linux, a line each: over the kernel's sockets every line says something
 * else.
 */
#include "../posix.h"

static char text[4000];

static void port_in_time_wait(void) {
  int l = listener_on(0), port = port_of(l), c = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in a = local(port);
  connect(c, (struct sockaddr *)&a, sizeof a);
  int p = accept(l, NULL, NULL);
  close(l);
  shutdown(p, SHUT_WR);
  recv(c, text, 1, 0);
  close(c);
  recv(p, text, 1, 0);
  close(p);
  l = socket(AF_INET, SOCK_STREAM, 0);
  say("bind to a port in TIME-WAIT", bind(l, (struct sockaddr *)&a, sizeof a));
  close(l);
}

/* A client that sends, and resets before anybody accepts it. */
static void gone_before_accept(void) {
  int l = listener_on(0), c = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in a = local(port_of(l));
  struct linger none = {1, 0};
  connect(c, (struct sockaddr *)&a, sizeof a);
  setsockopt(c, SOL_SOCKET, SO_LINGER, &none, sizeof none);
  close(c);
  usleep(20000);
  non_blocking(l);
  say("accept of a client that has reset", accept(l, NULL, NULL) < 0 ? -1 : 0);
  close(l);
}

static void connects(void) {
  int f[2];
  struct sockaddr none = {.sa_family = AF_UNSPEC};
  pair(f);
  say("connect of TCP to AF_UNSPEC", connect(f[0], &none, sizeof none));
  close(f[0]), close(f[1]);
  struct sockaddr_in group = {.sin_family = AF_INET, .sin_addr = {htonl(0xe0000001)}};
  int m = socket(AF_INET, SOCK_STREAM, 0);
  say("bind to an address of multicast", bind(m, (struct sockaddr *)&group, sizeof group));
  close(m);
  int raw = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
  say("SOCK_RAW", raw < 0 ? -1 : 0);
  if (raw >= 0) close(raw);
}

static void datagrams(void) {
  int u = socket(AF_INET, SOCK_DGRAM, 0), v = socket(AF_INET, SOCK_DGRAM, 0), ttl = 33;
  struct sockaddr_in a = local(0);
  a.sin_addr.s_addr = htonl(0x7f000002);
  bind(u, (struct sockaddr *)&a, sizeof a);
  a = local(port_of(u));
  int w = socket(AF_INET, SOCK_DGRAM, 0);
  say("another at 127.0.0.1 and the same port", bind(w, (struct sockaddr *)&a, sizeof a));
  close(w);
  sendto(v, "x", 1, 0, (struct sockaddr *)&a, sizeof a);
  usleep(20000);
  say("a UDP socket of 127.0.0.2 hears 127.0.0.1", recv(u, text, 9, MSG_DONTWAIT));
  a.sin_addr.s_addr = htonl(0x7f000002);
  if (sendto(v, text, 1472, 0, (struct sockaddr *)&a, sizeof a) != 1472) puts("1472 bytes are too many");
  say("a datagram of 1,473 bytes", sendto(v, text, 1473, 0, (struct sockaddr *)&a, sizeof a));
  char control[CMSG_SPACE(sizeof(int))] = {0};
  struct iovec one = {text, 1};
  struct msghdr m = {.msg_name = &a,
                     .msg_namelen = sizeof a,
                     .msg_iov = &one,
                     .msg_iovlen = 1,
                     .msg_control = control,
                     .msg_controllen = sizeof control};
  struct cmsghdr *h = CMSG_FIRSTHDR(&m);
  h->cmsg_level = IPPROTO_IP, h->cmsg_type = IP_TTL, h->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(h), &ttl, sizeof ttl);
  say("sendmsg of UDP with ancillary data", sendmsg(v, &m, 0));
  say("IP_TTL of UDP", setsockopt(v, IPPROTO_IP, IP_TTL, &ttl, sizeof ttl));
  close(u), close(v);
}

static void hop_limits(void) {
  int u = socket(AF_INET6, SOCK_DGRAM, 0), c = socket(AF_INET6, SOCK_STREAM, 0), hops = 33;
  say("IPV6_UNICAST_HOPS of UDP", setsockopt(u, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &hops, sizeof hops));
  hops = 0;
  say("IPV6_UNICAST_HOPS of 0", setsockopt(c, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &hops, sizeof hops));
  socklen_t size = sizeof hops;
  say("IPV6_MTU_DISCOVER", getsockopt(c, IPPROTO_IPV6, 23, &hops, &size));
  close(c);
  c = socket(AF_INET, SOCK_DGRAM, 0);
  struct sockaddr_in6 six = {.sin6_family = AF_INET6};
  struct sockaddr_in four = local(0);
  int only = 1;
  bind(c, (struct sockaddr *)&four, sizeof four);
  six.sin6_port = htons((uint16_t)port_of(c));
  setsockopt(u, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only);
  say("UDP sockets of both families on one port", bind(u, (struct sockaddr *)&six, sizeof six));
  close(u), close(c);
}

static void files(void) {
  static struct pollfd many[257];
  int f[2];
  pair(f);
  for (int i = 0; i < 257; i++) many[i] = (struct pollfd){.fd = 1, .events = POLLPRI};
  say("poll of 257 files", poll(many, 257, 0));
  say("fcntl F_GETOWN", fcntl(f[0], F_GETOWN));
  int n = 0;
  say("ioctl TIOCOUTQ", ioctl(f[0], TIOCOUTQ, &n));
  close(f[0]), close(f[1]);
}

static void urgent(void) {
  int f[2];
  pair(f);
  send(f[0], "abc", 3, MSG_OOB);
  usleep(20000);
  say("recv MSG_OOB of urgent data", recv(f[1], text, 1, MSG_OOB));
  say("recv with urgent data in line", recv(f[1], text, 9, MSG_DONTWAIT));
  close(f[0]), close(f[1]);
}

static void held_back(void) {
  int f[2], on = 1;
  pair(f);
  send(f[0], "x", 1, MSG_MORE);
  struct pollfd p = {.fd = f[1], .events = POLLIN};
  say("poll for what was sent with MSG_MORE", poll(&p, 1, 50));
  close(f[0]), close(f[1]);
  pair(f);
  setsockopt(f[0], IPPROTO_TCP, TCP_CORK, &on, sizeof on);
  send(f[0], "x", 1, 0);
  p.fd = f[1];
  say("poll for what was sent with TCP_CORK", poll(&p, 1, 50));
  close(f[0]), close(f[1]);
}

static void options(void) {
  static const struct {
    const char *name;
    int level, option;
  } none[] = {{"TCP_FASTOPEN", IPPROTO_TCP, TCP_FASTOPEN},
              {"IP_RECVERR", IPPROTO_IP, IP_RECVERR},
              {"IP_MULTICAST_TTL", IPPROTO_IP, IP_MULTICAST_TTL}};
  int a = socket(AF_INET, SOCK_STREAM, 0), b = socket(AF_INET, SOCK_STREAM, 0), on = 1, before = 0, after = 0,
      size = 5000;
  socklen_t four = sizeof before;
  for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
    socklen_t room = sizeof text;
    say(none[i].name, getsockopt(a, none[i].level, none[i].option, text, &room));
  }
  getsockopt(a, SOL_SOCKET, SO_RCVBUF, &before, &four);
  setsockopt(a, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  getsockopt(a, SOL_SOCKET, SO_RCVBUF, &after, &four);
  say("TCP_MAXSEG, to set", setsockopt(a, IPPROTO_TCP, TCP_MAXSEG, &(int){500}, sizeof(int)));
  printf("SO_RCVBUF is as it was: %d\n", before == after);
  setsockopt(a, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  setsockopt(b, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  struct sockaddr_in to = local(0);
  bind(a, (struct sockaddr *)&to, sizeof to);
  listen(a, 1);
  to = local(port_of(a));
  say("SO_REUSEPORT, the second bind", bind(b, (struct sockaddr *)&to, sizeof to));
  close(a), close(b);
}

int main(void) {
  port_in_time_wait();
  gone_before_accept();
  connects();
  datagrams();
  hop_limits();
  files();
  urgent();
  held_back();
  options();
  return 0;
}
