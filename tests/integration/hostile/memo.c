// Leaves a note for its next run wherever it can, and says which notes it
// finds.
#include <fcntl.h>
#include <mqueue.h>
#include <stdio.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

static void note(const char *Where, int Found, int Left) {
  if (Found)
    printf("found a note: %s\n", Where);
  if (Left)
    fprintf(stderr, "left a note: %s\n", Where);
}

static void noteFile(const char *Path) {
  int Found = access(Path, F_OK) == 0;
  note(Path, Found, open(Path, O_CREAT | O_WRONLY, 0666) >= 0);
}

static void noteTime(const char *Folder) {
  struct stat Status;
  const struct timespec Times[2] = {{.tv_sec = 4711}, {.tv_sec = 4711}};
  int Found = stat(Folder, &Status) == 0 && Status.st_mtime == 4711;
  note(Folder, Found, utimensat(AT_FDCWD, Folder, Times, 0) == 0);
}

int main(void) {
  const char *Files[] = {"note",  "/tmp/note", "/dev/shm/note", "/exe/note",
                         "/note", "/dev/note", "/var/tmp/note"};
  for (int I = 0; I < 7; ++I)
    noteFile(Files[I]);
  const char *Folders[] = {
      ".", "/tmp", "/dev/shm", "/exe", "/exe/program", "/", "/proc/self/fd/0"};
  for (int I = 0; I < 7; ++I)
    noteTime(Folders[I]);
  char Byte;
  int Found = getxattr("/tmp", "user.note", &Byte, 1) >= 0 ||
              getxattr("/exe/program", "user.note", &Byte, 1) >= 0;
  note("xattr", Found, setxattr("/tmp", "user.note", "1", 1, 0) == 0);
  setxattr("/exe/program", "user.note", "1", 1, 0);
  Found = shm_open("/note2", O_RDWR, 0666) >= 0;
  note("shm_open", Found, shm_open("/note2", O_CREAT | O_RDWR, 0666) >= 0);
  note("shmget", shmget(4711, 1, 0) >= 0,
       shmget(4711, 1, IPC_CREAT | 0666) >= 0);
  note("msgget", msgget(4711, 0) >= 0, msgget(4711, IPC_CREAT | 0666) >= 0);
  note("semget", semget(4711, 1, 0) >= 0,
       semget(4711, 1, IPC_CREAT | 0666) >= 0);
  note("mq_open", mq_open("/note", O_RDWR) >= 0,
       mq_open("/note", O_CREAT | O_RDWR, 0666, 0) >= 0);
  printf("process %d of %d\n", getpid(), getppid());
  return 0;
}
