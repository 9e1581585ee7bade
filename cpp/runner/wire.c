// The bytes between us and our caller: stdin and stdout, before a candidate
// gets its own.
#include "runner.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ChunkBytes = 1 << 16, StringLimit = 1 << 24 };

void readExactly(void *Buffer, uint64_t Bytes) {
  for (char *At = Buffer; Bytes > 0;) {
    ssize_t Read = read(STDIN_FILENO, At, Bytes);
    if (Read == 0)
      exit(0); // the caller has finished
    if (Read < 0)
      die("read");
    At += Read;
    Bytes -= (uint64_t)Read;
  }
}

static void writeExactly(int File, const char *At, uint64_t Bytes) {
  while (Bytes > 0) {
    ssize_t Written = write(File, At, Bytes);
    if (Written < 0)
      die("write");
    At += Written;
    Bytes -= (uint64_t)Written;
  }
}

uint64_t readNumber(void) {
  uint64_t Number;
  readExactly(&Number, sizeof Number);
  return Number;
}

char *readString(void) {
  uint64_t Bytes = readNumber();
  errno = EMSGSIZE;
  char *String = Bytes < StringLimit ? malloc(Bytes + 1) : NULL;
  if (!String)
    die("read a string");
  readExactly(String, Bytes);
  String[Bytes] = '\0';
  return String;
}

char **readStrings(void) {
  uint64_t Count = readNumber();
  errno = EMSGSIZE;
  char **Strings =
      Count < StringLimit ? calloc(Count + 1, sizeof *Strings) : NULL;
  if (!Strings)
    die("read strings");
  for (uint64_t I = 0; I < Count; ++I)
    Strings[I] = readString();
  return Strings;
}

void freeStrings(char **Strings) {
  for (char **At = Strings; *At; ++At)
    free(*At);
  free(Strings);
}

void readBlob(int File) {
  char Chunk[ChunkBytes];
  for (uint64_t Left = readNumber(); Left > 0;) {
    uint64_t Bytes = Left < ChunkBytes ? Left : ChunkBytes;
    readExactly(Chunk, Bytes);
    writeExactly(File, Chunk, Bytes);
    Left -= Bytes;
  }
}

void writeBytes(const void *Data, uint64_t Bytes) {
  writeExactly(STDOUT_FILENO, Data, Bytes);
}

void writeNumber(uint64_t Number) { writeBytes(&Number, sizeof Number); }

void writeBlob(int File, uint64_t Limit) {
  struct stat Status;
  if (fstat(File, &Status) < 0)
    die("fstat");
  uint64_t Size = (uint64_t)Status.st_size;
  off_t At = Size > Limit ? (off_t)(Size - Limit) : 0;
  writeNumber(Size - (uint64_t)At);
  while (At < Status.st_size)
    if (sendfile(STDOUT_FILENO, File, &At, (size_t)(Status.st_size - At)) <= 0)
      die("sendfile");
}

void die(const char *What) {
  dprintf(STDERR_FILENO, "%s: %s: %s\n", program_invocation_short_name, What,
          strerror(errno));
  exit(1);
}
