#ifndef STINT_NETINET_TCP_H
#define STINT_NETINET_TCP_H
#include <sys/socket.h>
#include_next <netinet/tcp.h>
#ifndef SOL_TCP
#define SOL_TCP 6
#endif
#endif
