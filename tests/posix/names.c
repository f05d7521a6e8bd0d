/* Addresses and ports as text, and back. */
#include "posix.h"

static void look_up(const char *host, const char *service, int flags, int family, int type) {
  struct addrinfo hints = {.ai_flags = flags, .ai_family = family, .ai_socktype = type}, *list = NULL;
  int r = getaddrinfo(host, service, &hints, &list);
  printf("getaddrinfo %s %s:", host == NULL ? "-" : host, service == NULL ? "-" : service);
  if (r != 0) {
    printf(" %s%s%s%s\n", r == EAI_NONAME ? "EAI_NONAME" : "", r == EAI_SERVICE ? "EAI_SERVICE" : "",
           r == EAI_FAMILY ? "EAI_FAMILY" : "", r == EAI_SOCKTYPE ? "EAI_SOCKTYPE" : "");
    return;
  }
  for (struct addrinfo *a = list; a != NULL; a = a->ai_next) {
    if (a->ai_family != AF_INET || a->ai_socktype == SOCK_RAW) continue;
    struct sockaddr_in *in = (struct sockaddr_in *)a->ai_addr;
    printf(" %s:%d %s %s %d%s%s", inet_ntoa(in->sin_addr), ntohs(in->sin_port),
           a->ai_socktype == SOCK_STREAM ? "stream" : "datagram", a->ai_protocol == IPPROTO_TCP ? "TCP" : "UDP",
           (int)a->ai_addrlen, a->ai_canonname != NULL ? " " : "", a->ai_canonname != NULL ? a->ai_canonname : "");
  }
  printf("\n");
  freeaddrinfo(list);
}

static void texts(void) {
  static const char *const all[] = {"1.2.3.4",        "255.255.255.255", "0.0.0.0",
                                    "1.2.3",          "1.2.3.4.5",       "256.1.1.1",
                                    "1.2.3.4 ",       "01.2.3.4",        "",
                                    "a.b.c.d",        "1..2.3",          "::1",
                                    "::ffff:1.2.3.4", "0x7f.1",          "1.2.65536",
                                    "1.2.65535",      "16909060",        "4294967296",
                                    "1.08",           "1.2.3.4\tx",      "1."};
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
    unsigned char b[16] = {0};
    int r = inet_pton(AF_INET, all[i], b);
    printf("inet_pton \"%s\": %d", all[i], r);
    if (r == 1) printf(" %d.%d.%d.%d", b[0], b[1], b[2], b[3]);
    r = inet_pton(AF_INET6, all[i], b);
    printf(" %d", r);
    char text[64];
    if (r == 1) printf(" %s", inet_ntop(AF_INET6, b, text, sizeof text));
    printf("\n");
  }
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
    struct in_addr a = {0};
    int r = inet_aton(all[i], &a);
    printf("inet_aton \"%s\": %d %x\n", all[i], r != 0, (unsigned)ntohl(a.s_addr));
  }
  char text[INET_ADDRSTRLEN];
  struct in_addr a = {htonl(0xc0a80105)};
  printf("%s\n", inet_ntop(AF_INET, &a, text, sizeof text));
  say("no room", inet_ntop(AF_INET, &a, text, 5) == NULL ? -1 : 0);
  say("no such family", inet_pton(99, "1.2.3.4", &a));
  printf("%s %x %x\n", inet_ntoa(a), (unsigned)ntohl(inet_addr("10.0.0.1")), (unsigned)inet_addr("no address"));
}

static void infos(void) {
  struct sockaddr_in a = local(8080);
  char host[64] = "", service[16] = "";
  a.sin_addr.s_addr = htonl(0x0a000102);
  printf("getnameinfo: %d", getnameinfo((struct sockaddr *)&a, sizeof a, host, sizeof host, service, sizeof service,
                                        NI_NUMERICHOST | NI_NUMERICSERV));
  printf(" %s %s\n", host, service);
  a.sin_port = htons(80);
  printf("a service's name: %d",
         getnameinfo((struct sockaddr *)&a, sizeof a, NULL, 0, service, sizeof service, NI_NUMERICHOST));
  printf(" %s\n", service);
  printf("no room: %d\n",
         getnameinfo((struct sockaddr *)&a, sizeof a, host, 4, NULL, 0, NI_NUMERICHOST) == EAI_OVERFLOW);
  volatile socklen_t all = (socklen_t)-1;
  printf("all the room there is: %d",
         getnameinfo((struct sockaddr *)&a, sizeof a, host, all, service, all, NI_NUMERICHOST | NI_NUMERICSERV));
  printf(" %s %s\n", host, service);
  printf("no room for a service: %d\n",
         getnameinfo((struct sockaddr *)&a, sizeof a, NULL, 0, service, 2, NI_NUMERICSERV) == EAI_OVERFLOW);
  a.sin_family = 77;
  printf("another family: %d\n",
         getnameinfo((struct sockaddr *)&a, sizeof a, host, sizeof host, NULL, 0, NI_NUMERICHOST) == EAI_FAMILY);
  printf("%s\n", gai_strerror(EAI_NONAME));
  struct hostent *h = gethostbyname("10.1.2.3");
  printf("gethostbyname: %s %d %s\n", h->h_name, h->h_length, inet_ntoa(*(struct in_addr *)h->h_addr_list[0]));
  h = gethostbyname("localhost");
  printf("gethostbyname: %s %d %s\n", h->h_name, h->h_length, inet_ntoa(*(struct in_addr *)h->h_addr_list[0]));
  printf("%x %x\n", htons(0x1234) == 0x3412, (unsigned)(ntohl(htonl(0x12345678))));
}

static void services(void) {
  static const char *const all[] = {"echo",   "discard", "daytime", "ftp", "ssh",   "telnet", "smtp", "time",
                                    "domain", "http",    "pop3",    "ntp", "imap2", "https",  "redis"};
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
    struct servent *s = getservbyname(all[i], NULL);
    if (s == NULL) {
      printf("%s: none\n", all[i]);
      continue;
    }
    int port = s->s_port;
    printf("%s: %s %d", all[i], s->s_name, ntohs((uint16_t)port));
    s = getservbyport(port, NULL);
    printf(" %s\n", s == NULL ? "none" : s->s_name);
  }
  printf("%d %d\n", getservbyname("no such service", "tcp") == NULL, getservbyport(htons(2), "tcp") == NULL);
  printf("%s\n", getservbyname("http", "tcp")->s_proto);
}

/* An address that was looked up is one to connect to. */
static void use(void) {
  int listener = listener_on(0);
  char port[8];
  snprintf(port, sizeof port, "%d", port_of(listener));
  struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *a = NULL;
  say("getaddrinfo", getaddrinfo("127.0.0.1", port, &hints, &a));
  int fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol);
  say("connect", connect(fd, a->ai_addr, a->ai_addrlen));
  freeaddrinfo(a);
  close(fd), close(listener);
}

int main(void) {
  use();
  texts();
  infos();
  services();
  look_up("10.0.0.1", "80", 0, AF_UNSPEC, SOCK_STREAM);
  look_up("10.0.0.1", "80", 0, AF_INET, 0);
  look_up("10.0.0.1", "80", AI_NUMERICHOST | AI_NUMERICSERV, AF_INET, SOCK_DGRAM);
  look_up("10.0.0.1", NULL, 0, AF_INET, SOCK_STREAM);
  look_up("10.0.0.1", "7", AI_CANONNAME, AF_INET, SOCK_STREAM);
  look_up(NULL, "8080", AI_PASSIVE, AF_INET, SOCK_STREAM);
  look_up(NULL, "8080", 0, AF_INET, SOCK_STREAM);
  look_up(NULL, NULL, 0, AF_INET, SOCK_STREAM);
  look_up("no.such.name.invalid", "80", AI_NUMERICHOST, AF_INET, SOCK_STREAM);
  look_up("10.0.0.1", "no such service", 0, AF_INET, SOCK_STREAM);
  look_up("10.0.0.1", "http", AI_NUMERICSERV, AF_INET, SOCK_STREAM);
  look_up("10.0.0.1", "80", 0, 77, SOCK_STREAM);
  look_up("127.1", "80", 0, AF_INET, SOCK_STREAM);
  look_up("0x0a000001", "80", AI_NUMERICHOST, AF_INET, SOCK_STREAM);
  look_up("10.0.0.256", "80", AI_NUMERICHOST, AF_INET, SOCK_STREAM);
  look_up("localhost", "80", 0, AF_INET, SOCK_STREAM);
  look_up("localhost", "80", AI_NUMERICHOST, AF_INET, SOCK_STREAM);
  look_up("10.0.0.1", "http", 0, AF_INET, SOCK_STREAM);
  look_up("10.0.0.1", "80", 0, AF_INET, 77);
  return 0;
}
