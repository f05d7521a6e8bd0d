/* The C library's; a descriptor that is no socket of the stack's goes on to it. */
#ifndef STINT_UNISTD_H
#define STINT_UNISTD_H
#include_next <unistd.h>
#include <stint-names.h>
STINT_NAME(close);
STINT_NAME(read);
STINT_NAME(write);
#endif
