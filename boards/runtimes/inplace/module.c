/* The sections of a module: what is in them is checked, and where it is is noted. */
#include "reader.h"

enum { CUSTOM, TYPES, IMPORTS, FUNCTIONS, TABLES, MEMORIES, GLOBALS, EXPORTS, START, ELEMENTS, CODE, DATA, DATA_COUNT };

/* What one section says and another has to agree with. */
struct counts {
  uint32_t bodies, data;
  bool has_data_count;
};

static bool is_same(struct signature a, struct signature b) {
  if (a.count != b.count || a.result != b.result) return false;
  for (uint32_t i = 0; i < a.count; i++) {
    if (a.parameters[i] != b.parameters[i]) return false;
  }
  return true;
}

static void read_types(struct reader *r, struct module *m, struct tables *t) {
  uint32_t count = read_count(r, TYPES_MAX);
  for (uint32_t i = 0; i < count && r->wrong == NULL; i++) {
    if (read_byte(r) != 0x60) refuse(r, "has a type that is no function's");
    t->type_at[i] = (uint32_t)(r->at - m->bytes);
    struct signature s = read_signature(r);
    uint16_t first = 0;
    while (first < i && !is_same(signature_of(m, t, first), s)) first++;
    t->types[i] = first;
    m->type_count++;
  }
}

static void read_functions(struct reader *r, struct module *m, struct tables *t) {
  uint32_t count = read_count(r, FUNCTIONS_MAX);
  for (uint32_t i = 0; i < count && r->wrong == NULL; i++) {
    uint32_t type = read_u32(r);
    if (type >= m->type_count) {
      refuse(r, "has a function of no type");
      return;
    }
    struct signature s = signature_of(m, t, type);
    t->functions[i] = (struct function){.type = t->types[type],
                                        .parameters = (uint8_t)s.count,
                                        .results = s.result != NOTHING,
                                        .locals = (uint16_t)s.count};
    m->function_count++;
  }
}

/* Limits of a table or a memory. Returns the least; `most` gets the largest, or `top`. */
static uint32_t read_limits(struct reader *r, uint32_t top, uint32_t *most) {
  uint8_t flags = read_byte(r);
  if (flags > 1) refuse(r, "has limits that are not known here");
  uint32_t least = read_u32(r);
  *most = flags == 1 ? read_u32(r) : top;
  if (least > *most || (flags == 1 && *most > top)) refuse(r, "has limits that are none");
  return least;
}

static void read_tables(struct reader *r, struct module *m) {
  uint32_t most;
  m->has_table = read_count(r, 1) != 0;
  if (!m->has_table) return;
  if (read_byte(r) != 0x70) refuse(r, "has a table of something else than functions");
  m->elements = read_limits(r, UINT32_MAX, &most);
  if (m->elements > ELEMENTS_MAX) refuse(r, "has a table that is too large");
}

static void read_memories(struct reader *r, struct module *m) {
  m->has_memory = read_count(r, 1) != 0;
  if (m->has_memory) m->pages = read_limits(r, 65536, &m->pages_max);
}

/* A constant and the end. What imports would give is not there. */
static void read_constant(struct reader *r, uint8_t type) {
  uint8_t opcode = read_byte(r);
  if (opcode == 0x41 && type == I32) read_leb(r, 32, true);
  else if (opcode == 0x42 && type == I64) read_leb(r, 64, true);
  else refuse(r, "has a constant that is none, or of another type");
  if (read_byte(r) != 0x0b) refuse(r, "has a constant that is none, or of another type");
}

static void read_globals(struct reader *r, struct module *m, struct tables *t) {
  uint32_t count = read_count(r, GLOBALS_MAX);
  m->globals_at = (uint32_t)(r->at - m->bytes);
  for (uint32_t i = 0; i < count && r->wrong == NULL; i++) {
    uint8_t type = read_type(r), is_mutable = read_byte(r);
    if (is_mutable > 1) refuse(r, "has a global that may change in a way of its own");
    read_constant(r, type);
    t->globals[i] = (uint8_t)(type & 0x7f) | (uint8_t)(is_mutable << 7);
    m->global_count++;
  }
}

/* Whether the name at `a` is that of an export before it. */
static bool is_twice(const struct module *m, const uint8_t *a, uint32_t size, uint32_t before) {
  struct reader r = {m->bytes + m->exports_at, m->bytes + m->size, NULL};
  for (uint32_t i = 0; i < before; i++) {
    uint32_t n = read_u32(&r);
    if (n == size && memcmp(r.at, a, n) == 0) return true;
    skip(&r, n);
    read_byte(&r);
    read_u32(&r);
  }
  return false;
}

static void read_exports(struct reader *r, struct module *m) {
  m->exports_at = (uint32_t)(r->at - m->bytes);
  uint32_t count = read_count(r, UINT32_MAX);
  uint32_t first = (uint32_t)(r->at - m->bytes);
  for (uint32_t i = 0; i < count && r->wrong == NULL; i++) {
    uint32_t size = read_u32(r);
    const uint8_t *name = r->at;
    skip(r, size);
    uint8_t kind = read_byte(r);
    uint32_t index = read_u32(r);
    const uint32_t there[] = {m->function_count, m->has_table, m->has_memory, m->global_count};
    if (kind > 3 || index >= there[kind]) refuse(r, "exports what is not there");
    struct module names = *m;
    names.exports_at = first;
    if (r->wrong == NULL && is_twice(&names, name, size, i)) refuse(r, "exports a name twice");
  }
}

static void read_start(struct reader *r, struct module *m, struct tables *t) {
  uint32_t function = read_u32(r);
  if (function >= m->function_count) refuse(r, "starts with a function that is not there");
  else if (t->functions[function].parameters + t->functions[function].results != 0)
    refuse(r, "starts with another type");
  m->start = function + 1;
}

static void read_elements(struct reader *r, struct module *m) {
  m->elements_at = (uint32_t)(r->at - m->bytes);
  uint32_t count = read_count(r, UINT32_MAX);
  for (uint32_t i = 0; i < count && r->wrong == NULL; i++) {
    if (read_u32(r) != 0) refuse(r, "has passive elements");
    if (!m->has_table) refuse(r, "has elements without a table");
    read_constant(r, I32);
    uint32_t functions = read_count(r, UINT32_MAX);
    for (uint32_t j = 0; j < functions && r->wrong == NULL; j++) {
      if (read_u32(r) >= m->function_count) refuse(r, "has an element that is not there");
    }
  }
}

static void read_code(struct reader *r, struct module *m, struct tables *t, struct counts *c) {
  uint32_t count = read_count(r, UINT32_MAX);
  if (count != m->function_count) refuse(r, "has not one body for each function");
  for (uint32_t i = 0; i < count && r->wrong == NULL; i++) {
    uint32_t size = read_u32(r);
    struct reader body = {r->at, r->at + size, NULL};
    skip(r, size);
    if (r->wrong != NULL) return;
    validate_function(&body, m, t, &t->functions[i]);
    if (body.wrong != NULL) refuse(r, body.wrong);
    c->bodies++;
  }
}

static void read_data(struct reader *r, struct module *m, struct counts *c) {
  m->data_at = (uint32_t)(r->at - m->bytes);
  uint32_t count = read_count(r, UINT32_MAX);
  if (c->has_data_count && count != c->data) refuse(r, "counts its data wrongly");
  for (uint32_t i = 0; i < count && r->wrong == NULL; i++) {
    if (read_u32(r) != 0) refuse(r, "has passive data");
    if (!m->has_memory) refuse(r, "has data without a memory");
    read_constant(r, I32);
    skip(r, read_u32(r));
  }
  c->data = count;
  c->has_data_count = false;
}

static void read_section(struct reader *r, uint8_t id, struct module *m, struct tables *t, struct counts *c) {
  switch (id) {
    case CUSTOM: skip(r, read_u32(r)), r->at = r->end; break;
    case TYPES: read_types(r, m, t); break;
    case IMPORTS:
      if (read_u32(r) != 0) refuse(r, "has imports");
      break;
    case FUNCTIONS: read_functions(r, m, t); break;
    case TABLES: read_tables(r, m); break;
    case MEMORIES: read_memories(r, m); break;
    case GLOBALS: read_globals(r, m, t); break;
    case EXPORTS: read_exports(r, m); break;
    case START: read_start(r, m, t); break;
    case ELEMENTS: read_elements(r, m); break;
    case DATA_COUNT: c->data = read_u32(r), c->has_data_count = true; break;
    case CODE: read_code(r, m, t, c); break;
    case DATA: read_data(r, m, c); break;
    default: refuse(r, "has a section that is not known here");
  }
  if (has_more(r)) refuse(r, "has a section that is too long");
}

/* The order of sections: the count of the data comes before the code. */
static uint32_t place_of(uint8_t id) {
  if (id == DATA_COUNT) return 2 * CODE - 1;
  return 2 * (uint32_t)id;
}

const char *inplace_load(struct module *m, struct tables *t, const uint8_t *bytes, uint32_t size) {
  static const uint8_t magic[] = {0, 'a', 's', 'm', 1, 0, 0, 0};
  struct counts c = {0};
  *m = (struct module){
      .bytes = bytes, .size = size, .functions = t->functions, .branches = t->branches, .types = t->types};
  if (size < sizeof magic || memcmp(bytes, magic, sizeof magic) != 0) return "is no WebAssembly of version 1";
  struct reader r = {bytes + sizeof magic, bytes + size, NULL};
  uint32_t last = 0;
  while (has_more(&r)) {
    uint8_t id = read_byte(&r);
    uint32_t length = read_u32(&r);
    struct reader section = {r.at, r.at + length, NULL};
    skip(&r, length);
    if (r.wrong != NULL) break;
    if (id != CUSTOM && place_of(id) <= last) refuse(&r, "has its sections in another order");
    if (id != CUSTOM) last = place_of(id);
    if (r.wrong == NULL) read_section(&section, id, m, t, &c);
    if (section.wrong != NULL) refuse(&r, section.wrong);
  }
  if (c.bodies != m->function_count) refuse(&r, "has not one body for each function");
  if (c.has_data_count && c.data != 0) refuse(&r, "counts its data wrongly");
  return r.wrong;
}
