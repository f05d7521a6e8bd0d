/* The C library's, over sockets. */
#ifndef STINT_SYS_UIO_H
#define STINT_SYS_UIO_H
#ifndef STINT_NO_BSD_NAMES
#define readv stint_libc_readv
#define writev stint_libc_writev
#endif
#include_next <sys/uio.h>
#undef readv
#undef writev
#include <stint-names.h>
STINT_NAME(readv);
STINT_NAME(writev);
#endif
