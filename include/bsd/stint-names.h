/*
 * How a program's calls reach the socket layer (host/bsd): STINT_NAME(f) declares the libc function f anew, with
 * another symbol, so that programs, members of structures and pointers to functions keep the name. What the C library
 * declared is called stint_libc_f by then: it may have a symbol of its own already (-D_FILE_OFFSET_BITS=64), or be
 * inline
 * (-D_FORTIFY_SOURCE). The layer itself defines STINT_NO_BSD_NAMES: there f stays the C library's.
 */
#ifndef STINT_NAMES_H
#define STINT_NAMES_H
#ifdef STINT_NO_BSD_NAMES
#define STINT_NAME(f) extern __typeof__(f) stint_bsd_##f
#else
#define STINT_NAME(f) extern __typeof__(stint_libc_##f) f __asm__("stint_bsd_" #f)
#endif
#endif
