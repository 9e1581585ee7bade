// Where this installation is. The launcher is in an environment's folder for
// programs, and in the package itself, beside the plugin.
#include "launcher.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *parent(const char *Path) {
  char *Folder = joined(Path, "", "");
  char *Slash = strrchr(Folder, '/');
  if (Slash)
    *Slash = 0;
  return Folder;
}

char *ownFolder(void) {
  char *Self = realpath("/proc/self/exe", NULL);
  if (!Self)
    die(ToolchainFailed, "can't find its own place: ", strerror(errno),
        "is /proc mounted?");
  return parent(Self);
}

char *pluginPath(void) {
  const char *Chosen = setting("LLMCOOP_PLUGIN");
  if (Chosen && access(Chosen, R_OK) == 0)
    return joined(Chosen, "", "");
  if (Chosen)
    die(ToolchainFailed, "can't read LLMCOOP_PLUGIN=", Chosen,
        "set it to the path of LLMCoop.so, or unset it");
  char *Folder = ownFolder();
  char *Beside = joined(Folder, "/", "LLMCoop.so");
  if (access(Beside, R_OK) == 0)
    return Beside;
  static const char *const Packages[] = {
      "/lib/python" LLMCOOP_PYTHON_VERSION "/site-packages",
      "/lib64/python" LLMCOOP_PYTHON_VERSION "/site-packages",
      "/lib/python" LLMCOOP_PYTHON_VERSION "/dist-packages", // Debian's own
      "",                                                    // pip --target
  };
  char *Prefix = parent(Folder);
  for (size_t I = 0; I < sizeof Packages / sizeof *Packages; ++I) {
    char *Path = joined(Prefix, Packages[I], "/llmcoop/LLMCoop.so");
    if (access(Path, R_OK) == 0)
      return Path;
  }
  die(ToolchainFailed, "no LLMCoop.so in the environment of ", Folder,
      "install llmcoop again (pip install .), or set LLMCOOP_PLUGIN to the "
      "path of LLMCoop.so");
}
