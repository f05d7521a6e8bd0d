/*
 * `drip ADDRESS PORT`: time limits are for a call, not for each piece of it. The peer sends a byte now and then, and
 * takes as slowly what is sent.
 */
#include "../posix.h"

static char text[1000000];

int main(int argc, char **argv) {
  struct sockaddr_in a = {.sin_family = AF_INET};
  if (argc != 3 || inet_pton(AF_INET, argv[1], &a.sin_addr) != 1) return 2;
  a.sin_port = htons((uint16_t)atoi(argv[2]));
  int fd = socket(AF_INET, SOCK_STREAM, 0), least = 500;
  struct timeval t = {0, 300000};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t);
  if (connect(fd, (struct sockaddr *)&a, sizeof a) != 0) return 3;
  long began = now_ms();
  printf("recv: some %d", recv(fd, text, 1000, MSG_WAITALL) > 0);
  say_took("", began, 300);
  setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &least, sizeof least);
  struct iovec in[3] = {{text, 1}, {text, 1}, {text, 998}};
  began = now_ms();
  printf("readv: some %d", readv(fd, in, 3) > 0);
  say_took("", began, 300);
  struct iovec out[4] = {{text, 250000}, {text, 250000}, {text, 250000}, {text, 250000}};
  began = now_ms();
  printf("writev: some %d", writev(fd, out, 4) > 0);
  say_took("", began, 300);
  began = now_ms();
  printf("send: some %d", send(fd, text, sizeof text, 0) != 0);
  say_took("", began, 300);
  fflush(stdout);
  _exit(0);
}
