/*
 * The component: stint:net (wit/net.wit) over the calls of stint.h, as the canonical ABI has it. No heap: what is
 * passed in goes into one buffer, since a call has one list at most; what is passed out lies where the stack has it,
 * and is given back in the post-return.
 */
#include <stdint.h>

#include <stint.h>

#define EXPORT(name) __attribute__((export_name(name)))
#define STACK "stint:net/stack@0.1.0#"
#define TCP "stint:net/tcp@0.1.0#"
#define UDP "stint:net/udp@0.1.0#"
#define RESOURCE(package, operation) __attribute__((import_module("[export]" package), import_name(operation)))

RESOURCE("stint:net/tcp@0.1.0", "[resource-new]tcp-listener") int32_t new_listener(int32_t rep);
RESOURCE("stint:net/tcp@0.1.0", "[resource-new]tcp-stream") int32_t new_stream(int32_t rep);
RESOURCE("stint:net/udp@0.1.0", "[resource-new]udp-socket") int32_t new_socket(int32_t rep);

enum { ARENA = 8 << 20, BUFFER = 65536, SLOTS = 64 };

static _Alignas(8) unsigned char arena[ARENA];
/* What a call is given; and datagrams on their way out. */
static _Alignas(8) unsigned char buffer[BUFFER], datagram[BUFFER];
struct words {
  uint32_t word[6];
};
/* Where results lie that do not fit into a register. */
static struct words result;

static struct stint_ring *rings(void) { return stint_control_block(); }

static unsigned char *slot(const struct stint_ring *ring, uint32_t index) {
  return (unsigned char *)stint_at(ring->slots + (index & ring->mask) * ring->stride) + STINT_FRAME_OFFSET;
}

EXPORT("cabi_realloc") void *cabi_realloc(void *old, uint32_t old_size, uint32_t align, uint32_t size) {
  (void)old, (void)old_size, (void)align;
  if (size > BUFFER) __builtin_trap();
  return buffer;
}

/* The results: a byte that says which case it is, and what belongs to it at its alignment. */
static void *ok(uint32_t value) {
  result.word[0] = 0;
  result.word[1] = value;
  return &result;
}

static void *error(int32_t code) {
  result.word[0] = 1;
  result.word[1] = (uint32_t)(-code - 1);
  return &result;
}

/* result<_, error-code>: the error is the second byte. */
static void *done(int32_t code) {
  result.word[0] = code >= 0 ? 0 : 1u | (uint32_t)(-code - 1) << 8;
  return &result;
}

EXPORT(STACK "start")
void *stack_start(uint32_t address, uint32_t prefix, uint32_t gateway, uint64_t mac, uint32_t mtu, uint32_t connections,
                  uint32_t ring, uint64_t e0, uint64_t e1, uint64_t e2, uint64_t e3) {
  struct stint_config *c = stint_config_block();
  stint_config_defaults(c);
  c->arenaBase = (uint32_t)(uintptr_t)arena, c->arenaSize = sizeof arena;
  c->ip = address, c->prefix = prefix, c->gateway = gateway, c->mtu = mtu;
  c->macHigh = (uint32_t)(mac >> 16), c->macLow = (uint32_t)mac & 0xffff;
  c->connsMax = connections, c->sendRing = c->recvRing = (ring + 3) & ~3u;
  c->halfOpenMax = connections < 64 ? 64 : 256, c->timeWaitMax = 256, c->listenersMax = 16, c->rangesMax = 1024,
  c->sendersMax = connections < 64 ? connections : 64;
  c->rxSlots = c->txSlots = SLOTS, c->loopSlots = 16, c->reassemblyMax = 2, c->reassemblyBytes = 65520,
  c->neighboursMax = 32, c->udpMax = 8, c->udpRing = 16384;
  c->prefixBuckets = c->fastOpenCookies = 0;
  c->entropy0 = e0, c->entropy1 = e1, c->entropy2 = e2, c->entropy3 = e3;
  return done(stint_init(c));
}

EXPORT(STACK "poll") void *stack_poll(uint64_t now) {
  int32_t wait = stint_poll(now);
  result.word[0] = wait >= 0;
  result.word[1] = (uint32_t)wait;
  return &result;
}

EXPORT(STACK "frame-in") int32_t stack_frame_in(const unsigned char *frame, uint32_t size) {
  struct stint_ring *in = rings();
  if (in == 0 || in->tail - in->head > in->mask) return 0;
  /* What is longer than a slot is none that could be sent to us: the stack counts it. */
  if (size <= in->stride - STINT_FRAME_OFFSET) __builtin_memcpy(slot(in, in->tail), frame, size);
  ((uint32_t *)stint_at(in->lengths))[in->tail & in->mask] = size;
  in->tail++;
  return 1;
}

EXPORT(STACK "frame-out") void *stack_frame_out(void) {
  struct stint_ring *out = rings();
  result.word[0] = 0;
  if (out == 0 || ++out, out->head == out->tail) return &result;
  result.word[0] = 1;
  result.word[1] = (uint32_t)(uintptr_t)slot(out, out->head);
  result.word[2] = ((uint32_t *)stint_at(out->lengths))[out->head & out->mask];
  return &result;
}

EXPORT("cabi_post_" STACK "frame-out") void stack_frame_sent(uint32_t *frame) {
  if (frame[0] != 0) rings()[1].head++;
}

EXPORT(TCP "[static]tcp-listener.listen") void *listener_listen(uint32_t port, uint32_t backlog) {
  int32_t handle = tcp_listen(0, port, backlog);
  return handle < 0 ? error(handle) : ok((uint32_t)new_listener(handle));
}

EXPORT(TCP "[method]tcp-listener.accept") void *listener_accept(int32_t listener) {
  int32_t handle = tcp_accept(listener);
  return handle < 0 ? error(handle) : ok((uint32_t)new_stream(handle));
}

EXPORT(TCP "[dtor]tcp-listener") void listener_drop(int32_t listener) { tcp_close(listener); }

EXPORT(TCP "[static]tcp-stream.connect") void *stream_connect(uint32_t address, uint32_t port) {
  int32_t handle = tcp_connect(0, 0, address, port);
  return handle < 0 ? error(handle) : ok((uint32_t)new_stream(handle));
}

static const struct stint_tcp_info *about(int32_t stream) {
  static struct stint_tcp_info info;
  if (tcp_info(stream, &info) < 0) __builtin_memset(&info, 0, sizeof info);
  return &info;
}

EXPORT(TCP "[method]tcp-stream.state") uint32_t stream_state(int32_t stream) { return about(stream)->state; }

EXPORT(TCP "[method]tcp-stream.remote") void *stream_remote(int32_t stream) {
  const struct stint_tcp_info *info = about(stream);
  result.word[0] = info->rip;
  result.word[1] = info->ports >> 16;
  return &result;
}

EXPORT(TCP "[method]tcp-stream.send") void *stream_send(int32_t stream, void *data, uint32_t size) {
  int32_t n = tcp_send(stream, data, size);
  return n < 0 ? error(n) : ok((uint32_t)n);
}

/* The bytes are lifted out of the ring, and then given back. */
static int32_t receiving;

EXPORT(TCP "[method]tcp-stream.receive") void *stream_receive(int32_t stream, uint32_t max) {
  int32_t span = tcp_recv_span(stream);
  if (span < 0) return error(span);
  receiving = stream;
  result.word[2] = (uint32_t)span < max ? (uint32_t)span : max;
  return ok((uint32_t)(uintptr_t)tcp_recv_at(stream));
}

EXPORT("cabi_post_" TCP "[method]tcp-stream.receive") void stream_received(uint32_t *list) {
  if (list[0] == 0 && list[2] != 0) tcp_recv_consume(receiving, list[2]);
}

EXPORT(TCP "[method]tcp-stream.shutdown") void *stream_shutdown(int32_t stream) { return done(tcp_shutdown(stream)); }

EXPORT(TCP "[method]tcp-stream.abort") void *stream_abort(int32_t stream) { return done(tcp_abort(stream)); }

EXPORT(TCP "[method]tcp-stream.set-no-delay") void *stream_no_delay(int32_t stream, uint32_t value) {
  return done(tcp_set(stream, STINT_OPTION_NO_DELAY, value));
}

EXPORT(TCP "[method]tcp-stream.set-keep-alive") void *stream_keep_alive(int32_t stream, uint32_t value) {
  return done(tcp_set(stream, STINT_OPTION_KEEP_ALIVE, value));
}

EXPORT(TCP "[dtor]tcp-stream") void stream_drop(int32_t stream) { tcp_close(stream); }

EXPORT(UDP "[static]udp-socket.bind") void *socket_bind(uint32_t port) {
  int32_t handle = udp_open(port);
  return handle < 0 ? error(handle) : ok((uint32_t)new_socket(handle));
}

EXPORT(UDP "[method]udp-socket.send")
void *socket_send(int32_t socket, uint32_t address, uint32_t port, void *data, uint32_t size) {
  return done(udp_send(socket, address, port, data, size));
}

EXPORT(UDP "[method]udp-socket.receive") void *socket_receive(int32_t socket) {
  struct stint_datagram_from from;
  int32_t size = udp_recv(socket, datagram, sizeof datagram, &from);
  if (size < 0) return error(size);
  result.word[2] = from.port;
  result.word[3] = (uint32_t)(uintptr_t)datagram;
  result.word[4] = (uint32_t)size;
  return ok(from.ip);
}

EXPORT(UDP "[dtor]udp-socket") void socket_drop(int32_t socket) { udp_close(socket); }
