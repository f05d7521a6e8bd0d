/* QEMU's "virt" machine: virtio-net and virtio-rng over MMIO (virtio 1.1), CLINT, PLIC, a 16550 UART. */
#include "hal.h"

#include <stddef.h>
#include <string.h>

#define REG(address) (*(volatile uint32_t *)(address))
#define FENCE() __asm__ volatile("fence iorw, iorw" ::: "memory")

/* Machine timer, 10 MHz. */
#define MTIME_LOW REG(0x0200bff8)
#define MTIME_HIGH REG(0x0200bffc)
#define MTIMECMP_LOW REG(0x02004000)
#define MTIMECMP_HIGH REG(0x02004004)
/* Interrupt controller, context of machine mode on hart 0. */
#define PLIC_PRIORITY(irq) REG(0x0c000000 + 4 * (irq))
#define PLIC_ENABLE REG(0x0c002000)
#define PLIC_THRESHOLD REG(0x0c200000)
#define PLIC_CLAIM REG(0x0c200004)
#define UART ((volatile uint8_t *)0x10000000)
#define TEST_DEVICE REG(0x100000)
enum { TICKS_PER_US = 10 };

/* virtio over MMIO (virtio 1.1 §4.2.2). */
enum {
  MAGIC = 0x000,
  VERSION = 0x004,
  DEVICE_ID = 0x008,
  DRIVER_FEATURES = 0x020,
  DRIVER_FEATURES_SEL = 0x024,
  QUEUE_SEL = 0x030,
  QUEUE_NUM = 0x038,
  QUEUE_READY = 0x044,
  QUEUE_NOTIFY = 0x050,
  INTERRUPT_STATUS = 0x060,
  INTERRUPT_ACK = 0x064,
  STATUS = 0x070,
  QUEUE_DESC = 0x080,
  QUEUE_DRIVER = 0x090,
  QUEUE_DEVICE = 0x0a0,
  CONFIG = 0x100,
  ACKNOWLEDGE = 1,
  DRIVER = 2,
  DRIVER_OK = 4,
  FEATURES_OK = 8,
  NET = 1,
  ENTROPY = 4
};
enum { QUEUE = 16, BUFFER = 1536, HEADER = 12, WRITE = 2 };
/* §2.6.7, §2.6.10: what the driver does not want to hear of, and what the device does not. */
enum { NO_INTERRUPT = 1, NO_NOTIFY = 1 };

struct descriptor {
  uint64_t address;
  uint32_t size;
  uint16_t flags, next;
};

struct queue {
  struct descriptor descriptors[QUEUE];
  struct {
    uint16_t flags, index, ring[QUEUE];
  } available __attribute__((aligned(4)));
  struct {
    uint16_t flags, index;
    struct {
      uint32_t id, size;
    } ring[QUEUE];
  } used __attribute__((aligned(4)));
  uint16_t seen;
} __attribute__((aligned(16)));

static struct queue rx, tx, rng;
static uint8_t rx_buffers[QUEUE][BUFFER], tx_buffers[QUEUE][BUFFER];
static uintptr_t net, random_device;
static uint32_t net_irq;

static void offer(uintptr_t device, uint32_t which, struct queue *q, uint16_t descriptor) {
  q->available.ring[q->available.index % QUEUE] = descriptor;
  FENCE();
  q->available.index++;
  FENCE();
  /* A device that is at it looks by itself; to tell it takes the emulator longer than all the rest. */
  if ((*(volatile uint16_t *)&q->used.flags & NO_NOTIFY) == 0) REG(device + QUEUE_NOTIFY) = which;
}

static bool has_used(struct queue *q) {
  FENCE();
  return *(volatile uint16_t *)&q->used.index != q->seen;
}

static void queue_start(uintptr_t device, uint32_t which, struct queue *q) {
  const uintptr_t parts[3] = {(uintptr_t)q->descriptors, (uintptr_t)&q->available, (uintptr_t)&q->used};
  const uint32_t registers[3] = {QUEUE_DESC, QUEUE_DRIVER, QUEUE_DEVICE};
  REG(device + QUEUE_SEL) = which;
  REG(device + QUEUE_NUM) = QUEUE;
  for (int i = 0; i < 3; i++) {
    REG(device + registers[i]) = (uint32_t)parts[i];
    REG(device + registers[i] + 4) = 0;
  }
  REG(device + QUEUE_READY) = 1;
}

/* §3.1.1. The only feature that is wanted is VERSION_1. */
static void device_begin(uintptr_t device) {
  REG(device + STATUS) = 0;
  REG(device + STATUS) = ACKNOWLEDGE | DRIVER;
  REG(device + DRIVER_FEATURES_SEL) = 0;
  REG(device + DRIVER_FEATURES) = 0;
  REG(device + DRIVER_FEATURES_SEL) = 1;
  REG(device + DRIVER_FEATURES) = 1;
  REG(device + STATUS) = ACKNOWLEDGE | DRIVER | FEATURES_OK;
}

static void device_go(uintptr_t device) { REG(device + STATUS) = ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK; }

const char *hal_init(const uint8_t mac[6]) {
  /* The stack's own address is the one it was built for; QEMU's card takes every frame. */
  (void)mac;
  for (uint32_t i = 0; i < 8; i++) {
    uintptr_t device = 0x10001000 + 0x1000 * i;
    if (REG(device + MAGIC) != 0x74726976 || REG(device + VERSION) != 2) continue;
    if (REG(device + DEVICE_ID) == NET) {
      net = device;
      net_irq = i + 1;
    } else if (REG(device + DEVICE_ID) == ENTROPY) {
      random_device = device;
    }
  }
  if (net == 0) return "there is no virtio-net device";
  device_begin(net);
  /* Whoever is awake looks by himself. */
  rx.available.flags = tx.available.flags = NO_INTERRUPT;
  queue_start(net, 0, &rx);
  queue_start(net, 1, &tx);
  device_go(net);
  for (uint16_t i = 0; i < QUEUE; i++) {
    rx.descriptors[i] = (struct descriptor){(uintptr_t)rx_buffers[i], BUFFER, WRITE, 0};
    tx.descriptors[i] = (struct descriptor){(uintptr_t)tx_buffers[i], 0, 0, 0};
    offer(net, 0, &rx, i);
  }
  if (random_device != 0) {
    device_begin(random_device);
    queue_start(random_device, 0, &rng);
    device_go(random_device);
  }
  PLIC_PRIORITY(net_irq) = 1;
  PLIC_ENABLE = 1u << net_irq;
  PLIC_THRESHOLD = 0;
  /* Timer and external interrupts end a WFI; with mstatus.MIE clear no handler runs. */
  __asm__ volatile("csrw mie, %0" ::"r"(1 << 7 | 1 << 11));
  return NULL;
}

uint32_t hal_receive(uint8_t *frame, uint32_t room) {
  if (!has_used(&rx)) return 0;
  uint32_t id = rx.used.ring[rx.seen % QUEUE].id, size = rx.used.ring[rx.seen % QUEUE].size;
  rx.seen++;
  if (id >= QUEUE || size <= HEADER || size > BUFFER) return 0;
  size -= HEADER;
  memmove(frame, rx_buffers[id] + HEADER, size < room ? size : room);
  offer(net, 0, &rx, (uint16_t)id);
  return size;
}

bool hal_send(const uint8_t *frame, uint32_t size) {
  /* Buffers are used in turn, so the oldest one is back before it is needed again. */
  while (has_used(&tx)) tx.seen++;
  uint16_t at = tx.available.index % QUEUE;
  if ((uint16_t)(tx.available.index - tx.seen) >= QUEUE) return false;
  uint32_t padded = size < 60 ? 60 : size;
  memset(tx_buffers[at], 0, HEADER + 60);
  memmove(tx_buffers[at] + HEADER, frame, size);
  tx.descriptors[at].size = HEADER + padded;
  offer(net, 1, &tx, at);
  return true;
}

uint64_t hal_now_us(void) {
  uint32_t high, low;
  do {
    high = MTIME_HIGH;
    low = MTIME_LOW;
  } while (high != MTIME_HIGH);
  return ((uint64_t)high << 32 | low) / TICKS_PER_US;
}

bool hal_entropy(uint8_t *out, uint32_t size) {
  static uint8_t buffer[64];
  if (random_device == 0) return false;
  for (uint32_t got = 0; got < size;) {
    rng.descriptors[0] = (struct descriptor){(uintptr_t)buffer, sizeof buffer, WRITE, 0};
    offer(random_device, 0, &rng, 0);
    while (!has_used(&rng)) {
    }
    uint32_t n = rng.used.ring[rng.seen++ % QUEUE].size;
    if (n > sizeof buffer) n = sizeof buffer;
    if (n > size - got) n = size - got;
    memmove(out + got, buffer, n);
    got += n;
  }
  return true;
}

void hal_idle(uint64_t until_us) {
  uint64_t at = until_us > UINT64_MAX / TICKS_PER_US ? UINT64_MAX : until_us * TICKS_PER_US;
  MTIMECMP_HIGH = UINT32_MAX;
  MTIMECMP_LOW = (uint32_t)at;
  MTIMECMP_HIGH = (uint32_t)(at >> 32);
  /* What came before the device heard that we want to know is seen here. */
  rx.available.flags = 0;
  if (!has_used(&rx)) __asm__ volatile("wfi");
  rx.available.flags = NO_INTERRUPT;
  uint32_t irq = PLIC_CLAIM;
  REG(net + INTERRUPT_ACK) = REG(net + INTERRUPT_STATUS);
  if (irq != 0) PLIC_CLAIM = irq;
}

void hal_putc(char c) {
  while ((UART[5] & 0x20) == 0) {
  }
  UART[0] = (uint8_t)c;
}

uint32_t hal_ticks(void) {
  uint32_t x;
  __asm__ volatile("csrr %0, minstret" : "=r"(x));
  return x;
}

_Noreturn void hal_exit(int status) {
  TEST_DEVICE = status == 0 ? 0x5555 : (uint32_t)status << 16 | 0x3333;
  for (;;) {
  }
}
