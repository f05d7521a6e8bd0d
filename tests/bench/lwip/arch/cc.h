/* What lwIP asks of a platform: GCC or clang, on x86-64 or as Wasm. */
#ifndef CC_H
#define CC_H

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define LWIP_RAND() ((uint32_t)rand())
#define LWIP_PLATFORM_DIAG(x) ((void)0)
#define LWIP_PLATFORM_ASSERT(x) abort()
#define lwip_htons(x) __builtin_bswap16(x)
#define lwip_htonl(x) __builtin_bswap32(x)

typedef uint32_t bench_word __attribute__((aligned(1), may_alias));

static inline uint16_t bench_fold(uint64_t sum) {
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

/* The last bytes, fewer than four. */
static inline uint64_t bench_rest(const uint8_t *p, uint32_t size) {
  uint32_t rest = 0;
  for (uint32_t i = 0; i < size; i++) rest |= (uint32_t)p[i] << 8 * i;
  return rest;
}

/* Not inverted, in the order of memory. A plain loop: the compiler makes vectors of it. */
static inline uint16_t bench_sum(const void *from, int size) {
  const uint8_t *p = (const uint8_t *)from;
  uint32_t words = (uint32_t)size / 4;
  uint64_t sum = 0;
  for (uint32_t i = 0; i < words; i++) sum += ((const bench_word *)p)[i];
  return bench_fold(sum + bench_rest(p + 4 * words, (uint32_t)size & 3));
}

static inline uint16_t bench_copy_sum(void *to, const void *from, uint32_t size) {
  const uint8_t *p = (const uint8_t *)from;
  uint8_t *q = (uint8_t *)to;
  uint32_t words = size / 4;
  uint64_t sum = 0;
  for (uint32_t i = 0; i < words; i++) {
    uint32_t x = ((const bench_word *)p)[i];
    ((bench_word *)q)[i] = x;
    sum += x;
  }
  for (uint32_t i = 4 * words; i < size; i++) q[i] = p[i];
  return bench_fold(sum + bench_rest(p + 4 * words, size & 3));
}

#endif
