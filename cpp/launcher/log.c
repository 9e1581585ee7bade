// LLMCOOP_CC_LOG: a line of JSON for each command, {"directory", "arguments"},
// from which a compile_commands.json can be made.
#include "launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// Bytes that are not text stay as they are: names of files may be anything.
static void putString(FILE *Line, const char *Text) {
  fputc('"', Line);
  for (; *Text; ++Text) {
    unsigned char Byte = *Text;
    if (Byte < ' ')
      fprintf(Line, "\\u%04x", Byte);
    else
      fprintf(Line, Byte == '"' || Byte == '\\' ? "\\%c" : "%c", Byte);
  }
  fputc('"', Line);
}

static void putStrings(FILE *Line, char **Texts, const char *Separator) {
  for (; *Texts; ++Texts, Separator = ", ") {
    fputs(Separator, Line);
    putString(Line, *Texts);
  }
}

static _Noreturn void failed(const char *Path) {
  die(ToolchainFailed, joined("can't write to LLMCOOP_CC_LOG=", Path, ": "),
      strerror(errno), "set it to a file that can be written, or unset it");
}

void logCommand(char **Compiler, char **User) {
  const char *Path = setting("LLMCOOP_CC_LOG");
  if (!Path)
    return;
  char *Text = NULL, *Here = getcwd(NULL, 0);
  size_t Size = 0;
  FILE *Line = owned(open_memstream(&Text, &Size));
  if (!Here)
    die(ToolchainFailed, "can't tell the working directory: ", strerror(errno),
        "build in a folder that exists and can be read");
  fputs("{\"directory\": ", Line);
  putString(Line, Here);
  fputs(", \"arguments\": [", Line);
  putStrings(Line, Compiler, "");
  putStrings(Line, User, ", ");
  fputs("]}\n", Line);
  if (fclose(Line) != 0)
    failed(Path);
  // One write to the file's end: compilers that run at the same time do not
  // mix their lines.
  int File = open(Path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (File < 0 || write(File, Text, Size) != (ssize_t)Size)
    failed(Path);
  close(File);
  free(Text);
  free(Here);
}
