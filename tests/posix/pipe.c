/* SIGPIPE, where there are signals: not run under WASI, which has none. */
#include "posix.h"

#include <signal.h>

static volatile sig_atomic_t signals;
static void count(int number) { (void)number, signals++; }

int main(void) {
  int f[2];
  char c = 0;
  struct iovec v = {&c, 1};
  struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
  signal(SIGPIPE, count);
  pair(f);
  shutdown(f[0], SHUT_WR);
  say("send", send(f[0], "x", 1, 0));
  printf("signals: %d\n", (int)signals);
  say("send MSG_NOSIGNAL", send(f[0], "x", 1, MSG_NOSIGNAL));
  printf("signals: %d\n", (int)signals);
  say("write", write(f[0], "x", 1));
  printf("signals: %d\n", (int)signals);
  say("writev", writev(f[0], &v, 1));
  say("sendmsg", sendmsg(f[0], &m, 0));
  say("sendmsg MSG_NOSIGNAL", sendmsg(f[0], &m, MSG_NOSIGNAL));
  printf("signals: %d\n", (int)signals);
  signal(SIGPIPE, SIG_IGN);
  say("ignored", write(f[0], "x", 1));
  return 0;
}
