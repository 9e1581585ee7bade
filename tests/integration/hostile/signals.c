// Kills and stops whatever it can reach.
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

int main(void) {
  const int Signals[] = {SIGSTOP, SIGTERM, SIGPIPE, SIGKILL};
  for (int I = 0; I < 4; ++I) {
    kill(getppid(), Signals[I]);
    kill(1, Signals[I]);
    kill(-1, Signals[I]);
  }
  puts("still here");
  return 0;
}
