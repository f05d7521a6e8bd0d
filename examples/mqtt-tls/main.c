/*
 * Firmware that is a lamp: it tells an MQTT broker whether it is lit, and is switched through it. The connection is
 * TLS's, with certificates on both sides. It stands on stint.c, on Mbed TLS, and on a board's nine functions (hal.h).
 */
#include <string.h>

#include "clock.h"
#include "console.h"
#include "hal.h"
#include "link.h"
#include "mqtt.h"
#include "settings.h"
#include "stint.h"
#include "stint_config.h"
#include "stint_port.h"

enum { ALIVE_S = 30, PATIENCE_S = 60, RETRY_S = 2, RETRY_MOST_S = 64, US_PER_S = 1000000 };
#define STATUS "stint/" SETTING_ID "/status"
#define LAMP "stint/" SETTING_ID "/lamp"
#define SWITCH "stint/" SETTING_ID "/switch"

static _Alignas(8) uint8_t memory[SETTING_STACK_BYTES];
static struct mqtt mqtt;

static enum { ASKING_TIME, IDLE, OPENING, TALKING } state;
/* Of this state: when it has taken too long, or for IDLE, when it ends. */
static uint64_t until_s;
static uint32_t retry_s = RETRY_S;

static uint64_t uptime_s(void) { return hal_now_us() / US_PER_S; }

static struct mqtt_bytes bytes_of(const char *text) {
  return (struct mqtt_bytes){(const uint8_t *)text, (uint32_t)strlen(text)};
}

static bool is_text(struct mqtt_bytes bytes, const char *text) {
  return bytes.size == strlen(text) && memcmp(bytes.at, text, bytes.size) == 0;
}

/* Somebody switches. */
static void heard(struct mqtt_bytes topic, struct mqtt_bytes text) {
  if (!is_text(topic, SWITCH)) return;
  bool on = is_text(text, "on");
  if (!on && !is_text(text, "off")) {
    say("lamp: somebody asks for what it cannot do\n");
    return;
  }
  say(on ? "lamp: on\n" : "lamp: off\n");
  if (!mqtt_publish(&mqtt, LAMP, bytes_of(on ? "on" : "off"), true)) say("lamp: nobody is told\n");
}

static void idle_for(uint32_t seconds) {
  state = IDLE;
  until_s = uptime_s() + seconds;
}

/* Says what went wrong, and tries again: later each time, and not when all others do. */
static void failed(const char *what, const char *why) {
  say(what);
  say(": ");
  say(why);
  say("\n");
  link_close();
  uint32_t some;
  idle_for(retry_s + (link_random((uint8_t *)&some, sizeof some) ? some % retry_s : 0));
  if (retry_s < RETRY_MOST_S) retry_s *= 2;
}

static void reach(void) {
  const char *why = link_open();
  if (why != NULL) {
    failed("broker", why);
    return;
  }
  state = OPENING;
  until_s = uptime_s() + PATIENCE_S;
}

/* TLS has checked the broker: MQTT begins. */
static void opened(void) {
  link_describe();
  state = TALKING;
  if (!mqtt_begin(&mqtt, SETTING_ID, ALIVE_S, STATUS, "offline", uptime_s())) failed("mqtt", "a name is too long");
}

/* Returns whether there is more to do at once. */
static bool talk(void) {
  static bool was_up;
  uint8_t piece[MQTT_IN_MAX];
  int32_t n = link_receive(piece, sizeof piece);
  if (n < 0) {
    was_up = false;
    failed("broker", link_why());
    return false;
  }
  bool good = mqtt_take(&mqtt, piece, (uint32_t)n) && mqtt_turn(&mqtt, uptime_s());
  if (good && mqtt_is_up(&mqtt) != was_up) {
    was_up = !was_up;
    if (was_up) {
      retry_s = RETRY_S;
      good = mqtt_subscribe(&mqtt, SWITCH) && mqtt_publish(&mqtt, STATUS, bytes_of("online"), true);
      say("mqtt: connected\n");
    }
  }
  if (!good) {
    was_up = false;
    failed("mqtt", mqtt.why != NULL ? mqtt.why : "no room");
    return false;
  }
  int32_t sent = mqtt.out_size == 0 ? 0 : link_send(mqtt.out, mqtt.out_size);
  if (sent > 0) mqtt_sent(&mqtt, (uint32_t)sent);
  return n > 0 || sent > 0;
}

/* After each poll of the stack. Returns whether another one may have something to send. */
static int work(void *none) {
  (void)none;
  for (uint64_t event = stint_event_next(); event != 0; event = stint_event_next()) link_event(event);
  bool is_late = uptime_s() >= until_s;
  switch (state) {
    case ASKING_TIME:
      if (clock_turn()) reach();
      return 1;
    case IDLE:
      if (!is_late) return 0;
      reach();
      return 1;
    case OPENING:
      switch (link_handshake()) {
        case LINK_OPEN: opened(); return 1;
        case LINK_BUSY: return 1;
        case LINK_FAILED: failed("broker", link_why()); return 1;
        case LINK_WAITS: break;
      }
      if (is_late) failed("broker", "it does not answer");
      return is_late;
    default: return talk();
  }
}

static uint32_t receive(void *none, uint8_t *frame, uint32_t room) {
  (void)none;
  return hal_receive(frame, room);
}

static int send(void *none, const uint8_t *frame, uint32_t size) {
  (void)none;
  return hal_send(frame, size);
}

_Noreturn static void end(const char *why) {
  say(why);
  say("\n");
  hal_exit(1);
}

_Noreturn void stack_broke(void) { end("the stack is broken"); }

static void start(void) {
  static struct stint_config config;
  if (stint_create(memory, sizeof memory) == NULL) end("the stack has too little memory");
  stint_config_numbers(&config);
  config.ip = SETTING_IP, config.prefix = SETTING_PREFIX, config.gateway = SETTING_GATEWAY;
  config.macHigh = SETTING_MAC_HIGH, config.macLow = SETTING_MAC_LOW;
  if (!hal_entropy((uint8_t *)&config.entropy0, 32)) end("this board has no entropy, and does not start without");
  int64_t need = stint_layout_size(&config);
  if (need >= 0 && need + STINT_OVERHEAD > sizeof memory) {
    say_number((uint32_t)need + STINT_OVERHEAD);
    end(" bytes are what the stack needs");
  }
  if (stint_init(&config) != 0) end("the stack refuses its configuration");
  const char *why = link_start();
  if (why != NULL) end(why);
  mqtt.heard = heard;
}

int main(void) {
  static const uint8_t mac[6] = SETTING_MAC;
  const char *why = hal_init(mac);
  if (why != NULL) end(why);
  start();
  say("ready\n");
  static const struct stint_port port = {.receive = receive, .send = send, .work = work};
  for (;;) {
    int32_t wait = stint_port_turn(&port, hal_now_us());
    uint64_t now = hal_now_us();
    /* Also where there is more to do: it feeds the board's watchdog, which a handshake would outlast. */
    hal_idle(wait >= 0 && wait < US_PER_S ? now + (uint32_t)wait : now + US_PER_S);
  }
}
