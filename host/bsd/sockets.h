/*
 * What the files of the socket layer share. Functions that programs call are stint_bsd_ and their name; include/bsd
 * leads there.
 */
#ifndef STINT_BSD_SOCKETS_H
#define STINT_BSD_SOCKETS_H

/* The names must be the C library's in every header: this one comes first. */
#ifdef STINT_NAMES_H
#error "sockets.h comes before all other headers"
#endif
#define STINT_NO_BSD_NAMES
/* musl's struct tcp_info is GNU's. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "host.h"

/* WASI's C library has other numbers for the families. */
#ifdef __wasm__
#define INET_PTON stint_bsd_inet_pton
#define INET_NTOP stint_bsd_inet_ntop
#else
#define INET_PTON inet_pton
#define INET_NTOP inet_ntop
#endif

/* Whether there are sockets of AF_INET6: the small builds of the stack have no IPv6. */
#ifdef STINT_IPV6
enum { HAS_IPV6 = true };
#else
enum { HAS_IPV6 = false };
#endif

/*
 * How many sockets there are. Under WASI their descriptors are those from FIRST on, above all files; elsewhere each has
 * the number of a descriptor of the kernel's, which is held as long: the lowest that is free, as POSIX has it.
 */
enum { FIRST = 64, COUNT = 64, BACKLOG_MAX = 128, DATAGRAM_MAX = 65535, IOV_COUNT_MAX = 1024 };

enum kind { FREE, FRESH, LISTENER, CONNECTION, DATAGRAM };

/* Options that are kept as numbers (options.c). */
enum number {
  REUSE_ADDRESS,
  REUSE_PORT,
  BROADCAST,
  KEEP_ALIVE,
  INLINE,
  NO_DELAY,
  CORK,
  KEEP_IDLE,
  KEEP_INTERVAL,
  KEEP_COUNT,
  USER_TIMEOUT,
  CONGESTION,
  TOS,
  TTL,
  TRAFFIC_CLASS,
  HOPS,
  SIX_ONLY,
  LOW_WATER,
  NUMBERS
};

/* An address as IPv6 has it, an IPv4 one behind ::ffff (place.c), and a port, host order; 0: not chosen. */
struct place {
  uint8_t ip[16];
  uint16_t port;
};

struct socket {
  enum kind kind;
  int fd;
  /* 0: none. */
  int32_t handle;
  struct place own, peer;
  /* Of AF_INET6. */
  bool six;
  bool nonblock;
  /* To be asked for only: there is no exec. */
  bool cloexec;
  /* Somebody called bind. */
  bool bound;
  /* And named the port: it stays when a connection does not come about. */
  bool port_is_kept;
  /* A connection's handshake is complete; a UDP socket has a peer. */
  bool connected;
  /* `connect` has told so. */
  bool told;
  /* The connection ended: by both sides, or by an error. */
  bool over;
  /* The peer has sent its FIN. */
  bool ended;
  bool shut_read, shut_write;
  /* RCV.NXT when both ways were shut. */
  uint32_t end_of_interest;
  /* An error that no call has told yet (SO_ERROR). */
  int error;
  /* 0: for ever; −1: not at all. */
  int receive_ms, send_ms;
  struct linger linger;
  int number[NUMBERS];
  /* The options that were set, by `number`. */
  uint32_t is_set;
  /* A datagram that was taken out of the stack and of which nobody has had the last; −1: none. */
  int held;
  struct place held_from;
  unsigned char *text;
};

extern struct socket sockets[COUNT];

/* start.c */

/*
 * Starts the stack, once, as the environment says: STINT_IP=10.0.2.15/24, STINT_GATEWAY; with STINT_IPV6 also
 * STINT_IP6=fd00::2/64, STINT_GATEWAY6; with STINT_CLIENTS also STINT_IP=dhcp, STINT_DNS, STINT_NAME. Returns 0 or an
 * error.
 */
int32_t start_stack(void);
/* The stack's own IPv4 address, host order; 0: none, as when a lease has ended. */
uint32_t own_address(void);

/* table.c */

/* Sets errno. Returns −1. */
int fail(int error);
/* The errno of an error of the stack's. */
int error_of(int32_t result);
/* The socket of a descriptor; NULL: it is none of ours. */
struct socket *socket_of(int fd);
/* Whether a descriptor could be a socket's and is not: the C library does not know of it. */
bool is_vacant(int fd);
/* Says what a descriptor is that has no socket: a file, or nothing. Returns −1. */
int no_socket(int fd);
/* A descriptor of a new socket, of AF_INET6 or not; or −1. */
int fresh(bool six);
/* The descriptor is free again. */
void release(struct socket *s);
/* One turn of the host, and what its events say. −1: the link is gone; 1: a signal has ended the wait. */
int turn(int wait_ms, struct pollfd *also, unsigned count);
/* Takes the error that waits. */
int take_error(struct socket *s);
int64_t now_ms(void);

/*
 * A call that may wait: it is tried again after each turn until its time is over, whatever it has moved by then. Begin
 * with {0}. `tried`: since the call moved something there was a turn.
 */
struct patience {
  int64_t until;
  bool begun, tried;
};
/* Waits for a turn. Returns whether to try again; if not, errno is EAGAIN, ENETDOWN or EINTR. */
bool again(struct patience *p, const struct socket *s, int flags, int limit_ms);

/* Chooses a port that is free for `s` where it has none. Returns 0 or an errno. */
int choose_port(struct socket *s, bool stream);
/* Whether another socket has the address and port. */
bool is_taken(const struct socket *s, const struct place *p, bool stream);

/* place.c */

bool is_mapped(const struct place *p);
/* 0.0.0.0 or :: */
bool is_any(const struct place *p);
/* 127/8 or ::1. */
bool is_here(const struct place *p);
bool is_broadcast(const struct place *p);
/* Whether the interface has the address, or it is here. */
bool is_own(const struct place *p);
/* Whether there is an IPv6 address but ::1; `settled`: and duplicate address detection is over. */
bool has_own6(bool settled);
/* Whether there is one that leads beyond the link. */
bool reaches6(void);
bool same_ip(const struct place *a, const struct place *b);
/* These leave the port as it is. The family of `set_here` is the one that `p` has. */
void set_any(struct place *p, bool six);
void set_here(struct place *p);
void set_source(const struct place *peer, struct place *own);
/* What the stack's next call takes for the address; 0: any. */
uint32_t number_of(const struct place *p);
/* The same for tcp_listen; `both`: :: is all addresses of either family. */
uint32_t listening_number(const struct place *p, bool both);
/* A place of what the stack tells. */
void set_place(struct place *p, uint32_t number, uint16_t port);
/* What `getsockname` and the like return; nobody may ask. Returns 0; or −1, and errno is set. */
int tell_place(const struct socket *s, const struct place *p, struct sockaddr *address, socklen_t *size);
/* The place of an address of the socket's family. Returns 0; or −1, and errno is set. */
int read_place(const struct socket *s, const struct sockaddr *address, socklen_t size, struct place *p);
/* The same where Linux takes AF_UNSPEC for AF_INET. */
int read_loose_place(const struct socket *s, const struct sockaddr *address, socklen_t size, struct place *p);

/* linger.c */

/* Closes a connection; what it has not sent yet is seen to at the program's end. */
void end_connection(struct socket *s);
/* After every turn: forgets connections that are over. */
void sweep_endings(void);
void end_with_program(void);
/* When a datagram was sent last; 0: never. */
extern int64_t last_datagram_ms;

/* resolve.c */

/* How many addresses of one family a name has at most. */
enum { ANSWERS_MOST = 4 };
struct answers {
  struct place places[2 * ANSWERS_MOST];
  unsigned count;
};
/*
 * The addresses of a name that the network knows, IPv4's, IPv6's or both, the ones to try first in front. Waits for as
 * long as the resolver does. Returns 0; or an error of getaddrinfo's, EAI_NONAME where there is no resolver.
 */
int look_up(const char *name, bool four, bool six, uint16_t port, struct answers *found);

/* options.c */

/* Hands the options that are set to the stack. */
void apply_options(const struct socket *s);

/* info.c */

/* The largest segment that is sent. */
int segment_size(const struct socket *s);
void tell_info(const struct socket *s, struct tcp_info *info);

/* stream.c, datagram.c: what `socket.c`, `message.c` and `poll.c` call. */

ssize_t stream_send(struct socket *s, const void *data, size_t size, int flags);
/* One of several calls that share their time. */
ssize_t stream_send_part(struct socket *s, const void *data, size_t size, int flags, struct patience *p);
ssize_t stream_receive(struct socket *s, void *data, size_t size, int flags);
/* Into several pieces of `size` bytes in all; with MSG_PEEK into one. */
ssize_t stream_receive_pieces(struct socket *s, const struct iovec *iov, size_t count, size_t size, int flags);
/* How much can be taken at once; 0: nothing, or the end. */
int stream_waiting(const struct socket *s);
int datagram_bind(struct socket *s);
int datagram_connect(struct socket *s, const struct sockaddr *address, socklen_t size);
ssize_t datagram_send(struct socket *s, const void *data, size_t size, int flags, const struct sockaddr *to,
                      socklen_t to_size);
ssize_t datagram_receive(struct socket *s, void *data, size_t size, int *flags, struct sockaddr *from,
                         socklen_t *from_size);
/* Takes the next datagram out of the stack, if there is one for this socket and none is held. */
void datagram_fetch(struct socket *s);
/* poll's bits for a socket. */
short ready(struct socket *s, short wanted);

/* EPIPE, and SIGPIPE where there are signals and the caller does not object. */
int broken_pipe(int flags);

int stint_bsd_accept4(int fd, struct sockaddr *address, socklen_t *size, int flags);
#endif
