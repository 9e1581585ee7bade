"""Wrap commands so that code nobody has read can neither see nor change anything but what is named.

bubblewrap does the work. What a wrapped command sees: /usr, the named paths at their own places, a
private /tmp, the devices that have no state, and a /proc of its own PID namespace. No network, no home,
no environment but the one given.
"""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from llmcoop import process
from llmcoop.errors import ToolchainError

ENVIRONMENT = {"PATH": "/usr/bin:/bin", "HOME": "/tmp", "LANG": "C.UTF-8"}
_SCRATCH_BYTES = 1 << 30  # how much a command may leave in its /tmp, and in its /dev/shm
_WAY_OUT = "\n  ".join(
    (
        "in a container: docker run --privileged, or --cap-add SYS_ADMIN --security-opt seccomp=unconfined",
        "on Ubuntu from 23.10: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
        "or accept the risk of running unread code with your own rights: --no-sandbox",
    )
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one untrusted process tree may use.

    `wall_s` is enforced by the runner (and by `process.run`'s `timeout_s`), the rest by the kernel.
    """

    cpu_s: float = 10.0
    wall_s: float = 10.0
    memory_bytes: int | None = 4 << 30  # address space of a process; None for ASan, which reserves terabytes
    file_bytes: int = 256 << 20  # of any single file, of stdout, and of all scratch files together
    processes: int = 64  # processes and threads
    stack_bytes: int = 64 << 20


@dataclass(frozen=True, slots=True)
class Sandbox:
    """How untrusted commands are wrapped on this machine. `bwrap=None` wraps nothing: `--no-sandbox`."""

    bwrap: Path | None
    as_root: bool = False

    @staticmethod
    def find(enabled: bool = True) -> Sandbox:
        """The sandbox of this machine, tried out. `enabled=False` is the user's `--no-sandbox`.

        Raises ToolchainError if bubblewrap is missing or can't make namespaces here.
        """
        if not enabled:
            return Sandbox(bwrap=None)
        bwrap = shutil.which("bwrap")
        if bwrap is None:
            raise ToolchainError(
                "bubblewrap (bwrap) not found: unread code would run with all of your rights",
                "apt-get install bubblewrap, or accept that risk: --no-sandbox",
            )
        sandbox = Sandbox(bwrap=Path(bwrap), as_root=os.geteuid() == 0)
        trial = process.run(sandbox.command(["/usr/bin/true"]), timeout_s=20)
        if trial.returncode != 0:
            reason = trial.stderr.decode(errors="replace").strip() or f"exit status {trial.returncode}"
            raise ToolchainError(f"bubblewrap can't make a sandbox here: {reason}", _WAY_OUT)
        return sandbox

    @property
    def enabled(self) -> bool:
        """False only for `--no-sandbox`."""
        return self.bwrap is not None

    @property
    def description(self) -> str:
        """What is active, for the report."""
        if not self.enabled:
            return "none (--no-sandbox): candidates have the user's rights, files and network, within limits"
        seen = "no network, no home, only /usr and named files, private /tmp, empty environment, own processes"
        kind = "as root, candidates under an unprivileged user id" if self.as_root else "in a user namespace"
        return f"bubblewrap {kind}: {seen}"

    def command(
        self,
        argv: Sequence[str | os.PathLike[str]],
        *,
        readonly: Iterable[Path] = (),
        writable: Iterable[Path] = (),
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        limits: Limits | None = None,
        user: int = 0,
    ) -> list[str]:
        """`argv`, wrapped; `cwd` must lie in a named path. `env` is added to a minimal environment.

        As root, the command keeps uid 0 to reach the named paths whatever their owner, without capabilities
        beyond that, unless it is given another `user`: the kernel does not count the processes of root. Use
        `Runner` for candidates. `limits` are set by prlimit(1), `wall_s` is the caller's.

        Raises ToolchainError if a named path does not exist.
        """
        inner = [*_limited(limits, own_user=self.enabled), *_as_user(user), *(os.fspath(part) for part in argv)]
        if not self.enabled:
            folder = [f"--chdir={cwd}"] if cwd else []
            return ["/usr/bin/env", "-i", *folder, *_assignments(env), *inner]
        options = ["--size", str(_SCRATCH_BYTES), "--tmpfs", "/tmp"]
        options += ["--size", str(_SCRATCH_BYTES), "--tmpfs", "/dev/shm"]
        options += _bind(readonly, writable)
        if cwd is not None:
            options += ["--chdir", str(cwd.absolute())]
        if self.as_root:
            options += ["--cap-drop", "ALL", "--cap-add", "CAP_DAC_OVERRIDE"]
        if user:
            options += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
        return self.wrap(inner, options, env)

    def wrap(self, argv: Sequence[str], options: Sequence[str], env: Mapping[str, str] | None = None) -> list[str]:
        """`argv` in the bare sandbox: /usr, /proc and /dev; `options` are bwrap's, for all else.

        `env -i` comes first: bwrap's own environment can be read from inside as /proc/1/environ.
        """
        assert self.bwrap is not None
        user = [] if self.as_root else ["--unshare-user"]
        return [
            *("/usr/bin/env", "-i", *_assignments(env), str(self.bwrap)),
            *(
                *user,
                "--unshare-ipc",
                "--unshare-pid",
                "--unshare-net",
                "--unshare-uts",
                "--unshare-cgroup-try",
            ),
            *("--hostname", "sandbox", "--die-with-parent", "--new-session"),
            *_system(),
            *options,
            # As root /proc/sys is writable without any capability: core_pattern would be a way out.
            *("--remount-ro", "/proc", "--remount-ro", "/dev", "--remount-ro", "/"),
            *("--", *argv),
        ]


def _assignments(env: Mapping[str, str] | None) -> list[str]:
    return [f"{name}={value}" for name, value in {**ENVIRONMENT, **(env or {})}.items()]


def _limited(limits: Limits | None, *, own_user: bool) -> list[str]:
    """A prlimit(1) prefix. Processes are counted by user: a limit needs a user namespace of its own."""
    if limits is None:
        return []
    options = [f"--cpu={math.ceil(limits.cpu_s)}", f"--fsize={limits.file_bytes}", "--core=0"]
    options.append(f"--stack={limits.stack_bytes}:{limits.stack_bytes}")
    if limits.memory_bytes is not None:
        options.append(f"--as={limits.memory_bytes}")
    if own_user:
        options.append(f"--nproc={limits.processes}")
    return ["/usr/bin/prlimit", *options, "--"]


def _as_user(user: int) -> list[str]:
    """A setpriv(1) prefix; with the user id 0 go all capabilities."""
    if not user:
        return []
    return ["/usr/bin/setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "--no-new-privs", "--"]


def _system() -> list[str]:
    """bwrap options for what every command sees; of /etc only what links and the dynamic linker need."""
    options = ["--ro-bind", "/usr", "/usr"]
    for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32"):
        path = Path("/", name)
        if path.is_symlink():
            options += ["--symlink", str(path.readlink()), str(path)]
        elif path.is_dir():
            options += ["--ro-bind", str(path), str(path)]
    options += ["--perms", "0755", "--dir", "/etc"]
    options += ["--ro-bind-try", "/etc/alternatives", "/etc/alternatives"]
    options += ["--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache"]
    options += ["--proc", "/proc", "--tmpfs", "/dev"]
    for device in ("null", "zero", "full", "random", "urandom"):
        options += ["--dev-bind", f"/dev/{device}", f"/dev/{device}"]
    for number, link in enumerate(("stdin", "stdout", "stderr")):
        options += ["--symlink", f"/proc/self/fd/{number}", f"/dev/{link}"]
    return [*options, "--symlink", "/proc/self/fd", "/dev/fd"]


def _bind(readonly: Iterable[Path], writable: Iterable[Path]) -> list[str]:
    """bwrap options that show paths at their own places; outer folders first, or they hide inner ones."""
    kinds = {path.absolute(): "--ro-bind" for path in readonly}
    kinds |= {path.absolute(): "--bind" for path in writable}
    options: list[str] = []
    for path, kind in sorted(kinds.items(), key=lambda item: len(item[0].parts)):
        if not path.exists():
            raise ToolchainError(f"{path} does not exist, so the sandbox can't show it")
        options += [kind, str(path), str(path)]
    return options
