/*
 * RP2040 at 125 MHz, W5500 on SPI 0. Section numbers are of the RP2040 data sheet; pins as WIZnet wired the
 * W5500-EVB-Pico.
 */
#include "hal.h"

#include <stddef.h>

#include "cortex-m.h"
#include "w5500.h"

/* Writing to an alias clears or sets single bits (2.1.2). */
#define SET 0x2000
#define CLEAR 0x3000
#define RESETS 0x4000c000
#define CLOCKS 0x40008000
#define XOSC 0x40024000
#define PLL_SYS 0x40028000
#define ROSC_RANDOMBIT REG(0x40060000 + 0x1c)
#define IO_BANK0 0x40014000
#define SIO 0xd0000000
#define UART0 0x40034000
#define SPI0 0x4003c000
#define TIMER 0x40054000
#define WATCHDOG 0x40058000

enum {
  PIN_UART_TX = 0,
  PIN_MISO = 16,
  PIN_CS = 17,
  PIN_SCK = 18,
  PIN_MOSI = 19,
  PIN_RESET = 20,
  PIN_INT = 21,
  AS_SPI = 1,
  AS_UART = 2,
  AS_SIO = 5,
  TIMER_IRQ = 0,
  IO_IRQ = 13,
  IDLE_MAX_US = 1000000,
  WATCHDOG_US = 4000000
};

static void pin(uint32_t n, uint32_t function) { REG(IO_BANK0 + 8 * n + 4) = function; }

static void clocks(void) {
  /* 2.16: the crystal, 12 MHz; it takes 47 × 256 periods to be steady. */
  REG(XOSC + 0x0c) = 47;
  REG(XOSC + 0x00) = 0xfab << 12 | 0xaa0;
  while ((REG(XOSC + 0x04) & 1u << 31) == 0) {
  }
  /* 2.15: the reference clock from it. */
  REG(CLOCKS + 0x30) = 2;
  while ((REG(CLOCKS + 0x38) & 4) == 0) {
  }
  /* 2.18: 12 MHz × 125 / (6 × 2) = 125 MHz. */
  REG(RESETS + CLEAR) = 1 << 12;
  while ((REG(RESETS + 0x08) & 1 << 12) == 0) {
  }
  REG(PLL_SYS + 0x00) = 1;
  REG(PLL_SYS + 0x08) = 125;
  REG(PLL_SYS + 0x04 + CLEAR) = 1 << 0 | 1 << 5;
  while ((REG(PLL_SYS + 0x00) & 1u << 31) == 0) {
  }
  REG(PLL_SYS + 0x0c) = 6 << 16 | 2 << 12;
  REG(PLL_SYS + 0x04 + CLEAR) = 1 << 3;
  /* The system's clock: auxiliary source 0 is this PLL. Peripherals have the same. */
  REG(CLOCKS + 0x3c) = 0;
  REG(CLOCKS + 0x3c) = 1;
  while ((REG(CLOCKS + 0x44) & 2) == 0) {
  }
  REG(CLOCKS + 0x48) = 1 << 11;
}

const char *hal_init(const uint8_t mac[6]) {
  clocks();
  const uint32_t used = 1 << 5 | 1 << 8 | 1 << 16 | 1 << 21 | 1 << 22;
  REG(RESETS + CLEAR) = used;
  while ((REG(RESETS + 0x08) & used) != used) {
  }
  /* 4.7.2: the timer counts microseconds of the reference clock. */
  REG(WATCHDOG + 0x2c) = 1 << 9 | 12;
  /* 4.2: 115,200 baud. */
  pin(PIN_UART_TX, AS_UART);
  REG(UART0 + 0x24) = 67;
  REG(UART0 + 0x28) = 52;
  REG(UART0 + 0x2c) = 3 << 5 | 1 << 4;
  REG(UART0 + 0x30) = 1 << 0 | 1 << 8;
  /* 4.4: SPI mode 0, 8 bits, 125 / 4 MHz; the chip can do 33. */
  pin(PIN_MISO, AS_SPI);
  pin(PIN_SCK, AS_SPI);
  pin(PIN_MOSI, AS_SPI);
  REG(SPI0 + 0x10) = 4;
  REG(SPI0 + 0x00) = 7;
  REG(SPI0 + 0x04) = 2;
  pin(PIN_CS, AS_SIO);
  pin(PIN_RESET, AS_SIO);
  REG(SIO + 0x24) = 1 << PIN_CS | 1 << PIN_RESET;
  REG(SIO + 0x14) = 1 << PIN_CS;
  /* W5500 data sheet, 5.5.1: reset for 500 µs, then a millisecond for its PLL. */
  REG(SIO + 0x18) = 1 << PIN_RESET;
  for (uint64_t until = hal_now_us() + 1000; hal_now_us() < until;) {
  }
  REG(SIO + 0x14) = 1 << PIN_RESET;
  for (uint64_t until = hal_now_us() + 2000; hal_now_us() < until;) {
  }
  const char *wrong = w5500_init(mac);
  if (wrong != NULL) return wrong;
  /* The chip's interrupt is low while a frame waits; with the timer's alarm it ends a WFI. */
  pin(PIN_INT, AS_SIO);
  REG(IO_BANK0 + 0x108) = 1u << (PIN_INT - 16) * 4;
  irq_enable(IO_IRQ);
  REG(TIMER + 0x38) = 1;
  irq_enable(TIMER_IRQ);
  /* 4.7: it counts twice a microsecond (erratum RP2040-E1). */
  REG(WATCHDOG + 0x04) = WATCHDOG_US * 2;
  REG(WATCHDOG + 0x00 + SET) = 1u << 30;
  return NULL;
}

void w5500_select(bool on) {
  while ((REG(SPI0 + 0x0c) & 1 << 4) != 0) {
  }
  REG(SIO + (on ? 0x18 : 0x14)) = 1 << PIN_CS;
}

void w5500_transfer(const uint8_t *out, uint8_t *in, uint32_t size) {
  /* The FIFOs hold eight: never more than that are under way, so none is lost. */
  for (uint32_t sent = 0, got = 0; got < size;) {
    if (sent < size && sent - got < 8 && (REG(SPI0 + 0x0c) & 1 << 1) != 0) {
      REG(SPI0 + 0x08) = out != NULL ? out[sent] : 0;
      sent++;
    }
    if ((REG(SPI0 + 0x0c) & 1 << 2) != 0) {
      uint8_t x = (uint8_t)REG(SPI0 + 0x08);
      if (in != NULL) in[got] = x;
      got++;
    }
  }
}

uint32_t hal_receive(uint8_t *frame, uint32_t room) { return w5500_receive(frame, room); }

bool hal_send(const uint8_t *frame, uint32_t size) { return w5500_send(frame, size); }

uint64_t hal_now_us(void) {
  /* Reading the low word latches the high one (4.6.2). */
  uint32_t low = REG(TIMER + 0x0c);
  return (uint64_t)REG(TIMER + 0x08) << 32 | low;
}

/*
 * The ring oscillator's random bit (2.17.5) is biased and not independent from one reading to the next. So: only every
 * 16th reading, von Neumann's extractor against the bias, eight of its bits folded into one; and a source that gets
 * stuck is noticed (repetition count, SP 800-90B §4.4.1) and is no source.
 */
bool hal_entropy(uint8_t *out, uint32_t size) {
  uint32_t last = 2, same = 0;
  for (uint32_t i = 0; i < size; i++) {
    uint8_t byte = 0;
    for (uint32_t bits = 0; bits < 64;) {
      uint32_t pair[2];
      for (int half = 0; half < 2; half++) {
        for (int skip = 0; skip < 16; skip++) pair[half] = ROSC_RANDOMBIT & 1;
        same = pair[half] == last ? same + 1 : 0;
        last = pair[half];
        if (same > 64) return false;
      }
      if (pair[0] == pair[1]) continue;
      byte ^= (uint8_t)(pair[0] << (bits & 7));
      bits++;
    }
    out[i] = byte;
  }
  return true;
}

void hal_idle(uint64_t until_us) {
  REG(WATCHDOG + 0x04) = WATCHDOG_US * 2;
  uint64_t now = hal_now_us();
  if (until_us <= now) return;
  uint64_t wait = until_us - now;
  REG(TIMER + 0x34) = 1;
  irq_clear(TIMER_IRQ);
  REG(TIMER + 0x10) = (uint32_t)now + (uint32_t)(wait < IDLE_MAX_US ? wait : IDLE_MAX_US);
  if (!w5500_waiting()) __asm__ volatile("dsb\n wfi");
  irq_clear(IO_IRQ);
}

void hal_putc(char c) {
  while ((REG(UART0 + 0x18) & 1 << 5) != 0) {
  }
  REG(UART0) = (uint8_t)c;
}

uint32_t hal_ticks(void) { return REG(TIMER + 0x28); }

_Noreturn void hal_exit(int status) {
  (void)status;
  /* Nobody is there to hear it; what was said on the console stands. The watchdog tries again. */
  for (;;) {
  }
}
