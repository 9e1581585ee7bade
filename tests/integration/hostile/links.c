// Puts links where the runner might read, write or delete: to the folder in its
// argument and to a file in it.
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int main(int Count, char **Arguments) {
  char Text[64] = "";
  FILE *Input = fopen("input.txt", "r");
  if (!Input || !fgets(Text, sizeof Text, Input))
    return 1;
  printf("input %s\n", Text);
  char Precious[4096];
  snprintf(Precious, sizeof Precious, "%s/precious",
           Count > 1 ? Arguments[1] : "/out");
  unlink("input.txt");
  int Linked = symlink(Precious, "input.txt") == 0 &&
               symlink(Arguments[1], "folder") == 0;
  const char *Places[] = {"/tmp/work", "/tmp/shm"};
  for (int I = 0; I < 2; ++I) {
    char Away[64];
    snprintf(Away, sizeof Away, "%s-away", Places[I]);
    if (rename(Places[I], Away) == 0)
      Linked += symlink(Arguments[1], Places[I]) == 0;
  }
  mkdir("locked", 0700);
  symlink(Arguments[1], "locked/folder");
  chmod("locked", 0);
  return Linked ? 0 : 2;
}
