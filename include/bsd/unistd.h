/* The C library's; a descriptor that is no socket of the stack's goes on to it. */
#ifndef STINT_UNISTD_H
#define STINT_UNISTD_H
#ifndef STINT_NO_BSD_NAMES
#define close stint_libc_close
#define read stint_libc_read
#define write stint_libc_write
#endif
#include_next <unistd.h>
#undef close
#undef read
#undef write
#include <stint-names.h>
STINT_NAME(close);
STINT_NAME(read);
STINT_NAME(write);
#endif
