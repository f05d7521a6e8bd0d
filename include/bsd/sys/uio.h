/* The C library's, over sockets. */
#ifndef STINT_SYS_UIO_H
#define STINT_SYS_UIO_H
#include_next <sys/uio.h>
#include <stint-names.h>
STINT_NAME(readv);
STINT_NAME(writev);
#endif
