#ifndef STINT_ARPA_INET_H
#define STINT_ARPA_INET_H
#include <netinet/in.h>
/* "a.b.c.d" to network order. Returns 1; 0: it is no address. */
int inet_pton(int family, const char *text, void *address);
const char *inet_ntop(int family, const void *address, char *text, socklen_t size);
#endif
