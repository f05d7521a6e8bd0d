/* RV32 start-up in machine mode, a guard under the C stack (PMP), and what becomes of a fault. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "hal.h"

int main(void);
void say(const char *text);

extern uint32_t stack_top[], data_start[], data_end[], data_load[], bss_start[], bss_end[], stack_guard[];

enum { PAINT = 0x5a5a5a5a };
#define TEST_DEVICE (*(volatile uint32_t *)0x100000)
#define CSR_WRITE(name, value) __asm__ volatile("csrw " #name ", %0" ::"r"((uint32_t)(value)))
#define CSR_READ(name) \
  ({ \
    uint32_t x; \
    __asm__ volatile("csrr %0, " #name : "=r"(x)); \
    x; \
  })

uint32_t stack_untouched(void) {
  const uint32_t *p = stack_guard + 64;
  while (*p == PAINT) p++;
  return (uint32_t)(p - stack_guard - 64) * 4;
}

_Noreturn __attribute__((used)) static void fault(void) {
  uint32_t address = CSR_READ(mtval) - (uint32_t)(uintptr_t)stack_guard;
  say(address < 256 ? "fault: the C stack ran into its guard; resetting the board\n" : "fault: resetting the board\n");
  TEST_DEVICE = 0x7777;
  for (;;) {
  }
}

/* The stack may have no room left, so it is begun afresh. */
__attribute__((naked, aligned(4))) static void on_trap(void) { __asm__ volatile("la sp, stack_top\n j fault"); }

_Noreturn __attribute__((used)) static void reset(void) {
  memmove(data_start, data_load, (size_t)((uint8_t *)data_end - (uint8_t *)data_start));
  memset(bss_start, 0, (size_t)((uint8_t *)bss_end - (uint8_t *)bss_start));
  for (uint32_t *p = stack_guard + 64; p < (uint32_t *)__builtin_frame_address(0) - 32; p++) *p = PAINT;
  /* 256 bytes that nobody may touch, machine mode included: NAPOT, locked, no permission. */
  CSR_WRITE(pmpaddr0, (uint32_t)(uintptr_t)stack_guard >> 2 | (256 / 8 - 1));
  CSR_WRITE(pmpcfg0, 0x98);
  CSR_WRITE(mtvec, (uintptr_t)on_trap);
  hal_exit(main());
}

__attribute__((naked, section(".start"), used)) void _start(void) { __asm__ volatile("la sp, stack_top\n j reset"); }
