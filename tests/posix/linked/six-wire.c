/*
 * `six-wire ADDRESS PORT`: over IPv6 on a link, with a traffic class and a hop limit: what comes back, and from where
 * to where.
 */
#include "../posix.h"

static void say_name(const char *what, const struct sockaddr_storage *a, socklen_t size) {
  char host[64];
  getnameinfo((const struct sockaddr *)a, size, host, sizeof host, NULL, 0, NI_NUMERICHOST);
  printf("%s %s\n", what, host);
}

int main(int argc, char **argv) {
  struct addrinfo hints = {.ai_flags = AI_ADDRCONFIG | AI_NUMERICHOST, .ai_socktype = SOCK_STREAM}, *to = NULL;
  struct sockaddr_storage name;
  socklen_t size = sizeof name;
  int class = 0xb8, hops = 33;
  char text[16] = "";
  if (argc != 3 || getaddrinfo(argv[1], argv[2], &hints, &to) != 0) return 2;
  int fd = socket(to->ai_family, to->ai_socktype, 0), u = socket(to->ai_family, SOCK_DGRAM, 0);
  setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &class, sizeof class);
  setsockopt(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &hops, sizeof hops);
  /* The peer may still look for others with its address. */
  long connected;
  for (int tries = 0; (connected = connect(fd, to->ai_addr, to->ai_addrlen)) != 0 && tries < 30; tries++)
    if (errno != EHOSTUNREACH) break;
  say("connect", connected);
  say("send", send(fd, "hello", 5, 0));
  say("recv", recv(fd, text, 5, MSG_WAITALL));
  puts(text);
  getsockname(fd, (struct sockaddr *)&name, &size);
  say_name("own", &name, size);
  size = sizeof name;
  getpeername(fd, (struct sockaddr *)&name, &size);
  say_name("peer", &name, size);
  say("connect of UDP", connect(u, to->ai_addr, to->ai_addrlen));
  size = sizeof name;
  getsockname(u, (struct sockaddr *)&name, &size);
  say_name("own", &name, size);
  freeaddrinfo(to);
  return close(fd);
}
