/*
 * An interpreter that executes a module where it lies, in flash: nothing of it is copied or translated. What a branch
 * needs to know (how far it goes, how much of the stack it drops) stands in a table beside the module, which the
 * validator makes; after Titzer, "A fast in-place interpreter for WebAssembly" (OOPSLA 2022).
 *
 * It knows the integers of the first Wasm, sign extension, memory.copy and memory.fill. Imports, floats, passive
 * segments, several results or memories are refused by name. Bodies of functions are shorter than 32 KiB.
 *
 * inplace_config.h is made by the build, or stands with the tests. It says where the memory is (MEMORY, MEMORY_SIZE)
 * and how large everything is: STACK_SLOTS, GLOBALS_MAX, ELEMENTS_MAX, TYPES_MAX, FUNCTIONS_MAX, BRANCHES_MAX, and of
 * a function LOCALS_MAX, OPERANDS_MAX and BLOCKS_MAX.
 */
#ifndef INPLACE_H
#define INPLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "inplace_config.h"

/* A branch that is taken: where pc goes, from the byte behind its opcode; which entry comes next, from this one. */
struct branch {
  int16_t pc, next;
  /* Values to drop, times 2, and whether the topmost one is kept. */
  uint16_t drop;
};

struct function {
  /* Where its instructions begin, and what lies behind its last one, in bytes of the module. */
  uint32_t code, end;
  /* Its first branch; parameters and locals; all that it needs of the stack; its type, by the first that is the same.
   */
  uint16_t branches, locals, slots, type;
  uint8_t parameters, results;
};

/* A module that was found valid. */
struct module {
  const uint8_t *bytes;
  const struct function *functions;
  const struct branch *branches;
  /* For each type, the first that is the same. */
  const uint16_t *types;
  uint32_t size, function_count, branch_count, type_count, global_count;
  /* What the sections say, and where their contents begin: 0, there is none. */
  bool has_memory, has_table;
  uint32_t pages, pages_max, elements, globals_at, exports_at, elements_at, data_at;
  /* The function that begins, and 1. */
  uint32_t start;
};

/* What the validator writes. */
struct tables {
  struct function functions[FUNCTIONS_MAX];
  struct branch branches[BRANCHES_MAX];
  uint16_t types[TYPES_MAX];
  /* Only while it validates: where the types are, and of which type each global is. */
  uint32_t type_at[TYPES_MAX];
  uint8_t globals[GLOBALS_MAX];
};

/* An i32 leaves the upper half as it was. */
union value {
  uint32_t i32;
  uint64_t i64;
};

/* What a call keeps of its caller, on the same stack. */
struct frame {
  const uint8_t *pc;
  const struct branch *branch;
  union value *locals;
  const struct function *function;
};
enum { FRAME_SLOTS = sizeof(struct frame) / sizeof(union value) };

enum trap {
  TRAP_NONE,
  TRAP_BOUNDS,
  TRAP_UNREACHABLE,
  TRAP_DIVISION,
  TRAP_OVERFLOW,
  TRAP_STACK,
  TRAP_ELEMENT,
  TRAP_TYPE
};

/* Value types, and what is none. */
enum { I32 = 0x7f, I64 = 0x7e, NOTHING = 0x40, ANY = 0 };

/* Reads the module and makes its tables. Returns NULL, or in a few words why it cannot be run. (module.c) */
const char *inplace_load(struct module *m, struct tables *t, const uint8_t *bytes, uint32_t size);

/* Makes memory, globals and elements what they are at the start. Memory is zero before. (instance.c) */
enum trap inplace_instantiate(const struct module *m);

/* The function that the module exports by this name; -1: there is none. (instance.c) */
int32_t inplace_find(const struct module *m, const char *name);

/* Calls a function with the arguments in `values`, and puts its result there. (execute.c) */
enum trap inplace_call(const struct module *m, uint32_t function, union value *values);

/* What a trap is called on the console. (instance.c) */
const char *inplace_trap_name(enum trap trap);

extern union value inplace_globals[GLOBALS_MAX];
extern uint16_t inplace_elements[ELEMENTS_MAX];

#endif
