/*
 * Runs where the firmware is built: `tables MODULE NUMBERS TABLES` validates the module with the board's own code, and
 * writes how large everything is, and the module with its tables as C.
 */
#include <stdio.h>
#include <stdlib.h>

#include "inplace.h"

static uint8_t bytes[1 << 20];
static struct tables tables;
static struct module module;

static FILE *opened(const char *path, const char *how) {
  FILE *file = fopen(path, how);
  if (file == NULL) {
    fprintf(stderr, "%s cannot be opened\n", path);
    exit(1);
  }
  return file;
}

/* An array of C has one entry at least. */
static uint32_t one(uint32_t n) { return n > 0 ? n : 1; }

static void write_numbers(FILE *to) {
  fprintf(to,
          "enum { GLOBALS_MAX = %u, ELEMENTS_MAX = %u, TYPES_MAX = %u, FUNCTIONS_MAX = %u, BRANCHES_MAX = %u,\n"
          "  LOCALS_MAX = 256, OPERANDS_MAX = 256, BLOCKS_MAX = 64 };\n",
          one(module.global_count), one(module.elements), one(module.type_count), one(module.function_count),
          one(module.branch_count));
}

static void write_bytes(FILE *to) {
  fprintf(to, "static const uint8_t inplace_bytes[] = {");
  for (uint32_t i = 0; i < module.size; i++) fprintf(to, "%u,%s", bytes[i], i % 32 == 31 ? "\n" : "");
  fprintf(to, "};\n");
}

static void write_tables(FILE *to) {
  fprintf(to, "static const struct function inplace_functions[] = {\n");
  for (uint32_t i = 0; i < module.function_count; i++) {
    const struct function *f = &module.functions[i];
    fprintf(to, "{%u, %u, %u, %u, %u, %u, %u, %u},\n", f->code, f->end, f->branches, f->locals, f->slots, f->type,
            f->parameters, f->results);
  }
  fprintf(to, "};\nstatic const struct branch inplace_branches[] = {\n");
  for (uint32_t i = 0; i < module.branch_count; i++) {
    const struct branch *b = &module.branches[i];
    fprintf(to, "{%d, %d, %u},\n", b->pc, b->next, b->drop);
  }
  fprintf(to, "};\nstatic const uint16_t inplace_types[] = {");
  for (uint32_t i = 0; i < module.type_count; i++) fprintf(to, "%u, ", module.types[i]);
  fprintf(to, "};\n");
}

static void write_module(FILE *to) {
  fprintf(
      to,
      "static const struct module inplace_module = {.bytes = inplace_bytes, .functions = inplace_functions,\n"
      "  .branches = inplace_branches, .types = inplace_types, .size = %u, .function_count = %u, .branch_count = %u,\n"
      "  .type_count = %u, .global_count = %u, .has_memory = %d, .has_table = %d, .pages = %u, .pages_max = %uu,\n"
      "  .elements = %u, .globals_at = %u, .exports_at = %u, .elements_at = %u, .data_at = %u, .start = %u};\n",
      module.size, module.function_count, module.branch_count, module.type_count, module.global_count,
      module.has_memory, module.has_table, module.pages, module.pages_max, module.elements, module.globals_at,
      module.exports_at, module.elements_at, module.data_at, module.start);
}

int main(int count, char **paths) {
  if (count != 4) return 2;
  FILE *file = opened(paths[1], "rb");
  uint32_t size = (uint32_t)fread(bytes, 1, sizeof bytes, file);
  fclose(file);
  const char *refused = inplace_load(&module, &tables, bytes, size);
  if (refused != NULL) {
    fprintf(stderr, "the module %s\n", refused);
    return 1;
  }
  file = opened(paths[2], "w");
  write_numbers(file);
  fclose(file);
  file = opened(paths[3], "w");
  write_bytes(file);
  fprintf(file, "#ifndef INPLACE_ON_BOARD\n");
  write_tables(file);
  write_module(file);
  fprintf(file, "#endif\n");
  fclose(file);
  return 0;
}
