// What the files of the launcher share.
#ifndef LLMCOOP_LAUNCHER_H
#define LLMCOOP_LAUNCHER_H

#include <stdbool.h>

enum { UsageFailed = 2, ToolchainFailed = 4 }; // as the command's exit codes

/// Says what happened and what to do next, and exits.
_Noreturn void die(int Code, const char *What, const char *Where,
                   const char *Hint);

/// The value of an environment variable; null where it is not set or empty.
const char *setting(const char *Name);

/// What was allocated; dies where nothing was.
void *owned(void *Memory);

char *joined(const char *First, const char *Separator, const char *Second);

/// The folder that this executable is in, links followed.
char *ownFolder(void);

/// LLMCoop.so of this installation.
char *pluginPath(void);

/// Becomes the compiler. `User` are the arguments for it, without argv[0].
_Noreturn void compile(bool Cxx, char **User);

/// Adds a line with this command to the file in LLMCOOP_CC_LOG, if there is
/// one.
void logCommand(char **Compiler, char **User);

/// Tells ccache what else the object depends on: `Plugin`, rewrites, settings.
void describeToCache(const char *Plugin);

#endif
