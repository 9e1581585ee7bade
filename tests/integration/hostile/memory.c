// Takes 100 GB: "malloc", "mmap" or "family", in which every process stays
// within its own limit.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { Step = 64 << 20, Steps = 1600 };

static int take(const char *How) {
  for (int I = 0; I < Steps; ++I) {
    char *Block = strcmp(How, "malloc") == 0
                      ? malloc(Step)
                      : mmap(0, Step, PROT_READ | PROT_WRITE,
                             MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (!Block || Block == MAP_FAILED)
      return I;
    memset(Block, 1, Step);
  }
  return Steps;
}

int main(int Count, char **Arguments) {
  const char *How = Count > 1 ? Arguments[1] : "malloc";
  if (strcmp(How, "family") != 0) {
    printf("%s\n", take(How) == Steps ? "got everything" : "refused");
    return 0;
  }
  for (int I = 0; I < 16; ++I)
    if (fork() == 0) {
      take("mmap");
      pause();
    }
  pause();
}
