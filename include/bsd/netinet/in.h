#ifndef STINT_NETINET_IN_H
#define STINT_NETINET_IN_H
#include <sys/socket.h>
static inline uint16_t htons(uint16_t x) { return (uint16_t)(x << 8 | x >> 8); }
static inline uint32_t htonl(uint32_t x) { return __builtin_bswap32(x); }
#define ntohs htons
#define ntohl htonl
#endif
