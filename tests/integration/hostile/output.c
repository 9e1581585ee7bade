// Writes 10 GB to stdout; told to "ignore", it ignores the signal that should
// stop it.
#include <signal.h>
#include <string.h>
#include <unistd.h>

int main(int Count, char **Arguments) {
  if (Count > 1 && strcmp(Arguments[1], "ignore") == 0)
    signal(SIGXFSZ, SIG_IGN);
  static char Block[1 << 20];
  memset(Block, 'x', sizeof Block);
  for (int I = 0; I < 10 << 10; ++I)
    if (write(1, Block, sizeof Block) < 0)
      return 4;
  return 0;
}
