/*
 * wasi:sockets/ip-name-lookup over the stack's resolver. A lookup's rep is its place here. Addresses as text, and
 * localhost (RFC 6761 §6.3), are told without asking anybody.
 */
#include "wasi.h"

#define LOOKUP SOCKETS("ip-name-lookup")
NEW(LOOKUP, "resolve-address-stream") int32_t make_lookup(int32_t rep);

enum { LOOKUPS = 16, ADDRESSES = 4, NAME_MAX = 254, AGAIN_US = 10000 };

static struct {
  int busy, asking;
  /* An error-code to be told; 0: none. */
  uint32_t error;
  uint32_t count, told;
  uint32_t ip[ADDRESSES];
  uint32_t size;
  char name[NAME_MAX];
} lookups[LOOKUPS];

static uint32_t error_of(int32_t error) {
  switch (error) {
    case STINT_ERR_ARGUMENT: return INVALID_ARGUMENT;
    case STINT_ERR_NOT_FOUND:
    case STINT_ERR_NO_IPV4: return NAME_UNRESOLVABLE;
    /* No server is known, or none answers. */
    case STINT_ERR_UNREACHABLE:
    case STINT_ERR_NO_ANSWER: return TEMPORARY_RESOLVER_FAILURE;
    default: return PERMANENT_RESOLVER_FAILURE;
  }
}

int name_ready(uint32_t i) {
  if (i >= LOOKUPS || !lookups[i].asking) return 1;
  const int32_t n = dns_lookup(lookups[i].name, lookups[i].size, lookups[i].ip, ADDRESSES);
  if (link_there()) {
    /* FULL: as many others are being asked for. Each is known or given up in a while, and no poll tells of that. */
    if (n == STINT_ERR_AGAIN || n == STINT_ERR_FULL) {
      link_again(AGAIN_US);
      return 0;
    }
    if (n > 0) lookups[i].count = (uint32_t)n;
    else lookups[i].error = error_of(n);
  } else {
    lookups[i].error = TEMPORARY_RESOLVER_FAILURE;
  }
  lookups[i].asking = 0;
  return 1;
}

static int is_localhost(const char *name, uint32_t size) {
  static const char text[] = "localhost";
  if (size != sizeof text - 1) return 0;
  for (uint32_t n = 0; n < size; n++)
    if ((name[n] | 32) != text[n]) return 0;
  return 1;
}

EXPORT(LOOKUP, "resolve-addresses") union result *resolve(int32_t network, const char *name, uint32_t size) {
  uint32_t i = 0, ip[4] = {127, 0, 0, 1};
  (void)network;
  forget_lists();
  if (size == 0 || size > NAME_MAX) return failed(INVALID_ARGUMENT, 4);
  const int is_known = is_localhost(name, size) || numbers(name, size, "...", ip);
  while (i < LOOKUPS && lookups[i].busy) i++;
  if (i == LOOKUPS) return failed(OUT_OF_MEMORY, 4);
  lookups[i].size = size;
  __builtin_memcpy(lookups[i].name, name, size);
  /* The name is ours from here: to begin takes the place of lists. */
  if (!is_known && !link_up()) return failed(ACCESS_DENIED, 4);
  lookups[i].asking = !is_known, lookups[i].error = lookups[i].told = 0;
  lookups[i].count = 1;
  if (is_known) lookups[i].ip[0] = ip[0] << 24 | ip[1] << 16 | ip[2] << 8 | ip[3];
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
  if (lookups[i].error != 0) return failed(lookups[i].error, 2);
  /* result<option<ip-address>, error-code>. */
  result.word[0] = result.word[1] = 0;
  if (lookups[i].told == lookups[i].count) return &result;
  const uint32_t ip = lookups[i].ip[lookups[i].told++];
  result.byte[2] = 1;
  for (uint32_t n = 0; n < 4; n++) result.byte[6 + n] = (uint8_t)(ip >> (24 - n * 8));
  return &result;
}

EXPORT(LOOKUP, "[method]resolve-address-stream.subscribe") int32_t resolved_subscribe(int32_t i) {
  return pollable((uint32_t)i, ON_NAME);
}

EXPORT(LOOKUP, "[dtor]resolve-address-stream") void resolved_drop(int32_t i) { lookups[i].busy = 0; }
