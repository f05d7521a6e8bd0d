/*
 * The W5500 driver against a model of the chip's registers, written from its data sheet: SPI frames in, registers and
 * memory behind them. Prints a line for each test; exits with the number of those that failed.
 */
#include "w5500.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The chip. */
static uint8_t common[64], sockets[8][64], tx[16384], rx[16384];
static uint32_t rx_write, tx_done;
static bool selected, present, takes_commands, keeps_sending;
static uint32_t spi_at, address, control, unsteady;
static uint8_t sent[64][1600];
static uint32_t sent_size[64], sent_count, reopened;

static uint32_t get16(const uint8_t *at) { return (uint32_t)at[0] << 8 | at[1]; }
static void set16(uint8_t *at, uint32_t v) {
  at[0] = (uint8_t)(v >> 8);
  at[1] = (uint8_t)v;
}

static void chip_reset(void) {
  memset(common, 0, sizeof common);
  memset(sockets, 0, sizeof sockets);
  memset(rx, 0, sizeof rx);
  common[0x39] = 4;
  for (int i = 0; i < 8; i++) sockets[i][0x1e] = sockets[i][0x1f] = 2;
  rx_write = tx_done = sent_count = reopened = unsteady = 0;
  present = takes_commands = keeps_sending = true;
}

static uint32_t rx_size(void) { return sockets[0][0x1e] * 1024u; }

static void chip_command(uint8_t what) {
  uint8_t *s = sockets[0];
  if (!takes_commands) return;
  s[1] = 0;
  if (what == 0x01) {
    /* OPEN: in MACRAW mode the state is 0x42; pointers begin anew. */
    if ((s[0] & 15) != 4) return;
    s[3] = 0x42;
    rx_write = 0;
    tx_done = 0;
    set16(s + 0x24, 0);
    set16(s + 0x28, 0);
    reopened++;
  } else if (what == 0x10) {
    s[3] = 0;
  } else if (what == 0x20 && s[3] == 0x42 && keeps_sending) {
    uint32_t from = tx_done, to = get16(s + 0x24), size = (to - from) & 0xffff;
    for (uint32_t i = 0; i < size && i < sizeof sent[0]; i++) sent[sent_count][i] = tx[(from + i) % (s[0x1f] * 1024u)];
    sent_size[sent_count++ % 64] = size;
    tx_done = to;
    s[2] |= 0x10;
  }
}

static uint8_t chip_read(uint32_t block, uint32_t at) {
  if (!present) return 0;
  if (block == 0) return at < sizeof common ? common[at] : 0;
  uint8_t *s = sockets[block >> 2];
  switch (block & 3) {
    case 1: {
      uint32_t free = s[0x1f] * 1024u - ((get16(s + 0x24) - tx_done) & 0xffff),
               have = (rx_write - get16(s + 0x28)) & 0xffff;
      /* A size in the middle of changing: every first read of it is off by 256. */
      if (unsteady > 0 && at == 0x26) have += 256u * (unsteady-- & 1);
      if (at == 0x20 || at == 0x21) return (uint8_t)(free >> (at == 0x20 ? 8 : 0));
      if (at == 0x26 || at == 0x27) return s[3] == 0x42 ? (uint8_t)(have >> (at == 0x26 ? 8 : 0)) : 0;
      return at < 64 ? s[at] : 0;
    }
    case 2: return tx[at % (s[0x1f] * 1024u)];
    default: return rx[at % rx_size()];
  }
}

static void chip_write(uint32_t block, uint32_t at, uint8_t v) {
  if (!present) return;
  uint8_t *s = sockets[block >> 2];
  if (block == 0) {
    if (at == 0 && (v & 0x80) != 0) {
      uint32_t times = reopened;
      chip_reset();
      reopened = times;
    } else if (at < sizeof common && at != 0x39) {
      common[at] = v;
    }
  } else if ((block & 3) == 1) {
    if (at == 1) {
      s[1] = v;
      chip_command(v);
    } else if (at == 2) {
      s[2] &= (uint8_t)~v;
    } else if (at < 64 && at != 3) {
      s[at] = v;
    }
  } else if ((block & 3) == 2) {
    tx[at % (s[0x1f] * 1024u)] = v;
  }
}

void w5500_select(bool on) {
  selected = on;
  spi_at = 0;
}

void w5500_transfer(const uint8_t *out, uint8_t *in, uint32_t size) {
  if (!selected) abort();
  for (uint32_t i = 0; i < size; i++) {
    uint8_t o = out != NULL ? out[i] : 0, answer = 0;
    if (spi_at == 0) address = (uint32_t)o << 8;
    else if (spi_at == 1) address |= o;
    else if (spi_at == 2) control = o;
    else if ((control & 4) != 0) chip_write(control >> 3, address++ & 0xffff, o);
    else answer = chip_read(control >> 3, address++ & 0xffff);
    spi_at++;
    if (in != NULL) in[i] = answer;
  }
}

/* The network puts a frame into the chip's memory. */
static void arrives(const uint8_t *frame, uint32_t size) {
  uint8_t head[2];
  set16(head, size + 2);
  for (uint32_t i = 0; i < size + 2; i++) rx[(rx_write + i) % rx_size()] = i < 2 ? head[i] : frame[i - 2];
  rx_write = (rx_write + size + 2) & 0xffff;
}

/* The tests. */
static int failed;
static void check(const char *what, bool ok) {
  printf("%s %s\n", ok ? "ok" : "FAILED", what);
  if (!ok) failed++;
}

static const uint8_t mac[6] = {2, 0, 10, 0, 0, 2};
static uint8_t pattern[1514], got[1600];

static void begins(void) {
  for (uint32_t i = 0; i < sizeof pattern; i++) pattern[i] = (uint8_t)(i * 7 + (i >> 8));
  chip_reset();
  present = false;
  check("no chip on the bus is told", w5500_init(mac) != NULL);
  chip_reset();
  check("initializes", w5500_init(mac) == NULL);
  check("sets its MAC address", memcmp(common + 0x09, mac, 6) == 0);
  check("gives all memory to socket 0",
        sockets[0][0x1e] == 16 && sockets[0][0x1f] == 16 && sockets[1][0x1e] == 0 && sockets[7][0x1f] == 0);
  check("opens socket 0 in MACRAW mode with the MAC filter", sockets[0][3] == 0x42 && sockets[0][0] == 0x84);
  check("has nothing at first", w5500_receive(got, 1518) == 0 && !w5500_waiting());
}

static void receives(void) {
  bool same = true;
  uint32_t total = 0;
  /* More than the memory and the 16-bit pointers hold, so that everything wraps. */
  for (uint32_t n = 0; n < 300; n++) {
    uint32_t size = 14 + (n * 37) % 1501;
    arrives(pattern, size);
    same = same && w5500_waiting();
    memset(got, 0, sizeof got);
    same = same && w5500_receive(got, 1518) == size && memcmp(got, pattern, size) == 0 && got[size] == 0;
    total += size;
  }
  check("receives frames of every length, over the ends of memory and pointers", same && total > 3 * 65536);
  arrives(pattern, 60);
  arrives(pattern + 1, 1514 - 1);
  arrives(pattern + 2, 14);
  check("receives several frames in their order", w5500_receive(got, 1518) == 60 && w5500_receive(got, 1518) == 1513 &&
                                                      got[0] == pattern[1] && w5500_receive(got, 1518) == 14 &&
                                                      w5500_receive(got, 1518) == 0);
  arrives(pattern, 1514);
  arrives(pattern, 100);
  memset(got, 0xee, sizeof got);
  check("a frame longer than the buffer is cut off, told by its length, and gone",
        w5500_receive(got, 200) == 1514 && memcmp(got, pattern, 200) == 0 && got[200] == 0xee &&
            w5500_receive(got, 1518) == 100);
  unsteady = 5;
  arrives(pattern, 80);
  check("waits for a size to be steady", w5500_receive(got, 1518) == 80);
  unsteady = 0;
}

static void sends(void) {
  bool same = true;
  for (uint32_t n = 0; n < 300; n++) {
    uint32_t size = 14 + (n * 53) % 1501, padded = size < 60 ? 60 : size;
    sent_count = 0;
    same = same && w5500_send(pattern, size) && sent_count == 1 && sent_size[0] == padded &&
           memcmp(sent[0], pattern, size) == 0;
    for (uint32_t i = size; i < padded; i++) same = same && sent[0][i] == 0;
  }
  check("sends frames of every length, padded to 60 bytes", same);
  keeps_sending = false;
  uint32_t taken = 0;
  while (taken < 100 && w5500_send(pattern, 1514)) taken++;
  check("refuses a frame when the memory is full", taken == 16384 / 1514);
  keeps_sending = true;
}

static void recovers(void) {
  uint32_t before = reopened;
  rx[get16(sockets[0] + 0x28) % rx_size()] = 0xff;
  rx_write = (rx_write + 500) & 0xffff;
  check("an impossible length (an overrun) reopens the socket",
        w5500_receive(got, 1518) == 0 && reopened == before + 1);
  arrives(pattern, 64);
  check("and receives again", w5500_receive(got, 1518) == 64);
  sockets[0][3] = 0;
  before = reopened;
  check("a socket that closed by itself is reopened", w5500_receive(got, 1518) == 0 && reopened == before + 1);
  takes_commands = false;
  check("a chip that takes no command is not waited for without end", !w5500_send(pattern, 60));
}

int main(void) {
  begins();
  receives();
  sends();
  recovers();
  return failed;
}
