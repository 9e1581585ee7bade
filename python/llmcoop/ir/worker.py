"""Run LLVM in a process inside the sandbox, where it may crash, hang or be attacked by the IR it is given."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import llmcoop
from llmcoop import interpreter
from llmcoop.errors import ToolchainError
from llmcoop.ir import codec, jobs
from llmcoop.ir.comparison import Compare, Comparison
from llmcoop.ir.demands import Demand, Demands
from llmcoop.ir.errors import CompilerCrashed, CompilerOutOfMemory, CompilerTimedOut, Culprit, IRError
from llmcoop.ir.jobs import Built, Costs, Optimized, Passed, PassRequest
from llmcoop.ir.messages import Reply, Request
from llmcoop.ir.mutants import MUTANT_LIMIT, Equivalent, FindEquivalent, Fixed, FixMutant, Mutant, Mutate, Mutated
from llmcoop.ir.refining import Refine, Refined
from llmcoop.ir.settings import CodeGen, Tuning
from llmcoop.ir.values import FunctionInfo
from llmcoop.process import Child, ChildDied, ChildTimedOut
from llmcoop.sandbox import Limits, Sandbox

__all__ = ["Built", "Costs", "Optimized", "PassRequest", "Passed", "Worker"]

R = TypeVar("R", bound=jobs.Result)

_DEFAULT_LIMITS = Limits(cpu_s=20.0, wall_s=20.0, memory_bytes=4 << 30)
_START_S = 60.0
_GRACE_S = 10.0  # by then the server has answered, even for a job that hangs
_SETTLE_S = 2.0  # what a solver needs besides its own time: to read, to stop, to run a counterexample
_COMPILE_S = 20.0  # what a comparison may need besides its own time: to compile, and to end what does not end
_ENVIRONMENT = {"LLMCOOP_IR_WORKER": "1", "PYTHONDONTWRITEBYTECODE": "1"}


class Worker:
    """A process that does one job at a time, each in a forked child of its own; a context manager.

    Every method may raise IRError (the IR, the pipeline or an option is not valid), CompilerCrashed,
    CompilerTimedOut and CompilerOutOfMemory; after any of them the worker still serves. Not to be shared
    between threads: a worker is bound to the thread that first uses it.
    """

    def __init__(self, sandbox: Sandbox, limits: Limits = _DEFAULT_LIMITS) -> None:
        """`limits` are those of one job. The process starts with the first job.

        The first job raises ToolchainError when the sandbox can't start it.
        """
        self._sandbox = sandbox
        self._limits = limits
        self._child: Child | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process; the next job would start a new one."""
        if self._child:
            self._child.kill()
        self._child = None

    @property
    def sandbox(self) -> Sandbox:
        """What its process runs in."""
        return self._sandbox

    def optimize(self, bitcode: bytes, request: PassRequest) -> Optimized:
        """Run passes on a module."""
        return self._do(jobs.Optimize(bitcode, request), Optimized, request.all_options)

    def build(self, bitcode: bytes, request: PassRequest, *, object: bool = True, assembly: bool = False) -> Built:
        """Run passes on a module and generate an object file, assembly text, or both."""
        job = jobs.Build(bitcode, request, object, assembly)
        return self._do(job, Built, request.all_options)

    def emit(self, bitcode: bytes, request: PassRequest, *, object: bool = True, assembly: bool = False) -> Built:
        """Generate an object file, assembly text, or both for a module whose passes are done."""
        job = jobs.Emit(bitcode, request, object, assembly)
        return self._do(job, Built, request.all_options)

    def replace(self, bitcode: bytes, ir: str) -> bytes:
        """Put what `ir` defines in place of the module's own functions, through the gate; IRError if it refuses."""
        return self._do(jobs.Replace(bitcode, ir), jobs.Data).data

    def annotate(self, bitcode: bytes, request: PassRequest) -> bytes:
        """Attach `request.profile` to a module, before it is linked with others or changed.

        Functions find their counts only in the module and with the linkage that they were instrumented in.
        """
        return self._do(jobs.Annotate(bitcode, request), jobs.Data, request.all_options).data

    def run_passes(
        self,
        ir: str | bytes,
        pipeline: str,
        options: Sequence[str] = (),
        *,
        remarks: bool = False,
        tuning: Tuning | None = None,
        codegen: CodeGen | None = None,
    ) -> Passed:
        """Run a textual pipeline on text or bitcode; the result is verified, and its cost estimated."""
        request = PassRequest(
            tuning=tuning or Tuning(),
            codegen=codegen or CodeGen(),
            pipeline=pipeline,
            options=tuple(options),
            remarks=remarks,
        )
        return self._do(jobs.RunPasses(_bytes(ir), request), Passed, request.all_options)

    def analyze(self, ir: str | bytes, pipeline: str, options: Sequence[str] = ()) -> str:
        """What passes such as `print<loops>` or `print<scalar-evolution>` print; the last 64 KiB of it."""
        request = PassRequest(pipeline=pipeline, options=tuple(options))
        job = jobs.Analyze(_bytes(ir), request)
        return self._reply_to(job, request.all_options).detail

    def cost(self, ir: str | bytes) -> Costs:
        """Estimate every function of text or bitcode."""
        return self._do(jobs.Cost(_bytes(ir)), Costs)

    def link(self, modules: Sequence[bytes], keep: Sequence[str] = ()) -> bytes:
        """One module of several (bitcode); with `keep`, every other definition becomes internal."""
        return self._do(jobs.Link(tuple(modules), tuple(keep)), jobs.Data).data

    def hotness(self, bitcode: bytes, request: PassRequest) -> tuple[tuple[str, float], ...]:
        """Functions and their share (0 to 1) of the time by `request.profile`, the hottest first."""
        return self._do(jobs.Hotness(bitcode, request), jobs.Shares, request.all_options).shares

    def functions(self, ir: str | bytes) -> tuple[FunctionInfo, ...]:
        """What a module defines and declares."""
        return self._do(jobs.ListFunctions(_bytes(ir)), jobs.Functions).functions

    def canonical(self, module: str | bytes, function: str) -> str:
        """The text by which a later build recognizes `function` of a module: the same wherever it is compiled.

        It does not depend on debug info, on names of values and private constants, or on what else is in the file.
        """
        return self._do(jobs.Canonical(_bytes(module), function), jobs.Data).data.decode()

    def canonical_replacement(self, module: str | bytes, function: str, ir: str) -> str:
        """Another version of `function`, `ir` in the names of `module`, in the names of `canonical`.

        IRError if `ir` is not valid. Whether the gate lets it in, `replace` tells.
        """
        return self._do(jobs.Canonical(_bytes(module), function, ir), jobs.Data).data.decode()

    def refine(self, old: str | bytes, new: str | bytes, function: str, seconds: float) -> Refined:
        """Decide whether `function` of `new` refines that of `old`, as far as our own validator goes.

        `seconds` are in place of the worker's own limit. CompilerTimedOut, CompilerCrashed and CompilerOutOfMemory
        mean here that the solver gave up.
        """
        job = Refine(_bytes(old), _bytes(new), function, seconds)
        limits = replace(self._limits, wall_s=seconds + _SETTLE_S, cpu_s=seconds + _SETTLE_S)
        return codec.decode(Refined, self._reply_to(job, (), limits).result)

    def compare(self, old_ir: str, new_ir: str, function: str, seconds: float, seed: int = 0) -> Comparison:
        """Run `function` of both modules (text) on many inputs, for at most about `seconds`.

        What the modules define besides goes along; all else that is called must be known. `seconds` are in place of
        the worker's own limit; CompilerFailed means that one of the modules could not be compiled.
        """
        job = Compare(old_ir, new_ir, function, seconds, seed)
        return codec.decode(Comparison, self._reply_to(job, (), self._running_code(seconds)).result)

    def demand(self, ir: str, function: str) -> Demands:
        """Find out by running `function` of a module (text) what arguments it takes, and how much memory with them."""
        return codec.decode(Demands, self._reply_to(Demand(ir, function), (), self._running_code(0)).result)

    def text(self, bitcode: bytes) -> str:
        """A module as text."""
        return self._do(jobs.Disassemble(bitcode), jobs.Data).data.decode()

    def mutate(self, bitcode: bytes, limit: int = MUTANT_LIMIT) -> Mutated:
        """Add at most `limit` mutants to a module before any pass, spread evenly over functions and operators."""
        return self._do(Mutate(bitcode, limit), Mutated)

    def fix_mutant(self, bitcode: bytes, number: int) -> bytes:
        """The module of `mutate` as mutant `number` only, or as the original with 0; without debug info."""
        return self._do(FixMutant(bitcode, number), Fixed).bitcode

    def find_equivalent(self, bitcode: bytes, mutants: Sequence[Mutant]) -> frozenset[int]:
        """Numbers of those mutants in the module of `mutate` that become the same code as the original."""
        return frozenset(self._do(FindEquivalent(bitcode, tuple(mutants)), Equivalent).numbers)

    def _running_code(self, seconds: float) -> Limits:
        """Limits of a job that compiles functions and runs them for `seconds`."""
        # Their memory is a small part of an enormous range of addresses, and limited in another way.
        whole = seconds + _COMPILE_S
        return replace(self._limits, wall_s=whole, cpu_s=whole, memory_bytes=None)

    def _do(self, job: jobs.Job, kind: type[R], options: tuple[str, ...] = ()) -> R:
        return codec.decode(kind, self._reply_to(job, options).result)

    def _reply_to(self, job: jobs.Job, options: tuple[str, ...], limits: Limits | None = None) -> Reply:
        limits = limits or self._limits
        request = Request(
            kind=type(job).__name__,
            job=codec.encode(job),
            wall_s=limits.wall_s,
            cpu_s=limits.cpu_s,
            memory_bytes=limits.memory_bytes or 0,
            file_bytes=limits.file_bytes,
            stack_bytes=limits.stack_bytes,
        )
        reply = self._exchange(request, options)
        culprit = Culprit(reply.pass_name, reply.function, options)
        match reply.outcome:
            case "done":
                return reply
            case "invalid":
                raise IRError(reply.detail, reply.line, reply.column)
            case "timed out":
                raise CompilerTimedOut(limits.wall_s, culprit)
            case "out of memory":
                raise CompilerOutOfMemory(limits.memory_bytes or 0, culprit)
        raise CompilerCrashed(reply.signal, culprit, reply.detail)

    def _exchange(self, request: Request, options: tuple[str, ...]) -> Reply:
        """Send the request; a second time to a new process if the old one turns out to be gone."""
        message = codec.encode(request)
        reused = self._child is not None
        if self._child is None:
            self._child = self._start()
        try:
            self._child.send(message)
            return _reply(self._child, request.wall_s + _GRACE_S)
        except (ChildDied, codec.MalformedMessage) as error:
            self.close()
            if reused:
                return self._exchange(request, options)
            raise CompilerCrashed(0, Culprit("", "", options), error.message) from error
        except ChildTimedOut:
            self.close()
            raise CompilerTimedOut(request.wall_s, Culprit("", "", options)) from None

    def _start(self) -> Child:
        """A server that has loaded LLVM and said so."""
        child = Child(
            self._sandbox.command(
                [sys.executable, "-s", "-P", "-m", "llmcoop.ir.server"],
                readonly=_python_paths() if self._sandbox.enabled else (),
                env={**_ENVIRONMENT, "PYTHONPATH": os.pathsep.join(_package_parents())},
            )
        )
        try:
            _reply(child, _START_S)
        except ToolchainError:
            child.kill()
            raise
        return child


def _reply(child: Child, timeout_s: float) -> Reply:
    return codec.read(Reply, lambda n_bytes: child.receive(n_bytes, timeout_s))


def _bytes(ir: str | bytes) -> bytes:
    return ir.encode() if isinstance(ir, str) else ir


def _package_parents() -> list[str]:
    return [str(Path(folder).parent) for folder in llmcoop.__path__]


def _python_paths() -> list[Path]:
    """What the sandbox must show to run this Python with this package."""
    from llmcoop import _llmcoop  # noqa: PLC0415 - loads LLVM, only to learn where it is

    assert _llmcoop.__file__, "an extension is a file"
    extension = Path(_llmcoop.__file__)
    return interpreter.folders(
        *(Path(folder) for folder in llmcoop.__path__),
        Path(__file__).resolve().parents[1],
        extension.parent,
        extension.resolve().parent,
        Path(_llmcoop.LLVM_LIBRARY_DIR),
    )
