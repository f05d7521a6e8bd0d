/* The calls of lwIP that its subject makes: from a library, or from its sources. */
#ifndef BENCH_LWIP_H
#define BENCH_LWIP_H

#include <lwip/init.h>
#include <lwip/netif.h>
#include <lwip/pbuf.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/tcp.h>
#include <netif/etharp.h>
#include <netif/ethernet.h>

/* clang-format off */
#define CALLS(F) \
  F(lwip_init) F(netif_add) F(netif_set_up) F(netif_set_link_up) F(netif_set_default) F(ethernet_input) \
  F(etharp_output) F(pbuf_alloc) F(pbuf_free) F(pbuf_ref) F(pbuf_copy_partial) F(tcp_new) F(tcp_bind) \
  F(tcp_listen_with_backlog) F(tcp_accept) F(tcp_arg) F(tcp_recv) F(tcp_connect) F(tcp_write) F(tcp_output) \
  F(tcp_recved) F(tcp_close) F(tcp_abort) F(tcp_fasttmr)
/* clang-format on */

struct lib {
#define MEMBER(name) __typeof__(&name) name;
  CALLS(MEMBER)
#undef MEMBER
};

#endif
