/* An echo server (RFC 862) with the stack inside. What arrives is copied once, from the connection's one ring to its other. */
#include <stint.h>

#ifndef PORT
#define PORT 7
#endif

/* Small enough for a microcontroller. */
#ifndef RING
#define RING 2048
#endif
enum { CONNECTIONS = 4, SLOTS = 4 };

static _Alignas(8) unsigned char arena[20 * 1024 + CONNECTIONS * 2 * RING];

int32_t app_start(struct stint_config *config) {
  config->arenaBase = (uint32_t)(uintptr_t)arena;
  config->arenaSize = sizeof arena;
  config->connsMax = CONNECTIONS;
  config->sendRing = config->recvRing = RING;
  config->halfOpenMax = config->timeWaitMax = 8;
  config->listenersMax = 1;
  config->rxSlots = config->txSlots = SLOTS;
  config->loopSlots = 0;
  config->rangesMax = 16;
  config->sendersMax = 0;
  config->neighboursMax = 4;
  config->udpMax = 0;
  config->reassemblyMax = 0;
  int32_t result = stint_init(config);
  if (result < 0) return result;
  int32_t listener = tcp_listen(0, PORT, CONNECTIONS);
  return listener < 0 ? listener : 0;
}

/* Moves as much as there is room for. */
static void echo(int32_t connection) {
  for (;;) {
    int32_t have = tcp_recv_span(connection), room = tcp_send_span(connection);
    if (have <= 0 || room <= 0) break;
    int32_t size = have < room ? have : room;
    __builtin_memcpy(tcp_send_at(connection), tcp_recv_at(connection), (uint32_t)size);
    tcp_send_commit(connection, (uint32_t)size);
    tcp_recv_consume(connection, (uint32_t)size);
  }
  /* 0: the peer has closed, and all that it sent went back; below 0, but for AGAIN: it is over. */
  int32_t left = tcp_recv_size(connection);
  if (left == 0 || (left < 0 && left != STINT_ERR_AGAIN)) tcp_close(connection);
}

int32_t app_run(void) {
  int32_t did = 0;
  for (uint64_t event = stint_event_next(); event != 0; event = stint_event_next()) {
    int32_t handle = (int32_t)(event >> 32);
    if ((uint32_t)event & STINT_EVENT_ACCEPT) {
      for (int32_t c = tcp_accept(handle); c > 0; c = tcp_accept(handle)) echo(c);
    } else {
      echo(handle);
    }
    did = 1;
  }
  return did;
}
