/* The C library's; sockets of the stack's and other descriptors may be mixed. */
#ifndef STINT_POLL_H
#define STINT_POLL_H
#include_next <poll.h>
#include <stint-names.h>
#ifndef POLLPRI
#define POLLPRI 0x0004
#endif
#ifndef POLLRDHUP
#ifdef __wasm__
#define POLLRDHUP 0x0008
#elif defined __linux__
#define POLLRDHUP 0x2000
#endif
#endif
#ifndef POLLRDBAND
#define POLLRDBAND 0x0080
#define POLLWRBAND 0x0200
#endif
STINT_NAME(poll);
#ifdef _GNU_SOURCE
STINT_NAME(ppoll);
#endif
#endif
