"""Reduce a winner to rewrites of single functions, and find out whether the program built with them is as good."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import llmcoop
from llmcoop import clang
from llmcoop.clang import Confinement
from llmcoop.errors import ProgramError
from llmcoop.evaluate import Evaluator
from llmcoop.examiner import Examiner
from llmcoop.export import sha256
from llmcoop.facts import records
from llmcoop.functions.evidence import examined
from llmcoop.history import IDENTITY
from llmcoop.ir import CompilerFailed, IRError
from llmcoop.lowering import Lowered
from llmcoop.model_choice import SCRIPTED
from llmcoop.prepare import Prepared
from llmcoop.report import KeptRewrites, LeftOut
from llmcoop.rewrites.collecting import Collector, Parts
from llmcoop.rewrites.folder import save
from llmcoop.rewrites.rewrite import Rewrite
from llmcoop.spec import Spec
from llmcoop.values import Acceptance, Candidate, Evidence, EvidenceKind, Level, Measurement, Outcome, Program
from llmcoop.verdict import Ruling, decide

_PASS = "llmcoop"
_EXAMINED_S = 3.0  # for a proof of one function, and again for its tests
_ATTACK_SHARE = 0.4  # of the time, for attacking what a model or a person wrote
_MOST_WORDS = 200  # characters of an origin


@dataclass(frozen=True, slots=True)
class Reduction:
    """The rewrites that stay of a winner, and what is said of them."""

    rewrites: tuple[Rewrite, ...]
    kept: KeptRewrites


@dataclass(frozen=True, slots=True)
class _Built:
    """The program as clang and the plugin make it of rewrites."""

    lowered: Lowered
    objects: tuple[Path, ...]
    remarks: tuple[records.Record, ...]

    def applied(self, rewrite: Rewrite) -> bool:
        """Whether the plugin put a rewrite in."""
        return any(each.name == "Applied" and rewrite.file_name in each.message for each in self.remarks)

    def reason(self, rewrite: Rewrite) -> str:
        """Why it did not."""
        told = (each.message for each in self.remarks if rewrite.file_name in each.message)
        return next(told, "clang has other IR there")


class Reducer:
    """Reduces winners of one run."""

    def __init__(
        self,
        spec: Spec,
        program: Prepared,
        evaluator: Evaluator,
        examiner: Examiner,
        *,
        made_up: Collection[str],
        folder: Path,
        prepare_tests: Callable[[float], None],
        announce: Callable[[str], None],
    ) -> None:
        """`made_up` are names of sources that no build of the user's will have; `folder` is for builds.

        `prepare_tests` makes up tests in so many seconds, for the case that nobody needed them before.
        """
        self._spec, self._program, self._evaluator, self._examiner = spec, program, evaluator, examiner
        self._made_up, self._folder, self._prepare_tests, self._announce = made_up, folder, prepare_tests, announce

    def reduce(self, winner: Candidate, seconds: float) -> Reduction:
        """What stays of an accepted candidate, within about `seconds` for each of three attempts.

        Raises ToolchainError when a tool or the sandbox fails.
        """
        left_out = list(self._not_of_ir(winner))
        tried_before: set[tuple[Rewrite, ...]] = set()
        for proposed in self._attempts(winner):
            parts = self._examined(proposed, winner)
            left_out += parts.left_out
            if not parts.rewrites or parts.rewrites in tried_before:
                continue
            tried_before.add(parts.rewrites)
            self._announce(f"building with {len(parts.rewrites)} rewrites of single functions")
            tried = self._tried(parts.rewrites, winner, seconds)
            if isinstance(tried, Reduction):
                stays = {each.function for each in tried.rewrites}
                lost = [*(each for each in left_out if each.function not in stays), *tried.kept.left_out]
                return replace(tried, kept=replace(tried.kept, left_out=tuple(dict.fromkeys(lost))))
            left_out += [LeftOut(each.function, tried) for each in parts.rewrites]
        return Reduction((), KeptRewrites((), None, None, tuple(dict.fromkeys(left_out))))

    def _not_of_ir(self, winner: Candidate) -> Iterator[LeftOut]:
        recipe = winner.recipe
        if self._links_late:
            yield LeftOut("new versions", "no build with -flto applies them")
        below = {
            "assembly": winner.level is Level.ASM,
            "order of the executable": recipe.bolt,
            "code generation": bool(recipe.codegen),
        }
        yield from (LeftOut(name, "it is made after the IR") for name, there in below.items() if there)

    @property
    def _links_late(self) -> bool:
        """Whether the user's own build optimizes when linking."""
        flags = [flag for flag in self._spec.program.cflags if clang.LTO_FLAG.fullmatch(flag)]
        return bool(flags) and not flags[-1].startswith("-fno-")

    def _attempts(self, winner: Candidate) -> Iterator[Parts]:
        """Ever less of the winner: with its versions of functions, then its hints and clones alone."""
        lineage = self._program.lowering.lineage(winner)
        above = next((each for each in lineage if each.level is not Level.ASM), None)
        if above is None:
            return
        collector = Collector(self._program.lowering, self._spec.program.sources)
        settings = self._of_user(collector.settings(above))
        for version in () if self._links_late else self._versions(above):
            yield self._joined(settings, collector, version)
        yield settings

    def _versions(self, above: Candidate) -> Iterator[Candidate]:
        """Candidates with the functions of the winner that a build file by file may have, too."""
        texts = [each for each in self._program.lowering.lineage(above) if each.level is Level.IR and each.text]
        if not texts:
            recipe = replace(above.recipe, whole_program=False, profile=False, bolt=False, codegen=())
            yield replace(above, recipe=recipe)
        yield above

    def _joined(self, settings: Parts, collector: Collector, version: Candidate) -> Parts:
        try:
            versions = self._of_user(collector.versions(version))
        except (CompilerFailed, IRError, ProgramError) as failure:
            versions = Parts((), (LeftOut("new versions", failure.message),))
        return Parts((*settings.rewrites, *versions.rewrites), (*settings.left_out, *versions.left_out))

    def _of_user(self, parts: Parts) -> Parts:
        kept = tuple(each for each in parts.rewrites if each.module not in self._made_up)
        return replace(parts, rewrites=kept)

    # Trying

    def _tried(self, rewrites: Sequence[Rewrite], winner: Candidate, seconds: float) -> Reduction | str:
        """The program with the rewrites, tested and measured; or why it is of no use."""
        with tempfile.TemporaryDirectory(dir=self._folder) as name:
            built = self._built(rewrites, Path(name))
            if isinstance(built, str):
                return built
            applied = [each for each in rewrites if built.applied(each)]
            if not applied:
                return "not applied: " + "; ".join(dict.fromkeys(map(built.reason, rewrites)))
            lost = [LeftOut(each.function, built.reason(each)) for each in rewrites if not built.applied(each)]
            confirmed = self._evaluator.confirm(winner, built.lowered, seconds).evaluation
            evidence, measurement = confirmed.evidence, confirmed.measurement
            if confirmed.outcome is not Outcome.ACCEPTED or evidence is None or measurement is None:
                return f"the program with it is {confirmed.outcome}{_ratio(measurement)} {confirmed.message}".rstrip()
            if self._program.lowering.authored(winner):
                evidence = self._judged(applied, evidence, built, seconds * _ATTACK_SHARE)
                verdict = decide(evidence, self._spec.accept, self._examiner.adequacy)
                if verdict.ruling is not Ruling.ACCEPTED:
                    return verdict.reason
        return self._reduction(applied, winner, evidence, measurement, lost)

    def _examined(self, parts: Parts, winner: Candidate) -> Parts:
        """With what can be said for each new version by itself, where a person or a model had a hand in it."""
        if not self._program.lowering.authored(winner):
            return parts
        kept, left_out, worker = [], list(parts.left_out), self._program.lowering.worker
        for each in parts.rewrites:
            if not each.after:
                kept.append(each)
                continue
            texts = (each.before, each.after, each.function)
            finding = examined(worker, *texts, accept=Acceptance.TESTED, seconds=_EXAMINED_S)
            if finding.kind is EvidenceKind.REFUTED:
                left_out.append(LeftOut(each.function, finding.message))
            else:
                kept.append(replace(each, evidence=finding.recorded or EvidenceKind.TESTED))
        return Parts(tuple(kept), tuple(left_out))

    def _judged(self, rewrites: Sequence[Rewrite], evidence: Evidence, built: _Built, seconds: float) -> Evidence:
        """The evidence for a program with code that a person or a model wrote: attacked, unless all of it is proved."""
        if not any(each.kind is EvidenceKind.TESTED for each in rewrites):
            return replace(evidence, kind=EvidenceKind.PROVED)
        if self._examiner.testing is None:
            self._prepare_tests(seconds)
        try:
            return self._examiner.examine_objects(built.objects, built.lowered.executable, seconds, self._announce)
        except ProgramError:
            return Evidence(EvidenceKind.REFUTED)

    def _reduction(
        self,
        rewrites: Sequence[Rewrite],
        winner: Candidate,
        evidence: Evidence,
        measurement: Measurement,
        left_out: Sequence[LeftOut],
    ) -> Reduction:
        measured = f"{_ratio(measurement).strip()}, {measurement.samples} pairs, whole program with all of its run"
        model = self._spec.model
        named = winner.authored and not model.absent and not model.name.startswith(SCRIPTED)
        by = f"{model.name}: " if named else ""
        tests = f"in the run, {evidence.cases_passed} test cases passed"
        done = tuple(
            replace(
                each,
                measured=measured,
                origin=f"{by}{' '.join(winner.origin.split())[:_MOST_WORDS]}",
                evidence=f"{each.evidence}: {tests}" if each.evidence == EvidenceKind.TESTED else each.evidence,
            )
            for each in rewrites
        )
        names = tuple(each.file_name for each in done)
        return Reduction(done, KeptRewrites(names, evidence.kind, measurement, tuple(left_out)))

    # Building as the user will

    def _built(self, rewrites: Sequence[Rewrite], folder: Path) -> _Built | str:
        """The program from its own sources, by clang with the plugin; what it says if it does not compile."""
        kept, plugin = folder / "rewrites", llmcoop.plugin_path()
        for rewrite in rewrites:
            save(rewrite, kept)
        confinement = Confinement.of(self._program.sandbox, self._program.toolchain, self._spec.program)
        confinement = replace(confinement, readable=(*confinement.readable, plugin.resolve(), plugin, kept))
        cflags = tuple(flag for flag in self._spec.program.cflags if not clang.LTO_FLAG.fullmatch(flag))
        objects: list[Path] = []
        remarks: list[records.Record] = []
        for number, source in enumerate(self._spec.program.sources):
            program = Program((source,), cflags)
            object_file, told = folder / f"{number}.o", folder / f"{number}.remarks"
            extra = ["-c", f"-fpass-plugin={plugin}", "-mllvm", f"-llmcoop-rewrites={kept}"]
            extra += ["-fsave-optimization-record=yaml", f"-foptimization-record-file={told}"]
            extra += [f"-foptimization-record-passes={_PASS}"]
            done = clang.build_with_clang(self._program.toolchain, program, object_file, extra, confinement)
            if done.returncode:
                return f"clang fails: {clang.errors_of(done.stderr)}"
            objects.append(object_file)
            remarks += records.parse(told.read_text(errors="surrogateescape")) if told.is_file() else ()
        executable = folder / "reduced"
        clang.link(self._program.lowering.version(IDENTITY).front_end.link, objects, executable)
        return _Built(Lowered(executable, sha256(executable)), tuple(objects), tuple(remarks))


def _ratio(measured: Measurement | None) -> str:
    return f" {measured.speedup:.3f}x [{measured.low:.3f}, {measured.high:.3f}]" if measured else ""
