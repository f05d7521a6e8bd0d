/* How connections end: shutdown, close, reset, and what is said afterwards. */
#include "posix.h"

static char c[64];

static void half_close(void) {
  int f[2];
  pair(f);
  say("shutdown with a bad how", shutdown(f[0], 9));
  say("send", send(f[0], "last", 4, 0));
  say("shutdown SHUT_WR", shutdown(f[0], SHUT_WR));
  say("again", shutdown(f[0], SHUT_WR));
  say("send after it", send(f[0], "x", 1, MSG_NOSIGNAL));
  say_poll("the side that shut", f[0], 0);
  wait_for(f[1], POLLRDHUP);
  say_poll("the other side", f[1], 0);
  say("recv", recv(f[1], c, sizeof c, 0));
  say("recv at the end", recv(f[1], c, sizeof c, 0));
  say("and again", recv(f[1], c, sizeof c, 0));
  say("send the other way", send(f[1], "back", 4, 0));
  say("recv", recv(f[0], c, sizeof c, 0));
  say("close", close(f[1]));
  wait_for(f[0], POLLIN);
  say_poll("both have closed", f[0], 0);
  say("recv at the end", recv(f[0], c, sizeof c, 0));
  say_error("in order", f[0]);
  say("close", close(f[0]));
  say("close again", close(f[0]));
  say("recv of what is closed", recv(f[0], c, 1, 0));
}

static void not_to_read(void) {
  int f[2];
  pair(f);
  say("send", send(f[1], "before", 6, 0));
  wait_for(f[0], POLLIN);
  say("shutdown SHUT_RD", shutdown(f[0], SHUT_RD));
  say_poll("shut for reading", f[0], 0);
  say("what was there", recv(f[0], c, sizeof c, 0));
  say("then the end", recv(f[0], c, sizeof c, 0));
  say("sending goes on", send(f[0], "x", 1, 0));
  say("shutdown SHUT_RDWR", shutdown(f[0], SHUT_RDWR));
  say_poll("shut both ways", f[0], 0);
  close(f[0]), close(f[1]);
}

static void reset(void) {
  int f[2];
  struct linger l = {1, 0};
  pair(f);
  setsockopt(f[0], SOL_SOCKET, SO_LINGER, &l, sizeof l);
  close(f[0]);
  say_poll("after a RST", f[1], 1000);
  say_error("after a RST", f[1]);
  say_error("again", f[1]);
  say("recv", recv(f[1], c, 1, 0));
  say("send", send(f[1], "x", 1, MSG_NOSIGNAL));
  say_poll("later", f[1], 0);
  struct sockaddr_in a;
  socklen_t size = sizeof a;
  say("getpeername", getpeername(f[1], (struct sockaddr *)&a, &size));
  say("shutdown", shutdown(f[1], SHUT_RDWR));
  close(f[1]);

  pair(f);
  setsockopt(f[0], SOL_SOCKET, SO_LINGER, &l, sizeof l);
  close(f[0]);
  wait_for(f[1], POLLIN);
  say("recv tells of the RST", recv(f[1], c, 1, 0));
  say("once", recv(f[1], c, 1, 0));
  close(f[1]);

  pair(f);
  setsockopt(f[0], SOL_SOCKET, SO_LINGER, &l, sizeof l);
  close(f[0]);
  wait_for(f[1], POLLIN);
  say("send tells of the RST", send(f[1], "x", 1, MSG_NOSIGNAL));
  say("then the pipe is broken", send(f[1], "x", 1, MSG_NOSIGNAL));
  close(f[1]);
}

/* What came before a RST is there. */
static void before_the_reset(void) {
  int f[2];
  struct linger l = {1, 0};
  pair(f);
  send(f[0], "before", 6, 0);
  wait_for(f[1], POLLIN);
  setsockopt(f[0], SOL_SOCKET, SO_LINGER, &l, sizeof l);
  close(f[0]);
  usleep(20000);
  say_poll("text and a RST", f[1], 100);
  say("recv", recv(f[1], c, sizeof c, 0));
  say("recv", recv(f[1], c, sizeof c, 0));
  say("recv", recv(f[1], c, sizeof c, 0));
  close(f[1]);
}

/* Who closes without reading what has come resets. */
static void unread(void) {
  int f[2];
  pair(f);
  send(f[0], "unread", 6, 0);
  wait_for(f[1], POLLIN);
  close(f[1]);
  wait_for(f[0], POLLIN);
  say("recv", recv(f[0], c, 1, 0));
  close(f[0]);
}

/* Sent to somebody who has gone: the first is taken, then comes a RST, which is EPIPE since the peer had ended. */
static void sent_to_nobody(void) {
  int f[2];
  pair(f);
  close(f[1]);
  wait_for(f[0], POLLIN);
  say("recv", recv(f[0], c, 1, 0));
  say("send", send(f[0], "x", 1, MSG_NOSIGNAL));
  usleep(20000);
  say_poll("after the RST", f[0], 100);
  say_error("after the RST", f[0]);
  say("send", send(f[0], "x", 1, MSG_NOSIGNAL));
  say("recv", recv(f[0], c, 1, 0));
  close(f[0]);
}

/* Text for who has shut both ways. */
static void sent_to_the_deaf(void) {
  int f[2];
  pair(f);
  say("send before", send(f[1], "before", 6, 0));
  wait_for(f[0], POLLIN);
  say("shutdown SHUT_WR", shutdown(f[0], SHUT_WR));
  say("shutdown SHUT_RD", shutdown(f[0], SHUT_RD));
  say("what was there", recv(f[0], c, sizeof c, 0));
  wait_for(f[1], POLLIN);
  say("send", send(f[1], "x", 1, 0));
  usleep(20000);
  say_poll("the sender", f[1], 100);
  say_poll("who has shut", f[0], 100);
  say("send", send(f[1], "x", 1, MSG_NOSIGNAL));
  say_error("who has shut", f[0]);
  say("recv", recv(f[0], c, sizeof c, 0));
  close(f[0]), close(f[1]);
}

static void lingering(void) {
  int f[2];
  struct linger l = {1, 5};
  pair(f);
  setsockopt(f[0], SOL_SOCKET, SO_LINGER, &l, sizeof l);
  send(f[0], "lingering", 9, 0);
  long began = now_ms();
  say("close", close(f[0]));
  say_took("it is acknowledged at once", began, 0);
  say("recv", recv(f[1], c, sizeof c, 0));
  close(f[1]);
}

static void listeners(void) {
  int l = listener_on(0), fd = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in a = local(port_of(l));
  say("shutdown of a listener", shutdown(l, SHUT_RD));
  say("connect", connect(fd, (struct sockaddr *)&a, sizeof a));
  say("accept", accept(l, NULL, NULL));
  say("listen once more", listen(l, 1));
  say("connect", connect(fd, (struct sockaddr *)&a, sizeof a));
  /* A client that nobody has accepted is told when the listener closes. */
  close(l);
  wait_for(fd, POLLIN);
  say("recv", recv(fd, c, 1, 0));
  close(fd);
}

/* As Linux has it, shutdown fails before there is a connection, and what is shut stays so. */
static void shut_early(void) {
  int l = listener_on(0), fd = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in a = local(port_of(l));
  say("shutdown of a fresh socket", shutdown(fd, SHUT_WR));
  say("connect", connect(fd, (struct sockaddr *)&a, sizeof a));
  say_poll("shut for writing", fd, 0);
  say("send", send(fd, "x", 1, MSG_NOSIGNAL));
  close(fd);
  fd = socket(AF_INET, SOCK_STREAM, 0);
  say("shutdown both ways", shutdown(fd, SHUT_RDWR));
  say_poll("fresh, and shut", fd, 0);
  say("recv", recv(fd, c, 1, 0));
  /* A refusal makes it as new. */
  a = local(nobody(SOCK_STREAM));
  say("connect to nobody", connect(fd, (struct sockaddr *)&a, sizeof a));
  say_poll("refused", fd, 0);
  a = local(port_of(l));
  say("connect", connect(fd, (struct sockaddr *)&a, sizeof a));
  say("send", send(fd, "x", 1, MSG_NOSIGNAL));
  close(fd), close(l);
}

int main(void) {
  half_close();
  not_to_read();
  reset();
  before_the_reset();
  unread();
  sent_to_nobody();
  sent_to_the_deaf();
  lingering();
  listeners();
  shut_early();
  return 0;
}
