/*
 * An echo server (RFC 862) as a component: it imports stint:net, and from WASI 0.2 what a host has: frames come and go
 * over standard input and output, each behind its length in 4 bytes, most significant first. docs/guide/component.md
 * has the commands.
 *
 * The imports are written as the canonical ABI has them; a bindings generator would make the same.
 */
#include <stdint.h>

#define FROM(package, name) __attribute__((import_module(package), import_name(name)))
typedef struct {
  uint32_t word[4];
} answer;

FROM("wasi:cli/environment@0.2.0", "get-arguments") void get_arguments(answer *);
FROM("wasi:cli/stdin@0.2.0", "get-stdin") int32_t get_stdin(void);
FROM("wasi:cli/stdout@0.2.0", "get-stdout") int32_t get_stdout(void);
FROM("wasi:cli/stderr@0.2.0", "get-stderr") int32_t get_stderr(void);
FROM("wasi:io/streams@0.2.0", "[method]input-stream.read") void stream_read(int32_t, uint64_t, answer *);
FROM("wasi:io/streams@0.2.0", "[method]input-stream.subscribe") int32_t stream_subscribe(int32_t);
FROM("wasi:io/streams@0.2.0", "[method]output-stream.blocking-write-and-flush")
void stream_write(int32_t, const void *, uint32_t, answer *);
FROM("wasi:io/poll@0.2.0", "poll") void wait_for(const int32_t *, uint32_t, answer *);
FROM("wasi:io/poll@0.2.0", "[resource-drop]pollable") void pollable_drop(int32_t);
FROM("wasi:clocks/monotonic-clock@0.2.0", "now") uint64_t clock_now(void);
FROM("wasi:clocks/monotonic-clock@0.2.0", "subscribe-duration") int32_t clock_subscribe(uint64_t);
FROM("wasi:random/random@0.2.0", "get-random-u64") uint64_t random_u64(void);

FROM("stint:net/stack@0.1.0", "start")
void stack_start(uint32_t address, uint32_t prefix, uint32_t gateway, uint64_t mac, uint32_t mtu, uint32_t connections,
                 uint32_t ring, uint64_t, uint64_t, uint64_t, uint64_t, answer *);
FROM("stint:net/stack@0.1.0", "poll") void stack_poll(uint64_t, answer *);
FROM("stint:net/stack@0.1.0", "frame-in") int32_t stack_frame_in(const void *, uint32_t);
FROM("stint:net/stack@0.1.0", "frame-out") void stack_frame_out(answer *);
FROM("stint:net/tcp@0.1.0", "[static]tcp-listener.listen") void tcp_listen(uint32_t port, uint32_t backlog, answer *);
FROM("stint:net/tcp@0.1.0", "[method]tcp-listener.accept") void tcp_accept(int32_t, answer *);
FROM("stint:net/tcp@0.1.0", "[method]tcp-stream.send") void tcp_send(int32_t, const void *, uint32_t, answer *);
FROM("stint:net/tcp@0.1.0", "[method]tcp-stream.receive") void tcp_receive(int32_t, uint32_t, answer *);
FROM("stint:net/tcp@0.1.0", "[resource-drop]tcp-stream") void tcp_drop(int32_t);

enum { PORT = 7, CONNECTIONS = 16, RING = 32768, FRAME_MAX = 2048, AGAIN = 4 };

/* What calls return in lists: forgotten before each turn. */
static _Alignas(8) unsigned char lists[1 << 18];
static uint32_t used;

__attribute__((export_name("cabi_realloc"))) void *cabi_realloc(void *old, uint32_t old_size, uint32_t align,
                                                                uint32_t size) {
  (void)old, (void)old_size;
  used = (used + align - 1) & ~(align - 1);
  if (size > sizeof lists - used) __builtin_trap();
  used += size;
  return lists + used - size;
}

static int32_t standard_input, standard_output;
/* Bytes that were read and not handed over; and what was received from each connection and not sent back. */
static unsigned char input[1 << 16], held[CONNECTIONS][RING];
static uint32_t have, holds[CONNECTIONS];
static int32_t connections[CONNECTIONS];

static void say(const char *text) {
  answer a;
  stream_write(get_stderr(), text, (uint32_t)__builtin_strlen(text), &a);
}

static void *at(uint32_t address) { return (void *)(uintptr_t)address; }

/* Returns whether standard input is still there. */
static int read_input(void) {
  answer a;
  stream_read(standard_input, sizeof input - have, &a);
  if ((a.word[0] & 0xff) != 0) return 0;
  __builtin_memcpy(input + have, at(a.word[1]), a.word[2]);
  have += a.word[2];
  return 1;
}

/* Hands whole frames over. Returns whether there were any; −1: it is no stream of frames. */
static int hand_over(void) {
  uint32_t done = 0;
  while (have - done >= 4) {
    const unsigned char *b = input + done;
    uint32_t size = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
    if (size > FRAME_MAX) return -1;
    if (have - done - 4 < size || !stack_frame_in(b + 4, size)) break;
    done += 4 + size;
  }
  __builtin_memmove(input, input + done, have - done);
  have -= done;
  return done != 0;
}

/* Returns whether there were any. */
static int send_frames(void) {
  static unsigned char frames[4096];
  uint32_t size = 0;
  int any = 0;
  for (;;) {
    answer frame, written;
    stack_frame_out(&frame);
    const int none = (frame.word[0] & 0xff) == 0;
    if (size != 0 && (none || size + 4 + frame.word[2] > sizeof frames)) {
      stream_write(standard_output, frames, size, &written);
      size = 0;
    }
    if (none) return any;
    const uint32_t n = frame.word[2];
    frames[size] = 0, frames[size + 1] = 0, frames[size + 2] = (unsigned char)(n >> 8),
    frames[size + 3] = (unsigned char)n;
    __builtin_memcpy(frames + size + 4, at(frame.word[1]), n);
    size += 4 + n;
    any = 1;
  }
}

/* Returns whether something moved. */
static int echo(uint32_t i) {
  answer a;
  int any = 0;
  for (;;) {
    if (holds[i] != 0) {
      tcp_send(connections[i], held[i], holds[i], &a);
      if ((a.word[0] & 0xff) == 0) {
        __builtin_memmove(held[i], held[i] + a.word[1], holds[i] - a.word[1]);
        holds[i] -= a.word[1];
        any |= a.word[1] != 0;
      } else if ((a.word[1] & 0xff) != AGAIN) {
        break;
      }
      if (holds[i] != 0) return any;
    }
    used = 0;
    tcp_receive(connections[i], RING, &a);
    if ((a.word[0] & 0xff) != 0) {
      if ((a.word[1] & 0xff) == AGAIN) return any;
      break;
    }
    if (a.word[2] == 0) break;
    __builtin_memcpy(held[i], at(a.word[1]), a.word[2]);
    holds[i] = a.word[2];
    any = 1;
  }
  /* The peer has closed and has everything, or the connection is over. */
  tcp_drop(connections[i]);
  connections[i] = 0;
  holds[i] = 0;
  return 1;
}

static int serve(int32_t listener) {
  int any = 0;
  for (uint32_t i = 0; i < CONNECTIONS; i++) {
    if (connections[i] == 0) {
      answer a;
      tcp_accept(listener, &a);
      if ((a.word[0] & 0xff) != 0) continue;
      connections[i] = (int32_t)a.word[1];
    }
    any |= echo(i);
  }
  return any;
}

/* a.b.c.d/n; 0: it is none. */
static uint32_t address(const char *text, uint32_t size, uint32_t *prefix) {
  uint32_t numbers[5] = {0}, n = 0;
  for (uint32_t i = 0; i < size; i++) {
    if (text[i] >= '0' && text[i] <= '9') numbers[n] = numbers[n] * 10 + (uint32_t)(text[i] - '0');
    else if (n < 4 && text[i] == (n < 3 ? '.' : '/')) n++;
    else return 0;
    if (numbers[n] > 255) return 0;
  }
  *prefix = numbers[4];
  return n < 4 ? 0 : numbers[0] << 24 | numbers[1] << 16 | numbers[2] << 8 | numbers[3];
}

/* 0: it ended well. */
__attribute__((export_name("wasi:cli/run@0.2.0#run"))) int32_t run(void) {
  answer a;
  get_arguments(&a);
  const uint32_t *arguments = at(a.word[0]);
  uint32_t prefix = 0, ip = a.word[1] > 1 ? address(at(arguments[2]), arguments[3], &prefix) : 0;
  if (ip == 0) {
    say("usage: echo ADDRESS/PREFIX, as 10.0.0.2/24\n");
    return 1;
  }
  standard_input = get_stdin(), standard_output = get_stdout();
  stack_start(ip, prefix, 0, 0x020000000000 | ip, 1500, CONNECTIONS, RING, random_u64(), random_u64(), random_u64(),
              random_u64(), &a);
  if ((a.word[0] & 0xff) != 0) {
    say("the stack does not start\n");
    return 1;
  }
  tcp_listen(PORT, CONNECTIONS, &a);
  const int32_t listener = (int32_t)a.word[1], ready = stream_subscribe(standard_input);
  say("ready\n");
  for (;;) {
    answer wait;
    int moved;
    do {
      used = 0;
      moved = hand_over();
      if (moved < 0) return 1;
      stack_poll(clock_now() / 1000, &wait);
      moved |= serve(listener);
      moved |= send_frames();
    } while (moved || ((wait.word[0] & 0xff) != 0 && wait.word[1] == 0));
    int32_t wanted[2] = {ready};
    uint32_t n = 1;
    if ((wait.word[0] & 0xff) != 0) wanted[n++] = clock_subscribe((uint64_t)wait.word[1] * 1000);
    wait_for(wanted, n, &a);
    if (n > 1) pollable_drop(wanted[1]);
    used = 0;
    if (!read_input()) return 0;
  }
}
