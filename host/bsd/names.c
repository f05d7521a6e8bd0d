/*
 * Names: addresses and ports as numbers, "localhost", and a few services; what else a host is called the network may
 * know (resolve.c).
 */
#include "sockets.h"

#include <stdio.h>
#include <stdlib.h>

#ifndef EAI_ADDRFAMILY
#define EAI_ADDRFAMILY (-9)
#endif
static const struct {
  const char *name;
  uint16_t port;
} services[] = {
    {"echo", 7},    {"discard", 9}, {"daytime", 13}, {"ftp", 21},     {"ssh", 22},   {"telnet", 23},
    {"smtp", 25},   {"time", 37},   {"domain", 53},  {"http", 80},    {"pop3", 110}, {"ntp", 123},
    {"imap2", 143}, {"https", 443}, {"mqtt", 1883},  {"redis", 6379},
};
enum { SERVICES = sizeof services / sizeof services[0] };

static int decimal(const char *text) {
  int n = 0;
  if (*text == 0) return -1;
  for (; *text != 0; text++) {
    if (*text < '0' || *text > '9' || (n = n * 10 + (*text - '0')) > 65535) return -1;
  }
  return n;
}

static int port_of(const char *service, int flags) {
  int n = decimal(service);
  if (n >= 0 || (flags & AI_NUMERICSERV) != 0) return n;
  for (int i = 0; i < SERVICES; i++)
    if (strcmp(services[i].name, service) == 0) return services[i].port;
  return -1;
}

/*
 * An address as numbers with dots, to network order: up to four, the last of which fills what is left, each also in
 * octal or hexadecimal digits (glibc's inet_aton). Returns what stands behind it; NULL: it is none.
 */
static const char *numbers_of(const char *text, uint32_t *ip) {
  uint32_t all = 0;
  for (unsigned n = 0; n < 4; n++) {
    if (*text < '0' || *text > '9') return NULL;
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 0);
    bool is_last = *end != '.';
    if (errno != 0 || number > (is_last ? UINT32_MAX >> 8 * n : 255)) return NULL;
    all |= is_last ? (uint32_t)number : (uint32_t)number << (24 - 8 * n);
    text = is_last ? end : end + 1;
    if (!is_last) continue;
    *ip = htonl(all);
    return text;
  }
  return NULL;
}

static bool dotted(const char *text, uint32_t *ip) {
  const char *rest = numbers_of(text, ip);
  return rest != NULL && *rest == 0;
}

static int check_hints(const struct addrinfo *h) {
  if (h->ai_family != AF_UNSPEC && h->ai_family != AF_INET && h->ai_family != AF_INET6) return EAI_FAMILY;
  if (h->ai_socktype != 0 && h->ai_socktype != SOCK_STREAM && h->ai_socktype != SOCK_DGRAM) return EAI_SOCKTYPE;
  int usual = h->ai_socktype == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP;
  if (h->ai_socktype != 0 && h->ai_protocol != 0 && h->ai_protocol != usual) return EAI_SERVICE;
  return 0;
}

/* What a host is. */
struct found {
  struct place places[2 * ANSWERS_MOST];
  /* Whether it is told as an address of AF_INET6: one behind ::ffff may be. */
  bool six[2 * ANSWERS_MOST];
  unsigned count;
  uint32_t scope;
};

static struct addrinfo *entry(const struct found *f, unsigned i, int type, const char *canonical) {
  struct socket form = {.six = f->six[i]};
  struct sockaddr_in6 address;
  socklen_t size = sizeof address;
  tell_place(&form, &f->places[i], (struct sockaddr *)&address, &size);
  if (form.six) address.sin6_scope_id = f->scope;
  /* The address lies behind its entry, and the name behind that. */
  size_t name = canonical == NULL ? 0 : strlen(canonical) + 1;
  struct addrinfo *a = calloc(1, sizeof *a + size + name);
  if (a == NULL) return NULL;
  a->ai_family = form.six ? AF_INET6 : AF_INET, a->ai_socktype = type;
  a->ai_protocol = type == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP;
  a->ai_addr = memcpy(a + 1, &address, size), a->ai_addrlen = size;
  if (name != 0) a->ai_canonname = memcpy((char *)(a + 1) + size, canonical, name);
  return a;
}

void stint_bsd_freeaddrinfo(struct addrinfo *a) {
  while (a != NULL) {
    struct addrinfo *next = a->ai_next;
    free(a);
    a = next;
  }
}

static int add_found(struct found *f, const struct place *p, bool six) {
  f->places[f->count] = *p;
  f->six[f->count++] = six;
  return 0;
}

/* An IPv6 address as text, behind which a scope may stand, in digits. */
static bool colons(const char *text, struct place *p, uint32_t *scope) {
  char plain[INET6_ADDRSTRLEN];
  size_t size = strcspn(text, "%");
  if (size >= sizeof plain) return false;
  memcpy(plain, text, size);
  plain[size] = 0;
  int number = text[size] == '%' ? decimal(text + size + 1) : 0;
  *scope = (uint32_t)number;
  return number >= 0 && INET_PTON(AF_INET6, plain, p->ip) == 1;
}

/* A host in numbers. */
static int numeric(const char *host, const struct addrinfo *h, uint16_t port, struct found *f) {
  uint32_t ip;
  struct place p;
  bool six = h->ai_family == AF_INET6;
  if (dotted(host, &ip)) {
    if (six && (h->ai_flags & AI_V4MAPPED) == 0) return EAI_ADDRFAMILY;
    set_place(&p, ntohl(ip), port);
    return add_found(f, &p, six);
  }
  if (!colons(host, &p, &f->scope)) return EAI_NONAME;
  p.port = port;
  if (h->ai_family != AF_INET) return add_found(f, &p, true);
  return is_mapped(&p) ? add_found(f, &p, false) : EAI_ADDRFAMILY;
}

/* "localhost", or nobody: this host; with AI_PASSIVE all of its addresses, IPv4 first as the C library has it. */
static int here(bool passive, int family, uint16_t port, struct found *f) {
  for (int i = 0; i < 2; i++) {
    bool six = (i == 0) != passive;
    if (family == AF_UNSPEC ? six && !HAS_IPV6 : (family == AF_INET6) != six) continue;
    struct place p = {.port = port};
    set_any(&p, six);
    if (!passive) set_here(&p);
    add_found(f, &p, six);
  }
  return 0;
}

/* RFC 6761 §6.3: this host, which nobody is asked about; and names in .localhost. */
static bool is_localhost(const char *host) {
  static const char text[] = "localhost";
  size_t size = strlen(host), own = sizeof text - 1;
  if (size > own && host[size - 1] == '.') size--;
  if (size < own || strncasecmp(host + size - own, text, own) != 0) return false;
  return size == own || host[size - own - 1] == '.';
}

/* A host by a name of the network's. IPv4 addresses stand in for IPv6's where the caller wants that (RFC 3493 §6.1). */
static int named(const char *host, const struct addrinfo *h, uint16_t port, struct found *f) {
  struct answers all;
  bool six = h->ai_family != AF_INET, mapped = h->ai_family == AF_INET6 && (h->ai_flags & AI_V4MAPPED) != 0;
  int wrong = look_up(host, h->ai_family != AF_INET6 || mapped, six, port, &all);
  if (wrong != 0) return wrong;
  bool has_six = false;
  for (unsigned i = 0; i < all.count; i++) has_six = has_six || !is_mapped(&all.places[i]);
  for (unsigned i = 0; i < all.count; i++) {
    bool four = is_mapped(&all.places[i]);
    if (four && mapped && has_six && (h->ai_flags & AI_ALL) == 0) continue;
    add_found(f, &all.places[i], !four || mapped);
  }
  return 0;
}

static int find_host(const char *host, const struct addrinfo *h, uint16_t port, struct found *f) {
  int family = h->ai_family;
  if ((h->ai_flags & AI_ADDRCONFIG) != 0 && family != AF_INET) {
    /* ::1 alone does not count (RFC 3493 §6.1). There is always an IPv4 address. */
    if (start_stack() >= 0 && !has_own6(false)) {
      if (family == AF_INET6) return EAI_NONAME;
      family = AF_INET;
    }
  }
  if (host == NULL) return here((h->ai_flags & AI_PASSIVE) != 0, family, port, f);
  bool by_name = (h->ai_flags & AI_NUMERICHOST) == 0;
  if (is_localhost(host)) return by_name ? here(false, family, port, f) : EAI_NONAME;
  int wrong = numeric(host, h, port, f);
  if (wrong != EAI_NONAME || !by_name) return wrong;
  struct addrinfo hints = *h;
  hints.ai_family = family;
  return named(host, &hints, port, f);
}

int stint_bsd_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
                          struct addrinfo **result) {
  const struct addrinfo none = {0}, *h = hints != NULL ? hints : &none;
  if (host == NULL && service == NULL) return EAI_NONAME;
  int wrong = check_hints(h), port = 0;
  if (wrong != 0) return wrong;
  if ((h->ai_flags & AI_CANONNAME) != 0 && host == NULL) return EAI_BADFLAGS;
  if (service != NULL && (port = port_of(service, h->ai_flags)) < 0)
    return (h->ai_flags & AI_NUMERICSERV) != 0 ? EAI_NONAME : EAI_SERVICE;
  struct found f = {.count = 0};
  if ((wrong = find_host(host, h, (uint16_t)port, &f)) != 0) return wrong;
  struct addrinfo *first = NULL, **next = &first;
  for (unsigned i = 0; i < f.count; i++) {
    for (int type = SOCK_STREAM; type <= SOCK_DGRAM; type++) {
      if (h->ai_socktype != 0 && h->ai_socktype != type) continue;
      if (h->ai_protocol != 0 && h->ai_protocol != (type == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP)) continue;
      *next = entry(&f, i, type, first == NULL && (h->ai_flags & AI_CANONNAME) != 0 ? host : NULL);
      if (*next == NULL) {
        stint_bsd_freeaddrinfo(first);
        return EAI_MEMORY;
      }
      next = &(*next)->ai_next;
    }
  }
  *result = first;
  return first == NULL ? EAI_SERVICE : 0;
}

static const char *service_name(int port) {
  for (int i = 0; i < SERVICES; i++)
    if (services[i].port == port) return services[i].name;
  return NULL;
}

/* Writes text where the caller has room for it. Returns 0 or an error of getnameinfo's. */
static int tell_text(char *to, socklen_t room, const char *text) {
  size_t size = strlen(text) + 1;
  if (size > room) return EAI_OVERFLOW;
  memcpy(to, text, size);
  return 0;
}

/* The host's part of getnameinfo: "localhost", or numbers, with the scope of an address of the link. */
static int host_name(const struct sockaddr *address, char *host, socklen_t room, int flags) {
  char text[INET6_ADDRSTRLEN + 16];
  struct sockaddr_in6 six = {0};
  struct place p;
  struct socket form = {.six = address->sa_family == AF_INET6};
  if (read_place(&form, address, form.six ? sizeof six : sizeof(struct sockaddr_in), &p) != 0) return EAI_FAMILY;
  if (form.six) memcpy(&six, address, sizeof six);
  bool is_local = is_here(&p);
  if ((flags & NI_NAMEREQD) != 0 && !is_local) return EAI_NONAME;
  if (host == NULL || room == 0) return 0;
  if ((flags & NI_NUMERICHOST) == 0 && is_local) {
    snprintf(text, sizeof text, "localhost");
  } else {
    INET_NTOP(address->sa_family, form.six ? p.ip : p.ip + 12, text, sizeof text);
    size_t size = strlen(text);
    if (six.sin6_scope_id != 0) snprintf(text + size, sizeof text - size, "%%%u", (unsigned)six.sin6_scope_id);
  }
  return tell_text(host, room, text);
}

int stint_bsd_getnameinfo(const struct sockaddr *address, socklen_t size, char *host, socklen_t host_size,
                          char *service, socklen_t service_size, int flags) {
  bool six = address != NULL && address->sa_family == AF_INET6;
  if (address == NULL || (!six && address->sa_family != AF_INET)) return EAI_FAMILY;
  if (size < (six ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in))) return EAI_FAMILY;
  int wrong = host_name(address, host, host_size, flags);
  if (wrong != 0) return wrong;
  if (service == NULL || service_size == 0) return 0;
  /* The port is in the same place for both families. */
  int port = ntohs(((const struct sockaddr_in *)(const void *)address)->sin_port);
  const char *name = (flags & NI_NUMERICSERV) != 0 ? NULL : service_name(port);
  char digits[8];
  snprintf(digits, sizeof digits, "%d", port);
  return tell_text(service, service_size, name != NULL ? name : digits);
}

#ifdef __wasm__
int h_errno;
#endif

/* Keeps text in `room` bytes, as much as fits. It may be what is kept there: a program may ask again by an answer. */
static void keep_text(char *to, size_t room, const char *text) {
  size_t size = strlen(text);
  if (size >= room) size = room - 1;
  memmove(to, text, size);
  to[size] = 0;
}

struct hostent *stint_bsd_gethostbyname(const char *name) {
  static char text[256], *none[1], *list[ANSWERS_MOST + 1];
  static struct in_addr ips[ANSWERS_MOST];
  static struct hostent h;
  const struct addrinfo four = {.ai_family = AF_INET};
  struct found f = {.count = 0};
  int wrong = strlen(name) < sizeof text ? find_host(name, &four, 0, &f) : EAI_NONAME;
  if (wrong != 0) {
    h_errno = wrong == EAI_AGAIN ? TRY_AGAIN : wrong == EAI_FAIL ? NO_RECOVERY : HOST_NOT_FOUND;
    return NULL;
  }
  keep_text(text, sizeof text, name);
  unsigned count = f.count < ANSWERS_MOST ? f.count : ANSWERS_MOST;
  for (unsigned i = 0; i < count; i++) {
    memcpy(&ips[i], f.places[i].ip + 12, sizeof ips[i]);
    list[i] = (char *)&ips[i];
  }
  list[count] = NULL;
  h = (struct hostent){.h_name = text, .h_aliases = none, .h_addrtype = AF_INET, .h_length = 4, .h_addr_list = list};
  return &h;
}

static struct servent *service_entry(const char *name, int port, const char *protocol) {
  static char text[32], kind[8], *none[1];
  static struct servent s;
  keep_text(text, sizeof text, name);
  keep_text(kind, sizeof kind, protocol != NULL ? protocol : "tcp");
  s = (struct servent){.s_name = text, .s_aliases = none, .s_port = htons((uint16_t)port), .s_proto = kind};
  return &s;
}

struct servent *stint_bsd_getservbyname(const char *name, const char *protocol) {
  int port = decimal(name) >= 0 ? -1 : port_of(name, 0);
  return port < 0 ? NULL : service_entry(name, port, protocol);
}

struct servent *stint_bsd_getservbyport(int port, const char *protocol) {
  const char *name = service_name(ntohs((uint16_t)port));
  return name == NULL ? NULL : service_entry(name, ntohs((uint16_t)port), protocol);
}

#ifdef __wasm__
const char *gai_strerror(int error) {
  switch (error) {
    case 0: return "Success";
    case EAI_BADFLAGS: return "Bad value for ai_flags";
    case EAI_NONAME: return "Name or service not known";
    case EAI_AGAIN: return "Temporary failure in name resolution";
    case EAI_FAIL: return "Non-recoverable failure in name resolution";
    case EAI_FAMILY: return "ai_family not supported";
    case EAI_SOCKTYPE: return "ai_socktype not supported";
    case EAI_SERVICE: return "Servname not supported for ai_socktype";
    case EAI_ADDRFAMILY: return "Address family for hostname not supported";
    case EAI_MEMORY: return "Memory allocation failure";
    case EAI_SYSTEM: return "System error";
    case EAI_OVERFLOW: return "Argument buffer overflow";
    default: return "Unknown error";
  }
}

const char *hstrerror(int error) { return error == HOST_NOT_FOUND ? "Unknown host" : "Unknown server error"; }

/* WASI's C library has these with other numbers for the families. */
enum { WASI_INET = 1, WASI_INET6 = 2 };

int stint_bsd_inet_pton(int family, const char *text, void *address) {
  if (family != AF_INET && family != AF_INET6) return fail(EAFNOSUPPORT);
  return inet_pton(family == AF_INET ? WASI_INET : WASI_INET6, text, address);
}

const char *stint_bsd_inet_ntop(int family, const void *address, char *text, socklen_t size) {
  if (family == AF_INET || family == AF_INET6)
    return inet_ntop(family == AF_INET ? WASI_INET : WASI_INET6, address, text, size);
  errno = EAFNOSUPPORT;
  return NULL;
}

int stint_bsd_inet_aton(const char *text, struct in_addr *address) {
  uint32_t ip;
  const char *rest = numbers_of(text, &ip);
  if (rest == NULL || (*rest != 0 && *rest != ' ' && (*rest < 9 || *rest > 13))) return 0;
  address->s_addr = ip;
  return 1;
}

in_addr_t stint_bsd_inet_addr(const char *text) {
  struct in_addr a;
  return stint_bsd_inet_aton(text, &a) != 0 ? a.s_addr : INADDR_NONE;
}

char *stint_bsd_inet_ntoa(struct in_addr address) {
  static char text[INET_ADDRSTRLEN];
  const unsigned char *b = (const unsigned char *)&address;
  snprintf(text, sizeof text, "%u.%u.%u.%u", b[0], b[1], b[2], b[3]);
  return text;
}
#endif
