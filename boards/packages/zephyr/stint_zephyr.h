/* A thread of Zephyr in which a stack runs. */
#ifndef STINT_ZEPHYR_H
#define STINT_ZEPHYR_H

#include "stint_port.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Starts the thread, once the stack has been started. `port` stays. */
void stint_zephyr_start(const struct stint_port *port);

/* The driver: a frame has come. From a thread, or from an interrupt. */
void stint_zephyr_frame(void);

#ifdef __cplusplus
}
#endif

#endif
