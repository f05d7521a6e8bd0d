/*
 * BSD sockets over stint, for programs that are recompiled: put -Iinclude/bsd before the system's headers and link host/bsd/socket.c. IPv4 and
 * TCP streams: socket, bind, listen, accept, connect, send, recv, read and write by these names, shutdown, poll, setsockopt, getsockopt,
 * getsockname, getpeername, fcntl's O_NONBLOCK. Not supported: UDP, AF_UNIX, out-of-band data, select, ancillary data, names (getaddrinfo).
 */
#ifndef STINT_SYS_SOCKET_H
#define STINT_SYS_SOCKET_H

#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

typedef uint32_t socklen_t;
typedef uint16_t sa_family_t;

struct sockaddr { sa_family_t sa_family; char sa_data[14]; };
struct in_addr { uint32_t s_addr; };
/* Port and address in network order, as everywhere. */
struct sockaddr_in { sa_family_t sin_family; uint16_t sin_port; struct in_addr sin_addr; char sin_zero[8]; };

enum { AF_INET = 2, PF_INET = 2, SOCK_STREAM = 1, SOCK_NONBLOCK = 0x800, IPPROTO_TCP = 6, SHUT_RD = 0, SHUT_WR = 1, SHUT_RDWR = 2, SOMAXCONN = 128 };
enum { SOL_SOCKET = 1, SO_REUSEADDR = 2, SO_ERROR = 4, SO_KEEPALIVE = 9, TCP_NODELAY = 1, TCP_KEEPIDLE = 4, TCP_KEEPINTVL = 5, TCP_KEEPCNT = 6, TCP_USER_TIMEOUT = 18 };
enum { MSG_PEEK = 2, MSG_DONTWAIT = 0x40, MSG_NOSIGNAL = 0x4000 };
#define INADDR_ANY ((uint32_t)0)
#define INADDR_LOOPBACK ((uint32_t)0x7f000001)

/* All return −1 and set errno when they fail, as POSIX has it. */
int stint_socket(int domain, int type, int protocol);
int stint_bind(int fd, const struct sockaddr *address, socklen_t size);
int stint_listen(int fd, int backlog);
int stint_accept(int fd, struct sockaddr *address, socklen_t *size);
int stint_connect(int fd, const struct sockaddr *address, socklen_t size);
ssize_t stint_send(int fd, const void *data, size_t size, int flags);
ssize_t stint_recv(int fd, void *data, size_t size, int flags);
int stint_shutdown(int fd, int how);
/* A file that is no socket goes to the C library. */
int stint_close(int fd);
ssize_t stint_read(int fd, void *data, size_t size);
ssize_t stint_write(int fd, const void *data, size_t size);
int stint_poll_sockets(struct pollfd *fds, nfds_t n, int timeout_ms);
int stint_setsockopt(int fd, int level, int name, const void *value, socklen_t size);
int stint_getsockopt(int fd, int level, int name, void *value, socklen_t *size);
int stint_getsockname(int fd, struct sockaddr *address, socklen_t *size);
int stint_getpeername(int fd, struct sockaddr *address, socklen_t *size);
int stint_nonblock(int fd, int on);

#ifndef STINT_NO_BSD_NAMES
#define socket stint_socket
#define bind stint_bind
#define listen stint_listen
#define accept stint_accept
#define connect stint_connect
#define send stint_send
#define recv stint_recv
#define shutdown stint_shutdown
#define close stint_close
#define read stint_read
#define write stint_write
#define poll(fds, n, timeout) stint_poll_sockets(fds, n, timeout)
#define setsockopt stint_setsockopt
#define getsockopt stint_getsockopt
#define getsockname stint_getsockname
#define getpeername stint_getpeername
#endif

#endif
