/* The module as it is, executed in place (inplace.h). Its calls go by the names of its exports, found at the start. */
#include "calls.h"
#include "inplace.h"
#include "inplace_tables.h"

#ifndef MEMORY_AT
uint8_t wasm_memory[MEMORY_SIZE] __attribute__((aligned(8)));
#endif

#ifdef INPLACE_ON_BOARD
/* The board looks for itself whether the module is valid. */
static struct tables inplace_tables;
static struct module inplace_module;
static const char *inplace_check(void) {
  return inplace_load(&inplace_module, &inplace_tables, inplace_bytes, sizeof inplace_bytes);
}
#else
/* The build has looked, with the same code, and the tables lie in flash. */
static const char *inplace_check(void) { return NULL; }
#endif

#define CALL_NUMBER(NAME, ...) CALL_##NAME,
enum { CALLS(CALL_NUMBER) CALL_COUNT };

static const struct {
  const char *name;
  uint8_t parameters;
} inplace_calls[] = {
#define CALL_NAME(NAME, COUNT, ...) {#NAME, COUNT},
    CALLS(CALL_NAME)};

/* The function of each call. An application has no services, and the services are no application. */
enum { NO_FUNCTION = UINT16_MAX };
static uint16_t inplace_found[CALL_COUNT];

static void inplace_find_calls(void) {
  for (uint32_t i = 0; i < CALL_COUNT; i++) {
    int32_t function = inplace_find(&inplace_module, inplace_calls[i].name);
    bool suits = function >= 0 && inplace_module.functions[function].parameters == inplace_calls[i].parameters;
    inplace_found[i] = suits ? (uint16_t)function : NO_FUNCTION;
  }
}

static void inplace_ended(enum trap trap) {
  if (trap != TRAP_NONE) module_trap(inplace_trap_name(trap));
}

static uint64_t inplace_named(uint32_t call, uint64_t a, uint64_t b, uint64_t c) {
  union value values[] = {{.i64 = a}, {.i64 = b}, {.i64 = c}};
  if (inplace_found[call] == NO_FUNCTION) module_trap("a call that it does not have");
  inplace_ended(inplace_call(&inplace_module, inplace_found[call], values));
  return values[0].i64;
}

#define CALL_FUNCTION(NAME, COUNT, RESULT, PARAMETERS, A, B, C) \
  static inline RESULT stint_##NAME PARAMETERS { return (RESULT)inplace_named(CALL_##NAME, A, B, C); }
CALLS(CALL_FUNCTION)

static void module_start(void) {
  const char *wrong = inplace_check();
  if (wrong != NULL) module_refused(wrong);
  inplace_find_calls();
  memset(MEMORY, 0, MEMORY_SIZE);
  inplace_ended(inplace_instantiate(&inplace_module));
}

_Noreturn void module_trap_bounds(void) { module_trap(inplace_trap_name(TRAP_BOUNDS)); }

uint8_t *module_memory(uint32_t address, uint32_t size) {
  if (address > MEMORY_SIZE || size > MEMORY_SIZE - address) module_trap_bounds();
  return MEMORY + address;
}

static uint32_t module_word(uint32_t address) {
  uint32_t x;
  memcpy(&x, module_memory(address, sizeof x), sizeof x);
  return x;
}

static void module_set_word(uint32_t address, uint32_t x) { memcpy(module_memory(address, sizeof x), &x, sizeof x); }
