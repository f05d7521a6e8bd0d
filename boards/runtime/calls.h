/*
 * What the firmware calls of the module, for a runtime that finds functions by name: the name, how many arguments, what
 * it gives, and how that is written in C.
 */
#ifndef STINT_CALLS_H
#define STINT_CALLS_H

#define CALLS(X) \
  X(configBlock, 0, uint32_t, (void), 0, 0, 0) \
  X(layoutSize, 1, uint64_t, (uint32_t a), a, 0, 0) \
  X(init, 1, uint32_t, (uint32_t a), a, 0, 0) \
  X(seed, 1, uint32_t, (uint32_t a), a, 0, 0) \
  X(controlBlock, 0, uint32_t, (void), 0, 0, 0) \
  X(poll, 1, uint32_t, (uint64_t a), a, 0, 0) \
  X(counters, 0, uint32_t, (void), 0, 0, 0) \
  X(pool, 1, uint32_t, (uint32_t a), a, 0, 0) \
  X(dhcp_start, 3, uint32_t, (uint32_t a, uint32_t b, uint32_t c), a, b, c) \
  X(ip6_start, 1, uint32_t, (uint32_t a), a, 0, 0) \
  X(ip6_info, 2, uint32_t, (uint32_t a, uint32_t b), a, b, 0) \
  X(ip6_bytes, 2, uint32_t, (uint32_t a, uint32_t b), a, b, 0) \
  X(tcp_info, 2, uint32_t, (uint32_t a, uint32_t b), a, b, 0) \
  X(tcp_send_span, 1, uint32_t, (uint32_t a), a, 0, 0) \
  X(tcp_send_commit, 2, uint32_t, (uint32_t a, uint32_t b), a, b, 0) \
  X(serviceStart, 3, uint32_t, (uint32_t a, uint32_t b, uint32_t c), a, b, c) \
  X(serviceRequest, 0, uint32_t, (void), 0, 0, 0) \
  X(serviceAnswer, 1, uint32_t, (uint64_t a), a, 0, 0) \
  X(serviceConnection, 1, uint32_t, (uint32_t a), a, 0, 0) \
  X(servicesRun, 0, uint32_t, (void), 0, 0, 0) \
  X(servicesWait, 1, uint32_t, (uint32_t a), a, 0, 0) \
  X(app_start, 1, uint32_t, (uint32_t a), a, 0, 0) \
  X(app_run, 0, uint32_t, (void), 0, 0, 0)

#endif
