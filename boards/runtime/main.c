/*
 * The firmware: the module, its services, and a loop that carries frames between it and the board. The module can reach
 * nothing but its linear memory. When it traps, or when it names an address that lies outside, the firmware says so and
 * starts the stack afresh.
 */
#include "firmware.h"

#include <setjmp.h>

#include "module.h"

static jmp_buf restart;
static uint32_t restarts;

void say(const char *text) {
  while (*text != 0) hal_putc(*text++);
}

void say_number(uint32_t n) {
  char digits[10];
  int i = 0;
  do digits[i++] = (char)('0' + n % 10);
  while ((n /= 10) != 0);
  while (i > 0) hal_putc(digits[--i]);
}

uint32_t restarts_so_far(void) { return restarts; }

/* Boards that paint their stack know better. */
__attribute__((weak)) uint32_t stack_untouched(void) { return 0; }

_Noreturn void module_trap(const char *what) {
  say("trap: the stack tried ");
  say(what);
  say("; restarting it\n");
  restarts++;
  longjmp(restart, 1);
}

/* The firmware's last words. */
_Noreturn static void end(const char *why) {
  say(why);
  say("\n");
  hal_exit(1);
}

_Noreturn void module_refused(const char *why) {
  say("stint: the module ");
  end(why);
}

/* Takes frames in while there is room. Returns whether there may be more. */
static bool receive_frames(uint32_t ring) {
  for (;;) {
    uint32_t tail = module_word(ring + RING_TAIL), mask = module_word(ring + RING_MASK),
             stride = module_word(ring + RING_STRIDE);
    if (tail - module_word(ring + RING_HEAD) > mask) return true;
    uint32_t slot = module_word(ring + RING_SLOTS) + (tail & mask) * stride + FRAME_OFFSET;
    uint32_t size = hal_receive(module_memory(slot, stride - FRAME_OFFSET), stride - FRAME_OFFSET);
    if (size == 0) return false;
    module_set_word(module_word(ring + RING_LENGTHS) + (tail & mask) * 4, size);
    module_set_word(ring + RING_TAIL, tail + 1);
  }
}

/* Hands frames to the board for as long as it takes them. Returns whether it took all. */
static bool send_frames(uint32_t ring) {
  for (;;) {
    uint32_t head = module_word(ring + RING_HEAD), mask = module_word(ring + RING_MASK);
    if (head == module_word(ring + RING_TAIL)) return true;
    if (module_word(ring + RING_TAIL) - head > mask + 1) module_trap_bounds();
    uint32_t size = module_word(module_word(ring + RING_LENGTHS) + (head & mask) * 4);
    if (size < 14 || size > 1514) module_trap_bounds();
    if (!hal_send(module_memory(module_word(ring + RING_SLOTS) + (head & mask) * module_word(ring + RING_STRIDE) +
                                    FRAME_OFFSET,
                                size),
                  size))
      return false;
    module_set_word(ring + RING_HEAD, head + 1);
  }
}

/* Lays the stack out and starts its services. */
static void start(void) {
  module_start();
  uint32_t block = stint_configBlock();
#ifndef STINT_IMAGE
  /* memmove everywhere: memcpy would be 236 bytes more of flash for nothing, and of constants compilers make that. */
  const void *config = stint_config;
  __asm__("" : "+r"(config));
  memmove(module_memory(block, sizeof stint_config), config, sizeof stint_config);
#endif
#ifdef STINT_SEED
  say("DEBUG: the entropy is the fixed seed " STINT_SEED_TEXT "; anybody can predict this stack\n");
  uint8_t *entropy = module_memory(block + ENTROPY_AT, ENTROPY_SIZE);
  uint32_t drawn = STINT_SEED;
  for (uint32_t i = 0; i < ENTROPY_SIZE; i++) entropy[i] = (uint8_t)((drawn = drawn * 1664525u + 1013904223u) >> 24);
#else
  if (!hal_entropy(module_memory(block + ENTROPY_AT, ENTROPY_SIZE), ENTROPY_SIZE)) {
    end("stint: this board has no entropy, and does not start without");
  }
#endif
#ifdef STINT_APPLICATION
  int32_t started = (int32_t)stint_app_start(block);
  if (started < 0) {
    say("stint: the application does not start, error ");
    say_number((uint32_t)-started);
    end("");
  }
#else
#ifndef STINT_IMAGE
  int64_t need = (int64_t)stint_layoutSize(block);
  if (need > (int64_t)ARENA_SIZE) {
    say("stint: the configuration needs ");
    say_number((uint32_t)(need - (int64_t)ARENA_SIZE));
    end(" bytes more than there are");
  }
#endif
#ifdef STINT_IMAGE
  /* The stack was laid out when the firmware was built. This draws its keys. */
  int32_t result = (int32_t)stint_seed(block);
#else
  int32_t result = (int32_t)stint_init(block);
#endif
  if (result < 0) {
    say("stint: the configuration is refused, error ");
    say_number((uint32_t)-result);
    end("");
  }
#ifndef STINT_IMAGE
  for (uint32_t i = 0; i < sizeof stint_services / sizeof stint_services[0]; i++) {
    stint_serviceStart(stint_services[i].service, stint_services[i].port, stint_services[i].backlog);
  }
#endif
#endif
}

#ifdef STINT_HTTP
uint32_t module_request(void) { return stint_serviceRequest(); }
void module_answer(int64_t result) { stint_serviceAnswer((uint64_t)result); }
uint32_t module_pool(uint32_t which) { return stint_pool(which); }
uint32_t module_counter(uint32_t which) { return module_word(stint_counters() + which * 4); }

struct connection module_connection(uint32_t i) {
  /* The configuration's block is scratch memory now. */
  uint32_t handle = stint_serviceConnection(i), at = stint_configBlock();
  if (handle == 0 || stint_tcp_info(handle, at) != 0) return (struct connection){0};
  uint32_t ports = module_word(at + INFO_PORTS);
  return (struct connection){.open = true,
                             .rip = module_word(at + INFO_RIP),
                             .rport = (uint16_t)(ports >> 16),
                             .lport = (uint16_t)ports,
                             .state = (uint8_t)module_word(at + INFO_STATE),
                             .cwnd = module_word(at + INFO_CWND)};
}
#endif

#ifdef STINT_BENCH
/* What bench.c needs in place of a network. */
void module_frame_in(const uint8_t *frame, uint32_t size) {
  uint32_t ring = stint_controlBlock(), tail = module_word(ring + RING_TAIL), mask = module_word(ring + RING_MASK);
  memmove(module_memory(module_word(ring + RING_SLOTS) + (tail & mask) * module_word(ring + RING_STRIDE) + FRAME_OFFSET,
                        size),
          frame, size);
  module_set_word(module_word(ring + RING_LENGTHS) + (tail & mask) * 4, size);
  module_set_word(ring + RING_TAIL, tail + 1);
}

const uint8_t *module_frame_out(uint32_t *size) {
  uint32_t ring = stint_controlBlock() + RING_SIZE, head = module_word(ring + RING_HEAD),
           mask = module_word(ring + RING_MASK);
  if (head == module_word(ring + RING_TAIL)) return NULL;
  *size = module_word(module_word(ring + RING_LENGTHS) + (head & mask) * 4);
  module_set_word(ring + RING_HEAD, head + 1);
  return module_memory(module_word(ring + RING_SLOTS) + (head & mask) * module_word(ring + RING_STRIDE) + FRAME_OFFSET,
                       *size);
}

void module_queue(uint32_t size) {
  for (uint32_t i = 0; i < STINT_CONNECTIONS; i++) {
    uint32_t handle = stint_serviceConnection(i);
    if (handle != 0 && (int32_t)stint_tcp_send_span(handle) >= (int32_t)size) stint_tcp_send_commit(handle, size);
  }
}

void module_turn(void) {
  stint_poll(hal_now_us());
  stint_servicesRun();
}
#endif

#ifdef STINT_DHCP
/* The address that the network gave, or gave last: it is asked for first after a trap. */
static uint32_t leased;
static bool has_address;

/* The running configuration lies before the control block. */
uint32_t module_address(void) { return module_word(stint_controlBlock() - CONFIG_SIZE + CONFIG_IP); }

/* Asks the network for an address. The configuration's block is scratch memory now. */
static void ask_address(void) {
  uint32_t block = stint_configBlock();
  has_address = false;
  memmove(module_memory(block, sizeof STINT_HOST_NAME), STINT_HOST_NAME, sizeof STINT_HOST_NAME);
  if (stint_dhcp_start(leased, block, sizeof STINT_HOST_NAME - 1) != 0) end("stint: the address cannot be asked for");
  say("asking the network for an address (DHCP)\n");
}

/* Says when there is an address, another one, or none. */
static void watch_address(void) {
  uint32_t now = module_address();
  if (now == (has_address ? leased : 0)) return;
  has_address = now != 0;
  if (!has_address) {
    say("the address is gone\n");
    return;
  }
  leased = now;
  say("ready ");
  for (int shift = 24; shift >= 0; shift -= 8) {
    say_number(now >> shift & 255);
    say(shift > 0 ? "." : "\n");
  }
}
#endif

#ifdef STINT_IPV6
/* No group of an address. */
enum { NO_GROUP = 0x10000 };

/* Which of the interface's addresses were told, a bit each by their place. */
static uint32_t told6;
/* The place, from 1, of the one that others can ask for: the link-local one only if there is no other. 0: none. */
static uint32_t place6;

static uint32_t group_at(uint32_t at, uint32_t group) {
  const uint8_t *b = module_memory(at + 2 * group, 2);
  return (uint32_t)b[0] << 8 | b[1];
}

uint32_t module_group6(uint32_t name, uint32_t group) {
  uint32_t at = stint_configBlock();
  return name >> 28 == 15 && stint_ip6_bytes(name, at) == 0 ? group_at(at, group) : NO_GROUP;
}

uint32_t module_own6(uint32_t group) {
  uint32_t at = stint_configBlock();
  return place6 != 0 && stint_ip6_info(place6 - 1, at) == 0 ? group_at(at, group) : NO_GROUP;
}

static void say_hexadecimal(uint32_t n) {
  for (int shift = 12; shift >= 0; shift -= 4)
    if (n >> shift != 0 || shift == 0) hal_putc("0123456789abcdef"[n >> shift & 15]);
}

/* Says each address as soon as it can be used: eight groups, without ::. */
static void watch_address6(void) {
  uint32_t at = stint_configBlock(), now = 0, chosen = 0;
  bool is_local = true;
  for (uint32_t i = 0; i < IP6_OWN_MOST && stint_ip6_info(i, at) == 0; i++) {
    uint32_t origin = module_word(at + IP6_ORIGIN);
    if (module_word(at + IP6_STATE) != IP6_VALID || origin == IP6_ORIGIN_LOOPBACK) continue;
    if (is_local) chosen = i + 1;
    is_local = is_local && origin == IP6_ORIGIN_LINK_LOCAL;
    now |= 1u << i;
    if ((told6 & 1u << i) != 0) continue;
    say("ready6 ");
    for (uint32_t g = 0; g < 8; g++) {
      say_hexadecimal(group_at(at, g));
      say(g < 7 ? ":" : "\n");
    }
  }
  told6 = now;
  place6 = chosen;
}
#endif

static void run(void) {
  uint32_t control = stint_controlBlock();
#ifdef STINT_BENCH
  bench();
#endif
  for (;;) {
    bool more = receive_frames(control);
    int32_t wait = (int32_t)stint_poll(hal_now_us());
#ifdef STINT_DHCP
    watch_address();
#endif
#ifdef STINT_IPV6
    watch_address6();
#endif
#ifdef STINT_APPLICATION
    if (stint_app_run()) wait = 0;
#else
    if (stint_servicesRun()) wait = 0;
    wait = (int32_t)stint_servicesWait((uint32_t)wait);
#endif
#ifdef STINT_HTTP
    if (pages_answer()) wait = 0;
#endif
    bool sent = send_frames(control + RING_SIZE);
    if (more || wait == 0) continue;
    uint64_t now = hal_now_us();
    uint64_t until = wait < 0 ? UINT64_MAX : now + (uint32_t)wait;
    /* What the board could not take is offered again soon. */
    hal_idle(sent || until < now + 1000 ? until : now + 1000);
  }
}

int main(void) {
  const char *wrong = hal_init(stint_mac);
  if (wrong != NULL) {
    say("stint: ");
    end(wrong);
  }
  setjmp(restart);
  start();
#ifdef STINT_DHCP
  ask_address();
#else
  say("ready " STINT_ADDRESS "\n");
#endif
#ifdef STINT_IPV6
  /* Without a secret: the addresses are others after each start. */
  told6 = place6 = 0;
  if (stint_ip6_start(0) != 0) end("stint: IPv6 does not begin");
#endif
  run();
}
