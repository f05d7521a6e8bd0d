#ifndef STINT_ARPA_INET_H
#define STINT_ARPA_INET_H
#include <netinet/in.h>
#ifdef __wasm__
#define _ARPA_INET_H
#ifndef STINT_NO_BSD_NAMES
#define inet_pton stint_libc_inet_pton
#define inet_ntop stint_libc_inet_ntop
#define inet_aton stint_libc_inet_aton
#define inet_addr stint_libc_inet_addr
#define inet_ntoa stint_libc_inet_ntoa
#endif
#include <stint-names.h>
#ifdef __cplusplus
extern "C" {
#endif
int inet_pton(int family, const char *text, void *address);
const char *inet_ntop(int family, const void *address, char *text, socklen_t size);
int inet_aton(const char *text, struct in_addr *address);
in_addr_t inet_addr(const char *text);
char *inet_ntoa(struct in_addr address);
#undef inet_pton
#undef inet_ntop
#undef inet_aton
#undef inet_addr
#undef inet_ntoa
STINT_NAME(inet_pton);
STINT_NAME(inet_ntop);
STINT_NAME(inet_aton);
STINT_NAME(inet_addr);
STINT_NAME(inet_ntoa);
#ifdef __cplusplus
}
#endif
#else
#include_next <arpa/inet.h>
#endif
#endif
