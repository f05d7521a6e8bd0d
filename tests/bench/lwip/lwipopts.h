/*
 * The options of lwIP that make it as fast as it can be at the works of the bench, within its own rules: no threads,
 * memory from the C library, frames in one piece, sums while copying, nothing that is not used.
 */
#ifndef LWIPOPTS_H
#define LWIPOPTS_H

#define NO_SYS 1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_SOCKET 0
#define LWIP_NETCONN 0
#define LWIP_NOASSERT 1
#define LWIP_STATS 0
#define LWIP_TIMERS 0

/* What is not used. */
#define LWIP_RAW 0
#define LWIP_UDP 0
#define LWIP_DHCP 0
#define LWIP_ACD 0
#define LWIP_AUTOIP 0
#define LWIP_IPV6 0
#define IP_REASSEMBLY 0
#define IP_FRAG 0
#define LWIP_NETIF_LOOPBACK 0
#define LWIP_SINGLE_NETIF 1
#define LWIP_TCP_SACK_OUT 0
#define LWIP_TCP_TIMESTAMPS 0

/* Control blocks and segments from pools of their own, the rest from malloc. */
#define MEM_ALIGNMENT 8
#define MEM_LIBC_MALLOC 1
#define MEMP_MEM_MALLOC 0
#define MEMP_NUM_TCP_PCB 2200
#define MEMP_NUM_TCP_PCB_LISTEN 2
#define MEMP_NUM_TCP_SEG 8192
#define MEMP_NUM_PBUF 1024
#define PBUF_POOL_SIZE 1024
#define PBUF_POOL_BUFSIZE 1536

#define TCP_MSS 1460
#define TCP_WND 65535
#define TCP_SND_BUF 65535
#define TCP_SND_QUEUELEN 256
#define TCP_SNDLOWAT 32768
#define TCP_LISTEN_BACKLOG 1
#define TCP_QUEUE_OOSEQ 1
#define LWIP_NETIF_TX_SINGLE_PBUF 1
#define LWIP_NETIF_HWADDRHINT 1
#define ETHARP_SUPPORT_STATIC_ENTRIES 0
#define ARP_TABLE_SIZE 4

/* 32 or 64 bytes at a time (arch/cc.h); and while text is copied into a segment. */
#define LWIP_CHKSUM bench_sum
#define LWIP_CHKSUM_COPY(to, from, size) bench_copy_sum(to, from, size)
#define LWIP_CHECKSUM_ON_COPY 1

#endif
