/*
 * The validator, after the appendix of the specification: one pass over the instructions of a function, with the types
 * on its stack and the blocks that are open. What it finds out about branches is kept for the interpreter.
 */
#include "numeric.h"
#include "reader.h"

enum { BLOCK = 0x02, LOOP = 0x03, IF = 0x04, ELSE = 0x05 };
enum { UNRESOLVED = UINT16_MAX };

/* A block that is open. */
struct block {
  uint8_t opcode, result;
  bool is_unreachable;
  /* Values on the stack below it. */
  uint16_t height;
  /* A loop: where its branches go, in the function, and which entry is next there. */
  uint16_t at, entry;
  /* The last of the branches that wait for its end, and the one of `if` that waits for `else`. */
  uint16_t waiting, otherwise;
};

struct checker {
  struct reader *r;
  struct module *m;
  const struct tables *t;
  struct function *f;
  struct branch *branches;
  const uint8_t *code;
  /* Declared locals, as they stand in the module. */
  const uint8_t *declared;
  uint32_t entries, entries_max, height, highest, depth;
};

static uint8_t operands[OPERANDS_MAX];
static struct block blocks[BLOCKS_MAX];

static struct block *innermost(const struct checker *c) { return &blocks[c->depth - 1]; }

static void push(struct checker *c, uint8_t type) {
  if (c->height >= OPERANDS_MAX) {
    refuse(c->r, "has a function with too many values on the stack");
    return;
  }
  operands[c->height++] = type;
  if (c->height > c->highest) c->highest = c->height;
}

/* Takes a value of that type, or of any; returns its type. Where nothing arrives there are as many as are asked for. */
static uint8_t pop(struct checker *c, uint8_t type) {
  const struct block *b = innermost(c);
  if (c->height == b->height) {
    if (!b->is_unreachable) refuse(c->r, "takes a value from an empty stack");
    return type;
  }
  uint8_t found = operands[--c->height];
  if (type != ANY && found != ANY && found != type) refuse(c->r, "takes a value of another type");
  return found == ANY ? type : found;
}

static void pop_result(struct checker *c, uint8_t result) {
  if (result != NOTHING) pop(c, result);
}

static void push_result(struct checker *c, uint8_t result) {
  if (result != NOTHING) push(c, result);
}

static void unreachable(struct checker *c) {
  innermost(c)->is_unreachable = true;
  c->height = innermost(c)->height;
}

static void open_block(struct checker *c, uint8_t opcode, uint8_t result) {
  if (c->depth >= BLOCKS_MAX) {
    refuse(c->r, "has too many blocks in one another");
    return;
  }
  blocks[c->depth++] = (struct block){.opcode = opcode,
                                      .result = result,
                                      .height = (uint16_t)c->height,
                                      .at = (uint16_t)(c->r->at - c->code),
                                      .entry = (uint16_t)c->entries,
                                      .waiting = UNRESOLVED,
                                      .otherwise = UNRESOLVED};
}

/* An entry is written twice: until its target is known it holds where it is and which one waits for the same. */
static void resolve(struct checker *c, uint16_t entry, uint32_t at, uint32_t next) {
  struct branch *b = &c->branches[entry];
  b->pc = (int16_t)(at - (uint16_t)b->pc);
  b->next = (int16_t)(next - entry);
}

/* Adds an entry for a branch whose opcode lies before `from`. */
static uint16_t add_entry(struct checker *c, const uint8_t *from, uint32_t drop, bool keeps) {
  if (c->entries >= c->entries_max) {
    refuse(c->r, "has more branches than there is room for");
    return 0;
  }
  c->branches[c->entries] = (struct branch){.pc = (int16_t)(from - c->code), .drop = (uint16_t)(drop << 1 | keeps)};
  return (uint16_t)c->entries++;
}

/* A branch out of `depth` blocks. Values that it takes along are on the stack. Returns the type that it needs. */
static uint8_t branch_to(struct checker *c, const uint8_t *from, uint32_t depth) {
  if (depth >= c->depth) {
    refuse(c->r, "has a branch to no block");
    return NOTHING;
  }
  struct block *b = &blocks[c->depth - 1 - depth];
  uint8_t type = b->opcode == LOOP ? NOTHING : b->result;
  uint32_t keeps = type != NOTHING, drop = c->height > b->height + keeps ? c->height - b->height - keeps : 0;
  uint16_t entry = add_entry(c, from, drop, keeps != 0);
  if (c->r->wrong != NULL) return type;
  if (b->opcode == LOOP) {
    resolve(c, entry, b->at, b->entry);
  } else {
    c->branches[entry].next = (int16_t)b->waiting;
    b->waiting = entry;
  }
  return type;
}

static void branch_table(struct checker *c, const uint8_t *from) {
  pop(c, I32);
  uint32_t count = read_count(c->r, UINT32_MAX);
  uint8_t type = ANY;
  for (uint32_t i = 0; i <= count && c->r->wrong == NULL; i++) {
    uint8_t needed = branch_to(c, from, read_u32(c->r));
    if (type != ANY && needed != type) refuse(c->r, "has a branch table of several types");
    type = needed;
  }
  if (c->r->wrong != NULL) return;
  pop_result(c, type);
  unreachable(c);
}

static uint8_t block_type(struct checker *c) {
  uint8_t type = read_byte(c->r);
  if (type == NOTHING) return type;
  if ((type & 0xc0) != 0x40) refuse(c->r, "has blocks with several values");
  else if (type != I32 && type != I64)
    refuse(c->r, type == 0x7d || type == 0x7c ? "has floats" : "has an unknown block");
  return type;
}

/* The values on the stack at the end of a block are its result and nothing else. */
static void close_values(struct checker *c) {
  const struct block *b = innermost(c);
  pop_result(c, b->result);
  if (c->height != b->height) refuse(c->r, "leaves values behind in a block");
}

static void otherwise(struct checker *c, const uint8_t *from) {
  struct block *b = innermost(c);
  close_values(c);
  if (b->opcode != IF || c->r->wrong != NULL) {
    refuse(c->r, "has an else without its if");
    return;
  }
  uint16_t entry = add_entry(c, from, 0, false);
  if (c->r->wrong != NULL) return;
  c->branches[entry].next = (int16_t)b->waiting;
  b->waiting = entry;
  resolve(c, b->otherwise, (uint32_t)(from - c->code), c->entries);
  b->opcode = ELSE;
  b->is_unreachable = false;
}

/* The end of a block. Branches to the function's own lead before its end, which returns. */
static void close_block(struct checker *c) {
  struct block b = *innermost(c);
  close_values(c);
  if (b.opcode == IF && b.result != NOTHING) refuse(c->r, "has an if without else that gives a value");
  if (c->r->wrong != NULL) return;
  uint32_t at = (uint32_t)(c->r->at - c->code) - (c->depth == 1 ? 1 : 0);
  if (b.opcode == IF) resolve(c, b.otherwise, at, c->entries);
  for (uint16_t entry = b.waiting; entry != UNRESOLVED;) {
    uint16_t waits = (uint16_t)c->branches[entry].next;
    resolve(c, entry, at, c->entries);
    entry = waits;
  }
  c->depth--;
  if (c->depth > 0) push_result(c, b.result);
}

static void call(struct checker *c, struct signature s) {
  for (uint32_t i = s.count; i > 0; i--) pop(c, s.parameters[i - 1]);
  push_result(c, s.result);
}

static void call_direct(struct checker *c) {
  uint32_t index = read_u32(c->r);
  if (index >= c->m->function_count) refuse(c->r, "calls a function that is not there");
  else call(c, signature_of(c->m, c->t, c->t->functions[index].type));
}

static void call_indirect(struct checker *c) {
  uint32_t type = read_u32(c->r);
  if (read_byte(c->r) != 0 || !c->m->has_table) refuse(c->r, "calls through a table that is not there");
  if (type >= c->m->type_count) {
    refuse(c->r, "calls a function of no type");
    return;
  }
  pop(c, I32);
  call(c, signature_of(c->m, c->t, type));
}

/* The type of a local: a parameter's, or what its group of declarations says. */
static uint8_t local_type(struct checker *c, uint32_t index) {
  struct signature s = signature_of(c->m, c->t, c->f->type);
  if (index < s.count) return s.parameters[index];
  index -= s.count;
  struct reader r = {c->declared, c->r->end, NULL};
  for (uint32_t groups = read_u32(&r); groups > 0 && r.wrong == NULL; groups--) {
    uint32_t count = read_u32(&r);
    uint8_t type = read_byte(&r);
    if (index < count) return type;
    index -= count;
  }
  refuse(c->r, "names a local that is not there");
  return ANY;
}

static void variable(struct checker *c, uint8_t opcode) {
  uint32_t index = read_u32(c->r);
  if (opcode >= 0x23) {
    if (index >= c->m->global_count) {
      refuse(c->r, "names a global that is not there");
      return;
    }
    uint8_t global = c->t->globals[index];
    if (opcode == 0x23) push(c, global & 0x7f);
    else if ((global & 0x80) == 0) refuse(c->r, "changes a global that is constant");
    else pop(c, global & 0x7f);
    return;
  }
  uint8_t type = local_type(c, index);
  if (opcode != 0x20) pop(c, type);
  if (opcode != 0x21) push(c, type);
}

static void needs_memory(struct checker *c) {
  if (!c->m->has_memory) refuse(c->r, "has no memory to load from");
}

/* The alignment and the offset of an access of 2^`size` bytes. */
static void memory_argument(struct checker *c, uint32_t size) {
  needs_memory(c);
  if (read_u32(c->r) > size) refuse(c->r, "promises more alignment than there can be");
  read_u32(c->r);
}

/* Loads and stores. Returns whether it was one. */
static bool access(struct checker *c, uint8_t opcode) {
  switch (opcode) {
#define L(CODE, TYPE, MEMORY_TYPE, SIZE) \
  case CODE: memory_argument(c, SIZE), pop(c, I32), push(c, TYPE); return true;
    LOADS(L)
#undef L
#define S(CODE, TYPE, MEMORY_TYPE, SIZE) \
  case CODE: memory_argument(c, SIZE), pop(c, TYPE), pop(c, I32); return true;
    STORES(S)
#undef S
  }
  return false;
}

/* What the opcode of an instruction from numeric.h says of types. Returns whether it was one. */
static bool numeric(struct checker *c, uint8_t opcode) {
  switch (opcode) {
#define U(CODE, TYPE, RESULT, VALUE) \
  case CODE: pop(c, TYPE), push(c, RESULT); return true;
    UNARY(U)
#undef U
#define B(CODE, TYPE, RESULT, VALUE) \
  case CODE: pop(c, TYPE), pop(c, TYPE), push(c, RESULT); return true;
    BINARY(B)
#undef B
#define D(CODE, TYPE, C_TYPE, IS_SIGNED, IS_REMAINDER) \
  case CODE: pop(c, TYPE), pop(c, TYPE), push(c, TYPE); return true;
    DIVISIONS(D)
#undef D
  }
  return false;
}

/* memory.copy and memory.fill. */
static void bulk(struct checker *c) {
  uint32_t which = read_u32(c->r);
  if (which != 10 && which != 11) refuse(c->r, "has an instruction that is not known here");
  for (uint32_t memories = which == 10 ? 2 : 1; memories > 0; memories--) {
    if (read_byte(c->r) != 0) refuse(c->r, "names a memory that is not there");
  }
  needs_memory(c);
  for (int i = 0; i < 3; i++) pop(c, I32);
}

static void control(struct checker *c, uint8_t opcode, const uint8_t *from) {
  uint8_t type;
  switch (opcode) {
    case 0x00: unreachable(c); break;
    case 0x01: break;
    case BLOCK:
    case LOOP:
      type = block_type(c);
      open_block(c, opcode, type);
      break;
    case IF:
      type = block_type(c);
      pop(c, I32);
      open_block(c, IF, type);
      innermost(c)->otherwise = add_entry(c, from, 0, false);
      break;
    case ELSE: otherwise(c, from); break;
    case 0x0b: close_block(c); break;
    case 0x0c:
      pop_result(c, branch_to(c, from, read_u32(c->r)));
      unreachable(c);
      break;
    case 0x0d:
      pop(c, I32);
      type = branch_to(c, from, read_u32(c->r));
      pop_result(c, type);
      push_result(c, type);
      break;
    case 0x0e: branch_table(c, from); break;
    case 0x0f:
      pop_result(c, blocks[0].result);
      unreachable(c);
      break;
    case 0x10: call_direct(c); break;
    case 0x11: call_indirect(c); break;
    default: refuse(c->r, "has an instruction that is not known here");
  }
}

static void select_one(struct checker *c) {
  pop(c, I32);
  uint8_t a = pop(c, ANY), b = pop(c, ANY);
  if (a != ANY && b != ANY && a != b) refuse(c->r, "selects between two types");
  push(c, a != ANY ? a : b);
}

static bool is_float(uint8_t opcode) {
  return opcode == 0x2a || opcode == 0x2b || opcode == 0x38 || opcode == 0x39 || opcode == 0x43 || opcode == 0x44 ||
         (opcode >= 0x5b && opcode <= 0x66) || (opcode >= 0x8b && opcode <= 0xbf);
}

static void instruction(struct checker *c) {
  uint8_t opcode = read_byte(c->r);
  if (opcode <= 0x11) control(c, opcode, c->r->at);
  else if (opcode == 0x1a) pop(c, ANY);
  else if (opcode == 0x1b) select_one(c);
  else if (opcode >= 0x20 && opcode <= 0x24) variable(c, opcode);
  else if (opcode == 0x3f || opcode == 0x40) {
    needs_memory(c);
    if (read_byte(c->r) != 0) refuse(c->r, "names a memory that is not there");
    if (opcode == 0x40) pop(c, I32);
    push(c, I32);
  } else if (opcode == 0x41) {
    read_leb(c->r, 32, true);
    push(c, I32);
  } else if (opcode == 0x42) {
    read_leb(c->r, 64, true);
    push(c, I64);
  } else if (opcode == 0xfc) bulk(c);
  else if (!access(c, opcode) && !numeric(c, opcode)) {
    refuse(c->r, is_float(opcode) ? "has floats" : "has an instruction that is not known here");
  }
}

/* The locals that a function declares: groups of a count and a type. */
static void declare(struct checker *c) {
  c->declared = c->r->at;
  uint64_t locals = c->f->parameters;
  for (uint32_t groups = read_count(c->r, UINT32_MAX); groups > 0 && c->r->wrong == NULL; groups--) {
    locals += read_u32(c->r);
    read_type(c->r);
    if (locals > LOCALS_MAX) refuse(c->r, "has a function with too many locals");
  }
  c->f->locals = (uint16_t)locals;
}

void validate_function(struct reader *r, struct module *m, struct tables *t, struct function *f) {
  struct checker c = {.r = r, .m = m, .t = t, .f = f, .branches = t->branches + m->branch_count};
  c.entries_max = BRANCHES_MAX - m->branch_count < INT16_MAX ? BRANCHES_MAX - m->branch_count : INT16_MAX;
  declare(&c);
  if (r->end - r->at > INT16_MAX) refuse(r, "has a function that is too long");
  c.code = r->at;
  open_block(&c, BLOCK, signature_of(m, t, f->type).result);
  while (c.depth > 0 && r->wrong == NULL) instruction(&c);
  if (has_more(r)) refuse(r, "has instructions behind the end of a function");
  if (m->branch_count > UINT16_MAX) refuse(r, "has more branches than there is room for");
  f->code = (uint32_t)(c.code - m->bytes);
  f->end = (uint32_t)(r->end - m->bytes);
  f->branches = (uint16_t)m->branch_count;
  f->slots = (uint16_t)(f->locals + c.highest);
  m->branch_count += c.entries;
}
