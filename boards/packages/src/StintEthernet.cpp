#ifdef ARDUINO

#include "StintEthernet.h"

#include <Arduino.h>

#include "stint_config.h"

namespace {
const struct stint_port *interface;
/* micros() wraps every 71 minutes; the stack's time does not. */
uint64_t now() {
  static uint64_t time;
  static uint32_t last;
  uint32_t at = micros();
  time += (uint32_t)(at - last);
  last = at;
  return time;
}
uint32_t number(IPAddress ip) {
  return (uint32_t)ip[0] << 24 | (uint32_t)ip[1] << 16 | (uint32_t)ip[2] << 8 | ip[3];
}
enum { CONNECT_MS = 10000, WRITE_MS = 10000 };
}  // namespace

StintEthernetClass StintEthernet;

int StintEthernetClass::begin(const struct stint_port *port, void *memory, uint32_t size, const uint8_t *mac,
                              IPAddress ip, IPAddress gateway, uint8_t prefix, const uint8_t *entropy) {
  if (stint_create(memory, size) == nullptr) return 0;
  struct stint_config config;
  stint_config_numbers(&config);
  config.macHigh = (uint32_t)mac[0] << 24 | (uint32_t)mac[1] << 16 | (uint32_t)mac[2] << 8 | mac[3];
  config.macLow = (uint32_t)mac[4] << 8 | mac[5];
  config.ip = number(ip);
  config.gateway = number(gateway);
  config.prefix = prefix;
  memcpy(&config.entropy0, entropy, 4 * sizeof config.entropy0);
  interface = port;
  return stint_init(&config) == 0;
}

void StintEthernetClass::maintain() {
  int turns = 8;
  while (stint_port_turn(interface, now()) == 0 && --turns > 0) continue;
  /* The sketch asks connections themselves. */
  while (stint_event_next() != 0) continue;
}

int StintClient::connect(IPAddress ip, uint16_t port) {
  handle_ = tcp_connect(0, 0, number(ip), port);
  if (handle_ <= 0) return 0;
  uint32_t began = millis();
  struct stint_tcp_info info;
  do {
    StintEthernet.maintain();
    if (tcp_info(handle_, &info) != 0) break;
    if (info.state == STINT_STATE_ESTABLISHED) return 1;
  } while (info.state != STINT_STATE_CLOSED && millis() - began < CONNECT_MS);
  stop();
  return 0;
}

int StintClient::connect(const char *, uint16_t) { return 0; }

size_t StintClient::write(const uint8_t *bytes, size_t size) {
  size_t done = 0;
  uint32_t began = millis();
  while (done < size && millis() - began < WRITE_MS) {
    int32_t n = tcp_send(handle_, (void *)(bytes + done), (uint32_t)(size - done));
    if (n > 0) done += (size_t)n;
    if (n < 0 && n != STINT_ERR_AGAIN) break;
    StintEthernet.maintain();
  }
  return done;
}

int StintClient::available() {
  StintEthernet.maintain();
  int32_t size = tcp_recv_size(handle_);
  return size > 0 ? size : 0;
}

int StintClient::read() {
  uint8_t byte;
  return read(&byte, 1) == 1 ? byte : -1;
}

int StintClient::read(uint8_t *to, size_t size) {
  int32_t n = tcp_recv(handle_, to, (uint32_t)size);
  return n > 0 ? n : -1;
}

int StintClient::peek() {
  uint8_t byte;
  return tcp_peek(handle_, &byte, 1) == 1 ? byte : -1;
}

void StintClient::stop() {
  if (handle_ > 0) tcp_close(handle_);
  handle_ = 0;
  StintEthernet.maintain();
}

uint8_t StintClient::connected() {
  struct stint_tcp_info info;
  if (handle_ <= 0) return 0;
  if (available() > 0) return 1;
  return tcp_info(handle_, &info) == 0 && info.state == STINT_STATE_ESTABLISHED;
}

void StintServer::begin() { listener_ = tcp_listen(0, port_, 4); }

StintClient StintServer::accept() {
  StintEthernet.maintain();
  int32_t handle = tcp_accept(listener_);
  return StintClient(handle > 0 ? handle : 0);
}

#endif
