/* Sending and receiving over a connection. */
#include "posix.h"

static char text[300000];

static void flags(int a, int b) {
  int n = -1;
  say("FIONREAD of nothing", ioctl(b, FIONREAD, &n));
  printf("%d\n", n);
  say("recv MSG_DONTWAIT of nothing", recv(b, text, 10, MSG_DONTWAIT));
  say("recv of no bytes", recv(b, text, 0, MSG_DONTWAIT));
  say("send", send(a, "abcdef", 6, 0));
  wait_for(b, POLLIN);
  say("FIONREAD", ioctl(b, FIONREAD, &n));
  printf("%d\n", n);
  memset(text, 0, 16);
  say("recv MSG_PEEK", recv(b, text, 4, MSG_PEEK));
  puts(text);
  say("recv MSG_PEEK MSG_WAITALL", recv(b, text, 6, MSG_PEEK | MSG_WAITALL));
  say("recv", recv(b, text, 2, 0));
  say("recv the rest", recv(b, text, 100, 0));
  puts(text);
  say("recv MSG_OOB", recv(b, text, 1, MSG_OOB));
  say("send of no bytes", send(a, "", 0, 0));
  say("write", write(a, "12345", 5));
  say("sendto ignores the address",
      sendto(a, "678", 3, 0, (struct sockaddr *)&(struct sockaddr_in){.sin_family = AF_INET},
             sizeof(struct sockaddr_in)));
  say("recv MSG_WAITALL", recv(b, text, 8, MSG_WAITALL));
  printf("%.8s\n", text);
  say("write", write(a, "xyz", 3));
  struct sockaddr_in from = {.sin_port = 7};
  socklen_t size = sizeof from;
  say("recvfrom", recvfrom(b, text, 2, 0, (struct sockaddr *)&from, &size));
  printf("the address has %d bytes\n", (int)size);
  say("read", read(b, text, 10));
  /* The bytes are counted, and not copied. */
  memset(text, '-', 16);
  say("write", write(a, "0123456789", 10));
  wait_for(b, POLLIN);
  say("recv MSG_PEEK MSG_TRUNC", recv(b, text, 4, MSG_PEEK | MSG_TRUNC));
  say("recv MSG_TRUNC", recv(b, text, 4, MSG_TRUNC));
  say("recv MSG_TRUNC to nowhere", recv(b, NULL, 3, MSG_TRUNC));
  printf("%.5s\n", text);
  say("recv MSG_TRUNC MSG_WAITALL", recv(b, text, 3, MSG_TRUNC | MSG_WAITALL));
  say("recv MSG_TRUNC of nothing", recv(b, text, 3, MSG_TRUNC | MSG_DONTWAIT));
}

static void pieces(int a, int b) {
  struct iovec out[3] = {{"one", 3}, {"", 0}, {"twotwo", 6}}, in[2] = {{text, 5}, {text + 100, 100}};
  memset(text, 0, 300);
  say("writev", writev(a, out, 3));
  wait_for(b, POLLIN);
  say("readv", readv(b, in, 2));
  printf("%s %s\n", text, text + 100);
  volatile int many = 100000, negative = -1;
  say("writev of too many", writev(a, out, many));
  say("readv of less than none", readv(b, in, negative));
  struct msghdr m = {.msg_iov = out, .msg_iovlen = 3}, r = {.msg_iov = in, .msg_iovlen = 2, .msg_flags = 99};
  say("sendmsg", sendmsg(a, &m, 0));
  wait_for(b, POLLIN);
  memset(text, 0, 300);
  say("recvmsg MSG_PEEK", recvmsg(b, &r, MSG_PEEK));
  printf("%s %s %d\n", text, text + 100, r.msg_flags);
  say("recvmsg", recvmsg(b, &r, 0));
  say("recvmsg MSG_DONTWAIT", recvmsg(b, &r, MSG_DONTWAIT));
}

/* Until there has been no room for 100 ms, since a kernel's window may grow with a late ACK; then until all has
 * arrived. */
static void full(int a, int b) {
  long sent = 0, got = 0, n;
  unsigned sum = 0, expected = 0;
  for (size_t i = 0; i < sizeof text; i++) text[i] = (char)(i * 7 + i / 251);
  non_blocking(a);
  for (int idle = 0; idle < 100 && (n = send(a, text + sent % 1000, 1000, 0)) != 0;) {
    if (n < 0) {
      if (errno != EAGAIN) break;
      idle++;
      usleep(1000);
      continue;
    }
    idle = 0;
    for (long i = 0; i < n; i++) expected = expected * 31 + (unsigned char)text[sent % 1000 + i];
    sent += n;
  }
  say("send when it is full", send(a, text, 1, 0));
  struct pollfd p = {.fd = a, .events = POLLOUT};
  say("poll when it is full", poll(&p, 1, 0));
  while (got < sent && (n = recv(b, text + 2000, sizeof text - 2000, 0)) > 0) {
    for (long i = 0; i < n; i++) sum = sum * 31 + (unsigned char)text[2000 + i];
    got += n;
  }
  printf("all arrived: %d, as it was sent: %d\n", got == sent, sum == expected);
  say_poll("room again", a, 1000);
}

int main(void) {
  int fds[2];
  pair(fds);
  flags(fds[0], fds[1]);
  pieces(fds[1], fds[0]);
  full(fds[0], fds[1]);
  return 0;
}
