"""Read what clang tells LLVM from a `-cc1` command line, as `clang -###` prints it.

Most flags need nothing here: clang's front end writes them into the IR as attributes and module flags. What
is read here are the flags that clang hands to the optimizer and the code generator outside of the IR.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from llmcoop.errors import UsageError
from llmcoop.ir.settings import CodeGen, Tuning

_LEVEL = re.compile(r"-O(\d*|g|s|z|fast)")
_LEVELS = {"": "O1", "g": "O1", "0": "O0", "1": "O1", "2": "O2", "s": "Os", "z": "Oz"}  # all others: O3
_CODEGEN_LEVELS = {"O0": 0, "O1": 1, "O2": 2, "Os": 2, "Oz": 2, "O3": 3}

# Passes or output that belong to clang itself and that a pipeline of ours would silently leave out.
_NOT_REPRODUCED = (
    "-fsanitize=",
    "-fsanitize-coverage-type=",
    "-fprofile-instrument=",
    "-fprofile-instrument-use-path=",
    "-fprofile-sample-use=",
    "-fcoverage-mapping",
    "-coverage-notes-file",
    "-fmemory-profile",
    "-pg",
    "-finstrument-functions",
    "-fxray-instrument",
    "-fpass-plugin=",
    "-load",
    "-split-dwarf-output",
    "-fbasic-block-sections=list=",
)


class _Arguments:
    """The words of a `-cc1` command line: flags, `-name=value` and `-name value`."""

    def __init__(self, argv: Sequence[str]) -> None:
        self._words = tuple(argv)
        self._flags = frozenset(argv)

    def has(self, flag: str) -> bool:
        return flag in self._flags

    def last(self, *flags: str) -> str:
        """The one of these flags that stands last, or an empty text."""
        return next((word for word in reversed(self._words) if word in flags), "")

    def switched(self, name: str, default: bool = False) -> bool:
        """The state of `-fname` and `-fno-name`."""
        last = self.last(f"-f{name}", f"-fno-{name}")
        return not last.startswith("-fno-") if last else default

    def joined(self, prefix: str, default: str = "") -> str:
        """The value of the last `-prefix=value`."""
        values = [word.removeprefix(prefix) for word in self._words if word.startswith(prefix)]
        return values[-1] if values else default

    def separate(self, *names: str) -> tuple[str, ...]:
        """The values of every `-name value`."""
        pairs = zip(self._words, self._words[1:], strict=False)
        return tuple(value for word, value in pairs if word in names)

    def starting_with(self, prefixes: Iterable[str]) -> str:
        """The first word that starts with one of the prefixes, or an empty text."""
        prefixes = tuple(prefixes)
        return next((word for word in self._words if word.startswith(prefixes)), "")


def from_cc1(argv: Sequence[str]) -> tuple[Tuning, CodeGen]:
    """What the `-cc1` command line `argv` makes clang tell the optimizer and the code generator.

    Link-time optimization (`-flto`) is ignored: it is a choice of how the program is lowered.

    Raises UsageError for flags such as `-fsanitize=address`, whose passes are clang's own.
    """
    arguments = _Arguments(argv)
    refused = arguments.starting_with(_NOT_REPRODUCED)
    if refused:
        raise UsageError(
            f"clang's {refused} adds passes that a pipeline of LLMCoop would leave out",
            "remove that flag from cflags; LLMCoop makes its own sanitizer and profile builds",
        )
    level = _level(argv)
    return _tuning(arguments, level), _codegen(arguments, level)


def _level(argv: Sequence[str]) -> str:
    matches = [match for word in argv if (match := _LEVEL.fullmatch(word))]
    return _LEVELS.get(matches[-1][1], "O3") if matches else "O0"


def _tuning(arguments: _Arguments, level: str) -> Tuning:
    unrolling = arguments.switched("unroll-loops", default=level not in {"O0", "O1"})
    return Tuning(
        level=level,
        loop_vectorization=arguments.has("-vectorize-loops"),
        slp_vectorization=arguments.has("-vectorize-slp"),
        loop_interleaving=unrolling,  # as clang does: there is no flag of its own
        loop_unrolling=unrolling,
        loop_interchange=arguments.switched("loop-interchange"),
        loop_fusion=arguments.switched("experimental-loop-fusion"),
        merge_functions=arguments.has("-fmerge-functions"),
        call_graph_profile=not arguments.has("-no-integrated-as"),
        assignment_tracking=_tracks_assignments(arguments),
        devirtualize_speculatively=arguments.switched("devirtualize-speculatively"),
        options=_llvm_options(arguments),
    )


def _tracks_assignments(arguments: _Arguments) -> bool:
    mode = arguments.joined("-fexperimental-assignment-tracking=", "enabled")
    return mode == "forced" or (mode == "enabled" and arguments.joined("-debugger-tuning=") != "lldb")


def _codegen(arguments: _Arguments, level: str) -> CodeGen:
    return CodeGen(
        cpu=_last(arguments.separate("-target-cpu"), "x86-64"),
        features=",".join(arguments.separate("-target-feature")),
        level=_CODEGEN_LEVELS[level],
        relocation_model=_last(arguments.separate("-mrelocation-model"), "pic"),
        code_model=_code_model(arguments),
        large_data_threshold=int(arguments.joined("-mlarge-data-threshold=", "-1")),
        fp_contract=arguments.joined("-ffp-contract=", "on"),
        no_infs=arguments.has("-menable-no-infs"),
        no_nans=arguments.has("-menable-no-nans"),
        vector_library=arguments.joined("-fveclib="),
        debugger_tuning=arguments.joined("-debugger-tuning="),
        basic_block_sections=arguments.joined("-fbasic-block-sections="),
        function_sections=arguments.has("-ffunction-sections"),
        data_sections=arguments.has("-fdata-sections"),
        unique_section_names=not arguments.has("-fno-unique-section-names"),
        addrsig=arguments.has("-faddrsig"),
        relax_relocations=not arguments.has("-mrelax-relocations=no"),
        init_array=not arguments.has("-fno-use-init-array"),
        zeros_in_bss=not arguments.has("-fno-zero-initialized-in-bss"),
        integrated_assembler=not arguments.has("-no-integrated-as"),
        emulated_tls=arguments.has("-femulated-tls"),
        tls_descriptors=arguments.has("-enable-tlsdesc"),
        stack_size_section=arguments.switched("stack-size-section"),
        call_site_info=_emits_call_sites(arguments, level),
        split_machine_functions=arguments.switched("split-machine-functions"),
        force_dwarf_frame=arguments.has("-fforce-dwarf-frame"),
        strict_dwarf=arguments.has("-gstrict-dwarf"),
        loop_alignment=int(arguments.joined("-falign-loops=", "0")),
        include_paths=arguments.separate("-I", "-isystem"),
        options=_llvm_options(arguments),
    )


def _code_model(arguments: _Arguments) -> str:
    model = arguments.joined("-mcmodel=")
    return "" if model == "default" else model


def _emits_call_sites(arguments: _Arguments, level: str) -> bool:
    """Only debug information that describes variables has a use for them, and only in optimized code."""
    kind = arguments.joined("-debug-info-kind=")
    return level != "O0" and kind in {"constructor", "limited", "standalone", "unused-types"}


def _llvm_options(arguments: _Arguments) -> tuple[str, ...]:
    precision = arguments.separate("-mlimit-float-precision")
    return arguments.separate("-mllvm") + tuple(f"-limit-float-precision={bits}" for bits in precision)


def _last(values: Sequence[str], default: str) -> str:
    return values[-1] if values else default
