/*
 * The instructions that take values and give one: what they take and give, for the validator, and how, for the
 * interpreter. N(opcode, type of the operands, type of the result, result of a and b).
 */
#ifndef NUMERIC_H
#define NUMERIC_H

#include <stdint.h>

#define UNARY(N) \
  N(0x45, I32, I32, a == 0) \
  N(0x50, I64, I32, a == 0) \
  N(0x67, I32, I32, a == 0 ? 32 : (uint32_t)__builtin_clz(a)) \
  N(0x68, I32, I32, a == 0 ? 32 : (uint32_t)__builtin_ctz(a)) \
  N(0x69, I32, I32, ones(a)) \
  N(0x79, I64, I64, a == 0 ? 64 : (uint64_t)__builtin_clzll(a)) \
  N(0x7a, I64, I64, a == 0 ? 64 : (uint64_t)__builtin_ctzll(a)) \
  N(0x7b, I64, I64, (uint64_t)(ones((uint32_t)a) + ones((uint32_t)(a >> 32)))) \
  N(0xa7, I64, I32, (uint32_t)a) \
  N(0xac, I32, I64, (uint64_t)(int32_t)a) \
  N(0xad, I32, I64, a) \
  N(0xc0, I32, I32, (uint32_t)(int8_t)a) \
  N(0xc1, I32, I32, (uint32_t)(int16_t)a) \
  N(0xc2, I64, I64, (uint64_t)(int8_t)a) \
  N(0xc3, I64, I64, (uint64_t)(int16_t)a) \
  N(0xc4, I64, I64, (uint64_t)(int32_t)a)

/* Shifts and rotations count modulo the bits that there are. */
/* clang-format off */
#define BINARY(N) \
  N(0x46, I32, I32, a == b) \
  N(0x47, I32, I32, a != b) \
  N(0x48, I32, I32, (int32_t)a < (int32_t)b) \
  N(0x49, I32, I32, a < b) \
  N(0x4a, I32, I32, (int32_t)a > (int32_t)b) \
  N(0x4b, I32, I32, a > b) \
  N(0x4c, I32, I32, (int32_t)a <= (int32_t)b) \
  N(0x4d, I32, I32, a <= b) \
  N(0x4e, I32, I32, (int32_t)a >= (int32_t)b) \
  N(0x4f, I32, I32, a >= b) \
  N(0x51, I64, I32, a == b) \
  N(0x52, I64, I32, a != b) \
  N(0x53, I64, I32, (int64_t)a < (int64_t)b) \
  N(0x54, I64, I32, a < b) \
  N(0x55, I64, I32, (int64_t)a > (int64_t)b) \
  N(0x56, I64, I32, a > b) \
  N(0x57, I64, I32, (int64_t)a <= (int64_t)b) \
  N(0x58, I64, I32, a <= b) \
  N(0x59, I64, I32, (int64_t)a >= (int64_t)b) \
  N(0x5a, I64, I32, a >= b) \
  N(0x6a, I32, I32, a + b) \
  N(0x6b, I32, I32, a - b) \
  N(0x6c, I32, I32, a * b) \
  N(0x71, I32, I32, a & b) \
  N(0x72, I32, I32, a | b) \
  N(0x73, I32, I32, a ^ b) \
  N(0x74, I32, I32, a << (b & 31)) \
  N(0x75, I32, I32, ((int32_t)a >> (b & 31))) \
  N(0x76, I32, I32, a >> (b & 31)) \
  N(0x77, I32, I32, a << (b & 31) | a >> (-b & 31)) \
  N(0x78, I32, I32, a >> (b & 31) | a << (-b & 31)) \
  N(0x7c, I64, I64, a + b) \
  N(0x7d, I64, I64, a - b) \
  N(0x7e, I64, I64, a * b) \
  N(0x83, I64, I64, a & b) \
  N(0x84, I64, I64, a | b) \
  N(0x85, I64, I64, a ^ b) \
  N(0x86, I64, I64, a << (b & 63)) \
  N(0x87, I64, I64, ((int64_t)a >> (b & 63))) \
  N(0x88, I64, I64, a >> (b & 63)) \
  N(0x89, I64, I64, a << (b & 63) | a >> (-b & 63)) \
  N(0x8a, I64, I64, a >> (b & 63) | a << (-b & 63))
/* clang-format on */

/* D(opcode, type, signed type, whether it is signed, whether it is the remainder): they may trap. */
#define DIVISIONS(D) \
  D(0x6d, I32, int32_t, 1, 0) \
  D(0x6e, I32, uint32_t, 0, 0) \
  D(0x6f, I32, int32_t, 1, 1) \
  D(0x70, I32, uint32_t, 0, 1) \
  D(0x7f, I64, int64_t, 1, 0) \
  D(0x80, I64, uint64_t, 0, 0) \
  D(0x81, I64, int64_t, 1, 1) \
  D(0x82, I64, uint64_t, 0, 1)

/* L(opcode, type of the value, type in memory, log2 of its bytes) */
#define LOADS(L) \
  L(0x28, I32, uint32_t, 2) \
  L(0x29, I64, uint64_t, 3) \
  L(0x2c, I32, int8_t, 0) \
  L(0x2d, I32, uint8_t, 0) \
  L(0x2e, I32, int16_t, 1) \
  L(0x2f, I32, uint16_t, 1) \
  L(0x30, I64, int8_t, 0) \
  L(0x31, I64, uint8_t, 0) \
  L(0x32, I64, int16_t, 1) \
  L(0x33, I64, uint16_t, 1) \
  L(0x34, I64, int32_t, 2) \
  L(0x35, I64, uint32_t, 2)

#define STORES(L) \
  L(0x36, I32, uint32_t, 2) \
  L(0x37, I64, uint64_t, 3) \
  L(0x3a, I32, uint8_t, 0) \
  L(0x3b, I32, uint16_t, 1) \
  L(0x3c, I64, uint8_t, 0) \
  L(0x3d, I64, uint16_t, 1) \
  L(0x3e, I64, uint32_t, 2)

static inline uint32_t ones(uint32_t a) {
  a -= a >> 1 & 0x55555555;
  a = (a & 0x33333333) + (a >> 2 & 0x33333333);
  return ((a + (a >> 4)) & 0x0f0f0f0f) * 0x01010101 >> 24;
}

#endif
