/* What the socket layer needs of whoever carries frames (host/posix/host.c). */
#ifndef STINT_BSD_HOST_H
#define STINT_BSD_HOST_H
#include <poll.h>
#include <stdbool.h>

#include <stint.h>

/* The size of a connection's rings, and of a UDP socket's, in bytes: what SO_SNDBUF and SO_RCVBUF tell. */
enum { STINT_HOST_RING = 32768, STINT_HOST_UDP_RING = 69632 };

/*
 * Opens the link, and starts the stack with `start`, at `ip`; NULL: it has no address yet. Says "ready" on standard
 * error when it has. Returns 0 or an error.
 */
int32_t stint_host_begin(const char *ip, uint32_t prefix, const char *gateway, int32_t (*start)(struct stint_config *));
/* Whether there is a link to others at all. */
bool stint_host_has_link(void);
/* An IPv4 address, host order; a text that is none ends the program with a line. */
uint32_t stint_host_ip(const char *text);
/*
 * Takes in frames, polls and sends, once; waits for up to `wait_ms` for something to do (−1: for as long as it takes),
 * or until one of `count` other descriptors is ready, whose revents it fills in. Returns −1 when the link is gone, and
 * 1 when a signal has ended the wait.
 */
int stint_host_turn(int wait_ms, struct pollfd *also, unsigned count);
#endif
