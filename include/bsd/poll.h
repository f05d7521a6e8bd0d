/* The C library's; sockets of the stack's and other descriptors may be mixed. */
#ifndef STINT_POLL_H
#define STINT_POLL_H
#ifndef STINT_NO_BSD_NAMES
#define poll stint_libc_poll
#define ppoll stint_libc_ppoll
#endif
#include_next <poll.h>
#undef poll
#undef ppoll
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
