/* Addresses of both families as text, and back. */
#include "posix.h"

static const char *error_of(int r) {
  switch (r) {
    case EAI_NONAME: return "EAI_NONAME";
    case EAI_FAMILY: return "EAI_FAMILY";
    case EAI_SERVICE: return "EAI_SERVICE";
    case EAI_BADFLAGS: return "EAI_BADFLAGS";
    case EAI_ADDRFAMILY: return "EAI_ADDRFAMILY";
    default: return "another error";
  }
}

static void look_up(const char *host, const char *service, int flags, int family) {
  struct addrinfo hints = {.ai_flags = flags, .ai_family = family, .ai_socktype = SOCK_STREAM}, *list = NULL;
  int r = getaddrinfo(host, service, &hints, &list);
  printf("%s %s, flags %x, %s:", host == NULL ? "-" : host, service == NULL ? "-" : service, (unsigned)flags,
         family == AF_INET    ? "AF_INET"
         : family == AF_INET6 ? "AF_INET6"
                              : "any");
  if (r != 0) {
    printf(" %s\n", error_of(r));
    return;
  }
  for (struct addrinfo *a = list; a != NULL; a = a->ai_next) {
    char text[64] = "", port[16] = "";
    /* The C library puts the name of an interface behind an address of the link. */
    if (a->ai_family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(&((struct sockaddr_in6 *)a->ai_addr)->sin6_addr)) {
      printf(" scope %d", (int)((struct sockaddr_in6 *)a->ai_addr)->sin6_scope_id);
      continue;
    }
    int n =
        getnameinfo(a->ai_addr, a->ai_addrlen, text, sizeof text, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV);
    printf(" %s %s %s %d, %d", text, port, a->ai_family == AF_INET6 ? "AF_INET6" : "AF_INET", (int)a->ai_addrlen, n);
    if (a->ai_canonname != NULL) printf(" canonical %s", a->ai_canonname);
  }
  printf("\n");
  freeaddrinfo(list);
}

static void texts(void) {
  static const char *const all[] = {"::",
                                    "::1",
                                    "2001:db8::1",
                                    "2001:DB8:0:0:1:0:0:1",
                                    "1:2:3:4:5:6:7:8",
                                    "1:2:3:4:5:6:7::",
                                    "::2:3:4",
                                    "fe80::1%1",
                                    "::ffff:10.0.0.1",
                                    "::a:0:1",
                                    "1::2::3",
                                    "12345::",
                                    "1:2:3",
                                    ":1:2:3:4:5:6:7",
                                    "1:2:3:4:5:6:7:8:9",
                                    "64:ff9b::192.0.2.33",
                                    "::1 ",
                                    "::ffff:10.0.0.256"};
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
    struct in6_addr a;
    char text[INET6_ADDRSTRLEN];
    int r = inet_pton(AF_INET6, all[i], &a);
    printf("inet_pton \"%s\": %d", all[i], r);
    if (r == 1) printf(" %s, mapped %d", inet_ntop(AF_INET6, &a, text, sizeof text), IN6_IS_ADDR_V4MAPPED(&a) != 0);
    printf("\n");
    look_up(all[i], NULL, AI_NUMERICHOST, AF_UNSPEC);
    look_up(all[i], "80", AI_NUMERICHOST, AF_INET);
  }
  char small[8];
  say("no room", inet_ntop(AF_INET6, &in6addr_loopback, small, 3) == NULL ? -1 : 0);
  printf("%s\n", inet_ntop(AF_INET6, &in6addr_any, small, sizeof small));
}

static void infos(void) {
  struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_port = htons(80)};
  char host[64] = "", service[16] = "";
  inet_pton(AF_INET6, "2001:db8::5", &a.sin6_addr);
  printf("getnameinfo: %d",
         getnameinfo((struct sockaddr *)&a, sizeof a, host, sizeof host, service, sizeof service, NI_NUMERICHOST));
  printf(" %s %s\n", host, service);
  printf("no room: %d\n",
         getnameinfo((struct sockaddr *)&a, sizeof a, host, 5, NULL, 0, NI_NUMERICHOST) == EAI_OVERFLOW);
  printf("a short address: %d\n",
         getnameinfo((struct sockaddr *)&a, 20, host, sizeof host, NULL, 0, NI_NUMERICHOST) == EAI_FAMILY);
  printf("a name is wanted: %s\n", error_of(getnameinfo((struct sockaddr *)&a, sizeof a, host, sizeof host, NULL, 0,
                                                        NI_NAMEREQD | NI_NUMERICHOST)));
}

/* A server and a client that leave the family to getaddrinfo. */
static void use(int family) {
  struct addrinfo hints = {.ai_flags = AI_PASSIVE, .ai_family = family, .ai_socktype = SOCK_STREAM}, *a = NULL;
  say("getaddrinfo", getaddrinfo(NULL, "0", &hints, &a));
  int l = socket(a->ai_family, a->ai_socktype, a->ai_protocol);
  say("bind", bind(l, a->ai_addr, a->ai_addrlen));
  say("listen", listen(l, 1));
  freeaddrinfo(a);
  char port[8];
  struct sockaddr_storage own;
  socklen_t size = sizeof own;
  getsockname(l, (struct sockaddr *)&own, &size);
  getnameinfo((struct sockaddr *)&own, size, NULL, 0, port, sizeof port, NI_NUMERICSERV);
  hints.ai_flags = 0;
  say("getaddrinfo", getaddrinfo(NULL, port, &hints, &a));
  int c = socket(a->ai_family, a->ai_socktype, a->ai_protocol);
  say("connect", connect(c, a->ai_addr, a->ai_addrlen));
  freeaddrinfo(a);
  close(c), close(l);
}

int main(void) {
  texts();
  infos();
  use(AF_INET);
  use(AF_INET6);
  look_up("10.0.0.1", "80", 0, AF_INET6);
  look_up("10.0.0.1", "80", AI_V4MAPPED, AF_INET6);
  look_up("10.0.0.1", "80", AI_V4MAPPED | AI_ALL | AI_NUMERICHOST, AF_INET6);
  look_up("::ffff:10.0.0.1", "80", 0, AF_INET);
  look_up("2001:db8::1", "80", AI_CANONNAME, AF_INET6);
  look_up(NULL, "80", AI_CANONNAME, AF_INET6);
  look_up(NULL, "80", 0, AF_INET6);
  look_up(NULL, "80", AI_PASSIVE, AF_INET6);
  look_up(NULL, "80", 0, AF_UNSPEC);
  look_up(NULL, "80", AI_PASSIVE, AF_UNSPEC);
  look_up("localhost", "80", AI_NUMERICHOST, AF_INET6);
  look_up("fe80::1%1x", "80", AI_NUMERICHOST, AF_INET6);
  look_up("::1", "no such service", 0, AF_INET6);
  return 0;
}
