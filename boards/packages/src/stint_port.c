/* The loop around a stack (stint_port.h). */
#include "stint_port.h"

enum { RETRY_US = 1000 };

static uint8_t *slot_of(const struct stint_ring *ring, uint32_t n) {
  return (uint8_t *)stint_at(ring->slots) + (n & ring->mask) * ring->stride + STINT_FRAME_OFFSET;
}

static uint32_t *length_of(const struct stint_ring *ring, uint32_t n) {
  return (uint32_t *)stint_at(ring->lengths) + (n & ring->mask);
}

/* Returns whether there may be more. */
static int frames_in(struct stint_ring *ring, const struct stint_port *port) {
  uint32_t room = ring->stride - STINT_FRAME_OFFSET;
  while (ring->tail - ring->head <= ring->mask) {
    uint32_t size = port->receive(port->user, slot_of(ring, ring->tail), room);
    if (size == 0) return 0;
    *length_of(ring, ring->tail) = size;
    ring->tail++;
  }
  return 1;
}

/* Returns whether all of them were taken. */
static int frames_out(struct stint_ring *ring, const struct stint_port *port) {
  while (ring->head != ring->tail) {
    if (!port->send(port->user, slot_of(ring, ring->head), *length_of(ring, ring->head))) return 0;
    ring->head++;
  }
  return 1;
}

int32_t stint_port_turn(const struct stint_port *port, uint64_t now_us) {
  struct stint_ring *rings = stint_control_block();
  int more = frames_in(&rings[0], port);
  int32_t wait = stint_poll(now_us);
  if (port->work != 0 && port->work(port->user)) wait = 0;
  int sent = frames_out(&rings[1], port);
  if (more || wait == 0) return 0;
  return sent || (wait >= 0 && wait < RETRY_US) ? wait : RETRY_US;
}
