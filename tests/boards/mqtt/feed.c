/*
 * The client of examples/mqtt-tls with a broker that is a list of what it sends: each line of standard input is bytes
 * in hexadecimal, or a number of seconds that pass, behind a +. It prints what the client hears, sends, and why it is
 * over. usage: feed PIECE: bytes come in pieces of so many.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mqtt.h"

static void print(const char *what, struct mqtt_bytes bytes) {
  printf("%s ", what);
  for (uint32_t i = 0; i < bytes.size; i++) printf("%02x", bytes.at[i]);
  printf("\n");
}

static void heard(struct mqtt_bytes topic, struct mqtt_bytes text) {
  printf("heard %.*s: %u bytes\n", (int)topic.size, (const char *)topic.at, text.size);
}

static void flush(struct mqtt *m) {
  if (m->out_size == 0) return;
  print("sent", (struct mqtt_bytes){m->out, m->out_size});
  mqtt_sent(m, m->out_size);
}

/* Hands the bytes over, each piece in memory of its own, so that a sanitizer sees what is read behind it. */
static bool take(struct mqtt *m, const char *line, uint32_t piece) {
  uint32_t size = (uint32_t)strcspn(line, "\n") / 2;
  for (uint32_t at = 0; at < size;) {
    uint32_t n = size - at < piece ? size - at : piece;
    uint8_t *bytes = malloc(n);
    for (uint32_t i = 0; i < n; i++) {
      unsigned byte;
      sscanf(line + 2 * (at + i), "%2x", &byte);
      bytes[i] = (uint8_t)byte;
    }
    bool good = mqtt_take(m, bytes, n);
    free(bytes);
    if (!good) return false;
    at += n;
  }
  return true;
}

int main(int argc, char **argv) {
  static char line[1 << 20];
  static struct mqtt m;
  uint32_t piece = argc > 1 ? (uint32_t)atoi(argv[1]) : 1;
  uint64_t now_s = 0;
  m.heard = heard;
  if (!mqtt_begin(&m, "id", 60, "will", "gone", now_s)) return 1;
  bool was_up = false, good = true;
  flush(&m);
  while (good && fgets(line, sizeof line, stdin) != NULL) {
    if (line[0] == '!') {
      /* A broker that does not read: nothing leaves. */
      good = take(&m, line + 1, piece);
      continue;
    }
    if (line[0] == '+') {
      now_s += (uint64_t)atoi(line + 1);
      good = mqtt_turn(&m, now_s);
    } else {
      good = take(&m, line, piece);
    }
    if (good && mqtt_is_up(&m) && !was_up) {
      was_up = true;
      if (!mqtt_subscribe(&m, "topic") || mqtt_subscribe(&m, "another")) return 1;
    }
    flush(&m);
  }
  if (m.skipped > 0) printf("skipped %u\n", m.skipped);
  printf("%s\n", m.why != NULL ? m.why : "up");
  return 0;
}
