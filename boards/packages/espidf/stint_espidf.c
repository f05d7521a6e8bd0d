#include "stint_espidf.h"

#include <stdlib.h>
#include <string.h>

#include "esp_random.h"
#include "esp_timer.h"
#include "freertos/FreeRTOS.h"
#include "freertos/queue.h"
#include "freertos/task.h"
#include "stint_port.h"

enum { FRAMES = 16, STACK = 4096, PRIORITY = 18, SLEEP_MS_MAX = 60000 };

struct frame {
  uint8_t *bytes;
  uint32_t size;
};

static QueueHandle_t frames;
static struct stint_port port;

/* The driver's task gives the buffer away. */
static esp_err_t frame_in(esp_eth_handle_t driver, uint8_t *bytes, uint32_t size, void *unused) {
  (void)driver, (void)unused;
  struct frame frame = {bytes, size};
  if (xQueueSend(frames, &frame, 0) != pdTRUE) free(bytes);
  return ESP_OK;
}

static uint32_t receive(void *driver, uint8_t *to, uint32_t room) {
  (void)driver;
  struct frame frame;
  if (xQueueReceive(frames, &frame, 0) != pdTRUE) return 0;
  memcpy(to, frame.bytes, frame.size < room ? frame.size : room);
  free(frame.bytes);
  return frame.size;
}

static int send(void *driver, const uint8_t *bytes, uint32_t size) {
  return esp_eth_transmit(driver, (void *)bytes, size) == ESP_OK;
}

static void run(void *unused) {
  (void)unused;
  for (;;) {
    int32_t wait = stint_port_turn(&port, (uint64_t)esp_timer_get_time());
    if (wait == 0) continue;
    struct frame next;
    uint32_t ms = wait < 0 || wait / 1000 >= SLEEP_MS_MAX ? SLEEP_MS_MAX : (uint32_t)wait / 1000 + 1;
    (void)xQueuePeek(frames, &next, pdMS_TO_TICKS(ms));
  }
}

void stint_espidf_configure(esp_eth_handle_t driver, struct stint_config *config) {
  uint8_t mac[6];
  (void)esp_eth_ioctl(driver, ETH_CMD_G_MAC_ADDR, mac);
  config->macHigh = (uint32_t)mac[0] << 24 | (uint32_t)mac[1] << 16 | (uint32_t)mac[2] << 8 | mac[3];
  config->macLow = (uint32_t)mac[4] << 8 | mac[5];
  esp_fill_random(&config->entropy0, 4 * sizeof config->entropy0);
}

esp_err_t stint_espidf_start(esp_eth_handle_t driver, int (*work)(void *user)) {
  port = (struct stint_port){.receive = receive, .send = send, .work = work, .user = driver};
  frames = xQueueCreate(FRAMES, sizeof(struct frame));
  if (frames == NULL) return ESP_ERR_NO_MEM;
  esp_err_t result = esp_eth_update_input_path(driver, frame_in, NULL);
  if (result != ESP_OK) return result;
  return xTaskCreate(run, "stint", STACK, NULL, PRIORITY, NULL) == pdPASS ? ESP_OK : ESP_ERR_NO_MEM;
}
