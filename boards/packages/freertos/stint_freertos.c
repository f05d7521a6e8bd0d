#include "stint_freertos.h"

enum { US_PER_TICK = 1000000 / configTICK_RATE_HZ };

/* The counter of ticks wraps; the stack's time does not. */
static uint64_t now_us(void) {
  static uint64_t ticks;
  static TickType_t last;
  TickType_t now = xTaskGetTickCount();
  ticks += (TickType_t)(now - last);
  last = now;
  return ticks * US_PER_TICK;
}

void stint_freertos_task(void *port) {
  for (;;) {
    int32_t wait = stint_port_turn(port, now_us());
    if (wait == 0) continue;
    /* A minute at most: the counter of ticks may have 16 bits. */
    uint32_t ticks = wait < 0 ? UINT32_MAX : (uint32_t)wait / US_PER_TICK + 1;
    uint32_t most = 60u * configTICK_RATE_HZ < 60000u ? 60u * configTICK_RATE_HZ : 60000u;
    ulTaskNotifyTake(pdTRUE, (TickType_t)(ticks < most ? ticks : most));
  }
}
