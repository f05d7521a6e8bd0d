/* The C library's; of sockets F_GETFL and F_SETFL with O_NONBLOCK. */
#ifndef STINT_FCNTL_H
#define STINT_FCNTL_H
#ifndef STINT_NO_BSD_NAMES
#define fcntl stint_libc_fcntl
#endif
#include_next <fcntl.h>
#undef fcntl
#include <stint-names.h>
STINT_NAME(fcntl);
#endif
