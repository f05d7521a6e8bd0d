/* TCP_INFO and TCP_MAXSEG: what the stack tells of a connection, as Linux names it. What it does not know is 0. */
#include "sockets.h"

/* Linux's numbers of the states, by the stack's. */
static const uint8_t states[] = {
    [STINT_STATE_CLOSED] = TCP_CLOSE,
    [STINT_STATE_LISTEN] = TCP_LISTEN,
    [STINT_STATE_SYN_SENT] = TCP_SYN_SENT,
    [STINT_STATE_SYN_RECEIVED] = TCP_SYN_RECV,
    [STINT_STATE_ESTABLISHED] = TCP_ESTABLISHED,
    [STINT_STATE_FIN_WAIT_1] = TCP_FIN_WAIT1,
    [STINT_STATE_FIN_WAIT_2] = TCP_FIN_WAIT2,
    [STINT_STATE_CLOSE_WAIT] = TCP_CLOSE_WAIT,
    [STINT_STATE_CLOSING] = TCP_CLOSING,
    [STINT_STATE_LAST_ACK] = TCP_LAST_ACK,
    [STINT_STATE_TIME_WAIT] = TCP_TIME_WAIT,
};
/* What Linux says of a socket that has no connection. */
enum { USUAL_MSS = 536 };

static uint32_t segments(uint32_t bytes, uint32_t mss) { return mss == 0 ? 0 : (bytes + mss - 1) / mss; }

int segment_size(const struct socket *s) {
  struct stint_tcp_info t;
  return s->kind == CONNECTION && tcp_info(s->handle, &t) >= 0 && t.mss != 0 ? t.mss : USUAL_MSS;
}

void tell_info(const struct socket *s, struct tcp_info *info) {
  struct stint_tcp_info t;
  memset(info, 0, sizeof *info);
  info->tcpi_state = s->kind == LISTENER ? TCP_LISTEN : TCP_CLOSE;
  if (s->kind != CONNECTION || tcp_info(s->handle, &t) < 0) return;
  info->tcpi_state = states[t.state];
  info->tcpi_retransmits = t.retries, info->tcpi_probes = t.keepSent;
  info->tcpi_snd_wscale = t.sndScale & 15, info->tcpi_rcv_wscale = t.rcvScale & 15;
  info->tcpi_rto = t.rto;
  info->tcpi_snd_mss = t.mss, info->tcpi_rcv_mss = info->tcpi_advmss = t.mss;
  info->tcpi_unacked = segments(t.sndNxt - t.sndUna, t.mss), info->tcpi_sacked = segments(t.sackedBytes, t.mss);
  info->tcpi_pmtu = t.pathMtu;
  info->tcpi_rtt = t.srtt / 8, info->tcpi_rttvar = t.rttvar / 4;
  info->tcpi_snd_cwnd = segments(t.cwnd, t.mss), info->tcpi_snd_ssthresh = segments(t.ssthresh, t.mss);
}
