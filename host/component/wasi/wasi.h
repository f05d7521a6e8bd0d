/*
 * What the parts of the adapter share. It stands between a component that uses WASI 0.2 and its host, and carries that
 * component's TCP itself: what has to do with streams and pollables is wrapped, since a resource has one maker, and
 * passed on; wasi:sockets is made of stint (sockets.c, udp.c, names.c; place.c has what they say of addresses).
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

/*
 * A pollable's rep: one of these, and above its three bits a handle of the host's, a socket's number, or the rep of a
 * stream of datagrams.
 */
enum { ON_HOST, ON_SOCKET, ON_INPUT, ON_OUTPUT, ON_DATAGRAM, ON_NAME, ON_NOTHING };
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
/* The next link_wait ends after so many µs. */
void link_again(int32_t us);
/* What link_pump calls after each poll. */
void socket_polled(void);
/*
 * Waits until a frame comes, the stack has something to do, or one of the host's `n` pollables is ready; there is room
 * for two more behind them.
 */
void link_wait(int32_t *pollables, uint32_t n);
uint64_t random_u64(void);
/* Reads numbers up to 255 with a character of `between` after each but the last; 0: it is not so. */
int numbers(const char *text, uint32_t size, const char *between, uint32_t *to);
/* The interface's IPv4 address, host order; whether it has IPv6. */
extern uint32_t own_ip;
extern int has_six;
/* Waits until IPv6 addresses can be used; whether there are any. */
int link_six(void);
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
/* Whether a name is known, or given up. */
int name_ready(uint32_t lookup);

/* A socket is gone. When it was the last one, this waits for what is on its way. */
void socket_left(void);

/* error-code of wasi:sockets/network, in its order. */
enum {
  UNKNOWN,
  ACCESS_DENIED,
  NOT_SUPPORTED,
  INVALID_ARGUMENT,
  OUT_OF_MEMORY,
  TIMEOUT,
  CONCURRENCY_CONFLICT,
  NOT_IN_PROGRESS,
  WOULD_BLOCK,
  INVALID_STATE,
  NEW_SOCKET_LIMIT,
  ADDRESS_NOT_BINDABLE,
  ADDRESS_IN_USE,
  REMOTE_UNREACHABLE,
  CONNECTION_REFUSED,
  CONNECTION_RESET,
  CONNECTION_ABORTED,
  DATAGRAM_TOO_LARGE,
  NAME_UNRESOLVABLE,
  TEMPORARY_RESOLVER_FAILURE,
  PERMANENT_RESOLVER_FAILURE
};
/* The error-code of an error of the stack's. */
uint32_t socket_error(int32_t error);

/* Results: result<_, error-code>, and those with one value, at 1, 4 or 8. */
union result *failed(uint32_t error, uint32_t where);
union result *done(int32_t r);
union result *small(uint32_t value);
union result *number(uint64_t value);
/* A buffer's size as it is wished: a hint, since all have one size. */
union result *set_buffer(uint64_t value);

/* An ip-socket-address as it is passed: which family, and for IPv4 the port and four bytes; IPv6 has more. */
#define ADDRESS \
  int32_t family, uint32_t port, uint32_t a, uint32_t b, uint32_t c, uint32_t d, int32_t f, int32_t g, int32_t h, \
      int32_t k, int32_t l, int32_t m

#define PLACE place_of(family, port, (const uint32_t[]){a, b, c, d, f, g, h, k, l})

/* An address and a port. */
struct place {
  int six;
  /* IPv4, host order. */
  uint32_t ip;
  /* IPv6, as they stand in a packet. */
  uint8_t bytes[16];
  uint32_t port;
};
struct place place_of(int32_t family, uint32_t port, const uint32_t *parts);
/* From what the stack has for an address, and for the very next call to it. */
struct place place_named(uint32_t name, uint32_t port);
uint32_t place_name(const struct place *p);
/* What is not bound to one address: the stack's name of all of the family. */
uint32_t place_every(const struct place *p);
/* The name of an own address, which lasts. */
uint32_t place_own(const struct place *p);
int is_any(const struct place *p);
int is_loopback(const struct place *p);
/* Whether it is the interface's, or a loopback address. */
int is_own(const struct place *p);
int is_same(const struct place *a, const struct place *b);
/* The address from which we talk to it; any, if there are several. */
struct place place_towards(const struct place *p, uint32_t port);
/* What is wrong with it as a peer, or to bind to, as an error-code for a socket of that family; 0: nothing. */
uint32_t wrong_peer(const struct place *p, int six);
uint32_t wrong_own(const struct place *p, int six);
/* Writes an ip-address, or an ip-socket-address. */
void put_ip(uint8_t *to, const struct place *p);
void put_place(void *to, const struct place *p);
/* result<ip-socket-address, error-code>. */
union result *address(const struct place *p);
/* An address as text; 0: it is none. */
int read_ip(const char *text, uint32_t size, struct place *p);

/* Ports that nobody names are taken from these. */
enum { FIRST_PORT = 49152, PORTS = 16384, SECOND = 1000000000 };

/* UDP (udp.c): as many sockets, each with two rings of so many bytes. A datagram of the largest size fits. */
enum { DATAGRAM_SOCKETS = 32, DATAGRAM_RING = 65600 };
int datagram_ready(uint32_t stream);
/* A datagram has left. */
void datagram_out(void);
/* Whether there are sockets; whether datagrams of theirs have not left yet. */
int datagrams_in_use(void);
int datagrams_wait(void);
/* Closes all sockets. */
void datagrams_end(void);
/* Those that wait are waited for no more. */
void datagrams_forget(void);

#endif
