/* Reads a module that nobody has looked at: what lies behind the end, or is written wrongly, is noted once. */
#ifndef READER_H
#define READER_H

#include "inplace.h"

struct reader {
  const uint8_t *at, *end;
  /* NULL, or what is wrong. From then on nothing is read. */
  const char *wrong;
};

static inline void refuse(struct reader *r, const char *why) {
  if (r->wrong == NULL) r->wrong = why;
  r->at = r->end;
}

static inline bool has_more(const struct reader *r) { return r->at < r->end; }

static inline uint8_t read_byte(struct reader *r) {
  if (r->at < r->end) return *r->at++;
  refuse(r, "ends too early");
  return 0;
}

/* A number of `bits` bits in as many bytes as it may take at most; the last one has no bits that are too many. */
static inline uint64_t read_leb(struct reader *r, uint32_t bits, bool is_signed) {
  uint64_t value = 0;
  for (uint32_t shift = 0; shift < bits; shift += 7) {
    uint8_t byte = read_byte(r);
    value |= (uint64_t)(byte & 0x7f) << shift;
    if (shift + 7 > bits) {
      uint32_t used = bits - shift, over = (byte & 0x7f) >> (is_signed ? used - 1 : used);
      if (over != 0 && !(is_signed && over == 0x7fu >> (used - 1))) refuse(r, "has a number that is too large");
    }
    if ((byte & 0x80) != 0) continue;
    if (is_signed && (byte & 0x40) != 0 && shift + 7 < 64) value |= ~(uint64_t)0 << (shift + 7);
    return value;
  }
  refuse(r, "has a number that is too long");
  return 0;
}

static inline uint32_t read_u32(struct reader *r) { return (uint32_t)read_leb(r, 32, false); }

/* How many entries follow, of one byte at least each. */
static inline uint32_t read_count(struct reader *r, uint32_t max) {
  uint32_t count = read_u32(r);
  if (count > (uint32_t)(r->end - r->at)) refuse(r, "ends too early");
  else if (count > max) refuse(r, "has more of something than there is room for");
  return r->wrong == NULL ? count : 0;
}

static inline void skip(struct reader *r, uint32_t size) {
  if (size > (uint32_t)(r->end - r->at)) refuse(r, "ends too early");
  else r->at += size;
}

static inline uint8_t read_type(struct reader *r) {
  uint8_t type = read_byte(r);
  if (type == 0x7d || type == 0x7c) refuse(r, "has floats");
  else if (type != I32 && type != I64) refuse(r, "has a type that is not known here");
  return type;
}

/* A function's type: where its parameters are, and its result, or NOTHING. */
struct signature {
  const uint8_t *parameters;
  uint32_t count;
  uint8_t result;
};

static inline struct signature read_signature(struct reader *r) {
  struct signature s = {NULL, read_count(r, 255), NOTHING};
  s.parameters = r->at;
  for (uint32_t i = 0; i < s.count; i++) read_type(r);
  uint32_t results = read_count(r, UINT32_MAX);
  if (results > 1) refuse(r, "has functions with several results");
  else if (results == 1) s.result = read_type(r);
  return s;
}

/* Of a type that was read before. */
static inline struct signature signature_of(const struct module *m, const struct tables *t, uint32_t type) {
  struct reader r = {m->bytes + t->type_at[type], m->bytes + m->size, NULL};
  return read_signature(&r);
}

/* Checks the instructions of a function and writes its branches. (validate.c) */
void validate_function(struct reader *r, struct module *m, struct tables *t, struct function *f);

#endif
