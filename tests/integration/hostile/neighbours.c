// Looks for executables other than its own, and for more than its own name
// tells.
#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

int main(int Count, char **Arguments) {
  (void)Count;
  char Self[4096];
  ssize_t Length = readlink("/proc/self/exe", Self, sizeof Self - 1);
  printf("%s %.*s\n", Arguments[0], (int)Length, Self);
  DIR *Folder = opendir("/exe");
  for (struct dirent *Entry; Folder && (Entry = readdir(Folder));)
    if (Entry->d_name[0] != '.')
      printf("sees %s\n", Entry->d_name);
  return 0;
}
