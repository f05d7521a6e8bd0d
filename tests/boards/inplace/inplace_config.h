/* The interpreter on a PC, for its tests: a memory that grows, and room for everything that a test may ask for. */
#ifndef INPLACE_CONFIG_H
#define INPLACE_CONFIG_H

#include <stdint.h>

extern uint8_t *test_memory;
extern uint32_t test_memory_size;
struct module;
uint32_t test_memory_grow(const struct module *m, uint32_t pages);

#define MEMORY test_memory
#define MEMORY_SIZE test_memory_size
#define MEMORY_GROW(m, pages) test_memory_grow(m, pages)
/* No test takes as many branches and calls. */
extern uint32_t test_fuel;
#define TICK() \
  if (test_fuel-- == 0) return TRAP_STACK
enum {
  STACK_SLOTS = 8192,
  GLOBALS_MAX = 256,
  ELEMENTS_MAX = 1024,
  TYPES_MAX = 512,
  FUNCTIONS_MAX = 4096,
  BRANCHES_MAX = 65535,
  LOCALS_MAX = 1024,
  OPERANDS_MAX = 1024,
  BLOCKS_MAX = 256
};

#endif
