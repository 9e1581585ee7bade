"""Run instrumented programs in the sandbox, and read what counters they leave there."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from llmcoop import process
from llmcoop.runner import OUT, Runner
from llmcoop.sandbox import Limits, Sandbox
from llmcoop.toolchain import Toolchain
from llmcoop.values import Invocation

# One file for all runs of an executable: its counters are added up as each run ends.
ENVIRONMENT = {"LLVM_PROFILE_FILE": f"{OUT}/%m.profraw"}
_MERGE_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Profiling:
    """Runs instrumented executables, for `seconds` each at most."""

    sandbox: Sandbox
    limits: Limits
    folder: Path
    seconds: float

    def run(self, instrumented: Path, invocations: Iterable[Invocation], env: Mapping[str, str] | None = None) -> Path:
        """The folder that the executable saw as /out; what it left there may be anything."""
        raw = Path(tempfile.mkdtemp(prefix=f"{instrumented.name}.", suffix=".profile", dir=self.folder))
        raw.chmod(0o777)  # the sandboxed program may run under another user id
        left_s = self.seconds
        with Runner(self.sandbox, [instrumented], limits=self.limits, env=env, writable=raw) as runner:
            for invocation in invocations:
                left_s -= runner.run(0, invocation, timeout_s=left_s).wall_ns / 1e9
                if left_s <= 0:
                    break
        return raw


def merge(toolchain: Toolchain, sandbox: Sandbox, raw: Path) -> Path | None:
    """The file that llvm-profdata makes of those in `raw`, in a folder of its own; None if it can't.

    The program wrote them, so they may be anything: links are not followed, and they are read in the sandbox.
    """
    files = sorted(filter(_is_plain, raw.glob("*.profraw")))
    if not files:
        return None
    folder = raw.with_suffix(".merged")
    folder.mkdir()
    merged = folder / "program.profdata"
    command = sandbox.command(
        [toolchain.profdata, "merge", "-o", merged, *files],
        readonly=[raw, *toolchain.outside_usr],
        writable=[folder],
        limits=Limits(),
    )
    done = process.run(command, timeout_s=_MERGE_TIMEOUT_S)
    return merged if done.returncode == 0 and _is_plain(merged) else None


def _is_plain(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()
