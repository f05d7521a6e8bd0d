/*
 * What the machine can do at most: prints GB/s of memcpy, of a sum, and of the way of each byte over the link (copy,
 * copy and sum, copy, sum and copy, copy).
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { SIZE = 1460, RING = 65536 };
static uint8_t app[RING], ring[RING], slot[1536], crossed[1536], other[RING], out[RING];
static volatile uint64_t sink;

static double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

typedef uint32_t word __attribute__((aligned(1), may_alias));

#ifdef __wasm_simd128__
#include <wasm_simd128.h>
static uint64_t copy_sum(uint8_t *to, const uint8_t *from) {
  v128_t sums = wasm_i32x4_splat(0);
  for (int i = 0; i + 16 <= SIZE; i += 16) {
    v128_t x = wasm_v128_load(from + i);
    wasm_v128_store(to + i, x);
    sums = wasm_i32x4_add(sums, wasm_i32x4_dot_i16x8(wasm_v128_xor(x, wasm_i16x8_splat(-0x8000)), wasm_i16x8_splat(1)));
  }
  memcpy(to + SIZE / 16 * 16, from + SIZE / 16 * 16, SIZE % 16);
  return (uint64_t)wasm_i32x4_extract_lane(sums, 0) + (uint64_t)wasm_i32x4_extract_lane(sums, 1) +
         (uint64_t)wasm_i32x4_extract_lane(sums, 2) + (uint64_t)wasm_i32x4_extract_lane(sums, 3);
}

static uint64_t sum_only(const uint8_t *from) {
  v128_t sums = wasm_i32x4_splat(0);
  for (int i = 0; i + 16 <= SIZE; i += 16) {
    sums = wasm_i32x4_add(sums, wasm_i32x4_dot_i16x8(wasm_v128_xor(wasm_v128_load(from + i), wasm_i16x8_splat(-0x8000)),
                                                     wasm_i16x8_splat(1)));
  }
  return (uint64_t)wasm_i32x4_extract_lane(sums, 0) + (uint64_t)wasm_i32x4_extract_lane(sums, 1) +
         (uint64_t)wasm_i32x4_extract_lane(sums, 2) + (uint64_t)wasm_i32x4_extract_lane(sums, 3);
}
#else
static uint64_t copy_sum(uint8_t *to, const uint8_t *from) {
  uint64_t sum = 0;
  for (int i = 0; i < SIZE / 4; i++) {
    uint32_t x = ((const word *)from)[i];
    ((word *)to)[i] = x;
    sum += x;
  }
  return sum;
}

static uint64_t sum_only(const uint8_t *from) {
  uint64_t sum = 0;
  for (int i = 0; i < SIZE / 4; i++) sum += ((const word *)from)[i];
  return sum;
}
#endif

__attribute__((noinline)) static void copy(uint32_t at) {
  memcpy(ring + at, app + at, SIZE);
  sink += ring[at];
}

__attribute__((noinline)) static void sum(uint32_t at) { sink += sum_only(app + at); }

__attribute__((noinline)) static void way(uint32_t at) {
  memcpy(ring + at, app + at, SIZE);
  sink += copy_sum(slot, ring + at);
  memcpy(crossed, slot, SIZE);
  sink += copy_sum(other + at, crossed);
  memcpy(out + at, other + at, SIZE);
  sink += out[at];
}

__attribute__((noinline)) static double speed(void (*f)(uint32_t)) {
  double best = 0;
  for (int round = 0; round < 10; round++) {
    double began = seconds();
    for (int i = 0; i < 100000; i++) f((uint32_t)(i % 44) * SIZE);
    double now = 100000.0 * SIZE / (seconds() - began) / 1e9;
    if (now > best) best = now;
  }
  return best;
}

int main(int argc, char **argv) {
  (void)argv;
  /* Nothing that a compiler could know beforehand. */
  for (uint32_t i = 0; i < RING; i++) app[i] = (uint8_t)(i * (uint32_t)argc);
  printf("%.4g %.4g %.4g\n", speed(copy), speed(sum), speed(way));
  return 0;
}
