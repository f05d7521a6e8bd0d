/* The validator on the machine that builds: room for modules that a board may have. */
#ifndef INPLACE_CONFIG_H
#define INPLACE_CONFIG_H

enum {
  GLOBALS_MAX = 1024,
  ELEMENTS_MAX = 4096,
  TYPES_MAX = 1024,
  FUNCTIONS_MAX = 16384,
  BRANCHES_MAX = 65535,
  LOCALS_MAX = 1024,
  OPERANDS_MAX = 1024,
  BLOCKS_MAX = 256
};

#endif
