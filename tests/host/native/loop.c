/*
 * Every call of stint.h that takes a pointer, natively, over the stack's own loop: a connection to itself. Prints "ok".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <stint.h>

#define CHECK(what) \
  if (!(what)) { \
    fprintf(stderr, "line %d: %s\n", __LINE__, #what); \
    exit(1); \
  }

enum { RING = 4096, SIZE = 200000 };
static uint64_t now = 1000000;
static uint8_t sent[SIZE], got[SIZE];

static void turn(void) {
  while (stint_poll(now) == 0) continue;
  now += 1000;
}

/* Calls before there is a stack, or a memory. */
static void early(void) {
  CHECK(stint_poll(1) == STINT_ERR_NOT_INIT && stint_link_changed() == STINT_ERR_NOT_INIT);
  CHECK(tcp_listen(0, 7, 4) == STINT_ERR_NOT_INIT && tcp_connect(0, 0, 0x0a000001, 7) == STINT_ERR_NOT_INIT);
  CHECK(udp_open(9) == STINT_ERR_NOT_INIT && stint_tune(50, 1) == STINT_ERR_NOT_INIT);
  CHECK(stint_event_next() == 0 && stint_control_block() == NULL && stint_counters() == NULL);
  CHECK(stint_pool(STINT_POOL_CONNECTIONS) == STINT_ERR_NOT_INIT && stint_flow_state(1, 2, 3, 4) == STINT_ERR_NOT_INIT);
  CHECK(dns_lookup(sent, 4, got, 4) == STINT_ERR_NOT_INIT && dns_lookup6(sent, 4, got, 4) == STINT_ERR_NOT_INIT);
  CHECK(stint_dhcp6_info(got) == STINT_ERR_NOT_INIT);
  CHECK(dhcp_info(got) == STINT_ERR_NOT_INIT && dns_info(got) == STINT_ERR_NOT_INIT);
  CHECK(mdns_info(got) == STINT_ERR_NOT_INIT && stint_sntp_info(got) == STINT_ERR_NOT_INIT);
  CHECK(dhcp_start(0, sent, 4) == STINT_ERR_NOT_INIT && dhcp_domain(got, 9) == STINT_ERR_NOT_INIT);
  CHECK(mdns_start(sent, 4) == STINT_ERR_NOT_INIT && mdns_name(got, 9) == STINT_ERR_NOT_INIT);
  for (int32_t handle = -1; handle < 70000; handle = handle * 3 + 4) {
    CHECK(tcp_close(handle) == STINT_ERR_HANDLE && tcp_abort(handle) == STINT_ERR_HANDLE);
    CHECK(tcp_accept(handle) == STINT_ERR_HANDLE && tcp_shutdown(handle) == STINT_ERR_HANDLE);
    CHECK(tcp_send(handle, sent, 1) == STINT_ERR_HANDLE && tcp_recv(handle, got, 100) == STINT_ERR_HANDLE);
    CHECK(tcp_send_at(handle) == NULL && tcp_recv_at(handle) == NULL && tcp_set(handle, STINT_OPTION_NO_DELAY, 1) < 0);
    CHECK(tcp_info(handle, got) < 0 && stint_listener_info(handle, got) < 0 && tcp_peek(handle, got, 10) < 0);
    CHECK(udp_close(handle) < 0 && udp_send(handle, 0x0a000001, 7, sent, 1) < 0 && udp_connect(handle, 1, 1) < 0);
    CHECK(udp_recv(handle, got, 10, NULL) < 0 && udp_ttl(handle, 1) < 0);
  }
}

/* A name is asked for at `server`, a socket on port 53 of this host, which answers with 10.9.8.7 or fd00::7. */
static void names(int32_t server) {
  char name[] = "lamp.test";
  uint32_t ip[4], size = sizeof name - 1;
  uint8_t six[4][16], question[512];
  struct stint_datagram_from from;
  CHECK(dns_servers(0x0a000001, 0, 0) == 0);
  CHECK(dns_lookup(name, size, ip, 4) == STINT_ERR_AGAIN && dns_lookup6(name, size, six, 4) == STINT_ERR_AGAIN);
  turn();
  for (int i = 0; i < 2; i++) {
    int32_t n = udp_recv(server, question, 400, &from);
    CHECK(n > 12 + 4 && from.ip == 0x0a000001);
    uint8_t kind = question[12 + 1 + 4 + 1 + 4 + 2], bytes = kind == 1 ? 4 : 16, *at = question + 12 + 11 + 4;
    /* No additional record, as the question may have (RFC 6891); one answer, which lasts a minute. */
    const uint8_t record[] = {0xc0, 12, 0, kind, 0, 1, 0, 0, 0, 60, 0, bytes}, v4[] = {10, 9, 8, 7};
    const uint8_t v6[16] = {0xfd, [15] = 7};
    question[2] |= 0x80, question[7] = 1, question[11] = 0;
    memcpy(at, record, sizeof record);
    memcpy(at + sizeof record, kind == 1 ? v4 : v6, bytes);
    uint32_t whole = (uint32_t)(at - question + sizeof record + bytes);
    CHECK(udp_send(server, from.ip, from.port, question, whole) == 0);
  }
  turn();
  CHECK(dns_lookup(name, size, ip, 4) == 1 && ip[0] == 0x0a090807);
  CHECK(dns_lookup6(name, size, six, 4) == 1 && six[0][0] == 0xfd && six[0][15] == 7);
  CHECK(dns_lookup(name, size, NULL, 0) >= 0 && dns_lookup(NULL, size, ip, 4) == STINT_ERR_ARGUMENT);
  CHECK(dns_lookup(name, 100000, ip, 4) == STINT_ERR_ARGUMENT && dns_lookup(name, size, ip, 5) == STINT_ERR_ARGUMENT);
  CHECK(dns_lookup(name, size, NULL, 4) == STINT_ERR_ARGUMENT &&
        dns_lookup6(name, size, NULL, 4) == STINT_ERR_ARGUMENT);
  struct stint_names asked;
  CHECK(dns_info(&asked) == 0 && asked.server0 == 0x0a000001 && asked.sent == 2 && asked.taken == 2);
}

/* What the other clients tell, and what they take for a name. */
static void clients(void) {
  struct stint_lease lease;
  struct stint_local_name local;
  struct stint_time utc;
  char text[64];
  CHECK(dhcp_info(&lease) == 0 && lease.ip == 0x0a000001 && dhcp_domain(text, sizeof text) == 0);
  CHECK(mdns_start("lamp", 4) == 0 && mdns_info(&local) == 0 && local.conflicts == 0);
  CHECK(mdns_name(text, sizeof text) == 10 && memcmp(text, "lamp.local", 10) == 0);
  CHECK(mdns_start(NULL, 4) == STINT_ERR_ARGUMENT && mdns_stop() == 0);
  CHECK(stint_sntp_info(&utc) == 0 && utc.stratum == 0);
  CHECK(dhcp_start(0, NULL, 5) == STINT_ERR_ARGUMENT && dhcp_start(0, text, 9999) == STINT_ERR_ARGUMENT);
  CHECK(dhcp_start(0, text, 4) == 0 && dhcp_info(&lease) == 0 && dhcp_stop() == 0);
  CHECK(dhcp_info(NULL) == STINT_ERR_ARGUMENT && dns_info(NULL) == STINT_ERR_ARGUMENT);
}

/* A stack of its own: what it takes, and what it wants first. */
static void begin(void) {
  struct stint_config *block = stint_config_block(), c;
  memset(&c, 0, sizeof c);
  c.size = sizeof c, c.mtu = 1500, c.ip = 0x0a000001, c.prefix = 24, c.macHigh = 0x02000000, c.macLow = 1;
  c.connsMax = 8, c.halfOpenMax = 8, c.timeWaitMax = 8, c.listenersMax = 2, c.sendRing = c.recvRing = RING,
  c.rangesMax = 64, c.sendersMax = 8;
  c.rxSlots = c.txSlots = 4, c.loopSlots = 16, c.neighboursMax = 4, c.udpMax = 2, c.udpRing = 4096;
  c.policy = STINT_POLICY_SACK | STINT_POLICY_WINDOW_SCALE | STINT_POLICY_TIMESTAMPS | STINT_POLICY_RACK;
  c.windowScale = 255, c.initialWindow = 10, c.rtoInitialMs = 1000, c.rtoMinMs = 300, c.rtoMaxMs = 60000,
  c.userTimeoutMs = 300000, c.synTimeoutMs = 180000;
  c.delayedAckMs = 40, c.timeWaitMs = 60000, c.finWait2Ms = 60000, c.synAckMs = 1000, c.synAckRetries = 5,
  c.halfOpenMs = 63000, c.challengeMax = 10, c.icmpRate = 100;
  c.neighbourMs = 60000, c.keepIdleS = 7200, c.keepIntervalS = 75, c.keepProbes = 9, c.ttl = 64, c.pathMtuMin = 552,
  c.synBurst = 64, c.prefixBurst = 16;
  CHECK(stint_layout_size(&c) > 8 * 2 * RING);
  CHECK(stint_init(&c) == STINT_ERR_ENTROPY);
  c.entropy0 = 0x243f6a8885a308d3, c.entropy1 = 0x13198a2e03707344, c.entropy2 = 0xa4093822299f31d0,
  c.entropy3 = 0x082efa98ec4e6c89;
  /* An arena is the library's own business. */
  c.arenaBase = 1, c.arenaSize = 1;
  CHECK(stint_init(&c) == 0);
  CHECK(c.entropy0 == 0 && block->entropy0 == 0);
}

/* A connection to itself, which carries text and ends. Returns the listener. */
static int32_t connection(void) {
  int32_t listener = tcp_listen(0, 7, 4);
  CHECK(listener > 0);
  int32_t client = tcp_connect(0, 0, 0x0a000001, 7);
  CHECK(client > 0);
  turn();
  int32_t server = tcp_accept(listener);
  CHECK(server > 0);
  struct stint_listener_info about;
  CHECK(stint_listener_info(listener, &about) == 0 && about.backlog == 4);
  struct stint_tcp_info info;
  CHECK(tcp_info(client, &info) == 0 && info.version == STINT_TCP_INFO_VERSION &&
        info.state == STINT_STATE_ESTABLISHED);
  CHECK(tcp_recv(server, got, 10) == STINT_ERR_AGAIN && tcp_recv(server, got, 0) == STINT_ERR_AGAIN);

  for (uint32_t i = 0; i < SIZE; i++) sent[i] = (uint8_t)(i * 2654435761u >> 13);
  uint32_t out = 0, in = 0;
  while (in < SIZE) {
    /* Small pieces, large ones, and in place. */
    uint32_t left = SIZE - out, piece = out % 3 == 0 ? 7 : 5000;
    if (left > 0 && out % 2 == 0) {
      int32_t n = tcp_send(client, sent + out, left < piece ? left : piece);
      CHECK(n > 0 || n == STINT_ERR_AGAIN);
      if (n > 0) out += (uint32_t)n;
    } else if (left > 0) {
      int32_t span = tcp_send_span(client);
      uint32_t n = span < 0 ? 0 : (uint32_t)span < left ? (uint32_t)span : left;
      if (n > 0) memcpy(tcp_send_at(client), sent + out, n);
      CHECK(n == 0 || tcp_send_commit(client, n) == (int32_t)n);
      out += n;
    }
    turn();
    uint8_t first[64];
    int32_t seen = tcp_peek(server, first, sizeof first), n = tcp_recv(server, got + in, in % 5 == 0 ? 3 : RING);
    CHECK(n > 0 ? seen > 0 && memcmp(first, got + in, (size_t)(n < seen ? n : seen)) == 0 : n == STINT_ERR_AGAIN);
    if (n > 0) in += (uint32_t)n;
  }
  CHECK(memcmp(sent, got, SIZE) == 0);
  CHECK(tcp_close(client) == 0);
  turn();
  CHECK(tcp_recv(server, got, 1) == 0 && tcp_close(server) == 0 && tcp_close(server) == STINT_ERR_HANDLE);
  return listener;
}

/* Datagrams, and pointers that are NULL: an error by name, as from the module, but where it lets one be 0. */
static void datagrams(int32_t listener) {
  int32_t a = udp_open(53), b = udp_open(54);
  struct stint_datagram_from from;
  CHECK(a > 0 && b > 0 && udp_recv(a, got, 100, &from) == STINT_ERR_AGAIN);
  CHECK(udp_send(b, 0x0a000001, 53, sent, 1000) == 0 && udp_send(b, 0x0a000001, 53, sent, 70000) == STINT_ERR_SIZE);
  turn();
  memset(got, 0, 1000);
  /* What does not fit is cut off; the length is the datagram's. */
  CHECK(udp_recv(a, got, 10, &from) == 1000 && from.ip == 0x0a000001 && from.port == 54 && memcmp(got, sent, 10) == 0 &&
        got[10] == 0);
  CHECK(stint_init(NULL) == STINT_ERR_ARGUMENT && stint_layout_size(NULL) == STINT_ERR_ARGUMENT);
  CHECK(tcp_info(listener, NULL) == STINT_ERR_HANDLE && stint_listener_info(listener, NULL) == STINT_ERR_ARGUMENT);
  CHECK(udp_send(b, 0x0a000001, 53, NULL, 5) == STINT_ERR_ARGUMENT && udp_send(b, 0x0a000001, 53, NULL, 0) == 0);
  turn();
  CHECK(udp_recv(a, NULL, 5, &from) == STINT_ERR_ARGUMENT && udp_recv(a, NULL, 0, NULL) == 0);
  CHECK(udp_send(b, 0x0a000001, 53, sent, 9) == 0);
  turn();
  CHECK(udp_recv(a, got, 20, NULL) == 9 && memcmp(got, sent, 9) == 0);
  names(a);
}

/* The same of a connection that is not yet open. */
static void pointers(void) {
  int32_t client = tcp_connect(0, 0, 0x0a000001, 7);
  turn();
  CHECK(tcp_send(client, NULL, 5) == STINT_ERR_ARGUMENT && tcp_send(client, NULL, 5000) == STINT_ERR_ARGUMENT &&
        tcp_send(client, NULL, 0) == 0);
  CHECK(tcp_recv(client, NULL, 5) == STINT_ERR_ARGUMENT && tcp_recv(client, NULL, 5000) == STINT_ERR_ARGUMENT);
  CHECK(tcp_peek(client, NULL, 5) == STINT_ERR_ARGUMENT && tcp_info(client, NULL) == STINT_ERR_ARGUMENT);
  tcp_abort(client);
  turn();
}

int main(void) {
  early();
  begin();
  datagrams(connection());
  pointers();
  struct stint_ring *rings = stint_control_block();
  CHECK(rings[1].mask == 3 && stint_at(rings[1].slots) > (void *)rings && stint_at(0) == NULL);
  CHECK(((uint32_t *)stint_counters())[0] == 0 && stint_counters_count() > 50);
  clients();
  puts("ok");
  return 0;
}
