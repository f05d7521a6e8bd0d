/* The quote of the day (RFC 865) as a program for a board: whoever connects gets a line, and then the end. */
#include <stint.h>

enum { PORT = 17, CONNECTIONS = 2, RING = 256, SLOTS = 4 };

static _Alignas(8) unsigned char arena[20 * 1024 + CONNECTIONS * 2 * RING];
static char quote[] = "Be conservative in what you do, be liberal in what you accept from others.\r\n";

/* Called once: the host has filled in addresses and entropy. */
int32_t app_start(struct stint_config *config) {
  config->arenaBase = (uint32_t)(uintptr_t)arena;
  config->arenaSize = sizeof arena;
  config->connsMax = CONNECTIONS;
  config->sendRing = config->recvRing = RING;
  config->halfOpenMax = config->timeWaitMax = 4;
  config->listenersMax = 1;
  config->rxSlots = config->txSlots = SLOTS;
  config->rangesMax = 8;
  config->neighboursMax = 4;
  config->loopSlots = config->sendersMax = config->udpMax = config->reassemblyMax = 0;
  int32_t result = stint_init(config);
  if (result < 0) return result;
  int32_t listener = tcp_listen(0, PORT, CONNECTIONS);
  return listener < 0 ? listener : 0;
}

/* Called after every poll. Not 0: there may be something to send. */
int32_t app_run(void) {
  int32_t did = 0;
  for (uint64_t event = stint_event_next(); event != 0; event = stint_event_next()) {
    if (((uint32_t)event & STINT_EVENT_ACCEPT) == 0) continue;
    for (int32_t c = tcp_accept((int32_t)(event >> 32)); c > 0; c = tcp_accept((int32_t)(event >> 32))) {
      /* The ring is empty, and larger than the line. */
      tcp_send(c, quote, sizeof quote - 1);
      tcp_close(c);
      did = 1;
    }
  }
  return did;
}
