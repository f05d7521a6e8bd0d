#include "console.h"

#include "hal.h"

void say(const char *text) {
  while (*text != 0) hal_putc(*text++);
}

void say_number(uint32_t n) {
  char digits[10];
  int i = 0;
  do digits[i++] = (char)('0' + n % 10);
  while ((n /= 10) != 0);
  while (i > 0) hal_putc(digits[--i]);
}
