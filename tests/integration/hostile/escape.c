// Tries to get rid of its limits, to change its place on the CPUs and to leave
// the sandbox. Prints what worked.
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static void try(const char *What, long Result) {
  if (Result >= 0)
    printf("%s\n", What);
}

static void raiseLimit(const char *What, int Resource) {
  const struct rlimit Unlimited = {RLIM_INFINITY, RLIM_INFINITY};
  try(What, setrlimit((__rlimit_resource_t)Resource, &Unlimited));
}

int main(int Count, char **Arguments) {
  if (Count > 1 && strcmp(Arguments[1], "int80") == 0) {
    long Pid = 20; // getpid by the 32-bit entry
    __asm__ volatile("int $0x80" : "+a"(Pid)::"memory");
    printf("32-bit calls\n");
    return 0;
  }
  raiseLimit("CPU time", RLIMIT_CPU);
  raiseLimit("memory", RLIMIT_AS);
  raiseLimit("file size", RLIMIT_FSIZE);
  raiseLimit("processes", RLIMIT_NPROC);
  raiseLimit("files", RLIMIT_NOFILE);
  const struct rlimit None = {0, 0};
  try("the runner's limits",
      syscall(SYS_prlimit64, 1, RLIMIT_NOFILE, &None, 0));
  cpu_set_t All;
  memset(&All, 0xff, sizeof All);
  try("CPUs", sched_setaffinity(0, sizeof All, &All));
  try("the runner's CPUs", sched_setaffinity(1, sizeof All, &All));
  try("priority", setpriority(PRIO_PROCESS, 1, 19));
  try("trace", ptrace(PTRACE_ATTACH, 1, 0, 0));
  try("user namespace", unshare(CLONE_NEWUSER));
  long Child = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
  if (Child == 0)
    return 0;
  try("clone into a user namespace", Child);
  try("mount", mount("tmpfs", "/tmp", "tmpfs", 0, ""));
  try("unmount", umount2("/exe/program", MNT_DETACH));
  try("unmount the cover", umount2("/exe", MNT_DETACH));
  try("root",
      setuid(0) == 0 && getuid() == 0 && access("/proc/1/root/.", F_OK) == 0
          ? 0
          : -1);
  try("memory file", memfd_create("hidden", 0));
  try("new privileges", prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
  try("core pattern", access("/proc/sys/kernel/core_pattern", W_OK));
  return 0;
}
