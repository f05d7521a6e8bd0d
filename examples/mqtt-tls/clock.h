/* The time of day, which certificates need: a client of SNTP (RFC 4330) over the stack's UDP. */
#ifndef CLOCK_H
#define CLOCK_H

#include <stdbool.h>

/* Asks, and looks for the answer. Returns whether the time is known. */
bool clock_turn(void);

#endif
