/*
 * The module as it is, by wasm3 (https://github.com/wasm3/wasm3), which makes code of its own from it in RAM: all of it
 * at the start, so that a function that it cannot run is found then. The build has looked whether the module is valid;
 * wasm3 itself does not look at all of it.
 */
#include "calls.h"
#include "m3_env.h"
#include "wasm3.h"
#include "wasm3_module.h"

void wasm3_heap_reset(void);

enum { WASM3_STACK = 8192, WASM3_PAGE = 65536 };

#define CALL_NUMBER(NAME, ...) CALL_##NAME,
enum { CALLS(CALL_NUMBER) CALL_COUNT };
static const char *const wasm3_names[] = {
#define CALL_NAME(NAME, ...) #NAME,
    CALLS(CALL_NAME)};

static IM3Runtime wasm3_runtime;
static uint8_t *wasm3_memory;
/* The function of each call. An application has no services, and the services are no application. */
static IM3Function wasm3_functions[CALL_COUNT];

static const char *wasm3_trap_name(M3Result trap) {
  if (trap == m3Err_trapOutOfBoundsMemoryAccess) return "an access outside of its memory";
  if (trap == m3Err_trapUnreachable) return "an assertion that does not hold";
  if (trap == m3Err_trapDivisionByZero) return "a division by zero";
  return trap;
}

static uint64_t wasm3_named(uint32_t call, uint64_t a, uint64_t b, uint64_t c) {
  IM3Function function = wasm3_functions[call];
  if (function == NULL) module_trap("a call that it does not have");
  const void *arguments[] = {&a, &b, &c};
  M3Result trap = m3_Call(function, m3_GetArgCount(function), arguments);
  if (trap != NULL) module_trap(wasm3_trap_name(trap));
  uint64_t result = 0;
  const void *results[] = {&result};
  m3_GetResults(function, m3_GetRetCount(function), results);
  return result;
}

#define CALL_FUNCTION(NAME, COUNT, RESULT, PARAMETERS, A, B, C) \
  static inline RESULT stint_##NAME PARAMETERS { return (RESULT)wasm3_named(CALL_##NAME, A, B, C); }
CALLS(CALL_FUNCTION)

static void wasm3_must(M3Result wrong) {
  if (wrong != NULL) module_refused(wrong);
}

static void wasm3_find_calls(IM3Module module) {
  for (uint32_t i = 0; i < CALL_COUNT; i++) {
    IM3Function function = v_FindFunction(module, wasm3_names[i]);
    wasm3_functions[i] =
        function != NULL && m3_GetArgCount(function) <= 3 && m3_GetRetCount(function) <= 1 ? function : NULL;
  }
}

static void module_start(void) {
  IM3Module module;
  wasm3_heap_reset();
  IM3Environment environment = m3_NewEnvironment();
  wasm3_runtime = environment == NULL ? NULL : m3_NewRuntime(environment, WASM3_STACK, NULL);
  if (wasm3_runtime == NULL) module_refused("is left no memory");
  wasm3_must(m3_ParseModule(environment, &module, wasm3_bytes, sizeof wasm3_bytes));
  /* Memory is as large as the configuration wants it, not whole pages. */
  wasm3_runtime->memoryLimit = MEMORY_SIZE;
  module->memoryInfo.initPages = (MEMORY_SIZE + WASM3_PAGE - 1) / WASM3_PAGE;
  wasm3_must(m3_LoadModule(wasm3_runtime, module));
  wasm3_must(m3_CompileModule(module));
  wasm3_memory = m3_GetMemory(wasm3_runtime, NULL, 0);
  wasm3_find_calls(module);
}

_Noreturn void module_trap_bounds(void) { module_trap(wasm3_trap_name(m3Err_trapOutOfBoundsMemoryAccess)); }

uint8_t *module_memory(uint32_t address, uint32_t size) {
  if (address > MEMORY_SIZE || size > MEMORY_SIZE - address) module_trap_bounds();
  return wasm3_memory + address;
}

static uint32_t module_word(uint32_t address) {
  uint32_t x;
  memcpy(&x, module_memory(address, sizeof x), sizeof x);
  return x;
}

static void module_set_word(uint32_t address, uint32_t x) { memcpy(module_memory(address, sizeof x), &x, sizeof x); }
