/* What the socket layer needs of whoever carries frames (host/posix/host.c). */
#ifndef STINT_BSD_HOST_H
#define STINT_BSD_HOST_H
#include <poll.h>

#include <stint.h>

/* The size of a connection's rings, and of a UDP socket's, in bytes: what SO_SNDBUF and SO_RCVBUF tell. */
enum { STINT_HOST_RING = 32768, STINT_HOST_UDP_RING = 69632 };

/*
 * Starts the stack, once: addresses from the environment (STINT_IP=10.0.2.15/24, STINT_GATEWAY; with STINT_IPV6 also
 * STINT_IP6=fd00::2/64, STINT_GATEWAY6; with STINT_CLIENTS also STINT_IP=dhcp, STINT_DNS, STINT_NAME). Returns 0 or an
 * error.
 */
int32_t stint_host_start(void);
/* The stack's own address, host order; 0: none, as when a lease has ended. */
uint32_t stint_host_address(void);
/*
 * Takes in frames, polls and sends, once; waits for up to `wait_ms` for something to do (−1: for as long as it takes),
 * or until one of `count` other descriptors is ready, whose revents it fills in. Returns −1 when the link is gone, and
 * 1 when a signal has ended the wait.
 */
int stint_host_turn(int wait_ms, struct pollfd *also, unsigned count);
#endif
