/*
 * `sender ADDRESS PORT BYTES`: connects, sends, closes, ends: as programs do that rely on the kernel to send the rest.
 */
#include "../posix.h"

int main(int argc, char **argv) {
  static char text[1 << 20];
  struct sockaddr_in to = {.sin_family = AF_INET};
  if (argc != 4 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1) return 2;
  to.sin_port = htons((uint16_t)atoi(argv[2]));
  size_t size = (size_t)atoi(argv[3]);
  for (size_t i = 0; i < size; i++) text[i] = (char)(i % 251);
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0) return 3;
  if (send(fd, text, size, 0) != (ssize_t)size) return 4;
  /* Standard output is the program's own. */
  printf("sent %zu\n", size);
  return close(fd);
}
