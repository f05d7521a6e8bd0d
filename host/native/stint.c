/*
 * The stack as a native library: what tools/translate makes of the module (module.c), the memory that it lives in, and
 * the calls of stint.h with native pointers. Calls that take none are made by tools/native.mjs (calls.h).
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

static u32 scratch, scratch_end;

_Noreturn void wasm_trap(enum wasm_trap why) {
  static const char *const words[] = {
      "",
      "an access out of bounds",
      "an assertion that does not hold",
      "a division by zero",
#ifdef TABLE_SIZE
      "a call of what the table does not have",
#endif
  };
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

/* The memory of calls that come before there is one: they find a configuration of zeros in it, and refuse. */
static u8 nothing[4096];
static u8 *wasm_memory = nothing;

/* Maps the memory, the first time. Returns whether there is one. */
static int memory_begin(void) {
  if (memory_pages != 0) return 1;
  void *at = mmap(NULL, RESERVED, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED) return 0;
  wasm_memory = at;
  if (memory_grow(1) == UINT32_MAX) {
    wasm_memory = nothing;
    munmap(at, RESERVED);
    return 0;
  }
  module_fill();
  return 1;
}

#include "pointers.h"

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

/* A name that the module reads; one that does not fit is none: names have 255 bytes at most (RFC 1035 §2.3.4). */
enum { NAME_MOST = 256, ANSWERS = SCRATCH_SIZE - NAME_MOST };

static u32 lent_name(const void *name, uint32_t size) {
  if (name == NULL || scratch == 0 || size > NAME_MOST) return 0;
  memcpy(wasm_memory + scratch, name, size);
  return scratch;
}

/* What the module writes behind the name: up to `most` addresses of `size` bytes. */
static int32_t looked_up(void *dst, u32 result, uint32_t most, uint32_t size) {
  if ((int32_t)result > 0 && dst != NULL)
    memcpy(dst, wasm_memory + scratch + NAME_MOST, (size_t)least(result, most) * size);
  return (int32_t)result;
}

static u32 answers(const void *dst) { return dst == NULL || scratch == 0 ? 0 : scratch + NAME_MOST; }

int32_t dns_lookup(void *name, uint32_t size, void *dst, uint32_t most) {
  most = least(most, ANSWERS / sizeof(uint32_t));
  return looked_up(dst, module_dns_lookup(lent_name(name, size), size, answers(dst), most), most, sizeof(uint32_t));
}

int32_t dns_lookup6(void *name, uint32_t size, void *dst, uint32_t most) {
  most = least(most, ANSWERS / ADDRESS6);
  return looked_up(dst, module_dns_lookup6(lent_name(name, size), size, answers(dst), most), most, ADDRESS6);
}

int32_t dns_info(void *dst) { return taken(dst, module_dns_info(borrowed(dst)), sizeof(struct stint_names)); }

int32_t mdns_start(void *name, uint32_t size) { return (int32_t)module_mdns_start(lent_name(name, size), size); }

int32_t mdns_info(void *dst) { return taken(dst, module_mdns_info(borrowed(dst)), sizeof(struct stint_local_name)); }

/* What is text: up to `size` bytes of it are written, and its length is returned. */
static int32_t text_taken(void *dst, u32 result, uint32_t size) {
  if ((int32_t)result > 0 && dst != NULL) memcpy(dst, wasm_memory + scratch, least(result, size));
  return (int32_t)result;
}

int32_t mdns_name(void *dst, uint32_t size) {
  size = least(size, SCRATCH_SIZE);
  return text_taken(dst, module_mdns_name(borrowed(dst), size), size);
}

int32_t dhcp_start(uint32_t wanted, void *name, uint32_t size) {
  return (int32_t)module_dhcp_start(wanted, lent_name(name, size), size);
}

int32_t dhcp_info(void *dst) { return taken(dst, module_dhcp_info(borrowed(dst)), sizeof(struct stint_lease)); }

int32_t stint_dhcp6_info(void *dst) { return taken(dst, module_dhcp6_info(borrowed(dst)), sizeof(struct stint_dhcp6)); }

int32_t dhcp_domain(void *dst, uint32_t size) {
  size = least(size, SCRATCH_SIZE);
  return text_taken(dst, module_dhcp_domain(borrowed(dst), size), size);
}

int32_t stint_sntp_info(void *dst) { return taken(dst, module_sntp_info(borrowed(dst)), sizeof(struct stint_time)); }

#include "calls.h"
