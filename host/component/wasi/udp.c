/*
 * wasi:sockets/udp over stint: UDP. A socket holds one datagram at a time, so that whether there is one can
 * be told before it is taken. Where WASI lets a host trap, this tells an error.
 */
#include "wasi.h"

NEW(SOCKETS("udp"), "udp-socket") int32_t make_udp(int32_t rep);
NEW(SOCKETS("udp"), "incoming-datagram-stream") int32_t make_incoming(int32_t rep);
NEW(SOCKETS("udp"), "outgoing-datagram-stream") int32_t make_outgoing(int32_t rep);

/* So many datagrams `check-send` permits. */
enum { PERMITTED = 64, PAYLOAD_MAX = 65536, INDEX_BITS = 5, PAIRS = 1 << 20, TRIES = 64 };
_Static_assert(1 << INDEX_BITS == DATAGRAM_SOCKETS, "a stream's rep has a socket's number");
enum state { FREE, UNBOUND, BINDING, BOUND };

static struct datagram_socket {
  enum state state;
  /* The socket and its streams: what is left of them. */
  uint32_t users;
  int32_t handle;
  struct place own, peer;
  /* Whether `peer` is the only one. */
  int connected;
  /* Which pair of streams works, the latest one: the others' reps have another number. */
  uint32_t pair;
  uint32_t ttl;
  /* The datagram that is held: its size, below 0 if there is none, and whom it is from. */
  int32_t held;
  struct place from;
  /* An error-code to be told; 0: none. */
  uint32_t error;
  unsigned char data[PAYLOAD_MAX];
} sockets[DATAGRAM_SOCKETS];

/* Datagrams to others that have not left yet: they wait for their neighbours. */
static uint32_t waiting;

void datagram_out(void) { waiting -= waiting != 0; }
int datagrams_wait(void) { return waiting != 0; }
void datagrams_forget(void) { waiting = 0; }

int datagrams_in_use(void) {
  for (uint32_t i = 0; i < DATAGRAM_SOCKETS; i++)
    if (sockets[i].state != FREE) return 1;
  return 0;
}

static void end(struct datagram_socket *s) {
  if (s->handle >= 0) udp_close(s->handle);
  s->handle = -1;
}

void datagrams_end(void) {
  for (uint32_t i = 0; i < DATAGRAM_SOCKETS; i++)
    if (sockets[i].state != FREE) end(sockets + i);
}

static void leave(uint32_t i) {
  struct datagram_socket *s = sockets + i;
  if (--s->users != 0) return;
  end(s);
  s->state = FREE;
  socket_left();
}

/* wasi:sockets/udp-create-socket. */

EXPORT(SOCKETS("udp-create-socket"), "create-udp-socket") union result *create_udp(int32_t family) {
  if (!link_up()) return failed(ACCESS_DENIED, 4);
  if (family != 0 && !link_six()) return failed(NOT_SUPPORTED, 4);
  uint32_t i = 0;
  while (i < DATAGRAM_SOCKETS && sockets[i].state != FREE) i++;
  if (i == DATAGRAM_SOCKETS) return failed(NEW_SOCKET_LIMIT, 4);
  struct datagram_socket *s = sockets + i;
  s->state = UNBOUND, s->users = 1, s->handle = s->held = -1, s->ttl = 64;
  s->connected = 0, s->pair = s->error = 0;
  s->own = (struct place){.six = family != 0};
  result.word[0] = 0;
  result.word[1] = (uint32_t)make_udp((int32_t)i);
  return &result;
}

/* wasi:sockets/udp: the socket. */

#define UDP SOCKETS("udp")
#define METHOD(name) EXPORT(UDP, "[method]" name)

/* A handle for the socket's place; port 0: one at random that is free (RFC 6056 §3.3.1). */
static int32_t open_at(struct place *own) {
  if (own->port != 0) return udp_open(own->port);
  int32_t handle = STINT_ERR_IN_USE;
  /* There are fewer sockets than tries. */
  for (int tries = 0; tries < TRIES && handle == STINT_ERR_IN_USE; tries++) {
    own->port = FIRST_PORT + (uint32_t)random_u64() % PORTS;
    handle = udp_open(own->port);
  }
  return handle;
}

METHOD("udp-socket.start-bind") union result *udp_start_bind(int32_t i, int32_t network, ADDRESS) {
  struct datagram_socket *s = sockets + i;
  struct place own = PLACE;
  (void)network, (void)m;
  if (s->state != UNBOUND) return failed(INVALID_STATE, 1);
  const uint32_t error = wrong_own(&own, s->own.six);
  if (error != 0) return failed(error, 1);
  const int32_t handle = open_at(&own);
  if (handle < 0) return done(handle);
  udp_ttl(handle, s->ttl);
  s->handle = handle, s->own = own, s->state = BINDING;
  return done(0);
}

METHOD("udp-socket.finish-bind") union result *udp_finish_bind(int32_t i) {
  struct datagram_socket *s = sockets + i;
  if (s->state != BINDING) return failed(NOT_IN_PROGRESS, 1);
  s->state = BOUND;
  return done(0);
}

/* What is wrong with sending to `to`, as an error-code; 0: nothing. */
static uint32_t wrong(const struct datagram_socket *s, const struct place *to) {
  const uint32_t error = wrong_peer(to, s->own.six);
  if (error != 0) return error;
  /* From a loopback address nothing goes to others (RFC 1122 §3.2.1.3 (g), RFC 4291 §2.5.3). */
  return is_loopback(&s->own) && !is_own(to) ? INVALID_ARGUMENT : 0;
}

METHOD("udp-socket.stream") union result *udp_stream(int32_t i, int32_t some, ADDRESS) {
  struct datagram_socket *s = sockets + i;
  const struct place peer = PLACE;
  (void)m;
  if (s->state != BOUND) return failed(INVALID_STATE, 4);
  const uint32_t error = some ? wrong(s, &peer) : 0;
  if (error != 0) return failed(error, 4);
  udp_connect(s->handle, some ? place_name(&peer) : 0, some ? peer.port : 0);
  s->connected = some, s->peer = peer, s->error = 0;
  /* What was held for another one is nobody's. */
  if (some && s->held >= 0 && !is_same(&s->from, &peer)) s->held = -1;
  s->pair = (s->pair + 1) % PAIRS;
  s->users += 2;
  const int32_t rep = (int32_t)(s->pair << INDEX_BITS) | i;
  result.word[0] = 0;
  result.word[1] = (uint32_t)make_incoming(rep);
  result.word[2] = (uint32_t)make_outgoing(rep);
  return &result;
}

METHOD("udp-socket.local-address") union result *udp_local_address(int32_t i) {
  const struct datagram_socket *s = sockets + i;
  if (s->state != BOUND) return failed(INVALID_STATE, 4);
  /* With one peer there is one address that we talk to it from. */
  const struct place to_peer = place_towards(&s->peer, s->own.port);
  return address(s->connected && is_any(&s->own) ? &to_peer : &s->own);
}

METHOD("udp-socket.remote-address") union result *udp_remote_address(int32_t i) {
  const struct datagram_socket *s = sockets + i;
  return s->connected ? address(&s->peer) : failed(INVALID_STATE, 4);
}

METHOD("udp-socket.address-family") int32_t udp_family(int32_t i) { return sockets[i].own.six; }

METHOD("udp-socket.unicast-hop-limit") union result *udp_hop_limit(int32_t i) { return small(sockets[i].ttl); }

METHOD("udp-socket.set-unicast-hop-limit") union result *udp_set_hop_limit(int32_t i, uint32_t value) {
  struct datagram_socket *s = sockets + i;
  if ((value & 0xff) == 0) return failed(INVALID_ARGUMENT, 1);
  s->ttl = value & 0xff;
  return done(s->handle >= 0 ? udp_ttl(s->handle, s->ttl) : 0);
}

METHOD("udp-socket.receive-buffer-size") union result *udp_receive_buffer(int32_t i) {
  return (void)i, number(DATAGRAM_RING);
}
METHOD("udp-socket.set-receive-buffer-size") union result *udp_set_receive_buffer(int32_t i, uint64_t value) {
  return (void)i, set_buffer(value);
}
METHOD("udp-socket.send-buffer-size") union result *udp_send_buffer(int32_t i) {
  return (void)i, number(DATAGRAM_RING);
}
METHOD("udp-socket.set-send-buffer-size") union result *udp_set_send_buffer(int32_t i, uint64_t value) {
  return (void)i, set_buffer(value);
}

/* Whatever it begins is done at once. */
METHOD("udp-socket.subscribe") int32_t udp_subscribe(int32_t i) { return (void)i, pollable(0, ON_NOTHING); }

EXPORT(UDP, "[dtor]udp-socket") void udp_drop(int32_t i) { leave((uint32_t)i); }

/* Its streams. */

static uint32_t index_of(uint32_t stream) { return stream & (DATAGRAM_SOCKETS - 1); }

/* The socket, if the stream is one of its latest pair and the socket can send and receive; else 0. */
static struct datagram_socket *socket_of(uint32_t stream) {
  struct datagram_socket *s = sockets + index_of(stream);
  return s->state == BOUND && s->handle >= 0 && s->pair == stream >> INDEX_BITS ? s : 0;
}

/*
 * Whether a datagram was for the socket. What came to a loopback address was sent from one, and nothing else was, so
 * its source tells where it came to.
 */
static int is_for(const struct datagram_socket *s, const struct place *from) {
  if (from->six != s->own.six) return 0;
  if (!is_any(&s->own) && is_loopback(&s->own) != is_loopback(from)) return 0;
  return !s->connected || is_same(from, &s->peer);
}

/* Whether there is a datagram, or an error. What is in the stack's ring comes to an end, since nothing polls here. */
static int hold(struct datagram_socket *s) {
  while (s->held < 0 && s->error == 0) {
    struct stint_datagram_from from;
    const int32_t n = udp_recv(s->handle, s->data, sizeof s->data, &from);
    if (n == STINT_ERR_AGAIN) return 0;
    if (n == STINT_ERR_REFUSED) {
      /* Who has many peers is not told which one it was, so it is told nothing, as the kernel has it. */
      if (s->connected) s->error = CONNECTION_REFUSED;
    } else if (n < 0) {
      s->error = socket_error(n);
    } else {
      s->from = place_named(from.ip, from.port);
      if (is_for(s, &s->from)) s->held = n;
    }
  }
  return 1;
}

int datagram_ready(uint32_t stream) {
  struct datagram_socket *s = socket_of(stream);
  return s == 0 || !link_there() || hold(s);
}

/* The error that is due, told once. */
static uint32_t due(struct datagram_socket *s) {
  const uint32_t error = s->error;
  s->error = 0;
  return error;
}

/* What a call on a stream fails with before it does anything; 0: with nothing. */
static uint32_t refused(const struct datagram_socket *s) {
  return s == 0 ? INVALID_STATE : !link_there() ? REMOTE_UNREACHABLE : 0;
}

/* list<incoming-datagram>: one, or none. */
METHOD("incoming-datagram-stream.receive") union result *udp_receive(int32_t stream, uint64_t max) {
  static struct {
    uint32_t data, size;
    uint32_t place[8];
  } list;
  link_pump();
  struct datagram_socket *s = socket_of((uint32_t)stream);
  const uint32_t error = refused(s);
  if (error != 0) return failed(error, 4);
  result.word[0] = result.word[2] = 0;
  result.word[1] = address_of(&list);
  if (max == 0 || !hold(s)) return &result;
  if (s->error != 0) return failed(due(s), 4);
  list.data = address_of(s->data), list.size = (uint32_t)s->held;
  put_place(list.place, &s->from);
  result.word[2] = 1;
  /* It stays where it is until it is read. */
  s->held = -1;
  return &result;
}

METHOD("incoming-datagram-stream.subscribe") int32_t udp_receive_subscribe(int32_t stream) {
  return pollable((uint32_t)stream, ON_DATAGRAM);
}

METHOD("outgoing-datagram-stream.check-send") union result *udp_check_send(int32_t stream) {
  link_pump();
  const uint32_t error = refused(socket_of((uint32_t)stream));
  return error != 0 ? failed(error, 8) : number(PERMITTED);
}

/* An outgoing-datagram, as it lies in a list. */
struct outgoing {
  uint32_t data, size;
  uint8_t some, reserved[3];
  uint8_t family, reserved1[3];
  uint16_t port;
  uint8_t ip[4];
  uint8_t reserved2[2];
  uint16_t parts[8];
  uint32_t scope;
};
_Static_assert(sizeof(struct outgoing) == 44, "an outgoing-datagram");

static struct place place_in(const struct outgoing *o) {
  uint32_t parts[9] = {0};
  for (uint32_t n = 0; n < 8; n++) parts[n + (o->family != 0)] = o->family != 0 ? o->parts[n] : n < 4 ? o->ip[n] : 0;
  return place_of(o->family, o->port, parts);
}

/* Queues one. Returns an error-code, or 0. */
static uint32_t queue(struct datagram_socket *s, const struct outgoing *o) {
  const struct place to = o->some ? place_in(o) : s->peer;
  const uint32_t error = o->some ? wrong(s, &to) : s->connected ? 0 : INVALID_ARGUMENT;
  if (error != 0) return error;
  if (s->connected && !is_same(&to, &s->peer)) return INVALID_ARGUMENT;
  const int32_t r = udp_send(s->handle, place_name(&to), to.port, at(o->data), o->size);
  if (r == 0) waiting += !is_own(&to);
  /* The stack sends to hosts; a group is none. */
  return r == 0 ? 0 : r == STINT_ERR_ARGUMENT ? REMOTE_UNREACHABLE : socket_error(r);
}

METHOD("outgoing-datagram-stream.send")
union result *udp_send_all(int32_t stream, const struct outgoing *list, uint32_t count) {
  struct datagram_socket *s = socket_of((uint32_t)stream);
  uint32_t error = refused(s), n = 0;
  forget_lists();
  if (error != 0) return failed(error, 8);
  if (s->connected) hold(s), error = due(s);
  for (; error == 0 && n < count && n < PERMITTED; n += error == 0) error = queue(s, list + n);
  link_pump();
  /* A full ring is no error: fewer were sent. */
  return n != 0 || error == 0 || error == WOULD_BLOCK ? number(n) : failed(error, 8);
}

METHOD("outgoing-datagram-stream.subscribe") int32_t udp_send_subscribe(int32_t stream) {
  return (void)stream, pollable(0, ON_NOTHING);
}

EXPORT(UDP, "[dtor]incoming-datagram-stream") void udp_incoming_drop(int32_t stream) {
  leave(index_of((uint32_t)stream));
}
EXPORT(UDP, "[dtor]outgoing-datagram-stream") void udp_outgoing_drop(int32_t stream) {
  leave(index_of((uint32_t)stream));
}
