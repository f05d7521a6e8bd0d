/*
 * The interpreter for its tests. It reads a command a line: `load FILE` says whether the module is refused, and starts
 * it; `call NAME ARGUMENT…` calls an export and prints its result or trap; `hash` prints a sum of the first 4,096
 * bytes. With INPLACE_FUZZ it is a target of libFuzzer: what is not refused is run, and no access may leave what is its
 * own.
 */
#include <stdio.h>
#include <stdlib.h>

#include "inplace.h"
#include "leb128.h"

#ifdef INPLACE_FUZZ
enum { PAGE = 65536, PAGES_MAX = 8 };
#else
enum { PAGE = 65536, PAGES_MAX = 1024 };
#endif

uint8_t *test_memory;
uint32_t test_memory_size;
uint32_t test_fuel;
static struct tables tables;
static struct module module;
static uint8_t *bytes;

uint32_t test_memory_grow(const struct module *m, uint32_t pages) {
  uint32_t had = test_memory_size / PAGE, most = m->pages_max < PAGES_MAX ? m->pages_max : PAGES_MAX;
  if (pages > most || had + pages > most) return UINT32_MAX;
  if (pages == 0) return had;
  test_memory = realloc(test_memory, (size_t)(had + pages) * PAGE);
  memset(test_memory + test_memory_size, 0, (size_t)pages * PAGE);
  test_memory_size += pages * PAGE;
  return had;
}

/* Takes the module that has been read into `bytes`. Returns NULL, or why not. */
static const char *take(uint32_t size) {
  const char *refused = inplace_load(&module, &tables, bytes, size);
  if (refused == NULL && module.pages > PAGES_MAX) refused = "wants more memory than the test has";
  if (refused != NULL) return refused;
  free(test_memory);
  test_memory_size = module.pages * PAGE;
  test_memory = calloc(test_memory_size + 1, 1);
  return NULL;
}

#ifdef INPLACE_FUZZ
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  free(bytes);
  bytes = malloc(size);
  memcpy(bytes, data, size);
  if (take((uint32_t)size) != NULL) return 0;
  test_fuel = 2000;
  if (inplace_instantiate(&module) != TRAP_NONE) return 0;
  for (uint32_t i = 0; i < module.function_count && i < 64; i++) {
    union value values[256];
    for (uint32_t j = 0; j < 256; j++) values[j].i64 = (uint64_t)j * 0x9e3779b97f4a7c15u >> (j & 1 ? 50 : 0);
    test_fuel = 2000;
    inplace_call(&module, i, values);
  }
  return 0;
}
#else
static void load(const char *path) {
  FILE *file = fopen(path, "rb");
  if (file == NULL) exit(1);
  fseek(file, 0, SEEK_END);
  long size = ftell(file);
  rewind(file);
  /* Of its very size, so that a byte behind it is one too many. */
  free(bytes);
  bytes = malloc((size_t)size);
  if (fread(bytes, 1, (size_t)size, file) != (size_t)size) exit(1);
  fclose(file);
  const char *refused = take((uint32_t)size);
  test_fuel = UINT32_MAX;
  enum trap trap = refused == NULL ? inplace_instantiate(&module) : TRAP_NONE;
  /* Nothing of what was refused is called. */
  if (refused != NULL) module.exports_at = 0;
  if (refused != NULL) printf("refused: the module %s\n", refused);
  else if (trap != TRAP_NONE) printf("trap: %s\n", inplace_trap_name(trap));
  else printf("loaded\n");
}

static void call(char *name) {
  union value values[256] = {{0}};
  strtok(name, " ");
  char *argument;
  for (uint32_t i = 0; i < 256 && (argument = strtok(NULL, " ")) != NULL; i++)
    values[i].i64 = strtoull(argument, NULL, 10);
  int32_t function = inplace_find(&module, name);
  if (function < 0) {
    printf("missing\n");
    return;
  }
  test_fuel = 100 * 1000 * 1000;
  enum trap trap = inplace_call(&module, (uint32_t)function, values);
  if (trap != TRAP_NONE) printf("trap: %s\n", inplace_trap_name(trap));
  else printf("= %llu\n", (unsigned long long)values[0].i64);
}

static void hash(void) {
  uint64_t sum = 0xcbf29ce484222325u;
  for (uint32_t i = 0; i < test_memory_size && i < 4096; i++) sum = (sum ^ test_memory[i]) * 0x100000001b3u;
  printf("= %llu\n", (unsigned long long)sum);
}

int main(void) {
  static char line[65536];
  while (fgets(line, sizeof line, stdin) != NULL) {
    line[strcspn(line, "\n")] = 0;
    if (strncmp(line, "load ", 5) == 0) load(line + 5);
    else if (strncmp(line, "call ", 5) == 0) call(line + 5);
    else hash();
  }
  free(bytes);
  free(test_memory);
  return 0;
}
#endif
