/* The C library's; of sockets F_GETFL and F_SETFL with O_NONBLOCK. */
#ifndef STINT_FCNTL_H
#define STINT_FCNTL_H
#include_next <fcntl.h>
#include <stint-names.h>
STINT_NAME(fcntl);
#endif
