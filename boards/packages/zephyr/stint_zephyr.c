#include "stint_zephyr.h"

#include <zephyr/kernel.h>

static K_THREAD_STACK_DEFINE(stint_stack, CONFIG_STINT_STACK_SIZE);
static K_SEM_DEFINE(stint_frames, 0, 1);
static struct k_thread stint_thread;

static void run(void *port, void *unused, void *unused_too) {
  (void)unused, (void)unused_too;
  for (;;) {
    int32_t wait = stint_port_turn(port, k_ticks_to_us_floor64((uint64_t)k_uptime_ticks()));
    if (wait != 0) (void)k_sem_take(&stint_frames, wait < 0 ? K_FOREVER : K_USEC(wait));
  }
}

void stint_zephyr_start(const struct stint_port *port) {
  (void)k_thread_create(&stint_thread, stint_stack, K_THREAD_STACK_SIZEOF(stint_stack), run, (void *)port, NULL, NULL,
                        CONFIG_STINT_PRIORITY, 0, K_NO_WAIT);
}

void stint_zephyr_frame(void) { k_sem_give(&stint_frames); }
