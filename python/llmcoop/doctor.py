"""Check the installation by using it: tools, plugin, sandbox, and a canary from source to timing."""

from __future__ import annotations

import hashlib
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import llmcoop
from llmcoop import process
from llmcoop.errors import LLMCoopError, ToolchainError
from llmcoop.report import Check, CheckStatus
from llmcoop.runner import Runner
from llmcoop.sandbox import Limits, Sandbox
from llmcoop.testing.builds import Instrumentation, build
from llmcoop.testing.servers import ForkServers, Target
from llmcoop.toolchain import LLVM_MAJOR, Toolchain
from llmcoop.values import Invocation, Program

PYTHONS = ((3, 11), (3, 13))
_TIMEOUT_S = 60.0
_CANARY = """
#include <stdio.h>
int main(void) {
  unsigned long sum = 0;
  for (unsigned long i = 0; i < 5000000; i++)
    sum = sum * 31 + (i ^ sum >> 7);
  printf("%lu canaries\\n", sum % 1000);
  return 0;
}
"""
_CANARY_SAYS = b"745 canaries\n"
_FORKS = 16
_FUNCTION = "int canary(const int *x, int n) { int s = 0; while (n--) s += x[n] ^ n; return s; }\n"
_REINSTALL = "install again: pip install ."
_IR = "define i32 @canary(i32 %x) {\n  %y = add i32 %x, 1\n  ret i32 %y\n}\n"


def examine(sandbox: bool = True) -> Iterator[Check]:
    """All checks, one by one; a check that needs something which failed is skipped."""
    with tempfile.TemporaryDirectory(prefix="llmcoop-doctor-") as folder:
        bench = _Bench(Path(folder), sandbox)
        for name, check in (
            ("python", _python),
            ("extension", _extension),
            ("LLVM tools", bench.tools),
            ("linker", bench.linker),
            ("plugin in opt", bench.plugin_in_opt),
            ("plugin in clang", bench.plugin_in_clang),
            ("sandbox", bench.make_sandbox),
            ("canary", bench.canary),
            ("fork servers", bench.fork_servers),
            ("llvm-bolt", bench.bolt),
        ):
            yield _checked(name, check)


def _checked(name: str, check: Callable[[], Check | str]) -> Check:
    """A check that returns text has passed; one that raises has failed."""
    try:
        found = check()
    except _Missing as missing:
        return Check(name, CheckStatus.SKIPPED, str(missing))
    except LLMCoopError as error:
        return Check(name, CheckStatus.FAILED, error.message, error.hint)
    return found if isinstance(found, Check) else Check(name, CheckStatus.PASSED, found)


class _Missing(Exception):  # noqa: N818 - it is no error of its own
    """What a check needs is not there; another check says why."""


def _worked(record: Path) -> str:
    """What the plugin says in its optimization record; it never makes a compile fail, whatever is wrong."""
    printed = record.read_text(errors="replace") if record.exists() else ""
    if "Pass:            llmcoop" not in printed or "Name:            NotRun" in printed:
        message = " ".join(re.findall(r"- String: +(.*)", printed)) or "it left no remark"
        raise ToolchainError(f"the plugin was loaded, and did nothing: {message}", _REINSTALL)
    return str(llmcoop.plugin_path())


def _python() -> str:
    version = sys.version_info[:2]
    if not PYTHONS[0] <= version <= PYTHONS[1]:
        known = " to ".join(".".join(map(str, limit)) for limit in PYTHONS)
        raise ToolchainError(f"Python {version[0]}.{version[1]}", f"use Python {known}")
    return f"{sys.version.split()[0]}, {sys.executable}"


def _extension() -> str:
    try:
        from llmcoop.ir import LLVM_VERSION, Module  # noqa: PLC0415 - whether it can be imported is the question
    except ImportError as error:
        raise ToolchainError(f"llmcoop._llmcoop can't be imported: {error}", "install again: pip install .") from error
    module = Module.parse(_IR)
    module.run_passes("default<O3>")
    return f"LLVM {LLVM_VERSION} in this process, and llvmlite of the same major"


class _Bench:
    """What later checks use of earlier ones."""

    def __init__(self, folder: Path, sandboxed: bool) -> None:
        self._folder = folder
        self._sandboxed = sandboxed
        self._toolchain: Toolchain | None = None
        self._sandbox: Sandbox | None = None

    def tools(self) -> str:
        self._toolchain = Toolchain.find()
        return f"clang, opt and profile tools {self._toolchain.version} in {self._toolchain.llvm_bin}"

    def linker(self) -> str:
        source = self._folder / "canary.c"
        source.write_text(_CANARY)
        self._run([self._clang, "-O3", source, "-o", self._folder / "canary"], "install libc6-dev")
        hint = f"apt-get install lld-{LLVM_MAJOR}"
        self._run([self._clang, "-O3", "-flto", "-fuse-ld=lld", source, "-o", self._folder / "canary-lto"], hint)
        return "the system's linker, and lld with link-time optimization"

    def plugin_in_opt(self) -> str:
        source, function, record = (self._folder / name for name in ("function.c", "function.ll", "opt.yaml"))
        source.write_text(_FUNCTION)
        hint = f"apt-get install clang-{LLVM_MAJOR}"
        self._run([self._clang, "-O3", "-S", "-emit-llvm", source, "-o", function], hint)
        plugin = f"-load-pass-plugin={llmcoop.plugin_path()}"
        records = (f"-pass-remarks-output={record}", "-pass-remarks-filter=llmcoop")
        self._run([self._tools.opt, plugin, "-passes=llmcoop", *records, "-disable-output", function], _REINSTALL)
        return _worked(record)

    def plugin_in_clang(self) -> str:
        source, record = self._folder / "function.c", self._folder / "clang.yaml"
        source.write_text(_FUNCTION)
        plugin = [f"-fpass-plugin={llmcoop.plugin_path()}", "-mllvm", "-llmcoop-mode=search"]
        records = (f"-foptimization-record-file={record}", "-foptimization-record-passes=llmcoop")
        self._run([self._clang, "-O3", *plugin, *records, "-c", source, "-o", self._folder / "f.o"], _REINSTALL)
        return _worked(record)

    def make_sandbox(self) -> Check | str:
        self._sandbox = Sandbox.find(self._sandboxed)
        if not self._sandbox.enabled:
            return Check("sandbox", CheckStatus.WARNING, self._sandbox.description)
        return self._sandbox.description

    def canary(self) -> str:
        executable = self._folder / "canary"
        if self._sandbox is None or not executable.exists():
            raise _Missing("needs the linker and the sandbox")
        with Runner(self._sandbox, [executable], limits=Limits(), cpu=None) as runner:
            results = [runner.run(0, Invocation()) for _ in range(3)]
        wrong = next((result for result in results if result.stdout != _CANARY_SAYS), None)
        if wrong is not None:
            raise ToolchainError(
                f"the canary ended with {wrong.status} and {wrong.stdout[:80]!r}: {wrong.stderr[:200]!r}",
                "its executable and the sandbox do not fit this machine: report this as a defect",
            )
        times = ", ".join(f"{result.wall_ns / 1e6:.2f}" for result in results)
        return f"built, sandboxed and timed: {times} ms"

    def fork_servers(self) -> str:
        source, executable = self._folder / "canary.c", self._folder / "instrumented"
        if self._sandbox is None or not source.exists():
            raise _Missing("needs the linker and the sandbox")
        build(self._tools, Program((source,)), executable, Instrumentation.COVERAGE)
        with ForkServers(self._sandbox, [Target(executable)], limits=Limits()) as servers:
            answers = [answer for (answer,) in servers.run([Invocation()] * _FORKS, [0], timeout_s=_TIMEOUT_S)]
        expected = hashlib.sha256(_CANARY_SAYS).digest()
        if any(answer.digest != expected or answer.exit_code != 0 for answer in answers):
            raise ToolchainError("the instrumented canary does not say what the canary says", _REINSTALL)
        return f"{_FORKS} runs with coverage, {sum(answer.ns for answer in answers) / _FORKS / 1e6:.2f} ms each"

    def bolt(self) -> Check | str:
        if self._tools.bolt is None:
            hint = f"apt-get install bolt-{LLVM_MAJOR}"
            return Check("llvm-bolt", CheckStatus.WARNING, "not found; candidates do without it", hint)
        return str(self._tools.bolt)

    @property
    def _tools(self) -> Toolchain:
        if self._toolchain is None:
            raise _Missing("needs the LLVM tools")
        return self._toolchain

    @property
    def _clang(self) -> Path:
        return self._tools.clang

    def _run(self, argv: list[Path | str], hint: str) -> None:
        """Run a command that must succeed quietly. Raises `ToolchainError`."""
        done = process.run([str(word) for word in argv], timeout_s=_TIMEOUT_S)
        if done.timed_out or done.returncode != 0:
            printed = done.stderr.decode(errors="replace").strip()[-500:]
            raise ToolchainError(f"{' '.join(map(str, argv))}\n{printed or f'exit {done.returncode}'}", hint)
