/* Signals end calls that wait: not run under WASI, which has none. */
#include "posix.h"

#include <signal.h>

static volatile sig_atomic_t signals;
static void count(int number) { (void)number, signals++; }

/* A signal after 50 ms. */
static void alarm_soon(int flags) {
  struct sigaction a = {.sa_handler = count, .sa_flags = flags};
  struct itimerval t = {.it_value = {.tv_usec = 50000}};
  sigaction(SIGALRM, &a, NULL);
  setitimer(ITIMER_REAL, &t, NULL);
}

/* What a call returned, and how many signals there were by then. */
static void ended(const char *what, long result) {
  say(what, result);
  printf("  after signal %d\n", (int)signals);
}

int main(void) {
  int f[2], listener = listener_on(0);
  char c;
  struct timeval second = {1, 0}, brief = {0, 200000};
  pair(f);
  struct pollfd p = {.fd = f[0], .events = POLLIN};
  fd_set r;
  FD_ZERO(&r);
  FD_SET(f[0], &r);
  alarm_soon(0);
  ended("recv", recv(f[0], &c, 1, 0));
  alarm_soon(0);
  ended("accept", accept(listener, NULL, NULL));
  /* These go on for nobody. */
  alarm_soon(SA_RESTART);
  ended("poll", poll(&p, 1, 1000));
  alarm_soon(SA_RESTART);
  ended("select", select(f[0] + 1, &r, NULL, NULL, &second));
  setsockopt(f[0], SOL_SOCKET, SO_RCVTIMEO, &second, sizeof second);
  alarm_soon(SA_RESTART);
  ended("recv with a time limit", recv(f[0], &c, 1, 0));
  send(f[1], "abc", 3, 0);
  char text[8];
  alarm_soon(0);
  ended("what was there is not lost", recv(f[0], text, sizeof text, MSG_WAITALL));
  /* Who tries again waits again. */
  setsockopt(f[0], SOL_SOCKET, SO_RCVTIMEO, &brief, sizeof brief);
  alarm_soon(SA_RESTART);
  while (recv(f[0], &c, 1, 0) < 0 && errno == EINTR) continue;
  ended("recv", -1);
  return 0;
}
