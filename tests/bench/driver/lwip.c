/*
 * lwIP: as Debian builds it (liblwip.so, loaded twice, from two copies: its variables are its state), or from its
 * sources (lwip-source.c, with LWIP_SOURCE). Raw API, no threads. What goes out is queued as it is and copied once into
 * a pbuf of the other side: one of its pool, where that has blocks of the size of a frame (Debian's has not).
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lwip.h"
#include "subject.h"

struct connection {
  struct tcp_pcb *pcb;
  struct pbuf *in;
};
struct frame {
  struct pbuf *p;
  void *at;
  uint32_t size;
};

#ifdef LWIP_SOURCE
extern const struct lib a_lwip_lib, b_lwip_lib;
#define lib(side) ((side) == CLIENT ? &a_lwip_lib : &b_lwip_lib)
static const pbuf_type INCOMING = PBUF_POOL;
#else
static struct lib libraries[2];
#define lib(side) (&libraries[side])
static const pbuf_type INCOMING = PBUF_RAM;
#endif
static struct netif netifs[2];
static struct frame out[2][1024];
static uint32_t out_head[2], out_tail[2];
static struct pbuf *in[2][1024];
static uint32_t ins[2];
static struct connection *accepted[256];
static uint32_t accepted_head, accepted_tail;

static int side_of(const struct netif *n) { return n == &netifs[SERVER]; }

static err_t link_output(struct netif *n, struct pbuf *p) {
  int side = side_of(n);
  if (p->next != NULL) fail("a frame in parts");
  if (out_tail[side] - out_head[side] == 1024) return ERR_MEM;
  lib(side)->pbuf_ref(p);
  out[side][out_tail[side]++ & 1023] = (struct frame){p, p->payload, p->len};
  return ERR_OK;
}

static err_t begin(struct netif *n) {
  n->mtu = 1500, n->hwaddr_len = 6, n->output = lib(side_of(n))->etharp_output, n->linkoutput = link_output;
  n->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET;
  memcpy(n->hwaddr, (uint8_t[]){2, 0, 0, 0, 0, (uint8_t)(1 + side_of(n))}, 6);
  return ERR_OK;
}

#ifndef LWIP_SOURCE
#include <dlfcn.h>
#include <unistd.h>

static void load(int side) {
  const char *path = getenv("LIBLWIP");
  if (path == NULL) path = "/usr/lib/x86_64-linux-gnu/liblwip.so.0";
  char copy[] = "/tmp/bench-lwip-XXXXXX", command[512];
  if (mkstemp(copy) < 0) fail("no temporary file");
  snprintf(command, sizeof command, "cp %s %s", path, copy);
  if (system(command) != 0) fail("liblwip.so cannot be copied");
  void *handle = dlopen(copy, RTLD_NOW | RTLD_LOCAL);
  unlink(copy);
  if (handle == NULL) fail(dlerror());
  struct lib *l = &libraries[side];
#define LOAD(name) \
  if ((l->name = (__typeof__(&name))dlsym(handle, #name)) == NULL) fail(dlerror());
  CALLS(LOAD)
#undef LOAD
}
#endif

static void start(int side) {
  const struct lib *l = lib(side);
  l->lwip_init();
  ip4_addr_t ip, mask, none = {0};
  IP4_ADDR(&ip, 10, 0, 0, 1 + side);
  IP4_ADDR(&mask, 255, 255, 255, 0);
  l->netif_add(&netifs[side], &ip, &mask, &none, NULL, begin, l->ethernet_input);
  l->netif_set_default(&netifs[side]);
  l->netif_set_up(&netifs[side]);
  l->netif_set_link_up(&netifs[side]);
}

void subject_start(uint32_t connections, uint32_t ring) {
  (void)connections, (void)ring;
#ifndef LWIP_SOURCE
  load(CLIENT);
  load(SERVER);
#endif
  start(CLIENT);
  start(SERVER);
}

/* As in the library; it is the same for both sides. */
static void chain(struct pbuf *head, struct pbuf *tail) {
  struct pbuf *p = head;
  for (; p->next != NULL; p = p->next) p->tot_len = (u16_t)(p->tot_len + tail->tot_len);
  p->tot_len = (u16_t)(p->tot_len + tail->tot_len);
  p->next = tail;
}

static err_t arrives(void *argument, struct tcp_pcb *pcb, struct pbuf *p, err_t error) {
  (void)pcb, (void)error;
  struct connection *c = argument;
  if (p == NULL) return ERR_OK;
  if (c->in == NULL) c->in = p;
  else chain(c->in, p);
  return ERR_OK;
}

static struct connection *fresh(int side, struct tcp_pcb *pcb) {
  struct connection *c = calloc(1, sizeof *c);
  c->pcb = pcb;
  lib(side)->tcp_arg(pcb, c);
  lib(side)->tcp_recv(pcb, arrives);
  return c;
}

static err_t accepts(void *argument, struct tcp_pcb *pcb, err_t error) {
  (void)argument, (void)error;
  accepted[accepted_tail++ & 255] = fresh(SERVER, pcb);
  return ERR_OK;
}

void subject_listen(void) {
  struct tcp_pcb *pcb = lib(SERVER)->tcp_new();
  if (lib(SERVER)->tcp_bind(pcb, NULL, PORT) != ERR_OK) fail("lwIP does not bind");
  pcb = lib(SERVER)->tcp_listen_with_backlog(pcb, 255);
  lib(SERVER)->tcp_accept(pcb, accepts);
}

static err_t connected(void *argument, struct tcp_pcb *pcb, err_t error) {
  (void)argument, (void)pcb;
  return error;
}

conn subject_connect(void) {
  ip_addr_t ip;
  IP_ADDR4(&ip, 10, 0, 0, 2);
  struct tcp_pcb *pcb = lib(CLIENT)->tcp_new();
  if (pcb == NULL) fail("no memory");
  struct connection *c = fresh(CLIENT, pcb);
  if (lib(CLIENT)->tcp_connect(pcb, &ip, PORT, connected) != ERR_OK) fail("lwIP does not connect");
  return (conn)c;
}

conn subject_accept(void) { return accepted_head == accepted_tail ? 0 : (conn)accepted[accepted_head++ & 255]; }

uint32_t subject_send(int side, conn c, const uint8_t *from, uint32_t size) {
  struct tcp_pcb *pcb = ((struct connection *)c)->pcb;
  uint32_t room = tcp_sndbuf(pcb), n = size < room ? size : room;
  if (n != 0 && lib(side)->tcp_write(pcb, from, (u16_t)n, TCP_WRITE_FLAG_COPY) != ERR_OK) return 0;
  lib(side)->tcp_output(pcb);
  return n;
}

/* Everything that there is: `size` is large enough. */
static uint32_t take(int side, struct connection *c, uint8_t *to, uint32_t size) {
  struct pbuf *p = c->in;
  if (p == NULL) return 0;
  uint32_t n = p->tot_len;
  if (to != NULL && lib(side)->pbuf_copy_partial(p, to, (u16_t)size, 0) < (n < size ? n : size))
    fail("a copy is short");
  c->in = NULL;
  lib(side)->tcp_recved(c->pcb, (u16_t)n);
  lib(side)->pbuf_free(p);
  return n;
}

uint32_t subject_recv(int side, conn c, uint8_t *to, uint32_t size) {
  return take(side, (struct connection *)c, to, size < 65535 ? size : 65535);
}

/* This build of lwIP copies always: it sends frames in one piece. */
uint32_t subject_send_in_place(int side, conn c, uint32_t size) {
  static const uint8_t data[65536];
  return subject_send(side, c, data, size < sizeof data ? size : sizeof data);
}

uint32_t subject_recv_in_place(int side, conn c) { return take(side, (struct connection *)c, NULL, 0); }

void subject_close(int side, conn c) {
  if (lib(side)->tcp_close(((struct connection *)c)->pcb) != ERR_OK) fail("lwIP does not close");
}

/* TIME-WAIT lasts minutes; an abort ends it at once, without a frame. */
void subject_recycle(int first, const conn *clients, const conn *servers, uint32_t n) {
  for (uint32_t i = 0; i < n; i++) {
    lib(first)->tcp_abort(((struct connection *)(first == CLIENT ? clients : servers)[i])->pcb);
    free((void *)clients[i]);
    free((void *)servers[i]);
  }
}

void subject_poll(int side, uint64_t now_us) {
  (void)now_us;
  for (uint32_t i = 0; i < ins[side]; i++) {
    if (netifs[side].input(in[side][i], &netifs[side]) != ERR_OK) lib(side)->pbuf_free(in[side][i]);
  }
  ins[side] = 0;
}

uint32_t subject_cross(int from, uint32_t max) {
  uint32_t n = 0;
  for (; n < max && out_head[from] != out_tail[from]; n++) {
    struct frame *f = &out[from][out_head[from]++ & 1023];
    struct pbuf *p = lib(1 - from)->pbuf_alloc(PBUF_RAW, (u16_t)f->size, INCOMING);
    if (p == NULL) fail("no memory");
    memcpy(p->payload, f->at, f->size);
    lib(from)->pbuf_free(f->p);
    in[1 - from][ins[1 - from]++] = p;
  }
  return n;
}

uint32_t subject_bytes(void) { return sizeof(struct tcp_pcb); }

void subject_idle(void) {
  lib(CLIENT)->tcp_fasttmr();
  lib(SERVER)->tcp_fasttmr();
}
