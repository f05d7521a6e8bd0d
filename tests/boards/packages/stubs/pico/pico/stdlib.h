/* What pico/stint_pico.c takes of the Pico SDK 2, with the types of its headers. */
#include <stdbool.h>
#include <stdint.h>
typedef uint64_t absolute_time_t;
uint64_t time_us_64(void);
absolute_time_t make_timeout_time_us(uint64_t us);
bool best_effort_wfe_or_timeout(absolute_time_t timeout_timestamp);
