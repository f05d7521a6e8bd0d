/* What TCP_INFO and TCP_MAXSEG say of a connection, and of sockets without one. */
#include "posix.h"

static void say_info(const char *what, int fd) {
  struct tcp_info info;
  int mss = -1;
  socklen_t size = sizeof info, four = sizeof mss;
  memset(&info, 0xff, sizeof info);
  say(what, getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size));
  say("TCP_MAXSEG", getsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &mss, &four));
  printf("state %d, %d of it, mss %s, window %s, retransmits %d, pmtu %s, unacked %u\n", info.tcpi_state,
         size == sizeof info,
         mss > 1000   ? "large"
         : mss == 536 ? "536"
                      : "small",
         info.tcpi_snd_cwnd > 1 ? "some" : "-", info.tcpi_retransmits, info.tcpi_pmtu > 1000 ? "large" : "-",
         info.tcpi_unacked);
}

int main(void) {
  int l = socket(AF_INET, SOCK_STREAM, 0), f[2];
  struct sockaddr_in to = local(0);
  bind(l, (struct sockaddr *)&to, sizeof to);
  listen(l, 1);
  struct tcp_info info;
  socklen_t size = sizeof info;
  say("TCP_INFO of a listener", getsockopt(l, IPPROTO_TCP, TCP_INFO, &info, &size));
  printf("state %d\n", info.tcpi_state);
  int fresh = socket(AF_INET, SOCK_STREAM, 0), udp = socket(AF_INET, SOCK_DGRAM, 0);
  size = sizeof info;
  say("TCP_INFO before connect", getsockopt(fresh, IPPROTO_TCP, TCP_INFO, &info, &size));
  printf("state %d\n", info.tcpi_state);
  size = 1;
  say("TCP_INFO into one byte", getsockopt(fresh, IPPROTO_TCP, TCP_INFO, &info, &size));
  printf("%d\n", (int)size);
  size = sizeof info;
  say("TCP_INFO of UDP", getsockopt(udp, IPPROTO_TCP, TCP_INFO, &info, &size));
  say("TCP_INFO cannot be set", setsockopt(fresh, IPPROTO_TCP, TCP_INFO, &info, sizeof info));
  pair(f);
  say_info("TCP_INFO of a connection", f[0]);
  shutdown(f[0], SHUT_WR);
  char c;
  say("the end", recv(f[1], &c, 1, 0));
  say_info("TCP_INFO of one whose peer has ended", f[1]);
  return 0;
}
