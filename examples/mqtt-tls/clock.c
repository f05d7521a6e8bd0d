#include "clock.h"

#include <string.h>
#include <time.h>

#include "console.h"
#include "hal.h"
#include "settings.h"
#include "stint.h"

/* RFC 4330 §4 and §5. */
enum {
  SIZE = 48,
  VERSION_4 = 4 << 3,
  CLIENT = 3,
  SERVER = 4,
  UNSYNCHRONIZED = 3,
  STRATUM_MOST = 15,
  ORIGINATE = 24,
  TRANSMIT = 40,
  STAMP = 8,
  PATIENCE_US = 4000000
};
/* From 1900 to 1970, and a round of 32 bits: seconds below 2^31 are of the one that begins in 2036 (§3). */
static const int64_t TO_1970_S = 2208988800, ROUND_S = (int64_t)1 << 32, HALF_S = (int64_t)1 << 31;

static int32_t handle;
static uint64_t asked_us;
/* What the question has for its time of sending: bits that nobody can guess, which the answer repeats. */
static uint8_t nonce[STAMP];
/* UTC when hal_now_us was 0; 0: unknown. */
static int64_t utc_s;

static int64_t uptime_s(void) { return (int64_t)(hal_now_us() / 1000000); }

/* Mbed TLS asks by this name. */
time_t time(time_t *to) {
  time_t now = (time_t)(utc_s + uptime_s());
  if (to != NULL) *to = now;
  return now;
}

/* Its answer needs no heap, as gmtime's does. */
struct tm *mbedtls_platform_gmtime_r(const time_t *from, struct tm *to) {
  return gmtime_r(from, to);
}

static void ask(void) {
  static uint8_t question[SIZE] = {VERSION_4 | CLIENT};
  asked_us = hal_now_us();
  if (!hal_entropy(nonce, sizeof nonce)) return;
  memcpy(question + TRANSMIT, nonce, STAMP);
  udp_send(handle, SETTING_TIME_IP, SETTING_TIME_PORT, question, SIZE);
}

static bool is_answer(const uint8_t *m, int32_t size, const struct stint_datagram_from *from) {
  return size >= SIZE && from->ip == SETTING_TIME_IP && from->port == SETTING_TIME_PORT && (m[0] & 7) == SERVER &&
         m[0] >> 6 != UNSYNCHRONIZED && m[1] >= 1 && m[1] <= STRATUM_MOST && memcmp(m + ORIGINATE, nonce, STAMP) == 0;
}

static int64_t seconds_of(const uint8_t *m) {
  int64_t s = (int64_t)m[TRANSMIT] << 24 | m[TRANSMIT + 1] << 16 | m[TRANSMIT + 2] << 8 | m[TRANSMIT + 3];
  return (s < HALF_S ? s + ROUND_S : s) - TO_1970_S;
}

bool clock_turn(void) {
  uint8_t m[SIZE];
  struct stint_datagram_from from;
  if (utc_s != 0) return true;
  if (handle <= 0) {
    handle = udp_open(0);
    ask();
  }
  for (int32_t n; (n = udp_recv(handle, m, SIZE, &from)) >= 0;) {
    if (!is_answer(m, n, &from)) continue;
    utc_s = seconds_of(m) - uptime_s();
    udp_close(handle);
    say("clock: ");
    say_number((uint32_t)(utc_s + uptime_s()));
    say(" s since 1970\n");
    return true;
  }
  if (hal_now_us() - asked_us >= PATIENCE_US) ask();
  return false;
}
