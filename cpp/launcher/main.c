// llmcoop, llmcoop-cc, llmcoop-c++: starts the compiler with the plugin, or
// Python with the command.
//
//   llmcoop cc ARGUMENTS    (also llmcoop-cc)   clang with the plugin
//   llmcoop c++ ARGUMENTS   (also llmcoop-c++)  clang++ with the plugin
//   llmcoop ANYTHING ELSE                       python -m llmcoop
//
// A build calls the compiler thousands of times: that must not wait for
// Python. It always becomes what it starts, so exit codes, signals, standard
// streams and the process id are the program's own.
#include "launcher.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

_Noreturn void die(int Code, const char *What, const char *Where,
                   const char *Hint) {
  fprintf(stderr, "llmcoop: %s%s\n  %s\n", What, Where, Hint);
  exit(Code);
}

const char *setting(const char *Name) {
  const char *Value = getenv(Name);
  return Value && *Value ? Value : NULL;
}

void *owned(void *Memory) {
  if (!Memory)
    die(ToolchainFailed, "out of memory", "", "free some and try again");
  return Memory;
}

char *joined(const char *First, const char *Separator, const char *Second) {
  char *Text;
  if (asprintf(&Text, "%s%s%s", First, Separator, Second) < 0)
    Text = NULL;
  return owned(Text);
}

// As a console script does, it keeps the working directory out of the search
// for modules (-P): a statistics.py there must not be taken for Python's.
static _Noreturn void runPython(char **User, size_t Count) {
  char *Beside = joined(ownFolder(), "/python", LLMCOOP_PYTHON_VERSION);
  // `pip install --user` and /usr/local have no interpreter of their own.
  char *Python = access(Beside, X_OK) == 0 ? Beside : LLMCOOP_BASE_PYTHON;
  char *First[] = {Python, "-P", "-m", "llmcoop"};
  size_t FirstCount = sizeof First / sizeof *First;
  char **All = owned(calloc(FirstCount + Count + 1, sizeof *All));
  memcpy(All, First, sizeof First);
  memcpy(All + FirstCount, User, Count * sizeof *User);
  execv(Python, All);
  die(ToolchainFailed, joined("can't run ", Python, ": "), strerror(errno),
      "install llmcoop again, for the Python that you want to use it with");
}

int main(int Count, char **Arguments) {
  if (Count < 1)
    die(UsageFailed, "started without a name", "", "start it as llmcoop");
  const char *Name = basename(Arguments[0]);
  bool OneWord = strncmp(Name, "llmcoop-", 8) == 0;
  const char *Command = OneWord ? Name + 8 : Count > 1 ? Arguments[1] : "";
  bool Cxx = strcmp(Command, "c++") == 0;
  if (Cxx || strcmp(Command, "cc") == 0)
    compile(Cxx, Arguments + (OneWord ? 1 : 2));
  runPython(Arguments + 1, Count - 1);
}
