/* The name that <poll.h> had before POSIX; the C library's <poll.h> may be nothing but this one. */
#include <poll.h>
#ifndef __wasm__
#include_next <sys/poll.h>
#endif
