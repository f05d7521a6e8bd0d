/*
 * What the firmware serves over HTTP: a status page, made anew for every request, and the files in pages.h, which live
 * in flash. The page's length does not depend on what it says, so it needs no buffer: it is written once for each
 * piece, and only the piece is kept.
 */
#include "firmware.h"
#include "pages.h"

/* A request of the services: assembly/services/app.ts. */

static struct {
  uint8_t *to;
  uint32_t from, end, at;
} piece;

static void put(char c) {
  if (piece.at >= piece.from && piece.at < piece.end) piece.to[piece.at - piece.from] = (uint8_t)c;
  piece.at++;
}

static void text(const char *s, uint32_t width) {
  for (; *s != 0; s++) {
    put(*s);
    if (width > 0) width--;
  }
  for (; width > 0; width--) put(' ');
}

static void number(uint32_t n, uint32_t width) {
  uint32_t scale = 1000000000;
  for (uint32_t digits = 10; digits > 0; digits--, scale /= 10) {
    if (n >= scale || digits == 1) put((char)('0' + n / scale % 10));
    else if (digits <= width) put(' ');
  }
}

static const char *const states[] = {STATE_NAMES};

/* An IPv4 address, its numbers filled up to so many columns. */
static void put_address(uint32_t ip, uint32_t columns) {
  for (int shift = 24; shift >= 0; shift -= 8) {
    number(ip >> shift & 255, columns);
    if (shift > 0) put('.');
  }
}

#ifdef STINT_IPV6
enum { ADDRESS_WIDTH = 39 };

/* A group of an IPv6 address, in four digits. */
static void put_group(uint32_t n) {
  for (int shift = 12; shift >= 0; shift -= 4) put("0123456789abcdef"[n >> shift & 15]);
}

/* The address of a peer, in as many columns for either family. */
static void put_peer(uint32_t ip) {
  if (module_group6(ip, 0) > 0xffff) {
    put_address(ip, 3);
    text("", ADDRESS_WIDTH - 15);
    return;
  }
  for (uint32_t g = 0; g < 8; g++) {
    put_group(module_group6(ip, g));
    if (g < 7) put(':');
  }
}
#else
enum { ADDRESS_WIDTH = 15 };
static void put_peer(uint32_t ip) { put_address(ip, 3); }
#endif

/* Writes the bytes from…end of the status page to `to`. Returns the page's length. */
static uint32_t status_page(uint8_t *to, uint32_t from, uint32_t end) {
  piece.to = to;
  piece.from = from;
  piece.end = end;
  piece.at = 0;
  uint32_t seconds = (uint32_t)quotient(quotient(hal_now_us(), 1000), 1000);
  text("<!doctype html><meta charset=utf-8><meta http-equiv=refresh content=2><title>stint</title>"
       "<body style='font:16px monospace;margin:2em'><h1><img src=/logo.png alt='' width=32> stint on " STINT_BOARD_NAME
       "</h1><pre>",
       0);
#ifdef STINT_DHCP
  text("address   ", 0);
  put_address(module_address(), 0);
#else
  text("address   " STINT_ADDRESS, 0);
#endif
#ifdef STINT_IPV6
  text("\nIPv6      ", 0);
  for (uint32_t g = 0; g < 8; g++) {
    if (module_own6(0) > 0xffff) text("-   ", 0);
    else put_group(module_own6(g));
    put(g < 7 ? ':' : ' ');
  }
#endif
  text("\nuptime    ", 0);
  number(seconds, 10);
  text(" s\nmemory    ", 0);
  number(MEMORY_SIZE, 10);
  text(" bytes, fixed\nrestarts  ", 0);
  number(restarts_so_far(), 10);
  text("\nC stack   ", 0);
  number(stack_untouched(), 10);
  text(" bytes never used\n\nconnections ", 0);
  number(module_pool(POOL_CONNECTIONS), 5);
  text(" of ", 0);
  number(STINT_CONNECTIONS, 0);
  text(", half-open records free ", 0);
  number(module_pool(POOL_HALF_OPEN_FREE), 5);
  text("\n\n", 0);
  for (uint32_t i = 0; i < STINT_CONNECTIONS; i++) {
    struct connection c = module_connection(i);
    if (!c.open) {
      text("-", 34 + ADDRESS_WIDTH);
      put('\n');
      continue;
    }
    put_peer(c.rip);
    put(':');
    number(c.rport, 5);
    text(" -> ", 0);
    number(c.lport, 5);
    put(' ');
    text(c.state < sizeof states / sizeof states[0] ? states[c.state] : "?", 13);
    number(c.cwnd, 5);
    put('\n');
  }
  put('\n');
  for (uint32_t i = 0; i < sizeof page_counters / sizeof page_counters[0]; i++) {
    text(page_counters[i].name, 24);
    number(module_counter(page_counters[i].index), 10);
    put('\n');
  }
  text("</pre></body>\n", 0);
  return piece.at;
}

static bool same(const uint8_t *path, uint32_t size, const char *name) {
  uint32_t i = 0;
  for (; i < size && name[i] != 0; i++) {
    if (path[i] != (uint8_t)name[i]) return false;
  }
  return i == size && name[i] == 0;
}

static uint32_t field(const uint8_t *at) {
  return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

#ifdef STINT_DEBUG
/* Faults on demand, to show what becomes of them; in debug builds alone. */
static volatile uint32_t deep;
__attribute__((noinline)) static void overflow(uint32_t depth) {
  volatile uint8_t frame[256];
  frame[depth & 255] = 1;
  deep = depth + frame[0];
  if (depth < 1000000) overflow(depth + 1);
  deep = frame[depth & 255];
}

static void fault(const uint8_t *path, uint32_t size) {
  if (same(path, size, "/debug/corrupt")) {
    /* Lists of connections that the module alone reads now begin far outside. */
    memset(module_memory(STINT_SHARED, STINT_SHARED_SIZE), 0xf0, STINT_SHARED_SIZE);
  } else if (same(path, size, "/debug/overflow")) {
    overflow(0);
  } else if (same(path, size, "/debug/hang")) {
    for (;;) deep++;
  }
}
#endif

static bool answer(void) {
  uint32_t at = module_request();
  if (at == 0) return false;
  const uint8_t *request = module_memory(at, REQUEST_BYTES);
  uint32_t path_size = field(request + REQUEST_PATH_SIZE), size = field(request + REQUEST_SIZE),
           offset = field(request + REQUEST_OFFSET);
  const uint8_t *path = module_memory(field(request + REQUEST_PATH), path_size);
  bool length = field(request + REQUEST_WANT) == WANT_LENGTH;
#ifdef STINT_DEBUG
  fault(path, path_size);
#endif
  if (same(path, path_size, "/")) {
    if (length) module_answer(status_page(NULL, 0, 0));
    else module_answer((status_page(module_memory(field(request + REQUEST_DATA), size), offset, offset + size), size));
    return true;
  }
  for (uint32_t i = 0; i < sizeof page_files / sizeof page_files[0]; i++) {
    if (!same(path, path_size, page_files[i].path)) continue;
    if (length) {
      module_answer(page_files[i].size);
    } else {
      memmove(module_memory(field(request + REQUEST_DATA), size), page_files[i].bytes + offset, size);
      module_answer(size);
    }
    return true;
  }
  module_answer(-1);
  return true;
}

bool pages_answer(void) {
  bool did = false;
  /* Not without end: frames want their turn too. */
  for (int n = 0; n < 8 && answer(); n++) did = true;
  return did;
}
