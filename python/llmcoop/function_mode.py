"""Turn the spec for a function of code without main into the spec of a program around it."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

from llmcoop.errors import UsageError
from llmcoop.functions.harness import harness
from llmcoop.ir.worker import Worker
from llmcoop.sandbox import Sandbox
from llmcoop.spec import Spec
from llmcoop.toolchain import Toolchain
from llmcoop.values import Expectation, Invocation, Workload

SOURCE = "harness.c"  # in the output folder


def as_program(spec: Spec, out: Path) -> Spec:
    """`spec` as it is, or, when it names a function, with a harness for it that is written to the folder `out`.

    Tests and workload of the spec go to the harness's own: they are those of the program around the function.

    Raises:
        UsageError: no harness can be made for the function, or the spec has a workload of its own.
        ProgramError: the sources do not compile.
        ToolchainError: a tool or the sandbox failed.
    """
    if not spec.function:
        return spec
    if spec.workload != Workload(Invocation()) or spec.tests:
        raise UsageError(
            f"function {spec.function}: its harness makes up workload and tests",
            "leave them out, or write a main of your own and leave out the function",
        )
    toolchain, sandbox = Toolchain.find(), Sandbox.find(spec.sandbox)
    with tempfile.TemporaryDirectory(dir=out) as folder, Worker(sandbox) as worker:
        made = harness(toolchain, spec.program, spec.function, worker=worker, sandbox=sandbox, folder=Path(folder))
    file = out / SOURCE
    file.write_text(made.source_text)
    return replace(
        spec,
        program=replace(spec.program, sources=(*spec.program.sources, file)),
        workload=Workload(made.timed, made.variants),
        tests=tuple(Expectation(test) for test in made.tests),
    )
