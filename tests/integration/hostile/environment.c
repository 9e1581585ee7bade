// Prints every variable that it can find, its own and those of the other
// processes.
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>

extern char **environ;

int main(void) {
  for (char **Variable = environ; *Variable; ++Variable)
    puts(*Variable);
  DIR *Processes = opendir("/proc");
  for (struct dirent *Entry; Processes && (Entry = readdir(Processes));) {
    const char *Names[] = {"environ", "cmdline"};
    for (int I = 0; isdigit((unsigned char)*Entry->d_name) && I < 2; ++I) {
      char Path[300];
      snprintf(Path, sizeof Path, "/proc/%s/%s", Entry->d_name, Names[I]);
      FILE *File = fopen(Path, "r");
      for (int Char; File && (Char = getc(File)) != EOF;)
        putchar(Char ? Char : '\n');
    }
  }
  return 0;
}
