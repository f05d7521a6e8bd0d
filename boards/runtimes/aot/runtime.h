/* The module as C, made ahead of time by tools/translate: its calls are inline functions, and its checks are wasm.h.
 */
#include <string.h>

#include "config.h"
#include "wasm.h"

#include "module.c"

#ifndef MEMORY_AT
u8 wasm_memory[MEMORY_SIZE] __attribute__((aligned(8)));
#endif

_Noreturn void wasm_trap(enum wasm_trap why) {
  static const char *const reasons[] = {
      "",
      "an access outside of its memory",
      "an assertion that does not hold",
      "a division by zero",
#ifdef TABLE_SIZE
      "a call of what the table does not have",
#endif
  };
  module_trap(reasons[why]);
}

_Noreturn void trap_bounds(void) { wasm_trap(TRAP_OUT_OF_BOUNDS); }
#define module_trap_bounds trap_bounds

static void module_start(void) {
  memset(wasm_memory, 0, MEMORY_SIZE);
  module_fill();
}

uint8_t *module_memory(uint32_t address, uint32_t size) {
  check_range(address, size);
  return wasm_memory + address;
}

static uint32_t module_word(uint32_t address) { return i32_load(address, 0); }
static inline void module_set_word(uint32_t address, uint32_t value) { i32_store(address, 0, value); }
