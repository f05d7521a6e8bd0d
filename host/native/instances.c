/*
 * Several stacks in one program, each in memory that the program gives it: the calls of stint.h that the module does
 * not have. tools/amalgamate.mjs puts this behind the module's C.
 */
#define SCRATCH_SIZE STINT_SCRATCH
#define scratch (self->scratch)

/* The calls with pointers. */

_Noreturn void wasm_trap(enum wasm_trap why) {
  static const char *const words[] = {
      "",
      "an access outside of its memory",
      "an assertion that does not hold",
      "a division by zero",
#ifdef TABLE_SIZE
      "a call of what the table does not have",
#endif
  };
  (void)words, (void)why;
  STINT_TRAP(words[why]);
  for (;;) continue;
}

_Noreturn void trap_bounds(void) { wasm_trap(TRAP_OUT_OF_BOUNDS); }

void stint_use(struct stint *stack) { self = stack; }

struct stint *stint_create(void *memory, uint32_t size) {
  uint8_t *at = (uint8_t *)(((uintptr_t)memory + 7) & ~(uintptr_t)7);
  uint32_t lost = (uint32_t)(at - (uint8_t *)memory);
  if (memory == NULL || size < STINT_OVERHEAD || size < lost) return NULL;
  struct stint *stack = (struct stint *)(void *)at;
  memset(stack, 0, sizeof *stack);
  stack->memory = at + STATE_SIZE;
  stack->size = (size - lost - STATE_SIZE) & ~7u;
  memset(stack->memory, 0, stack->size);
  stint_use(stack);
  module_fill();
  return stack;
}

struct stint_config *stint_config_block(void) {
  return pointer(module_configBlock());
}

/* The caller's configuration, where the module can read it; NULL stays 0, which the module refuses. */
static u32 configuration(struct stint_config *config) {
  u32 block = module_configBlock();
  if (config == NULL) return 0;
  struct stint_config *c = pointer(block);
  if (config != c) *c = *config;
  c->arenaBase = ARENA_BASE;
  c->arenaSize = self->size - ARENA_BASE - SCRATCH_SIZE - MEMORY_GUARD;
  c->memoryBytes = self->size - MEMORY_GUARD;
  return block;
}

int64_t stint_layout_size(struct stint_config *config) { return (int64_t)module_layoutSize(configuration(config)); }

int32_t stint_init(struct stint_config *config) {
  int32_t result = (int32_t)module_init(configuration(config));
  if (config == NULL) return result;
  memset(&config->entropy0, 0, 4 * sizeof config->entropy0);
  if (result == 0) scratch = self->size - SCRATCH_SIZE - MEMORY_GUARD;
  return result;
}
