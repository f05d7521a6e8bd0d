/* What a translated module of a test stands on: memory that grows, exact bounds, and a table of its exports. */
#ifndef STINT_TRANSLATE_TEST_H
#define STINT_TRANSLATE_TEST_H

#include <stdint.h>

enum { TEST_PAGES_MAX = 1024 };

/* The memory of the module in use. */
extern uint8_t test_memory[];
extern uint32_t test_memory_size;

struct test_export {
  const char *name;
  uint64_t (*call)(const uint64_t *arguments);
};

struct test_module {
  uint32_t pages;
  void (*fill)(void);
  const struct test_export *exports;
};

extern const struct test_module *const test_modules[];

#define MEMORY_INSTANCES
#define MEMORY_GROWS
#define MEMORY_GUARD 0u
#define MEMORY_SIZE test_memory_size
#define wasm_memory test_memory

#endif
