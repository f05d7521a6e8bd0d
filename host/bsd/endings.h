/*
 * Connections that their application has closed and that still have something to send or to be acknowledged. The kernel
 * goes on with them after a program's end; where the stack ends with the program, whoever ends it waits for them first.
 * For one file of a program to include.
 */
#ifndef STINT_ENDINGS_H
#define STINT_ENDINGS_H
#include <stint.h>

enum { ENDINGS = 128 };

static struct ending {
  int busy;
  /*
   * Of a connection whose peer has ended: nothing more can come, so it is watched by its handle. Else 0, and it is
   * watched by its addresses.
   */
  int32_t handle;
  uint32_t ip, peer_ip, port, peer_port;
} endings[ENDINGS];

/* How many were reset or given up before all was acknowledged. */
static unsigned endings_lost;

static const struct stint_tcp_info *ending_info(int32_t handle) {
  static struct stint_tcp_info info;
  return tcp_info(handle, &info) < 0 ? 0 : &info;
}

/* Whether all was acknowledged, or will never be. */
static int ending_is_done(struct ending *e) {
  if (e->handle == 0) {
    int32_t state = stint_flow_state(e->ip, e->port, e->peer_ip, e->peer_port);
    /*
     * From FIN-WAIT-1 a connection comes to FIN-WAIT-2 or TIME-WAIT when its FIN is acknowledged; to CLOSED when it is
     * reset or given up.
     */
    if (state == STINT_STATE_CLOSED || state == STINT_STATE_LISTEN) endings_lost++;
    return state != STINT_STATE_FIN_WAIT_1 && state != STINT_STATE_CLOSING;
  }
  const struct stint_tcp_info *info = ending_info(e->handle);
  uint32_t state = info == 0 ? STINT_STATE_CLOSED : info->state;
  if (state == STINT_STATE_LAST_ACK || state == STINT_STATE_CLOSING || state == STINT_STATE_CLOSE_WAIT) return 0;
  int32_t why = tcp_send_room(e->handle);
  if (state == STINT_STATE_CLOSED && why != STINT_ERR_CLOSED && why != STINT_ERR_STATE) endings_lost++;
  tcp_close(e->handle);
  return 1;
}

/* After every poll: forgets those that are over. Returns how many are left. */
static unsigned endings_sweep(void) {
  unsigned left = 0;
  for (int i = 0; i < ENDINGS; i++) {
    if (endings[i].busy && ending_is_done(&endings[i])) endings[i].busy = 0;
    left += (unsigned)endings[i].busy;
  }
  return left;
}

/* Closes a connection; returns what is to be waited for, or NULL. */
static struct ending *ending_begin(int32_t handle) {
  const struct stint_tcp_info *info = ending_info(handle);
  uint32_t state = info == 0 ? STINT_STATE_CLOSED : info->state;
  int theirs = state == STINT_STATE_ESTABLISHED || state == STINT_STATE_FIN_WAIT_1;
  int ours = state == STINT_STATE_CLOSE_WAIT || state == STINT_STATE_LAST_ACK || state == STINT_STATE_CLOSING;
  struct ending *e = endings;
  while (e < endings + ENDINGS && e->busy) e++;
  /* What nobody has read is answered with a RST, and then nothing is sent. */
  if ((!theirs && !ours) || e == endings + ENDINGS || tcp_recv_size(handle) > 0) {
    tcp_close(handle);
    return 0;
  }
  e->busy = 1, e->handle = 0;
  e->peer_ip = info->rip, e->ip = info->lip, e->peer_port = info->ports >> 16, e->port = info->ports & 0xffff;
  if (theirs) {
    tcp_close(handle);
  } else {
    e->handle = handle;
    tcp_shutdown(handle);
  }
  return e;
}
#endif
