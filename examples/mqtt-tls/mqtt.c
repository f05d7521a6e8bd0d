/* MQTT 3.1.1 (OASIS Standard, 29 October 2014), the client of mqtt.h. Numbers in comments are of its sections. */
#include "mqtt.h"

#include <string.h>

/* 2.2: packets' first bytes. */
enum {
  CONNECT = 0x10,
  CONNACK = 0x20,
  PUBLISH = 0x30,
  PUBACK = 0x40,
  SUBSCRIBE = 0x82,
  SUBACK = 0x90,
  PINGREQ = 0xc0,
  PINGRESP = 0xd0,
  DISCONNECT = 0xe0,
  TYPE = 0xf0,
  RETAIN = 1,
  QOS = 6,
  QOS_1 = 2
};
/* 3.1.2: clean session, a will that is kept. */
enum { CLEAN = 0x02, WILL = 0x04, WILL_RETAIN = 0x20, LEVEL = 4 };
/* 2.2.3: a length has four bytes at most, of seven bits each. */
enum { LENGTH_BYTES = 4, HEAD_MAX = 1 + LENGTH_BYTES };

static bool over(struct mqtt *m, const char *why) {
  if (m->why == NULL) m->why = why;
  return false;
}

/* A packet that is being written behind what waits. Its length takes two bytes at most: more than MQTT_OUT_MAX there is
 * not. */
struct packet {
  struct mqtt *m;
  uint32_t at;
  bool fits;
};

static void put(struct packet *p, const void *bytes, uint32_t size) {
  p->fits = p->fits && size <= MQTT_OUT_MAX - p->at;
  if (!p->fits) return;
  memcpy(p->m->out + p->at, bytes, size);
  p->at += size;
}

static void put8(struct packet *p, uint8_t n) { put(p, &n, 1); }

static void put16(struct packet *p, uint32_t n) {
  put8(p, (uint8_t)(n >> 8));
  put8(p, (uint8_t)n);
}

static void put_text(struct packet *p, const char *text) {
  uint32_t size = (uint32_t)strlen(text);
  p->fits = p->fits && size <= MQTT_TEXT_MAX;
  put16(p, size);
  put(p, text, size);
}

static struct packet begun(struct mqtt *m, uint8_t type) {
  struct packet p = {.m = m, .at = m->out_size, .fits = true};
  put8(&p, type);
  put16(&p, 0);
  return p;
}

/* Whether it is whole, and waits for being sent now. */
static bool ended(struct packet *p) {
  if (!p->fits) return false;
  uint8_t *length = p->m->out + p->m->out_size + 1, *body = length + 2;
  uint32_t size = (uint32_t)(p->m->out + p->at - body);
  if (size < 0x80) {
    length[0] = (uint8_t)size;
    memmove(body - 1, body, size);
    p->at--;
  } else {
    length[0] = (uint8_t)(size | 0x80);
    length[1] = (uint8_t)(size >> 7);
  }
  p->m->out_size = p->at;
  return true;
}

bool mqtt_begin(struct mqtt *m, const char *id, uint16_t alive_s, const char *topic, const char *last, uint64_t now_s) {
  m->why = NULL;
  m->out_size = m->head = 0;
  m->owed = MQTT_OWED_CONNACK;
  m->beat_s = alive_s / 2;
  m->beat_at = now_s + m->beat_s;
  struct packet p = begun(m, CONNECT);
  put_text(&p, "MQTT");
  put8(&p, LEVEL);
  put8(&p, CLEAN | WILL | WILL_RETAIN);
  put16(&p, alive_s);
  put_text(&p, id);
  put_text(&p, topic);
  put_text(&p, last);
  return ended(&p);
}

bool mqtt_is_up(const struct mqtt *m) { return m->why == NULL && (m->owed & MQTT_OWED_CONNACK) == 0; }

bool mqtt_subscribe(struct mqtt *m, const char *topic) {
  /* One at a time. */
  if ((m->owed & MQTT_OWED_SUBACK) != 0) return false;
  struct packet p = begun(m, SUBSCRIBE);
  /* 2.3.1: not 0. */
  if (++m->subscription == 0) m->subscription = 1;
  put16(&p, m->subscription);
  put_text(&p, topic);
  put8(&p, QOS_1 >> 1);
  if (!ended(&p)) return false;
  m->owed |= MQTT_OWED_SUBACK;
  return true;
}

bool mqtt_publish(struct mqtt *m, const char *topic, struct mqtt_bytes text, bool retain) {
  struct packet p = begun(m, retain ? PUBLISH | RETAIN : PUBLISH);
  put_text(&p, topic);
  put(&p, text.at, text.size);
  return ended(&p);
}

static bool without_body(struct mqtt *m, uint8_t type) {
  struct packet p = begun(m, type);
  return ended(&p);
}

bool mqtt_end(struct mqtt *m) { return without_body(m, DISCONNECT); }

void mqtt_sent(struct mqtt *m, uint32_t size) {
  memmove(m->out, m->out + size, m->out_size - size);
  m->out_size -= size;
}

static uint32_t pair(const uint8_t *at) { return (uint32_t)at[0] << 8 | at[1]; }

/* 3.3: a message. Its body may be longer than what of it is here. */
static bool published(struct mqtt *m) {
  uint32_t here = m->body, qos = m->type & QOS;
  /* We asked for QoS 1 at most. */
  if (qos > QOS_1) return over(m, "a message of a QoS that was not asked for");
  if (m->length < 2) return over(m, "a message without a topic");
  uint32_t topic = pair(m->in), text = 2 + topic + (qos == 0 ? 0 : 2);
  if (topic == 0 || text > m->length) return over(m, "a topic that is longer than its message");
  if (text > here) return over(m, "a topic that nobody asked for");
  for (uint32_t i = 0; i < topic; i++) {
    uint8_t c = m->in[2 + i];
    /* 1.5.3 and 3.3.2.1. */
    if (c == 0 || c == '+' || c == '#') return over(m, "a topic that is none");
  }
  if (qos != 0) {
    uint32_t id = pair(m->in + 2 + topic);
    if (id == 0) return over(m, "a message whose number is 0");
    struct packet p = begun(m, PUBACK);
    put16(&p, id);
    /* The broker reads nothing, and sends more than we can acknowledge. */
    if (!ended(&p)) return over(m, "the broker does not read");
  }
  if (m->length > here) m->skipped++;
  else m->heard((struct mqtt_bytes){m->in + 2, topic}, (struct mqtt_bytes){m->in + text, here - text});
  return true;
}

/* 3.2.2.3. */
static bool accepted(struct mqtt *m) {
  static const char *const refusals[] = {"it does not speak MQTT 3.1.1", "it refuses our name", "it is not available",
                                         "it does not know us", "we are not allowed to connect"};
  if (m->length != 2 || m->in[0] != 0 || m->in[1] > sizeof refusals / sizeof refusals[0])
    return over(m, "a CONNACK that is none");
  if (m->in[1] != 0) return over(m, refusals[m->in[1] - 1]);
  m->owed &= ~(uint32_t)MQTT_OWED_CONNACK;
  return true;
}

static bool subscribed(struct mqtt *m) {
  if (m->length != 3 || pair(m->in) != m->subscription) return over(m, "a SUBACK that is none");
  if (m->in[2] > QOS_1 >> 1) return over(m, "it refuses the subscription");
  m->owed &= ~(uint32_t)MQTT_OWED_SUBACK;
  return true;
}

static bool packet_came(struct mqtt *m) {
  if ((m->owed & MQTT_OWED_CONNACK) != 0 && m->type != CONNACK) return over(m, "no CONNACK");
  if ((m->type & TYPE) == PUBLISH) return published(m);
  if (m->type == CONNACK && (m->owed & MQTT_OWED_CONNACK) != 0) return accepted(m);
  if (m->type == SUBACK && (m->owed & MQTT_OWED_SUBACK) != 0) return subscribed(m);
  if (m->type != PINGRESP || (m->owed & MQTT_OWED_PINGRESP) == 0 || m->length != 0)
    return over(m, "what nobody asked for");
  m->owed &= ~(uint32_t)MQTT_OWED_PINGRESP;
  return true;
}

/* A byte before the body. */
static bool head_came(struct mqtt *m, uint8_t byte) {
  if (m->head++ == 0) {
    m->type = byte;
    m->length = m->came = m->body = 0;
    return true;
  }
  m->length |= (uint32_t)(byte & 0x7f) << 7 * (m->head - 2);
  if ((byte & 0x80) != 0) return m->head < HEAD_MAX || over(m, "a length of more than four bytes");
  m->head = HEAD_MAX;
  return (m->type & TYPE) == PUBLISH || m->length <= MQTT_IN_MAX || over(m, "a packet that is too long");
}

bool mqtt_take(struct mqtt *m, const uint8_t *bytes, uint32_t size) {
  if (m->why != NULL) return false;
  while (size > 0) {
    if (m->head < HEAD_MAX) {
      if (!head_came(m, *bytes)) return false;
      bytes++, size--;
    } else {
      uint32_t left = m->length - m->came, n = size < left ? size : left;
      uint32_t room = MQTT_IN_MAX - m->body, kept = n < room ? n : room;
      memcpy(m->in + m->body, bytes, kept);
      m->body += kept;
      m->came += n;
      bytes += n, size -= n;
    }
    if (m->head < HEAD_MAX || m->came < m->length) continue;
    m->head = 0;
    if (!packet_came(m)) return false;
  }
  return true;
}

bool mqtt_turn(struct mqtt *m, uint64_t now_s) {
  if (m->why != NULL) return false;
  if (now_s < m->beat_at) return true;
  if (m->owed != 0) return over(m, "it does not answer");
  if (!without_body(m, PINGREQ)) return over(m, "it does not read");
  m->owed = MQTT_OWED_PINGRESP;
  m->beat_at = now_s + m->beat_s;
  return true;
}
