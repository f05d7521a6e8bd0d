/* A task of ESP-IDF in which a stack runs, on an Ethernet driver (esp_eth). */
#ifndef STINT_ESPIDF_H
#define STINT_ESPIDF_H

#include "esp_eth.h"
#include "stint.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The driver's address and entropy go into a configuration. Wi-Fi or its radio must be on for real entropy. */
void stint_espidf_configure(esp_eth_handle_t driver, struct stint_config *config);

/*
 * Starts the task, once the stack has been started; from here on the driver's frames go to it, not to lwIP. `work`: as
 * in stint_port.h. Call it once.
 */
esp_err_t stint_espidf_start(esp_eth_handle_t driver, int (*work)(void *user));

#ifdef __cplusplus
}
#endif

#endif
