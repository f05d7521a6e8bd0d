/*
 * Division of 64 bits where a processor has none: in 32-bit steps, by digits of 16 bits. The compiler's own takes 700
 * bytes.
 */
#ifndef STINT_QUOTIENT_H
#define STINT_QUOTIENT_H

#include <stdint.h>

/* x / d, d < 2^16. */
static inline uint64_t quotient(uint64_t x, uint32_t d) {
  uint32_t high = (uint32_t)(x >> 32), middle = high % d << 16 | (uint32_t)x >> 16,
           low = middle % d << 16 | ((uint32_t)x & 0xffff);
  return (uint64_t)(high / d) << 32 | (uint64_t)((middle / d) << 16 | low / d);
}

#endif
