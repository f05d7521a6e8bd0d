/*
 * What the C code that tools/translate makes of the module stands on. MEMORY_SIZE is the linear memory's size in bytes,
 * a constant; every access is checked against it. MEMORY_AT is its address, where the board's linker script fixes one.
 * Or MEMORY_MAPPED: the memory lies at the start of 8 GiB of addresses that nothing else has, so that the processor
 * checks (host/native). Or MEMORY_INSTANCES: memory and size are those of the stack in use (host/native/instances.c).
 * An access out of bounds, or an assertion of the module that does not hold, calls wasm_trap, which does not return.
 */
#ifndef STINT_WASM_H
#define STINT_WASM_H

#include <stdint.h>
#include <string.h>

typedef uint8_t u8;
typedef int8_t s8;
typedef uint16_t u16;
typedef int16_t s16;
typedef uint32_t u32;
typedef int32_t s32;
typedef uint64_t u64;
typedef int64_t s64;

/* Why the module stopped. */
enum wasm_trap { TRAP_OUT_OF_BOUNDS = 1, TRAP_UNREACHABLE, TRAP_DIVISION, TRAP_INDIRECT };

_Noreturn void wasm_trap(enum wasm_trap why);
/* The commonest one, without an argument to load at each of two thousand places. */
_Noreturn void trap_bounds(void);

#ifdef MEMORY_MAPPED
static u8 *wasm_memory;
static u32 memory_pages;
#define MEMORY_PAGES memory_pages
#elif !defined(MEMORY_INSTANCES)
#ifdef MEMORY_AT
/*
 * An address that the compiler knows takes one instruction, without a literal in each function: 1,800 bytes of flash on
 * a Cortex-M3.
 */
#define wasm_memory ((u8 *)MEMORY_AT)
#else
extern u8 wasm_memory[MEMORY_SIZE];
#endif
#endif
#ifndef MEMORY_MAPPED
#define MEMORY_PAGES ((MEMORY_SIZE + 65535u) >> 16)
#endif

#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define UNREACHABLE wasm_trap(TRAP_UNREACHABLE)

/*
 * The memory ends with MEMORY_GUARD bytes that nobody uses. So an access at a small constant offset is in bounds if its
 * address is below MEMORY_LIMIT: the same compare for all fields of a record, of which the compiler keeps one. Larger
 * offsets are checked exactly. STINT_UNCHECKED is for measuring what the checks cost.
 */
#ifndef MEMORY_GUARD
#define MEMORY_GUARD 256u
#endif
#define MEMORY_LIMIT (MEMORY_SIZE - MEMORY_GUARD)
#if defined(STINT_UNCHECKED) || defined(MEMORY_MAPPED)
#define CHECK(address, offset, size) (void)0
#else
#define CHECK(address, offset, size) \
  if (UNLIKELY((offset) < MEMORY_GUARD && (offset) + (size) <= MEMORY_GUARD \
                   ? (address) >= MEMORY_LIMIT \
                   : MEMORY_SIZE < (size) || (offset) > MEMORY_SIZE - (size) || \
                         (address) > MEMORY_SIZE - (size) - (offset))) \
  trap_bounds()
#endif

/*
 * memcpy, so that the compiler may not assume an alignment that the module does not promise; it becomes one
 * instruction.
 */
#define LOAD(name, result, wide, type) \
  static inline __attribute__((always_inline)) result name(u32 address, u32 offset) { \
    type x; \
    CHECK(address, offset, sizeof x); \
    __builtin_memcpy(&x, wasm_memory + address + offset, sizeof x); \
    return (result)(wide)x; \
  }
#define STORE(name, value, type) \
  static inline __attribute__((always_inline)) void name(u32 address, u32 offset, value v) { \
    type x = (type)v; \
    CHECK(address, offset, sizeof x); \
    __builtin_memcpy(wasm_memory + address + offset, &x, sizeof x); \
  }

LOAD(i32_load, u32, u32, u32)
LOAD(i64_load, u64, u64, u64)
LOAD(i32_load8_s, u32, s32, s8)
LOAD(i32_load8_u, u32, u32, u8)
LOAD(i32_load16_s, u32, s32, s16)
LOAD(i32_load16_u, u32, u32, u16)
LOAD(i64_load8_s, u64, s64, s8)
LOAD(i64_load8_u, u64, u64, u8)
LOAD(i64_load16_s, u64, s64, s16)
LOAD(i64_load16_u, u64, u64, u16)
LOAD(i64_load32_s, u64, s64, s32)
LOAD(i64_load32_u, u64, u64, u32)
STORE(i32_store, u32, u32)
STORE(i64_store, u64, u64)
STORE(i32_store8, u32, u8)
STORE(i32_store16, u32, u16)
STORE(i64_store8, u64, u8)
STORE(i64_store16, u64, u16)
STORE(i64_store32, u64, u32)

static inline void check_range(u32 address, u32 size) {
#ifdef MEMORY_MAPPED
  (void)address, (void)size;
#else
  if (UNLIKELY(address > MEMORY_SIZE || size > MEMORY_SIZE - address)) trap_bounds();
#endif
}

static inline void memory_copy(u32 to, u32 from, u32 size) {
  check_range(to, size);
  check_range(from, size);
  memmove(wasm_memory + to, wasm_memory + from, size);
}

static inline void memory_fill(u32 to, u32 value, u32 size) {
  check_range(to, size);
  memset(wasm_memory + to, (int)value, size);
}

/* Runs of bytes: how far behind the run before each begins, two bytes, its size, one, and what it is. */
static inline void load_data(const u8 *from, u32 size) {
  const u8 *end = from + size;
  for (u32 to = 0; from < end; from += 3) {
    u32 n = from[2];
    to += (u32)(from[0] | from[1] << 8);
    check_range(to, n);
    for (; n > 0; n--) wasm_memory[to++] = from++[3];
  }
}

#if defined(MEMORY_MAPPED) || defined(MEMORY_GROWS)
static u32 memory_grow(u32 pages);
#else
/* The memory is as large as it is. */
static inline u32 memory_grow(u32 pages) { return pages == 0 ? MEMORY_PAGES : UINT32_MAX; }
#endif

/* What C leaves undefined, or has no operator for. */
#define INTEGER(bits, clz, ctz, popcount) \
  static inline u##bits i##bits##_clz(u##bits x) { return x ? (u##bits)clz(x) : bits; } \
  static inline u##bits i##bits##_ctz(u##bits x) { return x ? (u##bits)ctz(x) : bits; } \
  static inline u##bits i##bits##_popcnt(u##bits x) { return (u##bits)popcount(x); } \
  static inline u##bits i##bits##_rotl(u##bits x, u##bits n) { \
    return x << (n & (bits - 1)) | x >> (-n & (bits - 1)); \
  } \
  static inline u##bits i##bits##_rotr(u##bits x, u##bits n) { \
    return x >> (n & (bits - 1)) | x << (-n & (bits - 1)); \
  } \
  static inline u##bits i##bits##_div_u(u##bits x, u##bits y) { \
    if (UNLIKELY(y == 0)) wasm_trap(TRAP_DIVISION); \
    return x / y; \
  } \
  static inline u##bits i##bits##_rem_u(u##bits x, u##bits y) { \
    if (UNLIKELY(y == 0)) wasm_trap(TRAP_DIVISION); \
    return x % y; \
  } \
  static inline u##bits i##bits##_div_s(u##bits x, u##bits y) { \
    if (UNLIKELY(y == 0 || (y + 1 == 0 && x == (u##bits)1 << (bits - 1)))) wasm_trap(TRAP_DIVISION); \
    return (u##bits)((s##bits)x / (s##bits)y); \
  } \
  static inline u##bits i##bits##_rem_s(u##bits x, u##bits y) { \
    if (UNLIKELY(y == 0)) wasm_trap(TRAP_DIVISION); \
    return y + 1 == 0 ? 0 : (u##bits)((s##bits)x % (s##bits)y); \
  }
INTEGER(32, __builtin_clz, __builtin_ctz, __builtin_popcount)
INTEGER(64, __builtin_clzll, __builtin_ctzll, __builtin_popcountll)

#endif
