/*
 * wasi:sockets over stint: TCP; udp.c has UDP, and names.c names.
 */
#include "wasi.h"

#include "../../bsd/endings.h"

IMPORT(CLOCK, "now") uint64_t host_now(void);
IMPORT(CLOCK, "subscribe-duration") int32_t host_after(uint64_t);
IMPORT(POLL, "[resource-drop]pollable") void host_pollable_drop(int32_t);
IMPORT(CLI("exit"), "exit") void host_exit(int32_t);
NEW(SOCKETS("network"), "network") int32_t make_network(int32_t rep);
NEW(SOCKETS("tcp"), "tcp-socket") int32_t make_tcp(int32_t rep);

enum { COUNT = 128, BACKLOG = 128, BUFFER = 65536 };
enum state { FREE, UNBOUND, BINDING, BOUND, CONNECTING, CONNECTED, STARTING, LISTENING, FAILED };

static struct socket {
  enum state state;
  /* The socket and its streams: what is left of them. */
  uint32_t users;
  int32_t handle;
  struct place own;
  uint32_t backlog;
  int deaf;
  /* As set, by STINT_OPTION_…; s for times. */
  uint32_t option[STINT_OPTION_FAST_OPEN + 1];
} sockets[COUNT];

uint32_t socket_error(int32_t error) {
  switch (error) {
    case STINT_ERR_ARGUMENT: return INVALID_ARGUMENT;
    case STINT_ERR_STATE: return INVALID_STATE;
    case STINT_ERR_FULL: return NEW_SOCKET_LIMIT;
    case STINT_ERR_AGAIN: return WOULD_BLOCK;
    case STINT_ERR_IN_USE: return ADDRESS_IN_USE;
    case STINT_ERR_REFUSED: return CONNECTION_REFUSED;
    case STINT_ERR_RESET: return CONNECTION_RESET;
    case STINT_ERR_TIMED_OUT: return TIMEOUT;
    case STINT_ERR_UNREACHABLE: return REMOTE_UNREACHABLE;
    case STINT_ERR_ABORTED: return CONNECTION_ABORTED;
    case STINT_ERR_SIZE: return DATAGRAM_TOO_LARGE;
    default: return UNKNOWN;
  }
}

union result *failed(uint32_t error, uint32_t where) {
  result.word[0] = 1;
  result.byte[where] = (uint8_t)error;
  return &result;
}

union result *done(int32_t r) {
  if (r < 0) return failed(socket_error(r), 1);
  result.word[0] = 0;
  return &result;
}

union result *small(uint32_t value) {
  result.word[0] = 0;
  result.byte[1] = (uint8_t)value;
  return &result;
}

union result *number(uint64_t value) {
  result.word[0] = 0;
  result.wide[1] = value;
  return &result;
}

static uint32_t fresh(int six) {
  for (uint32_t i = 0; i < COUNT; i++) {
    struct socket *s = sockets + i;
    if (s->state != FREE) continue;
    *s = (struct socket){.state = UNBOUND, .users = 1, .handle = -1, .backlog = BACKLOG, .own.six = six};
    s->option[STINT_OPTION_KEEP_IDLE] = 7200, s->option[STINT_OPTION_KEEP_INTERVAL] = 75,
    s->option[STINT_OPTION_KEEP_PROBES] = 9, s->option[STINT_OPTION_TTL] = 64;
    return i;
  }
  return COUNT;
}

/* A loss was said. The status at the end tells it, too. */
static int lost;
/* The component ends: from now on each loss is one of its own. */
static int lingers;

/*
 * Waits until all that was closed is acknowledged, for STINT_LINGER seconds at most, and until datagrams have left, for
 * one: when the component ends, the stack ends with it.
 */
static void linger(void) {
  const uint64_t began = host_now(), patience = (uint64_t)linger_s * SECOND;
  lingers = 1;
  while (link_there()) {
    /* A datagram waits for its neighbour alone, and may be lost. */
    const uint64_t for_datagrams = !datagrams_wait() ? 0 : patience < SECOND ? patience : SECOND;
    const uint64_t most = endings_sweep() != 0 ? patience : for_datagrams;
    const uint64_t past = host_now() - began;
    if (past >= most) break;
    const int32_t limit = host_after(most - past);
    int32_t wait[3] = {limit};
    link_wait(wait, 1);
    host_pollable_drop(limit);
    link_pump();
  }
  endings_cut();
  datagrams_forget();
  /* The RSTs of those leave. */
  link_pump();
  lingers = 0;
  if (endings_lost == 0) return;
  say("stint: a closed connection ended before all was acknowledged\n");
  lost = 1;
  endings_lost = 0;
}

static int in_use(void) {
  for (uint32_t i = 0; i < COUNT; i++)
    if (sockets[i].state != FREE) return 1;
  return datagrams_in_use();
}

void socket_left(void) {
  /* The FIN, or what is left before it, leaves now if it can. */
  link_pump();
  if (!in_use()) linger();
}

/*
 * After every poll. What is acknowledged is forgotten while its state still tells so: it ends by itself a minute later.
 * A loss while other sockets are in use is nobody's who ends.
 */
void socket_polled(void) {
  endings_sweep();
  if (!lingers && in_use()) endings_lost = 0;
}

/* What a connection has to send yet is sent; what else it is, is over. */
static void leave(struct socket *s) {
  if (s->state == CONNECTED) ending_begin(s->handle);
  else if (s->handle >= 0) tcp_close(s->handle);
  s->state = FAILED, s->handle = -1;
}

/*
 * A component that returns from its run is heard of no more, unless run.c stands around it: so who closes the last
 * socket waits. With others, and with a listener, it goes on being polled.
 */
void socket_leave(uint32_t i) {
  struct socket *s = sockets + i;
  if (--s->users != 0) return;
  leave(s);
  s->state = FREE;
  socket_left();
}

/*
 * Does what the kernel does when a process ends: closes what is open, and sends what is left. 1: a loss was said. Who
 * has sockets keeps them: a component may be called again.
 */
EXPORT(ENDING, "finish") int32_t finish(void) {
  for (uint32_t i = 0; i < COUNT; i++)
    if (sockets[i].state != FREE) leave(sockets + i);
  link_pump();
  datagrams_end();
  linger();
  return lost;
}

EXPORT(CLI("exit"), "exit") void cli_exit(int32_t status) {
  const int32_t failed = finish();
  host_exit(status | failed);
}

static const struct stint_tcp_info *about(int32_t handle) {
  static struct stint_tcp_info info;
  if (tcp_info(handle, &info) < 0) __builtin_memset(&info, 0, sizeof info);
  return &info;
}

/* Streams. */

int32_t socket_room(uint32_t i) {
  if (!link_there()) return CLOSED;
  const int32_t room = tcp_send_room(sockets[i].handle);
  return room == STINT_ERR_CLOSED || room == STINT_ERR_STATE ? CLOSED : room;
}

int32_t socket_send(uint32_t i, void *data, uint32_t size) {
  if (!link_there()) return CLOSED;
  const int32_t n = tcp_send(sockets[i].handle, data, size);
  return n == STINT_ERR_CLOSED || n == STINT_ERR_STATE ? CLOSED : n == STINT_ERR_AGAIN ? 0 : n;
}

int32_t socket_receive(uint32_t i, uint32_t max, uint32_t *where) {
  const struct socket *s = sockets + i;
  if (!link_there() || s->deaf) return CLOSED;
  const int32_t n = tcp_recv_span(s->handle);
  if (n == STINT_ERR_AGAIN) return 0;
  if (n == 0 || n == STINT_ERR_STATE) return CLOSED;
  if (n < 0) return n;
  *where = address_of(tcp_recv_at(s->handle));
  return (uint32_t)n < max ? n : (int32_t)max;
}

void socket_consume(uint32_t i, uint32_t size) { tcp_recv_consume(sockets[i].handle, size); }

/* Connections that a listener has to hand out; −1: it is there no more. */
static int32_t to_accept(int32_t handle) {
  struct stint_listener_info info;
  return stint_listener_info(handle, &info) < 0 ? -1 : (int32_t)info.toAccept;
}

int socket_ready(uint32_t i, uint32_t what) {
  const struct socket *s = sockets + i;
  if (!link_there()) return 1;
  if (what == ON_INPUT) return s->deaf || tcp_recv_size(s->handle) != STINT_ERR_AGAIN;
  if (what == ON_OUTPUT) return tcp_send_room(s->handle) != 0;
  if (s->state == CONNECTING) {
    const uint32_t state = about(s->handle)->state;
    return state != STINT_STATE_SYN_SENT && state != STINT_STATE_SYN_RECEIVED;
  }
  return s->state != LISTENING || to_accept(s->handle) != 0;
}

/* wasi:sockets/network, instance-network. */

EXPORT(SOCKETS("instance-network"), "instance-network") int32_t instance_network(void) { return make_network(1); }

EXPORT(SOCKETS("network"), "network-error-code") union result *error_code(int32_t error) {
  result.word[0] = (error & 1) == 0;
  result.byte[1] = (uint8_t)(error >> 1);
  return &result;
}

/* wasi:sockets/tcp-create-socket. */

EXPORT(SOCKETS("tcp-create-socket"), "create-tcp-socket") union result *create(int32_t family) {
  if (!link_up()) return failed(ACCESS_DENIED, 4);
  if (family != 0 && !link_six()) return failed(NOT_SUPPORTED, 4);
  const uint32_t i = fresh(family != 0);
  if (i == COUNT) return failed(NEW_SOCKET_LIMIT, 4);
  result.word[0] = 0;
  result.word[1] = (uint32_t)make_tcp((int32_t)i);
  return &result;
}

/* wasi:sockets/tcp. */

#define TCP SOCKETS("tcp")
#define METHOD(name) EXPORT(TCP, "[method]tcp-socket." name)

static int has_port(uint32_t port) {
  for (uint32_t i = 0; i < COUNT; i++)
    if (sockets[i].state != FREE && sockets[i].own.port == port) return 1;
  return 0;
}

/* One at random (RFC 6056 §3.3.1). There are more ports than sockets. */
static uint32_t free_port(void) {
  uint32_t port;
  do port = FIRST_PORT + (uint32_t)random_u64() % PORTS;
  while (has_port(port));
  return port;
}

METHOD("start-bind") union result *start_bind(int32_t i, int32_t network, ADDRESS) {
  struct socket *s = sockets + i;
  const struct place own = PLACE;
  (void)network, (void)m;
  if (s->state != UNBOUND) return failed(INVALID_STATE, 1);
  const uint32_t error = wrong_own(&own, s->own.six);
  if (error != 0) return failed(error, 1);
  s->own = own;
  /* Who binds may ask for its port before it listens. */
  if (own.port == 0) s->own.port = free_port();
  s->state = BINDING;
  return done(0);
}

METHOD("finish-bind") union result *finish_bind(int32_t i) {
  struct socket *s = sockets + i;
  if (s->state != BINDING) return failed(NOT_IN_PROGRESS, 1);
  s->state = BOUND;
  return done(0);
}

METHOD("start-listen") union result *start_listen(int32_t i) {
  struct socket *s = sockets + i;
  if (s->state != BOUND) return failed(INVALID_STATE, 1);
  const int32_t handle = tcp_listen(place_every(&s->own), s->own.port, s->backlog);
  if (handle == STINT_ERR_ARGUMENT) return failed(ADDRESS_NOT_BINDABLE, 1);
  if (handle < 0) return done(handle);
  s->handle = handle;
  s->state = STARTING;
  return done(0);
}

METHOD("finish-listen") union result *finish_listen(int32_t i) {
  struct socket *s = sockets + i;
  if (s->state != STARTING) return failed(NOT_IN_PROGRESS, 1);
  s->state = LISTENING;
  return done(0);
}

/* Options that were set before there was a connection. */
static void apply(const struct socket *s) {
  tcp_set(s->handle, STINT_OPTION_KEEP_IDLE, s->option[STINT_OPTION_KEEP_IDLE]);
  tcp_set(s->handle, STINT_OPTION_KEEP_INTERVAL, s->option[STINT_OPTION_KEEP_INTERVAL]);
  tcp_set(s->handle, STINT_OPTION_KEEP_PROBES, s->option[STINT_OPTION_KEEP_PROBES]);
  tcp_set(s->handle, STINT_OPTION_TTL, s->option[STINT_OPTION_TTL]);
  tcp_set(s->handle, STINT_OPTION_KEEP_ALIVE, s->option[STINT_OPTION_KEEP_ALIVE]);
}

METHOD("start-connect") union result *start_connect(int32_t i, int32_t network, ADDRESS) {
  struct socket *s = sockets + i;
  const struct place peer = PLACE;
  (void)network, (void)m;
  if (s->state != UNBOUND && s->state != BOUND) return failed(INVALID_STATE, 1);
  const uint32_t error = wrong_peer(&peer, s->own.six);
  if (error != 0) return failed(error, 1);
  /* An own address has a name that lasts; the peer's is the one of this call. */
  const uint32_t own = place_own(&s->own);
  const int32_t handle = tcp_connect(own, s->own.port, place_name(&peer), peer.port);
  if (handle < 0) return done(handle);
  s->handle = handle;
  s->state = CONNECTING;
  apply(s);
  link_pump();
  return done(0);
}

METHOD("finish-connect") union result *finish_connect(int32_t i) {
  struct socket *s = sockets + i;
  if (s->state != CONNECTING) return failed(NOT_IN_PROGRESS, 4);
  link_pump();
  if (!socket_ready((uint32_t)i, ON_SOCKET)) return failed(WOULD_BLOCK, 4);
  const int32_t error = tcp_recv_size(s->handle);
  if (error < 0 && error != STINT_ERR_AGAIN) {
    s->state = FAILED;
    return failed(socket_error(error), 4);
  }
  s->state = CONNECTED;
  s->users += 2;
  result.word[0] = 0;
  result.word[1] = (uint32_t)new_input(i << 2 | OF_SOCKET);
  result.word[2] = (uint32_t)new_output(i << 2 | OF_SOCKET);
  return &result;
}

METHOD("accept") union result *accept(int32_t i) {
  const struct socket *s = sockets + i;
  if (s->state != LISTENING) return failed(INVALID_STATE, 4);
  link_pump();
  if (to_accept(s->handle) <= 0) return failed(WOULD_BLOCK, 4);
  const uint32_t n = fresh(s->own.six);
  if (n == COUNT) return failed(NEW_SOCKET_LIMIT, 4);
  struct socket *c = sockets + n;
  const int32_t handle = tcp_accept(s->handle);
  if (handle < 0) {
    c->state = FREE;
    return failed(socket_error(handle), 4);
  }
  c->handle = handle;
  c->state = CONNECTED;
  c->users = 3;
  __builtin_memcpy(c->option, s->option, sizeof c->option);
  apply(c);
  result.word[0] = 0;
  result.word[1] = (uint32_t)make_tcp((int32_t)n);
  result.word[2] = (uint32_t)new_input((int32_t)n << 2 | OF_SOCKET);
  result.word[3] = (uint32_t)new_output((int32_t)n << 2 | OF_SOCKET);
  return &result;
}

METHOD("local-address") union result *local_address(int32_t i) {
  const struct socket *s = sockets + i;
  if (s->state == UNBOUND || s->state == BINDING || s->state == FAILED) return failed(INVALID_STATE, 4);
  if (s->state != CONNECTED && s->state != CONNECTING) return address(&s->own);
  const struct stint_tcp_info *info = about(s->handle);
  const struct place own = place_named(info->lip, info->ports & 0xffff);
  return address(&own);
}

METHOD("remote-address") union result *remote_address(int32_t i) {
  const struct socket *s = sockets + i;
  if (s->state != CONNECTED) return failed(INVALID_STATE, 4);
  const struct stint_tcp_info *info = about(s->handle);
  const struct place peer = place_named(info->rip, info->ports >> 16);
  return address(&peer);
}

METHOD("is-listening") int32_t is_listening(int32_t i) { return sockets[i].state == LISTENING; }

METHOD("address-family") int32_t address_family(int32_t i) { return sockets[i].own.six; }

METHOD("set-listen-backlog-size") union result *set_backlog(int32_t i, uint64_t value) {
  struct socket *s = sockets + i;
  if (value == 0) return failed(INVALID_ARGUMENT, 1);
  if (s->state == LISTENING || s->state == STARTING) return failed(NOT_SUPPORTED, 1);
  if (s->state == CONNECTED || s->state == CONNECTING) return failed(INVALID_STATE, 1);
  s->backlog = value < BACKLOG ? (uint32_t)value : BACKLOG;
  return done(0);
}

static union result *set_option(int32_t i, uint32_t option, uint64_t value, uint64_t most) {
  struct socket *s = sockets + i;
  const uint32_t least = option == STINT_OPTION_KEEP_ALIVE ? 0 : option == STINT_OPTION_KEEP_PROBES ? 2 : 1;
  if (value == 0 && least != 0) return failed(INVALID_ARGUMENT, 1);
  /* What is finer or coarser than the stack can do is done as well as it can. */
  s->option[option] = (uint32_t)(value < least ? least : value > most ? most : value);
  return done(s->state == CONNECTED || s->state == CONNECTING ? tcp_set(s->handle, option, s->option[option]) : 0);
}

static uint64_t seconds(uint64_t ns) { return ns / SECOND + (ns % SECOND != 0); }

METHOD("keep-alive-enabled") union result *keep_alive(int32_t i) {
  return small(sockets[i].option[STINT_OPTION_KEEP_ALIVE]);
}
METHOD("set-keep-alive-enabled") union result *set_keep_alive(int32_t i, uint32_t value) {
  return set_option(i, STINT_OPTION_KEEP_ALIVE, value, 1);
}
METHOD("keep-alive-idle-time") union result *keep_idle(int32_t i) {
  return number((uint64_t)sockets[i].option[STINT_OPTION_KEEP_IDLE] * SECOND);
}
METHOD("set-keep-alive-idle-time") union result *set_keep_idle(int32_t i, uint64_t value) {
  return set_option(i, STINT_OPTION_KEEP_IDLE, seconds(value), 65535);
}
METHOD("keep-alive-interval") union result *keep_interval(int32_t i) {
  return number((uint64_t)sockets[i].option[STINT_OPTION_KEEP_INTERVAL] * SECOND);
}
METHOD("set-keep-alive-interval") union result *set_keep_interval(int32_t i, uint64_t value) {
  return set_option(i, STINT_OPTION_KEEP_INTERVAL, seconds(value), 65535);
}
METHOD("keep-alive-count") union result *keep_count(int32_t i) {
  result.word[0] = 0;
  result.word[1] = sockets[i].option[STINT_OPTION_KEEP_PROBES];
  return &result;
}
METHOD("set-keep-alive-count") union result *set_keep_count(int32_t i, uint32_t value) {
  return set_option(i, STINT_OPTION_KEEP_PROBES, value, 255);
}
METHOD("hop-limit") union result *hop_limit(int32_t i) { return small(sockets[i].option[STINT_OPTION_TTL]); }
METHOD("set-hop-limit") union result *set_hop_limit(int32_t i, uint32_t value) {
  return set_option(i, STINT_OPTION_TTL, value & 0xff, 255);
}

/* Rings have one size, chosen when the stack starts; a wish is taken for a hint. */
union result *set_buffer(uint64_t value) {
  return value == 0 ? failed(INVALID_ARGUMENT, 1) : done(0);
}
METHOD("receive-buffer-size") union result *receive_buffer(int32_t i) { return (void)i, number(BUFFER); }
METHOD("set-receive-buffer-size") union result *set_receive_buffer(int32_t i, uint64_t value) {
  return (void)i, set_buffer(value);
}
METHOD("send-buffer-size") union result *send_buffer(int32_t i) { return (void)i, number(BUFFER); }
METHOD("set-send-buffer-size") union result *set_send_buffer(int32_t i, uint64_t value) {
  return (void)i, set_buffer(value);
}

METHOD("subscribe") int32_t tcp_subscribe(int32_t i) { return pollable((uint32_t)i, ON_SOCKET); }

METHOD("shutdown") union result *shutdown(int32_t i, uint32_t type) {
  struct socket *s = sockets + i;
  enum { RECEIVE, SEND };
  if (s->state != CONNECTED) return failed(INVALID_STATE, 1);
  if (type != SEND) s->deaf = 1;
  if (type == RECEIVE) return done(0);
  const int32_t r = tcp_shutdown(s->handle);
  link_pump();
  return done(r);
}

EXPORT(TCP, "[dtor]tcp-socket") void tcp_drop(int32_t i) { socket_leave((uint32_t)i); }
