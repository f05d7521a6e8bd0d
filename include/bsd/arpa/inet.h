#ifndef STINT_ARPA_INET_H
#define STINT_ARPA_INET_H
#include <netinet/in.h>
#ifdef __wasm__
#define _ARPA_INET_H
#include <stint-names.h>
#ifdef __cplusplus
extern "C" {
#endif
int inet_pton(int family, const char *text, void *address);
const char *inet_ntop(int family, const void *address, char *text, socklen_t size);
int inet_aton(const char *text, struct in_addr *address);
in_addr_t inet_addr(const char *text);
char *inet_ntoa(struct in_addr address);
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
