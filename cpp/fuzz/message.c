// Requests and replies as a whole: a batch of runs is one of each, so that the
// pipes never stall a run.
#include "fuzzer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *Last; // the request
static char *Reply;
static uint64_t ReplyBytes, ReplyRoom;

Message readMessage(void) {
  uint64_t Bytes = readNumber();
  free(Last);
  Last = malloc(Bytes + 1);
  if (!Last)
    die("read a request");
  readExactly(Last, Bytes);
  return (Message){Last, Last + Bytes};
}

const char *takeBytes(Message *In, uint64_t Bytes) {
  errno = EBADMSG;
  if ((uint64_t)(In->End - In->At) < Bytes)
    die("read a request");
  In->At += Bytes;
  return In->At - Bytes;
}

uint64_t takeNumber(Message *In) {
  uint64_t Number;
  memcpy(&Number, takeBytes(In, sizeof Number), sizeof Number);
  return Number;
}

const char *takeBlob(Message *In, uint64_t *Bytes) {
  *Bytes = takeNumber(In);
  return takeBytes(In, *Bytes);
}

static char *room(uint64_t Bytes) {
  if (ReplyBytes + Bytes > ReplyRoom) {
    ReplyRoom = 2 * (ReplyBytes + Bytes);
    Reply = realloc(Reply, ReplyRoom);
  }
  if (!Reply)
    die("write a reply");
  ReplyBytes += Bytes;
  return Reply + ReplyBytes - Bytes;
}

void putBytes(const void *Data, uint64_t Bytes) {
  if (Bytes)
    memcpy(room(Bytes), Data, Bytes);
}

void putNumber(uint64_t Number) { putBytes(&Number, sizeof Number); }

uint64_t sizeOf(int File) {
  struct stat Status;
  if (fstat(File, &Status) < 0)
    die("fstat");
  return (uint64_t)Status.st_size;
}

void putBlobOf(int File, uint64_t Limit) {
  uint64_t Size = sizeOf(File);
  uint64_t Shown = Size < Limit ? Size : Limit;
  putNumber(Shown);
  char *Where = room(Shown);
  for (uint64_t Done = 0; Done < Shown;) {
    ssize_t Read =
        pread(File, Where + Done, Shown - Done, (off_t)(Size - Shown + Done));
    if (Read <= 0)
      die("read an output");
    Done += (uint64_t)Read;
  }
}

void dropReply(void) { ReplyBytes = 0; }

void sendReply(uint64_t Success) {
  writeNumber(Success);
  writeNumber(ReplyBytes);
  writeBytes(Reply, ReplyBytes);
  dropReply();
}
