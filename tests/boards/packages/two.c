/*
 * Two stacks of stint.c in one program, and a wire between them: 100,000 bytes go through echo and come back, and a
 * datagram goes each way. Then a stack whose memory is corrupted leaves the other one alone. Prints "ok".
 */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <stint_config.h>
#include <stint_port.h>

#define CHECK(what) \
  if (!(what)) { \
    fprintf(stderr, "line %d: %s\n", __LINE__, #what); \
    exit(1); \
  }

enum { MEMORY = 120000, WIRE = 64, FRAME = 1514, SIZE = 100000, CLIENT = 0, SERVER = 1 };

struct host {
  struct stint *stack;
  struct stint_port port;
  uint8_t wire[WIRE][FRAME];
  uint32_t sizes[WIRE], head, tail;
};

static _Alignas(8) uint8_t memory[2][MEMORY];
static struct host hosts[2];
static uint64_t now = 1000000;
static int32_t turns;
static uint8_t sent[SIZE], got[SIZE];

static uint32_t receive(void *user, uint8_t *frame, uint32_t room) {
  struct host *host = user;
  if (host->head == host->tail) return 0;
  uint32_t n = host->head % WIRE, size = host->sizes[n];
  CHECK(size <= room);
  memcpy(frame, host->wire[n], size);
  host->head++;
  return size;
}

static int send(void *user, const uint8_t *frame, uint32_t size) {
  struct host *other = user == &hosts[0] ? &hosts[1] : &hosts[0];
  if (other->tail - other->head == WIRE) return 0;
  memcpy(other->wire[other->tail % WIRE], frame, size);
  other->sizes[other->tail++ % WIRE] = size;
  return 1;
}

static void use(int which) { stint_use(hosts[which].stack); }

static void configure(struct stint_config *c, uint32_t number) {
  stint_config_numbers(c);
  c->ip = 0x0a000001 + number, c->prefix = 24, c->macHigh = 0x02000000, c->macLow = 1 + number;
  uint64_t drawn = number;
  for (int i = 0; i < 4; i++) (&c->entropy0)[i] = drawn = drawn * 6364136223846793005u + 1442695040888963407u;
}

static void begin(int which) {
  struct stint_config c;
  struct host *host = &hosts[which];
  host->port = (struct stint_port){.receive = receive, .send = send, .user = host};
  host->stack = stint_create(memory[which], MEMORY);
  CHECK(host->stack != NULL);
  CHECK(stint_poll(1) == STINT_ERR_NOT_INIT);
  configure(&c, (uint32_t)which);
  int64_t arena = stint_layout_size(&c);
  CHECK(arena > 0 && arena + STINT_OVERHEAD <= MEMORY);
  CHECK(stint_init(&c) == 0 && c.entropy0 == 0);
}

/* A millisecond of both. */
static void turn(void) {
  for (int which = 0; which < 2; which++) {
    use(which);
    while (stint_port_turn(&hosts[which].port, now) == 0) CHECK(++turns < 1000000);
  }
  now += 1000;
}

static void echo(int32_t handle) {
  uint8_t bytes[700];
  for (;;) {
    int32_t room = tcp_send_room(handle), n;
    if (room <= 0) return;
    n = tcp_recv(handle, bytes, room < (int32_t)sizeof bytes ? (uint32_t)room : sizeof bytes);
    if (n <= 0) return;
    CHECK(tcp_send(handle, bytes, (uint32_t)n) == n);
  }
}

static void stream(void) {
  use(SERVER);
  int32_t listener = tcp_listen(0, 7, 4), server = 0;
  CHECK(listener > 0);
  use(CLIENT);
  int32_t client = tcp_connect(0, 0, 0x0a000002, 7);
  CHECK(client > 0);
  for (uint32_t out = 0, in = 0, ms = 0; in < SIZE; ms++) {
    CHECK(ms < 60000);
    turn();
    use(SERVER);
    if (server <= 0) server = tcp_accept(listener);
    if (server > 0) echo(server);
    use(CLIENT);
    int32_t n = tcp_send(client, sent + out, SIZE - out);
    if (n > 0) out += (uint32_t)n;
    n = tcp_recv(client, got + in, SIZE - in);
    if (n > 0) in += (uint32_t)n;
  }
  CHECK(memcmp(sent, got, SIZE) == 0);
  CHECK(tcp_close(client) == 0);
  use(SERVER);
  struct stint_tcp_info info;
  CHECK(tcp_info(server, &info) == 0 && info.rip == 0x0a000001);
  CHECK(tcp_close(server) == 0);
}

static void datagrams(void) {
  struct stint_datagram_from from;
  char text[16] = "";
  use(SERVER);
  int32_t server = udp_open(5000);
  use(CLIENT);
  int32_t client = udp_open(5001);
  CHECK(client > 0 && server > 0);
  CHECK(udp_send(client, 0x0a000002, 5000, "hello", 6) >= 0);
  turn(), turn();
  use(SERVER);
  CHECK(udp_recv(server, text, sizeof text, &from) == 6 && strcmp(text, "hello") == 0 && from.ip == 0x0a000001);
}

static jmp_buf broken;
_Noreturn void program_trap(const char *why) {
  CHECK(why[0] == 'a');
  longjmp(broken, 1);
}

static void breaks(void) {
  if (setjmp(broken) == 0) {
    use(SERVER);
    ((struct stint_ring *)stint_control_block())->lengths = 0xfffffff0;
    hosts[SERVER].sizes[hosts[SERVER].tail++ % WIRE] = 60;
    /* The slot is put in by hand: the port would write where `lengths` says. */
    ((struct stint_ring *)stint_control_block())->tail++;
    while (stint_poll(now) == 0) continue;
    CHECK(!"a trap");
  }
  begin(SERVER);
  hosts[SERVER].head = hosts[SERVER].tail;
  stream();
}

int main(void) {
  for (uint32_t i = 0; i < SIZE; i++) sent[i] = (uint8_t)(i * 2654435761u >> 24);
  CHECK(stint_create(memory[0], 100) == NULL);
  begin(CLIENT), begin(SERVER);
  stream();
  datagrams();
  breaks();
  puts("ok");
}
