/*
 * The interpreter. Each instruction ends with a jump to the next one's; pc, the stack and the branch that comes next
 * are local variables, which the compiler keeps in registers. The validator has seen the module: types, indices and the
 * depth of the stack within a function are right, so only addresses, divisors, elements and the depth of calls are
 * checked.
 */
#include "inplace.h"
#include "leb128.h"
#include "numeric.h"

/* For speed, whatever the rest is compiled for: each instruction gets a jump of its own. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("O2", "no-gcse", "no-crossjumping")
#endif

static union value stack[STACK_SLOTS];

/* C types and halves of a value, by value type. */
#define C_I32 uint32_t
#define C_I64 uint64_t
#define V_I32 i32
#define V_I64 i64
#define PASTE(a, b) a##b
#define C(TYPE) PASTE(C_, TYPE)
#define V(TYPE) PASTE(V_, TYPE)

/* What is not in numeric.h. */
/* clang-format off */
#define CONTROL(X) \
  X(0x00) X(0x01) X(0x02) X(0x03) X(0x04) X(0x05) X(0x0b) X(0x0c) X(0x0d) X(0x0e) X(0x0f) X(0x10) X(0x11) \
  X(0x1a) X(0x1b) X(0x20) X(0x21) X(0x22) X(0x23) X(0x24) X(0x3f) X(0x40) X(0x41) X(0x42) X(0xfc)
/* clang-format on */
#define LABEL(CODE, ...) [CODE] = &&PASTE(op_, CODE),

#define NEXT goto *labels[*pc++]
#define OP(CODE) PASTE(op_, CODE)
#define TRAP(WHY) return WHY
/* Tests count branches and calls, to end what does not end by itself. */
#ifndef TICK
#define TICK() (void)0
#endif
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

/* The address of an access of SIZE bytes: neither the sum nor what it reaches may leave the memory. */
#define ADDRESS(BASE, SIZE) \
  leb128_u32(&pc); \
  uint32_t offset = leb128_u32(&pc), address; \
  if (UNLIKELY(__builtin_add_overflow(BASE, offset, &address)) || \
      UNLIKELY(MEMORY_SIZE < (SIZE) || address > MEMORY_SIZE - (SIZE))) \
  TRAP(TRAP_BOUNDS)

/* Takes the branch of the next entry: pc is behind the opcode. */
#define BRANCH() \
  do { \
    uint32_t drop = branch->drop; \
    if (drop != 0) sp = dropped(sp, drop); \
    pc += branch->pc; \
    branch += branch->next; \
  } while (0)

/* The stack without the values that a branch drops, from under the one that it may keep. */
static inline union value *dropped(union value *sp, uint32_t drop) {
  union value kept = sp[-1];
  sp -= drop >> 1;
  if ((drop & 1) != 0) sp[-1] = kept;
  return sp;
}

static bool is_outside(uint32_t address, uint32_t size) {
  return address > MEMORY_SIZE || size > MEMORY_SIZE - address;
}

/* memory.copy (10) and memory.fill (11). Returns whether all of it lies in the memory. */
static bool bulk(uint32_t which, uint32_t to, uint32_t from, uint32_t size) {
  if (is_outside(to, size)) return false;
  if (which == 11) {
    memset(MEMORY + to, (int)from, size);
    return true;
  }
  if (is_outside(from, size)) return false;
  memmove(MEMORY + to, MEMORY + from, size);
  return true;
}

/* Bit by bit, for the rare one of 64 bits: what compilers bring for it takes 800 bytes more. */
__attribute__((noinline)) static uint64_t divided(uint64_t a, uint64_t b, bool is_signed, bool is_remainder) {
  bool is_negative = is_signed && (int64_t)(is_remainder ? a : a ^ b) < 0;
  if (is_signed && (int64_t)a < 0) a = -a;
  if (is_signed && (int64_t)b < 0) b = -b;
  uint64_t quotient = 0, rest = 0;
  for (uint32_t bits = 0; bits < 64; bits++) {
    bool carry = rest >> 63 != 0;
    rest = rest << 1 | a >> 63;
    a <<= 1;
    quotient <<= 1;
    if (carry || rest >= b) {
      rest -= b;
      quotient |= 1;
    }
  }
  uint64_t result = is_remainder ? rest : quotient;
  return is_negative ? -result : result;
}

enum trap inplace_call(const struct module *m, uint32_t index, union value *values) {
  static const void *const labels[256] = {CONTROL(LABEL) LOADS(LABEL) STORES(LABEL) UNARY(LABEL) BINARY(LABEL)
                                              DIVISIONS(LABEL)};
  const uint8_t *pc = NULL;
  const struct branch *branch = NULL;
  const struct function *function = NULL, *callee = &m->functions[index];
  union value *locals = NULL, *sp = stack;
  for (uint32_t i = 0; i < callee->parameters; i++) *sp++ = values[i];

enter : {
  TICK();
  union value *base = sp - callee->parameters, *top = base + callee->locals;
  if (UNLIKELY(callee->slots > stack + (STACK_SLOTS - FRAME_SLOTS) - base)) TRAP(TRAP_STACK);
  while (sp < top) (sp++)->i64 = 0;
  *(struct frame *)(void *)sp = (struct frame){pc, branch, locals, function};
  sp += FRAME_SLOTS;
  locals = base;
  function = callee;
  pc = m->bytes + callee->code;
  branch = m->branches + callee->branches;
  NEXT;
}

op_0x0b:
  if (pc != m->bytes + function->end) NEXT;
op_0x0f : {
  const struct frame *frame = (const struct frame *)(const void *)(locals + function->locals);
  struct frame caller = *frame;
  union value *to = locals;
  if (function->results != 0) *to++ = sp[-1];
  sp = to;
  pc = caller.pc;
  branch = caller.branch;
  locals = caller.locals;
  function = caller.function;
  if (function != NULL) NEXT;
  values[0] = stack[0];
  return TRAP_NONE;
}

op_0x00:
  TRAP(TRAP_UNREACHABLE);
op_0x02:
op_0x03:
  pc++;
op_0x01:
  NEXT;
op_0x04:
  if ((--sp)->i32 != 0) {
    branch++;
    pc++;
    NEXT;
  }
op_0x05:
  pc += branch->pc;
  branch += branch->next;
  NEXT;
op_0x0d:
  if ((--sp)->i32 == 0) {
    branch++;
    leb128_u32(&pc);
    NEXT;
  }
op_0x0c:
  TICK();
  BRANCH();
  NEXT;
op_0x0e : {
  TICK();
  const uint8_t *at = pc;
  uint32_t count = leb128_u32(&at), chosen = (--sp)->i32;
  branch += chosen < count ? chosen : count;
  BRANCH();
  NEXT;
}
op_0x10:
  callee = &m->functions[leb128_u32(&pc)];
  goto enter;
op_0x11 : {
  uint32_t type = leb128_u32(&pc), element = (--sp)->i32;
  pc++;
  if (element >= m->elements || inplace_elements[element] == 0) TRAP(TRAP_ELEMENT);
  callee = &m->functions[inplace_elements[element] - 1];
  if (callee->type != m->types[type]) TRAP(TRAP_TYPE);
  goto enter;
}
op_0x1a:
  sp--;
  NEXT;
op_0x1b:
  sp -= 2;
  if (sp[1].i32 == 0) sp[-1] = sp[0];
  NEXT;
op_0x20:
  *sp++ = locals[leb128_u32(&pc)];
  NEXT;
op_0x21:
  locals[leb128_u32(&pc)] = *--sp;
  NEXT;
op_0x22:
  locals[leb128_u32(&pc)] = sp[-1];
  NEXT;
op_0x23:
  *sp++ = inplace_globals[leb128_u32(&pc)];
  NEXT;
op_0x24:
  inplace_globals[leb128_u32(&pc)] = *--sp;
  NEXT;
op_0x3f:
  pc++;
  (sp++)->i32 = (uint32_t)(((uint64_t)MEMORY_SIZE + 65535) >> 16);
  NEXT;
op_0x40:
  pc++;
  sp[-1].i32 = MEMORY_GROW(m, sp[-1].i32);
  NEXT;
op_0x41:
  (sp++)->i32 = (uint32_t)leb128_s32(&pc);
  NEXT;
op_0x42:
  (sp++)->i64 = (uint64_t)leb128_s64(&pc);
  NEXT;
op_0xfc : {
  uint32_t which = leb128_u32(&pc);
  pc += which == 10 ? 2 : 1;
  sp -= 3;
  if (!bulk(which, sp[0].i32, sp[1].i32, sp[2].i32)) TRAP(TRAP_BOUNDS);
  NEXT;
}

#define L(CODE, TYPE, MEMORY_TYPE, SIZE) \
  OP(CODE) : { \
    ADDRESS(sp[-1].i32, 1 << SIZE); \
    MEMORY_TYPE x; \
    __builtin_memcpy(&x, MEMORY + address, sizeof x); \
    sp[-1].V(TYPE) = (C(TYPE))x; \
    NEXT; \
  }
  LOADS(L)

#define S(CODE, TYPE, MEMORY_TYPE, SIZE) \
  OP(CODE) : { \
    ADDRESS(sp[-2].i32, 1 << SIZE); \
    MEMORY_TYPE x = (MEMORY_TYPE)sp[-1].V(TYPE); \
    __builtin_memcpy(MEMORY + address, &x, sizeof x); \
    sp -= 2; \
    NEXT; \
  }
  STORES(S)

#define U(CODE, TYPE, RESULT, VALUE) \
  OP(CODE) : { \
    C(TYPE) a = sp[-1].V(TYPE); \
    sp[-1].V(RESULT) = (VALUE); \
    NEXT; \
  }
  UNARY(U)

#define B(CODE, TYPE, RESULT, VALUE) \
  OP(CODE) : { \
    C(TYPE) b = (--sp)->V(TYPE), a = sp[-1].V(TYPE); \
    sp[-1].V(RESULT) = (C(RESULT))(VALUE); \
    NEXT; \
  }
  BINARY(B)

/* The least number by -1 is the one quotient that does not fit; its remainder is 0. */
#define D(CODE, TYPE, C_TYPE, IS_SIGNED, IS_REMAINDER) \
  OP(CODE) : { \
    C_TYPE b = (C_TYPE)(--sp)->V(TYPE), a = (C_TYPE)sp[-1].V(TYPE); \
    if (b == 0) TRAP(TRAP_DIVISION); \
    if (IS_SIGNED && b == (C_TYPE)-1) { \
      if (!IS_REMAINDER && (C(TYPE))a == (C(TYPE))1 << (8 * sizeof a - 1)) TRAP(TRAP_OVERFLOW); \
      sp[-1].V(TYPE) = IS_REMAINDER ? 0 : -(C(TYPE))a; \
      NEXT; \
    } \
    sp[-1].V(TYPE) = sizeof a == 8  ? (C(TYPE))divided((uint64_t)a, (uint64_t)b, IS_SIGNED, IS_REMAINDER) \
                     : IS_REMAINDER ? (C(TYPE))(a % b) \
                                    : (C(TYPE))(a / b); \
    NEXT; \
  }
  DIVISIONS(D)
}
