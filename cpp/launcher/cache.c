// What ccache can't see: an object also depends on the plugin, on the rewrites
// and on the plugin's settings. ccache reads this from its environment; to
// other compilers it means nothing.
#include "launcher.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The kernel takes no longer string in the environment (MAX_ARG_STRLEN).
enum { LongestSetting = (1 << 17) - 64 };

static int isRewrite(const struct dirent *Entry) {
  const char *Suffix = strrchr(Entry->d_name, '.');
  return Suffix && strcmp(Suffix, ".rewrite") == 0;
}

// Adds to a list in the environment, after what the user put there.
static void extend(const char *Name, const char *Separator, const char *Text) {
  const char *Old = setting(Name);
  setenv(Name, Old ? joined(Old, Separator, Text) : Text, true);
}

// The plugin and the rewrites, in an order that does not depend on the folder.
static char *filesToHash(const char *Plugin) {
  const char *Folder = setting("LLMCOOP_REWRITES");
  struct dirent **Entries = NULL;
  int Count = Folder ? scandir(Folder, &Entries, isRewrite, alphasort) : 0;
  char *Text = NULL;
  size_t Size = 0;
  FILE *List = owned(open_memstream(&Text, &Size));
  fputs(Plugin, List);
  for (int I = 0; I < Count; ++I)
    fprintf(List, ":%s/%s", Folder, Entries[I]->d_name);
  fclose(List);
  return Text;
}

static void describeSettings(void) {
  static const char *const Names[] = {"LLMCOOP_MODE", "LLMCOOP_FUNCTIONS"};
  for (size_t I = 0; I < sizeof Names / sizeof *Names; ++I) {
    const char *Value = setting(Names[I]);
    if (Value)
      extend("CCACHE_NAMESPACE", " ", joined(Names[I], "=", Value));
  }
}

void describeToCache(const char *Plugin) {
  const char *Mode = setting("LLMCOOP_MODE");
  char *Files = filesToHash(Plugin);
  bool Searches = Mode && strcmp(Mode, "search") == 0;
  // A search saves what it finds: an object from the cache would save nothing.
  if (Searches || strlen(Files) > LongestSetting)
    setenv("CCACHE_DISABLE", "1", true);
  else
    extend("CCACHE_EXTRAFILES", ":", Files);
  describeSettings();
}
