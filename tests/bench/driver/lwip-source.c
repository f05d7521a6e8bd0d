/*
 * One lwIP, from its sources, in one unit: all that a compiler can put into another it does. LWIP_LIB is its name,
 * since the program has two.
 */
#include "core/def.c"
#include "core/inet_chksum.c"
#include "core/init.c"
#include "core/ip.c"
#include "core/ipv4/etharp.c"
#include "core/ipv4/icmp.c"
#include "core/ipv4/ip4.c"
#include "core/ipv4/ip4_addr.c"
#include "core/mem.c"
#include "core/memp.c"
#include "core/netif.c"
#include "core/pbuf.c"
#include "core/tcp.c"
#include "core/tcp_in.c"
#include "core/tcp_out.c"
#include "netif/ethernet.c"

#include "lwip.h"

/* The driver calls the timers. */
void tcp_timer_needed(void) {}

#define F(name) .name = name,
#ifndef __clang__
__attribute__((externally_visible))
#endif
const struct lib LWIP_LIB = {CALLS(F)};
