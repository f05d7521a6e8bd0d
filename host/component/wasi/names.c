/*
 * wasi:sockets/ip-name-lookup over the stack's resolver. A lookup's rep is its place here. Addresses as text, and
 * localhost (RFC 6761 §6.3), are told without asking anybody.
 */
#include "wasi.h"

#define LOOKUP SOCKETS("ip-name-lookup")
NEW(LOOKUP, "resolve-address-stream") int32_t make_lookup(int32_t rep);

enum { LOOKUPS = 16, ADDRESSES = 4, NAME_MAX = 254, AGAIN_US = 10000 };

enum { FOUR = 1, SIX = 2 };

static struct {
  int busy;
  /* FOUR and SIX: of which family addresses are being asked for. */
  int asking;
  /* An error-code to be told, if there is no address; 0: none. */
  uint32_t error;
  /* Those of IPv6 are told first. */
  uint32_t told, sixes, fours;
  struct place six[ADDRESSES], four[ADDRESSES];
  uint32_t size;
  char name[NAME_MAX];
} lookups[LOOKUPS];

static uint32_t error_of(int32_t error) {
  switch (error) {
    case STINT_ERR_ARGUMENT: return INVALID_ARGUMENT;
    case STINT_ERR_NOT_FOUND:
    case STINT_ERR_NO_IPV4:
    case STINT_ERR_NO_IPV6: return NAME_UNRESOLVABLE;
    /* No server is known, or none answers. */
    case STINT_ERR_UNREACHABLE:
    case STINT_ERR_NO_ANSWER: return TEMPORARY_RESOLVER_FAILURE;
    default: return PERMANENT_RESOLVER_FAILURE;
  }
}

static void add(uint32_t i, const struct place *p) {
  if (p->six && lookups[i].sixes < ADDRESSES) lookups[i].six[lookups[i].sixes++] = *p;
  if (!p->six && lookups[i].fours < ADDRESSES) lookups[i].four[lookups[i].fours++] = *p;
}

/* Asks for the addresses of one family, once more if need be. */
static void ask(uint32_t i, int family) {
  uint32_t ip[ADDRESSES];
  uint8_t six[ADDRESSES][16];
  if ((lookups[i].asking & family) == 0) return;
  char *name = lookups[i].name;
  const uint32_t size = lookups[i].size;
  const int32_t n = family == SIX ? dns_lookup6(name, size, six, ADDRESSES) : dns_lookup(name, size, ip, ADDRESSES);
  /* FULL: as many others are being asked for. Each is known or given up in a while, and no poll tells of that. */
  if (n == STINT_ERR_AGAIN || n == STINT_ERR_FULL) return;
  lookups[i].asking &= ~family;
  /* That one family has no address says least. */
  if (n < 0 && (lookups[i].error == 0 || lookups[i].error == NAME_UNRESOLVABLE)) lookups[i].error = error_of(n);
  for (int32_t k = 0; k < n; k++) {
    struct place p = {.six = family == SIX};
    if (p.six) __builtin_memcpy(p.bytes, six[k], sizeof p.bytes);
    else p.ip = ip[k];
    add(i, &p);
  }
}

int name_ready(uint32_t i) {
  if (i >= LOOKUPS || lookups[i].asking == 0) return 1;
  if (!link_there()) {
    lookups[i].error = TEMPORARY_RESOLVER_FAILURE;
    lookups[i].asking = 0;
    return 1;
  }
  ask(i, SIX);
  ask(i, FOUR);
  if (lookups[i].asking != 0) link_again(AGAIN_US);
  return lookups[i].asking == 0;
}

/* localhost, and what is below it; each may end in a dot. */
static int is_localhost(const char *name, uint32_t size) {
  static const char text[] = "localhost";
  const uint32_t length = sizeof text - 1;
  if (size != 0 && name[size - 1] == '.') size--;
  if (size < length || (size > length && name[size - length - 1] != '.')) return 0;
  for (uint32_t n = 0; n < length; n++)
    if ((name[size - length + n] | 32) != text[n]) return 0;
  return 1;
}

EXPORT(LOOKUP, "resolve-addresses") union result *resolve(int32_t network, const char *name, uint32_t size) {
  uint32_t i = 0;
  struct place p = {.ip = 0x7f000001};
  (void)network;
  forget_lists();
  if (size == 0 || size > NAME_MAX) return failed(INVALID_ARGUMENT, 4);
  const int is_here = is_localhost(name, size), is_known = is_here || read_ip(name, size, &p);
  while (i < LOOKUPS && lookups[i].busy) i++;
  if (i == LOOKUPS) return failed(OUT_OF_MEMORY, 4);
  lookups[i].size = size;
  __builtin_memcpy(lookups[i].name, name, size);
  /* The name is ours from here: to begin takes the place of lists. */
  if (!is_known && !link_up()) return failed(ACCESS_DENIED, 4);
  lookups[i].asking = is_known ? 0 : has_six ? FOUR | SIX : FOUR;
  lookups[i].error = lookups[i].told = lookups[i].sixes = lookups[i].fours = 0;
  if (is_known) add(i, &p);
  if (is_here && has_six) add(i, &(struct place){.six = 1, .bytes = {[15] = 1}});
  /* What is wrong with the name itself is told at once. */
  if (name_ready(i) && lookups[i].error == INVALID_ARGUMENT) return failed(INVALID_ARGUMENT, 4);
  lookups[i].busy = 1;
  /* The question leaves now. */
  link_pump();
  result.word[0] = 0;
  result.word[1] = (uint32_t)make_lookup((int32_t)i);
  return &result;
}

EXPORT(LOOKUP, "[method]resolve-address-stream.resolve-next-address") union result *resolved(int32_t i) {
  link_pump();
  if (!name_ready((uint32_t)i)) return failed(WOULD_BLOCK, 2);
  const uint32_t sixes = lookups[i].sixes, count = sixes + lookups[i].fours;
  if (count == 0) return failed(lookups[i].error, 2);
  /* result<option<ip-address>, error-code>. */
  result.word[0] = 0;
  result.byte[2] = lookups[i].told < count;
  if (!result.byte[2]) return &result;
  const uint32_t next = lookups[i].told++;
  put_ip(result.byte + 4, next < sixes ? &lookups[i].six[next] : &lookups[i].four[next - sixes]);
  return &result;
}

EXPORT(LOOKUP, "[method]resolve-address-stream.subscribe") int32_t resolved_subscribe(int32_t i) {
  return pollable((uint32_t)i, ON_NAME);
}

EXPORT(LOOKUP, "[dtor]resolve-address-stream") void resolved_drop(int32_t i) { lookups[i].busy = 0; }
