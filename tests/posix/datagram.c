/* UDP. */
#include "posix.h"

static char text[70000];

static int bound(void) {
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  struct sockaddr_in a = local(0);
  say("bind", bind(fd, (struct sockaddr *)&a, sizeof a));
  return fd;
}

static long to(int fd, int port, const char *what) {
  struct sockaddr_in a = local(port);
  return sendto(fd, what, strlen(what), 0, (struct sockaddr *)&a, sizeof a);
}

static void simple(int a, int b) {
  struct sockaddr_in from;
  socklen_t size = sizeof from;
  int n = -1;
  say_poll("nothing yet", b, 0);
  say("recv MSG_DONTWAIT", recv(b, text, 9, MSG_DONTWAIT));
  say("sendto", to(a, port_of(b), "hello, world"));
  say("sendto nothing", to(a, port_of(b), ""));
  say_poll("something", b, 1000);
  say("FIONREAD", ioctl(b, FIONREAD, &n));
  printf("%d\n", n);
  say("recv MSG_PEEK", recv(b, text, 5, MSG_PEEK));
  say("recv MSG_PEEK MSG_TRUNC", recv(b, text, 5, MSG_PEEK | MSG_TRUNC));
  memset(text, 0, 64);
  say("recvfrom", recvfrom(b, text, 7, 0, (struct sockaddr *)&from, &size));
  printf("%s, from %s, its port: %d, %d bytes\n", text, inet_ntoa(from.sin_addr), ntohs(from.sin_port) == port_of(a),
         (int)size);
  say("the rest is lost, an empty one comes", recv(b, text, 50, 0));
  say("send to nobody in particular", send(a, "x", 1, 0));
  say("sendto port 0", to(a, 0, "x"));
  struct sockaddr_in odd = local(port_of(b));
  odd.sin_family = AF_INET6;
  say("sendto another family", sendto(a, "x", 1, 0, (struct sockaddr *)&odd, sizeof odd));
  say("getpeername", getpeername(a, (struct sockaddr *)&from, &size));
  odd = local(9);
  odd.sin_addr.s_addr = htonl(INADDR_BROADCAST);
  say("broadcast without SO_BROADCAST", sendto(a, "x", 1, 0, (struct sockaddr *)&odd, sizeof odd));
  say("more than a datagram holds", sendto(a, text, 66000, 0, (struct sockaddr *)&odd, sizeof odd));
}

/* Of one without a peer it fails; of one with a peer nothing can be sent any more. */
static void shut(void) {
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  struct sockaddr_in a = local(nobody(SOCK_DGRAM));
  say("shutdown without a peer", shutdown(fd, SHUT_RD));
  say_poll("shut for reading", fd, 0);
  say("recv", recv(fd, text, 1, 0));
  say("shutdown without a peer", shutdown(fd, SHUT_WR));
  say("sendto", sendto(fd, "x", 1, MSG_NOSIGNAL, (struct sockaddr *)&a, sizeof a));
  close(fd);
  fd = socket(AF_INET, SOCK_DGRAM, 0);
  connect(fd, (struct sockaddr *)&a, sizeof a);
  say("shutdown", shutdown(fd, SHUT_WR));
  say("send", send(fd, "x", 1, MSG_NOSIGNAL));
  say_poll("shut for writing", fd, 0);
  say("shutdown", shutdown(fd, SHUT_RD));
  say_poll("shut both ways", fd, 0);
  close(fd);
}

/* There are no urgent datagrams: to ask for one is to ask for any. */
static void urgent(int a, int b) {
  struct sockaddr_in to_b = local(port_of(b));
  say("sendto MSG_OOB", sendto(a, "x", 1, MSG_OOB, (struct sockaddr *)&to_b, sizeof to_b));
  say("sendto", sendto(a, "xyz", 3, 0, (struct sockaddr *)&to_b, sizeof to_b));
  say("recv MSG_OOB", recv(b, text, 9, MSG_OOB));
}

/* From wherever in 127/8 it answers. */
static void from_here(void) {
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  struct sockaddr_in a = local(9), name;
  socklen_t size = sizeof name;
  a.sin_addr.s_addr = htonl(0x7f000007);
  say("connect to 127.0.0.7", connect(fd, (struct sockaddr *)&a, sizeof a));
  getsockname(fd, (struct sockaddr *)&name, &size);
  puts(inet_ntoa(name.sin_addr));
  close(fd);
}

static void connected(int a, int b) {
  struct sockaddr_in to_b = local(port_of(b)), name;
  socklen_t size = sizeof name;
  int c = socket(AF_INET, SOCK_DGRAM, 0);
  say("connect", connect(c, (struct sockaddr *)&to_b, sizeof to_b));
  say("getpeername", getpeername(c, (struct sockaddr *)&name, &size));
  printf("its port: %d\n", ntohs(name.sin_port) == port_of(b));
  say("getsockname", getsockname(c, (struct sockaddr *)&name, &size));
  printf("%s, a port: %d\n", inet_ntoa(name.sin_addr), name.sin_port != 0);
  say("send", send(c, "one", 3, 0));
  say("write", write(c, "two!", 4));
  say("recv", recv(b, text, 50, 0));
  say("recv", recv(b, text, 50, 0));
  /* What comes from others is not for it. */
  int port = port_of(c);
  to(a, port, "from another");
  to(b, port, "from the peer");
  memset(text, 0, 64);
  say("recv", recv(c, text, 50, 0));
  puts(text);
  say("recv MSG_DONTWAIT", recv(c, text, 50, MSG_DONTWAIT));
  struct sockaddr none = {.sa_family = AF_UNSPEC};
  say("connect to AF_UNSPEC", connect(c, &none, sizeof none));
  say("send", send(c, "x", 1, 0));
  say("getpeername", getpeername(c, (struct sockaddr *)&name, &size));
  close(c);
}

/* A port that bind chose goes with the peer; one that it was given stays. */
static void ports(void) {
  struct sockaddr none = {.sa_family = AF_UNSPEC};
  struct sockaddr_in to = local(9), a = local(0);
  for (int given = 0; given < 2; given++) {
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    a = local(given ? nobody(SOCK_DGRAM) : 0);
    bind(fd, (struct sockaddr *)&a, sizeof a);
    say("connect", connect(fd, (struct sockaddr *)&to, sizeof to));
    printf("a port: %d\n", port_of(fd) > 0);
    say("connect to AF_UNSPEC", connect(fd, &none, sizeof none));
    printf("a port: %d\n", port_of(fd) > 0);
    to.sin_family = AF_UNSPEC;
    say("sendto an address of no family", sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof to));
    to = local(0);
    printf("a port: %d\n", port_of(fd) > 0);
    say("connect to port 0", connect(fd, (struct sockaddr *)&to, sizeof to));
    say("send", send(fd, "x", 1, 0));
    to = local(9);
    close(fd);
  }
}

/* Whoever asks for the sender in a wrong way loses the datagram. */
static void senders(int a, int b) {
  struct sockaddr_in from;
  socklen_t size = (socklen_t)-1;
  to(a, port_of(b), "x");
  say("recvfrom of a negative size", recvfrom(b, text, 9, 0, (struct sockaddr *)&from, &size));
  say_poll("it is taken", b, 0);
  to(a, port_of(b), "x");
  size = 3;
  say("recvfrom of 3 bytes", recvfrom(b, text, 9, 0, (struct sockaddr *)&from, &size));
  printf("it has %d\n", (int)size);
}

static void refused(void) {
  int fd = socket(AF_INET, SOCK_DGRAM, 0), other = socket(AF_INET, SOCK_DGRAM, 0), port = nobody(SOCK_DGRAM);
  struct sockaddr_in a = local(port);
  say("connect to nobody", connect(fd, (struct sockaddr *)&a, sizeof a));
  say("send", send(fd, "x", 1, 0));
  say_poll("refused", fd, 1000);
  say("recv", recv(fd, text, 9, MSG_DONTWAIT));
  say("recv", recv(fd, text, 9, MSG_DONTWAIT));
  say("send", send(fd, "x", 1, 0));
  wait_for(fd, POLLIN);
  say_error("refused", fd);
  say("send", send(fd, "x", 1, 0));
  wait_for(fd, POLLIN);
  say("send tells of it", send(fd, "x", 1, 0));
  /* A socket without a peer does not hear of it. */
  say("sendto nobody", to(other, port, "x"));
  usleep(20000);
  say_poll("not refused", other, 0);
  say("sendto nobody", to(other, port, "x"));
  say("recv", recv(other, text, 9, MSG_DONTWAIT));
  close(fd), close(other);
}

static void messages(int a, int b) {
  struct sockaddr_in to_b = local(port_of(b)), from = {0};
  struct iovec out[2] = {{"some ", 5}, {"pieces", 6}}, in[2] = {{text, 4}, {text + 10, 4}};
  struct msghdr m = {.msg_name = &to_b, .msg_namelen = sizeof to_b, .msg_iov = out, .msg_iovlen = 2};
  struct msghdr r = {.msg_name = &from, .msg_namelen = sizeof from, .msg_iov = in, .msg_iovlen = 2};
  say("sendmsg", sendmsg(a, &m, 0));
  memset(text, 0, 32);
  say("recvmsg", recvmsg(b, &r, 0));
  printf("%s|%s truncated: %d, from port: %d, %d\n", text, text + 10, (r.msg_flags & MSG_TRUNC) != 0,
         ntohs(from.sin_port) == port_of(a), (int)r.msg_namelen);
  struct timeval t = {0, 50000};
  setsockopt(b, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
  long began = now_ms();
  say("recv", recv(b, text, 9, 0));
  say_took("recv", began, 50);
  char big[1400];
  memset(big, 'x', sizeof big);
  for (int i = 0; i < 20; i++) sendto(a, big, sizeof big - (size_t)i, 0, (struct sockaddr *)&to_b, sizeof to_b);
  long sum = 0;
  for (int i = 0; i < 20; i++) sum += recv(b, text, sizeof text, 0);
  printf("twenty: %ld\n", sum);
}

int main(void) {
  int a = bound(), b = bound();
  struct sockaddr_in taken = local(port_of(a));
  int c = socket(AF_INET, SOCK_DGRAM, 0);
  say("a port that is taken", bind(c, (struct sockaddr *)&taken, sizeof taken));
  close(c);
  simple(a, b);
  connected(a, b);
  ports();
  senders(a, b);
  refused();
  shut();
  messages(a, b);
  urgent(a, b);
  from_here();
  close(a), close(b);
  int d = socket(AF_INET, SOCK_DGRAM, 0);
  say("the port is free again", bind(d, (struct sockaddr *)&taken, sizeof taken));
  return 0;
}
