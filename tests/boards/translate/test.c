/*
 * Translated modules for their tests. It reads a command a line: `load N` starts the Nth module; `call NAME ARGUMENT…`
 * calls an export and prints its result or trap; `hash` prints a sum of the first 4,096 bytes.
 */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test.h"

uint8_t test_memory[TEST_PAGES_MAX * 65536];
uint32_t test_memory_size;
static jmp_buf trapped;

/* wasm.h's, which this file does not include: it has no module. */
_Noreturn void wasm_trap(int why);
_Noreturn void trap_bounds(void);
_Noreturn void wasm_trap(int why) { longjmp(trapped, why); }
_Noreturn void trap_bounds(void) { longjmp(trapped, 1); }

/* What modules of the core test suite import. */
void spectest_print(void);
void spectest_print_i32(uint32_t number);
void spectest_print(void) {}
void spectest_print_i32(uint32_t number) { (void)number; }

static void load(const struct test_module *module) {
  memset(test_memory, 0, test_memory_size);
  test_memory_size = module->pages * 65536;
  if (setjmp(trapped) != 0) puts("trap");
  else {
    module->fill();
    puts("loaded");
  }
}

static void call(const struct test_module *module, const char *name, const uint64_t *arguments) {
  for (const struct test_export *e = module->exports; e->name != NULL; e++) {
    if (strcmp(e->name, name) != 0) continue;
    int why = setjmp(trapped);
    if (why != 0) printf("trap %d\n", why);
    else printf("= %llu\n", (unsigned long long)e->call(arguments));
    return;
  }
  puts("none");
}

static void hash(void) {
  uint64_t sum = 0xcbf29ce484222325u;
  for (uint32_t i = 0; i < 4096; i++) sum = (sum ^ test_memory[i]) * 0x100000001b3u;
  printf("= %llu\n", (unsigned long long)sum);
}

int main(void) {
  static char line[4096];
  const struct test_module *module = NULL;
  while (fgets(line, sizeof line, stdin) != NULL) {
    char *word = strtok(line, " \n");
    if (word == NULL) continue;
    if (strcmp(word, "load") == 0) load(module = test_modules[atoi(strtok(NULL, " \n"))]);
    else if (strcmp(word, "hash") == 0) hash();
    else {
      uint64_t arguments[64] = {0};
      const char *name = strtok(NULL, " \n"), *text;
      for (int i = 0; i < 64 && (text = strtok(NULL, " \n")) != NULL; i++) arguments[i] = strtoull(text, NULL, 10);
      call(module, name, arguments);
    }
  }
  return 0;
}
