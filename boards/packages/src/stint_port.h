/* The loop around a stack: what stands between it and a network interface. The stack in use is meant. */
#ifndef STINT_PORT_H
#define STINT_PORT_H

#include <stdint.h>

#include "stint.h"

#ifdef __cplusplus
extern "C" {
#endif

/* An interface. `user` is handed to its functions. */
struct stint_port {
  /* Puts the next frame that came, without its FCS, into `frame`. Returns its length, or 0: there is none. */
  uint32_t (*receive)(void *user, uint8_t *frame, uint32_t room);
  /* Sends a frame; pads it to 60 bytes. Returns 0 if it cannot now: the frame is offered again. */
  int (*send)(void *user, const uint8_t *frame, uint32_t size);
  /* NULL, or what the program does after each poll. Returns whether another one may have something to send. */
  int (*work)(void *user);
  void *user;
};

/*
 * Takes frames in, lets the stack work, and hands frames out. `now_us` never goes back. Returns how long nothing will
 * happen unless a frame comes, in µs; 0: call it again at once; below 0: until a frame comes.
 */
int32_t stint_port_turn(const struct stint_port *port, uint64_t now_us);

#ifdef __cplusplus
}
#endif

#endif
