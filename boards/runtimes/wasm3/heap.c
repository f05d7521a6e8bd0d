/*
 * wasm3's own allocator, which never gives back, over one array (d_m3FixedHeap): as large as the linear memory and what
 * wasm3 makes of the module. A stack that is started afresh begins it anew.
 */
#include "m3_core.c"

void wasm3_heap_reset(void) {
  fixedHeapPtr = fixedHeap;
  HEAP_ALIGN_PTR(fixedHeapPtr)
  fixedHeapLast = NULL;
}
