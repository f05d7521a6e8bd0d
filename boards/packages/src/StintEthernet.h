/* For Arduino: a client and a server over stint, as the library Ethernet has them. One stack a sketch. */
#ifndef STINT_ETHERNET_H
#define STINT_ETHERNET_H

#ifdef ARDUINO

#include <Client.h>
#include <IPAddress.h>
#include <Server.h>

#include "stint_port.h"

class StintEthernetClass {
public:
  /* Starts the stack on an interface, in memory of the sketch. `entropy`: 32 bytes. 1, or 0: refused. */
  int begin(const struct stint_port *port, void *memory, uint32_t size, const uint8_t *mac, IPAddress ip,
            IPAddress gateway, uint8_t prefix, const uint8_t *entropy);
  /* Moves frames and time. Calls that wait do it as well; a sketch that has none does it in loop(). */
  void maintain();
};
extern StintEthernetClass StintEthernet;

class StintClient : public Client {
public:
  explicit StintClient(int32_t handle = 0) : handle_(handle) {}
  int connect(IPAddress ip, uint16_t port) override;
  /* Names are for builds with DNS: this one has none, and returns 0. */
  int connect(const char *host, uint16_t port) override;
  size_t write(uint8_t byte) override { return write(&byte, 1); }
  size_t write(const uint8_t *bytes, size_t size) override;
  int available() override;
  int read() override;
  int read(uint8_t *to, size_t size) override;
  int peek() override;
  void flush() override { StintEthernet.maintain(); }
  void stop() override;
  uint8_t connected() override;
  operator bool() override { return handle_ > 0; }

private:
  int32_t handle_;
};

class StintServer : public Server {
public:
  explicit StintServer(uint16_t port) : port_(port), listener_(0) {}
  void begin() override;
  /* A client that has connected, or none (false). */
  StintClient accept();
  /* To everybody is nobody here: write to a client. */
  size_t write(uint8_t) override { return 0; }
  size_t write(const uint8_t *, size_t) override { return 0; }

private:
  uint16_t port_;
  int32_t listener_;
};

#endif
#endif
