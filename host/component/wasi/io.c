/*
 * wasi:io, and what hands out its resources: standard streams and the monotonic clock. The frames have standard output,
 * so what is said there goes to standard error; standard input is at its end.
 */
#include "wasi.h"

typedef struct {
  uint32_t word[4];
} answer;
IMPORT(ERROR, "[method]error.to-debug-string") void host_error_text(int32_t, answer *);
IMPORT(ERROR, "[resource-drop]error") void host_error_drop(int32_t);
IMPORT(POLL, "[method]pollable.ready") int32_t host_ready(int32_t);
IMPORT(POLL, "[resource-drop]pollable") void host_pollable_drop(int32_t);
IMPORT(STREAMS, "[method]input-stream.read") void host_read(int32_t, uint64_t, answer *);
IMPORT(STREAMS, "[method]input-stream.subscribe") int32_t host_read_ready(int32_t);
IMPORT(STREAMS, "[resource-drop]input-stream") void host_input_drop(int32_t);
IMPORT(STREAMS, "[method]output-stream.check-write") void host_room(int32_t, union result *);
IMPORT(STREAMS, "[method]output-stream.write") void host_write(int32_t, const void *, uint32_t, answer *);
IMPORT(STREAMS, "[method]output-stream.flush") void host_flush(int32_t, answer *);
IMPORT(STREAMS, "[method]output-stream.subscribe") int32_t host_write_ready(int32_t);
IMPORT(STREAMS, "[resource-drop]output-stream") void host_output_drop(int32_t);
IMPORT(CLI("stderr"), "get-stderr") int32_t host_stderr(void);
IMPORT(CLOCK, "now") uint64_t host_now(void);
IMPORT(CLOCK, "resolution") uint64_t host_resolution(void);
IMPORT(CLOCK, "subscribe-instant") int32_t host_at(uint64_t);
IMPORT(CLOCK, "subscribe-duration") int32_t host_after(uint64_t);

NEW(ERROR, "error") int32_t make_error(int32_t rep);
NEW(POLL, "pollable") int32_t make_pollable(int32_t rep);
NEW(STREAMS, "input-stream") int32_t make_input(int32_t rep);
NEW(STREAMS, "output-stream") int32_t make_output(int32_t rep);
int32_t new_error(int32_t rep) { return make_error(rep); }
int32_t new_pollable(int32_t rep) { return make_pollable(rep); }
int32_t new_input(int32_t rep) { return make_input(rep); }
int32_t new_output(int32_t rep) { return make_output(rep); }

union result result;

/*
 * Lists that we are given, one behind the other. What needs more room than there is gets memory of its own, which is
 * kept: twice what there was at least, so that it comes to an end with the largest call.
 */
static _Alignas(16) unsigned char first[1 << 18];
static unsigned char *lists = first;
static uint32_t lists_size = sizeof first, used;
static int stale;

void forget_lists(void) { stale = 1; }

__attribute__((export_name("cabi_realloc"))) void *cabi_realloc(void *old, uint32_t old_size, uint32_t align,
                                                                uint32_t size) {
  if (stale) stale = 0, used = 0;
  used = (used + align - 1) & ~(align - 1);
  if (used > lists_size || size > lists_size - used) {
    const uint64_t twice = 2 * (uint64_t)lists_size, wanted = size > twice ? size : twice;
    const uint32_t pages = (uint32_t)((wanted + 65535) >> 16), page = (uint32_t)__builtin_wasm_memory_grow(0, pages);
    if (page == UINT32_MAX) __builtin_trap();
    lists = at(page << 16), lists_size = pages << 16, used = 0;
  }
  unsigned char *to = lists + used;
  used += size;
  if (old_size != 0) __builtin_memcpy(to, old, old_size < size ? old_size : size);
  return to;
}

/* Errors. */

EXPORT(ERROR, "[method]error.to-debug-string") union result *error_text(int32_t rep) {
  static const char text[] = "a connection's error";
  answer a = {{address_of(text), sizeof text - 1}};
  if (rep & 1) host_error_text(rep >> 1, &a);
  result.word[0] = a.word[0], result.word[1] = a.word[1];
  forget_lists();
  return &result;
}

EXPORT(ERROR, "[dtor]error") void error_drop(int32_t rep) {
  if (rep & 1) host_error_drop(rep >> 1);
}

/* Pollables. */

static int is_ready(int32_t rep) {
  switch (rep & 7) {
    case ON_HOST: return host_ready(rep >> 3);
    case ON_DATAGRAM: return datagram_ready((uint32_t)rep >> 3);
    case ON_NAME: return name_ready((uint32_t)rep >> 3);
    case ON_NOTHING: return 1;
    default: return socket_ready((uint32_t)rep >> 3, (uint32_t)rep & 7);
  }
}

EXPORT(POLL, "[method]pollable.ready") int32_t pollable_ready(int32_t rep) {
  link_pump();
  return is_ready(rep);
}

void wait_for(int32_t rep) {
  for (link_pump(); !is_ready(rep); link_pump()) {
    int32_t hosts[3] = {rep >> 3};
    link_wait(hosts, (rep & 7) == ON_HOST);
  }
}

EXPORT(POLL, "[method]pollable.block") void pollable_block(int32_t rep) { wait_for(rep); }

enum { POLLED_MAX = 1024 };

EXPORT(POLL, "poll") union result *poll_all(const int32_t *reps, uint32_t n) {
  static uint32_t ready[POLLED_MAX];
  static int32_t hosts[POLLED_MAX + 2], wanted[POLLED_MAX];
  if (n == 0 || n > POLLED_MAX) __builtin_trap();
  /* The list may be forgotten while we wait. */
  __builtin_memcpy(wanted, reps, n * sizeof *reps);
  for (;;) {
    uint32_t count = 0, on_host = 0;
    link_pump();
    for (uint32_t i = 0; i < n; i++) {
      if (is_ready(wanted[i])) ready[count++] = i;
      if ((wanted[i] & 7) == ON_HOST) hosts[on_host++] = wanted[i] >> 3;
    }
    if (count != 0) {
      result.word[0] = address_of(ready), result.word[1] = count;
      forget_lists();
      return &result;
    }
    link_wait(hosts, on_host);
  }
}

EXPORT(POLL, "[dtor]pollable") void pollable_drop(int32_t rep) {
  if ((rep & 7) == ON_HOST) host_pollable_drop(rep >> 3);
}

/*
 * Streams: three calls for each kind, on which all others stand. Bytes, or below 0 CLOSED or FAILED; then `failure` is
 * the error's rep.
 */

enum { FAILED = -101, HOST_MAX = 1 << 16 };
static int32_t failure;

/* What the host's stream-error says, whose case is at `error`. */
static int32_t host_failed(const uint32_t *error) {
  if ((error[0] & 0xff) != 0) return CLOSED;
  failure = (int32_t)error[1] * 2 + 1;
  return FAILED;
}

static int32_t socket_failed(int32_t error) {
  if (error == CLOSED) return CLOSED;
  failure = (int32_t)socket_error(error) * 2;
  return FAILED;
}

static int32_t read_some(int32_t rep, uint64_t max, uint32_t *where) {
  const uint32_t some = max < HOST_MAX ? (uint32_t)max : HOST_MAX;
  answer a;
  int32_t n;
  switch (rep & 3) {
    case OF_HOST:
      host_read(rep >> 2, some, &a);
      if ((a.word[0] & 0xff) != 0) return host_failed(a.word + 1);
      *where = a.word[1];
      return (int32_t)a.word[2];
    case OF_SOCKET: n = socket_receive((uint32_t)rep >> 2, some, where); return n < 0 ? socket_failed(n) : n;
    default: return CLOSED;
  }
}

static int64_t room_of(int32_t rep) {
  union result r;
  int32_t n;
  if ((rep & 3) == OF_HOST) {
    host_room(rep >> 2, &r);
    return r.byte[0] != 0 ? host_failed(r.word + 2) : (int64_t)r.wide[1];
  }
  n = socket_room((uint32_t)rep >> 2);
  return n < 0 ? socket_failed(n) : n;
}

static int32_t write_all(int32_t rep, void *data, uint32_t size) {
  answer a;
  int32_t n;
  if ((rep & 3) == OF_HOST) {
    host_write(rep >> 2, data, size, &a);
    return (a.word[0] & 0xff) != 0 ? host_failed(a.word + 1) : (int32_t)size;
  }
  n = socket_send((uint32_t)rep >> 2, data, size);
  return n < 0 ? socket_failed(n) : n;
}

static int32_t flush(int32_t rep) {
  answer a;
  if ((rep & 3) == OF_HOST) {
    host_flush(rep >> 2, &a);
    return (a.word[0] & 0xff) != 0 ? host_failed(a.word + 1) : 0;
  }
  link_pump();
  return 0;
}

/* Waits until a stream can be read, or written. */
static void wait_input(int32_t rep) {
  if ((rep & 3) == OF_SOCKET) {
    wait_for((rep >> 2) << 3 | ON_INPUT);
  } else if ((rep & 3) == OF_HOST) {
    const int32_t ready = host_read_ready(rep >> 2);
    wait_for(ready << 3 | ON_HOST);
    host_pollable_drop(ready);
  }
}

static void wait_output(int32_t rep) {
  if ((rep & 3) == OF_SOCKET) {
    wait_for((rep >> 2) << 3 | ON_OUTPUT);
    return;
  }
  const int32_t ready = host_write_ready(rep >> 2);
  wait_for(ready << 3 | ON_HOST);
  host_pollable_drop(ready);
}

/* result<_, stream-error> and result<list<u8>, stream-error>. */
static union result *narrow(int32_t n, uint32_t where) {
  result.word[0] = n < 0;
  result.word[1] = n < 0 ? n == CLOSED : where;
  result.word[2] = n == FAILED ? (uint32_t)new_error(failure) : (uint32_t)n;
  forget_lists();
  return &result;
}

/* result<u64, stream-error>. */
static union result *wide(int64_t n) {
  result.word[0] = n < 0;
  if (n >= 0) {
    result.wide[1] = (uint64_t)n;
  } else {
    result.word[2] = n == CLOSED;
    result.word[3] = n == FAILED ? (uint32_t)new_error(failure) : 0;
  }
  forget_lists();
  return &result;
}

/* What was read from a socket is lifted out of its ring, and then given back. */
static uint32_t lifted_from, lifted;

static union result *read_list(int32_t rep, uint64_t max) {
  uint32_t where = 0;
  const int32_t n = read_some(rep, max, &where);
  lifted = (rep & 3) == OF_SOCKET && n > 0 ? (uint32_t)n : 0;
  lifted_from = (uint32_t)rep >> 2;
  return narrow(n, where);
}

static void given_back(void) {
  if (lifted != 0) socket_consume(lifted_from, lifted);
  lifted = 0;
}

EXPORT(STREAMS, "[method]input-stream.read") union result *input_read(int32_t rep, uint64_t max) {
  link_pump();
  return read_list(rep, max);
}

__attribute__((export_name("cabi_post_" STREAMS "#[method]input-stream.read"))) void input_was_read(union result *r) {
  (void)r, given_back();
}

EXPORT(STREAMS, "[method]input-stream.blocking-read") union result *input_read_blocking(int32_t rep, uint64_t max) {
  if (max != 0) wait_input(rep);
  return read_list(rep, max);
}

__attribute__((export_name("cabi_post_" STREAMS "#[method]input-stream.blocking-read"))) void input_was_read_blocking(
    union result *r) {
  (void)r, given_back();
}

static union result *skip(int32_t rep, uint64_t max) {
  uint32_t where;
  const int32_t n = read_some(rep, max, &where);
  if ((rep & 3) == OF_SOCKET && n > 0) socket_consume((uint32_t)rep >> 2, (uint32_t)n);
  return wide(n);
}

EXPORT(STREAMS, "[method]input-stream.skip") union result *input_skip(int32_t rep, uint64_t max) {
  link_pump();
  return skip(rep, max);
}

EXPORT(STREAMS, "[method]input-stream.blocking-skip") union result *input_skip_blocking(int32_t rep, uint64_t max) {
  if (max != 0) wait_input(rep);
  return skip(rep, max);
}

EXPORT(STREAMS, "[method]input-stream.subscribe") int32_t input_subscribe(int32_t rep) {
  if ((rep & 3) == OF_HOST) return pollable((uint32_t)host_read_ready(rep >> 2), ON_HOST);
  return pollable((uint32_t)rep >> 2, (rep & 3) == OF_SOCKET ? ON_INPUT : ON_NOTHING);
}

EXPORT(STREAMS, "[dtor]input-stream") void input_drop(int32_t rep) {
  if ((rep & 3) == OF_HOST) host_input_drop(rep >> 2);
  else if ((rep & 3) == OF_SOCKET) socket_leave((uint32_t)rep >> 2);
}

EXPORT(STREAMS, "[method]output-stream.check-write") union result *output_room(int32_t rep) {
  link_pump();
  return wide(room_of(rep));
}

EXPORT(STREAMS, "[method]output-stream.write") union result *output_write(int32_t rep, void *data, uint32_t size) {
  return narrow(write_all(rep, data, size), 0);
}

/* All of it, whatever the room. Below 0: an error. */
static int32_t write_blocking(int32_t rep, unsigned char *data, uint32_t size) {
  while (size != 0) {
    const int64_t room = room_of(rep);
    if (room < 0) return (int32_t)room;
    if (room == 0) {
      wait_output(rep);
      continue;
    }
    const uint32_t n = room < size ? (uint32_t)room : size;
    const int32_t written = write_all(rep, data, n);
    if (written < 0) return written;
    data += n, size -= n;
  }
  int32_t done = flush(rep);
  /* A file is flushed once it takes more. */
  if (done >= 0 && (rep & 3) == OF_HOST) wait_output(rep);
  return done;
}

EXPORT(STREAMS, "[method]output-stream.blocking-write-and-flush")
union result *output_write_blocking(int32_t rep, unsigned char *data, uint32_t size) {
  /* The list must outlast what we wait for. */
  static unsigned char kept[4096];
  if (size > sizeof kept) __builtin_trap();
  __builtin_memcpy(kept, data, size);
  return narrow(write_blocking(rep, kept, size), 0);
}

EXPORT(STREAMS, "[method]output-stream.flush") union result *output_flush(int32_t rep) { return narrow(flush(rep), 0); }

EXPORT(STREAMS, "[method]output-stream.blocking-flush") union result *output_flush_blocking(int32_t rep) {
  return narrow(write_blocking(rep, 0, 0), 0);
}

EXPORT(STREAMS, "[method]output-stream.subscribe") int32_t output_subscribe(int32_t rep) {
  if ((rep & 3) == OF_HOST) return pollable((uint32_t)host_write_ready(rep >> 2), ON_HOST);
  return pollable((uint32_t)rep >> 2, ON_OUTPUT);
}

/* Never written to. */
static unsigned char zeroes[4096];

EXPORT(STREAMS, "[method]output-stream.write-zeroes") union result *output_zeroes(int32_t rep, uint64_t size) {
  int32_t n = 0;
  for (uint64_t left = size; left != 0 && n >= 0;) {
    const uint32_t some = left < sizeof zeroes ? (uint32_t)left : sizeof zeroes;
    n = write_all(rep, zeroes, some);
    left -= some;
  }
  return narrow(n, 0);
}

EXPORT(STREAMS, "[method]output-stream.blocking-write-zeroes-and-flush")
union result *output_zeroes_blocking(int32_t rep, uint64_t size) {
  if (size > sizeof zeroes) __builtin_trap();
  return narrow(write_blocking(rep, zeroes, (uint32_t)size), 0);
}

static union result *splice(int32_t rep, int32_t from, uint64_t max) {
  uint32_t where = 0;
  const int64_t room = room_of(rep);
  if (room < 0) return wide(room);
  const int32_t n = read_some(from, max < (uint64_t)room ? max : (uint64_t)room, &where);
  if (n <= 0) return wide(n);
  const int32_t written = write_all(rep, at(where), (uint32_t)n);
  if ((from & 3) == OF_SOCKET) socket_consume((uint32_t)from >> 2, (uint32_t)n);
  return wide(written);
}

EXPORT(STREAMS, "[method]output-stream.splice") union result *output_splice(int32_t rep, int32_t from, uint64_t max) {
  link_pump();
  return splice(rep, from, max);
}

EXPORT(STREAMS, "[method]output-stream.blocking-splice")
union result *output_splice_blocking(int32_t rep, int32_t from, uint64_t max) {
  if (max != 0) wait_output(rep), wait_input(from);
  return splice(rep, from, max);
}

EXPORT(STREAMS, "[dtor]output-stream") void output_drop(int32_t rep) {
  if ((rep & 3) == OF_HOST) host_output_drop(rep >> 2);
  else socket_leave((uint32_t)rep >> 2);
}

/* wasi:cli. */

EXPORT(CLI("stdin"), "get-stdin") int32_t get_stdin(void) { return new_input(OF_NOTHING); }
EXPORT(CLI("stdout"), "get-stdout") int32_t get_stdout(void) { return new_output(host_stderr() << 2 | OF_HOST); }
EXPORT(CLI("stderr"), "get-stderr") int32_t get_stderr(void) { return new_output(host_stderr() << 2 | OF_HOST); }

/* Nothing is a terminal. */
static union result *none(void) {
  result.word[0] = 0;
  return &result;
}
EXPORT(CLI("terminal-stdin"), "get-terminal-stdin") union result *terminal_stdin(void) { return none(); }
EXPORT(CLI("terminal-stdout"), "get-terminal-stdout") union result *terminal_stdout(void) { return none(); }
EXPORT(CLI("terminal-stderr"), "get-terminal-stderr") union result *terminal_stderr(void) { return none(); }

/* wasi:clocks. */

EXPORT(CLOCK, "now") uint64_t clock_now(void) { return host_now(); }
EXPORT(CLOCK, "resolution") uint64_t clock_resolution(void) { return host_resolution(); }
EXPORT(CLOCK, "subscribe-instant") int32_t clock_at(uint64_t when) {
  return pollable((uint32_t)host_at(when), ON_HOST);
}
EXPORT(CLOCK, "subscribe-duration") int32_t clock_after(uint64_t duration) {
  return pollable((uint32_t)host_after(duration), ON_HOST);
}
