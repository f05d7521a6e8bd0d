/* The name that <poll.h> had before POSIX. */
#ifndef STINT_SYS_POLL_H
#define STINT_SYS_POLL_H
#include_next <sys/poll.h>
#include <poll.h>
#endif
