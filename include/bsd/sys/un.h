/* For programs that name it: there are no sockets of AF_UNIX. */
#ifndef STINT_SYS_UN_H
#define STINT_SYS_UN_H
#ifdef __wasm__
#define _SYS_UN_H
#include <sys/socket.h>
struct sockaddr_un {
  sa_family_t sun_family;
  char sun_path[108];
};
#define SUN_LEN(s) (2 + strlen((s)->sun_path))
#else
#include_next <sys/un.h>
#endif
#endif
