/*
 * Texas Instruments (Luminary Micro) LM3S6965: Cortex-M3, Ethernet MAC and PHY on the chip. Section numbers are of its
 * data sheet.
 */
#include "hal.h"

#include <stddef.h>
#include <string.h>

#include "cortex-m.h"
#include "quotient.h"

/* Ethernet controller (section 15). */
#define MACRIS REG(0x40048000)
#define MACIM REG(0x40048004)
#define MACRCTL REG(0x40048008)
#define MACTCTL REG(0x4004800c)
#define MACDATA REG(0x40048010)
#define MACIA0 REG(0x40048014)
#define MACIA1 REG(0x40048018)
#define MACNP REG(0x40048034)
#define MACTR REG(0x40048038)
enum {
  RXINT = 1,
  FOV = 8,
  RXEN = 1,
/* Frames to groups are taken (15.4, MACRCTL): IPv6 needs them. */
#ifdef HAL_GROUPS
  AMUL = 2,
#else
  AMUL = 0,
#endif
  BADCRC = 8,
  RSTFIFO = 16,
  TXEN = 1,
  PADEN = 2,
  CRC = 4,
  DUPLEX = 16,
  NEWTX = 1,
  ETHERNET_IRQ = 42
};

/* System control (section 5), UART0 (12), timer 0 (9), watchdog (10). */
#define RCGC0 REG(0x400fe100)
#define RCGC1 REG(0x400fe104)
#define RCGC2 REG(0x400fe108)
#define UARTDR REG(0x4000c000)
#define UARTFR REG(0x4000c018)
#define UARTCTL REG(0x4000c030)
#define GPTMCFG REG(0x40030000)
#define GPTMTAMR REG(0x40030004)
#define GPTMCTL REG(0x4003000c)
#define GPTMIMR REG(0x40030018)
#define GPTMICR REG(0x40030024)
#define GPTMTAILR REG(0x40030028)
#define WDTLOAD REG(0x40000000)
#define WDTCTL REG(0x40000008)
#define WDTICR REG(0x4000000c)
enum { TIMER0A_IRQ = 19 };

/* Out of reset the clock is divided by 16 from 200 MHz: 80 ns a tick. */
enum { NS_PER_TICK = 80, TICKS_PER_S = 1000000000 / NS_PER_TICK };
/* The clock has to be read before SysTick goes round, every 1.34 s. */
enum { IDLE_MAX_US = 1000000, WATCHDOG_S = 4 };

const char *hal_init(const uint8_t mac[6]) {
  systick_start();
  RCGC0 |= 1 << 3;
  RCGC1 |= 1 << 0 | 1 << 16;
  RCGC2 |= 1 << 28 | 1 << 30;
  UARTCTL = 0x301;
  /* The second time it runs out without being fed, it resets the chip. */
  WDTLOAD = WATCHDOG_S / 2 * TICKS_PER_S;
  WDTCTL = 3;
  MACIA0 = mac[0] | (uint32_t)mac[1] << 8 | (uint32_t)mac[2] << 16 | (uint32_t)mac[3] << 24;
  MACIA1 = mac[4] | (uint32_t)mac[5] << 8;
  MACRCTL = RSTFIFO;
  MACTCTL = TXEN | PADEN | CRC | DUPLEX;
  MACRCTL = RXEN | AMUL | BADCRC;
  MACRIS = 0x7f;
  MACIM = RXINT;
  irq_enable(ETHERNET_IRQ);
  GPTMCFG = 0;
  GPTMTAMR = 1;
  GPTMIMR = 1;
  irq_enable(TIMER0A_IRQ);
  return NULL;
}

uint32_t hal_receive(uint8_t *frame, uint32_t room) {
  if ((MACRIS & FOV) != 0) {
    /* 15.3.2: after an overrun the FIFO is reset; what was in it is lost. */
    MACRCTL = RSTFIFO | RXEN | AMUL | BADCRC;
    MACRIS = FOV;
    return 0;
  }
  if ((MACNP & 0x3f) == 0) return 0;
  /*
   * The first half-word is the length, with itself and the FCS counted; then the frame. So words go straight to `frame`
   * - 2.
   */
  uint32_t first = MACDATA, size = (first & 0xffff) - 6;
  uint32_t *to = (uint32_t *)(void *)(frame - 2);
  *to++ = first;
  for (uint32_t at = 2; at < size + 4; at += 4) {
    uint32_t w = MACDATA;
    if (at + 4 <= room) {
      *to++ = w;
    } else {
      for (uint32_t last = at; last < room; last++, w >>= 8) frame[last] = (uint8_t)w;
    }
  }
  return size;
}

bool hal_send(const uint8_t *frame, uint32_t size) {
  if ((MACTR & NEWTX) != 0) return false;
  uint32_t w;
  memcpy((uint8_t *)&w + 2, frame, 2);
  /* The length is that of the payload. */
  MACDATA = (w & 0xffff0000) | (size - 14);
  for (uint32_t at = 2; at < size; at += 4) {
    memcpy(&w, frame + at, 4);
    MACDATA = w;
  }
  MACTR = NEWTX;
  return true;
}

uint64_t hal_now_us(void) { return quotient(systick_ticks() * NS_PER_TICK, 1000); }

bool hal_entropy(uint8_t *out, uint32_t size) { return host_random(out, size); }

void hal_idle(uint64_t until_us) {
  WDTICR = 1;
  WDTLOAD = WATCHDOG_S / 2 * TICKS_PER_S;
  uint64_t now = hal_now_us();
  if (until_us <= now) return;
  uint64_t wait = until_us - now;
  GPTMCTL = 0;
  GPTMICR = 1;
  irq_clear(TIMER0A_IRQ);
  GPTMTAILR = (uint32_t)(wait < IDLE_MAX_US ? wait : IDLE_MAX_US) * 1000 / NS_PER_TICK + 1;
  GPTMCTL = 1;
  /* RXINT stays set while there are frames, so a frame that has come since is pending, and WFI falls through. */
  if ((MACNP & 0x3f) == 0) __asm__ volatile("dsb\n wfi");
  MACRIS = RXINT;
  irq_clear(ETHERNET_IRQ);
}

void hal_putc(char c) {
  while ((UARTFR & 1 << 5) != 0) {
  }
  UARTDR = (uint8_t)c;
}

uint32_t hal_ticks(void) { return (uint32_t)systick_ticks(); }

_Noreturn void hal_exit(int status) { host_exit(status); }
