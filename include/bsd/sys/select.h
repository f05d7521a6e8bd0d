/* The C library's, over sockets. */
#ifndef STINT_SYS_SELECT_H
#define STINT_SYS_SELECT_H
#include_next <sys/select.h>
#include <stint-names.h>
STINT_NAME(select);
STINT_NAME(pselect);
#endif
