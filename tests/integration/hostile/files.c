// Makes as many files as it can, then folders as deep as it can, then fills
// what is left of the space.
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

int main(void) {
  int Made = 0, Top = open(".", O_DIRECTORY);
  char Name[32];
  for (; Made < 10000000; ++Made) {
    snprintf(Name, sizeof Name, "%d", Made);
    int File = open(Name, O_CREAT | O_WRONLY, 0666);
    if (File < 0)
      break;
    close(File);
  }
  for (int I = 0; I < Made / 2; ++I) {
    snprintf(Name, sizeof Name, "%d", I);
    unlink(Name);
  }
  while (mkdir("deep", 0700) == 0 && chdir("deep") == 0)
    ;
  static char Block[1 << 20];
  int File = openat(Top, "0", O_CREAT | O_WRONLY, 0666);
  while (write(File, Block, sizeof Block) > 0)
    ;
  puts(Made < 10000000 ? "full" : "got everything");
  return 0;
}
