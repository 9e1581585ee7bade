// Leaves a daemon behind that ignores polite signals and holds the descriptors.
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

int main(void) {
  if (fork() == 0) {
    setsid();
    for (int Signal = 1; Signal < 32; ++Signal)
      signal(Signal, SIG_IGN);
    if (fork() == 0)
      for (;;)
        pause();
    _exit(0);
  }
  puts("done");
  return 0;
}
