/*
 * How a program's calls reach the socket layer (host/bsd): STINT_NAME(f) gives the libc function f that was just
 * declared another symbol, so that programs, members of structures and pointers to functions keep the name. The layer
 * itself defines STINT_NO_BSD_NAMES: there f stays the C library's.
 */
#ifndef STINT_NAMES_H
#define STINT_NAMES_H
#ifdef STINT_NO_BSD_NAMES
#define STINT_NAME(f) extern __typeof__(f) stint_bsd_##f
#else
#define STINT_NAME(f) extern __typeof__(f) f __asm__("stint_bsd_" #f)
#endif
#endif
