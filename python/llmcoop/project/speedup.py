"""What rewrites that are kept with a project are worth today."""

from __future__ import annotations

import tempfile
from pathlib import Path

from llmcoop.errors import ProgramError
from llmcoop.measure import LEAST_PAIRS, Misrun, Plan
from llmcoop.project import contest
from llmcoop.project.spec import ProjectSpec
from llmcoop.project.tree import ending
from llmcoop.rewrites import files, load
from llmcoop.sandbox import Sandbox
from llmcoop.toolchain import Toolchain
from llmcoop.values import EvidenceKind, Measurement


def measured_speedup(spec: ProjectSpec, rewrites: Path, seconds: float) -> Measurement:
    """Build the project without and with the rewrites in a folder, run its tests, and time both for `seconds`.

    Raises ProgramError when the project does not build, or its tests or its benchmark fail, with or without them;
    ToolchainError; UsageError for a broken rewrite.
    """
    toolchain = Toolchain.find()
    written = any(rewrite.kind is not EvidenceKind.BY_CONSTRUCTION for rewrite in load(rewrites))
    with tempfile.TemporaryDirectory(prefix="llmcoop-") as name:
        work = Path(name)
        sandbox = Sandbox.find(enabled=spec.sandbox) if written else None
        confined = contest.confinement(toolchain, sandbox, work) if sandbox else None
        prepared = contest.prepare(spec, work, confined=confined, rewrites=files(rewrites))
        tested = prepared.test()
        if tested.returncode != 0:
            raise ProgramError(
                f"with the rewrites of {rewrites} the test command `{spec.test}` {ending(tested)}",
                "`llmcoop rewrites verify` checks each; `llmcoop rewrites drop` removes one",
            )
        measured = prepared.confirm(Plan(min_pairs=LEAST_PAIRS, max_pairs=200, max_seconds=seconds))
    if isinstance(measured, Misrun):
        raise ProgramError(f"with the rewrites of {rewrites}, {measured.status}")
    return measured
