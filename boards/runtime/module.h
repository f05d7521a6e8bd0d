/*
 * The border between the firmware and what executes the module. A runtime is a folder in boards/runtimes: its runtime.h
 * has what stands under "the runtime" below, and main.c alone includes it, so that a runtime that is nothing but C
 * (aot) melts into the loop around it.
 *
 * The calls of the module have the names of its exports behind stint_: stint_poll(now), stint_controlBlock(). Numbers
 * of 32 and 64 bits go in, one comes back. Everything runs on one thread, and nothing is called from within a call.
 */
#ifndef STINT_MODULE_H
#define STINT_MODULE_H

#include <stdint.h>

/* The firmware: says that the stack tried `what`, and starts it afresh. Called by the runtime in place of returning. */
_Noreturn void module_trap(const char *what);

/* The firmware: says why the module cannot be run, and ends. */
_Noreturn void module_refused(const char *why);

/*
 * The runtime: memory and globals become what the module says that they are at its start. Called again after a trap.
 * A runtime that has to look first whether it can run the module does so here.
 */
static void module_start(void);

/* The runtime: `size` bytes of linear memory at an address that the module gave. Traps if they do not lie in it. */
uint8_t *module_memory(uint32_t address, uint32_t size);

/* The runtime: a word of linear memory, read and written. Both trap where there is none. */
static uint32_t module_word(uint32_t address);
static void module_set_word(uint32_t address, uint32_t value);

/* The runtime: traps as an access does that lies outside of the memory. */
_Noreturn void module_trap_bounds(void);

#include "runtime.h"

#endif
