/* The C library's; of sockets FIONREAD and FIONBIO. */
#ifndef STINT_SYS_IOCTL_H
#define STINT_SYS_IOCTL_H
#include_next <sys/ioctl.h>
#include <stint-names.h>
STINT_NAME(ioctl);
#endif
