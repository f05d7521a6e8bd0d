/* What the files of the firmware share. config.h is made by tools/board/firmware.ts. */
#ifndef STINT_FIRMWARE_H
#define STINT_FIRMWARE_H

#include <stddef.h>
#include <string.h>

#include "border.h"
#include "config.h"
#include "hal.h"
#include "quotient.h"

/* Text and numbers on the console. */
void say(const char *text);
void say_number(uint32_t n);

/* How often the stack trapped and was started again. */
uint32_t restarts_so_far(void);

/* Bytes of the C stack that were never used; 0: nobody knows. */
uint32_t stack_untouched(void);

/* `size` bytes of linear memory at an address that the module gave; traps if they do not lie in it. */
uint8_t *module_memory(uint32_t address, uint32_t size);

/* Answers what HTTP asks for (pages.c). Returns whether there was anything. */
bool pages_answer(void);

/* Calls of the module that pages.c makes. */
struct connection {
  bool open;
  uint32_t rip;
  uint16_t rport, lport;
  uint8_t state;
  uint32_t cwnd;
};
uint32_t module_request(void);
/* The address that the network gave; 0: none. */
uint32_t module_address(void);
void module_answer(int64_t result);
uint32_t module_pool(uint32_t which);
uint32_t module_counter(uint32_t which);
struct connection module_connection(uint32_t i);
#ifdef STINT_IPV6
/* A group of the IPv6 address that the module names so, of eight; above 0xffff: it is no name. */
uint32_t module_group6(uint32_t name, uint32_t group);
/* The same of the interface's address that others can ask for; above 0xffff: there is none. */
uint32_t module_own6(uint32_t group);
#endif

/* The bench (bench.c), and what it calls. */
_Noreturn void bench(void);
void module_frame_in(const uint8_t *frame, uint32_t size);
const uint8_t *module_frame_out(uint32_t *size);
/* `size` bytes of whatever lies in the send ring of each open connection are to be sent. */
void module_queue(uint32_t size);
void module_turn(void);

#endif
