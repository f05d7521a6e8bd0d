#include "stint_pico.h"

#include "pico/rand.h"
#include "pico/stdlib.h"

enum { SLEEP_US_MAX = 1000000 };

void stint_pico_entropy(struct stint_config *config) {
  uint64_t *words = &config->entropy0;
  for (int i = 0; i < 4; i++) words[i] = get_rand_64();
}

void stint_pico_run(const struct stint_port *port) {
  for (;;) {
    int32_t wait = stint_port_turn(port, time_us_64());
    if (wait == 0) continue;
    if (wait < 0 || wait > SLEEP_US_MAX) wait = SLEEP_US_MAX;
    (void)best_effort_wfe_or_timeout(make_timeout_time_us((uint64_t)wait));
  }
}
