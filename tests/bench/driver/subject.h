/*
 * What driver.c measures: two stacks in one thread, 0 the client and 1 the server, and a link between them on which a
 * frame is copied once. Time is virtual. Every call that fails ends the program: a figure of something that went wrong
 * is none.
 */
#ifndef SUBJECT_H
#define SUBJECT_H

#include <stdint.h>

enum { CLIENT, SERVER };
enum { PORT = 7, MSS = 1460, SLOTS = 64, SETTLED_US = 10000000 };

/* 4, or 6: both stacks talk over IPv6, where they can. */
extern uint32_t family;

/* A connection as its side knows it; 0: none. */
typedef intptr_t conn;

/* Both stacks, with room for `connections` with rings of `ring` bytes each way. */
void subject_start(uint32_t connections, uint32_t ring);
void subject_listen(void);
conn subject_connect(void);
/* The next connection that the server has to accept, or 0. */
conn subject_accept(void);
/* Copies as much of `size` bytes into the connection as it takes; returns how many. */
uint32_t subject_send(int side, conn c, const uint8_t *from, uint32_t size);
/* Copies up to `size` bytes that arrived; returns how many. */
uint32_t subject_recv(int side, conn c, uint8_t *to, uint32_t size);
/*
 * The same in place: up to `size` bytes are sent that nobody writes, as if they stood there already; all that arrived
 * is given back unread.
 */
uint32_t subject_send_in_place(int side, conn c, uint32_t size);
uint32_t subject_recv_in_place(int side, conn c);
void subject_close(int side, conn c);
/* Both sides have closed, `first` before the other: what is left of these connections can go. */
void subject_recycle(int first, const conn *clients, const conn *servers, uint32_t n);
/* Takes in what crossed, and lets out what is due at `now`. */
void subject_poll(int side, uint64_t now_us);
/* Copies up to `max` frames that `from` has sent to the other side; returns how many. */
uint32_t subject_cross(int from, uint32_t max);
/* Bytes of an idle connection, without its rings. */
uint32_t subject_bytes(void);
/* Time in which nothing happened has passed: delayed ACKs are due. */
void subject_idle(void);

_Noreturn void fail(const char *why);

#endif
