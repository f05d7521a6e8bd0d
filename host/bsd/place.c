/*
 * Addresses of both families. In the layer each is 16 bytes, an IPv4 address behind ::ffff (RFC 4291 §2.5.5.2); for the
 * stack it is a number: an IPv4 address, or the name of an IPv6 one, which lasts for a call. Without STINT_IPV6 there
 * is no IPv6: a program for the small builds links without its calls.
 */
#include "sockets.h"

/* RFC 2133's sockaddr_in6 had no sin6_scope_id; Linux takes it. */
enum { IN6_SIZE_LEAST = 24, LINK_SCOPE = 1 };

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

static void put4(struct place *p, uint32_t ip) {
  uint32_t in_order = htonl(ip);
  memcpy(p->ip, mapped, sizeof mapped);
  memcpy(p->ip + sizeof mapped, &in_order, sizeof in_order);
}

static uint32_t ip4_of(const struct place *p) {
  uint32_t in_order;
  memcpy(&in_order, p->ip + sizeof mapped, sizeof in_order);
  return ntohl(in_order);
}

bool is_mapped(const struct place *p) { return memcmp(p->ip, mapped, sizeof mapped) == 0; }

bool is_any(const struct place *p) {
  static const uint8_t none[16];
  return is_mapped(p) ? ip4_of(p) == INADDR_ANY : memcmp(p->ip, none, sizeof none) == 0;
}

bool is_here(const struct place *p) {
  static const uint8_t here[16] = {[15] = 1};
  return is_mapped(p) ? ip4_of(p) >> 24 == 127 : memcmp(p->ip, here, sizeof here) == 0;
}

bool is_broadcast(const struct place *p) { return is_mapped(p) && ip4_of(p) == INADDR_BROADCAST; }

static bool is_of_link(const struct place *p) { return p->ip[0] == 0xfe && (p->ip[1] & 0xc0) == 0x80; }

bool same_ip(const struct place *a, const struct place *b) { return memcmp(a->ip, b->ip, sizeof a->ip) == 0; }

void set_any(struct place *p, bool six) {
  if (six) memset(p->ip, 0, sizeof p->ip);
  else put4(p, INADDR_ANY);
}

void set_here(struct place *p) {
  if (is_mapped(p)) put4(p, INADDR_LOOPBACK);
  else *p = (struct place){.ip = {[15] = 1}, .port = p->port};
}

uint32_t number_of(const struct place *p) {
  if (is_mapped(p)) return ip4_of(p);
#ifdef STINT_IPV6
  if (!is_any(p)) return stint_ip6_name((void *)(uintptr_t)p->ip);
#endif
  return 0;
}

#ifdef STINT_IPV6
uint32_t listening_number(const struct place *p, bool both) {
  /* The stack's words for all addresses of one family (tcp_listen). */
  if (!is_any(p)) return number_of(p);
  if (is_mapped(p)) return INADDR_BROADCAST;
  return both ? 0 : stint_ip6_name((void *)(uintptr_t)p->ip);
}

/* The `i`-th address of the interface; false: there are no more. */
static bool own6(uint32_t i, struct stint_ip6_info *info) { return stint_ip6_info(i, info) >= 0; }

bool has_own6(bool settled) {
  struct stint_ip6_info info;
  bool found = false;
  for (uint32_t i = 0; own6(i, &info); i++) {
    /* ::1 is always there. */
    if (info.origin == STINT_IP6_ORIGIN_LOOPBACK) continue;
    if (settled && info.state == STINT_IP6_TENTATIVE) return false;
    found = found || info.state == STINT_IP6_VALID;
  }
  return found;
}

bool reaches6(void) {
  struct stint_ip6_info info;
  bool found = false;
  for (uint32_t i = 0; own6(i, &info); i++)
    found = found || (info.state == STINT_IP6_VALID && info.origin != STINT_IP6_ORIGIN_LOOPBACK &&
                      info.origin != STINT_IP6_ORIGIN_LINK_LOCAL);
  return found;
}

bool is_own(const struct place *p) {
  struct stint_ip6_info info;
  if (is_mapped(p)) return is_here(p) || ip4_of(p) == own_address();
  for (uint32_t i = 0; own6(i, &info); i++)
    if (info.state == STINT_IP6_VALID && memcmp(&info, p->ip, sizeof p->ip) == 0) return true;
  return false;
}

/* From where the stack talks to `peer`: of its addresses one of the same scope (RFC 6724 §5, rule 2). */
static void source6(const struct place *peer, struct place *own) {
  struct stint_ip6_info info;
  for (uint32_t i = 0; own6(i, &info); i++) {
    struct place p = {.port = own->port};
    memcpy(p.ip, &info, sizeof p.ip);
    if (info.state == STINT_IP6_VALID && info.origin != STINT_IP6_ORIGIN_LOOPBACK &&
        is_of_link(&p) == is_of_link(peer)) {
      *own = p;
      return;
    }
  }
}
#else
uint32_t listening_number(const struct place *p, bool both) {
  (void)both;
  return number_of(p);
}

bool has_own6(bool settled) {
  (void)settled;
  return false;
}

bool reaches6(void) { return false; }

bool is_own(const struct place *p) { return is_here(p) || ip4_of(p) == own_address(); }
#endif

void set_source(const struct place *peer, struct place *own) {
  set_any(own, !is_mapped(peer));
  if (is_here(peer)) set_here(own);
  else if (is_mapped(peer)) put4(own, own_address());
#ifdef STINT_IPV6
  else source6(peer, own);
#endif
}

void set_place(struct place *p, uint32_t number, uint16_t port) {
  p->port = port;
#ifdef STINT_IPV6
  /* Out of 240/4 are names alone. */
  if (number >> 28 == 15 && stint_ip6_bytes(number, p->ip) >= 0) return;
#endif
  put4(p, number);
}

int tell_place(const struct socket *s, const struct place *p, struct sockaddr *address, socklen_t *size) {
  if (address == NULL) return 0;
  if (size == NULL) return fail(EFAULT);
  if (*size > INT32_MAX) return fail(EINVAL);
  union {
    struct sockaddr_in four;
    struct sockaddr_in6 six;
  } a;
  memset(&a, 0, sizeof a);
  socklen_t whole = s->six ? sizeof a.six : sizeof a.four;
  if (s->six) {
    a.six.sin6_family = AF_INET6, a.six.sin6_port = htons(p->port);
    memcpy(&a.six.sin6_addr, p->ip, sizeof p->ip);
    a.six.sin6_scope_id = is_of_link(p) ? LINK_SCOPE : 0;
  } else {
    a.four.sin_family = AF_INET, a.four.sin_port = htons(p->port), a.four.sin_addr.s_addr = htonl(ip4_of(p));
  }
  memcpy(address, &a, *size < whole ? *size : whole);
  *size = whole;
  return 0;
}

static int read4(const struct sockaddr *address, struct place *p) {
  struct sockaddr_in a;
  memcpy(&a, address, sizeof a);
  put4(p, ntohl(a.sin_addr.s_addr));
  p->port = ntohs(a.sin_port);
  return 0;
}

int read_place(const struct socket *s, const struct sockaddr *address, socklen_t size, struct place *p) {
  if (address == NULL && size > 0 && size <= sizeof(struct sockaddr_storage)) return fail(EFAULT);
  bool known = address != NULL && size >= sizeof address->sa_family && size <= sizeof(struct sockaddr_storage);
  /* As on Linux, a UDP socket takes addresses of either family. */
  bool four = !s->six || (s->kind == DATAGRAM && known && address->sa_family == AF_INET);
  if (!known || size < (four ? sizeof(struct sockaddr_in) : IN6_SIZE_LEAST)) return fail(EINVAL);
  if (address->sa_family != (four ? AF_INET : AF_INET6)) return fail(EAFNOSUPPORT);
  if (four) return read4(address, p);
  struct sockaddr_in6 a = {0};
  memcpy(&a, address, size < sizeof a ? size : sizeof a);
  memcpy(p->ip, &a.sin6_addr, sizeof p->ip);
  p->port = ntohs(a.sin6_port);
  return 0;
}

int read_loose_place(const struct socket *s, const struct sockaddr *address, socklen_t size, struct place *p) {
  struct sockaddr_in a;
  bool loose = !s->six && address != NULL && size >= sizeof a && address->sa_family == AF_UNSPEC;
  if (!loose) return read_place(s, address, size, p);
  memcpy(&a, address, sizeof a);
  a.sin_family = AF_INET;
  return read_place(s, (struct sockaddr *)&a, sizeof a, p);
}
