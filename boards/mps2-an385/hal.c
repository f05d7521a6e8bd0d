/*
 * Arm MPS2 with the AN385 image: Cortex-M3, SMSC LAN9118 Ethernet. Register names as in the LAN9118 data sheet and
 * Arm's AN385.
 */
#include "hal.h"

#include <stddef.h>
#include <string.h>

#include "cortex-m.h"
#include "quotient.h"

/* LAN9118: FIFOs and system registers. */
#define RX_DATA REG(0x40200000)
#define TX_DATA REG(0x40200020)
#define RX_STATUS REG(0x40200040)
#define TX_STATUS REG(0x40200048)
#define INT_CFG REG(0x40200054)
#define INT_STS REG(0x40200058)
#define INT_EN REG(0x4020005c)
#define BYTE_TEST REG(0x40200064)
#define FIFO_INT REG(0x40200068)
#define RX_CFG REG(0x4020006c)
#define TX_CFG REG(0x40200070)
#define HW_CFG REG(0x40200074)
#define RX_DP_CTRL REG(0x40200078)
#define RX_FIFO_INF REG(0x4020007c)
#define TX_FIFO_INF REG(0x40200080)
#define MAC_CSR_CMD REG(0x402000a4)
#define MAC_CSR_DATA REG(0x402000a8)
enum {
  MAC_CR = 1,
  ADDRH = 2,
  ADDRL = 3,
  RXEN = 1 << 2,
/* MCPAS, frames to groups are taken: IPv6 needs them. */
#ifdef HAL_GROUPS
  GROUPS = 1 << 19,
#else
  GROUPS = 0,
#endif
  TXEN = 1 << 3,
  FULL_DUPLEX = 1 << 20,
  RSFL = 1 << 3,
  RXE = 1 << 14
};

/* CMSDK UART 0 and timer 0, the FPGA's cycle counter. 25 MHz. */
#define UART_DATA REG(0x40004000)
#define UART_STATE REG(0x40004004)
#define UART_CTRL REG(0x40004008)
#define UART_BAUDDIV REG(0x40004010)
#define TIMER_CTRL REG(0x40000000)
#define TIMER_VALUE REG(0x40000004)
#define TIMER_RELOAD REG(0x40000008)
#define TIMER_INTCLEAR REG(0x4000000c)
#define FPGA_COUNTER REG(0x40028018)
enum { TICKS_PER_US = 25, TIMER0_IRQ = 8, ETHERNET_IRQ = 13, IDLE_MAX_US = 60000000 };

static uint64_t before;
static uint32_t last;

static uint64_t ticks(void) {
  uint32_t now = FPGA_COUNTER;
  if (now < last) before += (uint64_t)1 << 32;
  last = now;
  return before + now;
}

static void mac_write(uint32_t index, uint32_t value) {
  MAC_CSR_DATA = value;
  MAC_CSR_CMD = 1u << 31 | index;
  while ((MAC_CSR_CMD & 1u << 31) != 0) {
  }
}

const char *hal_init(const uint8_t mac[6]) {
  UART_BAUDDIV = 217;
  UART_CTRL = 1;
  if (BYTE_TEST != 0x87654321) return "there is no LAN9118";
  HW_CFG = 5 << 16 | 1 << 20;
  mac_write(ADDRH, mac[4] | (uint32_t)mac[5] << 8);
  mac_write(ADDRL, mac[0] | (uint32_t)mac[1] << 8 | (uint32_t)mac[2] << 16 | (uint32_t)mac[3] << 24);
  /* Two bytes before a received frame, so that words go straight to `frame` - 2. */
  RX_CFG = 2 << 8;
  TX_CFG = 1 << 1;
  mac_write(MAC_CR, RXEN | TXEN | FULL_DUPLEX | GROUPS);
  FIFO_INT = 0;
  INT_STS = UINT32_MAX;
  INT_EN = RSFL | RXE;
  INT_CFG = 1 << 8 | 1 << 4 | 1;
  irq_enable(ETHERNET_IRQ);
  irq_enable(TIMER0_IRQ);
  return NULL;
}

uint32_t hal_receive(uint8_t *frame, uint32_t room) {
  if ((RX_FIFO_INF & 0xff0000) == 0) return 0;
  uint32_t size = (RX_STATUS >> 16 & 0x3fff) - 4, words = (2 + size + 4 + 3) / 4;
  uint32_t *to = (uint32_t *)(void *)(frame - 2);
  for (uint32_t i = 0; i < words; i++) {
    uint32_t w = RX_DATA, at = i * 4;
    /* `at` counts from `frame` - 2. */
    if (at + 4 <= room + 2) *to++ = w;
    else if (at < room + 2) memcpy(frame - 2 + at, &w, room + 2 - at);
  }
  return size;
}

bool hal_send(const uint8_t *frame, uint32_t size) {
  if ((TX_FIFO_INF & 0xffff) < size + 16) return false;
  /* First and last buffer, data from byte 2 of the first word on; then the packet's length. */
  TX_DATA = 2 << 16 | 1 << 13 | 1 << 12 | size;
  TX_DATA = size;
  for (uint32_t at = 0; at < size + 2; at += 4) {
    uint32_t w;
    memcpy(&w, frame - 2 + at, 4);
    TX_DATA = w;
  }
  while ((TX_FIFO_INF & 0xff0000) != 0) (void)TX_STATUS;
  return true;
}

uint64_t hal_now_us(void) { return quotient(ticks(), TICKS_PER_US); }

bool hal_entropy(uint8_t *out, uint32_t size) { return host_random(out, size); }

void hal_idle(uint64_t until_us) {
  uint64_t now = hal_now_us();
  if (until_us <= now) return;
  uint64_t wait = until_us - now;
  TIMER_CTRL = 0;
  TIMER_INTCLEAR = 1;
  irq_clear(TIMER0_IRQ);
  TIMER_RELOAD = 0;
  TIMER_VALUE = (uint32_t)(wait < IDLE_MAX_US ? wait : IDLE_MAX_US) * TICKS_PER_US + 1;
  TIMER_CTRL = 1 << 3 | 1;
  if ((RX_FIFO_INF & 0xff0000) == 0) __asm__ volatile("dsb\n wfi");
  INT_STS = UINT32_MAX;
  irq_clear(ETHERNET_IRQ);
}

void hal_putc(char c) {
  while ((UART_STATE & 1) != 0) {
  }
  UART_DATA = (uint8_t)c;
}

uint32_t hal_ticks(void) { return (uint32_t)ticks(); }

_Noreturn void hal_exit(int status) { host_exit(status); }
