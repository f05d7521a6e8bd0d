/* What src/StintEthernet.cpp takes of Arduino's core (ArduinoCore-API), with its classes' virtual functions. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <string.h>
unsigned long micros(void);
unsigned long millis(void);
