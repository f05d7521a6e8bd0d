/*
 * `lookup NAME...`: what getaddrinfo and gethostbyname make of each name; then what the last one, which is echoed, says
 * on port 80.
 */
#include "../posix.h"

static const char *text_of(const struct addrinfo *a) {
  static char host[64];
  int wrong = getnameinfo(a->ai_addr, a->ai_addrlen, host, sizeof host, NULL, 0, NI_NUMERICHOST);
  return wrong == 0 ? host : gai_strerror(wrong);
}

static void ask(const char *name, int family, int flags) {
  struct addrinfo hints = {.ai_family = family, .ai_flags = flags, .ai_socktype = SOCK_STREAM}, *all = NULL;
  int wrong = getaddrinfo(name, "80", &hints, &all);
  printf("%s:", name);
  for (struct addrinfo *a = all; a != NULL; a = a->ai_next) printf(" %s", text_of(a));
  printf(wrong == 0 ? "\n" : " %s\n", gai_strerror(wrong));
  if (wrong == 0) freeaddrinfo(all);
}

int main(int argc, char **argv) {
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_family = AF_INET}, *to = NULL;
  char got[8] = "";
  for (int i = 1; i < argc; i++) {
    ask(argv[i], AF_UNSPEC, 0);
    ask(argv[i], AF_INET, AI_NUMERICHOST);
    ask(argv[i], AF_INET6, 0);
    ask(argv[i], AF_INET6, AI_V4MAPPED);
    struct hostent *h = gethostbyname(argv[i]);
    printf("gethostbyname:");
    for (int n = 0; h != NULL && h->h_addr_list[n] != NULL; n++)
      printf(" %s", inet_ntoa(*(struct in_addr *)(void *)h->h_addr_list[n]));
    printf(h != NULL ? "\n" : " %s\n", hstrerror(h_errno));
    /* An answer is text to ask with, too. */
    if (h != NULL && (h = gethostbyname(h->h_name)) != NULL && strcmp(h->h_name, argv[i]) != 0) return 3;
  }
  if (argc < 2 || getaddrinfo(argv[argc - 1], "80", &hints, &to) != 0) return 2;
  int fd = socket(to->ai_family, to->ai_socktype, 0);
  say("connect", connect(fd, to->ai_addr, to->ai_addrlen));
  freeaddrinfo(to);
  say("send", send(fd, "hello", 5, 0));
  say("recv", recv(fd, got, 5, MSG_WAITALL));
  struct sockaddr_in own;
  socklen_t size = sizeof own;
  getsockname(fd, (struct sockaddr *)&own, &size);
  printf("%s from %s\n", got, inet_ntoa(own.sin_addr));
  return close(fd);
}
