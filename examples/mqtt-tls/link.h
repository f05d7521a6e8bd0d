/* TLS over a connection of the stack, to the broker alone. Nothing here blocks. */
#ifndef LINK_H
#define LINK_H

#include <stdbool.h>
#include <stdint.h>

enum link_step { LINK_OPEN, LINK_BUSY, LINK_WAITS, LINK_FAILED };

/* Makes keys and certificates ready. Returns NULL, or what is wrong with them. */
const char *link_start(void);

/* Begins a connection. Returns NULL, or why there is none. */
const char *link_open(void);

/* An event of the stack's. */
void link_event(uint64_t event);

/* Goes on with the handshake. Of LINK_BUSY there is more to compute. */
enum link_step link_handshake(void);

/* Says what was agreed on. */
void link_describe(void);

/*
 * Returns how many bytes; 0: none can be now; below 0: the connection is over. What could not be sent is offered again:
 * the same bytes, and perhaps more behind them.
 */
int32_t link_send(const uint8_t *bytes, uint32_t size);
int32_t link_receive(uint8_t *bytes, uint32_t size);

/* Why it is over. */
const char *link_why(void);

void link_close(void);

/* Random bytes, as TLS has them. */
bool link_random(uint8_t *out, uint32_t size);

#endif
