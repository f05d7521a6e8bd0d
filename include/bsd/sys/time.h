/* The C library's, and select, which is declared there too. */
#ifndef STINT_SYS_TIME_H
#define STINT_SYS_TIME_H
#include_next <sys/time.h>
#include <sys/select.h>
#endif
