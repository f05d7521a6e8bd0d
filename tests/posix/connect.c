/* connect: refused, once more, without blocking, and what is said afterwards. */
#include "posix.h"

static int try(int fd, int port) {
  struct sockaddr_in a = local(port);
  return connect(fd, (struct sockaddr *)&a, sizeof a);
}

static void blocking(void) {
  int fd = socket(AF_INET, SOCK_STREAM, 0), none = nobody(SOCK_STREAM), listener = listener_on(0),
      port = port_of(listener);
  say_poll("fresh", fd, 0);
  say("recv before connect", recv(fd, &fd, 1, 0));
  say("send before connect", send(fd, "x", 1, MSG_NOSIGNAL));
  say("shutdown before connect", shutdown(fd, SHUT_WR));
  say("connect to nobody", try(fd, none));
  say_error("after it", fd);
  say_poll("after it", fd, 0);
  say("connect to nobody again", try(fd, none));
  say("then to somebody", try(fd, port));
  say("and again", try(fd, port));
  int peer = accept(listener, NULL, NULL);
  say("send", send(fd, "hello", 5, 0));
  char text[8] = "";
  say("recv", recv(peer, text, sizeof text, 0));
  puts(text);
  say("connect of a listener", try(listener, port));
  say("listen of a connection", listen(fd, 1));
  close(fd), close(peer), close(listener);
}

static void refused_without_blocking(void) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), none = nobody(SOCK_STREAM), listener = listener_on(0);
  int r = try(fd, none);
  printf("refused at once or later: %s\n", r < 0 && (errno == EINPROGRESS || errno == ECONNREFUSED) ? "yes" : "no");
  say_poll("refused", fd, 1000);
  say_error("refused", fd);
  say_error("refused, again", fd);
  say("connect after SO_ERROR", try(fd, none));
  r = try(fd, none);
  say_poll("refused once more", fd, 1000);
  say("connect tells the error", try(fd, none));
  r = try(fd, port_of(listener));
  wait_for(fd, POLLOUT);
  say_error("to somebody", fd);
  say("connect tells of success", try(fd, none));
  say("connect", try(fd, none));
  close(fd), close(listener);
}

static void connected_without_blocking(void) {
  int listener = listener_on(0), fd = socket(AF_INET, SOCK_STREAM, 0);
  non_blocking(fd);
  int r = try(fd, port_of(listener));
  printf("in progress, or done: %s\n", r == 0 || errno == EINPROGRESS ? "yes" : "no");
  say_poll("connected", fd, 1000);
  say_error("connected", fd);
  char c;
  say("recv", recv(fd, &c, 1, 0));
  struct sockaddr_in a, b;
  socklen_t size = sizeof a;
  say("getpeername", getpeername(fd, (struct sockaddr *)&a, &size));
  printf("%s %d\n", inet_ntoa(a.sin_addr), ntohs(a.sin_port) == port_of(listener));
  size = sizeof b;
  int peer = accept(listener, (struct sockaddr *)&b, &size);
  printf("accepted %d bytes of address, the port is the other's: %d\n", (int)size, ntohs(b.sin_port) == port_of(fd));
  printf("O_NONBLOCK of what was accepted: %d\n", (fcntl(peer, F_GETFL) & O_NONBLOCK) != 0);
  close(fd), close(peer), close(listener);
}

/* Another address of 127/8: who asks it comes from 127.0.0.1. */
static void far_away_here(void) {
  int listener = socket(AF_INET, SOCK_STREAM, 0), fd = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in a = local(0);
  socklen_t size = sizeof a;
  a.sin_addr.s_addr = htonl(0x7f000007);
  say("bind to 127.0.0.7", bind(listener, (struct sockaddr *)&a, sizeof a));
  say("listen", listen(listener, 1));
  a.sin_port = htons((uint16_t)port_of(listener));
  say("connect", connect(fd, (struct sockaddr *)&a, sizeof a));
  getsockname(fd, (struct sockaddr *)&a, &size);
  puts(inet_ntoa(a.sin_addr));
  int peer = accept(listener, (struct sockaddr *)&a, &size);
  puts(inet_ntoa(a.sin_addr));
  getsockname(peer, (struct sockaddr *)&a, &size);
  puts(inet_ntoa(a.sin_addr));
  close(fd), close(peer), close(listener);
}

static void bad_addresses(void) {
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in a = local(80);
  say("a short address", connect(fd, (struct sockaddr *)&a, 4));
  a.sin_family = AF_INET6;
  say("another family", connect(fd, (struct sockaddr *)&a, sizeof a));
  socklen_t size = sizeof a;
  say("getpeername of nobody", getpeername(fd, (struct sockaddr *)&a, &size));
  size = sizeof a;
  say("getsockname of nobody", getsockname(fd, (struct sockaddr *)&a, &size));
  printf("%s %d %d\n", inet_ntoa(a.sin_addr), ntohs(a.sin_port), (int)size);
  int listener = listener_on(0);
  a = local(port_of(listener));
  a.sin_addr.s_addr = htonl(INADDR_ANY);
  say("0.0.0.0 is here", connect(fd, (struct sockaddr *)&a, sizeof a));
  close(fd), close(listener);
  say("a family that there is not", socket(12345, SOCK_STREAM, 0));
  say("a type that there is not", socket(AF_INET, 77, 0));
  say("SOCK_RAW without a protocol", socket(AF_INET, SOCK_RAW, 0));
  say("a protocol of another type", socket(AF_INET, SOCK_STREAM, IPPROTO_UDP));
}

int main(void) {
  blocking();
  refused_without_blocking();
  connected_without_blocking();
  far_away_here();
  bad_addresses();
  return 0;
}
