/* What espidf/stint_espidf.c takes of ESP-IDF 5, with the types of its headers. */
#include <stddef.h>
#include <stdint.h>
typedef int esp_err_t;
enum { ESP_OK = 0, ESP_ERR_NO_MEM = 0x101 };
typedef void *esp_eth_handle_t;
typedef enum { ETH_CMD_G_MAC_ADDR, ETH_CMD_S_MAC_ADDR } esp_eth_io_cmd_t;
esp_err_t esp_eth_ioctl(esp_eth_handle_t hdl, esp_eth_io_cmd_t cmd, void *data);
esp_err_t esp_eth_transmit(esp_eth_handle_t hdl, void *buf, size_t length);
esp_err_t esp_eth_update_input_path(esp_eth_handle_t hdl,
                                    esp_err_t (*stack_input)(esp_eth_handle_t hdl, uint8_t *buffer, uint32_t length,
                                                             void *priv),
                                    void *priv);
