/*
 * What the parts of the adapter share. It stands between a component that uses WASI 0.2 and its host, and carries that
 * component's TCP itself: what has to do with streams and pollables is wrapped, since a resource has one maker, and
 * passed on; wasi:sockets is made of stint (sockets.c).
 *
 * Functions are written as the canonical ABI has them: what fits into no register is returned as the address of
 * `result`, lists and strings that we are given lie where `cabi_realloc` said. Resources of ours are known by a number
 * (rep) that says what they are; to the host's we have handles.
 */
#ifndef STINT_WASI_H
#define STINT_WASI_H

#include <stdint.h>

#include <stint.h>

#ifndef WASI_VERSION
#define WASI_VERSION "0.2.9"
#endif
#define POLL "wasi:io/poll@" WASI_VERSION
#define STREAMS "wasi:io/streams@" WASI_VERSION
#define ERROR "wasi:io/error@" WASI_VERSION
#define CLOCK "wasi:clocks/monotonic-clock@" WASI_VERSION
#define CLI(name) "wasi:cli/" name "@" WASI_VERSION
#define SOCKETS(name) "wasi:sockets/" name "@" WASI_VERSION
#define FILES(name) "wasi:filesystem/" name "@" WASI_VERSION
#define ENDING "stint:sockets/ending@0.1.0"

#define EXPORT(package, name) __attribute__((export_name(package "#" name)))
#define IMPORT(package, name) __attribute__((import_module(package), import_name(name)))
/* Makes a resource of ours: from its rep, the handle that whoever calls gets. */
#define NEW(package, name) __attribute__((import_module("[export]" package), import_name("[resource-new]" name)))

/* Where results lie that fit into no register; the next call overwrites it. */
union result {
  uint8_t byte[64];
  uint16_t half[32];
  uint32_t word[16];
  uint64_t wide[8];
};
extern union result result;

static inline void *at(uint32_t address) { return (void *)(uintptr_t)address; }
static inline uint32_t address_of(const void *p) { return (uint32_t)(uintptr_t)p; }

/* Lists and strings that were handed to us are forgotten with the next call. */
void forget_lists(void);

/* A pollable's rep: one of these, and above its three bits a handle of the host's, or a socket's number. */
enum { ON_HOST, ON_SOCKET, ON_INPUT, ON_OUTPUT, ON_NOTHING };
int32_t new_pollable(int32_t rep);
static inline int32_t pollable(uint32_t of, uint32_t what) { return new_pollable((int32_t)(of << 3 | what)); }
/* Waits until it is ready. */
void wait_for(int32_t rep);

/* A stream's rep: one of these, and above its two bits a handle of the host's, or a socket's number. */
enum { OF_HOST, OF_SOCKET, OF_NOTHING };
int32_t new_input(int32_t rep);
int32_t new_output(int32_t rep);

/* An error's rep: one of the host's, its handle × 2 + 1; one of wasi:sockets, × 2. */
int32_t new_error(int32_t rep);

/* Whether the link is there: the stack is started, if it was not; moves frames and time. */
int link_up(void);
/* Whether it is still there, without more. */
int link_there(void);
/* Moves frames and time. */
void link_pump(void);
/* What link_pump calls after each poll. */
void socket_polled(void);
/*
 * Waits until a frame comes, the stack has something to do, or one of the host's `n` pollables is ready; there is room
 * for two more behind them.
 */
void link_wait(int32_t *pollables, uint32_t n);
uint64_t random_u64(void);
/* How many seconds the end waits for what was closed, as STINT_LINGER says. */
extern uint32_t linger_s;
/* Writes a literal to the host's standard error. */
void say_bytes(const char *text, uint32_t size);
#define say(literal) say_bytes(literal, sizeof literal - 1)

/* A socket's halves, for streams: bytes, or an error of the stack's below 0; AGAIN is 0. */
enum { CLOSED = -100 };
int32_t socket_room(uint32_t socket);
int32_t socket_send(uint32_t socket, void *data, uint32_t size);
/* The next bytes in place, ≤ max; they go when `socket_consume` is called. */
int32_t socket_receive(uint32_t socket, uint32_t max, uint32_t *where);
void socket_consume(uint32_t socket, uint32_t size);
int socket_ready(uint32_t socket, uint32_t what);
/* A stream of it is dropped. */
void socket_leave(uint32_t socket);
/* wasi:sockets' error-code of an error of the stack's. */
uint32_t socket_error(int32_t error);

#endif
