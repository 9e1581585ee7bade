"""The single changes to a recipe that the search combines: passes, their parameters, code generation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from llmcoop.values import FunctionRecipe, Recipe


@dataclass(frozen=True, slots=True)
class Lever:
    """One change to a recipe.

    `settings` are (field of Recipe, value) pairs; an option replaces an earlier one of the same name.
    `prior` is the logarithm of the speedup to expect where the lever changes the code at all; it orders the
    search and is soon outweighed by what is measured.
    """

    settings: tuple[tuple[str, object], ...]
    prior: float

    @property
    def name(self) -> str:
        """How the lever is shown: the values that it sets."""
        return " ".join(_shown(field, value) for field, value in self.settings)

    def applied(self, recipe: Recipe) -> Recipe:
        """`recipe` with this change."""
        for field, value in self.settings:
            recipe = replace(recipe, **{field: _merged(recipe, field, value)})
        return recipe


def _merged(recipe: Recipe, field: str, value: object) -> object:
    if field in ("options", "codegen"):
        return with_option(getattr(recipe, field), str(value))
    if isinstance(value, FunctionRecipe):
        return _with_hints(recipe.functions, value)
    return value


def with_option(options: tuple[str, ...], option: str) -> tuple[str, ...]:
    """`options` with `option` in place of any other value of the same option, sorted."""
    name = option.partition("=")[0]
    return tuple(sorted([other for other in options if other.partition("=")[0] != name] + [option]))


def _with_hints(functions: tuple[FunctionRecipe, ...], new: FunctionRecipe) -> tuple[FunctionRecipe, ...]:
    merged = {entry.function: dict(entry.hints) for entry in functions}
    merged.setdefault(new.function, {}).update(new.hints)
    return tuple(FunctionRecipe(name, tuple(sorted(hints.items()))) for name, hints in sorted(merged.items()))


def _shown(field: str, value: object) -> str:
    if isinstance(value, bool):
        return field.replace("_", "-")
    if isinstance(value, FunctionRecipe):
        return ",".join(f"{value.function}:{hint}={setting}" for hint, setting in value.hints)
    if isinstance(value, tuple):
        return f"{field}={','.join(value)}"
    return str(value)


def _option(option: str, prior: float) -> Lever:
    return Lever((("options", option),), prior)


def _codegen(option: str, prior: float) -> Lever:
    return Lever((("codegen", option),), prior)


WHOLE = ("whole_program", True)
PROFILE = ("profile", True)
V3 = ("clones", ("x86-64-v3",))
V4 = ("clones", ("x86-64-v4",))
V4_WIDE = ("clones", ("x86-64-v4:prefer-vector-width=512",))
POLLY = ("options", "-polly")
STRIPMINE = ("options", "-polly-vectorizer=stripmine")
EARLY_POLLY = ("options", "-polly-position=early")

# What is known about single levers on kernels and integer programs, as far as it goes, is in the priors: most do
# nothing for most programs, Polly and wider vectors do much for a few.
PROGRAM_LEVERS: tuple[Lever, ...] = (
    Lever((WHOLE,), 0.02),
    Lever((WHOLE, PROFILE), 0.06),
    Lever((WHOLE, V3), 0.08),
    Lever((WHOLE, V4), 0.05),
    Lever((WHOLE, V4_WIDE), 0.075),
    Lever((WHOLE, PROFILE, V3), 0.09),
    Lever((WHOLE, POLLY, STRIPMINE), 0.06),
    Lever((WHOLE, V3, POLLY, STRIPMINE), 0.085),
    Lever((WHOLE, POLLY, EARLY_POLLY, STRIPMINE), 0.02),
    Lever((WHOLE, POLLY, ("options", "-polly-tiling=false")), 0.02),
    Lever((WHOLE, POLLY, ("options", "-polly-2nd-level-tiling")), 0.015),
    Lever((WHOLE, POLLY, ("options", "-polly-vectorizer=none")), 0.01),
    Lever((("options", "-enable-loopinterchange"), ("options", "-loop-interchange-profitabilities=ignore")), 0.01),
    _option("-enable-loopinterchange", 0.015),
    _option("-inline-threshold=1000", 0.015),
    _option("-inline-threshold=50", 0.01),
    _option("-unroll-threshold=600", 0.01),
    _option("-unroll-runtime=false", 0.01),
    _option("-unroll-max-count=2", 0.005),
    _option("-vectorizer-maximize-bandwidth", 0.01),
    _option("-force-vector-width=4", 0.01),
    _option("-force-vector-width=8", 0.01),
    _option("-force-vector-interleave=1", 0.01),
    _option("-force-vector-interleave=4", 0.01),
    _option("-prefer-predicate-over-epilogue=predicate-else-scalar-epilogue", 0.004),
    _option("-enable-epilogue-vectorization=false", 0.004),
    _option("-extra-vectorizer-passes", 0.004),
    _option("-slp-threshold=5", 0.004),
    _option("-slp-threshold=-5", 0.004),
    _option("-enable-dfa-jump-thread", 0.008),
    _option("-jump-threading-threshold=24", 0.005),
    _option("-enable-newgvn", 0.004),
    _option("-enable-gvn-hoist", 0.005),
    _option("-enable-load-pre=false", 0.004),
    _option("-enable-pre=false", 0.004),
    _option("-enable-loop-versioning-licm", 0.004),
    Lever(
        (
            ("options", "-enable-unroll-and-jam"),
            ("options", "-allow-unroll-and-jam"),
            ("options", "-unroll-and-jam-count=4"),
        ),
        0.005,
    ),
    _option("-phi-node-folding-threshold=6", 0.005),
    _option("-two-entry-phi-node-folding-threshold=8", 0.005),
    _option("-runtime-memory-check-threshold=64", 0.004),
    _codegen("-x86-cmov-converter=false", 0.03),
    _codegen("-align-all-nofallthru-blocks=5", 0.005),
    _codegen("-x86-experimental-pref-innermost-loop-alignment=5", 0.005),
    _codegen("-enable-ext-tsp-block-placement", 0.004),
    _codegen("-disable-lsr", 0.005),
    _codegen("-tail-dup-placement-threshold=6", 0.004),
    _codegen("-pre-RA-sched=list-ilp", 0.004),
    _codegen("-pre-RA-sched=list-burr", 0.004),
    _codegen("-enable-misched=false", 0.004),
    _codegen("-x86-early-ifcvt", 0.004),
    Lever((("pipeline", "default<O3>,default<O3>"),), 0.005),
)

BOLT_LEVER = Lever((("bolt", True),), 0.02)

_FUNCTION_HINTS: tuple[tuple[str, str], ...] = (
    ("unroll.count", "4"),
    ("unroll.count", "8"),
    ("unroll", "disable"),
    ("vectorize.width", "1"),
    ("vectorize.width", "8"),
    ("interleave.count", "1"),
    ("interleave.count", "4"),
    ("inline", "always"),
    ("inline", "never"),
)


def function_levers(hot_functions: Sequence[str]) -> tuple[Lever, ...]:
    """Hints for single functions, the hottest first."""
    return tuple(
        Lever((("functions", FunctionRecipe(function, (hint,))),), 0.006 / (1 + rank))
        for rank, function in enumerate(hot_functions)
        for hint in _FUNCTION_HINTS
    )
