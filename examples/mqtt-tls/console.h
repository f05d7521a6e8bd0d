/* The board's console. */
#ifndef CONSOLE_H
#define CONSOLE_H

#include <stdint.h>

void say(const char *text);
void say_number(uint32_t n);

#endif
