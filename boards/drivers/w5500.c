/* Register names and section numbers are of the W5500 data sheet. */
#include "w5500.h"

#include <stddef.h>

/* Blocks of registers and memory, as the control byte selects them (2.2.2). */
enum { COMMON = 0, SOCKET = 1, TX_BUFFER = 2, RX_BUFFER = 3, WRITE = 1 << 2 };
/* Common registers (4.1). */
enum { MR = 0x00, SHAR = 0x09, SIMR = 0x18, VERSIONR = 0x39, MR_RST = 0x80, VERSION = 4 };
/* Socket registers (4.2). */
enum {
  Sn_MR = 0x00,
  Sn_CR = 0x01,
  Sn_IR = 0x02,
  Sn_SR = 0x03,
  Sn_RXBUF_SIZE = 0x1e,
  Sn_TXBUF_SIZE = 0x1f,
  Sn_TX_FSR = 0x20,
  Sn_TX_WR = 0x24,
  Sn_RX_RSR = 0x26,
  Sn_RX_RD = 0x28,
  Sn_IMR = 0x2c,
  MACRAW = 0x04,
  MFEN = 0x80,
  OPEN = 0x01,
  CLOSE = 0x10,
  SEND = 0x20,
  RECV = 0x40,
  IR_RECV = 0x04,
  SOCK_MACRAW = 0x42,
  BUFFER_KB = 16
};
/*
 * A received frame has its length before it, with itself counted; no frame is shorter than its header or longer than
 * this.
 */
enum { LENGTH = 2, FRAME_MIN = 14, FRAME_MAX = 1514 };
/* A command is taken in a few cycles of the chip's clock; a chip that never takes it is gone. */
enum { PATIENCE = 10000 };

static void access(uint32_t block, uint32_t address, const uint8_t *out, uint8_t *in, uint32_t size) {
  const uint8_t head[3] = {(uint8_t)(address >> 8), (uint8_t)address,
                           (uint8_t)(block << 3 | (out != NULL ? WRITE : 0))};
  w5500_select(true);
  w5500_transfer(head, NULL, sizeof head);
  w5500_transfer(out, in, size);
  w5500_select(false);
}

static uint8_t read8(uint32_t block, uint32_t address) {
  uint8_t x = 0;
  access(block, address, NULL, &x, 1);
  return x;
}

static void write8(uint32_t block, uint32_t address, uint8_t x) { access(block, address, &x, NULL, 1); }

static uint32_t read16(uint32_t address) {
  uint8_t x[2] = {0};
  access(SOCKET, address, NULL, x, 2);
  return (uint32_t)x[0] << 8 | x[1];
}

static void write16(uint32_t address, uint32_t x) {
  const uint8_t bytes[2] = {(uint8_t)(x >> 8), (uint8_t)x};
  access(SOCKET, address, bytes, NULL, 2);
}

/* A size that the chip is changing while it is read: it counts once it was read twice alike (4.2, Sn_TX_FSR). */
static uint32_t steady16(uint32_t address) {
  uint32_t a = read16(address), b;
  for (int i = 0; i < PATIENCE; i++, a = b) {
    b = read16(address);
    if (a == b) break;
  }
  return a;
}

/* Returns whether the chip took the command. */
static bool command(uint8_t what) {
  write8(SOCKET, Sn_CR, what);
  for (int i = 0; i < PATIENCE; i++) {
    if (read8(SOCKET, Sn_CR) == 0) return true;
  }
  return false;
}

/* Opens the socket; what was in its memory is lost. */
static bool reopen(void) {
  command(CLOSE);
  write8(SOCKET, Sn_MR, MACRAW | MFEN);
  write8(SOCKET, Sn_IR, 0xff);
  return command(OPEN) && read8(SOCKET, Sn_SR) == SOCK_MACRAW;
}

const char *w5500_init(const uint8_t mac[6]) {
  write8(COMMON, MR, MR_RST);
  for (int i = 0; i < PATIENCE && (read8(COMMON, MR) & MR_RST) != 0; i++) {
  }
  if (read8(COMMON, VERSIONR) != VERSION) return "there is no W5500 on the SPI bus";
  access(COMMON, SHAR, mac, NULL, 6);
  for (uint32_t n = 0; n < 8; n++) {
    write8(n << 2 | SOCKET, Sn_RXBUF_SIZE, n == 0 ? BUFFER_KB : 0);
    write8(n << 2 | SOCKET, Sn_TXBUF_SIZE, n == 0 ? BUFFER_KB : 0);
  }
  write8(SOCKET, Sn_IMR, IR_RECV);
  write8(COMMON, SIMR, 1);
  return reopen() ? NULL : "the W5500 does not open its socket";
}

uint32_t w5500_receive(uint8_t *frame, uint32_t room) {
  uint32_t have = steady16(Sn_RX_RSR);
  if (have == 0) {
    /* A socket that is no longer open receives nothing for ever. */
    if (read8(SOCKET, Sn_SR) != SOCK_MACRAW) reopen();
    return 0;
  }
  uint32_t at = read16(Sn_RX_RD);
  uint8_t head[LENGTH];
  access(RX_BUFFER, at, NULL, head, sizeof head);
  uint32_t size = ((uint32_t)head[0] << 8 | head[1]) - LENGTH;
  if (size < FRAME_MIN || size > FRAME_MAX || size + LENGTH > have) {
    /* Not a length: the reader and the chip have lost each other, as after an overrun. */
    reopen();
    return 0;
  }
  access(RX_BUFFER, at + LENGTH, NULL, frame, size < room ? size : room);
  write16(Sn_RX_RD, at + LENGTH + size);
  if (!command(RECV)) reopen();
  return size;
}

bool w5500_send(const uint8_t *frame, uint32_t size) {
  static const uint8_t zeros[60];
  uint32_t padded = size < 60 ? 60 : size;
  if (steady16(Sn_TX_FSR) < padded) {
    if (read8(SOCKET, Sn_SR) != SOCK_MACRAW) reopen();
    return false;
  }
  uint32_t at = read16(Sn_TX_WR);
  access(TX_BUFFER, at, frame, NULL, size);
  if (padded > size) access(TX_BUFFER, at + size, zeros, NULL, padded - size);
  write16(Sn_TX_WR, at + padded);
  return command(SEND);
}

bool w5500_waiting(void) {
  write8(SOCKET, Sn_IR, IR_RECV);
  return steady16(Sn_RX_RSR) != 0;
}
