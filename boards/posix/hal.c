/*
 * A PC: the reference port. Frames go over a UNIX stream socket, 4 bytes of length before each, as QEMU and passt speak
 * it. Run it under a debugger, or with sanitizers.
 *
 *   STINT_STREAM=/tmp/link build/boards/posix/firmware.elf
 */
#include "hal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static int link_fd = -1;
/* No frame is longer; a larger length means that the other side speaks something else. */
enum { FRAME_MAX = 65536 + 14 };
/* What has come: a length, then as much of the frame as there is. */
static uint8_t in[FRAME_MAX + 4];
static uint32_t in_size;

uint64_t hal_now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

const char *hal_init(const uint8_t mac[6]) {
  (void)mac;
  const char *path = getenv("STINT_STREAM");
  if (path == NULL) return "set STINT_STREAM to the path of the link's socket";
  struct sockaddr_un to = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof to.sun_path) return "the path in STINT_STREAM is too long";
  strcpy(to.sun_path, path);
  link_fd = socket(AF_UNIX, SOCK_STREAM, 0);
  if (link_fd < 0 || connect(link_fd, (struct sockaddr *)&to, sizeof to) != 0) return "nobody listens at STINT_STREAM";
  fcntl(link_fd, F_SETFL, O_NONBLOCK);
  setvbuf(stdout, NULL, _IOLBF, 0);
  return NULL;
}

/* Reads until `want` bytes are there. Returns whether they are. */
static bool fill(uint32_t want) {
  while (in_size < want) {
    ssize_t n = read(link_fd, in + in_size, want - in_size);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
      fprintf(stderr, "stint: the link has closed\n");
      exit(3);
    }
    if (n < 0) return false;
    in_size += (uint32_t)n;
  }
  return true;
}

uint32_t hal_receive(uint8_t *frame, uint32_t room) {
  if (!fill(4)) return 0;
  uint32_t size;
  memcpy(&size, in, 4);
  size = ntohl(size);
  if (size > FRAME_MAX) {
    fprintf(stderr, "stint: what comes over the link are no frames\n");
    exit(3);
  }
  if (!fill(4 + size)) return 0;
  memcpy(frame, in + 4, size < room ? size : room);
  in_size = 0;
  return size;
}

bool hal_send(const uint8_t *frame, uint32_t size) {
  uint8_t out[4 + 1514 + 4] = {0};
  uint32_t padded = size < 60 ? 60 : size, n = htonl(padded);
  memcpy(out, &n, 4);
  memcpy(out + 4, frame, size);
  /* All of it or nothing: the socket's buffer is larger than a frame. */
  for (uint32_t sent = 0; sent < 4 + padded;) {
    ssize_t w = send(link_fd, out + sent, 4 + padded - sent, MSG_NOSIGNAL);
    if (w > 0) {
      sent += (uint32_t)w;
    } else if (errno == EAGAIN && sent == 0) {
      return false;
    } else if (errno == EAGAIN || errno == EINTR) {
      poll(&(struct pollfd){.fd = link_fd, .events = POLLOUT}, 1, 1000);
    } else {
      fprintf(stderr, "stint: the link has closed\n");
      exit(3);
    }
  }
  return true;
}

bool hal_entropy(uint8_t *out, uint32_t size) { return getrandom(out, size, 0) == (ssize_t)size; }

void hal_idle(uint64_t until_us) {
  uint64_t now = hal_now_us();
  if (until_us <= now) return;
  uint64_t wait_us = until_us == UINT64_MAX ? 1000000 : until_us - now;
  struct timespec t = {.tv_sec = (time_t)(wait_us / 1000000), .tv_nsec = (long)(wait_us % 1000000) * 1000};
  ppoll(&(struct pollfd){.fd = link_fd, .events = POLLIN}, 1, &t, NULL);
}

void hal_putc(char c) { putchar(c); }

uint32_t hal_ticks(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint32_t)((uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec);
}

_Noreturn void hal_exit(int status) { exit(status); }
