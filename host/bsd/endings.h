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
  int32_t handle;
  /* The peer has ended: nothing more can come, so the handle tells all. */
  int is_last;
  /* Of others the addresses tell, since a connection in TIME-WAIT has no handle of its own. */
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
  if (!e->is_last) {
    if (tcp_recv_size(e->handle) > 0) {
      /* Nobody will read it, and the peer is to know (RFC 1122 §4.2.2.13). */
      endings_lost++;
      tcp_abort(e->handle);
      return 1;
    }
    int32_t state = stint_flow_state(e->ip, e->port, e->peer_ip, e->peer_port);
    /*
     * From FIN-WAIT-1 a connection comes to FIN-WAIT-2 or TIME-WAIT when its FIN is acknowledged; to CLOSED when it is
     * reset or given up.
     */
    if (state == STINT_STATE_FIN_WAIT_1 || state == STINT_STATE_CLOSING) return 0;
    if (state == STINT_STATE_CLOSED || state == STINT_STATE_LISTEN) endings_lost++;
    tcp_close(e->handle);
    return 1;
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

/* Resets what is left, and counts it as lost. */
static void endings_cut(void) {
  for (int i = 0; i < ENDINGS; i++) {
    if (!endings[i].busy) continue;
    tcp_abort(endings[i].handle);
    endings_lost++;
    endings[i].busy = 0;
  }
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
  e->busy = 1, e->handle = handle, e->is_last = ours;
  e->peer_ip = info->rip, e->ip = info->lip, e->peer_port = info->ports >> 16, e->port = info->ports & 0xffff;
  tcp_shutdown(handle);
  return e;
}
#endif
