/*
 * BSD sockets over stint, for programs that are recompiled: put -Iinclude/bsd before the system's headers and add the
 * files of host/bsd and a host (host/posix/host.c with -DSTINT_SOCKETS). docs/bsd-sockets.md has every call and option
 * with what it does. TCP and UDP, over IPv4; with -DSTINT_IPV6 also over IPv6.
 *
 * Under WASI, whose C library has next to no sockets, everything is declared here, with Linux's numbers; elsewhere it
 * is the system's.
 */
#ifndef STINT_SYS_SOCKET_H
#define STINT_SYS_SOCKET_H
#ifndef STINT_NO_BSD_NAMES
#define socket stint_libc_socket
#define socketpair stint_libc_socketpair
#define bind stint_libc_bind
#define listen stint_libc_listen
#define accept stint_libc_accept
#define accept4 stint_libc_accept4
#define connect stint_libc_connect
#define shutdown stint_libc_shutdown
#define send stint_libc_send
#define sendto stint_libc_sendto
#define sendmsg stint_libc_sendmsg
#define recv stint_libc_recv
#define recvfrom stint_libc_recvfrom
#define recvmsg stint_libc_recvmsg
#define setsockopt stint_libc_setsockopt
#define getsockopt stint_libc_getsockopt
#define getsockname stint_libc_getsockname
#define getpeername stint_libc_getpeername
#endif

#ifdef __wasm__
#define _SYS_SOCKET_H
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef unsigned socklen_t;
typedef unsigned short sa_family_t;

struct sockaddr {
  sa_family_t sa_family;
  char sa_data[14];
};
struct sockaddr_storage {
  sa_family_t ss_family;
  char ss_data[118];
  uint64_t ss_align;
};
struct linger {
  int l_onoff, l_linger;
};
struct msghdr {
  void *msg_name;
  socklen_t msg_namelen;
  struct iovec *msg_iov;
  int msg_iovlen;
  void *msg_control;
  socklen_t msg_controllen;
  int msg_flags;
};
struct cmsghdr {
  socklen_t cmsg_len;
  int cmsg_level, cmsg_type;
};
/* There are no ancillary data: none come, and those of sendmsg are not looked at. */
#define CMSG_ALIGN(n) (((n) + sizeof(size_t) - 1) & ~(sizeof(size_t) - 1))
#define CMSG_LEN(n) (CMSG_ALIGN(sizeof(struct cmsghdr)) + (n))
#define CMSG_SPACE(n) (CMSG_ALIGN(sizeof(struct cmsghdr)) + CMSG_ALIGN(n))
#define CMSG_DATA(c) ((unsigned char *)((c) + 1))
#define CMSG_FIRSTHDR(m) \
  ((m)->msg_controllen >= sizeof(struct cmsghdr) ? (struct cmsghdr *)(m)->msg_control : (struct cmsghdr *)0)
#define CMSG_NXTHDR(m, c) ((void)(m), (void)(c), (struct cmsghdr *)0)
#define SCM_RIGHTS 1

#define AF_UNSPEC 0
#define AF_UNIX 1
#define AF_LOCAL AF_UNIX
#define AF_INET 2
#define AF_INET6 10
#define PF_UNSPEC AF_UNSPEC
#define PF_UNIX AF_UNIX
#define PF_LOCAL AF_LOCAL
#define PF_INET AF_INET
#define PF_INET6 AF_INET6

#define SOCK_STREAM 1
#define SOCK_DGRAM 2
#define SOCK_RAW 3
#define SOCK_SEQPACKET 5
#define SOCK_NONBLOCK 0x800
#define SOCK_CLOEXEC 0x80000

#define SHUT_RD 0
#define SHUT_WR 1
#define SHUT_RDWR 2
#define SOMAXCONN 128

#define SOL_SOCKET 1
#define SO_DEBUG 1
#define SO_REUSEADDR 2
#define SO_TYPE 3
#define SO_ERROR 4
#define SO_DONTROUTE 5
#define SO_BROADCAST 6
#define SO_SNDBUF 7
#define SO_RCVBUF 8
#define SO_KEEPALIVE 9
#define SO_OOBINLINE 10
#define SO_LINGER 13
#define SO_REUSEPORT 15
#define SO_RCVLOWAT 18
#define SO_SNDLOWAT 19
#define SO_RCVTIMEO 20
#define SO_SNDTIMEO 21
#define SO_ACCEPTCONN 30
#define SO_PROTOCOL 38
#define SO_DOMAIN 39

#define MSG_OOB 0x0001
#define MSG_PEEK 0x0002
#define MSG_DONTROUTE 0x0004
#define MSG_CTRUNC 0x0008
#define MSG_TRUNC 0x0020
#define MSG_DONTWAIT 0x0040
#define MSG_EOR 0x0080
#define MSG_WAITALL 0x0100
#define MSG_NOSIGNAL 0x4000
#define MSG_MORE 0x8000

int socket(int, int, int);
int socketpair(int, int, int, int[2]);
int bind(int, const struct sockaddr *, socklen_t);
int listen(int, int);
int accept(int, struct sockaddr *, socklen_t *);
int accept4(int, struct sockaddr *, socklen_t *, int);
int connect(int, const struct sockaddr *, socklen_t);
int shutdown(int, int);
ssize_t send(int, const void *, size_t, int);
ssize_t sendto(int, const void *, size_t, int, const struct sockaddr *, socklen_t);
ssize_t sendmsg(int, const struct msghdr *, int);
ssize_t recv(int, void *, size_t, int);
ssize_t recvfrom(int, void *, size_t, int, struct sockaddr *, socklen_t *);
ssize_t recvmsg(int, struct msghdr *, int);
int setsockopt(int, int, int, const void *, socklen_t);
int getsockopt(int, int, int, void *, socklen_t *);
int getsockname(int, struct sockaddr *, socklen_t *);
int getpeername(int, struct sockaddr *, socklen_t *);

#ifdef __cplusplus
}
#endif
#else
#include_next <sys/socket.h>
#endif

#undef socket
#undef socketpair
#undef bind
#undef listen
#undef accept
#undef accept4
#undef connect
#undef shutdown
#undef send
#undef sendto
#undef sendmsg
#undef recv
#undef recvfrom
#undef recvmsg
#undef setsockopt
#undef getsockopt
#undef getsockname
#undef getpeername
#include <stint-names.h>
STINT_NAME(socket);
STINT_NAME(socketpair);
STINT_NAME(bind);
STINT_NAME(listen);
STINT_NAME(accept);
#if defined __wasm__ || defined _GNU_SOURCE
STINT_NAME(accept4);
#endif
STINT_NAME(connect);
STINT_NAME(shutdown);
STINT_NAME(send);
STINT_NAME(sendto);
STINT_NAME(sendmsg);
STINT_NAME(recv);
STINT_NAME(recvfrom);
STINT_NAME(recvmsg);
STINT_NAME(setsockopt);
STINT_NAME(getsockopt);
STINT_NAME(getsockname);
STINT_NAME(getpeername);

/* A program that closes, reads and writes its sockets needs these too, whatever else it includes. */
#include <unistd.h>
#endif
