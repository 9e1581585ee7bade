// Looks for descriptors that it should not have, writes to them, and closes or
// moves its own.
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int main(void) {
  for (int File = 3; File < 4096; ++File)
    if (fcntl(File, F_GETFD) >= 0) {
      printf("has %d\n", File);
      write(File, "\0\0\0\0\0\0\0\0", 8);
    }
  if (write(0, "x", 1) >= 0 || open("/proc/self/fd/0", O_WRONLY | O_TRUNC) >= 0)
    puts("wrote to stdin");
  if (open("/proc/1/fd/1", O_WRONLY) >= 0 || open("/proc/1/mem", O_RDWR) >= 0)
    puts("reached the runner");
  fflush(stdout);
  dup2(1, 50);
  for (int File = 0; File < 3; ++File)
    close(File);
  return 0;
}
