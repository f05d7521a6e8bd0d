/* Included before each file of wasm3: what the build knows, and C names that a library of functions may not have. */
#ifndef STINT_WASM3_FIRMWARE_H
#define STINT_WASM3_FIRMWARE_H

#define d_m3HasFloat 0
/* A module with floats is refused when it is compiled, at the start, and not when it comes to them. */
#define d_m3NoFloatDynamic 0
#define d_m3VerboseErrorMessages 0
/* Structures of some kilobytes lie in RAM, not on the C stack. */
#define d_m3PreferStaticAlloc
#define d_m3CodePageAlignSize 1024
#define d_m3FixedHeap WASM3_HEAP

#endif
