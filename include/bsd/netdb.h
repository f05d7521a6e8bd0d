/* Addresses and ports as numbers, "localhost", the services of host/bsd/names.c, and names by DNS (STINT_CLIENTS). */
#ifndef STINT_NETDB_H
#define STINT_NETDB_H
#ifndef STINT_NO_BSD_NAMES
#define getaddrinfo stint_libc_getaddrinfo
#define freeaddrinfo stint_libc_freeaddrinfo
#define getnameinfo stint_libc_getnameinfo
#define gethostbyname stint_libc_gethostbyname
#define getservbyname stint_libc_getservbyname
#define getservbyport stint_libc_getservbyport
#endif
#include <netinet/in.h>
#ifdef __wasm__
#ifdef __cplusplus
extern "C" {
#endif
struct addrinfo {
  int ai_flags, ai_family, ai_socktype, ai_protocol;
  socklen_t ai_addrlen;
  struct sockaddr *ai_addr;
  char *ai_canonname;
  struct addrinfo *ai_next;
};
struct hostent {
  char *h_name, **h_aliases;
  int h_addrtype, h_length;
  char **h_addr_list;
};
#define h_addr h_addr_list[0]
struct servent {
  char *s_name, **s_aliases;
  int s_port;
  char *s_proto;
};

#define AI_PASSIVE 0x01
#define AI_CANONNAME 0x02
#define AI_NUMERICHOST 0x04
#define AI_V4MAPPED 0x08
#define AI_ALL 0x10
#define AI_ADDRCONFIG 0x20
#define AI_NUMERICSERV 0x400
#define NI_NUMERICHOST 0x01
#define NI_NUMERICSERV 0x02
#define NI_NOFQDN 0x04
#define NI_NAMEREQD 0x08
#define NI_DGRAM 0x10
#define NI_MAXHOST 255
#define NI_MAXSERV 32
#define EAI_BADFLAGS -1
#define EAI_NONAME -2
#define EAI_AGAIN -3
#define EAI_FAIL -4
#define EAI_NODATA -5
#define EAI_FAMILY -6
#define EAI_SOCKTYPE -7
#define EAI_SERVICE -8
#define EAI_ADDRFAMILY -9
#define EAI_MEMORY -10
#define EAI_SYSTEM -11
#define EAI_OVERFLOW -12
#define HOST_NOT_FOUND 1
#define TRY_AGAIN 2
#define NO_RECOVERY 3
#define NO_DATA 4

extern int h_errno;
int getaddrinfo(const char *, const char *, const struct addrinfo *, struct addrinfo **);
void freeaddrinfo(struct addrinfo *);
const char *gai_strerror(int);
int getnameinfo(const struct sockaddr *, socklen_t, char *, socklen_t, char *, socklen_t, int);
struct hostent *gethostbyname(const char *);
const char *hstrerror(int);
struct servent *getservbyname(const char *, const char *);
struct servent *getservbyport(int, const char *);
#ifdef __cplusplus
}
#endif
#else
#include_next <netdb.h>
#endif

#undef getaddrinfo
#undef freeaddrinfo
#undef getnameinfo
#undef gethostbyname
#undef getservbyname
#undef getservbyport
#include <stint-names.h>
STINT_NAME(getaddrinfo);
STINT_NAME(freeaddrinfo);
STINT_NAME(getnameinfo);
STINT_NAME(gethostbyname);
STINT_NAME(getservbyname);
STINT_NAME(getservbyport);
#endif
