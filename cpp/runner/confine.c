// Take rights away from the process that is about to become a candidate:
// limits, user, system calls.
#include "runner.h"

#include <errno.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { OpenFiles = 1024, X32Bit = 0x40000000 };

// Refused with EPERM: what outlives a run, looks into other processes, changes
// the runner's or its own place on the CPUs, or only enlarges the surface of
// the kernel. Memory files would escape the limit on memory.
static const int Refused[] = {SYS_ptrace,
                              SYS_process_vm_readv,
                              SYS_process_vm_writev,
                              SYS_process_madvise,
                              SYS_pidfd_getfd,
                              SYS_kcmp,
                              SYS_keyctl,
                              SYS_add_key,
                              SYS_request_key,
                              SYS_shmget,
                              SYS_msgget,
                              SYS_semget,
                              SYS_mq_open,
                              SYS_memfd_create,
                              SYS_bpf,
                              SYS_perf_event_open,
                              SYS_userfaultfd,
                              SYS_io_uring_setup,
                              SYS_mount,
                              SYS_umount2,
                              SYS_move_mount,
                              SYS_fsopen,
                              SYS_open_tree,
                              SYS_pivot_root,
                              SYS_chroot,
                              SYS_unshare,
                              SYS_setns,
                              SYS_sched_setaffinity,
                              SYS_setpriority,
                              SYS_sched_setscheduler,
                              SYS_sched_setparam,
                              SYS_sched_setattr,
                              SYS_ioprio_set,
                              SYS_migrate_pages,
                              SYS_move_pages};
enum { RefusedCount = sizeof Refused / sizeof *Refused };

#define LOAD(Field)                                                            \
  BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, Field))
#define IF_EQUAL(Value, Skip)                                                  \
  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, Value, 0, Skip)
#define RETURN(Action) BPF_STMT(BPF_RET | BPF_K, Action)
#define REFUSE RETURN(SECCOMP_RET_ERRNO | EPERM)

enum {
  NewNamespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
                  CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET
};

static const struct sock_filter Head[] = {
    // 32-bit calls and x32 calls have numbers of their own.
    LOAD(arch),
    IF_EQUAL(AUDIT_ARCH_X86_64, 2),
    LOAD(nr),
    BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32Bit, 0, 1),
    RETURN(SECCOMP_RET_KILL_PROCESS),
    // The flags of clone3 can't be seen here; libc falls back to clone.
    IF_EQUAL(SYS_clone3, 1),
    RETURN(SECCOMP_RET_ERRNO | ENOSYS),
    IF_EQUAL(SYS_clone, 4),
    LOAD(args[0]),
    BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, NewNamespaces, 0, 1),
    REFUSE,
    RETURN(SECCOMP_RET_ALLOW),
    // Its own limits can only go down; those of the runner are not its
    // business.
    IF_EQUAL(SYS_prlimit64, 4),
    LOAD(args[0]),
    IF_EQUAL(0, 1),
    RETURN(SECCOMP_RET_ALLOW),
    REFUSE,
};
enum { HeadCount = sizeof Head / sizeof *Head };

static const char *filterSystemCalls(void) {
  struct sock_filter Filter[HeadCount + 2 * RefusedCount + 1];
  unsigned Count = 0;
  for (; Count < HeadCount; ++Count)
    Filter[Count] = Head[Count];
  for (unsigned I = 0; I < RefusedCount; ++I) {
    Filter[Count++] = (struct sock_filter)IF_EQUAL((unsigned)Refused[I], 1);
    Filter[Count++] = (struct sock_filter)REFUSE;
  }
  Filter[Count++] = (struct sock_filter)RETURN(SECCOMP_RET_ALLOW);
  struct sock_fprog Program = {.len = (unsigned short)Count, .filter = Filter};
  // SPEC_ALLOW: a filter must not switch on mitigations that would slow down
  // what is timed.
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
              SECCOMP_FILTER_FLAG_SPEC_ALLOW, &Program) != 0)
    return "seccomp";
  return NULL;
}

// The hard limit is lowered too, as far as it is not lower already.
static bool limit(int Resource, uint64_t Soft, uint64_t Hard) {
  struct rlimit Old;
  if (getrlimit((__rlimit_resource_t)Resource, &Old) != 0)
    return false;
  struct rlimit New = {.rlim_cur = Soft < Old.rlim_max ? Soft : Old.rlim_max,
                       .rlim_max = Hard < Old.rlim_max ? Hard : Old.rlim_max};
  return setrlimit((__rlimit_resource_t)Resource, &New) == 0;
}

static bool limitResources(const Settings *S) {
  // Not isolated, the user's other processes would count as well.
  bool Ok = !S->Isolated || limit(RLIMIT_NPROC, S->Processes, S->Processes);
  if (S->MemoryBytes)
    Ok = Ok && limit(RLIMIT_AS, S->MemoryBytes, S->MemoryBytes);
  return Ok && limit(RLIMIT_CPU, S->CpuSeconds, S->CpuSeconds + 1) &&
         limit(RLIMIT_FSIZE, S->FileBytes, S->FileBytes) &&
         limit(RLIMIT_STACK, S->StackBytes, S->StackBytes) &&
         limit(RLIMIT_NOFILE, OpenFiles, OpenFiles) &&
         limit(RLIMIT_CORE, 0, 0) && limit(RLIMIT_MSGQUEUE, 0, 0);
}

static bool dropUser(uint64_t User) {
  gid_t Group = (gid_t)User;
  if (User && (setgroups(0, NULL) < 0 || setresgid(Group, Group, Group) < 0))
    return false;
  return !User || setresuid((uid_t)User, (uid_t)User, (uid_t)User) == 0;
}

const char *confine(const Settings *S) {
  if (!limitResources(S))
    return "setrlimit";
  if (!dropUser(S->User))
    return "change to the candidates' user id";
  // The other capabilities go with execve: no ambient ones, and not the root
  // user.
  if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0)
    return "drop capabilities";
  if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
    return "die with the runner";
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    return "no_new_privs";
  return filterSystemCalls();
}
