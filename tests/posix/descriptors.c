/* What descriptors are: of sockets, of files, of nothing. */
#include "posix.h"

int main(void) {
  int f[2], n = 1;
  char c;
  say("send to standard input", send(0, "x", 1, 0));
  say("recv from standard input", recv(0, &c, 1, 0));
  say("getsockopt of a file", getsockopt(0, SOL_SOCKET, SO_TYPE, &n, &(socklen_t){sizeof n}));
  say("setsockopt of nothing", setsockopt(100, SOL_SOCKET, SO_KEEPALIVE, &n, sizeof n));
  say("accept of nothing", accept(100, NULL, NULL));
  say("bind of nothing",
      bind(100, (struct sockaddr *)&(struct sockaddr_in){.sin_family = AF_INET}, sizeof(struct sockaddr_in)));
  say("listen of nothing", listen(100, 1));
  say("connect of nothing",
      connect(100, (struct sockaddr *)&(struct sockaddr_in){.sin_family = AF_INET}, sizeof(struct sockaddr_in)));
  say("send to nothing", send(100, "x", 1, 0));
  say("recv from nothing", recv(100, &c, 1, 0));
  say("shutdown of nothing", shutdown(100, SHUT_RD));
  say("close of nothing", close(100));
  say("fcntl of nothing", fcntl(100, F_GETFL));
  say("ioctl of nothing", ioctl(100, FIONREAD, &n));
  pair(f);
  printf("O_NONBLOCK: %d, both ways: %d\n", (fcntl(f[0], F_GETFL) & O_NONBLOCK) != 0,
         (fcntl(f[0], F_GETFL) & O_ACCMODE) == O_RDWR);
  say("F_SETFL", fcntl(f[0], F_SETFL, O_NONBLOCK));
  printf("O_NONBLOCK: %d\n", (fcntl(f[0], F_GETFL) & O_NONBLOCK) != 0);
  say("recv", recv(f[0], &c, 1, 0));
  say("F_SETFL", fcntl(f[0], F_SETFL, 0));
  printf("O_NONBLOCK: %d\n", (fcntl(f[0], F_GETFL) & O_NONBLOCK) != 0);
  say("FIONBIO", ioctl(f[0], FIONBIO, &n));
  printf("O_NONBLOCK: %d\n", (fcntl(f[0], F_GETFL) & O_NONBLOCK) != 0);
  say("read", read(f[0], &c, 1));
  printf("FD_CLOEXEC: %d\n", fcntl(f[0], F_GETFD));
  say("F_SETFD", fcntl(f[0], F_SETFD, FD_CLOEXEC));
  printf("FD_CLOEXEC: %d\n", fcntl(f[0], F_GETFD));
  say("F_SETFD", fcntl(f[0], F_SETFD, 0));
  printf("FD_CLOEXEC: %d\n", fcntl(f[0], F_GETFD));
  int flagged = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  printf("FD_CLOEXEC: %d\n", fcntl(flagged, F_GETFD));
  close(flagged);
  say("write to standard output", write(1, "", 0));
  /* A descriptor is used again. */
  close(f[0]);
  int again = socket(AF_INET, SOCK_STREAM, 0);
  printf("the lowest one: %d\n", again == f[0]);
  return 0;
}
