/*
 * The port: what a board has to provide, nine functions. boards/PORTING.md walks through the smallest one.
 *
 * All of them are called from one thread, never from an interrupt, and never from within one another; an interrupt of
 * the board may only wake hal_idle. Nothing is kept by either side after a call returns: a frame buffer belongs to the
 * board during the call, and to the stack before and after it.
 */
#ifndef STINT_HAL_H
#define STINT_HAL_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Makes clock, console, network and entropy ready, with this MAC address. Called once, first. May block for as long as
 * the hardware takes. Returns NULL, or in a few words what is wrong; then the firmware says so and ends.
 */
const char *hal_init(const uint8_t mac[6]);

/*
 * Takes the next received frame, without its FCS, into `frame`, which has room for `room` bytes. Returns its length, or
 * 0 if there is none: it does not block. A frame of more than `room` bytes is taken out of the hardware all the same,
 * cut off, and its full length returned: the stack drops it and counts it. What the hardware lost (a FIFO that ran
 * over) is no frame. `frame` − 2 is a multiple of 4, and those two bytes may be overwritten, so that hardware that
 * moves words needs no copy.
 */
uint32_t hal_receive(uint8_t *frame, uint32_t room);

/*
 * Sends a frame of `size` bytes, 14 … 1514, without FCS; the board pads it to 60. Returns false if the hardware cannot
 * take it now, and the stack will offer it again; it does not block for longer than a frame takes on the wire. `frame`
 * − 2 as above.
 */
bool hal_send(const uint8_t *frame, uint32_t size);

/* Microseconds since some moment before hal_init. Never goes back; does not wrap. */
uint64_t hal_now_us(void);

/*
 * Fills `out` with `size` bytes that nobody can predict. Returns false if the board has no source of such bytes; then
 * the stack does not start. May block.
 */
bool hal_entropy(uint8_t *out, uint32_t size);

/*
 * Sleeps until a frame may have come, or until `until_us` of hal_now_us, whichever is first; waking too early is
 * harmless. UINT64_MAX: no deadline. A frame that came since the last hal_receive must end it at once. Also feeds the
 * board's watchdog, if it has one.
 */
void hal_idle(uint64_t until_us);

/* Puts a character on the console. May block for as long as the console takes. */
void hal_putc(char c);

/* A counter of processor cycles, instructions or the finest ticks there are, for measuring; wraps at 2^32. */
uint32_t hal_ticks(void);

/* Ends the firmware: on an emulator with this exit status, on a board by stopping. Does not return. */
_Noreturn void hal_exit(int status);

#endif
