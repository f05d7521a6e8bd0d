/*
 * Stands around a component's `run`. The stack ends with the component: so when the program is over, what it left
 * unsent is sent first, and what is lost is an error of `run`.
 */
#include "wasi.h"

IMPORT(CLI("run"), "run") int32_t program(void);
IMPORT(ENDING, "finish") int32_t finish(void);

EXPORT(CLI("run"), "run") int32_t run(void) {
  const int32_t status = program();
  return finish() | status;
}
