/*
 * Names that the network knows: by DNS, and by multicast DNS those in .local. With STINT_CLIENTS only: the small builds
 * of the stack have no resolver, and a program for them links without its calls.
 */
#include "sockets.h"

#ifdef STINT_CLIENTS
/* What a question has come to. `result`: how many addresses there are, or an error of the stack's. */
struct question {
  bool wanted;
  int32_t result;
};

static void ask4(const char *name, struct question *q, struct answers *found, uint16_t port) {
  uint32_t ips[ANSWERS_MOST];
  q->result = dns_lookup((void *)(uintptr_t)name, (uint32_t)strlen(name), ips, ANSWERS_MOST);
  for (int32_t i = 0; i < q->result; i++) set_place(&found->places[found->count++], ips[i], port);
}

static void ask6(const char *name, struct question *q, struct answers *found, uint16_t port) {
  uint8_t ips[ANSWERS_MOST][16];
  q->result = dns_lookup6((void *)(uintptr_t)name, (uint32_t)strlen(name), ips, ANSWERS_MOST);
  for (int32_t i = 0; i < q->result; i++) {
    struct place *p = &found->places[found->count++];
    memcpy(p->ip, ips[i], sizeof ips[i]);
    p->port = port;
  }
}

/* Why there is no address, in getaddrinfo's words. */
static int reason(int32_t result) {
  switch (result) {
    case STINT_ERR_NOT_FOUND:
    case STINT_ERR_NO_IPV4:
    case STINT_ERR_NO_IPV6:
    case STINT_ERR_ARGUMENT: return EAI_NONAME;
    case STINT_ERR_SIZE: return EAI_FAIL;
    default: return EAI_AGAIN;
  }
}

int look_up(const char *name, bool four, bool six, uint16_t port, struct answers *found) {
  struct question v4 = {four, STINT_ERR_AGAIN}, v6 = {six && HAS_IPV6, STINT_ERR_AGAIN};
  struct answers found4 = {.count = 0}, found6 = {.count = 0};
  found->count = 0;
  if (start_stack() < 0) return EAI_AGAIN;
  for (;;) {
    if (v4.wanted && v4.result == STINT_ERR_AGAIN) ask4(name, &v4, &found4, port);
    if (v6.wanted && v6.result == STINT_ERR_AGAIN) ask6(name, &v6, &found6, port);
    bool waits = (v4.wanted && v4.result == STINT_ERR_AGAIN) || (v6.wanted && v6.result == STINT_ERR_AGAIN);
    /* The stack gives up by itself; a signal does not end it, as with the C library. */
    if (!waits) break;
    if (turn(-1, NULL, 0) < 0) return EAI_AGAIN;
  }
  /* IPv6 first where it leads beyond the link. */
  bool six_first = reaches6();
  const struct answers *first = six_first ? &found6 : &found4, *second = six_first ? &found4 : &found6;
  for (unsigned i = 0; i < first->count; i++) found->places[found->count++] = first->places[i];
  for (unsigned i = 0; i < second->count; i++) found->places[found->count++] = second->places[i];
  if (found->count != 0) return 0;
  /* A server that did not answer may do so later, whatever is known of the other family. */
  int why4 = v4.wanted ? reason(v4.result) : EAI_NONAME, why6 = v6.wanted ? reason(v6.result) : EAI_NONAME;
  return why4 == EAI_NONAME ? why6 : why4;
}
#else
int look_up(const char *name, bool four, bool six, uint16_t port, struct answers *found) {
  (void)name, (void)four, (void)six, (void)port;
  found->count = 0;
  return EAI_NONAME;
}
#endif
