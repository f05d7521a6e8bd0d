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
#define INFO_RIP 4u
#define INFO_LIP 8u
#define INFO_PORTS 12u
#define INFO_FLAGS 16u
#define INFO_STATE 20u
#define INFO_ERROR 21u
#define INFO_SOFT_ERROR 22u
#define INFO_TIMER_KIND 23u
#define INFO_RETRIES 24u
#define INFO_DUP_ACKS 25u
#define INFO_SND_SCALE 26u
#define INFO_RCV_SCALE 27u
#define INFO_MSS 28u
#define INFO_PATH_MTU 30u
#define INFO_SND_WND 32u
#define INFO_MAX_SND_WND 36u
#define INFO_ISS 40u
#define INFO_SND_UNA 44u
#define INFO_SND_NXT 48u
#define INFO_SND_UP 52u
#define INFO_SND_WL1 56u
#define INFO_SND_WL2 60u
#define INFO_SND_SIZE 64u
#define INFO_PIPE 68u
#define INFO_SACKED_BYTES 72u
#define INFO_IRS 76u
#define INFO_RCV_NXT 80u
#define INFO_RCV_ADV 84u
#define INFO_RCV_UP 88u
#define INFO_LAST_ACK_SENT 92u
#define INFO_TS_RECENT 96u
#define INFO_RCV_SIZE 100u
#define INFO_OUT_OF_ORDER_BYTES 104u
#define INFO_URGENT_LEFT 108u
#define INFO_CWND 112u
#define INFO_SSTHRESH 116u
#define INFO_RTO 120u
#define INFO_SRTT 124u
#define INFO_RTTVAR 128u
#define INFO_TS_RECENT_AT 132u
#define INFO_TS_OFFSET 136u
#define INFO_USER_TIMEOUT_MS 140u
#define INFO_TIMER_AT 144u
#define INFO_DELACK_AT 152u
#define INFO_IDLE_AT 160u
#define INFO_HEARD_AT 168u
#define INFO_STALLED_AT 176u
#define INFO_PEER_MSS 184u
#define INFO_KEEP_IDLE_S 186u
#define INFO_KEEP_INTERVAL_S 188u
#define INFO_KEEP_PROBES 190u
#define INFO_KEEP_SENT 191u
#define INFO_TTL 192u
#define INFO_TOS 193u
#define INFO_CONGESTION 194u
#define INFO_ECN 195u
#define INFO_FAST_OPEN 196u
#define INFO_UNACKED 197u

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
