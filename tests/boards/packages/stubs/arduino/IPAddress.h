#pragma once
#include "Arduino.h"
class IPAddress {
  uint8_t bytes_[4];

public:
  IPAddress(uint8_t a, uint8_t b, uint8_t c, uint8_t d) : bytes_{a, b, c, d} {}
  uint8_t operator[](int i) const { return bytes_[i]; }
};
