/*
 * The stack as a native library: what wasm2c makes of the module (module.c), the memory that it lives in, and the calls
 * of stint.h with native pointers. Calls that take none are made by tools/native.mjs (calls.h).
 *
 * The memory is the first part of 8 GiB of addresses that are reserved and otherwise empty: an address of the module is
 * a u32, and so is what it adds to one. Whatever a bug in the module would read or write, it would find nothing but the
 * module's own memory there, or the process ends.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define MEMORY_MAPPED
#include "wasm.h"

/*
 * Sums as assembly/core/checksum.ts has them, of 64 bytes at least: loops that the compiler makes vectors of, for the
 * processor that there is.
 */
#if defined(__x86_64__) && defined(__gnu_linux__)
#define CLONES __attribute__((target_clones("avx2", "default")))
#else
#define CLONES
#endif

/* Words of 32 bits, unaligned. */
typedef u32 word __attribute__((aligned(1), may_alias));

static u64 tail(const u8 *from, u32 size) {
  u64 sum = 0;
  for (; size >= 4; size -= 4, from += 4) sum += *(const word *)from;
  u16 last = 0;
  if (size >= 2) {
    memcpy(&last, from, 2);
    sum += last;
    from += 2;
  }
  return (size & 1) != 0 ? sum + *from : sum;
}

CLONES static u64 sum_words(const u8 *from, u32 words) {
  u64 sum = 0;
  for (u32 i = 0; i < words; i++) sum += ((const word *)from)[i];
  return sum;
}

CLONES static u64 copy_sum_words(u8 *restrict to, const u8 *restrict from, u32 words) {
  u64 sum = 0;
  for (u32 i = 0; i < words; i++) {
    u32 x = ((const word *)from)[i];
    ((word *)to)[i] = x;
    sum += x;
  }
  return sum;
}

static u64 native_sum(u32 at, u32 size) {
  return sum_words(wasm_memory + at, size >> 4 << 2) + tail(wasm_memory + at + (size & ~15u), size & 15);
}

static u64 native_copy_sum(u32 to, u32 from, u32 size) {
  u32 done = size & ~15u;
  u64 sum = copy_sum_words(wasm_memory + to, wasm_memory + from, done >> 2);
  memcpy(wasm_memory + to + done, wasm_memory + from + done, size & 15);
  return sum + tail(wasm_memory + from + done, size & 15);
}

#include "module.c"

#include "stint.h"

#define RESERVED (8ull << 30)
#define PAGE 65536u
/* Behind the arena, for what passes through the module on its way to the caller. */
#define SCRATCH_SIZE 65536u
/* Up to so many bytes, a copy more costs less than calls. */
#define SMALL 16u

static u32 scratch, scratch_end;

_Noreturn void wasm_trap(enum wasm_trap why) {
  static const char *const words[] = {"", "an access out of bounds", "an assertion that does not hold",
                                      "a division by zero"};
  fprintf(stderr, "stint: %s\n", words[why]);
  abort();
}

static u32 memory_grow(u32 pages) {
  u32 had = memory_pages;
  if ((u64)had + pages > 65536 ||
      mprotect(wasm_memory + (u64)had * PAGE, (u64)pages * PAGE, PROT_READ | PROT_WRITE) != 0)
    return UINT32_MAX;
  memory_pages += pages;
  return had;
}

/* Maps the memory, the first time. Returns whether there is one. */
static int memory_begin(void) {
  if (wasm_memory != NULL) return 1;
  void *at = mmap(NULL, RESERVED, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED) return 0;
  wasm_memory = at;
  if (memory_grow(1) == UINT32_MAX) return 0;
  module_fill();
  return 1;
}

static void *pointer(u32 address) { return address == 0 ? NULL : wasm_memory + address; }

void *stint_at(uint32_t address) { return pointer(address); }

struct stint_config *stint_config_block(void) {
  if (!memory_begin()) return NULL;
  return pointer(module_configBlock());
}

/*
 * The caller's configuration, where the module can read it; NULL stays 0, which the module refuses. The arena is ours.
 */
static u32 configuration(struct stint_config *config) {
  u32 block = module_configBlock();
  if (config == NULL) return 0;
  if ((u8 *)config != wasm_memory + block) memcpy(wasm_memory + block, config, sizeof *config);
  struct stint_config *c = pointer(block);
  c->arenaBase = c->arenaSize = c->memoryBytes = 0;
  return block;
}

int64_t stint_layout_size(struct stint_config *config) {
  return memory_begin() ? (int64_t)module_layoutSize(configuration(config)) : STINT_ERR_NO_MEMORY;
}

int32_t stint_init(struct stint_config *config) {
  if (!memory_begin()) return STINT_ERR_NO_MEMORY;
  int32_t result = (int32_t)module_init(configuration(config));
  if (config == NULL) return result;
  memset(&config->entropy0, 0, 4 * sizeof config->entropy0);
  if (result != STINT_ERR_CONFIG && result != STINT_ERR_ENTROPY && scratch_end != memory_pages * PAGE) {
    u32 pages = memory_grow(SCRATCH_SIZE / PAGE);
    if (pages == UINT32_MAX) return STINT_ERR_NO_MEMORY;
    scratch = pages * PAGE;
    scratch_end = scratch + SCRATCH_SIZE;
  }
  return result;
}

int32_t tcp_send(int32_t handle, void *src, uint32_t size) {
  const u8 *from = src;
  uint32_t done = 0;
  if (src == NULL) return (int32_t)module_tcp_send((u32)handle, 0, size);
  /* Not before there is a stack. */
  if (size <= SMALL && scratch != 0) {
    for (uint32_t i = 0; i < size; i++) wasm_memory[scratch + i] = from[i];
    return (int32_t)module_tcp_send((u32)handle, scratch, size);
  }
  while (done < size) {
    int32_t span = (int32_t)module_tcp_send_span((u32)handle);
    if (span <= 0) return done != 0 ? (int32_t)done : span < 0 ? span : STINT_ERR_AGAIN;
    uint32_t n = size - done < (uint32_t)span ? size - done : (uint32_t)span;
    memcpy(pointer(module_tcp_send_at((u32)handle)), from + done, n);
    module_tcp_send_commit((u32)handle, n);
    done += n;
  }
  return (int32_t)done;
}

int32_t tcp_recv(int32_t handle, void *dst, uint32_t size) {
  u8 *to = dst;
  uint32_t done = 0;
  if (dst == NULL) return (int32_t)module_tcp_recv((u32)handle, 0, size);
  /* Not before there is a stack. */
  if (size <= SMALL && scratch != 0) {
    u32 n = module_tcp_recv((u32)handle, scratch, size);
    for (u32 i = 0; (int32_t)n > 0 && i < n; i++) to[i] = wasm_memory[scratch + i];
    return (int32_t)n;
  }
  while (done < size) {
    int32_t span = (int32_t)module_tcp_recv_span((u32)handle);
    if (span <= 0) return done != 0 ? (int32_t)done : span;
    uint32_t n = size - done < (uint32_t)span ? size - done : (uint32_t)span;
    memcpy(to + done, pointer(module_tcp_recv_at((u32)handle)), n);
    module_tcp_recv_consume((u32)handle, n);
    done += n;
  }
  return (int32_t)done;
}

/* What the module wrote to the scratch memory: `size` bytes. */
static int32_t taken(void *dst, u32 result, uint32_t size) {
  if ((int32_t)result >= 0 && dst != NULL) memcpy(dst, wasm_memory + scratch, size);
  return (int32_t)result;
}

/*
 * Where the module writes what the caller wants at `dst`: the scratch memory; NULL stays 0, which the module refuses,
 * unless no byte goes there.
 */
static u32 borrowed(const void *dst) { return dst == NULL ? 0 : scratch; }

static uint32_t least(uint32_t a, uint32_t b) { return a < b ? a : b; }

/* At most 64 KiB. */
int32_t tcp_peek(int32_t handle, void *dst, uint32_t size) {
  u32 n = module_tcp_peek((u32)handle, borrowed(dst), least(size, SCRATCH_SIZE));
  return taken(dst, n, n);
}

int32_t tcp_info(int32_t handle, void *dst) {
  return taken(dst, module_tcp_info((u32)handle, borrowed(dst)), sizeof(struct stint_tcp_info));
}

int32_t stint_listener_info(int32_t handle, void *dst) {
  return taken(dst, module_listener_info((u32)handle, borrowed(dst)), sizeof(struct stint_listener_info));
}

int32_t udp_send(int32_t handle, uint32_t ip, uint32_t port, void *src, uint32_t size) {
  if (size > SCRATCH_SIZE) return STINT_ERR_SIZE;
  if (scratch == 0) return STINT_ERR_NOT_INIT;
  if (size != 0 && src != NULL) memcpy(wasm_memory + scratch, src, size);
  return (int32_t)module_udp_send((u32)handle, ip, port, borrowed(src), size);
}

int32_t udp_recv(int32_t handle, void *dst, uint32_t size, void *from) {
  const u32 sender = sizeof(struct stint_datagram_from), room = least(size, SCRATCH_SIZE - sender);
  u32 result = module_udp_recv((u32)handle, dst == NULL ? 0 : scratch + sender, room, borrowed(from));
  if ((int32_t)result < 0) return (int32_t)result;
  if (from != NULL) memcpy(from, wasm_memory + scratch, sender);
  if (dst != NULL) memcpy(dst, wasm_memory + scratch + sender, least(room, result));
  return (int32_t)result;
}

/* Calls about IPv6 addresses, 16 bytes each: the second one of two lies behind the first. */
enum { ADDRESS6 = 16 };

static u32 lent(const void *address, u32 at) {
  if (address == NULL || scratch == 0) return 0;
  memcpy(wasm_memory + scratch + at, address, ADDRESS6);
  return scratch + at;
}

int32_t stint_ip6_start(void *secret) { return (int32_t)module_ip6_start(lent(secret, 0)); }

int32_t stint_ip6_add(void *address, uint32_t prefix, void *router) {
  return (int32_t)module_ip6_add(lent(address, 0), prefix, lent(router, ADDRESS6));
}

int32_t stint_ip6_remove(void *address) { return (int32_t)module_ip6_remove(lent(address, 0)); }

int32_t stint_ip6_info(uint32_t index, void *dst) {
  return taken(dst, module_ip6_info(index, borrowed(dst)), sizeof(struct stint_ip6_info));
}

int32_t stint_ip6_router(uint32_t index, void *dst) {
  return taken(dst, module_ip6_router(index, borrowed(dst)), ADDRESS6);
}

uint32_t stint_ip6_name(void *address) { return module_ip6_name(lent(address, 0)); }

int32_t stint_ip6_bytes(uint32_t name, void *dst) {
  return taken(dst, module_ip6_bytes(name, borrowed(dst)), ADDRESS6);
}

#include "calls.h"
