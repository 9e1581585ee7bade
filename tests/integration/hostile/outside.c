// Tries to write to and to read from each path in its arguments, and names
// those that it could.
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int main(int Count, char **Arguments) {
  for (int I = 1; I < Count; ++I) {
    char Inside[4096];
    snprintf(Inside, sizeof Inside, "%s/llmcoop-was-here", Arguments[I]);
    int Made = open(Inside, O_CREAT | O_WRONLY, 0666);
    int Written = open(Arguments[I], O_WRONLY);
    if (Made >= 0 || Written >= 0 || chmod(Arguments[I], 0777) == 0)
      printf("wrote %s\n", Arguments[I]);
    char Byte;
    int Read = open(Arguments[I], O_RDONLY);
    if (Read >= 0 && read(Read, &Byte, 1) == 1)
      printf("read %s\n", Arguments[I]);
  }
  return 0;
}
