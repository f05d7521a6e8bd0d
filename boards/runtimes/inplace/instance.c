/* What a module is at its start: memory, globals and elements; and its exports by name. */
#include "inplace.h"
#include "leb128.h"

union value inplace_globals[GLOBALS_MAX];
/* Functions, and 1; 0: none. */
uint16_t inplace_elements[ELEMENTS_MAX];

/* A constant that was found valid. An i32 is the lower half. */
static uint64_t constant(const uint8_t **at) {
  (*at)++;
  uint64_t value = (uint64_t)leb128_s64(at);
  (*at)++;
  return value;
}

static void set_globals(const struct module *m) {
  const uint8_t *at = m->bytes + m->globals_at;
  for (uint32_t i = 0; i < m->global_count; i++) {
    at += 2;
    inplace_globals[i].i64 = constant(&at);
  }
}

static enum trap set_elements(const struct module *m) {
  memset(inplace_elements, 0, sizeof inplace_elements);
  if (m->elements_at == 0) return TRAP_NONE;
  const uint8_t *at = m->bytes + m->elements_at;
  for (uint32_t segments = leb128_u32(&at); segments > 0; segments--) {
    leb128_u32(&at);
    uint32_t to = (uint32_t)constant(&at), count = leb128_u32(&at);
    if (to > m->elements || count > m->elements - to) return TRAP_BOUNDS;
    for (; count > 0; count--) inplace_elements[to++] = (uint16_t)(leb128_u32(&at) + 1);
  }
  return TRAP_NONE;
}

static enum trap set_data(const struct module *m) {
  if (m->data_at == 0) return TRAP_NONE;
  const uint8_t *at = m->bytes + m->data_at;
  for (uint32_t segments = leb128_u32(&at); segments > 0; segments--) {
    leb128_u32(&at);
    uint32_t to = (uint32_t)constant(&at), size = leb128_u32(&at);
    if (to > MEMORY_SIZE || size > MEMORY_SIZE - to) return TRAP_BOUNDS;
    memmove(MEMORY + to, at, size);
    at += size;
  }
  return TRAP_NONE;
}

enum trap inplace_instantiate(const struct module *m) {
  set_globals(m);
  enum trap trap = set_elements(m);
  if (trap == TRAP_NONE) trap = set_data(m);
  if (trap == TRAP_NONE && m->start != 0) trap = inplace_call(m, m->start - 1, (union value[1]){{0}});
  return trap;
}

static bool is_named(const uint8_t *at, uint32_t size, const char *name) {
  uint32_t i = 0;
  while (i < size && name[i] != 0 && at[i] == (uint8_t)name[i]) i++;
  return i == size && name[i] == 0;
}

int32_t inplace_find(const struct module *m, const char *name) {
  if (m->exports_at == 0) return -1;
  const uint8_t *at = m->bytes + m->exports_at;
  for (uint32_t count = leb128_u32(&at); count > 0; count--) {
    uint32_t size = leb128_u32(&at);
    bool found = is_named(at, size, name);
    at += size;
    uint8_t kind = *at++;
    uint32_t index = leb128_u32(&at);
    if (found) return kind == 0 ? (int32_t)index : -1;
  }
  return -1;
}

const char *inplace_trap_name(enum trap trap) {
  static const char *const names[] = {
      [TRAP_NONE] = "nothing",
      [TRAP_BOUNDS] = "an access outside of its memory",
      [TRAP_UNREACHABLE] = "an assertion that does not hold",
      [TRAP_DIVISION] = "a division by zero",
      [TRAP_OVERFLOW] = "a division that overflows",
      [TRAP_STACK] = "calls that are too deep",
      [TRAP_ELEMENT] = "a call of a function that is not there",
      [TRAP_TYPE] = "a call of a function of another type",
  };
  return names[trap];
}
