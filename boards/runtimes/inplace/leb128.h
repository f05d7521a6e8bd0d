/* Numbers of a module that was found valid. */
#ifndef LEB128_H
#define LEB128_H

#include <stdint.h>

/* The rest of a number whose first byte said that there is more. */
static inline uint64_t leb128_more(const uint8_t **at, uint64_t value) {
  uint32_t shift = 7;
  uint8_t byte;
  do {
    byte = *(*at)++;
    value |= (uint64_t)(byte & 0x7f) << shift;
    shift += 7;
  } while ((byte & 0x80) != 0);
  if ((byte & 0x40) != 0 && shift < 64) value |= ~(uint64_t)0 << shift;
  return value;
}

/* The slow way, for both kinds: bits 32 and above of an unsigned one are no matter. */
__attribute__((noinline)) static uint64_t leb128_all(const uint8_t **at) {
  uint8_t byte = *(*at)++;
  return leb128_more(at, byte & 0x7f);
}

/* On a copy of the place, so that the interpreter's own can stay in a register. */
static inline uint64_t leb128_long(const uint8_t **at) {
  const uint8_t *copy = *at;
  uint64_t value = leb128_all(&copy);
  *at = copy;
  return value;
}

static inline int32_t leb128_short(const uint8_t **at) {
  uint32_t byte = *(*at)++;
  return (int32_t)(byte << 25) >> 25;
}

static inline uint32_t leb128_u32(const uint8_t **at) {
  if (__builtin_expect((**at & 0x80) == 0, 1)) return *(*at)++;
  return (uint32_t)leb128_long(at);
}

static inline int32_t leb128_s32(const uint8_t **at) {
  if (__builtin_expect((**at & 0x80) == 0, 1)) return leb128_short(at);
  return (int32_t)leb128_long(at);
}

static inline int64_t leb128_s64(const uint8_t **at) {
  if (__builtin_expect((**at & 0x80) == 0, 1)) return leb128_short(at);
  return (int64_t)leb128_long(at);
}

#endif
