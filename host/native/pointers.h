/*
 * The calls of stint.h with pointers, over a linear memory: what stands in it (wasm_memory), the part of it for what
 * passes through (`scratch`, SCRATCH_SIZE bytes; 0 before there is a stack), and the module's calls.
 */
#ifndef STINT_POINTERS_H
#define STINT_POINTERS_H

/* Up to so many bytes, a copy more costs less than calls. */
#define SMALL 16u

static void *pointer(u32 address) { return address == 0 ? NULL : wasm_memory + address; }

void *stint_at(uint32_t address) { return pointer(address); }

int32_t tcp_send(int32_t handle, void *src, uint32_t size) {
  const u8 *from = src;
  uint32_t done = 0;
  if (src == NULL) return (int32_t)module_tcp_send((u32)handle, 0, size);
  /* Not before there is a stack. */
  if (size <= SMALL && scratch != 0) {
    for (uint32_t i = 0; i < size; i++) wasm_memory[scratch + i] = from[i];
    return (int32_t)module_tcp_send((u32)handle, scratch, size);
  }
  while (done < size) {
    int32_t span = (int32_t)module_tcp_send_span((u32)handle);
    if (span <= 0) return done != 0 ? (int32_t)done : span < 0 ? span : STINT_ERR_AGAIN;
    uint32_t n = size - done < (uint32_t)span ? size - done : (uint32_t)span;
    memcpy(pointer(module_tcp_send_at((u32)handle)), from + done, n);
    module_tcp_send_commit((u32)handle, n);
    done += n;
  }
  return (int32_t)done;
}

int32_t tcp_recv(int32_t handle, void *dst, uint32_t size) {
  u8 *to = dst;
  uint32_t done = 0;
  if (dst == NULL) return (int32_t)module_tcp_recv((u32)handle, 0, size);
  /* Not before there is a stack. */
  if (size <= SMALL && scratch != 0) {
    u32 n = module_tcp_recv((u32)handle, scratch, size);
    for (u32 i = 0; (int32_t)n > 0 && i < n; i++) to[i] = wasm_memory[scratch + i];
    return (int32_t)n;
  }
  while (done < size) {
    int32_t span = (int32_t)module_tcp_recv_span((u32)handle);
    if (span <= 0) return done != 0 ? (int32_t)done : span;
    uint32_t n = size - done < (uint32_t)span ? size - done : (uint32_t)span;
    memcpy(to + done, pointer(module_tcp_recv_at((u32)handle)), n);
    module_tcp_recv_consume((u32)handle, n);
    done += n;
  }
  return (int32_t)done;
}

/* What the module wrote to the scratch memory: `size` bytes. */
static int32_t taken(void *dst, u32 result, uint32_t size) {
  if ((int32_t)result >= 0 && dst != NULL) memcpy(dst, wasm_memory + scratch, size);
  return (int32_t)result;
}

/*
 * Where the module writes what the caller wants at `dst`: the scratch memory; NULL stays 0, which the module refuses,
 * unless no byte goes there.
 */
static u32 borrowed(const void *dst) { return dst == NULL ? 0 : scratch; }

static uint32_t least(uint32_t a, uint32_t b) { return a < b ? a : b; }

/* At most 64 KiB. */
int32_t tcp_peek(int32_t handle, void *dst, uint32_t size) {
  u32 n = module_tcp_peek((u32)handle, borrowed(dst), least(size, SCRATCH_SIZE));
  return taken(dst, n, n);
}

int32_t tcp_info(int32_t handle, void *dst) {
  return taken(dst, module_tcp_info((u32)handle, borrowed(dst)), sizeof(struct stint_tcp_info));
}

int32_t stint_listener_info(int32_t handle, void *dst) {
  return taken(dst, module_listener_info((u32)handle, borrowed(dst)), sizeof(struct stint_listener_info));
}

int32_t udp_send(int32_t handle, uint32_t ip, uint32_t port, void *src, uint32_t size) {
  if (size > SCRATCH_SIZE) return STINT_ERR_SIZE;
  if (scratch == 0) return STINT_ERR_NOT_INIT;
  if (size != 0 && src != NULL) memcpy(wasm_memory + scratch, src, size);
  return (int32_t)module_udp_send((u32)handle, ip, port, borrowed(src), size);
}

int32_t udp_recv(int32_t handle, void *dst, uint32_t size, void *from) {
  const u32 sender = sizeof(struct stint_datagram_from), room = least(size, SCRATCH_SIZE - sender);
  u32 result = module_udp_recv((u32)handle, dst == NULL ? 0 : scratch + sender, room, borrowed(from));
  if ((int32_t)result < 0) return (int32_t)result;
  if (from != NULL) memcpy(from, wasm_memory + scratch, sender);
  if (dst != NULL) memcpy(dst, wasm_memory + scratch + sender, least(room, result));
  return (int32_t)result;
}

#endif
