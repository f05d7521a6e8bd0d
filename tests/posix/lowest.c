/* Descriptors are the lowest ones that are free, and however many files there are, none is taken for a socket. */
#include "posix.h"

#include <sys/stat.h>

int main(void) {
  enum { FILES = 150 };
  int files[FILES], f[2];
  int first = open("/dev/null", O_RDONLY);
  close(first);
  int a = socket(AF_INET, SOCK_STREAM, 0);
  printf("the lowest one: %d\n", a == first);
  for (int i = 0; i < FILES; i++) files[i] = open("/dev/zero", O_RDONLY);
  pair(f);
  printf("sockets above these: %d\n", f[0] > files[FILES - 1] && f[1] > files[FILES - 1]);
  say("send", send(f[0], "hello", 5, 0));
  char text[5], zeros[5] = {0};
  int wrong = 0;
  for (int i = 0; i < FILES; i++) wrong += read(files[i], text, sizeof text) != 5 || memcmp(text, zeros, 5) != 0;
  printf("files that are not read: %d\n", wrong);
  say("recv", recv(f[1], text, sizeof text, MSG_WAITALL));
  printf("%.5s\n", text);
  struct stat s;
  say("fstat", fstat(f[0], &s));
  printf("a socket: %d\n", S_ISSOCK(s.st_mode));
  close(files[10]);
  int b = socket(AF_INET, SOCK_DGRAM, 0);
  printf("in the gap: %d\n", b == files[10]);
  say("close", close(b));
  say("close once more", close(b));
  files[10] = open("/dev/zero", O_RDONLY);
  printf("a file in its place: %d\n", files[10] == b);
  say("recv from it", recv(files[10], text, 1, 0));
  return 0;
}
