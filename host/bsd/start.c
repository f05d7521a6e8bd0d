/*
 * How a program's stack begins: what the settings of its environment say (docs/bsd-sockets.md), and what the network
 * has to tell before the program's first call goes on.
 */
#include "sockets.h"

#include <stdio.h>
#include <stdlib.h>

static _Alignas(8) unsigned char arena[8 << 20];
static uint32_t own;

static int32_t start(struct stint_config *c) {
  c->arenaBase = (uint32_t)(uintptr_t)arena;
  c->arenaSize = sizeof arena;
  c->connsMax = 32, c->halfOpenMax = c->timeWaitMax = 64, c->listenersMax = 8,
  c->sendRing = c->recvRing = STINT_HOST_RING, c->rangesMax = 512, c->rxSlots = c->txSlots = 64, c->loopSlots = 64;
  c->neighboursMax = 32, c->udpMax = 16, c->udpRing = STINT_HOST_UDP_RING, c->reassemblyMax = 2,
  c->reassemblyBytes = 65520;
  own = c->ip;
  return stint_init(c);
}

#ifdef STINT_IPV6
/* The 16 bytes of an IPv6 address; `prefix`: its bits may stand behind it. */
static void address6(const char *text, unsigned char *bytes, unsigned *prefix) {
  char plain[64] = "";
  int end = 0;
  if (prefix != NULL) sscanf(text, "%63[^/]%n/%u%n", plain, &end, prefix, &end);
  else sscanf(text, "%63s%n", plain, &end);
  if (text[end] != 0 || INET_PTON(AF_INET6, plain, bytes) != 1 || (prefix != NULL && *prefix > 128)) {
    fprintf(stderr, "an IPv6 address is written as fd00::2%s, not %s\n", prefix != NULL ? "/64" : "", text);
    exit(2);
  }
}

/* STINT_IP6 and STINT_GATEWAY6; without them what routers say. Then duplicate address detection has its time. */
static int32_t start6(void) {
  const char *own6 = getenv("STINT_IP6"), *router = getenv("STINT_GATEWAY6");
  unsigned char address[16], gateway[16];
  unsigned prefix = 64;
  int32_t result = stint_ip6_start(NULL);
  if (result < 0) return result;
  if (router != NULL) address6(router, gateway, NULL);
  if (own6 != NULL) {
    address6(own6, address, &prefix);
    result = stint_ip6_add(address, prefix, router != NULL ? gateway : NULL);
  }
  if (own6 == NULL && !stint_host_has_link()) return result;
  enum { PATIENCE_MS = 3000 };
  struct stint_ip6_info info;
  for (int64_t until = now_ms() + PATIENCE_MS; result >= 0 && now_ms() < until;) {
    uint32_t looking = 0;
    if (stint_host_turn(100, NULL, 0) < 0) break;
    for (uint32_t i = 0; stint_ip6_info(i, &info) >= 0; i++) looking += info.state == STINT_IP6_TENTATIVE;
    if (looking == 0) break;
  }
  return result;
}
#endif

#ifdef STINT_CLIENTS
static bool leased;

/* What the stack says to the name of STINT_NAME. */
static int32_t name_result(const char *name, int32_t result) {
  if (name == NULL || result != STINT_ERR_ARGUMENT) return result;
  fprintf(stderr, "STINT_NAME is up to 63 letters, digits and hyphens, not %s\n", name);
  exit(2);
}

/* STINT_IP=dhcp: waits for a lease. Returns 0 or an error. */
static int32_t lease_start(void) {
  enum { PATIENCE_MS = 30000 };
  const char *name = getenv("STINT_NAME");
  struct stint_lease lease = {.ip = 0};
  int32_t result = dhcp_start(0, (void *)(uintptr_t)name, name != NULL ? (uint32_t)strlen(name) : 0);
  name_result(name, result);
  for (int64_t until = now_ms() + PATIENCE_MS; result >= 0 && now_ms() < until;) {
    if (stint_host_turn(100, NULL, 0) < 0) break;
    result = dhcp_info(&lease);
    if (lease.ip != 0) break;
  }
  leased = true;
  if (lease.ip != 0) {
    fprintf(stderr, "ready %u.%u.%u.%u\n", lease.ip >> 24, lease.ip >> 16 & 255, lease.ip >> 8 & 255, lease.ip & 255);
    return result;
  }
  fprintf(stderr, "stint: no DHCP server gives an address; set STINT_IP to one, as 10.0.2.15/24\n");
  return result < 0 ? result : STINT_ERR_NO_ANSWER;
}

/* One server of STINT_DNS. */
static int32_t add_server(const char *text) {
#ifdef STINT_IPV6
  if (strchr(text, ':') != NULL) {
    unsigned char bytes[16];
    address6(text, bytes, NULL);
    return dns_server_add(stint_ip6_name(bytes));
  }
#endif
  return dns_server_add(stint_host_ip(text));
}

/* STINT_DNS=10.0.2.3,fd00::3: the servers to ask, up to three; without it those that the network tells. */
static int32_t resolver_start(void) {
  const char *text = getenv("STINT_DNS");
  int32_t result = 0;
  for (char one[64]; text != NULL && *text != 0 && result >= 0;) {
    size_t size = strcspn(text, ",");
    snprintf(one, sizeof one, "%.*s", (int)(size < sizeof one ? size : sizeof one), text);
    result = add_server(one);
    text += size + (text[size] == ',');
  }
  if (result < 0)
    fprintf(stderr, "STINT_DNS is up to three addresses with commas between, not %s\n", getenv("STINT_DNS"));
  if (result < 0) exit(2);
  return result;
}

/* STINT_NAME=lamp: reachable as lamp.local. */
static int32_t name_start(void) {
  const char *name = getenv("STINT_NAME");
  if (name == NULL || !stint_host_has_link()) return 0;
  return name_result(name, mdns_start((void *)(uintptr_t)name, (uint32_t)strlen(name)));
}

/* What goes on with the network's help: an address, IPv6's, the servers of names, an own name. */
static int32_t network_start(bool is_leased) {
  int32_t result = is_leased ? lease_start() : 0;
#ifdef STINT_IPV6
  if (result >= 0) result = start6();
#endif
  if (result >= 0) result = resolver_start();
  return result >= 0 ? name_start() : result;
}

static bool wants_lease(const char *text) { return text != NULL && strcmp(text, "dhcp") == 0; }

uint32_t own_address(void) {
  struct stint_lease lease;
  return leased && dhcp_info(&lease) >= 0 ? lease.ip : own;
}
#else
static int32_t network_start(bool is_leased) {
  (void)is_leased;
#ifdef STINT_IPV6
  return start6();
#else
  return 0;
#endif
}

static bool wants_lease(const char *text) {
  if (text == NULL || strcmp(text, "dhcp") != 0) return false;
  fprintf(stderr, "STINT_IP=dhcp is for what is compiled with -DSTINT_CLIENTS\n");
  exit(2);
}

uint32_t own_address(void) { return own; }
#endif

int32_t start_stack(void) {
  static int32_t started = 1;
  if (started != 1) return started;
  const char *text = getenv("STINT_IP");
  char ip[32] = "";
  unsigned prefix = 24;
  int end = 0;
  bool is_leased = wants_lease(text);
  if (!is_leased && (text == NULL || sscanf(text, "%31[0-9.]%n/%u%n", ip, &end, &prefix, &end) < 1 || text[end] != 0 ||
                     prefix > 32)) {
    fprintf(stderr, "set STINT_IP to the own address and prefix, as 10.0.2.15/24, or to dhcp\n");
    exit(2);
  }
  started =
      is_leased ? stint_host_begin(NULL, 0, NULL, start) : stint_host_begin(ip, prefix, getenv("STINT_GATEWAY"), start);
  if (started < 0) fprintf(stderr, "stint: the stack does not start at %s: error %d\n", text, (int)started);
  return started = started >= 0 ? network_start(is_leased) : started;
}
