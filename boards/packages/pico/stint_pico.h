/* A stack on an RP2040 or RP2350, with the Pico SDK. */
#ifndef STINT_PICO_H
#define STINT_PICO_H

#include "stint_port.h"

#ifdef __cplusplus
extern "C" {
#endif

/* 32 bytes that nobody can predict go into a configuration. */
void stint_pico_entropy(struct stint_config *config);

/* Runs the stack, and never returns. An interrupt of the network chip ends a sleep. */
void stint_pico_run(const struct stint_port *port);

#ifdef __cplusplus
}
#endif

#endif
