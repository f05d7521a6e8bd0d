/*
 * A small HTTP/1.1 server, and with an address a client, as one writes them for any UNIX: nothing in it knows of stint.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int die(const char *what) {
  fprintf(stderr, "%s: %s\n", what, strerror(errno));
  return 1;
}

static int send_all(int fd, const char *data, size_t size) {
  while (size > 0) {
    ssize_t n = send(fd, data, size, MSG_NOSIGNAL);
    if (n < 0) return -1;
    data += n, size -= (size_t)n;
  }
  return 0;
}

static void serve(int fd) {
  char request[2048], answer[4096];
  size_t have = 0;
  for (;;) {
    ssize_t n = recv(fd, request + have, sizeof request - 1 - have, 0);
    if (n <= 0) return;
    have += (size_t)n;
    request[have] = 0;
    char *end;
    while ((end = strstr(request, "\r\n\r\n")) != NULL) {
      char method[8] = "", path[256] = "";
      int keep = strstr(request, "Connection: close") == NULL;
      sscanf(request, "%7s %255s", method, path);
      char body[512];
      int size = snprintf(body, sizeof body, "you asked for %s\n", path), known = strcmp(method, "GET") == 0;
      int head =
          snprintf(answer, sizeof answer, "HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n%s\r\n%s",
                   known ? "200 OK" : "405 Method Not Allowed", size, keep ? "" : "Connection: close\r\n", body);
      if (send_all(fd, answer, (size_t)head) != 0 || !keep) return;
      have -= (size_t)(end + 4 - request);
      memmove(request, end + 4, have + 1);
    }
    if (have == sizeof request - 1) return;
  }
}

static int get(const char *host, int port, const char *path) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  if (inet_pton(AF_INET, host, &to.sin_addr) != 1) {
    fprintf(stderr, "%s is no address\n", host);
    return 2;
  }
  int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
  if (fd < 0) return die("socket");
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0) return die("connect");
  char text[1024];
  int size = snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", path, host);
  if (send_all(fd, text, (size_t)size) != 0) return die("send");
  for (ssize_t n; (n = recv(fd, text, sizeof text, 0)) != 0;) {
    if (n < 0) return die("recv");
    fwrite(text, 1, (size_t)n, stderr);
  }
  close(fd);
  return 0;
}

int main(int argc, char **argv) {
  int port = argc > 1 ? atoi(argv[1]) : 80;
  if (argc > 2) return get(argv[2], port, argc > 3 ? argv[3] : "/");
  int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;
  if (listener < 0) return die("socket");
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  struct sockaddr_in own = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = {htonl(INADDR_ANY)}};
  if (bind(listener, (struct sockaddr *)&own, sizeof own) != 0) return die("bind");
  if (listen(listener, 16) != 0) return die("listen");
  for (;;) {
    struct sockaddr_in peer;
    socklen_t size = sizeof peer;
    int fd = accept(listener, (struct sockaddr *)&peer, &size);
    if (fd < 0) return die("accept");
    serve(fd);
    close(fd);
  }
}
