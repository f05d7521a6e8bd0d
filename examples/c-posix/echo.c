/*
 * An echo server (RFC 862) with the stack inside. What arrives is copied once, from the connection's one ring to its
 * other.
 */
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
  /*
   * 0: the peer has closed, and all that it sent went back. No room ever again: it is over, and what is left to read
   * goes nowhere.
   */
  if (tcp_recv_size(connection) == 0 || tcp_send_room(connection) < 0) tcp_close(connection);
}

/* A peer that vanished is noticed after a minute: four places are soon taken. */
static void watch(int32_t connection) {
  tcp_set(connection, STINT_OPTION_KEEP_IDLE, 40);
  tcp_set(connection, STINT_OPTION_KEEP_INTERVAL, 5);
  tcp_set(connection, STINT_OPTION_KEEP_PROBES, 4);
  tcp_set(connection, STINT_OPTION_USER_TIMEOUT, 60000);
  tcp_set(connection, STINT_OPTION_KEEP_ALIVE, 1);
}

int32_t app_run(void) {
  int32_t did = 0;
  for (uint64_t event = stint_event_next(); event != 0; event = stint_event_next()) {
    int32_t handle = (int32_t)(event >> 32);
    if ((uint32_t)event & STINT_EVENT_ACCEPT) {
      for (int32_t c = tcp_accept(handle); c > 0; c = tcp_accept(handle)) {
        watch(c);
        echo(c);
      }
    } else {
      echo(handle);
    }
    did = 1;
  }
  return did;
}
