/*
 * A client of MQTT 3.1.1 as a device wants it: buffers of fixed sizes, no heap, and neither sockets nor a clock of its
 * own. It publishes with QoS 0, and takes QoS 0 and 1. What the broker sends is checked before it is believed; a broker
 * that breaks the protocol loses the connection.
 */
#ifndef MQTT_H
#define MQTT_H

#include <stdbool.h>
#include <stdint.h>

enum {
  /* Bytes of a packet's body that are kept. Of a longer message the rest is skipped, and nobody hears it. */
  MQTT_IN_MAX = 256,
  /* Bytes that wait for being sent. */
  MQTT_OUT_MAX = 512,
  /* Bytes of a name, topic or text in what is sent. */
  MQTT_TEXT_MAX = 128
};

struct mqtt_bytes {
  const uint8_t *at;
  uint32_t size;
};

/* What the broker still has to answer. */
enum mqtt_owed { MQTT_OWED_CONNACK = 1, MQTT_OWED_SUBACK = 2, MQTT_OWED_PINGRESP = 4 };

struct mqtt {
  /* Told of each message. Topic and text lie here as long as it is called. */
  void (*heard)(struct mqtt_bytes topic, struct mqtt_bytes text);
  /* Why it is over, in a few words; NULL: it is not. */
  const char *why;
  /* Messages that were longer than MQTT_IN_MAX. */
  uint32_t skipped;

  /* Between here and the end all is the client's own. What is to be sent: */
  uint8_t out[MQTT_OUT_MAX];
  uint32_t out_size;
  /* The packet that comes: its first byte, its length, how many bytes of both have come and of its body; those kept. */
  uint8_t in[MQTT_IN_MAX];
  uint8_t type;
  uint32_t length, head, came, body;
  /* Bits of enum mqtt_owed. */
  uint32_t owed;
  uint16_t subscription, beat_s;
  uint64_t beat_at;
};

/*
 * Begins a connection: CONNECT is in `out`. Each half of `alive_s` the broker is asked whether it is there, and has
 * until the next to answer. When the connection ends without mqtt_end, the broker tells others `last` of `topic`, and
 * keeps it. Texts of more than MQTT_TEXT_MAX bytes are refused: false.
 */
bool mqtt_begin(struct mqtt *m, const char *id, uint16_t alive_s, const char *topic, const char *last, uint64_t now_s);

/* Whether the broker has taken the connection. */
bool mqtt_is_up(const struct mqtt *m);

/* Each asks for one thing. False: it is too long, or too much waits; then nothing is sent. */
bool mqtt_subscribe(struct mqtt *m, const char *topic);
bool mqtt_publish(struct mqtt *m, const char *topic, struct mqtt_bytes text, bool retain);
bool mqtt_end(struct mqtt *m);

/* Takes what the broker sent, in pieces of any size. False: it is over. */
bool mqtt_take(struct mqtt *m, const uint8_t *bytes, uint32_t size);

/* `size` bytes of `out` were sent. */
void mqtt_sent(struct mqtt *m, uint32_t size);

/* Does what the time asks for. False: it is over. */
bool mqtt_turn(struct mqtt *m, uint64_t now_s);

#endif
