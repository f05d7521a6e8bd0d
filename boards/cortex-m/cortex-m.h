/*
 * What the Cortex-M boards share: start-up, a guard under the C stack, SysTick, and the debugger's help (semihosting).
 */
#ifndef STINT_CORTEX_M_H
#define STINT_CORTEX_M_H

#include <stdbool.h>
#include <stdint.h>

#define REG(address) (*(volatile uint32_t *)(address))

/* Lets interrupt `n` end a WFI. Interrupts stay masked (PRIMASK), so no handler runs: it only becomes pending. */
void irq_enable(uint32_t n);
void irq_clear(uint32_t n);

/* SysTick as a free-running clock of `hz`: ticks since it was started. To be called at least every 2^24 ticks. */
void systick_start(void);
uint64_t systick_ticks(void);

/* Semihosting: whoever debugs or emulates the board does it. */
bool host_random(uint8_t *out, uint32_t size);
_Noreturn void host_exit(int status);

#endif
