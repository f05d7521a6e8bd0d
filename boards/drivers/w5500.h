/* WIZnet W5500 over SPI, as a plain Ethernet MAC: socket 0 in MACRAW mode has all of its memory. */
#ifndef STINT_W5500_H
#define STINT_W5500_H

#include <stdbool.h>
#include <stdint.h>

/* The board's part: chip select, and `size` bytes both ways. `out` NULL: zeros; `in` NULL: nobody wants them. */
void w5500_select(bool on);
void w5500_transfer(const uint8_t *out, uint8_t *in, uint32_t size);

/* Resets the chip and opens the socket. NULL, or what is wrong. */
const char *w5500_init(const uint8_t mac[6]);
/* As hal_receive and hal_send. */
uint32_t w5500_receive(uint8_t *frame, uint32_t room);
bool w5500_send(const uint8_t *frame, uint32_t size);
/* Whether a frame waits. Clears the chip's interrupt. */
bool w5500_waiting(void);

#endif
