/* Made by tools/border from the sources in assembly/: where the module's records have what. */
#ifndef STINT_BORDER_H
#define STINT_BORDER_H

/* A ring of frame slots. */
#define RING_HEAD 0u
#define RING_TAIL 4u
#define RING_MASK 8u
#define RING_SLOTS 12u
#define RING_STRIDE 16u
#define RING_LENGTHS 20u
#define RING_SIZE 24u
#define FRAME_OFFSET 2u

/* What tcp_info writes. */
#define INFO_VERSION 0u
#define INFO_STATE 4u
#define INFO_RIP 8u
#define INFO_LIP 12u
#define INFO_PORTS 16u
#define INFO_FLAGS 20u
#define INFO_TIMER_KIND 25u
#define INFO_RETRIES 26u
#define INFO_DUP_ACKS 27u
#define INFO_SND_SCALE 28u
#define INFO_RCV_SCALE 29u
#define INFO_ERROR 30u
#define INFO_SOFT_ERROR 31u
#define INFO_MSS 32u
#define INFO_PATH_MTU 34u
#define INFO_SND_UNA 36u
#define INFO_SND_NXT 40u
#define INFO_SND_WND 44u
#define INFO_MAX_SND_WND 48u
#define INFO_ISS 52u
#define INFO_SND_UP 56u
#define INFO_RCV_NXT 60u
#define INFO_RCV_ADV 64u
#define INFO_RCV_UP 68u
#define INFO_IRS 72u
#define INFO_SND_SIZE 80u
#define INFO_RCV_SIZE 88u
#define INFO_RTO 92u
#define INFO_CWND 96u
#define INFO_SSTHRESH 100u
#define INFO_RECOVER 104u
#define INFO_SND_LOST 108u
#define INFO_RTX_NXT 112u
#define INFO_TS_RECENT 116u
#define INFO_LAST_ACK_SENT 124u
#define INFO_SND_WL1 128u
#define INFO_SND_WL2 132u
#define INFO_FIN_SEQ 136u
#define INFO_TS_RECENT_AT 140u
#define INFO_TS_OFFSET 144u
#define INFO_SRTT 148u
#define INFO_RTTVAR 152u
#define INFO_CONGESTION 186u
#define INFO_USER_TIMEOUT_MS 188u
#define INFO_TIMER_AT 192u
#define INFO_DELACK_AT 200u
#define INFO_IDLE_AT 208u
#define INFO_HEARD_AT 216u
#define INFO_STALLED_AT 224u
#define INFO_PEER_MSS 242u
#define INFO_KEEP_IDLE_S 244u
#define INFO_KEEP_INTERVAL_S 246u
#define INFO_CHALLENGES 250u
#define INFO_KEEP_PROBES 251u
#define INFO_KEEP_SENT 252u
#define INFO_TOS 253u
#define INFO_TTL 254u
#define INFO_UNACKED 255u
#define INFO_ECN 260u
#define INFO_FAST_OPEN 261u
#define INFO_PIPE 264u
#define INFO_SACKED_BYTES 268u
#define INFO_OUT_OF_ORDER_BYTES 272u
#define INFO_URGENT_LEFT 276u

/* What the services ask the host for. */
#define REQUEST_WANT 0u
#define REQUEST_BLOCK 4u
#define REQUEST_PATH 8u
#define REQUEST_PATH_SIZE 12u
#define REQUEST_DATA 16u
#define REQUEST_SIZE 20u
#define REQUEST_OFFSET 24u
#define REQUEST_TAG 32u
#define REQUEST_BYTES 40u
#define WANT_NONE 0u
#define WANT_LENGTH 1u
#define WANT_PIECE 2u

/* What ip6_info writes, and how often. */
#define IP6_BYTE0 0u
#define IP6_BYTE4 4u
#define IP6_BYTE8 8u
#define IP6_BYTE12 12u
#define IP6_NAME 16u
#define IP6_STATE 20u
#define IP6_ORIGIN 24u
#define IP6_PREFIX 28u
#define IP6_PREFERRED_S 32u
#define IP6_VALID_S 36u
#define IP6_TENTATIVE 1u
#define IP6_VALID 2u
#define IP6_ORIGIN_LOOPBACK 0u
#define IP6_ORIGIN_LINK_LOCAL 1u
#define IP6_ORIGIN_PREFIX 2u
#define IP6_ORIGIN_FIXED 3u
#define IP6_ORIGIN_DHCP 4u
#define IP6_ORIGIN_TEMPORARY 5u
#define IP6_OWN_MOST 8u

/* What pool counts. */
#define POOL_CONNECTIONS 0u
#define POOL_HALF_OPEN_FREE 1u
#define POOL_TIME_WAIT_FREE 2u
#define POOL_RANGES_FREE 3u

/* The states of RFC 9293, by their number. */
#define STATE_NAMES \
  "CLOSED", \
  "LISTEN", \
  "SYN-SENT", \
  "SYN-RECEIVED", \
  "ESTABLISHED", \
  "FIN-WAIT-1", \
  "FIN-WAIT-2", \
  "CLOSE-WAIT", \
  "CLOSING", \
  "LAST-ACK", \
  "TIME-WAIT"

#define CONFIG_SIZE 296u
#define CONFIG_IP 24u
#define ENTROPY_AT 264u
#define ENTROPY_SIZE 32u

#endif
