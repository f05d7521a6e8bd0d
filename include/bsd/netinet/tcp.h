#ifndef STINT_NETINET_TCP_H
#define STINT_NETINET_TCP_H
#include <sys/socket.h>
#endif
