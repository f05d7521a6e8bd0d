#include "cortex-m.h"

#include <stddef.h>
#include <string.h>

#include "hal.h"

int main(void);
void say(const char *text);

extern uint32_t stack_top[], data_start[], data_end[], data_load[], bss_start[], bss_end[], stack_guard[];

/* ARMv7-M: system control space. */
#define SYST_CSR REG(0xe000e010)
#define SYST_RVR REG(0xe000e014)
#define SYST_CVR REG(0xe000e018)
#define NVIC_ISER(i) REG(0xe000e100 + 4 * (i))
#define NVIC_ICPR(i) REG(0xe000e280 + 4 * (i))
#define AIRCR REG(0xe000ed0c)
#if __ARM_ARCH >= 7
#define SHCSR REG(0xe000ed24)
#define CFSR REG(0xe000ed28)
/* MSTKERR, MUNSTKERR, DACCVIOL: the guard under the stack. */
#define GUARD_HIT ((CFSR & 0x9a) != 0)
#define IS_MEMORY_FAULT ((CFSR & 0xff) != 0)
#else
/* ARMv6-M does not say what a fault was. */
#define GUARD_HIT false
#define IS_MEMORY_FAULT false
#endif
#define MPU_CTRL REG(0xe000ed94)
#define MPU_RBAR REG(0xe000ed9c)
#define MPU_RASR REG(0xe000eda0)

_Noreturn __attribute__((used)) static void fault(void) {
  say(GUARD_HIT ? "fault: the C stack ran into its guard; resetting the board\n" : "fault: resetting the board\n");
  __asm__ volatile("dsb");
  AIRCR = 0x05fa0004;
  for (;;) {
  }
}

/*
 * Without a debugger its breakpoint is a fault: then the call that it stood for has failed. Everything else is fatal.
 */
__attribute__((used)) static void fault_with_stack(uint32_t *frame) {
  if (IS_MEMORY_FAULT || *(const uint16_t *)(uintptr_t)frame[6] != 0xbeab) fault();
  frame[0] = UINT32_MAX;
  frame[6] += 2;
}

/* The stack may have no room left; then the handler begins a fresh one. */
__attribute__((naked)) static void on_fault(void) {
  __asm__ volatile("ldr r1, =stack_guard + 256 + 64\n mov r0, sp\n cmp r0, r1\n bhs 1f\n"
                   "ldr r0, =stack_top\n mov sp, r0\n bl fault\n"
                   "1: ldr r1, =fault_with_stack\n bx r1\n .align 2\n .ltorg");
}

enum { PAINT = 0x5a5a5a5a };

uint32_t stack_untouched(void) {
  const uint32_t *p = stack_guard + 64;
  while (*p == PAINT) p++;
  return (uint32_t)(p - stack_guard - 64) * 4;
}

_Noreturn static void reset(void) {
  /* Of two arrays the compiler would make it memcpy, 236 bytes more. */
  const void *load = data_load;
  __asm__("" : "+r"(load));
  memmove(data_start, load, (size_t)((uint8_t *)data_end - (uint8_t *)data_start));
  memset(bss_start, 0, (size_t)((uint8_t *)bss_end - (uint8_t *)bss_start));
  for (uint32_t *p = stack_guard + 64; p < (uint32_t *)__builtin_frame_address(0) - 16; p++) *p = PAINT;
  /* 256 bytes under the stack that nobody may touch (region 0); everything else is as it was (PRIVDEFENA). */
  MPU_RBAR = (uint32_t)(uintptr_t)stack_guard | 0x10;
  MPU_RASR = 7 << 1 | 1;
  MPU_CTRL = 5;
#if __ARM_ARCH >= 7
  SHCSR |= 1 << 16;
#endif
  /*
   * Interrupts only wake the processor. Faults of configurable priority would need them, and become hard faults: the
   * same handler.
   */
  __asm__ volatile("cpsid i\n dsb\n isb");
  hal_exit(main());
}

__attribute__((section(".vectors"), used)) static const void *const vectors[16] = {
    stack_top,
    (const void *)reset,
    (const void *)on_fault,
    (const void *)on_fault,
    (const void *)on_fault,
    (const void *)on_fault,
    (const void *)on_fault,
};

void irq_enable(uint32_t n) { NVIC_ISER(n >> 5) = 1u << (n & 31); }

void irq_clear(uint32_t n) { NVIC_ICPR(n >> 5) = 1u << (n & 31); }

static uint64_t systick_before;
static uint32_t systick_last;

void systick_start(void) {
  SYST_RVR = 0xffffff;
  SYST_CVR = 0;
  SYST_CSR = 5;
  systick_last = 0;
}

uint64_t systick_ticks(void) {
  uint32_t now = 0xffffff - (SYST_CVR & 0xffffff);
  if (now < systick_last) systick_before += 0x1000000;
  systick_last = now;
  return systick_before + now;
}

static uint32_t host(uint32_t call, const void *argument) {
  register uint32_t r0 __asm__("r0") = call;
  register const void *r1 __asm__("r1") = argument;
  __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
  return r0;
}

/*
 * Arguments lie in a block of their own, not on the stack: what emulates the board may fail to read them where they
 * share a page of its own with the guard under the stack, however little of it is used.
 */
static uint32_t host_block[3];

bool host_random(uint8_t *out, uint32_t size) {
  static const char path[] = "/dev/urandom";
  host_block[0] = (uint32_t)(uintptr_t)path;
  host_block[1] = 1;
  host_block[2] = sizeof path - 1;
  uint32_t file = host(0x01, host_block);
  if (file == UINT32_MAX) return false;
  host_block[0] = file;
  host_block[1] = (uint32_t)(uintptr_t)out;
  host_block[2] = size;
  bool ok = host(0x06, host_block) == 0;
  host_block[0] = file;
  host(0x02, host_block);
  return ok;
}

_Noreturn void host_exit(int status) {
  /* SYS_EXIT_EXTENDED, ADP_Stopped_ApplicationExit. */
  host_block[0] = 0x20026;
  host_block[1] = (uint32_t)status;
  for (;;) host(0x20, host_block);
}
