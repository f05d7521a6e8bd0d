/* What the layer says where it is compiled without STINT_IPV6. */
#include "../posix.h"

static void look_up(const char *host, int flags, int family) {
  struct addrinfo hints = {.ai_flags = flags, .ai_family = family, .ai_socktype = SOCK_STREAM}, *list = NULL;
  int r = getaddrinfo(host, "80", &hints, &list);
  printf("%s:", host == NULL ? "-" : host);
  if (r == EAI_NONAME) printf(" EAI_NONAME");
  for (struct addrinfo *a = list; a != NULL; a = a->ai_next)
    printf(" %s", a->ai_family == AF_INET ? "AF_INET" : a->ai_family == AF_INET6 ? "AF_INET6" : "none");
  printf("\n");
  if (r == 0) freeaddrinfo(list);
}

int main(void) {
  say("SOCK_STREAM", socket(AF_INET6, SOCK_STREAM, 0));
  say("SOCK_DGRAM", socket(AF_INET6, SOCK_DGRAM, 0));
  look_up(NULL, 0, AF_UNSPEC);
  look_up(NULL, AI_PASSIVE, AF_UNSPEC);
  look_up("localhost", 0, AF_UNSPEC);
  look_up("localhost", AI_ADDRCONFIG, AF_INET6);
  look_up("::1", AI_NUMERICHOST, AF_UNSPEC);
  struct sockaddr_in6 a = {.sin6_family = AF_INET6};
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  say("connect", connect(fd, (struct sockaddr *)&a, sizeof a));
  return 0;
}
