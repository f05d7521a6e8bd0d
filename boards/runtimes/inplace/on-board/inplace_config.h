/* The interpreter on a board: the linear memory is as large as it is, and the build has counted what the module needs.
 */
#ifndef INPLACE_CONFIG_H
#define INPLACE_CONFIG_H

#include <stdint.h>

#include "config.h"
#include "inplace_numbers.h"

#ifdef MEMORY_AT
#define MEMORY ((uint8_t *)MEMORY_AT)
#else
extern uint8_t wasm_memory[MEMORY_SIZE];
#define MEMORY wasm_memory
#endif
#define MEMORY_GROW(m, pages) ((pages) == 0 ? (MEMORY_SIZE + 65535u) >> 16 : UINT32_MAX)

/* 3 KiB of values and frames. What the module needs at most has not been measured; what is more than that traps by
   name. */
enum { STACK_SLOTS = 384 };

#endif
