/* A connection that does not come about: what may be done with it. */
#include "posix.h"

enum { TRIES = 8 };

/*
 * A socket that waits for somebody who does not answer: over the stack a neighbour that is not there, over the kernel a
 * listener that takes no more.
 */
static int pending(struct sockaddr_in *to) {
  *to = local(9);
  to->sin_addr.s_addr = htonl(0x0a00004d);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (getenv("STINT_IP") != NULL) {
    connect(fd, (struct sockaddr *)to, sizeof *to);
    return fd;
  }
  int listener = listener_on(0);
  *to = local(port_of(listener));
  listen(listener, 1);
  struct pollfd p = {.fd = fd, .events = POLLOUT};
  for (int i = 0; i < TRIES && (connect(p.fd, (struct sockaddr *)to, sizeof *to), poll(&p, 1, 10)) != 0; i++)
    p.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  return p.fd;
}

int main(void) {
  struct sockaddr_in to, name;
  socklen_t size = sizeof name;
  int fd = pending(&to), n = -1;
  char c;
  say_poll("pending", fd, 0);
  say("recv", recv(fd, &c, 1, 0));
  say("send", send(fd, "x", 1, 0));
  say_error("pending", fd);
  say("getpeername", getpeername(fd, (struct sockaddr *)&name, &size));
  say("getsockname", getsockname(fd, (struct sockaddr *)&name, &size));
  printf("a port: %d\n", name.sin_port != 0);
  say("FIONREAD", ioctl(fd, FIONREAD, &n));
  printf("%d\n", n);
  say("listen", listen(fd, 1));
  say("bind", bind(fd, (struct sockaddr *)&to, sizeof to));
  say("accept", accept(fd, NULL, NULL));
  say("connect", connect(fd, (struct sockaddr *)&to, sizeof to));
  /* It gives the attempt up; another may follow. */
  say("shutdown", shutdown(fd, SHUT_RD));
  say_poll("given up", fd, 0);
  say_error("given up", fd);
  say_poll("told", fd, 0);
  say("connect", connect(fd, (struct sockaddr *)&to, sizeof to));
  say("shutdown", shutdown(fd, SHUT_RDWR));
  say("send", send(fd, "x", 1, MSG_NOSIGNAL));
  say("recv", recv(fd, &c, 1, 0));
  close(fd);
  /* With a time limit it goes on in between. */
  int slow = socket(AF_INET, SOCK_STREAM, 0);
  struct timeval t = {0, 100000};
  setsockopt(slow, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t);
  long began = now_ms();
  say("connect", connect(slow, (struct sockaddr *)&to, sizeof to));
  say_took("connect", began, 100);
  began = now_ms();
  say("connect", connect(slow, (struct sockaddr *)&to, sizeof to));
  say_took("connect", began, 100);
  close(slow);
  return 0;
}
