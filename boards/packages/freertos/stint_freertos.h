/* A task of FreeRTOS in which a stack runs. */
#ifndef STINT_FREERTOS_H
#define STINT_FREERTOS_H

#include "FreeRTOS.h"
#include "stint_port.h"
#include "task.h"

#ifdef __cplusplus
extern "C" {
#endif

/* xTaskCreate(stint_freertos_task, "stint", 1024, &port, priority, &task), once the stack has been started. */
void stint_freertos_task(void *port);

/* The network interface's interrupt: a frame has come. */
static inline void stint_freertos_frame_from_isr(TaskHandle_t task) {
  BaseType_t woken = pdFALSE;
  vTaskNotifyGiveFromISR(task, &woken);
  portYIELD_FROM_ISR(woken);
}

#ifdef __cplusplus
}
#endif

#endif
