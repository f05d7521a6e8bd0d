/* What freertos/stint_freertos.c takes of FreeRTOS 11, with the types of its kernel. */
#include <stdint.h>
typedef long BaseType_t;
typedef unsigned long UBaseType_t;
typedef uint32_t TickType_t;
#define pdFALSE ((BaseType_t)0)
#define pdTRUE ((BaseType_t)1)
#define pdPASS pdTRUE
#define configTICK_RATE_HZ ((TickType_t)1000)
#define portYIELD_FROM_ISR(x) (void)(x)
#define pdMS_TO_TICKS(ms) ((TickType_t)(((TickType_t)(ms)*configTICK_RATE_HZ) / (TickType_t)1000U))
