/* The C library's; of sockets FIONREAD and FIONBIO. */
#ifndef STINT_SYS_IOCTL_H
#define STINT_SYS_IOCTL_H
#ifndef STINT_NO_BSD_NAMES
#define ioctl stint_libc_ioctl
#endif
#include_next <sys/ioctl.h>
#undef ioctl
#include <stint-names.h>
STINT_NAME(ioctl);
#endif
