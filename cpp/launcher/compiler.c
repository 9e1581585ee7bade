// The command line of the compiler: the user's, with the plugin in front.
#include "launcher.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wordexp.h>

#define MAJOR LLMCOOP_LLVM_MAJOR
static const char DebianFolder[] = "/usr/lib/llvm-" MAJOR "/bin";

static size_t countOf(char **Words) {
  size_t Count = 0;
  while (Words[Count])
    ++Count;
  return Count;
}

// Copies words to where `End` points, and the null after them.
static char **append(char **End, char **Words) {
  size_t Count = countOf(Words);
  memcpy(End, Words, (Count + 1) * sizeof *Words);
  return End + Count;
}

// The words of an environment variable, quoted as in a shell; none where it is
// not set.
static char **wordsOf(const char *Name) {
  const char *Value = setting(Name);
  wordexp_t Found;
  if (wordexp(Value ? Value : "", &Found, WRDE_NOCMD | WRDE_UNDEF) == 0)
    return Found.we_wordv;
  die(UsageFailed, joined("can't split ", Name, " into words: "), Value,
      "quote it as in a shell; commands in it are not run");
}

// As the toolchain module of the package finds it.
static char *defaultCompiler(bool Cxx) {
  const char *Stated = setting("LLMCOOP_LLVM_BIN");
  char *Path =
      joined(Stated ? Stated : DebianFolder, "/", Cxx ? "clang++" : "clang");
  if (Stated || access(Path, X_OK) == 0)
    return Path;
  return Cxx ? "clang++-" MAJOR : "clang-" MAJOR;
}

static char **compilerWords(bool Cxx) {
  char **Chosen = wordsOf("LLMCOOP_CLANG");
  char **Words = owned(calloc(countOf(Chosen) + 2, sizeof *Words));
  if (!*Chosen) {
    Words[0] = defaultCompiler(Cxx);
    return Words;
  }
  static char *Driver[] = {"--driver-mode=g++", NULL};
  char **End = append(Words, Chosen);
  if (Cxx) // the words may name a clang that takes itself for a C compiler
    append(End, Driver);
  return Words;
}

// Without what comes before the compiler: ccache, distcc.
static char **bareCompiler(char **Words) {
  for (char **Word = Words; *Word; ++Word)
    if (strstr(basename(*Word), "clang"))
      return Word;
  return Words;
}

static _Noreturn void execute(char **Command) {
  execvp(*Command, Command);
  const char *Hint = "install clang-" MAJOR ", or set LLMCOOP_CLANG to the "
                     "command of a clang " MAJOR;
  if (errno == E2BIG)
    Hint = "put the arguments in a file and give it as @FILE";
  die(ToolchainFailed, joined("can't run ", *Command, ": "), strerror(errno),
      Hint);
}

_Noreturn void compile(bool Cxx, char **User) {
  // clang's own inner tools, -cc1 and -cc1as, are asked for by the first word.
  bool Inner = *User && strncmp(*User, "-cc1", 4) == 0;
  char **Compiler = compilerWords(Cxx && !Inner);
  char **Added = wordsOf("LLMCOOP_CC_ADD");
  char *Plugin = pluginPath();
  logCommand(bareCompiler(Compiler), User);
  describeToCache(Plugin);
  // Where clang has no use for what is added, it must not warn about it.
  char *Before[] = {"--start-no-unused-arguments",
                    joined("-fpass-plugin", "=", Plugin),
                    "--end-no-unused-arguments", NULL};
  char *Open[] = {"--start-no-unused-arguments", NULL};
  char *Close[] = {"--end-no-unused-arguments", NULL};
  size_t Count = countOf(Compiler) + countOf(User) + countOf(Added) + 6;
  char **Command = owned(calloc(Count, sizeof *Command)), **End = Command;
  End = append(End, Compiler);
  End = append(End, Inner ? (char *[]){NULL} : Before);
  End = append(End, User);
  if (*Added && !Inner)
    append(append(append(End, Open), Added), Close);
  execute(Command);
}
