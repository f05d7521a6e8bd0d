/* The C library's, over sockets. */
#ifndef STINT_SYS_SELECT_H
#define STINT_SYS_SELECT_H
#ifndef STINT_NO_BSD_NAMES
#define select stint_libc_select
#define pselect stint_libc_pselect
#endif
#include_next <sys/select.h>
#undef select
#undef pselect
#include <stint-names.h>
STINT_NAME(select);
STINT_NAME(pselect);
#endif
