/* Addresses: as WASI passes them, as the stack has them, and as text. */
#include "wasi.h"

enum { IP_SIZE = 16, PARTS = 8 };
/* How many addresses the interface has at most, all origins together. */
enum { OWN_MAX = 16 };

/* `parts`: four bytes; or the flow, which nobody asks for, and eight numbers. The scope is the one interface's. */
struct place place_of(int32_t family, uint32_t port, const uint32_t *parts) {
  struct place p = {.six = family != 0, .port = port & 0xffff};
  for (uint32_t n = 0; n < 4 && !p.six; n++) p.ip = p.ip << 8 | (parts[n] & 0xff);
  for (uint32_t n = 0; n < PARTS && p.six; n++)
    p.bytes[2 * n] = (uint8_t)(parts[n + 1] >> 8), p.bytes[2 * n + 1] = (uint8_t)parts[n + 1];
  return p;
}

struct place place_named(uint32_t name, uint32_t port) {
  struct place p = {.ip = name, .port = port};
  p.six = stint_ip6_bytes(name, p.bytes) == 0;
  return p;
}

uint32_t place_name(const struct place *p) { return p->six ? stint_ip6_name((void *)(uintptr_t)p->bytes) : p->ip; }

uint32_t place_every(const struct place *p) { return is_any(p) && !p->six ? UINT32_MAX : place_name(p); }

static int same_bytes(const uint8_t *a, const uint8_t *b, uint32_t size) {
  while (size != 0 && *a == *b) a++, b++, size--;
  return size == 0;
}

/* The usable address of ours that these bytes are; 0: there is none. */
static const struct stint_ip6_info *find(const uint8_t *bytes) {
  static struct stint_ip6_info info;
  for (uint32_t i = 0; i < OWN_MAX && stint_ip6_info(i, &info) == 0; i++)
    if (info.state == STINT_IP6_VALID && same_bytes(bytes, (const uint8_t *)&info, IP_SIZE)) return &info;
  return 0;
}

uint32_t place_own(const struct place *p) {
  if (!p->six) return p->ip;
  const struct stint_ip6_info *info = is_any(p) ? 0 : find(p->bytes);
  return info == 0 ? 0 : info->name;
}

static int ends_in(const uint8_t *bytes, uint8_t last) {
  for (uint32_t n = 0; n < IP_SIZE - 1; n++)
    if (bytes[n] != 0) return 0;
  return bytes[IP_SIZE - 1] == last;
}

int is_any(const struct place *p) { return p->six ? ends_in(p->bytes, 0) : p->ip == 0; }
int is_loopback(const struct place *p) { return p->six ? ends_in(p->bytes, 1) : p->ip >> 24 == 127; }

int is_own(const struct place *p) {
  return is_loopback(p) || (p->six ? find(p->bytes) != 0 : p->ip != 0 && p->ip == own_ip);
}

int is_same(const struct place *a, const struct place *b) {
  if (a->six != b->six || a->port != b->port) return 0;
  return a->six ? same_bytes(a->bytes, b->bytes, IP_SIZE) : a->ip == b->ip;
}

static int is_link_local(const uint8_t *bytes) { return bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80; }

struct place place_towards(const struct place *p, uint32_t port) {
  struct place own = {.six = p->six, .ip = own_ip};
  struct stint_ip6_info info;
  uint32_t count = 0;
  if (is_loopback(p)) own = *p;
  for (uint32_t i = 0; p->six && !is_loopback(p) && i < OWN_MAX && stint_ip6_info(i, &info) == 0; i++) {
    const struct place one = place_named(info.name, 0);
    if (info.state != STINT_IP6_VALID || is_loopback(&one)) continue;
    if (is_link_local(one.bytes) != is_link_local(p->bytes)) continue;
    own = one;
    count++;
  }
  if (count > 1) own = (struct place){.six = 1};
  own.port = port;
  return own;
}

/* ::ffff:0:0/96: it is to be said as what it is (wasi:sockets has no dual sockets). */
static int is_mapped(const struct place *p) {
  static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};
  return p->six && same_bytes(p->bytes, prefix, sizeof prefix);
}

uint32_t wrong_peer(const struct place *p, int six) {
  if (p->six != six || is_any(p) || p->port == 0 || is_mapped(p)) return INVALID_ARGUMENT;
  /* Of 240/4 there is nobody, but 255.255.255.255. */
  return !six && p->ip >> 28 == 15 && p->ip != UINT32_MAX ? REMOTE_UNREACHABLE : 0;
}

uint32_t wrong_own(const struct place *p, int six) {
  if (p->six != six || is_mapped(p)) return INVALID_ARGUMENT;
  return is_any(p) || is_own(p) ? 0 : ADDRESS_NOT_BINDABLE;
}

/* Its parts as WASI has them, a number of 16 bits each. */
static void put_parts(uint8_t *to, const struct place *p) {
  for (uint32_t n = 0; n < 4 && !p->six; n++) to[n] = (uint8_t)(p->ip >> (24 - n * 8));
  for (uint32_t n = 0; n < IP_SIZE && p->six; n++) to[n] = p->bytes[n ^ 1];
}

void put_ip(uint8_t *to, const struct place *p) {
  to[0] = (uint8_t)p->six, to[1] = 0;
  put_parts(to + 2, p);
}

void put_place(void *to, const struct place *p) {
  enum { SIZE = 32, PORT = 4, FOUR = 6, SIX = 12 };
  uint8_t *bytes = to;
  __builtin_memset(bytes, 0, SIZE);
  bytes[0] = (uint8_t)p->six;
  bytes[PORT] = (uint8_t)p->port, bytes[PORT + 1] = (uint8_t)(p->port >> 8);
  put_parts(bytes + (p->six ? SIX : FOUR), p);
}

union result *address(const struct place *p) {
  result.word[0] = 0;
  put_place(result.word + 1, p);
  return &result;
}

static int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c |= 32;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/*
 * RFC 4291 §2.2: up to eight numbers with colons between, a run of zeroes as "::" once, the last two as an IPv4
 * address.
 */
static int read_six(const char *text, uint32_t size, uint8_t *bytes) {
  uint32_t n = 0, gap = IP_SIZE + 1, at = 0, four[4];
  if (size >= 2 && text[0] == ':' && text[1] == ':') gap = 0, at = 2;
  while (at < size) {
    uint32_t value = 0, digits = 0;
    const uint32_t from = at;
    for (; at < size && digits < 4 && digit_of(text[at]) >= 0; at++, digits++)
      value = value << 4 | (uint32_t)digit_of(text[at]);
    if (at < size && text[at] == '.' && n <= IP_SIZE - 4 && numbers(text + from, size - from, "...", four)) {
      for (uint32_t i = 0; i < 4; i++) bytes[n++] = (uint8_t)four[i];
      break;
    }
    if (digits == 0 || n > IP_SIZE - 2) return 0;
    bytes[n++] = (uint8_t)(value >> 8), bytes[n++] = (uint8_t)value;
    if (at == size) break;
    if (text[at++] != ':' || at == size) return 0;
    if (text[at] != ':') continue;
    if (gap <= IP_SIZE) return 0;
    gap = n, at++;
  }
  if (gap > IP_SIZE) return n == IP_SIZE;
  if (n == IP_SIZE) return 0;
  __builtin_memmove(bytes + IP_SIZE - (n - gap), bytes + gap, n - gap);
  __builtin_memset(bytes + gap, 0, IP_SIZE - n);
  return 1;
}

int read_ip(const char *text, uint32_t size, struct place *p) {
  uint32_t four[4];
  *p = (struct place){0};
  if (numbers(text, size, "...", four)) {
    p->ip = four[0] << 24 | four[1] << 16 | four[2] << 8 | four[3];
    return 1;
  }
  p->six = 1;
  return read_six(text, size, p->bytes);
}
