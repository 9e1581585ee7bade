"""The extension over libLLVM; import it through `llmcoop.ir`."""

from collections.abc import Sequence

from typing_extensions import Buffer

from llmcoop.ir.body import Body
from llmcoop.ir.mutants import Mutant
from llmcoop.ir.settings import CodeGen, Tuning
from llmcoop.ir.values import FunctionInfo, Remark, Skipped

LLVM_MAJOR: int
LLVM_VERSION: str
LLVM_LIBRARY_DIR: str
PROGRESS_BYTES: int

class Module:
    """LLVM IR in memory, in a context of its own. Methods raise IRError for what is not valid."""

    @staticmethod
    def parse(data: str | bytes, name: str = "") -> Module:
        """Parse text or bitcode; IRError has line and column. What parses is not yet well-formed: see `verify`."""

    def verify(self) -> None:
        """Raise IRError with the verifier's words unless the module is well-formed."""

    @property
    def text(self) -> str: ...
    @property
    def bitcode(self) -> bytes: ...
    @property
    def functions(self) -> list[FunctionInfo]:
        """All but intrinsics, in the order of the module."""

    @property
    def canonical_text(self) -> str:
        """The text without what has no meaning: names of values, debug information, the module's own names."""

    def read(self, function: str) -> Body:
        """The body of a defined function as plain data; see `llmcoop.ir.body`."""

    def extract(self, names: Sequence[str]) -> Module:
        """A module that defines the named functions only, and declares what they use."""

    def link(self, other: Module) -> None:
        """Add what `other` defines."""

    def internalize(self, keep: Sequence[str]) -> None:
        """Make every definition internal, except the named ones."""

    def replace_function(self, name: str, ir: str) -> None:
        """Put the function of that name in `ir` in place of ours, if the gate lets it pass."""

    def canonical(self, function: str) -> str:
        """The text by which a later build recognizes the function: the same wherever it is compiled."""

    def canonical_replacement(self, function: str, ir: str) -> str:
        """Bring `ir`, another version of the function in the names of this module, into the names of `canonical`."""

    def run_passes(
        self,
        pipeline: str,
        *,
        options: Sequence[str] = (),
        tuning: Tuning = ...,
        codegen: CodeGen = ...,
        profile: bytes = b"",
        instrument: bool = False,
        remarks: bool = False,
    ) -> list[Remark]:
        """Run a textual pipeline, such as `default<O3>` or `sroa,gvn`, as clang would.

        `options` are LLVM's own ("-unroll-threshold=400"), set for the time of the call. `profile` is the
        contents of a .profdata file; `instrument` inserts the counters for one. Optimization remarks come
        only if asked for; warnings come always.
        """

    def annotate(
        self,
        pipeline: str,
        profile: bytes,
        *,
        options: Sequence[str] = (),
        tuning: Tuning = ...,
        codegen: CodeGen = ...,
    ) -> list[Remark]:
        """Run `pipeline` until it has read the profile; later runs on this module don't read it again.

        Counts then travel with the IR, through linking, cloning, hints and any other pipeline. Does nothing
        to a module that has them.
        """

    def emit(self, kind: str, codegen: CodeGen = ..., *, options: Sequence[str] = ()) -> bytes:
        """Generate code: "asm" gives assembly text, "obj" an ELF object. The module stays as it is."""

    def cost(self, function: str, codegen: CodeGen = ...) -> float:
        """Estimated cycles of one call, with defined callees: block trips x reciprocal throughput.

        Trips come from the profile, else from known trip counts, else from 256 elements a loop divided by
        the loop's step. For comparing versions of one function, not for predicting times.
        """

    def hotness(self, codegen: CodeGen = ...) -> dict[str, float]:
        """Each function's own share (0 to 1) of the program's estimated time, after `annotate`."""

    def multiversion(self, functions: Sequence[str], cpus: Sequence[str]) -> list[Skipped]:
        """Clone functions and their callees for better CPUs, and choose between them at run time.

        `cpus` are "x86-64-v2", "x86-64-v3" and "x86-64-v4", the best one last, each with settings if needed:
        "x86-64-v4:tune=znver4,prefer-vector-width=512". Floating-point results stay those of the baseline.
        """

    def set_hints(self, function: str, hints: Sequence[tuple[str, str]]) -> list[str]:
        """Attach attributes and loop metadata; returns LLVM options that must be set when passes run.

        inline: always, never, hint · hot, cold, optsize: true, false · prefer-vector-width, tune-cpu: value ·
        unroll, unroll_and_jam: enable, disable, full · unroll.count, unroll_and_jam.count, vectorize.width,
        interleave.count: number · vectorize.enable, distribute.enable: true, false. Loop hints go to the
        innermost loops, or with "@number" to that loop in preorder.
        """

    def add_mutants(self, limit: int) -> list[Mutant]:
        """Add at most `limit` broken versions, spread evenly over functions and operators; see `llmcoop.ir.mutants`."""

    def fix_mutant(self, number: int) -> None:
        """Make mutant `number` the only one, or the original with 0, and drop debug info."""

def report_progress(memory: Buffer) -> None:
    """Write what LLVM is doing to shared memory; fatal errors and failed allocations end the process."""

def read_progress(memory: Buffer) -> tuple[int, str, str, str]:
    """What `report_progress` wrote: end (0 none, 1 fatal error, 2 out of memory), pass, function, message."""
