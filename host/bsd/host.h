/* What the socket layer needs of whoever carries frames (host/examples/wasi.c). */
#ifndef STINT_BSD_HOST_H
#define STINT_BSD_HOST_H
#include <stint.h>

/* Starts the stack, once: addresses from the environment (STINT_IP=10.0.2.15/24, STINT_GATEWAY). Returns 0 or an error. */
int32_t stint_host_start(void);
/* Takes in frames, polls and sends, once; waits for up to `wait_ms` for something to do (−1: for as long as it takes). Returns −1 when the link is gone. */
int stint_host_turn(int wait_ms);
#endif
